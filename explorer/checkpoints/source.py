"""Random access to the bytes of a checkpoint: files of hundreds of megabytes are never read as a whole.

Uses plain reads rather than a memory map: if the file is truncated or its drive removed while it is open, a read
raises an error, whereas a memory map would kill the process (SIGBUS).
"""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from explorer.errors import UnreadableFileError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["BytesSource", "FileSource", "Source", "identity_of"]


def identity_of(stat: os.stat_result) -> tuple[int, ...]:
    """Return numbers that change when a file does: size, times in ns, inode, device."""
    return (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_dev)


class Source(ABC):
    """Random access to `size` bytes; `name` is for error messages. Not thread-safe."""

    name: str
    size: int

    @abstractmethod
    def read_into(self, offset: int, target: bytearray | memoryview) -> None:
        """Fill `target` with the bytes from `offset`.

        Raises:
            UnreadableFileError: There are not enough bytes, or they cannot be read.
        """

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`; bounds are checked before memory is allocated."""
        if size < 0 or offset < 0 or offset + size > self.size:
            raise self.truncated(offset)
        target = bytearray(size)
        self.read_into(offset, target)
        return bytes(target)

    def truncated(self, offset: int) -> UnreadableFileError:
        """Return the error for data that extend beyond the end of the file."""
        return UnreadableFileError(
            f"{self.name} is truncated or damaged: it has {self.size:,} bytes, "
            f"but the data at byte {max(offset, 0):,} extend beyond them.",
            "Download or copy the file again and compare its size with the original.",
        )

    def damaged(self, found: str) -> UnreadableFileError:
        """Return the error for content that violates its format."""
        return UnreadableFileError(
            f"{self.name} is damaged or is not a checkpoint: {found}.",
            "Download or copy the file again; if that does not help, ask its author for another copy.",
        )


class BytesSource(Source):
    """Bytes in memory."""

    def __init__(self, data: bytes, name: str) -> None:
        self.name, self.size, self._data = name, len(data), data

    def read_into(self, offset: int, target: bytearray | memoryview) -> None:
        view = memoryview(target).cast("B")
        if offset < 0 or offset + len(view) > self.size:
            raise self.truncated(offset)
        view[:] = self._data[offset : offset + len(view)]


class FileSource(Source):
    """A file on disk, open within a `with` block.

    Raises:
        UnreadableFileError: There is no such file, or it is a folder, empty, or not readable.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name or str(path)
        self.path = path
        try:
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder")
            if path.exists() and not path.is_file():
                raise OSError(errno.EINVAL, "is not a regular file")
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 - closed by __exit__
        except (OSError, ValueError) as error:
            raise _cannot_open(path, error) from error
        self._stat = os.fstat(self._file.fileno())
        self.size = self._stat.st_size
        if self.size == 0:
            self._file.close()
            raise UnreadableFileError(
                f"{self.name} is empty.", "The download or copy was not completed; repeat it."
            )

    def __enter__(self) -> FileSource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def identity(self) -> tuple[int, ...]:
        """Numbers that change when the file does."""
        return identity_of(self._stat)

    def read_into(self, offset: int, target: bytearray | memoryview) -> None:
        view = memoryview(target).cast("B")
        if offset < 0 or offset + len(view) > self.size:
            raise self.truncated(offset)
        try:
            self._file.seek(offset)
            while len(view):
                count = self._file.readinto(view)
                if not count:
                    raise self.changed()
                view = view[count:]
        except OSError as error:
            raise UnreadableFileError(
                f"{self.name} could not be read: {error.strerror or error}.",
                "Check the drive or network folder.",
            ) from error

    def check_unchanged(self) -> None:
        """Raise UnreadableFileError if the file was modified since it was opened."""
        stat = os.fstat(self._file.fileno())
        if (stat.st_size, stat.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise self.changed()

    def changed(self) -> UnreadableFileError:
        """Return the error for a file that is modified while it is read."""
        return UnreadableFileError(
            f"{self.name} changed while it was being read.",
            "Wait until the download or copy is complete, then open it.",
        )


def _cannot_open(path: Path, error: OSError | ValueError) -> UnreadableFileError:
    if isinstance(error, FileNotFoundError):
        return UnreadableFileError(f"There is no file {path}.", "Check the spelling and the folder.")
    if isinstance(error, IsADirectoryError):
        return UnreadableFileError(f"{path} is a folder, not a checkpoint.", "Open one file inside it.")
    if isinstance(error, PermissionError):
        return UnreadableFileError(
            f"{path} may not be read: permission denied.",
            "Change its permissions or copy it to a folder of yours.",
        )
    return UnreadableFileError(
        f"{path} cannot be opened: {getattr(error, 'strerror', None) or error}.", "Choose another file."
    )
