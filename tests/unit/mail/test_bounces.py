"""Delivery reports: recipients, codes, and the mail they are about."""

import pytest
from mail_samples import mail, part, with_parts

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Bounce, BouncedRecipient, BounceReason, Complaint, MailKind, Receipt, parse
from customerservice.mail.bounce_reasons import reason_of

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


def test_addresses_of_other_letters() -> None:
    """An international address is told in its letters, or by code points; one beyond Unicode is none (RFC 6533 3)."""
    found = report(
        "\nFinal-Recipient: utf-8; \\x{F6}@x.example\nAction: failed\n\n"
        "Final-Recipient: utf-8; ä@x.example\nAction: failed\n\n"
        "Final-Recipient: rfc822; \\x{F6}@y.example\nAction: failed\n\n"
        "Final-Recipient: utf-8; \\x{FFFFFF}@[x\nAction: failed\n"
    )

    assert [item.address.value for item in found.recipients] == ["ö@x.example", "ä@x.example"]


def test_report_of_success_is_a_receipt() -> None:
    """A report of deliveries that all worked is no bounce, and tells which mail arrived where."""
    status = "X-Original-Message-ID: <9@shop.example>\n\nFinal-Recipient: rfc822; a@x.example\nAction: delivered\n"
    read = parse(with_parts("report", [WORDS, part(status, "message/delivery-status")], extra=REPORT))

    assert read.kind is MailKind.SYSTEM
    assert read.bounce is None
    assert read.receipt == Receipt(
        disposition="delivered", recipients=(EmailAddress("a@x.example"),), original_message_id="9@shop.example"
    )
    assert read.report_about == "9@shop.example"


RECEIPT = "; report-type=disposition-notification"


def receipt(notification: str, words: bytes = WORDS, **header: str) -> bytes:
    parts = [words, part(notification, "message/disposition-notification")]
    return with_parts("report", parts, extra=RECEIPT, **header)


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        (
            (
                "Final-Recipient: rfc822;a@x.example\nOriginal-Message-ID: <9@shop.example>\n"
                "Disposition: manual-action/MDN-sent-manually; displayed/error,warning\n"
            ),
            Receipt(
                disposition="displayed",
                recipients=(EmailAddress("a@x.example"),),
                original_message_id="9@shop.example",
            ),
        ),
        (
            "Original-Recipient: rfc822;b@x.example\nFinal-Recipient: rfc822;a@x.example\n",
            Receipt(recipients=(EmailAddress("b@x.example"),)),
        ),
        ("", Receipt()),
    ],
)
def test_receipt(notification: str, expected: Receipt) -> None:
    """A read receipt tells what became of which mail, as far as it does (RFC 8098 3)."""
    read = parse(receipt(notification))

    assert read.kind is MailKind.SYSTEM
    assert read.receipt == expected
    assert read.report_about == expected.original_message_id


def test_receipt_without_notification_is_about_the_mail_it_answers() -> None:
    """Where a report names no mail, it is about the one it answers."""
    raw = with_parts("report", [WORDS], extra=RECEIPT, In_Reply_To="<9@shop.example>")

    assert parse(raw).receipt is None
    assert (
        parse(receipt("Disposition: x; displayed\n", In_Reply_To="<9@shop.example>")).report_about == "9@shop.example"
    )


DELETED = "Final-Recipient: rfc822;a@x.example\nDisposition: automatic-action/MDN-sent-automatically; deleted\n"


@pytest.mark.parametrize(
    "raw",
    [
        receipt(DELETED, Auto_Submitted="auto-replied (rejected)"),
        receipt(DELETED, Subject="Automatically rejected mail"),
        receipt(DELETED, part("Your message was refused.\n")),
    ],
)
def test_rejection_by_a_script_is_a_bounce(raw: bytes) -> None:
    """A notification of a deleted mail that says rejected is a bounce (RFC 5429 2.2)."""
    assert by_address(bounce(raw)) == {"a@x.example": (None, "failed", True)}


def test_deleted_unread_is_no_bounce() -> None:
    """Outlook tells with the same disposition that a mail was deleted unread."""
    raw = receipt(DELETED, part("Your message was deleted without being read.\n"), Subject="Not read: Order")

    assert parse(raw).kind is MailKind.SYSTEM


def test_rejection_without_recipient_is_read_by_its_words() -> None:
    """A rejection that names nobody in its notification is read as words."""
    raw = receipt("Disposition: x; deleted\n", part("<a@x.example>: rejected\n"), Subject="Rejected: Order")

    assert by_address(bounce(raw)) == {"a@x.example": (None, "failed", True)}


def test_rejection_without_words() -> None:
    """A rejection may say nothing but that."""
    found = bounce(receipt(DELETED, part(" \n"), Auto_Submitted="auto-replied (rejected)"))

    assert [(item.reason, item.cause) for item in found.recipients] == [(None, BounceReason.UNKNOWN)]


def complaint(report: str, *others: bytes) -> Complaint:
    parts = [part(report, "message/feedback-report"), *others]
    found = parse(with_parts("report", parts, extra="; report-type=feedback-report"))
    assert found.kind is MailKind.FEEDBACK_REPORT
    assert found.complaint is not None
    assert found.report_about == found.complaint.original_message_id
    return found.complaint


def test_complaint_names_recipient_and_mail() -> None:
    """A feedback report tells who complained about which mail (RFC 5965 3)."""
    original = part("Message-ID: <9@shop.example>\nTo: b@x.example\n", "message/rfc822")

    assert complaint("Feedback-Type: Abuse\nOriginal-Rcpt-To: <a@x.example>\n", original) == Complaint(
        feedback_type="abuse", recipients=(EmailAddress("a@x.example"),), original_message_id="9@shop.example"
    )


@pytest.mark.parametrize("name", ["To", "X-HmXmrOriginalRecipient"])
def test_complainant_of_the_attached_mail(name: str) -> None:
    """Where the report names nobody, the mail it is about does."""
    original = part(f"Subject: x\n{name}: Anna <a@x.example>\n", "message/rfc822")

    assert complaint("Feedback-Type: not-spam\n", original).recipients == (EmailAddress("a@x.example"),)


def test_complaint_that_says_nothing() -> None:
    """A report may be cut down to its type."""
    assert complaint("") == Complaint()


@pytest.mark.parametrize(
    ("status", "words", "permanent", "expected"),
    [
        ("5.1.1", "550 spam", True, BounceReason.NO_SUCH_MAILBOX),
        ("5.1.2", None, True, BounceReason.NO_SUCH_HOST),
        ("5.1.10", "RESOLVER.ADR.RecipientNotFound; Recipient not found", True, BounceReason.NO_SUCH_MAILBOX),
        ("5.1.10", "Domain x.example does not accept mail (nullMX)", True, BounceReason.NO_SUCH_HOST),
        ("5.1.0", None, True, BounceReason.NO_SUCH_MAILBOX),
        ("5.2.1", None, True, BounceReason.MAILBOX_DISABLED),
        ("4.2.2", None, False, BounceReason.MAILBOX_FULL),
        ("5.2.3", None, True, BounceReason.TOO_LARGE),
        ("5.3.4", None, True, BounceReason.TOO_LARGE),
        ("4.4.1", None, False, BounceReason.TEMPORARY),
        ("5.4.4", None, True, BounceReason.NO_SUCH_HOST),
        ("5.4.6", None, True, BounceReason.LOOP),
        ("5.6.1", None, True, BounceReason.CONTENT),
        ("5.7.26", None, True, BounceReason.NOT_AUTHENTICATED),
        (
            "5.7.1",
            "554 5.7.1 Message cannot be accepted, content filter rejection",
            True,
            BounceReason.REJECTED_AS_SPAM,
        ),
        ("5.7.1", "550 5.7.1 SPF check failed", True, BounceReason.NOT_AUTHENTICATED),
        ("5.7.1", "550 5.7.1 No such user", True, BounceReason.NO_SUCH_MAILBOX),
        ("5.7.1", None, True, BounceReason.POLICY),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", True, BounceReason.NO_SUCH_MAILBOX),
        ("5.0.0", "552 message size exceeds limit", True, BounceReason.TOO_LARGE),
        ("5.0.0", "554 Too many hops", True, BounceReason.LOOP),
        ("5.0.0", "550 virus found", True, BounceReason.POLICY),
        ("4.7.1", "450 4.7.1 Greylisted", False, BounceReason.TEMPORARY),
        ("5.0.0", "551 this account has been disabled", True, BounceReason.MAILBOX_DISABLED),
        (None, "Das Postfach ist voll.", True, BounceReason.MAILBOX_FULL),
        (None, "El buzón está lleno", True, BounceReason.MAILBOX_FULL),
        (None, "收件人邮箱地址不存在", True, BounceReason.NO_SUCH_MAILBOX),
        (None, "宛先が見つかりません", True, BounceReason.NO_SUCH_MAILBOX),
        (None, "Connection timed out", True, BounceReason.TEMPORARY),
        (None, "550 unknown or illegal alias: a@x.example", True, BounceReason.NO_SUCH_MAILBOX),
        (None, "550 No one with that email address here", True, BounceReason.NO_SUCH_MAILBOX),
        (None, "550 Nie ma takiego konta", True, BounceReason.NO_SUCH_MAILBOX),
        (None, 'unrouteable mail domain "x.example"', True, BounceReason.NO_SUCH_HOST),
        (None, "Recipient mailbox was disabled", True, BounceReason.MAILBOX_DISABLED),
        (None, "User has exhausted allowed storage space", True, BounceReason.MAILBOX_FULL),
        (None, "Message does not pass DomainKeys requirements", True, BounceReason.NOT_AUTHENTICATED),
        (None, "something", False, BounceReason.TEMPORARY),
        (None, "something", True, BounceReason.UNKNOWN),
        ("5.5.0", None, None, BounceReason.UNKNOWN),
    ],
)
def test_reason_by_code_then_by_words(
    status: str | None, words: str | None, permanent: bool | None, expected: BounceReason
) -> None:
    """A code that says enough decides; else the words do, and last what such codes stand for."""
    assert reason_of(status, words, permanent=permanent) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Gone.\n\nFailed for the following recipients:\n\n\tanna\n", ["anna@mx.example"]),
        ("It failed for the following recipients:\n\nsee below, said anna and others\n", []),
        (
            "For following recipients:\n  <a@x.example>\n b@x.example: no\n\tc@x.example (full)\nAsk d@x.example\n",
            ["a@x.example", "b@x.example", "c@x.example"],
        ),
        ("Failed for the following recipients: a@x.example, b@x.example\n", ["a@x.example", "b@x.example"]),
        (
            "<a@x.example>: 550 no\n(expanded from: <b@x.example>)\n(ultimately generated from c@x.example)\n",
            ["a@x.example", "b@x.example", "c@x.example"],
        ),
        ("a@x.example, b@x.example, c@x.example and d@x.example are names here. Gone.\n", []),
        (
            "a@x.example or b@x.example?\n\nReceived: from c by d for <b@x.example>; Fri\nTo: x@y.example\n",
            ["b@x.example"],
        ),
        ("a@x.example or b@x.example?\n\nReceived: by d for <z@x.example>; Fri\n", ["a@x.example", "b@x.example"]),
        ("Not today.\n\nReceived: by d for <z@x.example>\nFrom: y@x.example\n", ["z@x.example"]),
    ],
)
def test_recipients_told_in_words(text: str, expected: list[str]) -> None:
    """Names alone on a line are of the server's domain; of many addresses those count that the mail was for."""
    assert [item.address.value for item in told(text).recipients] == expected


def test_name_alone_of_a_server_without_address() -> None:
    """Without the server's address nobody knows the domain of a name."""
    assert told("Failed for the following recipients:\n\n\tanna\n", From='"Mail System" <>').recipients == ()


def test_because_belongs_to_the_reason_below() -> None:
    """Lotus Domino tells the reason in a paragraph of its own."""
    found = told("was not delivered to:\n\n  a@x.example\n\nbecause:\n\n  User a not listed in Directory\n\nBye\n")

    assert [item.reason for item in found.recipients] == ["because: User a not listed in Directory"]
    assert found.recipients[0].cause is BounceReason.NO_SUCH_MAILBOX


def test_attached_mails_that_hold_no_report() -> None:
    """Of several attached mails the first that holds a report is read."""
    status = part("\nFinal-Recipient: rfc822; a@x.example\n", "message/delivery-status")
    inner = with_parts("report", [WORDS, status], boundary="=_inner", extra=REPORT)
    raw = with_parts(
        "mixed", [part("Subject: x\n\nHi", "message/rfc822"), part(inner, "message/rfc822")],
        From="MAILER-DAEMON@mx.example",
    )  # fmt: skip

    assert by_address(bounce(raw)) == {"a@x.example": (None, None, None)}
