"""What is public explains itself, and so does every test."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import customerservice

PACKAGE = Path(customerservice.__path__[0])
TESTS = Path(__file__).resolve().parents[1]

type_of_definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public_without_docstring(node: ast.Module | ast.ClassDef, path: str) -> Iterator[str]:
    for child in node.body:
        if not isinstance(child, type_of_definition) or child.name.startswith("_"):
            continue
        if not ast.get_docstring(child) and not _says_elsewhere(child):
            yield f"{path}.{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from _public_without_docstring(child, f"{path}.{child.name}")


def _says_elsewhere(node: type_of_definition) -> bool:
    """Whether the docstring is that of the getter, of the overloaded function or of the overridden method."""
    words = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(words & {"setter", "deleter", "overload", "override"})


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_names_have_docstrings(path: Path) -> None:
    """A module and its public classes, methods and functions each have a docstring."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    dotted = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)

    assert ast.get_docstring(module), f"{dotted} has no docstring"
    assert list(_public_without_docstring(module, dotted)) == []


@pytest.mark.parametrize("path", sorted(TESTS.rglob("test_*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_tests_have_docstrings(path: Path) -> None:
    """Each test states in a docstring the behaviour it holds to."""
    tests = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]

    assert [test.name for test in tests if not ast.get_docstring(test)] == []
