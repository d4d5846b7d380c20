"""The target of the coverage-guided fuzzer, which needs a package that no test does."""

import subprocess
import sys
from pathlib import Path

from tests.fuzz.atheris_target import hold_to_promises

ROOT = Path(__file__).resolve().parents[2]


def test_sound_mail_passes() -> None:
    """A mail whose reading breaks no promise ends in nothing."""
    assert hold_to_promises(b"From: a@b.example\n\nHello\n") is None  # type: ignore[func-returns-value]


def test_absent_package_is_named() -> None:
    """Without atheris the target says how to get it."""
    # An entry of None makes the import fail, installed or not.
    program = (
        "import sys; sys.modules['atheris'] = None; from tests.fuzz.atheris_target import main; sys.exit(main([]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, "pip install atheris" in done.stderr) == (2, True)
