"""The machine's own time and randomness, and the file that holds the signing keys."""

import base64
import contextlib
import datetime as dt
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import attrs

from customerservice.errors import InvalidValue, SigningKeyNeeded

#: Keys shorter than this are refused: a reply token is a 128 bit value (R21), so its key must not be weaker.
LEAST_KEY_BYTES = 16

_KEY_BYTES = 32
_LARGEST_KEY_FILE = 65_536
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_URL_SAFE = str.maketrans("-_", "+/")
_COUNTER_BITS = 42
_RANDOM_TAIL_BYTES = 4


class SystemClock:
    """The time of this machine, held back when the machine's clock is set back, so that it never runs backwards."""

    def __init__(self, seconds: Callable[[], float] = time.time) -> None:
        """Read the time from `seconds`: seconds since 1970, UTC."""
        self._seconds = seconds
        self._last = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """Give the moment, as aware UTC; never earlier than an answer it gave before. Thread-safe."""
        moment = dt.datetime.fromtimestamp(self._seconds(), dt.UTC)
        with self._lock:
            self._last = max(self._last, moment)
            return self._last


class UuidV7Factory:
    """Time-ordered ids (RFC 9562 5.7), strictly rising within the process, also within one millisecond.

    The 48 bits of milliseconds are followed by a counter of 42 bits that starts at a random place in each millisecond
    (RFC 9562 6.2, method 1) and by 32 random bits. When the clock is set back the last millisecond is kept.
    Thread-safe. A child made by `os.fork` starts at a place of its own, so parent and child never give the same id.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        """Read the time from `milliseconds` since 1970 and chance from `random_bytes`."""
        self._milliseconds = milliseconds
        self._random_bytes = random_bytes
        self._process = os.getpid()
        self._last = -1
        self._counter = 0
        self._lock = threading.Lock()

    def new(self) -> UUID:
        """Give an id that was never given before, by anybody, and sorts after those this factory gave."""
        with self._lock:
            moment, counter = self._next_place()
        tail = int.from_bytes(self._random_bytes(_RANDOM_TAIL_BYTES), "big")
        value = (moment & 0xFFFF_FFFF_FFFF) << 80
        value |= 0x7 << 76
        value |= (counter >> 30) << 64
        value |= 0b10 << 62
        value |= (counter & 0x3FFF_FFFF) << 32
        return UUID(int=value | tail)

    def _next_place(self) -> tuple[int, int]:
        now = self._milliseconds()
        if self._process != os.getpid():
            # The parent goes on counting from the same place, so this process takes a later millisecond.
            self._process = os.getpid()
            now = max(now, self._last + 1)
        if now <= self._last:
            now = self._last
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                now += 1
                self._counter = self._fresh_counter()
        else:
            self._counter = self._fresh_counter()
        self._last = now
        return now, self._counter

    def _fresh_counter(self) -> int:
        # The highest bit stays clear, so that at least 2**41 ids fit before the counter runs over.
        return int.from_bytes(self._random_bytes(6), "big") & ((1 << (_COUNTER_BITS - 1)) - 1)


class ProcessWorkers:
    """Workers named after their process, so that another process of this machine can tell when one was killed.

    A name holds the boot of the kernel, the namespace of process ids, the process id and its start time; only where the
    first two are this process's own can anything be known. Without Linux's ``/proc`` nobody is ever known to be gone.
    """

    def name(self) -> str:
        """Give a name for a worker of this process that no other worker ever has."""
        pid = os.getpid()
        return f"{_place()}/{pid}/{_start_of(pid)}/{secrets.token_hex(8)}"

    def is_gone(self, name: str) -> bool:
        """Whether the process of a worker has certainly ended: it is of this place, and not among the living."""
        place, _, process = name.partition("/")
        pid, _, rest = process.partition("/")
        started = rest.partition("/")[0]
        if not place or place != _place() or not pid.isdecimal() or not started:
            return False
        return _start_of(int(pid)) != started


def _place() -> str:
    """What process ids mean something in: this boot of this kernel and this namespace; "" where nobody can say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}:{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:
        return ""


def _start_of(pid: int) -> str:
    """When a process that lives started, in clock ticks since the boot; "" if there is none."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The program's name, in parentheses, may hold anything; behind it come the state and, 20th, the start: proc(5).
    fields = line.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


@attrs.frozen(kw_only=True)
class KeyFile:
    """The signing keys of a file: the first signs, all verify (R21).

    Attributes:
        made: whether the file was made just now, which a person should hear of: it belongs into the backup.
    """

    path: Path
    keys: tuple[bytes, ...] = attrs.field(repr=False)
    made: bool


def load_keys(path: str | os.PathLike[str]) -> tuple[bytes, ...]:
    """Read the signing keys of a file: one a line, hexadecimal or base64 (RFC 4648 4 or 5).

    Blank lines and lines that begin with ``#`` are skipped. The result has at least one key, in the order of the file,
    each at least `LEAST_KEY_BYTES` long.

    Raises:
        SigningKeyNeeded: the file cannot be read, or holds no key.
        InvalidValue: a line is no key; its number is named, never its text.
    """
    try:
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise SigningKeyNeeded(f"the key file {os.fspath(path)} cannot be read: {error.strerror}") from error
    if len(content) > _LARGEST_KEY_FILE:
        raise InvalidValue("key file", f"{os.fspath(path)} is larger than {_LARGEST_KEY_FILE} bytes")
    lines = content.decode("ascii", "replace").splitlines()
    keys = tuple(
        _key(line.strip(), f"line {number} of {os.fspath(path)}")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    )
    if not keys:
        raise SigningKeyNeeded(
            f"the key file {os.fspath(path)} holds no key: write one base64 or hexadecimal key a line"
        )
    return keys


def _key(text: str, place: str) -> bytes:
    if _HEX.fullmatch(text):
        key = bytes.fromhex(text)
    else:
        try:
            bare = text.rstrip("=").translate(_URL_SAFE)
            key = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
        except ValueError:
            raise InvalidValue("key file", f"{place} is neither base64 nor hexadecimal") from None
    if len(key) < LEAST_KEY_BYTES:
        raise InvalidValue("key file", f"{place} is shorter than {LEAST_KEY_BYTES} bytes")
    return key


def key_path_beside(database: str | os.PathLike[str]) -> Path:
    """Give the path of the key file that belongs to an SQLite database file: its name with ``.key`` added."""
    path = Path(database)
    return path.with_name(path.name + ".key")


def make_key_file_beside(database: str | os.PathLike[str]) -> KeyFile:
    """Give the keys beside an SQLite database file; makes the file with one fresh key of 256 bits if there is none.

    A new file has mode 0600 and appears at once with its whole content; of two processes that make it at the same time
    one wins and both give that one's key. An existing file is never changed.

    Raises:
        SigningKeyNeeded: the file can be neither read nor made.
        InvalidValue: the existing file holds a line that is no key.
    """
    path = key_path_beside(database)
    try:
        made = not path.exists() and _appear(path, base64.b64encode(secrets.token_bytes(_KEY_BYTES)) + b"\n")
    except OSError as error:
        raise SigningKeyNeeded(
            f"the key file {path} cannot be made: {error.strerror}; pass keys= or a key file of your own"
        ) from error
    return KeyFile(path=path, keys=load_keys(path), made=made)


def _appear(path: Path, content: bytes) -> bool:
    """Make the file with its whole content, or give False because another process was first."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, not a rename: it fails when the file is there already, so no key that somebody uses is ever replaced.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    _sync_folder(path.parent)
    return True


def _sync_folder(folder: Path) -> None:
    # Windows cannot open folders and needs no such step.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
