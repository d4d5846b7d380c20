"""Address headers (RFC 5322 3.4) read strictly: an entry gives the one mailbox it means, or none.

Programs disagree about malformed addresses, and mail is forged with that (CVE-2023-27043; an encoded word inside an
address). Whatever two programs could read differently has no address here; only names are read leniently. The obsolete
forms of RFC 5322 4.4 (comments and blanks beside the @ and the dots of a domain, routes) have one meaning by its
grammar and are read; but servers that check a sender need not know them: whoever trusts such a check reads strictly.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from customerservice.domain.email_address import EmailAddress
from customerservice.domain.text import one_line
from customerservice.errors import InvalidValue
from customerservice.mail.encoded_words import decode_words
from customerservice.mail.received import Correspondent

# Each alternative consumes without backtracking into another, so that no input takes more than linear time. An unclosed
# quote is a special on its own, and a backslash always takes its neighbour along.
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<quoted>"[^"\\]*+(?:\\.[^"\\]*+)*+")
    |(?P<word>=\?[^?\s]{1,64}\?[bBqQ]\?[^?\s]*\?=(?=[\s"<,(]|$))
    |(?P<atom>[^\s()<>@,;:"\\\[\]]+)
    |(?P<special>\\.|.)""",
    re.VERBOSE | re.DOTALL,
)
# What nearly every header holds: entries without anything that needs a closer look.
_NAME_FORM = r'(?:[^\s()<>@,;:"\\\[\]]| )*+|"[^"\\,=?]*+"'
_MAILBOX_FORM = r"[A-Za-z0-9._+-]++@[A-Za-z0-9.-]++"
_PLAIN = re.compile(rf" *+(?:({_NAME_FORM}) *+<({_MAILBOX_FORM})>|({_MAILBOX_FORM})) *+")
_PARENTHESIS = re.compile(r"[()]|\\.", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MOST_PLAIN = 20  # entries that are tried as such
_LONGEST = 100_000  # characters; a thousand addresses with names have fewer


class _Token(NamedTuple):
    kind: str  # quoted, word, atom, comment, broken, or the special itself
    text: str
    spaced: bool = False  # white space stands before it


_WORDS = frozenset({"quoted", "word", "atom"})
_HARMLESS = _WORDS | {"comment", "[", "]"}


def read_addresses(header: str, *, limit: int = 1_000, strict: bool = False) -> tuple[tuple[Correspondent, ...], bool]:
    """Give the entries of an unfolded, undecoded address header, groups flattened, and whether some were left out.

    Args:
        header: text of the header field; encoded words are decoded here, in names only.
        limit: the most entries that are read.
        strict: an entry in a group or in an obsolete form (RFC 5322 3.4, 4.4) has no address.
    """
    pieces = [_PLAIN.fullmatch(piece) for piece in header.split(",", _MOST_PLAIN)]
    if len(pieces) <= min(limit, _MOST_PLAIN) and None not in pieces:
        found = [piece.groups("") for piece in pieces if piece is not None]
        return tuple(
            Correspondent(_plain(bracketed or bare), one_line(decode_words(name.strip('"'))))
            for name, bracketed, bare in found
        ), False
    entries: list[Correspondent] = []
    held: list[_Token] = []
    too_long = len(header) > _LONGEST
    if too_long:
        header = header[:_LONGEST].rpartition(",")[0]
    for count, (tokens, whole) in enumerate(_split(_tokens(header), groups=not strict)):
        if count >= limit:
            return tuple(entries), True
        if all(token.kind == "comment" for token in tokens):
            continue  # an empty element (obs-mbox-list)
        if whole and all(token.kind in _WORDS for token in tokens):
            # No address at all; perhaps the first half of "Miller, Anna <anna@shop.example>".
            held += [*tokens, _Token(",", ",")]
            continue
        entries += _with_held(held, _correspondent(tokens, whole, strict), tokens)
        held = []
    if held:
        entries.append(Correspondent(None, _name(held[:-1])))
    return tuple(entries), too_long


def _with_held(held: Sequence[_Token], entry: Correspondent, tokens: Sequence[_Token]) -> Sequence[Correspondent]:
    if not held:
        return [entry]
    if tokens[0].kind in _WORDS and "<" in (token.kind for token in tokens) and "@" not in _name(held):
        return [Correspondent(entry.address, _name([*held, *_phrase(tokens)]))]
    return [Correspondent(None, _name(held[:-1])), entry]


def _tokens(header: str) -> Iterator[_Token]:
    place, spaced = 0, False
    while (found := _TOKEN.match(header, place)) is not None:
        kind, text, place = str(found.lastgroup), found[0], found.end()
        if kind == "space":
            spaced = True
            continue
        if text == "(":
            end = _comment_end(header, place)
            if end is None:
                yield _Token("broken", text, spaced)
                return
            kind, text, place = "comment", header[place : end - 1], end
        yield _Token(text if kind == "special" else kind, text, spaced)
        spaced = False


def _comment_end(header: str, start: int) -> int | None:
    depth = 1
    for found in _PARENTHESIS.finditer(header, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.end()
    return None


def _split(tokens: Iterator[_Token], *, groups: bool) -> Iterator[tuple[list[_Token], bool]]:
    """Give the tokens of each entry, and False with those of a group that is never closed."""
    entry: list[_Token] = []
    group: list[list[_Token]] | None = None
    angle = False
    for token in tokens:
        if token.kind in "<>":
            angle = token.kind == "<"
        elif token.kind in ",;" and not angle:
            if group is None:
                yield entry, True
            elif token.kind == ",":
                group.append(entry)
            else:
                yield from ((member, True) for member in (*group, entry))
                group = None
            entry = []
            continue
        elif (
            token.kind == ":"
            and groups
            and not angle
            and group is None
            and all(item.kind in _WORDS or item.kind == "comment" for item in entry)
        ):
            group, entry = [], []
            continue
        entry.append(token)
    yield from ((member, False) for member in group or () if member)
    if entry:
        yield entry, group is None


def _correspondent(tokens: Sequence[_Token], whole: bool, strict: bool) -> Correspondent:
    kinds = [token.kind for token in tokens]
    read = _address if strict else _obsolete_address
    if "<" not in kinds:
        name = _name([token for token in tokens if token.kind == "comment"])
        return Correspondent(read(_without_outer_comments(tokens)) if whole else None, name)
    start = kinds.index("<")
    name = _name(_phrase(tokens))
    if not whole or ">" not in kinds[start:]:
        return Correspondent(None, name)
    end = kinds.index(">", start)
    inner = tokens[start + 1 : end]
    address = None
    if all(kind == "comment" for kind in kinds[end + 1 :]):
        address = read(inner if strict else _without_route(inner))
    if address is not None and not _is_harmless(tokens[:start], address):
        address = None
    return Correspondent(address, name)


def _is_harmless(phrase: Sequence[_Token], address: EmailAddress) -> bool:
    name = _name(phrase)
    if all(token.kind in _HARMLESS and not _is_deceptive(token) for token in phrase):
        # At a bracket without quotes some programs begin anew, and find the address in the words before it.
        return "@" not in name or not any(token.kind in "[]" for token in phrase)
    # "anna@shop.example <anna@shop.example>" lacks its quotes, but means one mailbox to everybody.
    same = _plain(name[1:-1] if name[0] == name[-1] == "'" else name)
    glued = any("=?" in token.text for token in phrase if token.kind != "word")
    return same is not None and same.key == address.key and not glued


def _is_deceptive(token: _Token) -> bool:
    """Tell whether a program that does not know encoded words finds an address in one (RFC 2047 5 forbids it)."""
    return token.kind == "word" and any(sign in token.text for sign in "<>@")


def _without_outer_comments(tokens: Sequence[_Token]) -> Sequence[_Token]:
    kinds = [token.kind for token in tokens]
    start = next((place for place, kind in enumerate(kinds) if kind != "comment"), len(kinds))
    end = next((place for place in range(len(kinds), start, -1) if kinds[place - 1] != "comment"), start)
    return tokens[start:end]


def _without_route(inner: Sequence[_Token]) -> Sequence[_Token]:
    """Give what stands between angle brackets without ``@a.example,@b.example:`` before it (obs-route)."""
    kinds = [token.kind for token in inner]
    if ":" not in kinds:
        return inner
    colon = kinds.index(":")
    hops = "".join(token.text for token in inner[:colon]).split(",")
    if set(kinds[:colon]) <= {"@", "atom", ","} and all(hop[:1] == "@" and _plain(f"x{hop}") for hop in hops):
        return inner[colon + 1 :]
    return inner


def _address(tokens: Sequence[_Token]) -> EmailAddress | None:
    if [token.kind for token in tokens] != ["atom", "@", "atom"] or tokens[1].spaced or tokens[2].spaced:
        return None
    return _plain("".join(token.text for token in tokens))


def _obsolete_address(tokens: Sequence[_Token]) -> EmailAddress | None:
    """Read an address whose domain may hold comments and blanks beside its dots, and that may have them beside its @.

    The local part is one word: before "Dr. anna@mail.example" a person sees a title, where the grammar sees a part of
    the address.
    """
    words = [token for token in tokens if token.kind != "comment"]
    if [token.kind for token in words[:2]] != ["atom", "@"] or any(token.kind != "atom" for token in words[2:]):
        return None
    domain = words[2:]
    beside_dots = all(left.text[-1] == "." or right.text[0] == "." for left, right in itertools.pairwise(domain))
    return _plain("".join(token.text for token in words)) if beside_dots else None


def _plain(text: str) -> EmailAddress | None:
    if "=?" in text or "?=" in text:
        return None  # a program that decodes it would see another address
    return as_address(text)


def as_address(text: str) -> EmailAddress | None:
    """Give the address that a text is, or None if it is no plain one."""
    try:
        return EmailAddress(text)
    except InvalidValue:
        return None


def _phrase(tokens: Sequence[_Token]) -> Sequence[_Token]:
    """Give the tokens of the display name: what stands before the <, else the comments."""
    kinds = [token.kind for token in tokens]
    start = kinds.index("<") if "<" in kinds else len(kinds)
    before = [token for token in tokens[:start] if token.kind != "comment"]
    return before or [token for token in tokens if token.kind == "comment"]


def _name(tokens: Sequence[_Token]) -> str:
    pieces = []
    for token in tokens:
        text = token.text
        if token.kind == "quoted":
            text = _ESCAPED.sub(r"\1", text[1:-1])
        elif token.kind == "comment":
            text = _ESCAPED.sub(r"\1", text)
        pieces.append(f" {text}" if token.spaced or token.kind == "comment" else text)
    return one_line(decode_words("".join(pieces)))
