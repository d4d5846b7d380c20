"""Bad input of charsets: names that are none, codecs that are no charsets, words and shifts that do not end."""

import time

import pytest
from mail_samples import mail, part, with_parts
from registry import bad_input

from customerservice.mail import parse

GUARD = 5.0  # seconds; five times the bound, since machines that test are slow
TEXT = "Größe „M“"


@bad_input(55)
@pytest.mark.parametrize("charset", ["", "x-unknown", "x" * 100_000, "a\0b", "../../etc/passwd", '"', "utf-8; x"])
def test_names_that_are_no_charset(charset: str) -> None:
    """UTF-8 is tried, then Windows-1252; every byte has a character in the end."""
    declared = f'text/plain; charset="{charset}"'

    assert parse(mail(TEXT.encode(), Content_Type=declared)).text == TEXT
    assert parse(mail(TEXT.encode("cp1252"), Content_Type=declared)).text == TEXT
    assert parse(mail(b"\x81\xe4", Content_Type=declared)).text == "\x81ä"


@bad_input(56)
@pytest.mark.parametrize(
    "charset",
    ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7", "undefined", "rot13", "zip", "hex", "base64",
     "uu", "bz2", "mbcs", "oem", "palmos"],
)  # fmt: skip
def test_codecs_of_python_are_no_charsets(charset: str) -> None:
    """No name but those of mail reaches a codec, so that plain letters stay plain letters."""
    body = rb"\x3cscript\x3e +ADw-script+AD4- uryyb"
    began = time.process_time()
    read = parse(mail(body + b"a" * 300_000, Content_Type=f"text/plain; charset={charset}"))

    assert read.text.startswith(body.decode())
    assert "<script" not in read.text
    assert time.process_time() - began < GUARD


@bad_input(57)
@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "utf-8", "utf-16-le"])
def test_lone_surrogates_never_arrive(charset: str) -> None:
    """Whatever the charset, the text can be stored."""
    for body in (rb"\ud800 +2AA-", b"\xed\xa0\x80 x", b"\x00\xd8x\0"):
        read = parse(mail(body, Content_Type=f"text/plain; charset={charset}"))

        assert read.text.encode("utf-8").decode() == read.text
        assert "\0" not in read.text


@bad_input(58)
@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("=?x-unknown?q?Gr=C3=B6=C3=9Fe?=", "Größe"),
        ("=?utf-8?b?R3L!DtsOfZQ==?=", "Größe"),
        ("=?utf-8?b?R3LD?= =?utf-8?b?tsOfZQ==?=", "Größe"),
        ("=?iso-2022-jp?b?GyRCJUY=?= =?iso-2022-jp?b?GyRCJTklSBsoQg==?=", "テスト"),
        ("=?utf-8?q?=3D=3Futf-8=3Fq=3Fe=3F=3D?=", "=?utf-8?q?e?="),
        ("=?utf-8?q?x?=" * 3_000, "x" * 3_000),
    ],
)
def test_encoded_words(subject: str, expected: str) -> None:
    """Decoded once, whatever they hold: split characters are joined, words inside words stay."""
    began = time.process_time()

    assert parse(mail(Subject=subject)).subject == expected
    assert time.process_time() - began < GUARD


@bad_input(59)
def test_line_breaks_in_a_name() -> None:
    """An encoded line break is a blank: no header follows from a name."""
    read = parse(mail(From="=?utf-8?q?Anna=0D=0ABcc:_x=40evil.example?= <anna@mail.example>"))

    assert read.sender is not None
    assert read.sender.name == "Anna Bcc: x@evil.example"
    assert read.sender.address is not None
    assert read.sender.address.value == "anna@mail.example"


@bad_input(60)
def test_encoded_words_in_an_address() -> None:
    """An encoded word inside an address makes no address of what it holds."""
    read = parse(mail(From="=?utf-8?q?a=40evil.example=3C?=x@y.example"))

    assert read.sender is None or read.sender.address is None or read.sender.address.value != "a@evil.example"


@bad_input(61)
def test_unseen_characters_of_a_subject() -> None:
    """Kept in the value on one line, as sent; nothing takes long."""
    began = time.process_time()
    subject = "\ufeffInv\u202eoice\u200b\U000e0041" + "a\u0308" * 50_000
    read = parse(mail(Subject=subject))

    assert read.subject is not None
    assert "\n" not in read.subject
    assert time.process_time() - began < GUARD


@bad_input(62)
@pytest.mark.parametrize("value", ["idna''aaaa", "undefined''x", "punycode''%80", "utf-7''+ADw-"])
def test_charset_of_a_file_name(value: str) -> None:
    """A file name in a codec that is no charset is read without it."""
    read = parse(with_parts("mixed", [part("x", "a/b", Content_Disposition=f"attachment; filename*={value}")]))

    assert read.attachments[0].filename
    assert "<" not in read.attachments[0].filename


@bad_input(63)
@pytest.mark.parametrize(
    ("charset", "body", "text"),
    [
        ("iso-2022-jp", b"\x1b$B%F%9%H", "テスト"),
        ("iso-2022-jp", b"\x1b$B%F%9%H\nHello\n", "テスト\nHello"),
        ("gb18030", "您好，镕𠮷".encode("gb18030"), "您好，镕𠮷"),
        ("euc-kr", "안녕하세요 똠".encode("cp949"), "안녕하세요 똠"),
        ("koi8-r", "Привет".encode("koi8-r"), "Привет"),
    ],
)
def test_charsets_with_more_than_one_form(charset: str, body: bytes, text: str) -> None:
    """Shifts that are never closed, and characters that only the larger charset has."""
    assert parse(mail(body, Content_Type=f"text/plain; charset={charset}")).text == text
