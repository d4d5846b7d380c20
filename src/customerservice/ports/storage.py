"""What the help desk needs from a storage, as promises.

`customerservice.testing.storage_contract` checks them; a storage of your own that passes it can be used in every place.

Promises of all methods:

- Everything happens inside a `UnitOfWork`; what was written in it is seen by its own later reads, and by others only
  after it ended without an exception. A unit that ends with one leaves no trace.
- Moments come back equal, as aware UTC, to the microsecond. Texts come back equal, case and accents included; keys
  (addresses, Message-IDs, digests, names) are compared exactly.
- `get` and `find` give None for what does not exist; only `save` of a stale or missing value raises (`Conflict`).
- To add what has an id or thread number that is taken, or a message of no stored thread, is a `StorageError`; the unit
  cannot go on after it.
- Trouble with the storage itself is a `StorageError`; `StorageUnavailable` when the same unit can succeed later.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Generic, Protocol, TypeVar

import attrs

from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.employee import Employee
from customerservice.domain.events import ThreadEvent
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, DeliveryId, MailboxId, MessageId, OutboxId, ShopId, ThreadId
from customerservice.domain.mailbox import Mailbox
from customerservice.domain.message import Message
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread

T = TypeVar("T")


@attrs.frozen
class Page(Generic[T]):
    """A page of a list; `next` is the key to ask for the one after it, None at the end."""

    items: tuple[T, ...]
    next: str | None = None


@attrs.frozen(kw_only=True)
class ThreadFilter:
    """Which threads a list is about. All conditions must hold; None means any.

    Attributes:
        statuses: any of these.
        address: exactly this one (`EmailAddress.key`), as the thread's own address.
        active_since: last activity at or after this moment; `active_before` before it.
        unassigned: only threads without assignee.
    """

    scope: ShopScope = ALL_SHOPS
    statuses: frozenset[ThreadStatus] | None = None
    contact_id: ContactId | None = None
    customer: CustomerRef | None = None
    address: EmailAddress | None = None
    assignee: EmployeeRef | None = None
    unassigned: bool = False
    order: OrderRef | None = None
    language: str | None = None
    active_since: dt.datetime | None = None
    active_before: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class DeliveryFilter:
    """Which mails a list is about; None means any.

    Attributes:
        read_before: only those that were read, by a reader of a version below this one.
    """

    scope: ShopScope = ALL_SHOPS
    outcomes: frozenset[Outcome] | None = None
    mailbox_id: MailboxId | None = None
    read_before: int | None = None


@attrs.frozen(kw_only=True)
class KnownHeaderId:
    """A Message-ID this help desk sent or received; `sent` tells which. One Message-ID can be known several times."""

    header_id: str
    shop: ShopId
    thread_id: ThreadId
    message_id: MessageId
    sent: bool


@attrs.frozen(kw_only=True)
class SyncCursor:
    """How far a mailbox was listed: each mail of that epoch with a UID up to `uid` has its delivery or is not wanted.

    Attributes:
        since: mail received before that day is not wanted, as far as it was there at the first sync; None wants all.
        old_uid: the greatest UID that `since` applies to.
    """

    mailbox_id: MailboxId
    epoch: int
    uid: int
    since: dt.date | None = None
    old_uid: int = 0


@attrs.frozen(kw_only=True)
class Lease:
    """The right of one worker to do one thing until a moment.

    Attributes:
        name: what it is for (``mailbox:ID``).
        fence: rises with every new holder; a worker with an old one must not write.
    """

    name: str
    owner: str
    fence: int
    until: dt.datetime


@attrs.frozen
class BlobOwner:
    """Who needs a blob: a kind of thing (``delivery attachment outbox``) and its id, text of at most 64 characters."""

    kind: str
    id: str


class Contacts(Protocol):
    """The departments."""

    def add(self, contact: Contact) -> None:
        """Store a new one."""
        ...

    def save(self, contact: Contact) -> Contact:
        """Store a changed one and give it with its new version.

        Raises:
            Conflict: the stored one has another version.
        """
        ...

    def get(self, contact_id: ContactId) -> Contact | None:
        """Give one."""
        ...

    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Contact]:
        """Give those of the scope, by position, then id."""
        ...


class Mailboxes(Protocol):
    """The mailboxes, and how far each was read."""

    def add(self, mailbox: Mailbox) -> None:
        """Store a new one."""
        ...

    def save(self, mailbox: Mailbox) -> Mailbox:
        """Store a changed one and give it with its new version.

        Raises:
            Conflict: the stored one has another version.
        """
        ...

    def get(self, mailbox_id: MailboxId) -> Mailbox | None:
        """Give one."""
        ...

    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Mailbox]:
        """Give those of the scope, by id."""
        ...

    def remove(self, mailbox_id: MailboxId) -> None:
        """Forget a mailbox and its cursor; its mails and threads stay. Nothing happens if there is none."""
        ...

    def cursor(self, mailbox_id: MailboxId) -> SyncCursor | None:
        """Give how far a mailbox was listed; None before its first sync."""
        ...

    def save_cursor(self, cursor: SyncCursor) -> None:
        """Store how far a mailbox was listed, replacing what was stored."""
        ...


class Threads(Protocol):
    """The conversations."""

    def next_number(self) -> int:
        """Give a short number that was never given before, from 1 up, with gaps; also across concurrent units."""
        ...

    def add(self, thread: Thread) -> None:
        """Store a new one."""
        ...

    def save(self, thread: Thread) -> Thread:
        """Store a changed one and give it with its new version.

        Raises:
            Conflict: the stored one has another version.
        """
        ...

    def get(self, thread_id: ThreadId) -> Thread | None:
        """Give one."""
        ...

    def by_number(self, number: int) -> Thread | None:
        """Give the one with that short number (any int; an impossible one gives None)."""
        ...

    def page(self, wanted: ThreadFilter, *, after: str | None = None, limit: int = 50) -> Page[Thread]:
        """Give threads by last activity, newest first, ties by id, newest first.

        `after` is the `Page.next` of the page before; the cost does not grow with depth. Threads come with an empty
        `participants`: a list does not need them.

        Raises:
            InvalidValue: `after` is not a key this method gave.
        """
        ...


class Messages(Protocol):
    """What people wrote."""

    def add(self, messages: Sequence[Message]) -> None:
        """Store new ones with their attachments; their Message-IDs become known (`find_header_ids`).

        Known as received when the message came in a delivery (`Message.delivery_id`), else as sent.
        """
        ...

    def rewrite(self, message: Message) -> None:
        """Replace what a stored message says: `text`, `quoted_text`, `signature`, `html` and `attachments`.

        Everything else about it stays as it is stored.

        Raises:
            Conflict: there is no such message.
        """
        ...

    def get(self, message_id: MessageId) -> Message | None:
        """Give one."""
        ...

    def of_thread(
        self, thread_id: ThreadId, *, after: MessageId | None = None, limit: int | None = None
    ) -> Sequence[Message]:
        """Give a thread's messages, oldest stored first (by id), from behind `after`."""
        ...

    def latest_header_ids(self, thread_id: ThreadId, *, limit: int) -> Sequence[str]:
        """Give the Message-IDs of a thread's latest public messages that have one, oldest first, at most `limit`."""
        ...

    def latest_moments(self, thread_id: ThreadId, *, limit: int) -> Sequence[dt.datetime]:
        """Give when a thread's latest messages (by id) were stored, newest first, at most `limit`."""
        ...

    def find_header_ids(self, scope: ShopScope, header_ids: Collection[str]) -> Sequence[KnownHeaderId]:
        """Give every known use of these Message-IDs (without angle brackets, compared exactly), by message id."""
        ...


class Events(Protocol):
    """The history of threads."""

    def add(self, events: Sequence[ThreadEvent]) -> None:
        """Store what happened, in this order."""
        ...

    def of_thread(self, thread_id: ThreadId) -> Sequence[ThreadEvent]:
        """Give a thread's history in the order it was added."""
        ...


class Deliveries(Protocol):
    """The mails as sources handed them over."""

    def add(self, deliveries: Sequence[Delivery]) -> Sequence[DeliveryId]:
        """Store those whose key is not stored yet, also when another unit stores the same key at the same moment.

        Gives the ids of those that were stored, in order; the others are left out and nothing is changed for them.
        """
        ...

    def save(self, deliveries: Sequence[Delivery]) -> None:
        """Replace stored ones by id; their key never changes."""
        ...

    def get(self, delivery_id: DeliveryId, *, for_change: bool = False) -> Delivery | None:
        """Give one; `for_change` waits for whoever is changing it, and keeps others from it until this unit ends."""
        ...

    def find(self, key: DeliveryKey) -> Delivery | None:
        """Give the one with that key."""
        ...

    def known(self, source: str, keys: Collection[DeliveryKey]) -> Collection[DeliveryKey]:
        """Give those of the keys (all of that source) that are stored."""
        ...

    def unread(self, source: str, *, limit: int) -> Sequence[Delivery]:
        """Give those of a source without outcome whose raw bytes are kept, by (epoch, uid, id)."""
        ...

    def unacknowledged(
        self, source: str, epoch: int, *, limit: int, after: DeliveryId | None = None
    ) -> Sequence[Delivery]:
        """Give those with an outcome whose source still has to be told, by id, from behind `after`."""
        ...

    def by_bytes(self, source: str, sha256: str, *, limit: int | None = None) -> Sequence[Delivery]:
        """Give those of a source with these bytes, by id; the first `limit` of them."""
        ...

    def by_content(self, shop: ShopId, content_digest: str, *, since: dt.datetime) -> Delivery | None:
        """Give the first (by id) of a shop with this content, in a thread or held, stored at or after `since`."""
        ...

    def by_header_id(self, scope: ShopScope, header_id: str) -> Sequence[Delivery]:
        """Give those with this Message-ID, by id."""
        ...

    def page(self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 50) -> Page[Delivery]:
        """Give mails by id, newest first. `after` is the `Page.next` of the page before."""
        ...

    def forget_not_ours(self, mailbox_id: MailboxId) -> int:
        """Remove a mailbox's rows with outcome NOT_OURS, so that a run can reconsider them (R43); gives how many."""
        ...


class Blobs(Protocol):
    """Bytes by their SHA-256, kept as long as somebody needs them."""

    def put(self, content: bytes, owner: BlobOwner) -> str:
        """Store the bytes once, note that `owner` needs them, and give their hex SHA-256. Idempotent."""
        ...

    def get(self, sha256: str) -> bytes:
        """Give the bytes.

        Raises:
            StoredBytesLost: they are missing, or have another digest than they were stored under.
        """
        ...

    def release(self, sha256: str, owner: BlobOwner) -> None:
        """Note that `owner` no longer needs them; with the last owner the bytes are deleted. Idempotent."""
        ...


class Leases(Protocol):
    """Who works on what."""

    def acquire(self, name: str, owner: str, *, now: dt.datetime, until: dt.datetime) -> Lease | None:
        """Take a lease that is free, expired at `now`, or the owner's own; None if another holds it.

        A new holder gets a higher fence than all before.
        """
        ...

    def holder(self, name: str) -> Lease | None:
        """Give the lease of that name as it is held now, also when its time is over; None if nobody holds it."""
        ...

    def renew(self, lease: Lease, *, until: dt.datetime) -> Lease:
        """Hold it longer.

        Raises:
            LeaseLost: another holder has it now, or it was released.
        """
        ...

    def check(self, lease: Lease) -> None:
        """Make sure, until this unit ends, that the lease is still this holder's (its fence is the highest given out).

        Raises:
            LeaseLost: another holder has it now, or it was released.
        """
        ...

    def release(self, lease: Lease) -> None:
        """Give it back; nothing happens when it is another's by now."""
        ...


class Outbox(Protocol):
    """Mail on its way out."""

    def add(self, entry: OutboxEntry) -> None:
        """Store a new one."""
        ...

    def save(self, entry: OutboxEntry) -> None:
        """Replace a stored one by id."""
        ...

    def get(self, outbox_id: OutboxId, *, for_change: bool = False) -> OutboxEntry | None:
        """Give one; `for_change` waits for whoever is changing it, and keeps others from it until this unit ends."""
        ...

    def due(self, *, now: dt.datetime, limit: int, scope: ShopScope = ALL_SHOPS) -> Sequence[OutboxEntry]:
        """Give those of the scope that wait and are due, and those claimed or dot-sent whose claim ended, by id.

        No other unit gets an entry that this one got until this one ends; it skips those others hold rather than wait,
        where the database can.
        """
        ...

    def of_messages(self, message_ids: Collection[MessageId]) -> Mapping[MessageId, OutboxEntry]:
        """Give the entry of each of these messages that has one."""
        ...

    def page(
        self, scope: ShopScope, states: Collection[OutboxState], *, after: str | None = None, limit: int = 50
    ) -> Page[OutboxEntry]:
        """Give entries in these states by id, oldest first. `after` is the `Page.next` of the page before."""
        ...


class Figures(Protocol):
    """Kept figures."""

    def add(self, differences: Mapping[FigureKey, int]) -> None:
        """Add to what is kept; also correct when others add to the same figures at the same moment."""
        ...

    def totals(
        self, scope: ShopScope, *, contact_id: ContactId | None = None, since: dt.date | None = None
    ) -> Mapping[Figure, int]:
        """Give the sums over the scope, from a day (inclusive) or the beginning.

        Over one contact, or over all and the threads without one.
        """
        ...


class Employees(Protocol):
    """The built-in directory of employees."""

    def put(self, employee: Employee) -> None:
        """Store one, replacing the one with the same reference."""
        ...

    def get(self, ref: EmployeeRef) -> Employee | None:
        """Give one."""
        ...

    def all(self) -> Sequence[Employee]:
        """Give all, by name, then reference."""
        ...


class UnitOfWork(Protocol):
    """All repositories within one transaction."""

    @property
    def contacts(self) -> Contacts:
        """The departments."""
        ...

    @property
    def mailboxes(self) -> Mailboxes:
        """The mailboxes."""
        ...

    @property
    def threads(self) -> Threads:
        """The conversations."""
        ...

    @property
    def messages(self) -> Messages:
        """What people wrote."""
        ...

    @property
    def events(self) -> Events:
        """The history of threads."""
        ...

    @property
    def deliveries(self) -> Deliveries:
        """The mails as sources handed them over."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Bytes by their SHA-256."""
        ...

    @property
    def leases(self) -> Leases:
        """Who works on what."""
        ...

    @property
    def outbox(self) -> Outbox:
        """Mail on its way out."""
        ...

    @property
    def figures(self) -> Figures:
        """Kept figures."""
        ...

    @property
    def employees(self) -> Employees:
        """The directory of employees."""
        ...


class Storage(Protocol):
    """A place that keeps a help desk."""

    @property
    def commits_itself(self) -> bool:
        """False when the units run inside a host's transaction, which alone commits (`HelpDesk.join`)."""
        ...

    def unit(self, *, reading: bool = False) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work: its end commits, an exception rolls back. Units do not nest.

        With `reading` nothing may be written in it; such a unit need not wait for one that writes.

        Each thread of a program may have one unit open at a time; units of several threads run side by side.
        """
        ...

    def close(self) -> None:
        """Give back connections; may be called twice."""
        ...
