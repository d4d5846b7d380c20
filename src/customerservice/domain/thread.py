"""A conversation with a customer, and everything that can happen to it."""

import datetime as dt
from typing import Self

import attrs

from customerservice.domain.actor import Actor
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.events import EventKind, ThreadEvent
from customerservice.domain.flood import Muting
from customerservice.domain.ids import ContactId, ShopId, ThreadId
from customerservice.domain.message import AuthorKind, Message
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import DEFAULT_LEGEND, StatusCause, StatusLegend, ThreadStatus
from customerservice.domain.text import one_line
from customerservice.errors import Refused

#: Longest subject kept on a thread, in characters; the message keeps its own whole.
SUBJECT_LENGTH = 255


@attrs.frozen(kw_only=True)
class ThreadChange:
    """What an operation on a thread gives: the thread as it was and is now, the message it added, and what happened."""

    before: "Thread | None"
    thread: "Thread"
    message: Message | None = None
    events: tuple[ThreadEvent, ...] = ()


@attrs.frozen(kw_only=True)
class Thread:
    """A conversation with a customer: its state, counters and moments; its messages are stored beside it.

    Operations give a `ThreadChange` and leave the thread itself as it is. A thread always has at least one message: it
    is made with its first (`open`).

    Attributes:
        number: short number people use; unique, with gaps.
        contact_id: the department it is with now.
        subject: one line, at most 255 characters; None if the first mail had none.
        address: where replies go; None until somebody sets one (R24).
        participants: keys of the addresses that take part (R18), the customer's own among them.
        generation: raised to revoke all reply tokens (R21).
        messages: all entries; `customer_messages` and `employee_messages` count the public ones of persons.
        last_activity_at: latest public message of a person (R63); of the first message if there is none.
        waiting_since: the oldest public customer message nobody has answered yet; None when the last word is ours.
        first_response: from the first customer message to the first public reply; None until there is one.
        version: raised by the storage at each save.
    """

    id: ThreadId
    number: int
    shop: ShopId
    contact_id: ContactId | None
    status: ThreadStatus = ThreadStatus.OPEN
    subject: str | None = None
    language: str | None = None
    address: EmailAddress | None = None
    name: str = ""
    customer: CustomerRef | None = None
    order: OrderRef | None = None
    assignee: EmployeeRef | None = None
    participants: frozenset[str] = frozenset()
    generation: int = 1
    messages: int = 0
    customer_messages: int = 0
    employee_messages: int = 0
    opened_at: dt.datetime
    last_activity_at: dt.datetime
    last_customer_message_at: dt.datetime | None = None
    last_employee_message_at: dt.datetime | None = None
    waiting_since: dt.datetime | None = None
    first_response: dt.timedelta | None = None
    version: int = 1

    @classmethod
    def open(
        cls,
        message: Message,
        *,
        number: int,
        actor: Actor,
        subject: str | None = None,
        language: str | None = None,
        address: EmailAddress | None = None,
        name: str = "",
        customer: CustomerRef | None = None,
        order: OrderRef | None = None,
    ) -> ThreadChange:
        """Start a thread with its first message, which gives it id, shop, contact and moment."""
        empty = cls(
            id=message.thread_id,
            number=number,
            shop=message.shop,
            contact_id=message.contact_id,
            subject=None if subject is None else one_line(subject)[:SUBJECT_LENGTH],
            language=language,
            address=address,
            name=one_line(name),
            customer=customer,
            order=order,
            participants=frozenset() if address is None else frozenset({address.key}),
            opened_at=message.sent_at,
            last_activity_at=message.sent_at,
        )
        event = empty._event(EventKind.OPENED, actor, message.stored_at, message=message)
        return attrs.evolve(empty._with(message, (event,)), before=None)

    def receive(self, message: Message, *, actor: Actor, muting: Muting = Muting.NO) -> ThreadChange:
        """Take a customer's message: a closed or pending thread reopens (R33), unless it is muted (R38)."""
        if muting is not Muting.NO:
            return self._quietly(message, actor, muting)
        events = [self._event(EventKind.CUSTOMER_WROTE, actor, message.stored_at, message=message)]
        thread = self
        if self.status is not ThreadStatus.OPEN:
            thread, moved = self._moved(ThreadStatus.OPEN, StatusCause.CUSTOMER, actor, message.stored_at)
            events.append(moved)
        return attrs.evolve(thread._with(message, tuple(events)), before=self)

    def attach(self, message: Message, *, actor: Actor, muting: Muting = Muting.NO) -> ThreadChange:
        """Show a report (bounce, receipt, automatic answer) without reopening or raising activity (R37)."""
        if muting is not Muting.NO:
            return self._quietly(message, actor, muting)
        return self._with(message, (self._event(EventKind.REPORT_ATTACHED, actor, message.stored_at, message=message),))

    def reply(self, message: Message, *, actor: Actor) -> ThreadChange:
        """Add a public answer of an employee; the first one makes its author responsible (R67).

        The status changes only when the mail was handed over: `reply_handed_over`.

        Raises:
            Refused: there is no address to answer to (rule ``no-address``).
        """
        if self.address is None:
            raise Refused("no-address", f"thread {self.number} has no address to answer to; set one first")
        events = [self._event(EventKind.EMPLOYEE_REPLIED, actor, message.stored_at, message=message)]
        thread = self
        if self.assignee is None and message.author.employee is not None:
            thread = attrs.evolve(self, assignee=message.author.employee)
            events.append(self._event(EventKind.ASSIGNED, actor, message.stored_at, after=message.author.employee.id))
        return attrs.evolve(thread._with(message, tuple(events)), before=self)

    def reply_handed_over(
        self,
        status: ThreadStatus | None,
        *,
        at: dt.datetime,
        actor: Actor,
        legend: StatusLegend = DEFAULT_LEGEND,
    ) -> ThreadChange:
        """Move to the status a sent reply asks for (R61).

        Nothing happens when that is none, the thread's own or switched off, or when the customer wrote again since our
        last message.
        """
        if status is None or status is self.status or not legend.accepts(status) or self.waiting_since is not None:
            return ThreadChange(before=self, thread=self)
        thread, moved = self._moved(status, StatusCause.REPLY, actor, at)
        return ThreadChange(before=self, thread=thread, events=(moved,))

    def note(self, message: Message, *, actor: Actor) -> ThreadChange:
        """Add an internal note; it changes no moment but the count of entries."""
        return self._with(message, (self._event(EventKind.NOTE_ADDED, actor, message.stored_at, message=message),))

    def move_to(
        self,
        status: ThreadStatus,
        *,
        at: dt.datetime,
        actor: Actor,
        cause: StatusCause = StatusCause.MANUAL,
        legend: StatusLegend = DEFAULT_LEGEND,
    ) -> ThreadChange:
        """Change the status by hand or rule; moving to the status it has changes nothing.

        Raises:
            Refused: the status is switched off (rule ``status-switched-off``).
        """
        if status is self.status:
            return ThreadChange(before=self, thread=self)
        if not legend.accepts(status):
            raise Refused("status-switched-off", f"{status.value} is switched off in this help desk")
        thread, moved = self._moved(status, cause, actor, at)
        return ThreadChange(before=self, thread=thread, events=(moved,))

    def assign(self, employee: EmployeeRef | None, *, at: dt.datetime, actor: Actor) -> ThreadChange:
        """Make an employee responsible, or nobody."""
        if employee == self.assignee:
            return ThreadChange(before=self, thread=self)
        return self._linked(
            attrs.evolve(self, assignee=employee), EventKind.ASSIGNED, self.assignee, employee, actor, at
        )

    def link_order(self, order: OrderRef | None, *, at: dt.datetime, actor: Actor) -> ThreadChange:
        """Tie the thread to an order, or untie it."""
        if order == self.order:
            return ThreadChange(before=self, thread=self)
        return self._linked(attrs.evolve(self, order=order), EventKind.LINKED, self.order, order, actor, at)

    def link_customer(self, customer: CustomerRef | None, *, at: dt.datetime, actor: Actor) -> ThreadChange:
        """Tie the thread to a customer, or untie it."""
        if customer == self.customer:
            return ThreadChange(before=self, thread=self)
        return self._linked(attrs.evolve(self, customer=customer), EventKind.LINKED, self.customer, customer, actor, at)

    def add_participant(self, address: EmailAddress, *, at: dt.datetime, actor: Actor) -> ThreadChange:
        """Let an address take part (R18); it becomes the thread's own when there was none (R24)."""
        if address.key in self.participants:
            return ThreadChange(before=self, thread=self)
        thread = attrs.evolve(self, participants=self.participants | {address.key}, address=self.address or address)
        event = self._event(EventKind.PARTICIPANT_ADDED, actor, at, after=address.value)
        return ThreadChange(before=self, thread=thread, events=(event,))

    def revoke_reply_tokens(self, *, at: dt.datetime, actor: Actor) -> ThreadChange:
        """Make every reply token given out so far worthless, by raising the generation (R21)."""
        thread = attrs.evolve(self, generation=self.generation + 1)
        event = self._event(
            EventKind.REPLY_TOKENS_REVOKED, actor, at, before=str(self.generation), after=str(thread.generation)
        )
        return ThreadChange(before=self, thread=thread, events=(event,))

    def has_participant(self, address: EmailAddress) -> bool:
        """Whether the address takes part in this thread (R18)."""
        return address.key in self.participants

    def _quietly(self, message: Message, actor: Actor, muting: Muting) -> ThreadChange:
        """Take a message into a muted thread: that it came is told of the first alone (R38)."""
        kinds = [EventKind.MUTED] if muting is Muting.BEGINS else []
        kinds.append(EventKind.CAME_WHILE_MUTED)
        return self._with(message, tuple(self._event(one, actor, message.stored_at, message=message) for one in kinds))

    def _with(self, message: Message, events: tuple[ThreadEvent, ...]) -> ThreadChange:
        """Count a message and move the moments it moves (R63: imports never lower what is stored)."""
        thread = attrs.evolve(self, messages=self.messages + 1)
        if message.counts_as_activity:
            thread = thread._after_word_of(message)
        return ThreadChange(before=self, thread=thread, message=message, events=events)

    def _after_word_of(self, message: Message) -> Self:
        sent = message.sent_at
        active = self.last_activity_at if self.messages > 1 and self.last_activity_at > sent else sent
        if message.author.kind is AuthorKind.EMPLOYEE:
            asked, first_response = self.waiting_since, self.first_response
            if first_response is None and asked is not None and asked <= sent:
                first_response = sent - asked
            return attrs.evolve(
                self,
                employee_messages=self.employee_messages + 1,
                last_activity_at=active,
                last_employee_message_at=_later(self.last_employee_message_at, sent),
                waiting_since=self._still_waiting_after(sent),
                first_response=first_response,
            )
        # Whoever replied before this came had not read it, whatever its date says.
        waiting = sent if self.waiting_since is None else min(self.waiting_since, sent)
        return attrs.evolve(
            self,
            customer_messages=self.customer_messages + 1,
            last_activity_at=active,
            last_customer_message_at=_later(self.last_customer_message_at, sent),
            waiting_since=waiting,
        )

    def _still_waiting_after(self, sent: dt.datetime) -> dt.datetime | None:
        """Give since when the customer waits after a reply of that moment; it answers no later message."""
        if self.waiting_since is None or self.waiting_since > sent:
            return self.waiting_since
        # The moments between the oldest and the latest unanswered message are not kept; the latest is one of them.
        latest = self.last_customer_message_at
        return latest if latest is not None and latest > sent else None

    def _moved(
        self, status: ThreadStatus, cause: StatusCause, actor: Actor, at: dt.datetime
    ) -> tuple[Self, ThreadEvent]:
        event = self._event(
            EventKind.STATUS_CHANGED, actor, at, cause=cause, before=self.status.value, after=status.value
        )
        return attrs.evolve(self, status=status), event

    def _linked(
        self,
        thread: Self,
        kind: EventKind,
        old: EmployeeRef | CustomerRef | OrderRef | None,
        new: EmployeeRef | CustomerRef | OrderRef | None,
        actor: Actor,
        at: dt.datetime,
    ) -> ThreadChange:
        event = self._event(
            kind, actor, at, before=None if old is None else old.id, after=None if new is None else new.id
        )
        return ThreadChange(before=self, thread=thread, events=(event,))

    def _event(
        self,
        kind: EventKind,
        actor: Actor,
        at: dt.datetime,
        *,
        cause: StatusCause | None = None,
        before: str | None = None,
        after: str | None = None,
        message: Message | None = None,
    ) -> ThreadEvent:
        return ThreadEvent(
            thread_id=self.id,
            shop=self.shop,
            kind=kind,
            at=at,
            actor=actor.label,
            cause=cause,
            before=before,
            after=after,
            message_id=None if message is None else message.id,
        )


def _later(old: dt.datetime | None, new: dt.datetime) -> dt.datetime:
    return new if old is None else max(old, new)


def bounded_moment(claimed: dt.datetime | None, arrived: dt.datetime) -> dt.datetime:
    """Give the moment a mail counts as sent (R63): its own date, never later than its arrival.

    Outside [2000-01-01, arrival + 1 day] the claim is not believed and the arrival is taken. Both are aware; the result
    is UTC.
    """
    if claimed is None or not _FIRST_BELIEVED <= claimed <= arrived + dt.timedelta(days=1):
        return arrived.astimezone(dt.UTC)
    return min(claimed, arrived).astimezone(dt.UTC)


_FIRST_BELIEVED = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
