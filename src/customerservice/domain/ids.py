"""Typed ids, all time-ordered UUIDs minted by the library, so that a value has its id before it is stored."""

from typing import NewType
from uuid import UUID

ThreadId = NewType("ThreadId", UUID)
MessageId = NewType("MessageId", UUID)
AttachmentId = NewType("AttachmentId", UUID)
ContactId = NewType("ContactId", UUID)
MailboxId = NewType("MailboxId", UUID)
DeliveryId = NewType("DeliveryId", UUID)
OutboxId = NewType("OutboxId", UUID)
EventId = NewType("EventId", UUID)

#: A shop of a multi-shop host: the host's own id as text, 1 to 64 characters.
ShopId = NewType("ShopId", str)

#: The shop of hosts that have only one.
DEFAULT_SHOP = ShopId("default")
