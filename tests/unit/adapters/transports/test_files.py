"""Mail from files."""

import datetime as dt
import io
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerservice.adapters.transports.files import FileSource, _spans, _unquoted, read_mail_files
from customerservice.errors import FolderUnavailable
from customerservice.ports.transports import (
    AckState,
    FetchedMail,
    GoneMail,
    MailRef,
    OversizeMail,
    UnreadableMail,
)
from customerservice.testing.transport_contract import (
    DELETE,
    LiveContract,
    MailSourceContract,
    Place,
    fetched,
    flat,
    listed,
    numbered,
)


@pytest.fixture
def closed() -> Iterator[Path]:
    """Give a folder with a file and a folder that may not be read, in a process without the rights of root."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        (path / "a.eml").write_bytes(b"a")
        (path / "folder").mkdir()
        (path / "folder" / "b.eml").write_bytes(b"b")
        path.chmod(0o755)
        (path / "a.eml").chmod(0)
        (path / "folder").chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65_534)
        try:
            yield path
        finally:
            os.seteuid(user)
            (path / "folder").chmod(0o700)


def _mbox(*mails: bytes) -> bytes:
    return b"".join(b"From anna@home.example Sat Jan  3 01:05:34 2026\n" + _quoted(mail) + b"\n" for mail in mails)


def _quoted(raw: bytes) -> bytes:
    return b"".join(
        b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in raw.splitlines(keepends=True)
    )


def _maildir(path: Path, **mails: bytes) -> Path:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    for name, raw in mails.items():
        (path / "new" / name).write_bytes(raw)
    return path


def _read(*paths: object, stdin: bytes = b"") -> list[tuple[str, int, bytes | OSError]]:
    return list(read_mail_files([str(path) for path in paths], stdin=io.BytesIO(stdin)))


class _FilePlace(Place):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0

    @property
    def source(self) -> FileSource:
        return FileSource(self._path)

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self._next += 1
        self._folder.joinpath(f"{self._next:06}").write_bytes(raw)

    def take_away(self, position: int) -> None:
        self._files()[position].unlink()

    def left(self) -> Sequence[bytes]:
        return [file.read_bytes() for file in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self._folder.iterdir())

    @property
    def _folder(self) -> Path:
        return self._path


class _MaildirPlace(_FilePlace):
    @property
    def _folder(self) -> Path:
        return self._path / "new"


class _MboxPlace(_FilePlace):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._mails: list[bytes] = []

    def put(self, raw: bytes, received_at: dt.datetime | None = None) -> None:
        self._mails.append(raw)
        with self._path.open("ab") as file:
            file.write(_mbox(raw))

    def take_away(self, position: int) -> None:
        del self._mails[position]
        self._path.write_bytes(_mbox(*self._mails))

    def left(self) -> Sequence[bytes]:
        return [raw for _, _, raw in read_mail_files([self._path]) if isinstance(raw, bytes)]


class TestFolderContract(MailSourceContract, LiveContract):
    """A folder of files keeps the promises of `MailSource`."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        """Give an empty folder."""
        return _FilePlace(tmp_path)


class TestMaildirContract(MailSourceContract, LiveContract):
    """A Maildir keeps the promises of `MailSource`."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        """Give an empty Maildir."""
        return _MaildirPlace(_maildir(tmp_path / "Maildir"))


class TestMboxContract(MailSourceContract):
    """An mbox keeps the promises of `MailSource`."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        """Give an mbox that begins with the first mail put there."""
        return _MboxPlace(tmp_path / "mbox")

    def test_an_empty_source_lists_nothing(self, place: Place) -> None:
        """An empty file is no mbox but an empty mail; an mbox without mails does not exist."""


class TestReadMailFiles:
    """Reading every mail of some paths."""

    def test_paths_come_in_the_order_given(self, tmp_path: Path) -> None:
        """The order of the paths is kept, as they were written."""
        for name in ("b.eml", "a.eml"):
            (tmp_path / name).write_bytes(name.encode())
        odd = f"{tmp_path}/./b.eml"

        assert _read(tmp_path / "a.eml", odd) == [(f"{tmp_path}/a.eml", 0, b"a.eml"), (odd, 0, b"b.eml")]

    def test_files_of_a_folder_come_by_name(self, tmp_path: Path) -> None:
        """A folder gives each of its files under the file's path; hidden files and folders within are left out."""
        for name in ("b.eml", "a.txt", ".hidden", "within/c.eml"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(name.encode())

        assert _read(tmp_path) == [(f"{tmp_path}/a.txt", 0, b"a.txt"), (f"{tmp_path}/b.eml", 0, b"b.eml")]

    def test_mails_of_an_mbox_are_counted(self, tmp_path: Path) -> None:
        """An mbox gives its mails under its path with their positions."""
        path = tmp_path / "inbox"
        path.write_bytes(_mbox(b"a\n", b"b\n"))

        assert _read(path) == [(str(path), 0, b"a\n"), (str(path), 1, b"b\n")]

    def test_mails_of_a_maildir_are_counted(self, tmp_path: Path) -> None:
        """A Maildir gives new and seen mails by name, under its own path with their positions."""
        path = _maildir(tmp_path, b1=b"b", c1=b"c")
        (path / "cur" / "a1:2,S").write_bytes(b"a")
        (path / "tmp" / "d1").write_bytes(b"half")

        assert _read(path) == [(str(path), 0, b"a"), (str(path), 1, b"b"), (str(path), 2, b"c")]

    def test_standard_input_is_a_path(self, tmp_path: Path) -> None:
        """- gives what stands on standard input, at its place among the others."""
        (tmp_path / "a.eml").write_bytes(b"a")

        assert _read("-", tmp_path / "a.eml", stdin=b"typed") == [("-", 0, b"typed"), (f"{tmp_path}/a.eml", 0, b"a")]

    def test_standard_input_can_be_an_mbox(self) -> None:
        """An mbox on standard input gives its mails."""
        assert _read("-", stdin=_mbox(b"a\n", b"b\n")) == [("-", 0, b"a\n"), ("-", 1, b"b\n")]

    def test_the_real_standard_input_is_the_default(self) -> None:
        """Nothing is read from standard input when it is not named."""
        assert list(read_mail_files([])) == []

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_a_pipe_is_read_to_its_end(self, tmp_path: Path) -> None:
        """A named pipe, as shells make for ``<(command)``, is read once."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(_mbox(b"a\n", b"b\n"),))
        writer.start()
        mails = _read(path)
        writer.join()

        assert [raw for _, _, raw in mails] == [b"a\n", b"b\n"]

    def test_an_empty_file_is_an_empty_mail(self, tmp_path: Path) -> None:
        """A file without a byte is a mail without a byte."""
        (tmp_path / "a.eml").touch()

        assert _read(tmp_path) == [(f"{tmp_path}/a.eml", 0, b"")]

    def test_a_file_named_eml_is_one_mail(self, tmp_path: Path) -> None:
        """A single mail that some program saved with a ``From `` line keeps its bytes."""
        (tmp_path / "a.EML").write_bytes(_mbox(b"a\n", b"b\n"))

        assert _read(tmp_path) == [(f"{tmp_path}/a.EML", 0, _mbox(b"a\n", b"b\n"))]

    def test_what_is_missing_is_told_and_the_rest_comes(self, tmp_path: Path) -> None:
        """A path that is not there is an OSError in its place."""
        (tmp_path / "a.eml").write_bytes(b"a")
        first, second = _read(tmp_path / "absent", tmp_path / "a.eml")

        assert (first[:2], type(first[2]), second[2]) == ((f"{tmp_path}/absent", 0), FileNotFoundError, b"a")

    def test_what_is_no_file_is_told(self) -> None:
        """A device is not read, because it may never end."""
        ((path, index, error),) = _read("/dev/zero")

        assert (path, index, isinstance(error, OSError)) == ("/dev/zero", 0, True)

    def test_a_name_that_is_too_long_is_told_and_the_rest_comes(self, tmp_path: Path) -> None:
        """A path that no system takes is an OSError in its place."""
        (tmp_path / "a.eml").write_bytes(b"a")
        first, second = _read("n" * 5_000, tmp_path / "a.eml")

        assert (isinstance(first[2], OSError), second[2]) == (True, b"a")

    def test_what_may_not_be_read_is_told(self, closed: Path) -> None:
        """A file and a folder without permission are OSErrors in their places."""
        errors = [raw for _, _, raw in _read(closed / "a.eml", closed / "folder")]

        assert [type(error) for error in errors] == [PermissionError] * 2

    def test_a_link_that_leads_nowhere_is_told(self, tmp_path: Path) -> None:
        """A broken link in a folder is an OSError at its place, and the rest comes."""
        (tmp_path / "a.eml").symlink_to(tmp_path / "nowhere")
        (tmp_path / "b.eml").write_bytes(b"b")

        assert [type(raw) for _, _, raw in _read(tmp_path)] == [FileNotFoundError, bytes]


class TestMbox:
    """Where mails begin and end in an mbox."""

    @pytest.mark.parametrize(
        ("content", "mails"),
        [
            (b"From a\nx\n", [b"x\n"]),
            (b"From a\nx\n\n", [b"x\n"]),
            (b"From a\nx\n\n\n", [b"x\n\n"]),
            (b"From a\nx", [b"x"]),
            (b"From a\n", [b""]),
            (b"From a", [b"From a"]),
            (b"From a\nx\n\nFrom b", [b"x\n\nFrom b"]),
            (b"From a\n\nFrom b\n\nx\n\n", [b"", b"\nx\n"]),
            (b"From a\nx\nFrom here on\n", [b"x\nFrom here on\n"]),
            (b"From a\nx\n\nFrom b\ny\n", [b"x\n", b"y\n"]),
            (b"From a\r\nx\r\n\r\nFrom b\r\ny\r\n\r\n", [b"x\r\n", b"y\r\n"]),
            (b"From a\nx\n\n>From b\n>>From c\n> From d\n", [b"x\n\nFrom b\n>From c\n> From d\n"]),
            (b"From a\nx\n\n From b\nfrom c\nFrom: d\n", [b"x\n\n From b\nfrom c\nFrom: d\n"]),
            (
                b"From a\n" + b"x" * 200_000 + b"\n\nFrom b\n" + b"From " * 20_000,
                [b"x" * 200_000 + b"\n", b"From " * 20_000],
            ),
        ],
    )
    def test_a_from_line_after_a_blank_line_separates(self, tmp_path: Path, content: bytes, mails: list[bytes]) -> None:
        """Mails are without their ``From `` line, its blank line and the quoting; all else is as it stands."""
        path = tmp_path / "mbox"
        path.write_bytes(content)

        assert [raw for _, _, raw in _read(path)] == mails

    @given(
        st.lists(st.lists(st.sampled_from([b"From x", b">From", b"", b"\r", b">>From y", b"te\r", b" "])), min_size=1),
        st.integers(1, 40),
    )
    def test_what_was_written_comes_back(self, lines: list[list[bytes]], block_size: int) -> None:
        """Any mails that were quoted as mbox asks come back as they were, wherever the file is cut for reading."""
        mails = [b"".join(line + b"\n" for line in mail) for mail in lines]
        file = io.BytesIO(_mbox(*mails))

        found = [_unquoted(file.getvalue()[start:end]) for start, end in _spans(file, block_size)]
        assert found == mails


class TestIdentity:
    """What tells mails of files apart."""

    def test_a_changed_file_is_another_mail(self, tmp_path: Path) -> None:
        """A file that was replaced is not taken for the one that was known."""
        path = tmp_path / "a.eml"
        path.write_bytes(b"one")
        (before,) = listed(_FilePlace(path))
        path.write_bytes(b"two")

        assert listed(_FilePlace(path)) != [before]

    def test_what_was_listed_and_then_changed_is_gone(self, tmp_path: Path) -> None:
        """The bytes that took a mail's place are not given under its name."""
        path = tmp_path / "a.eml"
        path.write_bytes(b"one")
        with FileSource(path).open() as session:
            refs = flat(session.listing(after=0))
            path.write_bytes(b"two")

            assert fetched(session, refs) == [GoneMail(refs[0])]

    def test_a_mail_that_moves_within_its_maildir_is_the_same(self, tmp_path: Path) -> None:
        """When another program marks a mail seen, its name here stays and it can be fetched on."""
        path = _maildir(tmp_path, a1=b"a", b1=b"b")
        with FileSource(path).open() as session:
            refs = flat(session.listing(after=0))
            (path / "new" / "b1").rename(path / "cur" / "b1:2,S")
            mails = fetched(session, refs)

        assert ([mail.raw for mail in mails if isinstance(mail, FetchedMail)], listed(_FilePlace(path))) == (
            [b"a", b"b"],
            refs,
        )

    def test_the_working_directory_does_not_matter(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A relative path and an absolute one name the same mail."""
        (tmp_path / "a.eml").write_bytes(b"a")
        monkeypatch.chdir(tmp_path)

        assert listed(_FilePlace(Path("a.eml"))) == listed(_FilePlace(tmp_path / "a.eml"))

    def test_a_path_named_twice_is_read_once(self, tmp_path: Path) -> None:
        """A mail is never listed twice, though a file and its folder were both named."""
        (tmp_path / "a.eml").write_bytes(b"a")
        with FileSource([tmp_path, tmp_path / "a.eml"]).open() as session:
            assert len(flat(session.listing(after=0))) == 1

    def test_equal_mails_of_an_mbox_are_two(self, tmp_path: Path) -> None:
        """Equal bytes at two positions are two mails."""
        path = tmp_path / "mbox"
        path.write_bytes(_mbox(b"same\n", b"same\n"))

        assert len(set(listed(_FilePlace(path)))) == 2

    @pytest.mark.parametrize(
        "ref",
        [
            MailRef(0, name="nonsense"),
            MailRef(0, name=f"elsewhere#00000000@{'0' * 32}"),
            MailRef(3, name="x"),
            MailRef(0, 4, "x"),
        ],
    )
    def test_a_name_from_elsewhere_is_gone(self, tmp_path: Path, ref: MailRef) -> None:
        """A ref of another source is no mail here."""
        (tmp_path / "x").write_bytes(b"a")
        with FileSource(tmp_path).open() as session:
            assert fetched(session, [ref]) == [GoneMail(ref)]

    def test_a_position_that_is_not_there_is_gone(self, tmp_path: Path) -> None:
        """A position beyond an mbox's end, or any but the first of a single mail, is no mail."""
        (tmp_path / "mbox").write_bytes(_mbox(b"a\n"))
        (tmp_path / "one").write_bytes(b"a\n")
        refs = [MailRef(0, name=ref.name.replace("#00000000@", "#00000009@")) for ref in listed(_FilePlace(tmp_path))]
        with FileSource(tmp_path).open() as session:
            assert fetched(session, refs) == [GoneMail(ref) for ref in refs]


class TestFileSession:
    """What an open session does beyond the contract."""

    def test_a_mail_can_be_fetched_without_listing(self, tmp_path: Path) -> None:
        """A session fetches what an earlier one listed."""
        path = tmp_path / "mbox"
        path.write_bytes(_mbox(b"a\n", b"b\n"))
        refs = listed(_FilePlace(path))
        with FileSource(path).open() as session:
            mails = fetched(session, refs[1:])

        assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [b"b\n"]

    def test_windows_are_bounded(self, tmp_path: Path) -> None:
        """Many mails are listed in several windows."""
        path = tmp_path / "mbox"
        path.write_bytes(_mbox(*(b"%d\n" % number for number in range(1_200))))
        with FileSource(path).open() as session:
            assert [len(window) for window in session.listing(after=0)] == [500, 500, 200]

    def test_a_file_came_when_it_was_changed(self, tmp_path: Path) -> None:
        """The moment of receipt is that of the file's last change; an mbox does not know it."""
        moment = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        (tmp_path / "a.eml").write_bytes(b"a")
        (tmp_path / "mbox").write_bytes(_mbox(b"b\n"))
        os.utime(tmp_path / "a.eml", (moment.timestamp(), moment.timestamp()))
        with FileSource(tmp_path).open() as session:
            mails = fetched(session, flat(session.listing(after=0)))

        assert [mail.received_at for mail in mails if isinstance(mail, FetchedMail)] == [moment, None]

    def test_a_large_mail_of_an_mbox_gives_its_header(self, tmp_path: Path) -> None:
        """The limit counts for each mail of an mbox by itself."""
        path = tmp_path / "mbox"
        large = numbered(1, 5_000)
        path.write_bytes(_mbox(large, numbered(2)))
        with FileSource(path).open() as session:
            first, second = fetched(session, flat(session.listing(after=0)), max_size=1_000)

        assert isinstance(first, OversizeMail)
        assert (first.size, first.header, type(second)) == (
            len(large),
            numbered(1).removesuffix(b"\r\n"),
            FetchedMail,
        )

    def test_nothing_is_ever_changed(self, tmp_path: Path) -> None:
        """Deleting fails with the reason."""
        (tmp_path / "a.eml").write_bytes(b"a")
        with FileSource(tmp_path).open() as session:
            (answer,) = session.acknowledge(flat(session.listing(after=0)), DELETE)

        assert (answer.state, answer.reason, (tmp_path / "a.eml").exists()) == (
            AckState.FAILED,
            "files of mail are never changed",
            True,
        )

    def test_standard_input_is_read_once_and_fetched_often(self) -> None:
        """What came on standard input can be listed and fetched again within the session."""
        with FileSource(["-"], stdin=io.BytesIO(_mbox(b"a\n", b"b\n"))).open() as session:
            refs = flat(session.listing(after=0))

            assert flat(session.listing(after=0)) == refs
            assert [mail.raw for mail in fetched(session, refs) if isinstance(mail, FetchedMail)] == [b"a\n", b"b\n"]

    def test_folders_within_are_pointed_out(self, tmp_path: Path) -> None:
        """A folder that holds folders says that those are not read."""
        (tmp_path / "within").mkdir()
        with FileSource(tmp_path).open() as session:
            assert session.state.warnings == (
                f"1 folders within {tmp_path} are not read; name them too if they hold mail",
            )

    def test_a_missing_path_is_an_error_at_once(self, tmp_path: Path) -> None:
        """A path that is not there is named before anything is taken over."""
        with pytest.raises(FolderUnavailable, match="absent cannot be read: No such file") as caught:
            FileSource([tmp_path, tmp_path / "absent"]).open()

        assert caught.value.stage == "select"

    def test_a_name_that_is_too_long_is_an_error_at_once(self) -> None:
        """It is named before anything is taken over."""
        with pytest.raises(FolderUnavailable, match="cannot be read: File name too long"):
            FileSource("n" * 5_000).open()

    def test_a_device_is_an_error_at_once(self) -> None:
        """What is neither a file nor a folder is named before anything is taken over, and never read."""
        with pytest.raises(FolderUnavailable, match="/dev/zero cannot be read: neither a file nor a folder"):
            FileSource("/dev/zero").open()

    @pytest.mark.parametrize("name", ["a.eml", "folder"])
    def test_a_path_without_permission_is_an_error_at_once(self, closed: Path, name: str) -> None:
        """A file or folder that may not be read is named before anything is taken over."""
        with pytest.raises(FolderUnavailable, match=f"{name} cannot be read: Permission denied"):
            FileSource(closed / name).open()

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
    def test_a_pipe_is_a_source(self, tmp_path: Path) -> None:
        """A named pipe is read once, when it is listed."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(b"a",))
        writer.start()
        with FileSource(path).open() as session:
            mails = fetched(session, flat(session.listing(after=0)))
        writer.join()

        assert [mail.raw for mail in mails if isinstance(mail, FetchedMail)] == [b"a"]

    def test_a_file_that_cannot_be_read_is_told_and_the_rest_comes(self, tmp_path: Path) -> None:
        """A file in a folder that cannot be read is an unreadable mail with the reason; the others come."""
        (tmp_path / "a").symlink_to("a")
        (tmp_path / "b").write_bytes(b"b")
        with FileSource(tmp_path).open() as session:
            first, second = fetched(session, flat(session.listing(after=0)))

        assert isinstance(first, UnreadableMail)
        assert (first.reason.startswith("the file cannot be read: "), type(second)) == (True, FetchedMail)

    def test_a_file_that_was_mended_comes_with_the_next_listing(self, tmp_path: Path) -> None:
        """What could not be read when it was listed is not given under that name."""
        (tmp_path / "a").symlink_to("a")
        with FileSource(tmp_path).open() as session:
            refs = flat(session.listing(after=0))
            (tmp_path / "a").unlink()
            (tmp_path / "a").write_bytes(b"a")

            assert [type(mail) for mail in fetched(session, refs)] == [UnreadableMail]
            assert [type(mail) for mail in fetched(session, flat(session.listing(after=0)))] == [FetchedMail]

    def test_a_file_that_vanished_before_it_was_listed_is_left_out(self, tmp_path: Path) -> None:
        """What another program removed meanwhile is no mail."""
        (tmp_path / "a.eml").write_bytes(b"a")
        with FileSource(tmp_path).open() as session:
            (tmp_path / "a.eml").unlink()

            assert flat(session.listing(after=0)) == []

    def test_a_maildir_mail_that_vanished_is_gone(self, tmp_path: Path) -> None:
        """A mail that is in neither folder of its Maildir any more is gone."""
        path = _maildir(tmp_path, a1=b"a")
        with FileSource(path).open() as session:
            refs = flat(session.listing(after=0))
            (path / "new" / "a1").unlink()

            assert fetched(session, refs) == [GoneMail(refs[0])]
