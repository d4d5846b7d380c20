"""Bad input, end to end: from a mail server to a database and out again, each a clear error or a recorded outcome.

After each the same mailbox is read once more, to prove that nothing was lost and nothing is stored twice.
"""

import contextlib
import datetime as dt
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from email import message_from_bytes
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa
import trustme

from customerservice.adapters.storage.sqlalchemy.connecting import read_url
from customerservice.adapters.storage.sqlalchemy.schema import VERSION_TABLE
from customerservice.adapters.storage.sqlalchemy.tables import metadata
from customerservice.adapters.transports.connection import TimeLimits
from customerservice.adapters.transports.imap import ImapSource
from customerservice.adapters.transports.smtp import SmtpSender
from customerservice.application.context import DeskSettings
from customerservice.bootstrap import HelpDesk
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import ImapOptions, TlsMode
from customerservice.domain.mailbox import FirstSync, Mailbox, SecretKind, SecretRef
from customerservice.domain.outbox import OutboxState
from customerservice.domain.outcome import Outcome
from customerservice.domain.references import EmployeeRef
from customerservice.entrypoints.cli import main
from customerservice.errors import CustomerServiceError, DeadlineExceeded
from customerservice.mail import parse
from customerservice.ports.transports import Secret
from customerservice.testing.clock import ToldClock
from customerservice.testing.failpoints import FailAction, FailurePlan, arm
from customerservice.testing.imap_server import ScriptedImapServer
from customerservice.testing.scripted import Close, Cut, Silence
from customerservice.testing.smtp_server import AcceptedMail, ScriptedSmtpServer

PASSWORD = "correct horse"
KEYS = (b"the key that signs all reply addresses",)
SENDER = EmailAddress("help@shop.example")
ANNA = EmployeeRef("anna")

DATABASES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mysql),
]
SERVERS = DATABASES[1:]


def letter(number: int, **headers: str) -> bytes:
    """A mail of a customer of her own."""
    fields = {
        "From": f"Customer {number} <customer{number}@mail.example>",
        "To": "help@shop.example",
        "Subject": f"Question {number}",
        "Message-ID": f"<{number}@mail.example>",
        "Date": "Mon, 05 Jan 2026 09:00:00 +0000",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", f"Text of question {number}.", ""]).encode()


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


@attrs.define
class Shop:
    """Runs commands over one database, in one folder."""

    url: str
    folder: Path
    _monkeypatch: pytest.MonkeyPatch
    _capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: object, stdin: str = "") -> Ran:
        """Run a command in this process."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self._monkeypatch.setenv("CUSTOMERSERVICE_DB", self.url)
        status = main([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        assert "Traceback" not in said.err
        return Ran(status, said.out, said.err)

    def sync(self, server: ScriptedImapServer, *more: object, flags: str = "") -> Ran:
        """Sync the server's mailbox from its beginning."""
        return self.run("sync", *mailbox_of(server, flags), "--since", "all", "--json", *more)

    def refused_sync(self, server: ScriptedImapServer, words: str, *, flags: str = "") -> None:
        """Sync, and make sure that it failed for this one reason and stored nothing."""
        ran = self.sync(server, flags=flags)

        assert ran.status == 1
        assert [words in error for error in ran.object["errors"]] == [True], ran.object["errors"]
        assert (ran.object["fetched"], ran.object["stored"]) == (0, 0)
        assert PASSWORD not in ran.out + ran.err

    def stores_all(self, server: ScriptedImapServer, count: int, *, flags: str = "") -> None:
        """Sync without trouble, twice: so many mails, each its own thread, are then stored, once each."""
        first = self.sync(server, flags=flags)
        second = self.sync(server, flags=flags)

        assert (first.status, second.status) == (0, 0), first.err + second.err
        assert second.object["fetched"] == 0
        assert len(self.run("threads", "list", "--all", "--json").objects) == count
        assert self.run("db", "check").status == 0

    def desk(self, **options: Any) -> HelpDesk:
        """Open the database by the façade."""
        return HelpDesk.open(self.url, **{"keys": KEYS, "settings": DeskSettings(sender=SENDER), **options})

    @property
    def desk_url(self) -> str:
        """The URL with its driver, for SQLAlchemy."""
        return read_url(self.url).render_as_string(hide_password=False)

    def key_file(self) -> Path:
        """A file with a signing key."""
        path = self.folder / "desk.key"
        path.write_text("c2l4dGVlbiBieXRlcyBhbmQgbW9yZSBvZiB0aGVt\n")
        return path


def mailbox_of(server: ScriptedImapServer, flags: str = "") -> Sequence[str]:
    """Give the options that name the server's mailbox."""
    return (
        *("--mailbox", f"{{127.0.0.1:{server.port}/imap{flags}}}INBOX", "--user", "help"),
        *("--password-env", "MAIL_PASSWORD"),
    )


@pytest.fixture
def make_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], Shop]:
    """Make a shop over a database."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "KEY_FILE", "SENDER"):
        monkeypatch.delenv(f"CUSTOMERSERVICE_{name}", raising=False)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    return lambda url: Shop(url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def shop(make_shop: Callable[[str], Shop], tmp_path: Path) -> Shop:
    """A shop over SQLite."""
    return make_shop(f"sqlite:///{tmp_path / 'desk.db'}")


@contextlib.contextmanager
def own_database(server_url: str, options: str = "", drop: str = "") -> Iterator[str]:
    """A database of this module's own at a server."""
    server = sa.create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    name = f"cs_test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}{options}")
    try:
        yield server.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}{drop}")


@pytest.fixture(scope="module")
def postgresql_database(postgresql_url: str) -> Iterator[str]:
    """A database that the tests of this module share, because making its tables takes longer than most of them."""
    with own_database(postgresql_url, drop=" WITH (FORCE)") as url:
        HelpDesk.open(url).close()
        yield url


@pytest.fixture(scope="module")
def mysql_database(mysql_url: str) -> Iterator[str]:
    """The same on MariaDB."""
    with own_database(mysql_url, " CHARACTER SET utf8mb4") as url:
        HelpDesk.open(url).close()
        yield url


def emptied(url: str) -> str:
    """Delete every row of the shared database."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    return url


@pytest.fixture(params=DATABASES)
def any_shop(request: pytest.FixtureRequest, make_shop: Callable[[str], Shop], tmp_path: Path) -> Shop:
    """A shop over each database."""
    if request.param == "sqlite":
        return make_shop(f"sqlite:///{tmp_path / 'desk.db'}")
    return make_shop(emptied(request.getfixturevalue(f"{request.param}_database")))


@pytest.fixture(params=SERVERS)
def server_shop(request: pytest.FixtureRequest, make_shop: Callable[[str], Shop]) -> Shop:
    """A shop over a database that is a server, which has no file to keep a key beside."""
    return make_shop(emptied(request.getfixturevalue(f"{request.param}_database")))


@pytest.fixture
def imap() -> Iterator[ScriptedImapServer]:
    """A mailbox with three mails."""
    with mail_server() as server:
        yield server


def mail_server(count: int = 3, **arguments: Any) -> ScriptedImapServer:
    """Make a server whose mailbox has so many mails."""
    server = ScriptedImapServer(users={"help": PASSWORD}, **arguments)
    for number in range(1, count + 1):
        server.deliver(letter(number))
    return server


class TestMailboxStrings:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{mail.example/ssl/tls}", "/ssl and /tls"),
            ("{mail.example/tls/notls}", "/tls and /notls"),
            ("{mail.example/ssl/validate-cert/novalidate-cert}", "/novalidate-cert"),
            ("{mail.example/imap/pop3}", "two services"),
            ("{mail.example/nntp}", "only imap and pop3"),
            ("{mail.example:993@evil.example}", "port"),
            ("{mail.example@evil.example}", "neither a host name"),
            ("{-oProxyCommand=touch x}", "remote shell"),
            ("{mail.example\r\nA1 LOGOUT}", "neither a host name"),
            ("{mail.example;id}", "neither a host name"),
            ("{mail.example%00.evil.example}", "neither a host name"),
            ("{" + "a" * 5_000 + "}", "longer than"),
            ("{mail.example}a\r\nb", "control characters"),
            ("{mail.example/user=a\0b}", "control characters"),
            ("{}", "missing"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_before_anything_happens(self, shop: Shop, text: str, words: str) -> None:
        """A contradiction or a hostile host is wrong usage: status 2, the reason, no connection and no database."""
        ran = shop.run("sync", "--mailbox", text, "--user", "u", "--password-env", "MAIL_PASSWORD", "--since", "all")

        assert ran.status == 2
        assert words in ran.err
        assert list(shop.folder.iterdir()) == []


class TestRefusedSessions:
    def test_a_wrong_password_ends_a_watch_after_one_try(
        self, shop: Shop, imap: ScriptedImapServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not asked again and again until the account is locked; with the right one everything comes."""
        monkeypatch.setenv("MAIL_PASSWORD", "wrong")
        ran = shop.sync(imap, "--watch")
        monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)

        assert ran.status == 1
        assert len(imap.attempts) == 1
        shop.stores_all(imap, 3)

    @pytest.mark.parametrize(
        ("tls", "sort", "words"),
        [
            ("implicit", "expired", "expired"),
            ("implicit", "self-signed", "signed by itself"),
            ("implicit", "wrong name", "another address"),
            ("starttls", "wrong name", "another address"),
        ],
    )
    def test_a_bad_certificate_gets_no_password(
        self, shop: Shop, certificates: Callable[[str], ssl.SSLContext], tls: Any, sort: str, words: str
    ) -> None:
        """The command says what is wrong with the certificate; with a good one, at another port, everything comes."""
        flags = {"implicit": "/ssl", "starttls": "/tls"}[tls]
        with mail_server(tls=tls, ssl_context=certificates(sort)) as bad:
            shop.refused_sync(bad, words, flags=flags)

        assert bad.attempts == []
        with mail_server(tls=tls, ssl_context=certificates("good")) as good:
            shop.stores_all(good, 3, flags=flags)

    def test_a_server_without_starttls_gets_no_password(self, shop: Shop, imap: ScriptedImapServer) -> None:
        """TLS that was demanded and is not offered ends the session; it is never done without."""
        shop.refused_sync(imap, "STARTTLS", flags="/tls")

        assert imap.attempts == []
        shop.stores_all(imap, 3)

    @pytest.mark.parametrize("stage", ["greeting", "search", "fetch-bodies"])
    def test_a_silent_server_is_left_in_time(self, shop: Shop, imap: ScriptedImapServer, stage: str) -> None:
        """Whenever a server falls silent, the pass ends with an error and the next one stores everything."""
        imap.order(stage, Silence())
        limits = TimeLimits(read=dt.timedelta(seconds=0.3))
        with shop.desk() as desk:
            box, _ = desk.mailboxes.find_or_add(
                ImapOptions.parse(f"{{127.0.0.1:{imap.port}}}INBOX"),
                user="help",
                secret=SecretRef(SecretKind.ENVIRONMENT, "MAIL_PASSWORD"),
                first_sync=FirstSync(everything=True),
            )
            source = ImapSource(box.options, user="help", secret=Secret(PASSWORD), limits=limits)
            with pytest.raises(DeadlineExceeded):
                desk.sync(box, source=source)

            assert desk.mailboxes.get(box.id).health.errors_in_a_row == 1
        imap.order(stage, [])
        shop.stores_all(imap, 3)

    @pytest.mark.parametrize("after", [0, 40, 400])
    def test_a_server_that_closes_inside_a_body_loses_nothing(
        self, shop: Shop, imap: ScriptedImapServer, after: int
    ) -> None:
        """Half a mail is never stored, and no mail is left out afterwards."""
        imap.order("fetch-bodies", Cut(after))
        broken = shop.sync(imap)
        imap.order("fetch-bodies", [])

        assert broken.status == 1
        assert len(broken.object["errors"]) == 1
        assert broken.object["fetched"] == broken.object["quarantined"] == 0
        shop.stores_all(imap, 3)


class TestSizes:
    @pytest.mark.parametrize("factor", [3, 1 / 3])
    def test_a_lying_size_does_not_keep_a_mail_out(self, shop: Shop, factor: float) -> None:
        """RFC822.SIZE may be three times or a third of the body: the body is stored as it came."""
        raw = letter(1) + b"x" * 3_000
        with mail_server(0) as server:
            server.deliver(raw, announced_size=int(len(raw) * factor))
            shop.stores_all(server, 1)
        with shop.desk() as desk:
            (delivery,) = desk.mail.page().items

            assert desk.mail.raw(delivery.id) == raw

    def test_60_megabytes_are_recorded_and_not_fetched(self, shop: Shop) -> None:
        """A mail over the limit is listed with its sender and subject; the others are stored as ever."""
        large = letter(9) + b"y" * 60_000_000
        with mail_server(2) as server:
            server.deliver(large)
            first, second = shop.sync(server), shop.sync(server)
            asked = "".join(command.line for command in server.commands)

        assert (first.status, second.status) == (0, 0)
        assert (first.object["stored"], first.object["skipped"]) == (2, {"too-large": 1})
        assert first.object["bytes"] < 10_000
        assert second.object["fetched"] == 0
        assert "HEADER" in asked
        with shop.desk() as desk:
            (delivery,) = [one for one in desk.mail.page().items if one.outcome is Outcome.TOO_LARGE]

            assert (delivery.size, delivery.subject, delivery.raw_kept) == (len(large), "Question 9", False)
            assert delivery.sender == "customer9@mail.example"

    def test_a_file_over_the_limit_is_recorded(self, shop: Shop) -> None:
        """The same for a mail in a file."""
        (shop.folder / "large.eml").write_bytes(letter(9) + b"y" * 60_000_000)
        (shop.folder / "small.eml").write_bytes(letter(1))
        ran = shop.run("ingest", "large.eml", "small.eml", "--json")

        assert ran.status == 0
        assert (ran.object["skipped"], ran.object["created_threads"]) == ({"too-large": 1}, 1)

    def test_an_empty_mailbox_is_success(self, shop: Shop) -> None:
        """Nothing is there, nothing is stored, and what comes later is."""
        with mail_server(0) as server:
            ran = shop.sync(server)
            server.deliver(letter(1))

            assert (ran.status, ran.object["fetched"]) == (0, 0)
            shop.stores_all(server, 1)


#: Mails that break rules, by what is wrong with them.
NASTY = {
    "empty": b"",
    "only a line end": b"\r\n",
    "no headers": b"\r\nOnly a text.\r\n",
    "no headers and no blank line": b"Only a text without any header and without a line end",
    "no Message-ID": b"From: a1@mail.example\r\nSubject: s\r\nDate: Mon, 05 Jan 2026 09:00:00 +0000\r\n\r\n1\r\n",
    "no Date": b"From: a2@mail.example\r\nSubject: s\r\nMessage-ID: <no-date@mail.example>\r\n\r\n2\r\n",
    "no From": b"To: help@shop.example\r\nSubject: s\r\nMessage-ID: <no-from@mail.example>\r\n\r\n3\r\n",
    "no Subject": b"From: a4@mail.example\r\nMessage-ID: <no-subject@mail.example>\r\n\r\n4\r\n",
    "NUL everywhere": (
        b"From: A\0B <a5@mail.example>\r\nSubject: nul \0 here\r\nMessage-ID: <nul\0id@mail.example>\r\n"
        b"In-Reply-To: <\0@mail.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nte\0xt\r\n"
        b'--b\r\nContent-Type: image/x-\0; name="f\0.png"\r\nContent-Disposition: attachment; filename="f\0.png"\r\n'
        b"\r\n\0\0\0\r\n--b--\r\n"
    ),
    "encoded NUL": letter(6, Subject="=?utf-8?Q?a=00b?=", From="=?utf-8?Q?A=00B?= <a6@mail.example>"),
    "raw 8-bit bytes": (
        b"From: M\xfcller <a7@mail.example>\r\nSubject: Gr\xfc\xdfe \x80\x81\xff\r\nMessage-ID: <\xff@mail.example>\r\n"
        b"\r\nGr\xfc\xdfe \x80\x81\xff\xfe\r\n"
    ),
    "lone surrogates": (
        b"From: a8@mail.example\r\nSubject: \xed\xa0\x80 =?utf-16be?B?2AA=?=\r\n"
        b"Message-ID: <surrogate@mail.example>\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n\r\n\xed\xa0\x80\xed\xbf\xbf\r\n'
    ),
    "beyond the first plane": letter(9, Subject="\U0001f600 \U0010fffd", From="\U0001f600 <a9@mail.example>"),
    "unknown charset": (
        b"From: =?x-martian?Q?M=FCller?= <a10@mail.example>\r\nSubject: =?x-martian?B?4fI=?=\r\n"
        b'Message-ID: <charset@mail.example>\r\nContent-Type: text/plain; charset="x-martian; \'"\r\n\r\n'
        b"Gr\xfc\xdfe\r\n"
    ),
    "a Bcc hidden in a doubly encoded subject": letter(
        11,
        Subject="=?utf-8?Q?=3D=3Futf-8=3FQ=3FHello=0D=0ABcc=3A_victim=40mail.example=3F=3D?= "
        "=?utf-8?Q?=0D=0ABcc:_victim@mail.example?=",
    ),
    "very long fields": letter(
        12,
        Subject="long " * 20_000,
        From=f"{'N' * 5_000} <{'l' * 3_000}@{'d' * 3_000}.example>",
        Message_ID=f"<{'m' * 5_000}@mail.example>",
        References=" ".join(f"<{number}@elsewhere.example>" for number in range(3_000)),
    ),
    "a Message-ID that differs in case": letter(13, Message_ID="<CASE@mail.example>"),
    "a Message-ID in another case": letter(14, Message_ID="<case@mail.example>"),
    "a Message-ID with an accent": letter(15, Message_ID="<cäse@mail.example>"),
    "a Message-ID with a space at its end": letter(16, Message_ID="<case@mail.example >"),
    "impossible dates": letter(17, Date="Mon, 99 Foo 99999 99:99:99 +99999999999"),
    "the year 1": letter(18, Date="Mon, 01 Jan 0001 00:00:00 +1400"),
    "the year 9999": letter(19, Date="Fri, 31 Dec 9999 23:59:59 -1400"),
    "unusable sender": letter(20, From="<<@>>, @, nobody"),
    "all fields twice": letter(21).replace(
        b"\r\n\r\n",
        b"\r\nFrom: other@mail.example\r\nSubject: 2\r\nMessage-ID: <other@mail.example>\r\nDate: x\r\n\r\n",
    ),
    "bare carriage returns": letter(22).replace(b"\r\n", b"\r"),
    "a file name that climbs": (
        b"From: a23@mail.example\r\nMessage-ID: <climb@mail.example>\r\n"
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        b'--b\r\nContent-Type: application/octet-stream; name="../../../etc/passwd"\r\n\r\nx\r\n'
        b"--b\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename*=utf-8''%00%ED%A0%80" + b"n" * 4_000 + b"\r\n\r\nx\r\n--b--\r\n"
    ),
    "a multipart that never ends": b"From: a24@mail.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\n" * 3_000,
    "deep nesting": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(300)
    ),
}


@pytest.fixture
def nasty_server() -> Iterator[ScriptedImapServer]:
    """A mailbox with every nasty mail between two good ones."""
    with mail_server(1) as server:
        for raw in NASTY.values():
            server.deliver(raw)
        server.deliver(letter(2))
        yield server


class TestNastyMails:
    def test_each_ends_in_an_outcome_with_its_bytes(self, any_shop: Shop, nasty_server: ScriptedImapServer) -> None:
        """Whatever a mail breaks: it is stored byte for byte and once, has an outcome and disturbs no other."""
        first, second = any_shop.sync(nasty_server), any_shop.sync(nasty_server)

        assert (first.status, second.status) == (0, 0), first.err
        assert (first.object["errors"], first.object["fetched"]) == ([], len(NASTY) + 2)
        assert second.object["fetched"] == 0
        served = {mail.uid: mail.raw for mail in nasty_server.mails()}
        with any_shop.desk() as desk:
            stored = {one.key.uid: one for one in desk.mail.page(limit=100).items}
            raws = {uid: desk.mail.raw(one.id) for uid, one in stored.items()}

            views = [desk.threads.view(one.thread_id) for one in stored.values() if one.thread_id is not None]

            assert raws == served
            assert sum(len(view.messages) for view in views) == len(views)
            assert all(one.outcome is not None for one in stored.values())
            assert {one.outcome for one in stored.values()} <= {Outcome.OPENED, Outcome.HELD, Outcome.QUARANTINED}
            # Only the mail in which there is nothing at all cannot be read.
            quarantined = [served[uid] for uid, one in stored.items() if one.outcome is Outcome.QUARANTINED]
            assert set(quarantined) <= {b"", b"\r\n"}

    def test_each_can_be_looked_at_afterwards(self, shop: Shop, nasty_server: ScriptedImapServer) -> None:
        """Every command that shows mail shows these too."""
        shop.sync(nasty_server)
        threads = shop.run("threads", "list", "--all", "--json").objects
        shown = [shop.run("threads", "show", one["number"]) for one in threads]
        with shop.desk() as desk:
            mails = [one.id for one in desk.mail.page(limit=100).items]
        explained = [shop.run("explain", one, "--json") for one in mails]

        assert [ran.status for ran in shown + explained] == [0] * (len(threads) + len(mails))
        assert all("\0" not in ran.out for ran in shown)
        for command in (["threads", "list"], ["mail", "list"], ["mail", "list", "--json"], ["stats"], ["db", "check"]):
            assert shop.run(*command).status == 0

    def test_a_message_id_longer_than_a_file_name_is_explained(self, shop: Shop) -> None:
        """What is asked for by such an id is no file, and is found."""
        name = f"{'m' * 400}@mail.example"
        with mail_server(0) as server:
            server.deliver(letter(1, Message_ID=f"<{name}>"))
            shop.sync(server)
        ran = shop.run("explain", name, "--json")

        assert ran.status == 0
        assert "opened" in ran.out

    def test_the_same_mails_come_from_files(self, shop: Shop) -> None:
        """As files they end as they do from a mailbox, and are taken once."""
        (shop.folder / "mails").mkdir()
        for number, raw in enumerate(NASTY.values()):
            (shop.folder / "mails" / f"{number:02}.eml").write_bytes(raw)
        first, second = (shop.run("ingest", "mails", "--json") for _ in range(2))

        assert (first.status, second.status) == (0, 0)
        assert first.object["fetched"] == second.object["already_known"] == len(NASTY)
        assert second.object["stored"] == 0

    def test_an_answer_reaches_the_customer_and_nobody_else(self, shop: Shop) -> None:
        """What a subject hides does not become a header or a recipient of our answer."""
        with mail_server(0) as server:
            server.deliver(NASTY["a Bcc hidden in a doubly encoded subject"])
            shop.sync(server)
        shop.run("threads", "reply", "1", "--as", "anna", "--text", "Hello", "--sender", "help@shop.example")
        with ScriptedSmtpServer() as smtp:
            ran = shop.run("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{smtp.port}")
        (sent,) = smtp.accepted

        assert ran.status == 0
        assert sent.recipients == ("customer11@mail.example",)
        assert message_from_bytes(sent.raw).get_all("Bcc") is None
        assert parse(sent.raw).subject.count("\n") == 0

    def test_a_mail_that_names_nobody_cannot_be_answered(self, shop: Shop) -> None:
        """There is no address to answer to: an error, and nothing waits in the outbox."""
        with mail_server(0) as server:
            server.deliver(NASTY["no From"])
            shop.sync(server)
        with shop.desk() as desk:
            (delivery,) = desk.mail.page().items
        if delivery.thread_id is None:
            assert shop.run("mail", "open", delivery.id).status == 0
        ran = shop.run("threads", "reply", "1", "--as", "anna", "--text", "Hello", "--sender", "help@shop.example")

        assert ran.status == 1
        assert "address" in ran.err
        assert waiting(shop) == []


def waiting(shop: Shop) -> Sequence[OutboxState]:
    """Give the states of all mail on its way out."""
    with shop.desk() as desk, desk.storage.unit(reading=True) as unit:
        page = unit.outbox.page(desk.actor.scope, tuple(OutboxState), after=None, limit=100)
        return [entry.state for entry in page.items]


class TestDatabases:
    @pytest.mark.parametrize("path", ["/proc/desk.db", "{folder}", "{folder}/nowhere/desk.db"])
    def test_one_that_cannot_be_opened_leaves_the_mail_at_the_server(
        self, shop: Shop, imap: ScriptedImapServer, path: str
    ) -> None:
        """A folder that cannot be written, or is not there, is one line of error before anything is fetched."""
        bad = attrs.evolve(shop, url=f"sqlite:///{path.format(folder=shop.folder)}")
        ran = bad.run("sync", *mailbox_of(imap), "--since", "all", "--after-fetch", "delete")

        assert ran.status == 1
        assert ran.err.count("\n") == 1
        assert "unable to open database file" in ran.err
        assert imap.connections == 0
        shop.stores_all(imap, 3)

    def test_a_server_that_is_not_there_is_named_without_its_password(self, shop: Shop) -> None:
        """Nothing answers: one line of error, in which the password of the URL does not stand."""
        (shop.folder / "1.eml").write_bytes(letter(1))
        for url in ("postgresql://user:hunter2@127.0.0.1:1/desk", "mysql+pymysql://user:hunter2@127.0.0.1:1/desk"):
            ran = attrs.evolve(shop, url=url).run("ingest", "1.eml", "--key-file", shop.key_file())

            assert ran.status == 1
            assert "hunter2" not in ran.err
            assert ran.err.startswith("customerservice: error: ")

    def test_newer_tables_leave_the_mail_at_the_server(self, any_shop: Shop, imap: ScriptedImapServer) -> None:
        """Tables of a newer version are not written to; with the right one again everything is stored."""
        assert any_shop.sync(imap, "--limit", 1).status == 0
        engine = sa.create_engine(any_shop.desk_url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            (before,) = connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").one()
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
        connections = imap.connections
        ran = any_shop.run("sync", *mailbox_of(imap), "--after-fetch", "delete")
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{before}'")

        assert ran.status == 1
        assert "upgrade the package" in ran.err
        assert imap.connections == connections
        any_shop.stores_all(imap, 3)

    def test_tables_that_are_missing_name_the_command_that_makes_them(self, shop: Shop) -> None:
        """A command that only reads makes no tables; after the command it names it works."""
        (shop.folder / "desk.db").touch()
        (shop.folder / "1.eml").write_bytes(letter(1))
        ran = shop.run("threads", "list")

        assert ran.status == 1
        assert "customerservice db upgrade" in ran.err
        assert [shop.run(*command).status for command in (["db", "upgrade"], ["ingest", "1.eml"])] == [0, 0]
        assert len(shop.run("threads", "list", "--json").objects) == 1

    def test_without_a_key_nothing_is_answered(self, server_shop: Shop, imap: ScriptedImapServer) -> None:
        """A database that is a server has no key file beside it: answering says so and stores nothing half."""
        server_shop.sync(imap)
        number = server_shop.run("threads", "list", "--json").objects[0]["number"]
        reply = ("threads", "reply", number, "--as", "anna", "--text", "Hello", "--sender", "help@shop.example")
        refused = server_shop.run(*reply)
        shown = server_shop.run("threads", "show", number, "--json").object
        accepted = server_shop.run(*reply, "--key-file", server_shop.key_file())

        assert (refused.status, accepted.status) == (1, 0)
        assert "--key-file" in refused.err
        assert len(shown["messages"]) == 1
        assert waiting(server_shop) == [OutboxState.WAITING]


class TestReadOnlyFolder:
    @pytest.mark.parametrize("mode", ["seen", "move:Done"])
    def test_mail_is_stored_and_told_to_the_server_later(self, shop: Shop, imap: ScriptedImapServer, mode: str) -> None:
        """What cannot be removed or flagged is stored once, named as an error, and done when it is possible."""
        imap.folder("Done")
        imap.folder().read_only = True
        refused = shop.sync(imap, "--after-fetch", mode)
        left = [mail.flags for mail in imap.mails()]
        imap.folder().read_only = False
        later = shop.sync(imap, "--after-fetch", mode)

        assert (refused.status, refused.object["stored"]) == (1, 3)
        assert "read only" in refused.object["errors"][0]
        assert left == [frozenset()] * 3
        assert (later.status, later.object["fetched"]) == (0, 0)
        assert len(imap.mails()) == (3 if mode == "seen" else 0)
        shop.stores_all(imap, 3)


def opened_box(desk: HelpDesk, server: ScriptedImapServer) -> Mailbox:
    """Give the server's mailbox, to be read from its beginning."""
    box, _ = desk.mailboxes.find_or_add(
        f"{{127.0.0.1:{server.port}/imap}}INBOX",
        user="help",
        secret=SecretRef(SecretKind.ENVIRONMENT, "MAIL_PASSWORD"),
        first_sync=FirstSync(everything=True),
    )
    return box


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Run these at the same time and give what each gave or raised."""
    results: list[Any] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(index: int) -> None:
        barrier.wait()
        try:
            results[index] = works[index]()
        except CustomerServiceError as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class TestAtOnce:
    def test_syncs_at_once_store_each_mail_once(self, any_shop: Shop) -> None:
        """One works, the others say that they did nothing; each mail is stored once."""
        with mail_server(20) as server, contextlib.ExitStack() as stack:
            desks = [stack.enter_context(any_shop.desk()) for _ in range(3)]
            box = opened_box(desks[0], server)
            reports = at_once(*(lambda desk=desk: desk.sync(box.id) for desk in desks))

            assert sum(report.created_threads for report in reports) == 20, reports
            idle = [report.errors for report in reports if not report.fetched]
            assert all(errors in ([], ["another worker is on this mailbox; nothing was done"]) for errors in idle)
            any_shop.stores_all(server, 20)

    def test_deliveries_at_once_send_each_mail_once(self, any_shop: Shop) -> None:
        """Workers share what waits; no mail goes out twice and none stays behind."""
        with mail_server(8) as server, contextlib.ExitStack() as stack:
            desks = [stack.enter_context(any_shop.desk()) for _ in range(3)]
            desks[0].sync(opened_box(desks[0], server))
            answer_all(desks[0])
            smtp = stack.enter_context(ScriptedSmtpServer())
            reports = at_once(*(lambda desk=desk: desk.deliver(sender_to(smtp)) for desk in desks))
        recipients = sorted(mail.recipients for mail in smtp.accepted)

        assert sum(report.sent for report in reports) == 8, reports
        assert recipients == sorted((f"customer{number}@mail.example",) for number in range(1, 9))
        assert waiting(any_shop) == [OutboxState.SENT] * 8


def sender_to(smtp: ScriptedSmtpServer, **options: Any) -> SmtpSender:
    """Give a way out over this server."""
    return SmtpSender("127.0.0.1", smtp.port, tls=TlsMode.STARTTLS_IF_OFFERED, **options)


def answer_all(desk: HelpDesk) -> None:
    """Answer every thread."""
    for thread in desk.threads.page().items:
        desk.as_employee(ANNA).reply(thread.id, text="Hello")


def killed_at(point: str, work: Callable[[], object], hit: int = 1) -> None:
    """Run `work` in a process that is killed when it comes to that point."""
    child = os.fork()
    if child == 0:
        try:
            arm(FailurePlan(point, FailAction.KILL, hit))
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL


class TestKilled:
    @pytest.mark.parametrize("point", ["sync.raw-committed", "sync.outcome-written"])
    def test_a_killed_sync_is_finished_by_the_next(self, any_shop: Shop, imap: ScriptedImapServer, point: str) -> None:
        """The mails of the killed run are stored once, at once: nobody waits for its lease."""
        killed_at(point, lambda: any_shop.sync(imap))

        any_shop.stores_all(imap, 3)

    @pytest.mark.parametrize(
        ("point", "state", "sent"), [("outbox.claimed", OutboxState.SENT, 3), ("outbox.marked", OutboxState.UNKNOWN, 2)]
    )
    def test_a_killed_delivery_sends_nothing_twice(
        self, any_shop: Shop, imap: ScriptedImapServer, point: str, state: OutboxState, sent: int
    ) -> None:
        """Before the final dot the mail is sent later; at the dot nobody can know, and a person is told."""
        clock = ToldClock(dt.datetime.now(dt.UTC))
        any_shop.sync(imap)
        with any_shop.desk() as desk:
            answer_all(desk)
        with ScriptedSmtpServer() as smtp:

            def work() -> None:
                with any_shop.desk() as desk:
                    desk.deliver(sender_to(smtp))

            killed_at(point, work)
            clock.advance(dt.timedelta(hours=1))
            with any_shop.desk(clock=clock) as desk:
                desk.deliver(sender_to(smtp))

        assert len(smtp.accepted) == sent
        assert sorted(waiting(any_shop), key=str) == sorted([state, OutboxState.SENT, OutboxState.SENT], key=str)


class TestInterrupted:
    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_a_delivery_finishes_its_mail(
        self, shop: Shop, imap: ScriptedImapServer, number: signal.Signals, status: int
    ) -> None:
        """The mail that is on its way is sent and noted, the others wait for the next run, which sends each once."""
        shop.sync(imap)
        with shop.desk(keys=None) as desk:
            answer_all(desk)
        taking, signalled = threading.Event(), threading.Event()

        def on_mail(_: AcceptedMail) -> None:
            taking.set()
            signalled.wait(30)

        with ScriptedSmtpServer(on_mail=on_mail) as smtp:
            deliver = ("outbox", "deliver", "--smtp", f"smtp://127.0.0.1:{smtp.port}")
            child = subprocess.Popen(
                [sys.executable, "-m", "customerservice", *deliver, "--json"],
                env={**os.environ, "CUSTOMERSERVICE_DB": shop.url},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert taking.wait(30)
            child.send_signal(number)
            signalled.set()
            out, err = child.communicate(timeout=30)
            rest = shop.run(*deliver, "--json")

        assert child.returncode == status, err
        assert "Traceback" not in err
        assert 1 <= json.loads(out)["sent"] < 3
        assert json.loads(out)["sent"] + rest.object["sent"] == len(smtp.accepted) == 3

    def test_an_interrupted_ingest_is_finished_by_the_next(self, shop: Shop) -> None:
        """Ctrl-C while a file comes slowly: what was stored stays, and the next run takes the rest."""
        os.mkfifo(shop.folder / "slow.eml")
        for number in (1, 2):
            (shop.folder / f"{number}.eml").write_bytes(letter(number))
        child = subprocess.Popen(
            [sys.executable, "-m", "customerservice", "ingest", "1.eml", "slow.eml", "2.eml"],
            env={**os.environ, "CUSTOMERSERVICE_DB": shop.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Opening the pipe waits until the command reads from it.
        with (shop.folder / "slow.eml").open("wb") as pipe:
            child.send_signal(signal.SIGINT)
            pipe.write(letter(3))
        _, err = child.communicate(timeout=30)
        (shop.folder / "slow.eml").unlink()
        (shop.folder / "slow.eml").write_bytes(letter(3))
        ran = shop.run("ingest", "1.eml", "slow.eml", "2.eml", "--json")

        assert child.returncode == 130, err
        assert "Traceback" not in err
        assert (ran.status, ran.object["fetched"]) == (0, 3)
        assert len(shop.run("threads", "list", "--all", "--json").objects) == 3


class TestWaysOut:
    def test_a_wrong_password_is_tried_once_and_everything_waits(self, shop: Shop, imap: ScriptedImapServer) -> None:
        """One refused log-in ends the pass; with the right password each mail goes out once."""
        clock = ToldClock(dt.datetime.now(dt.UTC))
        shop.sync(imap)
        with (
            shop.desk(clock=clock) as desk,
            ScriptedSmtpServer(users={"help": PASSWORD}, auth_in_clear=True) as smtp,
        ):
            answer_all(desk)
            desk.deliver(sender_to(smtp, user="help", secret=Secret("wrong")))
            attempts = len(smtp.attempts)
            clock.advance(dt.timedelta(hours=1))
            desk.deliver(sender_to(smtp, user="help", secret=Secret(PASSWORD)))

        assert attempts == 1
        assert len(smtp.accepted) == 3

    def test_a_bad_certificate_keeps_mail_waiting(
        self, shop: Shop, imap: ScriptedImapServer, certificates: Callable[[str], ssl.SSLContext]
    ) -> None:
        """Mail and password go to nobody whose certificate is wrong; to the right one everything goes, once."""
        clock = ToldClock(dt.datetime.now(dt.UTC))
        shop.sync(imap)
        with shop.desk(clock=clock) as desk:
            answer_all(desk)
            with ScriptedSmtpServer(tls="implicit", ssl_context=certificates("expired")) as bad:
                report = desk.deliver(SmtpSender("127.0.0.1", bad.port, tls=TlsMode.IMPLICIT))
            clock.advance(dt.timedelta(hours=1))
            with ScriptedSmtpServer(tls="implicit", ssl_context=certificates("good")) as good:
                desk.deliver(SmtpSender("127.0.0.1", good.port, tls=TlsMode.IMPLICIT))

        assert "expired" in report.errors[0]
        assert bad.accepted == []
        assert len(good.accepted) == 3

    def test_a_server_that_leaves_inside_the_body_gets_it_again(self, shop: Shop, imap: ScriptedImapServer) -> None:
        """Before the final dot nothing was handed over: each mail goes out once in the end."""
        clock = ToldClock(dt.datetime.now(dt.UTC))
        shop.sync(imap)
        with (
            shop.desk(clock=clock) as desk,
            ScriptedSmtpServer(script={"body": [Close()]}) as smtp,
        ):
            answer_all(desk)
            for _ in range(2):
                desk.deliver(sender_to(smtp))
                clock.advance(dt.timedelta(hours=1))

        assert len({mail.recipients for mail in smtp.accepted}) == len(smtp.accepted) == 3


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority that `certificates` makes known to the system."""
    return trustme.CA()


@pytest.fixture
def certificates(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], ssl.SSLContext]:
    """Give a server's context of a sort, where the system trusts one authority, as its variable says."""
    folder = tmp_path / "trusted"
    folder.mkdir()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))

    def context(sort: str) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
        match sort:
            case "good":
                authority.issue_cert("127.0.0.1").configure_cert(made)
            case "expired":
                authority.issue_cert(
                    "127.0.0.1", not_before=long_ago, not_after=long_ago + dt.timedelta(days=1)
                ).configure_cert(made)
            case "wrong name":
                authority.issue_cert("other.example").configure_cert(made)
            case _:
                own = trustme.CA()
                own.cert_pem.write_to_path(folder / "own.pem")
                own.private_key_pem.write_to_path(folder / "own.key")
                made.load_cert_chain(folder / "own.pem", folder / "own.key")
                (folder / "own.pem").unlink()
        return made

    return context
