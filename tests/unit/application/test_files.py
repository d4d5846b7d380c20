"""Handing out files: checked first, to be saved and never to be shown (bad inputs 98, 99)."""

import pytest
from registry import bad_input

from customerservice.application.context import DeskSettings
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.ids import AttachmentId, MessageId, ShopId
from customerservice.errors import NotFound, Refused
from customerservice.testing.builders import Builder

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def mail_with(content: bytes, name: str = "bill.pdf", media_type: str = "application/pdf") -> bytes:
    return (
        b"From: maria@customer.example\r\nTo: help@shop.example\r\nSubject: files\r\n"
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\nSee there.\r\n"
        b"--b\r\nContent-Type: " + media_type.encode() + b"\r\n"
        b'Content-Disposition: attachment; filename="' + name.encode() + b'"\r\n\r\n' + content + b"\r\n--b--\r\n"
    )


def the_file(shop, raw):
    """The message and the file that a mail became."""
    thread = shop.open_thread(raw)
    (message,) = shop.messages(thread.id)
    (attachment,) = message.attachments
    return message.id, attachment.id


def test_a_file_is_handed_out_as_it_came(shop):
    """Name, type and bytes, by message and attachment."""
    file = shop.anna.threads.file(*the_file(shop, mail_with(b"PDF")))

    assert (file.attachment.filename, file.content) == ("bill.pdf", b"PDF")


@bad_input(99)
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("page.html", "text/html"),
        ("logo.svg", "image/svg+xml"),
        ("feed.xml", "application/xml"),
        ("bill.pdf", "application/pdf"),
        ("film.swf", "application/x-shockwave-flash"),
        ("photo.jpg", "text/html"),
    ],
)
def test_whatever_a_file_is_it_is_saved_and_not_shown(shop, name, media_type):
    """No browser opens it in the name of the help desk, and none guesses what it is."""
    file = shop.desk.threads.file(*the_file(shop, mail_with(b"<script>alert(1)</script>", name, media_type)))

    headers = file.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in headers["Content-Security-Policy"]


def test_a_picture_that_runs_nothing_keeps_its_type(shop):
    """So that a page can show it in an ``img`` of its own; opened alone it is saved like any file."""
    headers = shop.desk.threads.file(*the_file(shop, mail_with(b"PNG", "photo.png", "image/png"))).headers

    assert headers["Content-Type"] == "image/png"
    assert headers["Content-Disposition"].startswith("attachment;")
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_name_adds_no_field(shop):
    """Quotes, line ends and letters of any language are encoded; a file without name has one."""
    build = Builder()
    file = shop.desk.threads.file(*the_file(shop, mail_with(b"PDF")))
    names = [
        type(file)(attachment=build.attachment(filename=name), content=b"").headers["Content-Disposition"]
        for name in ('a"; filename=b.exe\r\nX: y', "Rechnung Größe.pdf", None)
    ]

    assert names == [
        "attachment; filename*=UTF-8''a_%3B%20filename%3Db.exeX",
        "attachment; filename*=UTF-8''Rechnung%20Gr%C3%B6%C3%9Fe.pdf",
        "attachment; filename*=UTF-8''attachment",
    ]


@bad_input(98)
def test_a_check_sees_the_bytes_before_anybody_else(make_shop):
    """What it refuses is not handed out, with its words; what it lets pass is."""
    seen = []

    def check(content, attachment):
        seen.append((content, attachment.filename))
        return "it is a test virus" if b"EICAR" in content else None

    shop = make_shop(settings=DeskSettings(file_check=check))
    virus, bill = the_file(shop, mail_with(EICAR, "bill.com")), the_file(shop, mail_with(b"PDF"))

    with pytest.raises(Refused, match="it is a test virus") as refused:
        shop.desk.threads.file(*virus)

    assert refused.value.rule == "file-refused"
    assert shop.desk.threads.file(*bill).content == b"PDF"
    assert seen == [(EICAR, "bill.com"), (b"PDF", "bill.pdf")]


@bad_input(98)
def test_a_check_that_fails_hands_out_nothing(make_shop):
    """A scanner that is away is no reason to do without it."""

    def check(_content, _attachment):
        raise TimeoutError("no scanner")

    shop = make_shop(settings=DeskSettings(file_check=check))
    file = the_file(shop, mail_with(b"PDF"))

    with pytest.raises(TimeoutError):
        shop.desk.threads.file(*file)


def test_a_file_of_another_message_or_shop_does_not_exist(shop):
    """Message and attachment must belong together, and to a shop of who asks."""
    message, file = the_file(shop, mail_with(b"PDF"))
    other, _ = the_file(shop, mail_with(b"other"))
    elsewhere = shop.desk.as_actor(Actor.system(ShopScope.of(ShopId("another shop"))))
    ids = Builder().ids

    for desk, of, which in [
        (elsewhere, message, file),
        (shop.desk, other, file),
        (shop.desk, message, AttachmentId(ids.new())),
        (shop.desk, MessageId(ids.new()), file),
    ]:
        with pytest.raises(NotFound):
            desk.threads.file(of, which)
