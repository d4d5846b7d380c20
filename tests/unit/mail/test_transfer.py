"""Transfer encodings."""

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.transfer import decode_base64, decode_transfer


@pytest.mark.parametrize(
    ("data", "encoding", "expected"),
    [
        (b"YWJj\r\nZGVm\r\n", "base64", (b"abcdef", None)),
        (b"", "base64", (b"", None)),
        (b"YWI", "base64", (b"ab", "bad_base64")),
        (b"a", "base64", (b"", "bad_base64")),
        (b"====", "base64", (b"", "bad_base64")),
        (b"YW!Jj", "base64", (b"abc", "bad_base64")),
        (b"YQ==\r\n-- \r\nfooter of the list", "base64", (b"a", "bad_base64")),
        (b"a=C3=A4=\r\nb", "quoted-printable", (b"a\xc3\xa4b", None)),
        (b"a=c3", "quoted-printable", (b"a\xc3", None)),
        (b"plain", "quoted-printable", (b"plain", None)),
        (b"a=ZZ", "quoted-printable", (b"a=ZZ", "bad_quoted_printable")),
        (b"a=4", "quoted-printable", (b"a=4", "bad_quoted_printable")),
        (b"a=", "quoted-printable", (b"a", None)),
        (b"begin 644 x\n#86)C\n \nend\n", "x-uuencode", (b"abc", None)),
        (b"Hi\nbegin 644 x\n#86)C\nend\n", "uuencode", (b"abc", None)),
        (b"begin 644 x\n#86)Cxx\nend\n", "x-uue", (b"abc", None)),
        (b"begin 644 x\n#86)C\n", "uuencode", (b"abc", "bad_uuencode")),
        (b"begin 644 x\n#86)C\n\xff\xff\n", "uuencode", (b"abc", "bad_uuencode")),
        (b"no file", "uuencode", (b"no file", "bad_uuencode")),
        (b"as it is\xff", "8bit", (b"as it is\xff", None)),
        (b"as it is", "", (b"as it is", None)),
        (b"as it is", "x-unknown", (b"as it is", "unknown_transfer_encoding")),
    ],
)
def test_forms(data: bytes, encoding: str, expected: tuple[bytes, str | None]) -> None:
    """Each encoding is decoded as far as it makes sense, and what is wrong with it is told."""
    assert decode_transfer(memoryview(data), encoding) == expected


@given(st.binary())
def test_base64_reads_back(data: bytes) -> None:
    """Faultless base64 gives the bytes without any defect."""
    assert decode_transfer(binascii.b2a_base64(data), "base64") == (data, None)


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("size", [1_700, 1_710, 1_711])
def test_long_base64_with_lines_of_one_length(line_end: bytes, size: int) -> None:
    """A long text in lines of one length is faultless; a foreign character in place of another is told, wherever."""
    data = bytes(range(256)) * 7
    lines = base64.encodebytes(data[:size]).replace(b"\n", line_end)

    assert decode_base64(memoryview(lines)) == (data[:size], None)
    for place in (0, 75, 76, 77, 78, 1_000, len(lines) - 1):
        assert decode_base64(lines[:place] + b"!" + lines[place + 1 :])[1] == "bad_base64"
        assert decode_base64(lines[:place] + b"!" + lines[place:])[1] == "bad_base64"


@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n"])
def test_long_base64_in_other_lines(line_end: bytes) -> None:
    """Lines of different lengths, or one long line, are faultless as well."""
    text = base64.b64encode(bytes(range(256)) * 7)
    lines = line_end.join((b"", text[:10], text[10:100], text[100:]))

    assert decode_base64(lines) == (bytes(range(256)) * 7, None)


@given(st.binary(max_size=80), st.sampled_from(["base64", "quoted-printable", "uuencode"]))
def test_no_bytes_raise(data: bytes, encoding: str) -> None:
    """Any bytes decode to some bytes."""
    assert isinstance(decode_transfer(data, encoding)[0], bytes)


def test_bad_lines_of_uuencode_are_not_read_for_ever() -> None:
    """After a thousand lines that are none the rest is no file."""
    data = b"begin 644 a\n#86)C\n" + b"#\xff\xff\xff\xff\n" * 1_001 + b"#86)C\nend\n"

    assert decode_transfer(data, "x-uuencode") == (b"abc", "bad_uuencode")
