"""The command line: `main` runs it. Needs the extra ``cli``."""

from customerservice.entrypoints.cli.program import main as main
