"""The MIME structure of a mail: one pass over its bytes fills a frozen tree of offsets (RFC 2045, RFC 2046).

Nothing is copied but headers. The work is linear in the size of the mail whatever it holds, and no call is recursive.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

import attrs

from customerservice.domain.text import one_line
from customerservice.mail.charsets import decode
from customerservice.mail.limits import Limits
from customerservice.mail.parameters import read_parameters
from customerservice.mail.received import Defect, note_defect
from customerservice.mail.transfer import decode_transfer

# Fields with their continuations (RFC 5322 2.2, and blanks before the colon as in 4.5), then the blank line. Where the
# lines end with LF a CR alone breaks none, as in Postfix and Exim, or a field could hide from the server's checks.
_HEADER = re.compile(rb"(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)(?:[ \t][^\n]*+(?:\n|\Z))*+)*+(\r*+\n)?+")
# In the header of a part also a parameter that lost its blanks: "Content-Type: a/b;", and "name=c" on the next line.
_PART_HEADER = re.compile(
    rb"(?:[!-9;-~]++[ \t]*+:[^\n]*+(?:\n|\Z)"
    rb"(?:(?:[ \t]|(?:(?<=;\n)|(?<=;\r\n))[a-zA-Z][\w*-]*+=)[^\n]*+(?:\n|\Z))*+)*+(\r*+\n)?+"
)
_LOST_BLANK = re.compile(rb"(?<=;)\r?+\n(?=[a-zA-Z][\w*-]*+=)")
_CHARSET = re.compile(r"charset\s{0,3}=\s{0,3}[\"']?([\w.:-]{1,64})", re.IGNORECASE)
_HEADER_BY_CR = re.compile(
    rb"(?:[!-9;-~]++[ \t]*+:[^\r\n]*+(?:\r\n?+|\n|\Z)(?:[ \t][^\r\n]*+(?:\r\n?+|\n|\Z))*+)*+(\r\n?+|\n)?+"
)
_FIELD = re.compile(r"^([!-9;-~]++)[ \t]*+:[ \t\r]*+(.*)", re.MULTILINE)
_LINE_BREAK = re.compile(rb"\r\n|\n|\r")
# What is saved out of Gmail's "Show original" begins with a line of blanks.
_BLANK_LINES = re.compile(rb"(?:[ \t]*+[\r\n])*+")
_DASHES_AFTER_BREAK = re.compile(rb"[\r\n]--")
_STRETCH = 1 << 12  # bytes
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


Fields = tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Part:
    """One part of a mail, or the whole.

    Attributes:
        fields: the header: names in lower case, values unfolded, encoded words not yet decoded.
        media_type: in lower case; None if absent or unusable.
        parameters: of the Content-Type, decoded.
        disposition: ``attachment``, ``inline`` or what the sender wrote; "" if absent.
        filename: decoded, on one line; still with any folder.
        start: offset of the header in the raw mail; `body` and `end` enclose the body.
        children: parts of a multipart, in order; empty for anything else.
        too_deep: a multipart below the limit of depth, whose parts were not read.
    """

    fields: Fields = attrs.field(repr=False)
    media_type: str | None
    parameters: Mapping[str, str]
    encoding: str
    disposition: str
    filename: str | None
    start: int
    body: int
    end: int
    children: tuple["Part", ...] = ()
    too_deep: bool = False

    def field(self, name: str) -> str | None:
        """Give the first field of that lower-case name, or None."""
        return next((value for key, value in self.fields if key == name), None)

    def content(self, raw: bytes) -> tuple[bytes, str | None]:
        """Give the body after transfer decoding, and a defect code or None."""
        return decode_transfer(memoryview(raw)[self.body : self.end], self.encoding)


def read_parts(raw: bytes, limits: Limits) -> tuple[Part, tuple[Defect, ...]]:
    """Give the structure of a mail and what is wrong with it. Never raises; linear; any line ends."""
    reader = _Reader(raw, limits)
    root = reader.read()
    return root, tuple(reader.defects)


def walk(root: Part) -> Iterator[Part]:
    """Give the parts of a mail, each before those within it."""
    waiting = [root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += reversed(part.children)


@attrs.define(kw_only=True)
class _Open:
    """A part whose end has not been seen; a multipart if it has a boundary."""

    fields: Fields
    media_type: str | None
    parameters: Mapping[str, str]
    encoding: str
    disposition: str
    filename: str | None
    start: int
    body: int
    boundary: bytes | None = None
    too_deep: bool = False
    children: list[Part] = attrs.Factory(list)

    def ended(self, end: int) -> Part:
        return Part(
            fields=self.fields,
            media_type=self.media_type,
            parameters=self.parameters,
            encoding=self.encoding,
            disposition=self.disposition,
            filename=self.filename,
            start=self.start,
            body=self.body,
            end=max(self.body, end),
            children=tuple(self.children),
            too_deep=self.too_deep,
        )


class _Reader:
    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.defects: list[Defect] = []
        self._raw = raw
        self._limits = limits
        self._open: list[_Open] = []
        self._levels: dict[bytes, list[int]] = {}  # boundary -> places in _open
        self._leaf: _Open | None = None
        self._count = 0
        self._root: Part | None = None

    def read(self) -> Part:
        raw = self._raw
        # Lines that end with a bare CR are rare, and looking for them takes ten times as long.
        bare = _has_dashes_after_cr(raw)
        line_end = _line_end if bare else _line_end_by_lf
        dashes = itertools.islice(
            _dash_lines_after_any_break(raw) if bare else _dash_lines(raw), self._limits.dash_lines
        )
        dash = next(dashes, len(raw))
        self._start_part(_first_line(raw), dash)
        while self._open and dash < len(raw):
            line = line_end(raw, dash)
            following = next(dashes, len(raw))
            if (found := self._level(raw[dash + 2 : line].rstrip())) is not None:
                level, closing = found
                self._end_parts(level + 1, _before_break(raw, dash))
                if closing:
                    self._end_parts(level, _before_break(raw, dash), closed=True)
                elif self._count >= self._limits.parts:
                    self._defect("too_many_parts", f"only the first {self._count} parts were read")
                    break
                else:
                    self._start_part(_after_break(raw, line), following)
            dash = following
        self._end_parts(0, len(raw))
        assert self._root is not None
        return self._root

    def _level(self, name: bytes) -> tuple[int, bool] | None:
        """Give which open multipart a line of dashes belongs to, and whether it closes it."""
        if levels := self._levels.get(name):
            return levels[-1], False
        if name.endswith(b"--") and (levels := self._levels.get(name[:-2])):
            return levels[-1], True
        return None

    def _start_part(self, start: int, bound: int) -> None:
        raw, limits = self._raw, self._limits
        self._count += 1
        # Around the whole mail there is no boundary, and "--x: y" is a field.
        inner = bool(self._open)
        fields, body, flaws = read_fields(raw, start, bound if inner else len(raw), limits.header_bytes, part=inner)
        for flaw in flaws:
            self._defect(flaw, f"header of part {self._count}")
        part = self._describe(fields, start, body)
        boundary = self._boundary(part, bound)
        if boundary is None:
            self._leaf = part
        elif len(self._open) >= limits.depth:
            self._defect("too_deep", f"parts more than {limits.depth} deep were not read")
            self._leaf = part
            part.too_deep = True
        else:
            self._levels.setdefault(boundary, []).append(len(self._open))
            self._open.append(part)
            part.boundary = boundary

    def _describe(self, fields: Fields, start: int, body: int) -> _Open:
        first = first_of_each(fields)
        media_type: str | None = None
        parameters: Mapping[str, str] = {}
        disposed: Mapping[str, str] = {}
        disposition = ""
        if "content-type" in first:
            media_type, parameters, cut = read_parameters(first["content-type"], limit=self._limits.parameters)
            if cut:
                self._defect("too_many_parameters", f"Content-Type of part {self._count}")
            if _MEDIA_TYPE.fullmatch(media_type) is None:
                media_type = {"text": "text/plain", "html": "text/html"}.get(media_type)
                if media_type is None:
                    self._defect("bad_content_type", f"part {self._count}")
        elif self._open and self._open[-1].media_type == "multipart/digest":
            media_type = "message/rfc822"  # RFC 2046 5.1.5
        if "content-disposition" in first:
            value = first["content-disposition"]
            disposition, disposed, cut = read_parameters(value, limit=self._limits.parameters)
            if cut:
                self._defect("too_many_parameters", f"Content-Disposition of part {self._count}")
        encoding = first.get("content-transfer-encoding", "")
        return _Open(
            fields=fields,
            media_type=media_type,
            parameters=parameters,
            encoding=encoding.partition(";")[0].partition("(")[0].strip(" \t\"'").lower(),
            disposition=disposition,
            filename=disposed.get("filename") or parameters.get("name") or disposed.get("name"),
            start=start,
            body=body,
        )

    def _boundary(self, part: _Open, bound: int) -> bytes | None:
        """Give the boundary of a multipart; a missing one is taken from the first line that looks like one."""
        if part.media_type is None or not part.media_type.startswith("multipart/"):
            return None
        declared = part.parameters.get("boundary", "").encode("utf-8", "replace").rstrip()
        if declared:
            return declared
        self._defect("no_boundary", f"part {self._count}")
        guess = self._raw[bound + 2 : _line_end(self._raw, bound)].rstrip()
        return guess if 0 < len(guess) <= 72 and not guess.endswith(b"--") else None

    def _end_parts(self, level: int, end: int, *, closed: bool = False) -> None:
        """End the open leaf and every multipart from `level` inwards."""
        if self._leaf is not None:
            leaf, self._leaf = self._leaf, None
            self._keep(leaf.ended(end))
        while len(self._open) > level:
            done = self._open.pop()
            assert done.boundary is not None
            self._levels[done.boundary].pop()
            if not closed:
                self._defect("unclosed_boundary", "a multipart has no end")
            self._keep(done.ended(end))

    def _keep(self, part: Part) -> None:
        if self._open:
            self._open[-1].children.append(part)
        else:
            self._root = part

    def _defect(self, code: str, detail: str) -> None:
        note_defect(self.defects, code, detail)


def _around_dashes(raw: bytes) -> Iterator[tuple[int, int]]:
    """Give stretches (start, end) of the mail that hold every dash, the break before it and the dash behind it.

    Base64 has no dash, and looking for a single byte passes over an attachment ten times as fast as for three.
    """
    place = raw.find(b"-")
    while place >= 0:
        yield max(0, place - 1), place + _STRETCH + 1
        place = raw.find(b"-", place + _STRETCH)


def _has_dashes_after_cr(raw: bytes) -> bool:
    return b"\r" in raw and any(raw.find(b"\r--", start, end) >= 0 for start, end in _around_dashes(raw))


def _dash_lines(raw: bytes) -> Iterator[int]:
    """Give the offset of each line that starts with two dashes, where lines end with LF or CRLF."""
    if raw.startswith(b"--"):
        yield 0
    for start, end in _around_dashes(raw):
        place = raw.find(b"\n--", start, end)
        while place >= 0:
            yield place + 1
            place = raw.find(b"\n--", place + 1, end)


def _dash_lines_after_any_break(raw: bytes) -> Iterator[int]:
    if raw.startswith(b"--"):
        yield 0
    yield from (found.start() + 1 for found in _DASHES_AFTER_BREAK.finditer(raw))


def _line_end_by_lf(raw: bytes, start: int) -> int:
    place = raw.find(b"\n", start)
    return len(raw) if place < 0 else place


def _line_end(raw: bytes, start: int) -> int:
    found = _LINE_BREAK.search(raw, start)
    return len(raw) if found is None else found.start()


def _after_break(raw: bytes, place: int) -> int:
    return place + (2 if raw[place : place + 2] == b"\r\n" else 1)


def _before_break(raw: bytes, place: int) -> int:
    """Give where the line before a boundary ends; its line break belongs to the boundary (RFC 2046 5.1.1)."""
    return max(0, place - (2 if raw[place - 2 : place] == b"\r\n" else 1))


def _first_line(raw: bytes) -> int:
    """Give where the header of a mail begins: after blank lines and the ``From`` line of an mbox."""
    blank = _BLANK_LINES.match(raw)
    assert blank is not None
    start = blank.end()
    if raw[start : start + 5] == b"From " or raw[start : start + 6] == b">From ":
        return min(len(raw), _after_break(raw, _line_end(raw, start)))
    return start


def read_fields(
    raw: bytes, start: int, bound: int, limit: int, *, part: bool = False
) -> tuple[Fields, int, Sequence[str]]:
    """Read a header between two offsets: its fields, the offset of the body, and the codes of its defects.

    The header ends at the first line that is neither a field nor a continuation; unless it is blank, that line belongs
    to the body. So do Postfix (``cleanup``) and Python (``compat32``), and so did the server that checked who sent the
    mail: a From that stands further down was never checked by anybody.

    Args:
        raw: the mail.
        start: where the header begins.
        bound: where it ends at the latest, such as the next boundary.
        limit: bytes of the header that are read.
        part: whether it is the header of a part, which no server checks.
    """
    if start >= bound:
        return (), min(start, len(raw)), ()
    line_feed = raw.find(b"\n", start, bound)
    by_cr = raw.find(b"\r", start, line_feed if line_feed >= 0 else bound) >= 0
    if by_cr and line_feed >= 0:
        by_cr = b"\r" in raw[start:line_feed].rstrip(b"\r")
    found = (_HEADER_BY_CR if by_cr else _PART_HEADER if part else _HEADER).match(raw, start, bound)
    assert found is not None
    body, blank = found.end(), found.start(1)
    end = body if blank < 0 else blank
    block = raw[start : min(end, start + limit)]
    flaws = ["header_too_large"] if end - start > limit else []
    if blank < 0 and body < bound:
        flaws.append("no_header" if body == start else "no_blank_line")
    if by_cr:
        block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    fields = split_fields(_LOST_BLANK.sub(b" ", block)) if part else split_fields(block, detect=True)
    return fields, body, flaws


def split_fields(block: bytes, *, detect: bool = False) -> Fields:
    """Give the fields of lines that end with LF or CRLF; lines that are no field are passed over.

    Args:
        block: the header.
        detect: allow detection for the first raw subject that its charset does not explain.
    """
    plain = block.isascii()
    text = block.decode("ascii" if plain else "latin-1")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    text = text.replace("\n ", " ").replace("\n\t", " ")
    fields = [(name.lower(), value.rstrip(" \t\r")) for name, value in _FIELD.findall(text)]
    if not plain:
        # A raw subject is in the charset of the text, as Thunderbird takes it; in an address some would swallow an @.
        declared = _CHARSET.search(next((value for name, value in fields if name == "content-type"), ""))
        charsets = {} if declared is None else {"subject": declared[1]}
        subject = next((place for place, (name, _) in enumerate(fields) if detect and name == "subject"), None)
        fields = [
            (name, value)
            if value.isascii()
            else (name, decode(value.encode("latin-1"), charsets.get(name), detect=place == subject)[0])
            for place, (name, value) in enumerate(fields)
        ]
    return tuple(fields)


def first_of_each(fields: Fields) -> Mapping[str, str]:
    """Give the first value of each name, in the order of the fields."""
    first: dict[str, str] = {}
    for name, value in fields:
        first.setdefault(name, value)
    return first


def tidy(text: str) -> str:
    """Give header text safe to store and on one line; text without any control character stays as it is."""
    return text if text.isprintable() else one_line(text)
