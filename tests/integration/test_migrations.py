"""Tables are made, compared and upgraded on each database, beside a host's own."""

import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from customerservice.adapters.storage.sqlalchemy.connecting import make_engine, read_url
from customerservice.adapters.storage.sqlalchemy.schema import (
    HEAD,
    REVISIONS,
    VERSION_TABLE,
    current_revision,
    include_name,
    needs_upgrade,
    upgrade,
)
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.adapters.storage.sqlalchemy.tables import metadata
from customerservice.errors import SchemaOutdated, SchemaTooNew
from customerservice.testing.builders import Builder

DATABASES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mysql),
]


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'desk.db'}"
        return
    server = sa.create_engine(
        request.getfixturevalue(f"{request.param}_url"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    name = f"cs_test_{uuid.uuid4().hex[:12]}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name}" + (" WITH (FORCE)" if request.param == "postgresql" else ""))


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    """An engine over the empty database."""
    engine = make_engine(read_url(url))
    yield engine
    engine.dispose()


def differences(engine: sa.Engine, wanted: sa.MetaData, keep: Any) -> list[Any]:
    """What autogenerate would change to make the database what the metadata says."""
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "target_metadata": wanted, "include_name": keep}
        )
        return list(compare_metadata(context, wanted))


def only_ours(name: str | None, type_: str, parents: Any) -> bool:
    return type_ != "table" or (not include_name(name, type_, parents) and name != VERSION_TABLE)


def set_version(engine: sa.Engine, version: str) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'")


def test_head_equals_tables(url: str, engine: sa.Engine) -> None:
    """What the migrations make is what the code expects: autogenerate finds nothing to change."""
    upgrade(url)

    assert differences(engine, metadata, only_ours) == []


def test_comparison_would_notice(url: str, engine: sa.Engine) -> None:
    """The comparison is not blind: a missing column, index and table are each found."""
    upgrade(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE cs_lease DROP COLUMN owner")
        on = " ON cs_event" if engine.dialect.name == "mysql" else ""
        connection.exec_driver_sql(f"DROP INDEX ix_cs_event_thread_id_id{on}")
        connection.exec_driver_sql("DROP TABLE cs_figure")

    assert {found[0] for found in differences(engine, metadata, only_ours)} == {"add_column", "add_index", "add_table"}


def test_second_upgrade_does_nothing(url: str) -> None:
    """The first upgrade of an empty database works, the second has nothing to do."""
    assert upgrade(url) is True
    assert upgrade(url) is False


def test_version_is_told(url: str, engine: sa.Engine) -> None:
    """An empty database has no version and needs an upgrade; afterwards it has the newest."""
    with engine.connect() as connection:
        assert (current_revision(connection), needs_upgrade(connection)) == (None, True)
    upgrade(url)

    with engine.connect() as connection:
        assert (current_revision(connection), needs_upgrade(connection)) == (HEAD, False)


def test_what_older_tables_hold_is_kept(url: str, engine: sa.Engine) -> None:
    """Contacts of the first version have no language after the upgrade, and all else as it was."""
    build = Builder()
    contact = build.contact()
    storage = SqlAlchemyStorage.open(url, create=True)
    with storage.unit() as unit:
        unit.contacts.add(contact)
    storage.close()
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE cs_contact DROP COLUMN language")
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    with pytest.raises(SchemaOutdated):
        SqlAlchemyStorage.open(url, create=True)

    upgrade(url)

    storage = SqlAlchemyStorage.open(url, create=True)
    with storage.unit(reading=True) as unit:
        assert unit.contacts.get(contact.id) == contact
    storage.close()


def test_version_of_the_host_is_untouched(url: str, engine: sa.Engine) -> None:
    """The host's own Alembic version stays what it is."""
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('host')")
    upgrade(url)

    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars().all() == ["host"]


def test_autogenerate_of_a_host_leaves_our_tables_alone(url: str, engine: sa.Engine) -> None:
    """With `include_name` a host's autogenerate proposes nothing; without it, to drop our tables."""
    host = sa.MetaData()
    sa.Table("shop_order", host, sa.Column("id", sa.Integer, primary_key=True))
    host.create_all(engine)
    upgrade(url)

    assert differences(engine, host, include_name) == []
    assert "remove_table" in {found[0] for found in differences(engine, host, None) if isinstance(found, tuple)}


@pytest.mark.parametrize("most", [3, 20])
def test_interrupted_upgrade_is_completed(url: str, engine: sa.Engine, most: int) -> None:
    """An upgrade that died after some of its changes is completed by the next one."""
    left = iter(range(most))

    def interrupt(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith("CREATE") and next(left, None) is None:
            raise KeyboardInterrupt

    with engine.connect() as connection:
        sa.event.listen(connection, "before_cursor_execute", interrupt)
        with pytest.raises(KeyboardInterrupt):
            upgrade(connection)
    tables_stayed = sa.inspect(engine).has_table("cs_blob")

    assert tables_stayed is (engine.dialect.name == "mysql")
    assert upgrade(url) is True
    assert differences(engine, metadata, only_ours) == []


def test_two_upgrades_at_once_take_turns(url: str) -> None:
    """Of two programs that upgrade an empty database at the same time, one does it and both succeed."""
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(upgrade, [url, url])) == [False, True]


def test_upgrade_in_the_transaction_of_a_host(url: str, engine: sa.Engine) -> None:
    """With a connection nothing is committed, except on MariaDB, which commits each change of a table by itself."""
    with engine.connect() as connection:
        upgrade(connection)
        connection.rollback()

    assert sa.inspect(engine).has_table("cs_thread") is (engine.dialect.name == "mysql")


def test_tables_that_are_missing_are_told(url: str, engine: sa.Engine) -> None:
    """An empty database is not filled unless asked to; the error names the command."""
    engine.connect().close()

    with pytest.raises(SchemaOutdated, match="customerservice db upgrade"):
        SqlAlchemyStorage.open(url)


def test_newer_tables_are_refused(url: str, engine: sa.Engine) -> None:
    """Tables of a version this code does not know are not touched."""
    upgrade(url)
    set_version(engine, "9999")

    with pytest.raises(SchemaTooNew, match="9999"):
        SqlAlchemyStorage.open(url, create=True, upgrade=True)


def test_newer_tables_are_refused_by_upgrade(url: str, engine: sa.Engine) -> None:
    """So does an upgrade."""
    upgrade(url)
    set_version(engine, "9999")

    with pytest.raises(SchemaTooNew, match="upgrade the package"):
        upgrade(url)


def test_known_versions_are_those_of_the_migrations() -> None:
    """The versions the code knows without Alembic are those of the migrations, in order."""
    config = Config()
    config.set_main_option("script_location", "customerservice.adapters.storage.sqlalchemy:migrations")
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)

    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_current_tables_are_opened_without_alembic(tmp_path: Path) -> None:
    """Importing Alembic takes longer than most commands; only changing tables needs it."""
    url = f"sqlite:///{tmp_path / 'desk.db'}"
    upgrade(url)
    program = (
        "import sys\n"
        "from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage\n"
        "SqlAlchemyStorage.open(sys.argv[1]).close()\n"
        "print('alembic' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program, url], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "False"


@pytest.mark.postgresql
def test_chunks_are_not_compressed_by_postgresql(postgresql_url: str) -> None:
    """Mails compress badly: the column of chunks is stored as it is."""
    engine = sa.create_engine(postgresql_url)
    query = (
        "SELECT attstorage FROM pg_attribute WHERE attrelid = 'extra.cs_blob_chunk'::regclass AND attname = 'content'"
    )
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA extra")
    upgrade(postgresql_url, schema="extra")

    with engine.begin() as connection:
        assert connection.exec_driver_sql(query).scalar() == "e"
        connection.exec_driver_sql("DROP SCHEMA extra CASCADE")
    engine.dispose()
