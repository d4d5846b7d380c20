"""Bad input of attachments: names that are paths or lies, types that are lies, bombs that nobody opens."""

import base64
import io
import time
import zipfile

import pytest
from mail_samples import part, with_parts
from registry import bad_input

from customerservice.domain.files import is_download_only, safe_filename
from customerservice.mail import MailAttachment, parse


def attached(name: str, content: bytes = b"x", media_type: str = "application/octet-stream") -> MailAttachment:
    """Give the one attachment of a mail whose file has that name."""
    word = f"=?utf-8?B?{base64.b64encode(name.encode()).decode()}?="
    file = part(
        base64.b64encode(content),
        media_type,
        Content_Disposition=f'attachment; filename="{word}"',
        Content_Transfer_Encoding="base64",
    )
    (found,) = parse(with_parts("mixed", [part("Hello"), file])).attachments
    return found


@bad_input(89)
@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.exe", "x.exe"),
        ("/etc/passwd", "passwd"),
        ("C:\\x.exe", "x.exe"),
        ("C:x.exe", "x.exe"),
        ("\\\\server\\share\\x.exe", "x.exe"),
        ("CON", "_CON"),
        ("a.txt. ", "a.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        ("", "attachment"),
        ("...", "attachment"),
        (".profile", "profile"),
        ("a.txt:b", "a.txt"),
    ],
)
def test_names_that_are_paths(name: str, safe: str) -> None:
    """No folder, drive, stream or device is left in the name that a file is shown and served under."""
    assert safe_filename(attached(name).filename) == safe


@bad_input(90)
def test_direction_override_in_a_name() -> None:
    """The name that is shown ends as it ends."""
    assert safe_filename(attached("photo\u202egpj.exe").filename) == "photogpj.exe"


@bad_input(91)
@pytest.mark.parametrize("name", ['a\r\nX: y".pdf', "a%0d%0ab.pdf", "a';b.pdf"])
def test_line_breaks_and_quotes_in_a_name(name: str) -> None:
    """A name cannot end the header in which it is served."""
    found = attached(name)

    assert found.filename is not None
    assert "\n" not in found.filename
    assert not set(safe_filename(found.filename)) & set('\r\n"\\')


@bad_input(92)
def test_nul_in_a_name() -> None:
    """NUL is stored nowhere."""
    found = attached("a\0.pdf")

    assert found.filename is not None
    assert "\0" not in found.filename
    assert "\0" not in safe_filename("a\0.pdf")


@bad_input(93)
@pytest.mark.parametrize("name", ["\u200b.htaccess", ".\u200dhtaccess", "\ufeff\u2060.\u200bhtaccess", "．htaccess"])
def test_unseen_characters_before_a_dot(name: str) -> None:
    """What nobody sees is gone before the name is looked at (CVE-2026-28289)."""
    assert not safe_filename(attached(name).filename).startswith(".")


@bad_input(94)
@pytest.mark.parametrize(
    ("name", "media_type", "content", "disguised"),
    [
        ("invoice.pdf.exe", "application/octet-stream", b"x", True),
        ("invoice.pdf", "application/pdf", b"MZ\x90\0", True),
        ("photo.png", "image/png", b"<html><script>", True),
        ("invoice", "application/pdf", b"%PDF-1.7", False),
        ("photo.JPG", "image/jpeg", b"\xff\xd8\xff\xe0", False),
    ],
)
def test_files_in_disguise(name: str, media_type: str, content: bytes, disguised: bool) -> None:
    """Two extensions, and first bytes that contradict name or type, are told."""
    assert attached(name, content, media_type).is_disguised is disguised


@bad_input(95)
def test_empty_file() -> None:
    """A file of nothing is a file."""
    found = attached("a.txt", b"")

    assert (found.filename, found.content, found.is_disguised) == ("a.txt", b"", False)


@bad_input(96)
def test_five_hundred_files() -> None:
    """All that the limit of parts allows are told, in time; the rest is told as left out."""
    began = time.process_time()
    read = parse(with_parts("mixed", [part("x", f"a/b; name={number}.txt") for number in range(600)]))

    assert len(read.attachments) >= 498
    assert "too_many_parts" in {defect.code for defect in read.defects}
    assert time.process_time() - began < 5.0


@bad_input(97)
def test_archives_are_never_opened() -> None:
    """A bomb of zeros and a path inside an archive are bytes like others."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../etc/passwd", bytes(20_000_000))
    began = time.process_time()
    found = attached("a.zip", packed.getvalue(), "application/zip")

    assert found.content == packed.getvalue()
    assert time.process_time() - began < 1.0


@bad_input(98)
def test_bytes_of_a_virus_reach_the_scanner_unchanged() -> None:
    """What a scanner would look for is given byte for byte."""
    signature = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"SOMETHING-LIKE-A-TEST-FILE!$H+H*"

    assert attached("eicar.com", signature).content == signature


@bad_input(99)
@pytest.mark.parametrize(
    "media_type",
    ["image/svg+xml", "text/html", "text/xml", "application/xml", "application/xhtml+xml", "application/pdf",
     "application/x-shockwave-flash", "text/plain", "application/octet-stream"],
)  # fmt: skip
def test_files_that_can_run_are_downloaded_only(media_type: str) -> None:
    """Nothing that a browser runs in the name of the site is shown by it."""
    assert is_download_only(media_type)
    assert is_download_only("image/png", "picture.svg")
    assert not is_download_only("image/png", "picture.png")


@bad_input(100)
def test_equal_files_have_equal_bytes() -> None:
    """The same file twice is two attachments with the same bytes, so that one blob can hold them."""
    read = parse(with_parts("mixed", [part("x", "a/b; name=1"), part("x", "a/b; name=2")]))

    assert [item.filename for item in read.attachments] == ["1", "2"]
    assert read.attachments[0].content == read.attachments[1].content


@bad_input(101)
def test_pictures_are_never_decoded() -> None:
    """A picture of 60,000 by 60,000 costs what its bytes cost."""
    header = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (60_000).to_bytes(4) * 2
    began = time.process_time()
    found = attached("a.png", header, "image/png")

    assert (found.content, found.is_disguised) == (header, False)
    assert time.process_time() - began < 1.0
