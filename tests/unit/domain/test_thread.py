"""What can happen to a thread, and what that does to its state, counters and moments."""

import datetime as dt
import itertools
from collections.abc import Sequence

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.actor import Actor
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import DEFAULT_LEGEND, StatusCause, ThreadStatus
from customerservice.domain.thread import SUBJECT_LENGTH, Thread, ThreadChange, bounded_moment
from customerservice.errors import Refused
from customerservice.testing.builders import ANNA, CUSTOMER_ADDRESS, Builder, moments, storable_texts
from customerservice.testing.clock import BEGINNING

SYSTEM = Actor.system()
BY_ANNA = Actor.of_employee(ANNA)
MINUTE = dt.timedelta(minutes=1)
NOW = BEGINNING + 600 * MINUTE
MOVE_CAUSES = [StatusCause.MANUAL, StatusCause.RULE, StatusCause.IMPORT]


@pytest.fixture
def build() -> Builder:
    return Builder()


def at(minutes: int) -> dt.datetime:
    """The moment so many minutes after the beginning."""
    return BEGINNING + minutes * MINUTE


def opened(build: Builder, minutes: int = 0) -> Thread:
    """A thread as its customer's first message makes it."""
    message = build.message(sent_at=at(minutes), stored_at=NOW)
    return Thread.open(message, number=1, actor=SYSTEM, address=CUSTOMER_ADDRESS).thread


def written(build: Builder, thread: Thread, minutes: int) -> Thread:
    """The thread after the customer wrote."""
    return thread.receive(build.message(thread, sent_at=at(minutes)), actor=SYSTEM).thread


def replied(build: Builder, thread: Thread, minutes: int) -> Thread:
    """The thread after an employee replied."""
    return thread.reply(build.reply(thread, sent_at=at(minutes)), actor=BY_ANNA).thread


class TestOpening:
    """A thread begins with its first message."""

    def test_first_message_gives_id_shop_contact_and_moment(self, build: Builder) -> None:
        """Nothing of them is told twice."""
        contact = ContactId(build.ids.new())
        message = build.message(shop=ShopId("toys"), contact_id=contact, sent_at=at(3), stored_at=NOW)
        change = Thread.open(message, number=7, actor=SYSTEM)
        thread = change.thread

        assert (thread.id, thread.shop, thread.contact_id) == (message.thread_id, ShopId("toys"), contact)
        assert (thread.number, thread.status, thread.generation, thread.version) == (7, ThreadStatus.OPEN, 1, 1)
        assert (thread.opened_at, thread.last_activity_at, thread.waiting_since) == (at(3), at(3), at(3))
        assert (thread.messages, thread.customer_messages, thread.employee_messages) == (1, 1, 0)

    def test_there_was_nothing_before(self, build: Builder) -> None:
        """The change has the message and one event, and no thread before."""
        message = build.message(stored_at=NOW)
        change = Thread.open(message, number=7, actor=Actor.of_customer(CustomerRef("c-1")))

        assert (change.before, change.message) == (None, message)
        (event,) = change.events
        assert (event.kind, event.at, event.actor) == (EventKind.OPENED, NOW, "customer:c-1")
        assert (event.thread_id, event.shop, event.message_id) == (message.thread_id, message.shop, message.id)

    def test_address_takes_part(self, build: Builder) -> None:
        """The customer's own address is among the participants; without one nobody is."""
        address = EmailAddress("Maria@Customer.example")
        with_address = Thread.open(build.message(), number=1, actor=SYSTEM, address=address).thread
        without = Thread.open(build.message(), number=2, actor=SYSTEM).thread

        assert with_address.participants == {"maria@customer.example"}
        assert with_address.has_participant(EmailAddress("MARIA@customer.example"))
        assert without.participants == frozenset()
        assert not without.has_participant(address)

    def test_what_is_told_is_kept(self, build: Builder) -> None:
        """Language, customer and order."""
        told = {"language": "de", "customer": CustomerRef("c-1"), "order": OrderRef("o-1")}
        thread = Thread.open(build.message(), number=1, actor=SYSTEM, **told).thread

        assert {name: getattr(thread, name) for name in told} == told

    @given(subject=storable_texts(400), name=storable_texts(100))
    def test_subject_and_name_are_one_line(self, subject: str, name: str) -> None:
        """Whatever a mail said; a subject is shortened, and never made up."""
        thread = Thread.open(Builder().message(), number=1, actor=SYSTEM, subject=subject, name=name).thread

        assert thread.subject is not None
        assert len(thread.subject) <= SUBJECT_LENGTH
        assert len((thread.subject + thread.name).splitlines()) <= 1
        assert Thread.open(Builder().message(), number=1, actor=SYSTEM).thread.subject is None

    def test_report_can_open_without_being_activity(self, build: Builder) -> None:
        """Its moment stands in until a person writes; nobody waits for an answer."""
        thread = Thread.open(build.report(sent_at=at(5)), number=1, actor=SYSTEM).thread

        assert (thread.messages, thread.customer_messages) == (1, 0)
        assert (thread.last_activity_at, thread.last_customer_message_at, thread.waiting_since) == (at(5), None, None)

    def test_employee_can_open(self, build: Builder) -> None:
        """The last word is ours, and nothing was answered."""
        thread = Thread.open(build.reply(sent_at=at(5)), number=1, actor=BY_ANNA).thread

        assert (thread.employee_messages, thread.customer_messages) == (1, 0)
        assert (thread.waiting_since, thread.first_response) == (None, None)
        assert thread.last_employee_message_at == at(5)


class TestCustomerWrites:
    """A customer's message."""

    @pytest.mark.parametrize("status", [status for status in ThreadStatus if status is not ThreadStatus.OPEN])
    def test_closed_or_pending_thread_reopens(self, build: Builder, status: ThreadStatus) -> None:
        """The move is in the history, caused by the customer, after the message that caused it."""
        thread = attrs.evolve(opened(build), status=status)
        message = build.message(thread, sent_at=at(9), stored_at=NOW)
        change = thread.receive(message, actor=SYSTEM)

        assert change.thread.status is ThreadStatus.OPEN
        assert change.before is thread
        wrote, moved = change.events
        assert (wrote.kind, wrote.message_id) == (EventKind.CUSTOMER_WROTE, message.id)
        assert (moved.kind, moved.cause, moved.before, moved.after, moved.at) == (
            EventKind.STATUS_CHANGED,
            StatusCause.CUSTOMER,
            status.value,
            "open",
            NOW,
        )

    def test_open_thread_stays_open(self, build: Builder) -> None:
        """There is nothing to move."""
        thread = opened(build)
        change = thread.receive(build.message(thread), actor=SYSTEM)

        assert change.thread.status is ThreadStatus.OPEN
        assert [event.kind for event in change.events] == [EventKind.CUSTOMER_WROTE]

    def test_counters_and_moments_rise(self, build: Builder) -> None:
        """Activity and last customer message; the customer waits since the first unanswered message."""
        thread = written(build, opened(build), 9)

        assert (thread.messages, thread.customer_messages) == (2, 2)
        assert (thread.last_activity_at, thread.last_customer_message_at) == (at(9), at(9))
        assert thread.waiting_since == at(0)

    def test_customer_waits_again_after_an_answer(self, build: Builder) -> None:
        """Since the new message."""
        thread = written(build, replied(build, opened(build), 5), 9)

        assert thread.waiting_since == at(9)

    def test_import_of_an_old_message_lowers_nothing(self, build: Builder) -> None:
        """Moments keep what is stored (R63)."""
        thread = written(build, opened(build, 100), 40)

        assert (thread.opened_at, thread.last_activity_at) == (at(100), at(100))
        assert thread.last_customer_message_at == at(100)

    def test_customer_waits_since_the_older_imported_message(self, build: Builder) -> None:
        """The oldest message nobody answered counts, in whatever order they came."""
        assert written(build, opened(build, 100), 40).waiting_since == at(40)

    def test_message_that_came_after_our_answer_waits_whatever_its_date(self, build: Builder) -> None:
        """Whoever answered had not read it: mail is fetched later than it is sent."""
        thread = written(build, replied(build, opened(build, 10), 50), 40)

        assert thread.waiting_since == at(40)

    def test_message_of_the_moment_of_our_answer_waits(self, build: Builder) -> None:
        """What came after it, within the same tick, is not answered by it."""
        thread = written(build, replied(build, opened(build), 50), 50)

        assert thread.waiting_since == at(50)


class TestEmployeeReplies:
    """A public answer."""

    def test_without_address_it_is_refused(self, build: Builder) -> None:
        """There is nobody to send it to."""
        thread = attrs.evolve(opened(build), address=None)
        with pytest.raises(Refused, match="no address") as refused:
            thread.reply(build.reply(thread), actor=BY_ANNA)

        assert refused.value.rule == "no-address"

    def test_status_stays_until_the_mail_was_handed_over(self, build: Builder) -> None:
        """A stored reply moves nothing by itself."""
        thread = opened(build)
        change = thread.reply(build.reply(thread), actor=BY_ANNA)

        assert change.thread.status is ThreadStatus.OPEN
        assert change.before is thread

    def test_first_reply_makes_its_author_responsible(self, build: Builder) -> None:
        """With an event; a later author changes nothing."""
        thread = opened(build)
        first = thread.reply(build.reply(thread, stored_at=NOW), actor=BY_ANNA)
        second = first.thread.reply(build.reply(thread, employee=EmployeeRef("max")), actor=BY_ANNA)

        assert (first.thread.assignee, second.thread.assignee) == (ANNA, ANNA)
        assert [(event.kind, event.after) for event in first.events] == [
            (EventKind.EMPLOYEE_REPLIED, None),
            (EventKind.ASSIGNED, "anna"),
        ]
        assert [event.kind for event in second.events] == [EventKind.EMPLOYEE_REPLIED]

    def test_reply_of_the_system_makes_nobody_responsible(self, build: Builder) -> None:
        """It has no employee."""
        thread = opened(build)
        message = build.message(thread, author=Author(kind=AuthorKind.SYSTEM))
        change = thread.reply(message, actor=SYSTEM)

        assert change.thread.assignee is None

    def test_counters_and_moments_rise(self, build: Builder) -> None:
        """Activity, last employee message, and nobody waits."""
        thread = replied(build, opened(build), 5)

        assert (thread.messages, thread.employee_messages, thread.customer_messages) == (2, 1, 1)
        assert (thread.last_activity_at, thread.last_employee_message_at) == (at(5), at(5))
        assert (thread.last_customer_message_at, thread.waiting_since) == (at(0), None)

    def test_first_response_is_from_the_first_message_to_the_first_reply(self, build: Builder) -> None:
        """Later messages and replies do not change it."""
        thread = replied(build, written(build, opened(build), 2), 5)
        later = replied(build, written(build, thread, 8), 60)

        assert thread.first_response == later.first_response == 5 * MINUTE

    def test_answer_to_nothing_is_no_first_response(self, build: Builder) -> None:
        """A thread we opened has its first response when the customer was answered."""
        message = build.reply(sent_at=at(0))
        thread = Thread.open(message, number=1, actor=BY_ANNA, address=CUSTOMER_ADDRESS).thread
        again = replied(build, thread, 5)
        answered = replied(build, written(build, again, 10), 13)

        assert (again.first_response, answered.first_response) == (None, 3 * MINUTE)

    def test_reply_from_before_the_question_answers_nothing(self, build: Builder) -> None:
        """An older reply that is stored later leaves the customer waiting."""
        thread = replied(build, opened(build, 100), 40)

        assert (thread.waiting_since, thread.first_response) == (at(100), None)
        assert (thread.last_activity_at, thread.last_employee_message_at) == (at(100), at(40))

    def test_reply_answers_only_what_was_written_before_it(self, build: Builder) -> None:
        """A customer message later than the reply still waits."""
        thread = replied(build, written(build, opened(build), 100), 40)

        assert (thread.waiting_since, thread.first_response) == (at(100), 40 * MINUTE)


class TestReplyHandedOver:
    """The status a sent reply asks for."""

    def test_thread_closes(self, build: Builder) -> None:
        """With an event that says why."""
        thread = replied(build, opened(build), 5)
        change = thread.reply_handed_over(ThreadStatus.CLOSED, at=at(6), actor=SYSTEM)

        assert change.thread.status is ThreadStatus.CLOSED
        (event,) = change.events
        assert (event.cause, event.before, event.after, event.at) == (StatusCause.REPLY, "open", "closed", at(6))

    def test_customer_who_wrote_meanwhile_keeps_it_open(self, build: Builder) -> None:
        """A new question is never closed by an old answer."""
        thread = written(build, replied(build, opened(build), 5), 6)
        change = thread.reply_handed_over(ThreadStatus.CLOSED, at=at(7), actor=SYSTEM)

        assert change == ThreadChange(before=thread, thread=thread)

    def test_switched_off_status_is_left_alone(self, build: Builder) -> None:
        """A status the team does not use is set by no reply either."""
        thread = replied(build, opened(build), 5)
        legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1}))
        change = thread.reply_handed_over(ThreadStatus.PENDING1, at=at(6), actor=SYSTEM, legend=legend)

        assert change == ThreadChange(before=thread, thread=thread)

    @pytest.mark.parametrize("status", [None, ThreadStatus.OPEN])
    def test_nothing_happens_without_a_move(self, build: Builder, status: ThreadStatus | None) -> None:
        """None keeps the status; so does its own."""
        thread = replied(build, opened(build), 5)

        assert thread.reply_handed_over(status, at=at(6), actor=SYSTEM) == ThreadChange(before=thread, thread=thread)


class TestNotesAndReports:
    """What is no activity."""

    @pytest.mark.parametrize("status", ThreadStatus)
    def test_note_changes_the_count_only(self, build: Builder, status: ThreadStatus) -> None:
        """No moment, status, assignee or other counter moves."""
        thread = attrs.evolve(replied(build, opened(build), 5), status=status)
        message = build.note(thread, sent_at=at(99), stored_at=NOW)
        change = thread.note(message, actor=BY_ANNA)

        assert change.thread == attrs.evolve(thread, messages=thread.messages + 1)
        assert [(event.kind, event.message_id, event.actor) for event in change.events] == [
            (EventKind.NOTE_ADDED, message.id, "employee:anna")
        ]

    @pytest.mark.parametrize("status", ThreadStatus)
    def test_report_changes_the_count_only(self, build: Builder, status: ThreadStatus) -> None:
        """An out-of-office note or bounce never reopens a thread (R37)."""
        thread = attrs.evolve(opened(build), status=status)
        change = thread.attach(build.report(thread, sent_at=at(99)), actor=SYSTEM)

        assert change.thread == attrs.evolve(thread, messages=2)
        assert [event.kind for event in change.events] == [EventKind.REPORT_ATTACHED]

    @pytest.mark.parametrize(
        "message",
        [
            {"automatic": True},
            {"kind": MessageKind.REPORT},
            {"audience": Audience.INTERNAL},
            {"author": Author(kind=AuthorKind.SYSTEM)},
        ],
        ids=str,
    )
    def test_only_public_messages_of_persons_are_activity(self, build: Builder, message: dict[str, object]) -> None:
        """Automatic mail, reports, internal messages and the system's own raise nothing."""
        thread = opened(build)
        change = thread.receive(build.message(thread, sent_at=at(99), **message), actor=SYSTEM)

        assert change.thread == attrs.evolve(thread, messages=2)


class TestMovingByHand:
    """`move_to`."""

    @pytest.mark.parametrize(("before", "after"), list(itertools.permutations(ThreadStatus, 2)))
    @pytest.mark.parametrize("cause", MOVE_CAUSES)
    def test_status_moves(self, build: Builder, before: ThreadStatus, after: ThreadStatus, cause: StatusCause) -> None:
        """Nothing else of the thread changes; who, when, from, to and why are kept (R59)."""
        thread = attrs.evolve(opened(build), status=before)
        change = thread.move_to(after, at=at(3), actor=BY_ANNA, cause=cause)

        assert change.thread == attrs.evolve(thread, status=after)
        assert (change.before, change.message) == (thread, None)
        (event,) = change.events
        assert (event.actor, event.at, event.before, event.after, event.cause) == (
            "employee:anna",
            at(3),
            before.value,
            after.value,
            cause,
        )

    @pytest.mark.parametrize("status", ThreadStatus)
    def test_staying_changes_nothing(self, build: Builder, status: ThreadStatus) -> None:
        """No event; even where the status is switched off by now."""
        thread = attrs.evolve(opened(build), status=status)
        legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1, ThreadStatus.PENDING2}))

        assert thread.move_to(status, at=at(3), actor=BY_ANNA, legend=legend) == ThreadChange(
            before=thread, thread=thread
        )

    def test_switched_off_status_is_refused(self, build: Builder) -> None:
        """The rule is named."""
        thread = opened(build)
        legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1}))
        with pytest.raises(Refused, match="switched off") as refused:
            thread.move_to(ThreadStatus.PENDING1, at=at(3), actor=BY_ANNA, legend=legend)

        assert refused.value.rule == "status-switched-off"

    def test_switched_off_status_can_be_left(self, build: Builder) -> None:
        """Threads that have it are not stuck."""
        thread = attrs.evolve(opened(build), status=ThreadStatus.PENDING1)
        legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({ThreadStatus.PENDING1}))

        assert thread.move_to(ThreadStatus.OPEN, at=at(3), actor=BY_ANNA, legend=legend).thread.status is (
            ThreadStatus.OPEN
        )


class TestLinks:
    """Assignee, order, customer, participants, tokens."""

    def test_employee_is_made_responsible_and_released(self, build: Builder) -> None:
        """Old and new are in the history."""
        thread = opened(build)
        assigned = thread.assign(ANNA, at=at(1), actor=BY_ANNA)
        released = assigned.thread.assign(None, at=at(2), actor=BY_ANNA)

        assert (assigned.thread.assignee, released.thread.assignee) == (ANNA, None)
        assert [(event.kind, event.before, event.after) for event in (*assigned.events, *released.events)] == [
            (EventKind.ASSIGNED, None, "anna"),
            (EventKind.ASSIGNED, "anna", None),
        ]

    def test_order_is_tied_and_untied(self, build: Builder) -> None:
        """Old and new are in the history."""
        tied = opened(build).link_order(OrderRef("o-1"), at=at(1), actor=BY_ANNA)
        untied = tied.thread.link_order(None, at=at(2), actor=BY_ANNA)

        assert (tied.thread.order, untied.thread.order) == (OrderRef("o-1"), None)
        assert [(event.kind, event.before, event.after) for event in (*tied.events, *untied.events)] == [
            (EventKind.LINKED, None, "o-1"),
            (EventKind.LINKED, "o-1", None),
        ]

    def test_customer_is_tied_and_exchanged(self, build: Builder) -> None:
        """Old and new are in the history."""
        tied = opened(build).link_customer(CustomerRef("c-1"), at=at(1), actor=BY_ANNA)
        exchanged = tied.thread.link_customer(CustomerRef("c-2"), at=at(2), actor=BY_ANNA)

        assert exchanged.thread.customer == CustomerRef("c-2")
        assert [(event.kind, event.before, event.after) for event in (*tied.events, *exchanged.events)] == [
            (EventKind.LINKED, None, "c-1"),
            (EventKind.LINKED, "c-1", "c-2"),
        ]

    def test_what_is_so_already_changes_nothing(self, build: Builder) -> None:
        """No event, the same thread."""
        thread = attrs.evolve(
            opened(build), assignee=ANNA, order=OrderRef("o-1"), customer=CustomerRef("c-1"), version=3
        )
        changes = [
            thread.assign(ANNA, at=NOW, actor=SYSTEM),
            thread.link_order(OrderRef("o-1"), at=NOW, actor=SYSTEM),
            thread.link_customer(CustomerRef("c-1"), at=NOW, actor=SYSTEM),
            thread.add_participant(EmailAddress("MARIA@customer.example"), at=NOW, actor=SYSTEM),
        ]

        assert changes == [ThreadChange(before=thread, thread=thread)] * 4

    def test_participant_joins(self, build: Builder) -> None:
        """The thread's own address stays."""
        change = opened(build).add_participant(EmailAddress("Max@Customer.example"), at=at(1), actor=BY_ANNA)

        assert change.thread.participants == {CUSTOMER_ADDRESS.key, "max@customer.example"}
        assert change.thread.address == CUSTOMER_ADDRESS
        assert [(event.kind, event.after) for event in change.events] == [
            (EventKind.PARTICIPANT_ADDED, "Max@Customer.example")
        ]

    def test_first_participant_is_whom_we_answer(self, build: Builder) -> None:
        """A thread without address gets it from the first participant (R24)."""
        thread = Thread.open(build.message(), number=1, actor=SYSTEM).thread
        address = EmailAddress("max@customer.example")

        assert thread.add_participant(address, at=at(1), actor=BY_ANNA).thread.address == address

    def test_revoking_tokens_raises_the_generation(self, build: Builder) -> None:
        """Each time by one, with an event."""
        change = opened(build).revoke_reply_tokens(at=at(1), actor=BY_ANNA)

        assert change.thread.generation == 2
        assert [(event.kind, event.before, event.after) for event in change.events] == [
            (EventKind.REPLY_TOKENS_REVOKED, "1", "2")
        ]


KINDS = st.sampled_from(["customer", "employee", "note", "report", "automatic"])


def _one(build: Builder, thread: Thread | None, kind: str, minutes: int) -> Message:
    moment = {"sent_at": at(minutes), "stored_at": NOW}
    match kind:
        case "customer":
            return build.message(thread, **moment)
        case "employee":
            return build.reply(thread, **moment)
        case "note":
            return build.note(thread, **moment)
        case "report":
            return build.report(thread, **moment)
        case _:
            return build.message(thread, automatic=True, **moment)


def _added(thread: Thread, kind: str, message: Message) -> ThreadChange:
    match kind:
        case "employee":
            return thread.reply(message, actor=BY_ANNA)
        case "note":
            return thread.note(message, actor=BY_ANNA)
        case "report":
            return thread.attach(message, actor=SYSTEM)
        case _:
            return thread.receive(message, actor=SYSTEM)


@given(first=st.integers(0, 50), rest=st.lists(st.tuples(KINDS, st.integers(0, 50)), max_size=12))
def test_counters_and_moments_of_any_history(first: int, rest: Sequence[tuple[str, int]]) -> None:
    """Whatever comes in whatever order: counters count, and moments are those of the latest message of each side."""
    build = Builder()
    thread = opened(build, first)
    customer, employee, everybody = [at(first)], [], 1
    for kind, minutes in rest:
        before = thread
        thread = _added(thread, kind, _one(build, thread, kind, minutes)).thread
        everybody += 1
        if kind == "customer":
            customer.append(at(minutes))
        if kind == "employee":
            employee.append(at(minutes))
        assert thread.last_activity_at >= before.last_activity_at

    assert (thread.messages, thread.customer_messages, thread.employee_messages) == (
        everybody,
        len(customer),
        len(employee),
    )
    assert thread.last_customer_message_at == max(customer)
    assert thread.last_employee_message_at == max(employee, default=None)
    assert thread.last_activity_at == max(customer + employee)
    assert thread.opened_at == at(first)


@given(rest=st.lists(st.tuples(st.sampled_from(["customer", "employee"]), st.integers(1, 5)), max_size=12))
def test_waiting_in_order_is_since_the_oldest_unanswered_message(rest: Sequence[tuple[str, int]]) -> None:
    """When messages come in the order they were sent, the customer waits since the first after our last one."""
    build = Builder()
    thread, minutes = opened(build), 0
    unanswered = [0]
    for kind, later in rest:
        minutes += later
        thread = _added(thread, kind, _one(build, thread, kind, minutes)).thread
        unanswered = [] if kind == "employee" else [*unanswered, minutes]

    assert thread.waiting_since == (at(unanswered[0]) if unanswered else None)


@given(first=st.integers(0, 9), rest=st.lists(st.tuples(KINDS, st.integers(0, 9)), max_size=12))
def test_a_message_stored_last_always_waits(first: int, rest: Sequence[tuple[str, int]]) -> None:
    """In any order of dates: after a customer's message somebody waits, since that message or an older one."""
    build = Builder()
    thread = opened(build, first)
    customer = {at(first)}
    for kind, minutes in rest:
        thread = _added(thread, kind, _one(build, thread, kind, minutes)).thread
        if kind == "customer":
            customer.add(at(minutes))
            assert thread.waiting_since is not None
            assert thread.waiting_since <= at(minutes)
        assert thread.waiting_since in {None, *customer}


class TestBoundedMoment:
    """The moment a mail counts as sent (R63)."""

    ARRIVED = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        ("claimed", "believed"),
        [
            (None, ARRIVED),
            (ARRIVED - dt.timedelta(hours=3), ARRIVED - dt.timedelta(hours=3)),
            (ARRIVED + dt.timedelta(hours=23), ARRIVED),
            (ARRIVED + dt.timedelta(days=1), ARRIVED),
            (ARRIVED + dt.timedelta(days=1, microseconds=1), ARRIVED),
            (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2000, 1, 1, tzinfo=dt.UTC)),
            (dt.datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC), ARRIVED),
            (dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))), ARRIVED),
            (dt.datetime.max.replace(tzinfo=dt.timezone(-dt.timedelta(hours=14))), ARRIVED),
        ],
        ids=str,
    )
    def test_own_date_counts_within_bounds(self, claimed: dt.datetime | None, believed: dt.datetime) -> None:
        """Never later than the arrival; what is absurd is not believed."""
        assert bounded_moment(claimed, self.ARRIVED) == believed

    @given(claimed=st.none() | moments(), arrived=moments())
    def test_result_is_utc_and_never_after_the_arrival(self, claimed: dt.datetime | None, arrived: dt.datetime) -> None:
        """Whatever the mail claims, in whatever zone."""
        believed = bounded_moment(claimed, arrived)

        assert believed <= arrived
        assert believed.tzinfo is dt.UTC
        assert believed in (claimed, arrived)
