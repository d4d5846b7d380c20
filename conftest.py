"""Runs the Python examples of the README and the documentation as tests, each file in an empty folder of its own."""

import os
import tempfile
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser


def _enter_empty_folder(namespace: dict[str, Any]) -> None:
    folder = tempfile.TemporaryDirectory(prefix="customerservice-example-")
    namespace["_leave"] = (Path.cwd(), folder)
    os.chdir(folder.name)


def _leave_folder(namespace: dict[str, Any]) -> None:
    before, folder = namespace.pop("_leave")
    os.chdir(before)
    folder.cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md", "docs/**/*.md"],
    setup=_enter_empty_folder,
    teardown=_leave_folder,
).pytest()
