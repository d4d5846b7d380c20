"""Readable text and attachments of mails as programs write them."""

import base64
import binascii

import pytest
from mail_samples import mail, part, with_parts
from test_wrappers import DATA, DEFINITE, ENVELOPED, HEAD, SIGNED, element
from tnef_samples import attribute, file, properties, tnef, unicode_text

from customerservice.mail import Limits, ReceivedMail, parse


def attached(read: ReceivedMail) -> list[tuple[str | None, bytes]]:
    """Give names and bytes of the attachments."""
    return [(file.filename, file.content) for file in read.attachments]


def codes(read: ReceivedMail) -> list[str]:
    """Give the codes of the defects."""
    return [defect.code for defect in read.defects]


@pytest.mark.parametrize(
    ("content_type", "encoding", "kept"),
    [
        ("text/csv; name=a.csv", "", b"a\r\nb"),
        ("text/plain; name=a.txt", "7bit", b"a\r\nb"),
        ("application/pgp-signature; name=a.asc", "8bit", b"a\r\nb"),
        ("message/rfc822", "", b"a\nb"),
    ],
)
def test_lines_are_as_they_came_and_the_digest_is_one(content_type: str, encoding: str, kept: bytes) -> None:
    """A server gives CRLF, a Maildir LF: a file is what came, an attached mail has LF, and the digest is one."""
    raw = with_parts("mixed", [part("x"), part("a\nb", content_type, Content_Transfer_Encoding=encoding)])
    reads = [parse(raw), parse(raw.replace(b"\n", b"\r\n"))]

    assert [read.attachments[0].content for read in reads] == [b"a\nb", kept]
    assert reads[0].content_digest == reads[1].content_digest


@pytest.mark.parametrize(
    ("content_type", "encoding", "body", "kept"),
    [
        ("text/csv; name=a", "base64", base64.b64encode(b"a\nb\r\n"), b"a\nb\r\n"),
        ("text/csv; name=a", "quoted-printable", b"a=0Ab", b"a\nb"),
        ("text/csv; name=a", "binary", b"a\nb", b"a\nb"),
        ("application/zip", "8bit", b"a\r\nb\nc", b"a\r\nb\nc"),
    ],
)
def test_what_is_encoded_or_binary_stays_as_it_is(content_type: str, encoding: str, body: bytes, kept: bytes) -> None:
    """No byte of a file is changed that the sender protected."""
    read = parse(with_parts("mixed", [part("x"), part(body, content_type, Content_Transfer_Encoding=encoding)]))

    assert read.attachments[0].content == kept


@pytest.mark.parametrize(
    ("html", "declared", "text", "defects"),
    [
        ('<meta charset="windows-1251">Привет'.encode("cp1251"), "text/html", "Привет", []),
        (
            '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">Привет'.encode("koi8-r"),
            "text/html",
            "Привет",
            [],
        ),
        ('<meta charset="utf-16">Größe'.encode(), "text/html", "Größe", []),
        ('<meta charset="windows-1251">Größe'.encode("cp1252"), "text/html; charset=iso-8859-1", "Größe", []),
        ('<meta charset="x-none">Größe'.encode("cp1252"), "text/html", "Größe", ["unknown_charset"]),
        ("Größe".encode("cp1252"), "text/html", "Größe", ["undeclared_charset"]),
    ],
)
def test_html_may_declare_its_charset(html: bytes, declared: str, text: str, defects: list[str]) -> None:
    """Where the mail declares none the HTML's own word counts."""
    read = parse(mail(html, Content_Type=declared))

    assert (read.text, codes(read)) == (text, defects)


def test_characters_that_are_lost_are_counted() -> None:
    """The defect says how much of a text could not be read."""
    read = parse(mail(("Größe " * 40).encode() + b"\xff \xff", Content_Type="text/plain; charset=utf-8"))

    assert [defect.detail for defect in read.defects] == [
        "in the text, declared as 'utf-8'; 2 characters could not be read"
    ]


UU = "begin 644 a.txt\n#86)C\n`\nend\n"
UU_BASE64 = "begin-base64 644 b.txt\nYWJj\n====\n"


@pytest.mark.parametrize(
    ("body", "text", "files", "defects"),
    [
        (f"Hi\n{UU}and\n{UU_BASE64}Bye\n", "Hi\nand\nBye", [("a.txt", b"abc"), ("b.txt", b"abc")], []),
        (UU, "", [("a.txt", b"abc")], []),
        ("begin 644 a\n#86)C\n\x80\x80\n#86)C\nend\n", "", [("a", b"abcabc")], ["bad_uuencode"]),
        ("begin-base64 644 b\nYWJj\n", "begin-base64 644 b\nYWJj", [], []),
        ("begin-base64 644 b\n!!\n====\n", "begin-base64 644 b\n!!\n====", [], []),
    ],
)
def test_files_among_the_lines(body: str, text: str, files: list[tuple[str, bytes]], defects: list[str]) -> None:
    """Uuencoded files are taken out of a text, in both forms and with a bad line."""
    read = parse(mail(body.encode("latin-1"), Content_Type="text/plain; charset=iso-8859-1"))

    assert (read.text.strip(), attached(read), codes(read)) == (text, files, defects)


def test_more_files_among_the_lines_than_parts_stay_text() -> None:
    """A mail of a million little files costs no more than a mail of as many parts."""
    read = parse(mail(UU * 3), limits=Limits(parts=2))

    assert (read.text.strip(), attached(read)) == (UU.strip(), [("a.txt", b"abc")] * 2)


def test_yenc_stays_text() -> None:
    """What no mail program reads is not read here."""
    read = parse(mail("=ybegin line=128 size=3 name=a.bin\n\x8b\x8c\x8d\n=yend size=3\n"))

    assert "=ybegin" in read.text
    assert read.attachments == ()


WINMAIL = "application/ms-tnef; name=winmail.dat"


def winmail(data: bytes) -> bytes:
    """Give a part with a winmail.dat."""
    return part(base64.encodebytes(data), WINMAIL, Content_Transfer_Encoding="base64")


def test_outlook_file_is_its_files() -> None:
    """A winmail.dat beside a text gives the files in it."""
    inside = file(b"%PDF", b"A.PDF", (0x1F, 0x3707, unicode_text("dir/Angebot.pdf")), (0x1E, 0x370E, b"a/pdf\0"))
    inline = file(b"png", b"x.png", (0x1E, 0x3712, b"cid1\0"))
    read = parse(with_parts("mixed", [part("Hello"), winmail(tnef(inside, inline))]))

    assert read.text == "Hello"
    assert [(one.filename, one.media_type, one.content, one.inline) for one in read.attachments] == [
        ("Angebot.pdf", "a/pdf", b"%PDF", False),
        ("x.png", "application/octet-stream", b"png", True),
    ]


def test_outlook_file_by_its_name() -> None:
    """Gateways that change its type leave its name."""
    octets = "application/octet-stream; name=WINMAIL.DAT"
    read = parse(with_parts("mixed", [part("Hello"), part(tnef(file(b"x", b"a.txt")), octets)]))

    assert attached(read) == [("a.txt", b"x")]


@pytest.mark.parametrize(
    ("inside", "text", "count"),
    [
        ([attribute(1, 0x0002800C, b"In\r\nside\r.\0")], "In\nside\n.", 0),
        ([attribute(1, 0x00069003, properties((0x102, 0x1013, b"<p>In<b>side</b>")))], "Inside", 0),
        ([], "", 1),
        ([file(b"x", b"a.txt")], "", 1),
    ],
)
def test_outlook_file_alone(inside: list[bytes], text: str, count: int) -> None:
    """The text inside is read where the mail has no other; with nothing that can be read the file itself stays."""
    read = parse(with_parts("mixed", [winmail(tnef(*inside))]))

    assert (read.text, len(read.attachments)) == (text, count)


def test_text_inside_an_outlook_file_is_not_told_twice() -> None:
    """A mail's own text is enough, and Rich Text beside it is nothing for anybody."""
    read = parse(with_parts("mixed", [part("Hello"), winmail(tnef(attribute(1, 0x0002800C, b"Hello\0")))]))
    formatted = parse(with_parts("mixed", [part("Hello"), winmail(tnef())]))

    assert (read.text, read.attachments, formatted.attachments) == ("Hello", (), ())


@pytest.mark.parametrize("data", [b"damaged", tnef() + b"\0" * 10 * 1024 * 1024])
def test_unreadable_outlook_file_stays(data: bytes) -> None:
    """A damaged or huge winmail.dat is attached as it is."""
    read = parse(with_parts("mixed", [part("Hello"), winmail(data)]))

    assert attached(read) == [("winmail.dat", data)]
    assert codes(read) == ["bad_tnef"]


def smime(data: bytes) -> bytes:
    """Give a mail that is all S/MIME."""
    return mail(
        base64.encodebytes(data),
        Content_Type="application/pkcs7-mime; smime-type=x; name=smime.p7m",
        Content_Transfer_Encoding="base64",
    )


def signed(inner: bytes) -> bytes:
    """Give signed data around a mail."""
    content = element(0x30, DATA + element(0xA0, element(0x04, inner)))
    return element(0x30, SIGNED + element(0xA0, element(0x30, HEAD + content)))


def test_text_inside_signed_data() -> None:
    """The mail inside is read with its files and faults; the signed data stay attached."""
    inner = with_parts(
        "mixed", [part("Hello"), part("xx", "a/b; name=a"), part("é".encode("latin-1")), winmail(tnef())]
    )
    read = parse(smime(signed(inner)))

    assert read.text == "Hello\né"
    assert [one.filename for one in read.attachments] == ["smime.p7m", "a"]
    assert codes(read) == ["wrong_charset"]


def test_signed_data_within_each_other() -> None:
    """A few layers are opened, no more."""
    inner = mail("Hello")
    for _ in range(4):
        inner = smime(signed(inner))
    read = parse(inner)

    assert (read.text, codes(read)) == ("", ["signed"])
    assert len(read.attachments) == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [(element(0x30, ENVELOPED), "encrypted"), (b"", "encrypted"), (DEFINITE[:50], "signed")],
)
def test_secured_mail_that_cannot_be_read(data: bytes, code: str) -> None:
    """Encrypted and unreadable mail is attached, and told."""
    read = parse(smime(data))

    assert (read.text, codes(read)) == ("", [code])
    assert attached(read) == [("smime.p7m", data)]


def test_encrypted_mail_that_a_gateway_took_apart() -> None:
    """Exchange makes a multipart/mixed of PGP/MIME; its parts still tell."""
    read = parse(with_parts("mixed", [part("Version: 1", "application/pgp-encrypted"), part("x", "a/b; name=e.asc")]))

    assert codes(read) == ["encrypted"]
    assert len(read.attachments) == 2


def test_armour_among_the_lines() -> None:
    """Clear-signed text loses its armour; an encrypted text stays and is told."""
    clear = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHello\n-----BEGIN PGP SIGNATURE-----\n\niQ\n"
    read = parse(mail(f"{clear}-----END PGP SIGNATURE-----\n"))
    encrypted = parse(mail("-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n"))

    assert (read.text, codes(read)) == ("Hello", [])
    assert (encrypted.text.startswith("-----BEGIN"), codes(encrypted)) == (True, ["encrypted"])


CALENDAR = r"""BEGIN:VCALENDAR
BEGIN:VTIMEZONE
DTSTART:19700101T000000
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20260302T100000
SUMMARY:Abholung\, Tor 2
DESCRIPTION:Bitte klingeln.\nDanke
 !
DESCRIPTION:again
END:VEVENT
END:VCALENDAR
"""


def test_invitation_alone_is_told_in_words() -> None:
    """A mail of nothing but an invitation says what for and when; the invitation is attached."""
    read = parse(mail(CALENDAR, Content_Type="text/calendar; method=REQUEST"))

    assert read.text == "Abholung, Tor 2\n20260302T100000\nBitte klingeln.\nDanke!"
    assert [one.media_type for one in read.attachments] == ["text/calendar"]


@pytest.mark.parametrize("others", [[part("Hello")], []])
def test_invitation_beside_a_text(others: list[bytes]) -> None:
    """A text is enough, and a calendar without an event says nothing."""
    calendar = part(CALENDAR if others else "BEGIN:VCALENDAR\n", "text/calendar")
    read = parse(with_parts("alternative", [*others, calendar]))

    assert (read.text, len(read.attachments)) == ("Hello" if others else "", 1)


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/markdown", "**Hello**\n\rthere", "**Hello**\n\nthere"),
        ("text/enriched", "<bold>Hello</bold> there", "Hello there"),
    ],
)
def test_unusual_text_alone_is_read(content_type: str, body: str, text: str) -> None:
    """Text of an unknown kind is text where there is no other (RFC 2046 4.1.4)."""
    read = parse(mail(body, Content_Type=content_type))

    assert (read.text, len(read.attachments)) == (text, 1)


def test_fork_of_a_macintosh_file_is_no_file() -> None:
    """Of a file in two forks (RFC 1740) only the one that holds it is attached."""
    fork = part("x", "application/applefile; name=a.pdf")
    double = with_parts("appledouble", [fork, part("y", "a/pdf; name=a.pdf")])
    single = with_parts("appledouble", [part("y", "a/pdf; name=a.pdf")])

    assert attached(parse(double)) == attached(parse(single)) == [("a.pdf", b"y")]


def test_pictures_in_the_html_have_the_names_of_their_files() -> None:
    """A picture that the mail brings stands in the text by its name."""
    picture = part("x", "image/png; name=Schaden.png", Content_ID="<ii_1>")
    read = parse(with_parts("related", [part("<p>Siehe <img src='cid:ii_1'>", "text/html"), picture]))

    assert read.text == "Siehe [Schaden.png]"


def test_base64_as_a_file_among_lines_is_what_it_says() -> None:
    """The bytes of the file are those that were encoded."""
    content = bytes(range(256))
    lines = binascii.b2a_base64(content).decode()

    assert attached(parse(mail(f"begin-base64 600 bytes.bin\n{lines}====\n"))) == [("bytes.bin", content)]
