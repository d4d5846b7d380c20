"""The composition root: choose a storage and transports, get a `HelpDesk`."""

import datetime as dt
import os
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import attrs

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.adapters.system import (
    ProcessWorkers,
    SystemClock,
    UuidV7Factory,
    key_path_beside,
    make_key_file_beside,
)
from customerservice.application import administration, queries
from customerservice.application.context import DeskContext, DeskSettings
from customerservice.domain.actor import ALL_SHOPS, Actor, ShopScope
from customerservice.domain.contact import AfterReply, Contact
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.employee import Employee
from customerservice.domain.figures import Statistics
from customerservice.domain.ids import (
    DEFAULT_SHOP,
    AttachmentId,
    ContactId,
    DeliveryId,
    MailboxId,
    MessageId,
    OutboxId,
    ShopId,
    ThreadId,
)
from customerservice.domain.mailbox import (
    DEFAULT_SIZE_LIMIT,
    AfterFetch,
    FirstSync,
    Mailbox,
    SecretRef,
)
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.domain.references import EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.domain.wording import Wording
from customerservice.mail.tokens import ReplyKeys
from customerservice.ports.storage import DeliveryFilter, Page, Storage, ThreadFilter
from customerservice.ports.system import Clock, IdFactory

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.orm import Session

    from customerservice.application.contact_form import FormMessage, FormResult
    from customerservice.application.delivering import DeliveryReport
    from customerservice.application.files import FileToHandOut
    from customerservice.application.mail_review import Reread
    from customerservice.application.mailbox_sync import SyncBounds, SyncReport
    from customerservice.application.replying import FileToSend, Replied
    from customerservice.domain.imap_options import ImapOptions
    from customerservice.ports.transports import MailSender, MailSource


class HelpDesk:
    """A help desk, acting for somebody: the host itself (system) at first, an employee by `as_employee`.

    >>> with HelpDesk.in_memory() as desk:
    ...     desk.statistics().threads
    0
    """

    def __init__(
        self,
        context: DeskContext,
        *,
        actor: Actor | None = None,
        shop: ShopId = DEFAULT_SHOP,
        secret_callables: Mapping[str, Callable[[], str]] | None = None,
    ) -> None:
        """Put a help desk together from parts of your own; `in_memory`, `open` and `join` choose them for you.

        Args:
            context: storage, clock, ids, keys and settings.
            actor: whom this desk acts for; the system if None.
            shop: where new contacts, mailboxes and threads go.
            secret_callables: what mailbox secrets of kind CALLABLE refer to, by name.
        """
        self._context = context
        self._actor = actor or Actor.system()
        self._shop = shop
        self._secret_callables = dict(secret_callables or {})

    @classmethod
    def in_memory(
        cls,
        *,
        keys: Sequence[bytes] | None = None,
        settings: DeskSettings | None = None,
        shop: ShopId = DEFAULT_SHOP,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
    ) -> Self:
        """Give a new help desk that keeps everything in memory and forgets it at the end.

        Without `keys` it signs with a random key of its own.
        """
        context = DeskContext(
            storage=MemoryStorage(),
            clock=clock or SystemClock(),
            workers=ProcessWorkers(),
            ids=ids or UuidV7Factory(),
            keys=ReplyKeys(tuple(keys) if keys is not None else (secrets.token_bytes(32),)),
            settings=settings or DeskSettings(),
        )
        administration.ensure_first_contacts(context, shop)
        return cls(context, shop=shop)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        keys: Sequence[bytes] | None = None,
        settings: DeskSettings | None = None,
        shop: ShopId = DEFAULT_SHOP,
        create: bool = True,
        schema: str | None = None,
        blob_folder: Path | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
        secret_callables: Mapping[str, Callable[[], str]] | None = None,
    ) -> Self:
        """Open a help desk in a database of its own connection; an empty database gets its tables.

        Args:
            url: an SQLAlchemy URL: ``sqlite:///helpdesk.db``, ``postgresql://...``, ``mysql+pymysql://...``.
            keys: signing keys of reply tokens, the first signs, all verify (R21). Without any, those of the key file
                beside an SQLite file, which is made with `create` (mode 0600); other databases then refuse to send.
            settings: the choices of the desk.
            shop: where new contacts, mailboxes and threads go.
            create: make an SQLite file, or the tables, where there are none; without it that is an error.
            schema: of PostgreSQL, or database of MariaDB, that holds the tables; None where the URL leads.
            blob_folder: keep mail and files there rather than in the database; once chosen, to be given each time.
            clock: the time; the machine's if None.
            ids: new ids; UUIDv7 if None.
            secret_callables: what mailbox secrets of kind CALLABLE refer to, by name.

        Raises:
            StorageUnavailable: the database cannot be opened or reached.
            SchemaOutdated: its tables are older than this code; ``customerservice db upgrade``.
            SchemaTooNew: they are newer.
            MissingExtra: SQLAlchemy or the driver is not installed.
        """
        from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage

        storage = SqlAlchemyStorage.open(url, create=create, schema=schema, blob_folder=blob_folder)
        try:
            context = DeskContext(
                storage=storage,
                clock=clock or SystemClock(),
                workers=ProcessWorkers(),
                ids=ids or UuidV7Factory(),
                keys=_keys(keys, database_file(url), make=create),
                settings=settings or DeskSettings(),
            )
            if create:
                administration.ensure_first_contacts(context, shop)
        except BaseException:
            storage.close()
            raise
        return cls(context, shop=shop, secret_callables=secret_callables)

    @classmethod
    def join(
        cls,
        connection: "Connection | Session",
        *,
        keys: Sequence[bytes] | None = None,
        settings: DeskSettings | None = None,
        shop: ShopId = DEFAULT_SHOP,
        schema: str | None = None,
        blob_folder: Path | None = None,
        clock: Clock | None = None,
        ids: IdFactory | None = None,
    ) -> Self:
        """Give a help desk that works inside the host's transaction and never commits it.

        It has no `sync`, `ingest` and `deliver`, which commit by themselves (`OwnTransactionNeeded`). The tables must
        be there (``customerservice db upgrade``).
        """
        from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage

        context = DeskContext(
            storage=SqlAlchemyStorage.join(connection, schema=schema, blob_folder=blob_folder),
            clock=clock or SystemClock(),
            workers=ProcessWorkers(),
            ids=ids or UuidV7Factory(),
            keys=None if keys is None else ReplyKeys(tuple(keys)),
            settings=settings or DeskSettings(),
        )
        return cls(context, shop=shop)

    def as_employee(self, employee: EmployeeRef, *, scope: ShopScope = ALL_SHOPS) -> Self:
        """Give the same help desk acting for an employee, within shops; it shares storage and settings."""
        return self._acting(Actor.of_employee(employee, scope))

    def as_actor(self, actor: Actor) -> Self:
        """Give the same help desk acting for anybody."""
        return self._acting(actor)

    def _acting(self, actor: Actor) -> Self:
        return type(self)(self._context, actor=actor, shop=self._shop, secret_callables=self._secret_callables)

    @property
    def actor(self) -> Actor:
        """Whom this desk acts for."""
        return self._actor

    @property
    def storage(self) -> Storage:
        """Where everything is kept."""
        return self._context.storage

    @property
    def settings(self) -> DeskSettings:
        """The choices this desk was opened with."""
        return self._context.settings

    @property
    def shop(self) -> ShopId:
        """Where new contacts, mailboxes and threads go."""
        return self._shop

    @property
    def threads(self) -> "ThreadDesk":
        """The conversations."""
        return ThreadDesk(self._context, self._actor)

    @property
    def mail(self) -> "MailDesk":
        """Mail as it came, and what was decided about it."""
        return MailDesk(self._context, self._actor)

    @property
    def outbox(self) -> "OutboxDesk":
        """Mail on its way out."""
        return OutboxDesk(self._context, self._actor)

    @property
    def contacts(self) -> "ContactDesk":
        """The departments."""
        return ContactDesk(self._context, self._actor, self._shop)

    @property
    def mailboxes(self) -> "MailboxDesk":
        """The mailboxes."""
        return MailboxDesk(self._context, self._actor, self._shop)

    @property
    def employees(self) -> "EmployeeDesk":
        """The built-in directory of employees."""
        return EmployeeDesk(self._context)

    def sync(
        self, mailbox: Mailbox | MailboxId, *, source: "MailSource | None" = None, bounds: "SyncBounds | None" = None
    ) -> "SyncReport":
        """Take over what is new in a mailbox; see `application.mailbox_sync.sync_mailbox` for effects and errors.

        Args:
            mailbox: a stored mailbox, or its id.
            source: where its mail comes from; None opens the IMAP or POP3 server of the mailbox with its secret.
            bounds: how much this pass may do.
        """
        from customerservice.application.mailbox_sync import sync_mailbox

        # As it is stored now: what the caller holds may be older than its settings, or of a shop outside the scope.
        known = self.mailboxes.get(mailbox.id if isinstance(mailbox, Mailbox) else mailbox)
        opened = source if source is not None else mail_source(known, secret_callables=self._secret_callables)
        return sync_mailbox(self._context, self._actor, known, opened, bounds=bounds)

    def ingest(
        self,
        paths: Sequence[str | os.PathLike[str]],
        *,
        contact_id: ContactId | None = None,
        max_size: int = DEFAULT_SIZE_LIMIT,
        bounds: "SyncBounds | None" = None,
    ) -> "SyncReport":
        """Take over mail from files, folders, mbox files and Maildirs, each mail once."""
        from customerservice.adapters.transports.files import FileSource
        from customerservice.application.mailbox_sync import ingest_files

        return ingest_files(
            self._context,
            self._actor,
            FileSource(paths),
            shop=self._shop,
            contact_id=contact_id,
            max_size=max_size,
            bounds=bounds,
        )

    def submit_form(self, typed: "FormMessage") -> "FormResult":
        """Take a message from the contact form; see `application.contact_form.submit_form`."""
        from customerservice.application.contact_form import submit_form

        return submit_form(self._context, self._actor, self._shop, typed)

    def reply(
        self,
        thread_id: ThreadId,
        *,
        text: str,
        html: str | None = None,
        files: Sequence["FileToSend"] = (),
        cc: Sequence[EmailAddress] = (),
        bcc: Sequence[EmailAddress] = (),
        after_reply: AfterReply | None = None,
        seen_version: int | None = None,
    ) -> "Replied":
        """Answer a thread: stored and queued; `deliver` sends. See `application.replying.reply` for errors."""
        from customerservice.application.replying import ReplyDraft, reply

        draft = ReplyDraft(
            text=text,
            html=html,
            files=tuple(files),
            cc=tuple(cc),
            bcc=tuple(bcc),
            after_reply=after_reply,
            seen_version=seen_version,
        )
        return reply(self._context, self._actor, thread_id, draft)

    def note(self, thread_id: ThreadId, text: str) -> Thread:
        """Add an internal note to a thread."""
        from customerservice.application.replying import note

        return note(self._context, self._actor, thread_id, text)

    def deliver(
        self, sender: "MailSender", *, limit: int = 100, stop: Callable[[], bool] = lambda: False
    ) -> "DeliveryReport":
        """Send what waits in the outbox; see `application.delivering.deliver`."""
        from customerservice.application.delivering import deliver

        return deliver(self._context, self._actor, sender, limit=limit, stop=stop)

    def statistics(self, *, contact_id: ContactId | None = None, since: dt.date | None = None) -> Statistics:
        """Give the figures of the actor's shops, of one contact or all, since a day (UTC) or the beginning."""
        return queries.figures(self._context, self._actor, contact_id=contact_id, since=since)

    def check(self, *, stop: Callable[[], bool] = lambda: False) -> Sequence[str]:
        """Check that what is stored keeps its promises and give what is wrong; see `application.checking`."""
        from customerservice.application.checking import check_desk

        return check_desk(self._context, self._actor, stop=stop)

    def close(self) -> None:
        """Give back the storage's connections; desks made by `as_employee` share them."""
        self._context.storage.close()

    def __enter__(self) -> Self:
        """Give the desk itself; the end of the block closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


@attrs.frozen
class ThreadDesk:
    """What can be asked of threads, and done to their state, by one actor."""

    _context: DeskContext
    _actor: Actor

    def page(self, wanted: ThreadFilter | None = None, *, after: str | None = None, limit: int = 50) -> Page[Thread]:
        """Give a page of threads, latest activity first; `after` is the `next` of the page before."""
        return queries.list_threads(self._context, self._actor, wanted, after=after, limit=limit)

    def view(self, thread_id: ThreadId) -> queries.ThreadView:
        """Give a thread with its messages and history, or raise `NotFound`."""
        return queries.thread_view(self._context, self._actor, thread_id)

    def by_number(self, number: int) -> Thread:
        """Give the thread with that short number, or raise `NotFound`."""
        return queries.thread_by_number(self._context, self._actor, number)

    def file(self, message_id: MessageId, attachment_id: AttachmentId) -> "FileToHandOut":
        """Give a file of a message with its bytes, checked first; see `application.files` for errors."""
        from customerservice.application.files import hand_out_file

        return hand_out_file(self._context, self._actor, message_id, attachment_id)

    def set_status(self, thread_id: ThreadId, status: ThreadStatus) -> Thread:
        """Move a thread to a status by hand."""
        from customerservice.application.replying import set_status

        return set_status(self._context, self._actor, thread_id, status)

    def assign(self, thread_id: ThreadId, employee: EmployeeRef | None) -> Thread:
        """Make an employee responsible, or nobody."""
        from customerservice.application.replying import assign

        return assign(self._context, self._actor, thread_id, employee)

    def link_order(self, thread_id: ThreadId, order: OrderRef | None) -> Thread:
        """Tie a thread to an order, or untie it."""
        from customerservice.application.replying import link_order

        return link_order(self._context, self._actor, thread_id, order)

    def revoke_reply_tokens(self, thread_id: ThreadId) -> Thread:
        """Make every reply address and marker given out for a thread worthless (R21)."""
        from customerservice.application.replying import revoke_reply_tokens

        return revoke_reply_tokens(self._context, self._actor, thread_id)


@attrs.frozen
class MailDesk:
    """Mail as it came, and what was decided about it; see `application.mail_review` for errors."""

    _context: DeskContext
    _actor: Actor

    def page(
        self, wanted: DeliveryFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> Page[Delivery]:
        """Give a page of mails, newest first; `after` is the `next` of the page before."""
        from customerservice.application.mail_review import list_mail

        return list_mail(self._context, self._actor, wanted, after=after, limit=limit)

    def get(self, delivery_id: DeliveryId) -> Delivery:
        """Give one mail with its decision, or raise `NotFound`."""
        from customerservice.application.mail_review import find_mail

        return find_mail(self._context, self._actor, delivery_id)

    def find(self, *, key: DeliveryKey | None = None, header_id: str | None = None) -> Sequence[Delivery]:
        """Give the mails with that key at their source, or that Message-ID without angle brackets."""
        return queries.find_deliveries(self._context, self._actor, key=key, header_id=header_id)

    def raw(self, delivery_id: DeliveryId) -> bytes:
        """Give a mail's bytes exactly as they were fetched."""
        from customerservice.application.mail_review import raw_mail

        return raw_mail(self._context, self._actor, delivery_id)

    def open(self, delivery_id: DeliveryId) -> Delivery:
        """Make a thread of a mail that is in none."""
        from customerservice.application.mail_review import open_mail

        return open_mail(self._context, self._actor, delivery_id)

    def join(self, delivery_id: DeliveryId, thread_id: ThreadId) -> Delivery:
        """Put a mail that is in no thread into one; its sender takes part from then on."""
        from customerservice.application.mail_review import join_mail

        return join_mail(self._context, self._actor, delivery_id, thread_id)

    def ignore(self, delivery_id: DeliveryId) -> Delivery:
        """Leave a mail that is in no thread aside."""
        from customerservice.application.mail_review import ignore_mail

        return ignore_mail(self._context, self._actor, delivery_id)

    def reread(self, delivery_id: DeliveryId, *, apply: bool = False) -> "Reread":
        """Read a mail again; only with `apply` what changes is stored."""
        from customerservice.application.mail_review import reread_mail

        return reread_mail(self._context, self._actor, delivery_id, apply=apply)


@attrs.frozen
class OutboxDesk:
    """Mail on its way out; `HelpDesk.deliver` sends it."""

    _context: DeskContext
    _actor: Actor

    def page(
        self,
        states: Collection[OutboxState] = tuple(OutboxState),
        *,
        after: str | None = None,
        limit: int = 50,
    ) -> Page[OutboxEntry]:
        """Give a page of mails in these states, oldest first; `after` is the `next` of the page before."""
        from customerservice.application.delivering import list_outbox

        return list_outbox(self._context, self._actor, states, after=after, limit=limit)

    def send_again(self, outbox_id: OutboxId) -> OutboxEntry:
        """Let a mail that failed, or whose outcome nobody knows, be tried once more, by a person's decision."""
        from customerservice.application.delivering import send_again

        return send_again(self._context, self._actor, outbox_id)


@attrs.frozen
class ContactDesk:
    """The departments."""

    _context: DeskContext
    _actor: Actor
    _shop: ShopId

    def all(self) -> Sequence[Contact]:
        """Give the contacts of the actor's shops, by position."""
        return administration.list_contacts(self._context, self._actor)

    def get(self, contact_id: ContactId) -> Contact:
        """Give one, or raise `NotFound`."""
        return administration.get_contact(self._context, self._actor, contact_id)

    def add(
        self,
        name: Wording | str,
        *,
        addresses: Sequence[EmailAddress] = (),
        description: Wording | None = None,
        saves_messages: bool = True,
        position: int = 0,
        after_reply: AfterReply | None = None,
        language: str | None = None,
    ) -> Contact:
        """Store a new contact of this desk's shop; a plain `name` is its English one.

        Raises:
            InvalidValue: it saves no messages and has no address to mail them to.
        """
        contact = Contact(
            id=ContactId(self._context.ids.new()),
            shop=self._shop,
            name=Wording.of(en=name) if isinstance(name, str) else name,
            description=description,
            addresses=tuple(addresses),
            saves_messages=saves_messages,
            position=position,
            after_reply=after_reply,
            language=language,
        )
        return administration.add_contact(self._context, self._actor, contact)

    def save(self, contact: Contact) -> Contact:
        """Store a changed one (`attrs.evolve`) and give it with its new version."""
        return administration.save_contact(self._context, self._actor, contact)


@attrs.frozen
class MailboxDesk:
    """The mailboxes."""

    _context: DeskContext
    _actor: Actor
    _shop: ShopId

    def all(self) -> Sequence[Mailbox]:
        """Give the mailboxes of the actor's shops."""
        return administration.list_mailboxes(self._context, self._actor)

    def get(self, mailbox_id: MailboxId) -> Mailbox:
        """Give one, or raise `NotFound`."""
        return administration.get_mailbox(self._context, self._actor, mailbox_id)

    def find_or_add(
        self,
        options: "ImapOptions | str",
        *,
        user: str,
        secret: SecretRef | None,
        contact_id: ContactId | None = None,
        after_fetch: AfterFetch | None = None,
        first_sync: FirstSync | None = None,
        create_threads: bool = True,
        allow_clear_text: bool = False,
        size_limit: int = DEFAULT_SIZE_LIMIT,
    ) -> tuple[Mailbox, bool]:
        """Give the mailbox with this service, host, user and folder, made if there is none, and whether it is new.

        A found one takes over options and secret; the other arguments are for a new one (R44).

        Raises:
            InvalidMailboxName: the mailbox string is malformed or contradicts itself.
            InvalidValue: something is missing; all that is missing is named.
        """
        if isinstance(options, str):
            from customerservice.domain.imap_options import ImapOptions

            options = ImapOptions.parse(options)
        wanted = Mailbox(
            id=MailboxId(self._context.ids.new()),
            shop=self._shop,
            options=options,
            user=user,
            secret=secret,
            contact_id=contact_id,
            after_fetch=after_fetch or AfterFetch(),
            first_sync=first_sync or FirstSync(),
            create_threads=create_threads,
            allow_clear_text=allow_clear_text,
            size_limit=size_limit,
        )
        return administration.find_or_add_mailbox(self._context, self._actor, wanted)

    def save(self, mailbox: Mailbox) -> Mailbox:
        """Store a changed one (`attrs.evolve`) and give it with its new version."""
        return administration.save_mailbox(self._context, self._actor, mailbox)

    def remove(self, mailbox_id: MailboxId) -> None:
        """Forget one; its mails and threads stay."""
        administration.remove_mailbox(self._context, self._actor, mailbox_id)

    def was_synced(self, mailbox_id: MailboxId) -> bool:
        """Tell whether it had its first sync, so that no start needs to be chosen any more (R27)."""
        return administration.was_synced(self._context, self._actor, mailbox_id)

    def probe_reply_address(
        self,
        mailbox_id: MailboxId,
        pattern: str,
        *,
        sender: "MailSender",
        sent_from: EmailAddress,
        source: "MailSource",
        patience: dt.timedelta | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Mailbox | None:
        """Turn a pattern of signed reply addresses on if a mail to one arrives; see `application.probing`."""
        from customerservice.application.probing import PATIENCE, probe_reply_address

        return probe_reply_address(
            self._context,
            self._actor,
            mailbox_id,
            pattern,
            source=source,
            sender=sender,
            sent_from=sent_from,
            patience=PATIENCE if patience is None else patience,
            stop=stop,
        )

    def reconsider_not_ours(self, mailbox_id: MailboxId) -> int:
        """Let the next sync fetch again what was turned away while the mailbox opened no threads (R43)."""
        from customerservice.application.mail_review import reconsider_not_ours

        return reconsider_not_ours(self._context, self._actor, mailbox_id)


@attrs.frozen
class EmployeeDesk:
    """The built-in directory of employees."""

    _context: DeskContext

    def all(self) -> Sequence[Employee]:
        """Give all, by name."""
        return administration.list_employees(self._context)

    def put(self, ref: EmployeeRef, *, name: str, email: EmailAddress | None = None, enabled: bool = True) -> Employee:
        """Store one, replacing the one with the same reference."""
        employee = Employee(ref=ref, name=name, email=email, enabled=enabled)
        administration.put_employee(self._context, employee)
        return employee


def mail_source(mailbox: Mailbox, *, secret_callables: Mapping[str, Callable[[], str]] | None = None) -> "MailSource":
    """Give the IMAP or POP3 source of a mailbox; nothing is connected yet.

    Raises:
        InvalidMailboxName: the mailbox string contradicts itself (R50-R54).
        InvalidValue: the secret cannot be found where the mailbox says.
    """
    from customerservice.adapters.secrets import resolve_secret
    from customerservice.adapters.transports.oauth import SecretTokenProvider

    mailbox.options.require_usable()
    reference, secret, tokens = mailbox.secret, None, None
    if reference is not None and reference.oauth:
        # Asked again for each log-in: an access token in a file or variable is replaced from outside.
        tokens = SecretTokenProvider(lambda: resolve_secret(reference, callables=secret_callables))
    elif reference is not None:
        secret = resolve_secret(reference, callables=secret_callables)
    if mailbox.options.service == "pop3":
        from customerservice.adapters.transports.pop3 import Pop3Source

        return Pop3Source(
            mailbox.options,
            user=mailbox.user,
            secret=secret,
            token_provider=tokens,
            allow_clear_text=mailbox.allow_clear_text,
        )
    from customerservice.adapters.transports.imap import ImapSource

    return ImapSource(
        mailbox.options,
        user=mailbox.user,
        secret=secret,
        token_provider=tokens,
        allow_clear_text=mailbox.allow_clear_text,
    )


def database_file(url: str) -> Path | None:
    """Give the absolute path of the SQLite file that a database URL names; None if it names a server.

    Raises:
        InvalidValue: not such a URL.
    """
    from customerservice.adapters.storage.sqlalchemy.connecting import read_url

    address = read_url(url)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" else None


def _keys(keys: Sequence[bytes] | None, file: Path | None, *, make: bool) -> ReplyKeys | None:
    """The given keys, else those of the key file beside an SQLite file, which is made on request (R21)."""
    if keys is not None:
        return ReplyKeys(tuple(keys))
    if file is None or not (make or key_path_beside(file).exists()):
        return None
    return ReplyKeys(make_key_file_beside(file).keys)
