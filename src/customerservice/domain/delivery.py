"""One mail as a source handed it over: its identity, what was decided about it, and what still has to be done."""

import datetime as dt

import attrs

from customerservice.domain.ids import DeliveryId, MailboxId, MessageId, ShopId, ThreadId
from customerservice.domain.outcome import Outcome

#: After so many attempts that ended without an outcome, a mail is quarantined (P3).
MAX_ATTEMPTS = 3


@attrs.frozen(kw_only=True)
class DeliveryKey:
    """The identity of a mail at its source (R22): (mailbox id, UIDVALIDITY, UID), or (source, UIDL or path).

    Attributes:
        source: text of the mailbox id, or the name of a file source.
        epoch: UIDVALIDITY, 0 where there is none.
        uid: 0 where there is none.
        name: UIDL or path, "" where the UID says it.
    """

    source: str
    epoch: int = 0
    uid: int = 0
    name: str = ""


@attrs.frozen(kw_only=True)
class Decision:
    """Why a mail went where it went (R46); stored with the mail.

    Attributes:
        rule: the rule that decided (``in-reply-to``, ``signed address``, ``marker``, ``no evidence``...).
        reason: one sentence for a person.
        passed_over: why the other rules did not decide, one sentence each.
        kind: what kind of mail it was read as, with `kind_reasons`.
        contact_rule: how the contact was found.
        standing: of the sender in the thread in question.
        linked: a thread this one is linked to without being part of it (R18).
        defects: codes of what was wrong with the mail.
        warnings: what a person who answers it should know, one sentence each.
    """

    rule: str
    reason: str
    passed_over: tuple[str, ...] = ()
    kind: str | None = None
    kind_reasons: tuple[str, ...] = ()
    contact_rule: str = ""
    standing: str = ""
    linked: ThreadId | None = None
    defects: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Delivery:
    """One mail as a source handed it over. Each has one row, whatever becomes of it (R22, R31).

    Attributes:
        sha256: hex digest of the raw bytes, the blob's name; None when no body was fetched (too large, gone).
        content_digest: hex digest of what the mail says, known once it was parsed.
        size: bytes, as fetched or as announced.
        received_at: when the source got it; aware UTC; the moment of storing if the source did not say.
        attempts: how often reading was begun; committed before reading.
        outcome: None while it waits to be read.
        raw_kept: the raw bytes are stored now.
        acknowledge: the source still has to be told (flag, move, delete).
        header_id: Message-ID, without angle brackets; `sender` and `subject` as read, for lists.
        reader_version: of the code that read it.
    """

    id: DeliveryId
    key: DeliveryKey
    shop: ShopId
    mailbox_id: MailboxId | None
    sha256: str | None
    size: int
    received_at: dt.datetime
    stored_at: dt.datetime
    attempts: int = 0
    outcome: Outcome | None = None
    content_digest: str | None = None
    raw_kept: bool = False
    acknowledge: bool = False
    header_id: str | None = None
    sender: str | None = None
    subject: str | None = None
    thread_id: ThreadId | None = None
    message_id: MessageId | None = None
    duplicate_of: DeliveryId | None = None
    decision: Decision | None = None
    reader_version: int | None = None
