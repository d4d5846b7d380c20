"""The charsets of Japanese and Korean mail that shift between sets of characters, as mail programs write them.

Python's codecs follow the standards to the letter. Programs add the vendors' rows that Windows has (NEC's circled
numbers, IBM's kanji of family names), half-width katakana in three ways (RFC 1468 has none of them), and leave a shift
open at the end of a line: code pages 50220 to 50222 of Windows, and the decoders of WHATWG's Encoding Standard 12.2.
"""

import re
from collections.abc import Iterator

_LONGEST = 1 << 19  # bytes; longer text is read by the letter of the standard
_TOKEN = re.compile(rb"\x1b(\([BHIJ]|\$[@AB]|\$\([@ABCDOPQ]|\$\)C)|([\x0e\x0f])|([^\x1b\x0e\x0f]++)|\x1b")
_ASCII = b"(B"
_KATAKANA = b"(I"
_JIS = frozenset({b"$@", b"$B", b"$(@", b"$(B"})
# Other sets of two bytes: what a pair is preceded by, and the codec that has the set in its right half.
_OTHER_SETS = {
    b"$A": (b"", "gb18030"), b"$(A": (b"", "gb18030"), b"$(C": (b"", "cp949"), b"$)C": (b"", "cp949"),
    b"$(D": (b"\x8f", "euc_jp"), b"$(O": (b"", "euc_jis_2004"), b"$(Q": (b"", "euc_jis_2004"),
    b"$(P": (b"\x8f", "euc_jis_2004"),
}  # fmt: skip
_RIGHT_HALF = bytes(range(128, 256)) * 2
_LEFT_HALF = bytes(range(128)) * 2
_KATAKANA_HALF = bytes(range(0x21)) + bytes(range(0xA1, 0xE0)) + bytes(range(0x60, 256))
# What Python's code page 932 makes of bytes that are no character.
_NO_CHARACTER = dict.fromkeys((0x80, 0xF8F0, 0xF8F1, 0xF8F2, 0xF8F3), "\ufffd")
_EIGHT_BITS = {byte: chr(0xFEC0 + byte) if 0xA1 <= byte <= 0xDF else "\ufffd" for byte in range(128, 256)}
_ROMAN = str.maketrans("\\~", "\N{YEN SIGN}\N{OVERLINE}")
# Windows has other characters than JIS for seven signs; one mail must not have both forms.
_AS_JIS = str.maketrans("～∥－￠￡￢", "〜‖−¢£¬")
_EUC = re.compile(rb"([\x00-\x7f]++)|((?:[\xa1-\xfe]{2})++)|(\x8e[\xa1-\xdf])|(\x8f[\xa1-\xfe]{2})|.", re.DOTALL)


def decode_iso_2022_jp(data: bytes) -> str:
    r"""Give the text of ISO-2022-JP in any of its forms (RFC 1468, RFC 1554, RFC 2237, cp50220 to cp50222). Linear.

    A shift that is open at the end of a line ends there, unless the next line goes on with two-byte Japanese.

    >>> decode_iso_2022_jp(b"\x1b$B-!|b$5$s")
    '①髙さん'
    """
    if len(data) > _LONGEST or b"\x1b." in data:
        return data.decode("iso2022_jp_2", "replace")  # high halves of Western sets (RFC 1554) and nothing of vendors
    mode = before = _ASCII
    said = False  # whether the mode was told since the last line end
    pieces: list[str] = []
    for found in _TOKEN.finditer(data):
        escape, shift, chunk = found.groups()
        if escape is not None:
            mode, said = escape, True
        elif shift is not None:
            mode, before = (_KATAKANA, mode) if shift == b"\x0e" else (before, before)
            said = True
        elif chunk is None:
            pieces.append("\ufffd")
        else:
            for line in chunk.splitlines(keepends=True):
                if not said and pieces and pieces[-1].endswith("\n") and not _is_kana(line):
                    mode = _ASCII if mode in _JIS or mode in _OTHER_SETS else mode
                pieces.append(_line(line, mode))
                said = False
    return "".join(pieces)


def _line(line: bytes, mode: bytes) -> str:
    if mode == _KATAKANA:
        return _shift_jis(line.translate(_KATAKANA_HALF))
    if mode not in _JIS and mode not in _OTHER_SETS:
        text = line.decode("latin-1").translate(_EIGHT_BITS)
        return text.translate(_ROMAN) if mode == b"(J" else text
    pairs = line.rstrip(b"\r\n")
    end = line[len(pairs) :].decode("ascii")
    if mode in _JIS:
        return _jis(pairs) + end
    lead, codec = _OTHER_SETS[mode]
    right = pairs.translate(_RIGHT_HALF)
    if lead:
        right = b"".join(lead + right[at : at + 2] for at in range(0, len(right), 2))
    return right.decode(codec, "replace") + end


def _is_kana(line: bytes) -> bool:
    """Tell whether a line that does not say so is two-byte Japanese: a good part of it is kana, none a blank."""
    pairs = line.rstrip(b"\r\n").split(b"\x1b", 1)[0]
    leads = pairs[::2]
    kana = leads.count(b"$") + leads.count(b"%")
    return bool(pairs) and len(pairs) % 2 == 0 and b" " not in pairs and kana * 4 >= len(leads)


def _jis(pairs: bytes) -> str:
    """Give the text of pairs of JIS X 0208, vendors' rows included, without the eighth bits."""
    try:
        return pairs.translate(_RIGHT_HALF).decode("euc_jp")
    except UnicodeDecodeError:
        return _shift_jis(_windows(pairs)).translate(_AS_JIS)


def _shift_jis(data: bytes) -> str:
    return data.decode("cp932", "replace").translate(_NO_CHARACTER)


def _windows(pairs: bytes) -> bytes:
    # Rows are folded in two and stand where the half-width katakana of Shift_JIS leave room.
    shifted = bytearray()
    for row, cell in zip(pairs[::2], pairs[1::2], strict=False):
        if not (0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
            shifted += b"\xff"  # no character in Shift_JIS either
            continue
        shifted.append((row + 1 >> 1) + (0x70 if row < 0x5F else 0xB0))
        shifted.append(cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20))
    if len(pairs) % 2:
        shifted += b"\xff"
    return bytes(shifted)


def decode_euc_jp(data: bytes) -> str:
    """Give the text of EUC-JP with the vendors' rows that Windows has (code page 51932). Linear."""
    try:
        return data.decode("euc_jp")
    except UnicodeDecodeError:
        return data.decode("euc_jp", "replace") if len(data) > _LONGEST else "".join(_euc(data))


def _euc(data: bytes) -> Iterator[str]:
    for found in _EUC.finditer(data):
        plain, pairs, katakana, rare = found.groups()
        if plain is not None:
            yield plain.decode("ascii")
        elif pairs is not None:
            yield _jis(pairs.translate(_LEFT_HALF))
        elif katakana is not None or rare is not None:
            yield found[0].decode("euc_jp", "replace")
        else:
            yield "\ufffd"


def decode_iso_2022_kr(data: bytes) -> str:
    """Give the text of ISO-2022-KR (RFC 1557), with the syllables that Windows has beyond KS X 1001. Linear.

    The line that announces the charset may be missing, and a shift that is open at the end of a line ends there.
    """
    if len(data) > _LONGEST:
        return data.decode("iso2022_kr", "replace")
    pieces: list[str] = []
    for line in data.replace(b"\x1b$)C", b"").splitlines(keepends=True):
        for number, run in enumerate(line.split(b"\x0e")):
            korean, _, plain = run.partition(b"\x0f") if number else (b"", b"", run)
            if korean.endswith(b"\n"):
                korean, plain = korean.rstrip(b"\r\n"), b"\n"
            pieces.append(korean.translate(_RIGHT_HALF).decode("cp949", "replace"))
            pieces.append(plain.replace(b"\x0f", b"").decode("cp949", "replace"))
    return "".join(pieces)
