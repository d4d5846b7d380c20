"""Reports about mail that we sent: what each is, and the mail that it is about."""

import pytest
from mail_samples import part, with_parts
from registry import bad_input

from customerservice.mail import MailKind, parse

OURS = "9@shop.example"
ORIGINAL = part(f"Message-ID: <{OURS}>\nSubject: Your order\n\nIt is on its way.\n", "message/rfc822")


def report(report_type: str, words: str, fields: str, *others: bytes) -> bytes:
    """Give a report of that type with its words, its machine-readable part and what follows."""
    parts = [part(words), part(fields, _MEDIA_TYPES[report_type]), *others]
    return with_parts("report", parts, extra=f"; report-type={report_type}", From="postmaster@mx.example")


_MEDIA_TYPES = {
    "delivery-status": "message/delivery-status",
    "feedback-report": "message/feedback-report",
    "disposition-notification": "message/disposition-notification",
}
DELIVERY = report(
    "delivery-status",
    "Your mail could not be delivered.\n",
    "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; anna@mail.example\nAction: failed\nStatus: 5.2.2\n",
    ORIGINAL,
)
COMPLAINT = report(
    "feedback-report", "This is a complaint.\n", "Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n", ORIGINAL
)
RECEIPT = report(
    "disposition-notification",
    "Your mail was displayed.\n",
    f"Final-Recipient: rfc822; anna@mail.example\nOriginal-Message-ID: <{OURS}>\n"
    "Disposition: manual-action/MDN-sent-manually; displayed\n",
)


@bad_input(50)
@pytest.mark.parametrize(
    ("raw", "kind"),
    [(DELIVERY, MailKind.BOUNCE), (COMPLAINT, MailKind.FEEDBACK_REPORT), (RECEIPT, MailKind.SYSTEM)],
    ids=["delivery report", "complaint", "read receipt"],
)
def test_report_is_known_and_names_its_mail(raw: bytes, kind: MailKind) -> None:
    """A delivery report is a bounce, a complaint a feedback report, a receipt system mail; each names the mail."""
    read = parse(raw)

    assert read.kind is kind
    assert read.report_about == OURS


@bad_input(50)
@pytest.mark.parametrize("raw", [DELIVERY, COMPLAINT, RECEIPT], ids=["delivery report", "complaint", "read receipt"])
def test_machine_readable_part_is_not_attached(raw: bytes) -> None:
    """What a program is to read is neither text nor an attachment; the mail it is about may be attached."""
    read = parse(raw)

    assert {item.media_type for item in read.attachments} <= {"message/rfc822"}
    assert "rfc822;" not in read.text


@bad_input(50)
@pytest.mark.parametrize("raw", [DELIVERY, COMPLAINT, RECEIPT], ids=["delivery report", "complaint", "read receipt"])
def test_report_cut_anywhere_is_read(raw: bytes) -> None:
    """A report cut off at any byte gives an answer, and names that mail, cut off as well, or none."""
    named = {parse(raw[:end]).report_about for end in range(0, len(raw), 7)}

    assert all(OURS.startswith(message_id or "") for message_id in named)
