"""What the parts of the storage contract share: fixtures, moments, shops, and threads that start together."""

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from customerservice.domain.actor import ShopScope
from customerservice.domain.figures import Figure, FigureKey
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.message import Message
from customerservice.domain.thread import Thread
from customerservice.ports.storage import Storage, ThreadFilter, UnitOfWork
from customerservice.testing.builders import Builder
from customerservice.testing.clock import BEGINNING

T = TypeVar("T")

MakeStorage = Callable[[], Storage]

MINUTE = dt.timedelta(minutes=1)
EARLIER = BEGINNING - MINUTE
LATER = BEGINNING + MINUTE
ONE_SHOP = ShopId("one")
OTHER_SHOP = ShopId("two")
ONE = ShopScope.of(ONE_SHOP)
GREATEST_UID = 2**32 - 1

#: Pairs of keys that a careless comparison takes for one another.
ALMOST_EQUAL = (
    ("abc@shop.example", "ABC@shop.example"),
    ("resume", "resumé"),
    ("caf\u00e9", "cafe\u0301"),
    ("strasse", "straße"),
    ("ends", "ends "),
    ("ends", "ends\u3000"),
    ("I", "ı"),
    ("Σ", "ς"),
    ("a%", "ab"),
    ("a_c", "abc"),
    ("😀", "😁"),
    ("x" * 190 + "a", "x" * 190 + "b"),
)


class Interrupted(Exception):
    """Ends a unit from inside."""


@contextlib.contextmanager
def failing(storage: Storage, error: BaseException | None = None) -> Iterator[UnitOfWork]:
    """Give a unit that ends with an exception, which must come out of it unchanged."""
    error = Interrupted() if error is None else error
    passed_through: BaseException | None = None
    try:
        with storage.unit() as unit:
            yield unit
            raise error
    except type(error) as raised:
        passed_through = raised
    assert passed_through is error


class ContractBase:
    """The fixtures of every part."""

    @pytest.fixture
    def build(self) -> Builder:
        """Give the builder of the test's values."""
        return Builder()

    @pytest.fixture
    def storage(self, make_storage: MakeStorage) -> Iterator[Storage]:
        """Give a fresh, empty storage, closed after the test."""
        storage = make_storage()
        yield storage
        storage.close()

    def reopened(self, storage: Storage) -> Storage:
        """Give the storage as a program finds it that starts anew.

        Override it to close the given one and open another on the same place; a storage without a place stays as it is.
        """
        return storage


def together(*actions: Callable[[], T]) -> list[T]:
    """Run each in a thread of its own, all started at once; gives their results in order, or raises the first error."""
    start = threading.Barrier(len(actions), timeout=60)

    def run(action: Callable[[], T]) -> T:
        start.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        futures = [threads.submit(run, action) for action in actions]
        return [future.result(timeout=100) for future in futures]


def store(storage: Storage, *threads: Thread, messages: Sequence[Message] = ()) -> None:
    """Store threads, then messages, in one unit."""
    with storage.unit() as unit:
        for thread in threads:
            unit.threads.add(thread)
        unit.messages.add(messages)


def all_threads(storage: Storage, wanted: ThreadFilter, limit: int = 50) -> list[Thread]:
    """Read a list page by page, each in a unit of its own; every page but the last must be full."""
    found: list[Thread] = []
    after = None
    while True:
        with storage.unit() as unit:
            page = unit.threads.page(wanted, after=after, limit=limit)
        found += page.items
        after = page.next
        if after is None:
            assert len(page.items) <= limit
            return found
        assert len(page.items) == limit


def ids_of(values: Sequence[Any]) -> list[Any]:
    """Give the ids of these, in their order."""
    return [value.id for value in values]


def figure_key(
    day: dt.date, figure: Figure = Figure.THREADS, *, shop: ShopId = ONE_SHOP, contact: ContactId | None = None
) -> FigureKey:
    """Give where a figure is filed: number of threads, in one shop, without contact, unless told."""
    return FigureKey(shop=shop, contact_id=contact, day=day, figure=figure)
