"""The machine's clock, ids and key file."""

import base64
import datetime as dt
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from customerservice.adapters.system import (
    KeyFile,
    ProcessWorkers,
    SystemClock,
    UuidV7Factory,
    key_path_beside,
    load_keys,
    make_key_file_beside,
)
from customerservice.errors import InvalidValue, SigningKeyNeeded


def _zeros(count: int) -> bytes:
    return bytes(count)


def _ones(count: int) -> bytes:
    return b"\xff" * count


def _told(moments: Iterator[int]) -> Callable[[], int]:
    return lambda: next(moments)


class TestSystemClock:
    """The machine's clock."""

    def test_the_moment_is_aware_utc(self) -> None:
        """The clock gives aware UTC."""
        assert SystemClock().now().tzinfo is dt.UTC

    def test_the_moment_is_that_of_the_machine(self) -> None:
        """The seconds since 1970 become that moment."""
        assert SystemClock(lambda: 86_400.5).now() == dt.datetime(1970, 1, 2, 0, 0, 0, 500_000, dt.UTC)

    def test_a_machine_set_back_does_not_make_it_run_backwards(self) -> None:
        """When the machine's clock is set back the last answer is kept until the machine catches up."""
        seconds = iter([100.0, 40.0, 101.0])
        clock = SystemClock(lambda: next(seconds))

        assert [clock.now().timestamp() for _ in range(3)] == [100.0, 100.0, 101.0]


class TestUuidV7Factory:
    """Time-ordered ids."""

    def test_the_layout_is_that_of_version_7(self) -> None:
        """An id is of version 7, of the RFC variant, and begins with the milliseconds since 1970."""
        made = UuidV7Factory(lambda: 0x017F22E279B0).new()

        assert (made.version, made.variant, made.int >> 80) == (7, "specified in RFC 4122", 0x017F22E279B0)

    def test_ids_of_one_millisecond_rise(self) -> None:
        """Ids made within one millisecond sort in the order they were made."""
        factory = UuidV7Factory(lambda: 1)
        made = [factory.new() for _ in range(2_000)]

        assert made == sorted(set(made))

    def test_a_clock_set_back_does_not_disturb_the_order(self) -> None:
        """When the machine's clock goes back ids still sort after the earlier ones."""
        factory = UuidV7Factory(_told(iter([1_000, 10, 1_001])))
        made = [factory.new() for _ in range(3)]

        assert made == sorted(set(made))

    def test_a_new_millisecond_starts_at_a_new_random_place(self) -> None:
        """The counter is drawn anew in each millisecond, so ids tell nothing of how many were made."""
        chance = iter([bytes(6), bytes(4), b"\x00\x00\x00\x00\x00\x07", bytes(4)])
        factory = UuidV7Factory(_told(iter([1, 2])), lambda count: next(chance))

        assert [factory.new().int >> 32 & 0x3FFF_FFFF for _ in range(2)] == [0, 7]

    def test_a_counter_that_runs_over_takes_the_next_millisecond(self) -> None:
        """More ids than the counter holds in one millisecond go on in the next one."""
        factory = UuidV7Factory(lambda: 5, _ones)
        factory.new()
        factory._counter = (1 << 42) - 1

        assert factory.new().int >> 80 == 6

    def test_threads_never_get_the_same_id(self) -> None:
        """Ids made by several threads at once all differ."""
        factory = UuidV7Factory(lambda: 1, _zeros)
        made: list[object] = []
        threads = [threading.Thread(target=lambda: made.extend([factory.new() for _ in range(500)])) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(set(made)) == 2_000

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_a_forked_child_goes_on_at_its_own_place(self) -> None:
        """Parent and child of a fork give different ids though they share the counter, and the child's still rise."""
        program = (
            "import os\n"
            "from customerservice.adapters.system import UuidV7Factory\n"
            "factory = UuidV7Factory(lambda: 1, bytes)\n"
            "first = factory.new()\n"
            "read, write = os.pipe()\n"
            "if os.fork() == 0:\n"
            "    os.write(write, factory.new().hex.encode())\n"
            "    os._exit(0)\n"
            "child = os.read(read, 32).decode()\n"
            "print(len({first.hex, child, factory.new().hex}), child > first.hex)\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert done.stdout.split() == ["3", "True"]

    def test_a_new_process_takes_a_later_millisecond(self) -> None:
        """A factory that finds itself in another process leaves the millisecond its parent counts in."""
        factory = UuidV7Factory(lambda: 1, _zeros)
        factory.new()
        factory._process = -1

        assert factory.new().int >> 80 == 2


class TestLoadKeys:
    """Reading a key file."""

    def test_each_line_is_a_key_in_order(self, tmp_path: Path) -> None:
        """Hexadecimal, base64 and URL-safe base64 lines are read, comments and blank lines skipped, the order kept."""
        first, second, third = bytes(range(32)), b"\xfb\xef\xff" * 8, b"k" * 17
        path = tmp_path / "keys"
        path.write_text(
            "# the first signs\n\n"
            + first.hex()
            + "\n"
            + base64.urlsafe_b64encode(second).decode()
            + "\r\n  "
            + base64.b64encode(third).decode().rstrip("=")
        )

        assert load_keys(path) == (first, second, third)

    @pytest.mark.parametrize("line", ["not a key!", "äöü", "A", "=" * 40, "ab" * 15, "YWJj"])
    def test_a_line_that_is_no_key_is_named_by_number_only(self, tmp_path: Path, line: str) -> None:
        """A malformed or short key is refused with its line number; what stands there is not repeated."""
        path = tmp_path / "keys"
        path.write_text("ab" * 32 + "\n" + line + "\n", encoding="utf-8")

        with pytest.raises(InvalidValue) as caught:
            load_keys(path)

        assert str(caught.value).replace(str(path), "PATH") in (
            "key file: line 2 of PATH is neither base64 nor hexadecimal",
            "key file: line 2 of PATH is shorter than 16 bytes",
        )

    def test_a_missing_file_asks_for_a_key(self, tmp_path: Path) -> None:
        """A file that cannot be read is an error that names it."""
        with pytest.raises(SigningKeyNeeded, match="absent"):
            load_keys(tmp_path / "absent")

    def test_a_file_without_keys_asks_for_a_key(self, tmp_path: Path) -> None:
        """A file with comments only holds no key, which is an error."""
        path = tmp_path / "keys"
        path.write_text("# nothing here\n\n")

        with pytest.raises(SigningKeyNeeded, match="holds no key"):
            load_keys(path)

    def test_a_huge_file_is_not_read(self, tmp_path: Path) -> None:
        """A file that is surely something else is refused by its size."""
        path = tmp_path / "keys"
        path.write_bytes(b"a" * 70_000)

        with pytest.raises(InvalidValue, match="larger"):
            load_keys(path)


class TestMakeKeyFileBeside:
    """The key file beside an SQLite database."""

    def test_the_file_stands_beside_the_database(self, tmp_path: Path) -> None:
        """The key file has the database's name with ``.key`` added."""
        assert key_path_beside(tmp_path / "desk.db") == tmp_path / "desk.db.key"

    def test_a_fresh_key_has_256_bits(self, tmp_path: Path) -> None:
        """A new file holds one key of 32 bytes, which is given with the news that it was made."""
        made = make_key_file_beside(tmp_path / "desk.db")

        assert (made.made, [len(key) for key in made.keys]) == (True, [32])

    @pytest.mark.skipif(os.name != "posix", reason="modes are a matter of POSIX")
    def test_only_the_owner_may_read_it(self, tmp_path: Path) -> None:
        """A new file has mode 0600 whatever the umask allows."""
        before = os.umask(0)
        try:
            made = make_key_file_beside(tmp_path / "desk.db")
        finally:
            os.umask(before)

        assert stat.S_IMODE(made.path.stat().st_mode) == 0o600

    def test_a_second_call_gives_the_same_keys(self, tmp_path: Path) -> None:
        """An existing file is read, not changed."""
        first = make_key_file_beside(tmp_path / "desk.db")

        assert make_key_file_beside(tmp_path / "desk.db") == KeyFile(path=first.path, keys=first.keys, made=False)

    def test_nothing_else_is_left_in_the_folder(self, tmp_path: Path) -> None:
        """The draft the file is made from is gone afterwards."""
        made = make_key_file_beside(tmp_path / "desk.db")

        assert list(tmp_path.iterdir()) == [made.path]

    def test_of_many_makers_one_wins(self, tmp_path: Path) -> None:
        """Makers that run at the same time all give the keys of the one file there is, and one says it made it."""
        start = threading.Barrier(8)
        results: list[KeyFile] = []

        def make() -> None:
            start.wait()
            results.append(make_key_file_beside(tmp_path / "desk.db"))

        threads = [threading.Thread(target=make) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert ({one.keys for one in results}, sum(one.made for one in results)) == (
            {load_keys(tmp_path / "desk.db.key")},
            1,
        )

    def test_a_link_that_leads_nowhere_is_never_replaced(self, tmp_path: Path) -> None:
        """A name that is taken, even by a link whose key disk is not mounted, is kept and named in the error."""
        taken = tmp_path / "desk.db.key"
        taken.symlink_to(tmp_path / "unmounted" / "key")

        with pytest.raises(SigningKeyNeeded, match=r"desk\.db\.key"):
            make_key_file_beside(tmp_path / "desk.db")

        assert list(tmp_path.iterdir()) == [taken]

    def test_a_folder_that_cannot_be_written_is_named(self, tmp_path: Path) -> None:
        """When no file can be made the error says where and what to do instead."""
        with pytest.raises(SigningKeyNeeded, match="cannot be made"):
            make_key_file_beside(tmp_path / "no such folder" / "desk.db")

    def test_keys_do_not_show_in_the_repr(self, tmp_path: Path) -> None:
        """The repr of a key file holds its path and not its keys."""
        key = b"a key nobody may read"
        (tmp_path / "desk.db.key").write_bytes(base64.b64encode(key))

        assert "nobody" not in repr(make_key_file_beside(tmp_path / "desk.db"))


def test_a_worker_is_not_gone_while_its_process_lives() -> None:
    """A worker of this process lives; each gets a name of its own."""
    workers = ProcessWorkers()
    name = workers.name()

    assert not workers.is_gone(name)
    assert name != workers.name()


def test_a_worker_of_a_killed_process_is_gone() -> None:
    """A process of this machine that ended is known to be gone, before and after its parent asked for its status."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, ProcessWorkers().name().encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(write)
    name = os.read(read, 1000).decode()
    os.close(read)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)

    assert ProcessWorkers().is_gone(name)
    os.waitpid(child, 0)
    assert ProcessWorkers().is_gone(name)


def test_a_worker_of_elsewhere_is_never_known_to_be_gone() -> None:
    """Names of another machine, another boot or another program say nothing."""
    workers = ProcessWorkers()
    _, pid, started, _ = workers.name().split("/")

    assert not workers.is_gone(f"another-boot:1/{pid}/0/ab")
    assert not workers.is_gone("")
    assert not workers.is_gone("a worker")
    assert not workers.is_gone(f"{workers.name().partition('/')[0]}/x/{started}/ab")
