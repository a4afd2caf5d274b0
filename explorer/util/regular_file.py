"""Opens regular files for reading: a FIFO would block forever, a device is endless."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

__all__ = ["check_regular", "open_regular", "read_regular"]


def check_regular(path: str | os.PathLike[str]) -> None:
    """Raise OSError unless `path` is a regular file, or a link to one; for libraries that open by name.

    Raises:
        OSError: There is no such file, or it is a folder, FIFO, socket or device. `filename` is `path`.
    """
    _check(os.stat(path).st_mode, path)


def open_regular(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading bytes.

    Raises:
        OSError: The file does not exist, is not readable, or is a folder, FIFO, socket or device. `filename` is
            `path`.
    """
    check_regular(path)  # merely opening a device may have effects, such as rewinding a tape or starting a watchdog
    # A FIFO may have replaced the file since the check: opening it must not block.
    number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        _check(os.fstat(number).st_mode, path)
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """Read a whole regular file.

    Args:
        path: The file.
        limit: Maximum number of bytes; checked while reading, because some files (`/proc`) do not report their
            size.

    Raises:
        OSError: As `open_regular`, or the file is larger than `limit` (EFBIG).
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"is larger than {limit:,} bytes", os.fspath(path))
    return data


def _check(mode: int, path: str | os.PathLike[str]) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder", os.fspath(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, f"is {_KINDS.get(stat.S_IFMT(mode), 'not a regular file')}", os.fspath(path))


_KINDS = {
    stat.S_IFIFO: "a pipe, not a regular file",
    stat.S_IFCHR: "a device, not a regular file",
    stat.S_IFBLK: "a device, not a regular file",
    stat.S_IFSOCK: "a socket, not a regular file",
}
