"""The readable text, the HTML and the attachments of a mail, out of its tree of parts."""

import re

import attrs

from customerservice.mail.charsets import decode
from customerservice.mail.html_text import html_to_text
from customerservice.mail.limits import Limits
from customerservice.mail.parts import Part, tidy
from customerservice.mail.received import Defect, MailAttachment
from customerservice.mail.transfer import decode_uuencoded

_BODY_TYPES = (None, "text/plain", "text/html")
#: Forms of the same text that no person reads.
_OTHER_FORMS = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"})
#: Machine-readable parts of a report (RFC 6522), told by the bounce rather than attached.
_REPORT_TYPES = frozenset(
    {"message/delivery-status", "message/feedback-report", "message/disposition-notification", "text/rfc822-headers",
     "message/global-delivery-status", "message/global-headers", "message/global-disposition-notification"}
)  # fmt: skip
_FOLDERS = re.compile(r".*[/\\]", re.DOTALL)
_FLOWED_QUOTE = re.compile(r">*")
_UUENCODED = re.compile(rb"(?:^|\n)begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n")
_DETECTIONS = 3


@attrs.frozen(kw_only=True)
class Bodies:
    """What a mail holds.

    Attributes:
        text: from text/plain, else from the HTML, block by block; LF line ends.
        html: the HTML blocks as sent; None without any.
        quotes: ranges (start, end) of `text` that the HTML marked as quoted.
    """

    text: str
    html: str | None
    quotes: tuple[tuple[int, int], ...]
    attachments: tuple[MailAttachment, ...]
    defects: tuple[Defect, ...]


@attrs.frozen
class _Block:
    plain: str | None = None
    html: str | None = None


def read_bodies(raw: bytes, root: Part, limits: Limits) -> Bodies:
    """Give what a person reads and what is attached. Never raises; linear."""
    collector = _Collector(raw, limits)
    blocks = collector.blocks(root, alone=True)
    texts: list[str] = []
    quotes: list[tuple[int, int]] = []
    length = 0
    for block in blocks:
        text, marked = collector.text_of(block)
        if not text.strip():
            continue
        quotes += [(length + start, length + end) for start, end in marked]
        texts.append(text)
        length += len(text) + 1
    htmls = [block.html for block in blocks if block.html is not None]
    return Bodies(
        text="\n".join(texts),
        html="\n".join(htmls) if htmls else None,
        quotes=tuple(quotes),
        attachments=tuple(collector.attachments),
        defects=tuple(collector.defects),
    )


class _Collector:
    def __init__(self, raw: bytes, limits: Limits) -> None:
        self.attachments: list[MailAttachment] = []
        self.defects: list[Defect] = []
        self._raw = raw
        self._limits = limits
        self._detections = 0

    def text_of(self, block: _Block) -> tuple[str, tuple[tuple[int, int], ...]]:
        if block.plain is not None and (block.plain.strip() or block.html is None):
            return block.plain.rstrip(), ()
        found = html_to_text(block.html or "", closely=self._limits.html_characters)
        return found.text, found.quotes

    def blocks(self, part: Part, *, alone: bool = False, related: bool = False) -> list[_Block]:
        """Give the readable blocks of a part in order, and collect its attachments."""
        if not part.children:
            return self._leaf(part, alone=alone, related=related)
        match part.media_type:
            case "multipart/alternative":
                return self._alternative(part)
            case "multipart/related":
                return self._related(part)
            case "multipart/signed":
                self.attachments += [self._attachment(child) for child in part.children[1:]]
                return self.blocks(part.children[0], alone=True)
            case "multipart/encrypted":
                self._defect("encrypted", "the text cannot be read without the recipient's key")
                self.attachments += [self._attachment(child) for child in part.children]
                return []
            case _:
                return [block for child in part.children for block in self.blocks(child, related=related)]

    def _alternative(self, part: Part) -> list[_Block]:
        readable = [child for child in part.children if child.media_type not in _OTHER_FORMS] or part.children
        found = [self.blocks(child, alone=True) for child in readable]
        plain = next((blocks for blocks in found if blocks and all(block.html is None for block in blocks)), None)
        rich = next((blocks for blocks in reversed(found) if any(block.html is not None for block in blocks)), None)
        if rich is None:
            return plain or []
        if plain is None:
            return rich
        html = "\n".join(block.html for block in rich if block.html is not None)
        return [_Block(plain="\n".join(block.plain or "" for block in plain), html=html)]

    def _related(self, part: Part) -> list[_Block]:
        start = part.parameters.get("start", "").strip("<> ")
        root = next(
            (child for child in part.children if start and (child.field("content-id") or "").strip("<> ") == start),
            part.children[0],
        )
        blocks = self.blocks(root, alone=True)
        for child in part.children:
            if child is not root:
                blocks += self.blocks(child, related=True)
        return blocks

    def _leaf(self, part: Part, *, alone: bool, related: bool) -> list[_Block]:
        media_type = part.media_type
        if part.too_deep:
            content = bytes(self._raw[part.start : part.end])
            self.attachments.append(MailAttachment(filename="rest.eml", media_type="message/rfc822", content=content))
            return []
        if media_type is not None and media_type.startswith("multipart/"):
            # Parts that nobody can tell apart; what a person wrote there is still to be read.
            return [_Block(plain=self._text(part))]
        named = bool(part.filename) and not alone
        if media_type in _BODY_TYPES and part.disposition != "attachment" and not named:
            text = self._text(part)
            return [_Block(html=text)] if media_type == "text/html" else [_Block(plain=text)]
        if media_type in _REPORT_TYPES and part.disposition != "attachment":
            return []
        self.attachments.append(self._attachment(part, related=related))
        return []

    def _attachment(self, part: Part, *, related: bool = False) -> MailAttachment:
        content, flaw = part.content(self._raw)
        if flaw is not None:
            self._defect(flaw, f"attachment {len(self.attachments) + 1}")
        content_id = (part.field("content-id") or "").strip().strip("<>").strip()
        return MailAttachment(
            filename=file_name(part.filename),
            media_type=part.media_type or "application/octet-stream",
            content=content,
            content_id=tidy(content_id)[:998] or None,
            inline=part.disposition == "inline" or (related and part.disposition != "attachment"),
        )

    def _text(self, part: Part) -> str:
        data, flaw = part.content(self._raw)
        if flaw is not None:
            self._defect(flaw, "in the text")
        if part.media_type != "text/html" and b"begin" in data:
            data = self._without_uuencoded(data)
        detect = self._detections < _DETECTIONS
        text, flaw = decode(data, part.parameters.get("charset"), detect=detect)
        if flaw is not None:
            self._detections += 1
            self._defect(flaw, f"in the text, declared as {tidy(part.parameters.get('charset', ''))[:40]!r}")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        flowed = part.parameters.get("format", "").lower() == "flowed" and part.media_type != "text/html"
        if flowed and len(text) <= self._limits.text_characters:
            text = unflow(text, delsp=part.parameters.get("delsp", "").lower() == "yes")
        return text

    def _without_uuencoded(self, data: bytes) -> bytes:
        """Take files out of a text that has them uuencoded between its lines, as programs did before MIME."""
        kept: list[bytes] = []
        place = 0
        while (begin := _UUENCODED.search(data, place)) is not None:
            end = data.find(b"\nend", begin.end() - 1)
            if end < 0:
                break
            content, flaw = decode_uuencoded(memoryview(data)[begin.start() : end + 4])
            if flaw is not None:
                kept.append(data[place : end + 4])
            else:
                kept.append(data[place : begin.start()])
                name = file_name(tidy(decode(begin[1])[0]))
                self.attachments.append(
                    MailAttachment(filename=name, media_type="application/octet-stream", content=content)
                )
            place = end + 4
        return b"".join((*kept, data[place:]))

    def _defect(self, code: str, detail: str) -> None:
        if sum(defect.code == code for defect in self.defects) < 3:
            self.defects.append(Defect(code, detail[:200]))


def file_name(name: str | None) -> str | None:
    r"""Give a sender's file name without any folder, else as it is; None if nothing but dots and blanks is left.

    >>> file_name(r"..\..\invoice.pdf"), file_name("../..")
    ('invoice.pdf', None)
    """
    last = _FOLDERS.sub("", name or "").strip()
    return last if last.strip(". ") else None


def unflow(text: str, *, delsp: bool = False) -> str:
    """Give the paragraphs of a format=flowed text, each on one line, quotes as ``> `` (RFC 3676 4). Linear.

    Args:
        text: with LF line ends.
        delsp: the blank that marks a soft break is not part of the text.
    """
    lines: list[str] = []
    soft = -1  # depth of the quote of a line that goes on, else -1
    pieces: list[str] = []
    for raw in text.split("\n"):
        depth = _FLOWED_QUOTE.match(raw).end()  # type: ignore[union-attr]  # the pattern matches nothing, too
        line = raw[depth:]
        line = line.removeprefix(" ")
        is_signature = line == "-- "
        if soft >= 0 and (soft != depth or is_signature):
            lines.append("".join(pieces))
            pieces, soft = [], -1
        if soft < 0:
            pieces = [">" * depth + " " if depth else ""]
        flows = line.endswith(" ") and not is_signature
        pieces.append(line[:-1] if flows and delsp else line)
        if flows:
            soft = depth
        else:
            lines.append("".join(pieces))
            pieces, soft = [], -1
    if soft >= 0:
        lines.append("".join(pieces))
    return "\n".join(lines)
