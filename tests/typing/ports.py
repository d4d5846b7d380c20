"""The adapters of this package satisfy the protocols they are written for; a type checker reads this, nothing runs."""

from customerservice.adapters.storage.memory import MemoryStorage, MemoryUnit
from customerservice.adapters.storage.sqlalchemy.storage import SqlAlchemyStorage
from customerservice.adapters.system import SystemClock, UuidV7Factory
from customerservice.ports.storage import Storage, UnitOfWork
from customerservice.ports.system import Clock, IdFactory
from customerservice.testing.clock import CountingIdFactory, ToldClock


def storages(memory: MemoryStorage, tables: SqlAlchemyStorage) -> list[Storage]:
    """Each storage is what callers ask for."""
    return [memory, tables]


def memory_unit_is_a_unit_of_work(unit: MemoryUnit) -> UnitOfWork:
    """Every repository of it is what callers ask for."""
    return unit


def clocks(system: SystemClock, told: ToldClock) -> list[Clock]:
    """Each clock is what callers ask for."""
    return [system, told]


def factories_of_ids(random: UuidV7Factory, counting: CountingIdFactory) -> list[IdFactory]:
    """Each factory is what callers ask for."""
    return [random, counting]
