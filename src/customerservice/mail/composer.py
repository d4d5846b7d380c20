"""A mail we send, as bytes whose headers are exactly those intended.

Python 3.11's ``EmailMessage`` writes a ``Bcc`` line out of a subject that holds an encoded line break (CVE-2024-6923),
and such subjects arrive by mail. So headers are written here by hand, and the finished bytes are read again.
"""

import base64
import binascii
import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import attrs

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line, storable
from customerservice.errors import InvalidValue
from customerservice.mail.addresses import read_addresses
from customerservice.mail.encoded_words import decode_words, encode_words
from customerservice.mail.received import Correspondent, MailAttachment

_LINE = 78  # RFC 5322 2.1.1: should, without CRLF
_HARD_LINE = 998  # and must
_REFERENCES_KEPT = 20
_LONGEST_QUOTED = 200  # Python's own reader puts a blank between two encoded words of a name, so quotes are tried first

# RFC 5322 3.6.4 without its obsolete and quoted forms: an id comes from a stranger's mail and goes into our header.
_MESSAGE_ID = re.compile(r"[A-Za-z0-9!#$%&'*+/=^_`{|}~.-]{1,150}@[A-Za-z0-9.-]{1,90}")
_ATEXT = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")
_FILENAME = re.compile(r"(?:(?!=\?|\?=)[A-Za-z0-9 !#$&'()+,.;=@^_`{}~\[\]-]){1,60}")
_SECTION = 60  # characters of a percent-encoded file name on one line
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_NOT_ASCII = bytes(range(128, 256))
_AUTO_SUBMITTED = re.compile(r"auto-(?:replied|generated|notified)")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def is_safe_message_id(message_id: str) -> bool:
    """Tell whether an id (without angle brackets) may stand in a header of ours: plain ASCII ``left@right``."""
    return _MESSAGE_ID.fullmatch(message_id) is not None and "=?" not in message_id and "?=" not in message_id


def _aware(_instance: object, _attribute: object, date: dt.datetime) -> None:
    if date.utcoffset() is None:
        raise InvalidValue("date", "must be aware, with its offset from UTC")


def _safe_id(_instance: object, _attribute: object, message_id: str) -> None:
    if not is_safe_message_id(message_id):
        raise InvalidValue("message_id", "must be a plain ASCII left@right without angle brackets")


def _automatic(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None and _AUTO_SUBMITTED.fullmatch(value) is None:
        raise InvalidValue("auto_submitted", "must be auto-replied, auto-generated or auto-notified (RFC 3834 5)")


def _addressed(
    _instance: object, field: "attrs.Attribute[tuple[Correspondent, ...]]", entries: tuple[Correspondent, ...]
) -> None:
    if any(entry.address is None for entry in entries):
        raise InvalidValue(field.name, "each recipient needs an address")


@attrs.frozen(kw_only=True)
class OutgoingMail:
    """A mail as it is meant. Who gets it is the envelope's matter; Bcc recipients have no place here.

    Texts of headers are put on one line: white space, line breaks and control characters become one blank.

    Attributes:
        sender_name: the display name of `sender`; "" for none.
        to: recipients shown; with `cc` at least one.
        reply_to: where answers go, if not to `sender`.
        text: the readable text; `html`, if any, says the same.
        attachments: `inline` ones with a content id are shown by the HTML (``cid:``).
        message_id: without angle brackets, as `in_reply_to` and `references`. Foreign ids that are not plain ASCII
            ``left@right`` are left out; of long references the first and the last 20 stay.
        date: aware.
        auto_submitted: ``auto-replied``, ``auto-generated`` or ``auto-notified`` for automatic mail (RFC 3834 5).

    Raises:
        InvalidValue: with the name of the field that cannot be.
    """

    sender: EmailAddress
    sender_name: str = attrs.field(default="", converter=one_line)
    to: tuple[Correspondent, ...] = attrs.field(default=(), validator=_addressed)
    cc: tuple[Correspondent, ...] = attrs.field(default=(), validator=_addressed)
    reply_to: EmailAddress | None = None
    subject: str = attrs.field(converter=one_line)
    text: str = attrs.field(repr=False)
    html: str | None = attrs.field(default=None, repr=False)
    attachments: tuple[MailAttachment, ...] = ()
    message_id: str = attrs.field(validator=_safe_id)
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    date: dt.datetime = attrs.field(validator=_aware)
    auto_submitted: str | None = attrs.field(default=None, validator=_automatic)

    def __attrs_post_init__(self) -> None:
        if not (self.to or self.cc):
            raise InvalidValue("to", "a mail needs a recipient")


def compose(mail: OutgoingMail) -> bytes:
    """Give the mail as bytes: CRLF line ends, ASCII only, lines of at most 998 bytes; the same bytes for the same mail.

    The headers are read again from the finished bytes, names and meanings, before anything is returned.

    Raises:
        InvalidValue: an address cannot be written without SMTPUTF8 (a local part outside ASCII, a domain DNS cannot
            hold), or the finished headers do not say what was meant.

    >>> raw = compose(OutgoingMail(
    ...     sender=EmailAddress("help@shop.example"), to=(Correspondent(EmailAddress("anna@mail.example")),),
    ...     subject="=?utf-8?q?a=0aBcc:=20eve=40evil.example?=", text="Hello",
    ...     message_id="1@shop.example", date=dt.datetime(2026, 1, 2, tzinfo=dt.UTC)))
    >>> b"Bcc" in raw
    False
    """
    fields = _fields(mail)
    content = _content(mail)
    raw = b"".join((*(_header(field.name, field.text) for field in fields), content.render()))
    fixed = ((name, str, text) for name, text in content.fields)
    verify_header(raw, [*((field.name, field.read, field.meaning) for field in fields), *fixed])
    return raw


def verify_header(raw: bytes, intended: Sequence[tuple[str, Callable[[str], object], object]]) -> None:
    """Read the header of a finished mail again, and compare it with what was intended.

    Args:
        raw: the mail.
        intended: for each header field in order its name, what reads its unfolded text, and what that must give.

    Raises:
        InvalidValue: the mail has another header, or one that programs could read differently. Nothing of it is told.
    """
    head, gap, _ = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    if not gap or any(len(line) > _HARD_LINE or not line.isascii() or _CONTROL.search(line) for line in lines):
        raise InvalidValue("header", "the finished mail has a header that is not plain lines; it must not be sent")
    unfolded = head.replace(b"\r\n ", b" ").decode("ascii").split("\r\n")
    found = [line.partition(": ")[::2] for line in unfolded]
    if [name for name, _ in found] != [name for name, _, _ in intended]:
        raise InvalidValue("header", "the finished mail has other header fields than intended; it must not be sent")
    for (name, text), (_, read, meaning) in zip(found, intended, strict=True):
        if read(text) != meaning:
            raise InvalidValue(name, "reads differently in the finished mail; it must not be sent")


@attrs.frozen
class _Field:
    """A header field: its text, folded, what reads it, and what it must mean."""

    name: str
    text: str
    read: Callable[[str], object]
    meaning: object


@attrs.frozen
class _Entity:
    """A MIME entity: the fields of its header with their folded text, and its encoded body."""

    fields: tuple[tuple[str, str], ...]
    body: bytes = attrs.field(repr=False)

    def render(self) -> bytes:
        return b"".join((*(_header(name, text) for name, text in self.fields), b"\r\n", self.body))


def _header(name: str, text: str) -> bytes:
    return f"{name}: {text}\r\n".encode("ascii")


def _fields(mail: OutgoingMail) -> list[_Field]:
    fields = [
        _literal("Date", _date(mail.date)),
        _mailboxes("From", [Correspondent(mail.sender, mail.sender_name)]),
        _mailboxes("To", mail.to),
        _mailboxes("Cc", mail.cc),
        _mailboxes("Reply-To", [] if mail.reply_to is None else [Correspondent(mail.reply_to)]),
        _Field("Subject", _text("Subject", mail.subject), decode_words, mail.subject),
        _literal("Message-ID", f"<{mail.message_id}>"),
        _ids("In-Reply-To", [mail.in_reply_to or ""]),
        _ids("References", mail.references),
    ]
    if mail.auto_submitted is not None:
        # Exchange does not heed RFC 3834; its own switch is [MS-OXCMAIL] 2.2.3.2.14.
        fields += [_literal("Auto-Submitted", mail.auto_submitted), _literal("X-Auto-Response-Suppress", "All")]
    fields.append(_literal("MIME-Version", "1.0"))
    return [field for field in fields if field.meaning]


def _literal(name: str, text: str) -> _Field:
    return _Field(name, text, str, text)


def _date(date: dt.datetime) -> str:
    offset = date.utcoffset() or dt.timedelta()
    if offset % dt.timedelta(minutes=1):
        date, offset = date.astimezone(dt.UTC), dt.timedelta()
    sign, minutes = ("-", -offset) if offset < dt.timedelta() else ("+", offset)
    hours, minutes_left = divmod(minutes // dt.timedelta(minutes=1), 60)
    # strftime would use the words of the process's locale.
    return (
        f"{_DAYS[date.weekday()]}, {date.day:02d} {_MONTHS[date.month - 1]} {date.year:04d} "
        f"{date:%H:%M:%S} {sign}{hours:02d}{minutes_left:02d}"
    )


def _ids(name: str, ids: Iterable[str]) -> _Field:
    safe = [f"<{message_id}>" for message_id in ids if is_safe_message_id(message_id)]
    if len(safe) > 2 * _REFERENCES_KEPT:
        safe = [*safe[:_REFERENCES_KEPT], *safe[-_REFERENCES_KEPT:]]
    return _Field(name, _fold(name, safe), str, " ".join(safe))


def _mailboxes(name: str, entries: Sequence[Correspondent]) -> _Field:
    meant = tuple(Correspondent(_on_the_wire(e.address), one_line(e.name)) for e in entries if e.address is not None)
    words: list[str] = []
    for entry in meant:
        if words:
            words[-1] += ","
        words += [*_phrase(name, entry.name), f"<{entry.address}>"] if entry.name else [str(entry.address)]
    return _Field(name, _fold(name, words), lambda text: read_addresses(text, limit=len(meant) + 1)[0], meant)


def _on_the_wire(address: EmailAddress) -> EmailAddress:
    local, domain = address.local, address.domain
    if not local.isascii() or "=?" in address.value or "?=" in address.value:
        raise InvalidValue("address", "its local part cannot be written in a mail header without SMTPUTF8")
    try:
        return EmailAddress(f"{local}@{domain if domain.isascii() else domain.encode('idna').decode('ascii')}")
    except UnicodeError:
        raise InvalidValue("address", "its domain is no name DNS can hold") from None


def _phrase(header: str, name: str) -> Sequence[str]:
    words = name.split(" ")
    if all(_ATEXT.fullmatch(word) and len(word) <= _LINE // 2 for word in words) and not _looks_encoded(name):
        return words
    if _PLAIN.fullmatch(name) and len(name) <= _LONGEST_QUOTED and not _looks_encoded(name):
        return ['"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"']
    return encode_words(name, first_line=_LINE - len(header) - 3)


def _text(header: str, text: str) -> str:
    words = text.split(" ")
    if text and (
        _PLAIN.fullmatch(text) is None or _looks_encoded(text) or max(map(len, words)) > _LINE - len(header) - 2
    ):
        words = encode_words(text, first_line=_LINE - len(header) - 2)
    return _fold(header, words)


def _looks_encoded(text: str) -> bool:
    # Programs decode more than RFC 2047 allows, such as words inside quotes, so any trace of one is too much.
    return "=?" in text or "?=" in text


def _fold(header: str, words: Iterable[str]) -> str:
    text, column = "", len(header) + 1
    for word in words:
        if text and column + 1 + len(word) > _LINE:
            text, column = f"{text}\r\n {word}", 1 + len(word)
        else:
            text, column = f"{text} {word}" if text else word, column + 1 + len(word)
    return text


def _content(mail: OutgoingMail) -> _Entity:
    shown = [item for item in mail.attachments if mail.html is not None and item.inline and item.content_id]
    others = [item for item in mail.attachments if item not in shown]
    body = _readable(mail.text, "plain")
    if mail.html is not None:
        html = _readable(mail.html, "html")
        if shown:
            html = _multipart("related", [html, *map(_file, shown)])
        body = _multipart("alternative", [body, html])
    return _multipart("mixed", [body, *map(_file, others)]) if others else body


def _readable(text: str, subtype: str) -> _Entity:
    lines = storable(text).replace("\r\n", "\n").replace("\r", "\n")
    data = (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n").encode("utf-8")
    outside = len(data) - len(data.translate(None, _NOT_ASCII))
    if outside * 6 > len(data):  # quoted-printable would be the longer
        encoding, body = "base64", _base64(data)
    else:
        # "From " at the start of a line is changed by every program that keeps mail in an mbox.
        encoding, body = "quoted-printable", binascii.b2a_qp(data, istext=True).replace(b"\nFrom ", b"\n=46rom ")
        body = b"=46" + body[1:] if body.startswith(b"From ") else body
    return _Entity((("Content-Type", f"text/{subtype}; charset=utf-8"), ("Content-Transfer-Encoding", encoding)), body)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _file(item: MailAttachment) -> _Entity:
    media_type = item.media_type.lower()
    if _MEDIA_TYPE.fullmatch(media_type) is None or media_type.startswith(("message/", "multipart/")):
        # RFC 2046 5.2.1 forbids base64 for these two, and as themselves they could not be kept byte for byte.
        media_type = "application/octet-stream"
    fields = [
        ("Content-Type", media_type),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", _disposition("inline" if item.inline else "attachment", item.filename)),
    ]
    if item.content_id is not None and is_safe_message_id(item.content_id):
        fields.append(("Content-ID", f"<{item.content_id}>"))
    return _Entity(tuple(fields), _base64(item.content))


def _disposition(kind: str, filename: str | None) -> str:
    name = one_line(filename or "")
    if not name:
        return kind
    if _FILENAME.fullmatch(name):
        return f'{kind};\r\n filename="{name}"'
    sections = list(_percent_encoded(name))
    sections[0] = f"utf-8''{sections[0]}"
    if len(sections) == 1:
        return f"{kind};\r\n filename*={sections[0]}"
    return kind + "".join(f";\r\n filename*{place}*={section}" for place, section in enumerate(sections))


def _percent_encoded(name: str) -> Iterator[str]:
    """Give the name after RFC 2231 4, in pieces that fit a line and end between characters."""
    piece = ""
    for char in name:
        safe = char.isascii() and (char.isalnum() or char in "._-")
        encoded = char if safe else "".join(f"%{byte:02X}" for byte in char.encode("utf-8"))
        if len(piece) + len(encoded) > _SECTION:
            yield piece
            piece = ""
        piece += encoded
    yield piece


def _multipart(subtype: str, parts: Sequence[_Entity]) -> _Entity:
    rendered = [part.render() for part in parts]
    # "=_" occurs in neither base64 nor quoted-printable, so no part can hold the boundary (RFC 2045 6.7).
    boundary = "=_cs_" + hashlib.sha256(b"\0".join((subtype.encode(), *rendered))).hexdigest()[:32]
    line = b"--" + boundary.encode("ascii")
    body = b"".join(line + b"\r\n" + part + b"\r\n" for part in rendered) + line + b"--\r\n"
    return _Entity((("Content-Type", f'multipart/{subtype}; boundary="{boundary}"'),), body)
