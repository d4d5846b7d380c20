"""The readable text, the HTML and the attachments of a mail, out of its tree of parts."""

import re

import attrs

from customerservice.mail.charsets import decode
from customerservice.mail.html_text import HtmlText, html_to_text
from customerservice.mail.limits import Limits
from customerservice.mail.parts import Part, read_parts, tidy
from customerservice.mail.received import Defect, MailAttachment, note_defect
from customerservice.mail.tnef import LARGEST, read_tnef
from customerservice.mail.transfer import decode_base64, decode_uuencoded
from customerservice.mail.wrappers import is_armoured, is_signed_data, signed_content, without_armour

_BODY_TYPES = (None, "text/plain", "text/html")
#: Forms of the same text that no person reads.
_OTHER_FORMS = frozenset({"text/x-amp-html", "text/watch-html", "text/enriched", "text/richtext"})
#: Machine-readable parts of a report (RFC 6522), told by the bounce rather than attached.
_REPORT_TYPES = frozenset(
    {"message/delivery-status", "message/feedback-report", "message/disposition-notification", "text/rfc822-headers",
     "message/global-delivery-status", "message/global-headers", "message/global-disposition-notification"}
)  # fmt: skip
_TNEF_TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SMIME_TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
# Line ends of what is not encoded are the transport's, CRLF on the wire and LF in a Maildir (RFC 2045 2.7, 2.8): files
# stay as they came, attached mails have the form of files.
_MAILS = re.compile(r"message/|multipart/")
_AS_LINES = frozenset({"", "7bit", "8bit"})
_FLOWED_QUOTE = re.compile(r">*")
_UUENCODED = re.compile(rb"(?:^|\n)begin(-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n")
_META_CHARSET = re.compile(r"""<meta\s[^>]{0,200}?charset\s{0,9}=\s{0,9}["']?\s{0,9}([\w:-]{2,40})""", re.IGNORECASE)
_META_SEARCHED = 4_096
_DETECTIONS = 3
_CLOSELY_DECODED = 1 << 19  # bytes
_DEEPEST_SIGNED = 3
# What a person wants to know of an invitation (RFC 5545 3.8).
_INVITATION = re.compile(r"^(SUMMARY|DTSTART|LOCATION|DESCRIPTION)(?:;[^:\n]{0,200})?:([^\n]{1,5000})", re.MULTILINE)
_CALENDAR_ESCAPES = {"\\n": "\n", "\\N": "\n", "\\,": ",", "\\;": ";", "\\\\": "\\"}
_CALENDAR_SEARCHED = 100_000  # characters


@attrs.frozen(kw_only=True)
class Bodies:
    """What a mail holds.

    Attributes:
        text: from text/plain, else from the HTML, block by block; LF line ends.
        html: the HTML blocks as sent; None without any.
        quotes: ranges (start, end) of `text` that the HTML marked as quoted; `signatures` as a signature.
        spare: no body says anything; `text` is that of an invitation or the like.
    """

    text: str
    html: str | None
    quotes: tuple[tuple[int, int], ...]
    signatures: tuple[tuple[int, int], ...]
    attachments: tuple[MailAttachment, ...]
    defects: tuple[Defect, ...]
    spare: bool = False


@attrs.frozen
class _Block:
    plain: str | None = None
    html: str | None = None


def read_bodies(raw: bytes, root: Part, limits: Limits) -> Bodies:
    """Give what a person reads and what is attached. Never raises; linear."""
    collector = _Collector(raw, limits)
    blocks = collector.blocks(root, alone=True)
    read = [collector.text_of(block) for block in blocks]
    spare = not any(found.text.strip() for found in read)
    if spare:
        read = [collector.text_of(block) for block in collector.spare]
        blocks += collector.spare
        collector.attachments += () if collector.spare else collector.unread
    texts: list[str] = []
    quotes: list[tuple[int, int]] = []
    signatures: list[tuple[int, int]] = []
    length = 0
    for found in read:
        if not found.text.strip():
            continue
        quotes += [(length + start, length + end) for start, end in found.quotes]
        signatures += [(length + start, length + end) for start, end in found.signatures]
        texts.append(found.text)
        length += len(found.text) + 1
    htmls = [block.html for block in blocks if block.html is not None]
    return Bodies(
        text="\n".join(texts),
        html="\n".join(htmls) if htmls else None,
        quotes=tuple(quotes),
        signatures=tuple(signatures),
        attachments=tuple(collector.attachments),
        defects=tuple(collector.defects),
        spare=spare,
    )


class _Collector:
    """The parts of one mail as they are read.

    Attributes:
        spare: what is read where nothing else is: the text of an Outlook file, an invitation, an unusual form of text.
        unread: attached where nothing else is: Outlook files that hold Rich Text and nothing else.
    """

    def __init__(self, raw: bytes, limits: Limits, *, depth: int = 0) -> None:
        self.attachments: list[MailAttachment] = []
        self.defects: list[Defect] = []
        self.spare: list[_Block] = []
        self.unread: list[MailAttachment] = []
        self._depth = depth
        self._raw = raw
        self._limits = limits
        self._detections = 0
        # What is left of the mail to be looked at closely, so that many parts cost no more than one.
        self._html_left = limits.html_characters
        self._text_left = _CLOSELY_DECODED

    def text_of(self, block: _Block) -> HtmlText:
        if block.plain is not None and (block.plain.strip() or block.html is None):
            return HtmlText(block.plain.rstrip())
        pictures = {file.content_id: file.filename for file in self.attachments if file.content_id and file.filename}
        html = block.html or ""
        closely, self._html_left = self._html_left, max(0, self._html_left - len(html))
        return html_to_text(html, closely=closely, pictures=pictures)

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
            case "multipart/appledouble" if part.children[0].media_type == "application/applefile":
                # What only the Macintosh needs of a file (RFC 1740) stands before the file.
                return [block for child in part.children[1:] for block in self.blocks(child, related=related)]
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
            content = bytes(self._raw[part.start : part.end]).replace(b"\r\n", b"\n")
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
        attachment = self._attachment(part, related=related)
        if media_type in _TNEF_TYPES or (attachment.filename or "").lower() == "winmail.dat":
            self._outlook_file(attachment)
            return []
        self.attachments.append(attachment)
        if media_type in _SMIME_TYPES:
            return self._secured(attachment.content)
        if media_type == "application/pgp-encrypted":
            self._defect("encrypted", "the text cannot be read without the recipient's key")
        elif media_type is not None and media_type.startswith("text/") and not named:
            self._spare_text(part, attachment.content)
        return []

    def _outlook_file(self, attachment: MailAttachment) -> None:
        """Show a ``winmail.dat`` as the files in it, or as itself where they cannot be told."""
        found = read_tnef(attachment.content)
        if found is None:
            size = len(attachment.content)
            self._defect("bad_tnef", f"{'too large' if size > LARGEST else 'unreadable'}, {size} bytes")
            self.attachments.append(attachment)
            return
        self.attachments += [
            MailAttachment(
                filename=file_name(file.name),
                media_type=file.media_type or "application/octet-stream",
                content=file.content,
                content_id=file.content_id,
                inline=file.content_id is not None,
            )
            for file in found.files
        ]
        if found.text or found.html:
            self.spare.append(_Block(plain=_lf(found.text or ""), html=found.html))
        elif not found.files:
            self.unread.append(attachment)

    def _secured(self, content: bytes) -> list[_Block]:
        """Give what is inside the signed data of S/MIME, whose signature is not looked at."""
        if not is_signed_data(content):
            self._defect("encrypted", "the text cannot be read without the recipient's key")
            return []
        inner = signed_content(content) if self._depth < _DEEPEST_SIGNED else None
        if not inner:
            self._defect("signed", "what is inside the signed data was not found")
            return []
        collector = _Collector(inner, self._limits, depth=self._depth + 1)
        root, defects = read_parts(inner, self._limits)
        blocks = collector.blocks(root, alone=True)
        self.attachments += collector.attachments
        self.spare += collector.spare
        for defect in (*defects, *collector.defects):
            self._defect(defect.code, defect.detail)
        return blocks

    def _spare_text(self, part: Part, content: bytes) -> None:
        text = _lf(decode(content[:_CALENDAR_SEARCHED], part.parameters.get("charset"))[0])
        if part.media_type == "text/calendar":
            text = _invitation(text)
        elif part.media_type in _OTHER_FORMS:
            text = html_to_text(text).text
        if text.strip():
            self.spare.append(_Block(plain=text))

    def _attachment(self, part: Part, *, related: bool = False) -> MailAttachment:
        content, flaw = part.content(self._raw)
        if flaw is not None:
            self._defect(flaw, f"attachment {len(self.attachments) + 1}")
        if part.encoding in _AS_LINES and _MAILS.match(part.media_type or ""):
            content = content.replace(b"\r\n", b"\n")
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
        charset = part.parameters.get("charset") or (_meta_charset(data) if part.media_type == "text/html" else None)
        closely = len(data) <= self._text_left
        self._text_left -= len(data) if closely else 0
        text, flaw = decode(data, charset, detect=detect, closely=closely)
        if flaw is not None:
            self._detections += 1
            lost = text.count("\ufffd")
            told = f"in the text, declared as {tidy(charset or '')[:40]!r}"
            self._defect(flaw, f"{told}; {lost} characters could not be read" if lost else told)
        text = _lf(text)
        flowed = part.parameters.get("format", "").lower() == "flowed" and part.media_type != "text/html"
        if flowed and len(text) <= self._limits.text_characters:
            text = unflow(text, delsp=part.parameters.get("delsp", "").lower() == "yes")
        if part.media_type != "text/html" and "-----BEGIN PGP " in text:
            if is_armoured(text):
                self._defect("encrypted", "the text cannot be read without the recipient's key")
            text = without_armour(text)
        return text

    def _without_uuencoded(self, data: bytes) -> bytes:
        """Take files out of a text that has them uuencoded between its lines, as programs did before MIME."""
        kept: list[bytes] = []
        place = 0
        while (begin := _UUENCODED.search(data, place)) is not None and len(self.attachments) < self._limits.parts:
            # POSIX's uuencode -m writes base64, with an end of its own.
            closing = b"\n====" if begin[1] else b"\nend"
            end = data.find(closing, begin.end() - 1)
            if end < 0:
                break
            stop = end + len(closing)
            if begin[1]:
                content, flaw = decode_base64(memoryview(data)[begin.end() : end])
            else:
                content, flaw = decode_uuencoded(memoryview(data)[begin.start() : stop])
            if flaw is not None and not content:
                kept.append(data[place:stop])
            else:
                kept.append(data[place : begin.start()])
                if flaw is not None:
                    self._defect("bad_uuencode", f"attachment {len(self.attachments) + 1}")
                name = file_name(tidy(decode(begin[2])[0]))
                self.attachments.append(
                    MailAttachment(filename=name, media_type="application/octet-stream", content=content)
                )
            place = stop
        return b"".join((*kept, data[place:]))

    def _defect(self, code: str, detail: str) -> None:
        note_defect(self.defects, code, detail)


def _meta_charset(html: bytes) -> str | None:
    """Give the charset that HTML declares for itself, where the mail declares none."""
    found = _META_CHARSET.search(html[:_META_SEARCHED].decode("latin-1"))
    # Bytes in which the declaration can be read are not wide (HTML 13.2.3.2).
    return None if found is None else "utf-8" if found[1].lower().startswith("utf-16") else found[1]


def _invitation(calendar: str) -> str:
    """Give the words of the first event of a calendar (RFC 5545), one line for each thing it says."""
    event = calendar.replace("\n ", "").replace("\n\t", "")
    _, _, event = event.partition("BEGIN:VEVENT")
    found: dict[str, str] = {}
    for line in _INVITATION.finditer(event.partition("END:VEVENT")[0]):
        found.setdefault(line[1], re.sub(r"\\[nN,;\\]", lambda escape: _CALENDAR_ESCAPES[escape[0]], line[2]).strip())
    return "\n".join(found[name] for name in ("SUMMARY", "DTSTART", "LOCATION", "DESCRIPTION") if name in found)


def _lf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def file_name(name: str | None) -> str | None:
    r"""Give a sender's file name without any folder, else as it is; None if nothing but dots and blanks is left.

    >>> file_name(r"..\..\invoice.pdf"), file_name("../..")
    ('invoice.pdf', None)
    """
    last = (name or "").replace("\\", "/").rpartition("/")[2].strip()
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
