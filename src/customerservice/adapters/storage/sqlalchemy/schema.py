"""Which version the tables have, and bringing them up to this code's (R108)."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from customerservice.adapters.storage.sqlalchemy.columns import is_mysql
from customerservice.adapters.storage.sqlalchemy.connecting import make_engine, read_url, reraise, shown
from customerservice.adapters.storage.sqlalchemy.tables import PREFIX
from customerservice.errors import MissingExtra, SchemaOutdated, SchemaTooNew, StorageUnavailable

#: Where Alembic keeps the version of our tables; a host's own ``alembic_version`` is another table.
VERSION_TABLE: Final = "cs_alembic_version"

#: Every version this code knows, oldest first; the last is the one it needs.
REVISIONS: Final = ("0001", "0002")

#: The version this code needs.
HEAD: Final = REVISIONS[-1]

# Any number will do, as long as nobody else takes it: held while tables are changed.
_MIGRATION_LOCK: Final = 0x6373_6D69_6772
_LOCK_SECONDS: Final = 60


def include_name(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
    """Tell Alembic's autogenerate of a host to leave the tables of the help desk alone.

    Pass it as ``include_name=`` to ``context.configure`` in the host's ``env.py``, or call it from a function of your
    own there. Without it autogenerate proposes to drop our tables.
    """
    table = name if type_ == "table" else parent_names.get("table_name")
    return table is None or not table.startswith(PREFIX)


def current_revision(connection: Connection, *, schema: str | None = None) -> str | None:
    """Give the version of the tables; None if there are none yet.

    Raises:
        StorageError: the database cannot be asked.
    """
    try:
        if not sa.inspect(connection).has_table(VERSION_TABLE, schema=schema):
            return None
        version = sa.table(VERSION_TABLE, sa.column("version_num", sa.String), schema=schema)
        return connection.execute(sa.select(version.c.version_num)).scalar()
    except SQLAlchemyError as error:
        reraise(error)


def needs_upgrade(connection: Connection, *, schema: str | None = None) -> bool:
    """Whether `upgrade` would do something.

    Raises:
        SchemaTooNew: the tables are newer than this code.
        StorageError: the database cannot be asked.
    """
    revision = current_revision(connection, schema=schema)
    if revision is not None and revision not in REVISIONS:
        raise SchemaTooNew(
            f"the tables have version {revision}, and this customerservice knows none after {HEAD}: upgrade the package"
        )
    return revision != HEAD


def require_current(connection: Connection, *, schema: str | None = None) -> None:
    """Make sure that the tables are those of this code.

    Raises:
        SchemaOutdated: they are older, or there are none.
        SchemaTooNew: they are newer.
        StorageError: the database cannot be asked.
    """
    if needs_upgrade(connection, schema=schema):
        revision = current_revision(connection, schema=schema)
        found = "there are no tables yet" if revision is None else f"the tables have version {revision}"
        raise SchemaOutdated(f"{found}, and version {HEAD} is needed: run 'customerservice db upgrade'")


def upgrade(database: str | Connection, *, schema: str | None = None) -> bool:
    """Bring the tables up to this code's version, making them where there are none; gives whether anything was done.

    With a URL everything is committed at the end. With a connection of a host the work is part of its transaction,
    which the host commits; MariaDB commits each change of a table by itself all the same. What was interrupted there is
    completed by the next call. Two programs that call this at once take turns.

    Raises:
        SchemaTooNew: the tables are newer than this code; nothing was changed.
        StorageUnavailable: the database cannot be opened or changed just now.
        MissingExtra: Alembic is not installed.
    """
    if isinstance(database, Connection):
        try:
            with _taking_turns(database):
                return _upgrade(database, schema)
        except SQLAlchemyError as error:
            reraise(error)
    engine = make_engine(read_url(database))
    try:
        return upgrade_over(engine, schema=schema)
    finally:
        engine.dispose()


def upgrade_over(engine: Engine, *, schema: str | None = None) -> bool:
    """Bring the tables up over an engine of our own, and commit; see `upgrade`."""
    try:
        with engine.connect() as connection, _taking_turns(connection):
            done = _upgrade(connection, schema)
            connection.commit()
            return done
    except SQLAlchemyError as error:
        reraise(error, f"the database {shown(engine.url)}")


def _upgrade(connection: Connection, schema: str | None) -> bool:
    with _into(connection, schema):
        if not needs_upgrade(connection, schema=schema):
            return False
        _run_migrations(connection, schema)
        return True


def _run_migrations(connection: Connection, schema: str | None) -> None:
    try:
        from alembic import command
        from alembic.config import Config
    except ModuleNotFoundError as error:
        raise MissingExtra("sqlalchemy", "changing the tables of a database") from error
    config = Config()
    config.set_main_option("script_location", "customerservice.adapters.storage.sqlalchemy:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    config.attributes["schema"] = schema
    command.upgrade(config, HEAD)


@contextlib.contextmanager
def _into(connection: Connection, schema: str | None) -> Iterator[None]:
    """Let statements that name no schema go to this one, and afterwards where they went before."""
    before: Any = connection.get_execution_options().get("schema_translate_map")
    if schema is not None:
        connection.execution_options(schema_translate_map={None: schema})
    try:
        yield
    finally:
        if schema is not None:
            connection.execution_options(schema_translate_map=before)


@contextlib.contextmanager
def _taking_turns(connection: Connection) -> Iterator[None]:
    # On SQLite the transaction itself keeps others out.
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
        yield
    elif is_mysql(connection.dialect):
        name = f"{PREFIX}{_MIGRATION_LOCK}"
        if connection.execute(sa.select(sa.func.get_lock(name, _LOCK_SECONDS))).scalar() != 1:
            raise StorageUnavailable("another program is changing the tables of the help desk; try again")
        try:
            yield
        finally:
            # A connection that was lost has given the lock back already.
            with contextlib.suppress(SQLAlchemyError):
                connection.execute(sa.select(sa.func.release_lock(name)))
    else:
        yield
