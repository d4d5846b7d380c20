"""Every bad input has a test that shows what happens to it."""

from collections import Counter

import pytest
from registry import GROUPS, INPUTS, LAST, shown, sources

SHOWN = Counter(number for number, _ in shown(sources()))


@pytest.mark.parametrize("number", INPUTS, ids=str)
def test_bad_input_has_a_test(number: int) -> None:
    """A test is marked with the number."""
    arrives, happens = INPUTS[number]

    assert SHOWN[number], f"no test shows what happens to {arrives}: {happens}"


def test_every_number_is_known() -> None:
    """The numbers go from 1 to 105, in groups, and no test has another one."""
    assert list(INPUTS) == list(range(1, 106))
    assert list(LAST) == list(GROUPS)
    assert sorted(LAST.values()) == list(LAST.values())
    assert list(LAST.values())[-1] == 105
    assert set(SHOWN) <= set(INPUTS)
