"""The demonstration as a story: a mailbox becomes threads, one is answered, and the customer's answer comes back."""

import json
import secrets
import selectors
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from customerservice.adapters.transports.smtp import SmtpSender
from customerservice.application.context import DeskSettings
from customerservice.application.delivering import DeliveryReport
from customerservice.application.queries import ThreadView
from customerservice.bootstrap import HelpDesk
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.imap_options import TlsMode
from customerservice.domain.mailbox import FirstSync, Mailbox, SecretKind, SecretRef
from customerservice.domain.references import EmployeeRef
from customerservice.domain.thread import Thread
from customerservice.entrypoints.cli.mail import LOOSE, print_mail
from customerservice.entrypoints.cli.showing import print_facts, print_json, print_line
from customerservice.entrypoints.cli.taking_in import print_report, report_object
from customerservice.entrypoints.cli.threads import print_threads, print_view, thread_object, view_object
from customerservice.entrypoints.demo.servers import USER
from customerservice.errors import ConnectionFailed, Refused
from customerservice.ports.storage import DeliveryFilter, ThreadFilter
from customerservice.ports.transports import Secret

if TYPE_CHECKING:
    from customerservice.application.sync_run import SyncReport

_HOST = "127.0.0.1"
#: How long the mail servers may take to start, in seconds.
_START = 20.0
_CUSTOMER = EmailAddress("emma.clarke@post.example")
_ANNA = EmployeeRef("anna")
_ANSWER = """Dear Emma,

your two reading lamps left our house this morning and will be with you on
Saturday before noon. Happy birthday to your daughter!

Anna Berg
Lantern
"""


@attrs.frozen(kw_only=True)
class _Servers:
    """Where the mail servers listen, and the password they ask for."""

    imap: int
    smtp: int
    password: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class _Chapter:
    """What happened, for machines."""

    first: "SyncReport"
    threads: tuple[Thread, ...]
    sent: DeliveryReport
    second: "SyncReport"
    view: ThreadView


def tell(folder: Path | None, *, as_json: bool) -> None:
    """Run the demonstration in a folder, made if need be, or in a fresh temporary one.

    Prints each step, or one JSON object at the end. The mail servers run in a child process on loopback, which is gone
    when this returns or raises.

    Raises:
        Refused: a step of the story did not happen; it says which.
        CustomerServiceError: a step failed.
    """
    database = _fresh_database(folder)
    url = f"sqlite:///{database}"
    began = time.monotonic()
    with (
        _mail_servers() as servers,
        HelpDesk.open(
            url,
            settings=DeskSettings(sender=EmailAddress(USER)),
            secret_callables={"demo": lambda: servers.password},
        ) as desk,
    ):
        _name_people(desk)
        done = _act(desk, servers, as_json=as_json)
        figures = attrs.asdict(desk.statistics())
        mailbox = desk.mailboxes.all()[0]
    seconds = round(time.monotonic() - began, 1)
    if as_json:
        print_json(
            {
                "database": url,
                "mailbox": mailbox.id,
                "first_sync": report_object(done.first),
                "threads": [thread_object(thread) for thread in done.threads],
                "delivered": attrs.asdict(done.sent),
                "second_sync": report_object(done.second),
                "thread": view_object(done.view),
                "stats": figures,
                "seconds": seconds,
            }
        )
        return
    _heading("The figures")
    print_facts((name.replace("_", " "), value) for name, value in figures.items())
    _say_what_next(database, url, done.view, seconds)


def _fresh_database(folder: Path | None) -> Path:
    """Give the path of a file that is not there yet, so that no earlier demonstration, or anything else, is touched."""
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="customerservice-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    number, database = 1, folder / "helpdesk.db"
    while database.exists():
        number += 1
        database = folder / f"helpdesk-{number}.db"
    return database.absolute()


@contextmanager
def _mail_servers() -> Iterator[_Servers]:
    """Run the mail servers in a child process for the time of the block."""
    child = subprocess.Popen(
        [sys.executable, "-m", "customerservice.entrypoints.demo.servers"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A Ctrl-C on the terminal is for us; the child ends when we let go of its standard input.
        start_new_session=True,
    )
    try:
        yield _started(child)
    finally:
        _end(child)


def _started(child: "subprocess.Popen[str]") -> _Servers:
    """Tell the servers their password, and wait until they say where they listen."""
    assert child.stdin is not None
    assert child.stdout is not None
    password, line = secrets.token_urlsafe(), ""
    with suppress(BrokenPipeError):
        child.stdin.write(password + "\n")
        child.stdin.flush()
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            line = child.stdout.readline() if selector.select(_START) else ""
    if not line:
        raise ConnectionFailed("connect", "the mail servers of the demonstration did not start")
    return _Servers(**json.loads(line), password=password)


def _end(child: "subprocess.Popen[str]") -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _name_people(desk: HelpDesk) -> None:
    addresses = {"Webmaster": "webmaster@lantern.example", "Customer service": USER}
    for contact in desk.contacts.all():
        desk.contacts.save(attrs.evolve(contact, addresses=(EmailAddress(addresses[contact.name[None]]),)))
    desk.employees.put(_ANNA, name="Anna Berg")


def _act(desk: HelpDesk, servers: _Servers, *, as_json: bool) -> _Chapter:
    mailbox, _ = desk.mailboxes.find_or_add(
        f"{{{_HOST}:{servers.imap}/imap}}INBOX",
        user=USER,
        secret=SecretRef(SecretKind.CALLABLE, "demo"),
        first_sync=FirstSync(everything=True),
    )
    first = _worked(desk.sync(mailbox))
    threads = desk.threads.page().items
    if not as_json:
        _heading(f"A mailbox with {first.fetched} mails, read over IMAP")
        print_report(mailbox, first)
        _heading("became these threads")
        print_threads(threads, {one.id: one.name[None] for one in desk.contacts.all()})
        _heading("and what no customer wrote was set aside, with the reason")
        print_mail(desk.mail.page(DeliveryFilter(outcomes=LOOSE)).items)
    return _converse(desk, servers, mailbox, first, threads, as_json=as_json)


def _converse(
    desk: HelpDesk,
    servers: _Servers,
    mailbox: Mailbox,
    first: "SyncReport",
    threads: tuple[Thread, ...],
    *,
    as_json: bool,
) -> _Chapter:
    asked = desk.threads.page(ThreadFilter(address=_CUSTOMER)).items
    if not asked:
        raise Refused("demo", "the thread that the demonstration answers is not there")
    thread = asked[0]
    desk.as_employee(_ANNA).reply(thread.id, text=_ANSWER)
    sender = SmtpSender(
        _HOST, servers.smtp, tls=TlsMode.STARTTLS_IF_OFFERED, user=USER, secret=Secret(servers.password)
    )
    sent = desk.deliver(sender)
    if sent.errors or sent.sent != 1:
        raise Refused("demo", "the answer was not sent: " + "; ".join(sent.errors))
    second = _worked(desk.sync(mailbox))
    view = desk.threads.view(thread.id)
    if second.joined_threads != 1 or second.created_threads:
        raise Refused("demo", "the customer's answer did not come back into its thread")
    if not as_json:
        _heading(f"Anna answers thread {thread.number} over SMTP; the customer writes back, into the same thread")
        print_report(mailbox, second)
        print_line()
        print_view(view)
    return _Chapter(first=first, threads=threads, sent=sent, second=second, view=view)


def _worked(report: "SyncReport") -> "SyncReport":
    if report.errors:
        raise Refused("demo", "the mailbox could not be read: " + "; ".join(report.errors))
    return report


def _heading(text: str) -> None:
    print_line(f"\n=== {text}\n")


def _say_what_next(database: Path, url: str, view: ThreadView, seconds: float) -> None:
    typed = sys.argv[0] if Path(sys.argv[0]).name == "customerservice" else f"{sys.executable} -m customerservice"
    name = shlex.quote(typed) if typed == sys.argv[0] else typed
    asked = view.messages[0].message.header_id or ""
    _heading(f"That took {seconds} s. The database is {database}")
    print_line("Look around in it:")
    for words in (
        "threads list",
        f"threads show {view.thread.number}",
        "mail list",
        f"explain {shlex.quote(asked)}",
        "stats",
    ):
        print_line(f"  {name} {words} --db {shlex.quote(url)}")
    print_line("Then with a mailbox of your own; nothing is changed at the server unless you say so:")
    print_line(f"  {name} sync --mailbox '{{imap.shop.example:993/imap/ssl}}INBOX' --user NAME \\")
    print_line("      --password-env PASSWORD --since now")
