"""Contacts, mailboxes and employees in tables."""

from collections.abc import Sequence
from typing import Any

import attrs
import sqlalchemy as sa
from typing_extensions import override

from customerservice.adapters.storage.sqlalchemy import rows, tables
from customerservice.adapters.storage.sqlalchemy.statements import Line, update_all
from customerservice.domain.actor import ALL_SHOPS, ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.employee import Employee
from customerservice.domain.ids import ContactId, MailboxId
from customerservice.domain.mailbox import Mailbox
from customerservice.domain.references import EmployeeRef
from customerservice.errors import Conflict
from customerservice.ports.storage import Contacts, Employees, Mailboxes, SyncCursor

_ID: Any = sa.bindparam("id")
_CONTACT = sa.select(tables.contact).where(tables.contact.c.id == _ID)
_CONTACTS = sa.select(tables.contact).order_by(tables.contact.c.position, tables.contact.c.id)
_ADDRESSES = sa.select(tables.contact_address.c.contact_id, tables.contact_address.c.address).order_by(
    tables.contact_address.c.contact_id, tables.contact_address.c.position
)
_ADDRESSES_OF_ONE = _ADDRESSES.where(tables.contact_address.c.contact_id == _ID)
_NO_ADDRESSES = sa.delete(tables.contact_address).where(tables.contact_address.c.contact_id == _ID)
_MAILBOX = sa.select(tables.mailbox).where(tables.mailbox.c.id == _ID)
_MAILBOXES = sa.select(tables.mailbox).order_by(tables.mailbox.c.id)
_NO_MAILBOX = sa.delete(tables.mailbox).where(tables.mailbox.c.id == _ID)
_CURSOR = sa.select(tables.mailbox_cursor).where(tables.mailbox_cursor.c.mailbox_id == _ID)
_NO_CURSOR = sa.delete(tables.mailbox_cursor).where(tables.mailbox_cursor.c.mailbox_id == _ID)
_EMPLOYEE = sa.select(tables.employee).where(tables.employee.c.ref == sa.bindparam("ref"))
_EMPLOYEES = sa.select(tables.employee)


def save_versioned(line: Line, table: sa.Table, kind: str, values: dict[str, Any]) -> None:
    """Replace a row by id and raise its version by one.

    Raises:
        Conflict: the stored row has another version than the values, or is gone.
    """
    stored = {**values, "version": values["version"] + 1, "old_id": values["id"], "old_version": values["version"]}
    del stored["id"]
    if line.run(update_all(table, "id", "version"), stored) != 1:
        raise Conflict(kind, values["id"])


class SqlContacts(Contacts):
    """The port `Contacts` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, contact: Contact) -> None:
        self._line.add(tables.contact, rows.contact_values(contact))
        self._line.add(tables.contact_address, rows.contact_address_values(contact))

    @override
    def save(self, contact: Contact) -> Contact:
        save_versioned(self._line, tables.contact, "contact", rows.contact_values(contact))
        self._line.run(_NO_ADDRESSES, {"id": contact.id})
        self._line.add(tables.contact_address, rows.contact_address_values(contact))
        return attrs.evolve(contact, version=contact.version + 1)

    @override
    def get(self, contact_id: ContactId) -> Contact | None:
        row = self._line.row(_CONTACT, {"id": contact_id})
        if row is None:
            return None
        return rows.contact_of(row, (part.address for part in self._line.rows(_ADDRESSES_OF_ONE, {"id": contact_id})))

    @override
    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Contact]:
        addresses = rows.grouped(self._line.rows(_ADDRESSES))
        return [
            rows.contact_of(row, (part.address for part in addresses.get(row.id, ())))
            for row in self._line.rows(_CONTACTS)
            if row.shop in scope
        ]


class SqlMailboxes(Mailboxes):
    """The port `Mailboxes` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def add(self, mailbox: Mailbox) -> None:
        self._line.add(tables.mailbox, rows.mailbox_values(mailbox))

    @override
    def save(self, mailbox: Mailbox) -> Mailbox:
        save_versioned(self._line, tables.mailbox, "mailbox", rows.mailbox_values(mailbox))
        return attrs.evolve(mailbox, version=mailbox.version + 1)

    @override
    def get(self, mailbox_id: MailboxId) -> Mailbox | None:
        row = self._line.row(_MAILBOX, {"id": mailbox_id})
        return None if row is None else rows.mailbox_of(row)

    @override
    def all(self, scope: ShopScope = ALL_SHOPS) -> Sequence[Mailbox]:
        return [rows.mailbox_of(row) for row in self._line.rows(_MAILBOXES) if row.shop in scope]

    @override
    def remove(self, mailbox_id: MailboxId) -> None:
        self._line.run(_NO_CURSOR, {"id": mailbox_id})
        self._line.run(_NO_MAILBOX, {"id": mailbox_id})

    @override
    def cursor(self, mailbox_id: MailboxId) -> SyncCursor | None:
        row = self._line.row(_CURSOR, {"id": mailbox_id})
        return None if row is None else rows.cursor_of(row)

    @override
    def save_cursor(self, cursor: SyncCursor) -> None:
        self._line.put(tables.mailbox_cursor, rows.cursor_values(cursor))


class SqlEmployees(Employees):
    """The port `Employees` in tables."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @override
    def put(self, employee: Employee) -> None:
        self._line.put(tables.employee, rows.employee_values(employee))

    @override
    def get(self, ref: EmployeeRef) -> Employee | None:
        row = self._line.row(_EMPLOYEE, {"ref": ref.id})
        return None if row is None else rows.employee_of(row)

    @override
    def all(self) -> Sequence[Employee]:
        # Databases sort names each in their own way.
        found = (rows.employee_of(row) for row in self._line.rows(_EMPLOYEES))
        return sorted(found, key=lambda employee: (employee.name, employee.ref.id))
