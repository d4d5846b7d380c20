"""Statuses, the table of moves, and the legend."""

import attrs
import pytest

from customerservice.domain.status import (
    DEFAULT_LEGEND,
    MOVES,
    StatusAction,
    StatusLegend,
    ThreadStatus,
    contrast_on_white,
)
from customerservice.errors import InvalidValue, UnknownStatus

OPEN, CLOSED, PENDING1, PENDING2 = ThreadStatus


@pytest.mark.parametrize("status", ThreadStatus)
def test_status_is_read_by_its_name(status: ThreadStatus) -> None:
    """Each name gives its status."""
    assert ThreadStatus.parse(status.value) is status


@pytest.mark.parametrize("text", ["", "OPEN", "open ", "pending", "done"])
def test_unknown_status_names_the_allowed_ones(text: str) -> None:
    """A wrong name is an error that helps."""
    with pytest.raises(UnknownStatus, match="open, closed, pending1, pending2"):
        ThreadStatus.parse(text)


def test_predicates_tell_the_statuses_apart() -> None:
    """Two are pending, one is closed."""
    assert [status for status in ThreadStatus if status.is_pending] == [PENDING1, PENDING2]
    assert [status for status in ThreadStatus if status.is_closed] == [CLOSED]


def test_customers_see_pending_as_open() -> None:
    """Pending is an internal matter."""
    assert [status.shown_to_customers for status in ThreadStatus] == [OPEN, CLOSED, OPEN, OPEN]


def test_every_status_can_become_every_other() -> None:
    """No thread is ever stuck; staying is not a move."""
    allowed = {(before, after) for before in ThreadStatus for after in ThreadStatus if before.may_move_to(after)}

    assert allowed == {(before, after) for before in ThreadStatus for after in ThreadStatus if before is not after}


def test_actions_are_called_by_what_they_do() -> None:
    """A closed thread is reopened, a pending one resumed; each status offers three actions, in a fixed order."""
    offered = {status: DEFAULT_LEGEND.actions(status) for status in ThreadStatus}

    assert offered == {
        OPEN: (StatusAction.CLOSE, StatusAction.SET_PENDING1, StatusAction.SET_PENDING2),
        CLOSED: (StatusAction.REOPEN, StatusAction.SET_PENDING1, StatusAction.SET_PENDING2),
        PENDING1: (StatusAction.CLOSE, StatusAction.RESUME, StatusAction.SET_PENDING2),
        PENDING2: (StatusAction.CLOSE, StatusAction.RESUME, StatusAction.SET_PENDING1),
    }


def test_table_of_moves_cannot_be_changed() -> None:
    """There is one table for everybody."""
    with pytest.raises(TypeError):
        MOVES[OPEN] = {}  # type: ignore[index]  # that is what is refused


def test_switched_off_status_is_neither_offered_nor_accepted() -> None:
    """Threads that have it can leave it."""
    legend = attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({PENDING2}))

    assert legend.actions(OPEN) == (StatusAction.CLOSE, StatusAction.SET_PENDING1)
    assert [status for status in ThreadStatus if not legend.accepts(status)] == [PENDING2]
    assert legend.actions(PENDING2) == (StatusAction.CLOSE, StatusAction.RESUME, StatusAction.SET_PENDING1)


@pytest.mark.parametrize("status", [OPEN, CLOSED])
def test_only_pending_can_be_switched_off(status: ThreadStatus) -> None:
    """Without open or closed there is no help desk."""
    with pytest.raises(InvalidValue, match="pending1"):
        attrs.evolve(DEFAULT_LEGEND, switched_off=frozenset({status}))


@pytest.mark.parametrize("count", [0, 3])
def test_legend_needs_each_status_once(count: int) -> None:
    """One too few is refused."""
    with pytest.raises(InvalidValue, match="each status"):
        StatusLegend(DEFAULT_LEGEND.appearances[:count])


def test_legend_takes_no_status_twice() -> None:
    """Nor one in place of another."""
    first, *rest = DEFAULT_LEGEND.appearances
    with pytest.raises(InvalidValue, match="each status"):
        StatusLegend((first, first, *rest))


def test_equal_colours_are_refused_in_any_spelling() -> None:
    """Two statuses must look different."""
    first, second, *rest = DEFAULT_LEGEND.appearances
    with pytest.raises(InvalidValue, match="same colour"):
        StatusLegend((first, attrs.evolve(second, colour=first.colour.lower()), *rest))


@pytest.mark.parametrize("colour", ["", "red", "#12345", "#1234567", "#12345g", "123456", "#12 456", "#123456\n"])
def test_colour_must_be_rrggbb(colour: str) -> None:
    """Nothing else reaches a page's style."""
    with pytest.raises(InvalidValue, match="RRGGBB"):
        attrs.evolve(DEFAULT_LEGEND.appearance(OPEN), colour=colour)


@pytest.mark.parametrize("colour", ["#FFFFFF", "#FFFF00", "#959595"])
def test_colour_must_be_seen_on_white(colour: str) -> None:
    """Contrast below 3:1 is refused; #959595 is just below."""
    with pytest.raises(InvalidValue, match="contrast"):
        attrs.evolve(DEFAULT_LEGEND.appearance(OPEN), colour=colour)


def test_colour_with_enough_contrast_is_taken() -> None:
    """#949494 is just above 3:1."""
    assert attrs.evolve(DEFAULT_LEGEND.appearance(OPEN), colour="#949494").colour == "#949494"


@pytest.mark.parametrize(
    ("colour", "ratio"),
    [("#000000", 21.0), ("#FFFFFF", 1.0), ("#777777", 4.48), ("#FF0000", 4.0), ("#00FF00", 1.37), ("#0000FF", 8.59)],
)
def test_contrast_is_that_of_wcag(colour: str, ratio: float) -> None:
    """Known ratios on white, to two digits; the channels weigh differently."""
    assert contrast_on_white(colour) == pytest.approx(ratio, abs=0.005)


def test_each_status_has_its_look() -> None:
    """The legend gives the appearance of the status asked for."""
    assert [DEFAULT_LEGEND.appearance(status).status for status in ThreadStatus] == list(ThreadStatus)
