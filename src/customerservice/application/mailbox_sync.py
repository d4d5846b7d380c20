"""One pass over a source of mail: what is new becomes threads, each mail exactly once, after any interruption.

The order is the promise (P1, P2): raw bytes are committed, then read, then what they became is committed, then the
source is told. Whatever stops the run, the next one goes on from what is committed.
"""

import datetime as dt
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import attrs

from customerservice._failpoints import failpoint
from customerservice.application.context import DeskContext
from customerservice.application.intake import Intake, quarantined, raw_owner, stored_raw, surroundings
from customerservice.domain.actor import Actor
from customerservice.domain.delivery import MAX_ATTEMPTS, Decision, Delivery, DeliveryKey
from customerservice.domain.ids import ContactId, DeliveryId, ShopId
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind, Mailbox
from customerservice.domain.outcome import Outcome
from customerservice.domain.text import one_line
from customerservice.errors import CustomerServiceError, OwnTransactionNeeded, StoredBytesLost
from customerservice.mail.parser import parse
from customerservice.mail.received import ReceivedMail
from customerservice.ports.storage import Lease, SyncCursor, UnitOfWork
from customerservice.ports.transports import (
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    MailSession,
    MailSource,
    OversizeMail,
    UnreadableMail,
)

log = logging.getLogger("customerservice.sync")

#: How long a worker may be silent before another takes the mailbox over (R28).
LEASE_TIME = dt.timedelta(minutes=15)
_BATCH = 200


@attrs.define(kw_only=True)
class SyncReport:
    """What a pass did. `fetched` is the sum of all outcomes; `stored` counts the mails whose raw bytes it wrote.

    Attributes:
        skipped: mails that ended as ignored, not-ours, too-large or gone, by that word.
        already_known: mails whose bytes or content were stored before.
        removed_from_server: moved or deleted there.
        bytes: of the raw mails written.
        warnings: what a person should know about the session.
        errors: what went wrong without ending the pass, one sentence each.
    """

    fetched: int = 0
    stored: int = 0
    created_threads: int = 0
    joined_threads: int = 0
    attached: int = 0
    held: int = 0
    already_known: int = 0
    skipped: Counter[str] = attrs.field(factory=Counter)
    quarantined: int = 0
    removed_from_server: int = 0
    bytes: int = 0
    seconds: float = 0.0
    mailbox: str | None = None
    warnings: list[str] = attrs.field(factory=list)
    errors: list[str] = attrs.field(factory=list)

    def count(self, delivery: Delivery) -> None:
        """Count the outcome of one mail."""
        self.fetched += 1
        match delivery.outcome:
            case Outcome.OPENED:
                self.created_threads += 1
            case Outcome.JOINED:
                self.joined_threads += 1
            case Outcome.ATTACHED:
                self.attached += 1
            case Outcome.HELD:
                self.held += 1
            case Outcome.DUPLICATE:
                self.already_known += 1
            case Outcome.QUARANTINED:
                self.quarantined += 1
            case Outcome() as other:
                self.skipped[other.value] += 1


@attrs.frozen(kw_only=True)
class SyncBounds:
    """How much one pass may do.

    Attributes:
        limit: at most so many mails are fetched; None for all.
        budget: no new batch is begun after this time.
        stop: asked between batches; True ends the pass early, everything begun is finished.
        progress: told the report as it stands, always the same one, when the pass begins and after each batch; so a
            caller has the counts of a pass that ended with an error too.
    """

    limit: int | None = None
    budget: dt.timedelta | None = None
    stop: Callable[[], bool] = lambda: False
    progress: Callable[[SyncReport], None] = lambda _: None


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
        StorageError: the storage failed; nothing was removed from the server that is not stored.
    """
    report = SyncReport(mailbox=str(mailbox.id))
    with _holding(desk, f"mailbox:{mailbox.id}", report) as lease:
        if lease is None:
            return report
        run = _Pass(
            desk=desk,
            actor=actor,
            shop=mailbox.shop,
            mailbox=mailbox,
            contact_id=None,
            source_name=str(mailbox.id),
            mode=mailbox.after_fetch,
            max_size=mailbox.size_limit,
            bounds=bounds or SyncBounds(),
            lease=lease,
            report=report,
        )
        try:
            with source.open() as session:
                run.over(session)
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
    """Take over mail from files, each once: a file whose bytes were taken over before is `already_known` (R22).

    Raises:
        OwnTransactionNeeded: the storage runs inside a host's transaction.
        StorageError: the storage failed; what was committed before stays.
    """
    report = SyncReport()
    with _holding(desk, f"files:{shop}", report) as lease:
        if lease is None:
            return report
        run = _Pass(
            desk=desk,
            actor=actor,
            shop=shop,
            mailbox=None,
            contact_id=contact_id,
            source_name=f"files:{shop}",
            mode=AfterFetch(),
            max_size=max_size,
            bounds=bounds or SyncBounds(),
            lease=lease,
            report=report,
        )
        with source.open() as session:
            run.over(session)
    return report


@contextmanager
def _holding(desk: DeskContext, name: str, report: SyncReport) -> Iterator[Lease | None]:
    """Hold the lease of that name for the time of the block; None, and an error in the report, if another has it."""
    if not desk.storage.commits_itself:
        raise OwnTransactionNeeded("a sync commits as it goes; use HelpDesk.open instead of HelpDesk.join")
    started = desk.clock.now()
    with desk.storage.unit() as unit:
        owner = str(desk.ids.new())
        lease = unit.leases.acquire(name, owner, now=started, until=started + LEASE_TIME)
    if lease is None:
        report.errors.append("another worker is on this mailbox; nothing was done")
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


@attrs.define(kw_only=True)
class _Pass:
    """One pass over one source."""

    desk: DeskContext
    actor: Actor
    shop: ShopId
    mailbox: Mailbox | None
    contact_id: ContactId | None
    source_name: str
    mode: AfterFetch
    max_size: int
    bounds: SyncBounds
    lease: Lease
    report: SyncReport
    started: dt.datetime = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.started = self.desk.clock.now()
        self.bounds.progress(self.report)

    def over(self, session: MailSession) -> None:
        """Finish what was left unfinished, then take what is new."""
        failpoint("sync.opened")
        state = session.state
        self.report.warnings.extend(state.warnings)
        cursor, new_epoch = self._cursor(session)
        self._read_left_over()
        if not new_epoch:
            self._acknowledge_left_over(session)
        elif self.mode.kind is not AfterFetchKind.KEEP:
            self.report.warnings.append(
                "the server numbered this mailbox anew (UIDVALIDITY); nothing is removed or flagged in this pass"
            )
        for window in self._windows(session, cursor):
            failpoint("sync.listed")
            if not self._take(session, window, acknowledge=not new_epoch):
                return
            if cursor is not None:
                cursor = attrs.evolve(cursor, uid=max(ref.uid for ref in window))
                self._save_cursor(cursor)

    @staticmethod
    def _windows(session: MailSession, cursor: SyncCursor | None) -> Iterator[Sequence[MailRef]]:
        """Give what may be new: of the mail that was there at the first sync what is wanted, then all behind it."""
        after = 0 if cursor is None else cursor.uid
        if cursor is not None and after < cursor.old_uid:
            for window in session.listing(after=after, since=cursor.since):
                wanted = [ref for ref in window if ref.uid <= cursor.old_uid]
                if wanted:
                    yield wanted
            after = cursor.old_uid
        yield from session.listing(after=after)

    def _cursor(self, session: MailSession) -> tuple[SyncCursor | None, bool]:
        """Give how far the mailbox was listed, and whether its UIDs began anew; None where UIDs mean nothing."""
        state = session.state
        if self.mailbox is None or not state.epoch:
            return None, False
        with self.desk.storage.unit() as unit:
            stored = unit.mailboxes.cursor(self.mailbox.id)
        if stored is not None and stored.epoch == state.epoch:
            return stored, False
        cursor = SyncCursor(mailbox_id=self.mailbox.id, epoch=state.epoch, uid=0)
        first = self.mailbox.first_sync
        if stored is not None:
            log.warning(
                "the server numbered the mailbox anew",
                extra={"customerservice_action": "sync", "customerservice_source": self.source_name},
            )
            since = stored.since
        else:
            since = first.since if first.everything or first.since else self.started.date()
        if since is not None:
            newest = state.next_uid - 1 if state.next_uid is not None else self._newest(session)
            from_now = stored is None and first.since is None
            cursor = attrs.evolve(cursor, since=since, old_uid=newest, uid=newest if from_now else 0)
        self._save_cursor(cursor)
        return cursor, stored is not None

    @staticmethod
    def _newest(session: MailSession) -> int:
        return max((ref.uid for window in session.listing(after=0) for ref in window), default=0)

    def _save_cursor(self, cursor: SyncCursor) -> None:
        with self.desk.storage.unit() as unit:
            unit.leases.check(self.lease)
            unit.mailboxes.save_cursor(cursor)
        failpoint("sync.cursor-saved")

    def _take(self, session: MailSession, window: Sequence[MailRef], *, acknowledge: bool) -> bool:
        """Fetch, store, read and acknowledge what is not known of a window; False if the bounds ended it early."""
        keys = {self._key(ref): ref for ref in window}
        with self.desk.storage.unit() as unit:
            known = set(unit.deliveries.known(self.source_name, list(keys)))
        new = [ref for key, ref in keys.items() if key not in known]
        if self.bounds.limit is not None:
            allowed = max(self.bounds.limit - self.report.fetched, 0)
            new, cut = new[:allowed], len(new) > allowed
        else:
            cut = False
        if self._time_is_up():
            return False
        if new:
            for batch in session.fetch(new, max_size=self.max_size):
                failpoint("sync.fetched")
                stored = self._store(batch)
                self._read([delivery for delivery, _ in stored], {d.id: raw for d, raw in stored})
                if acknowledge:
                    self._acknowledge(session, [delivery.id for delivery, _ in stored])
                self.bounds.progress(self.report)
                if self._time_is_up():
                    return False
        return not cut

    def _time_is_up(self) -> bool:
        if self.bounds.stop():
            return True
        budget = self.bounds.budget
        return budget is not None and self.desk.clock.now() - self.started > budget

    def _key(self, ref: MailRef) -> DeliveryKey:
        return DeliveryKey(source=self.source_name, epoch=ref.epoch, uid=ref.uid, name=ref.name)

    def _store(self, batch: Sequence[Fetched]) -> Sequence[tuple[Delivery, bytes]]:
        """Commit the raw bytes of a batch, with the first attempt counted; gives what now waits to be read."""
        now = self.desk.clock.now()
        waiting: list[tuple[Delivery, bytes]] = []
        ended: list[Delivery] = []
        with self.desk.storage.unit() as unit:
            self._hold_on(unit, now)
            made = [(self._delivery(item, now), item) for item in batch]
            added = set(unit.deliveries.add([delivery for delivery, _ in made]))
            for delivery, item in made:
                if delivery.id not in added:
                    continue
                if not isinstance(item, FetchedMail):
                    ended.append(delivery)
                elif (twin := self._twin(unit, delivery, _digest(item.raw))) is not None:
                    ended.append(self._end_as_twin(unit, delivery, twin))
                else:
                    unit.blobs.put(item.raw, raw_owner(delivery))
                    self.report.stored += 1
                    self.report.bytes += len(item.raw)
                    waiting.append((delivery, item.raw))
            failpoint("sync.raw-written")
        failpoint("sync.raw-committed")
        for delivery in ended:
            self.report.count(delivery)
        return waiting

    def _hold_on(self, unit: UnitOfWork, now: dt.datetime) -> None:
        """Make sure the lease is ours, and hold it longer when half its time is over."""
        if now + LEASE_TIME / 2 > self.lease.until:
            self.lease = unit.leases.renew(self.lease, until=now + LEASE_TIME)
        else:
            unit.leases.check(self.lease)

    def _delivery(self, item: Fetched, now: dt.datetime) -> Delivery:
        common = Delivery(
            id=DeliveryId(self.desk.ids.new()),
            key=self._key(item.ref),
            shop=self.shop,
            mailbox_id=None if self.mailbox is None else self.mailbox.id,
            sha256=None,
            size=0,
            received_at=now,
            stored_at=now,
        )
        match item:
            case FetchedMail():
                return attrs.evolve(
                    common,
                    sha256=_digest(item.raw),
                    size=len(item.raw),
                    received_at=item.received_at or now,
                    attempts=1,
                    raw_kept=True,
                    acknowledge=self.mode.kind is not AfterFetchKind.KEEP,
                )
            case OversizeMail():
                header = parse(item.header)
                return attrs.evolve(
                    common,
                    size=item.size,
                    received_at=item.received_at or now,
                    outcome=Outcome.TOO_LARGE,
                    header_id=header.message_id,
                    subject=None if header.subject is None else one_line(header.subject)[:255],
                    sender=None
                    if header.sender is None or header.sender.address is None
                    else str(header.sender.address),
                    decision=Decision(
                        rule="size limit", reason=f"{item.size} bytes are over the limit of {self.max_size}"
                    ),
                )
            case GoneMail():
                decision = Decision(rule="gone", reason="it was listed, but gone before it could be fetched")
                return attrs.evolve(common, outcome=Outcome.GONE, decision=decision)
            case UnreadableMail():
                return quarantined(common, f"the server did not give it out: {item.reason}")

    def _twin(self, unit: UnitOfWork, delivery: Delivery, sha256: str) -> Delivery | None:
        """An earlier delivery of this source with the same bytes that is this mail under another number (R22).

        That is so for files and after a changed UIDVALIDITY; within one epoch equal bytes are two mails.
        """
        for other in unit.deliveries.by_bytes(self.source_name, sha256):
            if other.id != delivery.id and (delivery.key.uid == 0 or other.key.epoch != delivery.key.epoch):
                return other
        return None

    def _end_as_twin(self, unit: UnitOfWork, delivery: Delivery, twin: Delivery) -> Delivery:
        ended = attrs.evolve(
            delivery,
            outcome=Outcome.DUPLICATE,
            raw_kept=False,
            duplicate_of=twin.id,
            thread_id=twin.thread_id,
            decision=Decision(rule="bytes", reason="the same mail was stored before under another number or name"),
        )
        unit.deliveries.save([ended])
        return ended

    def _read(self, deliveries: Sequence[Delivery], raws: Mapping[DeliveryId, bytes]) -> None:
        """Read a batch in one unit; if anything in it fails, each mail in a unit of its own (P3)."""
        if not deliveries:
            return
        readings = [(delivery, _parse(raws[delivery.id])) for delivery in deliveries]
        if all(reading is not None for _, reading in readings):
            try:
                self._settle([(delivery, reading) for delivery, reading in readings if reading is not None])
                return
            except CustomerServiceError:
                raise
            except Exception:
                log.warning("a batch failed; reading its mails one by one", exc_info=True, extra=_EXTRA)
        for delivery in deliveries:
            self._read_alone(delivery, raws[delivery.id], counted=True)

    def _settle(self, readings: Sequence[tuple[Delivery, ReceivedMail]]) -> None:
        failpoint("sync.parsed")
        with self.desk.storage.unit() as unit:
            unit.leases.check(self.lease)
            around = surroundings(unit, self.desk, shop=self.shop, mailbox=self.mailbox, contact_id=self.contact_id)
            intake = Intake(unit, self.desk, around, self.actor, self.desk.clock.now())
            ended = []
            for delivery, mail in readings:
                done = intake.take(delivery, mail)
                # Saved at once: the next mail of the batch must see this one's content.
                unit.deliveries.save([done])
                ended.append(done)
            intake.close()
            failpoint("sync.outcome-written")
        failpoint("sync.outcome-committed")
        for delivery in ended:
            self.report.count(delivery)

    def _read_alone(self, delivery: Delivery, raw: bytes, *, counted: bool) -> None:
        """Read one mail, counting each attempt before it begins; the third failure quarantines it (R29, P3)."""
        reason = "reading it did not end"
        while delivery.attempts < MAX_ATTEMPTS or counted:
            if not counted:
                delivery = attrs.evolve(delivery, attempts=delivery.attempts + 1)
                with self.desk.storage.unit() as unit:
                    unit.leases.check(self.lease)
                    unit.deliveries.save([delivery])
            failpoint("sync.attempt-counted")
            counted = False
            try:
                self._settle([(delivery, parse(raw))])
                return
            except CustomerServiceError:
                raise
            except Exception as error:
                reason = f"{type(error).__name__} while reading it"
                log.warning("a mail could not be read", exc_info=True, extra=_EXTRA)
        self._give_up(delivery, reason)

    def _give_up(self, delivery: Delivery, reason: str) -> None:
        ended = quarantined(delivery, f"{reason}, {delivery.attempts} times")
        with self.desk.storage.unit() as unit:
            unit.leases.check(self.lease)
            unit.deliveries.save([ended])
        self.report.count(ended)

    def _read_left_over(self) -> None:
        """Read, one by one, what an interrupted pass stored and did not read."""
        while not self._time_is_up():
            with self.desk.storage.unit() as unit:
                left = unit.deliveries.unread(self.source_name, limit=_BATCH)
            for delivery in left:
                self._read_stored(delivery)
            if len(left) < _BATCH:
                return

    def _read_stored(self, delivery: Delivery) -> None:
        try:
            with self.desk.storage.unit() as unit:
                raw = stored_raw(unit, delivery)
        except StoredBytesLost as error:
            self._give_up(delivery, str(error))
            return
        self._read_alone(delivery, raw, counted=False)

    def _acknowledge_left_over(self, session: MailSession) -> None:
        """Tell the source what an interrupted pass stored and did not tell."""
        if self.mode.kind is AfterFetchKind.KEEP:
            return
        after: DeliveryId | None = None
        while True:
            with self.desk.storage.unit() as unit:
                left = unit.deliveries.unacknowledged(self.source_name, session.state.epoch, limit=_BATCH, after=after)
            if not left:
                return
            after = left[-1].id
            self._acknowledge(session, [delivery.id for delivery in left])

    def _acknowledge(self, session: MailSession, ids: Sequence[DeliveryId]) -> None:
        """Flag, move or remove at the source what is stored, after reading the stored bytes back (P2)."""
        if self.mode.kind is AfterFetchKind.KEEP or not ids:
            return
        with self.desk.storage.unit() as unit:
            unit.leases.check(self.lease)
            found = [unit.deliveries.get(delivery_id) for delivery_id in ids]
            ready = {
                self._ref(delivery): delivery
                for delivery in found
                if delivery is not None and delivery.acknowledge and self._is_safe(unit, delivery)
            }
        if not ready:
            return
        failpoint("sync.before-acknowledge")
        answers = session.acknowledge(list(ready), self.mode)
        failpoint("sync.acknowledged")
        told = []
        for answer in answers:
            if answer.state is AckState.FAILED:
                self.report.errors.append(f"the server did not {self.mode.kind.value} a mail: {answer.reason}")
                continue
            told.append(attrs.evolve(ready[answer.ref], acknowledge=False))
            if answer.state is AckState.DONE and self.mode.kind in (AfterFetchKind.MOVE, AfterFetchKind.DELETE):
                self.report.removed_from_server += 1
            elif answer.state is AckState.FLAGGED and answer.reason not in self.report.warnings:
                self.report.warnings.append(answer.reason)
        with self.desk.storage.unit() as unit:
            unit.deliveries.save(told)
        failpoint("sync.acknowledgement-noted")

    def _is_safe(self, unit: UnitOfWork, delivery: Delivery) -> bool:
        """Whether the bytes can be read back as they were fetched."""
        try:
            stored_raw(unit, delivery)
        except StoredBytesLost as error:
            self.report.errors.append(f"{error}; the mail stays at the server")
            return False
        return True

    @staticmethod
    def _ref(delivery: Delivery) -> MailRef:
        return MailRef(epoch=delivery.key.epoch, uid=delivery.key.uid, name=delivery.key.name)


_EXTRA: Mapping[str, str] = {"customerservice_action": "read"}


def _parse(raw: bytes) -> ReceivedMail | None:
    """Read a mail; None when the reader fails against its promise, so that only this mail suffers."""
    try:
        return parse(raw)
    except Exception:
        log.warning("the reader failed on a mail", exc_info=True, extra=_EXTRA)
        return None


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
