"""The storage contract over SQLite, PostgreSQL and MariaDB, and within a host's transaction."""

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from customerservice.adapters.storage.sqlalchemy.connecting import make_engine, read_url
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.adapters.storage.sqlalchemy.tables import metadata
from customerservice.adapters.storage.sqlalchemy.unit_of_work import SqlUnit

pytest.register_assert_rewrite("customerservice.testing.storage_contract")

from customerservice.testing.storage_contract import StorageContract  # noqa: E402 - after the rewrite is asked for

MakeStorage = Callable[[], SqlAlchemyStorage]


@pytest.fixture(scope="module")
def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with empty tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    SqlAlchemyStorage.open(f"sqlite:///{path}", create=True).close()
    return path


def copied(empty_file: Path, folder: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_file, folder / f'{uuid.uuid4().hex}.db')}"


class TestSqliteStorage(StorageContract):
    @pytest.fixture
    def make_storage(self, empty_file: Path, tmp_path: Path) -> MakeStorage:
        return lambda: SqlAlchemyStorage.open(copied(empty_file, tmp_path))

    def reopened(self, storage: SqlAlchemyStorage) -> SqlAlchemyStorage:
        storage.close()
        return SqlAlchemyStorage.open(f"sqlite:///{storage.file}")


class TestSqliteStorageWithBlobFolder(StorageContract):
    @pytest.fixture
    def make_storage(self, empty_file: Path, tmp_path: Path) -> MakeStorage:
        return lambda: SqlAlchemyStorage.open(
            copied(empty_file, tmp_path), blob_folder=tmp_path / f"{uuid.uuid4().hex}-blobs"
        )


class HostTransactions:
    """A host that opens a transaction for each unit of the help desk, and commits it."""

    def __init__(self, url: str) -> None:
        self._engine = make_engine(read_url(url))

    @property
    def commits_itself(self) -> bool:
        return True

    @contextlib.contextmanager
    def unit(self, *, reading: bool = False) -> Iterator[SqlUnit]:
        with self._engine.begin() as connection, SqlAlchemyStorage.join(connection).unit(reading=reading) as unit:
            yield unit

    def close(self) -> None:
        self._engine.dispose()


class TestSqliteJoined(StorageContract):
    @pytest.fixture
    def make_storage(self, empty_file: Path, tmp_path: Path) -> Callable[[], HostTransactions]:
        return lambda: HostTransactions(copied(empty_file, tmp_path))


class Schemas:
    """Sets of tables on one server, emptied and given out again: making them takes longer than most tests.

    Each is a schema of the database on PostgreSQL, and a database beside it on MariaDB.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self._made: list[str] = []
        self._given = 0

    def give(self) -> SqlAlchemyStorage:
        if self._given < len(self._made):
            name = self._made[self._given]
            self._empty(name)
        else:
            name = f"{self._engine.url.database}_{len(self._made)}"
            self._run(f"CREATE SCHEMA {name}")
            self._made.append(name)
        self._given += 1
        return SqlAlchemyStorage.open(self._url, schema=name, create=True)

    def take_back(self) -> None:
        self._given = 0

    def drop(self) -> None:
        for name in self._made:
            self._run(f"DROP SCHEMA {name}" + (" CASCADE" if self._engine.dialect.name == "postgresql" else ""))

    def _empty(self, name: str) -> None:
        if self._engine.dialect.name == "postgresql":
            self._run(f"ALTER SEQUENCE {name}.cs_thread_number_number_seq RESTART")
        else:
            self._run(f"ALTER TABLE {name}.cs_thread_number AUTO_INCREMENT = 1")
        # Faster than TRUNCATE, which makes new files.
        self._run("BEGIN", *(f"DELETE FROM {name}.{table}" for table in reversed(metadata.sorted_tables)), "COMMIT")

    def _run(self, *statements: str) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@pytest.fixture(scope="module")
def postgresql_schemas(postgresql_url: str) -> Iterator[Schemas]:
    schemas = Schemas(postgresql_url)
    yield schemas
    schemas.drop()


@pytest.fixture(scope="module")
def mysql_schemas(mysql_url: str) -> Iterator[Schemas]:
    schemas = Schemas(mysql_url)
    yield schemas
    schemas.drop()


@pytest.mark.postgresql
class TestPostgresqlStorage(StorageContract):
    @pytest.fixture
    def make_storage(self, postgresql_schemas: Schemas) -> Iterator[MakeStorage]:
        yield postgresql_schemas.give
        postgresql_schemas.take_back()


@pytest.mark.mysql
class TestMariadbStorage(StorageContract):
    @pytest.fixture
    def make_storage(self, mysql_schemas: Schemas) -> Iterator[MakeStorage]:
        yield mysql_schemas.give
        mysql_schemas.take_back()
