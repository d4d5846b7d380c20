"""HTML of a stranger, made safe to show inside our own page."""

import hashlib
import html as stdlib_html
import re
from collections.abc import Callable

from customerservice.mail.html_text import html_to_text

_LONGEST = 1_000_000  # characters
_MOST_TAGS = 100_000
_MOST_REFERENCES = 100_000
_DEEPEST = 400
_LONGEST_TAG = 100_000
_TOKEN = re.compile(r"<!--.*?-->|<[!?][^>]*+>|</[^a-zA-Z>][^>]*+>|<(/?)([a-zA-Z][^\s/>]*+)[^>]*+>", re.DOTALL)
# Elements that have no end tag, or whose end tag is often left out and which then do not nest.
_UNNESTED = frozenset(
    {"br", "img", "hr", "meta", "link", "input", "col", "area", "base", "wbr", "embed", "source", "track", "p", "li",
     "td", "th", "tr", "dt", "dd", "option", "tbody", "thead", "tfoot"}
)  # fmt: skip

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
# What looks like a tag in them may be text.
_RAW = frozenset(
    {"style", "script", "xmp", "iframe", "noembed", "noframes", "noscript", "textarea", "title", "plaintext"}
)
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
    """Tell whether nh3 can clean it in time: its work grows with the square of the depth (20,000 deep take 4 s)."""
    if len(html) > _LONGEST or html.count("<") > _MOST_TAGS or html.count("&") > _MOST_REFERENCES:
        return False
    open_elements: dict[str, int] = {}
    depth = 0
    raw: str | None = None
    # Counted so that no input is deeper for nh3 than here: an end tag counts only for an open element of its name, and
    # not where it may be text.
    for found in _TOKEN.finditer(html, 0, html.rfind(">") + 1):
        name = (found[2] or "").lower()
        if found.end() - found.start() > _LONGEST_TAG and name:
            return False
        if not name or name in _UNNESTED:
            continue
        if not found[1]:
            open_elements[name] = open_elements.get(name, 0) + 1
            depth += 1
            raw = name if name in _RAW and raw is None else raw
        elif raw in (None, name):
            raw = None
            if open_elements.get(name):
                open_elements[name] -= 1
                depth -= 1
        if depth > _DEEPEST:
            return False
    return True
