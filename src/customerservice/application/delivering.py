"""Sending what waits in the outbox: claimed by one worker, marked before the final dot, never silently lost (P4)."""

import datetime as dt
import logging
from collections.abc import Callable, Collection

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.context import DeskContext
from customerservice.application.recording import record
from customerservice.domain.actor import Actor
from customerservice.domain.ids import OutboxId
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.errors import (
    LeaseLost,
    NotFound,
    OwnTransactionNeeded,
    Refused,
    StoredBytesLost,
    TransportError,
)
from customerservice.ports.storage import Page, UnitOfWork
from customerservice.ports.transports import Envelope, MailSender

log = logging.getLogger("customerservice.outbox")

#: How long a worker may hold a mail: longer than a server may take to answer the final dot (RFC 5321 4.5.3.2.6).
CLAIM_TIME = dt.timedelta(minutes=20)


@attrs.define(kw_only=True)
class DeliveryReport:
    """What a pass over the outbox did, in mails.

    Attributes:
        postponed: refused for now; tried again later.
        unknown: lost between the final dot and its answer, by this worker or one that died; a person decides.
        errors: one sentence for each mail that was not sent.
    """

    sent: int = 0
    failed: int = 0
    postponed: int = 0
    unknown: int = 0
    errors: list[str] = attrs.field(factory=list)

    def count(self, entry: OutboxEntry) -> None:
        """Count how a mail stands after its try."""
        match entry.state:
            case OutboxState.SENT:
                self.sent += 1
            case OutboxState.UNKNOWN:
                self.unknown += 1
            case OutboxState.WAITING:
                self.postponed += 1
            case _:
                self.failed += 1
        if entry.last_error is not None:
            self.errors.append(f"mail {entry.id}: {entry.last_error}")


def deliver(
    desk: DeskContext,
    actor: Actor,
    sender: MailSender,
    *,
    limit: int = 100,
    stop: Callable[[], bool] = lambda: False,
) -> DeliveryReport:
    """Send the mails of the actor's shops that are due, at most `limit`, oldest first, one after the other.

    Two workers never send the same mail: each claims it for `CLAIM_TIME`. What a dead worker left before the final dot
    is sent again, with the same bytes; from the dot on it is `unknown` (F37, F40). A thread moves on when its reply was
    handed over (R61). The pass ends early when the server cannot be reached or logged in to.

    Raises:
        OwnTransactionNeeded: the storage runs inside a host's transaction.
        StorageError: the storage failed; a mail that was claimed is taken up again when its claim ends.
    """
    if not desk.storage.commits_itself:
        raise OwnTransactionNeeded("sending commits as it goes; use HelpDesk.open instead of HelpDesk.join")
    report = DeliveryReport()
    worker = str(desk.ids.new())
    for _ in range(limit):
        if stop():
            break
        entry = _claim(desk, actor, worker, report)
        if entry is None:
            break
        if not _send(desk, actor, sender, entry, report):
            break
    return report


def list_outbox(
    desk: DeskContext,
    actor: Actor,
    states: Collection[OutboxState] = tuple(OutboxState),
    *,
    after: str | None = None,
    limit: int = 50,
) -> Page[OutboxEntry]:
    """Give the mails of the actor's shops in these states, oldest first, by page."""
    with desk.storage.unit(reading=True) as unit:
        return unit.outbox.page(actor.scope, states, after=after, limit=limit)


def send_again(desk: DeskContext, actor: Actor, outbox_id: OutboxId) -> OutboxEntry:
    """Let a mail that failed, or whose outcome nobody knows, be tried once more: same bytes, same Message-ID (P4).

    A recipient who got it is left out; one whose outcome is unknown may get it twice, which is why a person decides.

    Raises:
        NotFound: there is no such mail in the actor's shops.
        Refused: it was sent, or is still being tried (``not-failed``).
    """

    def work(unit: UnitOfWork) -> OutboxEntry:
        entry = unit.outbox.get(outbox_id, for_change=True)
        if entry is None or entry.shop not in actor.scope:
            raise NotFound("outgoing mail", outbox_id)
        if entry.state not in (OutboxState.FAILED, OutboxState.UNKNOWN):
            raise Refused(
                "not-failed", f"mail {entry.id} is {entry.state.value}; only failed or unknown mail is tried again"
            )
        again = entry.tried_again(at=desk.clock.now())
        unit.outbox.save(again)
        return again

    return desk.in_unit(work)


def _claim(desk: DeskContext, actor: Actor, worker: str, report: DeliveryReport) -> OutboxEntry | None:
    """Take the next mail that is due; those whose worker died at the dot are settled as unknown on the way."""
    while True:
        now = desk.clock.now()
        with desk.storage.unit() as unit:
            due = unit.outbox.due(now=now, limit=1, scope=actor.scope)
            if not due:
                return None
            entry = due[0] if due[0].state is OutboxState.WAITING else due[0].abandoned(at=now)
            if entry.state is OutboxState.WAITING:
                claimed = entry.claimed(worker, until=now + CLAIM_TIME)
                unit.outbox.save(claimed)
            else:
                claimed = None
                unit.outbox.save(entry)
        failpoint("outbox.claimed")
        if claimed is not None:
            return claimed
        report.count(entry)


def _send(desk: DeskContext, actor: Actor, sender: MailSender, entry: OutboxEntry, report: DeliveryReport) -> bool:
    """Try one mail; False when the server itself cannot be used, so that the others need not be tried."""

    def before_dot() -> None:
        failpoint("outbox.before-mark")
        with desk.storage.unit() as unit:
            _own(unit, entry)
            unit.outbox.save(entry.about_to_end())
        failpoint("outbox.marked")

    try:
        with desk.storage.unit() as unit:
            raw = unit.blobs.get(entry.sha256)
        failpoint("outbox.before-send")
        results = sender.send(Envelope(entry.sender, entry.open_recipients), raw, before_dot=before_dot)
        failpoint("outbox.sent")
        settled = entry.settled(results, at=desk.clock.now())
    except LeaseLost:
        return True
    except TransportError as error:
        now = desk.clock.now()
        # A server that cannot be reached or logged in to says nothing about this mail.
        again = error.temporary or error.stage != "send"
        settled = entry.postponed(str(error), at=now) if again else entry.failed(str(error), at=now)
        _settle(desk, actor, entry, settled, report)
        return error.stage == "send"
    except StoredBytesLost as error:
        settled = entry.failed(str(error), at=desk.clock.now())
    _settle(desk, actor, entry, settled, report)
    return True


def _own(unit: UnitOfWork, entry: OutboxEntry) -> None:
    """Make sure the mail is still this worker's.

    Raises:
        LeaseLost: the claim ended and another worker, or a person, took it up.
    """
    stored = unit.outbox.get(entry.id, for_change=True)
    if stored is None or stored.claimed_by != entry.claimed_by or stored.tries != entry.tries:
        raise LeaseLost(f"another worker took over mail {entry.id}")


def _settle(desk: DeskContext, actor: Actor, entry: OutboxEntry, settled: OutboxEntry, report: DeliveryReport) -> None:
    """Store how a try ended, and move the thread on if its mail was handed over, in one unit."""

    def work(unit: UnitOfWork) -> None:
        _own(unit, entry)
        unit.outbox.save(settled)
        thread = unit.threads.get(settled.thread_id)
        if settled.state is OutboxState.SENT and thread is not None:
            record(
                unit,
                thread.reply_handed_over(settled.then, at=desk.clock.now(), actor=actor, legend=desk.settings.legend),
            )

    try:
        desk.in_unit(work)
    except LeaseLost:
        return
    failpoint("outbox.settled")
    report.count(settled)
    log.info(
        "mail tried",
        extra={
            "customerservice_action": "deliver",
            "customerservice_mail": str(settled.id),
            "customerservice_state": settled.state.value,
        },
    )
