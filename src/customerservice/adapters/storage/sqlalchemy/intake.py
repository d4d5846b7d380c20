"""Deliveries and blobs in tables; the bytes of blobs in chunks beside them, or in a folder."""

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from typing_extensions import override

from customerservice.adapters.storage.folder_blobs import BlobFolder
from customerservice.adapters.storage.sqlalchemy import rows, tables
from customerservice.adapters.storage.sqlalchemy.columns import digest_key
from customerservice.adapters.storage.sqlalchemy.statements import (
    NO_LIMIT,
    Line,
    insert_new,
    insert_or_keep,
    portions,
    read_page,
    shops_of,
    update_all,
)
from customerservice.domain.actor import ShopScope
from customerservice.domain.delivery import Delivery, DeliveryKey
from customerservice.domain.ids import DeliveryId, MailboxId, ShopId
from customerservice.domain.outcome import Outcome
from customerservice.errors import Conflict, InvalidValue, StorageError, StoredBytesLost
from customerservice.ports.storage import BlobOwner, Blobs, Deliveries, DeliveryFilter, Page

#: Bytes in a row of `tables.blob_chunk`: below the packet limit of MariaDB, where escaping may double them.
CHUNK_BYTES: Final = 1_000_000
_MOST_WAITING_BYTES: Final = 4_000_000

_delivery = tables.delivery
_MOST = sa.bindparam("most", type_=sa.BigInteger())
_ONE = sa.select(_delivery).where(_delivery.c.id == sa.bindparam("id"))
_LOCK_ONE = _ONE.with_for_update()
_BY_KEY = sa.select(_delivery).where(_delivery.c.delivery_key == sa.bindparam("delivery_key"))
_KNOWN = sa.select(_delivery.c.delivery_key).where(_delivery.c.delivery_key.in_(sa.bindparam("keys", expanding=True)))
_STORED = sa.select(_delivery.c.id, _delivery.c.delivery_key).where(
    _delivery.c.id.in_(sa.bindparam("ids", expanding=True))
)
_UNREAD = (
    sa.select(_delivery)
    .where(_delivery.c.unread_of == sa.bindparam("source"))
    .order_by(_delivery.c.epoch, _delivery.c.uid, _delivery.c.id)
    .limit(_MOST)
)
_UNTOLD = (
    sa.select(_delivery)
    .where(
        _delivery.c.untold_of == sa.bindparam("source"),
        _delivery.c.epoch == sa.bindparam("epoch"),
        _delivery.c.id > sa.bindparam("behind"),
    )
    .order_by(_delivery.c.id)
    .limit(_MOST)
)
_BY_BYTES = (
    sa.select(_delivery)
    .where(_delivery.c.sha256 == sa.bindparam("sha256"), _delivery.c.source_key == sa.bindparam("source"))
    .order_by(_delivery.c.id)
    .limit(_MOST)
)
_BY_CONTENT = (
    sa.select(_delivery)
    .where(
        _delivery.c.content_digest == sa.bindparam("content_digest"),
        _delivery.c.shop == sa.bindparam("shop"),
        _delivery.c.stored_at >= sa.bindparam("since"),
        _delivery.c.outcome.in_([outcome.value for outcome in Outcome if outcome.in_thread or outcome is Outcome.HELD]),
    )
    .order_by(_delivery.c.id)
    .limit(1)
)
_BY_HEADER_ID = (
    sa.select(_delivery).where(_delivery.c.header_key == sa.bindparam("header_key")).order_by(_delivery.c.id)
)
_FORGET = sa.delete(_delivery).where(
    _delivery.c.mailbox_id == sa.bindparam("mailbox_id"), _delivery.c.outcome == Outcome.NOT_OURS.value
)

_SHA256: Any = sa.bindparam("sha256")
_BLOB = sa.select(tables.blob).where(tables.blob.c.sha256 == _SHA256)
_LOCK_BLOB = sa.select(tables.blob.c.chunks).where(tables.blob.c.sha256 == _SHA256).with_for_update()
_CHUNKS = (
    sa.select(tables.blob_chunk.c.content)
    .where(tables.blob_chunk.c.sha256 == _SHA256)
    .order_by(tables.blob_chunk.c.position)
)
# Locks, because a host's transaction may otherwise see an old state.
_REFERENCE = (
    sa.select(tables.blob_reference.c.kind).where(tables.blob_reference.c.sha256 == _SHA256).limit(1).with_for_update()
)
_NO_REFERENCE = sa.delete(tables.blob_reference).where(
    tables.blob_reference.c.sha256 == _SHA256,
    tables.blob_reference.c.kind == sa.bindparam("kind"),
    tables.blob_reference.c.owner_id == sa.bindparam("owner_id"),
)
_NO_CHUNKS = sa.delete(tables.blob_chunk).where(tables.blob_chunk.c.sha256 == _SHA256)
_NO_BLOB = sa.delete(tables.blob).where(tables.blob.c.sha256 == _SHA256)

_PAGE_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_FIRST: Final = UUID(int=0)
_OUTCOMES: Final = ("", *(outcome.value for outcome in Outcome))


def place_by_id(after: str | None) -> dict[str, UUID] | None:
    """Read the key of a page of a list that is ordered by id."""
    if after is None:
        return None
    if _PAGE_KEY.fullmatch(after) is None:
        raise InvalidValue("after", "not the key of a page of this list")
    return {"id": UUID(after)}


class SqlDeliveries(Deliveries):
    """The port `Deliveries` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, deliveries: Sequence[Delivery]) -> Sequence[DeliveryId]:
        if not deliveries:
            return []
        values: dict[bytes, rows.Values] = {}
        for row in map(rows.delivery_values, deliveries):
            values.setdefault(row["delivery_key"], row)
        known = {bytes(row[0]) for keys in portions(values) for row in self._line.rows(_KNOWN, {"keys": keys})}
        new = [row for key, row in values.items() if key not in known]
        if new and not self._add_all(new):
            stored = {row[0]: bytes(row[1]) for ids in portions(row["id"] for row in new) for row in self._stored(ids)}
            for row in new:
                if stored.get(row["id"], row["delivery_key"]) != row["delivery_key"]:
                    raise StorageError(f"delivery {row['id']} is stored already")
            new = [row for row in new if row["id"] in stored]
        return [row["id"] for row in new]

    def _add_all(self, values: list[rows.Values]) -> bool:
        """Store rows but those whose key another unit stored just now; gives whether all are known to be stored."""
        # In the order of the key: units that add the same keys then wait for each other one way, never in a ring.
        in_order = sorted(values, key=lambda row: bytes(row["delivery_key"]))
        if self._line.mysql:
            self._line.run(insert_or_keep(_delivery, "id"), in_order)
            return False
        return self._line.run(insert_new(_delivery, self._line.sqlite, "delivery_key"), in_order) == len(in_order)

    def _stored(self, ids: list[DeliveryId]) -> Sequence[Any]:
        return self._line.rows(_STORED, {"ids": ids})

    @override
    def save(self, deliveries: Sequence[Delivery]) -> None:
        if not deliveries:
            return
        changed = []
        for delivery in deliveries:
            values = rows.delivery_values(delivery)
            values["old_id"], values["old_delivery_key"] = values.pop("id"), values["delivery_key"]
            changed.append(values)
        if self._line.run(update_all(_delivery, "id", "delivery_key"), changed) != len(changed):
            raise Conflict("delivery", next(mail.id for mail in deliveries if self.find(mail.key) != mail))

    @override
    def get(self, delivery_id: DeliveryId, *, for_change: bool = False) -> Delivery | None:
        return self._one(_LOCK_ONE if for_change else _ONE, {"id": delivery_id})

    @override
    def find(self, key: DeliveryKey) -> Delivery | None:
        return self._one(_BY_KEY, {"delivery_key": rows.delivery_digest(key)})

    @override
    def known(self, source: str, keys: Collection[DeliveryKey]) -> Collection[DeliveryKey]:
        by_digest = {rows.delivery_digest(key): key for key in keys if key.source == source}
        return {
            by_digest[bytes(row[0])]
            for portion in portions(by_digest)
            for row in self._line.rows(_KNOWN, {"keys": portion})
        }

    @override
    def unread(self, source: str, *, limit: int) -> Sequence[Delivery]:
        return self._many(_UNREAD, {"source": digest_key(source), "most": limit})

    @override
    def unacknowledged(
        self, source: str, epoch: int, *, limit: int, after: DeliveryId | None = None
    ) -> Sequence[Delivery]:
        values = {"source": digest_key(source), "epoch": epoch, "behind": after or _FIRST, "most": limit}
        return self._many(_UNTOLD, values)

    @override
    def by_bytes(self, source: str, sha256: str, *, limit: int | None = None) -> Sequence[Delivery]:
        most = NO_LIMIT if limit is None else limit
        return self._many(_BY_BYTES, {"source": digest_key(source), "sha256": sha256, "most": most})

    @override
    def by_content(self, shop: ShopId, content_digest: str, *, since: dt.datetime) -> Delivery | None:
        return self._one(_BY_CONTENT, {"shop": shop, "content_digest": content_digest, "since": since})

    @override
    def by_header_id(self, scope: ShopScope, header_id: str) -> Sequence[Delivery]:
        found = self._many(_BY_HEADER_ID, {"header_key": digest_key(header_id)})
        return [delivery for delivery in found if delivery.shop in scope]

    @override
    def page(self, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 50) -> Page[Delivery]:
        place = place_by_id(after)
        shops = wanted.scope.shops
        outcomes = None if wanted.outcomes is None else [outcome.value for outcome in wanted.outcomes]
        leading: dict[str, Sequence[Any]] = {}
        conditions: dict[tuple[str, str], Any] = {}
        if wanted.read_before is not None:
            conditions["reader_version", "<"] = wanted.read_before
        if wanted.mailbox_id is not None:
            leading = {"mailbox_id": [wanted.mailbox_id], "outcome": _OUTCOMES if outcomes is None else outcomes}
            if shops is not None:
                conditions["shop", "in"] = shops
        elif shops is not None or outcomes is not None:
            leading["shop"] = shops_of(self._line, _delivery) if shops is None else sorted(shops)
            leading["outcome"] = _OUTCOMES if outcomes is None else outcomes
        found = read_page(
            self._line,
            _delivery,
            leading=leading,
            conditions=conditions,
            order=("id",),
            ascending=False,
            after=place,
            limit=limit + 1,
        )
        items = tuple(rows.delivery_of(row) for row in found[:limit])
        return Page(items, items[-1].id.hex if len(found) > limit else None)

    @override
    def forget_not_ours(self, mailbox_id: MailboxId) -> int:
        return self._line.run(_FORGET, {"mailbox_id": mailbox_id})

    def _one(self, statement: Any, values: rows.Values) -> Delivery | None:
        row = self._line.row(statement, values)
        return None if row is None else rows.delivery_of(row)

    def _many(self, statement: Any, values: rows.Values) -> Sequence[Delivery]:
        return [rows.delivery_of(row) for row in self._line.rows(statement, values)]


class SqlBlobs(Blobs):
    """The port `Blobs` in tables and, if there is one, a folder.

    Who needs a blob changes only under the lock of its row, so that none is deleted while somebody begins to need it.
    """

    def __init__(self, line: Line, folder: BlobFolder | None = None) -> None:
        self._line = line
        self._folder = folder
        #: digests whose rows this unit deleted; their files may go once it committed.
        self.deleted: set[str] = set()
        self._waiting_bytes = 0

    @override
    def put(self, content: bytes, owner: BlobOwner) -> str:
        content = bytes(content)  # a caller's bytearray could change before it is written
        sha256 = hashlib.sha256(content).hexdigest()
        if self.is_new(sha256, len(content)):
            self._write(sha256, content)
        reference = {"sha256": sha256, "kind": owner.kind, "owner_id": owner.id}
        if self._line.mysql:
            self._line.add_or_keep(tables.blob_reference, reference)
        else:
            self._line.add_later(tables.blob_reference, [reference], or_keep=True)
        return sha256

    @override
    def get(self, sha256: str) -> bytes:
        self._line.settle()
        row = self._line.row(_BLOB, {"sha256": sha256})
        if row is None:
            raise StoredBytesLost(f"no bytes are stored under {sha256}")
        content = self._read(sha256, row.chunks)
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            raise StoredBytesLost(f"the bytes stored under {sha256} are missing or were changed")
        return content

    @override
    def release(self, sha256: str, owner: BlobOwner) -> None:
        self._line.settle()
        if self._line.row(_LOCK_BLOB, {"sha256": sha256}) is None:
            return
        self._line.run(_NO_REFERENCE, {"sha256": sha256, "kind": owner.kind, "owner_id": owner.id})
        if self._line.row(_REFERENCE, {"sha256": sha256}) is None:
            self._line.run(_NO_CHUNKS, {"sha256": sha256})
            self._line.run(_NO_BLOB, {"sha256": sha256})
            self.deleted.add(sha256)

    def is_new(self, sha256: str, size: int) -> bool:
        """Make a blob's row, if there is none; either way it is locked. Gives whether it was made just now."""
        chunks = 0 if self._folder is not None else -(-size // CHUNK_BYTES)
        row = {"sha256": sha256, "size": size, "chunks": chunks}
        if self._line.mysql:
            self._line.add_or_keep(tables.blob, row)
            return self._line.row(_REFERENCE, {"sha256": sha256}) is None
        while not self._line.add_or_keep(tables.blob, row):
            # Where another unit deletes it in between, it has to be made after all.
            if self._line.row(_LOCK_BLOB, {"sha256": sha256}) is not None:
                return False
        return True

    def _write(self, sha256: str, content: bytes) -> None:
        if self._folder is not None:
            self._folder.write(sha256, content)
            return
        whole = memoryview(content)
        self._line.add_later(
            tables.blob_chunk,
            [
                {"sha256": sha256, "position": position, "content": whole[start : start + CHUNK_BYTES]}
                for position, start in enumerate(range(0, len(content), CHUNK_BYTES))
            ],
        )
        self._waiting_bytes += len(content)
        if self._waiting_bytes > _MOST_WAITING_BYTES:
            self._line.settle()
            self._waiting_bytes = 0

    def _read(self, sha256: str, chunks: int) -> bytes | None:
        if chunks == 0 and self._folder is not None:
            return self._folder.read(sha256)
        parts = [row[0] for row in self._line.rows(_CHUNKS, {"sha256": sha256})]
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)
