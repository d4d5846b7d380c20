"""What signals do to a run of the command."""

import os
import signal
import threading

import pytest

from customerservice.entrypoints.cli.interrupts import Interrupted, Interruption


def test_a_signal_ends_what_is_no_unit_at_once() -> None:
    """Outside a unit the first signal ends the run, with the status of that signal."""
    interruption = Interruption()
    with interruption.handled(), pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGTERM)

    assert interruption.exit_status == 143


def test_a_unit_comes_to_its_end() -> None:
    """Within a unit a signal only makes the stop flag true, and no alarm is left when the unit ended."""
    interruption = Interruption()
    with interruption.handled(), interruption.finishing():
        before = interruption()
        os.kill(os.getpid(), signal.SIGINT)
        after = interruption()

    assert (before, after) == (False, True)
    assert interruption.exit_status == 130
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_a_second_signal_does_not_wait() -> None:
    """It ends the unit at once; the first one decides the status."""
    interruption = Interruption()
    with interruption.handled(), interruption.finishing():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGTERM)

    assert interruption.exit_status == 130


def test_the_grace_is_over_some_day() -> None:
    """The alarm ends a unit that does not end by itself."""
    interruption = Interruption()
    with interruption.handled(), interruption.finishing():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            os.kill(os.getpid(), signal.SIGALRM)


def test_the_handlers_of_before_come_back() -> None:
    """After the block signals do what they did."""
    before = signal.getsignal(signal.SIGTERM)
    with Interruption().handled():
        pass

    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_handles_no_signals() -> None:
    """Python lets only the main thread do so; elsewhere nothing is changed."""
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with Interruption().handled():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert seen == [before]
    assert Interruption().exit_status is None
