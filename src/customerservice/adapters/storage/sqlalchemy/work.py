"""Leases, the outbox and the kept figures in tables."""

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from typing_extensions import override

from customerservice.adapters.storage.sqlalchemy import rows, tables
from customerservice.adapters.storage.sqlalchemy.intake import place_by_id
from customerservice.adapters.storage.sqlalchemy.statements import (
    Line,
    portions,
    read_page,
    shops_of,
    update_all,
    upsert,
)
from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, MessageId, OutboxId
from customerservice.domain.outbox import OutboxEntry, OutboxState
from customerservice.errors import Conflict, LeaseLost
from customerservice.ports.storage import Figures, Lease, Leases, Outbox, Page

_LEASE = sa.select(tables.lease).where(tables.lease.c.name == sa.bindparam("name")).with_for_update()
_HOLD = (
    sa.update(tables.lease)
    .where(tables.lease.c.name == sa.bindparam("of"))
    .values(owner=sa.bindparam("owner"), fence=sa.bindparam("fence"), held_until=sa.bindparam("held_until"))
)

_outbox = tables.outbox
_ENTRY = sa.select(_outbox).where(_outbox.c.id == sa.bindparam("id"))
_LOCK_ENTRY = _ENTRY.with_for_update()
_DUE = (
    sa.select(_outbox)
    .where(_outbox.c.due_at <= sa.bindparam("now"))
    .order_by(_outbox.c.id)
    .limit(sa.bindparam("most", type_=sa.BigInteger()))
    .with_for_update(skip_locked=True)
)
_OF_MESSAGES = (
    sa.select(_outbox)
    .where(_outbox.c.message_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(_outbox.c.id.desc())
)
_RECIPIENTS = (
    sa.select(tables.outbox_recipient)
    .where(tables.outbox_recipient.c.outbox_id.in_(sa.bindparam("ids", expanding=True)))
    .order_by(tables.outbox_recipient.c.outbox_id, tables.outbox_recipient.c.position)
)
_NO_RECIPIENTS = sa.delete(tables.outbox_recipient).where(tables.outbox_recipient.c.outbox_id == sa.bindparam("id"))

_figure = tables.figure
_TOTALS = sa.select(_figure.c.figure, sa.func.sum(_figure.c.value)).group_by(_figure.c.figure)


class SqlLeases(Leases):
    """The port `Leases` in tables; a row stays for ever, so that its fence never comes down."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def acquire(self, name: str, owner: str, *, now: dt.datetime, until: dt.datetime) -> Lease | None:
        row = self._line.row(_LEASE, {"name": name})
        if row is None:
            free = {"name": name, "owner": None, "fence": 0, "held_until": None}
            self._line.add_or_keep(tables.lease, free)
            row = self._line.row(_LEASE, {"name": name})
        if row.owner == owner:
            return self._hold(name, owner, row.fence, until)
        if row.owner is None or row.held_until <= now:
            return self._hold(name, owner, row.fence + 1, until)
        return None

    @override
    def holder(self, name: str) -> Lease | None:
        row = self._line.row(_LEASE, {"name": name})
        if row is None or row.owner is None:
            return None
        return Lease(name=name, owner=row.owner, fence=row.fence, until=row.held_until)

    @override
    def renew(self, lease: Lease, *, until: dt.datetime) -> Lease:
        self.check(lease)
        return self._hold(lease.name, lease.owner, lease.fence, until)

    @override
    def check(self, lease: Lease) -> None:
        if not self._is_held(lease):
            raise LeaseLost(f"{lease.name} is no longer held by {lease.owner} (fence {lease.fence})")

    @override
    def release(self, lease: Lease) -> None:
        if self._is_held(lease):
            free = {"of": lease.name, "owner": None, "fence": lease.fence, "held_until": None}
            self._line.run(_HOLD, free)

    def _is_held(self, lease: Lease) -> bool:
        row = self._line.row(_LEASE, {"name": lease.name})
        return row is not None and row.owner == lease.owner and row.fence == lease.fence

    def _hold(self, name: str, owner: str, fence: int, until: dt.datetime) -> Lease:
        self._line.run(_HOLD, {"of": name, "owner": owner, "fence": fence, "held_until": until})
        return Lease(name=name, owner=owner, fence=fence, until=until.astimezone(dt.UTC))


class SqlOutbox(Outbox):
    """The port `Outbox` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, entry: OutboxEntry) -> None:
        self._line.add(_outbox, rows.outbox_values(entry))
        self._line.add(tables.outbox_recipient, rows.recipient_values(entry))

    @override
    def save(self, entry: OutboxEntry) -> None:
        values = rows.outbox_values(entry)
        values["old_id"] = values.pop("id")
        if self._line.run(update_all(_outbox, "id"), values) != 1:
            raise Conflict("outbox entry", entry.id)
        self._line.run(_NO_RECIPIENTS, {"id": entry.id})
        self._line.add(tables.outbox_recipient, rows.recipient_values(entry))

    @override
    def get(self, outbox_id: OutboxId, *, for_change: bool = False) -> OutboxEntry | None:
        row = self._line.row(_LOCK_ENTRY if for_change else _ENTRY, {"id": outbox_id})
        return None if row is None else self._whole([row])[0]

    @override
    def due(self, *, now: dt.datetime, limit: int, scope: ShopScope = ALL_SHOPS) -> Sequence[OutboxEntry]:
        statement = _DUE if scope.shops is None else _DUE.where(_outbox.c.shop.in_(sorted(scope.shops)))
        return self._whole(self._line.rows(statement, {"now": now, "most": limit}))

    @override
    def of_messages(self, message_ids: Collection[MessageId]) -> Mapping[MessageId, OutboxEntry]:
        found = [row for ids in portions(message_ids) for row in self._line.rows(_OF_MESSAGES, {"ids": ids})]
        return {entry.message_id: entry for entry in self._whole(found)}

    @override
    def page(
        self, scope: ShopScope, states: Collection[OutboxState], *, after: str | None = None, limit: int = 50
    ) -> Page[OutboxEntry]:
        place = place_by_id(after)
        shops = shops_of(self._line, _outbox) if scope.shops is None else sorted(scope.shops)
        found = read_page(
            self._line,
            _outbox,
            leading={"shop": shops, "state": sorted({state.value for state in states})},
            conditions={},
            order=("id",),
            ascending=True,
            after=place,
            limit=limit + 1,
        )
        items = tuple(self._whole(found[:limit]))
        return Page(items, items[-1].id.hex if len(found) > limit else None)

    def _whole(self, found: Sequence[Any]) -> list[OutboxEntry]:
        recipients: dict[OutboxId, list[Any]] = {}
        for ids in portions(row.id for row in found):
            recipients.update(rows.grouped(self._line.rows(_RECIPIENTS, {"ids": ids})))
        return [rows.outbox_entry_of(row, map(rows.recipient_of, recipients[row.id])) for row in found]


class SqlFigures(Figures):
    """The port `Figures` in tables; written together, when asked for or at the end of the unit.

    Late and sorted, so that two units hold each other up as short as can be and never wait for each other in a circle.
    """

    def __init__(self, line: Line) -> None:
        self._line = line
        self._waiting: Counter[FigureKey] = Counter()

    @override
    def add(self, differences: Mapping[FigureKey, int]) -> None:
        self._waiting.update(differences)

    @override
    def totals(
        self, scope: ShopScope, *, contact_id: ContactId | None = None, since: dt.date | None = None
    ) -> Mapping[Figure, int]:
        self.flush()
        statement = _TOTALS
        if scope.shops is not None:
            statement = statement.where(_figure.c.shop.in_(sorted(scope.shops)))
        if contact_id is not None:
            statement = statement.where(_figure.c.contact_id == contact_id)
        if since is not None:
            statement = statement.where(_figure.c.day >= since)
        return {Figure(name): int(value) for name, value in self._line.rows(statement)}

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, Counter()
        values = [
            {
                "shop": key.shop,
                "contact_id": key.contact_id or rows.NO_CONTACT,
                "day": key.day,
                "figure": key.figure.value,
                "value": value,
            }
            for key, value in waiting.items()
        ]
        if values:
            values.sort(key=lambda row: (row["shop"], row["contact_id"], row["day"], row["figure"]))
            self._line.run(upsert(_figure, self._line.mysql, self._line.sqlite, ("value",), adding=True), values)
