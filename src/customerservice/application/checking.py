"""Whether what is stored keeps its promises: counters against a recount, bytes against their digests."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

from customerservice.application.context import DeskContext
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.delivery import Delivery
from customerservice.domain.figures import Figure, differences
from customerservice.domain.message import AuthorKind, Message
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.domain.thread import Thread, ThreadChange
from customerservice.errors import StoredBytesLost
from customerservice.ports.storage import DeliveryFilter, Page, ThreadFilter, UnitOfWork

T = TypeVar("T")

_PAGE = 200


def check_desk(desk: DeskContext, actor: Actor, *, stop: Callable[[], bool] = lambda: False) -> Sequence[str]:
    """Check everything in the actor's shops and give what is wrong, one sentence each; empty when all is well.

    Reads all of it within one unit and writes nothing: the counters of each thread, the kept figures, the threads that
    mails belong to, and the bytes of mails, files and outgoing mail, each against its digest. What others commit
    meanwhile can look like a fault on storages whose units see it. With `stop` it ends early, and then says nothing of
    the figures.
    """
    with desk.storage.unit(reading=True) as unit:
        check = _Check(unit, actor.scope)
        for step in check.steps():
            if stop():
                return check.faults
            step()
    return check.faults


class _Check:
    """One check, with what it found so far."""

    def __init__(self, unit: UnitOfWork, scope: ShopScope) -> None:
        self.faults: list[str] = []
        self._unit = unit
        self._scope = scope
        self._recount: Counter[Figure] = Counter()

    def steps(self) -> Iterator[Callable[[], None]]:
        """Give the work in small parts: each thread, each mail, each outgoing mail, the figures at the end."""
        unit, scope = self._unit, self._scope
        wanted = ThreadFilter(scope=scope)
        for thread in _all(lambda after: unit.threads.page(wanted, after=after, limit=_PAGE)):
            yield partial(self._thread, thread)
        mails = DeliveryFilter(scope=scope)
        for delivery in _all(lambda after: unit.deliveries.page(mails, after=after, limit=_PAGE)):
            yield partial(self._delivery, delivery)
        for entry in _all(lambda after: unit.outbox.page(scope, list(OutboxState), after=after, limit=_PAGE)):
            yield partial(self._outgoing, entry)
        yield self._figures

    def _thread(self, thread: Thread) -> None:
        messages = self._unit.messages.of_thread(thread.id)
        changes = [ThreadChange(before=None, thread=thread)]
        changes += [ThreadChange(before=thread, thread=thread, message=message) for message in messages]
        for key, count in differences(changes).items():
            self._recount[key.figure] += count
        name = f"thread {thread.number}"
        if not messages:
            self.faults.append(f"{name} has no message")
        for what, kept, counted in (
            ("messages", thread.messages, len(messages)),
            ("messages of the customer", thread.customer_messages, _written(messages, AuthorKind.CUSTOMER)),
            ("messages of ours", thread.employee_messages, _written(messages, AuthorKind.EMPLOYEE)),
        ):
            if kept != counted:
                self.faults.append(f"{name} says it has {kept} {what}, and has {counted}")
        for message in messages:
            for attachment in message.attachments:
                self._bytes(attachment.sha256, f"a file of {name}")

    def _delivery(self, delivery: Delivery) -> None:
        name = f"mail {delivery.id}"
        if delivery.raw_kept and delivery.sha256 is not None:
            self._bytes(delivery.sha256, name)
        if delivery.thread_id is not None and self._unit.threads.get(delivery.thread_id) is None:
            self.faults.append(f"{name} belongs to thread {delivery.thread_id}, which does not exist")

    def _outgoing(self, entry: OutboxEntry) -> None:
        self._bytes(entry.sha256, f"outgoing mail {entry.id}")

    def _figures(self) -> None:
        kept = self._unit.figures.totals(self._scope)
        for figure in Figure:
            if kept.get(figure, 0) != self._recount[figure]:
                self.faults.append(
                    f"the figure {figure.value} is {kept.get(figure, 0)}, a recount gives {self._recount[figure]}"
                )

    def _bytes(self, sha256: str, name: str) -> None:
        try:
            self._unit.blobs.get(sha256)
        except StoredBytesLost as error:
            self.faults.append(f"{name}: {error}")


def _written(messages: Sequence[Message], kind: AuthorKind) -> int:
    return sum(message.counts_as_activity and message.author.kind is kind for message in messages)


def _all(page: Callable[[str | None], Page[T]]) -> Iterator[T]:
    after: str | None = None
    while True:
        found = page(after)
        yield from found.items
        if found.next is None:
            return
        after = found.next
