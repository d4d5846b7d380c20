"""What happens to a storage: full, locked, read-only, cut off, deadlocked, damaged; nothing is lost and it works on."""

import contextlib
import datetime as dt
import hashlib
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import sqlalchemy as sa

from customerservice.adapters.storage.sqlalchemy.connecting import make_engine, read_url
from customerservice.adapters.storage.sqlalchemy.intake import CHUNK_BYTES
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.domain.actor import ALL_SHOPS
from customerservice.domain.contact import Contact
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.thread import Thread
from customerservice.errors import StorageError, StorageUnavailable, StoredBytesLost
from customerservice.ports.storage import BlobOwner, ThreadFilter
from customerservice.testing.builders import Builder

OWNER = BlobOwner("delivery", "1")
CONTENT = b"raw mail"
NAME = hashlib.sha256(CONTENT).hexdigest()
SERVERS = [
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mysql),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An SQLite database with empty tables."""
    path = tmp_path / "desk.db"
    SqlAlchemyStorage.open(f"sqlite:///{path}", create=True).close()
    return path


def opened(path: Path) -> SqlAlchemyStorage:
    """Open it so that it waits 50 ms for a lock."""
    return SqlAlchemyStorage.open(f"sqlite:///{path}?timeout=0.05")


@pytest.fixture
def storage(path: Path) -> Iterator[SqlAlchemyStorage]:
    storage = opened(path)
    yield storage
    storage.close()


def put(storage: SqlAlchemyStorage, content: bytes = CONTENT, owner: BlobOwner = OWNER) -> str:
    with storage.unit() as unit:
        return unit.blobs.put(content, owner)


def got(storage: SqlAlchemyStorage, name: str = NAME) -> bytes:
    with storage.unit(reading=True) as unit:
        return unit.blobs.get(name)


def release(storage: SqlAlchemyStorage, owner: BlobOwner = OWNER) -> None:
    with storage.unit() as unit:
        unit.blobs.release(NAME, owner)


def add(storage: SqlAlchemyStorage, contact: Contact) -> None:
    with storage.unit() as unit:
        unit.contacts.add(contact)


def test_full_disk_is_temporary(path: Path) -> None:
    """A unit that finds no space leaves nothing; once there is space, the same unit succeeds."""
    storage = opened(path)
    limit = 100
    event_engine = storage.engine
    assert event_engine is not None

    @sa.event.listens_for(event_engine, "checkout")
    def bound(connection: Any, *_: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {limit}")

    with pytest.raises(StorageUnavailable, match="full"):
        put(storage, b"x" * 5_000_000)
    limit = 1_000_000

    assert got(storage, put(storage, b"x" * 5_000_000)) == b"x" * 5_000_000
    storage.close()


def test_read_only_database_is_temporary(path: Path, storage: SqlAlchemyStorage) -> None:
    """Reading goes on."""
    put(storage)
    assert storage.engine is not None
    sa.event.listen(storage.engine, "checkout", lambda connection, *_: connection.execute("PRAGMA query_only = 1"))
    with pytest.raises(StorageUnavailable, match="readonly"):
        put(storage, b"other")

    assert got(storage) == CONTENT


def test_locked_database_is_temporary(path: Path, storage: SqlAlchemyStorage) -> None:
    """A unit waits for a writer, not for ever; afterwards it succeeds."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="locked"):
        put(storage)
    other.execute("ROLLBACK")
    other.close()

    assert got(storage, put(storage)) == CONTENT


def test_reading_waits_for_no_writer(path: Path, storage: SqlAlchemyStorage) -> None:
    """A page is shown while a sync writes."""
    put(storage)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert got(storage) == CONTENT
    other.close()


def test_reading_unit_sees_one_state(path: Path, storage: SqlAlchemyStorage) -> None:
    """What others commit meanwhile is not half seen."""
    contact = Builder().contact()
    with storage.unit(reading=True) as unit:
        before = unit.contacts.all()
        other = opened(path)
        thread = threading.Thread(target=add, args=(other, contact))
        thread.start()
        thread.join()
        after = unit.contacts.all()
    other.close()

    assert (list(before), list(after)) == ([], [])


def test_database_survives_power_cuts(storage: SqlAlchemyStorage) -> None:
    """What a unit committed is on the disk, and readers and writers do not wait for each other."""
    assert storage.engine is not None
    with storage.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_blobs_lie_in_rows_of_at_most_a_megabyte(path: Path, storage: SqlAlchemyStorage) -> None:
    """MariaDB breaks the connection over larger statements."""
    put(storage, bytes(2_500_001))
    with contextlib.closing(sqlite3.connect(path)) as other:
        rows = other.execute("SELECT length(content) FROM cs_blob_chunk ORDER BY position").fetchall()

    assert rows == [(CHUNK_BYTES,), (CHUNK_BYTES,), (500_001,)]
    assert CHUNK_BYTES <= 1024 * 1024


@pytest.mark.parametrize(
    "damage", ["UPDATE cs_blob_chunk SET content = x'00'", "DELETE FROM cs_blob_chunk"], ids=["changed", "missing"]
)
def test_damaged_bytes_are_not_given_out(path: Path, storage: SqlAlchemyStorage, damage: str) -> None:
    """Bytes with another digest than they were stored under are an error."""
    put(storage)
    other = sqlite3.connect(path)
    other.execute(damage)
    other.commit()
    other.close()

    with pytest.raises(StoredBytesLost, match=NAME):
        got(storage)


@pytest.fixture
def with_folder(path: Path, tmp_path: Path) -> Iterator[SqlAlchemyStorage]:
    """A storage that keeps blobs in the folder ``blobs``."""
    storage = SqlAlchemyStorage.open(f"sqlite:///{path}", blob_folder=tmp_path / "blobs")
    yield storage
    storage.close()


def files(tmp_path: Path) -> list[str]:
    return sorted(found.name for found in (tmp_path / "blobs").rglob("*") if found.is_file())


def test_blobs_in_a_folder_are_not_in_the_database(path: Path, tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """Only who needs them is."""
    put(with_folder)

    assert files(tmp_path) == [NAME]
    with contextlib.closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT count(*) FROM cs_blob_chunk").fetchone() == (0,)


@pytest.mark.parametrize("damage", [lambda file: file.write_bytes(b"x"), Path.unlink], ids=["changed", "missing"])
def test_damaged_file_is_not_given_out(
    tmp_path: Path, with_folder: SqlAlchemyStorage, damage: Callable[[Path], object]
) -> None:
    """The same holds for files."""
    put(with_folder)
    damage(next((tmp_path / "blobs").rglob(NAME)))

    with pytest.raises(StoredBytesLost):
        got(with_folder)


def test_file_goes_with_the_last_owner(tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """And not before."""
    other = attrs.evolve(OWNER, id="2")
    put(with_folder)
    put(with_folder, owner=other)
    release(with_folder)
    with_one_owner = files(tmp_path)
    release(with_folder, other)

    assert (with_one_owner, files(tmp_path)) == ([NAME], [])


def test_file_stays_when_the_unit_fails(tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """It is deleted only once nobody can need it again."""
    put(with_folder)
    with pytest.raises(KeyboardInterrupt):
        _release_and_fail(with_folder)

    assert got(with_folder) == CONTENT


def _release_and_fail(storage: SqlAlchemyStorage) -> None:
    with storage.unit() as unit:
        unit.blobs.release(NAME, OWNER)
        raise KeyboardInterrupt


def test_bytes_released_and_put_again_in_one_unit_stay(tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """The file of a row that is there at the end is not deleted."""
    put(with_folder)
    with with_folder.unit() as unit:
        unit.blobs.release(NAME, OWNER)
        unit.blobs.put(CONTENT, OWNER)

    assert got(with_folder) == CONTENT


def test_sweep_deletes_files_nobody_knows(tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """Those of failed units; what is needed stays."""
    put(with_folder)
    with pytest.raises(KeyboardInterrupt):
        _put_and_fail(with_folder, b"lost")
    left_behind = len(files(tmp_path)) - 1

    assert (left_behind, with_folder.sweep(), files(tmp_path)) == (1, 1, [NAME])


def _put_and_fail(storage: SqlAlchemyStorage, content: bytes) -> None:
    with storage.unit() as unit:
        unit.blobs.put(content, OWNER)
        raise KeyboardInterrupt


def test_sweep_without_folder_does_nothing(storage: SqlAlchemyStorage) -> None:
    """Blobs of the database need none."""
    put(storage)

    assert storage.sweep() == 0
    assert got(storage) == CONTENT


def test_joined_storage_leaves_files_to_the_sweep(path: Path, tmp_path: Path, with_folder: SqlAlchemyStorage) -> None:
    """Whether the host commits is not known when its unit ends."""
    put(with_folder)
    assert with_folder.engine is not None
    with with_folder.engine.begin() as connection:
        release(SqlAlchemyStorage.join(connection, blob_folder=tmp_path / "blobs"))
    left_behind = files(tmp_path)

    assert (left_behind, with_folder.sweep(), files(tmp_path)) == ([NAME], 1, [])


def test_units_do_not_nest(storage: SqlAlchemyStorage) -> None:
    """A thread that opens a second one is told at once, rather than wait for itself."""
    with storage.unit(), pytest.raises(RuntimeError, match="nest"), storage.unit():
        pass


def test_ended_unit_refuses_everything(storage: SqlAlchemyStorage) -> None:
    """What is written behind the end would go nowhere."""
    with storage.unit() as unit:
        pass

    with pytest.raises(RuntimeError, match="ended"):
        unit.contacts.all()


def test_file_is_told(path: Path, storage: SqlAlchemyStorage) -> None:
    """Only SQLite has one, and a joined storage does not say."""
    assert storage.file == path
    assert storage.engine is not None
    with storage.engine.connect() as connection:
        assert SqlAlchemyStorage.join(connection).file is None


def test_refused_row_fails_its_unit_also_when_the_error_is_caught(storage: SqlAlchemyStorage) -> None:
    """Rows are written together, so what else waits cannot be told from what was refused."""
    build = Builder()
    thread, twin = build.thread(number=7), build.thread(number=7)
    with pytest.raises(StorageError):
        _add_and_catch(storage, thread, twin)

    with storage.unit() as unit:
        assert unit.threads.by_number(7) is None


def _add_and_catch(storage: SqlAlchemyStorage, *threads: Thread) -> None:
    with storage.unit() as unit:
        for thread in threads:
            unit.threads.add(thread)
        with contextlib.suppress(StorageError):
            unit.threads.get(threads[0].id)


def test_rows_of_a_unit_are_written_together(storage: SqlAlchemyStorage) -> None:
    """A hundred threads with their messages cost a statement for each table, not for each row."""
    build = Builder()
    statements: list[str] = []
    assert storage.engine is not None
    sa.event.listen(storage.engine, "before_cursor_execute", lambda *words: statements.append(words[2]))
    with storage.unit() as unit:
        for number in range(100):
            thread = build.thread(number=number + 1)
            unit.threads.add(thread)
            unit.messages.add([build.message(thread, header_id=f"{number}@x", attachments=(build.attachment(),))])
            unit.events.add([build.event(thread)])

    assert len([words for words in statements if words.startswith("INSERT")]) == 6


def test_message_id_is_known_within_its_unit(storage: SqlAlchemyStorage) -> None:
    """A batch of mails is read in one unit, and one of them may answer another."""
    build = Builder()
    thread = build.thread()
    message = build.message(thread, header_id="1@x")
    with storage.unit() as unit:
        unit.threads.add(thread)
        unit.messages.add([message])

        assert [known.message_id for known in unit.messages.find_header_ids(ALL_SHOPS, ["1@x"])] == [message.id]


def test_list_of_more_shops_than_one_statement_asks_for(storage: SqlAlchemyStorage) -> None:
    """The order holds over all of them."""
    build = Builder()
    threads = [
        build.thread(shop=ShopId(f"shop {number % 60}"), last_activity_at=build.at + dt.timedelta(seconds=number))
        for number in range(120)
    ]
    with storage.unit() as unit:
        for thread in threads:
            unit.threads.add(thread)
        first = unit.threads.page(ThreadFilter(), limit=70)
        second = unit.threads.page(ThreadFilter(), after=first.next, limit=70)

    assert [thread.id for thread in (*first.items, *second.items)] == [thread.id for thread in reversed(threads)]


def test_more_rows_than_may_wait_are_all_written(storage: SqlAlchemyStorage) -> None:
    """A very large unit writes in between."""
    build = Builder()
    thread = build.thread()
    with storage.unit() as unit:
        unit.threads.add(thread)
        for _ in range(3000):
            unit.events.add([build.event(thread)])

    with storage.unit() as unit:
        assert len(unit.events.of_thread(thread.id)) == 3000


@pytest.fixture(params=SERVERS)
def on_server(request: pytest.FixtureRequest) -> Iterator[SqlAlchemyStorage]:
    """A storage on a server."""
    storage = SqlAlchemyStorage.open(request.getfixturevalue(f"{request.param}_url"), create=True)
    yield storage
    storage.close()


def test_storage_on_a_server_has_no_file(on_server: SqlAlchemyStorage) -> None:
    """The key file has no place beside it."""
    assert on_server.file is None


def test_unit_whose_connection_is_cut_is_temporary(on_server: SqlAlchemyStorage) -> None:
    """The unit fails; the next one gets a fresh connection."""
    contact = Builder().contact(id=ContactId(uuid.uuid4()))
    with pytest.raises(StorageUnavailable):
        _add_and_cut(on_server, contact)
    add(on_server, contact)

    with on_server.unit() as unit:
        assert unit.contacts.get(contact.id) == contact


def _add_and_cut(storage: SqlAlchemyStorage, contact: Contact) -> None:
    with storage.unit() as unit:
        unit.contacts.add(contact)
        _cut_all(storage)
        unit.contacts.get(contact.id)


def test_stale_connection_of_the_pool_is_replaced(on_server: SqlAlchemyStorage) -> None:
    """A server that was restarted between two units is not noticed."""
    contact = Builder().contact(id=ContactId(uuid.uuid4()))
    add(on_server, contact)
    _cut_all(on_server)

    with on_server.unit() as unit:
        assert unit.contacts.get(contact.id) == contact


def _cut_all(storage: SqlAlchemyStorage) -> None:
    """End all other connections to the database, as a restart does."""
    assert storage.engine is not None
    engine = sa.create_engine(storage.engine.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return
        query = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
        for number in connection.exec_driver_sql(query).scalars().all():
            connection.exec_driver_sql(f"KILL {number}")


def test_deadlock_is_temporary(on_server: SqlAlchemyStorage) -> None:
    """Of two units that wait for each other one fails, temporarily; the other succeeds."""
    build = Builder()
    first, second = (build.contact(id=ContactId(uuid.uuid4())) for _ in range(2))
    add(on_server, first)
    add(on_server, second)
    both_hold_one = threading.Barrier(2, timeout=30)
    ends: list[Exception | None] = []

    def save(one: Contact, other: Contact) -> None:
        try:
            with on_server.unit() as unit:
                unit.contacts.save(one)
                both_hold_one.wait()
                unit.contacts.save(other)
        except Exception as error:
            ends.append(error)
        else:
            ends.append(None)

    threads = [threading.Thread(target=save, args=order) for order in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(type(end).__name__ for end in ends) == ["NoneType", "StorageUnavailable"]


def test_engine_of_ours_reads_committed(on_server: SqlAlchemyStorage) -> None:
    """So that a unit that reads again sees what others committed, on MariaDB too."""
    assert on_server.engine is not None
    engine = make_engine(read_url(on_server.engine.url.render_as_string(hide_password=False)))
    with engine.connect() as connection:
        assert connection.get_isolation_level() == "READ COMMITTED"
    engine.dispose()
