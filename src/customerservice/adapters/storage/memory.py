"""A storage in this process's memory: real commit, rollback and conflicts, gone when the process ends.

Units of several threads take turns: one lock is held from a unit's beginning to its end, so nobody sees what another
has not committed. Values are immutable and kept as they are; a unit notes the old value of each row it changes and puts
those back when it fails, so its cost follows from what it touches and not from what is stored.
"""

import contextlib
import datetime as dt
import hashlib
import heapq
import itertools
import re
import threading
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import attrs

from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.employee import Employee
from customerservice.domain.events import ThreadEvent
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, DeliveryId, MailboxId, MessageId, OutboxId, ShopId, ThreadId
from customerservice.domain.mailbox import Mailbox, MailboxHealth
from customerservice.domain.message import Message
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.domain.thread import Thread
from customerservice.errors import Conflict, InvalidValue, LeaseLost, StorageError, StoredBytesLost
from customerservice.ports.storage import (
    BlobOwner,
    DeliveryFilter,
    KnownHeaderId,
    Lease,
    Page,
    SyncCursor,
    ThreadFilter,
)

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
A = TypeVar("A", MailboxHealth, Thread, Message, ThreadEvent, Delivery, OutboxEntry)
V = TypeVar("V", Contact, Mailbox, Thread)

#: A row's place in an order: its sort values, ending with something that no other row has.
Place = tuple[Any, ...]


def _place_of(entry: tuple[Place, object]) -> Place:
    return entry[0]


class _Order(Generic[K, R]):
    """The keys of rows by group, each group sorted; a row for which `place` gives None is in no group."""

    def __init__(self, place: Callable[[R], tuple[Hashable, Place] | None]) -> None:
        self._place = place
        self._groups: dict[Hashable, list[tuple[Place, K]]] = {}

    def move(self, key: K, old: R | None, new: R | None) -> None:
        """Take a changed row from its old place to its new one; None stands for a row that is not there."""
        left = None if old is None else self._place(old)
        entered = None if new is None else self._place(new)
        if left == entered:
            return
        if left is not None:
            group = self._groups[left[0]]
            del group[bisect_left(group, left[1], key=_place_of)]
            if not group:
                del self._groups[left[0]]
        if entered is not None:
            insort(self._groups.setdefault(entered[0], []), (entered[1], key), key=_place_of)

    def first(self, group: Hashable) -> K | None:
        entries = self._groups.get(group)
        return entries[0][1] if entries else None

    def ascending(self, group: Hashable, *, after: Place | None = None) -> Iterator[tuple[Place, K]]:
        """Give a group's entries behind a place. The group must not change meanwhile."""
        entries = self._groups.get(group, [])
        start = 0 if after is None else bisect_right(entries, after, key=_place_of)
        return itertools.islice(entries, start, None)

    def descending(self, group: Hashable, *, after: Place | None = None) -> Iterator[tuple[Place, K]]:
        """Give a group's entries before a place, backwards. The group must not change meanwhile."""
        entries = self._groups.get(group, [])
        end = len(entries) if after is None else bisect_left(entries, after, key=_place_of)
        return (entries[position] for position in range(end - 1, -1, -1))


class _Restorable(Protocol):
    """What an undo log can put back."""

    def restore(self, key: Any, row: Any) -> None:
        """Make `row` the row of `key` again; None removes it."""
        ...


class _Journal:
    """What a unit has to put back if it fails."""

    def __init__(self, *, writing: bool) -> None:
        self._old: list[tuple[_Restorable, Any, Any]] = []
        self._writing = writing

    def note(self, table: _Restorable, key: object, row: object) -> None:
        if not self._writing:
            raise RuntimeError("this unit of work has ended, or was opened for reading; open one that writes")
        self._old.append((table, key, row))

    def close(self) -> None:
        self._writing = False

    def undo(self) -> None:
        for table, key, row in reversed(self._old):
            table.restore(key, row)


class _Table(Generic[K, R]):
    """Rows by key, with the orders they are asked for in."""

    def __init__(self, *orders: _Order[K, R]) -> None:
        self.rows: dict[K, R] = {}
        self._orders = orders

    def put(self, key: K, row: R, journal: _Journal) -> None:
        journal.note(self, key, self.rows.get(key))
        self.restore(key, row)

    def add(self, key: K, row: R, journal: _Journal) -> None:
        if key in self.rows:
            raise StorageError(f"{type(row).__name__.lower()} {key} is stored already")
        self.put(key, row, journal)

    def remove(self, key: K, journal: _Journal) -> None:
        if key in self.rows:
            journal.note(self, key, self.rows[key])
            self.restore(key, None)

    def restore(self, key: K, row: R | None) -> None:
        old = self.rows.get(key)
        for order in self._orders:
            order.move(key, old, row)
        if row is None:
            del self.rows[key]
        else:
            self.rows[key] = row


class _Content:
    """Everything that is stored."""

    def __init__(self) -> None:
        self.contacts: _Table[ContactId, Contact] = _Table()
        self.mailboxes: _Table[MailboxId, Mailbox] = _Table()
        self.cursors: _Table[MailboxId, SyncCursor] = _Table()
        self.threads_by_activity: _Order[ThreadId, Thread] = _Order(
            lambda thread: (None, (thread.last_activity_at, thread.id.int))
        )
        self.threads_by_number: _Order[ThreadId, Thread] = _Order(lambda thread: (thread.number, (thread.id.int,)))
        self.threads: _Table[ThreadId, Thread] = _Table(self.threads_by_activity, self.threads_by_number)
        self.numbers = itertools.count(1)
        self.messages_by_thread: _Order[MessageId, Message] = _Order(
            lambda message: (message.thread_id, (message.id.int,))
        )
        self.messages_by_header_id: _Order[MessageId, Message] = _Order(
            lambda message: None if message.header_id is None else (message.header_id, (message.id.int,))
        )
        self.messages: _Table[MessageId, Message] = _Table(self.messages_by_thread, self.messages_by_header_id)
        self.events: _Table[ThreadId, tuple[ThreadEvent, ...]] = _Table()
        self.deliveries_by_id: _Order[DeliveryId, Delivery] = _Order(lambda mail: (None, (mail.id.int,)))
        self.deliveries_by_key: _Order[DeliveryId, Delivery] = _Order(lambda mail: (mail.key, (mail.id.int,)))
        self.deliveries_unread: _Order[DeliveryId, Delivery] = _Order(
            lambda mail: (
                (mail.key.source, (mail.key.epoch, mail.key.uid, mail.id.int))
                if mail.outcome is None and mail.raw_kept
                else None
            )
        )
        self.deliveries_unacknowledged: _Order[DeliveryId, Delivery] = _Order(
            lambda mail: (
                ((mail.key.source, mail.key.epoch), (mail.id.int,))
                if mail.outcome is not None and mail.acknowledge
                else None
            )
        )
        self.deliveries_by_bytes: _Order[DeliveryId, Delivery] = _Order(
            lambda mail: None if mail.sha256 is None else ((mail.key.source, mail.sha256), (mail.id.int,))
        )
        self.deliveries_by_content: _Order[DeliveryId, Delivery] = _Order(_content_place)
        self.deliveries_by_header_id: _Order[DeliveryId, Delivery] = _Order(
            lambda mail: None if mail.header_id is None else (mail.header_id, (mail.id.int,))
        )
        self.deliveries_not_ours: _Order[DeliveryId, Delivery] = _Order(
            lambda mail: (mail.mailbox_id, (mail.id.int,)) if mail.outcome is Outcome.NOT_OURS else None
        )
        self.deliveries: _Table[DeliveryId, Delivery] = _Table(
            self.deliveries_by_id,
            self.deliveries_by_key,
            self.deliveries_unread,
            self.deliveries_unacknowledged,
            self.deliveries_by_bytes,
            self.deliveries_by_content,
            self.deliveries_by_header_id,
            self.deliveries_not_ours,
        )
        self.blobs: _Table[str, bytes] = _Table()
        self.blob_owners: _Table[str, frozenset[BlobOwner]] = _Table()
        self.leases: _Table[str, _KeptLease] = _Table()
        self.outbox_by_state: _Order[OutboxId, OutboxEntry] = _Order(lambda entry: (entry.state, (entry.id.int,)))
        self.outbox_by_message: _Order[OutboxId, OutboxEntry] = _Order(
            lambda entry: (entry.message_id, (entry.id.int,))
        )
        self.outbox: _Table[OutboxId, OutboxEntry] = _Table(self.outbox_by_state, self.outbox_by_message)
        self.figures: _Table[FigureKey, int] = _Table()
        self.employees: _Table[EmployeeRef, Employee] = _Table()


def _content_place(mail: Delivery) -> tuple[Hashable, Place] | None:
    counts = mail.outcome is Outcome.HELD or (mail.outcome is not None and mail.outcome.in_thread)
    return ((mail.shop, mail.content_digest), (mail.id.int,)) if counts and mail.content_digest is not None else None


_MOMENTS: Mapping[type, tuple[str, ...]] = {
    kind: tuple(field.name for field in attrs.fields(kind) if field.type in (dt.datetime, dt.datetime | None))
    for kind in (MailboxHealth, Thread, Message, ThreadEvent, Delivery, OutboxEntry)
}


def _in_utc(value: A) -> A:
    """Give a value whose moments are told in UTC, as a database would give it back."""
    told: dict[str, Any] = {}
    for name in _MOMENTS[type(value)]:
        moment = getattr(value, name)
        if moment is not None and moment.tzinfo is not dt.UTC:
            told[name] = _utc(name, moment)
    return attrs.evolve(value, **told) if told else value


def _utc(name: str, moment: dt.datetime) -> dt.datetime:
    if moment.utcoffset() is None:
        raise InvalidValue(name, "an aware moment is needed")
    return moment.astimezone(dt.UTC)


class _Repository:
    """What all repositories of a unit share: the content, and the journal of the unit."""

    def __init__(self, content: _Content, journal: _Journal) -> None:
        self._content = content
        self._journal = journal

    def _save(self, table: _Table[K, V], key: K, value: V) -> V:
        kind = type(value).__name__.lower()
        stored = table.rows.get(key)
        if stored is None or stored.version != value.version:
            raise Conflict(kind, key)
        saved = attrs.evolve(value, version=value.version + 1)
        table.put(key, saved, self._journal)
        return saved


class _MemoryContacts(_Repository):
    def add(self, contact: Contact) -> None:
        self._content.contacts.add(contact.id, contact, self._journal)

    def save(self, contact: Contact) -> Contact:
        return self._save(self._content.contacts, contact.id, contact)

    def get(self, contact_id: ContactId) -> Contact | None:
        return self._content.contacts.rows.get(contact_id)

    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Contact]:
        found = (contact for contact in self._content.contacts.rows.values() if contact.shop in scope)
        return sorted(found, key=lambda contact: (contact.position, contact.id.int))


class _MemoryMailboxes(_Repository):
    def add(self, mailbox: Mailbox) -> None:
        self._content.mailboxes.add(mailbox.id, self._told(mailbox), self._journal)

    def save(self, mailbox: Mailbox) -> Mailbox:
        return self._save(self._content.mailboxes, mailbox.id, self._told(mailbox))

    def get(self, mailbox_id: MailboxId) -> Mailbox | None:
        return self._content.mailboxes.rows.get(mailbox_id)

    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Mailbox]:
        found = (mailbox for mailbox in self._content.mailboxes.rows.values() if mailbox.shop in scope)
        return sorted(found, key=lambda mailbox: mailbox.id.int)

    def remove(self, mailbox_id: MailboxId) -> None:
        self._content.mailboxes.remove(mailbox_id, self._journal)
        self._content.cursors.remove(mailbox_id, self._journal)

    def cursor(self, mailbox_id: MailboxId) -> SyncCursor | None:
        return self._content.cursors.rows.get(mailbox_id)

    def save_cursor(self, cursor: SyncCursor) -> None:
        self._content.cursors.put(cursor.mailbox_id, cursor, self._journal)

    def _told(self, mailbox: Mailbox) -> Mailbox:
        health = _in_utc(mailbox.health)
        return mailbox if health is mailbox.health else attrs.evolve(mailbox, health=health)


class _MemoryThreads(_Repository):
    def next_number(self) -> int:
        return next(self._content.numbers)

    def add(self, thread: Thread) -> None:
        if self.by_number(thread.number) is not None:
            raise StorageError(f"thread number {thread.number} is taken")
        self._content.threads.add(thread.id, _in_utc(thread), self._journal)

    def save(self, thread: Thread) -> Thread:
        return self._save(self._content.threads, thread.id, _in_utc(thread))

    def get(self, thread_id: ThreadId) -> Thread | None:
        return self._content.threads.rows.get(thread_id)

    def by_number(self, number: int) -> Thread | None:
        found = self._content.threads_by_number.first(number)
        return None if found is None else self._content.threads.rows[found]

    def page(self, wanted: ThreadFilter, *, after: str | None = None, limit: int = 50) -> Page[Thread]:
        start = None if after is None else _thread_place(after)
        threads = self._content.threads.rows
        found: list[Thread] = []
        for _, key in self._content.threads_by_activity.descending(None, after=start):
            thread = threads[key]
            if not _is_wanted(thread, wanted):
                continue
            if len(found) == limit:
                return Page(tuple(found), _thread_page_key(found[-1]))
            found.append(attrs.evolve(thread, participants=frozenset()))
        return Page(tuple(found))


def _is_wanted(thread: Thread, wanted: ThreadFilter) -> bool:
    return (
        thread.shop in wanted.scope
        and (wanted.statuses is None or thread.status in wanted.statuses)
        and (wanted.contact_id is None or thread.contact_id == wanted.contact_id)
        and (wanted.customer is None or thread.customer == wanted.customer)
        and (wanted.address is None or (thread.address is not None and thread.address.key == wanted.address.key))
        and (wanted.assignee is None or thread.assignee == wanted.assignee)
        and (not wanted.unassigned or thread.assignee is None)
        and (wanted.order is None or thread.order == wanted.order)
        and (wanted.language is None or thread.language == wanted.language)
        and (wanted.active_since is None or thread.last_activity_at >= wanted.active_since)
        and (wanted.active_before is None or thread.last_activity_at < wanted.active_before)
    )


_THREAD_PAGE_KEY = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f]{32})", re.ASCII)
_ID_PAGE_KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def _thread_page_key(thread: Thread) -> str:
    return f"{(thread.last_activity_at - _EPOCH) // _MICROSECOND}.{thread.id.hex}"


def _thread_place(after: str) -> Place:
    found = _THREAD_PAGE_KEY.fullmatch(after)
    if found is None:
        raise InvalidValue("after", "not the key of a page of threads")
    try:
        moment = _EPOCH + int(found[1]) * _MICROSECOND
    except OverflowError:
        raise InvalidValue("after", "not the key of a page of threads") from None
    return moment, UUID(found[2]).int


def _id_place(after: str | None) -> Place | None:
    if after is None:
        return None
    if _ID_PAGE_KEY.fullmatch(after) is None:
        raise InvalidValue("after", "not the key of a page of this list")
    return (UUID(after).int,)


class _MemoryMessages(_Repository):
    def add(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.thread_id not in self._content.threads.rows:
                raise StorageError(f"message {message.id} belongs to no stored thread")
            self._content.messages.add(message.id, _in_utc(message), self._journal)

    def rewrite(self, message: Message) -> None:
        stored = self._content.messages.rows.get(message.id)
        if stored is None:
            raise Conflict("message", message.id)
        rewritten = attrs.evolve(
            stored,
            text=message.text,
            quoted_text=message.quoted_text,
            signature=message.signature,
            html=message.html,
            attachments=message.attachments,
        )
        self._content.messages.put(message.id, rewritten, self._journal)

    def get(self, message_id: MessageId) -> Message | None:
        return self._content.messages.rows.get(message_id)

    def of_thread(
        self, thread_id: ThreadId, *, after: MessageId | None = None, limit: int | None = None
    ) -> Sequence[Message]:
        start = None if after is None else (after.int,)
        entries = self._content.messages_by_thread.ascending(thread_id, after=start)
        return [self._content.messages.rows[key] for _, key in itertools.islice(entries, limit)]

    def latest_header_ids(self, thread_id: ThreadId, *, limit: int) -> Sequence[str]:
        newest_first = (
            self._content.messages.rows[key] for _, key in self._content.messages_by_thread.descending(thread_id)
        )
        known = (message.header_id for message in newest_first if message.is_public and message.header_id is not None)
        return list(itertools.islice(known, limit))[::-1]

    def latest_moments(self, thread_id: ThreadId, *, limit: int) -> Sequence[dt.datetime]:
        newest_first = itertools.islice(self._content.messages_by_thread.descending(thread_id), limit)
        return [self._content.messages.rows[key].stored_at for _, key in newest_first]

    def find_header_ids(self, scope: ShopScope, header_ids: Collection[str]) -> Sequence[KnownHeaderId]:
        places = (self._content.messages_by_header_id.ascending(header_id) for header_id in set(header_ids))
        found = (self._content.messages.rows[key] for _, key in heapq.merge(*places))
        return [
            KnownHeaderId(
                header_id=message.header_id,
                shop=message.shop,
                thread_id=message.thread_id,
                message_id=message.id,
                sent=message.delivery_id is None,
            )
            for message in found
            if message.header_id is not None and message.shop in scope
        ]


class _MemoryEvents(_Repository):
    def add(self, events: Sequence[ThreadEvent]) -> None:
        for event in events:
            history = self._content.events.rows.get(event.thread_id, ())
            self._content.events.put(event.thread_id, (*history, _in_utc(event)), self._journal)

    def of_thread(self, thread_id: ThreadId) -> Sequence[ThreadEvent]:
        return self._content.events.rows.get(thread_id, ())


class _MemoryDeliveries(_Repository):
    def add(self, deliveries: Sequence[Delivery]) -> Sequence[DeliveryId]:
        added = []
        for delivery in deliveries:
            if self._content.deliveries_by_key.first(delivery.key) is None:
                self._content.deliveries.add(delivery.id, _in_utc(delivery), self._journal)
                added.append(delivery.id)
        return added

    def save(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            stored = self._content.deliveries.rows.get(delivery.id)
            if stored is None or stored.key != delivery.key:
                raise Conflict("delivery", delivery.id)
            self._content.deliveries.put(delivery.id, _in_utc(delivery), self._journal)

    def get(self, delivery_id: DeliveryId, *, for_change: bool = False) -> Delivery | None:
        return self._content.deliveries.rows.get(delivery_id)

    def find(self, key: DeliveryKey) -> Delivery | None:
        found = self._content.deliveries_by_key.first(key)
        return None if found is None else self._content.deliveries.rows[found]

    def known(self, source: str, keys: Collection[DeliveryKey]) -> Collection[DeliveryKey]:
        return {key for key in keys if key.source == source and self._content.deliveries_by_key.first(key) is not None}

    def unread(self, source: str, *, limit: int) -> Sequence[Delivery]:
        return self._rows(self._content.deliveries_unread.ascending(source), limit)

    def unacknowledged(
        self, source: str, epoch: int, *, limit: int, after: DeliveryId | None = None
    ) -> Sequence[Delivery]:
        start = None if after is None else (after.int,)
        return self._rows(self._content.deliveries_unacknowledged.ascending((source, epoch), after=start), limit)

    def by_bytes(self, source: str, sha256: str, *, limit: int | None = None) -> Sequence[Delivery]:
        return self._rows(self._content.deliveries_by_bytes.ascending((source, sha256)), limit)

    def by_content(self, shop: ShopId, content_digest: str, *, since: dt.datetime) -> Delivery | None:
        found = self._rows(self._content.deliveries_by_content.ascending((shop, content_digest)))
        return next((delivery for delivery in found if delivery.stored_at >= since), None)

    def by_header_id(self, scope: ShopScope, header_id: str) -> Sequence[Delivery]:
        found = self._rows(self._content.deliveries_by_header_id.ascending(header_id))
        return [delivery for delivery in found if delivery.shop in scope]

    def page(self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 50) -> Page[Delivery]:
        found: list[Delivery] = []
        for _, key in self._content.deliveries_by_id.descending(None, after=_id_place(after)):
            delivery = self._content.deliveries.rows[key]
            if (
                delivery.shop not in wanted.scope
                or (wanted.outcomes is not None and delivery.outcome not in wanted.outcomes)
                or (wanted.mailbox_id is not None and delivery.mailbox_id != wanted.mailbox_id)
                or (wanted.read_before is not None and not _was_read_before(delivery, wanted.read_before))
            ):
                continue
            if len(found) == limit:
                return Page(tuple(found), found[-1].id.hex)
            found.append(delivery)
        return Page(tuple(found))

    def forget_not_ours(self, mailbox_id: MailboxId) -> int:
        forgotten = [key for _, key in self._content.deliveries_not_ours.ascending(mailbox_id)]
        for key in forgotten:
            self._content.deliveries.remove(key, self._journal)
        return len(forgotten)

    def _rows(self, entries: Iterator[tuple[Place, DeliveryId]], limit: int | None = None) -> Sequence[Delivery]:
        return [self._content.deliveries.rows[key] for _, key in itertools.islice(entries, limit)]


def _was_read_before(delivery: Delivery, version: int) -> bool:
    return delivery.reader_version is not None and delivery.reader_version < version


class _MemoryBlobs(_Repository):
    def put(self, content: bytes, owner: BlobOwner) -> str:
        content = bytes(content)  # a caller's bytearray could change after its digest was taken
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 not in self._content.blobs.rows:
            self._content.blobs.put(sha256, content, self._journal)
        owners = self._content.blob_owners.rows.get(sha256, frozenset())
        self._content.blob_owners.put(sha256, owners | {owner}, self._journal)
        return sha256

    def get(self, sha256: str) -> bytes:
        content = self._content.blobs.rows.get(sha256)
        if content is None:
            raise StoredBytesLost(f"no bytes are stored under {sha256}")
        return content

    def release(self, sha256: str, owner: BlobOwner) -> None:
        left = self._content.blob_owners.rows.get(sha256, frozenset()) - {owner}
        if left:
            self._content.blob_owners.put(sha256, left, self._journal)
        else:
            self._content.blob_owners.remove(sha256, self._journal)
            self._content.blobs.remove(sha256, self._journal)


@attrs.frozen(kw_only=True)
class _KeptLease:
    """A lease as stored; the fence outlives its holder, so that it never comes down."""

    fence: int
    owner: str | None
    until: dt.datetime


class _MemoryLeases(_Repository):
    def acquire(self, name: str, owner: str, *, now: dt.datetime, until: dt.datetime) -> Lease | None:
        kept = self._content.leases.rows.get(name)
        if kept is None or kept.owner is None or (kept.owner != owner and kept.until <= now):
            fence = 1 if kept is None else kept.fence + 1
        elif kept.owner == owner:
            fence = kept.fence
        else:
            return None
        return self._hold(name, owner, fence, until)

    def holder(self, name: str) -> Lease | None:
        kept = self._content.leases.rows.get(name)
        if kept is None or kept.owner is None:
            return None
        return Lease(name=name, owner=kept.owner, fence=kept.fence, until=kept.until)

    def renew(self, lease: Lease, *, until: dt.datetime) -> Lease:
        self.check(lease)
        return self._hold(lease.name, lease.owner, lease.fence, until)

    def check(self, lease: Lease) -> None:
        if not self._is_held(lease):
            raise LeaseLost(f"{lease.name} is no longer held by {lease.owner} (fence {lease.fence})")

    def release(self, lease: Lease) -> None:
        if self._is_held(lease):
            kept = attrs.evolve(self._content.leases.rows[lease.name], owner=None)
            self._content.leases.put(lease.name, kept, self._journal)

    def _is_held(self, lease: Lease) -> bool:
        kept = self._content.leases.rows.get(lease.name)
        return kept is not None and kept.owner == lease.owner and kept.fence == lease.fence

    def _hold(self, name: str, owner: str, fence: int, until: dt.datetime) -> Lease:
        until = _utc("until", until)
        self._content.leases.put(name, _KeptLease(fence=fence, owner=owner, until=until), self._journal)
        return Lease(name=name, owner=owner, fence=fence, until=until)


class _MemoryOutbox(_Repository):
    def add(self, entry: OutboxEntry) -> None:
        self._content.outbox.add(entry.id, _in_utc(entry), self._journal)

    def save(self, entry: OutboxEntry) -> None:
        if entry.id not in self._content.outbox.rows:
            raise Conflict("outbox entry", entry.id)
        self._content.outbox.put(entry.id, _in_utc(entry), self._journal)

    def get(self, outbox_id: OutboxId, *, for_change: bool = False) -> OutboxEntry | None:
        return self._content.outbox.rows.get(outbox_id)

    def due(self, *, now: dt.datetime, limit: int, scope: ShopScope = ALL_SHOPS) -> Sequence[OutboxEntry]:
        open_states = [state for state in OutboxState if not state.is_final]
        due = (entry for entry in self._in_states(open_states) if entry.shop in scope and _is_due(entry, now))
        return list(itertools.islice(due, limit))

    def of_messages(self, message_ids: Collection[MessageId]) -> Mapping[MessageId, OutboxEntry]:
        found = {message_id: self._content.outbox_by_message.first(message_id) for message_id in message_ids}
        return {message_id: self._content.outbox.rows[key] for message_id, key in found.items() if key is not None}

    def page(
        self, scope: ShopScope, states: Collection[OutboxState], *, after: str | None = None, limit: int = 50
    ) -> Page[OutboxEntry]:
        wanted = (entry for entry in self._in_states(set(states), after=_id_place(after)) if entry.shop in scope)
        found = tuple(itertools.islice(wanted, limit + 1))
        return Page(found[:limit], found[limit - 1].id.hex) if len(found) > limit else Page(found)

    def _in_states(self, states: Collection[OutboxState], *, after: Place | None = None) -> Iterator[OutboxEntry]:
        places = (self._content.outbox_by_state.ascending(state, after=after) for state in states)
        return (self._content.outbox.rows[key] for _, key in heapq.merge(*places))


def _is_due(entry: OutboxEntry, now: dt.datetime) -> bool:
    moment = entry.next_try_at if entry.state is OutboxState.WAITING else entry.claimed_until
    return moment is not None and moment <= now


class _MemoryFigures(_Repository):
    def add(self, differences: Mapping[FigureKey, int]) -> None:
        for key, difference in differences.items():
            kept = self._content.figures.rows.get(key, 0)
            self._content.figures.put(key, kept + difference, self._journal)

    def totals(
        self, scope: ShopScope, *, contact_id: ContactId | None = None, since: dt.date | None = None
    ) -> Mapping[Figure, int]:
        total: Counter[Figure] = Counter()
        for key, value in self._content.figures.rows.items():
            if (
                key.shop in scope
                and (contact_id is None or key.contact_id == contact_id)
                and (since is None or key.day >= since)
            ):
                total[key.figure] += value
        return dict(total)


class _MemoryEmployees(_Repository):
    def put(self, employee: Employee) -> None:
        self._content.employees.put(employee.ref, employee, self._journal)

    def get(self, ref: EmployeeRef) -> Employee | None:
        return self._content.employees.rows.get(ref)

    def all(self) -> Sequence[Employee]:
        return sorted(self._content.employees.rows.values(), key=lambda employee: (employee.name, employee.ref.id))


@attrs.frozen(kw_only=True)
class MemoryUnit:
    """All repositories within one unit of a `MemoryStorage`; it can be written to until the unit ends."""

    contacts: _MemoryContacts
    mailboxes: _MemoryMailboxes
    threads: _MemoryThreads
    messages: _MemoryMessages
    events: _MemoryEvents
    deliveries: _MemoryDeliveries
    blobs: _MemoryBlobs
    leases: _MemoryLeases
    outbox: _MemoryOutbox
    figures: _MemoryFigures
    employees: _MemoryEmployees


class MemoryStorage:
    """A help desk kept in memory, with all that `customerservice.ports.storage` promises; the process takes it along.

    Units run one after the other, whatever thread opens them; a thread that opens a second one inside its first gets a
    `RuntimeError` rather than waiting for itself.

    >>> storage = MemoryStorage()
    >>> with storage.unit() as unit:
    ...     unit.threads.next_number()
    1
    """

    def __init__(self) -> None:
        self._content = _Content()
        self._turn = threading.Lock()
        self._holder: int | None = None

    @property
    def commits_itself(self) -> bool:
        """True."""
        return True

    @contextlib.contextmanager
    def unit(self, *, reading: bool = False) -> Iterator[MemoryUnit]:
        """Open a unit of work, when those of other threads have ended; also one that only reads.

        Writing in one opened for reading, or in one that has ended, is a `RuntimeError`.
        """
        if self._holder == threading.get_ident():
            raise RuntimeError("units of work do not nest")
        with self._turn:
            self._holder = threading.get_ident()
            journal = _Journal(writing=not reading)
            try:
                yield self._unit(journal)
            except BaseException:
                journal.undo()
                raise
            finally:
                journal.close()
                self._holder = None

    def close(self) -> None:
        """Do nothing: there is no connection to give back, and what is stored lives as long as this object."""

    def _unit(self, journal: _Journal) -> MemoryUnit:
        content = self._content
        return MemoryUnit(
            contacts=_MemoryContacts(content, journal),
            mailboxes=_MemoryMailboxes(content, journal),
            threads=_MemoryThreads(content, journal),
            messages=_MemoryMessages(content, journal),
            events=_MemoryEvents(content, journal),
            deliveries=_MemoryDeliveries(content, journal),
            blobs=_MemoryBlobs(content, journal),
            leases=_MemoryLeases(content, journal),
            outbox=_MemoryOutbox(content, journal),
            figures=_MemoryFigures(content, journal),
            employees=_MemoryEmployees(content, journal),
        )
