"""Opening a help desk that lies in a SQL database."""

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from customerservice.adapters.storage.folder_blobs import BlobFolder
from customerservice.adapters.storage.sqlalchemy import schema as versions
from customerservice.adapters.storage.sqlalchemy.connecting import READING, make_engine, read_url, reraise, shown
from customerservice.adapters.storage.sqlalchemy.intake import SqlBlobs
from customerservice.adapters.storage.sqlalchemy.statements import Line
from customerservice.adapters.storage.sqlalchemy.unit_of_work import SqlUnit
from customerservice.errors import StorageUnavailable

# Engines of hosts whose tables were found to be those of this code, with the schema.
_checked: "weakref.WeakKeyDictionary[Engine, set[str | None]]" = weakref.WeakKeyDictionary()


class SqlAlchemyStorage:
    """A help desk in SQLite, PostgreSQL or MariaDB; see `customerservice.ports.storage.Storage`.

    Made by `open` (an engine of its own) or `join` (the host's connection and transaction).
    """

    def __init__(
        self,
        transaction: Callable[[bool], contextlib.AbstractContextManager[Connection]],
        *,
        schema: str | None,
        folder: BlobFolder | None,
        engine: Engine | None,
    ) -> None:
        """Work over connections that `transaction` gives; its argument says that the unit only reads."""
        self._transaction = transaction
        self._schema = schema
        self._folder = folder
        self._engine = engine
        self._busy = threading.local()

    @classmethod
    def open(
        cls,
        url: str,
        *,
        create: bool = False,
        upgrade: bool = False,
        schema: str | None = None,
        blob_folder: Path | None = None,
    ) -> Self:
        """Open a database by URL (``sqlite:///helpdesk.db``, ``postgresql://...``, ``mysql://...``).

        Args:
            url: a relative path of SQLite counts from the working directory.
            create: make the file of SQLite, and the tables where the database has none of ours.
            upgrade: bring older tables up to this code's version.
            schema: of PostgreSQL, or database of MariaDB, that holds the tables; None where the connection leads.
            blob_folder: where the bytes of mails and attachments go; None keeps them in the database. Once chosen, it
                must be given each time.

        Raises:
            StorageUnavailable: it cannot be opened or reached, or does not exist and `create` is false.
            SchemaOutdated: its tables are older than this code, or missing; the text names the command to run.
            SchemaTooNew: its tables are newer than this code.
            InvalidValue: not such a URL.
            MissingExtra: the database's driver is not installed.
        """
        address = read_url(url)
        if address.get_backend_name() == "sqlite" and not create and not Path(str(address.database)).exists():
            raise StorageUnavailable(f"there is no database {address.database} yet; a command that writes makes it")
        engine = make_engine(address)
        try:
            _prepare(engine, shown(address), schema, create=create, upgrade=upgrade)
        except BaseException:
            engine.dispose()
            raise
        return cls(
            lambda reading: _own_transaction(engine, reading),
            schema=schema,
            folder=None if blob_folder is None else BlobFolder(blob_folder),
            engine=engine,
        )

    @classmethod
    def join(cls, host: Connection | Session, *, schema: str | None = None, blob_folder: Path | None = None) -> Self:
        """Work within the transaction of a host's connection or session, which the host commits.

        Each unit is a savepoint: one that fails leaves no trace, and the host's own work stays. Statements of a session
        go over its connection, so nothing the host has pending there is flushed by them. Files of deleted blobs stay in
        the folder until `sweep` of an opened storage.

        The first unit raises `SchemaOutdated` or `SchemaTooNew` where the tables are not those of this code.
        """
        return cls(
            lambda _: _host_transaction(host, schema),
            schema=schema,
            folder=None if blob_folder is None else BlobFolder(blob_folder),
            engine=None,
        )

    @property
    def commits_itself(self) -> bool:
        """False when joined to a host's transaction."""
        return self._engine is not None

    @property
    def engine(self) -> Engine | None:
        """The engine of its own; None when joined to a host's transaction."""
        return self._engine

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for other databases, and for a host's connection."""
        if self._engine is None or self._engine.dialect.name != "sqlite":
            return None
        return Path(str(self._engine.url.database))

    @contextlib.contextmanager
    def unit(self, *, reading: bool = False) -> Iterator[SqlUnit]:
        """Open a unit of work.

        Args:
            reading: nothing will be written in it. On SQLite such a unit waits for no writer, and must not write.
        """
        if getattr(self._busy, "inside", False):
            raise RuntimeError("units of work do not nest")
        self._busy.inside = True
        try:
            with self._transaction(reading) as connection:
                unit = SqlUnit(Line(connection, self._schema), self._folder)
                try:
                    yield unit
                    unit.flush()
                finally:
                    unit.end()
            if self._engine is not None and self._folder is not None:
                for sha256 in unit.blobs.deleted:
                    self._remove_file(self._engine, self._folder, sha256)
        finally:
            self._busy.inside = False

    def sweep(self) -> int:
        """Delete files of the blob folder that no row knows, and give how many; they stay behind after a crash.

        Raises:
            StorageUnavailable: a file cannot be deleted just now.
        """
        if self._engine is None or self._folder is None:
            return 0
        return sum(self._remove_file(self._engine, self._folder, sha256) for sha256 in self._folder.digests())

    def close(self) -> None:
        """Give back connections; those of a host stay open."""
        if self._engine is not None:
            self._engine.dispose()

    def _remove_file(self, engine: Engine, folder: BlobFolder, sha256: str) -> bool:
        """Delete the file of a blob that has no row, and give whether it had none.

        Holding the place of the row, never committed, keeps others from storing the same bytes meanwhile.
        """
        with contextlib.suppress(_Undo), _own_transaction(engine, reading=False) as connection:
            if SqlBlobs(Line(connection, self._schema), folder).is_new(sha256, 0):
                folder.remove(sha256)
                raise _Undo
            return False
        return True


class _Undo(Exception):
    """Ends a transaction without committing it."""


def _prepare(engine: Engine, name: str, schema: str | None, *, create: bool, upgrade: bool) -> None:
    """Connect, and see to it that the tables are those of this code."""
    try:
        with engine.connect().execution_options(**{READING: True}) as connection, connection.begin():
            revision = versions.current_revision(connection, schema=schema)
            wanted = create if revision is None else upgrade
            if not (wanted and versions.needs_upgrade(connection, schema=schema)):
                versions.require_current(connection, schema=schema)
                return
    except SQLAlchemyError as error:
        reraise(error, f"the database {name}")
    versions.upgrade_over(engine, schema=schema)


@contextlib.contextmanager
def _own_transaction(engine: Engine, reading: bool) -> Iterator[Connection]:
    with contextlib.ExitStack() as stack:
        try:
            connection = stack.enter_context(engine.connect())
            if reading:
                connection.execution_options(**{READING: True})
            transaction = connection.begin()
        except SQLAlchemyError as error:
            reraise(error, f"the database {shown(engine.url)}")
        try:
            yield connection
        except BaseException:
            _undo(transaction)
            raise
        try:
            transaction.commit()
        except SQLAlchemyError as error:
            reraise(error, f"the database {shown(engine.url)}")


@contextlib.contextmanager
def _host_transaction(host: Connection | Session, schema: str | None) -> Iterator[Connection]:
    try:
        connection = host.connection() if isinstance(host, Session) else host
        _begin_at_driver(connection)
        checked = _checked.setdefault(connection.engine, set())
        if schema not in checked:
            versions.require_current(connection, schema=schema)
            checked.add(schema)
        savepoint = connection.begin_nested()
    except SQLAlchemyError as error:
        reraise(error, "the host's database")
    try:
        yield connection
    except BaseException:
        _undo(savepoint)
        raise
    try:
        savepoint.commit()
    except SQLAlchemyError as error:
        reraise(error, "the host's database")


def _begin_at_driver(connection: Connection) -> None:
    """Make sure that the driver is in a transaction too.

    Python's sqlite3 begins one only before it writes; a savepoint outside of one would commit when it ends.
    """
    if connection.dialect.name != "sqlite":
        return
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.driver_connection
    if not driver.in_transaction:
        connection.exec_driver_sql("BEGIN")


def _undo(transaction: Any) -> None:
    # The error that ends the unit is what the caller must see, also where the database undid everything by itself.
    with contextlib.suppress(SQLAlchemyError):
        transaction.rollback()
