"""One pass over a source of mail: what is new becomes threads, each mail exactly once, after any interruption.

The order is the promise (P1, P2): raw bytes are committed (`storing`), then read, then what they became is committed
(`reading`), then the source is told (`acknowledging`). Whatever stops the run, the next one goes on from what is
committed.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.acknowledging import acknowledge, acknowledge_left_over
from customerservice.application.context import DeskContext
from customerservice.application.reading import read, read_left_over
from customerservice.application.storing import key_of, passed_by, store
from customerservice.application.sync_run import LEASE_TIME, SyncRun
from customerservice.application.sync_run import SyncBounds as SyncBounds
from customerservice.application.sync_run import SyncReport as SyncReport
from customerservice.domain.actor import Actor
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind, Mailbox
from customerservice.errors import CustomerServiceError, LeaseLost, OwnTransactionNeeded
from customerservice.ports.storage import Lease, SyncCursor, UnitOfWork
from customerservice.ports.transports import MailRef, MailSession, MailSource

log = logging.getLogger("customerservice.sync")


def sync_mailbox(
    desk: DeskContext, actor: Actor, mailbox: Mailbox, source: MailSource, *, bounds: SyncBounds | None = None
) -> SyncReport:
    """Take over what is new in a mailbox (R22-R32, R43), and finish what an earlier pass left unfinished.

    Effects: raw mails, deliveries, threads, messages, history and figures are stored; after that mails are flagged,
    moved or removed at the server as the mailbox says; the mailbox's health is updated. A pass that finds another
    worker on the mailbox does nothing and says so in `errors`.

    Raises:
        OwnTransactionNeeded: the storage runs inside a host's transaction.
        TransportError: the mailbox could not be opened, or broke; what was committed before stays.
        StorageError: the storage failed, or another worker took over (`LeaseLost`); nothing was removed from the
            server that is not stored.
    """
    report = SyncReport(mailbox=str(mailbox.id))
    with _holding(desk, f"mailbox:{mailbox.id}", report) as lease:
        if lease is None:
            return report
        run = SyncRun(
            desk=desk,
            actor=actor,
            shop=mailbox.shop,
            mailbox=mailbox,
            contact_id=None,
            source=str(mailbox.id),
            mode=mailbox.after_fetch,
            max_size=mailbox.size_limit,
            bounds=bounds or SyncBounds(),
            lease=lease,
            report=report,
        )
        try:
            with source.open() as session:
                _take_over(run, session)
        except LeaseLost:
            # How the mailbox fares is for the worker to say that has it now.
            raise
        except CustomerServiceError as error:
            _note_health(desk, mailbox, error)
            raise
        _note_health(desk, mailbox, None)
    return report


def ingest_files(
    desk: DeskContext,
    actor: Actor,
    source: MailSource,
    *,
    shop: ShopId,
    contact_id: ContactId | None = None,
    max_size: int,
    bounds: SyncBounds | None = None,
) -> SyncReport:
    """Take over mail from files, each once: a file that was taken over before is `already_known` (R22).

    Raises:
        OwnTransactionNeeded: the storage runs inside a host's transaction.
        StorageError: the storage failed; what was committed before stays.
    """
    report = SyncReport()
    with _holding(desk, f"files:{shop}", report) as lease:
        if lease is None:
            return report
        run = SyncRun(
            desk=desk,
            actor=actor,
            shop=shop,
            mailbox=None,
            contact_id=contact_id,
            source=f"files:{shop}",
            mode=AfterFetch(),
            max_size=max_size,
            bounds=bounds or SyncBounds(),
            lease=lease,
            report=report,
        )
        with source.open() as session:
            _take_over(run, session)
    return report


@contextmanager
def _holding(desk: DeskContext, name: str, report: SyncReport) -> Iterator[Lease | None]:
    """Hold the lease of that name for the time of the block; None, and an error in the report, if another has it."""
    if not desk.storage.commits_itself:
        raise OwnTransactionNeeded("a sync commits as it goes; use HelpDesk.open instead of HelpDesk.join")
    started = desk.clock.now()
    with desk.storage.unit() as unit:
        owner = str(desk.ids.new()) if desk.workers is None else desk.workers.name()
        held = unit.leases.holder(name)
        if held is not None and desk.workers is not None and desk.workers.is_gone(held.owner):
            unit.leases.release(held)
        lease = unit.leases.acquire(name, owner, now=started, until=started + LEASE_TIME)
    if lease is None:
        report.fail("another worker is on this mailbox; nothing was done")
        yield None
        return
    try:
        yield lease
    finally:
        with desk.storage.unit() as unit:
            unit.leases.release(lease)
        report.seconds = (desk.clock.now() - started).total_seconds()
        log.info(
            "pass ended",
            extra={
                "customerservice_action": "sync",
                "customerservice_source": name,
                "customerservice_fetched": report.fetched,
                "customerservice_stored": report.stored,
            },
        )


def _note_health(desk: DeskContext, mailbox: Mailbox, error: CustomerServiceError | None) -> None:
    def update(unit: UnitOfWork) -> None:
        stored = unit.mailboxes.get(mailbox.id)
        if stored is None:
            return
        now = desk.clock.now()
        health = stored.health.succeeded(now) if error is None else stored.health.failed(now, str(error))
        unit.mailboxes.save(attrs.evolve(stored, health=health))

    desk.in_unit(update)


def _take_over(run: SyncRun, session: MailSession) -> None:
    """Finish what was left unfinished, then take what is new."""
    failpoint("sync.opened")
    run.report.warnings.extend(session.state.warnings)
    cursor, new_epoch = _cursor(run, session)
    if run.mailbox is not None and not session.state.epoch:
        _begin_without_uids(run, session, run.mailbox)
    read_left_over(run)
    tells = _may_tell(run, session, new_epoch=new_epoch)
    if tells:
        acknowledge_left_over(run, session)
    for window, listed_to in _windows(session, cursor):
        failpoint("sync.listed")
        if not _take(run, session, window, tells=tells):
            return
        if cursor is not None:
            cursor = attrs.evolve(cursor, uid=listed_to)
            _save_cursor(run, cursor)


def _may_tell(run: SyncRun, session: MailSession, *, new_epoch: bool) -> bool:
    """Whether mail is flagged, moved or removed at the source in this pass; if not, but wanted, the report says why."""
    if run.mode.kind is AfterFetchKind.KEEP:
        return False
    if new_epoch:
        run.report.warn(
            "the server numbered this mailbox anew (UIDVALIDITY); nothing is removed or flagged in this pass"
        )
        return False
    if session.state.read_only:
        run.report.fail("the folder is read only; nothing is removed or flagged there")
        return False
    return True


def _windows(session: MailSession, cursor: SyncCursor | None) -> Iterator[tuple[Sequence[MailRef], int]]:
    """Give what may be new, each window with the UID up to which everything was listed after it.

    Of the mail that was there at the first sync only what is wanted, then all behind it.
    """
    after = 0 if cursor is None else cursor.uid
    if cursor is not None and after < cursor.old_uid:
        for window in session.listing(after=after, since=cursor.since):
            wanted = [ref for ref in window if ref.uid <= cursor.old_uid]
            if wanted:
                yield wanted, wanted[-1].uid
        after = cursor.old_uid
        yield (), after
    for window in session.listing(after=after):
        yield window, window[-1].uid


def _cursor(run: SyncRun, session: MailSession) -> tuple[SyncCursor | None, bool]:
    """Give how far the mailbox was listed, and whether its UIDs began anew; None where UIDs mean nothing."""
    state = session.state
    if run.mailbox is None or not state.epoch:
        return None, False
    with run.desk.storage.unit(reading=True) as unit:
        stored = unit.mailboxes.cursor(run.mailbox.id)
    if stored is not None and stored.epoch == state.epoch:
        return stored, False
    cursor = SyncCursor(mailbox_id=run.mailbox.id, epoch=state.epoch, uid=0)
    first = run.mailbox.first_sync
    if stored is not None:
        log.warning(
            "the server numbered the mailbox anew",
            extra={"customerservice_action": "sync", "customerservice_source": run.source},
        )
        since = stored.since
    else:
        since = first.since if first.everything or first.since else run.started.date()
    if since is not None:
        newest = state.next_uid - 1 if state.next_uid is not None else _newest(session)
        from_now = stored is None and first.since is None
        cursor = attrs.evolve(cursor, since=since, old_uid=newest, uid=newest if from_now else 0)
    _save_cursor(run, cursor)
    return cursor, stored is not None


def _begin_without_uids(run: SyncRun, session: MailSession, mailbox: Mailbox) -> None:
    """Begin the first sync of a source that numbers nothing (POP3): "from now" passes by what is there (R27)."""
    with run.desk.storage.unit(reading=True) as unit:
        if unit.mailboxes.cursor(mailbox.id) is not None:
            return
    if not mailbox.first_sync.everything:
        for window in session.listing(after=0):
            _pass_by(run, window)
    _save_cursor(run, SyncCursor(mailbox_id=mailbox.id, epoch=0, uid=0))


def _pass_by(run: SyncRun, window: Sequence[MailRef]) -> None:
    run.in_unit(lambda unit: unit.deliveries.add([passed_by(run, ref) for ref in window]))


def _newest(session: MailSession) -> int:
    return max((ref.uid for window in session.listing(after=0) for ref in window), default=0)


def _save_cursor(run: SyncRun, cursor: SyncCursor) -> None:
    run.in_unit(lambda unit: unit.mailboxes.save_cursor(cursor))
    failpoint("sync.cursor-saved")


def _take(run: SyncRun, session: MailSession, window: Sequence[MailRef], *, tells: bool) -> bool:
    """Fetch, store, read and acknowledge what is not known of a window; False if the bounds ended it early."""
    if run.time_is_up():
        return False
    keys = {key_of(run, ref): ref for ref in window}
    with run.desk.storage.unit(reading=True) as unit:
        known = set(unit.deliveries.known(run.source, list(keys)))
    if run.mailbox is None:
        # Of a mailbox only what is new is looked at; files are looked at again each time.
        run.report.count_known(len(known))
    new = [ref for key, ref in keys.items() if key not in known]
    allowed = len(new) if run.bounds.limit is None else max(run.bounds.limit - run.taken, 0)
    run.taken += min(allowed, len(new))
    if new[:allowed]:
        for batch in session.fetch(new[:allowed], max_size=run.max_size):
            failpoint("sync.fetched")
            stored = store(run, batch)
            read(run, stored)
            if tells:
                acknowledge(run, session, [delivery.id for delivery, _ in stored])
            run.bounds.progress(run.report)
            if run.time_is_up():
                return False
    return len(new) <= allowed
