"""The command `customerservice`, also `python -m customerservice`."""

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit status; 2 if the extra `cli` is not installed.

    The arguments are those of the process unless `argv` is given (without the program's name).
    """
    try:
        import click  # noqa: F401  asked for by itself, so that a fault inside our own command line is never mistaken for it
    except ImportError:
        print("customerservice: the command line needs: pip install 'customerservice[cli]'", file=sys.stderr)
        return 2
    from customerservice.entrypoints.cli import main as run

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
