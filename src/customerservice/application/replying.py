"""What employees do to a thread: answer, note, move, assign, and let people in or out."""

from collections.abc import Callable, Sequence

import attrs

from customerservice.application.context import DeskContext, StaleView
from customerservice.application.recording import record, thread_for
from customerservice.domain.actor import Actor, ActorKind
from customerservice.domain.contact import AfterReply, Contact
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import AttachmentId, MessageId, OutboxId, ThreadId
from customerservice.domain.message import Attachment, Audience, Author, Message, MessageKind
from customerservice.domain.outbox import OutboxEntry, RecipientResult, RecipientState
from customerservice.domain.references import EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread, ThreadChange
from customerservice.errors import InvalidValue, NotAllowed, Refused
from customerservice.mail.composer import OutgoingMail, compose
from customerservice.mail.received import Correspondent, MailAttachment
from customerservice.mail.subjects import base_subject
from customerservice.mail.tokens import REPLY, signed_address, subject_marker
from customerservice.ports.storage import BlobOwner, UnitOfWork

#: The files of one reply together, in bytes (R120).
MAX_FILES_SIZE = 20 * 1024 * 1024
_REFERENCES = 20


@attrs.frozen(kw_only=True)
class FileToSend:
    """A file an employee sends along."""

    filename: str
    media_type: str
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ReplyDraft:
    """What an employee wants to send.

    Attributes:
        text: plain text; must say something.
        html: the same as HTML, if there is one; sent beside the text.
        cc: shown to everybody; `bcc` is in no header. Neither becomes participant (R120).
        after_reply: what this reply does to the status; None takes the contact's, else the desk's.
        seen_version: the thread's version the employee was looking at; if the thread changed since, the reply is
            refused as a `Conflict` (R64). None skips the check.
    """

    text: str
    html: str | None = None
    files: tuple[FileToSend, ...] = ()
    cc: tuple[EmailAddress, ...] = ()
    bcc: tuple[EmailAddress, ...] = ()
    after_reply: AfterReply | None = None
    seen_version: int | None = None

    def __attrs_post_init__(self) -> None:
        if not self.text.strip():
            raise InvalidValue("text", "a reply must say something")
        if sum(len(file.content) for file in self.files) > MAX_FILES_SIZE:
            raise InvalidValue("files", f"together over {MAX_FILES_SIZE} bytes")


@attrs.frozen(kw_only=True)
class Replied:
    """A stored reply: the thread as it is now, the message, and the mail that waits in the outbox."""

    thread: Thread
    message: Message
    outbox: OutboxEntry


def reply(desk: DeskContext, actor: Actor, thread_id: ThreadId, draft: ReplyDraft) -> Replied:
    """Answer the customer: message and mail are stored in one unit, `deliver` sends (R62, R82).

    The mail's bytes are frozen here; every try sends the same ones with the same Message-ID (P4). The status changes
    only when the mail was handed over (R61).

    Raises:
        NotAllowed: the actor is no employee.
        NotFound: no such thread in the actor's shops.
        Refused: the thread has no address (``no-address``), nothing says from whom to send (``no-sender``), or the
            status asked for is switched off (``status-switched-off``).
        Conflict: the thread changed since `draft.seen_version`.
        SigningKeyNeeded: there is no key to sign the reply address with.
    """
    employee = _employee(actor)

    def work(unit: UnitOfWork) -> Replied:
        thread = thread_for(unit, actor, thread_id)
        if draft.seen_version is not None and thread.version != draft.seen_version:
            raise StaleView("thread", thread.number)
        message = _reply_message(desk, unit, thread, employee, draft)
        change = thread.reply(message, actor=actor)
        mail, contact = _mail(desk, unit, thread, message, draft)
        raw = compose(mail)
        entry = _entry(desk, unit, thread, message, mail, raw, draft, contact)
        stored = record(unit, change)
        unit.outbox.add(entry)
        return Replied(thread=stored, message=message, outbox=entry)

    return desk.in_unit(work)


def note(desk: DeskContext, actor: Actor, thread_id: ThreadId, text: str) -> Thread:
    """Add an internal note; it reaches nobody outside and changes no moment.

    Raises:
        NotAllowed: the actor is no employee.
        NotFound: no such thread in the actor's shops.
        InvalidValue: the text says nothing.
    """
    employee = _employee(actor)
    if not text.strip():
        raise InvalidValue("text", "a note must say something")

    def work(unit: UnitOfWork) -> Thread:
        thread = thread_for(unit, actor, thread_id)
        now = desk.clock.now()
        message = Message(
            id=MessageId(desk.ids.new()),
            thread_id=thread.id,
            shop=thread.shop,
            contact_id=thread.contact_id,
            author=_author(unit, employee),
            audience=Audience.INTERNAL,
            kind=MessageKind.NOTE,
            text=text,
            sent_at=now,
            stored_at=now,
        )
        return record(unit, thread.note(message, actor=actor))

    return desk.in_unit(work)


def change_thread(
    desk: DeskContext, actor: Actor, thread_id: ThreadId, change: Callable[[Thread], ThreadChange]
) -> Thread:
    """Apply one operation of `Thread` and store what it gives; decided again if somebody else was faster.

    Raises:
        NotFound: no such thread in the actor's shops.
        Refused: the operation said no.
    """
    return desk.in_unit(lambda unit: record(unit, change(thread_for(unit, actor, thread_id))))


def set_status(desk: DeskContext, actor: Actor, thread_id: ThreadId, status: ThreadStatus) -> Thread:
    """Move a thread to a status by hand.

    Raises:
        NotFound: no such thread in the actor's shops.
        Refused: the status is switched off.
    """
    return change_thread(
        desk,
        actor,
        thread_id,
        lambda thread: thread.move_to(status, at=desk.clock.now(), actor=actor, legend=desk.settings.legend),
    )


def assign(desk: DeskContext, actor: Actor, thread_id: ThreadId, employee: EmployeeRef | None) -> Thread:
    """Make an employee responsible, or nobody."""
    return change_thread(
        desk, actor, thread_id, lambda thread: thread.assign(employee, at=desk.clock.now(), actor=actor)
    )


def link_order(desk: DeskContext, actor: Actor, thread_id: ThreadId, order: OrderRef | None) -> Thread:
    """Tie a thread to an order, or untie it."""
    return change_thread(
        desk, actor, thread_id, lambda thread: thread.link_order(order, at=desk.clock.now(), actor=actor)
    )


def revoke_reply_tokens(desk: DeskContext, actor: Actor, thread_id: ThreadId) -> Thread:
    """Make every reply address and marker given out for a thread worthless (R21)."""
    return change_thread(
        desk, actor, thread_id, lambda thread: thread.revoke_reply_tokens(at=desk.clock.now(), actor=actor)
    )


def _employee(actor: Actor) -> EmployeeRef:
    if actor.kind is not ActorKind.EMPLOYEE or actor.employee is None:
        raise NotAllowed("only an employee can write to a thread; use desk.as_employee(...)")
    return actor.employee


def _author(unit: UnitOfWork, employee: EmployeeRef) -> Author:
    known = unit.employees.get(employee)
    return Author.of_employee(employee, "" if known is None else known.name)


def _reply_message(
    desk: DeskContext, unit: UnitOfWork, thread: Thread, employee: EmployeeRef, draft: ReplyDraft
) -> Message:
    now = desk.clock.now()
    message_id = MessageId(desk.ids.new())
    sender = _sender(desk, _contact(unit, thread))
    return Message(
        id=message_id,
        thread_id=thread.id,
        shop=thread.shop,
        contact_id=thread.contact_id,
        author=_author(unit, employee),
        audience=Audience.PUBLIC,
        text=draft.text,
        html=draft.html,
        subject=_subject(thread),
        sent_at=now,
        stored_at=now,
        header_id=f"{message_id.hex}@{sender.key.rpartition('@')[2]}",
        attachments=tuple(_kept(desk, unit, file) for file in draft.files),
    )


def _kept(desk: DeskContext, unit: UnitOfWork, file: FileToSend) -> Attachment:
    attachment_id = AttachmentId(desk.ids.new())
    return Attachment(
        id=attachment_id,
        filename=file.filename,
        media_type=file.media_type,
        size=len(file.content),
        sha256=unit.blobs.put(file.content, BlobOwner("attachment", str(attachment_id))),
    )


def _contact(unit: UnitOfWork, thread: Thread) -> Contact | None:
    return None if thread.contact_id is None else unit.contacts.get(thread.contact_id)


def _sender(desk: DeskContext, contact: Contact | None) -> EmailAddress:
    """The address mail is sent from: the verified sender, else the contact's own (R83)."""
    if desk.settings.sender is not None:
        return desk.settings.sender
    if contact is not None and contact.addresses:
        return contact.addresses[0]
    raise Refused("no-sender", "nothing says from which address to send: set a sender, or an address of the contact")


def _subject(thread: Thread) -> str:
    about = base_subject(thread.subject)
    return f"Re: {about}" if about else "Your message to us"


def _mail(
    desk: DeskContext, unit: UnitOfWork, thread: Thread, message: Message, draft: ReplyDraft
) -> tuple[OutgoingMail, Contact | None]:
    contact = _contact(unit, thread)
    sender = _sender(desk, contact)
    token = desk.signing_keys.token(REPLY, thread.id, thread.generation)
    pattern = _reply_pattern(unit, thread)
    if pattern is not None:
        reply_to: EmailAddress | None = signed_address(pattern, thread.number, token)
        marker = subject_marker(thread.number)
    else:
        own = contact.addresses[0] if contact is not None and contact.addresses else sender
        reply_to = None if own.key == sender.key else own
        marker = subject_marker(thread.number, token)
    earlier = unit.messages.latest_header_ids(thread.id, limit=_REFERENCES)
    mail = OutgoingMail(
        sender=sender,
        sender_name="" if contact is None else contact.name[thread.language],
        to=(Correspondent(thread.address, thread.name),),
        cc=tuple(Correspondent(address) for address in draft.cc),
        reply_to=reply_to,
        subject=f"{message.subject} {marker}",
        text=draft.text,
        html=draft.html,
        attachments=tuple(
            MailAttachment(filename=file.filename, media_type=file.media_type, content=file.content)
            for file in draft.files
        ),
        message_id=message.header_id or "",
        in_reply_to=earlier[-1] if earlier else None,
        references=tuple(earlier),
        date=message.sent_at,
    )
    return mail, contact


def _reply_pattern(unit: UnitOfWork, thread: Thread) -> str | None:
    """The proven pattern of signed addresses: of the contact's own mailbox, else of any mailbox of the shop (R82)."""
    boxes = [box for box in unit.mailboxes.all() if box.shop == thread.shop and box.reply_address is not None]
    own = [box for box in boxes if box.contact_id == thread.contact_id]
    return next((box.reply_address for box in (*own, *boxes)), None)


def _entry(
    desk: DeskContext,
    unit: UnitOfWork,
    thread: Thread,
    message: Message,
    mail: OutgoingMail,
    raw: bytes,
    draft: ReplyDraft,
    contact: Contact | None,
) -> OutboxEntry:
    outbox_id = OutboxId(desk.ids.new())
    listed = [entry.address for entry in (*mail.to, *mail.cc) if entry.address is not None]
    recipients: Sequence[EmailAddress] = list({one.key: one for one in (*listed, *draft.bcc)}.values())
    return OutboxEntry(
        id=outbox_id,
        shop=thread.shop,
        thread_id=thread.id,
        message_id=message.id,
        header_id=mail.message_id,
        sender=mail.sender,
        recipients=tuple(RecipientResult(address=one, state=RecipientState.WAITING) for one in recipients),
        sha256=unit.blobs.put(raw, BlobOwner("outbox", str(outbox_id))),
        created_at=message.stored_at,
        next_try_at=message.stored_at,
        then=_then(desk, draft, contact),
    )


def _then(desk: DeskContext, draft: ReplyDraft, contact: Contact | None) -> ThreadStatus | None:
    """The status after sending: by this reply, else the contact, else the desk (R61)."""
    accepts = desk.settings.legend.accepts
    if draft.after_reply is not None:
        status = draft.after_reply.status
        if status is not None and not accepts(status):
            raise Refused("status-switched-off", f"{status.value} is switched off in this help desk")
        return status
    usual = (contact.after_reply if contact is not None else None) or desk.settings.after_reply
    # A usual status that was switched off later must not keep anybody from answering.
    return usual.status if usual.status is not None and accepts(usual.status) else None
