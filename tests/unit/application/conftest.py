"""A whole help desk in memory, told what time it is, with a mail server and a way out that a test can play."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import pytest

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender, SentMail
from customerservice.application.context import DeskContext, DeskSettings, read_mail
from customerservice.application.mailbox_sync import SyncBounds, SyncReport
from customerservice.bootstrap import HelpDesk
from customerservice.domain.delivery import Delivery
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ThreadId
from customerservice.domain.imap_options import ImapOptions
from customerservice.domain.mailbox import FirstSync, Mailbox, SecretKind, SecretRef
from customerservice.domain.message import Message
from customerservice.domain.outbox import OutboxEntry
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.domain.thread import Thread
from customerservice.mail.received import ReceivedMail
from customerservice.mail.tokens import REPLY, ReplyKeys
from customerservice.ports.storage import DeliveryFilter
from customerservice.testing.clock import CountingIdFactory, ToldClock

KEY = b"the signing key of all these tests"
ANNA = EmployeeRef("anna")
MARIA = "Maria <maria@customer.example>"


def write_mail(
    text: str = "Where is my parcel?",
    *,
    sender: str | None = MARIA,
    to: str | None = "help@shop.example",
    subject: str | None = "Where is my parcel?",
    message_id: str | None = "",
    in_reply_to: str | None = None,
    date: str | None = None,
    headers: Sequence[str] = (),
) -> bytes:
    """Give a mail; its Message-ID follows from what it says unless one is told; with None it has none."""
    if message_id == "":
        said = "|".join(map(str, (text, sender, to, subject, in_reply_to, date, *headers)))
        message_id = f"{hashlib.sha256(said.encode()).hexdigest()[:16]}@customer.example"
    fields = [
        ("From", sender),
        ("To", to),
        ("Subject", subject),
        ("Date", date),
        ("Message-ID", message_id and f"<{message_id}>"),
        ("In-Reply-To", in_reply_to and f"<{in_reply_to}>"),
    ]
    lines = [f"{name}: {value}" for name, value in fields if value is not None]
    head = "\r\n".join((*lines, *headers))
    return f"{head}\r\n\r\n{text}\r\n".encode()


class PlayedStorage:
    """The storage in memory, with a place to step in: `step_in` is told each call of a repository before it is made.

    It is called with the name (``deliveries.save``) and the arguments, and may raise. `answer` may give a result in
    place of the storage's own; it gives ``...`` to let the call happen. `seen` is told each result. `dead` makes every
    unit raise it.
    """

    def __init__(self, inner: Any = None) -> None:
        self.inner = MemoryStorage() if inner is None else inner
        self.step_in: Callable[[str, tuple[Any, ...]], None] = lambda _name, _arguments: None
        self.answer: Callable[[str, tuple[Any, ...]], Any] = lambda _name, _arguments: ...
        self.seen: Callable[[str, Any], None] = lambda _name, _result: None
        self.commits_itself = True
        self.dead: BaseException | None = None

    @contextmanager
    def unit(self, *, reading: bool = False) -> Iterator[Any]:
        if self.dead is not None:
            raise self.dead
        with self.inner.unit(reading=reading) as unit:
            yield _Played(unit, "", self)

    def close(self) -> None:
        self.inner.close()


class _Played:
    def __init__(self, inner: Any, name: str, storage: PlayedStorage) -> None:
        self._inner, self._name, self._storage = inner, name, storage

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not self._name:
            return _Played(found, name, self._storage)

        def call(*arguments: Any, **named: Any) -> Any:
            full = f"{self._name}.{name}"
            self._storage.step_in(full, arguments)
            told = self._storage.answer(full, arguments)
            result = found(*arguments, **named) if told is ... else told
            self._storage.seen(full, result)
            return result

        return call


class Shop:
    """A help desk with one department, one mailbox and one employee."""

    write = staticmethod(write_mail)

    def __init__(
        self,
        *,
        storage: Any = None,
        settings: DeskSettings | None = None,
        keys: Sequence[bytes] | None = (KEY,),
        reader: Callable[[bytes], ReceivedMail] = read_mail,
        **box: Any,
    ) -> None:
        self.clock = ToldClock()
        self.ids = CountingIdFactory()
        self.storage = PlayedStorage() if storage is None else storage
        self.context = DeskContext(
            storage=self.storage,
            clock=self.clock,
            ids=self.ids,
            keys=None if keys is None else ReplyKeys(tuple(keys)),
            settings=settings or DeskSettings(),
            reader=reader,
        )
        self.desk = HelpDesk(self.context)
        self.address = EmailAddress("help@shop.example")
        self.contact = self.desk.contacts.add("Customer service", addresses=[self.address])
        self.desk.employees.put(ANNA, name="Anna")
        self.anna = self.desk.as_employee(ANNA)
        self.server = MemoryMailbox()
        self.sender = MemorySender()
        self.box, _ = self.add_box(self.desk, **box)

    def add_box(self, desk: HelpDesk, name: str = "INBOX", **fields: Any) -> tuple[Mailbox, bool]:
        """Give a desk's mailbox of that folder; unless told it takes everything and keeps the mail at the server."""
        extra = {key: fields.pop(key) for key in ("reply_address", "form_senders", "authserv_id") if key in fields}
        told: dict[str, Any] = {
            "user": "help@shop.example",
            "secret": SecretRef(SecretKind.ENVIRONMENT, "SHOP_MAIL_PASSWORD"),
            "contact_id": self.contact.id,
            "first_sync": FirstSync(everything=True),
        }
        options = ImapOptions.parse(f"{{mail.shop.example:993/imap/ssl}}{name}")
        box, new = desk.mailboxes.find_or_add(options, **told | fields)
        return (desk.mailboxes.save(attrs.evolve(box, **extra)) if extra else box), new

    def configure(self, **fields: Any) -> None:
        """Change the mailbox."""
        self.box = self.desk.mailboxes.save(attrs.evolve(self.desk.mailboxes.get(self.box.id), **fields))

    def arrive(self, *raws: bytes, received_at: dt.datetime | None = None) -> None:
        """Let mail come to the server now."""
        for raw in raws:
            self.server.deliver(raw, received_at=received_at or self.clock.now())

    def sync(self, **bounds: Any) -> SyncReport:
        """Let a pass over the mailbox run."""
        return self.desk.sync(self.box.id, source=self.server, bounds=SyncBounds(**bounds))

    def receive(self, *raws: bytes, **told: Any) -> list[Delivery]:
        """Let mail come, let a pass run, and give what became of these mails, in the order they came."""
        before = len(self.mails())
        self.arrive(*raws, **told)
        self.sync()
        return self.mails()[before:]

    def open_thread(self, raw: bytes | None = None) -> Thread:
        """Give the thread that a mail opens."""
        (delivery,) = self.receive(raw or write_mail())
        assert delivery.outcome is Outcome.OPENED
        assert delivery.thread_id is not None
        return self.thread(delivery.thread_id)

    def mails(self) -> list[Delivery]:
        """All mails, in the order they were stored."""
        return list(self.desk.mail.page(limit=100_000).items)[::-1]

    def outcomes(self) -> list[Outcome | None]:
        """What became of all mails, in the order they were stored."""
        return [delivery.outcome for delivery in self.mails()]

    def held(self) -> list[Delivery]:
        """The mails that wait for a person."""
        return list(self.desk.mail.page(DeliveryFilter(outcomes=frozenset({Outcome.HELD}))).items)

    def threads(self) -> list[Thread]:
        """All threads, whole, oldest first."""
        found = self.desk.threads.page(limit=100_000).items
        return sorted((self.thread(one.id) for one in found), key=lambda thread: thread.number)

    def thread(self, thread_id: ThreadId) -> Thread:
        """A thread as it is stored."""
        return self.desk.threads.view(thread_id).thread

    def messages(self, thread_id: ThreadId) -> list[Message]:
        """The messages of a thread, oldest first."""
        return [one.message for one in self.desk.threads.view(thread_id).messages]

    def entry(self, thread_id: ThreadId) -> OutboxEntry:
        """The newest mail a thread has in the outbox."""
        sent = [one.outbox for one in self.desk.threads.view(thread_id).messages if one.outbox is not None]
        return sent[-1]

    def token(self, thread: Thread) -> str:
        """The thread's reply token of its generation."""
        return ReplyKeys((KEY,)).token(REPLY, thread.id, thread.generation)

    def answered(self, thread: Thread, text: str = "It is on its way.", **draft: Any) -> SentMail:
        """Let Anna answer, let the mail go out, and give it as it went."""
        self.clock.advance(dt.timedelta(minutes=1))
        self.anna.reply(thread.id, text=text, **draft)
        self.desk.deliver(self.sender)
        return self.sender.sent[-1]


@pytest.fixture
def shop() -> Shop:
    """A help desk with one department, one mailbox that takes everything, and one employee."""
    return Shop()


@pytest.fixture
def make_shop() -> type[Shop]:
    """What makes such a help desk; it takes storage, settings, keys, reader, and fields of the mailbox."""
    return Shop


@pytest.fixture
def played_storage() -> PlayedStorage:
    """A storage that a test can step into."""
    return PlayedStorage()
