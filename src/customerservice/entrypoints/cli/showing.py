"""What the command prints: text for people, right also in Persian and harmless in a terminal; JSON for machines."""

import datetime as dt
import json
import re
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TextIO, TypeVar

if TYPE_CHECKING:
    from customerservice.ports.storage import Page

T = TypeVar("T")

# Everything a terminal could obey: C0 but tab and line feed, DEL, C1, and the marks that reorder what follows them.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"

#: A `Progress` shows itself after so many seconds.
PATIENCE = 1.0


def harmless(text: str) -> str:
    """Give the text without anything a terminal would obey: a customer's mail must not steer it."""
    return _UNSHOWN.sub("", text)


def cell(value: object, width: int | None = None) -> str:
    """Give a value as one harmless line of at most `width` columns; "" for None.

    Text with right-to-left letters is isolated (Unicode TR9 2.4.2), so that it does not pull its neighbours around.
    """
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    text = " ".join(harmless(str(value)).split())
    if width is not None and columns(text) > width:
        text = _cut(text, width - 1) + "…"
    return f"{_FIRST_STRONG_ISOLATE}{text}{_POP_ISOLATE}" if _has_rtl(text) else text


def columns(text: str) -> int:
    """Give how many columns of a terminal a text takes: none for marks and joiners, two for wide characters."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str, width: int) -> str:
    taken = 0
    for position, character in enumerate(text):
        taken += _width(character)
        if taken > width:
            return text[:position].rstrip()
    return text


def _has_rtl(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text)


def print_json(value: object) -> None:
    """Print a value as one line of JSON, in ASCII, so that no encoding of the output can spoil it."""
    print(json.dumps(value, default=_plain))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else str(value)


def print_text(text: str = "") -> None:
    """Print text for people, made harmless."""
    print(harmless(text))


def print_line(text: str = "") -> None:
    """Print a line made of words of ours and of cells (`cell`), which are harmless already."""
    print(text)


def say(text: str) -> None:
    """Tell a person something beside the result, on standard error."""
    print(f"customerservice: {harmless(text)}", file=sys.stderr)


def print_table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, widest: int = 48) -> None:
    """Print rows under heads: drawn on a terminal, aligned by spaces elsewhere.

    No cell takes more than `widest` columns.
    """
    lines = [[cell(value, widest) for value in row] for row in rows]
    if sys.stdout.isatty():
        _draw(heads, lines)
        return
    widths = [max(columns(text) for text in column) for column in zip(heads, *lines, strict=True)]
    for line in (heads, *lines):
        padded = (text + " " * (width - columns(text)) for text, width in zip(line, widths, strict=True))
        print("  ".join(padded).rstrip())


def _draw(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    # Imported here: rich takes longer to load than most commands take to run.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(head, overflow="ellipsis", no_wrap=True)
    for line in lines:
        # Text, not str: square brackets of a subject are no markup.
        table.add_row(*(Text(text) for text in line))
    Console(highlight=False).print(table)


def print_facts(facts: Iterable[tuple[str, object]]) -> None:
    """Print names and values, one pair a line, values aligned; pairs whose value is None or empty are left out."""
    shown = [(name, cell(value)) for name, value in facts]
    kept = [(name, text) for name, text in shown if text]
    width = max((columns(name) for name, _ in kept), default=0)
    for name, text in kept:
        print(f"{name + ':':<{width + 2}}{text}")


def size(count: int) -> str:
    """Give a number of bytes for people.

    >>> size(1536)
    '1.5 kB'
    """
    amount, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"


def paged(
    page: "Callable[[str | None], Page[T]]", after: str | None, *, everything: bool
) -> tuple[Sequence[T], str | None]:
    """Give the items of the page after that key, or of all from there on, and the key of the page behind them."""
    found = page(after)
    items = list(found.items)
    while everything and found.next is not None:
        found = page(found.next)
        items += found.items
    return items, found.next


def say_where_more_is(key: str | None) -> None:
    """Tell a person how to see the next page, if there is one."""
    if key is not None:
        say(f"there are more: --after {key}, or --all")


class Progress:
    """One line on a terminal's standard error that says how far work got; nothing in the first second or elsewhere."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Show on `stream`, standard error unless given."""
        self._stream = stream or sys.stderr
        self._begun = time.monotonic()
        self._shown = False

    def show(self, text: str) -> None:
        """Replace the line."""
        if not self._stream.isatty() or time.monotonic() - self._begun < PATIENCE:
            return
        self._stream.write(f"\r\x1b[2K{harmless(text)}")
        self._stream.flush()
        self._shown = True

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\x1b[2K")
            self._stream.flush()
            self._shown = False
