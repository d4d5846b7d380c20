"""What can be asked about threads."""

import datetime as dt
from collections.abc import Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.recording import thread_for
from customerservice.domain.actor import Actor
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.events import ThreadEvent
from customerservice.domain.figures import Statistics, statistics
from customerservice.domain.ids import ContactId, DeliveryId, ThreadId
from customerservice.domain.message import Message
from customerservice.domain.outbox import OutboxEntry
from customerservice.domain.thread import Thread
from customerservice.errors import NotFound
from customerservice.ports.storage import Page, ThreadFilter


@attrs.frozen(kw_only=True)
class MessageView:
    """One message of a thread, with the state of its mail if it was sent by us."""

    message: Message
    outbox: OutboxEntry | None = None


@attrs.frozen(kw_only=True)
class ThreadView:
    """A thread with everything in it (R114): messages oldest first, history in the order it happened."""

    thread: Thread
    contact: Contact | None
    messages: tuple[MessageView, ...]
    history: tuple[ThreadEvent, ...]


def list_threads(
    desk: DeskContext, actor: Actor, wanted: ThreadFilter | None = None, *, after: str | None = None, limit: int = 50
) -> Page[Thread]:
    """Give the threads of the actor's shops that meet the filter, latest activity first, by page.

    Raises:
        InvalidValue: `after` is not the `next` of a page.
    """
    asked = wanted or ThreadFilter()
    with desk.storage.unit(reading=True) as unit:
        return unit.threads.page(attrs.evolve(asked, scope=actor.scope), after=after, limit=limit)


def thread_view(desk: DeskContext, actor: Actor, thread_id: ThreadId) -> ThreadView:
    """Give a thread with all its messages and its history.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        thread = thread_for(unit, actor, thread_id)
        messages = unit.messages.of_thread(thread_id)
        sent = unit.outbox.of_messages([message.id for message in messages])
        return ThreadView(
            thread=thread,
            contact=None if thread.contact_id is None else unit.contacts.get(thread.contact_id),
            messages=tuple(MessageView(message=one, outbox=sent.get(one.id)) for one in messages),
            history=tuple(unit.events.of_thread(thread_id)),
        )


def thread_by_number(desk: DeskContext, actor: Actor, number: int) -> Thread:
    """Give the thread with that short number.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        found = unit.threads.by_number(number)
        if found is None or found.shop not in actor.scope:
            raise NotFound("thread", number)
        return found


def figures(
    desk: DeskContext, actor: Actor, *, contact_id: ContactId | None = None, since: dt.date | None = None
) -> Statistics:
    """Give the figures of the actor's shops, of one contact or all.

    With `since` over the threads opened and the messages sent on that day (UTC) or later, else from the beginning.
    """
    with desk.storage.unit(reading=True) as unit:
        return statistics(unit.figures.totals(actor.scope, contact_id=contact_id, since=since))


def find_deliveries(
    desk: DeskContext,
    actor: Actor,
    *,
    delivery_id: DeliveryId | None = None,
    key: DeliveryKey | None = None,
    header_id: str | None = None,
) -> Sequence[Delivery]:
    """Give the mails with that id, that key at their source, or that Message-ID (without angle brackets) (R46)."""
    with desk.storage.unit(reading=True) as unit:
        found: list[Delivery | None] = []
        if delivery_id is not None:
            found.append(unit.deliveries.get(delivery_id))
        if key is not None:
            found.append(unit.deliveries.find(key))
        if header_id is not None:
            found.extend(unit.deliveries.by_header_id(actor.scope, header_id))
        return [one for one in found if one is not None and one.shop in actor.scope]
