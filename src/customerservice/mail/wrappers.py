"""What wraps the text of a mail for cryptography: S/MIME's signed data and the armour of OpenPGP.

Nothing is decrypted and no signature is checked: the text of a person is found, that is all.
"""

import re

# Object identifiers, as they stand in DER (RFC 5652 4, 5.1, 6.1; RFC 5083 2).
_SIGNED = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
_MOST_PIECES = 100_000  # programs write some kilobytes in each
_HEAD = 64  # bytes in which the kind of the content stands
_SEQUENCE, _SET, _INTEGER, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x31, 0x02, 0x04, 0x24, 0xA0

_BEGIN_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:[A-Za-z]+: [^\n]*\n)*+[ \t]*\n", re.MULTILINE
)
_BEGIN_SIGNATURE = re.compile(r"^-----BEGIN PGP SIGNATURE-----[ \t]*$", re.MULTILINE)
_END_SIGNATURE = re.compile(r"^-----END PGP SIGNATURE-----[ \t]*$\n?", re.MULTILINE)
_ENCRYPTED = re.compile(r"^-----BEGIN PGP MESSAGE-----[ \t]*$", re.MULTILINE)
_ESCAPED_DASH = re.compile(r"^- ", re.MULTILINE)


def is_signed_data(data: bytes) -> bool:
    """Tell whether S/MIME data are signed only, so that anybody can read what is in them (RFC 8551 3.5.2)."""
    return _SIGNED in data[:_HEAD]


def signed_content(data: bytes) -> bytes | None:
    """Give the mail inside signed data (RFC 5652 5), or None if it is not there or not found. Linear.

    Definite and indefinite lengths are read, as DER and as programs that write while they read use them.
    """
    try:
        place = data.index(_SIGNED, 0, _HEAD) + len(_SIGNED)
        place = _inside(data, _inside(data, place, _EXPLICIT), _SEQUENCE)
        place = _behind(data, _behind(data, place, _INTEGER), _SET)
        place = _inside(data, place, _SEQUENCE)
        if not data.startswith(_DATA, place):
            return None
        place = _inside(data, place + len(_DATA), _EXPLICIT)
        if data[place] == _OCTETS:
            _, start, end = _header(data, place)
            return data[start:end]
        _, place, end = _header(data, place)
        pieces: list[bytes] = []
        while place < end and data[place] == _OCTETS and len(pieces) < _MOST_PIECES:
            _, start, place = _header(data, place)
            pieces.append(data[start:place])
        return b"".join(pieces)
    except (ValueError, IndexError):
        return None


def _header(data: bytes, place: int) -> tuple[int, int, int]:
    """Give tag, start and end of an element; one of indefinite length reaches to the end of the data."""
    tag, length, start = data[place], data[place + 1], place + 2
    if length == 0x80:
        return tag, start, len(data)
    if length > 0x80:
        start += length - 0x80
        length = int.from_bytes(data[place + 2 : start][:8])
    if start + length > len(data):
        raise ValueError
    return tag, start, start + length


def _inside(data: bytes, place: int, wanted: int) -> int:
    tag, start, _ = _header(data, place)
    if tag != wanted:
        raise ValueError
    return start


def _behind(data: bytes, place: int, wanted: int) -> int:
    tag, _, end = _header(data, place)
    if tag != wanted:
        raise ValueError
    return end


def is_armoured(text: str) -> bool:
    """Tell whether a text with LF line ends holds an encrypted message of OpenPGP (RFC 9580 6.2), unquoted."""
    return _ENCRYPTED.search(text) is not None


def without_armour(text: str) -> str:
    r"""Give a text whose clear-signed parts have lost their armour, dash escapes and signature (RFC 9580 7). Linear.

    Armour that has no end stays, as does what is quoted.

    >>> without_armour(
    ...     "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nHello\n- -- \nAnna\n"
    ...     "-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n"
    ... )
    'Hello\n-- \nAnna\n'
    """
    pieces: list[str] = []
    place = 0
    while (begin := _BEGIN_SIGNED.search(text, place)) is not None:
        signature = _BEGIN_SIGNATURE.search(text, begin.end())
        end = None if signature is None else _END_SIGNATURE.search(text, signature.end())
        if signature is None or end is None:
            break
        pieces.append(text[place : begin.start()])
        pieces.append(_ESCAPED_DASH.sub("", text[begin.end() : signature.start()]))
        place = end.end()
    return "".join((*pieces, text[place:]))
