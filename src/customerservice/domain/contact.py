"""A department that customers write to."""

import enum

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import ContactId, ShopId
from customerservice.domain.status import ThreadStatus
from customerservice.domain.wording import Wording
from customerservice.errors import InvalidValue


class AfterReply(enum.Enum):
    """Which status a thread gets when a reply of ours was handed over (R61)."""

    CLOSE = "close"
    KEEP = "keep"
    PENDING1 = "pending1"

    @property
    def status(self) -> ThreadStatus | None:
        """The status to move to; None leaves it."""
        return {AfterReply.CLOSE: ThreadStatus.CLOSED, AfterReply.PENDING1: ThreadStatus.PENDING1}.get(self)


@attrs.frozen(kw_only=True)
class Contact:
    """A department that customers write to (R92).

    Attributes:
        addresses: its mail addresses; other contacts may share them; no customer-facing output shows them.
        saves_messages: whether its messages become threads; without it they are only mailed on, so it needs an address.
        position: contacts are listed by it, then by id.
        after_reply: what a reply does to the status; None takes the help desk's.
        language: of the threads that mail to it opens (R42), as ``de``; None goes by what each mail is written in.
        version: raised by the storage at each save.
    """

    id: ContactId
    shop: ShopId
    name: Wording
    description: Wording | None = None
    addresses: tuple[EmailAddress, ...] = ()
    saves_messages: bool = True
    position: int = 0
    after_reply: AfterReply | None = None
    language: str | None = None
    version: int = 1

    def __attrs_post_init__(self) -> None:
        if not all(isinstance(address, EmailAddress) for address in self.addresses):
            raise InvalidValue("addresses", "must be EmailAddress values")
        if not self.saves_messages and not self.addresses:
            raise InvalidValue("addresses", "a contact that does not save messages needs an address to mail them to")

    def has_address(self, address: EmailAddress) -> bool:
        """Whether the address is exactly one of its own."""
        return any(own.key == address.key for own in self.addresses)
