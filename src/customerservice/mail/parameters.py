"""Header values with parameters: Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2231)."""

import itertools
import re
from collections.abc import Mapping

from customerservice.domain.text import one_line
from customerservice.mail.charsets import decode
from customerservice.mail.encoded_words import decode_words

# Possessive throughout, and a quote that never ends still matches, so that no input takes more than linear time.
_PIECE = re.compile(r'(?:[^;"]++|"(?:[^"\\]++|\\.?)*+(?:"|$))++', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_SECTION = re.compile(r"\*(\d{1,4})(\*?)$")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_MOST_DECODED = 1_000  # characters of a value with encoded words: a file name of 255 bytes has fewer


def read_parameters(value: str, *, limit: int = 100) -> tuple[str, Mapping[str, str], bool]:
    """Give the part before the first semicolon (trimmed, lower case), the parameters, and whether some were left out.

    Parameters are by lower-case name, decoded, on one line; the first of equal names wins, an extended value
    (``name*``) or continuations (``name*0``) win over a plain one. Linear, never raises.

    Args:
        value: the unfolded header text.
        limit: the most parameters that are read.
    """
    if ";" not in value:
        return value.strip().lower(), {}, False
    pieces = [found[0] for found in itertools.islice(_PIECE.finditer(value), limit + 2)]
    head = "" if value.lstrip().startswith(";") else pieces.pop(0).strip().lower()
    plain: dict[str, str] = {}
    sections: dict[str, dict[int, tuple[str, bool]]] = {}
    for piece in pieces[:limit]:
        name, _, text = piece.partition("=")
        name = name.strip().lower()
        if not name:
            continue
        text = _unquoted(text.strip())
        if "*" not in name:
            plain.setdefault(name, text)
        elif (section := _SECTION.search(name)) is not None:
            sections.setdefault(name[: section.start()], {}).setdefault(int(section[1]), (text, bool(section[2])))
        elif name.endswith("*"):
            sections.setdefault(name[:-1], {}).setdefault(0, (text, True))
        else:
            plain.setdefault(name, text)
    return head, _joined(plain, sections), len(pieces) > limit


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    # A backslash before a letter is a folder of Windows in an unescaped name rather than an escape.
    return inner if "\\" not in inner else re.sub(r'\\(["\\])', r"\1", inner)


def _joined(plain: Mapping[str, str], sections: Mapping[str, Mapping[int, tuple[str, bool]]]) -> Mapping[str, str]:
    values = {name: one_line(_decoded(text)) for name, text in plain.items()}
    for name, numbered in sections.items():
        if 0 in numbered:
            values[name] = one_line(_from_sections(numbered))
    return values


def _decoded(text: str) -> str:
    return decode_words(text[:_MOST_DECODED]) if "=?" in text else text


def _from_sections(numbered: Mapping[int, tuple[str, bool]]) -> str:
    charset: str | None = None
    text, extended = numbered[0]
    if extended and text.count("'") >= 2:
        charset, _, text = text.split("'", 2)
    data: list[bytes] = []
    place = 0
    while True:
        raw = text.encode("utf-8", "replace")
        data.append(_PERCENT.sub(lambda found: bytes([int(found[1], 16)]), raw) if extended else raw)
        place += 1
        if place not in numbered:
            break  # what follows a gap cannot be placed
        text, extended = numbered[place]
    joined = decode(b"".join(data), charset or None)[0]
    return joined if charset is not None else _decoded(joined)
