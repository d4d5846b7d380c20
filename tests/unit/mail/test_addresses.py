"""Address headers: one mailbox or none, never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.mail.addresses import read_addresses


def read(header: str) -> list[tuple[str | None, str]]:
    return [(entry.address and entry.address.value, entry.name) for entry in read_addresses(header)[0]]


@pytest.mark.parametrize(
    ("header", "address", "name"),
    [
        ("anna@mail.example", "anna@mail.example", ""),
        (" <anna@mail.example> ", "anna@mail.example", ""),
        ("Anna Miller <anna@mail.example>", "anna@mail.example", "Anna Miller"),
        ('"Miller, Anna" <anna@mail.example>', "anna@mail.example", "Miller, Anna"),
        ('"A \\"x\\" \\\\ M" <anna@mail.example>', "anna@mail.example", 'A "x" \\ M'),
        ("Miller, Anna <anna@mail.example>", "anna@mail.example", "Miller, Anna"),
        ("anna@mail.example (Anna \\) (M.) Miller)", "anna@mail.example", "Anna ) (M.) Miller"),
        ("<anna@mail.example> (Anna)", "anna@mail.example", "Anna"),
        ("Anna (work) <anna@mail.example>", "anna@mail.example", "Anna"),
        ("=?utf-8?q?=C3=84nna?= =?utf-8?q?_M?= <anna@mail.example>", "anna@mail.example", "Änna M"),
        ("=?utf-8?q?Miller,_Anna?= <anna@mail.example>", "anna@mail.example", "Miller, Anna"),
        ("=?utf-8?q?a=40evil.example?= <anna@mail.example>", "anna@mail.example", "a@evil.example"),
        ('"ceo@shop.example" <anna@mail.example>', "anna@mail.example", "ceo@shop.example"),
        ("anna@mail.example <ANNA@Mail.example>", "ANNA@Mail.example", "anna@mail.example"),
        ("[Support] <anna@mail.example>", "anna@mail.example", "[Support]"),
        ("Anna\r\n <anna@mail.example>", "anna@mail.example", "Anna"),
        ("änna@münchen.example", "änna@münchen.example", ""),
    ],
)
def test_ordinary_forms(header: str, address: str, name: str) -> None:
    """What every program reads alike is read: plain, named, quoted, commented, encoded, international."""
    assert read(header) == [(address, name)]


@pytest.mark.parametrize(
    "header",
    [
        "alice@example.org)bob@evil.example",
        "alice@example.org <bob@evil.example>",
        "<alice@example.org>bob@evil.example",
        "<alice@example.org> <bob@evil.example>",
        "alice@example.org bob@evil.example",
        "=?utf-8?q?a=40evil.example=3C?=@mail.example",
        "a?=@mail.example",
        "=?utf-8?q?x,<a@evil.example>?= <anna@mail.example>",
        '"a\\"@good.example"@evil.example',
        "<@a.example,@b.example:c@d.example>",
        "a@[192.0.2.1]",
        "a@[",
        "anna @mail.example",
        "anna@ mail.example",
        "anna(work)@mail.example",
        "anna@mail.example.",
        "anna@@mail.example",
        "<anna@mail.example",
        "anna@mail.example>",
        "Anna \\ <anna@mail.example>",
        "John @ Work <john@mail.example>",
        "(unclosed anna@mail.example",
        "Friends: anna@mail.example",
        "<>",
        "@",
        '"',
        "a" * 65 + "@mail.example",
        "a\0b@mail.example",
    ],
)
def test_whatever_programs_read_differently_has_no_address(header: str) -> None:
    """The families of CVE-2023-27043, encoded addresses, routes, literals and broken brackets give no address."""
    found = read(header)

    assert [address for address, _ in found] == [None]


def test_lists_and_groups_are_flattened() -> None:
    """Commas, semicolons and groups part the entries; empty entries and empty groups give none."""
    header = "undisclosed-recipients:;, Team: a@x.example, Bo <b@x.example>;, , c@x.example; d@x.example,"

    assert read(header) == [("a@x.example", ""), ("b@x.example", "Bo"), ("c@x.example", ""), ("d@x.example", "")]


def test_words_without_an_address_are_an_entry_of_their_own() -> None:
    """A bare word is no half of the plain address behind it, nor is a quoted address."""
    assert read("root, a@x.example") == [(None, "root"), ("a@x.example", "")]
    assert read('"eve@x.example", <a@x.example>') == [(None, "eve@x.example"), ("a@x.example", "")]
    assert read("nobody") == [(None, "nobody")]


def test_members_of_an_unclosed_group_are_listed_without_address() -> None:
    """A group that never ends may mean anything."""
    assert read("Team: a@x.example, b@x.example") == [(None, ""), (None, "")]


@pytest.mark.parametrize("header", ["", " ", ",,;", "(nobody)"])
def test_header_without_entries(header: str) -> None:
    """A header that names nobody gives nobody."""
    assert all(address is None for address, _ in read(header))


def test_limit_of_entries() -> None:
    """Beyond the limit entries are left out, and that is told."""
    found, cut = read_addresses(", ".join(f"a{number}@x.example" for number in range(20)), limit=10)

    assert (len(found), cut) == (10, True)


def test_very_long_header_is_cut_between_entries() -> None:
    """Of a header longer than any real one the first entries are read whole."""
    found, cut = read_addresses(("a" * 60 + "@x.example,") * 2_000, limit=10_000)

    assert {entry.address and entry.address.value for entry in found} == {"a" * 60 + "@x.example"}
    assert (cut, read_addresses("a" * 200_000)) == (True, ((), True))


@given(st.text(alphabet='ab@<>(),;:"\\[] .=?q\r\n', max_size=60))
def test_no_header_raises_and_every_address_stands_in_it(header: str) -> None:
    """Addresses are never invented: each one given is literally there."""
    for entry in read_addresses(header)[0]:
        assert entry.address is None or (isinstance(entry.address, EmailAddress) and entry.address.value in header)
