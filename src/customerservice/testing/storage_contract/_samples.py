"""One of each thing a storage keeps, bare and with everything that is optional."""

import datetime as dt
import hashlib
from typing import Any
from uuid import UUID

import attrs

from customerservice.domain.actor import ALL_SHOPS
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, DeliveryId, MailboxId, MessageId, ShopId, ThreadId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import (
    AfterFetch,
    AfterFetchKind,
    FirstSync,
    Mailbox,
    MailboxHealth,
    SecretKind,
    SecretRef,
)
from customerservice.domain.message import Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef, ProductRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.errors import StoredBytesLost
from customerservice.ports.storage import BlobOwner, DeliveryFilter, SyncCursor, ThreadFilter, UnitOfWork
from customerservice.testing.builders import CUSTOMER_ADDRESS, Builder, digest_of
from customerservice.testing.clock import BEGINNING
from customerservice.testing.storage_contract._basis import EARLIER, GREATEST_UID, LATER, MINUTE, OTHER_SHOP, figure_key


class Everything:
    """One of each thing a storage keeps, what changing each looks like, and all of it read back."""

    def __init__(self, build: Builder) -> None:
        self.contact = build.contact(addresses=(CUSTOMER_ADDRESS,))
        self.mailbox = build.mailbox()
        self.thread = build.thread(number=12)
        self.message = build.message(self.thread, header_id="1@x", attachments=(build.attachment(),))
        self.second = build.message(self.thread, header_id="2@x")
        self.event = build.event(self.thread)
        self.delivery = build.delivery(mailbox_id=self.mailbox.id)
        self.not_ours = build.delivery(mailbox_id=self.mailbox.id, outcome=Outcome.NOT_OURS)
        self.entry = build.outbox_entry()
        self.employee = build.employee()
        self.owner = BlobOwner("delivery", self.delivery.id.hex)

    def add(self, unit: UnitOfWork) -> None:
        """Store it all."""
        unit.contacts.add(self.contact)
        unit.mailboxes.add(self.mailbox)
        unit.mailboxes.save_cursor(SyncCursor(mailbox_id=self.mailbox.id, epoch=1, uid=1))
        unit.threads.add(self.thread)
        unit.messages.add([self.message])
        unit.events.add([self.event])
        unit.deliveries.add([self.delivery, self.not_ours])
        unit.blobs.put(b"raw", self.owner)
        unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
        unit.outbox.add(self.entry)
        unit.figures.add({figure_key(dt.date(2026, 1, 5)): 1})
        unit.employees.put(self.employee)

    def change(self, unit: UnitOfWork) -> None:
        """Change or remove it all."""
        unit.contacts.save(attrs.evolve(self.contact, addresses=()))
        unit.mailboxes.remove(self.mailbox.id)
        unit.threads.save(attrs.evolve(self.thread, participants=frozenset(), last_activity_at=LATER))
        unit.messages.add([self.second])
        unit.messages.rewrite(attrs.evolve(self.message, text="something else", attachments=()))
        unit.events.add([self.event])
        unit.deliveries.save([attrs.evolve(self.delivery, outcome=Outcome.HELD)])
        unit.deliveries.forget_not_ours(self.mailbox.id)
        unit.blobs.release(hashlib.sha256(b"raw").hexdigest(), self.owner)
        lease = unit.leases.acquire("sync", "worker", now=BEGINNING, until=LATER)
        assert lease is not None
        unit.leases.release(lease)
        unit.leases.acquire("sync", "thief", now=BEGINNING, until=LATER + MINUTE)
        unit.outbox.save(self.entry.claimed("worker", until=LATER))
        unit.figures.add({figure_key(dt.date(2026, 1, 5)): 1})
        unit.employees.put(attrs.evolve(self.employee, name="Changed"))

    def snapshot(self, unit: UnitOfWork) -> dict[str, Any]:
        """Read everything; what a name stands for is equal exactly when nothing of it changed."""
        try:
            blob: object = unit.blobs.get(hashlib.sha256(b"raw").hexdigest())
        except StoredBytesLost:
            blob = None
        return {
            "contacts": list(unit.contacts.all()),
            "mailboxes": list(unit.mailboxes.all()),
            "cursor": unit.mailboxes.cursor(self.mailbox.id),
            "thread": unit.threads.get(self.thread.id),
            "numbered": unit.threads.by_number(12),
            "threads": unit.threads.page(ThreadFilter()),
            "messages": list(unit.messages.of_thread(self.thread.id)),
            "known": list(unit.messages.find_header_ids(ALL_SHOPS, ["1@x", "2@x"])),
            "events": list(unit.events.of_thread(self.thread.id)),
            "deliveries": unit.deliveries.page(DeliveryFilter()),
            "unread": list(unit.deliveries.unread(self.delivery.key.source, limit=9)),
            "not ours": unit.deliveries.find(self.not_ours.key),
            "blob": blob,
            # Who holds the lease shows in who is refused; asking as its holder would change it.
            "lease": unit.leases.acquire("sync", "thief", now=BEGINNING, until=LATER + MINUTE) is None,
            "outbox": unit.outbox.get(self.entry.id),
            "due": list(unit.outbox.due(now=BEGINNING, limit=9)),
            "figures": {figure: value for figure, value in unit.figures.totals(ALL_SHOPS).items() if value},
            "employees": list(unit.employees.all()),
        }


def full_mailbox(build: Builder) -> Mailbox:
    """Give a mailbox with everything that is optional, and values at their limits."""
    return build.mailbox(
        shop=OTHER_SHOP,
        options=ImapOptions.parse("{Mail.Shop.example:1143/imap/tls/novalidate-cert}Büro/Eingang [1]"),
        user="büro+x@shop.example",
        secret=SecretRef(SecretKind.FILE, "/run/secrets/büro", oauth=True),
        contact_id=ContactId(build.ids.new()),
        after_fetch=AfterFetch(AfterFetchKind.MOVE, "Erledigt/2026"),
        create_threads=False,
        first_sync=FirstSync(since=dt.date(2026, 2, 28)),
        interval=dt.timedelta(minutes=7, microseconds=1),
        allow_clear_text=True,
        reply_address="help+{token}@shop.example",
        form_senders=frozenset({EmailAddress("form@shop.example"), EmailAddress("Markt@platz.example")}),
        size_limit=2**40,
        authserv_id="mx.shop.example",
        health=MailboxHealth(last_success_at=EARLIER, last_error="no route", last_error_at=LATER, errors_in_a_row=3),
        version=7,
    )


def full_thread(build: Builder) -> Thread:
    """Give a thread, with a thousand participants with everything that is optional, and values at their limits."""
    return build.thread(
        number=2**40,
        shop=ShopId("s" * 64),
        contact_id=ContactId(build.ids.new()),
        status=ThreadStatus.PENDING2,
        subject="Ü" * 255,
        language="pt-BR",
        address=EmailAddress("Änne.O'Hara+x@Bücher.example"),
        name="Änne " + "x" * 1000,
        customer=CustomerRef("c" * 191),
        order=OrderRef("№ 5"),
        assignee=EmployeeRef("é"),
        participants=frozenset({f"p{at}@x.example" for at in range(1000)} | {"ánna@x.example", "anna@x.example"}),
        generation=3,
        messages=2**33,
        customer_messages=2**32,
        employee_messages=2**31,
        last_employee_message_at=EARLIER,
        waiting_since=None,
        first_response=dt.timedelta(days=400, microseconds=1),
        version=7,
    )


def full_message(build: Builder, thread: Thread) -> Message:
    """Give a message with everything that is optional, and values at their limits."""
    return build.message(
        thread,
        contact_id=ContactId(build.ids.new()),
        author=Author(
            kind=AuthorKind.CUSTOMER,
            name="Mária \N{REPLACEMENT CHARACTER}",
            address=EmailAddress("Mária@customer.example"),
            customer=CustomerRef("c-1"),
        ),
        audience=Audience.INTERNAL,
        kind=MessageKind.NOTE,
        text="NUL \x00, a lone surrogate \ud83d and \r\n\t trailing blanks  ",
        quoted_text="> older",
        signature="-- \nM.",
        html="<p>&nbsp;ü</p>",
        subject="Re: ü",
        sent_at=EARLIER,
        stored_at=LATER,
        header_id="i" * 998,
        delivery_id=DeliveryId(build.ids.new()),
        attachments=(
            build.attachment(filename=None, size=0),
            build.attachment(filename="b.png", content_id="cid-1", inline=True, size=2**33, sha256=digest_of("b")),
            build.attachment(filename="a\u202egnp.exe", media_type="x-" + "y" * 300 + "/z"),
        ),
        product=ProductRef("p-1"),
        user_agent="Mozilla/5.0 " + "x" * 2000,
        automatic=True,
        in_reply_to=MessageId(build.ids.new()),
    )


def full_delivery(build: Builder) -> Delivery:
    """Give a mail with everything that is optional, and values at their limits."""
    return build.delivery(
        key=DeliveryKey(source="büro", epoch=GREATEST_UID, uid=GREATEST_UID, name="n"),
        shop=OTHER_SHOP,
        mailbox_id=MailboxId(build.ids.new()),
        sha256=digest_of("raw"),
        size=2**33,
        received_at=EARLIER,
        stored_at=LATER,
        attempts=3,
        outcome=Outcome.JOINED,
        content_digest=digest_of("content"),
        acknowledge=True,
        header_id="i" * 998,
        sender="Mária <mária@customer.example>",
        subject="Ü" * 5000,
        thread_id=ThreadId(build.ids.new()),
        message_id=MessageId(build.ids.new()),
        duplicate_of=DeliveryId(build.ids.new()),
        decision=Decision(
            rule="in-reply-to",
            reason="names our message",
            passed_over=("no token", "no märker"),
            kind="person",
            kind_reasons=("no sign of a machine",),
            contact_rule="exact address",
            standing="participant",
            linked=ThreadId(UUID(int=7)),
            defects=("no-date",),
        ),
        reader_version=12,
    )
