"""Ctrl-C, SIGTERM and a reader that left: the command as a process."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.scripted import Silence

PASSWORD = "correct horse"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start the command in an empty folder; what still runs at the end is killed."""
    children: list[subprocess.Popen[str]] = []

    def run(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
        environment = {**os.environ, "MAIL_PASSWORD": PASSWORD}
        environment = {name: value for name, value in environment.items() if not name.startswith("CUSTOMERSERVICE_")}
        child = subprocess.Popen(
            [sys.executable, "-m", "customerservice", *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )
        children.append(child)
        return child

    yield run
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


class Noticing(ScriptedImapServer):
    """Tells when a client begins to fetch bodies, or to wait."""

    def __init__(self, **arguments: Any) -> None:
        self.fetching = threading.Event()
        self.idling = threading.Event()
        super().__init__(users={"help": PASSWORD}, **arguments)

    def _fault(self, *stages: str) -> Any:
        if "fetch-bodies" in stages:
            self.fetching.set()
        if "idle" in stages:
            self.idling.set()
        return super()._fault(*stages)


def options(server: ScriptedImapServer) -> Sequence[str]:
    """Give the options that name the server's mailbox."""
    return (
        *("--mailbox", f"{{127.0.0.1:{server.port}}}INBOX", "--user", "help"),
        *("--password-env", "MAIL_PASSWORD", "--since", "all", "--json"),
    )


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_watch_at_once(
    start: Callable[..., "subprocess.Popen[str]"], letter: Callable[..., bytes], number: signal.Signals, status: int
) -> None:
    """While nothing happens a signal ends the command with its own status, without a traceback."""
    with Noticing() as server:
        server.deliver(letter(1))
        child = start("sync", *options(server), "--watch")
        assert server.idling.wait(30)
        child.send_signal(number)
        out, err = child.communicate(timeout=15)

    assert child.returncode == status, err
    assert json.loads(out.splitlines()[0])["fetched"] == 1
    assert "Traceback" not in err


def test_a_watch_sees_new_mail_without_asking_again(
    start: Callable[..., "subprocess.Popen[str]"], letter: Callable[..., bytes]
) -> None:
    """Mail that comes while the server is in IDLE is taken over in the same connection."""
    with Noticing() as server:
        child = start("sync", *options(server), "--watch")
        assert child.stdout is not None
        first = json.loads(child.stdout.readline())
        assert server.idling.wait(30)
        server.deliver(letter(1))
        second = json.loads(child.stdout.readline())
        child.terminate()
        child.communicate(timeout=15)

    assert (first["fetched"], second["fetched"]) == (0, 1)
    assert server.connections == 1
    assert child.returncode == 143


def test_a_signal_in_the_middle_lets_the_unit_end(
    start: Callable[..., "subprocess.Popen[str]"], letter: Callable[..., bytes]
) -> None:
    """A sync that is told to stop finishes its batch, reports it and exits 143; the next one goes on from there."""
    large = b"x" * 79 + b"\r\n"
    with Noticing() as server:
        for number in range(1, 6):
            server.deliver(letter(number) + large * 37_500)
        child = start("sync", *options(server))
        assert server.fetching.wait(30)
        child.terminate()
        out, err = child.communicate(timeout=30)
        rest = start("sync", *options(server))
        told, _ = rest.communicate(timeout=30)
    stopped, ended = json.loads(out), json.loads(told)

    assert child.returncode == 143, err
    assert "Traceback" not in err
    assert stopped["fetched"] < 5
    assert stopped["fetched"] == stopped["stored"]
    assert rest.returncode == 0
    assert stopped["created_threads"] + ended["created_threads"] == 5


def test_a_second_signal_does_not_wait(start: Callable[..., "subprocess.Popen[str]"]) -> None:
    """A command that hangs in a silent server ends at the second Ctrl-C."""
    with ScriptedImapServer(users={"help": PASSWORD}, script={"greeting": Silence()}) as server:
        child = start("sync", *options(server))
        wait_for_client(server)
        child.send_signal(signal.SIGINT)
        child.send_signal(signal.SIGINT)
        threading.Event().wait(0.3)
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=15)

    assert child.returncode == 130
    assert "Traceback" not in err


def test_one_signal_ends_what_hangs_within_ten_seconds(start: Callable[..., "subprocess.Popen[str]"]) -> None:
    """A unit that does not end is rolled back after a grace of some seconds."""
    with ScriptedImapServer(users={"help": PASSWORD}, script={"greeting": Silence()}) as server:
        child = start("sync", *options(server))
        wait_for_client(server)
        child.terminate()
        _, err = child.communicate(timeout=10)

    assert child.returncode == 143
    assert "Traceback" not in err


def wait_for_client(server: ScriptedImapServer) -> None:
    """Wait until somebody connected."""
    for _ in range(3000):
        if server.connections:
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody connected")


def test_a_reader_that_left_is_no_fault_of_ours(
    start: Callable[..., "subprocess.Popen[str]"], letter: Callable[..., bytes], tmp_path: Path
) -> None:
    """When the reader of a pipe stops reading, the command ends without a traceback."""
    (tmp_path / "mails").mkdir()
    for number in range(300):
        (tmp_path / "mails" / f"{number:03}.eml").write_bytes(letter(number))
    child = start("inspect", "--json", "mails")
    assert child.stdout is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr is not None
    err = child.stderr.read()
    child.wait(30)

    assert child.returncode == 1
    assert "Traceback" not in err
    assert "Exception" not in err


def test_two_syncs_at_once_store_each_mail_once(
    start: Callable[..., "subprocess.Popen[str]"], letter: Callable[..., bytes]
) -> None:
    """One works; the other ends cleanly, at the latest with a word on the worker that has the mailbox."""
    with Noticing() as server:
        for number in range(1, 30):
            server.deliver(letter(number))
        start("sync", *options(server), "--limit", 1).communicate(timeout=30)
        children = [start("sync", *options(server)) for _ in range(3)]
        ended = [(child.communicate(timeout=60), child.returncode) for child in children]
        listed, _ = start("threads", "list", "--json", "--all").communicate(timeout=30)
    reports = [json.loads(out) for (out, _), _ in ended]

    assert len(listed.splitlines()) == 29
    assert sum(report["created_threads"] for report in reports) == 28
    assert all(status == (1 if report["errors"] else 0) for (_, status), report in zip(ended, reports, strict=True))
    assert all("Traceback" not in err for (_, err), _ in ended)
