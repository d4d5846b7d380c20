"""What holds of every mail as read, whatever its bytes: the promises of `ReceivedMail`, checked one by one."""

import datetime as dt
import enum
import hashlib
import html.parser
import json
import pickle
import re
import traceback
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator

import attrs

from customerservice.mail import Limits, MailKind, ReceivedMail, parse
from customerservice.mail.html_safe import safe_html
from customerservice.mail.inspection import describe

#: Tags and attributes that HTML which is safe to show may have.
_SHOWN = frozenset(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em h1 h2 h3 h4"
    " h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strike strong sub summary sup table tbody"
    " td tfoot th thead tr tt u ul var wbr".split()
)
_SHOWN_ATTRIBUTES = frozenset(
    "dir lang title align href rel data-blocked-src alt width height start colspan rowspan".split()
)
_LINKS = ("http://", "https://", "mailto:", "tel:")
#: A line that parts a text and belongs to none of its parts, as drawn lines do, too.
_MARKER_LINE = re.compile(r"^##.{1,200}##\s*$", re.MULTILINE)
_WORD = re.compile(r"[^\s>|_=*~\u2014-]+")
_TEXTS_OF_MANY_LINES = frozenset({"text", "html", "new_text", "quoted_text", "signature"})
_HEX = re.compile(r"[0-9a-f]{64}")


def broken_promises(raw: bytes, read: Callable[[bytes], ReceivedMail] = parse) -> list[str]:
    """Read a mail and give every promise its reading breaks, each as one line that begins with the promise's name."""
    try:
        mail = read(raw)
        again = read(bytes(bytearray(raw)))
        broken = [
            *_of_texts(mail),
            *_of_identity(raw, mail),
            *_of_counts(raw, mail),
            *_of_meaning(mail),
            *_of_html(mail),
        ]
        return broken if again == mail else [*broken, "deterministic: read twice, two readings"]
    except Exception as error:  # every one of them is a finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"raises: {type(error).__name__} in {where.name}, line {where.lineno}: {str(error)[:200]}"]


def _of_texts(mail: ReceivedMail) -> Iterator[str]:
    for path, text in _texts(mail, ""):
        name = path.partition(".")[0].partition("[")[0]
        if "\0" in text:
            yield f"NUL: in {path}"
        try:
            text.encode()
        except UnicodeEncodeError:
            yield f"surrogate: in {path}"
        if name in _TEXTS_OF_MANY_LINES:
            if "\r" in text and name != "html":
                yield f"line ends: a CR in {path}"
        elif len(text.splitlines()) > 1 or any(unicodedata.category(sign) == "Cc" for sign in text):
            yield f"one line: {path} is {text[:80]!r}"


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple | list):
        for place, each in enumerate(value):
            yield from _texts(each, f"{path}[{place}]")
    elif attrs.has(type(value)) and not isinstance(value, enum.Enum):
        for field in attrs.fields(type(value)):
            yield from _texts(getattr(value, field.name), f"{path}.{field.name}".lstrip("."))


def _of_identity(raw: bytes, mail: ReceivedMail) -> Iterator[str]:
    if mail.size != len(raw):
        yield f"size: {mail.size} of {len(raw)} bytes"
    if mail.sha256 != hashlib.sha256(raw).hexdigest():
        yield "sha256: not that of the bytes"
    if _HEX.fullmatch(mail.content_digest) is None:
        yield f"content_digest: {mail.content_digest!r}"
    if pickle.loads(pickle.dumps(mail)) != mail:
        yield "pickle: another value comes back"
    json.dumps(describe(mail, path="-", index=0))


def _of_counts(raw: bytes, mail: ReceivedMail) -> Iterator[str]:
    limits = Limits()
    bounds = {
        # Each short line of a deep quotation in HTML gets its nine marks.
        "characters of the text": (len(mail.text), 20 * len(raw) + 1_000),
        "characters of the HTML": (len(mail.html or ""), len(raw) + 1_000),
        "characters of the header": (sum(len(value) for _, value in mail.headers), len(raw) + 1_000),
        "bytes of the attachments": (sum(len(each.content) for each in mail.attachments), 2 * len(raw) + 1_000),
        "attachments": (len(mail.attachments), limits.parts + len(raw) // 16),
        "references": (len(mail.references), limits.references),
        "addresses": (max(len(mail.to), len(mail.cc), len(mail.reply_to)), limits.addresses),
        "bounced recipients": (len(mail.bounce.recipients) if mail.bounce else 0, 1 + len(raw) // 4),
        "defects": (len(mail.defects), 100),
        "characters of a defect": (max((len(each.detail) for each in mail.defects), default=0), 200),
        "reasons": (len(mail.kind_reasons), 50),
    }
    for what, (count, most) in bounds.items():
        if count > most:
            yield f"bounded: {count} {what}, at most {most}"


def _of_meaning(mail: ReceivedMail) -> Iterator[str]:
    if (mail.bounce is not None) != (mail.kind is MailKind.BOUNCE):
        yield f"bounce: {mail.kind.value} with {mail.bounce!r}"
    if not mail.kind_reasons:
        yield f"kind: {mail.kind.value} without a reason"
    if mail.null_return_path and mail.return_path is not None:
        yield "return path: both null and an address"
    if mail.date is not None:
        try:
            mail.date.astimezone(dt.UTC)
        except (OverflowError, ValueError) as error:
            yield f"date: {mail.date!r} cannot be converted: {error}"
        if mail.date.tzinfo is None:
            yield f"date: {mail.date!r} has no offset"
    original = mail.bounce.original_message_id if mail.bounce else None
    for identifier in (mail.message_id, original, *mail.in_reply_to, *mail.references):
        if identifier is not None and (not identifier or re.search(r"[<>\s]", identifier)):
            yield f"id: {identifier!r}"
    for item in mail.attachments:
        name = item.filename
        if name is not None and (not name.strip(". ") or "/" in name or "\\" in name):
            yield f"file name: {name!r}"
        if item.media_type.count("/") != 1 or item.media_type != item.media_type.lower():
            yield f"media type: {item.media_type!r}"
    if (mail.markers.number is None) != (mail.markers.place is None):
        yield f"marker: {mail.markers!r}"
    yield from _of_parts(mail)


def _of_parts(mail: ReceivedMail) -> Iterator[str]:
    """No word of the text is lost between its three parts, and none is told twice or made up."""
    whole = _words(mail.text)
    parted = sum((_words(part) for part in (mail.new_text, mail.quoted_text, mail.signature)), Counter[str]())
    if lost := list(whole - parted):
        yield f"nothing lost: {lost[0][:120]!r} is in no part of the text"
    if more := list(parted - whole):
        yield f"nothing added: {more[0][:120]!r} is more often in the parts than in the text"


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(_MARKER_LINE.sub("", text)))


class _Shown(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.broken: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _SHOWN:
            self.broken.append(f"safe HTML: <{tag[:40]}>")
        for name, value in attrs:
            if name not in _SHOWN_ATTRIBUTES:
                self.broken.append(f"safe HTML: the attribute {name[:40]}")
            if name == "href" and not (value or "").strip().lower().startswith(_LINKS):
                self.broken.append(f"safe HTML: a link to {(value or '')[:40]!r}")

    def handle_pi(self, data: str) -> None:
        self.broken.append(f"safe HTML: <?{data[:40]}")

    def handle_decl(self, decl: str) -> None:
        self.broken.append(f"safe HTML: <!{decl[:40]}")

    def handle_comment(self, data: str) -> None:
        self.broken.append(f"safe HTML: <!--{data[:40]}")


def _of_html(mail: ReceivedMail) -> list[str]:
    if mail.html is None:
        return []
    shown = _Shown()
    shown.feed(safe_html(mail.html))
    shown.close()
    return shown.broken
