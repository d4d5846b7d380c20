"""A page of the thread list at depth, beside the bare SQL of the same page.

    python benchmarks/lists.py                          SQLite, 1,000,000 threads
    python benchmarks/lists.py --url postgresql://...   a database of your own; tables are made and dropped
    python benchmarks/lists.py --ci                     100,000 threads; exits 1 when a ratio is over its bound

Bounds: a deep page takes at most 1.5 x the first, both at most 10 x the bare SQL of the same run.
"""

import argparse
import datetime as dt
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from customerservice.adapters.storage.sqlalchemy import tables
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.domain.actor import ShopScope
from customerservice.domain.ids import DEFAULT_SHOP
from customerservice.domain.status import ThreadStatus
from customerservice.ports.storage import ThreadFilter

PAGE = 50
DEEP_BOUND, BARE_BOUND = 1.5, 10.0


def main() -> int:
    """Build the threads, time the pages, print a table (or JSON)."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url")
    parser.add_argument("--threads", type=int, default=1_000_000)
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    count = 100_000 if options.ci else options.threads
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'lists.db'}"
        storage = SqlAlchemyStorage.open(url, create=True)
        engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
        try:
            fill(engine, count)
            result = {"threads": count, "database": engine.dialect.name, **measure(storage, engine, count)}
        finally:
            if options.url:
                tables.metadata.drop_all(engine)
                with engine.begin() as connection:
                    connection.execute(sa.text("DROP TABLE IF EXISTS cs_alembic_version"))
            engine.dispose()
            storage.close()
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:28} {value}")
    slow = [
        name
        for name, value in result.items()
        if (name.endswith("deep / first") and value > DEEP_BOUND) or (name.endswith("/ bare") and value > BARE_BOUND)
    ]
    for name in slow:
        print(f"over its bound: {name} = {result[name]}", file=sys.stderr)
    return 1 if slow else 0


def fill(engine: sa.Engine, count: int) -> None:
    """Insert the threads as a busy shop would have them: most closed, moments in disorder."""
    for rows in _batches(count):
        with engine.begin() as connection:
            connection.execute(sa.insert(tables.thread), rows)
    with engine.begin() as connection:
        connection.execute(sa.text("ANALYZE"))


def _batches(count: int, size: int = 20_000) -> Iterator[list[dict[str, object]]]:
    chance = random.Random(1)
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    statuses = [status.value for status in ThreadStatus]
    contacts = [UUID(int=number) for number in range(1, 6)]
    rows: list[dict[str, object]] = []
    for number in range(1, count + 1):
        moment = start + dt.timedelta(seconds=chance.randrange(60_000_000), microseconds=chance.randrange(10**6))
        customer = f"customer{chance.randrange(count // 3 + 1)}@mail.example"
        rows.append(
            {
                "id": UUID(int=(number << 64) | chance.getrandbits(60)),
                "number": number,
                "shop": DEFAULT_SHOP,
                "contact_id": chance.choice(contacts),
                "status": chance.choices(statuses, [5, 90, 3, 2])[0],
                "subject": f"Question about order {number}",
                "address": customer,
                "address_key": customer,
                "name": "",
                "generation": 1,
                "messages": 2,
                "customer_messages": 1,
                "employee_messages": 1,
                "opened_at": moment,
                "last_activity_at": moment,
                "version": 1,
            }
        )
        if len(rows) == size:
            yield rows
            rows = []
    if rows:
        yield rows


def measure(storage: SqlAlchemyStorage, engine: sa.Engine, count: int) -> dict[str, float]:
    """Time first and deep pages through the port, and the same pages as bare SQL."""
    result: dict[str, float] = {}
    shop = ShopScope.of(DEFAULT_SHOP)
    filters = {
        "all": ThreadFilter(scope=shop),
        "closed": ThreadFilter(scope=shop, statuses=frozenset({ThreadStatus.CLOSED})),
    }
    for name, wanted in filters.items():
        deep_key = _key_at(storage, wanted, int(count * 0.8) if name == "all" else int(count * 0.7))
        with _bare(engine, wanted) as bare_page:
            first, deep, bare = _fastest(
                lambda wanted=wanted: _page(storage, wanted, None),
                lambda wanted=wanted, key=deep_key: _page(storage, wanted, key),
                bare_page,
            )
        result[f"{name}: first ms"] = round(first * 1000, 3)
        result[f"{name}: deep ms"] = round(deep * 1000, 3)
        result[f"{name}: bare SQL ms"] = round(bare * 1000, 3)
        result[f"{name}: deep / first"] = round(deep / first, 2)
        result[f"{name}: first / bare"] = round(first / bare, 2)
        result[f"{name}: deep / bare"] = round(deep / bare, 2)
    return result


def _page(storage: SqlAlchemyStorage, wanted: ThreadFilter, after: str | None) -> None:
    with storage.unit(reading=True) as unit:
        page = unit.threads.page(wanted, after=after, limit=PAGE)
    assert len(page.items) == PAGE


def _key_at(storage: SqlAlchemyStorage, wanted: ThreadFilter, depth: int) -> str:
    key: str | None = None
    with storage.unit(reading=True) as unit:
        for _ in range(depth // 10_000):
            key = unit.threads.page(wanted, after=key, limit=10_000).next
            assert key is not None, "the list is shorter than the depth asked for"
    assert key is not None
    return key


@contextmanager
def _bare(engine: sa.Engine, wanted: ThreadFilter) -> Iterator[Callable[[], None]]:
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    condition, values = f"shop = {mark}", [DEFAULT_SHOP]
    if wanted.statuses:
        condition += f" AND status = {mark}"
        values.append(next(iter(wanted.statuses)).value)
    query = f"SELECT * FROM cs_thread WHERE {condition} ORDER BY last_activity_at DESC, id DESC LIMIT {PAGE + 1}"
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()

        def run() -> None:
            cursor.execute(query, values)
            assert len(cursor.fetchall()) == PAGE + 1

        yield run
    finally:
        connection.close()


def _fastest(*runs: Callable[[], None], rounds: int = 300) -> list[float]:
    """Give the shortest time of each, run in turn: what else the machine does only ever adds to a time."""
    times = [float("inf")] * len(runs)
    for _ in range(rounds):
        for place, run in enumerate(runs):
            start = time.perf_counter()
            run()
            times[place] = min(times[place], time.perf_counter() - start)
    return times


if __name__ == "__main__":
    sys.exit(main())
