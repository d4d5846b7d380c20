"""A storage beside plain dictionaries: random histories of units, commits, rollbacks and restarts must agree.

Both get the same operations; what each operation gives and everything that can be read must be equal. hypothesis makes
the histories, and shows the shortest one that differs.
"""

import contextlib
import copy
import datetime as dt
import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import attrs
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from customerservice.domain.actor import ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.events import ThreadEvent
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, DeliveryId, MailboxId, MessageId, OutboxId, ShopId, ThreadId
from customerservice.domain.message import Message
from customerservice.domain.outbox import OutboxEntry, OutboxState, RecipientState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.errors import Conflict, LeaseLost, StoredBytesLost
from customerservice.ports.storage import (
    BlobOwner,
    DeliveryFilter,
    KnownHeaderId,
    Lease,
    Storage,
    SyncCursor,
    ThreadFilter,
    UnitOfWork,
)
from customerservice.testing.builders import Builder, settled, storable_texts
from customerservice.testing.clock import BEGINNING

_MINUTE = dt.timedelta(minutes=1)
_MINUTES = st.integers(-3, 3)
_FEW = st.integers(0, 3)


def check_against_dictionaries(
    storage: Storage,
    *,
    reopened: Callable[[Storage], Storage] = lambda storage: storage,
    histories: int = 25,
    steps: int = 40,
) -> None:
    """Run random histories on a storage and on dictionaries; AssertionError with the shortest history that differs.

    All histories share the storage, each within a shop, sources and names of its own, so it need not be made anew.

    Args:
        storage: empty, and closed by nobody else until the end; the one in use then is closed here.
        reopened: gives the storage as a program finds it that starts anew.
        histories: how many.
        steps: at most so many operations in each.
    """
    machine = storage_machine(storage, reopened)
    limits = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    try:
        run_state_machine_as_test(machine, settings=limits)
    finally:
        machine.place.storage.close()


class Place:
    """Where the storage in use is kept from one history to the next; `histories` counts them."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.build = Builder()
        self.histories = itertools.count(1)


class StorageMachine(RuleBasedStateMachine):
    """What `storage_machine` gives."""

    place: Place


def storage_machine(storage: Storage, reopened: Callable[[Storage], Storage]) -> type[StorageMachine]:
    """Give the state machine of one storage, to be run by hypothesis."""

    class MachineOfThisStorage(_Machine):
        place = Place(storage)

        def open_again(self, storage: Storage) -> Storage:
            return reopened(storage)

    return MachineOfThisStorage


@attrs.define
class _Dictionaries:
    """The storage as it should be."""

    contacts: dict[ContactId, Contact] = attrs.Factory(dict)
    cursors: dict[MailboxId, SyncCursor] = attrs.Factory(dict)
    threads: dict[ThreadId, Thread] = attrs.Factory(dict)
    messages: dict[MessageId, Message] = attrs.Factory(dict)
    events: list[ThreadEvent] = attrs.Factory(list)
    deliveries: dict[DeliveryId, Delivery] = attrs.Factory(dict)
    blob_owners: dict[bytes, frozenset[BlobOwner]] = attrs.Factory(dict)
    leases: dict[str, Lease] = attrs.Factory(dict)
    fences: dict[str, int] = attrs.Factory(dict)
    outbox: dict[OutboxId, OutboxEntry] = attrs.Factory(dict)
    figures: Counter[FigureKey] = attrs.Factory(Counter)

    def copied(self) -> "_Dictionaries":
        """Give one that changes apart; the values inside are immutable."""
        return _Dictionaries(**{field.name: copy.copy(getattr(self, field.name)) for field in attrs.fields(type(self))})

    def key_is_stored(self, key: DeliveryKey) -> bool:
        return any(delivery.key == key for delivery in self.deliveries.values())

    def holds(self, lease: Lease) -> bool:
        held = self.leases.get(lease.name)
        return held is not None and (held.owner, held.fence) == (lease.owner, lease.fence)


class _Machine(StorageMachine):
    """One history: units with operations in them, ended well or not, and restarts between."""

    threads = Bundle("threads")
    contacts = Bundle("contacts")
    deliveries = Bundle("deliveries")
    entries = Bundle("entries")
    leases = Bundle("leases")

    def open_again(self, storage: Storage) -> Storage:
        """Give the storage as a program finds it that starts anew."""
        raise NotImplementedError

    @initialize()
    def begin_history(self) -> None:
        self.build = self.place.build
        self.name = f"history {next(self.place.histories)}"
        self.shop = ShopId(self.name)
        self.scope = ShopScope.of(self.shop)
        self.boxes = [MailboxId(self.build.ids.new()) for _ in range(2)]
        self.stored = _Dictionaries()
        self.expected = self.stored.copied()
        self.context: AbstractContextManager[UnitOfWork] | None = None
        self._begin()

    def _begin(self) -> None:
        self.context = self.place.storage.unit()
        self.unit = self.context.__enter__()
        self.expected = self.stored.copied()

    def _end(self) -> None:
        assert self.context is not None
        context, self.context = self.context, None
        context.__exit__(None, None, None)

    def _fail(self) -> None:
        assert self.context is not None
        context, self.context = self.context, None
        with contextlib.suppress(_Rollback):
            context.__exit__(_Rollback, _Rollback(), None)

    def teardown(self) -> None:
        if getattr(self, "context", None) is not None:
            self._fail()

    @rule()
    def commit(self) -> None:
        self._end()
        self.stored = self.expected
        self._begin()
        self.everything_is_equal()

    @rule()
    def roll_back(self) -> None:
        self._fail()
        self._begin()
        self.everything_is_equal()

    @rule()
    def start_anew(self) -> None:
        self._end()
        self.stored = self.expected
        self.place.storage = self.open_again(self.place.storage)
        self._begin()
        self.everything_is_equal()

    @rule(target=contacts, position=_FEW)
    def add_contact(self, position: int) -> ContactId:
        contact = self.build.contact(shop=self.shop, position=position)
        self.unit.contacts.add(contact)
        self.expected.contacts[contact.id] = contact
        return contact.id

    @rule(contact_id=contacts, position=_FEW, stale=st.booleans())
    def save_contact(self, contact_id: ContactId, position: int, stale: bool) -> None:
        known = self.expected.contacts.get(contact_id)
        changed = self.build.contact(id=contact_id, shop=self.shop, position=position)
        changed = attrs.evolve(changed, version=(known.version if known else 1) - stale)
        self._save(self.unit.contacts.save, self.expected.contacts, changed)

    @rule(box=st.integers(0, 1), epoch=st.sampled_from([1, 2**31, 2**32 - 1]), uid=st.integers(0, 2**32 - 1))
    def save_cursor(self, box: int, epoch: int, uid: int) -> None:
        cursor = SyncCursor(mailbox_id=self.boxes[box], epoch=epoch, uid=uid)
        self.unit.mailboxes.save_cursor(cursor)
        self.expected.cursors[cursor.mailbox_id] = cursor

    @rule(target=threads, minutes=_MINUTES, subject=storable_texts(20), customer=_FEW)
    def add_thread(self, minutes: int, subject: str, customer: int) -> ThreadId:
        number = self.unit.threads.next_number()
        assert number not in {thread.number for thread in self.expected.threads.values()}
        thread = self.build.thread(
            number=number,
            shop=self.shop,
            subject=subject,
            customer=CustomerRef(f"customer {customer}"),
            last_activity_at=BEGINNING + minutes * _MINUTE,
        )
        self.unit.threads.add(thread)
        self.expected.threads[thread.id] = thread
        return thread.id

    @rule(
        thread_id=threads,
        minutes=_MINUTES,
        status=st.sampled_from(ThreadStatus),
        participants=st.frozensets(st.sampled_from(["anna@x.example", "ánna@x.example", "max@x.example"])),
        stale=st.booleans(),
    )
    def save_thread(
        self, thread_id: ThreadId, minutes: int, status: ThreadStatus, participants: frozenset[str], stale: bool
    ) -> None:
        known = self.expected.threads.get(thread_id) or self.build.thread(id=thread_id, shop=self.shop)
        changed = attrs.evolve(
            known,
            status=status,
            participants=participants,
            last_activity_at=BEGINNING + minutes * _MINUTE,
            version=known.version - stale,
        )
        self._save(self.unit.threads.save, self.expected.threads, changed)

    @rule(thread_id=threads, header=st.none() | _FEW, delivered=st.booleans(), text=storable_texts())
    def add_message(self, thread_id: ThreadId, header: int | None, delivered: bool, text: str) -> None:
        thread = self.expected.threads.get(thread_id)
        if thread is None:
            return
        message = self.build.message(
            thread,
            text=text,
            header_id=None if header is None else self._header_id(header),
            delivery_id=DeliveryId(self.build.ids.new()) if delivered else None,
            attachments=(self.build.attachment(),) if delivered else (),
        )
        event = self.build.event(thread, message_id=message.id)
        self.unit.messages.add([message])
        self.unit.events.add([event])
        self.expected.messages[message.id] = message
        self.expected.events.append(event)

    @rule(which=st.integers(0, 3), text=storable_texts(), files=st.integers(0, 2))
    def rewrite_message(self, which: int, text: str, files: int) -> None:
        known = list(self.expected.messages.values())[which : which + 1]
        for message in known:
            said = attrs.evolve(message, text=text, attachments=tuple(self.build.attachment() for _ in range(files)))
            self.unit.messages.rewrite(said)
            self.expected.messages[message.id] = said

    @rule(target=deliveries, uids=st.lists(st.integers(1, 5), min_size=1, max_size=3), box=st.integers(0, 1))
    def add_deliveries(self, uids: Sequence[int], box: int) -> DeliveryId:
        mails = [
            self.build.delivery(
                shop=self.shop,
                mailbox_id=self.boxes[box],
                key=DeliveryKey(source=self._source(box), epoch=1, uid=uid),
                content_digest=hashlib.sha256(self.name.encode()).hexdigest(),
            )
            for uid in uids
        ]
        added = []
        for mail in mails:
            if not self.expected.key_is_stored(mail.key):
                self.expected.deliveries[mail.id] = mail
                added.append(mail.id)

        assert list(self.unit.deliveries.add(mails)) == added
        return mails[0].id

    @rule(
        delivery_id=deliveries,
        outcome=st.none() | st.sampled_from(Outcome),
        raw_kept=st.booleans(),
        acknowledge=st.booleans(),
        header=st.none() | _FEW,
    )
    def save_delivery(
        self,
        delivery_id: DeliveryId,
        outcome: Outcome | None,
        raw_kept: bool,
        acknowledge: bool,
        header: int | None,
    ) -> None:
        known = self.expected.deliveries.get(delivery_id)
        changed = attrs.evolve(
            known or self.build.delivery(id=delivery_id, shop=self.shop),
            outcome=outcome,
            raw_kept=raw_kept,
            acknowledge=acknowledge,
            header_id=None if header is None else self._header_id(header),
        )
        if known is None:
            self._is_conflict(lambda: self.unit.deliveries.save([changed]))
        else:
            self.unit.deliveries.save([changed])
            self.expected.deliveries[delivery_id] = changed

    @rule(box=st.integers(0, 1))
    def forget_not_ours(self, box: int) -> None:
        gone = [
            mail.id
            for mail in self.expected.deliveries.values()
            if mail.outcome is Outcome.NOT_OURS and mail.mailbox_id == self.boxes[box]
        ]
        assert self.unit.deliveries.forget_not_ours(self.boxes[box]) == len(gone)
        for delivery_id in gone:
            del self.expected.deliveries[delivery_id]

    @rule(content=_FEW, owner=_FEW)
    def put_blob(self, content: int, owner: int) -> None:
        raw, who = self._raw(content), self._owner(owner)
        assert self.unit.blobs.put(raw, who) == hashlib.sha256(raw).hexdigest()
        self.expected.blob_owners[raw] = self.expected.blob_owners.get(raw, frozenset()) | {who}

    @rule(content=_FEW, owner=_FEW)
    def release_blob(self, content: int, owner: int) -> None:
        raw, who = self._raw(content), self._owner(owner)
        self.unit.blobs.release(hashlib.sha256(raw).hexdigest(), who)
        self.expected.blob_owners[raw] = self.expected.blob_owners.get(raw, frozenset()) - {who}

    @rule(target=leases, name=st.integers(0, 1), worker=_FEW, now=_MINUTES, length=st.integers(1, 3))
    def acquire_lease(self, name: int, worker: int, now: int, length: int) -> Lease | None:
        what, who, moment = f"{self.name}/{name}", f"worker {worker}", BEGINNING + now * _MINUTE
        held = self.expected.leases.get(what)
        lease = self.unit.leases.acquire(what, who, now=moment, until=moment + length * _MINUTE)
        if held is not None and held.owner != who and held.until > moment:
            assert lease is None
            return None
        assert lease is not None
        assert (lease.name, lease.owner, lease.until) == (what, who, moment + length * _MINUTE)
        if held is None or held.owner != who:
            assert lease.fence > self.expected.fences.get(what, 0)
        self.expected.leases[what] = lease
        self.expected.fences[what] = lease.fence
        return lease

    @rule(lease=leases, until=_MINUTES)
    def renew_lease(self, lease: Lease | None, until: int) -> None:
        if lease is None:
            return
        if not self.expected.holds(lease):
            self._is_lost(lambda: self.unit.leases.renew(lease, until=BEGINNING))
            self._is_lost(lambda: self.unit.leases.check(lease))
            return
        self.unit.leases.check(lease)
        renewed = self.unit.leases.renew(lease, until=BEGINNING + until * _MINUTE)
        assert renewed == attrs.evolve(lease, until=BEGINNING + until * _MINUTE)
        self.expected.leases[lease.name] = renewed

    @rule(lease=leases)
    def release_lease(self, lease: Lease | None) -> None:
        if lease is None:
            return
        self.unit.leases.release(lease)
        if self.expected.holds(lease):
            del self.expected.leases[lease.name]

    @rule(target=entries, minutes=_MINUTES)
    def add_entry(self, minutes: int) -> OutboxId:
        entry = self.build.outbox_entry(shop=self.shop, next_try_at=BEGINNING + minutes * _MINUTE)
        self.unit.outbox.add(entry)
        self.expected.outbox[entry.id] = entry
        return entry.id

    @rule(now=_MINUTES, dot_sent=st.booleans())
    def claim_due_entries(self, now: int, dot_sent: bool) -> None:
        moment = BEGINNING + now * _MINUTE
        for entry in self._due(moment):
            claimed = entry.claimed("worker", until=moment + _MINUTE)
            if dot_sent:
                claimed = claimed.about_to_end()
            self.unit.outbox.save(claimed)
            self.expected.outbox[entry.id] = claimed

    @rule(outbox_id=entries, state=st.sampled_from(RecipientState))
    def settle_entry(self, outbox_id: OutboxId, state: RecipientState) -> None:
        known = self.expected.outbox.get(outbox_id)
        if known is None:
            stranger = self.build.outbox_entry(id=outbox_id, shop=self.shop)
            self._is_conflict(lambda: self.unit.outbox.save(stranger))
            return
        changed = known.settled(settled(known, [state], code=250, text="é"), at=BEGINNING)
        self.unit.outbox.save(changed)
        self.expected.outbox[outbox_id] = changed

    @rule(day=_FEW, contact=st.none() | contacts, figure=st.sampled_from(Figure), by=st.integers(-5, 5))
    def add_figure(self, day: int, contact: ContactId | None, figure: Figure, by: int) -> None:
        key = FigureKey(
            shop=self.shop, contact_id=contact, day=BEGINNING.date() + dt.timedelta(days=day), figure=figure
        )
        self.unit.figures.add({key: by})
        self.expected.figures[key] += by

    @precondition(lambda self: self.context is not None)
    @rule()
    def everything_is_equal(self) -> None:
        unit, expected = self.unit, self.expected
        for contact_id, contact in expected.contacts.items():
            assert unit.contacts.get(contact_id) == contact
        assert list(unit.contacts.all(self.scope)) == sorted(
            expected.contacts.values(), key=lambda contact: (contact.position, contact.id)
        )
        for box in self.boxes:
            assert unit.mailboxes.cursor(box) == expected.cursors.get(box)
        self._threads_are_equal()
        self._messages_are_equal()
        self._deliveries_are_equal()
        self._blobs_are_equal()
        for name in (f"{self.name}/0", f"{self.name}/1"):
            assert unit.leases.holder(name) == expected.leases.get(name)
        self._outbox_is_equal()
        self._figures_are_equal()

    def _threads_are_equal(self) -> None:
        unit, threads = self.unit, self.expected.threads
        for thread in threads.values():
            assert unit.threads.get(thread.id) == thread
            assert unit.threads.by_number(thread.number) == thread
        order = sorted(threads.values(), key=lambda thread: (thread.last_activity_at, thread.id), reverse=True)
        bare = [attrs.evolve(thread, participants=frozenset()) for thread in order]
        assert self._thread_pages(ThreadFilter(scope=self.scope)) == bare
        for status in ThreadStatus:
            wanted = ThreadFilter(scope=self.scope, statuses=frozenset({status}), customer=CustomerRef("customer 1"))
            assert self._thread_pages(wanted) == [
                thread for thread in bare if thread.status is status and thread.customer == CustomerRef("customer 1")
            ]

    def _thread_pages(self, wanted: ThreadFilter) -> list[Thread]:
        found: list[Thread] = []
        after = None
        while True:
            page = self.unit.threads.page(wanted, after=after, limit=2)
            found += page.items
            after = page.next
            if after is None:
                return found

    def _messages_are_equal(self) -> None:
        unit, expected = self.unit, self.expected
        for thread_id in expected.threads:
            messages = [message for message in expected.messages.values() if message.thread_id == thread_id]
            assert list(unit.messages.of_thread(thread_id)) == messages
            known = [message.header_id for message in messages if message.header_id is not None]
            assert list(unit.messages.latest_header_ids(thread_id, limit=2)) == known[-2:]
            history = [event for event in expected.events if event.thread_id == thread_id]
            assert list(unit.events.of_thread(thread_id)) == history
        header_ids = {self._header_id(number) for number in range(4)}
        assert list(unit.messages.find_header_ids(self.scope, header_ids)) == [
            KnownHeaderId(
                header_id=message.header_id,
                shop=message.shop,
                thread_id=message.thread_id,
                message_id=message.id,
                sent=message.delivery_id is None,
            )
            for message in expected.messages.values()
            if message.header_id is not None
        ]

    def _deliveries_are_equal(self) -> None:
        unit = self.unit
        mails = sorted(self.expected.deliveries.values(), key=lambda mail: mail.id)
        assert list(unit.deliveries.page(DeliveryFilter(scope=self.scope), limit=999).items) == mails[::-1]
        for box in range(2):
            of_source = [mail for mail in mails if mail.key.source == self._source(box)]
            keys = [DeliveryKey(source=self._source(box), epoch=1, uid=uid) for uid in range(7)]
            assert set(unit.deliveries.known(self._source(box), keys)) == {mail.key for mail in of_source}
            assert list(unit.deliveries.unread(self._source(box), limit=99)) == sorted(
                (mail for mail in of_source if mail.outcome is None and mail.raw_kept), key=lambda mail: mail.key.uid
            )
            assert list(unit.deliveries.unacknowledged(self._source(box), 1, limit=99)) == [
                mail for mail in of_source if mail.outcome is not None and mail.acknowledge
            ]
            assert list(unit.deliveries.by_bytes(self._source(box), self.build.delivery().sha256 or "")) == of_source
        for number in range(4):
            header_id = self._header_id(number)
            assert list(unit.deliveries.by_header_id(self.scope, header_id)) == [
                mail for mail in mails if mail.header_id == header_id
            ]
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        originals = [
            mail
            for mail in mails
            if mail.outcome is Outcome.HELD or (mail.outcome is not None and mail.outcome.in_thread)
        ]
        assert unit.deliveries.by_content(self.shop, digest, since=BEGINNING) == next(iter(originals), None)

    def _blobs_are_equal(self) -> None:
        for raw in map(self._raw, range(4)):
            try:
                found: bytes | None = self.unit.blobs.get(hashlib.sha256(raw).hexdigest())
            except StoredBytesLost:
                found = None
            assert found == (raw if self.expected.blob_owners.get(raw) else None)

    def _outbox_is_equal(self) -> None:
        unit = self.unit
        entries = sorted(self.expected.outbox.values(), key=lambda entry: entry.id)
        assert unit.outbox.of_messages([entry.message_id for entry in entries]) == {
            entry.message_id: entry for entry in entries
        }
        for state in OutboxState:
            page = unit.outbox.page(self.scope, [state], limit=999)
            assert list(page.items) == [entry for entry in entries if entry.state is state]
        self._due(BEGINNING)

    def _due(self, now: dt.datetime) -> Sequence[OutboxEntry]:
        """Give what is due in this history; other histories left entries in the storage."""
        found = [entry for entry in self.unit.outbox.due(now=now, limit=99_999) if entry.shop == self.shop]
        moments: Mapping[OutboxId, dt.datetime | None] = {
            entry.id: entry.next_try_at if entry.state is OutboxState.WAITING else entry.claimed_until
            for entry in self.expected.outbox.values()
            if not entry.state.is_final
        }
        due = sorted(key for key, moment in moments.items() if moment is not None and moment <= now)
        assert found == [self.expected.outbox[key] for key in due]
        return found

    def _figures_are_equal(self) -> None:
        day = BEGINNING.date() + dt.timedelta(days=2)
        contact = next(iter(self.expected.contacts), None)
        for contact_id, since in ((None, None), (None, day), (contact, None)):
            totals: Counter[Figure] = Counter()
            for key, value in self.expected.figures.items():
                if contact_id in (None, key.contact_id) and (since is None or key.day >= since):
                    totals[key.figure] += value
            found = self.unit.figures.totals(self.scope, contact_id=contact_id, since=since)
            assert {figure: value for figure, value in found.items() if value} == {
                figure: value for figure, value in totals.items() if value
            }

    def _save(self, save: Callable[[Any], Any], expected: dict[Any, Any], changed: Any) -> None:
        known = expected.get(changed.id)
        if known is None or known.version != changed.version:
            self._is_conflict(lambda: save(changed))
            return
        saved = save(changed)
        assert saved == attrs.evolve(changed, version=changed.version + 1)
        expected[changed.id] = saved

    def _is_conflict(self, act: Callable[[], object]) -> None:
        _raises(Conflict, act)

    def _is_lost(self, act: Callable[[], object]) -> None:
        _raises(LeaseLost, act)

    def _header_id(self, number: int) -> str:
        return f"{self.name}/{'aAáa'[number]}{' ' * (number == 3)}@x"

    def _source(self, box: int) -> str:
        return f"{self.name}/{'bB'[box]}"

    def _raw(self, content: int) -> bytes:
        return f"{self.name}/{content}".encode()

    def _owner(self, owner: int) -> BlobOwner:
        return BlobOwner("delivery", f"{self.name}/{owner}")


class _Rollback(Exception):
    """Ends a unit from inside."""


def _raises(error: type[Exception], act: Callable[[], object]) -> None:
    try:
        act()
    except error:
        return
    raise AssertionError(f"{error.__name__} was promised and did not come")
