"""What all parts of a pass over a source of mail share: what it may do, what it did, and the right to do it."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import attrs

from customerservice.application.context import DeskContext
from customerservice.domain.actor import Actor
from customerservice.domain.delivery import Delivery
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.mailbox import AfterFetch, Mailbox
from customerservice.domain.outcome import Outcome
from customerservice.ports.storage import Lease, UnitOfWork

T = TypeVar("T")

#: How long a worker may be silent before another takes the mailbox over (R28).
LEASE_TIME = dt.timedelta(minutes=15)


@attrs.define(kw_only=True)
class SyncReport:
    """What a pass did. `fetched` is the sum of all outcomes; `stored` counts the mails whose raw bytes it wrote.

    Attributes:
        skipped: mails that ended as ignored, not-ours, too-large or gone, by that word.
        already_known: mails whose bytes or content were stored before; from files also those taken over before.
        removed_from_server: moved or deleted there.
        bytes: of the raw mails written.
        warnings: what a person should know about the session.
        errors: what went wrong without ending the pass, one sentence each, each once.
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
            case None:
                raise ValueError(f"mail {delivery.id} has no outcome to count")
            case other:
                self.skipped[other.value] += 1

    def count_known(self, number: int) -> None:
        """Count mails that were taken over by an earlier pass and looked at again."""
        self.fetched += number
        self.already_known += number

    def warn(self, sentence: str) -> None:
        """Add a warning, unless it was given before."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def fail(self, sentence: str) -> None:
        """Add an error, unless it was given before."""
        if sentence not in self.errors:
            self.errors.append(sentence)


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


@attrs.define(kw_only=True)
class SyncRun:
    """One pass over one source.

    Attributes:
        mailbox: None for files.
        contact_id: where mail of files goes that names no contact.
        source: name of the source in the keys of its deliveries.
        lease: ours as long as nobody took over.
        taken: mails the source was asked for in this pass.
    """

    desk: DeskContext
    actor: Actor
    shop: ShopId
    mailbox: Mailbox | None
    contact_id: ContactId | None
    source: str
    mode: AfterFetch
    max_size: int
    bounds: SyncBounds
    lease: Lease
    report: SyncReport
    taken: int = 0
    started: dt.datetime = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.started = self.desk.clock.now()
        self.bounds.progress(self.report)

    def in_unit(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in a unit that commits only if the mailbox is still this worker's (F33).

        The lease is held longer when half its time is over.

        Raises:
            LeaseLost: another worker took over; nothing was stored.
        """

        def held(unit: UnitOfWork) -> tuple[Lease, T]:
            now = self.desk.clock.now()
            lease = self.lease
            if now + LEASE_TIME / 2 > lease.until:
                lease = unit.leases.renew(lease, until=now + LEASE_TIME)
            else:
                unit.leases.check(lease)
            return lease, work(unit)

        self.lease, result = self.desk.in_unit(held)
        return result

    def time_is_up(self) -> bool:
        """Whether the bounds end the pass here."""
        if self.bounds.stop():
            return True
        budget = self.bounds.budget
        return budget is not None and self.desk.clock.now() - self.started > budget
