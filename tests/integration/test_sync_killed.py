"""The command `sync`, killed at twenty moments of its first run and run again: each mail once, in every mode."""

import os
import signal
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from customerservice.entrypoints.cli import main
from customerservice.testing.failpoints import FailAction, FailurePlan, arm, disarm

pytestmark = [pytest.mark.dovecot, pytest.mark.timeout(600)]

MOMENTS = 20
# Two of these never share a batch of 8 MB, so a run has several batches.
LARGE = 4_500_000


def mails() -> list[bytes]:
    """Ten mails that take four batches: a conversation among them, one from a robot, one without Message-ID."""
    large = b"\r\n".join([b"x" * 70] * (LARGE // 72))
    bodies = [b"one", large, b"three", large, b"five", large, b"seven"]
    found = [
        b"From: Anna <anna%d@mail.example>\r\nTo: help@shop.example\r\nSubject: Question %d\r\n"
        b"Message-ID: <q%d@mail.example>\r\nDate: Mon, 2 Nov 2026 10:0%d:00 +0000\r\n\r\n%s\r\n"
        % (index, index, index, index, body)
        for index, body in enumerate(bodies)
    ]
    found.append(
        b"From: anna0@mail.example\r\nTo: help@shop.example\r\nSubject: Re: Question 0\r\n"
        b"In-Reply-To: <q0@mail.example>\r\nMessage-ID: <a0@mail.example>\r\n"
        b"Date: Mon, 2 Nov 2026 11:00:00 +0000\r\n\r\nAnd another thing.\r\n"
    )
    found.append(
        b"From: robot@mail.example\r\nTo: help@shop.example\r\nSubject: Out of office\r\n"
        b"Auto-Submitted: auto-replied\r\nMessage-ID: <r@mail.example>\r\n"
        b"Date: Mon, 2 Nov 2026 11:01:00 +0000\r\n\r\nI am away.\r\n"
    )
    found.append(b"From: zoe@mail.example\r\nTo: help@shop.example\r\n\r\nNo id, no date, no subject.\r\n")
    return found


class Shop:
    """One user's mailbox and one database."""

    def __init__(self, dovecot: Any, folder: Path, user: str, mode: str) -> None:
        self.dovecot, self.user, self.database = dovecot, user, folder / f"{user}.db"
        self.arguments = [
            "sync",
            "--db",
            f"sqlite:///{self.database}",
            "--mailbox",
            f"{{127.0.0.1:{dovecot.imap_port}/imap/notls}}INBOX",
            "--user",
            user,
            "--password-env",
            "TEST_MAILBOX_PASSWORD",
            "--after-fetch",
            mode,
            "--since",
            "all",
            "--json",
        ]
        dovecot.maildir(user, "Done")
        for raw in mails():
            dovecot.deliver(raw, user)

    def sync(self) -> int:
        """Run the command in this process."""
        return main(self.arguments)

    def sync_killed_at(self, moment: int) -> None:
        """Run the command in a child that is killed when it passes its `moment`-th failpoint."""
        child = os.fork()
        if child == 0:
            try:
                arm(FailurePlan("*", FailAction.KILL, moment))
                main(self.arguments)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status)
        assert os.WTERMSIG(status) == signal.SIGKILL

    def ask(self, query: str) -> list[Any]:
        """Ask the database behind the help desk's back."""
        connection = sqlite3.connect(self.database)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_MAILBOX_PASSWORD", "pass")


@pytest.mark.parametrize("mode", ["keep", "seen", "delete", "move:Done"])
def test_a_killed_sync_loses_nothing_and_stores_nothing_twice(
    dovecot: Any, tmp_path: Path, mode: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever moment the first run dies at, two more runs leave each mail once, and the mailbox as the mode says."""
    label = mode.partition(":")[0]
    measured = Shop(dovecot, tmp_path, f"measured-{label}", mode)
    hits = arm()
    assert measured.sync() == 0
    disarm()
    moments = sorted({1 + round(step * (hits.total() - 1) / (MOMENTS - 1)) for step in range(MOMENTS)})
    assert len(moments) == MOMENTS
    expected = everything(measured, mode)

    for moment in moments:
        shop = Shop(dovecot, tmp_path, f"{label}-{moment}", mode)
        shop.sync_killed_at(moment)
        assert shop.sync() == 0
        assert shop.sync() == 0

        assert everything(shop, mode) == expected, f"killed at moment {moment} of {hits.total()}"
    capsys.readouterr()


def everything(shop: Shop, mode: str) -> dict[str, object]:
    """What the database holds and what the Maildir holds, for comparison; ids and times left out."""
    count = len(mails())
    found = {
        "mails": shop.ask("SELECT uid, outcome, raw_kept FROM cs_delivery ORDER BY uid"),
        "messages": shop.ask("SELECT header_id, subject FROM cs_message ORDER BY header_id, subject"),
        "threads": shop.ask("SELECT subject, messages FROM cs_thread ORDER BY subject, messages"),
        "blobs": shop.ask("SELECT sha256, size FROM cs_blob ORDER BY sha256"),
        "figures": shop.ask("SELECT figure, SUM(value) FROM cs_figure GROUP BY figure ORDER BY figure"),
        "inbox": len(shop.dovecot.mails(shop.user)),
        "seen": shop.dovecot.seen(shop.user),
        "done": len(shop.dovecot.mails(shop.user, "Done")),
    }
    assert len(found["mails"]) == count
    assert (found["inbox"], found["done"]) == {"delete": (0, 0), "move:Done": (0, count)}.get(mode, (count, 0))
    assert found["seen"] == (count if mode == "seen" else 0)
    return found
