"""Bytes in a folder are whole or absent, and trouble with the disk is told."""

import hashlib
from pathlib import Path

import pytest

from customerservice.adapters.storage.folder_blobs import BlobFolder
from customerservice.errors import StorageUnavailable

CONTENT = b"raw mail"
NAME = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path / "new" / "blobs")


def files(path: Path) -> list[Path]:
    return [found for found in path.rglob("*") if found.is_file()]


def test_bytes_come_back(folder: BlobFolder) -> None:
    """What was written is read."""
    folder.write(NAME, CONTENT)

    assert folder.read(NAME) == CONTENT


def test_files_are_spread_by_their_digest(folder: BlobFolder, tmp_path: Path) -> None:
    """No folder gets more entries than a file system bears."""
    folder.write(NAME, CONTENT)

    assert files(tmp_path) == [tmp_path / "new" / "blobs" / NAME[:2] / NAME[2:4] / NAME]


def test_missing_bytes_are_none(folder: BlobFolder) -> None:
    """Also where not even the folder exists."""
    assert folder.read(NAME) is None


def test_damaged_bytes_are_replaced(folder: BlobFolder, tmp_path: Path) -> None:
    """Writing again puts right what is on the disk."""
    folder.write(NAME, CONTENT)
    files(tmp_path)[0].write_bytes(b"damaged")
    folder.write(NAME, CONTENT)

    assert folder.read(NAME) == CONTENT


def test_removed_bytes_are_gone(folder: BlobFolder, tmp_path: Path) -> None:
    """Removing twice does no harm."""
    folder.write(NAME, CONTENT)
    folder.remove(NAME)
    folder.remove(NAME)

    assert files(tmp_path) == []


def test_names_are_listed(folder: BlobFolder, tmp_path: Path) -> None:
    """Only blobs are, not what a crash or somebody else left there."""
    folder.write(NAME, CONTENT)
    (tmp_path / "new" / "blobs" / NAME[:2] / NAME[2:4] / f".{NAME[:16]}.0123").touch()

    assert list(folder.digests()) == [NAME]


def test_failed_write_leaves_nothing(folder: BlobFolder, tmp_path: Path) -> None:
    """Where the bytes cannot take their place, the draft goes again and the error says which folder."""
    (tmp_path / "new" / "blobs" / NAME[:2] / NAME[2:4] / NAME / "in the way").mkdir(parents=True)
    with pytest.raises(StorageUnavailable, match="blobs"):
        folder.write(NAME, CONTENT)

    assert files(tmp_path) == []


def test_unreadable_bytes_are_an_error(folder: BlobFolder, tmp_path: Path) -> None:
    """They are not taken for missing ones."""
    (tmp_path / "new" / "blobs" / NAME[:2] / NAME[2:4] / NAME).mkdir(parents=True)

    with pytest.raises(StorageUnavailable, match="cannot be read"):
        folder.read(NAME)


def test_bytes_that_cannot_be_removed_are_an_error(folder: BlobFolder, tmp_path: Path) -> None:
    """They are not taken for removed."""
    (tmp_path / "new" / "blobs" / NAME[:2] / NAME[2:4] / NAME).mkdir(parents=True)

    with pytest.raises(StorageUnavailable, match="cannot be changed"):
        folder.remove(NAME)


def test_folder_in_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    """A path that leads through a file cannot hold blobs."""
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable, match="cannot be written"):
        BlobFolder(tmp_path / "file" / "blobs").write(NAME, CONTENT)
