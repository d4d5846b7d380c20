"""What every storage must do, as tests: each promise of `customerservice.ports.storage`, checked on a storage of yours.

Inherit `StorageContract` in a test module and give it a fixture::

    pytest.register_assert_rewrite("customerservice.testing.storage_contract")


    class TestMyStorage(StorageContract):
        @pytest.fixture
        def make_storage(self, tmp_path):
            return lambda: MyStorage(tmp_path / uuid.uuid4().hex)

The fixture gives a function that gives a fresh, empty storage at each call; the tests close what they opened. Override
`StorageContract.reopened` where a storage outlives its object. Several tests use threads, each with a unit of its own;
a storage may let units run side by side or one after the other.
"""

from customerservice.testing.storage_contract._basis import MakeStorage
from customerservice.testing.storage_contract._deliveries import DeliveryPromises
from customerservice.testing.storage_contract._settings import ContactPromises, MailboxPromises
from customerservice.testing.storage_contract._threads import MessagePromises, ThreadPromises
from customerservice.testing.storage_contract._units import UnitPromises
from customerservice.testing.storage_contract._values import ValuePromises
from customerservice.testing.storage_contract._work import BlobPromises, FigurePromises, LeasePromises, OutboxPromises

__all__ = ["MakeStorage", "StorageContract"]


class StorageContract(
    UnitPromises,
    ValuePromises,
    ContactPromises,
    MailboxPromises,
    ThreadPromises,
    MessagePromises,
    DeliveryPromises,
    BlobPromises,
    LeasePromises,
    OutboxPromises,
    FigurePromises,
):
    """Every promise of `customerservice.ports.storage`, as tests.

    A subclass gives the fixture ``make_storage``: a function that gives a fresh, empty storage at each call.
    """
