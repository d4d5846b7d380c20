"""What an e-mail means: bytes in, meaning out, without any input or output of its own."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from customerservice.mail.limits import Limits
    from customerservice.mail.received import (
        Bounce,
        BouncedRecipient,
        BounceReason,
        Complaint,
        Correspondent,
        Defect,
        MailAttachment,
        MailKind,
        Markers,
        Receipt,
        ReceivedMail,
    )

__all__ = [
    "Bounce",
    "BounceReason",
    "BouncedRecipient",
    "Complaint",
    "Correspondent",
    "Defect",
    "Limits",
    "MailAttachment",
    "MailKind",
    "Markers",
    "Receipt",
    "ReceivedMail",
    "parse",
]


def parse(raw: bytes, *, limits: "Limits | None" = None) -> "ReceivedMail":
    r"""Give what a mail says. Never raises, whatever the bytes; what is wrong with the mail stands in its `defects`.

    The time is linear in the size of the mail; memory is at most about three times its size beyond the bytes given.
    Nothing is read from or written to anywhere.

    Args:
        raw: the mail as it came, with any line ends.
        limits: how much of it is read; `Limits` as it is if None.

    >>> mail = parse(b"From: Anna <anna@mail.example>\nSubject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=\n\nHello\n")
    >>> mail.subject, mail.sender.address.value, mail.new_text
    ('Größe', 'anna@mail.example', 'Hello')
    """
    # A program that reads no mail does without the tables of the reader.
    from customerservice.mail.limits import Limits
    from customerservice.mail.reader import read_mail

    return read_mail(raw, limits or Limits())


# Hidden from type checkers: for them every unknown name would exist, as an `object`.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Load an exported name when it is first asked for (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = "limits" if name == "Limits" else "received"
        value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
        return value
