"""Names and types of a stranger's files."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.files import is_disguised, is_download_only, safe_filename, sniff_media_type
from customerservice.domain.ids import AttachmentId
from customerservice.domain.message import Attachment


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a b (1).pdf", "a b (1).pdf"),
        ("Größe №1.pdf", "Größe №1.pdf"),
        ("Gro\u0308ße.txt", "Größe.txt"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("/etc/passwd", "passwd"),
        ("C:\\dir\\x.exe", "x.exe"),
        ("C:x.exe", "x.exe"),
        ("\\\\server\\share\\x.exe", "x.exe"),
        ("a.txt:b", "a.txt"),
        ("a.txt::$DATA", "a.txt"),
        ("a.txt:b:c", "a.txt"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("com1 .log", "_com1 .log"),
        ("LPT¹", "_LPT¹"),
        ("control.txt", "control.txt"),
        ("a.exe. . ", "a.exe"),
        (".htaccess", "htaccess"),
        ("\u200b.htaccess", "htaccess"),
        (".\u200d.\u2060/a", "a"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("a\r\nContent-Type: x.pdf", "aContent-Type"),
        ("a%0d%0ab.pdf", "a%0d%0ab.pdf"),
        ('a"b<c>.pdf', "a_b_c_.pdf"),
        ("a\0.pdf", "a.pdf"),
        ("a\U000e0041b.pdf", "ab.pdf"),
        ("a／b.pdf", "a_b.pdf"),
        ("a\t \u00a0b.pdf", "a b.pdf"),
        ("", "attachment"),
        ("...", "attachment"),
        (None, "attachment"),
        (":", "attachment"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("ß" * 300 + ".pdf", "ß" * 125 + ".pdf"),
        ("x" * 300, "x" * 255),
        ("a." + "x" * 300, "a." + "x" * 253),
        ("a\u0308" * 3 + "́" * 500 + ".pdf", "äää" + "́" * 122 + ".pdf"),
    ],
)
def test_safe_names(name: str | None, expected: str) -> None:
    """What is hostile goes, what people write stays."""
    assert safe_filename(name) == expected


@given(st.text(alphabet=st.sampled_from('aCON1.\\/: \u0308\u202e\u200b\0\n"ß\U000e0041％'), max_size=300))
def test_safe_names_of_anything(name: str) -> None:
    """Any name gives a safe one, and a safe one stays."""
    safe = safe_filename(name)

    assert safe == safe_filename(safe)
    assert 0 < len(safe.encode()) <= 255
    assert not set(safe) & set('/\\:"<>|?*')
    assert all(unicodedata.category(character) not in ("Cc", "Cf") for character in safe)
    assert safe.strip(". ") == safe


@pytest.mark.parametrize(
    ("media_type", "name", "only"),
    [
        ("image/png", "a.png", False),
        ("image/jpeg", None, False),
        ("image/svg+xml", "a.svg", True),
        ("image/png", "a.svg", True),
        ("image/png", "a.HTML ", True),
        ("text/html", "a.html", True),
        ("text/xml", "a.xml", True),
        ("application/pdf", "a.pdf", True),
        ("application/x-shockwave-flash", "a.swf", True),
        ("text/plain", "a.txt", True),
        ("application/octet-stream", None, True),
    ],
)
def test_what_is_only_downloaded(media_type: str, name: str | None, only: bool) -> None:
    """Only pictures that run nothing may be shown."""
    assert is_download_only(media_type, name) is only


WEBP = b"RIFF\0\0\0\0WEBPVP8 "
ZIP = b"PK\x03\x04\x14\0"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (b"%PDF-1.7", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (WEBP, "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"MZ\x90\0", "application/x-msdownload"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>", "text/html"),
        (b"<?xml version='1.0'?><!-- x -->\n<SVG >", "image/svg+xml"),
        (b"<htmlx>", None),
        (b"Hello", None),
        (b"", None),
    ],
)
def test_first_bytes_tell_the_type(content: bytes, media_type: str | None) -> None:
    """A few bytes tell the types that matter."""
    assert sniff_media_type(content) == media_type


@pytest.mark.parametrize(
    ("name", "media_type", "content", "disguised"),
    [
        ("a.pdf", "application/pdf", b"%PDF-", False),
        ("a.jpg", "image/jpg", b"\xff\xd8\xff", False),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", ZIP, False),
        ("a.xls", "application/vnd.ms-excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", False),
        ("a.docx", "application/vnd.openxmlformats", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", False),
        ("a.exe", "application/x-msdownload", b"MZ", False),
        ("a.pdf", "application/octet-stream", b"%PDF-", False),
        ("a.xyz", "application/x-own", b"%PDF-", False),
        (None, "application/octet-stream", b"MZ", False),
        ("a.txt", "text/plain", b"Hello", False),
        ("a.pdf", "application/octet-stream", b"MZ", True),
        ("a.png", "image/png", b"<html>", True),
        ("a.png", "image/png", b"\xff\xd8\xff", True),
        ("a.txt", "text/plain", b"%PDF-", True),
        ("a", "application/pdf", ZIP, True),
        ("invoice.pdf.exe", "application/octet-stream", b"", True),
        ("invoice.pdf .scr", "application/octet-stream", b"", True),
        ("a.tar.gz", "application/gzip", b"\x1f\x8b", False),
    ],
)
def test_disguises(name: str | None, media_type: str, content: bytes, disguised: bool) -> None:
    """Name, declared type and first bytes that contradict each other are told."""
    assert is_disguised(name, media_type, content) is disguised


def test_attachment_tells_how_to_show_it() -> None:
    """What is kept has a safe name, and says whether it may be shown."""
    kept = Attachment(
        id=AttachmentId("1"), filename="../a\u202egnp.svg", media_type="image/svg+xml", size=1, sha256="0" * 64
    )

    assert (kept.safe_filename, kept.is_download_only) == ("agnp.svg", True)
