"""Domain values for tests: valid without a word, and hypothesis strategies for the texts and moments inside them."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import Any

import attrs
from hypothesis import strategies as st

from customerservice.domain.contact import Contact
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.employee import Employee
from customerservice.domain.events import EventKind, ThreadEvent
from customerservice.domain.ids import (
    DEFAULT_SHOP,
    AttachmentId,
    ContactId,
    DeliveryId,
    MailboxId,
    MessageId,
    OutboxId,
    ThreadId,
)
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import Mailbox, SecretKind, SecretRef
from customerservice.domain.message import Attachment, Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.outbox import OutboxEntry, RecipientResult, RecipientState
from customerservice.domain.references import EmployeeRef
from customerservice.domain.text import storable
from customerservice.domain.thread import Thread
from customerservice.domain.wording import Wording
from customerservice.testing.clock import BEGINNING, CountingIdFactory

#: A SHA-256 in hex that belongs to no bytes of any test.
SOME_DIGEST = "0" * 64

#: An employee, a customer's address and an own one, for tests that do not care.
ANNA = EmployeeRef("anna")
CUSTOMER_ADDRESS = EmailAddress("maria@customer.example")
SHOP_ADDRESS = EmailAddress("help@shop.example")


def digest_of(text: str) -> str:
    """Give the hex SHA-256 of a text, where a test needs one that differs from others."""
    return hashlib.sha256(text.encode()).hexdigest()


class Builder:
    """Makes values that are valid and differ in their ids, which count up; every field can be told.

    One builder serves one store. All moments are `at` unless told. Thread-safe.

    >>> build = Builder()
    >>> thread = build.thread(subject="Where is my parcel?")
    >>> build.message(thread).thread_id == thread.id
    True
    """

    def __init__(self, ids: CountingIdFactory | None = None, at: dt.datetime = BEGINNING) -> None:
        """Take ids from `ids`; a new factory counts from 1."""
        self.ids = CountingIdFactory() if ids is None else ids
        self.at = at

    def contact(self, **fields: Any) -> Contact:
        """Give a department of the default shop."""
        told: dict[str, Any] = {
            "id": ContactId(self.ids.new()),
            "shop": DEFAULT_SHOP,
            "name": Wording.of(en="Customer service", de="Kundendienst"),
        }
        return Contact(**told | fields)

    def mailbox(self, **fields: Any) -> Mailbox:
        """Give an IMAP mailbox of the default shop whose password would come from the environment."""
        told: dict[str, Any] = {
            "id": MailboxId(self.ids.new()),
            "shop": DEFAULT_SHOP,
            "options": ImapOptions.parse("{mail.shop.example:993/imap/ssl}INBOX"),
            "user": "help@shop.example",
            "secret": SecretRef(SecretKind.ENVIRONMENT, "SHOP_MAIL_PASSWORD"),
        }
        return Mailbox(**told | fields)

    def thread(self, **fields: Any) -> Thread:
        """Give an open thread of the default shop, as it is after one message of a customer.

        Its number is unlike those of this builder's other threads.
        """
        thread_id = fields.pop("id", None) or ThreadId(self.ids.new())
        told: dict[str, Any] = {
            "number": thread_id.int & 0xFFFF_FFFF,
            "shop": DEFAULT_SHOP,
            "contact_id": None,
            "subject": "Where is my parcel?",
            "address": CUSTOMER_ADDRESS,
            "name": "Maria",
            "participants": frozenset({CUSTOMER_ADDRESS.key}),
            "messages": 1,
            "customer_messages": 1,
            "opened_at": self.at,
            "last_activity_at": self.at,
            "last_customer_message_at": self.at,
            "waiting_since": self.at,
        }
        return Thread(id=thread_id, **told | fields)

    def message(self, thread: Thread | None = None, **fields: Any) -> Message:
        """Give a customer's public message of a thread, or of a thread to be opened with it."""
        told: dict[str, Any] = {
            "id": MessageId(self.ids.new()),
            "thread_id": ThreadId(self.ids.new()) if thread is None else thread.id,
            "shop": DEFAULT_SHOP if thread is None else thread.shop,
            "contact_id": None if thread is None else thread.contact_id,
            "author": Author(kind=AuthorKind.CUSTOMER, name="Maria", address=CUSTOMER_ADDRESS),
            "audience": Audience.PUBLIC,
            "text": "Where is my parcel?",
            "sent_at": self.at,
            "stored_at": self.at,
        }
        return Message(**told | fields)

    def reply(self, thread: Thread | None = None, *, employee: EmployeeRef = ANNA, **fields: Any) -> Message:
        """Give an employee's public message."""
        told: dict[str, Any] = {"author": Author.of_employee(employee, "Anna"), "text": "It is on its way."}
        return self.message(thread, **told | fields)

    def note(self, thread: Thread | None = None, *, employee: EmployeeRef = ANNA, **fields: Any) -> Message:
        """Give an employee's internal note."""
        told: dict[str, Any] = {
            "audience": Audience.INTERNAL,
            "kind": MessageKind.NOTE,
            "text": "The carrier has lost it.",
        }
        return self.reply(thread, employee=employee, **told | fields)

    def report(self, thread: Thread | None = None, **fields: Any) -> Message:
        """Give a machine's public report, such as an out-of-office note."""
        told: dict[str, Any] = {
            "author": Author(kind=AuthorKind.SYSTEM, name="Mail Delivery System"),
            "kind": MessageKind.REPORT,
            "automatic": True,
            "text": "I am out of the office.",
        }
        return self.message(thread, **told | fields)

    def attachment(self, **fields: Any) -> Attachment:
        """Give an attachment; no bytes are stored for it."""
        told: dict[str, Any] = {
            "id": AttachmentId(self.ids.new()),
            "filename": "invoice.pdf",
            "media_type": "application/pdf",
            "size": 4711,
            "sha256": SOME_DIGEST,
        }
        return Attachment(**told | fields)

    def event(self, thread: Thread, **fields: Any) -> ThreadEvent:
        """Give an event of a thread."""
        told: dict[str, Any] = {
            "thread_id": thread.id,
            "shop": thread.shop,
            "kind": EventKind.OPENED,
            "at": self.at,
            "actor": "system",
        }
        return ThreadEvent(**told | fields)

    def delivery(self, **fields: Any) -> Delivery:
        """Give a mail that waits to be read, its bytes kept; its UID is unlike those of this builder's other mails."""
        delivery_id = fields.pop("id", None) or DeliveryId(self.ids.new())
        told: dict[str, Any] = {
            "key": DeliveryKey(source="a mailbox", epoch=1, uid=delivery_id.int & 0xFFFF_FFFF),
            "shop": DEFAULT_SHOP,
            "mailbox_id": None,
            "sha256": SOME_DIGEST,
            "size": 1000,
            "received_at": self.at,
            "stored_at": self.at,
            "raw_kept": True,
        }
        return Delivery(id=delivery_id, **told | fields)

    def outbox_entry(self, **fields: Any) -> OutboxEntry:
        """Give a mail to the customer that is due at `at`."""
        outbox_id = fields.pop("id", None) or OutboxId(self.ids.new())
        told: dict[str, Any] = {
            "shop": DEFAULT_SHOP,
            "thread_id": ThreadId(self.ids.new()),
            "message_id": MessageId(self.ids.new()),
            "header_id": f"{outbox_id.hex}@shop.example",
            "sender": SHOP_ADDRESS,
            "recipients": waiting(CUSTOMER_ADDRESS),
            "sha256": SOME_DIGEST,
            "created_at": self.at,
            "next_try_at": self.at,
        }
        return OutboxEntry(id=outbox_id, **told | fields)

    def employee(self, **fields: Any) -> Employee:
        """Give an employee of the built-in directory."""
        told: dict[str, Any] = {"ref": ANNA, "name": "Anna", "email": EmailAddress("anna@shop.example")}
        return Employee(**told | fields)


def waiting(*addresses: EmailAddress) -> tuple[RecipientResult, ...]:
    """Give recipients that nobody has tried yet."""
    return tuple(RecipientResult(address=address, state=RecipientState.WAITING) for address in addresses)


def settled(
    entry: OutboxEntry, states: Sequence[RecipientState], *, code: int | None = None, text: str = ""
) -> tuple[RecipientResult, ...]:
    """Give a server's answer for an entry's recipients, in their order."""
    pairs = zip(entry.recipients, states, strict=True)
    return tuple(attrs.evolve(result, state=state, code=code, text=text) for result, state in pairs)


def decisions() -> st.SearchStrategy[Decision]:
    """Give decision records of any content."""
    return st.builds(
        Decision,
        rule=storable_texts(),
        reason=storable_texts(),
        passed_over=st.lists(storable_texts(), max_size=3).map(tuple),
        kind=st.none() | storable_texts(),
        kind_reasons=st.lists(storable_texts(), max_size=3).map(tuple),
        contact_rule=storable_texts(),
        standing=storable_texts(),
        linked=st.none() | st.uuids().map(ThreadId),
        defects=st.lists(storable_texts(), max_size=3).map(tuple),
    )


def storable_texts(max_size: int | None = None) -> st.SearchStrategy[str]:
    """Give texts of any characters that a database can hold, the empty one among them."""
    return st.text(max_size=max_size).map(storable)


def moments() -> st.SearchStrategy[dt.datetime]:
    """Give aware moments, to the microsecond, in UTC and elsewhere, between 1970 and 2100."""
    zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
    microseconds = st.integers(0, 4_102_444_800_000_000)
    return st.builds(
        lambda after_1970, zone: (_EPOCH + dt.timedelta(microseconds=after_1970)).astimezone(zone),
        microseconds,
        st.just(dt.UTC) | zones,
    )


_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def email_addresses() -> st.SearchStrategy[EmailAddress]:
    """Give plain addresses, some with international letters."""
    atoms = st.text("abcxyzABC0189!#$%&'*+/=?^_`{|}~-äéйم", min_size=1, max_size=12)
    labels = st.text("abcXYZ019äй", min_size=1, max_size=12)
    return st.builds(
        lambda local, domain: EmailAddress(".".join(local) + "@" + ".".join(domain)),
        st.lists(atoms, min_size=1, max_size=3),
        st.lists(labels, min_size=1, max_size=3),
    )
