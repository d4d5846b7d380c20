"""What is kept of a mail: its raw bytes, its files, and what lists show of it."""

import hashlib
from collections.abc import Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.domain.delivery import Decision, Delivery
from customerservice.domain.ids import AttachmentId
from customerservice.domain.message import Attachment
from customerservice.domain.outcome import Outcome
from customerservice.domain.text import one_line, storable
from customerservice.errors import StoredBytesLost
from customerservice.mail.received import Correspondent, ReceivedMail
from customerservice.ports.storage import BlobOwner, UnitOfWork

#: Files of one mail that become attachments; the others stay in the raw mail only (R36).
MAX_ATTACHMENTS = 100


def kept_files(
    unit: UnitOfWork, desk: DeskContext, mail: ReceivedMail, stored: Sequence[Attachment] = ()
) -> tuple[Attachment, ...]:
    """Store a mail's files, within R36's limits, and give them as attachments.

    One with the bytes of a `stored` attachment keeps that one's id; the bytes of stored ones that are left over are
    given back.
    """
    left = list(stored)
    kept = []
    for found in mail.attachments[:MAX_ATTACHMENTS]:
        sha256 = hashlib.sha256(found.content).hexdigest()
        same = next((one for one in left if one.sha256 == sha256), None)
        if same is not None:
            left.remove(same)
        attachment_id = AttachmentId(desk.ids.new()) if same is None else same.id
        kept.append(
            Attachment(
                id=attachment_id,
                filename=None if found.filename is None else storable(found.filename),
                media_type=found.media_type,
                size=len(found.content),
                sha256=unit.blobs.put(found.content, _file_owner(attachment_id)),
                content_id=found.content_id,
                inline=found.inline,
            )
        )
    for one in left:
        unit.blobs.release(one.sha256, _file_owner(one.id))
    return tuple(kept)


def _file_owner(attachment_id: AttachmentId) -> BlobOwner:
    return BlobOwner("attachment", str(attachment_id))


def raw_owner(delivery: Delivery) -> BlobOwner:
    """Give the owner under which a delivery's raw bytes are kept."""
    return BlobOwner("delivery", str(delivery.id))


def stored_raw(unit: UnitOfWork, delivery: Delivery) -> bytes:
    """Give a mail's raw bytes as they were fetched.

    Raises:
        StoredBytesLost: nobody keeps them, or they are not what was stored.
    """
    if delivery.sha256 is None:
        raise StoredBytesLost(f"mail {delivery.id} has no raw bytes: they were never fetched")
    return unit.blobs.get(delivery.sha256)


def quarantined(delivery: Delivery, reason: str) -> Delivery:
    """Give a delivery as quarantined: kept raw, listed, to be read again later; nothing is done at its source (R29)."""
    decision = Decision(rule="quarantine", reason=one_line(reason)[:500])
    return attrs.evolve(delivery, outcome=Outcome.QUARANTINED, decision=decision, acknowledge=False)


def with_summary(delivery: Delivery, mail: ReceivedMail) -> Delivery:
    """Give the delivery with what lists show of a mail: Message-ID, sender and subject."""
    sender = mail.sender or Correspondent(None)
    return attrs.evolve(
        delivery,
        header_id=mail.message_id,
        sender=str(sender.address) if sender.address is not None else one_line(sender.name)[:255] or None,
        subject=None if mail.subject is None else one_line(mail.subject)[:255],
    )
