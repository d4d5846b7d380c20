"""The shifting charsets of Japanese and Korean mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.iso_2022 import decode_euc_jp, decode_iso_2022_jp, decode_iso_2022_kr


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a \x1b$B%F%9%H\x1b(B b", "a テスト b"),
        (b"\x1b$@%F%9%H\x1b(J\\~", "テスト¥‾"),
        (b"\x1b$B-!|b\x1b(B", "①髙"),
        (b"\x1b$B|bA\x1b(B", "髙\ufffd"),
        (b"\x1b$B-!\xff!\x1b(B", "①\ufffd"),
        (b"\x1b$B-!!A\x1b(B", "①〜"),
        (b"\x1b(I1 2\x1b(B", "ｱ ｲ"),
        (b"x\x0e12\x0fy\xb1", "xｱｲyｱ"),
        (b'\x1b$(D"/\x1b(B', "˘"),
        (b"\x1b$AVP\x1b(B \x1b$(C0!\x1b(B", "中 가"),
        (b"\x1b$(Q-!\x1b$(P!!\x1b(B", "①𠂉"),
        (b"\x1b$B%F%9\x1b(B\n\x1b$B%H", "テス\nト"),
        (b"\x1b$B%F%9%H\nHello you\n", "テスト\nHello you\n"),
        (b"\x1b$B%F%9%H\r\n%F%9%H\x1b(B.", "テスト\r\nテスト."),
        (b"\x1b$B%F%9\n\nx", "テス\n\nx"),
        (b"\x1b(I1\n2", "ｱ\nｲ"),
        (b"\x1b(I\n", "\n"),
        (b"\x1bZa", "\ufffdZa"),
        (b"\x1b.A\x1bNia", "éa"),
    ],
)
def test_japanese(data: bytes, text: str) -> None:
    """Vendors' rows, katakana in three ways, other sets, and shifts that nobody closed."""
    assert decode_iso_2022_jp(data) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("テスト x".encode("euc-jp"), "テスト x"),
        (b"\xad\xa1\xfc\xe2a", "①髙a"),
        (b"\xad\xa1\x8e\xb1\x8f\xa2\xaf", "①ｱ˘"),
        (b"\xad\xa1\xff", "①\ufffd"),
    ],
)
def test_japanese_of_unix(data: bytes, text: str) -> None:
    """EUC-JP with the rows that Windows added."""
    assert decode_euc_jp(data) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("안녕 x".encode("iso2022_kr"), "안녕 x"),
        (b"\x0e0!\x0f a\n\x0e0!\n\x0e0!", "가 a\n가\n가"),
        (b"\x1b$)Ca\x0fb", "ab"),
    ],
)
def test_korean(data: bytes, text: str) -> None:
    """ISO-2022-KR with and without its announcement, and with shifts that nobody closed."""
    assert decode_iso_2022_kr(data) == text


def test_long_text_is_read_by_the_standard() -> None:
    """Beyond half a megabyte only what the standards know is read, at the speed of Python's codecs."""
    size = 1 << 20

    assert decode_iso_2022_jp(b"\x1b$B%F\x1b(B" + b"x" * size) == "テ" + "x" * size
    assert decode_iso_2022_kr(b"\x1b$)C\x0e0!\x0f" + b"x" * size) == "가" + "x" * size
    assert decode_euc_jp(b"\xad\xa1" + b"x" * size).endswith("x" * size)


@given(st.lists(st.sampled_from([b"\x1b", b"$B", b"(B", b"(I", b"$(D", b"\x0e", b"\x0f", b"\n", b"%F", b"a", b"\xff"])))
def test_no_bytes_raise(pieces: list[bytes]) -> None:
    """Any bytes give text."""
    data = b"".join(pieces)

    assert isinstance(decode_iso_2022_jp(data) + decode_iso_2022_kr(data) + decode_euc_jp(data), str)
