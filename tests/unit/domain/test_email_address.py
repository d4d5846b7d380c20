"""Which texts are one plain address, and when two are the same person's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.errors import InvalidValue
from customerservice.testing.builders import email_addresses

ACCEPTED = [
    "a@b",
    "anna@shop.example",
    "Anna.Maria+tag@Mail.Shop.example",
    "o'hara@shop.example",
    "!#$%&'*+-/=?^_`{|}~@shop.example",
    "-dash@shop.example",
    "änne@bücher.example",
    "用户@例え.example",
    "x" * 64 + "@shop.example",
    "a@" + "b" * 253,
]

REFUSED = [
    "",
    "@",
    "anna",
    "anna@",
    "@shop.example",
    "anna@@shop.example",
    "a@b@shop.example",
    ".anna@shop.example",
    "anna.@shop.example",
    "an..na@shop.example",
    "anna@.shop.example",
    "anna@shop.example.",
    "anna@shop..example",
    "anna@[127.0.0.1]",
    "anna@shop_.example",
    "anna @shop.example",
    "anna@ shop.example",
    " anna@shop.example",
    "anna@shop.example ",
    "anna@shop.example\n",
    "anna@shop.example\r\nBcc: x@y.example",
    "an\tna@shop.example",
    "an\x00na@shop.example",
    "an\x7fna@shop.example",
    "an\x85na@shop.example",
    "an\u00a0na@shop.example",
    "an\u2028na@shop.example",
    "an\u3000na@shop.example",
    "an\ud800na@shop.example",
    "anna@sh\udcffop.example",
    "anna@shop\u3002example",
    "anna@shop\uff0eexample",
    '"anna"@shop.example',
    '"an na"@shop.example',
    "anna(comment)@shop.example",
    "Anna <anna@shop.example>",
    "<anna@shop.example>",
    "anna@shop.example,max@shop.example",
    "anna@shop.example;",
    "friends:anna@shop.example;",
    "@relay.example:anna@shop.example",
    "anna\\@shop.example",
    "x" * 65 + "@shop.example",
    "ä" * 33 + "@shop.example",
    "a@" + "b" * 254,
]

#: How CVE-2023-27043 made one address be read as another.
CONFUSING = [f"alice@example.org{sign}bob@example.com" for sign in '()<>,:;.@"[]'] + [
    f"alice@example.org{opening}<bob@example.com>"
    for opening in ('"', "(", ")", "[", "]", " ", "@", ";", ":", ".", ",")
]

#: Domains that DNS would look up under another name than the one shown (CVE-2019-9636).
DISGUISED = [
    "anna@shop\u2024example",
    "anna@bank.example\u2100.evil.example",
    "anna@shop\uff0fx.example",
    "anna@shop\uff20x.example",
    "anna@sh\u2026p.example",
    "anna@shop\u2488.example",
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_plain_address_is_kept_as_written(text: str) -> None:
    """Case, tags and letters stay; the parts are those around the @."""
    address = EmailAddress(text)

    assert (address.value, str(address)) == (text, text)
    assert f"{address.local}@{address.domain}" == text


@pytest.mark.parametrize("text", [*REFUSED, *CONFUSING, *DISGUISED], ids=ascii)
def test_anything_else_is_refused(text: str) -> None:
    """Programs would disagree about whom it means, so it means nobody."""
    with pytest.raises(InvalidValue, match="address"):
        EmailAddress(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@shop.example", "anna@SHOP.example"),
        ("ÄNNE@shop.example", "änne@shop.example"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("anna@BÜCHER.example", "anna@bücher.EXAMPLE"),
        ("anna@straße.example", "anna@strasse.example"),
    ],
)
def test_same_person_has_the_same_key(one: str, other: str) -> None:
    """Upper and lower case, and both spellings of an international domain."""
    assert EmailAddress(one).key == EmailAddress(other).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna@shop.example", "anna+x@shop.example"),
        ("an.na@shop.example", "anna@shop.example"),
        ("anna@shop.example", "anna@mail.shop.example"),
        ("anna@shop.example", "ánna@shop.example"),
        ("mike@shop.example", "mi\N{KELVIN SIGN}e@shop.example"),
        ("anna@shop.example", "anna@shоp.example"),
    ],
)
def test_other_person_has_another_key(one: str, other: str) -> None:
    """Tags, dots, sub-domains, accents and look-alike letters are different mailboxes."""
    assert EmailAddress(one).key != EmailAddress(other).key


def test_case_never_turns_a_foreign_letter_into_ascii() -> None:
    """No address outside ASCII has the key of one inside, whatever letter Unicode's lower case would give."""
    letters = [chr(code) for code in range(0x80, 0x3000) if chr(code).isalpha()]

    assert [letter for letter in letters if EmailAddress(f"{letter}@shop.example").key.isascii()] == []


def test_domain_that_dns_cannot_hold_is_compared_as_written() -> None:
    """A label of more than 63 bytes has no A-label form."""
    assert EmailAddress("Anna@" + "Ü" * 60).key == "anna@" + "ü" * 60


@given(email_addresses())
def test_key_is_the_key_of_itself(address: EmailAddress) -> None:
    """Comparing keys of keys changes nothing."""
    assert EmailAddress(address.key).key == address.key


@given(st.text('ab@."<>(), :;\\[]\n\u2024\u3002é', max_size=12))
def test_text_is_one_address_or_refused(text: str) -> None:
    """Nothing is repaired: what is accepted is exactly the text, and has one @ and no sign of syntax."""
    try:
        address = EmailAddress(text)
    except InvalidValue:
        return

    assert address.value == text
    assert text.count("@") == 1
    assert not set(text) & set('"<>(), :;\\[]\n\u2024\u3002')
