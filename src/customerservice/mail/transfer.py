"""Transfer encodings of a body (RFC 2045 6), decoded as far as they make sense."""

import binascii
import re
from collections.abc import Callable, Mapping

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(sorted(set(range(256)) - set(_BASE64)))
_EXPECTED = _BASE64 + b"= \t\r\n"
_STEP = 1 << 18
_SHORT = 1_000  # bytes; a line of a mail has no more (RFC 5322 2.1.1)
_MOST_BAD_LINES = 1_000
_RETURN = ord("\r")
_FALSE_ESCAPE = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*+(?:\r|\n|\Z))")


def decode_base64(data: bytes | memoryview) -> tuple[bytes, str | None]:
    """Give what the base64 text stands for, and ``bad_base64`` unless it was faultless. Linear, never raises.

    Foreign characters are passed over, the text ends at its padding, and an unfinished group gives the bytes it holds.
    """
    try:
        decoded = binascii.a2b_base64(data)
    except binascii.Error:
        pure = bytes(data).translate(None, _NOT_BASE64)
        whole = pure[:-1] if len(pure) % 4 == 1 else pure
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4)), "bad_base64"
    if len(data) > _SHORT and _is_regular(data, len(decoded)):
        return decoded, None
    # In steps, because translate() first allocates as much as it is given.
    foreign = any(bytes(data[at : at + _STEP]).translate(None, _EXPECTED) for at in range(0, len(data), _STEP))
    # Much text after the padding, or padding alone.
    unread = 2 * len(decoded) + 4 < len(data) or (not decoded and bool(bytes(data[:_STEP]).strip()))
    return decoded, "bad_base64" if foreign or unread else None


def _is_regular(data: bytes | memoryview, size: int) -> bool:
    """Tell whether lines of one length hold just the characters of so many bytes, so that none can be foreign.

    Only the line breaks are looked at, which takes a tenth less time for a large attachment.
    """
    width = bytes(data[:_SHORT]).find(b"\n") + 1
    if width < 2:
        return False
    last = bytes(data[len(data) - len(data) % width :])
    feeds = bytes(data[width - 1 :: width])
    returns = bytes(data[width - 2 :: width]) if data[width - 2] == _RETURN else b""
    breaks = len(feeds) + len(returns) + len(last) - len(last.rstrip(b"\r\n"))
    return len(data) - breaks == (size + 2) // 3 * 4 and feeds == b"\n" * len(feeds) and returns == b"\r" * len(returns)


def decode_quoted_printable(data: bytes | memoryview) -> tuple[bytes, str | None]:
    """Give what the quoted-printable text stands for; escapes that are none stay as they are, with a defect. Linear."""
    text = bytes(data)
    decoded = binascii.a2b_qp(text)
    return decoded, "bad_quoted_printable" if _FALSE_ESCAPE.search(text) is not None else None


def decode_uuencoded(data: bytes | memoryview) -> tuple[bytes, str | None]:
    """Give the file between ``begin`` and ``end``; without a ``begin`` the data as they are, with a defect. Linear."""
    text = bytes(data)
    start = 0 if text.startswith(b"begin ") else text.find(b"\nbegin ") + 1
    if not start and not text.startswith(b"begin "):
        return text, "bad_uuencode"
    lines = text[start:].splitlines()[1:]
    decoded: list[bytes] = []
    bad = 0
    for line in lines:
        if line.strip() == b"end":
            return b"".join(decoded), "bad_uuencode" if bad else None
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some programs write lines longer than their count says.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                decoded.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                bad += 1
                if bad > _MOST_BAD_LINES:
                    break
    return b"".join(decoded), "bad_uuencode"


def _as_is(data: bytes | memoryview) -> tuple[bytes, str | None]:
    return bytes(data), None


_DECODERS: Mapping[str, Callable[[bytes | memoryview], tuple[bytes, str | None]]] = {
    "base64": decode_base64,
    "quoted-printable": decode_quoted_printable,
    "x-uuencode": decode_uuencoded,
    "uuencode": decode_uuencoded,
    "x-uue": decode_uuencoded,
    "7bit": _as_is,
    "8bit": _as_is,
    "binary": _as_is,
    "": _as_is,
}


def decode_transfer(data: bytes | memoryview, encoding: str) -> tuple[bytes, str | None]:
    """Give the bytes of a body and a defect code or None; an unknown encoding means the bytes as they are."""
    decoder = _DECODERS.get(encoding)
    return (bytes(data), "unknown_transfer_encoding") if decoder is None else decoder(data)
