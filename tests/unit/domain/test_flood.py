"""When a thread gets too much mail (R38)."""

import datetime as dt

import pytest

from customerservice.domain.flood import FloodLimit, Muting
from customerservice.errors import InvalidValue
from customerservice.testing.clock import BEGINNING

MINUTE = dt.timedelta(minutes=1)
LIMIT = FloodLimit(messages=3, within=dt.timedelta(hours=1))


def muting(*minutes: int) -> Muting:
    """What becomes of the last of messages that came at these minutes."""
    *earlier, now = [BEGINNING + minute * MINUTE for minute in minutes]
    return LIMIT.muting(earlier[::-1], now=now)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [
        ((0,), Muting.NO),
        ((0, 1, 2), Muting.NO),
        ((0, 1, 2, 3), Muting.BEGINS),
        ((0, 1, 2, 59), Muting.BEGINS),
        ((0, 1, 2, 60), Muting.NO),
        ((0, 1, 2, 3, 4), Muting.ON),
        ((0, 1, 2, 3, 60), Muting.ON),
        ((0, 1, 2, 3, 70), Muting.NO),
        ((0, 1, 2, 3, 70, 71, 72, 73), Muting.BEGINS),
        ((0, 40, 80, 81, 82), Muting.BEGINS),
    ],
)
def test_the_mail_beyond_the_limit_is_taken_quietly(minutes: tuple[int, ...], told: Muting) -> None:
    """The first one over the limit begins the muting; an hour with few enough messages ends it."""
    assert muting(*minutes) is told


def test_the_default_is_fifty_in_an_hour() -> None:
    """The fifty-first message within an hour is over it."""
    moments = [BEGINNING] * 50

    assert FloodLimit().muting(moments[:49], now=BEGINNING) is Muting.NO
    assert FloodLimit().muting(moments, now=BEGINNING) is Muting.BEGINS


def test_a_thread_takes_at_least_one_message() -> None:
    """None at all would be no thread."""
    with pytest.raises(InvalidValue):
        FloodLimit(messages=0)
