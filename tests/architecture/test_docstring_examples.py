"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import customerservice


def _examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(customerservice.__path__, "customerservice."):
        # Migration scripts run only inside Alembic, and importing __main__ is harmless but shows nothing.
        if ".migrations." in found.name or found.name.endswith("__main__"):
            continue
        module = importlib.import_module(found.name)
        yield from (example for example in finder.find(module) if example.examples)


@pytest.mark.parametrize("example", list(_examples()), ids=lambda example: example.name)
def test_docstring_example_runs(example: doctest.DocTest, tmp_path, monkeypatch) -> None:
    """What a docstring shows is what happens."""
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=report.append)

    assert "".join(report) == ""
