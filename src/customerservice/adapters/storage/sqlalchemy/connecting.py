"""Opening databases, and saying in our words what went wrong with one."""

import inspect
import sqlite3
import time
from pathlib import Path
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolExhausted

from customerservice.errors import CustomerServiceError, InvalidValue, MissingExtra, StorageError, StorageUnavailable

#: Execution option of a connection whose unit only reads: on SQLite it then waits for no writer.
READING: Final = "customerservice_reading"

_BUSY_SECONDS: Final = 5
_CONNECT_SECONDS: Final = 10
_DRIVERS: Final = {
    "postgresql": ("psycopg", "postgresql"),
    "mysql": ("pymysql", "mysql"),
    "mariadb": ("pymysql", "mysql"),
}

# Primary result codes (https://sqlite.org/rescode.html) after which the same unit can succeed later.
_SQLITE_TEMPORARY: Final = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_AUTH,
}

# Out of connections, memory or disk; refused; locked; read-only; the connection was lost (mariadb.com error codes).
_MYSQL_TEMPORARY: Final = {
    *(1020, 1021, 1030, 1037, 1038, 1040, 1041, 1042, 1043, 1044, 1045, 1047, 1049, 1053, 1077, 1079, 1080, 1114, 1129),
    *(1130, 1152, 1153, 1158, 1159, 1160, 1161, 1180, 1203, 1205, 1213, 1226, 1290, 1317, 1792, 1836, 1927, 1969, 3024),
    *(2002, 2003, 2005, 2006, 2013, 2014, 2055, 4031),
}


def read_url(text: str) -> URL:
    """Read a database URL; a driver left out becomes psycopg or PyMySQL, a relative SQLite path absolute.

    Raises:
        InvalidValue: not a URL of SQLite, PostgreSQL or MariaDB, or an SQLite database without a file.
    """
    try:
        url = sa.make_url(text)
    except (ArgumentError, ValueError):  # ValueError: a port that is no number
        raise InvalidValue("database", "not a database URL such as sqlite:///helpdesk.db") from None
    backend = url.get_backend_name()
    if backend == "sqlite":
        if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
            raise InvalidValue("database", "SQLite needs the path of a file: sqlite:///helpdesk.db")
        return url.set(drivername="sqlite", database=str(Path(str(url.database)).absolute()))
    if backend not in _DRIVERS:
        raise InvalidValue("database", f"{backend!r} is not one of sqlite, postgresql, mysql, mariadb")
    return url if "+" in url.drivername else url.set(drivername=f"{backend}+{_DRIVERS[backend][0]}")


def shown(url: URL) -> str:
    """Give the URL as an error or a log may show it: without password."""
    return url.render_as_string(hide_password=True)


def make_engine(url: URL) -> Engine:
    """Give an engine of our own; nothing is connected yet.

    Raises:
        InvalidValue: an option of the URL has a value of the wrong kind, or is none of PyMySQL's.
        MissingExtra: the database's driver is not installed.
    """
    backend = url.get_backend_name()
    try:
        if backend == "sqlite":
            patience = {} if "timeout" in url.query else {"timeout": _BUSY_SECONDS}
            engine = sa.create_engine(url, hide_parameters=True, connect_args=patience)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        engine = sa.create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            isolation_level="READ COMMITTED",
            connect_args={} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS},
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise MissingExtra(_DRIVERS[backend][1], f"the database {shown(url)}") from error
    except ValueError as error:
        raise InvalidValue("database", "an option of the URL has a value of the wrong kind") from error
    if url.get_driver_name() == "pymysql":
        _check_pymysql_options(engine, url)
    if backend != "postgresql":
        event.listen(engine, "connect", _prepare_mysql)
    return engine


def _check_pymysql_options(engine: Engine, url: URL) -> None:
    # PyMySQL raises TypeError when it connects; the other drivers raise errors of a database.
    _, options = engine.dialect.create_connect_args(url)
    known = inspect.signature(engine.dialect.loaded_dbapi.connect).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidValue("database", f"the URL has options that PyMySQL does not know: {', '.join(unknown)}")


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by its own rules and lose updates; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA synchronous=FULL")
    if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    # SQLite does not wait for the lock this needs, so two programs that make the same file would disturb each other.
    last = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > last:
                raise
            time.sleep(0.02)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another wrote in between, and no waiting
    # helps; so those that may write take the lock before they read.
    reading = connection.get_execution_options().get(READING, False)
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise OperationalError("BEGIN", None, error, hide_parameters=True) from error


def _prepare_mysql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    # Without the strict mode too long a text is cut in silence.
    cursor.execute("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'")
    cursor.close()


def reraise(error: SQLAlchemyError, doing: str = "the database") -> NoReturn:
    """Raise what SQLAlchemy raised as the `StorageError` it means; every error of a database passes here.

    The driver's own error is kept as cause rather than SQLAlchemy's, whose text may show stored values.
    """
    cause = getattr(error, "orig", None) or error
    if isinstance(error, StatementError) and isinstance(cause, CustomerServiceError):
        raise cause
    if isinstance(error, PoolExhausted):
        raise StorageUnavailable(f"{doing}: all its connections are in use") from cause
    if isinstance(error, DBAPIError) and _is_temporary(error):
        raise StorageUnavailable(f"{doing} cannot be used just now: {_words(cause)}") from cause
    if isinstance(error, OperationalError) or type(error) is DatabaseError:
        raise StorageError(f"{doing} failed: {_words(cause)}") from cause
    # The text of other errors may repeat what was to be stored.
    raise StorageError(f"{doing} refused: {type(cause).__name__}") from cause


def _is_temporary(error: DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    orig = error.orig
    if isinstance(orig, sqlite3.Error):
        code: int | None = getattr(orig, "sqlite_errorcode", None)
        return code is not None and code & 0xFF in _SQLITE_TEMPORARY
    if orig is not None and hasattr(orig, "sqlstate"):
        # psycopg: transaction rollback, out of resources, intervention, system error, lost connections and the like are
        # its OperationalError; 25006 is a read-only transaction.
        return isinstance(error, OperationalError) or orig.sqlstate == "25006"
    arguments = orig.args if orig is not None else ()
    return bool(arguments) and (arguments[0] in _MYSQL_TEMPORARY or arguments[0] == 0)


def _words(error: BaseException) -> str:
    """Give the first line of what the database said; only for errors that do not repeat values."""
    diagnosis = getattr(error, "diag", None)
    text = getattr(diagnosis, "message_primary", None) or (error.args[-1] if error.args else error)
    return (str(text).strip().splitlines() or [type(error).__name__])[0]
