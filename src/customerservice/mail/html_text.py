"""HTML into the text a person would have written, by a linear tokenizer of our own.

``html.parser`` of Python 3.11 takes quadratic time on some inputs and gives up on others; here every character is
looked at a bounded number of times, and what is no tag is text.
"""

import html as stdlib_html
import re

import attrs

from customerservice.domain.text import storable

_TAG = re.compile(r"""<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)((?:[^>"']++|"[^"]*+"|'[^']*+')*+)>""")
_BROKEN_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:_-]*)([^>]*+)>")
_MARKUP = re.compile(r"<(?=[a-zA-Z/!?])")
_HREF = re.compile(r"""(?<![\w-])href\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_ALT = re.compile(r"""(?<![\w-])alt\s{0,9}=\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""", re.IGNORECASE)
_HIDDEN = re.compile(
    r"""display\s{0,9}:\s{0,9}none|mso-hide\s{0,9}:\s{0,9}all|(?<![\w-])hidden(?![\w-])""", re.IGNORECASE
)
_ENDLESS_REFERENCE = re.compile(r"&#[xX]?[0-9a-fA-F]{9,}+;?")

_PARAGRAPHS = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre", "blockquote", "hr"}
)  # fmt: skip
_BLOCKS = _PARAGRAPHS | {
    "div", "tr", "li", "dt", "dd", "section", "article", "header", "footer", "main", "nav", "aside", "address", "form",
    "fieldset", "center", "figure", "figcaption", "caption", "thead", "tbody", "tfoot", "body", "html", "title",
    "option",
}  # fmt: skip
_UNREADABLE = ("script", "style", "title", "noscript", "template", "textarea")
_VOID = frozenset(
    {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "embed", "source", "track"}
)
_DEEPEST_QUOTE = 9
_MOST_TAGS = 50_000
_PIECE = 1 << 18  # characters
_MOST_ATTRIBUTES = 4_000  # characters of a tag in which a sign is looked for

# Where mail programs put the mail they answer: elements that hold it.
_QUOTES = re.compile(
    r"""(?<![\w-])(?:class|id)\s{0,9}=\s{0,9}["']?[^"'>]{0,200}?"""
    r"(?<![\w-])(?:gmail_quote|yahoo_quoted|protonmail_quote|moz-cite-prefix|zmail_extra|tutanota_quote"
    r"|mail-editor-reference-message-container|ms-outlook-mobile-reference-message|OLK_SRC_BODY_SECTION)(?![\w])",
)
_CITED = re.compile(r"""(?<![\w-])type\s{0,9}=\s{0,9}["']?cite""", re.IGNORECASE)
# And elements after which it begins, up to the end (Outlook in its many forms, Windows Live).
_DIVIDERS = re.compile(
    r"""(?<![\w-])id\s{0,9}=\s{0,9}["']?(?:x_)*(?:divRplyFwdMsg|appendonsend|stopSpelling)(?![\w])"""
)


@attrs.frozen
class HtmlText:
    """Text out of HTML; `quotes` are the ranges (start, end) in it that the sender's program marked as quoted."""

    text: str
    quotes: tuple[tuple[int, int], ...] = ()


def html_to_text(html: str, *, closely: int = 1_000_000) -> HtmlText:
    """Give the readable text of HTML, safe to store: LF line ends, no tags, no white space at ends of lines.

    Blocks stand on lines of their own, list items begin with ``- ``, cells of a row are parted by a tab, links read
    ``text <url>``, quoted blocks begin with ``> ``. Scripts, styles and what is not displayed are left out. Linear.

    Args:
        html: decoded, as sent.
        closely: after so many characters, or 50,000 tags, tags are only taken out.
    """
    writer = _read(html, closely, hide=True)
    if writer.hiding is not None:
        # The hidden element never ends, as with careless senders: rather too much than nothing.
        writer = _read(html, closely, hide=False)
    return writer.finish()


class _Writer:
    """The text as it grows, line by line."""

    def __init__(self) -> None:
        self.hiding: tuple[str, int] | None = None
        self.lines: list[str] = []
        self.words: list[str] = []
        self.spaced = False
        self.depth = 0
        self.preformatted = 0
        self.lists: list[int | None] = []
        self.link: tuple[str, int] | None = None
        self.quotes: list[tuple[int, int | None]] = []
        self.container: tuple[str, int] | None = None

    def write(self, text: str) -> None:
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
        if line or keep_blank:
            prefix = "> " * min(self.depth, _DEEPEST_QUOTE)
            self.lines.append((prefix + line).rstrip())

    def blank_line(self) -> None:
        self.end_line()
        blank = ("> " * min(self.depth, _DEEPEST_QUOTE)).rstrip()
        if self.lines and self.lines[-1].strip("> "):
            self.lines.append(blank)
        elif self.lines:
            self.lines[-1] = blank

    def finish(self) -> HtmlText:
        self.end_line()
        while self.lines and not self.lines[-1].strip("> "):
            self.lines.pop()
        starts, offset = [], 0
        for line in self.lines:
            starts.append(offset)
            offset += len(line) + 1
        text = "\n".join(self.lines)
        quotes = []
        for first, last in self.quotes:
            start = starts[first] if first < len(starts) else len(text)
            end = starts[last] if last is not None and last < len(starts) else len(text)
            if text[start:end].strip():
                quotes.append((start, end))
        return HtmlText(storable(text), tuple(quotes))


def _read(html: str, closely: int, *, hide: bool) -> _Writer:
    writer = _Writer()
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
            and _HIDDEN.search(attributes)
            and not attributes.endswith("/")
        ):
            writer.hiding = (name, 1)
        else:
            _start(writer, name, attributes)
    _text(writer, html[place:])
    return writer


def _strip(writer: _Writer, html: str, place: int) -> None:
    """Write the rest without its tags, in pieces that end with a tag, so that no more than a piece is held twice."""
    while place < len(html):
        end = html.find(">", place + _PIECE) + 1 or len(html)
        _text(writer, _BROKEN_TAG.sub(" ", html[place:end]))
        place = end


def _text(writer: _Writer, text: str) -> None:
    if not text or writer.hiding is not None:
        return
    if "&" in text:
        # Python refuses to read numbers of thousands of digits, and no character has so many.
        text = stdlib_html.unescape(_ENDLESS_REFERENCE.sub("\ufffd", text))
    writer.write(text)


def _count_hidden(writer: _Writer, name: str, closing: bool) -> None:
    hidden, depth = writer.hiding or (name, 0)
    if name == hidden:
        depth += -1 if closing else 1
        writer.hiding = (hidden, depth) if depth else None


def _start(writer: _Writer, name: str, attributes: str) -> None:
    if name in _BLOCKS:
        writer.blank_line() if name in _PARAGRAPHS else writer.end_line()
        _start_block(writer, name, attributes)
    elif name == "br":
        writer.end_line(keep_blank=True)
    elif name in ("td", "th"):
        if writer.words:
            writer.words.append("\t")
            writer.spaced = False
    elif name == "a":
        href = _HREF.search(attributes)
        writer.link = None if href is None else (href[1] or href[2] or href[3] or "", len(writer.words))
    elif name == "img" and (alt := _ALT.search(attributes)) is not None:
        words = " ".join(stdlib_html.unescape(_ENDLESS_REFERENCE.sub("", alt[1] or alt[2] or alt[3] or "")).split())
        writer.write(f"[{words}]" if words else "")
    if writer.container is not None and name == writer.container[0]:
        writer.container = (name, writer.container[1] + 1)


def _start_block(writer: _Writer, name: str, attributes: str) -> None:
    if attributes and _DIVIDERS.search(attributes):
        if writer.container is None:
            writer.quotes.append((len(writer.lines), None))
            writer.container = ("", 1)  # nothing ends it
    elif writer.container is None and (
        (attributes and _QUOTES.search(attributes)) or (name == "blockquote" and _CITED.search(attributes))
    ):
        writer.quotes.append((len(writer.lines), None))
        writer.container = (name, 0)  # counted with the others, below
    if name == "blockquote":
        writer.depth += 1
    elif name == "pre":
        writer.preformatted += 1
    elif name in ("ul", "ol"):
        writer.lists.append(None if name == "ul" else 0)
    elif name == "li":
        _start_item(writer)
    elif name == "hr":
        writer.lines.append("---")


def _start_item(writer: _Writer) -> None:
    number = writer.lists[-1] if writer.lists else None
    if number is None:
        writer.words.append("- ")
    else:
        writer.lists[-1] = number + 1
        writer.words.append(f"{number + 1}. ")


def _end(writer: _Writer, name: str) -> None:
    if name in _BLOCKS:
        writer.end_line()
        if name == "blockquote":
            writer.depth = max(0, writer.depth - 1)
        elif name == "pre":
            writer.preformatted = max(0, writer.preformatted - 1)
        elif name in ("ul", "ol") and writer.lists:
            writer.lists.pop()
        if name in _PARAGRAPHS:
            writer.blank_line()
    elif name == "a" and writer.link is not None:
        _end_link(writer)
    if writer.container is not None and name == writer.container[0]:
        depth = writer.container[1] - 1
        writer.container = (name, depth) if depth else None
        if not depth:
            writer.quotes[-1] = (writer.quotes[-1][0], len(writer.lines))


def _end_link(writer: _Writer) -> None:
    (url, since), writer.link = writer.link or ("", 0), None
    text = "".join(writer.words[since:]).strip()
    url = " ".join(stdlib_html.unescape(_ENDLESS_REFERENCE.sub("", url)).split())
    shown = url.removeprefix("mailto:")
    bare = shown.removeprefix("https://").removeprefix("http://").rstrip("/")
    if text and url.startswith(("http://", "https://", "mailto:")) and bare not in text:
        writer.words.append(f" <{shown}>")
