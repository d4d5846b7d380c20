"""What a mail says, as frozen values: the result of `customerservice.mail.parse`."""

import datetime as dt
import enum
from collections.abc import Sequence

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.files import is_disguised

#: Media types of the part of a report that holds the mail it is about, whole or its header.
ORIGINAL_TYPES = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822-header",
     "message/rfc822-headers"}
)  # fmt: skip


@attrs.frozen
class Defect:
    """Something wrong with a mail that was read all the same.

    Attributes:
        code: a short constant (``"too_deep"``, ``"bad_base64"``, ``"unusable_from"``).
        detail: where and how, one line, at most 200 characters.
    """

    code: str
    detail: str = ""


def note_defect(defects: list[Defect], code: str, detail: str) -> None:
    """Add a defect, unless there are three of its code: a hostile mail may repeat a fault in each of its parts."""
    if sum(defect.code == code for defect in defects) < 3:
        defects.append(Defect(code, detail[:200]))


@attrs.frozen
class Correspondent:
    """One entry of an address header.

    Attributes:
        address: None when it is unusable or means different people to different programs; never guessed.
        name: the display name, decoded, one line; "" if there is none. Never to be trusted or matched on.
    """

    address: EmailAddress | None
    name: str = ""


@attrs.frozen(kw_only=True)
class MailAttachment:
    """What a person would call an attachment: files, inline pictures, attached mails, signatures; not the bodies.

    Attributes:
        filename: the sender's name for it, decoded, on one line, without any folder; None without one. Still hostile.
        media_type: ``type/subtype`` in lower case as declared; ``application/octet-stream`` if unusable.
        content: the bytes after transfer decoding.
        content_id: without angle brackets.
        inline: the mail's HTML shows it, or the sender said so.
    """

    filename: str | None
    media_type: str
    content: bytes = attrs.field(repr=False)
    content_id: str | None = None
    inline: bool = False

    @property
    def is_disguised(self) -> bool:
        """Whether its first bytes or its name contradict what it says it is; a hint, see `domain.files`."""
        return is_disguised(self.filename, self.media_type, self.content)


class MailKind(enum.Enum):
    """What kind of mail it is."""

    PERSON = "person"
    AUTO_REPLY = "auto_reply"
    VACATION = "vacation"
    BOUNCE = "bounce"
    FEEDBACK_REPORT = "feedback_report"
    LIST = "list"
    SYSTEM = "system"
    OWN = "own"


class BounceReason(enum.Enum):
    """Why a mail was not delivered, in few words; by the status code (RFC 3463), else by the server's own words."""

    MAILBOX_FULL = "mailbox_full"
    NO_SUCH_MAILBOX = "no_such_mailbox"
    MAILBOX_DISABLED = "mailbox_disabled"
    NO_SUCH_HOST = "no_such_host"
    REJECTED_AS_SPAM = "rejected_as_spam"
    TOO_LARGE = "too_large"
    NOT_AUTHENTICATED = "not_authenticated"  # SPF, DKIM, DMARC or a missing reverse name of our own host
    POLICY = "policy"
    LOOP = "loop"
    CONTENT = "content"  # a form of the mail that the server cannot take
    TEMPORARY = "temporary"  # no connection, greylisting, a server that has trouble
    UNKNOWN = "unknown"


@attrs.frozen(kw_only=True)
class BouncedRecipient:
    """One recipient of a delivery report (RFC 3464 2.3).

    Attributes:
        status: the enhanced status code (RFC 3463), e.g. ``5.1.1``.
        action: ``failed delayed delivered relayed expanded``, or None if the report has no field for it.
        permanent: None when nobody can say.
        reason: the report's words, one line.
        cause: what they mean.
    """

    address: EmailAddress
    status: str | None = None
    action: str | None = None
    permanent: bool | None = None
    reason: str | None = None
    cause: BounceReason = BounceReason.UNKNOWN


@attrs.frozen(kw_only=True)
class Bounce:
    """A delivery report; `original_message_id` is that of the mail that bounced, without angle brackets."""

    recipients: tuple[BouncedRecipient, ...] = ()
    original_message_id: str | None = None


@attrs.frozen(kw_only=True)
class Receipt:
    """A report that a mail arrived or was shown: a disposition notification (RFC 8098) or a report of success.

    Attributes:
        disposition: what became of it: ``displayed``, ``deleted``, ``processed`` (RFC 8098 3.2.6.2), or the action of
            a delivery report (``delivered relayed expanded``, RFC 3464 2.3.3); in lower case, None if it does not say.
        recipients: whose copy it was, each once.
        original_message_id: of the mail it is about, without angle brackets.
    """

    disposition: str | None = None
    recipients: tuple[EmailAddress, ...] = ()
    original_message_id: str | None = None


@attrs.frozen(kw_only=True)
class Complaint:
    """A feedback report (RFC 5965): a recipient called a mail of ours spam, or took that back.

    Attributes:
        feedback_type: ``abuse fraud virus not-spam other`` or what the report says, in lower case; None without one.
        recipients: who complained, as far as the report tells, each once.
        original_message_id: of the mail it is about, without angle brackets.
    """

    feedback_type: str | None = None
    recipients: tuple[EmailAddress, ...] = ()
    original_message_id: str | None = None


@attrs.frozen(kw_only=True)
class Markers:
    """The thread marker of the subject or body (R19): ``[#NUMBER]``, ``[#NUMBER TOKEN]`` or the imported ``#ctN #tcX``.

    Attributes:
        number: the thread's short number; None if there is no marker.
        token: None if the marker has none; lower case unless imported.
        legacy: the marker has the imported form.
        place: ``subject``, ``body`` (what the sender wrote) or ``quotation``; None if there is no marker.
    """

    number: int | None = None
    token: str | None = None
    legacy: bool = False
    place: str | None = None


@attrs.frozen(kw_only=True)
class ReceivedMail:
    """What a mail says. Every field is safe to store: no NUL, no lone surrogate, header values on one line.

    Attributes:
        size: bytes of the raw mail.
        sha256: hex digest of the raw mail.
        content_digest: hex digest of what the mail says without trace headers (R22).
        message_id: without angle brackets, None if absent or unusable. Neither unique nor proof of anything.
        in_reply_to: ids without angle brackets; `references` at most the last 100.
        subject: decoded, None if absent.
        sender: the From, of several mailboxes the first; None if absent, address None if one of them is unusable or
            if there are several From fields.
        envelope_to: Delivered-To, X-Original-To and the like, in order of appearance.
        return_path: the return path; `null_return_path` when it is ``<>`` (RFC 5321 4.5.5).
        date: the Date header, aware; None if absent or unusable. `date_text` keeps the claim.
        text: the whole readable text, from text/plain, else from the HTML; LF line ends.
        html: the decoded HTML body as sent, not safe to show; None if there is none.
        new_text: `text` without quoted history and signature, which are `quoted_text` and `signature`; of a forwarded
            mail the whole text, and of one that is answered between its lines.
        authentication: (authserv-id, header text) of each Authentication-Results header, in order (RFC 8601 2.2).
        headers: all header fields in order, names in lower case, values unfolded and decoded leniently to text.
        kind_reasons: why `kind`, one short sentence each, strongest first.
        reader_version: version of the reader that read it.
        forwarded_from: who wrote the mail that is forwarded here, as its banner says or as the attached mail does that
            is all there is; None if none is. A claim of the forwarder: to be shown, never to be trusted or matched on.
        senders: every mailbox that the From fields name, in order.
        sender_is_uncertain: the From is not one mailbox in the form that every program knows. Other programs, such as
            the server that checked who sent the mail, may take somebody else for its sender.
        receipt: what a report of an arrival or a reading says; None for any other mail.
        complaint: what a feedback report says; None for any other mail.
    """

    size: int
    sha256: str
    content_digest: str
    message_id: str | None = None
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subject: str | None = None
    sender: Correspondent | None = None
    reply_to: tuple[Correspondent, ...] = ()
    to: tuple[Correspondent, ...] = ()
    cc: tuple[Correspondent, ...] = ()
    envelope_to: tuple[EmailAddress, ...] = ()
    return_path: EmailAddress | None = None
    null_return_path: bool = False
    date: dt.datetime | None = None
    date_text: str | None = None
    text: str = ""
    html: str | None = attrs.field(default=None, repr=False)
    new_text: str = ""
    quoted_text: str = ""
    signature: str = ""
    attachments: tuple[MailAttachment, ...] = ()
    kind: MailKind = MailKind.PERSON
    kind_reasons: tuple[str, ...] = ()
    bounce: Bounce | None = None
    markers: Markers = Markers()
    authentication: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    defects: tuple[Defect, ...] = ()
    reader_version: int = 1
    forwarded_from: Correspondent | None = None
    senders: tuple[Correspondent, ...] = ()
    sender_is_uncertain: bool = False
    receipt: Receipt | None = None
    complaint: Complaint | None = None

    @property
    def report_about(self) -> str | None:
        """The Message-ID of the mail that a bounce, receipt or complaint is about; None for any other mail.

        As the report names it, else the mail it answers: Exchange 2007 and later put the id there.
        """
        report = self.bounce or self.receipt or self.complaint
        if report is None:
            return None
        return report.original_message_id or next(iter(self.in_reply_to), None)

    def header(self, name: str) -> str | None:
        """Give the first header of that name (any case), or None."""
        return next(iter(self.all_headers(name)), None)

    def all_headers(self, name: str) -> Sequence[str]:
        """Give every header of that name (any case), in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key == wanted]
