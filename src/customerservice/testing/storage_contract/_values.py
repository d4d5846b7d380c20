"""Everything comes back as it went in."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customerservice.domain.contact import AfterReply
from customerservice.domain.delivery import Decision
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ThreadId
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind, FirstSync, MailboxHealth
from customerservice.domain.message import Author, AuthorKind
from customerservice.domain.outbox import OutboxState, RecipientResult, RecipientState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.domain.wording import Wording
from customerservice.ports.storage import Storage, ThreadFilter
from customerservice.testing.builders import (
    CUSTOMER_ADDRESS,
    Builder,
    decisions,
    email_addresses,
    moments,
    storable_texts,
    waiting,
)
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_contract._basis import LATER, ONE_SHOP, OTHER_SHOP, ContractBase
from customerservice.testing.storage_contract._samples import full_delivery, full_mailbox, full_message, full_thread

#: Moments whose microseconds, year or zone a careless storage changes.
MOMENTS = (
    dt.datetime(2026, 3, 1, 12, 0, 0, 1, tzinfo=dt.UTC),
    dt.datetime(2026, 3, 1, 12, 0, 0, 999_999, tzinfo=dt.UTC),
    dt.datetime(2000, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2038, 1, 19, 3, 14, 8, tzinfo=dt.UTC),
    dt.datetime(2099, 12, 31, 23, 59, 59, 123_456, tzinfo=dt.UTC),
    dt.datetime(2026, 10, 25, 2, 30, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    dt.datetime(2026, 3, 1, 23, 30, 0, 5, tzinfo=dt.timezone(-dt.timedelta(hours=11, minutes=30))),
)


class ValuePromises(ContractBase):
    """Everything comes back as it went in."""

    @pytest.mark.parametrize("moment", MOMENTS, ids=str)
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

        found = [(value, name) for value in kept for name in moment_names(value) if getattr(value, name) is not None]
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
            shop=OTHER_SHOP,
            name=Wording.of(fa="خدمات مشتریان", en="Customer service", **{"pt-BR": "Atendimento"}),
            description=Wording.of(en="Orders " + "x" * 240),
            addresses=(EmailAddress("z@shop.example"), EmailAddress("Änne@bücher.example"), CUSTOMER_ADDRESS),
            saves_messages=False,
            position=-(2**31),
            after_reply=AfterReply.PENDING1,
            language="pt-BR",
            version=7,
        )
        with storage.unit() as unit:
            unit.contacts.add(bare)
            unit.contacts.add(full)
        with storage.unit() as unit:
            assert (unit.contacts.get(bare.id), unit.contacts.get(full.id)) == (bare, full)

    def test_mailbox_comes_back_equal(self, storage: Storage, build: Builder) -> None:
        """With and without what is optional."""
        bare, full = build.mailbox(), full_mailbox(build)
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
            shop=ONE_SHOP,
            contact_id=None,
            opened_at=BEGINNING,
            last_activity_at=BEGINNING,
        )
        full = full_thread(build)
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
        bare, full = build.message(thread), full_message(build, thread)
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
        bare, full = build.delivery(sha256=None, raw_kept=False), full_delivery(build)
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
            claimed_until=LATER,
            last_error="450 try later",
            settled_at=LATER,
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


def moment_names(value: Any) -> list[str]:
    """The fields that hold the moment under test; a lease's or thread's other values are no moments."""
    return [field.name for field in attrs.fields(type(value)) if isinstance(getattr(value, field.name), dt.datetime)]
