"""HTML into the text a person would have written, by a linear tokenizer of our own.

``html.parser`` of Python 3.11 takes quadratic time on some inputs and gives up on others; here every character is
looked at a bounded number of times, and what is no tag is text.
"""

import html as stdlib_html
import re
from collections.abc import Mapping
from types import MappingProxyType

import attrs

from customerservice.domain.text import storable
from customerservice.mail.html_marks import Marks

_TAG = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_BROKEN_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)([^>]*+)>")
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_ATTRIBUTE = r"""(?<![\w-]){}\s{{0,9}}=\s{{0,9}}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))"""
_HREF, _ALT, _SRC, _START, _VALUE, _WIDTH = (
    re.compile(_ATTRIBUTE.format(name), re.IGNORECASE) for name in ("href", "alt", "src", "start", "value", "width")
)
# What senders do to a preview text that inboxes show and the mail does not. A size of nothing alone hides nothing: it
# closes the gaps between the columns of many newsletters (MJML), and what is in them has a size again.
_HIDDEN = re.compile(
    r"""display\s{0,9}:\s{0,9}none|mso-hide\s{0,9}:\s{0,9}all|visibility\s{0,9}:\s{0,9}hidden"""
    r"""|(?<![\w-])opacity\s{0,9}:\s{0,9}0(?:\.0{1,9})?(?![\w.])|max-height\s{0,9}:\s{0,9}0(?![\d.])""",
    re.IGNORECASE,
)
_SHRUNK = re.compile(r"(?<![\w-])(?:font-size|height)\s{0,9}:\s{0,9}0(?![\d.])", re.IGNORECASE)
_CUT = re.compile(r"overflow\s{0,9}:\s{0,9}hidden|(?<![\w-])color\s{0,9}:\s{0,9}transparent", re.IGNORECASE)
_HIDDEN_ATTRIBUTE = re.compile(r"(?<![\w-])hidden(?![\w-])", re.IGNORECASE)
_QUOTED_VALUE = re.compile(r""""[^"]*+"?|'[^']*+'?""")
_KEEPS_LINES = re.compile(r"white-space\s{0,9}:\s{0,9}(?:pre|break-spaces)", re.IGNORECASE)
# Paragraphs without room around them: Word's styles, and what web mailers write for a line.
_TIGHT = re.compile(
    r"""(?<![\w-])class\s{0,9}=\s{0,9}["']?(?:x_)*(?:MsoNormal|MsoPlainText|MsoNoSpacing|MsoListParagraph)"""
    r"""|(?<![\w-])margin\s{0,9}:\s{0,9}0(?:px|pt|cm|in|em)?(?:\s{0,9}0(?:px|pt|cm|in|em)?){0,3}\s{0,9}(?:!important\s{0,9})?[;"']""",
    re.IGNORECASE,
)
_WORD_LIST = re.compile(r"mso-list\s{0,9}:\s{0,9}l\d{1,4}\s{1,9}level(\d)", re.IGNORECASE)
_WORD_MARK = re.compile(r"mso-list\s{0,9}:\s{0,9}Ignore", re.IGNORECASE)
# What Symbol, Wingdings and Courier show as bullets.
_WORD_BULLETS = frozenset("·o§•-–Øüvq◦▪\uf0b7\uf0a7\uf0d8\uf0fc\uf076")
# Gmail's and Outlook's button for more indent: a quotation has no such style.
_INDENT = re.compile(
    r"border\s{0,9}:\s{0,9}(?:none|0)[^\"']{0,100}|margin\s{0,9}:\s{0,9}0(?:px)? 0(?:px)? 0(?:px)? 40px", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}(?:/\S*)?", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});")
# Characters that fill a preview text or mark where a word may break; the joiners of Persian, Hindi and of emoji stand
# between letters.
_FILLER = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200d\u2060-\u2064\ufeff]")
_FILLERS = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u2060-\u2064\ufeff]|(?<!\\S)[\u200c\u200d]|(?<![\u200c\u200d])[\u200c\u200d]++(?!\\S)"
)
# The case of letters is ignored behind the bracket only: so the bracket is looked for at the speed of a memory search.
_LINE_TAG = re.compile(
    r"<(?i:/?(?:p|div|br|tr|li|h[1-6]|table|ul|ol|dl|dt|dd|blockquote|pre|hr|section|article)(?![\w:-])[^>]*+>)"
)
_OTHER_BLANKS = re.compile("[\t\r\f\v\x1c-\x1f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]++")
_BLANKS = re.compile(r"  ++")
_EMPTY_LINES = re.compile(r"\n[\n ]++")
_UNREAD_START = re.compile(r"<(?=[sStTxXnN])(?i:(style|script|title|xml|svg|noscript|template|textarea)(?![\w:-]))")
_MOST_UNREAD = 5_000
_MOST_REFERENCES = 500_000  # of one piece of text; no person writes so many
_ENDLESS_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}+;?")

_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote", "hr"}
)  # fmt: skip
_BLOCKS = _PARAGRAPHS | {
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "main", "nav", "aside", "address", "form",
    "fieldset", "center", "figure", "figcaption", "caption", "thead", "tbody", "tfoot", "body", "html", "title",
    "option",
}  # fmt: skip
_UNREADABLE = frozenset(
    {"script", "style", "title", "noscript", "template", "textarea", "xml", "svg", "select", "iframe"}
)
_VOID = frozenset(
    {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "embed", "source", "track"}
)
_DEEPEST_QUOTE = 9
_MOST_TAGS = 50_000
_PIECE = 1 << 18  # characters
_MOST_ATTRIBUTES = 4_000  # characters of a tag in which a sign is looked for


@attrs.frozen
class HtmlText:
    """Text out of HTML.

    Attributes:
        quotes: the ranges (start, end) in it that the sender's program marked as quoted.
        signatures: those outside them that it marked as the signature.
    """

    text: str
    quotes: tuple[tuple[int, int], ...] = ()
    signatures: tuple[tuple[int, int], ...] = ()


def html_to_text(
    html: str, *, closely: int = 1_000_000, pictures: Mapping[str, str] = MappingProxyType({})
) -> HtmlText:
    """Give the readable text of HTML, safe to store: LF line ends, no tags, no white space at ends of lines.

    Blocks stand on lines of their own with at most one blank line between, list items begin with ``- `` or their
    number, cells of a row are parted by a tab, links read ``text <url>`` unless the text is an address itself, pictures
    ``[name]``, quoted blocks begin with ``> ``. Scripts, styles and what is not displayed are left out. Linear.

    Args:
        html: decoded, as sent.
        closely: after so many characters, or 50,000 tags, lines are kept and all other structure is taken out.
        pictures: names of the mail's own pictures by content id, for those that have no text.
    """
    writer = _read(html, closely, pictures, hide=True)
    if writer.hiding is not None:
        # The hidden element never ends, as with careless senders: rather too much than nothing.
        writer = _read(html, closely, pictures, hide=False)
    return writer.finish()


class _Writer:
    """The text as it grows, line by line."""

    def __init__(self, pictures: Mapping[str, str], marks: Marks) -> None:
        self.pictures = pictures
        self.marks = marks
        self.hiding: tuple[str, int] | None = None
        self.lines: list[str] = []
        self.words: list[str] = []
        self.spaced = False
        self.depth = 0
        self.preformatted = 0
        self.lists: list[int | None] = []
        self.mark = ""  # of a list item that has no text yet
        self.tight: int | None = None  # lines there were before a paragraph without room around it
        self.keeping: tuple[str, int] | None = None  # an element that keeps its white space
        self.word_mark: tuple[int, int] | None = None  # words before Word's mark of an item, and spans that are open
        self.indents: list[bool] = []  # of each blockquote: it only indents
        self.link: tuple[str, int, int] | None = None

    def write(self, text: str) -> None:
        if self.mark and text.strip():
            self.words.append(self.mark)
            self.mark, self.spaced = "", False
            text = text if self.preformatted else text.lstrip()
        if self.preformatted:
            first, *others = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
            self.words.append(first)
            if others:
                self.end_line(keep_blank=True)
                prefix = "> " * min(self.depth, _DEEPEST_QUOTE)
                self.lines += [(prefix + line).rstrip() for line in others[:-1]]
                self.words.append(others[-1])
            return
        folded = " ".join(text.split())
        if not folded:
            self.spaced = self.spaced or bool(text)
            return
        if self.words and (self.spaced or text[0].isspace()):
            self.words.append(" ")
        self.words.append(folded)
        self.spaced = text[-1].isspace()

    def end_line(self, *, keep_blank: bool = False) -> None:
        line = "".join(self.words).rstrip()
        self.words.clear()
        self.spaced = False
        if line or (keep_blank and (self.preformatted or not self.lines or self.lines[-1].strip("> "))):
            prefix = "> " * min(self.depth, _DEEPEST_QUOTE)
            self.lines.append((prefix + line).rstrip())

    def blank_line(self) -> None:
        self.end_line()
        blank = ("> " * min(self.depth, _DEEPEST_QUOTE)).rstrip()
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(blank)
        elif self.lines:
            self.lines[-1] = blank

    def end_tight(self) -> None:
        """End a paragraph without room around it; one without text is a blank line."""
        before, self.tight = self.tight, None
        self.end_line()
        if before == len(self.lines):
            self.blank_line()

    def begun(self) -> int:
        """Give how many lines have begun."""
        return len(self.lines) + bool(self.words)

    def finish(self) -> HtmlText:
        self.end_line()
        while self.lines and not self.lines[-1].strip("> "):
            self.lines.pop()
        starts, offset = [], 0
        for line in self.lines:
            starts.append(offset)
            offset += len(line) + 1
        text = "\n".join(self.lines)

        def ranges(found: list[tuple[int, int | None]]) -> tuple[tuple[int, int], ...]:
            offsets = [
                (
                    starts[first] if first < len(starts) else len(text),
                    starts[last] if last is not None and last < len(starts) else len(text),
                )
                for first, last in found
            ]
            return tuple((start, end) for start, end in offsets if text[start:end].strip())

        return HtmlText(storable(text), ranges(self.marks.quotes), ranges(self.marks.signatures))


def _read(html: str, closely: int, pictures: Mapping[str, str], *, hide: bool) -> _Writer:
    writer = _Writer(pictures, Marks(html))
    tag_form = _TAG
    failures = 0
    absent: set[str] = set()
    place = 0
    last = html.rfind(">")  # what stands behind it is no tag, however often it looks like one
    tags = 0
    while (markup := _MARKUP.search(html, place)) is not None and (mark := markup.start()) < last:
        tags += 1
        if tags > _MOST_TAGS or mark > closely:
            writer.hiding = None
            _strip(writer, html, place)
            return writer
        _text(writer, html[place:mark])
        if html.startswith(("<!", "<?"), mark):
            closer = "-->" if html.startswith("<!--", mark) and "-->" not in absent else ">"
            end = html.find(closer, mark + 2)
            if end < 0:
                absent.add(closer)  # looked for once; until the next > then, as browsers end other declarations
                end, closer = html.find(">", mark), ">"
            place = end + len(closer)
            continue
        found = tag_form.match(html, mark)
        if found is None and tag_form is _TAG:
            # Quotes that do not close would make each tag look to the end of the mail.
            failures += 1
            found = _BROKEN_TAG.match(html, mark)
            tag_form = _BROKEN_TAG if failures > 3 else _TAG
        if found is None:
            _text(writer, "<")
            place = mark + 1
            continue
        place = found.end()
        closing, name, attributes = found[1] == "/", found[2].lower(), found[3][:_MOST_ATTRIBUTES]
        if name in _UNREADABLE and not closing and name not in absent:
            end_tag = re.compile(f"</{name}", re.IGNORECASE).search(html, place)
            if end_tag is None:
                absent.add(name)
            else:
                place = end_tag.start()
                continue
        if writer.hiding is not None:
            _count_hidden(writer, name, closing)
        elif closing:
            _end(writer, name)
        elif (
            hide
            and name not in _VOID
            and name != "body"
            and attributes
            and _is_hidden(attributes)
            and not attributes.endswith("/")
        ):
            writer.hiding = (name, 1)
        else:
            _start(writer, name, attributes)
    _text(writer, html[place:])
    return writer


def _is_hidden(attributes: str) -> bool:
    if _HIDDEN.search(attributes) is not None:
        return True
    if _SHRUNK.search(attributes) is not None and _CUT.search(attributes) is not None:
        return True
    return "hidden" in attributes.lower() and _HIDDEN_ATTRIBUTE.search(_QUOTED_VALUE.sub("", attributes)) is not None


def _strip(writer: _Writer, html: str, place: int) -> None:
    """Write the rest line by line without its tags, in pieces, so that no more than a piece is held twice."""
    writer.end_line()
    passed = 0
    while place < len(html):
        # What is not read ends the piece; a hostile mail may have millions.
        unread = _UNREAD_START.search(html, place, place + _PIECE) if passed < _MOST_UNREAD else None
        end = unread.start() if unread is not None else html.find(">", place + _PIECE) + 1 or len(html)
        piece = _BROKEN_TAG.sub("", _LINE_TAG.sub("\n", html[place:end].replace("\n", " ")))
        piece = _BLANKS.sub(" ", _OTHER_BLANKS.sub(" ", _characters(piece))).replace(" \n", "\n")
        piece = _EMPTY_LINES.sub("\n", piece).strip()
        if piece:
            writer.lines.append(piece)
        place = end
        if unread is not None:
            passed += 1
            closing = re.compile(f"</(?i:{unread[1]})").search(html, unread.end())
            place = len(html) if closing is None else closing.start()


def _text(writer: _Writer, text: str) -> None:
    if text and writer.hiding is None:
        writer.write(_characters(text))


def _characters(text: str) -> str:
    """Give the characters that references stand for, without those that nobody sees."""
    if "&" in text and text.count("&") <= _MOST_REFERENCES:
        # Python refuses to read numbers of thousands of digits, and no character has so many.
        text = stdlib_html.unescape(_ENDLESS_REFERENCE.sub("\ufffd", text))
    # Looked for by a class of characters first, which takes a tenth of the time.
    return text if text.isascii() or _FILLER.search(text) is None else _FILLERS.sub("", text)


def _value(found: re.Match[str] | None) -> str:
    """Give the value of an attribute on one line; without a semicolon nothing is a reference there (HTML 13.2.5.73)."""
    value = "" if found is None else found[1] or found[2] or found[3] or ""
    if "&" in value:
        value = _REFERENCE.sub(lambda reference: stdlib_html.unescape(reference[0]), value)
    return " ".join(value.split())


def _count_hidden(writer: _Writer, name: str, closing: bool) -> None:
    hidden, depth = writer.hiding or (name, 0)
    if name == hidden:
        depth += -1 if closing else 1
        writer.hiding = (hidden, depth) if depth else None


def _start(writer: _Writer, name: str, attributes: str) -> None:
    if writer.marks.wanted and (name not in _VOID or name == "hr"):
        writer.marks.start(name, attributes, writer.begun())
    if name in _BLOCKS:
        if name == "p" and writer.tight is not None:
            writer.end_tight()
        if name not in _PARAGRAPHS or writer.mark or (writer.lists and name in ("p", "ul", "ol")):
            writer.end_line()
        elif name == "p" and attributes and _is_tight(writer, attributes):
            writer.end_line()
            writer.tight = len(writer.lines)
        else:
            writer.blank_line()
        _start_block(writer, name, attributes)
    elif name == "br":
        writer.end_line(keep_blank=True)
    elif name in ("td", "th"):
        if writer.words:
            writer.words.append("\t")
            writer.spaced = False
    elif name == "a":
        href = _HREF.search(attributes)
        writer.link = None if href is None else (_value(href), len(writer.words), len(writer.lines))
    elif name == "img":
        _picture(writer, attributes)
    elif name == "span":
        if writer.word_mark is not None:
            writer.word_mark = (writer.word_mark[0], writer.word_mark[1] + 1)
        elif attributes and _WORD_MARK.search(attributes):
            writer.word_mark = (len(writer.words), 1)
    if writer.keeping is not None:
        if name == writer.keeping[0]:
            writer.keeping = (name, writer.keeping[1] + 1)
    elif name in ("div", "span", "p") and attributes and _KEEPS_LINES.search(attributes):
        writer.keeping = (name, 1)
        writer.preformatted += 1


def _is_tight(writer: _Writer, attributes: str) -> bool:
    level = _WORD_LIST.search(attributes)
    if level is not None:
        writer.mark = "  " * (int(level[1]) - 1)
    return level is not None or _TIGHT.search(attributes) is not None


def _picture(writer: _Writer, attributes: str) -> None:
    words = _value(_ALT.search(attributes))
    source = _value(_SRC.search(attributes))
    if not words and source[:4].lower() == "cid:":
        content_id = source[4:]
        name = content_id.partition("@")[0]
        words = writer.pictures.get(content_id) or (name if "." in name else "")
    if words and _value(_WIDTH.search(attributes)) not in ("0", "1"):
        # The text of an emoji is the emoji.
        writer.write(f"[{words}]" if any(map(str.isalnum, words)) else words)


def _end_word_mark(writer: _Writer) -> None:
    since, spans = writer.word_mark or (0, 1)
    if spans > 1:
        writer.word_mark = (since, spans - 1)
        return
    writer.word_mark = None
    mark = "".join(writer.words[since:]).strip()
    indent = writer.words[since] if writer.words[since:] and not writer.words[since].strip() else ""
    writer.words[since:] = []
    if mark:
        writer.words.append(f"{indent}{'-' if mark in _WORD_BULLETS else mark} ")
    writer.spaced = False


def _start_block(writer: _Writer, name: str, attributes: str) -> None:
    if name == "blockquote":
        writer.indents.append(_INDENT.search(attributes) is not None)
        writer.depth += not writer.indents[-1]
    elif name == "pre":
        writer.preformatted += 1
    elif name in ("ul", "ol"):
        writer.lists.append(None if name == "ul" else _number(_START.search(attributes), 1) - 1)
    elif name == "li":
        _start_item(writer, attributes)
    elif name == "hr":
        writer.lines.append("---")


def _start_item(writer: _Writer, attributes: str) -> None:
    indent = "  " * min(len(writer.lists) - 1, _DEEPEST_QUOTE)
    number = writer.lists[-1] if writer.lists else None
    if number is None:
        writer.mark = f"{indent}- "
    else:
        number = writer.lists[-1] = _number(_VALUE.search(attributes), number + 1)
        writer.mark = f"{indent}{number}. "


def _number(found: re.Match[str] | None, usual: int) -> int:
    value = _value(found)
    return int(value) if value.isascii() and value.isdigit() and len(value) < 7 else usual


def _end(writer: _Writer, name: str) -> None:
    if writer.keeping is not None and name == writer.keeping[0]:
        writer.keeping = (name, writer.keeping[1] - 1) if writer.keeping[1] > 1 else None
        writer.preformatted -= writer.keeping is None
    if name in _BLOCKS:
        _end_block(writer, name)
    elif name == "a" and writer.link is not None:
        _end_link(writer)
    elif name == "span" and writer.word_mark is not None:
        _end_word_mark(writer)
    if writer.marks.wanted:
        writer.marks.end(name, writer.begun())


def _end_block(writer: _Writer, name: str) -> None:
    if name == "p" and writer.tight is not None:
        writer.end_tight()
        writer.mark = ""
        return
    writer.end_line()
    if name == "li":
        writer.mark = ""
    if name == "blockquote":
        writer.depth -= not writer.indents.pop() if writer.indents else 0
    elif name == "pre":
        writer.preformatted = max(0, writer.preformatted - 1)
    elif name in ("ul", "ol") and writer.lists:
        writer.lists.pop()
    if name in _PARAGRAPHS and not (writer.lists and name in ("p", "ul", "ol")):
        writer.blank_line()


def _end_link(writer: _Writer) -> None:
    (url, since, line), writer.link = writer.link or ("", 0, 0), None
    # The text may be in blocks of its own.
    blocks = len(writer.lines) > line and not writer.words
    text = (writer.lines[-1] if blocks else "".join(writer.words[since:])).strip("> \t")
    shown = url.removeprefix("mailto:").partition("?")[0] if url.startswith("mailto:") else url
    bare = shown.removeprefix("https://").removeprefix("http://").rstrip("/")
    if not text or not url.startswith(("http://", "https://", "mailto:")) or bare in text:
        return
    if _ADDRESS.fullmatch(text) and not url.startswith("mailto:"):
        return  # the address that the sender shows; behind it is often one that counts clicks
    if blocks:
        writer.lines[-1] += f" <{shown}>"
    else:
        writer.words.append(f" <{shown}>")
