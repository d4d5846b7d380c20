"""The storage in memory keeps the promises of storages."""

import pytest

from customerservice.adapters.storage.memory import MemoryStorage
from customerservice.testing.storage_contract import MakeStorage, StorageContract


class TestMemoryStorage(StorageContract):
    """Everything a storage promises."""

    @pytest.fixture
    def make_storage(self) -> MakeStorage:
        """Give new ones; each is a place of its own."""
        return MemoryStorage
