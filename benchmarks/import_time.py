"""How long the front door takes, as a multiple of the imports nobody could do without.

Usage: python benchmarks/import_time.py [--runs N] [--json]

Both sides are timed in fresh processes of the same run, in turn, without the start of the interpreter. Exits 1 when the
ratio of the shortest processor times is over the limit.
"""

import argparse
import json
import platform
import subprocess
import sys

FRONT_DOOR = "from customerservice import HelpDesk, Thread; HelpDesk.in_memory()"
FLOOR = "import attrs, email.message"
LIMIT = 3.0


def seconds(statement: str) -> float:
    """Give the processor time of `statement` in a fresh interpreter."""
    code = f"import time; t = time.process_time()\n{statement}\nprint(time.process_time() - t)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def main() -> int:
    """Measure, print, and judge."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=15, help="pairs of runs (default %(default)s)")
    arguments.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    chosen = arguments.parse_args()

    seconds(FRONT_DOOR), seconds(FLOOR)  # the first run of each writes byte code
    pairs = [(seconds(FRONT_DOOR), seconds(FLOOR)) for _ in range(chosen.runs)]
    # What else the machine does only ever adds to a time.
    ours, floor = (min(side) for side in zip(*pairs, strict=True))
    result = {
        "benchmark": "import_time",
        "python": platform.python_version(),
        "machine": platform.machine(),
        "runs": chosen.runs,
        "front_door_seconds": round(ours, 5),
        "floor_seconds": round(floor, 5),
        "ratio": round(ours / floor, 2),
        "limit": LIMIT,
    }
    if chosen.json:
        print(json.dumps(result))
    else:
        print(f"{FRONT_DOOR:<70} {ours * 1000:8.1f} ms")
        print(f"{FLOOR:<70} {floor * 1000:8.1f} ms")
        print(f"{'ratio (limit ' + str(LIMIT) + ')':<70} {ours / floor:8.2f}")
    return 0 if ours / floor <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
