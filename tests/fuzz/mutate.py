"""Reads many spoilt mails and holds each reading to its promises.

``python -m tests.fuzz.mutate`` reads the bounded number that continuous integration reads; ``--mails`` and ``--seed``
ask for more and others. Each mail is made of a seed and its number alone, so that any of them can be made again. A mail
that breaks a promise, hangs or kills its process is kept in a file; ``--again FILE`` reads that file, ``--shrink FILE``
makes it smaller while it breaks the same promise.
"""

import argparse
import hashlib
import multiprocessing as mp
import os
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import attrs
from tests.fuzz.mutations import mutate
from tests.fuzz.promises import broken_promises

#: The bounded run: mails, and the seed of their mutations.
MAILS = 20_000
SEED = 1
#: Seconds of a processor in which a mail must be read and checked; five times that on the clock, and its reading hangs.
BOUND = 1.0
HANGS = 5 * BOUND
#: Bytes of memory: what one mail may take beside five times its size, and what a process may take at all.
_GROWTH = 64 << 20
_MEMORY = 3 << 30
_STEP = 50  # mails of one task
_SHOWN = 4  # failures of each kind that are printed

ROOT = Path(__file__).resolve().parents[2]

Check = Callable[[bytes], list[str]]


@attrs.frozen(kw_only=True)
class Failure:
    """A mail that was not read as promised: its number, and what was wrong."""

    number: int
    broken: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The name of the first promise it broke."""
        return self.broken[0].partition(":")[0]


def seeds(folders: Sequence[Path] = ()) -> list[bytes]:
    """Give the mails that are mutated, in an order that never changes: our corpus and examples of every strategy."""
    from tests.fuzz.examples import examples

    paths = sorted(path for folder in (ROOT / "tests" / "corpus", *folders) for path in folder.rglob("*.*"))
    mails = [path.read_bytes() for path in paths if path.suffix not in (".toml", ".md", ".jsonl")]
    return [*mails, *examples()]


def mail_of(number: int, seed: int, mails: Sequence[bytes]) -> bytes:
    """Make the mail of that number: the same for the same seed and seeds."""
    return mutate(random.Random(f"{seed}:{number}"), mails)


def measured(raw: bytes, check: Check = broken_promises) -> list[str]:
    """Check one mail; taking much memory is a broken promise too, and being slow, if it is so twice."""
    for _ in range(2):
        memory, began = _peak(), time.process_time()
        broken = check(raw)
        took, more = time.process_time() - began, _peak() - memory
        if more > _GROWTH + 5 * len(raw):
            broken.append(f"memory: {more >> 20} MB for {len(raw)} bytes")
        if broken or took < BOUND:
            return broken
    return [f"time: {took:.1f} s for {len(raw)} bytes"]


def _peak() -> int:
    """Give the most bytes of memory that this process ever had; what one mail takes beyond that is its own."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fuzz(
    mails: Sequence[bytes], *, count: int, seed: int, workers: int, check: Check = broken_promises, hangs: float = HANGS
) -> tuple[int, list[Failure]]:
    """Check `count` mutated mails in processes of their own; give how many were read, and the failures by number.

    A mail that takes longer than `hangs` seconds costs its process its life; another one goes on behind it.
    """
    waiting = [range(start, min(start + _STEP, count)) for start in range(0, count, _STEP)][::-1]
    running: list[_Worker] = []
    failures: list[Failure] = []
    read = 0
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                running.append(_Worker(mails, seed, check))
                running[-1].give(waiting.pop())
            wait([each.pipe for each in running], timeout=0.2)
            for worker in list(running):
                done, broken = worker.news(hangs)
                read += done
                failures += broken
                if worker.dead:
                    running.remove(worker)
                    if worker.task:
                        waiting.append(worker.task)
                elif worker.idle and waiting:
                    worker.give(waiting.pop())
                elif worker.idle:
                    worker.stop()
                    running.remove(worker)
    finally:
        for worker in running:
            worker.kill()
    return read, sorted(failures, key=lambda each: each.number)


class _Worker:
    """A process that checks mails, watched from outside: nothing inside could stop a loop in an extension module."""

    def __init__(self, mails: Sequence[bytes], seed: int, check: Check) -> None:
        # Not "fork": the process that tests run in may have threads. The server forks from a process that has none.
        context = mp.get_context("forkserver")
        context.set_forkserver_preload([broken_promises.__module__])
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, mails, seed, check), daemon=True)
        self._process.start()
        theirs.close()
        self.task = range(0)
        self.dead = False
        self._since: float | None = None  # None while it starts

    @property
    def idle(self) -> bool:
        return not self.task

    def give(self, task: range) -> None:
        self.task = task
        if self._since is not None:
            self._since = time.monotonic()
        self.pipe.send(task)

    def news(self, hangs: float) -> tuple[int, list[Failure]]:
        """Give how many mails were checked since the last call, and which failed."""
        read, failures = 0, []
        try:
            while self.pipe.poll():
                number, broken = self.pipe.recv()
                self._since = time.monotonic()
                if number is None:
                    continue
                read += 1
                self.task = range(number + 1, self.task.stop)
                if broken:
                    failures.append(Failure(number=number, broken=tuple(broken)))
        except (EOFError, OSError):
            self._process.join()
            if self._since is None:
                raise RuntimeError("a process could not start; what it said stands above") from None
            return read + self._lost(failures, f"died: exit status {self._process.exitcode}"), failures
        if self.task and self._since is not None and time.monotonic() - self._since > hangs:
            self.kill()
            return read + self._lost(failures, f"hangs: longer than {hangs:g} s"), failures
        return read, failures

    def _lost(self, failures: list[Failure], why: str) -> int:
        self.dead = True
        if not self.task:
            return 0
        failures.append(Failure(number=self.task.start, broken=(why,)))
        self.task = self.task[1:]
        return 1

    def stop(self) -> None:
        self.pipe.send(None)
        self._process.join()

    def kill(self) -> None:
        self.dead = True
        self._process.kill()
        self._process.join()


def _work(pipe: Connection, mails: Sequence[bytes], seed: int, check: Check) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    pipe.send((None, []))  # ready
    while (task := pipe.recv()) is not None:
        for number in task:
            pipe.send((number, measured(mail_of(number, seed, mails), check)))


def shrink(raw: bytes, check: Check = broken_promises) -> bytes:
    """Give a smaller mail that breaks the same promise: pieces are left out as long as it does."""

    def names(mail: bytes) -> set[str]:
        return {each.partition(":")[0] for each in check(mail)}

    wanted = names(raw)
    size = max(1, len(raw) // 2)
    while size and wanted:
        place = 0
        while place < len(raw):
            smaller = raw[:place] + raw[place + size :]
            if wanted & names(smaller):
                raw = smaller
            else:
                place += size
        size //= 2
    return raw


def _told(failures: Sequence[Failure], mails: Sequence[bytes], seed: int) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="customerservice-fuzz-"))
    told: Counter[str] = Counter()
    for failure in failures:
        told[failure.kind] += 1
        if told[failure.kind] > _SHOWN:
            continue
        path = folder / f"{seed}-{failure.number}.eml"
        path.write_bytes(mail_of(failure.number, seed, mails))
        yield f"mail {failure.number} of seed {seed}, kept in {path}"
        yield from (f"    {each}" for each in failure.broken[:5])
        yield f"    again: python -m tests.fuzz.mutate --again {path}"


def main(arguments: Sequence[str] | None = None, check: Check = broken_promises) -> int:
    """Run as a program; give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.mutate", description="Read many spoilt mails.")
    parser.add_argument("--mails", type=int, default=MAILS, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the mutations (%(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (%(default)s)")
    parser.add_argument("--seeds", type=Path, action="append", default=[], metavar="FOLDER", help="with more mails")
    parser.add_argument("--again", type=Path, metavar="FILE", help="check this mail only")
    parser.add_argument("--shrink", type=Path, metavar="FILE", help="write a smaller mail beside it")
    options = parser.parse_args(arguments)
    if options.again:
        broken = measured(options.again.read_bytes(), check)
        print("\n".join(broken) or "every promise kept")
        return 1 if broken else 0
    if options.shrink:
        small = options.shrink.with_suffix(".small.eml")
        small.write_bytes(shrink(options.shrink.read_bytes(), check))
        print(f"{small}, {small.stat().st_size} bytes")
        return 0
    mails = seeds(options.seeds)
    digest = hashlib.sha256(b"".join(mails)).hexdigest()[:12]
    print(f"seed {options.seed}, {len(mails)} mails to begin with ({digest})", flush=True)
    began = time.monotonic()
    read, failures = fuzz(mails, count=options.mails, seed=options.seed, workers=options.workers, check=check)
    kinds = Counter(each.kind for each in failures)
    if failures:
        print(*_told(failures, mails, options.seed), sep="\n")
    failed = ", ".join(f"{count} x {name}" for name, count in kinds.most_common()) or "every promise kept"
    print(f"{read:,} mails read in {time.monotonic() - began:.0f} s: {failed}")
    return 1 if failures or read < options.mails else 0


if __name__ == "__main__":
    sys.exit(main())
