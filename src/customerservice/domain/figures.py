"""Figures that are kept, not counted: each change of a thread adds its difference."""

import datetime as dt
import enum
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import AuthorKind
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread, ThreadChange


class Figure(enum.Enum):
    """What is kept for each shop, contact and day."""

    THREADS = "threads"
    OPEN = "open"
    CLOSED = "closed"
    PENDING1 = "pending1"
    PENDING2 = "pending2"
    #: not closed and nobody's.
    UNASSIGNED = "unassigned"
    #: not closed, and the last word is ours.
    WAITING_FOR_CUSTOMER = "waiting_for_customer"
    CUSTOMER_MESSAGES = "customer_messages"
    EMPLOYEE_MESSAGES = "employee_messages"
    #: public messages in threads that are closed now.
    CLOSED_MESSAGES = "closed_messages"
    #: threads that got a first reply, and the seconds that took, summed.
    RESPONSES = "responses"
    RESPONSE_SECONDS = "response_seconds"


@attrs.frozen(kw_only=True)
class FigureKey:
    """Where a figure is filed: threads under the day they were opened, messages under the day they were sent (UTC)."""

    shop: ShopId
    contact_id: ContactId | None
    day: dt.date
    figure: Figure


def differences(changes: Iterable[ThreadChange]) -> Mapping[FigureKey, int]:
    """Give what these changes add to the kept figures, without zeros."""
    total: Counter[FigureKey] = Counter()
    for change in changes:
        if change.before is not None:
            total.subtract(_standing(change.before))
        total.update(_standing(change.thread))
        message = change.message
        if message is not None and message.counts_as_activity:
            figure = (
                Figure.EMPLOYEE_MESSAGES if message.author.kind is AuthorKind.EMPLOYEE else Figure.CUSTOMER_MESSAGES
            )
            day = message.sent_at.date()
            total[FigureKey(shop=message.shop, contact_id=change.thread.contact_id, day=day, figure=figure)] += 1
    return {key: value for key, value in total.items() if value}


def _standing(thread: Thread) -> Mapping[FigureKey, int]:
    """What a thread as it stands contributes."""
    counted = {Figure.THREADS: 1, Figure[thread.status.name]: 1}
    if not thread.status.is_closed:
        counted[Figure.UNASSIGNED] = int(thread.assignee is None)
        counted[Figure.WAITING_FOR_CUSTOMER] = int(thread.waiting_since is None and thread.employee_messages > 0)
    else:
        counted[Figure.CLOSED_MESSAGES] = thread.customer_messages + thread.employee_messages
    if thread.first_response is not None:
        counted[Figure.RESPONSES] = 1
        counted[Figure.RESPONSE_SECONDS] = int(thread.first_response.total_seconds())
    day = thread.opened_at.date()
    return {
        FigureKey(shop=thread.shop, contact_id=thread.contact_id, day=day, figure=figure): value
        for figure, value in counted.items()
        if value
    }


@attrs.frozen(kw_only=True)
class Statistics:
    """The figures of a help desk. open + pending + closed = threads.

    Attributes:
        average_response_hours: from the first customer message to the first public reply, over threads that have one;
            notes and automatic mail are no replies; None without any.
        messages_per_closed_thread: public messages; None without any closed thread.
        unread_messages: None without an employee to ask for; overdue: None without limits.
    """

    threads: int = 0
    open_threads: int = 0
    pending: int = 0
    closed: int = 0
    unassigned: int = 0
    waiting_for_customer: int = 0
    overdue: int | None = None
    customer_messages: int = 0
    employee_messages: int = 0
    unread_messages: int | None = None
    average_response_hours: float | None = None
    messages_per_closed_thread: float | None = None


def statistics(totals: Mapping[Figure, int]) -> Statistics:
    """Give the statistics that these sums over shops, contacts and days amount to; absent figures count as 0."""

    def of(*figures: Figure) -> int:
        return sum(totals.get(figure, 0) for figure in figures)

    closed, responses = of(Figure.CLOSED), of(Figure.RESPONSES)
    return Statistics(
        threads=of(Figure.THREADS),
        open_threads=of(Figure[ThreadStatus.OPEN.name]),
        pending=of(Figure.PENDING1, Figure.PENDING2),
        closed=closed,
        unassigned=of(Figure.UNASSIGNED),
        waiting_for_customer=of(Figure.WAITING_FOR_CUSTOMER),
        customer_messages=of(Figure.CUSTOMER_MESSAGES),
        employee_messages=of(Figure.EMPLOYEE_MESSAGES),
        average_response_hours=round(of(Figure.RESPONSE_SECONDS) / responses / 3600, 2) if responses else None,
        messages_per_closed_thread=round(of(Figure.CLOSED_MESSAGES) / closed, 2) if closed else None,
    )
