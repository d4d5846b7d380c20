"""Database URLs, and what trouble with a database is called."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from customerservice.adapters.storage.sqlalchemy.connecting import make_engine, read_url, reraise, shown
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.errors import InvalidValue, StorageError, StorageUnavailable


def test_relative_path_counts_from_the_working_directory() -> None:
    """And stays there when the program goes elsewhere."""
    assert read_url("sqlite:///desk.db").database == str(Path.cwd() / "desk.db")


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("postgresql://host/db", "postgresql+psycopg"),
        ("mysql://host/db", "mysql+pymysql"),
        ("mariadb://host/db", "mariadb+pymysql"),
        ("postgresql+psycopg2://host/db", "postgresql+psycopg2"),
    ],
)
def test_missing_driver_is_ours(text: str, driver: str) -> None:
    """A driver that is named stays."""
    assert read_url(text).drivername == driver


@pytest.mark.parametrize(
    "text", ["", "desk.db", "sqlite://", "sqlite:///:memory:", "sqlite:///file:desk.db?uri=true", "oracle://host/db"]
)
def test_other_urls_are_refused(text: str) -> None:
    """With a text that says what would be right."""
    with pytest.raises(InvalidValue, match="database"):
        read_url(text)


def test_shown_url_has_no_password() -> None:
    """Errors and logs may show it."""
    assert "secret" not in shown(read_url("postgresql://user:secret@host/db"))


@pytest.mark.parametrize("url", ["postgresql://user:secret@127.0.0.1:1/db", "mysql://user:secret@127.0.0.1:1/db"])
def test_server_that_does_not_answer_is_unavailable(url: str) -> None:
    """The text names the database and not the password; the same call can succeed later."""
    with pytest.raises(StorageUnavailable, match=r"127\.0\.0\.1:1/db") as caught:
        SqlAlchemyStorage.open(url)

    assert caught.value.temporary
    assert "secret" not in str(caught.value)


def test_read_command_makes_no_file(tmp_path: Path) -> None:
    """Opening without `create` says that there is no database, and leaves none."""
    with pytest.raises(StorageUnavailable, match="no database"):
        SqlAlchemyStorage.open(f"sqlite:///{tmp_path / 'desk.db'}")

    assert list(tmp_path.iterdir()) == []


def test_folder_that_does_not_exist_is_unavailable(tmp_path: Path) -> None:
    """No folder is made for a mistyped path."""
    with pytest.raises(StorageUnavailable, match="unable to open"):
        SqlAlchemyStorage.open(f"sqlite:///{tmp_path / 'no' / 'desk.db'}", create=True)


def test_file_that_is_no_database_is_an_error(tmp_path: Path) -> None:
    """It is not overwritten, and waiting would not help."""
    path = tmp_path / "desk.db"
    path.write_text("a letter" * 1000)
    with pytest.raises(StorageError, match="not a database") as caught:
        SqlAlchemyStorage.open(f"sqlite:///{path}", create=True)

    assert not caught.value.temporary
    assert path.read_text() == "a letter" * 1000


class Refusal(Exception):
    """What a driver may raise: PyMySQL gives a number first, psycopg has a state."""

    def __init__(self, *args: object, sqlstate: str | None = None) -> None:
        super().__init__(*args)
        if sqlstate is not None:
            self.sqlstate = sqlstate


def wrapped(kind: type[DBAPIError], *args: object, sqlstate: str | None = None) -> DBAPIError:
    return kind("INSERT", {"text": "private words"}, Refusal(*args, sqlstate=sqlstate))


TEMPORARY: list[Callable[[], SQLAlchemyError]] = [
    lambda: PoolExhausted("QueuePool limit"),
    lambda: wrapped(sa.exc.OperationalError, 1213, "Deadlock found"),
    lambda: wrapped(sa.exc.OperationalError, 1205, "Lock wait timeout exceeded"),
    lambda: wrapped(sa.exc.InternalError, 1021, "Disk full"),
    lambda: wrapped(sa.exc.OperationalError, 2013, "Lost connection"),
    lambda: wrapped(sa.exc.InterfaceError, 0, ""),
    lambda: wrapped(sa.exc.OperationalError, "deadlock detected", sqlstate="40P01"),
    lambda: wrapped(sa.exc.OperationalError, "could not extend file", sqlstate="53100"),
    lambda: wrapped(sa.exc.InternalError, "cannot execute in a read-only transaction", sqlstate="25006"),
    lambda: DBAPIError("SELECT", {}, Refusal("gone"), connection_invalidated=True),
]
PERMANENT: list[Callable[[], SQLAlchemyError]] = [
    lambda: wrapped(sa.exc.IntegrityError, 1062, "Duplicate entry 'private words'"),
    lambda: wrapped(sa.exc.DataError, 1406, "Data too long for 'private words'"),
    lambda: wrapped(sa.exc.IntegrityError, "Key (x)=(private words) already exists", sqlstate="23505"),
    lambda: wrapped(sa.exc.OperationalError, 1054, "Unknown column 'x'"),
    lambda: wrapped(sa.exc.ProgrammingError),
    lambda: sa.exc.InvalidRequestError("This session is closed"),
]


@pytest.mark.parametrize("error", [make() for make in TEMPORARY], ids=repr)
def test_trouble_that_passes_is_temporary(error: SQLAlchemyError) -> None:
    """Deadlocks, full disks, lost connections and the like: the same unit can succeed later."""
    with pytest.raises(StorageUnavailable) as caught:
        reraise(error)

    assert caught.value.temporary


@pytest.mark.parametrize("error", [make() for make in PERMANENT], ids=repr)
def test_trouble_that_stays_is_not_temporary(error: SQLAlchemyError) -> None:
    """What the database refuses today it will refuse tomorrow; no stored value is repeated."""
    with pytest.raises(StorageError) as caught:
        reraise(error)

    assert not caught.value.temporary
    assert "private words" not in str(caught.value)


def test_engine_hides_values() -> None:
    """No error of an engine of ours shows what was to be stored."""
    engine = make_engine(read_url("sqlite:///desk.db"))

    assert engine.hide_parameters


@pytest.mark.parametrize(
    ("absent", "program", "extra"),
    [
        ("sqlalchemy", "import customerservice.adapters.storage.sqlalchemy", "sqlalchemy"),
        ("psycopg", "SqlAlchemyStorage.open('postgresql://127.0.0.1:1/db')", "postgresql"),
        ("pymysql", "SqlAlchemyStorage.open('mysql://127.0.0.1:1/db')", "mysql"),
        ("alembic", "upgrade('sqlite:///desk.db')", "sqlalchemy"),
    ],
)
def test_missing_package_is_named(tmp_path: Path, absent: str, program: str, extra: str) -> None:
    """Where an optional package is not installed, the error says what to install."""
    imports = (
        "from customerservice.adapters.storage.sqlalchemy.schema import upgrade\n"
        "from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage\n"
    )
    lines = (
        f"import sys\nsys.modules['{absent}'] = None\nfrom customerservice.errors import MissingExtra\n"
        f"{'' if absent == 'sqlalchemy' else imports}"
        f"try:\n    {program}\nexcept MissingExtra as error:\n    print(error.extra)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", lines], capture_output=True, text=True, cwd=tmp_path, check=True, timeout=60
    )

    assert found.stdout.strip() == extra


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user@host:abc/db",
        "sqlite:///desk.db?timeout=abc",
        "mysql://user@host/db?read_timeout=abc",
        "mysql://user@host/db?nonsense=1",
    ],
)
def test_options_that_cannot_be_meant_are_refused(text: str) -> None:
    """A URL whose parts no driver takes is an `InvalidValue` before anything is connected."""
    with pytest.raises(InvalidValue, match="database:"):
        make_engine(read_url(text))
