"""Setting a help desk up: its contacts, mailboxes and employees."""

from collections.abc import Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.domain.actor import Actor, ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.employee import Employee
from customerservice.domain.ids import ContactId, MailboxId, ShopId
from customerservice.domain.mailbox import Mailbox
from customerservice.domain.wording import Wording
from customerservice.errors import NotFound
from customerservice.ports.storage import UnitOfWork


def ensure_first_contacts(desk: DeskContext, shop: ShopId) -> Sequence[Contact]:
    """Give a shop that has no contact the two every help desk starts with, both saving messages (R92)."""

    def work(unit: UnitOfWork) -> Sequence[Contact]:
        scope = ShopScope.of(shop)
        if not unit.contacts.all(scope):
            for position, name in enumerate(("Webmaster", "Customer service")):
                contact_id = ContactId(desk.ids.new())
                unit.contacts.add(Contact(id=contact_id, shop=shop, name=Wording.of(en=name), position=position))
        return unit.contacts.all(scope)

    return desk.in_unit(work)


def add_contact(desk: DeskContext, actor: Actor, contact: Contact) -> Contact:
    """Store a new contact.

    Raises:
        NotFound: its shop is not one of the actor's.
    """
    _shop(actor, contact.shop)
    with desk.storage.unit() as unit:
        unit.contacts.add(contact)
    return contact


def save_contact(desk: DeskContext, actor: Actor, contact: Contact) -> Contact:
    """Store a changed contact and give it with its new version.

    Raises:
        NotFound: there is none in the actor's shops.
        Conflict: somebody else changed it since it was read.
    """
    _shop(actor, contact.shop)
    with desk.storage.unit() as unit:
        _contact(unit, actor, contact.id)
        return unit.contacts.save(contact)


def get_contact(desk: DeskContext, actor: Actor, contact_id: ContactId) -> Contact:
    """Give a contact.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        return _contact(unit, actor, contact_id)


def list_contacts(desk: DeskContext, actor: Actor) -> Sequence[Contact]:
    """Give the contacts of the actor's shops, by position."""
    with desk.storage.unit(reading=True) as unit:
        return unit.contacts.all(actor.scope)


def find_or_add_mailbox(desk: DeskContext, actor: Actor, wanted: Mailbox) -> tuple[Mailbox, bool]:
    """Give the stored mailbox with the service, host, user and folder of the wanted one, else store that (R44).

    A found one takes over the options (flags, port) and the secret of the wanted one, and keeps its id and history. The
    second value tells whether it is new.

    Raises:
        NotFound: its shop is not one of the actor's.
    """
    _shop(actor, wanted.shop)

    def work(unit: UnitOfWork) -> tuple[Mailbox, bool]:
        for box in unit.mailboxes.all(ShopScope.of(wanted.shop)):
            if box.finding_key == wanted.finding_key:
                changed = attrs.evolve(box, options=wanted.options, secret=wanted.secret)
                return (box if changed == box else unit.mailboxes.save(changed)), False
        unit.mailboxes.add(wanted)
        return wanted, True

    return desk.in_unit(work)


def save_mailbox(desk: DeskContext, actor: Actor, mailbox: Mailbox) -> Mailbox:
    """Store a changed mailbox and give it with its new version.

    Raises:
        NotFound: there is none in the actor's shops.
        Conflict: somebody else changed it since it was read.
    """
    _shop(actor, mailbox.shop)
    with desk.storage.unit() as unit:
        _mailbox(unit, actor, mailbox.id)
        return unit.mailboxes.save(mailbox)


def get_mailbox(desk: DeskContext, actor: Actor, mailbox_id: MailboxId) -> Mailbox:
    """Give a mailbox.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        return _mailbox(unit, actor, mailbox_id)


def list_mailboxes(desk: DeskContext, actor: Actor) -> Sequence[Mailbox]:
    """Give the mailboxes of the actor's shops."""
    with desk.storage.unit(reading=True) as unit:
        return unit.mailboxes.all(actor.scope)


def was_synced(desk: DeskContext, actor: Actor, mailbox_id: MailboxId) -> bool:
    """Tell whether a mailbox had its first sync, so that no choice of a start is needed any more (R27).

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit(reading=True) as unit:
        mailbox = _mailbox(unit, actor, mailbox_id)
        return mailbox.health.last_success_at is not None or unit.mailboxes.cursor(mailbox_id) is not None


def remove_mailbox(desk: DeskContext, actor: Actor, mailbox_id: MailboxId) -> None:
    """Forget a mailbox; its mails and threads stay.

    Raises:
        NotFound: there is none in the actor's shops.
    """
    with desk.storage.unit() as unit:
        _mailbox(unit, actor, mailbox_id)
        unit.mailboxes.remove(mailbox_id)


def put_employee(desk: DeskContext, employee: Employee) -> None:
    """Store an employee, replacing the one with the same reference."""
    with desk.storage.unit() as unit:
        unit.employees.put(employee)


def list_employees(desk: DeskContext) -> Sequence[Employee]:
    """Give all employees, by name."""
    with desk.storage.unit(reading=True) as unit:
        return unit.employees.all()


def _shop(actor: Actor, shop: ShopId) -> None:
    if shop not in actor.scope:
        raise NotFound("shop", shop)


def _contact(unit: UnitOfWork, actor: Actor, contact_id: ContactId) -> Contact:
    found = unit.contacts.get(contact_id)
    if found is None or found.shop not in actor.scope:
        raise NotFound("contact", contact_id)
    return found


def _mailbox(unit: UnitOfWork, actor: Actor, mailbox_id: MailboxId) -> Mailbox:
    found = unit.mailboxes.get(mailbox_id)
    if found is None or found.shop not in actor.scope:
        raise NotFound("mailbox", mailbox_id)
    return found
