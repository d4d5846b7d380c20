"""Files and text out of winmail.dat."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnef_samples import attribute, file, properties, tnef, unicode_text

from customerservice.mail.tnef import LARGEST, Tnef, TnefFile, read_tnef

STREAM = tnef(
    file(
        b"%PDF-1.4",
        b"RECHNU~1.PDF",
        (0x1F, 0x3707, unicode_text("Rechnung für März.pdf")),
        (0x1E, 0x370E, b"application/PDF\0"),
        (0x1E, 0x3712, b"img1@shop\0"),
    ),
    file(b"abc", b"gr\xf6\xdfe.txt"),
)


def test_files_have_their_long_names() -> None:
    """The long name wins over the short one, whose letters are those of the code page."""
    assert read_tnef(STREAM) == Tnef(
        (
            TnefFile(
                name="Rechnung für März.pdf",
                media_type="application/pdf",
                content=b"%PDF-1.4",
                content_id="img1@shop",
            ),
            TnefFile(name="größe.txt", media_type=None, content=b"abc"),
        )
    )


@pytest.mark.parametrize(
    ("attributes", "text", "html"),
    [
        ([attribute(1, 0x0002800C, b"Hall\xf6chen\0")], "Hallöchen", None),
        ([attribute(1, 0x00069003, properties((0x1F, 0x1000, unicode_text("Hallöchen"))))], "Hallöchen", None),
        ([attribute(1, 0x00069003, properties((0x1E, 0x1000, b"Hall\xf6chen\0")))], "Hallöchen", None),
        (
            [
                attribute(
                    1,
                    0x00069003,
                    properties((0x03, 0x3FDE, struct.pack("<I", 65001)), (0x102, 0x1013, "<p>Hallöchen</p>".encode())),
                )
            ],
            None,
            "<p>Hallöchen</p>",
        ),
        ([attribute(1, 0x00069003, properties((0x102, 0x1013, b"<p>Hi</p>")))], None, "<p>Hi</p>"),
        ([attribute(1, 0x00069003, properties((0x1F, 0x1013, unicode_text("<p>Hi</p>"))))], None, "<p>Hi</p>"),
        ([attribute(1, 0x00069003, properties((0x1E, 0x3FDE, b"1252\0"), (0x102, 0x1013, b"<p>")))], None, "<p>"),
        ([attribute(1, 0x00069003, properties((0x102, 0x1009, b"LZFu")))], None, None),
    ],
)
def test_text_of_the_mail(attributes: list[bytes], text: str | None, html: str | None) -> None:
    """Text and HTML are read in their code page; Rich Text is not read."""
    assert read_tnef(tnef(*attributes)) == Tnef((), text, html)


def test_attached_item_is_a_file() -> None:
    """A mail that Outlook attached is given whole, without the name of its interface."""
    inner = tnef()
    title = (0x1F, 0x3001, unicode_text("Weitergeleitet"))
    start = attribute(2, 0x00069002, b"\2\0" + b"\0" * 12)
    for content, expected, media_type in [
        (b"\x07\x03\x02\0" + b"\0" * 12 + inner, inner, "application/ms-tnef"),
        (b"an OLE object", b"an OLE object", None),
    ]:
        stream = tnef(start + attribute(2, 0x00069005, properties(title, (0x0D, 0x3701, content))))

        assert read_tnef(stream) == Tnef((TnefFile(name="Weitergeleitet", media_type=media_type, content=expected),))


def test_file_of_nothing() -> None:
    """A file without name, data and type is an empty file."""
    assert read_tnef(tnef(attribute(2, 0x00069002, b"\1\0"))) == Tnef(
        (TnefFile(name=None, media_type=None, content=b""),)
    )


def test_named_and_repeated_properties_are_passed_over() -> None:
    """Properties with names of their own, and lists of values, stand between those that are looked for."""
    numbered = struct.pack("<HH", 0x03, 0x8001) + b"\0" * 16 + struct.pack("<IIi", 0, 5, 7)
    named = struct.pack("<HH", 0x03, 0x8002) + b"\0" * 16 + struct.pack("<II", 1, 6) + b"a\0b\0\0\0" + b"\0\0"
    several = struct.pack("<HHI", 0x1003, 0x0001, 2) + b"\0" * 8
    strings = (
        struct.pack("<HHI", 0x101E, 0x0002, 2) + struct.pack("<I", 2) + b"a\0\0\0" + struct.pack("<I", 1) + b"b\0\0\0"
    )
    name = struct.pack("<HHII", 0x1E, 0x3707, 1, 2) + b"x\0\0\0"
    data = struct.pack("<I", 5) + numbered + named + struct.pack("<i", 1) + several + strings + name
    found = read_tnef(tnef(attribute(2, 0x00069002, b"\1\0"), attribute(2, 0x00069005, data)))

    assert found is not None
    assert [one.name for one in found.files] == ["x"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no TNEF",
        STREAM[:-3],
        STREAM[:100],
        STREAM[:-1] + b"\xff",
        STREAM + b"\0" * 8 + b"\1",
        STREAM + b"\2\x0f\x80",
        b"\x78\x9f\x3e\x22" + b"\0" * LARGEST,
        tnef(*[attribute(2, 0x00069002, b"")] * 501),
        tnef(*[attribute(1, 0x00078008, b"")] * 10_001),
        tnef(attribute(1, 0x00069003, properties((0x99, 0x1000, b"\1\0\0\0")))),
        tnef(attribute(1, 0x00069003, properties((0x1E, 0x1000, b"abc"))[:-2])),
    ],
)
def test_what_is_no_sound_stream(data: bytes) -> None:
    """Foreign, cut, damaged, overfull and huge streams are not read."""
    assert read_tnef(data) is None


@pytest.mark.parametrize("stream", [STREAM[:-1], STREAM[:-2], STREAM + b"\n", STREAM + b"\r\n\0\0"])
def test_end_that_a_gateway_changed_costs_no_file(stream: bytes) -> None:
    """A few bytes behind the stream, or its last checksum cut off: every value is there."""
    assert read_tnef(stream) == read_tnef(STREAM)


@given(cut=st.integers(0, len(STREAM)), place=st.integers(0, len(STREAM) - 1), byte=st.integers(0, 255))
def test_no_bytes_raise(cut: int, place: int, byte: int) -> None:
    """A stream with any byte changed, cut anywhere, is read or not."""
    changed = STREAM[:place] + bytes([byte]) + STREAM[place + 1 :]

    assert isinstance(read_tnef(changed[:cut]), Tnef | None)
