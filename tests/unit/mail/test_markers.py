"""Thread markers (R19, R20)."""

import pytest

from customerservice.mail import parse
from customerservice.mail.markers import find_markers
from customerservice.mail.received import Markers

TOKEN = "abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Re: Order [#57]", Markers(number=57, place="subject")),
        (f"Re: Order [#57 {TOKEN}]", Markers(number=57, token=TOKEN, place="subject")),
        (f"Re: Order [#57  {TOKEN.upper()} ]", Markers(number=57, token=TOKEN, place="subject")),
        (f"[#1] [#57 {TOKEN}]", Markers(number=57, token=TOKEN, place="subject")),
        ("An answer #ct12 #tcAbc-123def45", Markers(number=12, token="Abc-123def45", legacy=True, place="subject")),
        ("[#57 short]", Markers()),
        ("[#57 \N{KELVIN SIGN}" + TOKEN[1:] + "]", Markers()),
        ("[\N{FULLWIDTH NUMBER SIGN}57]", Markers()),
        ("#57", Markers()),
        ("[#0] [#057] [#\u0665] [#1234567890123456789]", Markers()),
        ("#ct12", Markers()),
        ("#tcabc", Markers()),
        ("#ct #tc", Markers()),
        ("x#ct12 #tcabc", Markers()),
        (None, Markers()),
    ],
)
def test_markers_of_subjects(subject: str | None, expected: Markers) -> None:
    """A marker has a number in ASCII digits, and a token or none; half a marker is none."""
    assert find_markers(subject, "", "") == expected


def test_token_counts_before_place() -> None:
    """A marker that can join is found wherever it stands, the subject first."""
    assert find_markers("[#1]", f"[#2 {TOKEN}]", f"[#3 {TOKEN}]") == Markers(number=2, token=TOKEN, place="body")
    assert find_markers("[#1]", "[#2]", f"[#3 {TOKEN}]") == Markers(number=3, token=TOKEN, place="quotation")


def test_number_alone_counts_in_subject_and_own_words() -> None:
    """A number in a quotation says nothing about this mail."""
    assert find_markers("", "about [#2]", "[#3]") == Markers(number=2, place="body")
    assert find_markers("", "", "[#3]") == Markers()


@pytest.mark.parametrize(
    "header",
    [
        f"Re: =?utf-8?q?Gr=C3=B6=C3=9Fe_=5B=2357_{TOKEN}=5D?=",
        "Re: =?utf-8?q?Gr=C3=B6=C3=9Fe_=5B=2357_abcdefghij?=\n =?utf-8?q?klmnopqrstuvwxyz=5D?=",
        "=?utf-8?b?W8OkXSBbIzU3IGFiY2RlZmdoaWprbG1u?= =?utf-8?b?b3BxcnN0dXZ3eHl6XQ==?=",
        f"Re: Order [#57\n {TOKEN}]",
    ],
)
def test_markers_survive_encoding_and_folding(header: str) -> None:
    """Markers are found in Q and B words, also where a word ends inside them, and in folded subjects."""
    assert parse(f"Subject: {header}\n\nHello".encode()).markers == Markers(number=57, token=TOKEN, place="subject")


def test_the_text_of_a_link_is_no_marker() -> None:
    """Developers write the number of an issue so; a parenthesis after a blank changes nothing."""
    assert find_markers(None, "see [#12](https://code.example/12)", "") == Markers()
    assert find_markers(None, "see [#12] (the chair)", "").number == 12
