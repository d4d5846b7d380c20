"""HTML of a stranger, made safe to show inside our own page."""

import hashlib
import html as stdlib_html
import re
from collections import Counter
from collections.abc import Callable, Iterator

from customerservice.mail.html_text import html_to_text

_LONGEST = 1_000_000  # characters
_MOST_TAGS = 16_000
_MOST_REFERENCES = 100_000
_LONGEST_TAG = 100_000
# Elements that are opened anew in each block that follows while they are not closed, but of those that are alike only
# three (HTML 13.2.4.3), so that a few bytes can stand for millions of elements.
_FORMATTING = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)  # fmt: skip
_ALIKE = 3
_MOST_REOPENED = 200_000
# Elements that have no end tag, or whose end tag is often left out and which then do not nest.
_UNNESTED = frozenset(
    {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "embed", "source", "track", "p", "li",
     "dt", "dd", "option"}
)  # fmt: skip
_OF_TABLE = frozenset({"caption", "colgroup", "tbody", "thead", "tfoot", "tr", "td", "th"})
# What looks like a tag in them is text; unless one of the second stands before them.
_RAW = frozenset(
    {"style", "script", "xmp", "iframe", "noembed", "noframes", "noscript", "textarea", "title", "plaintext"}
)
_OTHER_RULES = frozenset({"svg", "math", "select", "template", "frameset"})
# As browsers read them (HTML 13.2.5), so that nothing is a tag here and text there.
_TAG = re.compile(
    r"""<(/?)([a-zA-Z][^\t\n\f\r />]*+)
    (?:[\t\n\f\r /]++
    |(?:=[^\t\n\f\r />=]*+|[^\t\n\f\r />=]++)
     (?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\t\n\f\r >"'][^\t\n\f\r >]*+|(?=>)))?+
    )*+>""",
    re.VERBOSE,
)
_DECLARATION = re.compile(r"<(?:[!?]|/(?![a-zA-Z]))[^>]*+>")
_NO_TAG = re.compile(r"<(?![a-zA-Z/!?])")
_EMPTY_COMMENT = re.compile(r"-?>")
_COMMENT_END = re.compile(r"--!?>")

_TAGS = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "blockquote", "br", "caption", "center", "cite", "code", "col", "colgroup", "dd",
     "del", "details", "dfn", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins",
     "kbd", "li", "mark", "ol", "p", "pre", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strike", "strong",
     "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var", "wbr"}
)  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang", "title", "align"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
# Their text is no text for readers.
_DROPPED_WHOLE = {"script", "style", "title", "noscript", "template", "textarea", "svg", "math", "iframe", "object"}
_LINKS = ("http://", "https://", "mailto:", "tel:")


def _no_picture(_content_id: str) -> str | None:
    return None


def safe_html(html: str, *, cid: Callable[[str], str | None] = _no_picture) -> str:
    """Give HTML that runs nothing, loads nothing and breaks out of nothing when put into a page.

    Tags and attributes are those of an allow-list without styles, SVG and MathML; links open nothing but the web, mail
    and telephone, and tell nobody where they came from. Pictures from elsewhere are blocked: their address stands in
    ``data-blocked-src``, for a page that offers to load them. HTML that is too long, deep or crowded to be cleaned in
    time is given as its escaped text instead.

    Args:
        html: as sent.
        cid: gives the address under which a page can load the picture of a content id (without ``cid:``); None leaves
            the picture out. What it gives is not checked.
    """
    if not _is_affordable(html):
        return f"<pre>{stdlib_html.escape(html_to_text(html[:_LONGEST]).text)}</pre>"
    import nh3  # an extension module, which programs that show no HTML need not load

    # Derived from the text itself, so that no sender can write it.
    blocked = f"blocked-{hashlib.sha256(html.encode('utf-8', 'replace')).hexdigest()[:32]}:"

    def keep(element: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return value if value.strip().lower().startswith(_LINKS) else None
        if attribute != "src":
            return value
        scheme, _, rest = value.strip().partition(":")
        if scheme.lower() == "cid":
            return cid(rest)
        return blocked + value.strip() if scheme.lower() in ("http", "https") else None

    cleaned = nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED_WHOLE),
        attributes={element: set(names) for element, names in _ATTRIBUTES.items()},
        attribute_filter=keep,
        link_rel="noopener noreferrer nofollow",
        url_schemes={"http", "https", "mailto", "tel", "cid"},
    )
    return cleaned.replace(f'src="{blocked}', 'data-blocked-src="')


def _is_affordable(html: str) -> bool:
    """Tell whether nh3 can clean it in time: its work grows with the square of the depth, and so of the tags."""
    if len(html) > _LONGEST or html.count("<") > _MOST_TAGS or html.count("&") > _MOST_REFERENCES:
        return False
    formatting = _Formatting()
    for found in _tags(html):
        if found is None or found.end() - found.start() > _LONGEST_TAG:
            return False
        formatting.take(found)
        if formatting.reopened > _MOST_REOPENED:
            return False
    return True


def _tags(html: str) -> Iterator[re.Match[str] | None]:
    """Give each tag outside comments and text, and None last where it is doubtful what is text. Linear."""
    place = 0
    other_rules = False
    while (place := html.find("<", place)) >= 0:
        if html.startswith("<!--", place):
            end = _EMPTY_COMMENT.match(html, place + 4) or _COMMENT_END.search(html, place + 4)
        elif (end := _DECLARATION.match(html, place)) is not None:
            if other_rules and end[0].startswith("<![CDATA["):
                yield None
        elif (end := _TAG.match(html, place)) is not None:
            yield end
            name = end[2].lower()
            other_rules = other_rules or name in _OTHER_RULES
            if name in _RAW and not end[1]:
                text = re.compile(rf".*?(?=</{name}[\t\n\f\r />])", re.DOTALL | re.IGNORECASE).match(html, end.end())
                if other_rules or (
                    text is not None and name == "script" and "<!--" in text[0] and "<script" in text[0].lower()
                ):
                    yield None
                end = None if name == "plaintext" else text
        elif _NO_TAG.match(html, place) is not None:
            place += 1
            continue
        if end is None:
            return  # all the rest is a comment, text or a tag that does not end
        place = end.end()


class _Formatting:
    """The formatting elements that are open, counted so that there are never more of them than nh3 has.

    An end tag counts only where it ends the element that was opened last: where they overlap, parsers disagree with
    the eye about what stays open.

    Attributes:
        reopened: how many elements can have been opened anew, at most.
    """

    def __init__(self) -> None:
        self.reopened = 0
        self._open: list[tuple[str, str]] = []  # name, and the whole tag of a formatting element that counts
        self._alike: Counter[str] = Counter()
        self._count = 0

    def take(self, tag: re.Match[str]) -> None:
        """Take note of a tag."""
        self.reopened += self._count
        name = tag[2].lower()
        if name in _UNNESTED:
            return
        if name in _OF_TABLE:
            if self._open and self._open[-1][0] in _FORMATTING:
                self._open.append(("", ""))  # a cell: what is open before it cannot be closed from within
        elif tag[1]:
            if self._open and self._open[-1][0] == name:
                _, whole = self._open.pop()
                if whole:
                    self._alike[whole] -= 1
                    self._count -= 1
        elif name in _FORMATTING and self._alike[tag[0]] < _ALIKE:
            self._open.append((name, tag[0]))
            self._alike[tag[0]] += 1
            self._count += 1
        else:
            self._open.append((name, ""))
