"""Mail from files: single mails, folders of them, mbox files (RFC 4155), Maildirs, and standard input."""

import datetime as dt
import errno
import hashlib
import io
import os
import re
import shutil
import stat
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import attrs

from customerservice.adapters.transports.batches import MAX_HEADER, batches, header_block
from customerservice.domain.mailbox import AfterFetch, AfterFetchKind
from customerservice.errors import ConnectionFailed, FolderUnavailable
from customerservice.ports.transports import (
    Acknowledgement,
    AckState,
    Fetched,
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    SourceState,
    UnreadableMail,
)

#: The path that stands for standard input.
STANDARD_INPUT: Final = "-"

_WINDOW: Final = 500
_CHUNK: Final = 65_536
_BLOCK: Final = 262_144
_DIGEST_LENGTH: Final = 32
#: In the place of a digest, for a file that could not be read when it was listed.
_UNREADABLE: Final = "unreadable"
_NAME = re.compile(r"(.*)#([0-9]{8,})@([0-9a-f]{32}|unreadable)", re.DOTALL)
# mboxrd: each ">" before a quoted "From " was one more when it was written.
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def read_mail_files(
    paths: Sequence[str | os.PathLike[str]], *, stdin: IO[bytes] | None = None
) -> Iterator[tuple[str, int, bytes | OSError]]:
    """Give each mail of these paths as (path, index, bytes), in the order given; lazily, one mail in memory at a time.

    A path is a file with one mail, an mbox file, a Maildir, a folder (its files by name, hidden ones and folders within
    left out) or ``-`` for standard input (`stdin` if given). `index` counts within an mbox or Maildir from 0 and is 0
    elsewhere; for a folder, the path is that of the file. A file is an mbox if it begins with ``From `` and is not
    named ``*.eml``.

    What cannot be read comes as an `OSError` in the place of the bytes, and the rest goes on.
    """
    with ExitStack() as stack:
        opener = _Opener(stack, stdin)
        for path in paths:
            for leaf in _leaves(os.fspath(path)):
                yield from _mails(opener, leaf)


@attrs.frozen(kw_only=True)
class _Leaf:
    """One file of mail.

    Attributes:
        file: the path to open, or `STANDARD_INPUT`.
        shown: the path a person gave: the Maildir for its files.
        index: the position of its first mail there.
        label: what tells it from other files for good.
        maildir: the Maildir it is in, whose programs may rename it at any moment.
        error: why it cannot be read, known already.
    """

    file: str
    shown: str
    index: int = 0
    label: str = ""
    maildir: str | None = None
    error: OSError | None = None


def _leaves(path: str) -> Iterator[_Leaf]:
    """Give the files that a path stands for."""
    if path == STANDARD_INPUT or not _is_folder(path):
        label = path if path == STANDARD_INPUT else str(Path(path).absolute())
        yield _Leaf(file=path, shown=path, label=label)
        return
    try:
        if _is_maildir(path):
            yield from _maildir_leaves(path)
        else:
            for name in _visible(path):
                file = os.path.join(path, name)  # noqa: PTH118 - Path would tidy up what a person wrote
                if not Path(file).is_dir():
                    yield _Leaf(file=file, shown=file, label=str(Path(file).absolute()))
    except OSError as error:
        yield _Leaf(file=path, shown=path, label=str(Path(path).absolute()), error=error)


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:
        # A name that is too long, for one; opening it says so, at its place among the paths.
        return False


def _is_maildir(path: str) -> bool:
    return all(Path(path, name).is_dir() for name in ("cur", "new"))


def _visible(path: str) -> list[str]:
    return sorted(name for name in os.listdir(path) if not name.startswith("."))  # noqa: PTH208 - order is ours


def _maildir_leaves(path: str) -> Iterator[_Leaf]:
    files = [
        (_unique(name), str(Path(path, part, name))) for part in ("cur", "new") for name in _visible_in(path, part)
    ]
    folder = Path(path).absolute()
    for index, (unique, file) in enumerate(sorted(files)):
        yield _Leaf(file=file, shown=path, index=index, label=str(folder / unique), maildir=path)


def _visible_in(path: str, part: str) -> list[str]:
    return _visible(str(Path(path, part)))


def _unique(name: str) -> str:
    """Give what stays of a Maildir name when flags change."""
    return name.partition(":")[0]


class _Opener:
    """Opens leaves; what cannot be read twice, such as standard input, is put aside in a temporary file first."""

    def __init__(self, stack: ExitStack, stdin: IO[bytes] | None) -> None:
        self._stack = stack
        self._stdin = stdin
        self._aside: dict[str, IO[bytes]] = {}

    @contextmanager
    def opened(self, leaf: _Leaf) -> Iterator[IO[bytes]]:
        """Give the leaf's bytes from the start, seekable; OSError if that cannot be."""
        if leaf.error is not None:
            raise leaf.error
        if leaf.file in self._aside or self._needs_copy(leaf.file):
            file = self._aside.get(leaf.file) or self._copy(leaf.file)
            file.seek(0)
            yield file
        else:
            with self._regular(leaf) as file:
                yield file

    def _needs_copy(self, path: str) -> bool:
        if path == STANDARD_INPUT:
            return True
        try:
            return _is_pipe(path)
        except FileNotFoundError:
            return False

    def _copy(self, path: str) -> IO[bytes]:
        copy = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        if path == STANDARD_INPUT:
            shutil.copyfileobj(self._stdin or sys.stdin.buffer, copy)
        else:
            with Path(path).open("rb") as pipe:
                shutil.copyfileobj(pipe, copy)
        self._aside[path] = copy
        return copy

    def _regular(self, leaf: _Leaf) -> IO[bytes]:
        try:
            return Path(leaf.file).open("rb")
        except FileNotFoundError:
            renamed = None if leaf.maildir is None else _found_again(leaf.maildir, _unique(Path(leaf.file).name))
            if renamed is None:
                raise
            return renamed.open("rb")


def _is_pipe(path: str) -> bool:
    """Whether it is a named pipe rather than a file; OSError if it is neither, as a device, which may never end."""
    mode = Path(path).stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise OSError(errno.EINVAL, "neither a file nor a folder", path)
    return stat.S_ISFIFO(mode)


def _found_again(maildir: str, unique: str) -> Path | None:
    for part in ("cur", "new"):
        for name in _visible_in(maildir, part):
            if _unique(name) == unique:
                return Path(maildir, part, name)
    return None


def _mails(opener: _Opener, leaf: _Leaf) -> Iterator[tuple[str, int, bytes | OSError]]:
    index = leaf.index
    try:
        with opener.opened(leaf) as file:
            if not _is_mbox(leaf, file):
                yield leaf.shown, index, file.read()
                return
            for start, end in _spans(file):
                yield leaf.shown, index, _unquoted(_read(file, start, end))
                index += 1
    except OSError as error:
        yield leaf.shown, index, error


def _is_mbox(leaf: _Leaf, file: IO[bytes]) -> bool:
    start = file.read(len(b"From "))
    file.seek(0)
    return start == b"From " and leaf.maildir is None and not leaf.file.lower().endswith(".eml")


def _spans(file: IO[bytes], block_size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    """Give where each mail of an mbox begins and ends, without its ``From `` line and the blank line after it.

    A ``From `` line separates at the start of the file and after a blank line; a file without one is one mail. The file
    may be read elsewhere between two spans.
    """
    # As if a blank line stood before the file. Blocks are searched as a whole: a mailbox has many lines and few mails.
    window, base, begin = b"\n\n", -2, 0
    start: int | None = None
    while block := _read(file, base + len(window), base + len(window) + block_size):
        window += block
        while (found := window.find(b"\nFrom ", begin)) >= 0 and (end := window.find(b"\n", found + 1)) >= 0:
            blank = _blank_line(window, found + 1)
            if blank and start is not None:
                yield start, base + found + 1 - blank
            if blank:
                start = base + end + 1
            begin = end
        # What may be the start of a separator stays, with the line end and the blank line before it.
        kept = max(0, (found if found >= 0 else max(begin, len(window) - len(b"\nFrom"))) - 3)
        window, base, begin = window[kept:], base + kept, max(begin - kept, 0)
    size = base + len(window)
    yield (0, size) if start is None else (start, max(start, size - _blank_line(window, len(window))))


def _blank_line(text: bytes, end: int) -> int:
    """Give the length of the blank line that ends at `end`; 0 if none does."""
    if text[max(0, end - 2) : end] == b"\n\n":
        return 1
    return 2 if text[max(0, end - 3) : end] == b"\n\r\n" else 0


def _read(file: IO[bytes], start: int, end: int) -> bytes:
    file.seek(start)
    return file.read(end - start)


def _unquoted(raw: bytes) -> bytes:
    # The pattern looks at every line, which costs more than all the rest of reading.
    return _QUOTED.sub(rb"\1", raw) if b">From " in raw else raw


class FileSource:
    """Files, folders, mbox files, Maildirs and standard input as a `MailSource`; nothing there is ever changed.

    The name of a mail holds its path, its position and a digest of its bytes, so a file that was changed or replaced is
    another mail, and a mail that other programs move within its Maildir is the same.
    """

    def __init__(
        self, paths: Sequence[str | os.PathLike[str]] | str | os.PathLike[str], *, stdin: IO[bytes] | None = None
    ) -> None:
        """Read from these paths, as `read_mail_files` takes them."""
        given = [paths] if isinstance(paths, str | os.PathLike) else paths
        self._paths = [os.fspath(path) for path in given]
        self._stdin = stdin

    def open(self) -> "FileSession":
        """Look whether each path can be read; see `MailSource.open`.

        Raises:
            FolderUnavailable: one cannot. Files within folders are looked at later, each for itself.
        """
        leaves: dict[str, _Leaf] = {}
        warnings: list[str] = []
        for path in self._paths:
            found = list(_leaves(path))
            for leaf in found:
                if leaf.file == path and path != STANDARD_INPUT:
                    _require_readable(leaf)
                leaves.setdefault(leaf.label, leaf)
            warnings += _unread_folders(path)
        return FileSession(leaves, self._stdin, SourceState(warnings=tuple(warnings)))


def _require_readable(leaf: _Leaf) -> None:
    try:
        if leaf.error is not None:
            raise leaf.error
        if not _is_pipe(leaf.file):
            Path(leaf.file).open("rb").close()
    except OSError as error:
        raise FolderUnavailable("select", f"{leaf.file} cannot be read: {error.strerror}") from error


def _unread_folders(path: str) -> Sequence[str]:
    if path == STANDARD_INPUT or not _is_folder(path) or _is_maildir(path):
        return ()
    count = sum(1 for name in _visible(path) if Path(path, name).is_dir())
    return (f"{count} folders within {path} are not read; name them too if they hold mail",) if count else ()


@attrs.frozen
class _Place:
    """Where a mail is: its leaf, and its span there; `end` None means the whole file."""

    leaf: _Leaf
    start: int = 0
    end: int | None = None


class FileSession:
    """Open files; see `MailSession`."""

    def __init__(self, leaves: Mapping[str, _Leaf], stdin: IO[bytes] | None, state: SourceState) -> None:
        self._leaves = leaves
        self._state = state
        self._stack = ExitStack()
        self._opener = _Opener(self._stack, stdin)
        #: starts and ends of the mails of each mbox, by label, alternating
        self._tables: dict[str, array[int]] = {}
        self._closed = False

    @property
    def state(self) -> SourceState:
        """What there is to say of the paths; the mails are not counted."""
        return self._state

    def listing(self, *, after: int, since: dt.date | None = None) -> Iterator[Sequence[MailRef]]:
        """Give the mails in windows, in the order of the paths, within each by name or position.

        See `MailSession.listing`. Every file is read once for its digest.
        """
        window: list[MailRef] = []
        for leaf in self._leaves.values():
            self._require_open("list")
            for ref in self._refs(leaf):
                window.append(ref)
                if len(window) == _WINDOW:
                    yield window
                    window = []
        if window:
            yield window

    def _refs(self, leaf: _Leaf) -> Iterator[MailRef]:
        index = 0
        try:
            with self._opener.opened(leaf) as file:
                if not _is_mbox(leaf, file):
                    yield _ref(leaf, 0, _digest(file, None))
                    return
                table = self._tables[leaf.label] = array("Q")
                for start, end in _spans(file):
                    table.extend((start, end))
                    file.seek(start)
                    yield _ref(leaf, index, _digest(file, end - start))
                    index += 1
        except FileNotFoundError:
            return
        except OSError:
            yield _ref(leaf, index, _UNREADABLE)

    def fetch(self, refs: Sequence[MailRef], *, max_size: int) -> Iterator[Sequence[Fetched]]:
        """Give what each of `refs` is, in batches; see `MailSession.fetch`.

        A file that was changed since it was listed is gone: a new listing gives the mail that took its place.
        """

        def size(ref: MailRef) -> int:
            place = self._place(ref)
            return 0 if place is None else min(self._size(place), max(max_size, MAX_HEADER))

        for batch in batches(refs, size):
            self._require_open("fetch")
            fetched = [self._fetch(ref, max_size) for ref in batch]
            yield fetched
            # A batch is held by its consumer alone while the next one is read.
            del fetched

    def _place(self, ref: MailRef) -> _Place | None:
        match = _NAME.fullmatch(ref.name)
        leaf = self._leaves.get(match[1]) if match and not ref.epoch and not ref.uid else None
        if match is None or leaf is None:
            return None
        try:
            table = self._table(leaf)
        except OSError:
            return _Place(leaf)
        index = 2 * int(match[2])
        if table is None:
            return None if index else _Place(leaf)
        return _Place(leaf, table[index], table[index + 1]) if index < len(table) else None

    def _table(self, leaf: _Leaf) -> "array[int] | None":
        """Give the spans of an mbox, None for another file."""
        if leaf.label in self._tables:
            return self._tables[leaf.label]
        with self._opener.opened(leaf) as file:
            if not _is_mbox(leaf, file):
                return None
            table = array("Q", [edge for span in _spans(file) for edge in span])
        self._tables[leaf.label] = table
        return table

    def _size(self, place: _Place) -> int:
        if place.end is not None:
            return place.end - place.start
        try:
            with self._opener.opened(place.leaf) as file:
                return file.seek(0, io.SEEK_END)
        except OSError:
            return 0

    def _fetch(self, ref: MailRef, max_size: int) -> Fetched:
        place = self._place(ref)
        if place is None:
            return GoneMail(ref)
        try:
            with self._opener.opened(place.leaf) as file:
                return _fetched(ref, place, file, max_size)
        except FileNotFoundError:
            return GoneMail(ref)
        except OSError as error:
            return UnreadableMail(ref, f"the file cannot be read: {error.strerror}")

    def acknowledge(self, refs: Sequence[MailRef], mode: AfterFetch) -> Sequence[Acknowledgement]:
        """Do nothing, which is right for KEEP and a failure for all else; see `MailSession.acknowledge`."""
        self._require_open("acknowledge")
        if mode.kind is AfterFetchKind.KEEP:
            return [Acknowledgement(ref, AckState.DONE) for ref in refs]
        return [Acknowledgement(ref, AckState.FAILED, "files of mail are never changed") for ref in refs]

    def wait(self, seconds: float) -> bool:
        """Let the time pass; False, because nothing tells of new files."""
        self._require_open("list")
        time.sleep(max(seconds, 0))
        return False

    def close(self) -> None:
        """Forget what was put aside; never raises, may be called twice."""
        self._closed = True
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _require_open(self, stage: str) -> None:
        if self._closed:
            raise ConnectionFailed(stage, "the session is over")


def _ref(leaf: _Leaf, index: int, digest: str) -> MailRef:
    return MailRef(0, name=f"{leaf.label}#{index:08}@{digest}")


def _digest(file: IO[bytes], size: int | None) -> str:
    """Give a digest of the next `size` bytes, or of all that are left."""
    digest = hashlib.sha256()
    while size is None or size > 0:
        data = file.read(_CHUNK if size is None else min(size, _CHUNK))
        if not data:
            break
        digest.update(data)
        size = None if size is None else size - len(data)
    return digest.hexdigest()[:_DIGEST_LENGTH]


def _fetched(ref: MailRef, place: _Place, file: IO[bytes], max_size: int) -> Fetched:
    end = file.seek(0, io.SEEK_END) if place.end is None else place.end
    size = end - place.start
    received_at = _changed_at(file) if place.end is None else None
    if size > max_size:
        start = _read(file, place.start, place.start + min(size, MAX_HEADER))
        return OversizeMail(ref=ref, size=size, header=header_block(start), received_at=received_at)
    raw = _read(file, place.start, end)
    listed_as = ref.name.rpartition("@")[2]
    if listed_as == _UNREADABLE:
        return UnreadableMail(ref, "it could not be read when it was listed; it comes with the next listing")
    if hashlib.sha256(raw).hexdigest()[:_DIGEST_LENGTH] != listed_as:
        return GoneMail(ref)
    return FetchedMail(ref=ref, raw=raw if place.end is None else _unquoted(raw), received_at=received_at)


def _changed_at(file: IO[bytes]) -> dt.datetime:
    return dt.datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, dt.UTC)
