"""Where mail programs set off, in HTML, what they quote and the signature that they add."""

import re

# By class, id or name. Outlook on the web puts x_ and Yahoo ydp and some letters before the names that it finds.
_NAMES = re.compile(
    r"""(?<![\w-])(class|id|name|data-marker)\s{0,9}=\s{0,9}(?:"([^"]{0,300})|'([^']{0,300})|([^\s"'>]{1,300}))""",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"(?:x_)+|ydp[0-9a-z]{1,20}?(?=yahoo)")
# Elements that hold the mail that is answered.
_QUOTES = frozenset(
    {
        "gmail_quote", "gmail_quote_container",  # Gmail, BlueMail, Superhuman, Mailspring
        "yahoo_quoted", "yahoo_quoted_begin", "protonmail_quote", "tutanota_quote", "zmail_extra",
        "moz-cite-prefix", "reply-intro",  # Thunderbird, Roundcube: the line above the blockquote
        "mail-editor-reference-message-container", "ms-outlook-mobile-reference-message", "OLK_SRC_BODY_SECTION",
        "nylas-quote", "spark_quote", "front-blockquote", "freshdesk_quote", "ik_mail_quote", "missive_quote",
        "isReplyContent", "mail_android_quote", "hs_reply",
        "name=quote", "name=quoted-content", "name=messageReplySection",  # GMX and Web.de, Spark
    }
)  # fmt: skip
_CITED = re.compile(r"""(?<![\w-])type\s{0,9}=\s{0,9}["']?cite""", re.IGNORECASE)
# Elements after which it begins, up to the end: Outlook in its many forms, Windows Live, Zimbra.
_DIVIDERS = frozenset(
    {"divRplyFwdMsg", "appendonsend", "stopSpelling", "OutlookMessageHeader", "zwchr", "__QUOTED_TEXT__"}
)
# The line above the header block in Outlook for Windows and Mac and in Windows Mail, blue since 2007, grey since 2013.
_BORDER = re.compile(
    r"border:\s{0,3}none;\s{0,3}border-top:\s{0,3}solid\s{1,3}#(?:E1E1E1|B5C4DF)\s{1,3}1\.0pt", re.IGNORECASE
)
# Elements that hold the signature.
_SIGNATURES = frozenset(
    {
        "gmail_signature", "moz-signature", "protonmail_signature_block", "ms-outlook-mobile-signature",
        "composer_signature", "AppleMailSignature", "id=Signature", "name=messageSignatureSection",
        "tutanota_signature",
    }
)  # fmt: skip
# What any of them has in it: looked for first, since most HTML has none.
_QUOTE_TRACES = (
    "quote", "cite", "reference-message", "OLK_SRC_BODY", "reply-intro", "isReplyContent", "hs_reply",
    "messageReplySection", "divRplyFwdMsg", "appendonsend", "stopSpelling", "OutlookMessageHeader", "zwchr",
    "__QUOTED_TEXT__", "zmail_extra", "E1E1E1", "e1e1e1", "B5C4DF", "b5c4df",
)  # fmt: skip


def may_quote(html: str) -> bool:
    """Tell whether HTML may have a mark with which a program sets off what it quotes. Linear."""
    return any(trace in html for trace in _QUOTE_TRACES)


class Marks:
    """The lines that programs marked, gathered while HTML is read tag by tag.

    Attributes:
        wanted: the HTML may have marks; without, no tag need be told.
        quotes: first line and line after the last of each quotation (None: up to the end); none within another.
        signatures: the same of signatures outside quotations.
    """

    def __init__(self, html: str) -> None:
        self.wanted = may_quote(html) or "ignature" in html
        self.quotes: list[tuple[int, int | None]] = []
        self.signatures: list[tuple[int, int | None]] = []
        self._quote: tuple[str, int] | None = None  # name of the element that holds it, and how many are open
        self._signature: tuple[str, int] | None = None

    def start(self, name: str, attributes: str, line: int) -> None:
        """Take note of a start tag, where so many lines have begun."""
        if self._quote is None and attributes:
            names = _names(attributes)
            if not names.isdisjoint(_DIVIDERS) or _BORDER.search(attributes) is not None:
                self.quotes.append((line, None))
                self._quote = ("", 0)  # nothing ends it
            elif name == "hr":
                return
            elif not names.isdisjoint(_QUOTES) or (name == "blockquote" and _CITED.search(attributes) is not None):
                self.quotes.append((line, None))
                self._quote = (name, 0)
            elif self._signature is None and not names.isdisjoint(_SIGNATURES):
                self.signatures.append((line, None))
                self._signature = (name, 0)
        if self._quote is not None and self._quote[0] == name:
            self._quote = (name, self._quote[1] + 1)
        if self._signature is not None and self._signature[0] == name:
            self._signature = (name, self._signature[1] + 1)

    def end(self, name: str, line: int) -> None:
        """Take note of an end tag, where so many lines have begun."""
        if self._quote is not None and self._quote[0] == name:
            self._quote = _without_one(self._quote)
            if self._quote is None:
                self.quotes[-1] = (self.quotes[-1][0], line)
        if self._signature is not None and self._signature[0] == name:
            self._signature = _without_one(self._signature)
            if self._signature is None:
                self.signatures[-1] = (self.signatures[-1][0], line)


def _without_one(element: tuple[str, int]) -> tuple[str, int] | None:
    return (element[0], element[1] - 1) if element[1] > 1 else None


def _names(attributes: str) -> frozenset[str]:
    """Give the classes, ids and names of an element, without the prefixes that other programs put before them."""
    found: set[str] = set()
    for match in _NAMES.finditer(attributes):
        for word in (match[2] or match[3] or match[4] or "").split():
            bare = _PREFIX.sub("", word, count=1) if word.startswith(("x_", "ydp")) else word
            found |= {bare, f"{match[1].lower()}={bare}"}
    return frozenset(found)
