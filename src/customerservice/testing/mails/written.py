"""What the strategies give: mail as bytes, and what it says."""

import datetime as dt

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.mail import Correspondent, MailAttachment, MailKind


@attrs.frozen(kw_only=True)
class WrittenMail:
    """A mail and what it says; texts have LF line ends and nothing blank around them.

    Attributes:
        raw: the bytes, with CRLF or LF line ends.
        date: aware, in whole seconds.
        message_id: without angle brackets, as `in_reply_to`.
        text: what a person sees; None where programs lay it out in different ways, as quotations in HTML.
        new_text: what its sender wrote; None for returned mail.
        attachments: in order.
        bounced: who did not get the mail that `bounced_message_id` names; for returned mail only.
    """

    raw: bytes = attrs.field(repr=False)
    subject: str
    sender: Correspondent
    to: tuple[EmailAddress, ...]
    date: dt.datetime
    message_id: str
    in_reply_to: tuple[str, ...] = ()
    text: str | None
    new_text: str | None
    attachments: tuple[MailAttachment, ...] = ()
    kind: MailKind = MailKind.PERSON
    bounced: tuple[EmailAddress, ...] = ()
    bounced_message_id: str | None = None
