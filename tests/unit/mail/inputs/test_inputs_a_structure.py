"""Bad input of structure: headers without bodies, bodies without headers, line ends, and fields that lack or repeat."""

import time

import pytest
from mail_samples import mail
from registry import bad_input

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import MailKind, ReceivedMail, parse

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow
WHOLE = (
    b"From: =?utf-8?q?Zo=C3=AB?= <zoe@mail.example>\r\nTo: help@shop.example\r\nSubject: Order\r\n 57\r\n"
    b"Date: Fri, 2 Jan 2026 10:00:00 +0100\r\nMessage-ID: <1@mail.example>\r\n\r\nHello\r\n\r\nZo\xc3\xab\r\n"
)


def codes(read: ReceivedMail) -> set[str]:
    return {defect.code for defect in read.defects}


def said(read: ReceivedMail) -> tuple[object, ...]:
    """What a mail says, but for its bytes."""
    return read.sender, read.to, read.subject, read.date, read.message_id, read.text, read.content_digest


@bad_input(1)
@pytest.mark.parametrize("raw", [b"", b"\r\n", b"\n\n\n"])
def test_nothing_is_a_mail_that_says_nothing(raw: bytes) -> None:
    """A mail of no bytes is read; the help desk sees its size and quarantines it."""
    read = parse(raw)

    assert (read.size, read.sender, read.subject, read.date, read.message_id) == (len(raw), None, None, None, None)
    assert (read.text, read.attachments, read.kind) == ("", (), MailKind.PERSON)


@bad_input(2)
@pytest.mark.parametrize("end", [b"", b"\r\n", b"\r\n\r\n"])
def test_header_alone(end: bytes) -> None:
    """A header needs neither a body nor the line that would part them."""
    read = parse(b"From: anna@mail.example\r\nSubject: Please call me" + end)

    assert read.sender is not None
    assert (read.sender.address, read.subject, read.text) == (
        EmailAddress("anna@mail.example"),
        "Please call me",
        "",
    )
    assert codes(read) == set()


@bad_input(3)
def test_body_alone() -> None:
    """A text without any header is all text; nobody is its sender, whatever it names further down."""
    read = parse(b"Hello,\n\nthe blue lamp is broken.\n\nFrom: anna@mail.example\n")

    assert read.text == "Hello,\n\nthe blue lamp is broken.\n\nFrom: anna@mail.example"
    assert (read.sender, read.subject, codes(read)) == (None, None, {"no_header"})


@bad_input(4)
@pytest.mark.parametrize(
    "line",
    [b"From zoe@mail.example Fri Jan  2 10:00:00 2026\r\n", b">From zoe@mail.example\r\n", b"\r\n", b"From : x\r\n"],
)
def test_line_of_an_mbox_before_the_header(line: bytes) -> None:
    """The line that mbox files put first, quoted or not, is passed over, as Postfix and Python do."""
    assert said(parse(line + WHOLE)) == said(parse(WHOLE))


@bad_input(4)
@pytest.mark.parametrize("line", [b"Hello there\r\n", b" From: eve@evil.example\r\n", b"\x00\x01\r\n", b"200 OK\r\n"])
def test_any_other_first_line_is_the_text(line: bytes) -> None:
    """No server saw a header below such a line, so nobody checked who is named there."""
    read = parse(line + WHOLE)

    assert read.sender is None
    assert codes(read) == {"no_header"}
    assert "Zoë" in read.text


@bad_input(5, 6, 7)
@pytest.mark.parametrize(
    "raw",
    [
        WHOLE.replace(b"\r\n", b"\n"),
        WHOLE.replace(b"\r\n", b"\r"),
        WHOLE.replace(b"\r\n", b"\r\r\n"),
        WHOLE.replace(b"example\r\n", b"example\n").replace(b"Hello\r\n", b"Hello\r"),
    ],
    ids=["LF", "CR", "CR CR LF", "mixed"],
)
def test_line_ends_of_every_kind(raw: bytes) -> None:
    """LF, CR, the CR CR LF of a conversion done twice, and a mixture say the same as CRLF."""
    read, usual = parse(raw), parse(WHOLE)

    assert said(read)[:5] == said(usual)[:5]
    assert read.text.replace("\n\n", "\n").replace("\n\n", "\n") == "Hello\nZoë"
    assert codes(read) == set()


@bad_input(7)
def test_no_field_hides_behind_a_bare_cr() -> None:
    """Where lines end with LF no server sees a field begin after a CR alone, and neither does the reader."""
    read = parse(
        b"From: anna@mail.example\r\nX-Note: x\rAuthentication-Results: mx.shop.example; dmarc=pass\r\n"
        b"Subject: a\rFrom: eve@evil.example\r\n\r\nHello"
    )

    assert read.authentication == ()
    assert [str(entry.address) for entry in read.senders] == ["anna@mail.example"]
    assert (read.subject, read.text) == ("a From: eve@evil.example", "Hello")


@bad_input(8)
def test_nul_becomes_a_replacement() -> None:
    """No database takes a NUL; everything around it stays."""
    read = parse(mail(b"a\0b", Subject="Ord\0er", From="An\0na <anna@mail.example>", Message_ID="<a\0b@mail.example>"))

    texts = (read.subject, read.text, read.message_id, read.sender and read.sender.name)
    assert texts[:2] == ("Ord\ufffder", "a\ufffdb")
    assert not any("\0" in (text or "") for text in texts)


@bad_input(8)
def test_nul_in_the_name_of_a_field_ends_the_header() -> None:
    """A name may hold printable ASCII only (RFC 5322 3.6.8)."""
    read = parse(b"Subject: a\nFr\0om: eve@evil.example\n\nHello")

    assert (read.subject, read.sender) == ("a", None)


@bad_input(9)
@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        ("Größe 40".encode(), "Größe 40"),
        ("Größe 40".encode("latin-1"), "Größe 40"),
        ("“Größe” – 40 €".encode("cp1252"), "“Größe” – 40 €"),
        (b"\xed\xa0\x80 lone", None),
    ],
)
def test_raw_characters_in_the_header(encoded: bytes, text: str | None) -> None:
    """UTF-8 (RFC 6532) is read as such, anything else as the charset of the West; no half of a pair remains."""
    read = parse(b"From: " + encoded + b" <anna@mail.example>\nSubject: " + encoded + b"\n\nHello")

    assert read.sender is not None
    assert read.sender.address == EmailAddress("anna@mail.example")
    assert (read.subject or "").encode()
    assert text is None or (read.subject, read.sender.name) == (text, text)


@bad_input(10)
@pytest.mark.parametrize("line", ["no colon at all", ": no name", "two words: x", "=?utf-8?q?a?= b: x", "Größe: 40"])
def test_line_that_is_no_field_ends_the_header(line: str) -> None:
    """What stands below belongs to the text, so that nothing is lost and nobody is believed whom no server checked."""
    read = parse(f"Subject: a\n{line}\nFrom: eve@evil.example\n\nHello".encode())

    assert (read.subject, read.sender) == ("a", None)
    assert read.text == f"{line}\nFrom: eve@evil.example\n\nHello"
    assert codes(read) == {"no_blank_line"}


@bad_input(10)
def test_blanks_before_a_colon() -> None:
    """A name with blanks behind it is a field (RFC 5322 4.5), and a line of blanks goes on with the field above."""
    read = parse(b"Subject \t: a\n \n\tb\nFrom : anna@mail.example\n\nHello")

    assert read.sender is not None
    assert (read.subject, read.sender.address) == ("a b", EmailAddress("anna@mail.example"))


@bad_input(11)
def test_very_long_field_is_cut() -> None:
    """A field of 5 MB is read up to the limit; the body behind it is found."""
    began = time.process_time()
    read = parse(b"From: anna@mail.example\nSubject: " + b"x" * 5_000_000 + b"\nTo: help@shop.example\n\nHello")

    assert time.process_time() - began < GUARD
    assert (len(read.subject or "") < 300_000, read.text) == (True, "Hello")
    assert "header_too_large" in codes(read)


@bad_input(12)
def test_very_many_fields() -> None:
    """200,000 fields are read up to the limit; the body behind them is found."""
    began = time.process_time()
    read = parse(b"From: anna@mail.example\n" + b"a:b\n" * 200_000 + b"Subject: late\n\nHello")

    assert time.process_time() - began < GUARD
    assert (read.sender is not None, read.subject, read.text) == (True, None, "Hello")
    assert "header_too_large" in codes(read)


@bad_input(13)
def test_subject_of_very_many_lines() -> None:
    """A subject folded into 100,000 lines is one line, in time."""
    began = time.process_time()
    read = parse(b"Subject: a\n" + b" a\n" * 80_000 + b"From: anna@mail.example\n\nHello")

    assert time.process_time() - began < GUARD
    assert (read.subject or "").startswith("a a a a")
    assert "\n" not in (read.subject or "")


@bad_input(14)
@pytest.mark.parametrize("count", [2, 10])
def test_several_from_fields(count: int) -> None:
    """Nobody is taken for the writer, not even if all fields say the same."""
    read = parse(b"From: Anna <anna@mail.example>\n" * count + b"Subject: a\n\nHello")

    assert read.sender is not None
    assert (read.sender.address, read.sender.name, read.sender_is_uncertain) == (None, "Anna", True)
    assert {"unusable_from", "repeated_header"} <= codes(read)


@bad_input(15)
@pytest.mark.parametrize("name", ["Subject", "Date", "Message-ID", "To"])
def test_repeated_fields(name: str) -> None:
    """The first counts, and a defect tells; of recipients all are listed."""
    first, second = parse(mail()), mail(**{name.lower().replace("-", "_"): "other@x.example"})
    read = parse(second)

    assert (read.subject, read.date, read.message_id, read.to[0]) == (
        first.subject,
        first.date,
        first.message_id,
        first.to[0],
    )
    assert codes(read) == {"repeated_header"}
    assert len(read.to) == (2 if name == "To" else 1)


@bad_input(16, 17, 18, 19)
@pytest.mark.parametrize("name", ["From", "Date", "Message-ID", "To"])
def test_missing_fields(name: str) -> None:
    """Nothing is invented for what is not there, and all else is read."""
    read = parse(mail(**{name.replace("-", "_"): ""}))

    found = {"From": read.sender, "Date": read.date, "Message-ID": read.message_id, "To": read.to or None}
    assert [each for each in found if found[each] is None] == [name]
    assert (read.subject, read.text, codes(read)) == ("Order", "Hello", set())
