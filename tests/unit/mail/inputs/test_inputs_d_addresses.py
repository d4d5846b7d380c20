"""Bad input of addresses: what two programs could read as two people has no address, and names are never believed."""

import time

import pytest
from mail_samples import mail
from registry import bad_input

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import ReceivedMail, parse

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow


def codes(read: ReceivedMail) -> set[str]:
    return {defect.code for defect in read.defects}


def sender(header: str | bytes) -> str | None:
    """Give the address of the sender whom a From names."""
    line = b"From: " + (header if isinstance(header, bytes) else header.encode())
    raw = mail(From="").replace(b"Subject:", line + b"\nSubject:")
    read = parse(raw)
    assert read.text == "Hello"
    assert read.sender is not None
    return None if read.sender.address is None else read.sender.address.value


@bad_input(64)
@pytest.mark.parametrize(
    "header", ["<>", "@", '"', "a@[", "<", ">", "@@", "a@", "@b", "(", ")", "\\", ",", ";", ":", "<@>"]
)
def test_remains_of_addresses(header: str) -> None:
    """What is no address is none; nothing is raised."""
    assert sender(header) is None


@bad_input(65)
def test_groups_of_recipients() -> None:
    """A group gives its members, one without members nobody (RFC 5322 3.4)."""
    read = parse(
        mail(To="Friends: anna@mail.example, Bo <bo@mail.example>;, c@mail.example", Cc="undisclosed-recipients:;")
    )

    assert [str(entry.address) for entry in read.to] == ["anna@mail.example", "bo@mail.example", "c@mail.example"]
    assert (read.cc, codes(read)) == ((), set())


@bad_input(65)
def test_group_as_sender() -> None:
    """RFC 6854 allows a group as From; its member is the sender, but not every server knows that."""
    assert sender("Support: anna@mail.example;") == "anna@mail.example"
    assert parse(mail(From="Support: anna@mail.example;")).sender_is_uncertain


@bad_input(66)
@pytest.mark.parametrize(
    "header",
    [
        "alice@shop.example)bob@evil.example",
        "alice@shop.example(bob@evil.example",
        "alice@shop.example<bob@evil.example>",
        "<alice@shop.example><bob@evil.example>",
        "<alice@shop.example>@evil.example",
        "alice@shop.example@evil.example",
        "alice@shop.example bob@evil.example",
        "alice@shop.example;<bob@evil.example",
        "alice@shop.example\\,bob@evil.example",
        '"alice@shop.example"<bob@evil.example>bob@evil.example',
        "alice@[shop.example]bob@evil.example",
        "<bob@evil.example",
        "=?utf-8?q?alice=40shop.example=3C?=bob@evil.example>",
        "bob@evil.example [alice@shop.example]",
    ],
)
def test_family_of_cve_2023_27043(header: str) -> None:
    """One program reads Alice in it, another Bob: for the help desk it is nobody."""
    assert sender(header) is None


@bad_input(67)
@pytest.mark.parametrize(
    "name",
    [
        '"ceo@shop.example"',
        '"help@shop.example (via phone)"',
        "=?utf-8?q?ceo=40shop=2Eexample?=",
        '"ceo@shop.example,"',
    ],
)
def test_address_as_display_name(name: str) -> None:
    """The address in angle brackets is the sender; the name is shown as what it is."""
    read = parse(mail(From=f"{name} <eve@evil.example>"))

    assert read.sender is not None
    assert read.sender.address == EmailAddress("eve@evil.example")
    assert "shop.example" in read.sender.name


@bad_input(67)
def test_other_address_before_the_address_without_quotes() -> None:
    """Without quotes some programs take the first of the two addresses."""
    assert sender("ceo@shop.example <eve@evil.example>") is None


@bad_input(68)
@pytest.mark.parametrize(
    ("address", "twin"),
    [
        ("anna@\u0455hop.example", "anna@shop.example"),
        ("anna@xn--hop-xzc.example", "anna@shop.example"),
        ("\u0430nna@shop.example", "anna@shop.example"),
        ("anna@sho\u0440.example", "anna@shop.example"),
    ],
)
def test_look_alikes(address: str, twin: str) -> None:
    """An address in letters that only look Latin is another one."""
    read = sender(address)

    assert read == address
    assert EmailAddress(address).key != EmailAddress(twin).key


@bad_input(68)
@pytest.mark.parametrize(
    "domain", ["shop\u3002example", "shop\u2024example", "shop.example\u2100x", "\uff53hop.example"]
)
def test_signs_that_stand_for_others(domain: str) -> None:
    """A domain whose signs become dots and slashes on the way to DNS is no address, or keeps its own key."""
    read = sender(f"anna@{domain}")

    assert read is None or EmailAddress(read).value == f"anna@{domain}"
    assert read is None or "\uff53" in domain


@bad_input(69)
@pytest.mark.parametrize(
    "address", ["änna@mail.example", "مريم@بريد.example", "太郎@例え.example", "δοκιμή@mail.example"]
)
def test_international_addresses(address: str) -> None:
    """Letters of any script are taken, raw as RFC 6532 has them."""
    assert sender(address) == address
    assert sender(f"Anna <{address}>") == address


@bad_input(70)
@pytest.mark.parametrize(
    "header",
    [
        '"a\\"@good.example"@evil.example',
        '"anna miller"@mail.example',
        '"eve@evil.example> x"@mail.example',
        "@a.example,@b.example:c@d.example",
        "anna@[192.0.2.1]",
        "<anna@[IPv6:2001:db8::1]>",
    ],
)
def test_forms_that_programs_read_differently(header: str) -> None:
    """Quoted local parts, routes without brackets and address literals give no address."""
    assert sender(header) is None


@bad_input(70)
def test_route_is_left_out() -> None:
    """A route (RFC 5322 4.4) says how, not where to; a server need not know it."""
    assert sender("Mary <@a.example,@b.example:mary@mail.example>") == "mary@mail.example"
    assert parse(mail(From="<@a.example:mary@mail.example>")).sender_is_uncertain


@bad_input(71)
@pytest.mark.parametrize(
    "header", ["(" * 5_000 + ")" * 5_000 + "anna@mail.example", "anna@mail.example " + "(" * 90_000, "(a)" * 30_000]
)
def test_very_many_comments(header: str) -> None:
    """Comments are read without recursion, in time."""
    began = time.process_time()
    read = sender(header)

    assert time.process_time() - began < GUARD
    assert read == ("anna@mail.example" if header.endswith("anna@mail.example") else None)


@bad_input(72)
def test_very_many_recipients() -> None:
    """Of 20,000 recipients the first thousand of each field are kept, and a defect says so."""
    began = time.process_time()
    read = parse(mail(Cc=", ".join(f"a{number}@x.example" for number in range(20_000))))

    assert time.process_time() - began < GUARD
    assert (len(read.cc), codes(read)) == (1_000, {"too_many_addresses", "header_too_large"})


@bad_input(73, 74)
def test_own_address_as_sender_is_read_like_any_other() -> None:
    """The reader knows no addresses of ours; who is behind one is decided by the help desk."""
    assert sender("Help <help@shop.example>") == "help@shop.example"
    assert [str(entry.address) for entry in parse(mail(From="eve@evil.example, help@shop.example")).senders] == [
        "eve@evil.example",
        "help@shop.example",
    ]


@bad_input(75)
@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        ("eve@evil.example", ["eve@evil.example"]),
        (", ".join(f"a{number}@x.example" for number in range(50)), [f"a{number}@x.example" for number in range(50)]),
        ("eve@evil.example\r\n Bcc: all@shop.example", [None]),
        ("=?utf-8?q?eve=0D=0ABcc:_x?= <eve@evil.example>", ["eve@evil.example"]),
    ],
)
def test_reply_to_is_apart_from_the_sender(header: str, addresses: list[str | None]) -> None:
    """A Reply-To is kept for itself, on one line, and never is the sender."""
    read = parse(mail(Reply_To=header))

    assert [entry.address and entry.address.value for entry in read.reply_to] == addresses
    assert read.sender is not None
    assert read.sender.address == EmailAddress("anna@mail.example")
    assert not any("\n" in entry.name or "\r" in entry.name for entry in read.reply_to)


@bad_input(76)
def test_variants_of_an_address() -> None:
    """An address is kept as it is written; case makes no other person, tags and dots may."""
    assert sender("Anna.Miller+Shop@MAIL.example") == "Anna.Miller+Shop@MAIL.example"
    assert EmailAddress("ANNA@mail.example").key == EmailAddress("anna@MAIL.example").key
    assert EmailAddress("anna+shop@mail.example").key != EmailAddress("anna@mail.example").key
    assert EmailAddress("an.na@mail.example").key != EmailAddress("anna@mail.example").key


@bad_input(77)
@pytest.mark.parametrize(
    "header",
    [
        b"an\0na@mail.example",
        b"anna@mail.exa\0mple",
        b"<anna\r\n miller@mail.example>",
        b"<anna@mail\r\n example>",
        b"anna miller@mail.example",
        b"a" * 10_240 + b"@mail.example",
        b"anna@" + b"a." * 5_000 + b"example",
        b"anna@mail.example\x01",
        b"anna\x7f@mail.example",
        b"<anna\r@mail.example>x",
    ],
)
def test_addresses_that_no_server_takes(header: bytes) -> None:
    """NUL, line breaks, blanks within and absurd lengths leave no address."""
    assert sender(header) is None


@bad_input(78)
@pytest.mark.parametrize(
    ("value", "null", "address"),
    [
        ("<>", True, None),
        ("< >", True, None),
        ("<anna@mail.example>", False, "anna@mail.example"),
        ("anna@mail.example", False, "anna@mail.example"),
        ("<MAILER-DAEMON>", False, None),
        ("<a@x.example> <b@x.example>", False, None),
    ],
)
def test_return_paths(value: str, null: bool, address: str | None) -> None:
    """The empty return path, which forbids any answer, is told from a missing one."""
    read = parse(mail(Return_Path=value))

    assert (read.null_return_path, read.return_path and read.return_path.value) == (null, address)
    assert not parse(mail()).null_return_path
