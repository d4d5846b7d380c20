"""What becomes of a mail (R31)."""

import enum


class Outcome(enum.Enum):
    """The one durable outcome each fetched mail ends in."""

    #: a new thread.
    OPENED = "opened"
    #: a message in an existing thread.
    JOINED = "joined"
    #: shown on a thread without reopening it: bounces, read receipts, automatic answers.
    ATTACHED = "attached"
    #: kept for a person to decide.
    HELD = "held"
    IGNORED = "ignored"
    #: the same content was already stored from another delivery.
    DUPLICATE = "duplicate"
    #: mail of unknown people in a mailbox that creates no threads (R43).
    NOT_OURS = "not-ours"
    TOO_LARGE = "too-large"
    #: listed, but no longer there when it was fetched.
    GONE = "gone"
    #: could not be read; kept raw, can be read again.
    QUARANTINED = "quarantined"

    @property
    def in_thread(self) -> bool:
        """Whether the mail became part of a thread."""
        return self in (Outcome.OPENED, Outcome.JOINED, Outcome.ATTACHED)
