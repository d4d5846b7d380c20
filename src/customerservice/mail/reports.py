"""Machine-readable reports about mail that was sent: RFC 3464 and RFC 6533 (delivery), RFC 8098, RFC 5965."""

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line
from customerservice.mail.addresses import as_address
from customerservice.mail.bounce_reasons import reason_of
from customerservice.mail.limits import Limits
from customerservice.mail.message_ids import read_ids
from customerservice.mail.parts import Part, first_of_each, read_fields, read_parts, split_fields, walk
from customerservice.mail.received import ORIGINAL_TYPES, Bounce, BouncedRecipient, Complaint, Receipt

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_RECEIPT_TYPES = frozenset({"message/disposition-notification", "message/global-disposition-notification"})
_FEEDBACK_TYPES = frozenset({"message/feedback-report"})
#: Characters of a report that are read.
LONGEST_REPORT = 100_000
_LONGEST_WORD = 40  # characters of an action, a disposition or a feedback type
#: Characters of a reason.
LONGEST_REASON = 500
_MOST_REPORTS = 10  # parts; RFC 3464 2 has one
#: Recipients of one report that are read.
MOST_RECIPIENTS = 200
_INNER = Limits(parts=20, depth=5)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
#: An address in plain text.
ADDRESS_FORM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,190}[A-Za-z0-9]"
_ADDRESS = re.compile(ADDRESS_FORM)
_CODE_POINT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")


@attrs.frozen(kw_only=True)
class Reports:
    """What the machine-readable parts of a mail say; None where there is no part of that kind.

    Attributes:
        status: a delivery status, failed or not; its recipients may be none.
        receipt: a disposition notification.
        complaint: a feedback report.
    """

    status: Bounce | None = None
    receipt: Receipt | None = None
    complaint: Complaint | None = None

    @property
    def actions(self) -> frozenset[str]:
        """The actions of the delivery status; empty without one."""
        return frozenset() if self.status is None else frozenset(item.action or "" for item in self.status.recipients)


def read_reports(raw: bytes, root: Part) -> Reports:
    """Give what the machine-readable parts of a mail say. Never raises; linear."""
    return Reports(
        status=_read_status(raw, root), receipt=_read_receipt(raw, root), complaint=_read_complaint(raw, root)
    )


def _read_status(raw: bytes, root: Part) -> Bounce | None:
    """Give what the machine-readable parts of a report say (RFC 3464), or None if there are none."""
    reports = [part for part in walk(root) if part.media_type in _STATUS_TYPES][:_MOST_REPORTS]
    if not reports:
        return None
    recipients: list[BouncedRecipient] = []
    message_id: str | None = None
    for part in reports:
        for fields in _blocks(part.content(raw)[0]):
            recipient = _recipient(fields)
            if recipient is not None and len(recipients) < MOST_RECIPIENTS:
                recipients.append(recipient)
            message_id = message_id or first_id(fields.get("x-original-message-id", ""))
    return Bounce(recipients=once(recipients), original_message_id=message_id or original_message_id(raw, root))


def read_attached_report(raw: bytes, root: Part) -> Bounce | None:
    """Give what a report says that a mailbox forwarded as an attachment, one level deep; None if there is none."""
    for part in walk(root):
        if part.media_type == "message/rfc822" and part is not root:
            content = part.content(raw)[0]
            found = _read_status(content, read_parts(content, _INNER)[0])
            if found is not None:
                return found
    return None


def _read_receipt(raw: bytes, root: Part) -> Receipt | None:
    """Give what a disposition notification says (RFC 8098 3), or None if the mail is none."""
    found = _first_block(raw, root, _RECEIPT_TYPES)
    if found is None:
        return None
    fields, message_id = found
    # "manual-action/MDN-sent-manually; displayed/error": the mode, the type, its modifiers (RFC 8098 3.2.6).
    disposition = fields.get("disposition", "").rpartition(";")[2].partition("/")[0].strip().lower()
    addresses = (_typed_address(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))
    return Receipt(
        disposition=one_line(disposition)[:_LONGEST_WORD] or None,
        recipients=tuple(dict.fromkeys(address for address in addresses if address is not None))[:1],
        original_message_id=message_id,
    )


def _read_complaint(raw: bytes, root: Part) -> Complaint | None:
    """Give what a feedback report says (RFC 5965 3), or None if the mail is none."""
    found = _first_block(raw, root, _FEEDBACK_TYPES)
    if found is None:
        return None
    fields, message_id = found
    told = [fields.get(name, "") for name in ("original-rcpt-to", "removal-recipient")]
    # Outlook.com and Yahoo tell the recipient in the complained mail only, or not at all.
    addresses = [_typed_address(text) for text in told if text] or [_attached_recipient(raw, root)]
    return Complaint(
        feedback_type=one_line(fields.get("feedback-type", "").lower())[:_LONGEST_WORD] or None,
        recipients=tuple({address.key: address for address in addresses if address is not None}.values()),
        original_message_id=message_id,
    )


def _first_block(raw: bytes, root: Part, types: frozenset[str]) -> tuple[Mapping[str, str], str | None] | None:
    """Give the fields of the first part of these types, and the Message-ID of the mail that it is about."""
    part = next((part for part in walk(root) if part.media_type in types), None)
    if part is None:
        return None
    fields = next(_blocks(part.content(raw)[0]), {})
    named = first_id(fields.get("original-message-id", ""))
    return fields, named or original_message_id(raw, root)


def _attached_recipient(raw: bytes, root: Part) -> EmailAddress | None:
    fields = _attached_fields(raw, root)
    told = next((value for name, value in fields if name in ("x-hmxmroriginalrecipient", "to")), "")
    found = _ADDRESS.search(told)
    return None if found is None else as_address(found[0])


def arrived(report: Bounce) -> Receipt:
    """Give the receipt that a report of deliveries that all worked is (RFC 3464 2.3.3)."""
    return Receipt(
        disposition=next((item.action for item in report.recipients), None),
        recipients=tuple(item.address for item in report.recipients),
        original_message_id=report.original_message_id,
    )


def original_message_id(raw: bytes, root: Part) -> str | None:
    """Give the Message-ID of the mail that a report has attached, whole or its header only."""
    return first_id(next((value for name, value in _attached_fields(raw, root) if name == "message-id"), ""))


def _attached_fields(raw: bytes, root: Part) -> Iterator[tuple[str, str]]:
    """Give the header fields of the attached mails, one mail after the other."""
    for part in walk(root):
        if part.media_type in ORIGINAL_TYPES and part is not root:
            content = part.content(raw)[0]
            yield from read_fields(content, 0, len(content), 64 * 1024)[0]


def first_id(text: str) -> str | None:
    """Give the first Message-ID of a text without angle brackets, or None."""
    return next(iter(read_ids(text, limit=1)), None)


def _blocks(content: bytes) -> Iterator[Mapping[str, str]]:
    """Give the groups of fields of a delivery status; the first is about the mail, each other about a recipient."""
    text = content[:LONGEST_REPORT].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in text.split(b"\n\n"):
        if block.strip():
            yield first_of_each(split_fields(block.strip(b"\n")))


def _recipient(fields: Mapping[str, str]) -> BouncedRecipient | None:
    candidates = (_typed_address(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))
    address = next((candidate for candidate in candidates if candidate is not None), None)
    if address is None:
        return None
    action = one_line(fields.get("action", "").partition("(")[0]).lower() or None
    found = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    status = None if found is None else found[1]
    reason = one_line(fields.get("diagnostic-code", "").partition(";")[2] or fields.get("diagnostic-code", ""))
    permanent = _permanent(action, status)
    return BouncedRecipient(
        address=address,
        status=status,
        action=None if action is None else action[:_LONGEST_WORD],
        permanent=permanent,
        reason=reason[:LONGEST_REASON] or None,
        cause=reason_of(status, reason, permanent=permanent),
    )


def _typed_address(value: str) -> EmailAddress | None:
    """Read ``rfc822; anna@mail.example`` (RFC 3464 2.3.2), and the bare address some servers write."""
    kind, semicolon, rest = value.partition(";")
    text = rest if semicolon else kind
    if kind.strip().lower() == "utf-8":
        text = _CODE_POINT.sub(lambda found: chr(min(int(found[1], 16), 0x10FFFF)), text)  # RFC 6533 3
    return as_address(text.strip().strip("<>").strip())


def _permanent(action: str | None, status: str | None) -> bool | None:
    if action in ("delivered", "relayed", "expanded"):
        return None
    if action == "delayed":
        return False
    if action is not None and action.startswith("fail"):
        return True  # the server has given up, also where the status tells of a passing cause (RFC 3464 2.3.3)
    return {"5": True, "4": False}.get((status or "")[:1])


def once(recipients: Iterable[BouncedRecipient]) -> tuple[BouncedRecipient, ...]:
    """Give the recipients, each address once."""
    first: dict[str, BouncedRecipient] = {}
    for recipient in recipients:
        first.setdefault(recipient.address.key, recipient)
    return tuple(first.values())
