"""Add up what the test runs of a log closed with, and print one closing line in pytest's form.

Usage: python summary.py LOG SECONDS. Exits 1 if any test failed or none ran.
"""

import re
import sys
from collections import Counter
from pathlib import Path

CLOSING = re.compile(r"^(?:=+ )?(\d+ [a-z]+(?:, \d+ [a-z]+)*) in [\d.]+s\b")
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def main() -> None:
    """Print the sum of every closing line in the log."""
    log, seconds = Path(sys.argv[1]), float(sys.argv[2])
    sums: Counter[str] = Counter()
    runs = 0
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
        closing = CLOSING.match(COLOUR.sub("", line).strip())
        if closing:
            runs += 1
            for part in closing[1].split(", "):
                count, word = part.split(" ", 1)
                sums[{"errors": "error", "warnings": "warning"}.get(word, word)] += int(count)
    shown = [f"{sums[word]} {word}" for word in ("failed", "passed", "skipped", "deselected", "error") if sums[word]]
    print(f"{runs} test runs")
    print(f" {', '.join(shown) or 'no tests ran'} in {seconds:.2f}s ".center(80, "="))
    sys.exit(1 if sums["failed"] or sums["error"] or not sums["passed"] else 0)


if __name__ == "__main__":
    main()
