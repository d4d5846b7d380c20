"""Delivery reports: recipients, codes, and the mail they are about."""

import pytest
from mail_samples import mail, part, with_parts

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Bounce, BouncedRecipient, BounceReason, parse

REPORT = "; report-type=delivery-status"
WORDS = part("Your mail could not be delivered.\n")


def bounce(raw: bytes) -> Bounce:
    found = parse(raw).bounce
    assert found is not None
    return found


def report(status: str, *others: bytes) -> Bounce:
    return bounce(with_parts("report", [WORDS, part(status, "message/delivery-status"), *others], extra=REPORT))


def told(text: str, **header: str) -> Bounce:
    fields = {"From": "MAILER-DAEMON@mx.example", "Subject": "failure notice"} | header
    return bounce(mail(text, **fields))


def by_address(found: Bounce) -> dict[str, tuple[str | None, str | None, bool | None]]:
    return {item.address.value: (item.status, item.action, item.permanent) for item in found.recipients}


def test_report_with_several_recipients() -> None:
    """Each recipient has its own action, status and verdict (RFC 3464 2.3)."""
    found = report(
        "Reporting-MTA: dns; mx.example\n\n"
        "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 no\n user\n\n"
        "Final-Recipient: RFC822;<b@x.example>\nAction: delayed\nStatus: 4.4.1\n\n"
        "Original-Recipient: rfc822;c@x.example\nFinal-Recipient: rfc822;internal@y.example\nAction: delivered\n\n"
        "Final-Recipient: d@x.example\nAction: failed (no reason)\n\n"
        "Final-Recipient: rfc822; e@x.example\nStatus: 4.2.2 (full)\n\n"
        "Final-Recipient: rfc822; f@x.example\nDiagnostic-Code: 550 5.7.1 refused\n\n"
        "Final-Recipient: rfc822; a@x.example\nAction: failed\n\n"
        "Final-Recipient: rfc822; nobody\n\n"
        "Final-Recipient: rfc822; g@x.example\nStatus: 2.0.0\n"
    )

    assert by_address(found) == {
        "a@x.example": ("5.1.1", "failed", True),
        "b@x.example": ("4.4.1", "delayed", False),
        "c@x.example": (None, "delivered", None),
        "d@x.example": (None, "failed", True),
        "e@x.example": ("4.2.2", None, False),
        "f@x.example": ("5.7.1", None, True),
        "g@x.example": ("2.0.0", None, None),
    }
    assert found.recipients[0].reason == "550 5.1.1 no user"


@pytest.mark.parametrize("media_type", ["message/rfc822", "text/rfc822-headers"])
def test_report_names_the_mail_that_bounced(media_type: str) -> None:
    """The Message-ID is that of the attached mail, whole or its header only."""
    found = report("\nFinal-Recipient: rfc822; a@x.example\n", part("Message-ID: <9@shop.example>\n", media_type))

    assert found.original_message_id == "9@shop.example"


def test_original_message_id_in_the_status() -> None:
    """Some servers write the Message-ID into the status itself."""
    assert report("X-Original-Message-ID: <9@shop.example>\n").original_message_id == "9@shop.example"


def test_attached_mail_without_an_id() -> None:
    """Without any Message-ID nobody can tell which mail it was."""
    assert (
        report("\nFinal-Recipient: rfc822; a@x.example\n", part("A: 1\n", "message/rfc822")).original_message_id is None
    )


def test_recipients_of_a_report_are_limited() -> None:
    """A report of thousands of recipients gives the first two hundred."""
    found = report("".join(f"\nFinal-Recipient: rfc822; a{number}@x.example\n" for number in range(300)))

    assert len(found.recipients) == 200


def test_report_inside_an_attached_mail() -> None:
    """A report that a mailbox forwards as an attachment is read, too."""
    inner = with_parts("report", [WORDS, part("\nFinal-Recipient: rfc822; a@x.example\n", "message/delivery-status")],
                       boundary="=_inner", extra=REPORT)  # fmt: skip
    raw = with_parts("mixed", [part(inner, "message/rfc822")], From="postmaster@mx.example", Subject="Delivery failure")

    assert by_address(bounce(raw)) == {"a@x.example": (None, None, None)}


def test_report_without_a_status_is_read_by_its_words() -> None:
    """A report without recipients in its status is read like any other text."""
    raw = with_parts("report", [part("<a@x.example>: 550 5.1.1 unknown\n")], extra=REPORT)

    assert by_address(bounce(raw)) == {"a@x.example": ("5.1.1", "failed", True)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # qmail
        (("Hi. This is the qmail-send program.\n\n<a@x.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
         "--- Below this line is a copy of the message.\n\nReturn-Path: <help@shop.example>\nTo: b@x.example\n"),
         {"a@x.example": ("5.1.1", "failed", True)}),
        # Postfix
        ("<a@x.example>: host mx.x.example[192.0.2.1] said: 450 4.2.2 mailbox full (in reply to RCPT TO command)\n",
         {"a@x.example": ("4.2.2", "failed", True)}),
        # Exim
        (("A message that you sent could not be delivered to one or more of its recipients.\n"
         "The following address(es) failed:\n\n  a@x.example\n    550 unrouteable address\n\n\n"
         "------ This is a copy of the message, including all the headers. ------\n\nTo: b@x.example\n"),
         {"a@x.example": (None, "failed", True)}),
        # sendmail
        (("   ----- The following addresses had permanent fatal errors -----\n<a@x.example>\n    (reason: 550 no)\n\n"
         "   ----- Transcript of session follows -----\n<<< 550 5.1.1 User unknown\n"),
         {"a@x.example": (None, "failed", True)}),
        # Exchange
        (("Your message\n  To: list@y.example\ndid not reach the following recipient(s):\n\n"
         "dda:SMTP=a@x.example; on Fri\n    The recipient name is not recognized\n"),
         {"a@x.example": (None, "failed", True)}),
        # a transcript
        ("Sorry.\n\nRCPT TO:<a@x.example>\n550 no such user\n", {"a@x.example": (None, "failed", True)}),
        # a warning
        ("Warning: your message to a@x.example is still being tried. No action is required.\n",
         {"a@x.example": (None, "delayed", False)}),
        # the recipient stands only in the copy
        ("Your mail failed.\n\nReceived: by mx\nTo: <a@x.example>\n", {"a@x.example": (None, "failed", True)}),
        ("mail from b@x.example is refused by postmaster@x.example and root@localhost, help@shop.example\n", {}),
    ],
)  # fmt: skip
def test_words_of_servers(text: str, expected: dict[str, tuple[str | None, str | None, bool | None]]) -> None:
    """Reports of the common servers without machine-readable parts give recipient and verdict."""
    assert by_address(told(text)) == expected


def test_failed_recipients_of_exim() -> None:
    """Exim names the recipients in a header."""
    assert by_address(
        told("See a@x.example and others", X_Failed_Recipients="b@x.example, <c@x.example>, nonsense")
    ) == {
        "b@x.example": (None, "failed", True),
        "c@x.example": (None, "failed", True),
    }


def test_action_is_one_line() -> None:
    """A control character in an action is none to a reader."""
    found = report("\nFinal-Recipient: rfc822; a@x.example\nAction: \x0eFailed\x0b\n")

    assert [item.action for item in found.recipients] == ["failed"]


def test_reason_is_one_line() -> None:
    """The reason is the words behind the address."""
    assert told("<a@x.example>: mailbox\n full\n\nmore").recipients == (
        BouncedRecipient(
            address=EmailAddress("a@x.example"),
            action="failed",
            permanent=True,
            reason="mailbox full",
            cause=BounceReason.MAILBOX_FULL,
        ),
    )


def test_original_message_id_in_the_words() -> None:
    """The header that a server quotes tells which mail it was."""
    found = told("<a@x.example>: no\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <9@shop.example>\n")

    assert found.original_message_id == "9@shop.example"


def test_many_told_recipients_are_limited() -> None:
    """Thousands of addresses in the words give the first two hundred."""
    text = "Failed for the following recipients:\n" + "\n".join(f"a{number}@x.example" for number in range(300))

    assert len(told(text).recipients) == 200
