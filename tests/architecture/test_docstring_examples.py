"""Every module can be imported by itself, and the examples in its docstrings run."""

import doctest
import importlib
from pathlib import Path

import pytest

import customerservice

PACKAGE = Path(customerservice.__path__[0])


def _modules() -> list[str]:
    names = (".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in PACKAGE.rglob("*.py"))
    # Migration scripts can be imported only while Alembic runs them.
    return sorted(name.removesuffix(".__init__") for name in names if ".migrations." not in name)


@pytest.mark.parametrize("name", _modules())
def test_docstring_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the docstrings of a module show is what happens."""
    monkeypatch.chdir(tmp_path)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    report: list[str] = []
    for examples in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name), name):
        runner.run(examples, out=report.append)

    assert "".join(report) == ""
