"""Bad input of MIME: multiparts that are deep, endless or unclosed, encodings that lie, types that are none."""

import base64
import time

import pytest
from mail_samples import mail, multipart, part, with_parts
from registry import bad_input

from customerservice.mail import ReceivedMail, parse

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow


def codes(read: ReceivedMail) -> set[str]:
    return {defect.code for defect in read.defects}


def files(read: ReceivedMail) -> list[tuple[str | None, str, bytes]]:
    return [(item.filename, item.media_type, item.content) for item in read.attachments]


def nested(depth: int) -> bytes:
    """Give a mail whose text lies in that many multiparts."""
    head = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)
    )
    return b"Subject: deep\n" + head + b"\nHello\n" + b"".join(b"--b%d--\n" % level for level in reversed(range(depth)))


@bad_input(20)
@pytest.mark.parametrize("depth", [50, 100])
def test_deep_multiparts_are_read(depth: int) -> None:
    """A hundred multiparts within each other are read in full."""
    read = parse(nested(depth))

    assert (read.text, read.attachments, codes(read)) == ("Hello", (), set())


@bad_input(21)
@pytest.mark.parametrize("depth", [101, 990, 5_000])
def test_deeper_multiparts_are_one_file(depth: int) -> None:
    """Below the limit of depth the rest is one attachment, and nothing is recursive."""
    read = parse(nested(depth))

    assert (read.subject, read.text) == ("deep", "")
    assert [item.filename for item in read.attachments] == ["rest.eml"]
    assert b"Hello" in read.attachments[0].content
    assert "too_deep" in codes(read)


@bad_input(21)
def test_what_lies_above_the_depth_is_read() -> None:
    """The text beside the part that is too deep is the text of the mail."""
    read = parse(with_parts("mixed", [part("Hello"), nested(990)]))

    assert read.text == "Hello"
    assert [item.filename for item in read.attachments] == ["rest.eml"]


@bad_input(22)
def test_mails_within_mails() -> None:
    """An attached mail is one file, however many mails it holds."""
    read = parse(b"Subject: a\n" + b"Content-Type: message/rfc822\n\n" * 990 + b"Hello")

    assert [(item.media_type, len(item.content)) for item in read.attachments] == [("message/rfc822", 989 * 30 + 5)]
    assert read.text == ""


@bad_input(23)
@pytest.mark.parametrize("count", [10_000, 100_000])
def test_very_many_parts(count: int) -> None:
    """The first 500 parts are read, in time, and a defect says that there were more."""
    raw = with_parts("mixed", [part("Hello")]).replace(b"--=_b--", b"--=_b\nContent-Type: a/b\n\nx\n" * count)
    began = time.process_time()
    read = parse(raw)

    assert time.process_time() - began < GUARD
    assert read.text == "Hello"
    assert 400 < len(read.attachments) < 500
    assert "too_many_parts" in codes(read)


@bad_input(24, 25)
@pytest.mark.parametrize("parameter", ["", "; boundary", "; boundary=", '; boundary=""', "; boundry=xyz"])
def test_boundary_that_is_missing(parameter: str) -> None:
    """Without a boundary the first line that looks like one parts the mail."""
    raw = mail("--xyz\n\nHello\n--xyz\nContent-Type: a/b\n\nx\n--xyz--\n", Content_Type=f"multipart/mixed{parameter}")
    read = parse(raw)

    assert (read.text, files(read)) == ("Hello", [(None, "a/b", b"x")])
    assert "no_boundary" in codes(read)


@bad_input(26)
def test_boundary_that_is_never_closed() -> None:
    """A mail that was cut off gives what came."""
    whole = with_parts("mixed", [part("Hello"), part("x", "a/b")])
    read = parse(whole.partition(b"--=_b--")[0])

    assert (read.text, files(read)) == ("Hello", [(None, "a/b", b"x\n")])
    assert "unclosed_boundary" in codes(read)


@bad_input(27)
def test_boundary_within_a_line_of_text() -> None:
    """Only a line of its own is a boundary."""
    text = "Your mail had the line --=_b in it,\nalso as --=_bcd and --=_b--.\n --=_b"
    read = parse(with_parts("mixed", [part(text), part("x", "a/b")]))

    assert (read.text, files(read)) == (text, [(None, "a/b", b"x")])


@bad_input(28)
def test_same_boundary_at_two_depths() -> None:
    """The boundary belongs to the innermost multipart that has it, then to the outer one again."""
    inner = multipart("alternative", [part("Hello"), part("<p>Hello", "text/html")])
    read = parse(with_parts("mixed", [inner, part("x", "a/b")]))

    assert (read.text, read.html, files(read)) == ("Hello", "<p>Hello", [(None, "a/b", b"x")])


@bad_input(29)
def test_very_long_boundary() -> None:
    """A boundary of 10 KB parts the mail like any other."""
    read = parse(with_parts("mixed", [part("Hello"), part("x", "a/b")], boundary="b" * 10_000))

    assert (read.text, files(read)) == ("Hello", [(None, "a/b", b"x")])


@bad_input(30)
@pytest.mark.parametrize("body", ["", "Hello\n", "--=_b--\n", "--other\nHello\n--other--\n"])
def test_multipart_without_parts(body: str) -> None:
    """What stands where parts should be is the text."""
    read = parse(mail(body, Content_Type="multipart/mixed; boundary==_b"))

    assert read.text in (body.strip(), "")
    assert ("Hello" in read.text) is ("Hello" in body)
    assert read.attachments == ()


@bad_input(31)
def test_multipart_said_to_be_base64() -> None:
    """A multipart has no encoding of its own (RFC 2045 6.4); each part has."""
    parts = [part(base64.b64encode(b"Hello"), Content_Transfer_Encoding="base64"), part("x", "a/b")]
    read = parse(with_parts("mixed", parts, Content_Transfer_Encoding="base64"))

    assert (read.text, files(read)) == ("Hello", [(None, "a/b", b"x")])


@bad_input(32)
@pytest.mark.parametrize("encoding", ["x-unknown", "base65", "8 bit", "\u00e4", "x" * 10_000])
def test_unknown_encoding(encoding: str) -> None:
    """The bytes are taken as they are, and a defect says so."""
    read = parse(mail("Hello =41\n", Content_Transfer_Encoding=encoding))

    assert read.text == "Hello =41"
    assert len(codes(read)) == 1


@bad_input(33)
@pytest.mark.parametrize(
    ("body", "content"),
    [
        ("SGVs\r\n bG8h\r\n", b"Hello!"),
        ("SGVsbG8h", b"Hello!"),
        ("SGVsbG8", b"Hello"),
        ("SGVs*bG8h", b"Hello!"),
        ("SGVsbG8=\nIQ==\n", None),
        ("SGVsbG8h\n\nSent by a scanner\n", None),
        ("a", b""),
        ("====", b""),
        ("", b""),
    ],
)
def test_broken_base64(body: str, content: bytes | None) -> None:
    """What can be decoded is; junk, missing ends and padding alone cost nothing else."""
    read = parse(with_parts("mixed", [part("Hi"), part(body, "a/b", Content_Transfer_Encoding="base64")]))

    (file,) = read.attachments
    assert read.text == "Hi"
    assert file.content.startswith(b"Hello") if content is None else file.content == content


@bad_input(34)
@pytest.mark.parametrize(
    ("body", "text"),
    [("a=ZZb", "a=ZZb"), ("a=", "a"), ("a=\n", "a"), ("a=3", "a=3"), ("100 =\r\n%", "100 %"), ("a=3D=C3=A4", "a=ä")],
)
def test_broken_quoted_printable(body: str, text: str) -> None:
    """Escapes that are none stay, and a soft break at the end of the mail breaks nothing."""
    assert parse(mail(body, Content_Transfer_Encoding="quoted-printable")).text == text


@bad_input(35)
def test_uuencoded_file_in_the_text() -> None:
    """A file between the lines of a text is an attachment; a broken one stays text."""
    read = parse(mail("Hello\nbegin 644 ../note.txt\n#86)C\n`\nend\nBye\nbegin 644 other\n\u00ff\n"))

    assert [(item.filename, item.content) for item in read.attachments] == [("note.txt", b"abc")]
    assert read.text.startswith("Hello\nBye\nbegin 644 other")


@bad_input(36)
def test_very_long_text() -> None:
    """A text of 50 MB is kept whole; that takes time by its size only."""
    raw = mail(b"0123456789abcde\n" * (50 * 65_536))
    began = time.process_time()
    read = parse(raw)

    assert time.process_time() - began < 4 * GUARD
    assert len(read.text) == 50 * (1 << 20) - 1


@bad_input(37)
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (" ", "bad_content_type"),
        (";;;=;", "bad_content_type"),
        ("text/plain" + "; a=b" * 20_000, "too_many_parameters"),
        ("text/plain; charset", None),
        ('text/plain; charset="utf-8', None),
        ("text / plain", "bad_content_type"),
        ("a" * 200 + "/plain", "bad_content_type"),
    ],
)
def test_content_types_that_are_none(value: str, code: str | None) -> None:
    """A type that cannot be read is none: the text is text all the same, quickly."""
    began = time.process_time()
    read = parse(mail("Hello\n", Content_Type=value))

    assert time.process_time() - began < GUARD
    assert codes(read) == ({code} if code else set())
    assert "Hello" in (read.text, *(item.content.decode().strip() for item in read.attachments))


@bad_input(38)
@pytest.mark.parametrize(
    ("sections", "name"),
    [
        ("; ".join(f"filename*{number}=a" for number in range(50)), "a" * 50),
        ("filename*0=a; filename*2=c", "a"),
        ("filename*1=b; filename*0=a", "ab"),
        ("filename*999999999999=x; filename*0=a", "a"),
        ("filename*0*=utf-8''%C3; filename*1*=%A4", "ä"),
        ("filename*-1=x; filename=a", "a"),
    ],
)
def test_file_names_in_sections(sections: str, name: str) -> None:
    """Sections are put in their order up to the first gap (RFC 2231 3)."""
    read = parse(with_parts("mixed", [part("x", "a/b", Content_Disposition=f"attachment; {sections}")]))

    assert [item.filename for item in read.attachments] == [name]


@bad_input(38)
def test_file_name_in_very_many_sections() -> None:
    """Ten thousand sections are read up to the limit of parameters, in time."""
    sections = "; ".join(f"filename*{number}=a" for number in range(10_000))
    began = time.process_time()
    read = parse(with_parts("mixed", [part("x", "a/b", Content_Disposition=f"attachment; {sections}")]))

    assert time.process_time() - began < GUARD
    assert set(read.attachments[0].filename or "") == {"a"}
    assert "too_many_parameters" in codes(read)


@bad_input(47)
def test_attached_mail_in_base64() -> None:
    """An attached mail may not be encoded (RFC 2046 5.2.1); Exchange does it, and it is decoded."""
    inner = mail("Inner", Subject="Inner")
    encoded = part(base64.encodebytes(inner), "message/rfc822", Content_Transfer_Encoding="base64")
    read = parse(with_parts("mixed", [part("Hello"), encoded]))

    assert (read.text, [(item.media_type, item.content) for item in read.attachments]) == (
        "Hello",
        [("message/rfc822", inner)],
    )


@bad_input(48)
def test_piece_of_a_mail() -> None:
    """A piece (RFC 2046 5.2.2) is a file of its own: nobody waits for the others."""
    read = parse(mail("piece", Content_Type='message/partial; id="x@mail.example"; number=1; total=3'))

    assert [(item.media_type, item.content) for item in read.attachments] == [("message/partial", b"piece")]
    assert read.text == ""


@bad_input(49)
def test_body_that_lies_elsewhere() -> None:
    """A reference to a body (RFC 2046 5.2.3) is a file; the reader has no way to fetch anything."""
    where = 'message/external-body; access-type=URL; url="http://evil.example/pixel"'
    read = parse(with_parts("mixed", [part("Hello"), part("Content-Type: image/gif\n\n", where)]))

    assert (read.text, [item.media_type for item in read.attachments]) == ("Hello", ["message/external-body"])


@bad_input(52)
@pytest.mark.parametrize("subtype", ["x-mixed-replace", "x-unknown", "parallel", "appledouble-not"])
def test_multipart_of_an_unknown_kind(subtype: str) -> None:
    """An unknown kind is read like multipart/mixed (RFC 2046 5.1.7)."""
    read = parse(with_parts(subtype, [part("Hello"), part("x", "a/b")]))

    assert (read.text, files(read)) == ("Hello", [(None, "a/b", b"x")])
