"""Text inside signed data and armour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.wrappers import is_armoured, is_signed_data, signed_content, without_armour

SIGNED = bytes.fromhex("06092a864886f70d010702")
DATA = bytes.fromhex("06092a864886f70d010701")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")


def element(tag: int, content: bytes) -> bytes:
    """Give an element of definite length."""
    length = len(content)
    size = bytes([length]) if length < 128 else b"\x82" + length.to_bytes(2)
    return bytes([tag]) + size + content


def endless(tag: int, content: bytes) -> bytes:
    """Give an element of indefinite length."""
    return bytes([tag, 0x80]) + content + b"\0\0"


HEAD = element(0x02, b"\1") + element(0x31, element(0x30, b"\x06\1\0"))
MAIL = b"Content-Type: text/plain\r\n\r\nHello " + b"x" * 200
DEFINITE = element(
    0x30,
    SIGNED + element(0xA0, element(0x30, HEAD + element(0x30, DATA + element(0xA0, element(0x04, MAIL))) + b"rest")),
)
PIECES = element(0x04, MAIL[:50]) + element(0x04, MAIL[50:])
INDEFINITE = endless(
    0x30, SIGNED + endless(0xA0, endless(0x30, HEAD + endless(0x30, DATA + endless(0xA0, endless(0x24, PIECES)))))
)


@pytest.mark.parametrize("data", [DEFINITE, INDEFINITE])
def test_mail_inside_signed_data(data: bytes) -> None:
    """What was signed is found in both forms of lengths."""
    assert is_signed_data(data)
    assert signed_content(data) == MAIL


@pytest.mark.parametrize(
    "data",
    [
        b"",
        element(0x30, ENVELOPED + element(0xA0, b"")),
        element(0x30, SIGNED),
        element(0x30, SIGNED + element(0x30, b"")),
        DEFINITE[:-5],
        element(0x30, SIGNED + element(0xA0, element(0x30, element(0x30, b"x")))),
        element(0x30, SIGNED + element(0xA0, element(0x30, HEAD + element(0x30, ENVELOPED)))),
    ],
)
def test_what_holds_no_readable_mail(data: bytes) -> None:
    """Encrypted, detached and broken data give nothing."""
    assert signed_content(data) is None


@given(cut=st.integers(0, len(INDEFINITE)), place=st.integers(0, len(INDEFINITE) - 1), byte=st.integers(0, 255))
def test_no_bytes_raise(cut: int, place: int, byte: int) -> None:
    """Signed data with any byte changed, cut anywhere, give bytes or nothing."""
    changed = INDEFINITE[:place] + bytes([byte]) + INDEFINITE[place + 1 :]

    assert isinstance(signed_content(changed[:cut]), bytes | None)


BEGIN = "-----BEGIN PGP SIGNED MESSAGE-----\n"
SIGNATURE = "-----BEGIN PGP SIGNATURE-----\nVersion: GnuPG v2\n\niQEzBAEB\n=abcd\n-----END PGP SIGNATURE-----\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{BEGIN}Hash: SHA256\n\nHello\n- - item\n{SIGNATURE}", "Hello\n- item\n"),
        (f"{BEGIN}\nHello\n{SIGNATURE}after\n", "Hello\nafter\n"),
        (f"{BEGIN}Hash: SHA1\n\na\n{SIGNATURE}{BEGIN}\nb\n{SIGNATURE}", "a\nb\n"),
        (f"{BEGIN}\nHello\n", f"{BEGIN}\nHello\n"),
        (f"{BEGIN}\nHello\n-----BEGIN PGP SIGNATURE-----\n\nx", f"{BEGIN}\nHello\n-----BEGIN PGP SIGNATURE-----\n\nx"),
        (f"> {BEGIN}>\n> a\n{SIGNATURE}", f"> {BEGIN}>\n> a\n{SIGNATURE}"),
        ("Hello", "Hello"),
    ],
)
def test_armour_of_signed_text(text: str, expected: str) -> None:
    """Armour, dash escapes and signature go; what is unfinished or quoted stays."""
    assert without_armour(text) == expected


def test_encrypted_armour_is_told() -> None:
    """An encrypted message is told, but not where it is quoted or spoken of."""
    assert is_armoured("Hi\n-----BEGIN PGP MESSAGE-----\n\nhQEM\n-----END PGP MESSAGE-----\n")
    assert not is_armoured("> -----BEGIN PGP MESSAGE-----\n")
    assert not is_armoured("the line -----BEGIN PGP MESSAGE----- is missing")
