"""Hypothesis strategies for mail as bytes: ordinary, answers, automatic, returned and hostile.

All but the hostile ones come with what they say, so that a test can compare it with what was read or stored. People,
domains and words are invented; every address ends in ``.example``.
"""

from hypothesis import strategies as st

from customerservice.mail import parse
from customerservice.testing.mails import _hostile, _machines, _people
from customerservice.testing.mails.written import WrittenMail

__all__ = ["SENT", "WrittenMail", "automatic_mails", "bounces", "hostile_mails", "ordinary_mails", "replies"]

#: A mail as a shop sends it, for `replies` and `bounces` that are about no particular one.
SENT = (
    b"Date: Mon, 02 Mar 2026 09:00:00 +0000\r\nFrom: Shop <help@shop.example>\r\nTo: Maria <maria@customer.example>\r\n"
    b"Subject: Your order\r\nMessage-ID: <sent.1@shop.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Good day,\r\n\r\nwe have sent your parcel today.\r\nIt should be with you on Friday.\r\n"
)


def ordinary_mails() -> st.SearchStrategy[WrittenMail]:
    """Mail that a person writes first: in 23 languages and their charsets; text, HTML or both, with or without files.

    >>> from hypothesis import given
    >>> from customerservice.mail import parse
    >>> @given(ordinary_mails())
    ... def sender_is_read(mail):
    ...     assert parse(mail.raw).sender == mail.sender
    >>> sender_is_read()
    """
    return _people.ordinary()


def replies(sent: bytes = SENT) -> st.SearchStrategy[WrittenMail]:
    """Answers to a mail, quoted as Gmail, Apple Mail, Thunderbird and Outlook do, or not at all, in eight languages.

    Their sender is the first recipient of the mail.

    Args:
        sent: the mail that is answered; it needs a Message-ID, a From and a To.

    >>> from hypothesis import given
    >>> from customerservice.mail import parse
    >>> @given(replies())
    ... def new_text_is_found(mail):
    ...     assert parse(mail.raw).new_text == mail.new_text
    >>> new_text_is_found()
    """
    return _people.reply(parse(sent))


def automatic_mails() -> st.SearchStrategy[WrittenMail]:
    """Mail that no person wrote: notes of absence, confirmations, messages of machines, lists, read receipts.

    >>> from hypothesis import given
    >>> from customerservice.mail import MailKind, parse
    >>> @given(automatic_mails())
    ... def nobody_wrote_it(mail):
    ...     assert parse(mail.raw).kind is mail.kind is not MailKind.PERSON
    >>> nobody_wrote_it()
    """
    return _machines.automatic()


def bounces(sent: bytes = SENT) -> st.SearchStrategy[WrittenMail]:
    """A mail that came back, as Postfix, Exim, qmail and Exchange tell it, for each of its recipients.

    Args:
        sent: the mail that came back; it needs a Message-ID and a To.

    >>> from hypothesis import given
    >>> from customerservice.mail import parse
    >>> @given(bounces())
    ... def recipients_are_named(mail):
    ...     assert {each.address for each in parse(mail.raw).bounce.recipients} == set(mail.bounced)
    >>> recipients_are_named()
    """
    return _machines.bounce(sent, parse(sent))


def hostile_mails() -> st.SearchStrategy[bytes]:
    """Bytes that look like mail and are wrong somewhere: header, structure, charset, transfer encoding, HTML, nesting.

    >>> from hypothesis import given
    >>> from customerservice.mail import parse
    >>> @given(hostile_mails())
    ... def any_mail_is_read(raw):
    ...     assert parse(raw).size == len(raw)
    >>> any_mail_is_read()
    """
    return _hostile.hostile()
