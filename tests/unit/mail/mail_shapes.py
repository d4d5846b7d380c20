"""The shape of a mail: what is left of it without language, names and numbers."""

import itertools
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message

from customerservice.mail import parse

#: Fields that servers on the way add, in any number.
_TRACE = re.compile(
    r"received|x-received|received-spf|authentication-results|dkim-signature|arc-|x-ms-exchange-|x-google-"
)
#: Fields whose words are no language.
_TECHNICAL = frozenset(
    {"auto-submitted", "content-disposition", "content-transfer-encoding", "content-type", "precedence", "return-path"}
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]*)\?(.)\?[^?]*\?=")
_WORD = re.compile(r"[^\W\d_][\w\u0300-\u036f\u200c\u200d'\u2019-]*")
_NUMBER = re.compile(r"\d+")
_WORDS = re.compile(r"a(?:[ .,!?;\u3001\u3002\u060c\u061f]+a)*[.,!?;\u3001\u3002\u060c\u061f]*")
_TAG = re.compile(r"<(/?[a-zA-Z][\w:-]*)([^>]*)>")
_KEPT_ATTRIBUTE = re.compile(r"(?:class|id|type)\s*=\s*[\"']?[^\s\"'>]+", re.IGNORECASE)


def shape_of(raw: bytes) -> tuple[object, ...]:
    """Give a value that is equal for mails that differ in language, names, numbers and trace fields only.

    It holds the fields of each part's header with the shape of their values, the tree of parts, the kinds of line ends,
    the lines of the readable text, equal ones after each other once, the tags of HTML with what names them, and the
    defects.
    """
    mail = parse(raw)
    lines = map(line_shape, mail.text.split("\n"))
    return (
        tuple(_parts(message_from_bytes(raw))),
        (b"\r\n" in raw, b"\n" in raw.replace(b"\r\n", b""), b"\r" in raw.replace(b"\r\n", b"")),
        tuple(shape for shape, _ in itertools.groupby(lines)),
        tuple((found[1].lower(), *_KEPT_ATTRIBUTE.findall(found[2])) for found in _TAG.finditer(mail.html or "")),
        tuple(defect.code for defect in mail.defects),
    )


def _parts(part: Message) -> Iterator[tuple[object, ...]]:
    for inner in part.walk():
        fields = [
            (name.lower(), _technical(value) if name.lower() in _TECHNICAL else line_shape(value))
            for name, value in ((name, str(value)) for name, value in inner.items())
            if not _TRACE.match(name.lower())
        ]
        yield inner.get_content_type(), tuple(fields)


def _technical(value: str) -> str:
    named = re.sub(r"(?i)(boundary|name|filename|id|start)(\*?\d*\*?\s*=\s*)(\"[^\"]*\"|[^;\s]*)", r"\1\2", value)
    return _NUMBER.sub("0", " ".join(named.lower().split()))


def line_shape(text: str) -> str:
    """Give a line with words as ``a``, numbers as ``0``, encoded words by charset and form, one blank for many.

    >>> line_shape("Am 2. Jan. 2026 schrieb Anna Weber <anna@mail.example>:")
    'a 0. a 0 a <a@a>:'
    """
    coded = _ENCODED_WORD.sub(lambda found: f"\0{found[1]}\1{found[2]}\0".lower(), text)
    pieces = coded.split("\0")
    pieces[::2] = [_WORDS.sub("a", _NUMBER.sub("0", _WORD.sub("a", piece))) for piece in pieces[::2]]
    return " ".join("=".join(pieces).split())
