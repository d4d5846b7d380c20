"""What the repository must not hold."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Put together from pieces, or this file would be the first to be found.
REGISTRIES = re.compile(
    "|".join(
        re.escape(".".join(parts))
        for parts in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("deb", "debian", "org"),
            ("crates", "io"),
            ("golang", "org"),
        )
    )
)
MACHINE_PATHS = re.compile(r"(?<![\w./-])/(?:" + "|".join(("work", "root", "home", "Users")) + r")/[\w.-]+")


def _tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: there is no list of tracked files")
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("pattern", [REGISTRIES, MACHINE_PATHS], ids=["package registries", "paths of one machine"])
def test_tracked_files_name_no_machine(pattern: re.Pattern[str]) -> None:
    """No tracked file names the host of a package registry or a path that exists on one machine only."""
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match.group()}"
        for path in _tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if (match := pattern.search(line))
    ]

    assert found == []


def test_readme_commands_are_one_line_each() -> None:
    """Directly under `### Run it` and `### Test it` stands one fenced sh block of one command line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for heading in ("Run it", "Test it"):
        block = re.search(rf"^### {heading}\n\n```sh\n([^\n]+)\n```$", readme, re.MULTILINE)

        assert block, f"no one-line command under {heading!r}"
