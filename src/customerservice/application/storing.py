"""Storing what a source handed over: raw bytes are committed before anybody looks into them (R25, P1)."""

import datetime as dt
import hashlib
import logging
from collections.abc import Collection, Sequence

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.stored_mail import quarantined, raw_owner, with_summary
from customerservice.application.sync_run import SyncRun
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.ids import DeliveryId
from customerservice.domain.mailbox import AfterFetchKind
from customerservice.domain.outcome import Outcome
from customerservice.ports.storage import UnitOfWork
from customerservice.ports.transports import Fetched, FetchedMail, GoneMail, MailRef, OversizeMail

log = logging.getLogger("customerservice.sync")


def key_of(run: SyncRun, ref: MailRef) -> DeliveryKey:
    """Give the identity of a mail of this source (R22)."""
    return DeliveryKey(source=run.source, epoch=ref.epoch, uid=ref.uid, name=ref.name)


def store(run: SyncRun, batch: Sequence[Fetched]) -> Sequence[tuple[Delivery, bytes]]:
    """Commit a batch in one unit, the first attempt at reading counted; give what now waits to be read.

    What was stored by somebody else in the meantime is left out. What ends here (too large, gone, not given out, the
    bytes of an earlier mail) is counted in the report.

    Raises:
        LeaseLost: another worker took over; nothing was stored.
    """
    now = run.desk.clock.now()
    made = [(_delivery(run, item, now), item) for item in batch]

    def work(unit: UnitOfWork) -> tuple[list[tuple[Delivery, bytes]], list[Delivery]]:
        waiting: list[tuple[Delivery, bytes]] = []
        ended: list[Delivery] = []
        to_come = set(unit.deliveries.add([delivery for delivery, _ in made]))
        for delivery, item in made:
            if delivery.id not in to_come:
                continue
            if not isinstance(item, FetchedMail):
                ended.append(delivery)
            elif (twin := _twin(run, unit, delivery, to_come)) is not None:
                ended.append(_as_twin(delivery, twin))
                unit.deliveries.save(ended[-1:])
            else:
                unit.blobs.put(item.raw, raw_owner(delivery))
                waiting.append((delivery, item.raw))
            to_come.remove(delivery.id)
        failpoint("sync.raw-written")
        return waiting, ended

    waiting, ended = run.in_unit(work)
    failpoint("sync.raw-committed")
    run.report.stored += len(waiting)
    run.report.bytes += sum(len(raw) for _, raw in waiting)
    for delivery in ended:
        run.report.count(delivery)
    return waiting


def passed_by(run: SyncRun, ref: MailRef) -> Delivery:
    """Give the delivery of a mail that was there before a first sync "from now": known, never fetched (R27)."""
    return attrs.evolve(
        _bare(run, ref, run.desk.clock.now()),
        outcome=Outcome.IGNORED,
        decision=Decision(rule="first sync", reason="it was there before the first sync, which began from now"),
    )


def _bare(run: SyncRun, ref: MailRef, now: dt.datetime) -> Delivery:
    return Delivery(
        id=DeliveryId(run.desk.ids.new()),
        key=key_of(run, ref),
        shop=run.shop,
        mailbox_id=None if run.mailbox is None else run.mailbox.id,
        sha256=None,
        size=0,
        received_at=now,
        stored_at=now,
    )


def _delivery(run: SyncRun, item: Fetched, now: dt.datetime) -> Delivery:
    delivery = _bare(run, item.ref, now)
    match item:
        case FetchedMail():
            return attrs.evolve(
                delivery,
                sha256=hashlib.sha256(item.raw).hexdigest(),
                size=len(item.raw),
                received_at=item.received_at or now,
                attempts=1,
                raw_kept=True,
                acknowledge=run.mode.kind is not AfterFetchKind.KEEP,
            )
        case OversizeMail():
            return _oversize(run, attrs.evolve(delivery, received_at=item.received_at or now), item)
        case GoneMail():
            decision = Decision(rule="gone", reason="it was listed, but gone before it could be fetched")
            return attrs.evolve(delivery, outcome=Outcome.GONE, decision=decision)
        case unreadable:
            return quarantined(delivery, f"the server did not give it out: {unreadable.reason}")


def _oversize(run: SyncRun, delivery: Delivery, item: OversizeMail) -> Delivery:
    """A mail over the limit: what its header says is recorded, and it stays where it is (R30)."""
    ended = attrs.evolve(
        delivery,
        size=item.size,
        outcome=Outcome.TOO_LARGE,
        decision=Decision(rule="size limit", reason=f"{item.size} bytes are over the limit of {run.max_size}"),
    )
    try:
        return with_summary(ended, run.desk.reader(item.header))
    except Exception:
        log.warning("a header could not be read", exc_info=True, extra={"customerservice_action": "read"})
        return ended


def _twin(run: SyncRun, unit: UnitOfWork, delivery: Delivery, to_come: Collection[DeliveryId]) -> Delivery | None:
    """An earlier delivery of this source with the same bytes that is this mail under another number (R22).

    That is so for files and after a changed UIDVALIDITY; within one epoch equal bytes are two mails. Those of the batch
    that are `to_come` are not earlier: of two equal files one must be the mail.
    """
    # The oldest come first, and those of this batch last: one more than these holds an earlier one if there is any.
    for other in unit.deliveries.by_bytes(run.source, delivery.sha256 or "", limit=len(to_come) + 1):
        if other.id not in to_come and (delivery.key.uid == 0 or other.key.epoch != delivery.key.epoch):
            return other
    return None


def _as_twin(delivery: Delivery, twin: Delivery) -> Delivery:
    # What a mailbox turned away is turned away under its new number too, so that reconsidering finds it (R43). The
    # source is told only where the bytes are kept and were read.
    again = twin.outcome is Outcome.NOT_OURS
    return attrs.evolve(
        delivery,
        outcome=Outcome.NOT_OURS if again else Outcome.DUPLICATE,
        raw_kept=False,
        acknowledge=delivery.acknowledge and twin.raw_kept and twin.outcome is not Outcome.QUARANTINED,
        duplicate_of=None if again else twin.id,
        thread_id=twin.thread_id,
        header_id=twin.header_id,
        sender=twin.sender,
        subject=twin.subject,
        decision=Decision(rule="bytes", reason="the same mail was stored before under another number or name"),
    )
