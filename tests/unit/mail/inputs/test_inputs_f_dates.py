"""Bad input of dates: what is no moment is none, the claim is kept, and nothing is guessed."""

import datetime as dt

import pytest
from mail_samples import mail
from registry import bad_input

from customerservice.domain.thread import bounded_moment
from customerservice.mail import parse

RECEIVED = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


@bad_input(88)
@pytest.mark.parametrize(
    "text",
    [
        "Fri, 2 Jan 0000 10:00:00 +0000",
        "31 Dec 9999 23:59:59 -2359",
        "31 Dec 9999 23:59:59 -1200",
        "1 Jan 0001 00:00:00 +1400",
        "Fri, 2 Jan 2026 10:00:00 +9999",
        "Fri, 2 Jan 2026 10:00:00 +100000000000000000000",
        "31 Feb 2026 10:00:00 +0000",
        "Fri, 2 Jan 2026 12:61:00 +0000",
        "Fri, 2 Jan 2026 25:00:00 +0000",
        "yesterday",
        "2026",
        "1767348000",
        "03/04/2026 10:00:00 +0000",
        "Fri, 2 Jan 2026",
        "x" * 100_000,
    ],
)
def test_dates_that_are_none(text: str) -> None:
    """Such a mail has no date; what it claims is kept, and the time of its arrival counts."""
    read = parse(mail(Date=text))

    assert (read.date, read.date_text) == (None, text)
    assert bounded_moment(read.date, RECEIVED) == RECEIVED


@bad_input(88)
def test_empty_date() -> None:
    """A Date without a word is there and says nothing."""
    read = parse(mail().replace(b"Date: Fri, 2 Jan 2026 10:00:00 +0100", b"Date:"))

    assert (read.date, read.date_text) == (None, "")


@bad_input(88)
@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Thu, 1 Jan 1970 00:00:00 +0000", 1970),
        ("1 Jan 0001 12:00:00 +0000", 1),
        ("Fri, 31 Dec 1999 23:59:59 +0000", 1999),
        ("Thu, 1 Jan 2031 10:00:00 +0000", 2031),
        ("Wed, 4 Mar 2026 10:00:00 +0000", 2026),
    ],
)
def test_dates_beyond_belief(text: str, year: int) -> None:
    """A moment before 2000 or more than a day ahead is read as claimed, but sorts by the time of arrival."""
    read = parse(mail(Date=text))

    assert read.date is not None
    assert (read.date.year, read.date_text) == (year, text)
    assert bounded_moment(read.date, RECEIVED) == RECEIVED


@bad_input(88)
@pytest.mark.parametrize("text", ["Sat, 1 Jan 2000 00:00:00 +0000", "Mon, 2 Mar 2026 09:00:00 +0000"])
def test_dates_within_belief(text: str) -> None:
    """From 2000 to its arrival a mail has the date it claims."""
    read = parse(mail(Date=text))

    assert bounded_moment(read.date, RECEIVED) == read.date
