"""Bytes of a mail into text, by an allow-list of the charsets that mail uses.

Python knows codecs that are no charsets (``idna``, ``punycode``, ``unicode_escape``, ``utf-7``): they raise, take more
than linear time, or turn plain letters into ``<script>``. A name outside the list is therefore treated as unknown.
"""

import functools
import re

from customerservice.domain.text import storable
from customerservice.mail.detection import LATIN, detect_charset
from customerservice.mail.iso_2022 import decode_euc_jp, decode_iso_2022_jp, decode_iso_2022_kr

_SAME = (
    "iso8859-2", "iso8859-3", "iso8859-4", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-10",
    "iso8859-13", "iso8859-14", "iso8859-15", "iso8859-16", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
    "cp1256", "cp1257", "cp1258", "cp437", "cp720", "cp737", "cp775", "cp850", "cp852", "cp855", "cp857", "cp858",
    "cp860", "cp861", "cp862", "cp863", "cp864", "cp865", "cp866", "cp869", "cp874", "cp932", "cp949", "cp950",
    "koi8-r", "koi8-u", "big5hkscs", "euc-jp", "gb18030", "hz", "johab", "utf-8", "utf-16", "utf-16le", "utf-16be",
    "utf-32", "utf-32le", "utf-32be", "ptcp154", "kz1048",
)  # fmt: skip

# Names as they stand in mail, without "-", "_", blanks; after WHATWG's encoding table where mail programs agree with it
# (a superset for a name that is used loosely: Windows-1252 for Latin-1, GB 18030 for GB 2312).
_OTHERS = {
    "usascii": "ascii", "ascii": "ascii", "ansix3.41968": "ascii", "646": "ascii", "iso646us": "ascii", "7bit": "ascii",
    "utf8": "utf-8", "unicode11utf8": "utf-8", "utf8mb4": "utf-8", "cp65001": "utf-8", "unicode20utf8": "utf-8",
    "utf8bom": "utf-8", "unicode": "utf-16", "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16",
    "unicodefffe": "utf-16-be", "unicodefeff": "utf-16-le", "iso10646ucs2": "utf-16", "utf32le": "utf-32-le",
    "utf32be": "utf-32-be", "ucs4": "utf-32", "iso10646ucs4": "utf-32",
    "iso88591": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso885911987": "cp1252", "iso88591windows": "cp1252",
    "isoir100": "cp1252", "ibm819": "cp1252", "cp819": "cp1252", "ansi": "cp1252", "westerneuropean": "cp1252",
    "latin2": "iso8859-2", "l2": "iso8859-2", "isoir101": "iso8859-2", "iso885921987": "iso8859-2",
    "latin3": "iso8859-3", "l3": "iso8859-3", "isoir109": "iso8859-3", "iso885931988": "iso8859-3",
    "latin4": "iso8859-4", "l4": "iso8859-4", "isoir110": "iso8859-4", "iso885941988": "iso8859-4",
    "cyrillic": "iso8859-5", "latincyrillic": "iso8859-5", "isoir144": "iso8859-5", "iso885951988": "iso8859-5",
    "arabic": "iso8859-6", "latinarabic": "iso8859-6", "isoir127": "iso8859-6", "iso885961987": "iso8859-6",
    "asmo708": "iso8859-6",
    "ecma114": "iso8859-6", "iso88596i": "iso8859-6", "iso88596e": "iso8859-6",
    "greek": "iso8859-7", "latingreek": "iso8859-7", "greek8": "iso8859-7", "isoir126": "iso8859-7",
    "iso885971987": "iso8859-7",
    "ecma118": "iso8859-7", "elot928": "iso8859-7", "suneugreek": "iso8859-7",
    "hebrew": "iso8859-8", "latinhebrew": "iso8859-8", "isoir138": "iso8859-8", "iso885981988": "iso8859-8",
    "visual": "iso8859-8",
    "logical": "iso8859-8", "iso88598i": "iso8859-8", "iso88598e": "iso8859-8",
    "latin5": "cp1254", "l5": "cp1254", "iso88599": "cp1254", "iso885991989": "cp1254", "isoir148": "cp1254",
    "latin6": "iso8859-10", "l6": "iso8859-10", "isoir157": "iso8859-10", "iso8859101992": "iso8859-10",
    "iso885911": "cp874", "tis620": "cp874", "dos874": "cp874", "latin7": "iso8859-13", "latin8": "iso8859-14",
    "l8": "iso8859-14", "isoceltic": "iso8859-14", "latin9": "iso8859-15", "l9": "iso8859-15", "latin10": "iso8859-16",
    "koi8": "koi8-r", "koi": "koi8-r", "koi8ru": "koi8-u", "ibm866": "cp866", "866": "cp866",
    "macintosh": "mac-roman", "mac": "mac-roman", "macroman": "mac-roman", "maccyrillic": "mac-cyrillic",
    "macukrainian": "mac-cyrillic", "macce": "mac-latin2", "maccentraleurope": "mac-latin2",
    "maccentraleurroman": "mac-latin2", "macgreek": "mac-greek", "macturkish": "mac-turkish",
    "maciceland": "mac-iceland", "maccroatian": "mac-croatian", "macromanian": "mac-romanian",
    "gb2312": "gb18030", "gb231280": "gb18030", "isoir58": "gb18030", "iso58gb231280": "gb18030", "gbk": "gb18030",
    "cp936": "gb18030", "ms936": "gb18030", "windows936": "gb18030", "euccn": "gb18030", "chinese": "gb18030",
    "cngb": "gb18030", "gb180302000": "gb18030", "gb180302005": "gb18030", "gb180302022": "gb18030", "hzgb2312": "hz",
    "big5": "cp950", "big5eten": "cp950", "xbig5": "cp950", "cnbig5": "cp950", "windows950": "cp950", "ms950": "cp950",
    "shiftjis": "cp932", "sjis": "cp932", "mskanji": "cp932", "windows31j": "cp932", "ms932": "cp932",
    "cp943": "cp932", "cp943c": "cp932", "ibm943": "cp932",
    "ujis": "euc-jp", "eucjpms": "euc-jp", "eucpkdfmtjapanese": "euc-jp", "cp51932": "euc-jp",
    **dict.fromkeys(
        ("iso2022jp", "iso2022jp1", "iso2022jp2", "iso2022jp3", "iso2022jp2004", "iso2022jpext", "iso2022jpms", "jis",
         "jis7", "cp50220", "cp50221", "cp50222", "windows50220", "windows50221"),
        "iso2022_jp",
    ),
    "iso2022kr": "iso2022_kr", "windows50225": "iso2022_kr",
    "ksc56011987": "cp949", "ksc5601": "cp949", "ksc56011989": "cp949", "ksx1001": "cp949", "korean": "cp949",
    "euckr": "cp949", "uhc": "cp949", "ms949": "cp949", "cp51949": "cp949", "isoir149": "cp949",
}  # fmt: skip
_SAMES = {
    variant.replace("-", ""): name
    for name in _SAME
    for variant in (name, *([name.replace("iso8859-", "iso-8859-")] if name.startswith("iso8859-") else ()),
                    *((f"windows-{name[2:]}", f"ibm{name[2:]}") if name.startswith("cp") else ()))
}  # fmt: skip
_CODECS = {**_SAMES, **_OTHERS}

#: Codecs whose text may consist of ASCII bytes that do not mean ASCII.
_SHIFTING = frozenset(name for name in _CODECS.values() if name.startswith(("iso2022", "hz", "utf-16", "utf-32")))
_WIDE = frozenset(name for name in _SHIFTING if name.startswith("utf-"))
_DOUBLE_BYTE = frozenset({"gb18030", "cp950", "big5hkscs", "cp932", "cp949", "euc-jp", "johab"})
# What else a name may mean where its own codec does not fit: Big5 with the characters of Hong Kong.
_NEXT = {"cp950": "big5hkscs"}
_BY_THE_LETTER = {"iso2022_jp": "iso2022_jp_2", "iso2022_kr": "iso2022_kr", "euc-jp": "euc_jp"}
# The charsets of Japan are declared for each other, and those of ISO for those of Windows, which put letters and
# quotation marks where ISO has control characters.
_INSTEAD = {
    "cp932": ("euc-jp",), "euc-jp": ("cp932",), "iso2022_jp": ("cp932", "euc-jp"),
    "iso8859-2": ("cp1250",), "iso8859-5": ("cp1251",), "iso8859-6": ("cp1256",), "iso8859-7": ("cp1253",),
    "iso8859-8": ("cp1255",), "iso8859-13": ("cp1257",), "iso8859-15": ("cp1252",),
}  # fmt: skip
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)  # fmt: skip

_FIRST_OF_MARKS = frozenset(mark[:1] for mark, _ in _MARKS)
_IGNORED = str.maketrans("", "", "-_ :()")
_NOT_ASCII = bytes(range(128, 256))
_CONTROLS = re.compile("[\x80-\x9f\ue000-\uf8ff]")
_JAPANESE = re.compile(rb"\x1b\$[@B](?:[\x21-\x7e]{2})++(?:\x1b\(|[\r\n]|\Z)")
_SEARCHED = 1 << 20  # bytes in which a sign of the charset is looked for
_SAMPLE = 4_096  # bytes in which NULs are counted
_FEW = 3  # bytes outside ASCII; with fewer another charset fits by chance
_SHORT = 16  # bytes of text in which double-byte characters may look like UTF-8


def codec_of(charset: str | None) -> str | None:
    """Give the codec for a charset's name as it stands in a mail; None if it is absent or not one mail uses."""
    if charset is None or len(charset) > 60:
        return None
    return _codec(charset)


@functools.lru_cache(maxsize=500)
def _codec(charset: str) -> str | None:
    # Some programs write the parameter's name twice.
    name = charset.strip(" \t\"'").lower().removeprefix("charset=").translate(_IGNORED)
    short = name.removeprefix("x").removeprefix("cs")
    return _CODECS.get(name) or _CODECS.get(short) or _CODECS.get(short.removeprefix("iso"))


def decode(
    data: bytes, charset: str | None = None, *, detect: bool = False, closely: bool = True
) -> tuple[str, str | None]:
    """Give the text of the bytes, safe to store, and a defect code or None. Never raises; linear.

    What the sender declared may lie: UTF-8 that validates on bytes outside ASCII wins. Then the declared charset, then,
    where `detect` allows it, detection; then Windows-1252.

    Args:
        data: bytes after transfer decoding.
        charset: as declared, in any spelling; None if not declared.
        detect: allow detection, which takes up to 15 ms.
        closely: read Japanese and Korean charsets as programs write them, which takes up to 1.5 s per MB of hostile
            bytes; else by the letter of the standard.
    """
    codec = codec_of(charset)
    flaw = None if not charset else "unknown_charset" if codec is None else "wrong_charset"
    told = _told_by_bytes(data, codec)
    if told is None and codec in _WIDE:
        codec = None  # plain text that calls itself wide: there would be a NUL byte in each line break and blank
        flaw = "unknown_charset"
    if not closely and (meant := _BY_THE_LETTER.get(told or codec or "")) is not None:
        text = data.decode(meant, "replace")
        return _storable(text), "wrong_charset" if "\ufffd" in text else None
    if told is not None and told != codec:
        fits = told in _WIDE and codec in _WIDE if charset else told == "utf-8"
        return _storable(_with_errors(data, told)), None if fits else flaw or "undeclared_charset"
    if codec not in _SHIFTING and data.isascii():
        return _storable(data.decode("ascii")), flaw if codec is None else None
    text, fits = _decode(data, codec, detect)
    return _storable(text), None if fits else flaw or "undeclared_charset"


def _storable(text: str) -> str:
    # A mail may be all NUL, and replacing each by a pattern takes twelve times its size.
    return storable(text.replace("\0", "\ufffd"))


def _told_by_bytes(data: bytes, codec: str | None) -> str | None:
    """Give the codec that the bytes themselves tell: by a byte order mark, by where their NULs are, by their escapes.

    Only what is declared plain or wide is doubted; None if the bytes tell nothing.
    """
    if b"\0" not in data and b"\x1b" not in data and data[:1] not in _FIRST_OF_MARKS:
        return None
    for mark, marked in _MARKS:
        if data.startswith(mark) and (marked != "utf-8" or _strictly(data, "utf-8") is not None):
            return marked
    if codec in (None, "ascii", "utf-8", "cp1252") or codec in _WIDE:
        head = data[:_SAMPLE]
        even, odd = head[::2].count(0), head[1::2].count(0)
        # Half of the bytes of Western text in UTF-16 are NUL; of Asian text blanks and line breaks have one.
        share = 50 if codec in _WIDE else 3
        if len(head) >= 8 and max(even, odd) * share >= len(head) and min(even, odd) * 8 <= max(even, odd):
            return "utf-16-le" if odd > even else "utf-16-be"
        if codec in _WIDE and even + odd:
            return codec
    if codec not in _SHIFTING and b"\x1b$" in data[:_SEARCHED]:
        # Japanese and Korean programs of old declared nothing, and list servers declare ASCII or UTF-8 for them.
        if _JAPANESE.search(data, 0, _SEARCHED) is not None and data.isascii():
            return "iso2022_jp"
        if b"\x1b$)C" in data[:_SEARCHED] and b"\x0e" in data:
            return "iso2022_kr"
    return None


def _decode(data: bytes, codec: str | None, detect: bool) -> tuple[str, bool]:
    """Give the text, and whether it is what was declared (or UTF-8 where nothing was)."""
    tried = None
    if codec is not None and (codec in _SHIFTING or (codec in _DOUBLE_BYTE and len(data) < _SHORT)):
        tried = codec
        # A few double-byte characters may look like UTF-8 by chance.
        text = _strictly(data, codec)
        if text is not None:
            return text, True
    text = None if data.isascii() else _strictly(data, "utf-8")
    if text is not None:
        return text, codec in ("utf-8", None)
    if codec in (None, "ascii", "utf-8"):
        return _guess(data, detect), False
    for name in (codec, _NEXT.get(codec)):
        text = None if name is None or name == tried else _strictly(data, name)
        if text is not None and (codec not in _INSTEAD or _CONTROLS.search(text) is None):
            if detect and codec == "cp1252" and (meant := _other_script(data)) is not None:
                return _with_errors(data, meant), False
            return text, True
    for name in _INSTEAD.get(codec, ()) if _outside(data[:_SEARCHED]) >= _FEW else ():
        text = _strictly(data, name)
        if text is not None and _CONTROLS.search(text) is None:
            return text, False
    return _with_errors(data, codec), False


def _outside(data: bytes) -> int:
    return len(data) - len(data.translate(None, _NOT_ASCII))


def _other_script(data: bytes) -> str | None:
    """Give the charset of a text that declares Western Europe's, out of habit, but is in another script."""
    sample = data[:_SEARCHED]
    outside = _outside(sample)
    if outside < _SHORT or outside * 4 < len(sample):
        return None
    codec = detect_charset(sample)
    return None if codec in LATIN else codec


def _strictly(data: bytes, codec: str) -> str | None:
    """Give the text, or None where it does not fit."""
    try:
        if codec == "iso2022_jp":
            # Eight bits without any shift are another charset.
            text = decode_iso_2022_jp(data) if b"\x1b" in data or data.isascii() else "\ufffd"
        elif codec == "iso2022_kr":
            text = decode_iso_2022_kr(data)
        elif codec == "euc-jp":
            text = decode_euc_jp(data)
        else:
            return data.decode("utf-8-sig" if codec == "utf-8" else codec)
    except UnicodeError:
        return None
    return None if "\ufffd" in text else text


def _with_errors(data: bytes, codec: str) -> str:
    """Give the text with U+FFFD for what does not fit."""
    if codec == "iso2022_jp":
        return decode_iso_2022_jp(data)
    if codec == "iso2022_kr":
        return decode_iso_2022_kr(data)
    if codec == "euc-jp":
        return decode_euc_jp(data)
    return data.decode("utf-8-sig" if codec == "utf-8" else codec, "replace")


def _guess(data: bytes, detect: bool) -> str:
    sample = data[:_SEARCHED]
    outside = _outside(sample)
    if sample.decode("utf-8", "replace").count("\ufffd") * 20 < outside:
        return data.decode("utf-8", "replace")  # UTF-8 with a few bytes damaged on the way
    if detect and (codec := detect_charset(sample)) is not None:
        return _with_errors(data, codec)
    return _strictly(data, "cp1252") or data.decode("latin-1")
