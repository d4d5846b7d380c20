"""The bad input that mail brings, by number: what arrives, what happens then, and the mark of the tests that show it.

A test names what it shows, ``from registry import bad_input`` at the top of its file::

    @bad_input(8, 92)
    def test_nul_is_replaced() -> None: ...
"""

from collections.abc import Callable
from typing import TypeVar

import pytest

Test = TypeVar("Test", bound=Callable[..., object])


def bad_input(*numbers: int) -> Callable[[Test], Test]:
    """Mark a test as one that shows what happens to the bad input of these numbers."""

    def mark(test: Test) -> Test:
        test.bad_inputs = numbers  # type: ignore[attr-defined]
        return pytest.mark.bad_input(*numbers)(test)

    return mark
