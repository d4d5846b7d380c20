"""The Date header."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.mail.dates import read_date


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 2 Jan 2026 10:00:00 +0100", "2026-01-02T10:00:00+01:00"),
        ("Fri, 02 Jan 2026 10:00:00 -0330 (NST)", "2026-01-02T10:00:00-03:30"),
        ("2 Jan 2026 10:00 GMT", "2026-01-02T10:00:00+00:00"),
        ("2 Jan 26 10:00:00 EST", "2026-01-02T10:00:00-05:00"),
        ("2 Jan 99 10:00:00 Z", "1999-01-02T10:00:00+00:00"),
        ("2 Jan 126 10:00:00", "2026-01-02T10:00:00+00:00"),
        ("2-Jan-2026 10:00:00 CEST", "2026-01-02T10:00:00+02:00"),
        ("Fri,2 January 2026 10:00:00 +01:00", "2026-01-02T10:00:00+01:00"),
        ("Fri, 2 Jan 2026 10.00.00 +1", "2026-01-02T10:00:00+01:00"),
        ("Fri, 2 Jan 2026 10:00:60 +0000", "2026-01-02T10:00:59+00:00"),
        ("Fri, 2 Jan 2026 10:33 PM GMT+2", "2026-01-02T22:33:00+02:00"),
        ("Fri, 2 Jan 2026 12:33 AM", "2026-01-02T00:33:00+00:00"),
        ("Fri, 2 Jan 2026 10:00:00 XYZ", "2026-01-02T10:00:00+00:00"),
        ("Fr, 2 Mär 2026 10:00:00 +0100", "2026-03-02T10:00:00+01:00"),
        ("Fri Jan  2 10:00:00 2026", "2026-01-02T10:00:00+00:00"),
        ("Fri Jan  2 10:00:00 MSK 2026", "2026-01-02T10:00:00+03:00"),
        ("January 2, 2026 10:00 PM", "2026-01-02T22:00:00+00:00"),
        ("2026-01-02T10:00:00Z", "2026-01-02T10:00:00+00:00"),
        ("2026-01-02 10:00:00.123+02:00", "2026-01-02T10:00:00+02:00"),
    ],
)
def test_forms_of_dates(text: str, expected: str) -> None:
    """The forms of RFC 5322, its obsolete ones, asctime and ISO 8601 name their moment and offset."""
    date = read_date(text)

    assert date is not None
    assert date.isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "31 Feb 2026 10:00:00 +0000",
        "2 Foo 2026 10:00:00 +0000",
        "2 Jan 0000 10:00:00 +0000",
        "2 Jan 99999 10:00:00 +0000",
        "2 Jan 2026 24:00:00 +0000",
        "2 Jan 2026 12:61:00 +0000",
        "2 Jan 2026 12:00:61 +0000",
        "2 Jan 2026 10:00:00 +9999",
        "2 Jan 2026 10:00:00 +0199",
        "2 Jan 2026 10:00:00 +99999999999999999999",
        "31 Dec 9999 23:59:59 -1200",
        "1 Jan 0001 00:00:00 +1200",
        "Jan 2 10:00:00",
        "2 Jan 2026",
        "\u0662 Jan 2026 10:00:00 +\u0660\u0661\u0660\u0660 9",
    ],
)
def test_what_is_no_moment_gives_none(text: str) -> None:
    """Days, hours and offsets that do not exist, or that Python cannot hold, are not guessed."""
    date = read_date(text)

    assert date is None or date.utcoffset() is not None
    assert text.isascii() is False or date is None


@given(st.text(alphabet="0123456789 :+-.,()JanuryFebMdT", max_size=60))
def test_no_text_raises(text: str) -> None:
    """Any text gives an aware moment that exists in UTC, or None."""
    date = read_date(text)

    assert date is None or date.astimezone(dt.UTC)
