"""``mail``: mail that did not become a thread, and reading again."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from customerservice.domain.delivery import Delivery
from customerservice.domain.ids import DeliveryId, MailboxId
from customerservice.domain.outcome import Outcome
from customerservice.entrypoints.cli.arguments import DELIVERY, MAILBOX_ID, desk_command
from customerservice.entrypoints.cli.running import Run, find_thread
from customerservice.entrypoints.cli.showing import (
    paged,
    print_facts,
    print_json,
    print_table,
    print_text,
    say_where_more_is,
    size,
)
from customerservice.errors import Refused
from customerservice.ports.storage import DeliveryFilter, Page

if TYPE_CHECKING:
    from customerservice.bootstrap import HelpDesk

#: What became of mail that is in no thread, as far as a person may want to see it.
LOOSE = frozenset(outcome for outcome in Outcome if not outcome.in_thread and outcome is not Outcome.GONE)
#: What can be read again: its bytes are kept.
_READABLE = frozenset({Outcome.HELD, Outcome.IGNORED, Outcome.QUARANTINED})
_BRIEF = 100
_IN_THREADS = frozenset(outcome for outcome in Outcome if outcome.in_thread)


@click.group("mail")
def mail() -> None:
    """Mail that did not become a thread, and reading again."""


@mail.command("list")
@click.option(
    "--outcome",
    "outcomes",
    type=click.Choice([outcome.value for outcome in Outcome]),
    multiple=True,
    help="Only these; all that is in no thread unless chosen.",
)
@click.option("--mailbox", "mailbox_id", type=MAILBOX_ID, help="Only of this mailbox.")
@click.option("--after", metavar="KEY", help="The page after this key.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Mails on a page.")
@click.option("--all", "everything", is_flag=True, help="All pages.")
@desk_command
def list_(
    run: Run,
    outcomes: tuple[str, ...],
    mailbox_id: MailboxId | None,
    after: str | None,
    limit: int,
    everything: bool,
) -> None:
    """List mails with what became of them, newest first."""
    chosen = frozenset(Outcome(name) for name in outcomes) or LOOSE
    wanted = DeliveryFilter(outcomes=chosen, mailbox_id=mailbox_id)

    def page(key: str | None) -> Page[Delivery]:
        return desk.mail.page(wanted, after=key, limit=limit)

    with run.reading() as desk:
        deliveries, more = paged(page, after, everything=everything)
    if run.as_json:
        for delivery in deliveries:
            print_json(delivery_object(delivery))
    else:
        print_mail(deliveries, with_ids=True)
    say_where_more_is(more)


def print_mail(deliveries: Sequence[Delivery], *, with_ids: bool = False) -> None:
    """Print mails with what became of them as a table for people."""
    heads: tuple[str, ...] = ("RECEIVED", "OUTCOME", "FROM", "SUBJECT", "REASON")
    rows: list[tuple[object, ...]] = [
        (
            one.received_at,
            outcome_word(one),
            one.sender,
            one.subject,
            one.decision.reason if one.decision else None,
        )
        for one in deliveries
    ]
    if with_ids:
        heads = ("ID", *heads)
        rows = [(one.id, *row) for one, row in zip(deliveries, rows, strict=True)]
    print_table(heads, rows)


@mail.command("show")
@click.argument("delivery_id", metavar="ID", type=DELIVERY)
@click.option("--raw", is_flag=True, help="The bytes exactly as they were fetched.")
@desk_command
def show(run: Run, delivery_id: DeliveryId, raw: bool) -> None:
    """Show a mail with what became of it."""
    with run.reading() as desk:
        delivery = desk.mail.get(delivery_id)
        if raw:
            content = desk.mail.raw(delivery_id)
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            return
        if run.as_json:
            print_json(delivery_object(delivery))
            return
        print_delivery(delivery)
        if delivery.raw_kept:
            from customerservice.mail import parse

            print_text()
            print_text(parse(desk.mail.raw(delivery_id)).text.strip())


@mail.command("join")
@click.argument("delivery_id", metavar="ID", type=DELIVERY)
@click.argument("thread", metavar="THREAD")
@desk_command
def join(run: Run, delivery_id: DeliveryId, thread: str) -> None:
    """Put a mail that is in no thread into one; its sender takes part from then on."""
    with run.changing() as desk:
        _settled(run, desk, desk.mail.join(delivery_id, find_thread(desk, thread)))


@mail.command("open")
@click.argument("delivery_id", metavar="ID", type=DELIVERY)
@desk_command
def open_(run: Run, delivery_id: DeliveryId) -> None:
    """Make a thread of a mail that is in none."""
    with run.changing() as desk:
        _settled(run, desk, desk.mail.open(delivery_id))


@mail.command("ignore")
@click.argument("delivery_id", metavar="ID", type=DELIVERY)
@desk_command
def ignore(run: Run, delivery_id: DeliveryId) -> None:
    """Leave a mail that is in no thread aside; it stays stored."""
    with run.changing() as desk:
        _settled(run, desk, desk.mail.ignore(delivery_id))


@mail.command("reread")
@click.argument("delivery_ids", metavar="[ID]...", type=DELIVERY, nargs=-1)
@click.option("--apply", is_flag=True, help="Store what changes; without it only say what would.")
@click.option("--in-threads", is_flag=True, help="Also mails in threads: what they say, never where they are.")
@click.option("--outdated", is_flag=True, help="Only mails that an older reader read.")
@desk_command
def reread(run: Run, delivery_ids: tuple[DeliveryId, ...], apply: bool, in_threads: bool, outdated: bool) -> None:
    """Read mails again, with the reader and the rules of today: these, or all that are in no thread."""
    from customerservice.mail.reader import READER_VERSION

    wanted = DeliveryFilter(
        outcomes=_READABLE | _IN_THREADS if in_threads else _READABLE,
        read_before=READER_VERSION if outdated else None,
    )
    with run.changing() as desk, run.interruption.finishing():
        for delivery_id in delivery_ids or list(_readable(desk, wanted)):
            if run.interruption():
                break
            try:
                answer = desk.mail.reread(delivery_id, apply=apply)
            except Refused:
                if delivery_ids:
                    raise
                continue
            before, after = outcome_word(answer.before), outcome_word(answer.after)
            if run.as_json:
                print_json(
                    {
                        "id": delivery_id,
                        "differs": answer.differs,
                        "applied": apply,
                        "before": before,
                        "after": after,
                        "reason": answer.after.decision.reason if answer.after.decision else None,
                        "changes": [
                            {"what": one.what, "before": one.before, "after": one.after} for one in answer.changes
                        ],
                    }
                )
            elif answer.differs and before != after:
                print_text(f"{delivery_id}: {before} {'became' if apply else 'would become'} {after}")
            elif answer.differs:
                print_text(f"{delivery_id}: stays {before}, {'was' if apply else 'would be'} read otherwise")
            else:
                print_text(f"{delivery_id}: stays {before}")
            for change in () if run.as_json else answer.changes:
                print_text(f"  {change.what}: {_brief(change.before)} -> {_brief(change.after)}")


def _brief(text: str) -> str:
    """Give a text that fits on a line as it is, another one by its length."""
    lines = text.strip().splitlines()
    if len(lines) == 1 and len(lines[0]) <= _BRIEF:
        return lines[0]
    return f"{len(lines)} lines, {len(text)} characters" if lines else "nothing"


def _readable(desk: "HelpDesk", wanted: DeliveryFilter) -> Iterator[DeliveryId]:
    key: str | None = None
    while True:
        page = desk.mail.page(wanted, after=key)
        yield from (delivery.id for delivery in page.items if delivery.raw_kept)
        if page.next is None:
            return
        key = page.next


def _settled(run: Run, desk: "HelpDesk", delivery: Delivery) -> None:
    if run.as_json:
        print_json(delivery_object(delivery))
        return
    where = ""
    if delivery.thread_id is not None:
        where = f" thread {desk.threads.view(delivery.thread_id).thread.number}"
    print_text(f"mail {delivery.id}: {outcome_word(delivery)}{where}")


def outcome_word(delivery: Delivery) -> str:
    """Give what became of a mail as a word."""
    return "waits to be read" if delivery.outcome is None else delivery.outcome.value


def delivery_object(delivery: Delivery) -> dict[str, object]:
    """Give a mail and what became of it as a JSON object."""
    decision = delivery.decision
    return {
        "id": delivery.id,
        "outcome": None if delivery.outcome is None else delivery.outcome.value,
        "mailbox": delivery.mailbox_id,
        "uidvalidity": delivery.key.epoch,
        "uid": delivery.key.uid,
        "name": delivery.key.name,
        "received_at": delivery.received_at,
        "stored_at": delivery.stored_at,
        "size": delivery.size,
        "sha256": delivery.sha256,
        "raw_kept": delivery.raw_kept,
        "attempts": delivery.attempts,
        "message_id": delivery.header_id,
        "from": delivery.sender,
        "subject": delivery.subject,
        "thread": delivery.thread_id,
        "message": delivery.message_id,
        "duplicate_of": delivery.duplicate_of,
        "reader_version": delivery.reader_version,
        "decision": None
        if decision is None
        else {
            "rule": decision.rule,
            "reason": decision.reason,
            "passed_over": list(decision.passed_over),
            "kind": decision.kind,
            "kind_reasons": list(decision.kind_reasons),
            "contact_rule": decision.contact_rule,
            "standing": decision.standing,
            "linked": decision.linked,
            "defects": list(decision.defects),
            "warnings": list(decision.warnings),
        },
    }


def print_delivery(delivery: Delivery) -> None:
    """Print a mail and what became of it, for people."""
    key, decision = delivery.key, delivery.decision
    print_facts(
        [
            ("mail", delivery.id),
            ("from", delivery.sender),
            ("subject", delivery.subject),
            ("message-id", delivery.header_id),
            ("received", delivery.received_at),
            ("size", size(delivery.size)),
            ("source", f"{key.source}:{key.epoch}:{key.uid}" if key.uid else key.name),
            ("outcome", outcome_word(delivery)),
            ("thread", delivery.thread_id),
            ("duplicate of", delivery.duplicate_of),
        ]
    )
    if decision is None:
        return
    print_facts(
        [
            ("rule", decision.rule),
            ("why", decision.reason),
            ("read as", decision.kind),
            ("contact", decision.contact_rule),
            ("sender", decision.standing),
            ("linked to", decision.linked),
            ("defects", ", ".join(decision.defects)),
        ]
    )
    for reason in decision.kind_reasons:
        print_text(f"  {reason}")
    for warning in decision.warnings:
        print_text(f"  warning: {warning}")
    for reason in decision.passed_over:
        print_text(f"  did not decide: {reason}")
