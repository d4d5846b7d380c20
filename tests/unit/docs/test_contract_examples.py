"""The adapters that the how-to pages write keep the contracts they are measured by."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HOWTO = Path(__file__).resolve().parents[3] / "docs" / "howto"


@pytest.mark.parametrize(("page", "least"), [("storage.md", 200), ("transport.md", 15)])
def test_example_keeps_the_contract(page: str, least: int, tmp_path: Path) -> None:
    """The page's code, as a test module of somebody else, passes every test of the suite it inherits."""
    blocks = re.findall(r"^```python\n(.*?)^```", (HOWTO / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    module = tmp_path / "test_example.py"
    module.write_text("\n\n".join(blocks), encoding="utf-8")

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(module)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-3000:]
    passed = re.search(r"([0-9]+) passed", run.stdout)
    assert passed is not None
    assert int(passed[1]) >= least
