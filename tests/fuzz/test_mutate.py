"""The fuzzer itself: it is repeatable, notices what is wrong, and survives a mail that its reader does not."""

import os
import random
import resource
import sys
import time
from pathlib import Path

import pytest
from tests.fuzz.examples import examples
from tests.fuzz.mutate import SEED, fuzz, mail_of, main, measured, shrink
from tests.fuzz.mutations import LONGEST, MUTATIONS, Mutation

MAILS = [b"From: a@b.example\nSubject: one\n\nHello\n", b"Subject: two\n\nWorld\n"]


def odd(raw: bytes) -> list[str]:
    return ["odd: more bytes than even"] if len(raw) % 2 else []


def deadly(raw: bytes) -> list[str]:
    if raw.startswith(b"From"):
        os._exit(3)
    return []


def endless(raw: bytes) -> list[str]:
    while raw.startswith(b"From"):
        time.sleep(1)
    return []


def test_same_number_makes_the_same_mail() -> None:
    """A mail is made of its seed and number alone."""
    made = [mail_of(number, 7, MAILS) for number in range(20)]

    assert made == [mail_of(number, 7, MAILS) for number in range(20)]
    assert made != [mail_of(number, 8, MAILS) for number in range(20)]


def test_examples_are_the_same_in_every_run() -> None:
    """What the bounded run begins with does not change by chance."""
    assert list(examples(5)) == list(examples(5))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_mutation_takes_any_mail(mutation: Mutation) -> None:
    """Nothing, one byte and real mails can all be spoilt."""
    chance = random.Random(1)
    spoilt = [mutation(chance, raw, MAILS) for raw in (b"", b"\xff", *MAILS) for _ in range(20)]

    assert {type(raw) for raw in spoilt} == {bytes}


def test_every_mail_is_read_and_failures_are_named() -> None:
    """The number of each mail that broke a promise is told, in order, whichever process read it."""
    read, failures = fuzz(MAILS, count=120, seed=1, workers=2, check=odd)

    assert read == 120
    assert [each.number for each in failures] == [n for n in range(120) if len(mail_of(n, 1, MAILS)) % 2]
    assert {each.kind for each in failures} == {"odd"}


@pytest.mark.parametrize(("check", "kind"), [(deadly, "died"), (endless, "hangs")])
def test_mail_that_kills_or_hangs_costs_only_itself(check: object, kind: str) -> None:
    """The process is lost, its mail is a failure, and the others are read."""
    read, failures = fuzz(MAILS, count=12, seed=1, workers=2, check=check, hangs=0.3)  # type: ignore[arg-type]

    assert read == 12
    assert [each.number for each in failures] == [n for n in range(12) if mail_of(n, 1, MAILS).startswith(b"From")]
    assert {each.kind for each in failures} == {kind}


def test_slow_mail_is_a_failure() -> None:
    """More than a second of a processor, twice, is too much for any mail of the fuzzer."""

    def slow(_raw: bytes) -> list[str]:
        began = time.process_time()
        while time.process_time() - began < 1.05:
            pass
        return []

    assert measured(b"x", slow)[0].startswith("time: 1.")


def test_mail_that_takes_much_memory_is_a_failure() -> None:
    """More than 64 MB beside five times its size is too much for any mail."""
    held = _held()

    def large(_raw: bytes) -> list[str]:
        return [] if len(b"x" * (held + (70 << 20))) else ["never"]

    assert measured(b"x", large)[0].startswith("memory: ")


def _held() -> int:
    """Give the most memory this process ever had, which a test has to go beyond."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def test_mail_is_shrunk_to_what_breaks_the_promise() -> None:
    """Whatever can be left out is left out."""
    assert shrink(b"a" * 500 + b"\0" + b"b" * 500, lambda raw: ["NUL: x"] if b"\0" in raw else []) == b"\0"


def test_short_run_keeps_every_promise(capsys: pytest.CaptureFixture[str]) -> None:
    """The seed is printed, and how many mails were read; the exit status is 0 if all went well."""
    status = main(["--mails", "200", "--workers", "2"])

    out = capsys.readouterr().out
    assert (status, f"seed {SEED}, " in out, "200 mails read" in out) == (0, True, True), out


def test_failing_mail_is_kept_and_can_be_read_again(capsys: pytest.CaptureFixture[str]) -> None:
    """The file of a failure, whose path is printed, gives the failure again, and a smaller mail that has it too."""
    assert main(["--mails", "60", "--workers", "1"], odd) == 1

    out = capsys.readouterr().out
    kept = Path(out.partition("kept in ")[2].partition("\n")[0])
    assert f"again: python -m tests.fuzz.mutate --again {kept}" in out
    assert "x odd" in out.splitlines()[-1]
    assert main(["--again", str(kept)], odd) == 1
    assert capsys.readouterr().out == "odd: more bytes than even\n"
    assert main(["--shrink", str(kept)], odd) == 0
    assert len(kept.with_suffix(".small.eml").read_bytes()) == 1
    assert main(["--again", str(kept)], lambda _: []) == 0


def test_mutated_mail_is_bounded() -> None:
    """However often something is repeated, a mail stays small enough to be read in a moment."""
    assert max(len(mail_of(number, 1, [b"x" * LONGEST, *MAILS])) for number in range(300)) <= LONGEST
