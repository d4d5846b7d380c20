"""The one path from the bytes of a mail to what it says."""

import hashlib
import re
from collections.abc import Sequence

from customerservice.domain.email_address import EmailAddress
from customerservice.mail.addresses import read_addresses
from customerservice.mail.bodies import Bodies, read_bodies
from customerservice.mail.bounces import read_bounce
from customerservice.mail.content_digest import content_digest
from customerservice.mail.dates import read_date
from customerservice.mail.encoded_words import decode_words
from customerservice.mail.forwards import is_forward_subject
from customerservice.mail.kinds import Signs, kind_of
from customerservice.mail.limits import Limits
from customerservice.mail.machine_words import folded
from customerservice.mail.markers import find_markers
from customerservice.mail.message_ids import read_ids
from customerservice.mail.parts import Part, read_parts, tidy, walk
from customerservice.mail.quotations import Reading, read_new_text
from customerservice.mail.received import Bounce, Correspondent, Defect, MailKind, Receipt, ReceivedMail
from customerservice.mail.reports import Reports, arrived, read_reports

#: Raised whenever the same bytes can be read differently than before.
READER_VERSION = 2

_ENVELOPE = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to", "x-rcpt-to")
_SINGLE = ("from", "subject", "date", "message-id", "to")  # RFC 5322 3.6: at most once
_BLANKS = re.compile(r"[ \t]{2,}")
_HEADER_OF_ATTACHED = 64 * 1024  # bytes
_READ_BY_RULES = 4_000  # characters of the text that the rules about the kind look at
_HEADER_READ_BY_RULES = 1_000  # and of the From and the Subject


def read_mail(raw: bytes, limits: Limits) -> ReceivedMail:
    """Give what a mail says; see `customerservice.mail.parse`."""
    root, defects = read_parts(raw, limits)
    header = _Header(root, limits)
    bodies = read_bodies(raw, root, limits)
    subject = header.subject()
    reading = read_new_text(
        bodies.text,
        quotes=bodies.quotes,
        signatures=bodies.signatures,
        html=None if bodies.quotes else bodies.html,
        forwarded=is_forward_subject(subject),
        longest=limits.text_characters,
    )
    senders = header.addresses("from")
    sender = header.sender(senders)
    date_text = header.text("date")
    message_id = next(iter(header.ids("message-id")), None)
    null_return_path = header.null_return_path()
    reports = read_reports(raw, root)
    words = "" if bodies.spare else reading.new
    signs = _signs(root, header, sender, subject, bodies.text, words, reports, null_return_path)
    kind, reasons = kind_of(signs)
    recipients = (header.addresses("to"), header.addresses("cc"), header.addresses("reply-to"))
    return ReceivedMail(
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        content_digest=content_digest(
            (header.text("from"), date_text, subject, message_id), (bodies.text, bodies.html), bodies.attachments
        ),
        message_id=message_id,
        in_reply_to=header.ids("in-reply-to"),
        references=header.ids("references"),
        subject=subject,
        sender=sender,
        to=recipients[0],
        cc=recipients[1],
        reply_to=recipients[2],
        envelope_to=header.envelope_to(),
        return_path=header.return_path(),
        null_return_path=null_return_path,
        date=None if date_text is None else read_date(date_text),
        date_text=date_text,
        text=bodies.text,
        html=bodies.html,
        new_text=reading.new,
        quoted_text=reading.quoted,
        signature=reading.signature,
        attachments=bodies.attachments,
        kind=kind,
        kind_reasons=tuple(map(tidy, reasons)),
        bounce=_bounce(raw, root, header, sender, bodies.text, reports) if kind is MailKind.BOUNCE else None,
        markers=find_markers(subject, reading.new, bodies.text),
        authentication=header.authentication(),
        headers=header.decoded,
        defects=(*defects, *header.defects, *bodies.defects),
        reader_version=READER_VERSION,
        forwarded_from=_forwarded_from(reading, bodies, limits) if kind is MailKind.PERSON else None,
        senders=senders,
        sender_is_uncertain=header.sender_is_uncertain(),
        receipt=_receipt(reports) if kind is MailKind.SYSTEM else None,
        complaint=reports.complaint if kind is MailKind.FEEDBACK_REPORT else None,
    )


def _forwarded_from(reading: Reading, bodies: Bodies, limits: Limits) -> Correspondent | None:
    """Give who wrote the forwarded mail: as its banner says, or as an attached mail does that is all there is."""
    if reading.forwarded_from is not None:
        return reading.forwarded_from
    if bodies.text.strip() or len(bodies.attachments) != 1 or bodies.attachments[0].media_type != "message/rfc822":
        return None
    root, _ = read_parts(bodies.attachments[0].content[:_HEADER_OF_ATTACHED], limits)
    inner = _Header(root, limits)
    return inner.sender(inner.addresses("from"))


class _Header:
    """The header of the whole mail, field by field."""

    def __init__(self, root: Part, limits: Limits) -> None:
        self._limits = limits
        self._all: dict[str, list[str]] = {}
        for name, value in root.fields:
            self._all.setdefault(name, []).append(value)
        self.first = {name: values[0] for name, values in self._all.items()}
        self.decoded = tuple((name, _decoded(value)) for name, value in root.fields)
        self._shown = dict(reversed(self.decoded))  # the first of each name
        self.defects: list[Defect] = [
            Defect("repeated_header", f"{name} stands {len(self._all[name])} times; the first counts")
            for name in _SINGLE
            if len(self._all.get(name, ())) > 1
        ]

    def text(self, name: str) -> str | None:
        value = self._shown.get(name)
        return None if value is None else value.strip()

    def subject(self) -> str | None:
        """Give the subject; blanks that folding left beside each other are one, those within encoded words stay."""
        value = self.first.get("subject", "")
        if "  " not in value and "\t" not in value:
            return self.text("subject")
        return _decoded(_BLANKS.sub(" ", value)).strip()

    def ids(self, name: str) -> tuple[str, ...]:
        return read_ids(self.first.get(name, ""), limit=self._limits.references)

    def addresses(self, name: str) -> tuple[Correspondent, ...]:
        found: list[Correspondent] = []
        for value in self._all.get(name, ()):
            entries, cut = read_addresses(value, limit=self._limits.addresses - len(found))
            found += entries
            if cut:
                self.defects.append(Defect("too_many_addresses", f"only the first {len(found)} of {name} were read"))
                break
        return tuple(found)

    def sender(self, senders: Sequence[Correspondent]) -> Correspondent | None:
        """Give the From: of several mailboxes (RFC 5322 3.6.2) the first, without address unless each has one."""
        fields = self._all.get("from", ())
        if not fields:
            return None
        people = {None if entry.address is None else entry.address.key for entry in senders}
        if len(fields) > 1:
            self.defects.append(Defect("unusable_from", f"the mail has {len(fields)} From headers"))
        elif None in people or not people:
            self.defects.append(Defect("unusable_from", "the From header has no plain address"))
        else:
            if len(people) > 1:
                self.defects.append(Defect("several_senders", f"the From header names {len(people)} people"))
            return senders[0]
        return Correspondent(None, senders[0].name if senders else "")

    def sender_is_uncertain(self) -> bool:
        fields = self._all.get("from", ())
        strictly = [entry for value in fields for entry in read_addresses(value, limit=100, strict=True)[0]]
        people = {None if entry.address is None else entry.address.key for entry in strictly}
        return bool(fields) and (len(fields) > 1 or len(people) != 1 or None in people)

    def envelope_to(self) -> tuple[EmailAddress, ...]:
        entries = [entry.address for name in _ENVELOPE for entry in self.addresses(name)]
        return tuple(dict.fromkeys(address for address in entries if address is not None))

    def null_return_path(self) -> bool:
        return "".join(self.first.get("return-path", "").split()) == "<>"

    def return_path(self) -> EmailAddress | None:
        entries = read_addresses(self.first.get("return-path", ""), limit=2)[0]
        return entries[0].address if len(entries) == 1 else None

    def authentication(self) -> tuple[tuple[str, str], ...]:
        # Not decoded: a server that removes forged results of its own (RFC 8601 5) does not see those in encoded words.
        values = [tidy(value) for value in self._all.get("authentication-results", ())]
        return tuple(((value.partition(";")[0].split() or [""])[0], value) for value in values)


def _decoded(value: str) -> str:
    return tidy(decode_words(value))


def _signs(
    root: Part,
    header: _Header,
    sender: Correspondent | None,
    subject: str | None,
    text: str,
    new_text: str,
    reports: Reports,
    null_return_path: bool,
) -> Signs:
    return Signs(
        fields=header.first,
        delivered_to=[value for name, value in root.fields if name == "delivered-to"],
        report_type=root.parameters.get("report-type", "").lower() if root.media_type == "multipart/report" else "",
        inner_types=frozenset(part.media_type or "" for part in walk(root)),
        actions=reports.actions,
        disposition=None if reports.receipt is None else reports.receipt.disposition or "",
        calendar_method=_calendar_method(root),
        sender=folded((header.text("from") or "")[:_HEADER_READ_BY_RULES]),
        sender_local="" if sender is None or sender.address is None else sender.address.local.lower(),
        subject=folded((subject or "")[:_HEADER_READ_BY_RULES]),
        text=folded(text[:_READ_BY_RULES]),
        new_text=folded(new_text[:_READ_BY_RULES]),
        null_return_path=null_return_path,
        precedence_in_transit=_is_in_transit([name for name, _ in root.fields]),
    )


def _is_in_transit(names: Sequence[str]) -> bool:
    """Tell whether Precedence stands above a Received; servers put theirs on top (RFC 5321 4.4)."""
    return "precedence" in names and "received" in names[names.index("precedence") :]


def _calendar_method(root: Part) -> str:
    parts = (part for part in walk(root) if part.media_type == "text/calendar")
    return next((part.parameters.get("method", "").lower() for part in parts), "")


def _bounce(
    raw: bytes, root: Part, header: _Header, sender: Correspondent | None, text: str, reports: Reports
) -> Bounce:
    server = None if sender is None else sender.address
    own = [entry.address for entry in header.addresses("to") if entry.address is not None]
    return read_bounce(
        raw,
        root,
        reports=reports,
        text=text,
        fields=header.first,
        own=own if server is None else [*own, server],
        host=None if server is None else server.domain,
    )


def _receipt(reports: Reports) -> Receipt | None:
    if reports.receipt is not None or reports.status is None:
        return reports.receipt
    return arrived(reports.status)
