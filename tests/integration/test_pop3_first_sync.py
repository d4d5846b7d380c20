"""The first sync of a POP3 mailbox, which numbers nothing and tells no dates (R27)."""

import pytest

from customerservice.bootstrap import HelpDesk
from customerservice.domain.mailbox import FirstSync, SecretKind, SecretRef
from customerservice.domain.outcome import Outcome
from customerservice.errors import InvalidValue
from customerservice.ports.storage import DeliveryFilter
from customerservice.testing.pop3_server import Drop, ScriptedPop3Server

SECRET = SecretRef(SecretKind.ENVIRONMENT, "TEST_POP3_PASSWORD")


def letter(number: int) -> bytes:
    return f"From: anna@mail.example\r\nSubject: Letter {number}\r\n\r\nHello {number}\r\n".encode()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    """A POP3 server with two old mails."""
    monkeypatch.setenv("TEST_POP3_PASSWORD", "pw")
    with ScriptedPop3Server([letter(1), letter(2)], users={"help": "pw"}) as server:
        yield server


def mailbox_at(desk: HelpDesk, server: ScriptedPop3Server, first_sync: FirstSync):
    found, _ = desk.mailboxes.find_or_add(
        f"{{127.0.0.1:{server.port}/pop3/notls}}", user="help", secret=SECRET, first_sync=first_sync
    )
    return found


def test_from_now_passes_by_what_is_there(server: ScriptedPop3Server) -> None:
    """Old mail is known and never fetched; what comes later is taken."""
    with HelpDesk.in_memory() as desk:
        mailbox = mailbox_at(desk, server, FirstSync())
        first = desk.sync(mailbox)
        server.drops.append(Drop(letter(3), "u3"))
        second = desk.sync(mailbox)
        old = desk.mail.page(DeliveryFilter(outcomes=frozenset({Outcome.IGNORED}))).items

        assert (first.fetched, second.created_threads) == (0, 1)
        assert [one.subject for one in desk.threads.page().items] == ["Letter 3"]
        assert {one.decision.rule for one in old if one.decision} == {"first sync"}


def test_everything_takes_all_and_later_mail_too(server: ScriptedPop3Server) -> None:
    """Each once."""
    with HelpDesk.in_memory() as desk:
        mailbox = mailbox_at(desk, server, FirstSync(everything=True))
        first = desk.sync(mailbox)
        server.drops.append(Drop(letter(3), "u3"))
        second = desk.sync(mailbox)

        assert (first.created_threads, second.created_threads) == (2, 1)


def test_a_day_is_refused(server: ScriptedPop3Server) -> None:
    """POP3 cannot tell when a mail came, so the choice is refused before any connection."""
    with HelpDesk.in_memory() as desk, pytest.raises(InvalidValue, match="POP3 does not tell"):
        mailbox_at(desk, server, FirstSync.parse("2026-01-31"))

    assert server.commands == []
