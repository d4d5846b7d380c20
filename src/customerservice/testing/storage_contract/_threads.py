"""Conversations, their lists, and what people wrote."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ContactId, DeliveryId, MessageId, ShopId, ThreadId
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import StatusCause, ThreadStatus
from customerservice.errors import Conflict, InvalidValue, StorageError
from customerservice.ports.storage import KnownHeaderId, Storage, ThreadFilter
from customerservice.testing.builders import Builder
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_contract._basis import (
    ALMOST_EQUAL,
    EARLIER,
    LATER,
    MINUTE,
    ONE,
    ONE_SHOP,
    OTHER_SHOP,
    ContractBase,
    all_threads,
    ids_of,
    store,
    together,
)
from customerservice.testing.storage_contract._samples import full_thread


class ThreadPromises(ContractBase):
    """Conversations and their lists."""

    def test_numbers_rise_from_one_and_never_repeat(self, storage: Storage) -> None:
        """Within a unit and over units."""
        numbers = []
        for _ in range(3):
            with storage.unit() as unit:
                numbers += [unit.threads.next_number() for _ in range(3)]

        assert numbers[0] >= 1
        assert numbers == sorted(set(numbers))

    def test_rewritten_message_says_something_else(self, storage: Storage, build: Builder) -> None:
        """Texts and files are replaced, files taken away too; moments, Message-ID and all others stay."""
        thread = build.thread()
        kept = build.attachment()
        message = build.message(thread, header_id="1@x", attachments=(build.attachment(), kept), html="<p>old</p>")
        other = build.message(thread, attachments=(build.attachment(),))
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([message, other])
        said: dict[str, Any] = {"text": "new", "quoted_text": "> old", "signature": "-- M", "html": None}
        moved = attrs.evolve(message, attachments=(build.attachment(), kept), header_id="2@x", stored_at=LATER, **said)
        with storage.unit() as unit:
            unit.messages.rewrite(moved)
            unit.messages.rewrite(moved)

        expected = attrs.evolve(message, attachments=moved.attachments, **said)
        with storage.unit() as unit:
            assert list(unit.messages.of_thread(thread.id)) == [expected, other]
            unit.messages.rewrite(attrs.evolve(expected, attachments=()))
            assert unit.messages.get(message.id) == attrs.evolve(expected, attachments=())

    def test_rewriting_a_message_that_is_not_stored_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Nothing is stored by it."""
        thread = build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)
        message = build.message(thread)

        with pytest.raises(Conflict), storage.unit() as unit:
            unit.messages.rewrite(message)
        with storage.unit() as unit:
            assert unit.messages.get(message.id) is None

    def test_latest_moments_are_newest_first(self, storage: Storage, build: Builder) -> None:
        """Of this thread alone, at most as many as asked for, those just added among them; none without messages."""
        thread, other = build.thread(), build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.threads.add(other)
            unit.messages.add([build.message(thread, stored_at=BEGINNING + n * MINUTE) for n in range(3)])
        with storage.unit() as unit:
            unit.messages.add([build.message(thread, stored_at=BEGINNING + 3 * MINUTE)])

            assert unit.messages.latest_moments(thread.id, limit=3) == [
                BEGINNING + 3 * MINUTE,
                BEGINNING + 2 * MINUTE,
                BEGINNING + MINUTE,
            ]
            assert len(unit.messages.latest_moments(thread.id, limit=9)) == 4
            assert list(unit.messages.latest_moments(other.id, limit=9)) == []

    def test_numbers_of_concurrent_units_differ(self, storage: Storage) -> None:
        """Six threads that ask at once never get the same one."""

        def ask() -> list[int]:
            found = []
            for _ in range(5):
                with storage.unit() as unit:
                    found.append(unit.threads.next_number())
            return found

        numbers = [number for found in together(*[ask] * 6) for number in found]
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
        full = full_thread(build)
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

        won = [subject for subject in together(*(save(f"by {worker}") for worker in range(6))) if subject]

        assert len(won) == 1
        with storage.unit() as unit:
            assert unit.threads.get(thread.id) == attrs.evolve(thread, subject=won[0], version=2)

    def test_list_is_by_last_activity_newest_first(self, storage: Storage, build: Builder) -> None:
        """Ties by id, newest first; a moment's microseconds count."""
        old, new = build.thread(last_activity_at=EARLIER), build.thread(last_activity_at=LATER)
        hardly_newer = build.thread(last_activity_at=LATER + dt.timedelta(microseconds=1))
        tie = build.thread(last_activity_at=LATER)
        store(storage, new, old, tie, hardly_newer)

        with storage.unit() as unit:
            page = unit.threads.page(ThreadFilter())
        assert ids_of(page.items) == ids_of([hardly_newer, tie, new, old])
        assert page.next is None

    def test_list_leaves_participants_out_and_nothing_else(self, storage: Storage, build: Builder) -> None:
        """A list of threads need not carry who takes part."""
        thread = full_thread(build)
        store(storage, thread)

        with storage.unit() as unit:
            assert unit.threads.page(ThreadFilter()).items == (attrs.evolve(thread, participants=frozenset()),)

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
    def test_pages_join_without_gap_or_repetition(self, storage: Storage, build: Builder, limit: int) -> None:
        """Page by page through equal moments gives each thread once, in order; the last page has no next."""
        moments = [EARLIER, BEGINNING, BEGINNING, BEGINNING, BEGINNING, LATER, LATER]
        threads = [build.thread(last_activity_at=moment) for moment in moments]
        store(storage, *threads)

        assert ids_of(all_threads(storage, ThreadFilter(), limit)) == ids_of(threads[::-1])

    def test_paging_goes_on_when_threads_come_and_change(self, storage: Storage, build: Builder) -> None:
        """A page key is a place in the order: what happens before it does not shift what follows."""
        threads = [build.thread(last_activity_at=BEGINNING + at * MINUTE) for at in range(6)]
        store(storage, *threads)
        with storage.unit() as unit:
            first = unit.threads.page(ThreadFilter(), limit=3)
        with storage.unit() as unit:
            unit.threads.add(build.thread(last_activity_at=BEGINNING + 10 * MINUTE))
            unit.threads.save(attrs.evolve(threads[3], last_activity_at=BEGINNING + 11 * MINUTE))
        with storage.unit() as unit:
            second = unit.threads.page(ThreadFilter(), after=first.next, limit=3)

        assert ids_of(first.items) == ids_of(threads[:2:-1])
        assert ids_of(second.items) == ids_of(threads[2::-1])

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
        store(storage, build.thread())

        with pytest.raises(InvalidValue), storage.unit() as unit:
            unit.threads.page(ThreadFilter(), after=key)

    def test_list_can_be_narrowed(self, storage: Storage, build: Builder) -> None:
        """Each condition alone keeps exactly the threads that meet it; together they must all hold."""
        contact = ContactId(build.ids.new())
        special = build.thread(
            shop=ONE_SHOP,
            status=ThreadStatus.PENDING2,
            contact_id=contact,
            customer=CustomerRef("c-1"),
            address=EmailAddress("Max@Shop.example"),
            assignee=EmployeeRef("max"),
            order=OrderRef("o-1"),
            language="de",
            last_activity_at=LATER,
        )
        plain = build.thread(shop=OTHER_SHOP, address=None, last_activity_at=BEGINNING)
        store(storage, special, plain)
        conditions: list[dict[str, Any]] = [
            {"scope": ONE},
            {"statuses": frozenset({ThreadStatus.PENDING2, ThreadStatus.CLOSED})},
            {"contact_id": contact},
            {"customer": CustomerRef("c-1")},
            {"address": EmailAddress("max@shop.EXAMPLE")},
            {"assignee": EmployeeRef("max")},
            {"order": OrderRef("o-1")},
            {"language": "de"},
            {"active_since": LATER},
        ]
        opposite: list[dict[str, Any]] = [
            {"scope": ShopScope.of(OTHER_SHOP)},
            {"statuses": frozenset({ThreadStatus.OPEN})},
            {"unassigned": True},
            {"active_before": LATER},
        ]
        together = {name: value for condition in conditions for name, value in condition.items()}

        for condition in [*conditions, together]:
            assert ids_of(all_threads(storage, ThreadFilter(**condition))) == [special.id], condition
        for condition in opposite:
            assert ids_of(all_threads(storage, ThreadFilter(**condition))) == [plain.id], condition
        for condition in conditions:
            assert all_threads(storage, ThreadFilter(**condition, unassigned=True)) == [], condition
        assert all_threads(storage, ThreadFilter(statuses=frozenset())) == []
        assert ids_of(all_threads(storage, ThreadFilter())) == [special.id, plain.id]

    def test_narrowed_list_is_paged_like_the_whole(self, storage: Storage, build: Builder) -> None:
        """Pages of a narrowed list are full, in the order of the whole, over several statuses and shops too."""
        statuses = list(ThreadStatus)
        threads = [
            build.thread(
                shop=ShopId(f"shop {at % 3}"),
                status=statuses[at % 4],
                last_activity_at=BEGINNING + (at // 5) * MINUTE,
            )
            for at in range(40)
        ]
        store(storage, *threads)
        wanted = ThreadFilter(
            scope=ShopScope.of(ShopId("shop 0"), ShopId("shop 2")),
            statuses=frozenset({ThreadStatus.OPEN, ThreadStatus.PENDING1}),
        )
        expected = [
            thread
            for thread in reversed(threads)
            if thread.shop != "shop 1" and thread.status in (ThreadStatus.OPEN, ThreadStatus.PENDING1)
        ]

        assert ids_of(all_threads(storage, wanted, limit=4)) == ids_of(expected)

    @pytest.mark.parametrize(("one", "other"), [pair for pair in ALMOST_EQUAL if "\u3000" not in pair[1]])
    def test_customers_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A list of one customer's threads holds nobody else's."""
        mine, theirs = build.thread(customer=CustomerRef(one)), build.thread(customer=CustomerRef(other))
        store(storage, mine, theirs)

        assert ids_of(all_threads(storage, ThreadFilter(customer=CustomerRef(one)))) == [mine.id]

    @pytest.mark.parametrize(
        ("one", "other"),
        [("anna@x.example", "ánna@x.example"), ("a_b@x.example", "aab@x.example"), ("a@x.example", "a@x.example.org")],
    )
    def test_addresses_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A list of one address's threads holds nobody else's."""
        mine, theirs = build.thread(address=EmailAddress(one)), build.thread(address=EmailAddress(other))
        store(storage, mine, theirs)

        assert ids_of(all_threads(storage, ThreadFilter(address=EmailAddress(one)))) == [mine.id]


class MessagePromises(ContractBase):
    """What people wrote, and the Message-IDs known from it."""

    def test_messages_come_oldest_stored_first(self, storage: Storage, build: Builder) -> None:
        """By id, whatever their moments and the order they were added in; only those of the thread."""
        thread, other = build.thread(), build.thread()
        messages = [build.message(thread, sent_at=BEGINNING - at * MINUTE) for at in range(5)]
        store(storage, thread, other)
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
        store(storage, thread, messages=messages)

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
        store(storage, thread, messages=[many, few])

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
        store(storage, thread, other, messages=messages)

        with storage.unit() as unit:
            assert unit.messages.latest_header_ids(thread.id, limit=2) == ["2@x", "3@x"]
            assert unit.messages.latest_header_ids(thread.id, limit=10) == ["1@x", "2@x", "3@x"]
            assert list(unit.messages.latest_header_ids(ThreadId(build.ids.new()), limit=10)) == []

    def test_known_message_ids_say_whose_they_are(self, storage: Storage, build: Builder) -> None:
        """Every use, by message id: received when a delivery brought the message, whoever wrote it, else sent."""
        thread, other = build.thread(), build.thread(shop=OTHER_SHOP)
        delivery_id = DeliveryId(build.ids.new())
        received = build.message(thread, header_id="1@x", delivery_id=delivery_id)
        written_by_form = build.message(thread, header_id="2@x")
        sent = build.reply(thread, header_id="3@x")
        received_report = build.report(thread, header_id="4@x", delivery_id=delivery_id)
        elsewhere = build.message(other, header_id="1@x", delivery_id=delivery_id)
        messages = [received, written_by_form, sent, received_report, elsewhere]
        store(storage, thread, other, messages=messages)

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
        thread, other = build.thread(shop=ONE_SHOP), build.thread(shop=OTHER_SHOP)
        mine, theirs = build.message(thread, header_id="1@x"), build.message(other, header_id="1@x")
        store(storage, thread, other, messages=[mine, theirs])

        with storage.unit() as unit:
            assert [known.message_id for known in unit.messages.find_header_ids(ONE, ["1@x"])] == [mine.id]
            assert list(unit.messages.find_header_ids(ShopScope.of(), ["1@x"])) == []
            assert list(unit.messages.find_header_ids(ALL_SHOPS, [])) == []

    @pytest.mark.parametrize(("one", "other"), [*ALMOST_EQUAL, ("i" * 997 + "a", "i" * 997 + "b"), ("x", "x\x7f")])
    def test_message_ids_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """A mail never joins a thread because two Message-IDs look alike, however long they are."""
        thread = build.thread()
        messages = [build.message(thread, header_id=one), build.message(thread, header_id=other)]
        delivery = build.delivery(header_id=one)
        store(storage, thread, messages=messages)
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
        store(storage, thread, messages=messages)
        asked = [f"{at}@unknown" for at in range(9_998)]
        asked[1:1], asked[-1:-1] = ["5@known"], ["3@known"]

        with storage.unit() as unit:
            found = unit.messages.find_header_ids(ALL_SHOPS, asked)
        assert [known.message_id for known in found] == ids_of(messages)

    def test_history_keeps_its_order(self, storage: Storage, build: Builder) -> None:
        """Events come in the order they were added, over units, whatever their moments; only those of the thread."""
        thread, other = build.thread(), build.thread()
        events = [
            build.event(
                thread,
                kind=kind,
                at=BEGINNING - at * MINUTE,
                cause=list(StatusCause)[at % 5],
                before=None if at % 2 else "é before",
                after="after" * at,
                message_id=MessageId(build.ids.new()),
            )
            for at, kind in enumerate(EventKind)
        ]
        store(storage, thread, other)
        for start in range(0, len(events), 4):
            with storage.unit() as unit:
                unit.events.add([*events[start : start + 4], build.event(other)])

        with storage.unit() as unit:
            assert list(unit.events.of_thread(thread.id)) == events
            assert len(unit.events.of_thread(other.id)) == 3
            assert list(unit.events.of_thread(ThreadId(build.ids.new()))) == []
