"""The names that `customerservice.mail` gives, each loaded when it is first asked for."""

import pytest

import customerservice.mail


@pytest.mark.parametrize("name", customerservice.mail.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    """What the list of names promises can be had."""
    assert getattr(customerservice.mail, name).__name__ == name


def test_unknown_name_is_an_attribute_error() -> None:
    """A wrong name fails as it does in any module."""
    with pytest.raises(AttributeError, match="nonsense"):
        customerservice.mail.nonsense  # noqa: B018
