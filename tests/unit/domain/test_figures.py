"""Kept figures: adding differences is the same as counting."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.domain.actor import Actor
from customerservice.domain.figures import Figure, FigureKey, Statistics, differences, statistics
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import AuthorKind, Message
from customerservice.domain.references import EmployeeRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread, ThreadChange
from customerservice.testing.builders import ANNA, CUSTOMER_ADDRESS, Builder
from customerservice.testing.clock import BEGINNING

SYSTEM = Actor.system()
HOUR = dt.timedelta(hours=1)
TODAY = BEGINNING.date()


@pytest.fixture
def build() -> Builder:
    return Builder()


def opened(build: Builder, message: Message | None = None) -> ThreadChange:
    """A thread with its first message."""
    return Thread.open(message or build.message(), number=1, actor=SYSTEM, address=CUSTOMER_ADDRESS)


def by_figure(kept: Mapping[FigureKey, int]) -> dict[Figure, int]:
    """The sums over shops, contacts and days."""
    total: Counter[Figure] = Counter()
    for key, value in kept.items():
        total[key.figure] += value
    return {figure: value for figure, value in total.items() if value}


def test_new_thread_counts(build: Builder) -> None:
    """Open, nobody's, with one message of a customer; nothing else."""
    assert by_figure(differences([opened(build)])) == {
        Figure.THREADS: 1,
        Figure.OPEN: 1,
        Figure.UNASSIGNED: 1,
        Figure.CUSTOMER_MESSAGES: 1,
    }


def test_threads_are_filed_under_the_day_they_were_opened(build: Builder) -> None:
    """Messages under the day they were sent; both under shop and contact."""
    contact = ContactId(build.ids.new())
    first = opened(build, build.message(shop=ShopId("toys"), contact_id=contact))
    later = build.reply(first.thread, sent_at=BEGINNING + dt.timedelta(days=3))
    kept = differences([first.thread.reply(later, actor=SYSTEM)])

    assert kept == {
        FigureKey(shop=ShopId("toys"), contact_id=contact, day=TODAY, figure=Figure.UNASSIGNED): -1,
        FigureKey(shop=ShopId("toys"), contact_id=contact, day=TODAY, figure=Figure.WAITING_FOR_CUSTOMER): 1,
        FigureKey(shop=ShopId("toys"), contact_id=contact, day=TODAY, figure=Figure.RESPONSES): 1,
        FigureKey(shop=ShopId("toys"), contact_id=contact, day=TODAY, figure=Figure.RESPONSE_SECONDS): 3 * 86_400,
        FigureKey(
            shop=ShopId("toys"), contact_id=contact, day=TODAY + dt.timedelta(days=3), figure=Figure.EMPLOYEE_MESSAGES
        ): 1,
    }


def test_closing_moves_a_thread_between_figures(build: Builder) -> None:
    """A closed thread is neither unassigned nor waiting; its public messages count as those of closed threads."""
    thread = opened(build).thread
    kept = differences([thread.move_to(ThreadStatus.CLOSED, at=BEGINNING, actor=SYSTEM)])

    assert by_figure(kept) == {
        Figure.OPEN: -1,
        Figure.UNASSIGNED: -1,
        Figure.CLOSED: 1,
        Figure.CLOSED_MESSAGES: 1,
    }


def test_what_changes_no_figure_gives_none(build: Builder) -> None:
    """No zeros are kept: a note, a report, a link, no change at all."""
    thread = opened(build).thread
    changes = [
        thread.note(build.note(thread), actor=SYSTEM),
        thread.attach(build.report(thread), actor=SYSTEM),
        thread.revoke_reply_tokens(at=BEGINNING, actor=SYSTEM),
        ThreadChange(before=thread, thread=thread),
    ]

    assert differences(changes) == {}
    assert differences([]) == {}


def test_thread_we_opened_waits_for_the_customer(build: Builder) -> None:
    """Once there is a word of ours and none after it."""
    thread = opened(build, build.reply()).thread
    answered = thread.receive(build.message(thread, sent_at=BEGINNING + HOUR), actor=SYSTEM)

    assert by_figure(differences([answered]))[Figure.WAITING_FOR_CUSTOMER] == -1


def test_report_alone_waits_for_nobody(build: Builder) -> None:
    """Nothing of ours was sent."""
    kept = by_figure(differences([opened(build, build.report())]))

    assert kept == {Figure.THREADS: 1, Figure.OPEN: 1, Figure.UNASSIGNED: 1}


ACTIONS = st.one_of(
    st.tuples(st.just("open"), st.integers(0, 80)),
    st.tuples(st.just("receive"), st.integers(0, 80)),
    st.tuples(st.just("reply"), st.integers(0, 80)),
    st.tuples(st.just("note"), st.integers(0, 80)),
    st.tuples(st.just("report"), st.integers(0, 80)),
    st.tuples(st.just("handed over"), st.sampled_from(ThreadStatus)),
    st.tuples(st.just("move"), st.sampled_from(ThreadStatus)),
    st.tuples(st.just("assign"), st.sampled_from([None, ANNA, EmployeeRef("max")])),
)


@given(st.lists(st.tuples(st.integers(0, 2), ACTIONS), max_size=20))
def test_adding_differences_is_counting(history: Sequence[tuple[int, tuple[str, object]]]) -> None:
    """Over any history of any threads, whether differences are taken one by one or together."""
    build = Builder()
    threads: dict[int, Thread] = {}
    messages: list[tuple[Thread, Message]] = []
    changes: list[ThreadChange] = []
    for place, (action, value) in history:
        change = _done(build, threads.get(place), action, value)
        threads[place] = change.thread
        changes.append(change)
        if change.message is not None:
            messages.append((change.thread, change.message))

    one_by_one: Counter[FigureKey] = Counter()
    for change in changes:
        one_by_one.update(differences([change]))
    together = {key: value for key, value in one_by_one.items() if value}
    assert together == dict(differences(changes)) == _counted(threads.values(), messages)

    figures = statistics(by_figure(together))
    assert figures.open_threads + figures.pending + figures.closed == figures.threads == len(threads)
    assert figures.customer_messages == sum(thread.customer_messages for thread in threads.values())
    assert figures.employee_messages == sum(thread.employee_messages for thread in threads.values())
    assert figures.unassigned == sum(
        thread.assignee is None and not thread.status.is_closed for thread in threads.values()
    )


def _done(build: Builder, thread: Thread | None, action: str, value: object) -> ThreadChange:
    moment = BEGINNING + value * HOUR if isinstance(value, int) else BEGINNING
    if thread is None:
        return opened(build, build.message(sent_at=moment))
    match action:
        case "receive" | "open":
            return thread.receive(build.message(thread, sent_at=moment), actor=SYSTEM)
        case "reply":
            return thread.reply(build.reply(thread, sent_at=moment), actor=SYSTEM)
        case "note":
            return thread.note(build.note(thread, sent_at=moment), actor=SYSTEM)
        case "report":
            return thread.attach(build.report(thread, sent_at=moment), actor=SYSTEM)
        case "handed over":
            return thread.reply_handed_over(ThreadStatus(value), at=moment, actor=SYSTEM)
        case "move":
            return thread.move_to(ThreadStatus(value), at=moment, actor=SYSTEM)
        case _:
            employee = value if isinstance(value, EmployeeRef) else None
            return thread.assign(employee, at=moment, actor=SYSTEM)


def _counted(threads: Iterable[Thread], messages: Iterable[tuple[Thread, Message]]) -> dict[FigureKey, int]:
    """The figures counted from scratch, written apart from the code that keeps them."""
    total: Counter[FigureKey] = Counter()

    def count(thread: Thread, day: dt.date, figure: Figure, by: int = 1) -> None:
        total[FigureKey(shop=thread.shop, contact_id=thread.contact_id, day=day, figure=figure)] += by

    statuses = {
        ThreadStatus.OPEN: Figure.OPEN,
        ThreadStatus.CLOSED: Figure.CLOSED,
        ThreadStatus.PENDING1: Figure.PENDING1,
        ThreadStatus.PENDING2: Figure.PENDING2,
    }
    for thread in threads:
        day = thread.opened_at.date()
        count(thread, day, Figure.THREADS)
        count(thread, day, statuses[thread.status])
        if thread.status is ThreadStatus.CLOSED:
            count(thread, day, Figure.CLOSED_MESSAGES, thread.customer_messages + thread.employee_messages)
        elif thread.assignee is None:
            count(thread, day, Figure.UNASSIGNED)
        if thread.status is not ThreadStatus.CLOSED and thread.employee_messages and thread.waiting_since is None:
            count(thread, day, Figure.WAITING_FOR_CUSTOMER)
        if thread.first_response is not None:
            count(thread, day, Figure.RESPONSES)
            count(thread, day, Figure.RESPONSE_SECONDS, int(thread.first_response.total_seconds()))
    for thread, message in messages:
        if message.counts_as_activity:
            by_employee = message.author.kind is AuthorKind.EMPLOYEE
            figure = Figure.EMPLOYEE_MESSAGES if by_employee else Figure.CUSTOMER_MESSAGES
            count(thread, message.sent_at.date(), figure)
    return {key: value for key, value in total.items() if value}


class TestStatistics:
    """What the sums amount to."""

    def test_nothing_is_nothing(self) -> None:
        """Averages of nothing are absent rather than zero."""
        assert statistics({}) == Statistics()

    def test_sums_are_named(self) -> None:
        """Each figure has its place; the two pending ones are one."""
        totals = {figure: 10**at for at, figure in enumerate(Figure)}
        found = statistics(totals)

        assert (found.threads, found.open_threads, found.closed) == (1, 10, 100)
        assert (found.pending, found.unassigned, found.waiting_for_customer) == (11_000, 100_000, 1_000_000)
        assert (found.customer_messages, found.employee_messages) == (10**7, 10**8)
        assert found.messages_per_closed_thread == 10**9 / 100
        assert found.average_response_hours == round(10**11 / 10**10 / 3600, 2)
        assert (found.overdue, found.unread_messages) == (None, None)

    def test_averages_have_two_digits(self) -> None:
        """Hours, and messages."""
        found = statistics(
            {Figure.RESPONSES: 3, Figure.RESPONSE_SECONDS: 36_000, Figure.CLOSED: 3, Figure.CLOSED_MESSAGES: 8}
        )

        assert (found.average_response_hours, found.messages_per_closed_thread) == (3.33, 2.67)
