"""Reply tokens, signed addresses and subject markers (R19-R21)."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.errors import InvalidValue
from customerservice.mail.tokens import (
    REPLY,
    ReplyKeys,
    check_pattern,
    read_signed_address,
    signed_address,
    subject_marker,
)

KEYS = ReplyKeys([b"first key, sixteen bytes", b"second key, sixteen bytes"])
THREAD = UUID(int=57)
PATTERN = "Support+{token}@Shop.example"


def test_token_is_26_characters_of_lower_case_base32() -> None:
    """A token is 128 bits as lower-case base32 without padding."""
    token = KEYS.token(REPLY, THREAD, 0)

    assert len(token) == 26
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_token_is_a_fixed_function_of_its_inputs() -> None:
    """The derivation never changes: tokens live in customers' mailboxes for years."""
    assert ReplyKeys([b"0123456789abcdef"]).token(REPLY, UUID(int=1), 2) == "tqpgnu5776inlq3z2k7mpjanrq"


def test_own_token_verifies_in_any_case() -> None:
    """Mail programs change upper and lower case, and the token still verifies."""
    assert KEYS.verifies(KEYS.token(REPLY, THREAD, 3).upper(), REPLY, THREAD, 3)


@given(
    purpose=st.sampled_from([REPLY, "guest", "reply\0"]),
    thread=st.uuids(),
    generation=st.integers(0, 2**40),
)
def test_token_verifies_for_nothing_else(purpose: str, thread: UUID, generation: int) -> None:
    """A token holds for exactly one purpose, thread and generation."""
    token = KEYS.token(purpose, thread, generation)

    assert KEYS.verifies(token, purpose, thread, generation)
    assert not KEYS.verifies(token, purpose + "x", thread, generation)
    assert not KEYS.verifies(token, purpose, UUID(int=thread.int ^ 1), generation)
    assert not KEYS.verifies(token, purpose, thread, generation + 1)


@pytest.mark.parametrize("token", ["", "a" * 25, "a" * 27, "a" * 25 + "1", "ä" * 26, "a" * 26 + "\n"])
def test_token_of_another_shape_is_wrong(token: str) -> None:
    """What cannot be a token is simply false."""
    assert not KEYS.verifies(token, REPLY, THREAD, 0)


def test_second_key_verifies_but_does_not_sign() -> None:
    """The first key signs, all verify, so that keys can be replaced."""
    old = ReplyKeys([b"second key, sixteen bytes"])

    assert KEYS.verifies(old.token(REPLY, THREAD, 0), REPLY, THREAD, 0)
    assert KEYS.token(REPLY, THREAD, 0) != old.token(REPLY, THREAD, 0)


@pytest.mark.parametrize("keys", [[], [b"short"], [b"sixteen bytes ok!", b"short"]])
def test_weak_keys_are_refused(keys: list[bytes]) -> None:
    """A key has at least sixteen bytes, and there is at least one."""
    with pytest.raises(InvalidValue, match="keys"):
        ReplyKeys(keys)


def test_keys_do_not_show_in_the_repr() -> None:
    """No key gets into a log by way of a repr."""
    assert repr(KEYS) == "ReplyKeys(keys=<2 hidden>)"


def test_signed_address_reads_back() -> None:
    """The address of a thread gives its number and token again, in any case."""
    token = KEYS.token(REPLY, THREAD, 0)
    address = signed_address(PATTERN, 57, token)

    assert address.value == f"Support+57-{token}@Shop.example"
    assert read_signed_address(PATTERN, EmailAddress(address.value.upper())) == (57, token)


def test_signed_address_knows_both_forms_of_an_international_domain() -> None:
    """A server that writes the domain as A-labels still delivers to the same thread."""
    token = KEYS.token(REPLY, THREAD, 0)
    address = EmailAddress(f"57-{token}@xn--mnchen-3ya.example")

    assert read_signed_address("{token}@münchen.example", address) == (57, token)


@pytest.mark.parametrize(
    "address",
    [
        "support@shop.example",
        "support+57@shop.example",
        "support+0-" + "a" * 26 + "@shop.example",
        "support+057-" + "a" * 26 + "@shop.example",
        "support+57-" + "a" * 25 + "@shop.example",
        "support+57-" + "a" * 26 + "@shop.example.evil.example",
        "xsupport+57-" + "a" * 26 + "@shop.example",
        "support+\u0665-" + "a" * 26 + "@shop.example",
    ],
)
def test_other_addresses_are_not_signed(address: str) -> None:
    """Only exactly the pattern with a number and a token is a signed address."""
    assert read_signed_address(PATTERN, EmailAddress(address)) is None


@pytest.mark.parametrize(
    "pattern", ["support@shop.example", "{token}{token}@shop.example", "a@{token}.example", "{token}"]
)
def test_unusable_patterns_are_refused(pattern: str) -> None:
    """A pattern is an address with {token} once, before the @."""
    with pytest.raises(InvalidValue):
        check_pattern(pattern)


def test_signed_address_too_long_for_mail_is_refused() -> None:
    """A local part over 64 bytes is refused when made, not by a server later."""
    with pytest.raises(InvalidValue, match="longer"):
        signed_address("a" * 40 + "{token}@shop.example", 57, "a" * 26)


def test_marker_with_and_without_token() -> None:
    """A marker informs with the number alone and can join with the token."""
    assert subject_marker(57) == "[#57]"
    assert subject_marker(57, "a" * 26) == f"[#57 {'a' * 26}]"
