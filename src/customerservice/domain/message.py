"""What people wrote: messages and their attachments."""

import datetime as dt
import enum
from typing import Self

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.ids import AttachmentId, ContactId, DeliveryId, MessageId, ShopId, ThreadId
from customerservice.domain.references import CustomerRef, EmployeeRef, ProductRef
from customerservice.domain.text import storable
from customerservice.errors import InvalidValue


class Audience(enum.Enum):
    """Who may read a message."""

    #: the customer too.
    PUBLIC = "public"
    #: staff only; never leaves the help desk.
    INTERNAL = "internal"


class AuthorKind(enum.Enum):
    """The kinds of author."""

    CUSTOMER = "customer"
    EMPLOYEE = "employee"
    #: a machine: the help desk itself, a mail server, an automatic answerer.
    SYSTEM = "system"


@attrs.frozen(kw_only=True)
class Author:
    """Who wrote a message.

    Attributes:
        name: as the author gave it; not proof of anything.
        address: the mail address, if there is a usable one.
        employee: set exactly for employees.
    """

    kind: AuthorKind
    name: str = attrs.field(default="", converter=storable)
    address: EmailAddress | None = None
    employee: EmployeeRef | None = None
    customer: CustomerRef | None = None

    def __attrs_post_init__(self) -> None:
        if (self.kind is AuthorKind.EMPLOYEE) != (self.employee is not None):
            raise InvalidValue("author", "employees, and only they, have an employee reference")

    @classmethod
    def of_employee(cls, employee: EmployeeRef, name: str = "") -> Self:
        """Give an employee as author."""
        return cls(kind=AuthorKind.EMPLOYEE, employee=employee, name=name)


@attrs.frozen(kw_only=True)
class Attachment:
    """A file that came or went with a message; its bytes are the blob of that digest.

    Attributes:
        filename: the sender's name for it, storable, on one line; still hostile: never a path; to be shown and
            served under `safe_filename`.
        media_type: as declared, ``type/subtype`` in lower case.
        size: bytes after decoding.
        sha256: hex digest of the bytes; the blob's name.
        content_id: without angle brackets, for pictures that HTML refers to.
    """

    id: AttachmentId
    filename: str | None
    media_type: str
    size: int
    sha256: str
    content_id: str | None = None
    inline: bool = False

    @property
    def safe_filename(self) -> str:
        """A name to show and to offer for download; see `customerservice.domain.files.safe_filename`."""
        # Its patterns cost a fortieth of the front door's import, and most programs that open a desk show no file.
        from customerservice.domain.files import safe_filename

        return safe_filename(self.filename)

    @property
    def is_download_only(self) -> bool:
        """Whether it must never be shown in a page or a tab; see `customerservice.domain.files.is_download_only`."""
        from customerservice.domain.files import is_download_only

        return is_download_only(self.media_type, self.filename)


class MessageKind(enum.Enum):
    """What a message is in the conversation."""

    #: written by a person, or a reply of ours.
    MESSAGE = "message"
    #: a note of an employee.
    NOTE = "note"
    #: a bounce, read receipt or automatic answer, shown on the thread without reopening it.
    REPORT = "report"


@attrs.frozen(kw_only=True)
class Message:
    """One entry of a thread.

    Attributes:
        contact_id: the department it was sent to; stays when the thread moves on (R6).
        text: what the author wrote, without quoted history and signature, which are beside it.
        html: the decoded HTML body as it came; to be made safe when shown.
        sent_at: when the author sent it, bounded by R63; aware UTC.
        stored_at: when the help desk stored it; aware UTC.
        header_id: Message-ID of its mail (RFC 5322 3.6.4), without angle brackets.
        automatic: written by a machine; raises no activity.
        user_agent: browser of a form message.
        in_reply_to: for a report, the message it is about.
    """

    id: MessageId
    thread_id: ThreadId
    shop: ShopId
    contact_id: ContactId | None
    author: Author
    audience: Audience
    kind: MessageKind = MessageKind.MESSAGE
    text: str = attrs.field(converter=storable)
    quoted_text: str = attrs.field(default="", converter=storable)
    signature: str = attrs.field(default="", converter=storable)
    html: str | None = attrs.field(default=None, converter=attrs.converters.optional(storable), repr=False)
    subject: str | None = attrs.field(default=None, converter=attrs.converters.optional(storable))
    sent_at: dt.datetime
    stored_at: dt.datetime
    header_id: str | None = None
    delivery_id: DeliveryId | None = None
    attachments: tuple[Attachment, ...] = ()
    product: ProductRef | None = None
    user_agent: str | None = None
    automatic: bool = False
    in_reply_to: MessageId | None = None

    def __attrs_post_init__(self) -> None:
        if self.kind is MessageKind.NOTE and self.audience is Audience.PUBLIC:
            raise InvalidValue("audience", "a note is internal")

    @property
    def is_public(self) -> bool:
        """Whether the customer may read it."""
        return self.audience is Audience.PUBLIC

    @property
    def counts_as_activity(self) -> bool:
        """Whether it is a public message of a person, which alone raises a thread's last activity (R63)."""
        by_person = self.author.kind is not AuthorKind.SYSTEM and not self.automatic
        return self.is_public and self.kind is MessageKind.MESSAGE and by_person
