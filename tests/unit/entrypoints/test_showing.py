"""What the command prints."""

import datetime as dt
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.entrypoints.cli import showing
from customerservice.entrypoints.cli.showing import (
    Progress,
    cell,
    columns,
    harmless,
    print_facts,
    print_json,
    print_table,
    size,
)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@given(st.text())
def test_nothing_a_terminal_would_obey_is_shown(text: str) -> None:
    """Neither control characters but tab and line feed, nor marks that reorder other text."""
    shown = harmless(text)

    assert not any(
        (character < " " and character not in "\n\t") or "\x7f" <= character <= "\x9f" for character in shown
    )
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069") & set(shown)


def test_joiners_of_persian_words_stay() -> None:
    """The zero-width non-joiner is part of the spelling."""
    assert harmless("می\u200cخواهم") == "می\u200cخواهم"


@given(st.text(), st.integers(2, 30))
def test_a_cell_is_one_line_of_its_width(text: str, width: int) -> None:
    """However long, whatever the script."""
    shown = cell(text, width)

    assert columns(shown) <= width
    assert "\n" not in shown


def test_a_cell_that_is_cut_says_so() -> None:
    """The last column is an ellipsis."""
    assert cell("Where is my parcel?", 9) == "Where is…"


def test_a_cell_from_right_to_left_is_isolated() -> None:
    """Persian text does not pull its neighbours around; other text stays as it is."""
    assert cell("سلام") == "\u2068سلام\u2069"
    assert cell("Hello") == "Hello"


def test_a_moment_is_shown_in_the_time_of_this_machine() -> None:
    """To the minute."""
    moment = dt.datetime(2026, 1, 5, 9, 30, tzinfo=dt.UTC)

    assert cell(moment) == f"{moment.astimezone():%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("می\u200cشود", 5)])
def test_columns_are_those_of_a_terminal(text: str, width: int) -> None:
    """Wide characters take two, marks and joiners none."""
    assert columns(text) == width


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 kB"), (5 * 2**20, "5.0 MB"), (2**41, "2048.0 GB")],
)
def test_sizes_are_rounded_for_people(count: int, words: str) -> None:
    """Bytes up to a kilobyte, then one decimal."""
    assert size(count) == words


def test_a_table_is_aligned_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Columns are as wide as what stands in them, by columns of a terminal."""
    print_table(("NO", "SUBJECT", "X"), [(1, "日本", "a"), (22, "سلام", None), (3, "Hello [b]x[/b]", "c")])

    assert capsys.readouterr().out.splitlines() == [
        "NO  SUBJECT         X",
        "1   日本            a",
        "22  \u2068سلام\u2069",
        "3   Hello [b]x[/b]  c",
    ]


def test_a_table_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Square brackets of a subject are no markup, and nothing of it can steer the terminal."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("NO", "SUBJECT"), [(1, "Hello [red]x[/red] \x1b]0;owned\x07")])

    assert "Hello [red]x[/red] ]0;owned" in terminal.getvalue()
    assert "─" in terminal.getvalue()


def test_facts_without_value_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Names are padded to the longest that is shown."""
    print_facts([("id", 1), ("a long name", None), ("status", "open"), ("empty", "")])

    assert capsys.readouterr().out == "id:     1\nstatus: open\n"


def test_json_is_one_line_of_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    """Moments in ISO 8601, anything else as its text."""
    print_json({"at": dt.datetime(2026, 1, 5, tzinfo=dt.UTC), "name": "سارا\udc80", "id": dt.timedelta(0)})

    out = capsys.readouterr().out
    assert out.isascii()
    assert out.count("\n") == 1
    assert '"2026-01-05T00:00:00+00:00"' in out


def test_progress_waits_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ends soon shows nothing; what takes longer shows one line, which is taken away again."""
    moment = 0.0
    monkeypatch.setattr(showing.time, "monotonic", lambda: moment)
    terminal = Terminal()
    line = Progress(terminal)
    line.show("1 mail")
    line.clear()
    early = terminal.getvalue()
    moment = 2.0
    line.show("9 mails\x1b[31m")
    line.clear()

    assert early == ""
    assert terminal.getvalue() == "\r\x1b[2K9 mails[31m\r\x1b[2K"


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file gets no progress."""
    moment = 0.0
    monkeypatch.setattr(showing.time, "monotonic", lambda: moment)
    file = io.StringIO()
    line = Progress(file)
    moment = 5.0
    line.show("9 mails")

    assert file.getvalue() == ""
