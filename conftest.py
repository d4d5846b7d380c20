"""Runs the Python examples of the README and the documentation as tests, each file in an empty folder of its own."""

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.integration.pytest import SybilItem
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


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the examples of a page together and in their order: each goes on from the one before it.

    Tests are shuffled otherwise (pytest-randomly), the pages among them.
    """
    pages: dict[Any, list[SybilItem]] = {}
    for item in items:
        if isinstance(item, SybilItem):
            pages.setdefault(item.parent, []).append(item)
    for page in pages.values():
        page.sort(key=lambda item: item.example.line)
    items[:] = [
        each for item in items for each in (pages.pop(item.parent, []) if isinstance(item, SybilItem) else [item])
    ]
