"""The sources in memory and over IMAP keep the promises of sources."""

import datetime as dt
from collections.abc import Iterator, Sequence

import pytest

from customerservice.adapters.transports.imap import ImapSource
from customerservice.adapters.transports.memory import MemoryMailbox
from customerservice.domain.imap_options import ImapOptions
from customerservice.ports.transports import MailSource, Secret
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.transport_contract import (
    MOVE,
    DateContract,
    LiveContract,
    MailSourceContract,
    MarkingContract,
    MovingContract,
    Place,
    RemovalContract,
    UidContract,
)


class MemoryPlace(Place):
    """A mailbox in memory, and others who use it."""

    def __init__(self) -> None:
        self.mailbox = MemoryMailbox()

    @property
    def source(self) -> MailSource:
        return self.mailbox

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self.mailbox.deliver(raw, received_at=received_at)

    def take_away(self, position: int) -> None:
        self.mailbox.remove(list(self.mailbox.mails)[position])

    def left(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.mailbox.mails.values()]

    def seen(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.mailbox.mails.values() if mail.seen]

    def moved(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.mailbox.folders.get(MOVE.folder or "", [])]


class TestMemoryMailbox(
    MailSourceContract,
    UidContract,
    DateContract,
    LiveContract,
    MarkingContract,
    RemovalContract,
    MovingContract,
):
    """Everything a source can promise."""

    @pytest.fixture
    def place(self) -> Place:
        return MemoryPlace()


class ScriptedImapPlace(Place):
    """A folder on the scripted server."""

    def __init__(self, server: ScriptedImapServer) -> None:
        self.server = server

    @property
    def source(self) -> MailSource:
        options = ImapOptions.for_host(self.server.host).with_port(self.server.port)
        return ImapSource(options, user="anna", secret=Secret("secret"))

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self.server.deliver(raw, received_at=received_at)

    def take_away(self, position: int) -> None:
        self.server.remove(self.server.mails()[position].uid)

    def left(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.server.mails()]

    def seen(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.server.mails() if "\\Seen" in mail.flags]

    def moved(self) -> Sequence[bytes]:
        return [mail.raw for mail in self.server.mails(folder="Done &- dusted/B&APw-ro")]


class TestImapSource(
    MailSourceContract,
    UidContract,
    DateContract,
    LiveContract,
    MarkingContract,
    RemovalContract,
    MovingContract,
):
    """Everything a source can promise."""

    extensions: tuple[str, ...] = ("UIDPLUS", "MOVE", "IDLE")

    @pytest.fixture
    def place(self) -> Iterator[Place]:
        with ScriptedImapServer(users={"anna": "secret"}, extensions=self.extensions) as server:
            yield ScriptedImapPlace(server)


class TestImapSourceWithoutMove(TestImapSource):
    """The same at a server that can remove single mails but not move them."""

    extensions = ("UIDPLUS",)
