"""``db``: migrations, and checks of the stored data; ``config``: the settings explained."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import click

from customerservice.adapters.secrets import resolve_secret
from customerservice.adapters.settings import MailboxSetting
from customerservice.adapters.system import key_path_beside, load_keys
from customerservice.entrypoints.cli.arguments import desk_command
from customerservice.entrypoints.cli.mailboxes import mailbox_from
from customerservice.entrypoints.cli.outbox import make_sender
from customerservice.entrypoints.cli.running import Run, WorkFailed
from customerservice.entrypoints.cli.showing import cell, print_facts, print_json, print_line, print_text, say
from customerservice.errors import CustomerServiceError


@click.group("db")
def db() -> None:
    """Migrations, and checks of the stored data."""


@db.command("upgrade")
@desk_command
def upgrade(run: Run) -> None:
    """Bring the tables up to this version, making the database if there is none. Nothing is lost by it."""
    from customerservice.adapters.storage.sqlalchemy.schema import HEAD
    from customerservice.adapters.storage.sqlalchemy.schema import upgrade as upgrade_tables

    changed = upgrade_tables(run.url)
    # Also what every database starts with, such as its first contacts.
    with run.beginning():
        pass
    if run.as_json:
        print_json({"database": run.shown_url, "revision": HEAD, "changed": changed})
    else:
        print_text(f"{run.shown_url}: {'brought up to' if changed else 'has'} version {HEAD}")


@db.command("check")
@desk_command
def check(run: Run) -> None:
    """Check that the stored data keep their promises; nothing is changed.

    The database itself, every counter and figure against a recount, and the bytes of every mail and file. Reads
    everything, so it takes its time; programs that write meanwhile can make it find differences that are none.
    """
    from customerservice.adapters.storage.sqlalchemy.integrity import integrity_faults

    with run.reading() as desk, run.interruption.finishing():
        found = [*integrity_faults(run.url), *desk.check(stop=run.interruption)]
    if run.interruption():
        say("interrupted: not everything was checked")
    if run.as_json:
        print_json({"database": run.shown_url, "ok": not found, "faults": found})
    else:
        for fault in found:
            print_text(fault)
        print_text(f"{run.shown_url}: " + (f"{len(found)} faults" if found else "no fault"))
    if found:
        raise WorkFailed


@click.group("config")
def config() -> None:
    """The settings explained."""


@config.command("check")
@desk_command
def config_check(run: Run) -> None:
    """Say which settings count and where they come from, and find what is wrong with them; no server is asked."""
    lines, faults, warnings = _facts(run), [], []
    for name, test in _tests(run):
        try:
            warnings += [f"{name}: {warning}" for warning in test()]
        except (CustomerServiceError, OSError) as error:
            faults.append(f"{name}: {error}")
    if run.as_json:
        print_json({"settings": dict(lines), "faults": faults, "warnings": warnings})
    else:
        print_facts(lines)
        for warning in warnings:
            print_line(f"warning: {cell(warning)}")
        for fault in faults:
            say(f"error: {fault}")
    if faults:
        raise WorkFailed


def _facts(run: Run) -> list[tuple[str, object]]:
    """Give the settings that count, each as text."""
    settings, key_path, file = run.settings, run.key_path or run.settings.key_file, run.file
    facts: list[tuple[str, object]] = [
        ("settings file", run.config_path),
        ("database", run.shown_url),
        ("key file", key_path or (key_path_beside(file) if file is not None else None)),
        ("sender", settings.sender),
        ("authserv-id", settings.authserv_id),
        ("smtp", settings.smtp and settings.smtp.url),
        ("smtp user", settings.smtp and settings.smtp.user),
    ]
    for contact in settings.contacts:
        addresses = ", ".join(str(address) for address in contact.addresses)
        facts.append((f"contact {contact.name[None]}", addresses or "no address"))
    for box in settings.mailboxes:
        secret = f"{box.secret.kind.value} {box.secret.name}"
        facts.append((f"mailbox {box.options.render()}", f"user {box.user}, secret in {secret}, {box.after_fetch}"))
    return [(name, None if value is None else str(value)) for name, value in facts]


def _tests(run: Run) -> Iterator[tuple[str, Callable[[], Sequence[str]]]]:
    """Give what to try, each with a name; a test gives warnings or raises."""
    settings = run.settings
    yield "database", lambda: _database_warnings(run)
    yield "key file", lambda: _key_warnings(run)
    if settings.smtp is not None:
        smtp = settings.smtp
        yield "smtp", lambda: (make_sender(run, smtp), ())[1]
    if settings.sender is None and not any(contact.addresses for contact in settings.contacts):
        yield "sender", lambda: ("nothing says from which address to answer: set sender, or an address of a contact",)
    for box in settings.mailboxes:
        yield f"mailbox {box.options.render()}", partial(_mailbox_warnings, run, box)


def _database_warnings(run: Run) -> Sequence[str]:
    file = run.file
    if file is not None and not file.exists():
        return (f"{file} does not exist yet; the first command that writes makes it",)
    with run.reading():
        return ()


def _key_warnings(run: Run) -> Sequence[str]:
    key_path, file = run.key_path or run.settings.key_file, run.file
    if key_path is not None:
        load_keys(key_path)
    elif file is None:
        return ("a database server needs a key file before anything can be answered",)
    elif key_path_beside(file).exists():
        load_keys(key_path_beside(file))
    return ()


def _mailbox_warnings(run: Run, setting: MailboxSetting) -> Sequence[str]:
    box = mailbox_from(
        setting.options,
        user=setting.user,
        secret=setting.secret,
        after_fetch=setting.after_fetch,
        allow_clear_text=setting.allow_clear_text,
    )
    resolve_secret(setting.secret, callables=run.secret_callables)
    return box.warnings
