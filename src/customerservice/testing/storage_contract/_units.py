"""Commit, rollback, isolation, reopening."""

import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from customerservice.domain.actor import ALL_SHOPS
from customerservice.errors import Conflict, StorageError
from customerservice.ports.storage import Storage, UnitOfWork
from customerservice.testing.builders import Builder
from customerservice.testing.storage_contract._basis import ContractBase, MakeStorage, failing, together
from customerservice.testing.storage_contract._samples import Everything
from customerservice.testing.storage_model import check_against_dictionaries


class UnitPromises(ContractBase):
    """Commit, rollback, isolation."""

    def test_ended_unit_is_seen_by_the_next(self, storage: Storage, build: Builder) -> None:
        """What a unit wrote is there for the next one."""
        contact = build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == contact

    def test_unit_sees_its_own_writes(self, storage: Storage, build: Builder) -> None:
        """Reads of a unit see what it wrote before."""
        thread = build.thread()
        with storage.unit() as unit:
            unit.threads.add(thread)
            unit.messages.add([build.message(thread, header_id="1@customer.example")])

            assert unit.threads.get(thread.id) == thread
            assert len(unit.messages.find_header_ids(ALL_SHOPS, ["1@customer.example"])) == 1

    def test_failed_unit_leaves_no_trace(self, storage: Storage, build: Builder) -> None:
        """A unit that ends with an exception has stored nothing, in no repository; the exception passes through."""
        everything = Everything(build)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        with failing(storage) as unit:
            everything.add(unit)

        with storage.unit() as unit:
            assert everything.snapshot(unit) == before

    def test_failed_unit_takes_its_changes_back(self, storage: Storage, build: Builder) -> None:
        """A unit that changes and removes what others stored, and fails, has changed and removed nothing."""
        everything = Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        with failing(storage) as unit:
            everything.change(unit)

        with storage.unit() as unit:
            assert everything.snapshot(unit) == before

    def test_changes_of_an_ended_unit_are_kept(self, storage: Storage, build: Builder) -> None:
        """The same changes in a unit that ends well are all there, so that the test before proves something."""
        everything = Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)
            everything.change(unit)

        with storage.unit() as unit:
            after = everything.snapshot(unit)
        assert [name for name in before if before[name] == after[name]] == []

    def test_interrupt_rolls_back(self, storage: Storage, build: Builder) -> None:
        """Ctrl-C is an exception too."""
        contact = build.contact()
        with failing(storage, KeyboardInterrupt()) as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) is None

    def test_storage_works_on_after_a_failed_unit(self, storage: Storage, build: Builder) -> None:
        """The unit after a failed one is like any other."""
        contact = build.contact()
        with failing(storage) as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            unit.contacts.add(contact)

        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == contact

    def test_reading_unit_sees_what_was_stored(self, storage: Storage, build: Builder) -> None:
        """A unit that only reads gives what a writing one would."""
        everything = Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit(reading=True) as unit:
            assert unit.threads.get(everything.thread.id) == everything.thread
            assert list(unit.contacts.all()) == [everything.contact]
            assert unit.messages.of_thread(everything.thread.id) == [everything.message]

    def test_unit_may_go_on_after_a_conflict(self, storage: Storage, build: Builder) -> None:
        """A `Conflict` that the caller answers spoils nothing else of the unit."""
        contact, missing = build.contact(), build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)
            with pytest.raises(Conflict):
                unit.contacts.save(missing)

        with storage.unit() as unit:
            assert unit.contacts.all() == [contact]

    def test_unfinished_unit_is_not_seen_by_others(self, storage: Storage, build: Builder) -> None:
        """Another thread never sees what a unit wrote that then failed, neither while it lasts nor after."""
        contact = build.contact()
        written, looked = threading.Event(), threading.Event()

        def write() -> None:
            with failing(storage) as unit:
                unit.contacts.add(contact)
                written.set()
                looked.wait(0.3)  # a storage whose units take turns lets the other look only afterwards

        def look() -> object:
            assert written.wait(60)
            with storage.unit() as unit:
                found = unit.contacts.get(contact.id)
            looked.set()
            return found

        assert together(write, look) == [None, None]

    def test_units_of_several_threads_all_commit(self, storage: Storage, build: Builder) -> None:
        """Eight threads with a unit each lose nothing."""
        contacts = [build.contact() for _ in range(8)]

        def add(contact: Any) -> Callable[[], None]:
            def act() -> None:
                with storage.unit() as unit:
                    unit.contacts.add(contact)

            return act

        together(*(add(contact) for contact in contacts))

        with storage.unit() as unit:
            assert unit.contacts.all() == contacts

    def test_everything_is_there_after_reopening(self, storage: Storage, build: Builder) -> None:
        """What was committed outlives the object that stored it."""
        everything = Everything(build)
        with storage.unit() as unit:
            everything.add(unit)
        with storage.unit() as unit:
            before = everything.snapshot(unit)

        again = self.reopened(storage)
        with again.unit() as unit:
            after = everything.snapshot(unit)
        again.close()
        assert after == before

    def test_random_histories_agree_with_dictionaries(self, make_storage: MakeStorage) -> None:
        """Whatever is done, in whatever order, with commits, rollbacks and restarts."""
        check_against_dictionaries(make_storage(), reopened=self.reopened)

    def test_storages_of_one_factory_are_apart(
        self, storage: Storage, make_storage: MakeStorage, build: Builder
    ) -> None:
        """A fresh storage is empty, whatever another holds; otherwise no test here means anything."""
        with storage.unit() as unit:
            unit.contacts.add(build.contact())
        other = make_storage()
        with other.unit() as unit:
            found = unit.contacts.all()
        other.close()

        assert list(found) == []

    def test_close_may_be_called_twice(self, make_storage: MakeStorage) -> None:
        """Closing again does nothing."""
        storage = make_storage()
        storage.close()
        storage.close()

    @pytest.mark.parametrize("what", ["contact", "mailbox", "thread", "message", "delivery", "outbox"])
    def test_taken_id_is_refused(self, storage: Storage, build: Builder, what: str) -> None:
        """Adding under an id that is taken is a `StorageError`, and the unit fails as a whole."""
        everything = Everything(build)
        with storage.unit() as unit:
            everything.add(unit)

        def add_again(unit: UnitOfWork) -> None:
            unit.employees.put(build.employee(name="Stored before the error"))
            match what:
                case "contact":
                    unit.contacts.add(everything.contact)
                case "mailbox":
                    unit.mailboxes.add(everything.mailbox)
                case "thread":
                    unit.threads.add(attrs.evolve(everything.thread, number=4711))
                case "message":
                    unit.messages.add([everything.message])
                case "delivery":
                    key = attrs.evolve(everything.delivery.key, uid=4711)
                    unit.deliveries.add([attrs.evolve(everything.delivery, key=key)])
                case _:
                    unit.outbox.add(everything.entry)

        with pytest.raises(StorageError), storage.unit() as unit:
            add_again(unit)

        with storage.unit() as unit:
            assert unit.employees.all() == [everything.employee]
