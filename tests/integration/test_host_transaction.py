"""The help desk inside a transaction of its host: the host alone commits, whatever the database and driver mode."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from customerservice.adapters.storage.sqlalchemy.schema import upgrade
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.domain.actor import ALL_SHOPS
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.thread import Thread
from customerservice.errors import Conflict, SchemaOutdated
from customerservice.testing.builders import Builder

DATABASES = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("mysql", marks=pytest.mark.mysql),
]


class Base(DeclarativeBase):
    pass


class Order(Base):
    """An order of the host's shop."""

    __tablename__ = "shop_order"
    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture(params=DATABASES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """An engine as hosts make it, over a database with both kinds of tables."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        url = request.getfixturevalue(f"{request.param}_url")
    upgrade(url)
    engine = sa.create_engine(url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=[sa.Connection, Session], ids=["connection", "session"])
def host(request: pytest.FixtureRequest, engine: sa.Engine) -> Iterator[sa.Connection | Session]:
    """What a host hands over: a connection or a session."""
    given: sa.Connection | Session = request.param(engine)
    yield given
    given.close()


@pytest.fixture
def thread() -> Thread:
    """A thread unlike all others, because the databases of servers serve a whole run."""
    return Builder().thread(id=uuid.uuid4(), number=uuid.uuid4().int >> 66)


def add(storage: SqlAlchemyStorage, thread: Thread) -> None:
    with storage.unit() as unit:
        unit.threads.add(thread)


def add_and_lose(storage: SqlAlchemyStorage, thread: Thread) -> None:
    with storage.unit() as unit:
        unit.threads.add(thread)
        unit.threads.save(attrs.evolve(thread, version=9))


def stored(engine: sa.Engine, thread: Thread) -> bool:
    """Whether others see the thread."""
    with engine.connect() as connection, SqlAlchemyStorage.join(connection).unit(reading=True) as unit:
        return unit.threads.get(thread.id) is not None


def orders(engine: sa.Engine) -> list[int]:
    with engine.connect() as connection:
        return list(connection.execute(sa.select(Order.id)).scalars())


def test_commit_of_the_host_keeps_both(engine: sa.Engine, host: sa.Connection | Session, thread: Thread) -> None:
    """The host's row and the help desk's come with the host's commit."""
    host.execute(sa.insert(Order).values(id=1))
    add(SqlAlchemyStorage.join(host), thread)
    host.commit()

    assert (orders(engine), stored(engine, thread)) == ([1], True)


def test_rollback_of_the_host_drops_both(engine: sa.Engine, host: sa.Connection | Session, thread: Thread) -> None:
    """Neither the host's row nor the help desk's is left after the host's rollback."""
    host.execute(sa.insert(Order).values(id=1))
    add(SqlAlchemyStorage.join(host), thread)
    host.rollback()

    assert (orders(engine), stored(engine, thread)) == ([], False)


def test_unit_as_first_word_of_the_host_commits_nothing(
    engine: sa.Engine, host: sa.Connection | Session, thread: Thread
) -> None:
    """A unit that ends before the host said anything is not committed by its end."""
    add(SqlAlchemyStorage.join(host), thread)
    host.rollback()

    assert not stored(engine, thread)


def test_failed_unit_leaves_the_work_of_the_host(
    engine: sa.Engine, host: sa.Connection | Session, thread: Thread
) -> None:
    """A unit that fails takes its own writes back and nothing else; the next one works."""
    storage = SqlAlchemyStorage.join(host)
    failed = attrs.evolve(thread, id=uuid.uuid4(), number=thread.number + 1)
    host.execute(sa.insert(Order).values(id=1))
    with pytest.raises(Conflict):
        add_and_lose(storage, failed)
    add(storage, thread)
    host.commit()

    assert (orders(engine), stored(engine, failed), stored(engine, thread)) == ([1], False, True)


def test_error_of_the_database_leaves_the_work_of_the_host(
    engine: sa.Engine, host: sa.Connection | Session, thread: Thread
) -> None:
    """So does a unit that the database refused something."""
    storage = SqlAlchemyStorage.join(host)
    host.execute(sa.insert(Order).values(id=1))
    add(storage, thread)
    with pytest.raises(Exception, match="refused"):
        add(storage, thread)
    host.commit()

    assert (orders(engine), stored(engine, thread)) == ([1], True)


def test_figures_are_part_of_their_unit(engine: sa.Engine, host: sa.Connection | Session, thread: Thread) -> None:
    """What is written at the end of a unit is rolled back with the host too."""
    key = FigureKey(shop=thread.shop, contact_id=uuid.uuid4(), day=thread.opened_at.date(), figure=Figure.THREADS)
    storage = SqlAlchemyStorage.join(host)
    with storage.unit() as unit:
        unit.figures.add({key: 1})
    host.rollback()

    with storage.unit() as unit:
        assert unit.figures.totals(ALL_SHOPS, contact_id=key.contact_id) == {}


def test_pending_objects_of_a_session_are_not_flushed(engine: sa.Engine, thread: Thread) -> None:
    """The help desk's statements send nothing that the host has not sent itself."""
    with Session(engine) as session:
        session.add(Order(id=1))
        add(SqlAlchemyStorage.join(session), thread)

        assert session.new


def test_joined_storage_commits_nothing_itself(host: sa.Connection | Session) -> None:
    """Use cases that have to commit can tell."""
    assert SqlAlchemyStorage.join(host).commits_itself is False


def test_closing_leaves_the_connection_of_the_host(host: sa.Connection | Session, thread: Thread) -> None:
    """After `close` the host goes on with its connection."""
    storage = SqlAlchemyStorage.join(host)
    add(storage, thread)
    storage.close()

    assert host.execute(sa.select(sa.literal(1))).scalar() == 1


def test_session_is_joined_anew_after_its_commit(
    engine: sa.Engine, host: sa.Connection | Session, thread: Thread
) -> None:
    """One joined storage serves several transactions of its host."""
    storage = SqlAlchemyStorage.join(host)
    host.commit()
    add(storage, thread)
    host.commit()

    assert stored(engine, thread)


def test_missing_tables_are_told(tmp_path: Path) -> None:
    """The first unit says that the tables are missing; the host's transaction goes on."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    with engine.connect() as connection:
        with pytest.raises(SchemaOutdated, match="db upgrade"), SqlAlchemyStorage.join(connection).unit():
            pass

        assert connection.execute(sa.select(sa.literal(1))).scalar() == 1
    engine.dispose()
