"""Whether signed reply addresses of a mailbox arrive in it."""

import datetime as dt
from collections.abc import Callable

import attrs
import pytest

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.adapters.transports.memory import MemoryMailbox, MemorySender
from customerservice.application.context import DeskContext
from customerservice.application.probing import PATIENCE
from customerservice.bootstrap import HelpDesk
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.mailbox import Mailbox, SecretKind, SecretRef
from customerservice.domain.outbox import RecipientState
from customerservice.errors import InvalidValue, NotFound, OwnTransactionNeeded, Refused
from customerservice.mail import parse
from customerservice.ports.transports import Envelope
from customerservice.testing.clock import CountingIdFactory, ToldClock

PATTERN = "support+{token}@shop.example"
HELP = EmailAddress("help@shop.example")


@attrs.define
class World:
    """A help desk with a mailbox, and what is around it."""

    desk: HelpDesk
    clock: ToldClock
    box: Mailbox
    source: MemoryMailbox = attrs.field(factory=MemoryMailbox)
    sender: MemorySender = attrs.field(factory=MemorySender)
    asked: int = 0

    def probe(self, pattern: str = PATTERN, stop: Callable[[], bool] | None = None) -> Mailbox | None:
        """Probe a pattern; time goes on by a look whenever the probe asks whether to stop."""
        return self.desk.mailboxes.probe_reply_address(
            self.box.id,
            pattern,
            sender=self.sender,
            sent_from=HELP,
            source=self.source,
            stop=stop or self.not_yet,
        )

    def not_yet(self) -> bool:
        """Let a minute pass, and go on."""
        self.asked += 1
        self.clock.advance(dt.timedelta(minutes=1))
        return False

    def arrives(self, change: Callable[[bytes], bytes] = lambda raw: raw) -> None:
        """Let what is sent come into the mailbox, beside mail of others."""

        def take(_: Envelope) -> None:
            self.source.deliver(b"Subject: from somebody else\r\n\r\n")

        self.sender.before_send = take
        send = self.sender.send

        class Server:
            def send(inner, envelope: Envelope, raw: bytes, *, before_dot: Callable[[], None]) -> object:  # noqa: N805
                results = send(envelope, raw, before_dot=before_dot)
                self.source.deliver(change(raw))
                return results

        self.sender = Server()  # type: ignore[assignment]


@pytest.fixture
def world() -> World:
    """A mailbox with a mail in it."""
    clock = ToldClock()
    desk = HelpDesk.in_memory(clock=clock)
    box, _ = desk.mailboxes.find_or_add(
        "{mail.example/imap/ssl}INBOX", user="help", secret=SecretRef(SecretKind.ENVIRONMENT, "X")
    )
    made = World(desk, clock, box)
    made.source.deliver(b"Subject: an old one\r\n\r\n")
    return made


def test_a_pattern_that_arrives_is_turned_on(world: World) -> None:
    """The mailbox has the pattern from then on; of the mails only the probe is taken away."""
    world.arrives()
    proven = world.probe()

    assert proven is not None
    assert world.desk.mailboxes.get(world.box.id).reply_address == PATTERN
    assert [parse(mail.raw).subject for mail in world.source.mails.values()] == ["an old one", "from somebody else"]


def test_the_probe_is_one_automatic_mail_to_a_signed_address(world: World) -> None:
    """It goes to nobody else, and says that it is automatic."""
    world.probe()
    (sent,) = world.sender.sent
    mail = parse(sent.raw)

    assert str(sent.envelope.recipients[0]).startswith("support+")
    assert "{token}" not in str(sent.envelope.recipients[0])
    assert len(sent.envelope.recipients) == 1
    assert mail.header("auto-submitted") == "auto-generated"


def test_a_pattern_that_does_not_arrive_stays_off(world: World) -> None:
    """After the patience the mailbox is as it was."""
    assert world.probe() is None
    assert world.asked == PATIENCE // dt.timedelta(minutes=1)
    assert world.desk.mailboxes.get(world.box.id).reply_address is None


def test_another_mail_proves_nothing(world: World) -> None:
    """Only the mail with the probe's own Message-ID counts."""
    world.arrives(lambda raw: raw.replace(b"Message-ID: <", b"Message-ID: <x"))

    assert world.probe() is None


def test_a_probe_can_be_stopped(world: World) -> None:
    """It ends before its next look."""
    world.arrives()

    assert world.probe(stop=lambda: True) is None


def test_a_mail_too_large_to_be_the_probe_is_passed_over(world: World) -> None:
    """Its body is not read."""
    world.arrives(lambda raw: raw + b"x" * 1_100_000)

    assert world.probe() is None


def test_an_address_the_server_refuses_is_told(world: World) -> None:
    """Nothing is waited for, and the server's words are passed on."""
    world.sender.before_send = lambda envelope: world.sender.answer(
        envelope.recipients[0], RecipientState.REFUSED, 550, "no such user"
    )

    with pytest.raises(Refused, match="no such user"):
        world.probe()
    assert world.asked == 0


def test_a_pattern_without_a_place_for_the_token_is_refused(world: World) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidValue):
        world.probe("support@shop.example")
    assert world.sender.sent == []


def test_a_mailbox_that_is_not_kept_cannot_be_probed(world: World) -> None:
    """Before anything is sent."""
    world.desk.mailboxes.remove(world.box.id)

    with pytest.raises(NotFound):
        world.probe()
    assert world.sender.sent == []


class Joined(MemoryStorage):
    """A storage whose units somebody else commits."""

    commits_itself = False


def test_a_probe_needs_transactions_of_its_own(world: World) -> None:
    """Within a host's transaction nobody would see what it found until the host commits."""
    world.desk = HelpDesk(DeskContext(storage=Joined(), clock=world.clock, ids=CountingIdFactory()))

    with pytest.raises(OwnTransactionNeeded):
        world.probe()
