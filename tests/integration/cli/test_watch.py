"""``sync --watch`` from within this process: real signals, real servers."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.pop3_server import ScriptedPop3Server
from customerservice.testing.scripted import Answer, Close

PASSWORD = "correct horse"


class Watched(ScriptedImapServer):
    """Does something when a client begins to wait, each time another thing, and ends this run with the last."""

    def __init__(self, *acts: Callable[["Watched"], None], **arguments: Any) -> None:
        self._acts = list(acts)
        super().__init__(users={"help": PASSWORD}, **arguments)

    def _fault(self, *stages: str) -> Any:
        fault = super()._fault(*stages)
        if "idle" in stages and fault is None:
            act = self._acts.pop(0) if self._acts else end_soon
            threading.Timer(0.05, act, [self] if act is not end_soon else []).start()
        return fault


def end_soon() -> None:
    """Send this process what a service manager sends to end it."""
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def soon() -> Iterator[Callable[[float], None]]:
    """End the run after so many seconds."""
    timers: list[threading.Timer] = []

    def later(seconds: float) -> None:
        timers.append(threading.Timer(seconds, end_soon))
        timers[-1].start()

    yield later
    for timer in timers:
        timer.cancel()


def box(server: ScriptedImapServer, folder: str = "INBOX") -> tuple[str, ...]:
    """Give the options that name a folder of the server."""
    text = f"{{127.0.0.1:{server.port}}}{folder}"
    return ("--mailbox", text, "--user", "help", "--password-env", "MAIL_PASSWORD", "--since", "all")


def test_a_watch_takes_what_comes_until_it_is_ended(cli, letter) -> None:
    """Each pass that found something is reported; mail is taken over in the same connection."""
    with Watched(lambda server: server.deliver(letter(1)), lambda server: server.deliver(letter(2))) as server:
        ran = cli("sync", *box(server), "--watch", "--json")

    assert ran.status == 143
    assert [report["fetched"] for report in ran.objects] == [0, 1, 1]
    assert server.connections == 1


def test_a_connection_that_breaks_while_waiting_is_made_again(cli, letter) -> None:
    """The next pass connects anew, and nothing is reported as wrong."""
    with Watched(script={"idle": [Close()]}) as server:
        server.deliver(letter(1))
        ran = cli("sync", *box(server), "--watch", "--json")

    assert ran.status == 143
    assert [report["errors"] for report in ran.objects] == [[]]
    assert server.connections == 2


def test_a_watch_ends_over_what_waiting_cannot_mend(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused password is tried once; the status is 1."""
    monkeypatch.setenv("MAIL_PASSWORD", "swordfish")
    with Watched() as server:
        ran = cli("sync", *box(server), "--watch")

    assert ran.status == 1
    assert len(server.attempts) == 1


def test_a_server_that_is_busy_is_asked_again_later(cli, soon: Callable[[float], None]) -> None:
    """A temporary failure is reported, and the watch goes on until it is ended."""
    with Watched(script={"select": Answer("{tag} NO [UNAVAILABLE] later")}) as server:
        soon(2)
        ran = cli("sync", *box(server), "--watch", "--json")

    assert ran.status == 143
    assert len(ran.object["errors"]) == 1


def test_several_mailboxes_are_watched_by_turns(cli, letter, soon: Callable[[float], None]) -> None:
    """Without IDLE, as one connection can wait for one folder only."""
    with Watched() as server:
        server.folder("Other")
        server.deliver(letter(1), folder="Other")
        cli("sync", *box(server), "--limit", 1)
        cli("sync", *box(server, "Other"), "--limit", 1)
        server.deliver(letter(2))
        soon(2)
        ran = cli("sync", "--watch", "--json")

    assert ran.status == 143
    assert [report["fetched"] for report in ran.objects] == [1, 0]
    assert "UID IDLE" not in server.verbs


def test_a_pop3_mailbox_is_asked_anew(cli, letter, soon: Callable[[float], None]) -> None:
    """POP3 shows new mail to new connections only, so none is kept open."""
    with ScriptedPop3Server(users={"help": PASSWORD}) as server:
        text = f"{{127.0.0.1:{server.port}/pop3}}"
        soon(2)
        ran = cli(
            *("sync", "--mailbox", text, "--user", "help", "--password-env", "MAIL_PASSWORD"),
            *("--since", "all", "--watch", "--json"),
        )

    assert ran.status == 143, ran.err
    assert ran.object["errors"] == []


def test_a_signal_within_a_pass_is_seen_behind_it(cli, letter) -> None:
    """The pass ends after its unit, is reported, and no other begins."""

    class Ending(ScriptedImapServer):
        def _fault(self, *stages: str) -> Any:
            if "fetch-bodies" in stages:
                end_soon()
            return super()._fault(*stages)

    with Ending(users={"help": PASSWORD}) as server:
        server.deliver(letter(1))
        ran = cli("sync", *box(server), "--watch", "--json")

    assert ran.status == 143
    assert ran.object["fetched"] == ran.object["stored"] == 1
