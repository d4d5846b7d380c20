"""What a bounce says: its machine-readable parts, else the words of the mail server."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line
from customerservice.mail.addresses import as_address
from customerservice.mail.bounce_reasons import reason_of
from customerservice.mail.kinds import DAEMONS
from customerservice.mail.openings import label
from customerservice.mail.parts import Part
from customerservice.mail.received import Bounce, BouncedRecipient, BounceReason, Receipt
from customerservice.mail.reports import (
    ADDRESS_FORM,
    LONGEST_REASON,
    LONGEST_REPORT,
    MOST_RECIPIENTS,
    Reports,
    first_id,
    once,
    original_message_id,
    read_attached_report,
)

_FAILURE = re.compile(r"(?<![\d.])([45]\.\d{1,3}\.\d{1,3})(?![\d.])")
_ADDRESS = re.compile(rf"(?<![^\s<>\"'(:;,=\[]){ADDRESS_FORM}")


def read_bounce(
    raw: bytes,
    root: Part,
    *,
    reports: Reports,
    text: str,
    fields: Mapping[str, str],
    own: Sequence[EmailAddress],
    host: str | None,
) -> Bounce:
    """Give what a bounce says, by the clearest of its forms that names a recipient. Never raises; linear.

    Args:
        raw: the mail.
        root: its structure.
        reports: what its machine-readable parts say.
        text: the readable text.
        fields: the first header field of each lower-case name.
        own: addresses that are not those of a bounced recipient: who gets the report and who sends it.
        host: the domain of the server that sends it, if known.
    """
    told = reports.status or read_attached_report(raw, root)
    if told is not None and told.recipients:
        return told
    if reports.receipt is not None and reports.receipt.recipients:
        return _rejected(reports.receipt, text)
    plain = read_plain_report(text, fields=fields, own=own, host=host)
    about = original_message_id(raw, root) if told is None else told.original_message_id
    return attrs.evolve(plain, original_message_id=about or plain.original_message_id)


def _rejected(receipt: Receipt, text: str) -> Bounce:
    """Give the bounce that a rejection by a Sieve script is (RFC 5429 2.2), out of its notification and its words."""
    words = one_line(text[:LONGEST_REPORT])[:LONGEST_REASON]
    recipients = tuple(
        BouncedRecipient(
            address=address,
            action="failed",
            permanent=True,
            reason=words or None,
            cause=reason_of(None, words, permanent=True),
        )
        for address in receipt.recipients
    )
    return Bounce(recipients=recipients, original_message_id=receipt.original_message_id)


# "<anna@mail.example>: host said 550" (qmail, Postfix, sendmail) and "RCPT TO:<anna@mail.example>" with its refusal.
_REASONED = re.compile(rf"^[ \t>*]{{0,8}}<({ADDRESS_FORM})>(?:\.{{3}}|:| {{1,8}}(?=[45]\d\d|\())", re.MULTILINE)
_ASKED = re.compile(
    rf"(?:RCPT TO:\s{{0,3}}<?|[45]\d\d[ -](?:[45]\.\d\.\d{{1,2}} )?<)({ADDRESS_FORM})",
    re.IGNORECASE,
)
# The address that the mail was sent to, where the server names the one that it was forwarded to (sendmail 8, Exim 4).
_EXPANDED = re.compile(
    rf"\((?:expanded|generated|ultimately generated|alias expanded)(?: from)?:? {{0,3}}<?({ADDRESS_FORM})>?\)",
    re.IGNORECASE,
)
_TRIGGER = re.compile(
    r"following (?:recipient|address|destination|user|e-?mail|mailbox|account)|did not reach|did not receive|"
    r"addresses? failed|failed (?:recipient|address)|permanent (?:fatal )?error|fatal errors|"
    r"transient (?:non-fatal )?errors|recipients?(?:\(s\))? listed|"
    r"following:|following\s*\n|could not be delivered to|unable to deliver",
    re.IGNORECASE,
)
_RULE = re.compile(r"\n[ \t]{0,4}[-=_*]{3,}|\n[ \t]{0,4}\n[ \t]{0,4}\n[ \t]{0,4}\n")
# The lines of a report that tell who sent the mail (Apache James, MailMarshal, Exchange in each language).
_OF_SENDER = re.compile(
    r"[ \t>*]{0,8}(?:original )?(?:mail )?(?:from|sender|return-path|reply-to)[ \t]{0,4}[:\uff1a][^\n]{0,200}",
    re.IGNORECASE,
)
_NOT_THESE = ("mail from", "message from", "sent from", "from:", "contact", "sender", "postmaster at", "mailto:")
# An address first on its line and alone there, or with its reason (Gmail, Exchange 2003, Exim 3); the sentences below
# it may name whom to write to about a refusal.
_LEADING = re.compile(rf"^[ \t>*]{{0,16}}<?({ADDRESS_FORM})>?[ \t]{{0,8}}(?:$|[:(])", re.MULTILINE)
_TYPED = re.compile(r"^(?:smtp|rfc822|to|recipient)[=;:]", re.IGNORECASE)
# A name alone on its line, which AOL wrote for recipients of its own (bounces of 2009).
_LOCAL_NAME = re.compile(r"^[ \t]{1,8}([A-Za-z0-9][A-Za-z0-9._-]{1,30})[ \t]*$", re.MULTILINE)
_LONGEST_LINE = 200  # characters before an address that say whose it is
_MOST_UNNAMED = 3  # addresses of a text that does not say which of them failed

# Where the words of a report end and the mail it is about begins.
_COPY = re.compile(
    r"^[ \t>*]{0,8}(?:-{2,}|={2,}|_{2,})?[ \t]{0,4}(?:below this line is a copy|this is a copy of (?:the|your) message|"
    r"(?:the )?original message (?:follows|headers?|text)|original message as received|message header follows|"
    r"unsent message|undelivered message|"
    r"returned message|(?:begin|start) (?:of )?(?:original|returned)|"
    r"your (?:original )?message (?:follows|reads|headers)|transcript of|received:|return-path:|mime-version:|"
    r"x-mailer:|message-id:|(?:a )?copy of (?:the|your) (?:original )?message|"
    r"-{0,3}[ \t]?original message|the (?:header|body|text) of (?:the|your) (?:original )?message|reporting-mta:)",
    re.IGNORECASE | re.MULTILINE,
)
# Whom the mail was for, in the copy of it.
_SENT_TO = re.compile(
    rf"(?:\bfor {{1,3}}|^[ \t>]{{0,8}}to:[^\n@]{{0,100}}?)<?({ADDRESS_FORM})", re.IGNORECASE | re.MULTILINE
)
# The server goes on trying; without such words it has given up.
_RETRIED = re.compile(
    r"warning|has been delayed|delivery delayed|not yet been delivered|still (?:being )?(?:try|queued|attempt)|"
    r"will (?:be retried|keep trying|continue)|delivery attempts will|no action is required|"
    r"verzögert|weiterhin versucht|retardé|nouvelle tentative|retrasado|seguirá intentando|ritardat|nuovi tentativi|"
    r"atrasad|tentar novamente|vertraagd|opóźnion|försenat|fördröjt|forsinket|viivästy|zpožděn|задержан|повторн|"
    r"затриман|gecik|καθυστέρ|מתעכב|עיכוב|تأخر|تأخير|تأخیر|遅延|再試行|再送|延迟|延遲|重试|지연|재시도",
    re.IGNORECASE,
)


@attrs.frozen
class _Report:
    """A report in words: what the server tells, and the copy of the mail that it is about."""

    told: str
    copy: str

    def place_of(self, address: EmailAddress) -> str:
        """Give the text that names an address."""
        return self.copy if address.value in self.copy and address.value not in self.told else self.told


def read_plain_report(
    text: str, *, fields: Mapping[str, str], own: Sequence[EmailAddress], host: str | None = None
) -> Bounce:
    """Give what a report without machine-readable parts says in its words.

    Args:
        text: the readable text.
        fields: the header of the mail, by lower-case name.
        own: addresses that are not those of a bounced recipient: who gets the report and who sends it.
        host: the domain of the server that sends it.
    """
    text = text[:LONGEST_REPORT]
    copy = _COPY.search(text)
    report = _Report(text, "") if copy is None else _Report(text[: copy.start()], text[copy.start() :])
    others = {address.key for address in own}
    found = _listed(fields.get("x-failed-recipients", "")) or _told_addresses(report, others, host)
    of_all = _FAILURE.search(report.told)
    retried = _RETRIED.search(report.told) is not None
    recipients = [
        _told_recipient(report.place_of(address), address, of_all and of_all[1], retried) for address in found
    ]
    return Bounce(recipients=once(recipients), original_message_id=_told_id(text))


def _listed(header: str) -> list[EmailAddress]:
    addresses = (as_address(item.strip().strip("<>")) for item in header.split(","))
    return [address for address in addresses if address is not None][:MOST_RECIPIENTS]


def _told_addresses(report: _Report, others: set[str], host: str | None) -> list[EmailAddress]:
    """Give the addresses that a report names as failed, and those that it says they were forwarded from."""
    found = _failed_addresses(report, others, host)
    return [*found, *_usable((match[1] for match in _EXPANDED.finditer(report.told)), others)] if found else []


def _failed_addresses(report: _Report, others: set[str], host: str | None) -> list[EmailAddress]:
    """Give the addresses by the strongest way in which a report names any.

    Those it puts first on a line with a reason, else those it asked a server for, else those after words like "the
    following recipients", first on a line before those within sentences, else the few of the whole text, or of the
    copy of the mail; there those the mail was for.
    """
    told = report.told
    section = _named_section(told)
    for named in (
        (match[1] for match in _REASONED.finditer(told)),
        (match[1] for match in _ASKED.finditer(told)),
        (match[1] for match in _LEADING.finditer(section)),
        _named(section),
        () if host is None else (f"{match[1]}@{host}" for match in _LOCAL_NAME.finditer(section)),
    ):
        if found := _usable(named, others):
            return found
    sent_to = {address.key for address in _usable((match[1] for match in _SENT_TO.finditer(report.copy)), others)}
    for text in (told, report.copy):
        found = _usable(_named(text), others)
        if len(found) > 1 and (meant := [address for address in found if address.key in sent_to]):
            found = meant
        if 0 < len(found) <= _MOST_UNNAMED:
            return found
    return []


def _named_section(text: str) -> str:
    """Give what stands between words like "the following recipients" and the next rule or gap; "" without them."""
    trigger = _TRIGGER.search(text)
    if trigger is None:
        return ""
    stop = _RULE.search(text, trigger.end())
    return text[trigger.end() : len(text) if stop is None else stop.start()]


def _named(text: str) -> Iterator[str]:
    for match in _ADDRESS.finditer(text):
        line = text[max(0, match.start() - _LONGEST_LINE) : match.start()].rpartition("\n")[2]
        if not line[-12:].rstrip(" <\"'").lower().endswith(_NOT_THESE) and not _is_of_sender(line):
            yield match[0]


def _is_of_sender(line: str) -> bool:
    return label(line) == "from" or _OF_SENDER.fullmatch(line) is not None


def _usable(texts: Iterable[str], others: set[str]) -> list[EmailAddress]:
    found: dict[str, EmailAddress] = {}
    for text in texts:
        address = as_address(_TYPED.sub("", text.strip("'`\"")))
        if address is None or address.key in others or address.local.lower() in DAEMONS or "." not in address.domain:
            continue
        found.setdefault(address.key, address)
        if len(found) >= MOST_RECIPIENTS:
            break
    return list(found.values())


def _told_recipient(text: str, address: EmailAddress, of_all: str | None, retried: bool) -> BouncedRecipient:
    name = address.value if address.value in text else address.local
    place = text.find(name)
    near = text[max(0, place - 200) : place + len(name) + 600]
    after = text[place + len(name) : place + len(name) + 600]
    found = _FAILURE.search(after) or _FAILURE.search(near)
    status = of_all if found is None else found[1]
    permanent = not retried
    reason = _reason_after(after)
    return BouncedRecipient(
        address=address,
        status=status,
        action="failed" if permanent else "delayed",
        permanent=permanent,
        reason=reason or None,
        cause=_cause(status, reason, text, permanent=permanent),
    )


def _cause(status: str | None, reason: str, text: str, *, permanent: bool) -> BounceReason:
    """Give the cause by the reason told for a recipient, else by all that the report tells."""
    found = reason_of(status, reason, permanent=permanent)
    return reason_of(None, text, permanent=permanent) if found is BounceReason.UNKNOWN else found


def _reason_after(text: str) -> str:
    """Give the paragraph behind an address; "because:" and the like belong to the next one (Lotus Domino)."""
    first, _, rest = text.lstrip(" \t>:;,)\r\n\"'").partition("\n\n")
    words = one_line(first)
    if words.endswith(":"):
        words = one_line(f"{words} {rest.lstrip().partition(chr(10) * 2)[0]}")
    return words[:LONGEST_REASON]


def _told_id(text: str) -> str | None:
    found = re.search(r"^[ \t>]{0,8}message-id:\s{0,4}(<[^<>\s]{1,250}>)", text, re.IGNORECASE | re.MULTILINE)
    return None if found is None else first_id(found[1])
