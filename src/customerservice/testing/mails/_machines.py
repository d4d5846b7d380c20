"""Mail that no person wrote: automatic, and returned."""

from collections.abc import Sequence

import attrs
from hypothesis import strategies as st

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import MailKind, ReceivedMail
from customerservice.testing.mails._parts import SHOP, entity, heads, multipart, readable
from customerservice.testing.mails.written import WrittenMail


@attrs.frozen
class _Automat:
    """Who writes automatic mail, and how it can be known: the subject, the fields of its header, its text."""

    kind: MailKind
    subject: str
    fields: tuple[str, ...]
    text: str


_AUTOMATS = (
    _Automat(
        MailKind.VACATION,  # Exchange Online
        "Automatic reply: Your order",
        (
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: All",
            "X-MS-Exchange-Inbox-Rules-Loop: a@b.example",
        ),
        "I am out of the office until Monday.",
    ),
    _Automat(
        MailKind.VACATION,  # Gmail
        "Abwesenheit Re: Your order",
        ("Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes"),
        "Ich bin bis Montag im Urlaub.",
    ),
    _Automat(
        MailKind.VACATION,  # Dovecot Sieve (RFC 5230 5)
        "Auto: Your order",
        ("Auto-Submitted: auto-replied (vacation)", "X-Sieve: Pigeonhole Sieve 0.5.19", "Precedence: bulk"),
        "Je ne suis pas au bureau cette semaine.",
    ),
    _Automat(
        MailKind.AUTO_REPLY,  # another help desk
        "[T-5551234] We have your message",
        ("Auto-Submitted: auto-replied", "X-Auto-Response-Suppress: All"),
        "Your request has the number 5551234.",
    ),
    _Automat(
        MailKind.SYSTEM,  # Debian cron
        "Cron <root@web> backup",
        ("Auto-Submitted: auto-generated", "X-Cron-Env: <SHELL=/bin/sh>"),
        "12 files copied",
    ),
    _Automat(
        MailKind.LIST,  # Mailman 3
        "[shop-owners] Prices of parcels",
        ("List-Id: shop-owners <owners.list.example>", "List-Post: <mailto:owners@list.example>", "Precedence: list"),
        "Which carrier do you use?",
    ),
)


@st.composite
def automatic(draw: st.DrawFn) -> WrittenMail:
    """Give mail that no person wrote."""
    if draw(st.booleans()):
        automat = draw(st.sampled_from(_AUTOMATS))
        head = draw(heads(subject=automat.subject))
        body = readable(automat.text)
        return head.written(body, *automat.fields, text=automat.text, new_text=automat.text, kind=automat.kind)
    head = draw(heads(subject="Read: Your order"))
    words = "Your message was read."
    receipt = (
        f"Reporting-UA: mail.example; Mail 1.0\nFinal-Recipient: rfc822; {head.sender.address}\n"
        f"Original-Message-ID: <sent.1@shop.example>\nDisposition: manual-action/MDN-sent-manually; displayed\n"
    )
    parts = [readable(words), entity("message/disposition-notification", receipt.encode(), "7bit")]
    body = multipart("report", parts, "; report-type=disposition-notification")
    return head.written(body, text=words, new_text=words, kind=MailKind.SYSTEM)


@st.composite
def bounce(draw: st.DrawFn, sent: bytes, read: ReceivedMail) -> WrittenMail:
    """Give a mail, whole and as read, that came back."""
    failed = tuple(dict.fromkeys(each.address for each in read.to if each.address))
    shop = read.sender.address if read.sender and read.sender.address else SHOP
    code, status, words = draw(
        st.sampled_from(
            (("550", "5.1.1", "no such user"), ("552", "5.2.2", "mailbox full"), ("554", "5.7.1", "refused"))
        )
    )
    subject, fields, body, text = draw(st.sampled_from((_postfix, _exim, _qmail, _exchange)))(
        failed, f"{code} {status} {words}", status, sent
    )
    head = draw(heads(sender=EmailAddress("mailer-daemon@mx.example"), to=(shop,), subject=subject))
    return head.written(
        body,
        "Return-Path: <>",
        *fields,
        text=text,
        new_text=None,
        kind=MailKind.BOUNCE,
        bounced=failed,
        bounced_message_id=read.message_id,
    )


_Told = tuple[str, tuple[str, ...], bytes, str]


def _returned(sent: bytes) -> bytes:
    return b"Content-Type: text/rfc822-headers\n\n" + sent.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"


def _statuses(failed: Sequence[EmailAddress], answer: str, status: str) -> bytes:
    blocks = ["Reporting-MTA: dns; mx.example"]
    blocks += [
        f"Final-Recipient: rfc822; {each}\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {answer}"
        for each in failed
    ]
    return entity("message/delivery-status", ("\n\n".join(blocks) + "\n").encode(), "7bit")


def _report(text: str, failed: Sequence[EmailAddress], answer: str, status: str, sent: bytes) -> bytes:
    parts = [readable(text), _statuses(failed, answer, status), _returned(sent)]
    return multipart("report", parts, "; report-type=delivery-status")


def _postfix(failed: Sequence[EmailAddress], answer: str, status: str, sent: bytes) -> _Told:
    told = "\n".join(f"<{each}>: host mx.example said: {answer}" for each in failed)
    text = f"This is the mail system at host mx.example.\n\nYour message could not be delivered.\n\n{told}"
    body = _report(text, failed, answer, status, sent)
    return "Undelivered Mail Returned to Sender", ("Auto-Submitted: auto-replied",), body, text


def _exchange(failed: Sequence[EmailAddress], answer: str, status: str, sent: bytes) -> _Told:
    told = "\n".join(str(each) for each in failed)
    text = f"Delivery has failed to these recipients or groups\n\n{told}\nThe server said {answer}"
    return "Undeliverable Your order", (), _report(text, failed, answer, status, sent), text


def _exim(failed: Sequence[EmailAddress], answer: str, _status: str, sent: bytes) -> _Told:
    told = "\n".join(f"  {each}\n    {answer}" for each in failed)
    copy = sent.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("ascii", "replace")
    text = (
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. "
        f"The following address(es) failed:\n\n{told}\n\n------ This is a copy of the message's headers. ------\n\n"
        f"{copy}"
    )
    fields = (f"X-Failed-Recipients: {','.join(map(str, failed))}", "Auto-Submitted: auto-replied")
    return "Mail delivery failed: returning message to sender", fields, readable(text), text


def _qmail(failed: Sequence[EmailAddress], answer: str, _status: str, sent: bytes) -> _Told:
    told = "\n\n".join(f"<{each}>:\nRemote host said: {answer}" for each in failed)
    copy = sent.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("ascii", "replace")
    text = (
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the "
        "following addresses.\nThis is a permanent error; I've given up.\n\n"
        f"{told}\n\n--- Below this line is a copy of the message.\n\n{copy}"
    )
    return "failure notice", (), readable(text), text
