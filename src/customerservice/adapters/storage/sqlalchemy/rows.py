"""Values as rows, and rows as values; the columns are in the order of `tables`."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from customerservice.adapters.serialization import dump, load
from customerservice.adapters.storage.sqlalchemy.columns import digest_key
from customerservice.domain.contact import AfterReply, Contact
from customerservice.domain.delivery import Decision, Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.employee import Employee
from customerservice.domain.events import EventKind, ThreadEvent
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
from customerservice.domain.message import Attachment, Audience, Author, AuthorKind, Message, MessageKind
from customerservice.domain.outbox import OutboxEntry, OutboxState, RecipientResult, RecipientState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef, ProductRef
from customerservice.domain.status import StatusCause, ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.domain.wording import Wording
from customerservice.ports.storage import SyncCursor

Row = Sequence[Any]
Values = dict[str, Any]

#: Stands for "no contact" in the key of figures.
NO_CONTACT = UUID(int=0)


def _address(value: str | None) -> EmailAddress | None:
    return None if value is None else EmailAddress(value)


def _text(address: EmailAddress | None) -> str | None:
    return None if address is None else address.value


def contact_values(contact: Contact) -> Values:
    """Give the row of a contact; its addresses are rows of their own."""
    return {
        "id": contact.id,
        "shop": contact.shop,
        "name": dump(contact.name),
        "description": None if contact.description is None else dump(contact.description),
        "saves_messages": contact.saves_messages,
        "position": contact.position,
        "after_reply": None if contact.after_reply is None else contact.after_reply.value,
        "version": contact.version,
        "language": contact.language,
    }


def contact_address_values(contact: Contact) -> list[Values]:
    """Give the rows of a contact's addresses."""
    return [
        {"contact_id": contact.id, "position": position, "address": address.value, "address_key": address.key}
        for position, address in enumerate(contact.addresses)
    ]


def contact_of(row: Row, addresses: Iterable[str]) -> Contact:
    """Give the contact of a row and its addresses in order."""
    id_, shop, name, description, saves_messages, position, after_reply, version, language = row
    return Contact(
        id=id_,
        shop=shop,
        name=load(name, Wording),
        description=None if description is None else load(description, Wording),
        addresses=tuple(EmailAddress(address) for address in addresses),
        saves_messages=saves_messages,
        position=position,
        after_reply=None if after_reply is None else AfterReply(after_reply),
        language=language,
        version=version,
    )


def mailbox_values(mailbox: Mailbox) -> Values:
    """Give the row of a mailbox."""
    secret, health = mailbox.secret, mailbox.health
    return {
        "id": mailbox.id,
        "shop": mailbox.shop,
        "options": mailbox.options.render(),
        "user_name": mailbox.user,
        "secret_kind": None if secret is None else secret.kind.value,
        "secret_name": None if secret is None else secret.name,
        "secret_oauth": secret is not None and secret.oauth,
        "contact_id": mailbox.contact_id,
        "after_fetch": mailbox.after_fetch.kind.value,
        "after_fetch_folder": mailbox.after_fetch.folder,
        "create_threads": mailbox.create_threads,
        "first_sync_everything": mailbox.first_sync.everything,
        "first_sync_since": mailbox.first_sync.since,
        "pause": mailbox.interval,
        "allow_clear_text": mailbox.allow_clear_text,
        "reply_address": mailbox.reply_address,
        "form_senders": dump(sorted(address.value for address in mailbox.form_senders)),
        "size_limit": mailbox.size_limit,
        "authserv_id": mailbox.authserv_id,
        "last_success_at": health.last_success_at,
        "last_error": health.last_error,
        "last_error_at": health.last_error_at,
        "errors_in_a_row": health.errors_in_a_row,
        "version": mailbox.version,
    }


def mailbox_of(row: Any) -> Mailbox:
    """Give the mailbox of a row."""
    return Mailbox(
        id=row.id,
        shop=row.shop,
        options=ImapOptions.parse(row.options),
        user=row.user_name,
        secret=None
        if row.secret_kind is None
        else SecretRef(SecretKind(row.secret_kind), row.secret_name, oauth=row.secret_oauth),
        contact_id=row.contact_id,
        after_fetch=AfterFetch(AfterFetchKind(row.after_fetch), row.after_fetch_folder),
        create_threads=row.create_threads,
        first_sync=FirstSync(everything=row.first_sync_everything, since=row.first_sync_since),
        interval=row.pause,
        allow_clear_text=row.allow_clear_text,
        reply_address=row.reply_address,
        form_senders=frozenset(EmailAddress(value) for value in load(row.form_senders, list[str])),
        size_limit=row.size_limit,
        authserv_id=row.authserv_id,
        health=MailboxHealth(
            last_success_at=row.last_success_at,
            last_error=row.last_error,
            last_error_at=row.last_error_at,
            errors_in_a_row=row.errors_in_a_row,
        ),
        version=row.version,
    )


def cursor_values(cursor: SyncCursor) -> Values:
    """Give the row of how far a mailbox was listed."""
    return {
        "mailbox_id": cursor.mailbox_id,
        "epoch": cursor.epoch,
        "uid": cursor.uid,
        "since": cursor.since,
        "old_uid": cursor.old_uid,
    }


def cursor_of(row: Any) -> SyncCursor:
    """Give how far a mailbox was listed."""
    return SyncCursor(mailbox_id=row.mailbox_id, epoch=row.epoch, uid=row.uid, since=row.since, old_uid=row.old_uid)


def thread_values(thread: Thread) -> Values:
    """Give the row of a thread; its participants are rows of their own."""
    address = thread.address
    return {
        "id": thread.id,
        "number": thread.number,
        "shop": thread.shop,
        "contact_id": thread.contact_id,
        "status": thread.status.value,
        "subject": thread.subject,
        "language": thread.language,
        "address": None if address is None else address.value,
        "address_key": None if address is None else address.key,
        "name": thread.name,
        "customer": None if thread.customer is None else thread.customer.id,
        "order_ref": None if thread.order is None else thread.order.id,
        "assignee": None if thread.assignee is None else thread.assignee.id,
        "generation": thread.generation,
        "messages": thread.messages,
        "customer_messages": thread.customer_messages,
        "employee_messages": thread.employee_messages,
        "opened_at": thread.opened_at,
        "last_activity_at": thread.last_activity_at,
        "last_customer_message_at": thread.last_customer_message_at,
        "last_employee_message_at": thread.last_employee_message_at,
        "waiting_since": thread.waiting_since,
        "first_response": thread.first_response,
        "version": thread.version,
    }


_STATUSES = {status.value: status for status in ThreadStatus}


def thread_of(row: Row, participants: frozenset[str] = frozenset()) -> Thread:
    """Give the thread of a row."""
    (
        id_,
        number,
        shop,
        contact_id,
        status,
        subject,
        language,
        address,
        _address_key,
        name,
        customer,
        order,
        assignee,
        generation,
        messages,
        customer_messages,
        employee_messages,
        opened_at,
        last_activity_at,
        last_customer_message_at,
        last_employee_message_at,
        waiting_since,
        first_response,
        version,
    ) = row
    return Thread(
        id=id_,
        number=number,
        shop=shop,
        contact_id=contact_id,
        status=_STATUSES[status],
        subject=subject,
        language=language,
        address=None if address is None else EmailAddress(address),
        name=name,
        customer=None if customer is None else CustomerRef(customer),
        order=None if order is None else OrderRef(order),
        assignee=None if assignee is None else EmployeeRef(assignee),
        participants=participants,
        generation=generation,
        messages=messages,
        customer_messages=customer_messages,
        employee_messages=employee_messages,
        opened_at=opened_at,
        last_activity_at=last_activity_at,
        last_customer_message_at=last_customer_message_at,
        last_employee_message_at=last_employee_message_at,
        waiting_since=waiting_since,
        first_response=first_response,
        version=version,
    )


def message_values(message: Message) -> Values:
    """Give the row of a message; its attachments are rows of their own, only their number is here."""
    author = message.author
    return {
        "id": message.id,
        "thread_id": message.thread_id,
        "shop": message.shop,
        "contact_id": message.contact_id,
        "author_kind": author.kind.value,
        "author_name": author.name,
        "author_address": _text(author.address),
        "author_employee": None if author.employee is None else author.employee.id,
        "author_customer": None if author.customer is None else author.customer.id,
        "audience": message.audience.value,
        "kind": message.kind.value,
        "text": message.text,
        "quoted_text": message.quoted_text,
        "signature": message.signature,
        "html": message.html,
        "subject": message.subject,
        "sent_at": message.sent_at,
        "stored_at": message.stored_at,
        "header_id": message.header_id,
        "delivery_id": message.delivery_id,
        "attachments": len(message.attachments),
        "product": None if message.product is None else message.product.id,
        "user_agent": message.user_agent,
        "automatic": message.automatic,
        "in_reply_to": message.in_reply_to,
    }


def message_of(row: Any, attachments: tuple[Attachment, ...] = ()) -> Message:
    """Give the message of a row and its attachments in order."""
    return Message(
        id=row.id,
        thread_id=row.thread_id,
        shop=row.shop,
        contact_id=row.contact_id,
        author=Author(
            kind=AuthorKind(row.author_kind),
            name=row.author_name,
            address=_address(row.author_address),
            employee=None if row.author_employee is None else EmployeeRef(row.author_employee),
            customer=None if row.author_customer is None else CustomerRef(row.author_customer),
        ),
        audience=Audience(row.audience),
        kind=MessageKind(row.kind),
        text=row.text,
        quoted_text=row.quoted_text,
        signature=row.signature,
        html=row.html,
        subject=row.subject,
        sent_at=row.sent_at,
        stored_at=row.stored_at,
        header_id=row.header_id,
        delivery_id=row.delivery_id,
        attachments=attachments,
        product=None if row.product is None else ProductRef(row.product),
        user_agent=row.user_agent,
        automatic=row.automatic,
        in_reply_to=row.in_reply_to,
    )


def attachment_values(message: Message) -> list[Values]:
    """Give the rows of a message's attachments."""
    return [
        {
            "id": attachment.id,
            "message_id": message.id,
            "position": position,
            "filename": attachment.filename,
            "media_type": attachment.media_type,
            "size": attachment.size,
            "sha256": attachment.sha256,
            "content_id": attachment.content_id,
            "inline": attachment.inline,
        }
        for position, attachment in enumerate(message.attachments)
    ]


def attachment_of(row: Any) -> Attachment:
    """Give the attachment of a row."""
    return Attachment(
        id=row.id,
        filename=row.filename,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        content_id=row.content_id,
        inline=row.inline,
    )


def header_id_values(message: Message) -> Values:
    """Give the row that makes a message's Message-ID known; the message must have one."""
    return {
        "header_key": digest_key(message.header_id or ""),
        "message_id": message.id,
        "shop": message.shop,
        "thread_id": message.thread_id,
        "sent": message.delivery_id is None,
    }


def event_values(event: ThreadEvent) -> Values:
    """Give the row of an event."""
    return {
        "thread_id": event.thread_id,
        "shop": event.shop,
        "kind": event.kind.value,
        "at": event.at,
        "actor": event.actor,
        "cause": None if event.cause is None else event.cause.value,
        "before": event.before,
        "after": event.after,
        "message_id": event.message_id,
    }


def event_of(row: Any) -> ThreadEvent:
    """Give the event of a row."""
    return ThreadEvent(
        thread_id=row.thread_id,
        shop=row.shop,
        kind=EventKind(row.kind),
        at=row.at,
        actor=row.actor,
        cause=None if row.cause is None else StatusCause(row.cause),
        before=row.before,
        after=row.after,
        message_id=row.message_id,
    )


def delivery_digest(key: DeliveryKey) -> bytes:
    """Give what stands for a delivery's key in its unique index."""
    return digest_key(key.source, key.epoch, key.uid, key.name)


def delivery_values(delivery: Delivery) -> Values:
    """Give the row of a delivery."""
    key, outcome = delivery.key, delivery.outcome
    source_key = digest_key(key.source)
    return {
        "id": delivery.id,
        "delivery_key": delivery_digest(key),
        "shop": delivery.shop,
        "mailbox_id": delivery.mailbox_id,
        "source": key.source,
        "source_key": source_key,
        "epoch": key.epoch,
        "uid": key.uid,
        "name": key.name,
        "sha256": delivery.sha256,
        "content_digest": delivery.content_digest,
        "size": delivery.size,
        "received_at": delivery.received_at,
        "stored_at": delivery.stored_at,
        "attempts": delivery.attempts,
        "outcome": "" if outcome is None else outcome.value,
        "raw_kept": delivery.raw_kept,
        "acknowledge": delivery.acknowledge,
        "header_id": delivery.header_id,
        "header_key": None if delivery.header_id is None else digest_key(delivery.header_id),
        "sender": delivery.sender,
        "subject": delivery.subject,
        "thread_id": delivery.thread_id,
        "message_id": delivery.message_id,
        "duplicate_of": delivery.duplicate_of,
        "decision": None if delivery.decision is None else dump(delivery.decision),
        "reader_version": delivery.reader_version,
        "unread_of": source_key if outcome is None and delivery.raw_kept else None,
        "untold_of": source_key if outcome is not None and delivery.acknowledge else None,
    }


def delivery_of(row: Any) -> Delivery:
    """Give the delivery of a row."""
    return Delivery(
        id=row.id,
        key=DeliveryKey(source=row.source, epoch=row.epoch, uid=row.uid, name=row.name),
        shop=row.shop,
        mailbox_id=row.mailbox_id,
        sha256=row.sha256,
        size=row.size,
        received_at=row.received_at,
        stored_at=row.stored_at,
        attempts=row.attempts,
        outcome=Outcome(row.outcome) if row.outcome else None,
        content_digest=row.content_digest,
        raw_kept=row.raw_kept,
        acknowledge=row.acknowledge,
        header_id=row.header_id,
        sender=row.sender,
        subject=row.subject,
        thread_id=row.thread_id,
        message_id=row.message_id,
        duplicate_of=row.duplicate_of,
        decision=None if row.decision is None else load(row.decision, Decision),
        reader_version=row.reader_version,
    )


def due_at(entry: OutboxEntry) -> dt.datetime | None:
    """Give when the next worker may take an entry; None if nothing more is done by itself."""
    if entry.state.is_final:
        return None
    return entry.next_try_at if entry.state is OutboxState.WAITING else entry.claimed_until


def outbox_values(entry: OutboxEntry) -> Values:
    """Give the row of an outbox entry; its recipients are rows of their own."""
    return {
        "id": entry.id,
        "shop": entry.shop,
        "thread_id": entry.thread_id,
        "message_id": entry.message_id,
        "header_id": entry.header_id,
        "sender": _text(entry.sender),
        "sha256": entry.sha256,
        "created_at": entry.created_at,
        "next_try_at": entry.next_try_at,
        "then_status": None if entry.then is None else entry.then.value,
        "state": entry.state.value,
        "tries": entry.tries,
        "claimed_by": entry.claimed_by,
        "claimed_until": entry.claimed_until,
        "last_error": entry.last_error,
        "settled_at": entry.settled_at,
        "due_at": due_at(entry),
    }


def recipient_values(entry: OutboxEntry) -> list[Values]:
    """Give the rows of an entry's recipients."""
    return [
        {
            "outbox_id": entry.id,
            "position": position,
            "address": result.address.value,
            "state": result.state.value,
            "code": result.code,
            "text": result.text,
        }
        for position, result in enumerate(entry.recipients)
    ]


def recipient_of(row: Any) -> RecipientResult:
    """Give what became of a recipient."""
    return RecipientResult(
        address=EmailAddress(row.address), state=RecipientState(row.state), code=row.code, text=row.text
    )


def outbox_entry_of(row: Any, recipients: Iterable[RecipientResult]) -> OutboxEntry:
    """Give the outbox entry of a row and its recipients in order."""
    return OutboxEntry(
        id=row.id,
        shop=row.shop,
        thread_id=row.thread_id,
        message_id=row.message_id,
        header_id=row.header_id,
        sender=_address(row.sender),
        recipients=tuple(recipients),
        sha256=row.sha256,
        created_at=row.created_at,
        next_try_at=row.next_try_at,
        then=None if row.then_status is None else ThreadStatus(row.then_status),
        state=OutboxState(row.state),
        tries=row.tries,
        claimed_by=row.claimed_by,
        claimed_until=row.claimed_until,
        last_error=row.last_error,
        settled_at=row.settled_at,
    )


def employee_values(employee: Employee) -> Values:
    """Give the row of an employee."""
    return {
        "ref": employee.ref.id,
        "name": employee.name,
        "email": _text(employee.email),
        "enabled": employee.enabled,
    }


def employee_of(row: Any) -> Employee:
    """Give the employee of a row."""
    return Employee(ref=EmployeeRef(row.ref), name=row.name, email=_address(row.email), enabled=row.enabled)


def grouped(rows: Iterable[Any]) -> Mapping[Any, list[Any]]:
    """Give rows of parts by their first column, in the order given."""
    groups: dict[Any, list[Any]] = {}
    for row in rows:
        groups.setdefault(row[0], []).append(row)
    return groups
