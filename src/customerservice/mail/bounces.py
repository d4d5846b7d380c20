"""Delivery reports: RFC 3464, and the forms mail servers wrote before or beside it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line
from customerservice.errors import InvalidValue
from customerservice.mail.limits import Limits
from customerservice.mail.message_ids import read_ids
from customerservice.mail.parts import Fields, Part, read_fields, read_parts, split_fields
from customerservice.mail.received import Bounce, BouncedRecipient

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_ORIGINAL_TYPES = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "text/rfc822-header",
     "message/rfc822-headers"}
)  # fmt: skip
_LONGEST_REPORT = 100_000  # characters of a report's words that are read
_MOST_RECIPIENTS = 200
_INNER = Limits(parts=20, depth=5)
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_FAILURE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ADDRESS_FORM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,190}[A-Za-z0-9]"
_ADDRESS = re.compile(rf"(?<![^\s<>\"'(:;,=\[]){_ADDRESS_FORM}")


def read_status_reports(raw: bytes, root: Part) -> Bounce | None:
    """Give what the machine-readable parts of a report say (RFC 3464), or None if there are none."""
    parts = list(_walk(root))
    recipients: list[BouncedRecipient] = []
    reports = [part for part in parts if part.media_type in _STATUS_TYPES]
    message_id: str | None = None
    for part in reports:
        blocks = list(_blocks(part.content(raw)[0]))
        for fields in blocks:
            recipient = _recipient(fields)
            if recipient is not None and len(recipients) < _MOST_RECIPIENTS:
                recipients.append(recipient)
            message_id = message_id or _first_id(fields.get("x-original-message-id", ""))
    if not reports:
        return _inside_attached_mails(raw, parts, root)
    return Bounce(recipients=_once(recipients), original_message_id=message_id or original_message_id(raw, root))


def _inside_attached_mails(raw: bytes, parts: Iterable[Part], root: Part) -> Bounce | None:
    """Look for a report that somebody forwarded as an attachment; one level deep."""
    for part in parts:
        if part.media_type == "message/rfc822" and part is not root:
            content = part.content(raw)[0]
            inner, _ = read_parts(content, _INNER)
            if any(item.media_type in _STATUS_TYPES for item in _walk(inner)):
                return read_status_reports(content, inner)
    return None


def original_message_id(raw: bytes, root: Part) -> str | None:
    """Give the Message-ID of the mail that a report has attached, whole or its header only."""
    for part in _walk(root):
        if part.media_type in _ORIGINAL_TYPES and part is not root:
            content = part.content(raw)[0]
            fields = read_fields(content, 0, len(content), 64 * 1024)[0]
            found = _first_id(next((value for name, value in fields if name == "message-id"), ""))
            if found is not None:
                return found
    return None


def _walk(root: Part) -> Iterator[Part]:
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(part.children)


def _first_id(text: str) -> str | None:
    return next(iter(read_ids(text, limit=1)), None)


def _blocks(content: bytes) -> Iterator[Mapping[str, str]]:
    """Give the groups of fields of a delivery status; the first is about the mail, each other about a recipient."""
    text = content[:_LONGEST_REPORT].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for block in text.split(b"\n\n"):
        if block.strip():
            yield _first_of_each(split_fields(block.strip(b"\n")))


def _first_of_each(fields: Fields) -> Mapping[str, str]:
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(name, value)
    return first


def _recipient(fields: Mapping[str, str]) -> BouncedRecipient | None:
    candidates = (_typed_address(fields.get(name, "")) for name in ("original-recipient", "final-recipient"))
    address = next((candidate for candidate in candidates if candidate is not None), None)
    if address is None:
        return None
    action = one_line(fields.get("action", "").partition("(")[0]).lower() or None
    found = _STATUS.search(fields.get("status", "")) or _STATUS.search(fields.get("diagnostic-code", ""))
    status = None if found is None else found[1]
    reason = one_line(fields.get("diagnostic-code", "").partition(";")[2] or fields.get("diagnostic-code", ""))
    return BouncedRecipient(
        address=address, status=status, action=action, permanent=_permanent(action, status), reason=reason[:500] or None
    )


def _typed_address(value: str) -> EmailAddress | None:
    """Read ``rfc822; anna@mail.example`` (RFC 3464 2.3.2), and the bare address some servers write."""
    kind, semicolon, rest = value.partition(";")
    text = rest if semicolon else kind
    return as_address(text.strip().strip("<>").strip())


def as_address(text: str) -> EmailAddress | None:
    """Give the address, or None if the text is no plain one."""
    try:
        return EmailAddress(text)
    except InvalidValue:
        return None


def _permanent(action: str | None, status: str | None) -> bool | None:
    if action in ("delivered", "relayed", "expanded"):
        return None
    if action == "delayed":
        return False
    if action is not None and action.startswith("fail"):
        return True  # the server has given up, also where the status tells of a passing cause (RFC 3464 2.3.3)
    return {"5": True, "4": False}.get((status or "")[:1])


def _once(recipients: Iterable[BouncedRecipient]) -> tuple[BouncedRecipient, ...]:
    first: dict[str, BouncedRecipient] = {}
    for recipient in recipients:
        first.setdefault(recipient.address.key, recipient)
    return tuple(first.values())


# "<anna@mail.example>: host said 550" (qmail, Postfix, sendmail) and "RCPT TO:<anna@mail.example>" with its refusal.
_REASONED = re.compile(rf"^[ \t>*]{{0,8}}<({_ADDRESS_FORM})>(?:\.{{3}}|:| {{1,8}}(?=[45]\d\d|\())", re.MULTILINE)
_ASKED = re.compile(
    rf"(?:RCPT TO:\s{{0,3}}|[45]\d\d[ -](?:[45]\.\d\.\d{{1,2}} )?)<({_ADDRESS_FORM})>",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    r"following (?:recipient|address|destination|user|e-?mail|mailbox|account)|did not reach|did not receive|"
    r"addresses? failed|failed (?:recipient|address)|permanent (?:fatal )?error|fatal errors|"
    r"transient (?:non-fatal )?errors|recipients?(?:\(s\))? listed|"
    r"following|could not be delivered to|unable to deliver",
    re.IGNORECASE,
)
_RULE = re.compile(r"\n[ \t]{0,4}[-=_*]{3,}|\n[ \t]{0,4}\n[ \t]{0,4}\n[ \t]{0,4}\n")
_NOT_THESE = ("mail from", "message from", "sent from", "from:", "contact", "sender", "postmaster at", "mailto:")
_TYPED = re.compile(r"^(?:smtp|rfc822|to|recipient)[=;:]", re.IGNORECASE)

# Where the words of a report end and the mail it is about begins.
_COPY = re.compile(
    r"^[ \t>*]{0,8}(?:-{2,}|={2,}|_{2,})?[ \t]{0,4}(?:below this line is a copy|this is a copy of (?:the|your) message|"
    r"(?:the )?original message (?:follows|headers?|text)|message header follows|unsent message|undelivered message|"
    r"returned message|(?:begin|start) (?:of )?(?:original|returned)|"
    r"your (?:original )?message (?:follows|reads|headers)|transcript of|received:|return-path:|mime-version:|"
    r"x-mailer:|message-id:|(?:a )?copy of (?:the|your) (?:original )?message|"
    r"-{0,3}[ \t]?original message|the (?:header|body|text) of (?:the|your) (?:original )?message|reporting-mta:)",
    re.IGNORECASE | re.MULTILINE,
)
# The server goes on trying; without such words it has given up.
_RETRIED = re.compile(
    r"warning|has been delayed|delivery delayed|not yet been delivered|still (?:being )?(?:try|queued|attempt)|"
    r"will (?:be retried|keep trying|continue)|delivery attempts will|no action is required",
    re.IGNORECASE,
)


def read_plain_report(text: str, *, fields: Mapping[str, str], own: Sequence[EmailAddress]) -> Bounce:
    """Give what a report without machine-readable parts says in its words.

    Args:
        text: the readable text.
        fields: the header of the mail, by lower-case name.
        own: addresses that are not those of a bounced recipient: who gets the report and who sends it.
    """
    text = text[:_LONGEST_REPORT]
    copy = _COPY.search(text)
    told, rest = (text, "") if copy is None else (text[: copy.start()], text[copy.start() :])
    others = {address.key for address in own}
    failed = [as_address(item.strip().strip("<>")) for item in fields.get("x-failed-recipients", "").split(",")]
    found = [address for address in failed if address is not None]
    if not found:
        found = _told_addresses(told, others) or _told_addresses(rest, others)
    of_all = _FAILURE.search(told)
    retried = _RETRIED.search(told) is not None
    recipients = [
        _told_recipient(told if address.value in told else rest, address, of_all and of_all[1], retried)
        for address in found
    ]
    return Bounce(recipients=_once(recipients), original_message_id=_told_id(rest))


def _told_addresses(text: str, others: set[str]) -> list[EmailAddress]:
    """Give the addresses that a report names as failed.

    Those it puts first on a line with a reason, else those after words like "the following recipients", else all.
    """
    for places in (_REASONED.finditer(text), _ASKED.finditer(text)):
        if found := _usable((match[1] for match in places), others):
            return found
    if (trigger := _TRIGGER.search(text)) is not None:
        section = text[trigger.end() :]
        stop = _RULE.search(section)
        named = _named(section if stop is None else section[: stop.start()])
        if found := _usable(named, others):
            return found
    return _usable(_named(text), others)


def _named(text: str) -> Iterator[str]:
    for match in _ADDRESS.finditer(text):
        if not text[max(0, match.start() - 12) : match.start()].rstrip(" <\"'").lower().endswith(_NOT_THESE):
            yield match[0]


def _usable(texts: Iterable[str], others: set[str]) -> list[EmailAddress]:
    found: dict[str, EmailAddress] = {}
    for text in texts:
        address = as_address(_TYPED.sub("", text.strip("'`\"")))
        if address is None or address.key in others or address.local.lower() in DAEMONS or "." not in address.domain:
            continue
        found.setdefault(address.key, address)
        if len(found) >= _MOST_RECIPIENTS:
            break
    return list(found.values())


DAEMONS = frozenset({"mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon", "mdaemon", "mail_daemon", "daemon"})


def _told_recipient(text: str, address: EmailAddress, of_all: str | None, retried: bool) -> BouncedRecipient:
    place = text.find(address.value)
    near = text[max(0, place - 200) : place + len(address.value) + 600]
    after = text[place : place + len(address.value) + 600]
    found = _FAILURE.search(after) or _FAILURE.search(near)
    status = of_all if found is None else found[1]
    permanent = not retried
    reason = one_line(after[len(address.value) :].lstrip(" \t>:;,)\r\n").partition("\n\n")[0])
    return BouncedRecipient(
        address=address,
        status=status,
        action="failed" if permanent else "delayed",
        permanent=permanent,
        reason=reason[:500] or None,
    )


def _told_id(rest: str) -> str | None:
    found = re.search(r"^[ \t>]{0,8}message-id:\s{0,4}(<[^<>\s]{1,250}>)", rest, re.IGNORECASE | re.MULTILINE)
    return None if found is None else _first_id(found[1])
