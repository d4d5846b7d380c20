"""Bytes of a mail into text, by an allow-list of the charsets that mail uses.

Python knows codecs that are no charsets (``idna``, ``punycode``, ``unicode_escape``, ``utf-7``): they raise, take more
than linear time, or turn plain letters into ``<script>``. A name outside the list is therefore treated as unknown.
"""

from customerservice.domain.text import storable

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
    "utf8": "utf-8", "unicode11utf8": "utf-8", "utf8mb4": "utf-8", "cp65001": "utf-8", "unicode": "utf-16",
    "utf16le": "utf-16-le", "utf16be": "utf-16-be", "ucs2": "utf-16", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "iso88591": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso885911987": "cp1252", "iso88591windows": "cp1252",
    "ansi": "cp1252", "latin2": "iso8859-2", "latin5": "cp1254", "iso88599": "cp1254", "latin9": "iso8859-15",
    "iso88598i": "iso8859-8", "iso88598e": "iso8859-8", "logical": "iso8859-8", "visual": "iso8859-8",
    "iso88596i": "iso8859-6", "iso88596e": "iso8859-6", "cyrillic": "iso8859-5", "greek": "iso8859-7",
    "hebrew": "iso8859-8", "arabic": "iso8859-6", "iso885911": "cp874", "tis620": "cp874", "windows874": "cp874",
    "dos874": "cp874", "koi8": "koi8-r", "koi": "koi8-r", "koi8ru": "koi8-u", "macintosh": "mac-roman",
    "mac": "mac-roman", "macroman": "mac-roman", "xmacroman": "mac-roman", "xmaccyrillic": "mac-cyrillic",
    "maccyrillic": "mac-cyrillic", "macce": "mac-latin2", "xmacce": "mac-latin2", "ibm866": "cp866", "866": "cp866",
    "gb2312": "gb18030", "gb231280": "gb18030", "gbk": "gb18030", "xgbk": "gb18030", "cp936": "gb18030",
    "ms936": "gb18030", "windows936": "gb18030", "euccn": "gb18030", "chinese": "gb18030", "cngb": "gb18030",
    "hzgb2312": "hz", "big5": "cp950", "big5eten": "cp950", "xxbig5": "cp950", "cnbig5": "cp950", "windows950": "cp950",
    "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932", "mskanji": "cp932", "windows31j": "cp932", "ms932": "cp932",
    "xeucjp": "euc-jp", "ujis": "euc-jp", "iso2022jp": "iso2022_jp_ext", "csiso2022jp": "iso2022_jp_ext",
    "iso2022jp1": "iso2022_jp_ext", "iso2022jp2": "iso2022_jp_2", "iso2022jp3": "iso2022_jp_3",
    "iso2022jp2004": "iso2022_jp_2004", "iso2022jpms": "iso2022_jp_ext", "cp50220": "iso2022_jp_ext",
    "cp50221": "iso2022_jp_ext", "iso2022kr": "iso2022_kr", "ksc56011987": "cp949", "ksc5601": "cp949",
    "ksc56011989": "cp949", "korean": "cp949", "euckr": "cp949", "uhc": "cp949", "ms949": "cp949",
    "windows949": "cp949", "isoir149": "cp949", "xwindows949": "cp949",
}  # fmt: skip
_SAMES = {
    variant.replace("-", ""): name
    for name in _SAME
    for variant in (name, *([name.replace("iso8859-", "iso-8859-")] if name.startswith("iso8859-") else ()),
                    *((f"windows-{name[2:]}", f"ibm{name[2:]}", f"x-{name}") if name.startswith("cp") else ()))
}  # fmt: skip
_CODECS = {**_SAMES, **_OTHERS}

#: Codecs whose text may consist of ASCII bytes that do not mean ASCII.
_SHIFTING = frozenset(name for name in _CODECS.values() if name.startswith(("iso2022", "hz", "utf-16", "utf-32")))
_WIDE = frozenset(name for name in _SHIFTING if name.startswith("utf-"))
_DOUBLE_BYTE = frozenset({"gb18030", "cp950", "big5hkscs", "cp932", "cp949", "euc-jp", "johab"})

#: What an undeclared text may be detected as; others are too rare to be believed.
_PLAUSIBLE = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "koi8_r", "gb18030", "big5", "cp932",
    "euc_jp", "cp949", "iso8859_2",
]  # fmt: skip
_NOT_ASCII = bytes(range(128, 256))
_SEARCHED = 1 << 20  # bytes in which a sign of the charset is looked for
_SAMPLE = 4_096  # bytes; detection takes about 10 ms for them
_SHORT = 16  # bytes of text in which double-byte characters may look like UTF-8
_ENOUGH = 64  # bytes outside ASCII; below it detection guesses


def codec_of(charset: str | None) -> str | None:
    """Give the codec for a charset's name as it stands in a mail; None if it is absent or not one mail uses."""
    if charset is None or len(charset) > 60:
        return None
    name = charset.strip(" \t\"'").lower().replace("-", "").replace("_", "").replace(" ", "").replace(":", "")
    return _CODECS.get(name) or _CODECS.get(name.removeprefix("x").removeprefix("cs"))


def decode(data: bytes, charset: str | None = None, *, detect: bool = False) -> tuple[str, str | None]:
    """Give the text of the bytes, safe to store, and a defect code or None. Never raises; linear.

    What the sender declared may lie: UTF-8 that validates on bytes outside ASCII wins. Then the declared charset, then,
    where `detect` allows it and there is enough text, detection; then Windows-1252.

    Args:
        data: bytes after transfer decoding.
        charset: as declared, in any spelling; None if not declared.
        detect: allow detection, which takes about 10 ms.
    """
    codec = codec_of(charset)
    if codec in _WIDE and b"\0" not in data:
        codec = None  # UTF-16 and UTF-32 have a NUL byte in each line break and blank
    flaw = None if not charset else "unknown_charset" if codec is None else "wrong_charset"
    if codec not in _SHIFTING and data.isascii():
        return _storable(data.decode("ascii")), flaw if codec is None else None
    text, fits = _decode(data, codec, detect)
    return _storable(text), None if fits else flaw or "undeclared_charset"


def _storable(text: str) -> str:
    # A mail may be all NUL, and replacing each by a pattern takes twelve times its size.
    return storable(text.replace("\0", "\ufffd"))


def _decode(data: bytes, codec: str | None, detect: bool) -> tuple[str, bool]:
    """Give the text, and whether it is what was declared (or UTF-8 where nothing was)."""
    if codec is not None and (codec in _SHIFTING or (codec in _DOUBLE_BYTE and len(data) < _SHORT)):
        # A few double-byte characters may look like UTF-8 by chance.
        text = _strictly(data, codec)
        if text is not None:
            return text, True
    text = None if data.isascii() else _strictly(data, "utf-8")
    if text is not None:
        return text.removeprefix("\ufeff"), codec in ("utf-8", None)
    if codec in (None, "ascii", "utf-8"):
        return _guess(data, detect), False
    text = _strictly(data, codec)
    return (data.decode(codec, "replace"), False) if text is None else (text, True)


def _strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeError:
        return None


def _guess(data: bytes, detect: bool) -> str:
    sample = data[:_SEARCHED]
    outside = len(sample) - len(sample.translate(None, _NOT_ASCII))
    if sample.decode("utf-8", "replace").count("\ufffd") * 20 < outside:
        return data.decode("utf-8", "replace")  # UTF-8 with a few bytes damaged on the way
    if detect and outside >= _ENOUGH and (codec := _detect(sample)) is not None:
        return data.decode(codec, "replace")
    return _strictly(data, "cp1252") or data.decode("latin-1")


def _detect(data: bytes) -> str | None:
    from charset_normalizer import from_bytes  # 40 ms to import, and few mails need it

    first = next((place for place, byte in enumerate(data) if byte > 127), 0)
    start = max(0, first - 256)
    best = from_bytes(data[start : start + _SAMPLE], cp_isolation=_PLAUSIBLE, enable_fallback=False).best()
    return None if best is None else best.encoding
