"""Address headers: one mailbox or none, never a guess."""

import email._header_value_parser as parser
import email.utils

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.errors import InvalidValue
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
        ("'anna@mail.example' <anna@mail.example>", "anna@mail.example", "'anna@mail.example'"),
        ("=?utf-8?q?anna@mail.example?= <anna@mail.example>", "anna@mail.example", "anna@mail.example"),
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
        "@a.example,@b.example:c@d.example",
        "<@a.example,b.example:c@d.example>",
        "<@a.example,,@b.example:c@d.example>",
        "<@:c@d.example>",
        "<:c@d.example>",
        "<@a.example c@d.example>",
        "<@(work)a.example:c@d.example>",
        "a@[192.0.2.1]",
        "a@[",
        "Dr. anna@mail.example",
        "anna . miller@mail.example",
        "anna@mail example",
        "anna@mail(x)example",
        "anna@mail.example .",
        "anna@mail.example.",
        "'anna@mail.example <anna@mail.example>",
        "=?utf-8?q?eve@evil.example?= <anna@mail.example>",
        "=?utf-8?q??=anna@mail.example <anna@mail.example>",
        '"eve@evil.example" [x] <anna@mail.example>',
        "=?utf-8?q?eve=40evil.example?= [x] <anna@mail.example>",
        '"eve@evil.example" [x]: anna@mail.example;',
        "a: b: anna@mail.example;",
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
    """The families of CVE-2023-27043, encoded addresses, broken routes, literals and brackets give no address."""
    found = read(header)

    assert {address for address, _ in found} == {None}


OBSOLETE = [
    ("anna @mail.example", "anna@mail.example", ""),
    ("anna@ mail.example", "anna@mail.example", ""),
    ("anna(work)@mail.example", "anna@mail.example", "work"),
    ("jdoe@test   . example", "jdoe@test.example", ""),
    ("John <jdoe@machine(comment).  example>", "jdoe@machine.example", "John"),
    ("Pete(A \\) chap) <pete(his account)@silly.test(his host)>", "pete@silly.test", "Pete"),
    ("<@a.example,@b.example:c@d.example>", "c@d.example", ""),
    ("Mary <@machine.example:mary@mail.example>", "mary@mail.example", "Mary"),
    ("Team: anna@mail.example;", "anna@mail.example", ""),
    ("A Group(x) :Chris <c@(Chris's host.)public.example> (y); (the end)", "c@public.example", "Chris"),
]


@pytest.mark.parametrize(("header", "address", "name"), OBSOLETE)
def test_forms_that_few_programs_write(header: str, address: str, name: str) -> None:
    """Groups, and the comments, blanks and routes of RFC 5322 4.4, are read where its grammar leaves one meaning."""
    assert read(header) == [(address, name)]


@pytest.mark.parametrize("header", [header for header, _, _ in OBSOLETE])
def test_strict_reading_knows_the_plain_form_only(header: str) -> None:
    """A reader who trusts a server's check of the sender can leave out what that server may not know."""
    assert {entry.address for entry in read_addresses(header, strict=True)[0]} == {None}


@pytest.mark.parametrize("header", ['"Weber, Anna" <anna@mail.example>', "Anna Weber <anna@mail.example>"])
@pytest.mark.parametrize("times", [1, 19, 30])
def test_plain_entries_are_read_alike_however_many(header: str, times: int) -> None:
    """Strictly or not, few or many: the plain form gives its address, and the limit counts entries."""
    for strict in (False, True):
        entries, cut = read_addresses(", ".join([header] * times), strict=strict, limit=25)

        assert [str(entry.address) for entry in entries] == ["anna@mail.example"] * min(times, 25)
        assert {entry.name for entry in entries} == {header.partition(" <")[0].strip('"')}
        assert cut == (times > 25)


def test_lists_and_groups_are_flattened() -> None:
    """Commas, semicolons and groups part the entries; empty entries and empty groups give none."""
    header = "undisclosed-recipients:;, Team: a@x.example, Bo <b@x.example>;, , c@x.example; d@x.example,"

    assert read(header) == [("a@x.example", ""), ("b@x.example", "Bo"), ("c@x.example", ""), ("d@x.example", "")]


def test_words_without_an_address_are_an_entry_of_their_own() -> None:
    """A bare word is no half of the plain address behind it, nor is a quoted address."""
    assert read("root, a@x.example") == [(None, "root"), ("a@x.example", "")]
    assert read('"eve@x.example", <a@x.example>') == [(None, "eve@x.example"), ("a@x.example", "")]
    assert read("=?utf-8?q?eve=40x.example?=x, Anna <a@x.example>") == [
        (None, "eve@x.examplex"),
        ("a@x.example", "Anna"),
    ]
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
    """Addresses are never invented: each one that is read strictly is literally there."""
    for entry in read_addresses(header, strict=True)[0]:
        assert entry.address is None or (isinstance(entry.address, EmailAddress) and entry.address.value in header)


def keys(texts: list[str | None]) -> set[str]:
    found = set()
    for text in texts:
        try:
            found.add(EmailAddress(text or "").key)
        except InvalidValue:
            continue
    return found


def as_getaddresses_reads(header: str) -> set[str]:
    return keys([address for _, address in email.utils.getaddresses([header])])


def as_the_policies_read(header: str) -> set[str]:
    try:
        found = parser.get_address_list(header)[0]
    except Exception:  # it raises four kinds of errors for headers like these
        return set()
    return keys([mailbox.addr_spec for mailbox in found.all_mailboxes])


PIECES = [
    "a@x.example", "b@y.example", "a", "Anna", "x.example", "@", "<", ">", "(", ")", '"', "'", ",", ";", ":", " ", ".",
    "\\", "[", "]", "=?utf-8?q?b=40y.example?=", "=?utf-8?q?b@y.example?=", "=?utf-8?q?", "?=", "(b@y.example)",
    '"b@y.example"', "<b@y.example>", "<a@x.example>", "<@b.example:", "(x)@", " @ ", " . ",
]  # fmt: skip


@settings(max_examples=2_000)
@given(st.lists(st.sampled_from(PIECES), max_size=9).map("".join))
def test_nobody_reads_another_address(header: str) -> None:
    """Where a header means one mailbox here, both readers of Python's library find the same one, or none."""
    entries = read_addresses(header)[0]
    ours = keys([entry.address.value for entry in entries if entry.address is not None])
    if len(entries) == len(ours) == 1:
        assert as_getaddresses_reads(header) in (set(), ours)
        assert as_the_policies_read(header) in (set(), ours)
