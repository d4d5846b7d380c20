"""One run of the command: its settings, its database, its secrets and its signals."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import attrs
import click

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, ThreadId
from customerservice.entrypoints.cli.interrupts import Interruption
from customerservice.entrypoints.cli.showing import say
from customerservice.errors import InvalidValue, NotFound, StorageUnavailable

if TYPE_CHECKING:
    from customerservice.adapters.settings import ContactSetting, Settings
    from customerservice.bootstrap import HelpDesk
    from customerservice.domain.contact import Contact

DEFAULT_DATABASE = "sqlite:///helpdesk.db"

#: Name of the secret that is read from standard input.
STANDARD_INPUT = "standard input"


class WorkFailed(click.ClickException):
    """What was asked for was done in part or not at all, and the output says so; the exit status is 1.

    Without a text nothing more is printed.
    """

    exit_code = 1

    def __init__(self, text: str = "") -> None:
        super().__init__(text)


@attrs.frozen(kw_only=True, slots=False)
class Run:
    """One run of a command that uses a database.

    Attributes:
        database, config_path, key_path: as given by options or environment; the settings file comes after them.
        as_json: print for machines.
    """

    database: str | None
    config_path: Path | None
    key_path: Path | None
    as_json: bool
    interruption: Interruption

    @cached_property
    def settings(self) -> "Settings":
        """The settings file, or empty settings without one.

        Raises:
            InvalidValue: it cannot be read or says something impossible.
        """
        # Imported here, as everywhere below: reading a mail needs none of it and should start at once.
        from customerservice.adapters.settings import Settings, load_settings

        return Settings() if self.config_path is None else load_settings(self.config_path)

    @cached_property
    def secret_callables(self) -> Mapping[str, Callable[[], str]]:
        """What secrets of kind CALLABLE can refer to here: standard input, asked once in a run."""
        return {STANDARD_INPUT: _AskedOnce()}

    @property
    def url(self) -> str:
        """The database's URL."""
        return self.database or self.settings.database or DEFAULT_DATABASE

    @property
    def shown_url(self) -> str:
        """The database's URL without a password."""
        from customerservice.adapters.storage.sqlalchemy.connecting import read_url, shown

        return shown(read_url(self.url))

    @property
    def file(self) -> Path | None:
        """The database file; None when the database is a server."""
        from customerservice.bootstrap import database_file

        return database_file(self.url)

    @contextmanager
    def reading(self) -> "Iterator[HelpDesk]":
        """Open the database to look at it; it is never made.

        Raises:
            StorageUnavailable: there is none.
        """
        with self._open(create=False) as desk:
            yield desk

    @contextmanager
    def changing(self, *, sender: EmailAddress | None = None) -> "Iterator[HelpDesk]":
        """Open a database that exists to change something in it, as `beginning` does.

        `sender` stands in for that of the settings.

        Raises:
            StorageUnavailable: there is none.
        """
        file = self.file
        if file is not None and not file.exists():
            raise StorageUnavailable(f"there is no database {file}; ingest, sync or mailbox add makes one")
        with self._open(create=True, sender=sender) as desk:
            self._store_contacts(desk)
            yield desk

    @contextmanager
    def beginning(self) -> "Iterator[HelpDesk]":
        """Open the database to write to it, made if there is none; the contacts of the settings are stored."""
        with self._open(create=True) as desk:
            self._store_contacts(desk)
            yield desk

    def _store_contacts(self, desk: "HelpDesk") -> None:
        for wanted in self.settings.contacts:
            _store_contact(desk, wanted)

    @contextmanager
    def _open(self, *, create: bool, sender: EmailAddress | None = None) -> "Iterator[HelpDesk]":
        from customerservice.adapters.system import key_path_beside, load_keys
        from customerservice.application.context import DeskSettings
        from customerservice.bootstrap import HelpDesk

        key_path = self.key_path or self.settings.key_file
        file = self.file
        beside = key_path_beside(file) if create and key_path is None and file is not None else None
        makes_key = beside is not None and not beside.exists()
        with HelpDesk.open(
            self.url,
            keys=None if key_path is None else load_keys(key_path),
            settings=DeskSettings(
                sender=sender or self.settings.sender,
                language=self.settings.language or DeskSettings().language,
            ),
            create=create,
            secret_callables=self.secret_callables,
        ) as desk:
            if makes_key and beside is not None and beside.exists():
                say(f"made the key that signs reply addresses: {beside} (keep it with your backup)")
            yield desk


def _store_contact(desk: "HelpDesk", wanted: "ContactSetting") -> None:
    for contact in desk.contacts.all():
        if contact.shop == desk.shop and contact.name[None] == wanted.name[None]:
            changed = attrs.evolve(
                contact,
                name=wanted.name,
                addresses=wanted.addresses,
                saves_messages=wanted.saves_messages,
                after_reply=wanted.after_reply,
                language=wanted.language,
            )
            if changed != contact:
                desk.contacts.save(changed)
            return
    desk.contacts.add(
        wanted.name,
        addresses=wanted.addresses,
        saves_messages=wanted.saves_messages,
        after_reply=wanted.after_reply,
        language=wanted.language,
        position=len(desk.contacts.all()),
    )


def find_contact(desk: "HelpDesk", wanted: str | None) -> ContactId | None:
    """Give the id of the contact with that id or name in any language (any case); None for None.

    Raises:
        NotFound: there is none, or several have that name.
    """
    if wanted is None:
        return None
    found = [contact for contact in desk.contacts.all() if str(contact.id) == wanted.lower() or _named(contact, wanted)]
    if len(found) != 1:
        raise NotFound("contact", wanted)
    return found[0].id


def _named(contact: "Contact", wanted: str) -> bool:
    return any(text.casefold() == wanted.casefold() for _, text in contact.name.texts)


class _AskedOnce:
    """The first line of standard input, without showing it on a terminal."""

    def __init__(self) -> None:
        self._answer: str | None = None

    def __call__(self) -> str:
        if self._answer is None:
            if sys.stdin.isatty():
                self._answer = str(click.prompt("Password", hide_input=True, err=True))
            else:
                self._answer = sys.stdin.readline().rstrip("\r\n")
        return self._answer


def find_thread(desk: "HelpDesk", wanted: str) -> ThreadId:
    """Give the id of a thread that is named by its short number, with or without #, or by its id.

    Raises:
        InvalidValue: it is neither.
        NotFound: there is no thread with that number.
    """
    number = wanted.removeprefix("#")
    if number.isascii() and number.isdecimal():
        return desk.threads.by_number(int(number)).id
    try:
        return ThreadId(UUID(wanted))
    except ValueError:
        raise InvalidValue("thread", f"{wanted!r} is neither the number nor the id of a thread") from None
