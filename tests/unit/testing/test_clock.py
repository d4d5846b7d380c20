"""The told clock and the counting ids."""

import datetime as dt

import pytest

from customerservice.testing.clock import BEGINNING, CountingIdFactory, ToldClock


class TestToldClock:
    """A clock that stands still."""

    def test_it_stands_still(self) -> None:
        """Asking twice gives the same moment."""
        clock = ToldClock()

        assert [clock.now(), clock.now()] == [BEGINNING, BEGINNING]

    def test_it_goes_on_when_told(self) -> None:
        """After `advance` it is that much later."""
        clock = ToldClock()
        clock.advance(dt.timedelta(hours=2))

        assert clock.now() - BEGINNING == dt.timedelta(hours=2)

    def test_it_gives_utc_whatever_it_was_told(self) -> None:
        """A moment of another zone comes back in UTC."""
        clock = ToldClock()
        clock.set(dt.datetime(2026, 7, 1, 12, 0, tzinfo=dt.timezone(dt.timedelta(hours=2))))

        assert clock.now().isoformat() == "2026-07-01T10:00:00+00:00"

    def test_it_refuses_to_go_back(self) -> None:
        """A clock never goes back."""
        with pytest.raises(ValueError, match="never goes back"):
            ToldClock().advance(dt.timedelta(seconds=-1))

    def test_it_refuses_a_naive_moment(self) -> None:
        """A moment without zone is refused."""
        with pytest.raises(ValueError, match="aware"):
            ToldClock(BEGINNING.replace(tzinfo=None))


class TestCountingIdFactory:
    """Ids that count."""

    def test_they_are_the_same_in_every_run(self) -> None:
        """Two factories give the same ids in the same order."""
        one, other = CountingIdFactory(), CountingIdFactory()

        assert [one.new() for _ in range(3)] == [other.new() for _ in range(3)]

    def test_they_rise(self) -> None:
        """Each id sorts after those before it."""
        factory = CountingIdFactory(start=2**40)
        made = [factory.new() for _ in range(300)]

        assert made == sorted(set(made))

    def test_they_have_the_layout_of_real_ones(self) -> None:
        """An id is of version 7 and of the RFC variant."""
        made = CountingIdFactory().new()

        assert (made.version, made.variant) == (7, "specified in RFC 4122")
