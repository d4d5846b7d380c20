"""Bytes in a folder, each file named by the SHA-256 of what is in it."""

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from customerservice.errors import StorageUnavailable

_NAME = re.compile("[0-9a-f]{64}")


class BlobFolder:
    """A folder of blobs, spread over 65,536 subfolders by the first four digits of their names.

    Which blobs there are, and who needs them, is known by the database; a file nobody knows of does no harm and goes
    with the next sweep.
    """

    def __init__(self, path: Path) -> None:
        """Use a folder, which is made with the first blob."""
        self._path = path.absolute()

    def write(self, sha256: str, content: bytes) -> None:
        """Store the bytes under their digest; they are on the disk when this returns, whole or not at all.

        Raises:
            StorageUnavailable: no space, no permission or another trouble with the disk.
        """
        place = self._place(sha256)
        draft = place.with_name(f".{sha256[:16]}.{secrets.token_hex(8)}")
        try:
            self._make(place.parent)
            try:
                with draft.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(place)
            except BaseException:
                with contextlib.suppress(OSError):
                    draft.unlink()
                raise
            _sync(place.parent)
        except OSError as error:
            raise StorageUnavailable(f"the blob folder {self._path} cannot be written: {error.strerror}") from error

    def read(self, sha256: str) -> bytes | None:
        """Give the bytes as they are on the disk, None if there are none.

        Raises:
            StorageUnavailable: there are some, and they cannot be read.
        """
        try:
            return self._place(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageUnavailable(f"the blob folder {self._path} cannot be read: {error.strerror}") from error

    def remove(self, sha256: str) -> None:
        """Delete the bytes; nothing happens if there are none.

        Raises:
            StorageUnavailable: they cannot be deleted.
        """
        try:
            self._place(sha256).unlink(missing_ok=True)
        except OSError as error:
            raise StorageUnavailable(f"the blob folder {self._path} cannot be changed: {error.strerror}") from error

    def digests(self) -> Iterator[str]:
        """Give the names of all files, in no particular order."""
        return (path.name for path in self._path.glob("??/??/*") if _NAME.fullmatch(path.name))

    def _place(self, sha256: str) -> Path:
        return self._path / sha256[:2] / sha256[2:4] / sha256

    def _make(self, folder: Path) -> None:
        """Make a folder and note it in the one above, so that a power cut does not lose it with what lies in it."""
        if folder.is_dir():
            return
        self._make(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _sync(folder: Path) -> None:
    # Windows cannot open folders and needs no such step.
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
