"""The command line as a user runs it, in a folder of its own, with mail servers on loopback."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from customerservice.bootstrap import HelpDesk
from customerservice.entrypoints.cli import main
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.smtp_server import ScriptedSmtpServer

PASSWORD = "correct horse"


@attrs.frozen
class Ran:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What it printed as JSON, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def object(self) -> dict[str, Any]:
        """The one object it printed as JSON."""
        (found,) = self.objects
        return found


Cli = Callable[..., Ran]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in an empty folder, where the default database would be made."""
    monkeypatch.chdir(tmp_path)
    for name in ("DB", "CONFIG", "KEY_FILE", "SENDER"):
        monkeypatch.delenv(f"CUSTOMERSERVICE_{name}", raising=False)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)

    def run(*arguments: object, stdin: str | io.TextIOBase = "") -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin) if isinstance(stdin, str) else stdin)
        status = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Ran(status, said.out, said.err)

    return run


def question(number: int = 1, *, sender: str = "Maria <maria@customer.example>", **headers: str) -> bytes:
    fields = {
        "From": sender,
        "To": "help@shop.example",
        "Subject": f"Question {number}",
        "Message-ID": f"<{number}@customer.example>",
        "Date": "Mon, 05 Jan 2026 09:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value]
    return "\r\n".join([*lines, "", f"Text of question {number}.", ""]).encode()


@pytest.fixture(scope="session")
def letter() -> Callable[..., bytes]:
    """Give a mail of a customer by number; headers can be told by name, "" leaves one out."""
    return question


@pytest.fixture
def imap() -> Iterator[ScriptedImapServer]:
    """A mailbox with two mails."""
    with ScriptedImapServer(users={"help": PASSWORD}) as server:
        for number in (1, 2):
            server.deliver(question(number))
        yield server


@pytest.fixture
def smtp() -> Iterator[ScriptedSmtpServer]:
    """A server that takes mail of anybody."""
    with ScriptedSmtpServer() as server:
        yield server


@pytest.fixture
def mailbox(imap: ScriptedImapServer) -> tuple[str, ...]:
    """The options that name the mailbox."""
    return ("--mailbox", f"{{127.0.0.1:{imap.port}/imap}}INBOX", "--user", "help", "--password-env", "MAIL_PASSWORD")


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, letter: Callable[..., bytes]) -> Path:
    """A folder with a database where two customers' questions and a newsletter were stored, and those mails."""
    folder = tmp_path_factory.mktemp("stored")
    newsletter = letter(3, sender="news@weekly.example", List_Id="<weekly.example>", Precedence="bulk")
    mails = [letter(1), letter(2, sender="سارا <sara@nameh.example>"), newsletter]
    for number, raw in enumerate(mails, 1):
        (folder / f"{number}.eml").write_bytes(raw)
    with HelpDesk.open(f"sqlite:///{folder}/helpdesk.db") as desk:
        report = desk.ingest([folder / f"{number}.eml" for number in (1, 2, 3)])
    assert (report.created_threads, report.held) == (2, 1)
    return folder


@pytest.fixture
def desk(cli, stored: Path, tmp_path: Path):
    """Run commands in a copy of that folder."""
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    return cli
