"""When a conversation runs away: two machines that answer each other, or somebody who sends without end (R38)."""

import datetime as dt
import enum
from collections.abc import Sequence

import attrs

from customerservice.errors import InvalidValue


class Muting(enum.Enum):
    """Whether a thread takes its mail quietly: stored and shown as ever, but reopening and announcing nothing."""

    NO = "no"
    #: this mail is the first that is over the limit; it is announced, once.
    BEGINS = "begins"
    ON = "on"


@attrs.frozen(kw_only=True)
class FloodLimit:
    """How many messages a thread takes within a time before it is muted.

    Raises:
        InvalidValue: not at least one message.

    >>> noon = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
    >>> FloodLimit(messages=2).muting([noon, noon], now=noon)
    <Muting.BEGINS: 'begins'>
    """

    messages: int = 50
    within: dt.timedelta = dt.timedelta(hours=1)

    def __attrs_post_init__(self) -> None:
        if self.messages < 1:
            raise InvalidValue("flood", "a thread takes at least one message")

    def muting(self, earlier: Sequence[dt.datetime], *, now: dt.datetime) -> Muting:
        """Tell whether a mail that is stored now is over the limit.

        Args:
            earlier: when the thread's messages were stored, newest first; one more than the limit is enough.
            now: aware UTC.
        """
        if not self._is_over(earlier, now):
            return Muting.NO
        return Muting.ON if self._is_over(earlier[1:], earlier[0]) else Muting.BEGINS

    def _is_over(self, earlier: Sequence[dt.datetime], moment: dt.datetime) -> bool:
        return len(earlier) >= self.messages and moment - earlier[self.messages - 1] < self.within
