"""``threads``: the conversations, listed, shown and answered; ``stats``: their figures."""

import datetime as dt
import mimetypes
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import click

from customerservice.application.queries import MessageView, ThreadView
from customerservice.application.replying import MAX_FILES_SIZE, FileToSend
from customerservice.domain.actor import ALL_SHOPS, Actor, ShopScope
from customerservice.domain.contact import AfterReply
from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import Attachment, Author
from customerservice.domain.outbox import OutboxEntry
from customerservice.domain.references import CustomerRef, EmployeeRef, OrderRef
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.entrypoints.cli.arguments import (
    ADDRESS,
    CUSTOMER,
    DAY,
    EMPLOYEE,
    MOMENT,
    ORDER,
    STATUS,
    desk_command,
)
from customerservice.entrypoints.cli.running import Run, find_contact, find_thread
from customerservice.entrypoints.cli.showing import (
    cell,
    paged,
    print_facts,
    print_json,
    print_line,
    print_table,
    print_text,
    say,
    say_where_more_is,
    size,
)
from customerservice.errors import InvalidValue
from customerservice.ports.storage import Page, ThreadFilter


@click.group("threads")
def threads() -> None:
    """The conversations: list, show, answer."""


@threads.command("list")
@click.option("--status", "statuses", type=STATUS, multiple=True, help="open, closed, pending1 or pending2.")
@click.option("--contact", metavar="ID", help="Of this contact; id or name.")
@click.option("--customer", type=CUSTOMER, help="Of this customer, by the shop's own id.")
@click.option("--address", type=ADDRESS, help="Whose answers go to this address.")
@click.option("--assignee", type=EMPLOYEE, help="Of this employee.")
@click.option("--unassigned", is_flag=True, help="Nobody's.")
@click.option("--order", type=ORDER, help="About this order.")
@click.option("--language", help="In this language, as de.")
@click.option("--since", type=MOMENT, help="With activity at or after this day or moment (UTC).")
@click.option("--until", type=MOMENT, help="With no activity from this day or moment on (UTC).")
@click.option("--after", metavar="KEY", help="The page after this key.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Threads on a page.")
@click.option("--all", "everything", is_flag=True, help="All pages.")
@desk_command
def list_(
    run: Run,
    statuses: tuple[ThreadStatus, ...],
    contact: str | None,
    customer: CustomerRef | None,
    address: EmailAddress | None,
    assignee: EmployeeRef | None,
    unassigned: bool,
    order: OrderRef | None,
    language: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    after: str | None,
    limit: int,
    everything: bool,
) -> None:
    """List threads, latest activity first."""
    with run.reading() as desk:
        wanted = ThreadFilter(
            statuses=frozenset(statuses) or None,
            contact_id=find_contact(desk, contact),
            customer=customer,
            address=address,
            assignee=assignee,
            unassigned=unassigned,
            order=order,
            language=language,
            active_since=since,
            active_before=until,
        )

        def page(key: str | None) -> Page[Thread]:
            return desk.threads.page(wanted, after=key, limit=limit)

        found, more = paged(page, after, everything=everything)
        names = {one.id: one.name[None] for one in desk.contacts.all()}
    if run.as_json:
        for thread in found:
            print_json(thread_object(thread))
    else:
        print_threads(found, names)
    say_where_more_is(more)


def print_threads(found: Sequence[Thread], names: Mapping[ContactId, str]) -> None:
    """Print threads as a table for people; `names` are those of the contacts."""
    print_table(
        ("NO", "STATUS", "FROM", "SUBJECT", "CONTACT", "MAILS", "LATEST", "ASSIGNEE"),
        [
            (
                thread.number,
                thread.status.value,
                thread.name or thread.address,
                thread.subject,
                None if thread.contact_id is None else names.get(thread.contact_id),
                thread.messages,
                thread.last_activity_at,
                None if thread.assignee is None else thread.assignee.id,
            )
            for thread in found
        ],
    )


@threads.command("show")
@click.argument("thread", metavar="ID")
@desk_command
def show(run: Run, thread: str) -> None:
    """Show a thread by its number or id: every message, oldest first, and what happened to it."""
    with run.reading() as desk:
        view = desk.threads.view(find_thread(desk, thread))
    if run.as_json:
        print_json(view_object(view))
    else:
        print_view(view)


@threads.command("reply")
@click.argument("thread", metavar="ID")
@click.argument("source", metavar="[-]", required=False, type=click.Choice(["-"]))
@click.option("--as", "employee", type=EMPLOYEE, required=True, help="The employee who answers.")
@click.option("--text", help="What to say; - in place of it reads standard input.")
@click.option(
    "--attach",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file to send along.",
)
@click.option("--cc", type=ADDRESS, multiple=True, help="Gets a copy, which everybody sees.")
@click.option("--bcc", type=ADDRESS, multiple=True, help="Gets a copy, which nobody else sees.")
@click.option("--sender", type=ADDRESS, envvar="CUSTOMERSERVICE_SENDER", help="The address to send from.")
@click.option(
    "--then",
    type=click.Choice([choice.value for choice in AfterReply]),
    help="What becomes of the thread once the mail is handed over.",
)
@desk_command
def reply(
    run: Run,
    thread: str,
    source: str | None,
    employee: EmployeeRef,
    text: str | None,
    files: tuple[Path, ...],
    cc: tuple[EmailAddress, ...],
    bcc: tuple[EmailAddress, ...],
    sender: EmailAddress | None,
    then: str | None,
) -> None:
    """Answer a thread. The mail waits in the outbox; 'outbox deliver' sends it."""
    if (text is None) is (source is None):
        raise click.UsageError("say what to answer: --text TEXT, or - for standard input")
    said = _standard_input() if text is None or text == "-" else text
    with run.changing(sender=sender) as desk:
        replied = desk.as_employee(employee).reply(
            find_thread(desk, thread),
            text=said,
            files=[_file(path) for path in files],
            cc=cc,
            bcc=bcc,
            after_reply=None if then is None else AfterReply(then),
        )
    if run.as_json:
        print_json(
            {
                "thread": replied.thread.id,
                "number": replied.thread.number,
                "message": replied.message.id,
                "message_id": replied.message.header_id,
                "outbox": replied.outbox.id,
                "delivery": _sending(replied.outbox),
            }
        )
    else:
        to = ", ".join(str(one.address) for one in replied.outbox.recipients)
        print_text(f"thread {replied.thread.number}: the answer to {to} waits in the outbox; 'outbox deliver' sends it")


@threads.command("status")
@click.argument("thread", metavar="ID")
@click.argument("status", type=STATUS)
@click.option("--as", "employee", type=EMPLOYEE, help="The employee who decides; the system unless given.")
@desk_command
def status_(run: Run, thread: str, status: ThreadStatus, employee: EmployeeRef | None) -> None:
    """Move a thread to a status: open, closed, pending1 or pending2."""
    with run.changing() as desk:
        acting = desk if employee is None else desk.as_employee(employee)
        moved = acting.threads.set_status(find_thread(desk, thread), status)
    if run.as_json:
        print_json(thread_object(moved))
    else:
        print_text(f"thread {moved.number} is {moved.status.value}")


@click.command("stats")
@click.option("--shop", help="Of this shop only.")
@click.option("--contact", metavar="ID", help="Of this contact only; id or name.")
@click.option("--since", type=DAY, help="Threads opened and messages sent on this day (UTC) or later.")
@click.option("--as", "employee", type=EMPLOYEE, help="The employee who asks.")
@desk_command
def stats(run: Run, shop: str | None, contact: str | None, since: dt.date | None, employee: EmployeeRef | None) -> None:
    """Give the figures."""
    scope = ALL_SHOPS if shop is None else ShopScope.of(ShopId(shop))
    with run.reading() as desk:
        acting = desk.as_actor(Actor.system(scope)) if employee is None else desk.as_employee(employee, scope=scope)
        figures = acting.statistics(contact_id=find_contact(acting, contact), since=since)
    shown = attrs.asdict(figures)
    if run.as_json:
        print_json(shown)
    else:
        print_facts((name.replace("_", " "), value) for name, value in shown.items())


def _standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError:
        raise InvalidValue("text", "standard input is no text in the encoding of this terminal") from None


def _file(path: Path) -> FileToSend:
    kind, encoding = mimetypes.guess_type(path.name)
    media_type = kind if kind is not None and encoding is None else "application/octet-stream"
    with path.open("rb") as file:
        # Never more than could be sent: a device has no end.
        content = file.read(MAX_FILES_SIZE + 1)
    return FileToSend(filename=path.name, media_type=media_type, content=content)


def thread_object(thread: Thread) -> dict[str, object]:
    """Give a thread as ``threads list --json`` shows it."""
    return {
        "id": thread.id,
        "number": thread.number,
        "subject": thread.subject,
        "status": thread.status.value,
        "contact": thread.contact_id,
        "email": None if thread.address is None else thread.address.value,
        "customer": None if thread.customer is None else thread.customer.id,
        "assignee": None if thread.assignee is None else thread.assignee.id,
        "messages": thread.messages,
        "last_activity": thread.last_activity_at,
        "order": None if thread.order is None else thread.order.id,
        "language": thread.language,
    }


def view_object(view: ThreadView) -> dict[str, object]:
    """Give a thread with its messages and history as ``threads show --json`` shows it."""
    return {
        **thread_object(view.thread),
        "reply_generation": view.thread.generation,
        "messages": [_message(one) for one in view.messages],
        "timeline": [
            {
                "at": event.at,
                "kind": event.kind.value,
                "actor": event.actor,
                "cause": None if event.cause is None else event.cause.value,
                "before": event.before,
                "after": event.after,
                "message": event.message_id,
            }
            for event in view.history
        ],
    }


def _message(view: MessageView) -> dict[str, object]:
    from customerservice.mail.html_safe import safe_html

    message = view.message
    return {
        "id": message.id,
        "author": _author(message.author),
        "audience": message.audience.value,
        "sent_at": message.sent_at,
        "text": message.text,
        "html": None if message.html is None else safe_html(message.html),
        "attachments": [_attachment(one) for one in message.attachments],
        "delivery": None if view.outbox is None else _sending(view.outbox),
    }


def _author(author: Author) -> dict[str, object]:
    return {
        "kind": author.kind.value,
        "name": author.name,
        "address": None if author.address is None else author.address.value,
        "employee": None if author.employee is None else author.employee.id,
    }


def _attachment(attachment: Attachment) -> dict[str, object]:
    return {
        "id": attachment.id,
        "filename": attachment.filename,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "content_id": attachment.content_id,
        "inline": attachment.inline,
    }


def _sending(entry: OutboxEntry) -> dict[str, object]:
    return {
        "state": entry.state.value,
        "tries": entry.tries,
        "next_try_at": None if entry.state.is_final else entry.next_try_at,
        "error": entry.last_error,
        "recipients": [
            {"address": one.address.value, "state": one.state.value, "code": one.code, "text": one.text}
            for one in entry.recipients
        ],
    }


def print_view(view: ThreadView) -> None:
    """Print a thread with its messages and history, for people."""
    thread = view.thread
    print_line(f"#{thread.number}  {cell(thread.subject) or '(no subject)'}")
    print_facts(
        [
            ("status", thread.status.value),
            ("from", f"{thread.name} <{thread.address}>" if thread.name and thread.address else thread.address),
            ("contact", None if view.contact is None else view.contact.name[None]),
            ("assignee", None if thread.assignee is None else thread.assignee.id),
            ("order", None if thread.order is None else thread.order.id),
            ("messages", f"{thread.customer_messages} of the customer, {thread.employee_messages} of ours"),
            ("latest", thread.last_activity_at),
        ]
    )
    for one in view.messages:
        print_line()
        _print_message(one)
    print_line()
    for event in view.history:
        change = " -> ".join(part for part in (event.before, event.after) if part)
        print_line(f"{cell(event.at)}  {event.kind.value}{': ' if change else ''}{cell(change)} ({cell(event.actor)})")


def _print_message(view: MessageView) -> None:
    message = view.message
    author = message.author
    who = author.name or author.address or (author.employee.id if author.employee is not None else author.kind.value)
    marks = [author.kind.value]
    if not message.is_public:
        marks.append("internal")
    if view.outbox is not None:
        marks.append(f"mail: {view.outbox.state.value}")
    print_line(f"-- {cell(who)} ({', '.join(marks)}), {cell(message.sent_at)}")
    print_text(message.text.strip())
    for one in message.attachments:
        print_line(f"[{cell(one.filename) or 'without name'}, {one.media_type}, {size(one.size)}]")
    if view.outbox is not None and view.outbox.last_error is not None:
        say(f"the mail of {cell(message.sent_at)} has trouble: {view.outbox.last_error}")
