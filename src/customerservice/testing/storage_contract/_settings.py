"""Departments, employees and mailboxes."""

import datetime as dt

import attrs
import pytest

from customerservice.domain.actor import ShopScope
from customerservice.domain.ids import MailboxId, ShopId
from customerservice.domain.references import EmployeeRef
from customerservice.errors import Conflict
from customerservice.ports.storage import Storage, SyncCursor
from customerservice.testing.builders import CUSTOMER_ADDRESS, Builder
from customerservice.testing.storage_contract._basis import (
    ALMOST_EQUAL,
    GREATEST_UID,
    ONE,
    ONE_SHOP,
    OTHER_SHOP,
    ContractBase,
)
from customerservice.testing.storage_contract._samples import full_mailbox


class ContactPromises(ContractBase):
    """Departments and employees."""

    def test_contacts_come_by_position_then_id(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were added in."""
        last, first, second = build.contact(position=5), build.contact(position=0), build.contact(position=0)
        with storage.unit() as unit:
            for contact in (second, last, first):
                unit.contacts.add(contact)

            assert unit.contacts.all() == [first, second, last]

    def test_contacts_of_other_shops_are_left_out(self, storage: Storage, build: Builder) -> None:
        """A scope names whole shops, exactly; without one all are given."""
        mine, other, almost = (build.contact(shop=ShopId(shop)) for shop in ("one", "two", "ONE"))
        with storage.unit() as unit:
            for contact in (mine, other, almost):
                unit.contacts.add(contact)

            assert unit.contacts.all(ONE) == [mine]
            assert unit.contacts.all(ShopScope.of(ONE_SHOP, OTHER_SHOP)) == [mine, other]
            assert unit.contacts.all(ShopScope.of()) == []
            assert unit.contacts.all() == [mine, other, almost]

    def test_saved_contact_has_a_new_version(self, storage: Storage, build: Builder) -> None:
        """`save` gives the value as it is stored now, which can be saved again."""
        contact = build.contact(addresses=(CUSTOMER_ADDRESS,))
        with storage.unit() as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            saved = unit.contacts.save(attrs.evolve(contact, position=3, addresses=()))
            again = unit.contacts.save(attrs.evolve(saved, position=4))

        assert saved == attrs.evolve(contact, position=3, addresses=(), version=2)
        with storage.unit() as unit:
            assert unit.contacts.get(contact.id) == again == attrs.evolve(saved, position=4, version=3)

    def test_stale_contact_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Saving what somebody else changed meanwhile changes nothing; so does saving what was never stored."""
        contact = build.contact()
        with storage.unit() as unit:
            unit.contacts.add(contact)
        with storage.unit() as unit:
            saved = unit.contacts.save(contact)
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.contacts.save(attrs.evolve(contact, position=9))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.contacts.save(build.contact())

        with storage.unit() as unit:
            assert unit.contacts.all() == [saved]

    def test_employee_is_replaced_by_reference(self, storage: Storage, build: Builder) -> None:
        """Putting one again replaces the one with the same reference; nothing optional stays behind."""
        with storage.unit() as unit:
            unit.employees.put(build.employee())
        changed = build.employee(name="Anna B.", email=None, enabled=False)
        with storage.unit() as unit:
            unit.employees.put(changed)
        with storage.unit() as unit:
            assert unit.employees.get(changed.ref) == changed
            assert unit.employees.all() == [changed]

    def test_employees_come_by_name_then_reference(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were put in."""
        names = [("e3", "Berta"), ("e2", "Anna"), ("e1", "Anna"), ("e0", "Carla")]
        with storage.unit() as unit:
            for reference, name in names:
                unit.employees.put(build.employee(ref=EmployeeRef(reference), name=name))

            assert [employee.ref.id for employee in unit.employees.all()] == ["e1", "e2", "e3", "e0"]

    @pytest.mark.parametrize(("one", "other"), ALMOST_EQUAL)
    def test_employees_are_told_apart_exactly(self, storage: Storage, build: Builder, one: str, other: str) -> None:
        """References that look alike are different employees."""
        if not other.isprintable():
            other = f"x{other.strip()}"
        with storage.unit() as unit:
            unit.employees.put(build.employee(ref=EmployeeRef(one), name="One"))

            assert unit.employees.get(EmployeeRef(other)) is None
            unit.employees.put(build.employee(ref=EmployeeRef(other), name="Other"))
        with storage.unit() as unit:
            found = unit.employees.get(EmployeeRef(one))
            assert found is not None
            assert found.name == "One"


class MailboxPromises(ContractBase):
    """Mailboxes, and how far each was read."""

    def test_mailboxes_come_by_id(self, storage: Storage, build: Builder) -> None:
        """Whatever order they were added in, within a scope."""
        first, other, last = (
            build.mailbox(shop=ONE_SHOP),
            build.mailbox(shop=OTHER_SHOP),
            build.mailbox(shop=ONE_SHOP),
        )
        with storage.unit() as unit:
            for mailbox in (last, other, first):
                unit.mailboxes.add(mailbox)

            assert unit.mailboxes.all() == [first, other, last]
            assert unit.mailboxes.all(ONE) == [first, last]

    def test_saved_mailbox_is_replaced_as_a_whole(self, storage: Storage, build: Builder) -> None:
        """Nothing of the old value stays; the version rises."""
        full = full_mailbox(build)
        with storage.unit() as unit:
            unit.mailboxes.add(full)
        bare = build.mailbox(id=full.id, version=full.version)
        with storage.unit() as unit:
            saved = unit.mailboxes.save(bare)

        assert saved == attrs.evolve(bare, version=full.version + 1)
        with storage.unit() as unit:
            assert unit.mailboxes.get(full.id) == saved

    def test_stale_mailbox_is_a_conflict(self, storage: Storage, build: Builder) -> None:
        """Saving what somebody else changed meanwhile changes nothing; so does saving what was never stored."""
        mailbox = build.mailbox()
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            saved = unit.mailboxes.save(mailbox)
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.mailboxes.save(attrs.evolve(mailbox, user="other"))
        with pytest.raises(Conflict), storage.unit() as unit:
            unit.mailboxes.save(build.mailbox())

        with storage.unit() as unit:
            assert unit.mailboxes.all() == [saved]

    def test_removed_mailbox_is_gone_with_its_cursor(self, storage: Storage, build: Builder) -> None:
        """Its mails stay; removing what is not there does nothing."""
        mailbox, other = build.mailbox(), build.mailbox()
        delivery = build.delivery(mailbox_id=mailbox.id)
        cursor = SyncCursor(mailbox_id=other.id, epoch=1, uid=1)
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            unit.mailboxes.add(other)
            unit.mailboxes.save_cursor(SyncCursor(mailbox_id=mailbox.id, epoch=1, uid=1))
            unit.mailboxes.save_cursor(cursor)
            unit.deliveries.add([delivery])
        with storage.unit() as unit:
            unit.mailboxes.remove(mailbox.id)
            unit.mailboxes.remove(mailbox.id)
            unit.mailboxes.remove(MailboxId(build.ids.new()))

        with storage.unit() as unit:
            assert unit.mailboxes.all() == [other]
            assert (unit.mailboxes.cursor(mailbox.id), unit.mailboxes.cursor(other.id)) == (None, cursor)
            assert unit.deliveries.get(delivery.id) == delivery

    def test_cursor_is_replaced(self, storage: Storage, build: Builder) -> None:
        """There is none before the first; a later one takes its place, backwards too (a new UIDVALIDITY)."""
        mailbox = build.mailbox()
        far = SyncCursor(
            mailbox_id=mailbox.id,
            epoch=GREATEST_UID,
            uid=GREATEST_UID,
            since=dt.date(2026, 2, 28),
            old_uid=GREATEST_UID - 1,
        )
        near = SyncCursor(mailbox_id=mailbox.id, epoch=5, uid=0)
        with storage.unit() as unit:
            unit.mailboxes.add(mailbox)
            assert unit.mailboxes.cursor(mailbox.id) is None
            unit.mailboxes.save_cursor(far)
        with storage.unit() as unit:
            assert unit.mailboxes.cursor(mailbox.id) == far
            unit.mailboxes.save_cursor(near)
        with storage.unit() as unit:
            assert unit.mailboxes.cursor(mailbox.id) == near
