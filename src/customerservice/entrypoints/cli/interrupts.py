"""Ctrl-C and SIGTERM: end at once, or as soon as the current unit of work is finished."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

#: How long a unit may go on after a signal before it is rolled back, in seconds.
GRACE = 6.0


class Interrupted(BaseException):
    """A signal ends what is going on; like `KeyboardInterrupt` no handler of errors catches it."""


class Interruption:
    """What the signals of a run of the command do.

    Usually the first one ends the run at once. Within `finishing` it only makes the object, called, give True, so that
    a use case ends after its current unit; what is not over `GRACE` seconds later, or at a second signal, is rolled
    back.

    Attributes:
        number: of the first signal that came, None before.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._finishing = False

    def __call__(self) -> bool:
        """Tell whether a signal came: the `stop` that use cases ask."""
        return self.number is not None

    @property
    def exit_status(self) -> int | None:
        """What the command exits with because of the signal (130 or 143), None without one."""
        return None if self.number is None else 128 + self.number

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle SIGINT, SIGTERM and the alarm within the block, as far as this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers: dict[int, Any] = {signal.SIGINT: self._came, signal.SIGTERM: self._came, signal.SIGALRM: self._over}
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """Let the unit that runs within the block come to its end when a signal comes."""
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False
            if self.number is not None:
                signal.setitimer(signal.ITIMER_REAL, 0)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        first = self.number is None
        self.number = self.number or number
        if not (first and self._finishing):
            raise Interrupted
        signal.setitimer(signal.ITIMER_REAL, GRACE)

    def _over(self, _number: int, _frame: FrameType | None) -> None:
        raise Interrupted
