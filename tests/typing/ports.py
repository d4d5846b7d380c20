"""The adapters of this package satisfy the protocols they are written for; a type checker reads this, nothing runs."""

from customerservice.adapters.storage.memory import MemoryStorage, MemoryUnit
from customerservice.ports.storage import Storage, UnitOfWork


def memory_storage_is_a_storage(storage: MemoryStorage) -> Storage:
    """Give it as what callers ask for."""
    return storage


def memory_unit_is_a_unit_of_work(unit: MemoryUnit) -> UnitOfWork:
    """Give it as what callers ask for."""
    return unit
