"""Bad input of bodies: which text is read, which part is attached, what is never fetched or opened."""

import base64

import pytest
from mail_samples import mail, part, with_parts
from registry import bad_input
from tnef_samples import file, tnef

from customerservice.mail import MailKind, ReceivedMail, parse
from customerservice.mail.html_safe import safe_html

HTML = "text/html; charset=utf-8"


def codes(read: ReceivedMail) -> list[str]:
    return [defect.code for defect in read.defects]


def names(read: ReceivedMail) -> list[str | None]:
    return [item.filename for item in read.attachments]


@bad_input(39)
def test_html_alone_becomes_text() -> None:
    """The text is made from the HTML, which is kept as sent."""
    read = parse(mail("<p>Hello</p><p>there</p>", Content_Type=HTML))

    assert (read.text, read.html) == ("Hello\n\nthere", "<p>Hello</p><p>there</p>")


@bad_input(40)
def test_plain_text_alone_has_no_html() -> None:
    """No HTML is made up."""
    read = parse(mail("Hello <b>there</b>"))

    assert (read.text, read.html) == ("Hello <b>there</b>", None)


@bad_input(41)
@pytest.mark.parametrize("backwards", [False, True])
def test_alternatives_in_any_order(backwards: bool) -> None:
    """Plain text is the text and HTML the HTML, wherever they stand."""
    parts = [part("plain"), part("<b>rich</b>", HTML)]
    read = parse(with_parts("alternative", parts[::-1] if backwards else parts))

    assert (read.text, read.html, read.attachments) == ("plain", "<b>rich</b>", ())


@bad_input(42)
@pytest.mark.parametrize("extra", ["", '; start="<missing@x>"'])
def test_related_without_root(extra: str) -> None:
    """Without a root that can be found the first part is it."""
    parts = [part("<p>Hi <img src='cid:p'>", HTML), part("x", "image/png", Content_ID="<p>")]
    read = parse(with_parts("related", parts, extra=extra))

    assert read.text.startswith("Hi")
    assert [item.inline for item in read.attachments] == [True]


@bad_input(43)
def test_invitation_is_a_file_and_words() -> None:
    """An invitation is attached and told in words; nothing is answered or entered anywhere."""
    read = parse(
        mail(
            "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Visit\nEND:VEVENT\nEND:VCALENDAR\n",
            Content_Type="text/calendar; method=REQUEST",
        )
    )

    assert (read.text, [item.media_type for item in read.attachments]) == ("Visit", ["text/calendar"])


@bad_input(44)
def test_smime_signed_and_enveloped() -> None:
    """A detached signature is attached; enveloped data are attached and told as encrypted."""
    signed = parse(with_parts("signed", [part("Hello"), part("x", "application/pkcs7-signature; name=smime.p7s")]))
    enveloped = parse(
        mail(
            base64.b64encode(bytes.fromhex("3080 0609 2a864886f70d010703")),
            Content_Type="application/pkcs7-mime; name=smime.p7m; smime-type=enveloped-data",
            Content_Transfer_Encoding="base64",
        )
    )

    assert (signed.text, names(signed), codes(signed)) == ("Hello", ["smime.p7s"], [])
    assert (enveloped.text, names(enveloped), codes(enveloped)) == ("", ["smime.p7m"], ["encrypted"])


@bad_input(45)
def test_pgp_in_mime_and_among_the_lines() -> None:
    """What is encrypted with PGP is kept and told in both forms."""
    mime = parse(
        with_parts("encrypted", [part("Version: 1", "application/pgp-encrypted"), part("x", "a/b; name=e.asc")])
    )
    inline = parse(mail("-----BEGIN PGP MESSAGE-----\n\nhQ\n-----END PGP MESSAGE-----\n"))

    assert (codes(mime), names(mime)) == (["encrypted"], [None, "e.asc"])
    assert (codes(inline), "hQ" in inline.text) == (["encrypted"], True)


@bad_input(46)
@pytest.mark.parametrize(
    ("data", "expected", "defects"),
    [
        (tnef(file(b"x", b"../a.txt")), ["a.txt"], []),
        (tnef(file(b"x", b"a.txt"))[:-3], ["winmail.dat"], ["bad_tnef"]),
        (tnef() + b"\0" * 10 * 1024 * 1024, ["winmail.dat"], ["bad_tnef"]),
    ],
)
def test_winmail_dat(data: bytes, expected: list[str], defects: list[str]) -> None:
    """Shown as its files where it is sound and at most 10 MB, else as itself."""
    winmail = part(base64.b64encode(data), "application/ms-tnef; name=winmail.dat", Content_Transfer_Encoding="base64")
    read = parse(with_parts("mixed", [part("Hello"), winmail]))

    assert (read.text, names(read), codes(read)) == ("Hello", expected, defects)


@bad_input(50)
def test_words_of_a_report_are_its_text() -> None:
    """The text of a delivery report is the part that people read; its machine-readable part is no file."""
    read = parse(
        with_parts(
            "report",
            [part("Sorry, undeliverable."), part("Reporting-MTA: dns; x\n", "message/delivery-status")],
            extra="; report-type=delivery-status",
        )
    )

    assert (read.text, read.attachments, read.kind) == ("Sorry, undeliverable.", (), MailKind.BOUNCE)


@bad_input(51)
def test_flowed_text_with_delsp() -> None:
    """Lines that flow are joined, the blank that marks them is not part of the text, quotes and signatures stay."""
    read = parse(
        mail("Kraft \nfahrzeug\n> quo \n> ted\n-- \nAnna", Content_Type="text/plain; format=flowed; delsp=yes")
    )

    assert read.text == "Kraftfahrzeug\n> quoted\n-- \nAnna"


@bad_input(53)
def test_inline_parts_without_name() -> None:
    """Inline text without a name is text; any other part is a file without name."""
    inline = {"Content_Disposition": "inline"}
    read = parse(with_parts("mixed", [part("a"), part("b", **inline), part("c", "image/png", **inline)]))

    assert read.text == "a\nb"
    assert [(item.filename, item.inline) for item in read.attachments] == [(None, True)]


@bad_input(54)
def test_content_ids_are_only_names() -> None:
    """Equal ids and ids like paths are kept as they are; the one who resolves them decides what they may load."""
    hostile = "../../etc/passwd"
    pictures = [part("x", "image/png", Content_ID=f"<{value}>") for value in ("p", "p", hostile)]
    read = parse(with_parts("related", [part(f"<img src='cid:p'><img src='cid:{hostile}'>", HTML), *pictures]))
    asked: list[str] = []
    safe_html(read.html or "", cid=asked.append)

    assert [item.content_id for item in read.attachments] == ["p", "p", hostile]
    assert asked == ["p", hostile]
