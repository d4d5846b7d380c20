"""What every storage must do, as tests: each promise of `customerservice.ports.storage`, checked on a storage of yours.

Inherit `StorageContract` in a test module and give it a fixture::

    pytest.register_assert_rewrite("customerservice.testing.storage_contract")


    class TestMyStorage(StorageContract):
        @pytest.fixture
        def make_storage(self, tmp_path):
            return lambda: MyStorage(tmp_path / uuid.uuid4().hex)

The fixture gives a function that gives a fresh, empty storage at each call; the tests close what they opened. Override
`StorageContract.reopened` where a storage outlives its object. Several tests use threads, each with a unit of its own;
a storage may let units run side by side or one after the other.
"""

import contextlib
import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.contact import AfterReply
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, DeliveryId, MailboxId, MessageId, OutboxId, ShopId, ThreadId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import (
    AfterFetch,
    AfterFetchKind,
    FirstSync,
    Mailbox,
    MailboxHealth,
    SecretKind,
    SecretRef,
)
from customerservice.domain.message import Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.outbox import OutboxState, RecipientResult, RecipientState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef, ProductRef
from customerservice.domain.status import StatusCause, ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.domain.wording import Wording
from customerservice.errors import Conflict, InvalidValue, LeaseLost, StorageError, StoredBytesLost
from customerservice.ports.storage import (
    BlobOwner,
    DeliveryFilter,
    KnownHeaderId,
    Storage,
    SyncCursor,
    ThreadFilter,
    UnitOfWork,
)
from customerservice.testing.builders import (
    CUSTOMER_ADDRESS,
    Builder,
    decisions,
    digest_of,
    email_addresses,
    moments,
    storable_texts,
    waiting,
)
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_model import check_against_dictionaries

T = TypeVar("T")

MakeStorage = Callable[[], Storage]

_MINUTE = dt.timedelta(minutes=1)
_EARLIER = BEGINNING - _MINUTE
_LATER = BEGINNING + _MINUTE
_ONE_SHOP = ShopId("one")
_OTHER_SHOP = ShopId("two")
_ONE = ShopScope.of(_ONE_SHOP)
_GREATEST_UID = 2**32 - 1

#: Pairs of keys that a careless comparison takes for one another.
_ALMOST_EQUAL = (
    ("abc@shop.example", "ABC@shop.example"),
    ("resume", "resumé"),
    ("caf\u00e9", "cafe\u0301"),
    ("strasse", "straße"),
    ("ends", "ends "),
    ("ends", "ends\u3000"),
    ("I", "ı"),
    ("Σ", "ς"),
    ("a%", "ab"),
    ("a_c", "abc"),
    ("😀", "😁"),
    ("x" * 190 + "a", "x" * 190 + "b"),
)

#: Moments whose microseconds, year or zone a careless storage changes.
_MOMENTS = (
    dt.datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=dt.UTC),
    dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=dt.UTC),
    dt.datetime(2099, 12, 31, 23, 59, 59, 123_456, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 25, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    dt.datetime(2026, 3, 1, 23, 30, 0, 5, tzinfo=dt.timezone(-dt.timedelta(hours=11, minutes=30))),
)


class _Interrupted(Exception):
    """Ends a unit from inside."""


@contextlib.contextmanager
def _failing(storage: Storage, error: BaseException | None = None) -> Iterator[UnitOfWork]:
    """Give a unit that ends with an exception, which must come out of it unchanged."""
    error = _Interrupted() if error is None else error
    passed_through: BaseException | None = None
    try:
        with storage.unit() as unit:
            yield unit
            raise error
    except type(error) as raised:
        passed_through = raised
    assert passed_through is error


class _ContractBase:
    @pytest.fixture
    def build(self) -> Builder:
        """Give the builder of the test's values."""
        return Builder()

    @pytest.fixture
    def storage(self, make_storage: MakeStorage) -> Iterator[Storage]:
        """Give a fresh, empty storage, closed after the test."""
        storage = make_storage()
        yield storage
        storage.close()

    def reopened(self, storage: Storage) -> Storage:
        """Give the storage as a program finds it that starts anew.

        Override it to close the given one and open another on the same place; a storage without a place stays as it is.
        """
        return storage


class _UnitPromises(_ContractBase):
    """Commit, rollback, isolation."""

    def test_ended_unit_is_seen_by_the_next(self, storage: Storage, build: Builder) -> None:
        """What a unit wrote is there for the next one."""
        contact = build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == contact

    def test_unit_sees_its_own_writes(self, storage: Storage, build: Builder) -> None:
        """Reads of a unit see what it wrote before."""
        thread = build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([build.message(thread, header_id="1@customer.example")])

            assert unit.threads.get(thread.id) == thread
            assert len(unit.messages.find_header_ids(ALL_SHOPS, ["1@customer.example"])) == 1

    def test_failed_unit_leaves_no_trace(self, storage: Storage, build: Builder) -> None:
        """A unit that ends with an exception has stored nothing, in no repository; the exception passes through."""
        everything = _Everything(build)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        with _failing(storage) as unit:
            everything.add(unit)

        with storage.unit() as unit:
            assert everything.snapshot(unit) == before

    def test_failed_unit_takes_its_changes_back(self, storage: Storage, build: Builder) -> None:
        """A unit that changes and removes what others stored, and fails, has changed and removed nothing."""
        everything = _Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        with _failing(storage) as unit:
            everything.change(unit)

        with storage.unit() as unit:
            assert everything.snapshot(unit) == before

    def test_changes_of_an_ended_unit_are_kept(self, storage: Storage, build: Builder) -> None:
        """The same changes in a unit that ends well are all there, so that the test before proves something."""
        everything = _Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)
            everything.change(unit)

        with storage.unit() as unit:
            after = everything.snapshot(unit)
        assert [name for name in before if before[name] == after[name]] == []

    def test_interrupt_rolls_back(self, storage: Storage, build: Builder) -> None:
        """Ctrl-C is an exception too."""
        contact = build.contact()
        with _failing(storage, KeyboardInterrupt()) as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) is None

    def test_storage_works_on_after_a_failed_unit(self, storage: Storage, build: Builder) -> None:
        """The unit after a failed one is like any other."""
        contact = build.contact()
        with _failing(storage) as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == contact

    def test_reading_unit_sees_what_was_stored(self, storage: Storage, build: Builder) -> None:
        """A unit that only reads gives what a writing one would."""
        everything = _Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit(reading=True) as unit:
            assert unit.threads.get(everything.thread.id) == everything.thread
            assert list(unit.contacts.all()) == [everything.contact]
            assert unit.messages.of_thread(everything.thread.id) == [everything.message]

    def test_unit_may_go_on_after_a_conflict(self, storage: Storage, build: Builder) -> None:
        """A `Conflict` that the caller answers spoils nothing else of the unit."""
        contact, missing = build.contact(), build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)
            with pytest.raises(Conflict):
                unit.contacts.save(missing)

        with storage.unit() as unit:
            assert unit.contacts.all() == [contact]

    def test_unfinished_unit_is_not_seen_by_others(self, storage: Storage, build: Builder) -> None:
        """Another thread never sees what a unit wrote that then failed, neither while it lasts nor after."""
        contact = build.contact()
        written, looked = threading.Event(), threading.Event()

        def write() -> None:
            with _failing(storage) as unit:
                unit.contacts.add(contact)
                written.set()
                looked.wait(0.3)  # a storage whose units take turns lets the other look only afterwards

        def look() -> object:
            assert written.wait(60)
            with storage.unit() as unit:
                found = unit.contacts.get(contact.id)
            looked.set()
            return found

        assert _together(write, look) == [None, None]

    def test_units_of_several_threads_all_commit(self, storage: Storage, build: Builder) -> None:
        """Eight threads with a unit each lose nothing."""
        contacts = [build.contact() for _ in range(8)]

        def add(contact: Any) -> Callable[[], None]:
            def act() -> None:
                with storage.unit() as unit:
                    unit.contacts.add(contact)

            return act

        _together(*(add(contact) for contact in contacts))

        with storage.unit() as unit:
            assert unit.contacts.all() == contacts

    def test_everything_is_there_after_reopening(self, storage: Storage, build: Builder) -> None:
        """What was committed outlives the object that stored it."""
        everything = _Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        again = self.reopened(storage)
        with again.unit() as unit:
            after = everything.snapshot(unit)
        again.close()
        assert after == before

    def test_random_histories_agree_with_dictionaries(self, make_storage: MakeStorage) -> None:
        """Whatever is done, in whatever order, with commits, rollbacks and restarts."""
        check_against_dictionaries(make_storage(), reopened=self.reopened)

    def test_storages_of_one_factory_are_apart(
        self, storage: Storage, make_storage: MakeStorage, build: Builder
    ) -> None:
        """A fresh storage is empty, whatever another holds; otherwise no test here means anything."""
        with storage.unit() as unit:
            unit.contacts.add(build.contact())
        other = make_storage()
        with other.unit() as unit:
            found = unit.contacts.all()
        other.close()

        assert list(found) == []

    def test_close_may_be_called_twice(self, make_storage: MakeStorage) -> None:
        """Closing again does nothing."""
        storage = make_storage()
        storage.close()
        storage.close()

    @pytest.mark.parametrize("what", ["contact", "mailbox", "thread", "message", "delivery", "outbox"])
    def test_taken_id_is_refused(self, storage: Storage, build: Builder, what: str) -> None:
        """Adding under an id that is taken is a `StorageError`, and the unit fails as a whole."""
        everything = _Everything(build)
        with storage.unit() as unit:
            everything.add(unit)

        def add_again(unit: UnitOfWork) -> None:
            unit.employees.put(build.employee(name="Stored before the error"))
            match what:
                case "contact":
                    unit.contacts.add(everything.contact)
                case "mailbox":
                    unit.mailboxes.add(everything.mailbox)
                case "thread":
                    unit.threads.add(attrs.evolve(everything.thread, number=4711))
                case "message":
                    unit.messages.add([everything.message])
                case "delivery":
                    key = attrs.evolve(everything.delivery.key, uid=4711)
                    unit.deliveries.add([attrs.evolve(everything.delivery, key=key)])
                case _:
                    unit.outbox.add(everything.entry)

        with pytest.raises(StorageError), storage.unit() as unit:
            add_again(unit)

        with storage.unit() as unit:
            assert unit.employees.all() == [everything.employee]


class _ValuePromises(_ContractBase):
    """Everything comes back as it went in."""

    @pytest.mark.parametrize("moment", _MOMENTS, ids=str)
    def test_moments_come_back_equal_in_utc(self, storage: Storage, build: Builder, moment: dt.datetime) -> None:
        """To the microsecond, in the right zone, on every kind of thing."""
        thread = build.thread(
            opened_at=moment,
            last_activity_at=moment,
            last_customer_message_at=moment,
            last_employee_message_at=moment,
            waiting_since=moment,
        )
        message = build.message(thread, sent_at=moment, stored_at=moment)
        event = build.event(thread, at=moment)
        delivery = build.delivery(received_at=moment, stored_at=moment)
        entry = build.outbox_entry(created_at=moment, next_try_at=moment, claimed_until=moment, settled_at=moment)
        mailbox = build.mailbox(health=MailboxHealth(last_success_at=moment, last_error_at=moment))
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([message])
            unit.events.add([event])
            unit.deliveries.add([delivery])
            unit.outbox.add(entry)
            unit.mailboxes.add(mailbox)
            lease = unit.leases.acquire("sync", "worker", now=BEGINNING, until=moment)
        with storage.unit() as unit:
            kept_mailbox = unit.mailboxes.get(mailbox.id)
            assert kept_mailbox is not None
            kept: list[Any] = [
                unit.threads.get(thread.id),
                *unit.threads.page(ThreadFilter()).items,
                unit.messages.get(message.id),
                *unit.events.of_thread(thread.id),
                unit.deliveries.get(delivery.id),
                unit.outbox.get(entry.id),
                kept_mailbox.health,
                lease,
            ]

        found = [(value, name) for value in kept for name in _moment_names(value) if getattr(value, name) is not None]
        assert len(found) >= 20
        for value, name in found:
            assert getattr(value, name) == moment, f"{type(value).__name__}.{name}"
            assert getattr(value, name).tzinfo is dt.UTC, f"{type(value).__name__}.{name}"

    def test_any_text_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """Every text of a message, an author and a thread, whatever characters it has."""

        @settings(max_examples=25, deadline=None)
        @given(
            texts=st.lists(storable_texts(), min_size=6, max_size=6), names=st.lists(storable_texts(200), min_size=3)
        )
        def check(texts: Sequence[str], names: Sequence[str]) -> None:
            text, quoted, signature, html, subject, filename = texts
            thread = build.thread(subject=names[0], name=names[1], language=None)
            message = build.message(
                thread,
                text=text,
                quoted_text=quoted,
                signature=signature,
                html=html,
                subject=subject,
                author=Author(kind=AuthorKind.CUSTOMER, name=names[2]),
                attachments=(build.attachment(filename=filename),),
            )
            with storage.unit() as unit:
                unit.threads.add(thread)
                unit.messages.add([message])
            with storage.unit() as unit:
                assert unit.threads.get(thread.id) == thread
                assert unit.messages.get(message.id) == message

        check()

    def test_any_decision_record_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """Why a mail went where it went can be read as it was written, at any moment, from any sender."""

        @settings(max_examples=25, deadline=None)
        @given(decision=decisions(), moment=moments(), sender=email_addresses())
        def check(decision: Decision, moment: dt.datetime, sender: EmailAddress) -> None:
            delivery = build.delivery(decision=decision, received_at=moment, sender=sender.value)
            with storage.unit() as unit:
                unit.deliveries.add([delivery])
            with storage.unit() as unit:
                assert unit.deliveries.get(delivery.id) == delivery

        check()

    def test_texts_of_five_megabytes_are_not_cut(self, storage: Storage, build: Builder) -> None:
        """A customer's text is never cut, in any of its parts."""
        long = "Grüße 😀\n" * 400_000
        assert len(long.encode()) > 5_000_000
        thread = build.thread()
        message = build.message(thread, text=long, html=long, subject="long")
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([message])
        with storage.unit() as unit:
            found = unit.messages.get(message.id)

        assert found is not None
        assert (found.text == long, found.html == long) == (True, True)

    def test_contact_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional; its languages and addresses in their order."""
        bare = build.contact()
        full = build.contact(
            shop=_OTHER_SHOP,
            name=Wording.of(fa="خدمات مشتریان", en="Customer service", **{"pt-BR": "Atendimento"}),
            description=Wording.of(en="Orders " + "x" * 240),
            addresses=(EmailAddress("z@shop.example"), EmailAddress("Änne@bücher.example"), CUSTOMER_ADDRESS),
            saves_messages=False,
            position=-(2**31),
            after_reply=AfterReply.PENDING1,
            version=7,
        )
        with storage.unit() as unit:
            unit.contacts.add(bare)
            unit.contacts.add(full)
        with storage.unit() as unit:
            assert (unit.contacts.get(bare.id), unit.contacts.get(full.id)) == (bare, full)

    def test_mailbox_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional."""
        bare, full = build.mailbox(), _full_mailbox(build)
        with storage.unit() as unit:
            unit.mailboxes.add(bare)
            unit.mailboxes.add(full)
        with storage.unit() as unit:
            assert (unit.mailboxes.get(bare.id), unit.mailboxes.get(full.id)) == (bare, full)

    @pytest.mark.parametrize(
        "first_sync", [FirstSync(), FirstSync(everything=True), FirstSync(since=dt.date(1999, 12, 31))], ids=str
    )
    @pytest.mark.parametrize("kind", [kind for kind in AfterFetchKind if kind is not AfterFetchKind.MOVE])
    def test_choices_of_a_mailbox_come_back_equal(
        self, storage: Storage, build: Builder, first_sync: FirstSync, kind: AfterFetchKind
    ) -> None:
        """Where the first sync starts, and what happens to a mail that is stored."""
        mailbox = build.mailbox(first_sync=first_sync, after_fetch=AfterFetch(kind))
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
        with storage.unit() as unit:
            assert unit.mailboxes.get(mailbox.id) == mailbox

    def test_thread_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional, a thousand participants among it."""
        bare = Thread(
            id=ThreadId(build.ids.new()),
            number=2**31 + 5,
            shop=_ONE_SHOP,
            contact_id=None,
            opened_at=BEGINNING,
            last_activity_at=BEGINNING,
        )
        full = _full_thread(build)
        with storage.unit() as unit:
            unit.threads.add(bare)
            unit.threads.add(full)
        with storage.unit() as unit:
            assert (unit.threads.get(bare.id), unit.threads.get(full.id)) == (bare, full)

    @pytest.mark.parametrize("status", ThreadStatus)
    def test_status_comes_back_equal(self, storage: Storage, build: Builder, status: ThreadStatus) -> None:
        """Each of the four."""
        thread = build.thread(status=status)
        with storage.unit() as unit:
            unit.threads.add(thread)
        with storage.unit() as unit:
            assert unit.threads.get(thread.id) == thread

    def test_message_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional, its attachments in their order."""
        thread = build.thread()
        bare, full = build.message(thread), _full_message(build, thread)
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([bare, full])
        with storage.unit() as unit:
            assert (unit.messages.get(bare.id), unit.messages.get(full.id)) == (bare, full)
            assert unit.messages.of_thread(thread.id) == [bare, full]

    @pytest.mark.parametrize(
        "author",
        [
            Author(kind=AuthorKind.CUSTOMER),
            Author(kind=AuthorKind.CUSTOMER, name="M", address=CUSTOMER_ADDRESS, customer=CustomerRef("c-1")),
            Author.of_employee(EmployeeRef("ann é"), "Ann"),
            Author(kind=AuthorKind.SYSTEM, name="Mail Delivery System"),
        ],
        ids=lambda author: author.kind.value,
    )
    def test_author_comes_back_equal(self, storage: Storage, build: Builder, author: Author) -> None:
        """Each kind of author."""
        thread = build.thread()
        message = build.message(thread, author=author)
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([message])
        with storage.unit() as unit:
            assert unit.messages.get(message.id) == message

    def test_delivery_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional; numbers up to the greatest UID and UIDVALIDITY, and a size over 4 GB."""
        bare, full = build.delivery(sha256=None, raw_kept=False), _full_delivery(build)
        with storage.unit() as unit:
            unit.deliveries.add([bare, full])
        with storage.unit() as unit:
            assert (unit.deliveries.get(bare.id), unit.deliveries.get(full.id)) == (bare, full)
            assert (unit.deliveries.find(bare.key), unit.deliveries.find(full.key)) == (bare, full)

    @pytest.mark.parametrize("outcome", [None, *Outcome])
    def test_outcome_comes_back_equal(self, storage: Storage, build: Builder, outcome: Outcome | None) -> None:
        """Each of them, and none."""
        delivery = build.delivery(outcome=outcome)
        with storage.unit() as unit:
            unit.deliveries.add([delivery])
        with storage.unit() as unit:
            assert unit.deliveries.get(delivery.id) == delivery

    @pytest.mark.parametrize("state", OutboxState)
    @pytest.mark.parametrize("then", [None, ThreadStatus.CLOSED])
    def test_outbox_entry_comes_back_equal(
        self, storage: Storage, build: Builder, state: OutboxState, then: ThreadStatus | None
    ) -> None:
        """In each state, its recipients in their order, with what the server said to each."""
        recipients = tuple(
            RecipientResult(address=EmailAddress(f"r{9 - at}@customer.example"), state=kind, code=250 + at, text="é ok")
            for at, kind in enumerate(RecipientState)
        )
        entry = build.outbox_entry(
            state=state,
            then=then,
            sender=None,
            recipients=recipients + waiting(CUSTOMER_ADDRESS),
            tries=3,
            claimed_by="worker 1",
            claimed_until=_LATER,
            last_error="450 try later",
            settled_at=_LATER,
        )
        bare = build.outbox_entry(state=state, then=then)
        with storage.unit() as unit:
            unit.outbox.add(entry)
            unit.outbox.add(bare)
        with storage.unit() as unit:
            assert (unit.outbox.get(entry.id), unit.outbox.get(bare.id)) == (entry, bare)

    @pytest.mark.parametrize("get", ["contacts", "mailboxes", "threads", "messages", "deliveries", "outbox"])
    def test_what_does_not_exist_is_none(self, storage: Storage, build: Builder, get: str) -> None:
        """Asking for an unknown id is no error."""
        with storage.unit() as unit:
            assert getattr(unit, get).get(build.ids.new()) is None


class _ContactPromises(_ContractBase):
    """Departments and employees."""

    def test_contacts_come_by_position_then_id(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were added in."""
        last, first, second = build.contact(position=5), build.contact(position=0), build.contact(position=0)
        with storage.unit() as unit:
            for contact in (second, last, first):
                unit.contacts.add(contact)

            assert unit.contacts.all() == [first, second, last]

    def test_contacts_of_other_shops_are_left_out(self, storage: Storage, build: Builder) -> None:
        """A scope names whole shops, exactly; without one all are given."""
        mine, other, almost = (build.contact(shop=ShopId(shop)) for shop in ("one", "two", "ONE"))
        with storage.unit() as unit:
            for contact in (mine, other, almost):
                unit.contacts.add(contact)

            assert unit.contacts.all(_ONE) == [mine]
            assert unit.contacts.all(ShopScope.of(_ONE_SHOP, _OTHER_SHOP)) == [mine, other]
            assert unit.contacts.all(ShopScope.of()) == []
            assert unit.contacts.all() == [mine, other, almost]

    def test_saved_contact_has_a_new_version(self, storage: Storage, build: Builder) -> None:
        """`save` gives the value as it is stored now, which can be saved again."""
        contact = build.contact(addresses=(CUSTOMER_ADDRESS,))
        with storage.unit() as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            saved = unit.contacts.save(attrs.evolve(contact, position=3, addresses=()))
            again = unit.contacts.save(attrs.evolve(saved, position=4))

        assert saved == attrs.evolve(contact, position=3, addresses=(), version=2)
        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == again == attrs.evolve(saved, position=4, version=3)

    def test_stale_contact_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Saving what somebody else changed meanwhile changes nothing; so does saving what was never stored."""
        contact = build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            saved = unit.contacts.save(contact)
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.contacts.save(attrs.evolve(contact, position=9))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.contacts.save(build.contact())

        with storage.unit() as unit:
            assert unit.contacts.all() == [saved]

    def test_employee_is_replaced_by_reference(self, storage: Storage, build: Builder) -> None:
        """Putting one again replaces the one with the same reference; nothing optional stays behind."""
        with storage.unit() as unit:
            unit.employees.put(build.employee())
        changed = build.employee(name="Anna B.", email=None, enabled=False)
        with storage.unit() as unit:
            unit.employees.put(changed)
        with storage.unit() as unit:
            assert unit.employees.get(changed.ref) == changed
            assert unit.employees.all() == [changed]

    def test_employees_come_by_name_then_reference(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were put in."""
        names = [("e3", "Berta"), ("e2", "Anna"), ("e1", "Anna"), ("e0", "Carla")]
        with storage.unit() as unit:
            for reference, name in names:
                unit.employees.put(build.employee(ref=EmployeeRef(reference), name=name))

            assert [employee.ref.id for employee in unit.employees.all()] == ["e1", "e2", "e3", "e0"]

    @pytest.mark.parametrize(("one", "other"), _ALMOST_EQUAL)
    def test_employees_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """References that look alike are different employees."""
        if not other.isprintable():
            other = f"x{other.strip()}"
        with storage.unit() as unit:
            unit.employees.put(build.employee(ref=EmployeeRef(one), name="One"))

            assert unit.employees.get(EmployeeRef(other)) is None
            unit.employees.put(build.employee(ref=EmployeeRef(other), name="Other"))
        with storage.unit() as unit:
            found = unit.employees.get(EmployeeRef(one))
            assert found is not None
            assert found.name == "One"


class _MailboxPromises(_ContractBase):
    """Mailboxes, and how far each was read."""

    def test_mailboxes_come_by_id(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were added in, within a scope."""
        first, other, last = (
            build.mailbox(shop=_ONE_SHOP),
            build.mailbox(shop=_OTHER_SHOP),
            build.mailbox(shop=_ONE_SHOP),
        )
        with storage.unit() as unit:
            for mailbox in (last, other, first):
                unit.mailboxes.add(mailbox)

            assert unit.mailboxes.all() == [first, other, last]
            assert unit.mailboxes.all(_ONE) == [first, last]

    def test_saved_mailbox_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Nothing of the old value stays; the version rises."""
        full = _full_mailbox(build)
        with storage.unit() as unit:
            unit.mailboxes.add(full)
        bare = build.mailbox(id=full.id, version=full.version)
        with storage.unit() as unit:
            saved = unit.mailboxes.save(bare)

        assert saved == attrs.evolve(bare, version=full.version + 1)
        with storage.unit() as unit:
            assert unit.mailboxes.get(full.id) == saved

    def test_stale_mailbox_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Saving what somebody else changed meanwhile changes nothing; so does saving what was never stored."""
        mailbox = build.mailbox()
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            saved = unit.mailboxes.save(mailbox)
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.mailboxes.save(attrs.evolve(mailbox, user="other"))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.mailboxes.save(build.mailbox())

        with storage.unit() as unit:
            assert unit.mailboxes.all() == [saved]

    def test_removed_mailbox_is_gone_with_its_cursor(self, storage: Storage, build: Builder) -> None:
        """Its mails stay; removing what is not there does nothing."""
        mailbox, other = build.mailbox(), build.mailbox()
        delivery = build.delivery(mailbox_id=mailbox.id)
        cursor = SyncCursor(mailbox_id=other.id, epoch=1, uid=1)
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            unit.mailboxes.add(other)
            unit.mailboxes.save_cursor(SyncCursor(mailbox_id=mailbox.id, epoch=1, uid=1))
            unit.mailboxes.save_cursor(cursor)
            unit.deliveries.add([delivery])
        with storage.unit() as unit:
            unit.mailboxes.remove(mailbox.id)
            unit.mailboxes.remove(mailbox.id)
            unit.mailboxes.remove(MailboxId(build.ids.new()))

        with storage.unit() as unit:
            assert unit.mailboxes.all() == [other]
            assert (unit.mailboxes.cursor(mailbox.id), unit.mailboxes.cursor(other.id)) == (None, cursor)
            assert unit.deliveries.get(delivery.id) == delivery

    def test_cursor_is_replaced(self, storage: Storage, build: Builder) -> None:
        """There is none before the first; a later one takes its place, backwards too (a new UIDVALIDITY)."""
        mailbox = build.mailbox()
        far = SyncCursor(
            mailbox_id=mailbox.id,
            epoch=_GREATEST_UID,
            uid=_GREATEST_UID,
            since=dt.date(2026, 2, 28),
            old_uid=_GREATEST_UID - 1,
        )
        near = SyncCursor(mailbox_id=mailbox.id, epoch=5, uid=0)
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            assert unit.mailboxes.cursor(mailbox.id) is None
            unit.mailboxes.save_cursor(far)
        with storage.unit() as unit:
            assert unit.mailboxes.cursor(mailbox.id) == far
            unit.mailboxes.save_cursor(near)
        with storage.unit() as unit:
            assert unit.mailboxes.cursor(mailbox.id) == near


class _ThreadPromises(_ContractBase):
    """Conversations and their lists."""

    def test_numbers_rise_from_one_and_never_repeat(self, storage: Storage) -> None:
        """Within a unit and over units."""
        numbers = []
        for _ in range(3):
            with storage.unit() as unit:
                numbers += [unit.threads.next_number() for _ in range(3)]

        assert numbers[0] >= 1
        assert numbers == sorted(set(numbers))

    def test_numbers_of_concurrent_units_differ(self, storage: Storage) -> None:
        """Six threads that ask at once never get the same one."""

        def ask() -> list[int]:
            found = []
            for _ in range(5):
                with storage.unit() as unit:
                    found.append(unit.threads.next_number())
            return found

        numbers = [number for found in _together(*[ask] * 6) for number in found]
        assert len(set(numbers)) == 30

    def test_thread_is_found_by_number(self, storage: Storage, build: Builder) -> None:
        """Exactly that one; any other int, however impossible, finds none."""
        thread, other = build.thread(number=17), build.thread(number=18)
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.threads.add(other)

            assert unit.threads.by_number(17) == thread
            assert [unit.threads.by_number(number) for number in (0, -1, 19, 2**31, 2**63, -(2**63) - 1, 10**30)] == [
                None
            ] * 7

    def test_taken_number_is_refused(self, storage: Storage, build: Builder) -> None:
        """Two threads never have one number."""
        thread = build.thread(number=17)
        with storage.unit() as unit:
            unit.threads.add(thread)
        with pytest.raises(StorageError), storage.unit() as unit:
            unit.threads.add(build.thread(number=17))

        with storage.unit() as unit:
            assert unit.threads.by_number(17) == thread

    def test_saved_thread_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Nothing of the old value stays, participants neither; the version rises and `save` gives it."""
        full = _full_thread(build)
        with storage.unit() as unit:
            unit.threads.add(full)
        bare = build.thread(
            id=full.id, address=None, participants=frozenset({"only@one.example"}), version=full.version
        )
        with storage.unit() as unit:
            saved = unit.threads.save(bare)

        assert saved == attrs.evolve(bare, version=full.version + 1)
        with storage.unit() as unit:
            assert unit.threads.get(full.id) == saved
            assert unit.threads.by_number(full.number) is None

    def test_stale_thread_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Saving what somebody else changed meanwhile changes nothing; so does saving what was never stored."""
        thread = build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)
            saved = unit.threads.save(attrs.evolve(thread, subject="first"))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.threads.save(attrs.evolve(thread, subject="second"))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.threads.save(build.thread())

        with storage.unit() as unit:
            assert unit.threads.get(thread.id) == saved

    def test_only_one_of_two_concurrent_saves_wins(self, storage: Storage, build: Builder) -> None:
        """Six threads that read the same version and save at once: one succeeds, each other gets a `Conflict`."""
        thread = build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)

        def save(subject: str) -> Callable[[], str | None]:
            def act() -> str | None:
                try:
                    with storage.unit() as unit:
                        unit.threads.save(attrs.evolve(thread, subject=subject))
                except Conflict:
                    return None
                return subject

            return act

        won = [subject for subject in _together(*(save(f"by {worker}") for worker in range(6))) if subject]

        assert len(won) == 1
        with storage.unit() as unit:
            assert unit.threads.get(thread.id) == attrs.evolve(thread, subject=won[0], version=2)

    def test_list_is_by_last_activity_newest_first(self, storage: Storage, build: Builder) -> None:
        """Ties by id, newest first; a moment's microseconds count."""
        old, new = build.thread(last_activity_at=_EARLIER), build.thread(last_activity_at=_LATER)
        hardly_newer = build.thread(last_activity_at=_LATER + dt.timedelta(microseconds=1))
        tie = build.thread(last_activity_at=_LATER)
        _store(storage, new, old, tie, hardly_newer)

        with storage.unit() as unit:
            page = unit.threads.page(ThreadFilter())
        assert _ids(page.items) == _ids([hardly_newer, tie, new, old])
        assert page.next is None

    def test_list_leaves_participants_out_and_nothing_else(self, storage: Storage, build: Builder) -> None:
        """A list of threads need not carry who takes part."""
        thread = _full_thread(build)
        _store(storage, thread)

        with storage.unit() as unit:
            assert unit.threads.page(ThreadFilter()).items == (attrs.evolve(thread, participants=frozenset()),)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    def test_pages_join_without_gap_or_repetition(self, storage: Storage, build: Builder, limit: int) -> None:
        """Page by page through equal moments gives each thread once, in order; the last page has no next."""
        moments = [_EARLIER, BEGINNING, BEGINNING, BEGINNING, BEGINNING, _LATER, _LATER]
        threads = [build.thread(last_activity_at=moment) for moment in moments]
        _store(storage, *threads)

        assert _ids(_all_threads(storage, ThreadFilter(), limit)) == _ids(threads[::-1])

    def test_paging_goes_on_when_threads_come_and_change(self, storage: Storage, build: Builder) -> None:
        """A page key is a place in the order: what happens before it does not shift what follows."""
        threads = [build.thread(last_activity_at=BEGINNING + at * _MINUTE) for at in range(6)]
        _store(storage, *threads)
        with storage.unit() as unit:
            first = unit.threads.page(ThreadFilter(), limit=3)
        with storage.unit() as unit:
            unit.threads.add(build.thread(last_activity_at=BEGINNING + 10 * _MINUTE))
            unit.threads.save(attrs.evolve(threads[3], last_activity_at=BEGINNING + 11 * _MINUTE))
        with storage.unit() as unit:
            second = unit.threads.page(ThreadFilter(), after=first.next, limit=3)

        assert _ids(first.items) == _ids(threads[:2:-1])
        assert _ids(second.items) == _ids(threads[2::-1])

    def test_page_of_nothing_is_empty(self, storage: Storage) -> None:
        """No threads, no items, no next."""
        with storage.unit() as unit:
            page = unit.threads.page(ThreadFilter())

        assert (page.items, page.next) == ((), None)

    @pytest.mark.parametrize(
        "key", ["", "x", "0", "'; --", "1.2.3", "9" * 40 + "." + "0" * 32, "\x00", "١.٢", f"{'9' * 18}.{'0' * 32}", "é"]
    )
    def test_foreign_page_key_is_refused(self, storage: Storage, build: Builder, key: str) -> None:
        """A key that `page` never gave is an `InvalidValue`, not a wrong page and not trouble with the storage."""
        _store(storage, build.thread())

        with pytest.raises(InvalidValue), storage.unit() as unit:
            unit.threads.page(ThreadFilter(), after=key)

    def test_list_can_be_narrowed(self, storage: Storage, build: Builder) -> None:
        """Each condition alone keeps exactly the threads that meet it; together they must all hold."""
        contact = ContactId(build.ids.new())
        special = build.thread(
            shop=_ONE_SHOP,
            status=ThreadStatus.PENDING2,
            contact_id=contact,
            customer=CustomerRef("c-1"),
            address=EmailAddress("Max@Shop.example"),
            assignee=EmployeeRef("max"),
            order=OrderRef("o-1"),
            language="de",
            last_activity_at=_LATER,
        )
        plain = build.thread(shop=_OTHER_SHOP, address=None, last_activity_at=BEGINNING)
        _store(storage, special, plain)
        conditions: list[dict[str, Any]] = [
            {"scope": _ONE},
            {"statuses": frozenset({ThreadStatus.PENDING2, ThreadStatus.CLOSED})},
            {"contact_id": contact},
            {"customer": CustomerRef("c-1")},
            {"address": EmailAddress("max@shop.EXAMPLE")},
            {"assignee": EmployeeRef("max")},
            {"order": OrderRef("o-1")},
            {"language": "de"},
            {"active_since": _LATER},
        ]
        opposite: list[dict[str, Any]] = [
            {"scope": ShopScope.of(_OTHER_SHOP)},
            {"statuses": frozenset({ThreadStatus.OPEN})},
            {"unassigned": True},
            {"active_before": _LATER},
        ]
        together = {name: value for condition in conditions for name, value in condition.items()}

        for condition in [*conditions, together]:
            assert _ids(_all_threads(storage, ThreadFilter(**condition))) == [special.id], condition
        for condition in opposite:
            assert _ids(_all_threads(storage, ThreadFilter(**condition))) == [plain.id], condition
        for condition in conditions:
            assert _all_threads(storage, ThreadFilter(**condition, unassigned=True)) == [], condition
        assert _all_threads(storage, ThreadFilter(statuses=frozenset())) == []
        assert _ids(_all_threads(storage, ThreadFilter())) == [special.id, plain.id]

    def test_narrowed_list_is_paged_like_the_whole(self, storage: Storage, build: Builder) -> None:
        """Pages of a narrowed list are full, in the order of the whole, over several statuses and shops too."""
        statuses = list(ThreadStatus)
        threads = [
            build.thread(
                shop=ShopId(f"shop {at % 3}"),
                status=statuses[at % 4],
                last_activity_at=BEGINNING + (at // 5) * _MINUTE,
            )
            for at in range(40)
        ]
        _store(storage, *threads)
        wanted = ThreadFilter(
            scope=ShopScope.of(ShopId("shop 0"), ShopId("shop 2")),
            statuses=frozenset({ThreadStatus.OPEN, ThreadStatus.PENDING1}),
        )
        expected = [
            thread
            for thread in reversed(threads)
            if thread.shop != "shop 1" and thread.status in (ThreadStatus.OPEN, ThreadStatus.PENDING1)
        ]

        assert _ids(_all_threads(storage, wanted, limit=4)) == _ids(expected)

    @pytest.mark.parametrize(("one", "other"), [pair for pair in _ALMOST_EQUAL if "\u3000" not in pair[1]])
    def test_customers_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A list of one customer's threads holds nobody else's."""
        mine, theirs = build.thread(customer=CustomerRef(one)), build.thread(customer=CustomerRef(other))
        _store(storage, mine, theirs)

        assert _ids(_all_threads(storage, ThreadFilter(customer=CustomerRef(one)))) == [mine.id]

    @pytest.mark.parametrize(
        ("one", "other"),
        [("anna@x.example", "ánna@x.example"), ("a_b@x.example", "aab@x.example"), ("a@x.example", "a@x.example.org")],
    )
    def test_addresses_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A list of one address's threads holds nobody else's."""
        mine, theirs = build.thread(address=EmailAddress(one)), build.thread(address=EmailAddress(other))
        _store(storage, mine, theirs)

        assert _ids(_all_threads(storage, ThreadFilter(address=EmailAddress(one)))) == [mine.id]


class _MessagePromises(_ContractBase):
    """What people wrote, and the Message-IDs known from it."""

    def test_messages_come_oldest_stored_first(self, storage: Storage, build: Builder) -> None:
        """By id, whatever their moments and the order they were added in; only those of the thread."""
        thread, other = build.thread(), build.thread()
        messages = [build.message(thread, sent_at=BEGINNING - at * _MINUTE) for at in range(5)]
        _store(storage, thread, other)
        with storage.unit() as unit:
            unit.messages.add(messages[3:])
            unit.messages.add([build.message(other)])
            unit.messages.add(messages[2::-1])

        with storage.unit() as unit:
            assert unit.messages.of_thread(thread.id) == messages

    def test_messages_are_given_from_a_place_on(self, storage: Storage, build: Builder) -> None:
        """Behind `after`, at most `limit`; `after` need not be stored."""
        thread = build.thread()
        before = MessageId(build.ids.new())
        messages = [build.message(thread) for _ in range(5)]
        _store(storage, thread, messages=messages)

        with storage.unit() as unit:
            assert unit.messages.of_thread(thread.id, after=messages[1].id) == messages[2:]
            assert unit.messages.of_thread(thread.id, after=messages[1].id, limit=2) == messages[2:4]
            assert unit.messages.of_thread(thread.id, after=before, limit=1) == messages[:1]
            assert list(unit.messages.of_thread(thread.id, after=messages[-1].id)) == []
            assert list(unit.messages.of_thread(ThreadId(build.ids.new()))) == []

    def test_message_needs_its_thread(self, storage: Storage, build: Builder) -> None:
        """A message of no stored thread is a `StorageError`: each belongs to one (R57)."""
        message = build.message()
        with pytest.raises(StorageError), storage.unit() as unit:
            unit.messages.add([message])

        with storage.unit() as unit:
            assert unit.messages.get(message.id) is None

    def test_adding_no_messages_does_nothing(self, storage: Storage) -> None:
        """An empty sequence is no error."""
        with storage.unit() as unit:
            unit.messages.add([])
            unit.events.add([])

            assert list(unit.deliveries.add([])) == []
            unit.deliveries.save([])
            unit.figures.add({})

    def test_many_attachments_keep_their_order(self, storage: Storage, build: Builder) -> None:
        """Two hundred on one message, the same bytes on several messages."""
        thread = build.thread()
        many = build.message(thread, attachments=tuple(build.attachment(filename=f"{at}.txt") for at in range(200)))
        few = build.message(thread, attachments=(build.attachment(filename="0.txt"),))
        _store(storage, thread, messages=[many, few])

        with storage.unit() as unit:
            assert unit.messages.of_thread(thread.id) == [many, few]

    def test_latest_header_ids_are_those_of_public_messages(self, storage: Storage, build: Builder) -> None:
        """The latest at most `limit`, oldest first; internal messages and those without one are passed over."""
        thread, other = build.thread(), build.thread()
        messages = [
            build.message(thread, header_id="1@x"),
            build.reply(thread, header_id="2@x"),
            build.note(thread, header_id="secret@x"),
            build.message(thread),
            build.message(thread, header_id="3@x"),
            build.note(thread),
            build.message(other, header_id="other@x"),
        ]
        _store(storage, thread, other, messages=messages)

        with storage.unit() as unit:
            assert unit.messages.latest_header_ids(thread.id, limit=2) == ["2@x", "3@x"]
            assert unit.messages.latest_header_ids(thread.id, limit=10) == ["1@x", "2@x", "3@x"]
            assert list(unit.messages.latest_header_ids(ThreadId(build.ids.new()), limit=10)) == []

    def test_known_message_ids_say_whose_they_are(self, storage: Storage, build: Builder) -> None:
        """Every use, by message id: received when a delivery brought the message, whoever wrote it, else sent."""
        thread, other = build.thread(), build.thread(shop=_OTHER_SHOP)
        delivery_id = DeliveryId(build.ids.new())
        received = build.message(thread, header_id="1@x", delivery_id=delivery_id)
        written_by_form = build.message(thread, header_id="2@x")
        sent = build.reply(thread, header_id="3@x")
        received_report = build.report(thread, header_id="4@x", delivery_id=delivery_id)
        elsewhere = build.message(other, header_id="1@x", delivery_id=delivery_id)
        messages = [received, written_by_form, sent, received_report, elsewhere]
        _store(storage, thread, other, messages=messages)

        with storage.unit() as unit:
            found = unit.messages.find_header_ids(ALL_SHOPS, ["4@x", "3@x", "2@x", "1@x", "unknown@x"])
        assert list(found) == [
            KnownHeaderId(
                header_id=message.header_id or "",
                shop=message.shop,
                thread_id=message.thread_id,
                message_id=message.id,
                sent=message in (written_by_form, sent),
            )
            for message in messages
        ]

    def test_message_ids_of_other_shops_are_unknown(self, storage: Storage, build: Builder) -> None:
        """A scope hides the uses of other shops; an empty question has an empty answer."""
        thread, other = build.thread(shop=_ONE_SHOP), build.thread(shop=_OTHER_SHOP)
        mine, theirs = build.message(thread, header_id="1@x"), build.message(other, header_id="1@x")
        _store(storage, thread, other, messages=[mine, theirs])

        with storage.unit() as unit:
            assert [known.message_id for known in unit.messages.find_header_ids(_ONE, ["1@x"])] == [mine.id]
            assert list(unit.messages.find_header_ids(ShopScope.of(), ["1@x"])) == []
            assert list(unit.messages.find_header_ids(ALL_SHOPS, [])) == []

    @pytest.mark.parametrize(("one", "other"), [*_ALMOST_EQUAL, ("i" * 997 + "a", "i" * 997 + "b"), ("x", "x\x7f")])
    def test_message_ids_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A mail never joins a thread because two Message-IDs look alike, however long they are."""
        thread = build.thread()
        messages = [build.message(thread, header_id=one), build.message(thread, header_id=other)]
        delivery = build.delivery(header_id=one)
        _store(storage, thread, messages=messages)
        with storage.unit() as unit:
            unit.deliveries.add([delivery])

        with storage.unit() as unit:
            assert [known.message_id for known in unit.messages.find_header_ids(ALL_SHOPS, [one])] == [messages[0].id]
            assert [known.header_id for known in unit.messages.find_header_ids(ALL_SHOPS, [other])] == [other]
            assert unit.deliveries.by_header_id(ALL_SHOPS, one) == [delivery]
            assert list(unit.deliveries.by_header_id(ALL_SHOPS, other)) == []

    def test_ten_thousand_references_are_looked_up(self, storage: Storage, build: Builder) -> None:
        """A mail may name as many as it likes; the known ones are found."""
        thread = build.thread()
        messages = [build.message(thread, header_id=f"{at}@known") for at in (3, 5)]
        _store(storage, thread, messages=messages)
        asked = [f"{at}@unknown" for at in range(9_998)]
        asked[1:1], asked[-1:-1] = ["5@known"], ["3@known"]

        with storage.unit() as unit:
            found = unit.messages.find_header_ids(ALL_SHOPS, asked)
        assert [known.message_id for known in found] == _ids(messages)

    def test_history_keeps_its_order(self, storage: Storage, build: Builder) -> None:
        """Events come in the order they were added, over units, whatever their moments; only those of the thread."""
        thread, other = build.thread(), build.thread()
        events = [
            build.event(
                thread,
                kind=kind,
                at=BEGINNING - at * _MINUTE,
                cause=list(StatusCause)[at % 5],
                before=None if at % 2 else "é before",
                after="after" * at,
                message_id=MessageId(build.ids.new()),
            )
            for at, kind in enumerate(EventKind)
        ]
        _store(storage, thread, other)
        for start in range(0, len(events), 4):
            with storage.unit() as unit:
                unit.events.add([*events[start : start + 4], build.event(other)])

        with storage.unit() as unit:
            assert list(unit.events.of_thread(thread.id)) == events
            assert len(unit.events.of_thread(other.id)) == 3
            assert list(unit.events.of_thread(ThreadId(build.ids.new()))) == []


class _DeliveryPromises(_ContractBase):
    """The mails as sources handed them over."""

    def test_new_deliveries_are_stored_and_named(self, storage: Storage, build: Builder) -> None:
        """`add` gives the ids of what it stored, in order."""
        deliveries = [build.delivery() for _ in range(3)]
        with storage.unit() as unit:
            assert list(unit.deliveries.add(deliveries[::-1])) == _ids(deliveries[::-1])
        with storage.unit() as unit:
            assert [unit.deliveries.find(delivery.key) for delivery in deliveries] == deliveries

    def test_known_key_is_left_out_and_unchanged(self, storage: Storage, build: Builder) -> None:
        """A second delivery of a key is not stored, in a later unit or within one call, and changes nothing."""
        first, new = build.delivery(subject="first"), build.delivery()
        again, twice = build.delivery(key=first.key, subject="again"), build.delivery(key=new.key)
        with storage.unit() as unit:
            unit.deliveries.add([first])
        with storage.unit() as unit:
            assert list(unit.deliveries.add([again, new, twice])) == [new.id]

        with storage.unit() as unit:
            assert unit.deliveries.find(first.key) == first
            assert (unit.deliveries.get(again.id), unit.deliveries.get(twice.id)) == (None, None)

    def test_key_added_by_two_units_at_once_is_stored_once(self, storage: Storage, build: Builder) -> None:
        """Six threads add the same ten keys: each key has one winner, and nobody gets an exception."""
        keys = [DeliveryKey(source="box", epoch=1, uid=uid) for uid in range(1, 11)]

        def add(order: int) -> Callable[[], Sequence[DeliveryId]]:
            mine = [build.delivery(key=key) for key in (keys if order % 2 else keys[::-1])]

            def act() -> Sequence[DeliveryId]:
                with storage.unit() as unit:
                    return unit.deliveries.add(mine)

            return act

        won = [found for ids in _together(*(add(order) for order in range(6))) for found in ids]

        assert len(won) == 10
        with storage.unit() as unit:
            stored = [unit.deliveries.find(key) for key in keys]
        assert {delivery.id for delivery in stored if delivery is not None} == set(won)

    def test_unit_that_lost_a_key_works_on(self, storage: Storage, build: Builder) -> None:
        """Leaving out a known key does not spoil the unit: what it writes besides is stored."""
        first, second = build.delivery(), build.delivery()
        contact = build.contact()
        with storage.unit() as unit:
            unit.deliveries.add([first])
        with storage.unit() as unit:
            unit.deliveries.add([build.delivery(key=first.key), second])
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.deliveries.get(second.id) == second
            assert unit.contacts.get(contact.id) == contact

    @pytest.mark.parametrize(
        "other",
        [
            {"source": "BOX"},
            {"source": "box "},
            {"source": "böx"},
            {"epoch": 2**31 + 1},
            {"epoch": _GREATEST_UID},
            {"uid": 2**31},
            {"uid": _GREATEST_UID},
            {"name": "UIDL-1"},
            {"name": "uidl-1 "},
            {"name": "uidl-é"},
            {"name": "uidl-e\u0301"},
            {"name": "folder/" * 500 + "1"},
            {"name": "folder/" * 500 + "2"},
            {"name": "mail-\udcff"},
        ],
        ids=str,
    )
    def test_keys_are_told_apart_exactly(self, storage: Storage, build: Builder, other: dict[str, Any]) -> None:
        """Numbers up to 2**32 - 1; names of any length and any bytes, compared exactly."""
        key = DeliveryKey(source="box", epoch=1, uid=1, name="uidl-1")
        first, second = build.delivery(key=key), build.delivery(key=attrs.evolve(key, **other))
        with storage.unit() as unit:
            assert list(unit.deliveries.add([first, second])) == [first.id, second.id]

        with storage.unit() as unit:
            assert (unit.deliveries.find(first.key), unit.deliveries.find(second.key)) == (first, second)
            assert list(unit.deliveries.add([build.delivery(key=second.key)])) == []
            assert set(unit.deliveries.known("box", [key])) == {key}

    def test_parts_of_a_key_do_not_run_together(self, storage: Storage, build: Builder) -> None:
        """Epoch 1 and UID 23 is not epoch 12 and UID 3; a name is not a piece of the source."""
        keys = [
            DeliveryKey(source="box", epoch=1, uid=23),
            DeliveryKey(source="box", epoch=12, uid=3),
            DeliveryKey(source="box1", epoch=2, uid=3),
            DeliveryKey(source="box", epoch=1, uid=2, name="3"),
            DeliveryKey(source="bo", epoch=1, uid=23, name="x"),
        ]
        with storage.unit() as unit:
            added = unit.deliveries.add([build.delivery(key=key) for key in keys])

        assert len(added) == 5

    def test_ten_thousand_keys_are_looked_up(self, storage: Storage, build: Builder) -> None:
        """`known` gives exactly those that are stored, of that source."""
        keys = [DeliveryKey(source="box", epoch=_GREATEST_UID, uid=2**31 + at) for at in range(10_000)]
        stored = keys[::2500]
        elsewhere = attrs.evolve(keys[1], source="other")
        with storage.unit() as unit:
            unit.deliveries.add([build.delivery(key=key) for key in [*stored, elsewhere]])

        with storage.unit() as unit:
            assert set(unit.deliveries.known("box", keys)) == set(stored)
            assert set(unit.deliveries.known("box", [])) == set()
            assert set(unit.deliveries.known("nowhere", [attrs.evolve(stored[0], source="nowhere")])) == set()

    def test_saved_delivery_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Several at once, values set and values taken away."""
        bare, full = build.delivery(), _full_delivery(build)
        with storage.unit() as unit:
            unit.deliveries.add([bare, full])
        filled = attrs.evolve(full, id=bare.id, key=bare.key)
        emptied = build.delivery(id=full.id, key=full.key, sha256=None)
        with storage.unit() as unit:
            unit.deliveries.save([filled, emptied])

        with storage.unit() as unit:
            assert (unit.deliveries.get(bare.id), unit.deliveries.get(full.id)) == (filled, emptied)

    def test_saving_an_unknown_delivery_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """What was never added cannot be replaced, also beside one that can."""
        stored = build.delivery()
        with storage.unit() as unit:
            unit.deliveries.add([stored])
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.deliveries.save([attrs.evolve(stored, attempts=1), build.delivery()])

        with storage.unit() as unit:
            assert unit.deliveries.get(stored.id) == stored

    def test_unread_mails_come_by_place_at_the_source(self, storage: Storage, build: Builder) -> None:
        """By epoch, UID and id, at most `limit`; without outcome, with bytes, of that source."""
        places = [(1, 5), (1, 2**31 + 1), (2, 3), (2, 0), (2, 0)]
        waits = [
            build.delivery(key=DeliveryKey(source="box", epoch=epoch, uid=uid, name=f"n{at}"))
            for at, (epoch, uid) in enumerate(places)
        ]
        waits[3], waits[4] = build.delivery(key=waits[4].key), build.delivery(key=waits[3].key)
        others = [
            build.delivery(key=DeliveryKey(source="box", uid=1), outcome=Outcome.OPENED),
            build.delivery(key=DeliveryKey(source="box", uid=2), raw_kept=False),
            build.delivery(key=DeliveryKey(source="Box", uid=3)),
        ]
        expected = [waits[0], waits[1], waits[3], waits[4], waits[2]]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *waits[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.unread("box", limit=10)) == expected
            assert list(unit.deliveries.unread("box", limit=3)) == expected[:3]
            assert list(unit.deliveries.unread("nowhere", limit=3)) == []

    def test_mail_that_was_read_is_no_longer_unread(self, storage: Storage, build: Builder) -> None:
        """An outcome takes a mail off the list; taking the outcome back puts it there again."""
        delivery = build.delivery()
        source = delivery.key.source
        with storage.unit() as unit:
            unit.deliveries.add([delivery])
        with storage.unit() as unit:
            unit.deliveries.save([attrs.evolve(delivery, outcome=Outcome.HELD)])
            assert list(unit.deliveries.unread(source, limit=9)) == []
        with storage.unit() as unit:
            unit.deliveries.save([delivery])
        with storage.unit() as unit:
            assert list(unit.deliveries.unread(source, limit=9)) == [delivery]

    def test_unacknowledged_mails_come_by_id(self, storage: Storage, build: Builder) -> None:
        """With an outcome, still to be told to their source, of that epoch, from behind a place."""

        def mail(uid: int, **fields: Any) -> Delivery:
            told = {"outcome": Outcome.OPENED, "acknowledge": True, "key": DeliveryKey(source="box", epoch=7, uid=uid)}
            return build.delivery(**told | fields)

        waits = [mail(9), mail(8), mail(7)]
        others = [
            mail(6, acknowledge=False),
            mail(5, outcome=None),
            mail(0, key=DeliveryKey(source="box", epoch=8, uid=1)),
            mail(0, key=DeliveryKey(source="Box", epoch=7, uid=1)),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *waits[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9)) == waits
            assert list(unit.deliveries.unacknowledged("box", 7, limit=2)) == waits[:2]
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9, after=waits[0].id)) == waits[1:]
            unit.deliveries.save([attrs.evolve(waits[0], acknowledge=False)])
            assert list(unit.deliveries.unacknowledged("box", 7, limit=9)) == waits[1:]

    def test_mails_are_found_by_their_bytes(self, storage: Storage, build: Builder) -> None:
        """Those of a source with that digest, by id."""
        digest = digest_of("mail")
        found = [build.delivery(sha256=digest) for _ in range(2)]
        others = [
            build.delivery(sha256=digest_of("other")),
            build.delivery(sha256=None),
            build.delivery(sha256=digest, key=DeliveryKey(source="A mailbox", uid=1)),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*others, *found[::-1]])

        with storage.unit() as unit:
            assert list(unit.deliveries.by_bytes("a mailbox", digest)) == found
            assert list(unit.deliveries.by_bytes("nowhere", digest)) == []

    def test_first_mail_of_equal_content_is_found(self, storage: Storage, build: Builder) -> None:
        """The first by id of the shop, in a thread or held, stored at or after the moment."""
        digest = digest_of("content")

        def mail(outcome: Outcome | None, **fields: Any) -> Delivery:
            return build.delivery(**{"content_digest": digest, "shop": _ONE_SHOP, "outcome": outcome} | fields)

        useless = [mail(outcome) for outcome in (None, *Outcome) if outcome is None or _is_no_original(outcome)]
        useless.append(mail(Outcome.OPENED, shop=_OTHER_SHOP))
        useless.append(mail(Outcome.OPENED, content_digest=digest_of("other")))
        old = mail(Outcome.OPENED, stored_at=_EARLIER)
        originals = [mail(outcome) for outcome in Outcome if not _is_no_original(outcome)]
        with storage.unit() as unit:
            unit.deliveries.add(useless)
            assert unit.deliveries.by_content(_ONE_SHOP, digest, since=_EARLIER) is None
            unit.deliveries.add([*originals[::-1], old])

        with storage.unit() as unit:
            assert unit.deliveries.by_content(_ONE_SHOP, digest, since=_EARLIER) == old
            for at, original in enumerate(originals):
                assert unit.deliveries.by_content(_ONE_SHOP, digest, since=BEGINNING) == original
                unit.deliveries.save([attrs.evolve(original, outcome=Outcome.DUPLICATE)])
                assert len(originals) - at > 0
            assert unit.deliveries.by_content(_ONE_SHOP, digest, since=BEGINNING) is None

    def test_mails_are_found_by_message_id(self, storage: Storage, build: Builder) -> None:
        """All of the scope, by id."""
        mine = [build.delivery(header_id="1@x", shop=_ONE_SHOP) for _ in range(2)]
        theirs = build.delivery(header_id="1@x", shop=_OTHER_SHOP)
        with storage.unit() as unit:
            unit.deliveries.add([theirs, *mine[::-1], build.delivery(header_id="2@x"), build.delivery()])

        with storage.unit() as unit:
            assert list(unit.deliveries.by_header_id(_ONE, "1@x")) == mine
            assert list(unit.deliveries.by_header_id(ALL_SHOPS, "1@x")) == [*mine, theirs]

    @pytest.mark.parametrize("limit", [1, 2, 3, 9])
    def test_mails_are_listed_newest_first(self, storage: Storage, build: Builder, limit: int) -> None:
        """By id, page by page, narrowed by shop, outcome and mailbox."""
        box = MailboxId(build.ids.new())
        mails = [
            build.delivery(
                shop=_ONE_SHOP if at % 2 else _OTHER_SHOP,
                outcome=Outcome.HELD if at % 3 else Outcome.IGNORED,
                mailbox_id=box if at % 4 else None,
            )
            for at in range(9)
        ]
        with storage.unit() as unit:
            unit.deliveries.add(mails)

        def listed(wanted: DeliveryFilter) -> list[Delivery]:
            found: list[Delivery] = []
            after = None
            while True:
                with storage.unit() as unit:
                    page = unit.deliveries.page(wanted, after=after, limit=limit)
                assert len(page.items) <= limit
                found += page.items
                after = page.next
                if after is None:
                    return found

        newest = mails[::-1]
        held = [mail for mail in newest if mail.outcome is Outcome.HELD]
        assert listed(DeliveryFilter()) == newest
        assert listed(DeliveryFilter(scope=_ONE)) == [mail for mail in newest if mail.shop == _ONE_SHOP]
        assert listed(DeliveryFilter(outcomes=frozenset({Outcome.HELD, Outcome.GONE}))) == held
        assert listed(DeliveryFilter(mailbox_id=box)) == [mail for mail in newest if mail.mailbox_id]
        assert listed(DeliveryFilter(outcomes=frozenset())) == []

    def test_mails_that_were_not_ours_can_be_forgotten(self, storage: Storage, build: Builder) -> None:
        """Only those of that mailbox with that outcome; the number is given, and their keys are free again."""
        box, other = MailboxId(build.ids.new()), MailboxId(build.ids.new())
        gone = [build.delivery(mailbox_id=box, outcome=Outcome.NOT_OURS) for _ in range(3)]
        stays = [
            build.delivery(mailbox_id=box, outcome=Outcome.IGNORED),
            build.delivery(mailbox_id=box),
            build.delivery(mailbox_id=other, outcome=Outcome.NOT_OURS),
        ]
        with storage.unit() as unit:
            unit.deliveries.add([*gone, *stays])
        with storage.unit() as unit:
            assert unit.deliveries.forget_not_ours(box) == 3
            assert unit.deliveries.forget_not_ours(box) == 0

        with storage.unit() as unit:
            assert unit.deliveries.page(DeliveryFilter()).items == tuple(stays[::-1])
            again = build.delivery(key=gone[0].key)
            assert list(unit.deliveries.add([again])) == [again.id]


class _BlobPromises(_ContractBase):
    """Bytes by their digest."""

    @pytest.mark.parametrize(
        "size", [0, 1, 2**20 - 1, 2**20, 2**20 + 1, 3_000_000, 20 * 2**20], ids=lambda size: f"{size} bytes"
    )
    def test_bytes_come_back_equal(self, storage: Storage, size: int) -> None:
        """Of any size, none included; the name is their hex SHA-256."""
        content = (bytes(range(256)) * (size // 256 + 1))[:size]
        with storage.unit() as unit:
            name = unit.blobs.put(content, BlobOwner("delivery", "1"))
        with storage.unit() as unit:
            found = unit.blobs.get(name)

        assert name == hashlib.sha256(content).hexdigest()
        assert type(found) is bytes
        assert found == content

    def test_missing_bytes_are_an_error(self, storage: Storage) -> None:
        """They were promised; that they are not there is never silent."""
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(digest_of("never stored"))

    def test_bytes_stay_until_the_last_owner_lets_go(self, storage: Storage) -> None:
        """Owners are counted once each, told apart exactly, by kind and id."""
        owners = [
            BlobOwner("delivery", "a"),
            BlobOwner("delivery", "A"),
            BlobOwner("delivery", "a "),
            BlobOwner("attachment", "a"),
            BlobOwner("outbox", "a"),
            BlobOwner("delivery", "a" * 64),
        ]
        with storage.unit() as unit:
            names = {unit.blobs.put(b"shared", owner) for owner in owners + owners}
        (name,) = names
        for owner in owners:
            with storage.unit() as unit:
                assert unit.blobs.get(name) == b"shared"
                unit.blobs.release(name, owner)
                unit.blobs.release(name, owner)

        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(name)

    def test_release_by_a_stranger_does_nothing(self, storage: Storage) -> None:
        """Neither of bytes another owns, nor of bytes nobody stored."""
        with storage.unit() as unit:
            name = unit.blobs.put(b"mine", BlobOwner("delivery", "1"))
            unit.blobs.release(name, BlobOwner("delivery", "2"))
            unit.blobs.release(digest_of("never stored"), BlobOwner("delivery", "1"))

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"mine"

    def test_deleted_bytes_can_be_stored_again(self, storage: Storage) -> None:
        """In the same unit and in a later one."""
        owner = BlobOwner("delivery", "1")
        with storage.unit() as unit:
            name = unit.blobs.put(b"again", owner)
            unit.blobs.release(name, owner)
            assert unit.blobs.put(b"again", owner) == name
        with storage.unit() as unit:
            unit.blobs.release(name, owner)
        with storage.unit() as unit:
            unit.blobs.put(b"again", owner)

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"again"

    def test_failed_unit_leaves_no_bytes(self, storage: Storage) -> None:
        """Neither the bytes nor the note that somebody needs bytes others stored."""
        kept, failed = BlobOwner("delivery", "kept"), BlobOwner("delivery", "failed")
        with storage.unit() as unit:
            shared = unit.blobs.put(b"shared", kept)
        with _failing(storage) as unit:
            alone = unit.blobs.put(b"alone", failed)
            unit.blobs.put(b"shared", failed)
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(alone)

        with storage.unit() as unit:
            unit.blobs.release(shared, kept)
        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(shared)

    def test_failed_unit_deletes_no_bytes(self, storage: Storage) -> None:
        """Bytes whose last owner let go in a unit that failed are still there, and still owned."""
        owner, other = BlobOwner("delivery", "1"), BlobOwner("delivery", "2")
        with storage.unit() as unit:
            name = unit.blobs.put(b"needed", owner)
        with _failing(storage) as unit:
            unit.blobs.release(name, owner)
        with storage.unit() as unit:
            unit.blobs.put(b"needed", other)
            unit.blobs.release(name, other)

        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"needed"

    def test_bytes_put_by_many_at_once_are_counted_for_each(self, storage: Storage) -> None:
        """Six threads store the same bytes for owners of their own; the bytes go with the last."""
        owners = [BlobOwner("delivery", str(at)) for at in range(6)]

        def put(owner: BlobOwner) -> Callable[[], str]:
            def act() -> str:
                with storage.unit() as unit:
                    return unit.blobs.put(b"mailed to six", owner)

            return act

        def release(owner: BlobOwner) -> Callable[[], None]:
            def act() -> None:
                with storage.unit() as unit:
                    unit.blobs.release(name, owner)

            return act

        (name,) = set(_together(*(put(owner) for owner in owners)))
        _together(*(release(owner) for owner in owners[:5]))
        with storage.unit() as unit:
            assert unit.blobs.get(name) == b"mailed to six"
            unit.blobs.release(name, owners[5])

        with pytest.raises(StoredBytesLost), storage.unit() as unit:
            unit.blobs.get(name)

    def test_bytes_put_while_the_last_owner_lets_go_are_kept(self, storage: Storage) -> None:
        """Whoever comes first, who put them and did not release them finds them."""
        leaves, stays = BlobOwner("delivery", "leaves"), BlobOwner("delivery", "stays")

        def release() -> None:
            with storage.unit() as unit:
                unit.blobs.release(name, leaves)

        def put() -> None:
            with storage.unit() as unit:
                unit.blobs.put(content, stays)

        for turn in range(10):
            content = b"turn %d" % turn
            with storage.unit() as unit:
                name = unit.blobs.put(content, leaves)
            _together(release, put)
            with storage.unit() as unit:
                assert unit.blobs.get(name) == content


class _LeasePromises(_ContractBase):
    """Who works on what."""

    def test_free_lease_is_taken(self, storage: Storage) -> None:
        """Its holder, name and end are those asked for."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("mailbox:1", "worker", now=BEGINNING, until=_LATER)

        assert lease is not None
        assert (lease.name, lease.owner, lease.until) == ("mailbox:1", "worker", _LATER)

    def test_held_lease_is_not_given_to_another(self, storage: Storage) -> None:
        """None, as long as it lasts; leases of other names are free, and names are compared exactly."""
        with storage.unit() as unit:
            unit.leases.acquire("mailbox:a", "worker", now=BEGINNING, until=_LATER)
        with storage.unit() as unit:
            assert unit.leases.acquire("mailbox:a", "other", now=BEGINNING, until=_LATER) is None
            assert unit.leases.acquire("mailbox:a", "WORKER", now=BEGINNING, until=_LATER) is None
            for name in ("mailbox:A", "mailbox:a ", "mailbox:á", "mailbox:a" + "x" * 150):
                assert unit.leases.acquire(name, "other", now=BEGINNING, until=_LATER) is not None, name

    def test_owner_gets_its_lease_again(self, storage: Storage) -> None:
        """With the new end, and its older value still counts."""
        with storage.unit() as unit:
            first = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
            second = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER + _MINUTE)
            assert first is not None
            assert second is not None

            assert second.until == _LATER + _MINUTE
            unit.leases.check(second)

    def test_expired_lease_is_taken_over(self, storage: Storage) -> None:
        """Its new holder has a higher fence; what the old one does with it is `LeaseLost`."""
        with storage.unit() as unit:
            old = unit.leases.acquire("sync", "old", now=BEGINNING, until=_LATER)
            assert old is not None
        with storage.unit() as unit:
            new = unit.leases.acquire("sync", "new", now=_LATER + _MINUTE, until=_LATER + 2 * _MINUTE)
            assert new is not None
            assert new.fence > old.fence

        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(old)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.renew(old, until=_LATER + 3 * _MINUTE)
        with storage.unit() as unit:
            unit.leases.release(old)
            unit.leases.check(new)

    def test_expired_lease_nobody_took_is_still_its_holders(self, storage: Storage) -> None:
        """A slow worker whose lease nobody wanted may go on."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "slow", now=BEGINNING, until=BEGINNING + dt.timedelta(seconds=1))
            assert lease is not None
        with storage.unit() as unit:
            unit.leases.check(lease)
            renewed = unit.leases.renew(lease, until=_LATER)
            unit.leases.check(renewed)

        assert (renewed.until, renewed.fence) == (_LATER, lease.fence)

    def test_renewed_lease_lasts_longer(self, storage: Storage) -> None:
        """Nobody else gets it before its new end."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
            assert lease is not None
            unit.leases.renew(lease, until=_LATER + 2 * _MINUTE)
        with storage.unit() as unit:
            assert unit.leases.acquire("sync", "other", now=_LATER + _MINUTE, until=_LATER + 3 * _MINUTE) is None

    def test_released_lease_is_free_and_lost(self, storage: Storage) -> None:
        """Anybody gets it, with a higher fence; who released it has it no more, even if it takes it again."""
        with storage.unit() as unit:
            first = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
            assert first is not None
            unit.leases.release(first)
            unit.leases.release(first)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(first)
        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.renew(first, until=_LATER)
        with storage.unit() as unit:
            second = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
            assert second is not None
            assert second.fence > first.fence

        with pytest.raises(LeaseLost), storage.unit() as unit:
            unit.leases.check(first)

    def test_fence_rises_with_every_holder(self, storage: Storage) -> None:
        """Also after the lease was given back and over units."""
        fences = []
        for worker in range(5):
            with storage.unit() as unit:
                lease = unit.leases.acquire("sync", f"worker {worker}", now=BEGINNING, until=_LATER)
                assert lease is not None
                fences.append(lease.fence)
                unit.leases.release(lease)

        assert fences == sorted(set(fences))

    @pytest.mark.parametrize("expired", [False, True])
    def test_only_one_of_many_gets_a_lease(self, storage: Storage, expired: bool) -> None:
        """Eight workers ask at once, for a free lease or an expired one: one gets it, nobody gets an exception."""
        if expired:
            with storage.unit() as unit:
                unit.leases.acquire("sync", "dead", now=_EARLIER - _MINUTE, until=_EARLIER)

        def acquire(worker: int) -> Callable[[], object]:
            def act() -> object:
                with storage.unit() as unit:
                    return unit.leases.acquire("sync", f"worker {worker}", now=BEGINNING, until=_LATER)

            return act

        results = _together(*(acquire(worker) for worker in range(8)))
        assert len([lease for lease in results if lease is not None]) == 1

    def test_checked_lease_is_not_taken_over_within_the_unit(self, storage: Storage) -> None:
        """A worker whose lease expired, but was checked, writes before another gets the lease, not after."""
        with storage.unit() as unit:
            lease = unit.leases.acquire("sync", "slow", now=_EARLIER - _MINUTE, until=_EARLIER)
        assert lease is not None
        held = lease
        checked, taken = threading.Event(), threading.Event()

        def work() -> bool:
            with storage.unit() as unit:
                unit.leases.check(held)
                checked.set()
                return taken.wait(0.3)

        def take_over() -> None:
            assert checked.wait(60)
            with storage.unit() as unit:
                got = unit.leases.acquire("sync", "quick", now=BEGINNING, until=_LATER)
            if got is not None:
                taken.set()

        taken_within, _ = _together(work, take_over)
        assert taken_within is False


class _OutboxPromises(_ContractBase):
    """Mail on its way out."""

    def test_due_entries_come_by_id(self, storage: Storage, build: Builder) -> None:
        """Waiting ones whose next try is due; claimed and dot-sent ones whose claim ended; at most `limit`."""
        ended: dict[str, Any] = {"claimed_by": "dead", "claimed_until": _EARLIER}
        running: dict[str, Any] = {"claimed_by": "alive", "claimed_until": _LATER}
        due = [
            build.outbox_entry(state=OutboxState.DOT_SENT, **ended),
            build.outbox_entry(next_try_at=_EARLIER),
            build.outbox_entry(state=OutboxState.CLAIMED, **ended),
            build.outbox_entry(next_try_at=BEGINNING),
        ]
        others = [
            build.outbox_entry(next_try_at=BEGINNING + dt.timedelta(microseconds=1)),
            build.outbox_entry(state=OutboxState.CLAIMED, **running),
            build.outbox_entry(state=OutboxState.DOT_SENT, **running),
            *(build.outbox_entry(state=state, **ended) for state in OutboxState if state.is_final),
        ]
        with storage.unit() as unit:
            for entry in [*others, *due[::-1]]:
                unit.outbox.add(entry)

        with storage.unit() as unit:
            assert list(unit.outbox.due(now=BEGINNING, limit=99)) == due
            assert list(unit.outbox.due(now=BEGINNING, limit=3)) == due[:3]
            assert list(unit.outbox.due(now=_EARLIER - _MINUTE, limit=3)) == []

    def test_saved_entry_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Recipients, claim and state; what was claimed is no longer due."""
        entry = build.outbox_entry(recipients=waiting(CUSTOMER_ADDRESS, EmailAddress("cc@customer.example")))
        with storage.unit() as unit:
            unit.outbox.add(entry)
        claimed = entry.claimed("worker", until=_LATER)
        with storage.unit() as unit:
            unit.outbox.save(claimed)
        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) == claimed
            assert list(unit.outbox.due(now=BEGINNING, limit=9)) == []
        sent = claimed.settled([attrs.evolve(each, state=RecipientState.SENT) for each in entry.recipients], at=_LATER)
        with storage.unit() as unit:
            unit.outbox.save(sent)
        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) == sent
            assert list(unit.outbox.due(now=_LATER + _MINUTE, limit=9)) == []

    def test_saving_an_unknown_entry_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """What was never added cannot be replaced."""
        entry = build.outbox_entry()
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.outbox.save(entry)

        with storage.unit() as unit:
            assert unit.outbox.get(entry.id) is None

    def test_due_entry_is_never_given_to_two_units(self, storage: Storage, build: Builder) -> None:
        """While a unit that got entries lasts, and after it claimed them, no other unit gets one of them."""
        entries = [build.outbox_entry() for _ in range(10)]
        with storage.unit() as unit:
            for entry in entries:
                unit.outbox.add(entry)
        first_has, second_has = threading.Event(), threading.Event()

        def claim(unit: UnitOfWork, worker: str) -> list[OutboxId]:
            found = unit.outbox.due(now=BEGINNING, limit=5)
            for entry in found:
                unit.outbox.save(entry.claimed(worker, until=_LATER))
            return _ids(found)

        def first() -> list[OutboxId]:
            with storage.unit() as unit:
                found = claim(unit, "first")
                first_has.set()
                second_has.wait(0.3)
            return found

        def second() -> list[OutboxId]:
            assert first_has.wait(60)
            with storage.unit() as unit:
                found = claim(unit, "second")
            second_has.set()
            return found

        of_first, of_second = _together(first, second)
        assert of_first == _ids(entries[:5])
        assert set(of_first).isdisjoint(of_second)

    def test_many_deliverers_share_the_outbox(self, storage: Storage, build: Builder) -> None:
        """Four threads claim until nothing is due: each entry is claimed once, none is left."""
        with storage.unit() as unit:
            for _ in range(24):
                unit.outbox.add(build.outbox_entry())

        def deliver(worker: str) -> Callable[[], list[OutboxId]]:
            def act() -> list[OutboxId]:
                claimed: list[OutboxId] = []
                while len(claimed) < 24:
                    with storage.unit() as unit:
                        found = unit.outbox.due(now=BEGINNING, limit=2)
                        for entry in found:
                            unit.outbox.save(entry.claimed(worker, until=_LATER))
                    if not found:
                        break
                    claimed += _ids(found)
                return claimed

            return act

        claimed = [found for ids in _together(*(deliver(f"worker {at}") for at in range(4))) for found in ids]
        with storage.unit() as unit:
            left = unit.outbox.due(now=BEGINNING, limit=99)

        assert len(claimed) == len(set(claimed)) == 24 - len(left)
        assert list(left) == []

    def test_entries_are_found_by_message(self, storage: Storage, build: Builder) -> None:
        """Each message that has one; ten thousand may be asked for."""
        entries = [build.outbox_entry() for _ in range(3)]
        with storage.unit() as unit:
            for entry in entries:
                unit.outbox.add(entry)
        asked = [MessageId(build.ids.new()) for _ in range(9_998)] + [entry.message_id for entry in entries[:2]]

        with storage.unit() as unit:
            assert unit.outbox.of_messages(asked) == {entry.message_id: entry for entry in entries[:2]}
            assert unit.outbox.of_messages([]) == {}

    @pytest.mark.parametrize("limit", [1, 2, 9])
    def test_entries_are_listed_oldest_first(self, storage: Storage, build: Builder, limit: int) -> None:
        """By id, page by page, narrowed by shop and states."""
        states = [OutboxState.WAITING, OutboxState.FAILED, OutboxState.SENT]
        entries = [
            build.outbox_entry(shop=_OTHER_SHOP if at % 4 == 3 else _ONE_SHOP, state=states[at % 3]) for at in range(9)
        ]
        with storage.unit() as unit:
            for entry in entries[::-1]:
                unit.outbox.add(entry)

        def listed(scope: ShopScope, states: Collection[OutboxState]) -> list[OutboxId]:
            found: list[OutboxId] = []
            after = None
            while True:
                with storage.unit() as unit:
                    page = unit.outbox.page(scope, states, after=after, limit=limit)
                assert len(page.items) <= limit
                found += _ids(page.items)
                after = page.next
                if after is None:
                    return found

        assert listed(ALL_SHOPS, list(OutboxState)) == _ids(entries)
        assert listed(ALL_SHOPS, {OutboxState.FAILED, OutboxState.UNKNOWN}) == _ids(entries[1::3])
        assert listed(_ONE, states) == [entry.id for entry in entries if entry.shop == _ONE_SHOP]
        assert listed(ALL_SHOPS, []) == []


class _FigurePromises(_ContractBase):
    """Kept figures."""

    def test_differences_add_up(self, storage: Storage) -> None:
        """Over days, contacts and units, upwards and downwards, over 2**31 too."""
        day = dt.date(2026, 1, 5)
        with storage.unit() as unit:
            unit.figures.add({_figure(day, Figure.OPEN): 2, _figure(day, Figure.RESPONSE_SECONDS): 2**40})
            unit.figures.add({_figure(day, Figure.OPEN): 1})
        with storage.unit() as unit:
            unit.figures.add({_figure(day + dt.timedelta(days=1), Figure.OPEN): 5, _figure(day, Figure.OPEN): -2})

        with storage.unit() as unit:
            totals = unit.figures.totals(ALL_SHOPS)
        assert {figure: value for figure, value in totals.items() if value} == {
            Figure.OPEN: 6,
            Figure.RESPONSE_SECONDS: 2**40,
        }

    def test_nothing_kept_is_nothing(self, storage: Storage) -> None:
        """A new help desk has no figure but zero."""
        with storage.unit() as unit:
            assert set(unit.figures.totals(ALL_SHOPS).values()) <= {0}

    def test_totals_can_be_narrowed(self, storage: Storage, build: Builder) -> None:
        """By shop, contact and first day (inclusive); without a contact, threads without one count too."""
        contact, other = ContactId(build.ids.new()), ContactId(build.ids.new())
        day, later = dt.date(2026, 1, 31), dt.date(2026, 2, 1)
        kept = {
            _figure(day, contact=contact): 1,
            _figure(later, contact=contact): 10,
            _figure(day, contact=other): 100,
            _figure(day): 1_000,
            _figure(day, shop=_OTHER_SHOP): 10_000,
            _figure(later, shop=_OTHER_SHOP, contact=contact): 100_000,
        }
        with storage.unit() as unit:
            unit.figures.add(kept)

        def total(scope: ShopScope = ALL_SHOPS, **narrowed: Any) -> int:
            with storage.unit() as unit:
                return unit.figures.totals(scope, **narrowed).get(Figure.THREADS, 0)

        assert total() == 111_111
        assert total(_ONE) == 1_111
        assert total(contact_id=contact) == 100_011
        assert total(_ONE, contact_id=contact, since=later) == 10
        assert total(since=later) == 100_010
        assert total(since=later + dt.timedelta(days=1)) == 0
        assert total(ShopScope.of()) == 0

    def test_figures_added_at_once_all_count(self, storage: Storage) -> None:
        """Six threads add to the same new figures, in different orders: nothing is lost, nobody gets an exception."""
        days = [dt.date(2026, 1, 1) + dt.timedelta(days=at) for at in range(5)]
        keys = [_figure(day, figure) for day in days for figure in (Figure.THREADS, Figure.OPEN, Figure.UNASSIGNED)]

        def add(order: Sequence[FigureKey]) -> Callable[[], None]:
            def act() -> None:
                for _ in range(5):
                    with storage.unit() as unit:
                        unit.figures.add(dict.fromkeys(order, 1))

            return act

        _together(*(add(keys if worker % 2 else keys[::-1]) for worker in range(6)))

        with storage.unit() as unit:
            assert unit.figures.totals(ALL_SHOPS) == {
                Figure.THREADS: 150,
                Figure.OPEN: 150,
                Figure.UNASSIGNED: 150,
            }


class StorageContract(
    _UnitPromises,
    _ValuePromises,
    _ContactPromises,
    _MailboxPromises,
    _ThreadPromises,
    _MessagePromises,
    _DeliveryPromises,
    _BlobPromises,
    _LeasePromises,
    _OutboxPromises,
    _FigurePromises,
):
    """Every promise of `customerservice.ports.storage`, as tests.

    A subclass gives the fixture ``make_storage``: a function that gives a fresh, empty storage at each call.
    """


class _Everything:
    """One of each thing a storage keeps, what changing each looks like, and all of it read back."""

    def __init__(self, build: Builder) -> None:
        self.contact = build.contact(addresses=(CUSTOMER_ADDRESS,))
        self.mailbox = build.mailbox()
        self.thread = build.thread(number=12)
        self.message = build.message(self.thread, header_id="1@x", attachments=(build.attachment(),))
        self.second = build.message(self.thread, header_id="2@x")
        self.event = build.event(self.thread)
        self.delivery = build.delivery(mailbox_id=self.mailbox.id)
        self.not_ours = build.delivery(mailbox_id=self.mailbox.id, outcome=Outcome.NOT_OURS)
        self.entry = build.outbox_entry()
        self.employee = build.employee()
        self.owner = BlobOwner("delivery", self.delivery.id.hex)

    def add(self, unit: UnitOfWork) -> None:
        unit.contacts.add(self.contact)
        unit.mailboxes.add(self.mailbox)
        unit.mailboxes.save_cursor(SyncCursor(mailbox_id=self.mailbox.id, epoch=1, uid=1))
        unit.threads.add(self.thread)
        unit.messages.add([self.message])
        unit.events.add([self.event])
        unit.deliveries.add([self.delivery, self.not_ours])
        unit.blobs.put(b"raw", self.owner)
        unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
        unit.outbox.add(self.entry)
        unit.figures.add({_figure(dt.date(2026, 1, 5)): 1})
        unit.employees.put(self.employee)

    def change(self, unit: UnitOfWork) -> None:
        unit.contacts.save(attrs.evolve(self.contact, addresses=()))
        unit.mailboxes.remove(self.mailbox.id)
        unit.threads.save(attrs.evolve(self.thread, participants=frozenset(), last_activity_at=_LATER))
        unit.messages.add([self.second])
        unit.events.add([self.event])
        unit.deliveries.save([attrs.evolve(self.delivery, outcome=Outcome.HELD)])
        unit.deliveries.forget_not_ours(self.mailbox.id)
        unit.blobs.release(hashlib.sha256(b"raw").hexdigest(), self.owner)
        lease = unit.leases.acquire("sync", "worker", now=BEGINNING, until=_LATER)
        assert lease is not None
        unit.leases.release(lease)
        unit.leases.acquire("sync", "thief", now=BEGINNING, until=_LATER + _MINUTE)
        unit.outbox.save(self.entry.claimed("worker", until=_LATER))
        unit.figures.add({_figure(dt.date(2026, 1, 5)): 1})
        unit.employees.put(attrs.evolve(self.employee, name="Changed"))

    def snapshot(self, unit: UnitOfWork) -> dict[str, Any]:
        """Read everything; what a name stands for is equal exactly when nothing of it changed."""
        try:
            blob: object = unit.blobs.get(hashlib.sha256(b"raw").hexdigest())
        except StoredBytesLost:
            blob = None
        return {
            "contacts": list(unit.contacts.all()),
            "mailboxes": list(unit.mailboxes.all()),
            "cursor": unit.mailboxes.cursor(self.mailbox.id),
            "thread": unit.threads.get(self.thread.id),
            "numbered": unit.threads.by_number(12),
            "threads": unit.threads.page(ThreadFilter()),
            "messages": list(unit.messages.of_thread(self.thread.id)),
            "known": list(unit.messages.find_header_ids(ALL_SHOPS, ["1@x", "2@x"])),
            "events": list(unit.events.of_thread(self.thread.id)),
            "deliveries": unit.deliveries.page(DeliveryFilter()),
            "unread": list(unit.deliveries.unread(self.delivery.key.source, limit=9)),
            "not ours": unit.deliveries.find(self.not_ours.key),
            "blob": blob,
            # Who holds the lease shows in who is refused; asking as its holder would change it.
            "lease": unit.leases.acquire("sync", "thief", now=BEGINNING, until=_LATER + _MINUTE) is None,
            "outbox": unit.outbox.get(self.entry.id),
            "due": list(unit.outbox.due(now=BEGINNING, limit=9)),
            "figures": {figure: value for figure, value in unit.figures.totals(ALL_SHOPS).items() if value},
            "employees": list(unit.employees.all()),
        }


def _together(*actions: Callable[[], T]) -> list[T]:
    """Run each in a thread of its own, all started at once; gives their results in order, or raises the first error."""
    start = threading.Barrier(len(actions), timeout=60)

    def run(action: Callable[[], T]) -> T:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        futures = [threads.submit(run, action) for action in actions]
        return [future.result(timeout=100) for future in futures]


def _store(storage: Storage, *threads: Thread, messages: Sequence[Message] = ()) -> None:
    with storage.unit() as unit:
        for thread in threads:
            unit.threads.add(thread)
        unit.messages.add(messages)


def _all_threads(storage: Storage, wanted: ThreadFilter, limit: int = 50) -> list[Thread]:
    """Read a list page by page, each in a unit of its own; every page but the last must be full."""
    found: list[Thread] = []
    after = None
    while True:
        with storage.unit() as unit:
            page = unit.threads.page(wanted, after=after, limit=limit)
        found += page.items
        after = page.next
        if after is None:
            assert len(page.items) <= limit
            return found
        assert len(page.items) == limit


def _ids(values: Sequence[Any]) -> list[Any]:
    return [value.id for value in values]


def _moment_names(value: Any) -> list[str]:
    """The fields that hold the moment under test; a lease's or thread's other values are no moments."""
    return [field.name for field in attrs.fields(type(value)) if isinstance(getattr(value, field.name), dt.datetime)]


def _figure(
    day: dt.date, figure: Figure = Figure.THREADS, *, shop: ShopId = _ONE_SHOP, contact: ContactId | None = None
) -> FigureKey:
    return FigureKey(shop=shop, contact_id=contact, day=day, figure=figure)


def _is_no_original(outcome: Outcome) -> bool:
    return outcome not in (Outcome.OPENED, Outcome.JOINED, Outcome.ATTACHED, Outcome.HELD)


def _full_mailbox(build: Builder) -> Mailbox:
    return build.mailbox(
        shop=_OTHER_SHOP,
        options=ImapOptions.parse("{Mail.Shop.example:1143/imap/tls/novalidate-cert}Büro/Eingang [1]"),
        user="büro+x@shop.example",
        secret=SecretRef(SecretKind.FILE, "/run/secrets/büro", oauth=True),
        contact_id=ContactId(build.ids.new()),
        after_fetch=AfterFetch(AfterFetchKind.MOVE, "Erledigt/2026"),
        create_threads=False,
        first_sync=FirstSync(since=dt.date(2026, 2, 28)),
        interval=dt.timedelta(minutes=7, microseconds=1),
        allow_clear_text=True,
        reply_address="help+{token}@shop.example",
        form_senders=frozenset({EmailAddress("form@shop.example"), EmailAddress("Markt@platz.example")}),
        size_limit=2**40,
        authserv_id="mx.shop.example",
        health=MailboxHealth(last_success_at=_EARLIER, last_error="no route", last_error_at=_LATER, errors_in_a_row=3),
        version=7,
    )


def _full_thread(build: Builder) -> Thread:
    return build.thread(
        number=2**40,
        shop=ShopId("s" * 64),
        contact_id=ContactId(build.ids.new()),
        status=ThreadStatus.PENDING2,
        subject="Ü" * 255,
        language="pt-BR",
        address=EmailAddress("Änne.O'Hara+x@Bücher.example"),
        name="Änne " + "x" * 1000,
        customer=CustomerRef("c" * 191),
        order=OrderRef("№ 5"),
        assignee=EmployeeRef("é"),
        participants=frozenset({f"p{at}@x.example" for at in range(1000)} | {"ánna@x.example", "anna@x.example"}),
        generation=3,
        messages=2**33,
        customer_messages=2**32,
        employee_messages=2**31,
        last_employee_message_at=_EARLIER,
        waiting_since=None,
        first_response=dt.timedelta(days=400, microseconds=1),
        version=7,
    )


def _full_message(build: Builder, thread: Thread) -> Message:
    return build.message(
        thread,
        contact_id=ContactId(build.ids.new()),
        author=Author(
            kind=AuthorKind.CUSTOMER,
            name="Mária \N{REPLACEMENT CHARACTER}",
            address=EmailAddress("Mária@customer.example"),
            customer=CustomerRef("c-1"),
        ),
        audience=Audience.INTERNAL,
        kind=MessageKind.NOTE,
        text="NUL \x00, a lone surrogate \ud83d and \r\n\t trailing blanks  ",
        quoted_text="> older",
        signature="-- \nM.",
        html="<p>&nbsp;ü</p>",
        subject="Re: ü",
        sent_at=_EARLIER,
        stored_at=_LATER,
        header_id="i" * 998,
        delivery_id=DeliveryId(build.ids.new()),
        attachments=(
            build.attachment(filename=None, size=0),
            build.attachment(filename="b.png", content_id="cid-1", inline=True, size=2**33, sha256=digest_of("b")),
            build.attachment(filename="a\u202egnp.exe", media_type="x-" + "y" * 300 + "/z"),
        ),
        product=ProductRef("p-1"),
        user_agent="Mozilla/5.0 " + "x" * 2000,
        automatic=True,
        in_reply_to=MessageId(build.ids.new()),
    )


def _full_delivery(build: Builder) -> Delivery:
    return build.delivery(
        key=DeliveryKey(source="büro", epoch=_GREATEST_UID, uid=_GREATEST_UID, name="n"),
        shop=_OTHER_SHOP,
        mailbox_id=MailboxId(build.ids.new()),
        sha256=digest_of("raw"),
        size=2**33,
        received_at=_EARLIER,
        stored_at=_LATER,
        attempts=3,
        outcome=Outcome.JOINED,
        content_digest=digest_of("content"),
        acknowledge=True,
        header_id="i" * 998,
        sender="Mária <mária@customer.example>",
        subject="Ü" * 5000,
        thread_id=ThreadId(build.ids.new()),
        message_id=MessageId(build.ids.new()),
        duplicate_of=DeliveryId(build.ids.new()),
        decision=Decision(
            rule="in-reply-to",
            reason="names our message",
            passed_over=("no token", "no märker"),
            kind="person",
            kind_reasons=("no sign of a machine",),
            contact_rule="exact address",
            standing="participant",
            linked=ThreadId(UUID(int=7)),
            defects=("no-date",),
        ),
        reader_version=12,
    )
