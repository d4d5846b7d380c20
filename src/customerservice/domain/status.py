"""The four statuses of a thread, the one table of moves between them, and how they look."""

import enum
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

import attrs

from customerservice.domain.wording import Wording
from customerservice.errors import InvalidValue, UnknownStatus


class ThreadStatus(enum.Enum):
    """Where a thread stands."""

    #: not answered, or still going on.
    OPEN = "open"
    #: solved.
    CLOSED = "closed"
    #: to be answered later; what the two mean is the team's choice.
    PENDING1 = "pending1"
    PENDING2 = "pending2"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a status by its name; `UnknownStatus` names the allowed ones."""
        try:
            return cls(text)
        except ValueError:
            allowed = ", ".join(status.value for status in cls)
            raise UnknownStatus("status", f"{text!r} is not one of {allowed}") from None

    @property
    def is_pending(self) -> bool:
        """Whether it is one of the two internal ones."""
        return self in (ThreadStatus.PENDING1, ThreadStatus.PENDING2)

    @property
    def is_closed(self) -> bool:
        """Whether the thread is solved."""
        return self is ThreadStatus.CLOSED

    @property
    def shown_to_customers(self) -> "ThreadStatus":
        """The status a customer may see: pending is open to them (R58)."""
        return ThreadStatus.OPEN if self.is_pending else self

    def may_move_to(self, target: "ThreadStatus") -> bool:
        """Whether `MOVES` has a way from here to there; staying is not a move."""
        return target in MOVES[self].values()


class StatusAction(enum.Enum):
    """What a person can do to a status; the buttons of a thread."""

    CLOSE = "close"
    REOPEN = "reopen"
    SET_PENDING1 = "set pending1"
    SET_PENDING2 = "set pending2"
    RESUME = "resume"


#: Every move there is. Mail of customers and replies of employees move along this table too.
MOVES: Mapping[ThreadStatus, Mapping[StatusAction, ThreadStatus]] = MappingProxyType(
    {
        ThreadStatus.OPEN: {
            StatusAction.CLOSE: ThreadStatus.CLOSED,
            StatusAction.SET_PENDING1: ThreadStatus.PENDING1,
            StatusAction.SET_PENDING2: ThreadStatus.PENDING2,
        },
        ThreadStatus.CLOSED: {
            StatusAction.REOPEN: ThreadStatus.OPEN,
            StatusAction.SET_PENDING1: ThreadStatus.PENDING1,
            StatusAction.SET_PENDING2: ThreadStatus.PENDING2,
        },
        ThreadStatus.PENDING1: {
            StatusAction.CLOSE: ThreadStatus.CLOSED,
            StatusAction.RESUME: ThreadStatus.OPEN,
            StatusAction.SET_PENDING2: ThreadStatus.PENDING2,
        },
        ThreadStatus.PENDING2: {
            StatusAction.CLOSE: ThreadStatus.CLOSED,
            StatusAction.RESUME: ThreadStatus.OPEN,
            StatusAction.SET_PENDING1: ThreadStatus.PENDING1,
        },
    }
)


class StatusCause(enum.Enum):
    """Why a status changed (R59)."""

    MANUAL = "manual"
    REPLY = "reply"
    CUSTOMER = "customer"
    IMPORT = "import"
    RULE = "rule"


_COLOUR = re.compile("#[0-9A-Fa-f]{6}")


def contrast_on_white(colour: str) -> float:
    """Give the contrast ratio of ``#RRGGBB`` on white, 1 to 21 (WCAG 2.2, "contrast ratio")."""

    def linear(part: str) -> float:
        value = int(part, 16) / 255
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


@attrs.frozen(kw_only=True)
class StatusAppearance:
    """How a status is shown: always a label beside the colour, never the colour alone (R58)."""

    status: ThreadStatus
    label: Wording
    meaning: Wording
    colour: str

    def __attrs_post_init__(self) -> None:
        if _COLOUR.fullmatch(self.colour) is None:
            raise InvalidValue("colour", f"{self.colour!r} is not #RRGGBB")
        if contrast_on_white(self.colour) < 3:
            raise InvalidValue("colour", f"{self.colour} cannot be read on white: contrast below 3:1 (WCAG 2.2 1.4.11)")


@attrs.frozen
class StatusLegend:
    """What the statuses mean to this team: four appearances of different colours, and which pending ones are in use.

    A pending status that is switched off is neither offered nor accepted; threads that have it can leave it.
    """

    appearances: tuple[StatusAppearance, ...] = attrs.field()
    switched_off: frozenset[ThreadStatus] = frozenset()

    def __attrs_post_init__(self) -> None:
        if sorted(look.status.value for look in self.appearances) != sorted(status.value for status in ThreadStatus):
            raise InvalidValue("legend", "needs exactly one appearance for each status")
        if len({look.colour.lower() for look in self.appearances}) < len(self.appearances):
            raise InvalidValue("legend", "two statuses have the same colour")
        if not all(status.is_pending for status in self.switched_off):
            raise InvalidValue("legend", "only pending1 and pending2 can be switched off")

    def appearance(self, status: ThreadStatus) -> StatusAppearance:
        """Give how a status is shown."""
        return next(look for look in self.appearances if look.status is status)

    def actions(self, status: ThreadStatus) -> tuple[StatusAction, ...]:
        """Give what can be done to a thread of this status, in the order of `MOVES` (R60)."""
        return tuple(action for action, target in MOVES[status].items() if target not in self.switched_off)

    def accepts(self, status: ThreadStatus) -> bool:
        """Whether threads may be moved to this status."""
        return status not in self.switched_off


DEFAULT_LEGEND = StatusLegend(
    (
        StatusAppearance(
            status=ThreadStatus.OPEN,
            label=Wording.of(en="Open"),
            meaning=Wording.of(en="Not answered, or still going on"),
            colour="#0B7A4B",
        ),
        StatusAppearance(
            status=ThreadStatus.CLOSED,
            label=Wording.of(en="Closed"),
            meaning=Wording.of(en="Solved"),
            colour="#2C3E50",
        ),
        StatusAppearance(
            status=ThreadStatus.PENDING1,
            label=Wording.of(en="Pending 1"),
            meaning=Wording.of(en="To be answered later"),
            colour="#B45309",
        ),
        StatusAppearance(
            status=ThreadStatus.PENDING2,
            label=Wording.of(en="Pending 2"),
            meaning=Wording.of(en="To be answered later"),
            colour="#6D28D9",
        ),
    )
)
