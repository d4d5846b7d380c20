"""What is known around a mail before it is looked at: the shop's contacts, mailboxes and addresses."""

from collections.abc import Sequence

import attrs

from customerservice.application.context import DeskContext
from customerservice.domain.actor import ShopScope
from customerservice.domain.contact import Contact
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.mailbox import Mailbox
from customerservice.ports.storage import UnitOfWork


@attrs.frozen(kw_only=True)
class Surroundings:
    """What is known before any mail of a batch is looked at; read once for the batch.

    Attributes:
        mailbox: None for files and forms.
        default_contact: where mail goes that names no contact.
        reply_addresses: patterns of signed reply addresses of the shop's mailboxes.
        own_addresses: keys of the addresses that are ours.
    """

    shop: ShopId
    mailbox: Mailbox | None
    contacts: Sequence[Contact]
    default_contact: ContactId | None
    reply_addresses: Sequence[str]
    own_addresses: frozenset[str]

    @property
    def scope(self) -> ShopScope:
        """Just this shop."""
        return ShopScope.of(self.shop)


def surroundings(
    unit: UnitOfWork, desk: DeskContext, *, shop: ShopId, mailbox: Mailbox | None, contact_id: ContactId | None = None
) -> Surroundings:
    """Read what a batch of mails needs; without `contact_id` the mailbox's contact is the default."""
    scope = ShopScope.of(shop)
    contacts = unit.contacts.all(scope)
    mailboxes = unit.mailboxes.all(scope)
    own = {address.key for contact in contacts for address in contact.addresses}
    own.update(box.user.lower() for box in mailboxes if "@" in box.user)
    if desk.settings.sender is not None:
        own.add(desk.settings.sender.key)
    return Surroundings(
        shop=shop,
        mailbox=mailbox,
        contacts=contacts,
        default_contact=contact_id or (mailbox.contact_id if mailbox is not None else None),
        reply_addresses=[box.reply_address for box in mailboxes if box.reply_address is not None],
        own_addresses=frozenset(own),
    )
