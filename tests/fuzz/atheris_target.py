"""Mails that grow by coverage: what the mutations of our own do not think of.

``python -m tests.fuzz.atheris_target FOLDER [-max_total_time=600 ...]`` keeps in the folder what it found worth
keeping, and stops at the first broken promise, whose mail it writes into a ``crash-`` file. Needs ``pip install
atheris`` (3.0 for Python 3.11) beside this package and hypothesis. Further arguments are those of libFuzzer.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def hold_to_promises(raw: bytes) -> None:
    """Raise if reading a mail breaks a promise."""
    from tests.fuzz.promises import broken_promises

    broken = broken_promises(raw)
    if broken:
        raise AssertionError("\n".join(broken))


def main(arguments: Sequence[str]) -> int:
    """Run as a program; give its exit status, if libFuzzer lets it."""
    try:
        import atheris
    except ImportError:
        print(
            "atheris is not installed: pip install atheris (3.0 for Python 3.11; later ones need 3.12)", file=sys.stderr
        )
        return 2
    with atheris.instrument_imports(include=["customerservice"]):
        from tests.fuzz.mutate import seeds

        import customerservice.mail.inspection
        import customerservice.mail.reader  # noqa: F401
    with tempfile.TemporaryDirectory(prefix="customerservice-seeds-") as folder:
        for number, raw in enumerate(seeds()):
            Path(folder, f"{number}.eml").write_bytes(raw)
        atheris.Setup([sys.argv[0], "-max_len=20000", "-timeout=5", *arguments, folder], hold_to_promises)
        atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
