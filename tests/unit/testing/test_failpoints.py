"""Armed failpoints."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from customerservice._failpoints import failpoint
from customerservice.errors import InvalidValue
from customerservice.testing.failpoints import (
    EXIT_STATUS,
    VARIABLE,
    FailAction,
    FailpointReached,
    FailurePlan,
    arm,
    arm_from_environment,
    armed,
    disarm,
)

PROGRAM = """
import atexit
from customerservice._failpoints import failpoint
from customerservice.testing.failpoints import arm_from_environment
atexit.register(print, "cleaned up")
arm_from_environment()
for _ in range(3):
    failpoint("here")
    print("went on", flush=True)
"""


@pytest.fixture(autouse=True)
def _disarm() -> Iterator[None]:
    yield
    disarm()


def _run(plan: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, VARIABLE: plan}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_unarmed_point_does_nothing() -> None:
    """Without arming, a point only returns."""
    assert failpoint("here") is None  # type: ignore[func-returns-value]  # that is what is tested


def test_raise_happens_at_the_told_hit_only() -> None:
    """The second hit of the named point raises, with the point's name; the first and the third go on."""
    arm(FailurePlan("here", FailAction.RAISE, hit=2))
    failpoint("elsewhere")
    failpoint("here")
    with pytest.raises(FailpointReached, match="here") as raised:
        failpoint("here")
    failpoint("here")

    assert raised.value.point == "here"


def test_star_counts_every_point() -> None:
    """``*`` counts hits over all points."""
    with armed(FailurePlan("*", FailAction.RAISE, hit=2)):
        failpoint("one")
        with pytest.raises(FailpointReached, match="two"):
            failpoint("two")


def test_reached_point_is_no_exception_to_be_answered() -> None:
    """``except Exception`` lets it pass."""
    assert not issubclass(FailpointReached, Exception)


def test_counts_are_kept_by_point() -> None:
    """Arming nothing still counts, so that a test can learn which points an operation passes."""
    with armed() as hits:
        failpoint("one")
        failpoint("two")
        failpoint("one")

    assert hits == {"one": 2, "two": 1}


def test_block_disarms_at_its_end() -> None:
    """After the block of `armed` points do nothing, also when it ended with an exception."""
    with pytest.raises(FailpointReached), armed(FailurePlan("here", FailAction.RAISE)) as hits:
        failpoint("here")
    failpoint("here")

    assert hits == {"here": 1}


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("a=kill", FailurePlan("a", FailAction.KILL)),
        (" a.b-c=raise@12 ", FailurePlan("a.b-c", FailAction.RAISE, 12)),
        ("*=exit@1", FailurePlan("*", FailAction.EXIT, 1)),
    ],
)
def test_plan_is_read(text: str, plan: FailurePlan) -> None:
    """A plan is POINT=ACTION, with @HIT or without."""
    assert FailurePlan.parse(text) == plan


@pytest.mark.parametrize("text", ["", "a", "a=", "=kill", "a=burn", "a=kill@x", "a=kill@0", "a=kill@-1"])
def test_wrong_plan_is_refused(text: str) -> None:
    """What is no plan is an error rather than a test that proves nothing."""
    with pytest.raises(InvalidValue, match="failpoint"):
        FailurePlan.parse(text)


def test_environment_without_plans_arms_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset or blank variable is no plan."""
    monkeypatch.delenv(VARIABLE, raising=False)
    assert not arm_from_environment()
    monkeypatch.setenv(VARIABLE, " ")

    assert not arm_from_environment()


def test_environment_arms_several_plans(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are separated by commas, and all of them are armed."""
    monkeypatch.setenv(VARIABLE, "one=raise,two=raise")

    assert arm_from_environment()
    with pytest.raises(FailpointReached):
        failpoint("two")
    with pytest.raises(FailpointReached):
        failpoint("one")


def test_kill_ends_the_process_by_signal() -> None:
    """``kill`` is a SIGKILL at exactly that hit, with nothing run after it."""
    ended = _run("here=kill@2")

    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, "went on\n")


def test_exit_leaves_without_clean_up() -> None:
    """``exit`` leaves with its own status and runs no exit handlers."""
    ended = _run("here=exit@3")

    assert (ended.returncode, ended.stdout) == (EXIT_STATUS, "went on\nwent on\n")


def test_package_alone_never_reads_the_variable() -> None:
    """Importing the arming module arms nothing, whatever the environment says."""
    program = PROGRAM.replace("\narm_from_environment()\n", "\n")
    environment = {**os.environ, VARIABLE: "here=kill"}
    ended = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 0
