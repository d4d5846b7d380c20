"""What an e-mail means: bytes in, meaning out, without any input or output of its own."""

from customerservice.mail.limits import Limits
from customerservice.mail.received import (
    Bounce,
    BouncedRecipient,
    Correspondent,
    Defect,
    MailAttachment,
    MailKind,
    Markers,
    ReceivedMail,
)

__all__ = [
    "Bounce",
    "BouncedRecipient",
    "Correspondent",
    "Defect",
    "Limits",
    "MailAttachment",
    "MailKind",
    "Markers",
    "ReceivedMail",
    "parse",
]

_LIMITS = Limits()


def parse(raw: bytes, *, limits: Limits = _LIMITS) -> ReceivedMail:
    r"""Give what a mail says. Never raises, whatever the bytes; what is wrong with the mail stands in its `defects`.

    The time is linear in the size of the mail; memory is at most about three times its size beyond the bytes given.
    Nothing is read from or written to anywhere.

    Args:
        raw: the mail as it came, with any line ends.
        limits: how much of it is read.

    >>> mail = parse(b"From: Anna <anna@mail.example>\\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\\n\\nHello\\n")
    >>> mail.subject, mail.sender.address.value, mail.new_text
    ('Größe', 'anna@mail.example', 'Hello')
    """
    from customerservice.mail.reader import read_mail  # its tables take longer to import than most programs need them

    return read_mail(raw, limits)
