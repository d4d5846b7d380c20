"""TNEF streams for the tests ([MS-OXTNEF] 2.1.3)."""

import struct

Property = tuple[int, int, bytes]


def attribute(level: int, name: int, value: bytes) -> bytes:
    """Give an attribute with its checksum."""
    return struct.pack("<BII", level, name, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*items: Property) -> bytes:
    """Give properties of (type, name, value); values of variable size stand alone in their list."""
    found = [struct.pack("<I", len(items))]
    for kind, name, value in items:
        head = struct.pack("<HH", kind, name)
        size = struct.pack("<II", 1, len(value)) if kind in (0x0D, 0x1E, 0x1F, 0x102) else b""
        found.append(head + size + value + b"\0" * (-len(value) % 4))
    return b"".join(found)


def unicode_text(text: str) -> bytes:
    """Give text as Outlook stores it."""
    return (text + "\0").encode("utf-16-le")


def tnef(*attributes: bytes) -> bytes:
    """Give a stream with its head: signature, key, version, code page 1252."""
    head = b"\x78\x9f\x3e\x22\x01\x00" + attribute(1, 0x00089006, struct.pack("<I", 0x00010000))
    return head + attribute(1, 0x00069007, struct.pack("<II", 1252, 0)) + b"".join(attributes)


def file(content: bytes, title: bytes = b"", *items: Property) -> bytes:
    """Give the attributes of one attached file."""
    found = attribute(2, 0x00069002, b"\1\0" + b"\0" * 12)
    if title:
        found += attribute(2, 0x00018010, title + b"\0")
    found += attribute(2, 0x0006800F, content)
    return found + (attribute(2, 0x00069005, properties(*items)) if items else b"")
