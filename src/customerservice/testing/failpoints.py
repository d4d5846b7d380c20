"""Let a program die, fail or leave at a named moment, to prove that no crash loses anything.

A plan says what happens at the n-th time a point is reached: ``kill`` ends the process with SIGKILL, as an impatient
operator would; ``exit`` leaves at once with status 70 and no clean-up; ``raise`` raises `FailpointReached` there.
Points are `customerservice._failpoints.failpoint` calls.
"""

import contextlib
import enum
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from typing import NoReturn, Self

import attrs

from customerservice._failpoints import arm as call_at_every_point
from customerservice.errors import InvalidValue

#: The variable `arm_from_environment` reads.
VARIABLE = "CUSTOMERSERVICE_FAILPOINTS"

#: The status a process leaves with at an ``exit`` (EX_SOFTWARE of sysexits.h).
EXIT_STATUS = 70


class FailpointReached(BaseException):
    """The armed moment was reached.

    Not an `Exception`, so that nothing on the way mistakes it for a failure it knows how to answer.
    """

    def __init__(self, point: str) -> None:
        super().__init__(f"failpoint {point} was reached")
        self.point = point


class FailAction(enum.Enum):
    """What happens at an armed moment."""

    KILL = "kill"
    EXIT = "exit"
    RAISE = "raise"


@attrs.frozen
class FailurePlan:
    """What happens, and when: at the `hit`-th time (from 1) that `point` is reached, or any point for ``*``."""

    point: str
    action: FailAction
    hit: int = 1

    def __attrs_post_init__(self) -> None:
        if not self.point or self.hit < 1:
            raise InvalidValue("failpoint", "needs a point, and counts its hits from 1")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``POINT=ACTION`` or ``POINT=ACTION@HIT``: ``sync.raw-committed=kill@3``."""
        point, _, rest = text.strip().partition("=")
        action, _, hit = rest.partition("@")
        try:
            return cls(point, FailAction(action), int(hit or "1"))
        except ValueError:
            raise InvalidValue(
                "failpoint", f"{text!r} is not POINT=kill, POINT=exit or POINT=raise, with @HIT after it or not"
            ) from None


def arm(*plans: FailurePlan) -> Counter[str]:
    """Arm these plans in place of those armed before; gives the count of hits by point, which goes on being kept.

    Without plans nothing happens at any point but counting. Counts are right across threads.
    """
    hits: Counter[str] = Counter()
    counting = threading.Lock()

    def reached(point: str) -> None:
        with counting:
            hits[point] += 1
            at_point, at_any = hits[point], hits.total()
        for plan in plans:
            if (plan.point == point and plan.hit == at_point) or (plan.point == "*" and plan.hit == at_any):
                _act(plan.action, point)

    call_at_every_point(reached)
    return hits


def disarm() -> None:
    """Let every point do nothing again."""
    call_at_every_point(None)


@contextlib.contextmanager
def armed(*plans: FailurePlan) -> Iterator[Counter[str]]:
    """Arm these plans for the length of a block; gives the count of hits by point.

    >>> from customerservice._failpoints import failpoint
    >>> with armed(FailurePlan("sync.raw-committed", FailAction.RAISE, hit=2)) as hits:
    ...     failpoint("sync.raw-committed")
    >>> hits
    Counter({'sync.raw-committed': 1})
    """
    hits = arm(*plans)
    try:
        yield hits
    finally:
        disarm()


def arm_from_environment() -> bool:
    """Arm what ``CUSTOMERSERVICE_FAILPOINTS`` asks for, plans separated by commas; gives whether it asked for anything.

    Only a test program calls this, at its start: nothing in the package reads the variable by itself.

    Raises:
        InvalidValue: the variable holds something else than plans.
    """
    asked = os.environ.get(VARIABLE, "")
    if not asked.strip():
        return False
    arm(*(FailurePlan.parse(text) for text in asked.split(",")))
    return True


def _act(action: FailAction, point: str) -> None:
    if action is FailAction.RAISE:
        raise FailpointReached(point)
    _leave(action)


def _leave(action: FailAction) -> NoReturn:  # pragma: no cover - a process that ends so cannot write what it covered
    if action is FailAction.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    os._exit(EXIT_STATUS)
