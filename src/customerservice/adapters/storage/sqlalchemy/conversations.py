"""Threads, their messages and their history in tables."""

import datetime as dt
import re
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import attrs
import sqlalchemy as sa
from typing_extensions import override

from customerservice.adapters.storage.sqlalchemy import rows, tables
from customerservice.adapters.storage.sqlalchemy.columns import digest_key, microseconds, moment_of
from customerservice.adapters.storage.sqlalchemy.settings import save_versioned
from customerservice.adapters.storage.sqlalchemy.statements import NO_LIMIT, Line, portions, read_page, shops_of
from customerservice.domain.actor import ShopScope
from customerservice.domain.events import ThreadEvent
from customerservice.domain.ids import MessageId, ThreadId
from customerservice.domain.message import Attachment, Audience, Message
from customerservice.domain.status import ThreadStatus
from customerservice.domain.thread import Thread
from customerservice.errors import Conflict, InvalidValue
from customerservice.ports.storage import Events, KnownHeaderId, Messages, Page, ThreadFilter, Threads

_ID: Any = sa.bindparam("id")
_THREAD = sa.select(tables.thread).where(tables.thread.c.id == _ID)
_THREAD_BY_NUMBER = sa.select(tables.thread).where(tables.thread.c.number == sa.bindparam("number"))
_PARTICIPANTS = sa.select(tables.thread_participant.c.address_key).where(tables.thread_participant.c.thread_id == _ID)
_NO_PARTICIPANTS = sa.delete(tables.thread_participant).where(
    tables.thread_participant.c.thread_id == _ID,
    tables.thread_participant.c.address_key.in_(sa.bindparam("gone", expanding=True)),
)

_MESSAGE = sa.select(tables.message).where(tables.message.c.id == _ID)
_MESSAGES_OF_THREAD = (
    sa.select(tables.message)
    .where(tables.message.c.thread_id == _ID, tables.message.c.id > sa.bindparam("behind"))
    .order_by(tables.message.c.id)
    .limit(sa.bindparam("most", type_=sa.BigInteger()))
)
_REWRITE = (
    sa.update(tables.message)
    .where(tables.message.c.id == sa.bindparam("the_id"))
    .values({name: sa.bindparam(name) for name in ("text", "quoted_text", "signature", "html", "attachments")})
)
_NO_ATTACHMENTS = sa.delete(tables.attachment).where(tables.attachment.c.message_id == _ID)
_ATTACHMENTS = (
    sa.select(tables.attachment.c.message_id, tables.attachment)
    .where(tables.attachment.c.message_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.attachment.c.message_id, tables.attachment.c.position)
)
_LATEST_HEADER_IDS = (
    sa.select(tables.message.c.header_id)
    .where(
        tables.message.c.thread_id == _ID,
        tables.message.c.audience == Audience.PUBLIC.value,
        tables.message.c.header_id.is_not(None),
    )
    .order_by(tables.message.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.BigInteger()))
)
_LATEST_MOMENTS = (
    sa.select(tables.message.c.stored_at)
    .where(tables.message.c.thread_id == _ID)
    .order_by(tables.message.c.id.desc())
    .limit(sa.bindparam("most", type_=sa.BigInteger()))
)
_HEADER_IDS = sa.select(tables.header_id).where(tables.header_id.c.header_key.in_(sa.bindparam("keys", expanding=True)))
_EVENTS = sa.select(tables.event).where(tables.event.c.thread_id == _ID).order_by(tables.event.c.id)

_LARGEST: Final = 2**63 - 1
_PAGE_KEY: Final = re.compile(r"(-?[0-9]{1,18})\.([0-9a-f]{32})", re.ASCII)
_FIRST: Final = UUID(int=0)


class SqlThreads(Threads):
    """The port `Threads` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line
        # Participants as stored, of the threads this unit read or wrote, with the version they belong to: most saves
        # need not ask for them.
        self._participants: dict[ThreadId, tuple[int, frozenset[str]]] = {}
        # Threads this unit added; most are not asked for before it ends, so their rows may wait.
        self._added: set[ThreadId] = set()

    @override
    def next_number(self) -> int:
        return self._line.next_thread_number()

    @override
    def add(self, thread: Thread) -> None:
        self._added.add(thread.id)
        self._line.add_later(tables.thread, [rows.thread_values(thread)])
        self._line.add_later(tables.thread_participant, _participants_of(thread, thread.participants))
        self._participants[thread.id] = thread.version, thread.participants

    @override
    def save(self, thread: Thread) -> Thread:
        self._settle(thread.id)
        save_versioned(self._line, tables.thread, "thread", rows.thread_values(thread))
        version, stored = self._participants.get(thread.id, (None, frozenset()))
        if version != thread.version:
            stored = self._stored_participants(thread.id)
        self._keep_participants(thread, stored)
        self._participants[thread.id] = thread.version + 1, thread.participants
        return attrs.evolve(thread, version=thread.version + 1)

    @override
    def get(self, thread_id: ThreadId) -> Thread | None:
        self._settle(thread_id)
        return self._whole(self._line.row(_THREAD, {"id": thread_id}))

    @override
    def by_number(self, number: int) -> Thread | None:
        if not 0 < number <= _LARGEST:
            return None
        self._line.settle()
        return self._whole(self._line.row(_THREAD_BY_NUMBER, {"number": number}))

    @override
    def page(self, wanted: ThreadFilter, *, after: str | None = None, limit: int = 50) -> Page[Thread]:
        place = None if after is None else _place(after)
        self._line.settle()
        leading, conditions = self._branches(wanted)
        found = read_page(
            self._line,
            tables.thread,
            leading=leading,
            conditions=conditions,
            order=("last_activity_at", "id"),
            ascending=False,
            after=place,
            limit=limit + 1,
        )
        items = tuple(rows.thread_of(row) for row in found[:limit])
        if len(found) <= limit:
            return Page(items)
        return Page(items, f"{microseconds(items[-1].last_activity_at)}.{items[-1].id.hex}")

    def _branches(self, wanted: ThreadFilter) -> tuple[dict[str, Sequence[Any]], dict[tuple[str, str], Any]]:
        """Choose the index that serves a list, and what is left to filter."""
        statuses = [status.value for status in (ThreadStatus if wanted.statuses is None else wanted.statuses)]
        conditions: dict[tuple[str, str], Any] = {}
        leading: dict[str, Sequence[Any]] = {}
        if wanted.language is not None:
            conditions["language", "="] = wanted.language
        if wanted.active_since is not None:
            conditions["last_activity_at", ">="] = wanted.active_since
        if wanted.active_before is not None:
            conditions["last_activity_at", "<"] = wanted.active_before
        if wanted.unassigned:
            conditions["assignee", "null"] = None
        pinned = {
            "customer": wanted.customer and wanted.customer.id,
            "address_key": wanted.address and wanted.address.key,
            "order_ref": wanted.order and wanted.order.id,
            "assignee": wanted.assignee and wanted.assignee.id,
            "contact_id": wanted.contact_id,
        }
        chosen = next((name for name, value in pinned.items() if value is not None), None)
        for name, value in pinned.items():
            if name == chosen:
                leading[name] = [value]
            elif value is not None:
                conditions[name, "="] = value
        shops = wanted.scope.shops
        if chosen is None:
            leading["shop"] = shops_of(self._line, tables.thread) if shops is None else sorted(shops)
        elif shops is not None:
            conditions["shop", "in"] = shops
        if chosen in ("assignee", "contact_id") or (chosen is None and wanted.statuses is not None):
            leading["status"] = statuses
        elif wanted.statuses is not None:
            conditions["status", "in"] = statuses
        return leading, conditions

    def _whole(self, row: Any) -> Thread | None:
        if row is None:
            return None
        participants = self._stored_participants(row.id)
        self._participants[row.id] = row.version, participants
        return rows.thread_of(row, participants)

    def _stored_participants(self, thread_id: ThreadId) -> frozenset[str]:
        return frozenset(row[0] for row in self._line.rows(_PARTICIPANTS, {"id": thread_id}))

    def _keep_participants(self, thread: Thread, stored: frozenset[str]) -> None:
        gone = stored - thread.participants
        for portion in portions(gone):
            self._line.run(_NO_PARTICIPANTS, {"id": thread.id, "gone": portion})
        self._line.add(tables.thread_participant, _participants_of(thread, thread.participants - stored))

    def _settle(self, thread_id: ThreadId) -> None:
        if thread_id in self._added:
            self._line.settle()
            self._added.clear()


def _participants_of(thread: Thread, keys: Collection[str]) -> list[rows.Values]:
    return [{"thread_id": thread.id, "address_key": key} for key in sorted(keys)]


def _place(after: str) -> dict[str, dt.datetime | UUID]:
    found = _PAGE_KEY.fullmatch(after)
    try:
        if found is not None:
            return {"last_activity_at": moment_of(int(found[1])), "id": UUID(found[2])}
    except OverflowError:
        pass
    raise InvalidValue("after", "not the key of a page of threads")


class SqlMessages(Messages):
    """The port `Messages` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, messages: Sequence[Message]) -> None:
        self._line.add_later(tables.message, [rows.message_values(message) for message in messages])
        self._line.add_later(
            tables.attachment, [values for message in messages for values in rows.attachment_values(message)]
        )
        self._line.add_later(
            tables.header_id, [rows.header_id_values(message) for message in messages if message.header_id is not None]
        )

    @override
    def rewrite(self, message: Message) -> None:
        self._line.settle()
        values = rows.message_values(message)
        said = {name: values[name] for name in ("text", "quoted_text", "signature", "html", "attachments")}
        if self._line.run(_REWRITE, {"the_id": message.id, **said}) != 1 and self.get(message.id) is None:
            raise Conflict("message", message.id)
        self._line.run(_NO_ATTACHMENTS, {"id": message.id})
        self._line.add(tables.attachment, rows.attachment_values(message))

    @override
    def get(self, message_id: MessageId) -> Message | None:
        self._line.settle()
        row = self._line.row(_MESSAGE, {"id": message_id})
        return None if row is None else self._whole([row])[0]

    @override
    def of_thread(
        self, thread_id: ThreadId, *, after: MessageId | None = None, limit: int | None = None
    ) -> Sequence[Message]:
        self._line.settle()
        values = {"id": thread_id, "behind": after or _FIRST, "most": NO_LIMIT if limit is None else limit}
        return self._whole(self._line.rows(_MESSAGES_OF_THREAD, values))

    @override
    def latest_header_ids(self, thread_id: ThreadId, *, limit: int) -> Sequence[str]:
        self._line.settle()
        found = self._line.rows(_LATEST_HEADER_IDS, {"id": thread_id, "most": limit})
        return [row[0] for row in reversed(found)]

    @override
    def latest_moments(self, thread_id: ThreadId, *, limit: int) -> Sequence[dt.datetime]:
        self._line.settle()
        return [row[0] for row in self._line.rows(_LATEST_MOMENTS, {"id": thread_id, "most": limit})]

    @override
    def find_header_ids(self, scope: ShopScope, header_ids: Collection[str]) -> Sequence[KnownHeaderId]:
        by_key = {digest_key(header_id): header_id for header_id in header_ids}
        if any(row["header_key"] in by_key for row in self._line.waiting(tables.header_id)):
            self._line.settle()
        found = (row for keys in portions(by_key) for row in self._line.rows(_HEADER_IDS, {"keys": keys}))
        known = [
            KnownHeaderId(
                header_id=by_key[bytes(row.header_key)],
                shop=row.shop,
                thread_id=row.thread_id,
                message_id=row.message_id,
                sent=row.sent,
            )
            for row in found
            if row.shop in scope
        ]
        return sorted(known, key=lambda use: use.message_id)

    def _whole(self, found: Sequence[Any]) -> list[Message]:
        attachments: dict[MessageId, list[Attachment]] = {}
        for ids in portions(row.id for row in found if row.attachments):
            for message_id, parts in rows.grouped(self._line.rows(_ATTACHMENTS, {"ids": ids})).items():
                attachments[message_id] = [rows.attachment_of(part) for part in parts]
        return [rows.message_of(row, tuple(attachments.get(row.id, ()))) for row in found]


class SqlEvents(Events):
    """The port `Events` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, events: Sequence[ThreadEvent]) -> None:
        self._line.add_later(tables.event, [rows.event_values(event) for event in events])

    @override
    def of_thread(self, thread_id: ThreadId) -> Sequence[ThreadEvent]:
        self._line.settle()
        return [rows.event_of(row) for row in self._line.rows(_EVENTS, {"id": thread_id})]
