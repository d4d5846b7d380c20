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
        ("ISO-2022-JP", "注文番号 1\r\n\r\n届先変更\n佐藤\n", "iso2022_jp"),
        ("euc-jp", "テスト", "euc-jp"),
        ("ks_c_5601-1987", "똠방각하", "cp949"),
        ("windows-874", "สวัสดี", "cp874"),
        ("TIS-620", "สวัสดี", "cp874"),
        ("utf-16", "Größe", "utf-16"),
        ("macintosh", "Größe", "mac-roman"),
        (' "iso-8859-2" ', "Łódź", "iso8859-2"),
        ("x-cp1250", "Łódź", "cp1250"),
        ("csISO2022JP", "テスト", "iso2022_jp"),
        ("charset=windows-1251", "Привет", "cp1251"),
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


LETTERS = {
    "Здравствуйте! Подскажите, пожалуйста, где находится мой заказ?": ("cp1251", "koi8-r", "iso8859-5", "cp866"),
    "Доброго дня! Чайник привезли з тріщиною, хочу його обміняти.": ("cp1251", "koi8-u"),
    "Καλησπέρα σας, λείπει το ένα από τα δύο προϊόντα.": ("cp1253", "iso8859-7"),
    "שלום רב, הזמנתי מכם זוג נעליים ועדיין לא קיבלתי אותן": ("cp1255", "iso8859-8"),
    "السلام عليكم، لم يصل الطلب حتى الآن": ("cp1256", "iso8859-6"),
    "Merhaba, sipariş ettiğim ayakkabı küçük geldi, değiştirmek istiyorum.": ("cp1254",),
    "Dzień dobry, przesyłka przyszła uszkodzona. Proszę o zwrot pieniędzy.": ("cp1250", "iso8859-2"),
    "Dobrý den, přišla mi jiná barva, než jsem chtěl. Můžete ji vyměnit?": ("cp1250", "iso8859-2"),
    "Két héttel ezelőtt rendeltem egy kávéfőzőt, de még mindig nem érkezett meg.": ("cp1250", "iso8859-2"),
    "Guten Tag, können Sie mir bitte die Größe bestätigen? Grüße": ("cp1252",),
    "ดิฉันยังไม่ได้รับสินค้าเลยค่ะ": ("cp874",),
    "お世話になっております。先日注文した時計がまだ届いておりません。": ("cp932", "euc-jp"),
    "您好，我上周订购的咖啡机还没有收到，请问什么时候发货？谢谢": ("gb18030",),
    "您好，我上週訂購的咖啡機還沒有收到，請問什麼時候發貨？謝謝": ("big5",),
    "안녕하세요. 지난주에 주문한 신발이 아직 도착하지 않았습니다.": ("cp949",),
}


@pytest.mark.parametrize(("text", "codec"), [(text, codec) for text, codecs in LETTERS.items() for codec in codecs])
def test_undeclared_text_is_detected(text: str, codec: str) -> None:
    """A sentence tells its charset by the letters of its language."""
    assert decode(text.encode(codec), None, detect=True)[0] == text


def test_long_undeclared_text_may_break_off_anywhere() -> None:
    """What is looked at ends inside a character, and the whole text is read."""
    text = "x" + "お世話になっております。" * 400

    assert decode(text.encode("cp932"), None, detect=True)[0] == text


def test_script_that_western_europe_does_not_write_is_detected() -> None:
    """Programs that declare ISO-8859-1 for whatever they send are not believed."""
    text = "Здравствуйте! Подскажите, пожалуйста, где находится мой заказ?"

    assert decode(text.encode("cp1251"), "iso-8859-1", detect=True) == (text, "wrong_charset")
    assert decode(("Größe äöü ÄÖÜ ß" * 2).encode("latin-1"), "iso-8859-1", detect=True)[1] is None
    assert decode(b"x" * 500 + b"\xe4" * 20, "iso-8859-1", detect=True) == ("x" * 500 + "ä" * 20, None)
    assert decode(bytes(range(160, 256)), "iso-8859-1", detect=True)[1] is None


@pytest.mark.parametrize("text", ["Größe", "Crème brûlée"])
def test_few_letters_are_western(text: str) -> None:
    """Two or three letters outside ASCII are no evidence."""
    assert decode(text.encode("cp1252"), None, detect=True)[0] == text


def test_undetectable_bytes_are_western() -> None:
    """Where detection finds nothing the last resort is used."""
    assert decode(bytes(range(129, 256)) * 2 + b"\x81", None, detect=True)[0]


@pytest.mark.parametrize(
    ("data", "charset", "expected"),
    [
        (b"\xff\xfea\0", None, ("a", "undeclared_charset")),
        (b"\xff\xfea\0", "utf-16le", ("a", None)),
        (b"\xef\xbb\xbfa", "windows-1252", ("a", "wrong_charset")),
        (b"\xef\xbb\xbfa", None, ("a", None)),
        (b"\xef\xbb\xbf\xff", "windows-1252", ("ï»¿ÿ", None)),
        ("Hello, where is it".encode("utf-16-le"), None, ("Hello, where is it", "undeclared_charset")),
        ("Hello, where is it".encode("utf-16-be"), "utf-8", ("Hello, where is it", "wrong_charset")),
        ("ご注文の件 は".encode("utf-16-be"), "utf-16", ("ご注文の件 は", None)),
        ("\u0100\u0200\u0300".encode("utf-32-le"), "utf-32le", ("ĀȀ\u0300", None)),
        ("こんにちは".encode("iso2022_jp"), None, ("こんにちは", "undeclared_charset")),
        ("こんにちは".encode("iso2022_jp"), "us-ascii", ("こんにちは", "wrong_charset")),
        ("안녕하세요".encode("iso2022_kr"), None, ("안녕하세요", "undeclared_charset")),
        (b"price \x1b$ 5", None, ("price \x1b$ 5", None)),
        ("テスト".encode("cp932"), "iso-2022-jp", ("テスト", "wrong_charset")),
        ("時計を送ってください".encode("euc-jp"), "shift_jis", ("時計を送ってください", "wrong_charset")),
        ("テスト".encode("cp932"), "euc-jp", ("テスト", "wrong_charset")),
        (b"Dij\x8aat", "iso-2022-jp", ("Dij\ufffdat", "wrong_charset")),
        (b"\xff\xff\x1b", "iso-2022-jp", ("\ufffd\ufffd\ufffd", "wrong_charset")),
        (b"\x0e\xff\x0f\x1b", "iso-2022-kr", ("\ufffd\x1b", "wrong_charset")),
        ("„žluť“".encode("cp1250"), "iso-8859-2", ("„žluť“", "wrong_charset")),
        ("𠝹".encode("big5hkscs"), "big5", ("𠝹", None)),
    ],
)
def test_what_the_bytes_tell(data: bytes, charset: str | None, expected: tuple[str, str | None]) -> None:
    """Byte order marks, NULs, shifts, and characters that the declared charset does not have."""
    assert decode(data, charset) == expected


#: Names of the table of WHATWG's Encoding Standard 4.2, and those of Windows, Java and old programs.
NAMES = {
    "cp1252": "cp1252 x-cp1252 windows-1252 iso-8859-1 iso8859-1 latin1 l1 iso_8859-1:1987 csISOLatin1 cp819 ibm819",
    "iso8859-2": "iso-8859-2 ISO_8859-2:1987 latin2 l2 csISOLatin2 iso-ir-101",
    "iso8859-5": "iso-8859-5 cyrillic csISOLatinCyrillic",
    "iso8859-6": "iso-8859-6 iso-8859-6-i csISO88596E arabic asmo-708 ecma-114 csISOLatinArabic",
    "iso8859-7": "iso-8859-7 greek greek8 elot_928 ecma-118 sun_eu_greek csISOLatinGreek",
    "iso8859-8": "iso-8859-8 iso-8859-8-i visual logical hebrew csISOLatinHebrew",
    "iso8859-15": "iso-8859-15 latin9 l9 csISOLatin9",
    "cp1254": "iso-8859-9 latin5 l5 windows-1254 csISOLatin5",
    "cp874": "windows-874 tis-620 iso-8859-11 dos-874 cp874 x-windows-874",
    "koi8-r": "koi8-r koi koi8 csKOI8R",
    "koi8-u": "koi8-u koi8-ru",
    "cp866": "ibm866 cp866 866 csIBM866",
    "mac-roman": "macintosh mac x-mac-roman csMacintosh",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "mac-latin2": "x-mac-ce x-mac-centraleurroman",
    "mac-greek": "x-mac-greek",
    "mac-turkish": "x-mac-turkish",
    "gb18030": "gb2312 gbk gb18030 x-gbk csGB2312 csISO58GB231280 gb_2312-80 cp936 windows-936 euc-cn chinese",
    "hz": "hz-gb-2312 hz",
    "cp950": "big5 x-x-big5 cn-big5 csBig5 cp950 windows-950",
    "big5hkscs": "big5-hkscs",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji windows-31j csShiftJIS ms932 cp932 cp943c",
    "euc-jp": "euc-jp x-euc-jp csEUCPkdFmtJapanese eucjp-ms cp51932",
    "iso2022_jp": "iso-2022-jp csISO2022JP iso-2022-jp-1 iso-2022-jp-ms cp50220 cp50221 jis",
    "cp949": "euc-kr ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean csEUCKR csKSC56011987 windows-949 uhc cp949",
    "iso2022_kr": "iso-2022-kr csISO2022KR",
    "utf-8": "utf-8 utf8 unicode-1-1-utf-8 x-unicode20utf8",
    "utf-16": "utf-16 unicode ucs-2",
    "utf-16-be": "utf-16be unicodefffe",
}


@pytest.mark.parametrize(("name", "codec"), [(name, codec) for codec, names in NAMES.items() for name in names.split()])
def test_every_name_of_a_charset_is_known(name: str, codec: str) -> None:
    """Standards and programs have many names for one charset."""
    assert codec_of(name) == codec


@pytest.mark.parametrize("name", ["x-user-defined", "unknown-8bit", "default", "binary"])
def test_names_that_tell_nothing(name: str) -> None:
    """What programs declare when they do not know is no charset."""
    assert codec_of(name) is None


@given(
    data=st.binary(max_size=200),
    charset=st.sampled_from([None, "", "utf-8", "gb2312", "iso-2022-jp", "utf-16", "idna"]),
)
def test_text_is_always_storable(data: bytes, charset: str | None) -> None:
    """Any bytes give text without NUL and lone surrogates."""
    text, _ = decode(data, charset)

    assert "\0" not in text
    assert text.encode("utf-8").decode("utf-8") == text


@pytest.mark.parametrize(
    ("charset", "data", "text", "flaw"),
    [
        ("iso-2022-jp", b"\x1b$B9b\x1b(B", "\u9ad8", None),
        ("iso-2022-jp", b"\x1b$B-!\x1b(B", "\ufffd", "wrong_charset"),
        ("euc-jp", b"\xb9\xe2", "\u9ad8", None),
        ("us-ascii", b"\x1b$B9b\x1b(B", "\u9ad8", None),
    ],
)
def test_charsets_of_japan_by_the_letter(charset: str, data: bytes, text: str, flaw: str | None) -> None:
    """Where they are not looked at closely, what only vendors have is lost."""
    found, told = decode(data, charset, closely=False)

    assert (found, told) == (text, flaw)
