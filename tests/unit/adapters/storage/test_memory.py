"""What the storage in memory does beyond the promises of all storages."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.domain.mailbox import MailboxHealth
from customerservice.errors import Conflict, InvalidValue
from customerservice.ports.storage import BlobOwner, DeliveryFilter, Lease, UnitOfWork
from customerservice.testing.builders import Builder
from customerservice.testing.clock import BEGINNING


@pytest.fixture
def storage() -> MemoryStorage:
    return MemoryStorage()


@pytest.fixture
def build() -> Builder:
    return Builder()


def test_it_commits_itself(storage: MemoryStorage) -> None:
    """No host's transaction is around its units."""
    assert storage.commits_itself


def test_nested_unit_is_refused_rather_than_waited_for(storage: MemoryStorage) -> None:
    """A thread that opens a unit inside its own gets an error, and the outer unit goes on."""
    with storage.unit() as unit:
        with pytest.raises(RuntimeError, match="nest"), storage.unit():
            pass
        unit.threads.next_number()
    with storage.unit() as unit:
        assert unit.threads.next_number() == 2


def test_ended_unit_cannot_write(storage: MemoryStorage, build: Builder) -> None:
    """A unit kept beyond its end changes nothing any more."""
    with storage.unit() as unit:
        pass
    with pytest.raises(RuntimeError, match="ended"):
        unit.contacts.add(build.contact())

    with storage.unit() as unit:
        assert unit.contacts.all() == []


def test_reading_unit_cannot_write(storage: MemoryStorage, build: Builder) -> None:
    """A unit opened for reading refuses to write."""
    with storage.unit(reading=True) as unit, pytest.raises(RuntimeError, match="reading"):
        unit.contacts.add(build.contact())

    with storage.unit() as unit:
        assert unit.contacts.all() == []


_NAIVE = BEGINNING.replace(tzinfo=None)


@pytest.mark.parametrize(
    "store",
    [
        lambda unit, build: unit.threads.add(build.thread(waiting_since=_NAIVE)),
        lambda unit, build: unit.deliveries.add([build.delivery(received_at=_NAIVE)]),
        lambda unit, build: unit.outbox.add(build.outbox_entry(next_try_at=_NAIVE)),
        lambda unit, build: unit.mailboxes.add(build.mailbox(health=MailboxHealth(last_error_at=_NAIVE))),
        lambda unit, _: unit.leases.acquire("sync", "worker", now=BEGINNING, until=_NAIVE),
    ],
    ids=["thread", "delivery", "outbox", "mailbox", "lease"],
)
def test_moment_without_zone_is_refused(
    storage: MemoryStorage, build: Builder, store: Callable[[UnitOfWork, Builder], None]
) -> None:
    """Nobody can know when it was."""
    with storage.unit() as unit, pytest.raises(InvalidValue, match="aware"):
        store(unit, build)


def test_key_of_a_stored_mail_cannot_change(storage: MemoryStorage, build: Builder) -> None:
    """Where a mail lay at its source is its identity; saving it with another is a conflict."""
    delivery = build.delivery()
    with storage.unit() as unit:
        unit.deliveries.add([delivery])
        with pytest.raises(Conflict):
            unit.deliveries.save([attrs.evolve(delivery, key=attrs.evolve(delivery.key, uid=99))])

        assert unit.deliveries.find(delivery.key) == delivery


@pytest.mark.parametrize("key", ["", "x", "0" * 31, "0" * 33, "G" * 32])
def test_foreign_page_key_of_other_lists_is_refused(storage: MemoryStorage, key: str) -> None:
    """Lists by id take only the keys they gave."""
    with storage.unit() as unit, pytest.raises(InvalidValue, match="after"):
        unit.deliveries.page(DeliveryFilter(), after=key)


def test_bytes_are_kept_as_they_were_put(storage: MemoryStorage) -> None:
    """A buffer the caller changes afterwards does not change what is stored."""
    buffer: Any = bytearray(b"raw")
    with storage.unit() as unit:
        name = unit.blobs.put(buffer, BlobOwner("delivery", "1"))
        buffer[0] = 0

        assert unit.blobs.get(name) == b"raw"


def test_lease_never_given_is_not_held(storage: MemoryStorage) -> None:
    """Giving back a lease that was made up does nothing."""
    made_up = Lease(name="sync", owner="worker", fence=1, until=BEGINNING)
    with storage.unit() as unit:
        unit.leases.release(made_up)

        assert unit.leases.acquire("sync", "other", now=BEGINNING, until=BEGINNING + dt.timedelta(1)) is not None


def test_importing_it_is_light() -> None:
    """It needs neither a database package nor cattrs."""
    program = (
        "import sys, customerservice.adapters.storage.memory as m; m.MemoryStorage();"
        "print([name for name in ('sqlalchemy', 'alembic', 'cattrs', 'imapclient') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout == "[]\n"
