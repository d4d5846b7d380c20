"""The ``winmail.dat`` of Outlook and Exchange: files and text out of a TNEF stream ([MS-OXTNEF])."""

import struct
from collections.abc import Iterator, Mapping

import attrs

from customerservice.domain.text import one_line, storable
from customerservice.mail.charsets import decode

LARGEST = 10 * 1024 * 1024  # bytes
_SIGNATURE = b"\x78\x9f\x3e\x22"
_SMALLEST = 9  # bytes of an attribute: its level, name and size
_LEVELS = b"\1\2"  # of the message and of a file
_MOST = 10_000  # attributes, and properties of one
_MOST_FILES = 500

# Attributes ([MS-OXTNEF] 2.1.3.3 and 2.1.3.4).
_BODY, _MESSAGE_PROPERTIES, _CODE_PAGE = 0x0002800C, 0x00069003, 0x00069007
_START_OF_FILE, _FILE_TITLE, _FILE_DATA, _FILE_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
# Properties ([MS-OXPROPS]).
_TEXT, _HTML, _TEXT_CODE_PAGE = 0x1000, 0x1013, 0x3FDE
_DATA, _SHORT_NAME, _LONG_NAME, _DISPLAY_NAME = 0x3701, 0x3704, 0x3707, 0x3001
_MEDIA_TYPE, _CONTENT_ID = 0x370E, 0x3712
# Types of values: their size where it is fixed ([MS-OXTNEF] 2.1.3.5.1), each padded to four bytes.
_FIXED = {0x02: 2, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 2, 0x14: 8, 0x40: 8, 0x48: 16}
_OBJECT, _STRING, _UNICODE, _BINARY, _SEVERAL = 0x0D, 0x1E, 0x1F, 0x102, 0x1000
_NAMED = 0x8000
_INTERFACE = 16  # bytes before an object: which kind it is

_Properties = Mapping[int, bytes | str]


@attrs.frozen(kw_only=True)
class TnefFile:
    """A file in a TNEF stream; name and type as the sender's program wrote them, None where it did not."""

    name: str | None
    media_type: str | None
    content: bytes = attrs.field(repr=False)
    content_id: str | None = None


@attrs.frozen
class Tnef:
    """What a TNEF stream holds; `text` and `html` are None where it has them in Rich Text only, as mostly."""

    files: tuple[TnefFile, ...]
    text: str | None = None
    html: str | None = None


class _Broken(Exception):
    """The stream is not what it says."""


def read_tnef(data: bytes) -> Tnef | None:
    """Give what a stream holds; None if it is no TNEF, larger than 10 MB, broken off, or damaged. Linear.

    An attached Outlook item is given as a file of the type ``application/ms-tnef``, unread.
    """
    if len(data) > LARGEST or not data.startswith(_SIGNATURE):
        return None
    try:
        return _read(data)
    except (_Broken, struct.error):
        return None


def _read(data: bytes) -> Tnef:
    files: list[dict[int, bytes]] = []
    message: _Properties = {}
    body: bytes | None = None
    charset = ""
    for name, value in _attributes(data):
        if name == _CODE_PAGE:
            charset = f"cp{struct.unpack_from('<I', value)[0]}"
        elif name == _BODY:
            body = value
        elif name == _MESSAGE_PROPERTIES:
            message = _properties(value, charset)
        elif name == _START_OF_FILE:
            if len(files) == _MOST_FILES:
                raise _Broken
            files.append({})
        elif files:
            files[-1][name] = value
    plain = message.get(_TEXT)
    text = plain if isinstance(plain, str) else None if body is None else decode(body.rstrip(b"\0"), charset)[0]
    html = message.get(_HTML)
    if isinstance(html, bytes):
        page = message.get(_TEXT_CODE_PAGE, b"")
        html = decode(html.rstrip(b"\0"), f"cp{int.from_bytes(page, 'little')}" if isinstance(page, bytes) else "")[0]
    return Tnef(tuple(_file(file, charset) for file in files), text, html)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give name and bytes of each attribute in order; their checksums must be right.

    At the end some gateways leave a few bytes, such as a line break, and others take the last checksum.
    """
    place = len(_SIGNATURE) + 2
    for _ in range(_MOST):
        if place >= len(data) or (len(data) - place < _SMALLEST and data[place] not in _LEVELS):
            return
        _level, name, size = struct.unpack_from("<BII", data, place)
        value = data[place + 9 : place + 9 + size]
        checksum = data[place + 9 + size : place + 11 + size]
        if len(value) < size or (len(checksum) == 2 and sum(value) & 0xFFFF != int.from_bytes(checksum, "little")):
            raise _Broken
        yield name, value
        place += 11 + size
    raise _Broken


def _file(attributes: Mapping[int, bytes], charset: str) -> TnefFile:
    properties = _properties(attributes[_FILE_PROPERTIES], charset) if _FILE_PROPERTIES in attributes else {}
    told = [properties.get(name) for name in (_LONG_NAME, _SHORT_NAME, _DISPLAY_NAME)]
    told.append(decode(attributes.get(_FILE_TITLE, b"").split(b"\0", 1)[0], charset)[0])
    media_type = properties.get(_MEDIA_TYPE)
    content_id = properties.get(_CONTENT_ID)
    content, inner = attributes.get(_FILE_DATA), properties.get(_DATA)
    if content is None and isinstance(inner, bytes):
        content = inner[_INTERFACE:] if inner[_INTERFACE:].startswith(_SIGNATURE) else inner
        media_type = "application/ms-tnef" if content.startswith(_SIGNATURE) else media_type
    return TnefFile(
        name=next((one_line(name) for name in told if isinstance(name, str) and name), None),
        media_type=one_line(media_type).lower() if isinstance(media_type, str) and media_type else None,
        content=content or b"",
        content_id=one_line(content_id) if isinstance(content_id, str) and content_id else None,
    )


def _properties(data: bytes, charset: str) -> _Properties:
    """Give the first value of each property: text as text, anything else as its bytes."""
    found: dict[int, bytes | str] = {}
    (count,) = struct.unpack_from("<I", data)
    place = 4
    for _ in range(min(count, _MOST)):
        kind, name = struct.unpack_from("<HH", data, place)
        place += 4
        if name >= _NAMED:
            (by_name,) = struct.unpack_from("<I", data, place + 16)
            (length,) = struct.unpack_from("<I", data, place + 20)
            place += 24 + (_padded(length) if by_name else 0)
        values = 1
        base = kind & ~_SEVERAL
        if kind & _SEVERAL or base not in _FIXED:
            (values,) = struct.unpack_from("<I", data, place)
            place += 4
        for number in range(values):
            size = _FIXED.get(base)
            if size is None:
                if base not in (_OBJECT, _STRING, _UNICODE, _BINARY):
                    raise _Broken
                (size,) = struct.unpack_from("<I", data, place)
                place += 4
            if place + size > len(data):
                raise _Broken
            if number == 0:
                found.setdefault(name, _value(data[place : place + size], base, charset))
            place += _padded(size)
    return found


def _padded(size: int) -> int:
    return size + -size % 4


def _value(value: bytes, kind: int, charset: str) -> bytes | str:
    if kind == _UNICODE:
        return storable(value.decode("utf-16-le", "replace").rstrip("\0"))
    return decode(value.rstrip(b"\0"), charset)[0] if kind == _STRING else value
