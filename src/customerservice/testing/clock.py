"""Time and ids that a test tells: two runs with equal ones give equal stores and equal outgoing bytes (R106)."""

import datetime as dt
import threading
from uuid import UUID

#: Where a `ToldClock` starts unless told otherwise.
BEGINNING = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


class ToldClock:
    """A clock that stands still until it is told to go on.

    >>> clock = ToldClock()
    >>> clock.advance(dt.timedelta(minutes=5))
    >>> clock.now().isoformat()
    '2026-01-05T09:05:00+00:00'
    """

    def __init__(self, start: dt.datetime = BEGINNING) -> None:
        """Start at `start`, which must be aware; ValueError otherwise."""
        self._now = _utc(start)

    def now(self) -> dt.datetime:
        """Give the moment it was last told, as aware UTC."""
        return self._now

    def advance(self, by: dt.timedelta) -> None:
        """Go on by this much; ValueError if that is backwards."""
        self.set(self._now + by)

    def set(self, moment: dt.datetime) -> None:
        """Go on to this moment, which must be aware; ValueError if that is backwards."""
        moment = _utc(moment)
        if moment < self._now:
            raise ValueError("a clock never goes back")
        self._now = moment


def _utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        raise ValueError("an aware moment is needed")
    return moment.astimezone(dt.UTC)


class CountingIdFactory:
    """Ids that count up from `start`: the same in every run, in order, with the layout of RFC 9562 5.7. Thread-safe.

    Unlike real ones they repeat from one factory to the next: one factory for one store.

    >>> CountingIdFactory().new()
    UUID('00000000-0000-7000-8000-000000000001')
    """

    def __init__(self, start: int = 1) -> None:
        """Let the first id hold `start` (0 to 2**62 - 1)."""
        self._next = start
        self._lock = threading.Lock()

    def new(self) -> UUID:
        """Give the next id; sorts after those this factory gave."""
        with self._lock:
            number = self._next
            self._next += 1
        return UUID(int=0x7 << 76 | 0b10 << 62 | number)
