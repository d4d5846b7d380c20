"""Print the one command line that the README gives directly under a ``###`` heading.

Usage: python readme_command.py HEADING [README]
"""

import re
import sys
from pathlib import Path


def main() -> None:
    """Print the command, or stop with what is wrong with the README."""
    heading, readme = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else "README.md")
    block = re.search(
        rf"^### {re.escape(heading)}\n\n```sh\n([^\n]+)\n```$", readme.read_text(encoding="utf-8"), re.MULTILINE
    )
    if block is None:
        sys.exit(f"{readme}: no sh block of one line directly under '### {heading}'")
    print(block[1])


if __name__ == "__main__":
    main()
