"""Bytes into text by an allow-list of charsets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.charsets import codec_of, decode


@pytest.mark.parametrize(
    ("charset", "text", "codec"),
    [
        ("UTF-8", "Größe", "utf-8"),
        ("iso-8859-1", "Größe „x“ €", "cp1252"),
        ("ISO_8859-15", "Größe €", "iso8859-15"),
        ("windows-1251", "Привет", "cp1251"),
        ("cp1256", "سلام", "cp1256"),
        ("koi8-r", "Привет", "koi8-r"),
        ("gb2312", "測試简体", "gb18030"),
        ("Big5", "測試", "big5"),
        ("Shift_JIS", "テスト①", "cp932"),
        ("iso-2022-jp", "テスト", "iso2022_jp"),
        ("euc-jp", "テスト", "euc-jp"),
        ("ks_c_5601-1987", "똠방각하", "cp949"),
        ("windows-874", "สวัสดี", "cp874"),
        ("TIS-620", "สวัสดี", "cp874"),
        ("utf-16", "Größe", "utf-16"),
        ("macintosh", "Größe", "mac-roman"),
        (' "iso-8859-2" ', "Łódź", "iso8859-2"),
        ("x-cp1250", "Łódź", "cp1250"),
        ("csISO2022JP", "テスト", "iso2022_jp"),
    ],
)
def test_declared_charset_is_used(charset: str, text: str, codec: str) -> None:
    """Charsets of mail are read under all their names, loose names as the superset that programs mean."""
    assert decode(text.encode(codec), charset) == (text, None)


@pytest.mark.parametrize(
    "charset",
    ["idna", "punycode", "unicode_escape", "raw_unicode_escape", "utf-7", "undefined", "rot13", "zip", "hex",
     "x-unknown", "../../etc/passwd", "a\0b", "x" * 100_000, "?"],
)  # fmt: skip
def test_other_codecs_of_python_are_unknown(charset: str) -> None:
    """No name outside the list reaches Python's codecs."""
    assert codec_of(charset) is None
    assert decode(b"+ADw-script+AD4- \\x3cscript\\x3e", charset) == (
        "+ADw-script+AD4- \\x3cscript\\x3e",
        "unknown_charset",
    )


def test_utf8_wins_over_what_was_declared() -> None:
    """Text that validates as UTF-8 is UTF-8, whatever the header says."""
    assert decode("Größe und Maße".encode(), "iso-8859-1") == ("Größe und Maße", "wrong_charset")


def test_few_double_bytes_are_not_taken_for_utf8() -> None:
    """Short Chinese text that happens to validate as UTF-8 stays Chinese."""
    assert decode(b"\xc4\xa3", "gb2312") == ("模", None)


def test_byte_order_mark_is_dropped() -> None:
    """The mark of a file's beginning is no text."""
    assert decode("\ufeffGröße".encode(), "utf-8") == ("Größe", None)


@pytest.mark.parametrize("charset", [None, "", "utf-8", "x-unknown"])
def test_windows_1252_is_the_last_resort(charset: str | None) -> None:
    """Undeclared or wrongly declared bytes are Western European."""
    text, defect = decode("Größe „x“".encode("cp1252"), charset)

    assert text == "Größe „x“"
    assert defect in ("undeclared_charset", "wrong_charset", "unknown_charset")


def test_every_byte_has_a_character() -> None:
    """Bytes that Windows-1252 lacks are read as Latin-1."""
    assert decode(b"\x81\xe4\xff", None)[0] == "\x81äÿ"


def test_bytes_that_do_not_fit_the_declared_charset_are_replaced() -> None:
    """A wrong declaration costs single characters, not the text."""
    assert decode(b"abc\xff\xff\xff def ghi jkl", "euc-jp") == ("abc\ufffd\ufffd\ufffd def ghi jkl", "wrong_charset")


def test_damaged_utf8_stays_utf8() -> None:
    """One byte lost on the way does not turn a whole text into another charset."""
    text, defect = decode(("Größe " * 40).encode()[:-3], "utf-8")

    assert text.startswith("Größe Größe")
    assert defect == "wrong_charset"


def test_utf16_without_any_nul_byte_is_no_utf16() -> None:
    """Plain text that calls itself UTF-16 is not read as Chinese."""
    assert decode(b"Hello, where is it", "utf-16") == ("Hello, where is it", "unknown_charset")


def test_shift_that_is_never_closed() -> None:
    """ISO-2022-JP without its closing escape is read all the same."""
    assert decode(b"\x1b$B%F%9%H", "iso-2022-jp")[0] == "テスト"


def test_broken_shift_is_replaced() -> None:
    """ISO-2022-JP that breaks off inside a character does not raise."""
    assert decode(b"\x1b$B%F%", "iso-2022-jp")[0].startswith("テ")


def test_long_undeclared_text_is_detected() -> None:
    """Enough text tells its charset."""
    text = "Здравствуйте, когда придёт мой заказ? Я жду уже две недели, и никто не отвечает на мои письма. " * 3

    assert decode(text.encode("cp1251"), None, detect=True)[0] == text


def test_short_undeclared_text_is_not_detected() -> None:
    """Detection guesses wildly on short texts, so it is not asked."""
    assert decode("Größe".encode("cp1252"), None, detect=True)[0] == "Größe"


def test_undetectable_bytes_are_western() -> None:
    """Where detection finds nothing the last resort is used."""
    assert decode(bytes(range(129, 256)) * 2 + b"\x81", None, detect=True)[0]


@given(
    data=st.binary(max_size=200),
    charset=st.sampled_from([None, "", "utf-8", "gb2312", "iso-2022-jp", "utf-16", "idna"]),
)
def test_text_is_always_storable(data: bytes, charset: str | None) -> None:
    """Any bytes give text without NUL and lone surrogates."""
    text, _ = decode(data, charset)

    assert "\0" not in text
    assert text.encode("utf-8").decode("utf-8") == text
