"""Messages from the shop's contact form, in their simple form: stored as threads before anything else happens."""

import enum
import hashlib

import attrs

from customerservice.application.context import DeskContext
from customerservice.application.recording import record
from customerservice.domain.actor import Actor, ActorKind
from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, DeliveryId, MessageId, ShopId, ThreadId
from customerservice.domain.message import Audience, Author, AuthorKind, Message
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import OrderRef, ProductRef
from customerservice.domain.text import one_line
from customerservice.domain.thread import Thread
from customerservice.errors import InvalidValue, Refused
from customerservice.mail.tokens import REPLY
from customerservice.ports.storage import UnitOfWork

_USER_AGENT_LENGTH = 512


@attrs.frozen(kw_only=True)
class FormMessage:
    """What a visitor typed, and what the host knows about the visit.

    Attributes:
        key: idempotency key of the submit, made by the host; the same key gives the same thread (R3).
        email: as typed.
        text: as typed; any characters are stored unchanged (R12).
        thread_id: the thread the visitor answers in, proven by its `token`, or by being logged in as its customer;
            without a thread, or without proof, a new one opens (R5).
        user_agent: of the browser; kept up to 512 characters (R113).
    """

    key: str
    contact_id: ContactId
    email: str
    text: str
    name: str = ""
    subject: str | None = None
    language: str | None = None
    order: OrderRef | None = None
    product: ProductRef | None = None
    user_agent: str | None = None
    thread_id: ThreadId | None = None
    token: str | None = None


class FormOutcome(enum.Enum):
    """What became of a submit."""

    STORED = "stored"
    #: the same submit, or the same text within ten minutes, was stored before (R3, R4).
    ALREADY_RECEIVED = "already received"
    #: nothing was stored or sent; see the faults (R112).
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class FormResult:
    """What became of a submit.

    Attributes:
        thread: where the message is; None when refused.
        faults: by field, what is wrong with it; empty unless refused.
        typed: the message as submitted, to be shown again.
    """

    outcome: FormOutcome
    typed: FormMessage
    thread: Thread | None = None
    faults: tuple[tuple[str, str], ...] = ()


def submit_form(desk: DeskContext, actor: Actor, shop: ShopId, typed: FormMessage) -> FormResult:
    """Take a message from the contact form: one thread and one message, stored when this returns.

    A typed address alone never joins a thread (R5): without proof the message opens a new one.

    Raises:
        Refused: the contact does not save messages (``not-saved``); such mail needs a mail server inside the call.
    """
    key = DeliveryKey(source=f"form:{shop}", name=typed.key)

    def work(unit: UnitOfWork) -> FormResult:
        contact = unit.contacts.get(typed.contact_id)
        address, faults = _check(typed, contact, shop)
        if contact is None or address is None or faults:
            return FormResult(outcome=FormOutcome.REFUSED, typed=typed, faults=faults)
        if not contact.saves_messages:
            raise Refused("not-saved", f"the contact {contact.name[None]} does not save messages")
        now = desk.clock.now()
        digest = _content(typed, address)
        earlier = unit.deliveries.find(key) or unit.deliveries.by_content(
            shop, digest, since=now - desk.settings.repeat_window
        )
        if earlier is not None and earlier.thread_id is not None:
            thread = unit.threads.get(earlier.thread_id)
            return FormResult(outcome=FormOutcome.ALREADY_RECEIVED, typed=typed, thread=thread)
        answered = _proven_thread(desk, unit, shop, actor, typed)
        message = _message(desk, typed, contact, address, actor, answered)
        delivery = Delivery(
            id=message.delivery_id or DeliveryId(desk.ids.new()),
            key=key,
            shop=shop,
            mailbox_id=None,
            sha256=None,
            size=len(typed.text.encode("utf-8", "replace")),
            received_at=now,
            stored_at=now,
            outcome=Outcome.OPENED if answered is None else Outcome.JOINED,
            content_digest=digest,
            sender=address.value,
            subject=message.subject,
            thread_id=message.thread_id,
            message_id=message.id,
            decision=Decision(
                rule="contact form",
                reason="a new conversation" if answered is None else "the visitor named this thread and proved it",
                contact_rule="chosen in the form",
            ),
        )
        if not unit.deliveries.add([delivery]):
            # The same submit was stored by another request since we looked.
            raise _SubmittedTwice(key.name)
        if answered is None:
            change = Thread.open(
                message,
                number=unit.threads.next_number(),
                actor=actor,
                subject=typed.subject or contact.name[typed.language],
                language=typed.language,
                address=address,
                name=typed.name,
                customer=actor.customer,
                order=typed.order,
            )
        else:
            change = answered.receive(message, actor=actor)
        return FormResult(outcome=FormOutcome.STORED, typed=typed, thread=record(unit, change))

    try:
        return desk.in_unit(work)
    except _SubmittedTwice:
        return desk.in_unit(work)


class _SubmittedTwice(Exception):
    """Two requests carried the same idempotency key at the same moment."""


def _check(
    typed: FormMessage, contact: Contact | None, shop: ShopId
) -> tuple[EmailAddress | None, tuple[tuple[str, str], ...]]:
    """Give the address, and all faults together by field (R112)."""
    faults: list[tuple[str, str]] = []
    if contact is None or contact.shop != shop:
        faults.append(("contact", "choose one of the contacts"))
    address = None
    try:
        address = EmailAddress(typed.email.strip())
    except InvalidValue as error:
        faults.append(("email", error.reason))
    if not typed.text.strip():
        faults.append(("text", "write a message"))
    if not 0 < len(typed.key) <= 255 or not typed.key.isprintable():
        faults.append(("key", "the form needs a key of 1 to 255 printable characters"))
    return address, tuple(faults)


def _content(typed: FormMessage, address: EmailAddress) -> str:
    said = "\0".join((str(typed.contact_id), address.key, str(typed.thread_id), typed.text))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def _proven_thread(
    desk: DeskContext, unit: UnitOfWork, shop: ShopId, actor: Actor, typed: FormMessage
) -> Thread | None:
    """The thread the visitor named and may answer in: by its token, or logged in as its customer (R5)."""
    thread = None if typed.thread_id is None else unit.threads.get(typed.thread_id)
    if thread is None or thread.shop != shop:
        return None
    if actor.customer is not None and actor.customer == thread.customer:
        return thread
    if typed.token is None or desk.keys is None:
        return None
    return thread if desk.keys.verifies(typed.token, REPLY, thread.id, thread.generation) else None


def _message(
    desk: DeskContext,
    typed: FormMessage,
    contact: Contact,
    address: EmailAddress,
    actor: Actor,
    answered: Thread | None,
) -> Message:
    now = desk.clock.now()
    customer = actor.customer if actor.kind is ActorKind.CUSTOMER else None
    return Message(
        id=MessageId(desk.ids.new()),
        thread_id=answered.id if answered is not None else ThreadId(desk.ids.new()),
        shop=contact.shop,
        contact_id=contact.id,
        author=Author(kind=AuthorKind.CUSTOMER, name=one_line(typed.name), address=address, customer=customer),
        audience=Audience.PUBLIC,
        text=typed.text,
        subject=None if typed.subject is None else one_line(typed.subject)[:255],
        sent_at=now,
        stored_at=now,
        delivery_id=DeliveryId(desk.ids.new()),
        product=typed.product,
        user_agent=None if typed.user_agent is None else one_line(typed.user_agent)[:_USER_AGENT_LENGTH],
    )
