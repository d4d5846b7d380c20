"""``inspect``: mail read without storing it; ``explain``: how a mail was read and why it went where it went."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from customerservice.domain.ids import DeliveryId
from customerservice.entrypoints.cli.arguments import desk_command, json_option
from customerservice.entrypoints.cli.running import Run, WorkFailed
from customerservice.entrypoints.cli.showing import (
    Progress,
    cell,
    print_facts,
    print_json,
    print_line,
    print_text,
    size,
)
from customerservice.errors import NotFound

if TYPE_CHECKING:
    from customerservice.domain.delivery import Delivery, DeliveryKey

Inspected = Mapping[str, Any]


@click.command("inspect")
@click.argument("paths", nargs=-1, required=True)
@json_option
def inspect(paths: tuple[str, ...], as_json: bool) -> None:
    """Read mail without storing it: files, folders, mbox files and Maildirs; - is standard input."""
    failed, count, line = False, 0, Progress()
    try:
        for mail in _inspected(paths):
            failed = failed or mail["error"] is not None
            if as_json:
                print_json(mail)
            else:
                _print_mail(mail)
            count += 1
            if not sys.stdout.isatty():
                line.show(f"{count} mails")
    finally:
        line.clear()
    if failed:
        raise WorkFailed


def _inspected(paths: Sequence[str]) -> Iterator[Inspected]:
    from customerservice.adapters.transports.files import read_mail_files
    from customerservice.mail import parse
    from customerservice.mail.inspection import describe, unreadable

    for path, index, found in read_mail_files(paths):
        if isinstance(found, OSError):
            yield unreadable(path, index, found.strerror or str(found))
        else:
            yield describe(parse(found), path=path, index=index)


def _is_there(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:
        # Longer than any file's name, as a Message-ID may be.
        return False


@click.command("explain")
@click.argument("mail")
@desk_command
def explain(run: Run, mail: str) -> None:
    """Say how a mail was read and why it went where it went.

    MAIL is the id of a mail, mailbox:uidvalidity:uid, a Message-ID or a file.
    """
    from customerservice.domain.delivery import DeliveryKey

    if mail == "-" or _is_there(mail):
        _explain_files(run, mail)
        return
    with run.reading() as desk:
        identity = _identity(mail)
        if isinstance(identity, DeliveryKey):
            found = desk.mail.find(key=identity)
        elif isinstance(identity, UUID):
            found = [desk.mail.get(DeliveryId(identity))]
        else:
            found = desk.mail.find(header_id=identity)
        if not found:
            raise NotFound("mail", mail)
        for delivery in found:
            raw = desk.mail.raw(delivery.id) if delivery.raw_kept else None
            _explain(run, delivery, None if raw is None else _reading_of(raw, str(delivery.id)))


def _identity(text: str) -> "DeliveryKey | UUID | str":
    """Give the identity of a mail at its source, its id, or else the text as a Message-ID."""
    from customerservice.domain.delivery import DeliveryKey

    source, _, numbers = text.partition(":")
    epoch, _, uid = numbers.partition(":")
    if epoch.isdecimal() and uid.isdecimal():
        return DeliveryKey(source=source.lower(), epoch=int(epoch), uid=int(uid))
    try:
        return UUID(text)
    except ValueError:
        return text.strip().removeprefix("<").removesuffix(">")


def _explain_files(run: Run, path: str) -> None:
    """Explain each mail of a file; with what became of it where the database knows it."""
    file = run.file
    failed = False
    known: dict[str, Delivery] = {}
    mails = list(_inspected([path]))
    if file is None or file.exists():
        with run.reading() as desk:
            for mail in mails:
                for delivery in desk.mail.find(header_id=mail["message_id"]) if mail["message_id"] else ():
                    if delivery.sha256 == mail["sha256"]:
                        known.setdefault(mail["sha256"], delivery)
    for mail in mails:
        failed = failed or mail["error"] is not None
        _explain(run, known.get(mail["sha256"]), mail)
    if failed:
        raise WorkFailed


def _reading_of(raw: bytes, name: str) -> Inspected:
    from customerservice.mail import parse
    from customerservice.mail.inspection import describe

    return describe(parse(raw), path=name, index=0)


def _explain(run: Run, delivery: "Delivery | None", mail: Inspected | None) -> None:
    from customerservice.entrypoints.cli.mail import delivery_object, print_delivery

    if run.as_json:
        print_json({"mail": None if delivery is None else delivery_object(delivery), "reading": mail})
        return
    if delivery is None:
        print_text("this help desk has not stored it; it reads so:")
    else:
        print_delivery(delivery)
        print_line()
    if mail is not None:
        _print_mail(mail)


def _print_mail(mail: Inspected) -> None:
    place = f"{mail['path']} [{mail['index']}]" if mail["index"] else mail["path"]
    print_line(f"== {cell(place)}")
    if mail["error"] is not None:
        print_line(f"cannot be read: {cell(mail['error'])}")
        print_line()
        return
    markers = mail["markers"]
    print_facts(
        [
            ("from", _address(mail["from"])),
            ("to", _addresses(mail["to"])),
            ("cc", _addresses(mail["cc"])),
            ("reply-to", _addresses(mail["reply_to"])),
            ("subject", mail["subject"]),
            ("date", mail["date"]),
            ("message-id", mail["message_id"]),
            ("in reply to", ", ".join(mail["in_reply_to"])),
            ("size", size(mail["size"])),
            ("kind", mail["kind"]),
            ("because", "; ".join(mail["kind_reasons"])),
            ("thread marker", markers["thread"]),
            ("defects", ", ".join(defect["code"] for defect in mail["defects"])),
        ]
    )
    for part in mail["attachments"]:
        print_line(f"[{cell(part['filename']) or 'without name'}, {cell(part['media_type'])}, {size(part['size'])}]")
    print_line()
    print_text(mail["new_text"].strip())
    for name, text in (("quoted", mail["quoted_text"]), ("signature", mail["signature"])):
        lines = len(text.strip().splitlines())
        if lines:
            print_line(f"({name}: {lines} {'line' if lines == 1 else 'lines'})")
    print_line()


def _address(entry: Inspected | None) -> str | None:
    if entry is None:
        return None
    address = entry["address"] or "(unusable address)"
    return f"{entry['name']} <{address}>" if entry["name"] else address


def _addresses(entries: Sequence[Inspected]) -> str:
    return ", ".join(_address(entry) or "" for entry in entries)
