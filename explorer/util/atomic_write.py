"""Write files that appear whole or not at all: a kill, a crash or a full disk leaves the old file as it was."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from explorer.util.left_overs import sweep, writing_in
from explorer.util.regular_file import check_regular

__all__ = ["atomic_write", "atomic_write_bytes", "scratch_beside"]

_LONGEST = 255 - 2 * len(".00000000.part")
"""Bytes of a name that leave room for the endings of partial files, also for a step on the way to one."""

_KEPT = 40  # characters, of up to four bytes


@contextlib.contextmanager
def atomic_write(path: Path, *, is_lone_writer: bool = False) -> Iterator[Path]:
    """Give the path to write to; what is written there takes the name `path` when the block ends without an error.

    The file and its folder are flushed to the disk before and after the renaming, so that a power failure leaves
    either the old file or the new one. A link is followed: the file that it names is replaced, and the link stays.

    Args:
        path: In a folder that exists.
        is_lone_writer: No other process writes it at the same time. What kills leave behind then has one name, is
            written over and does not pile up. Otherwise the last of several writers wins, and the next one removes
            what a killed one left.

    Raises:
        OSError: The folder or the file may not be written to, the disk is full, or `path` is a folder, FIFO or
            device, for example. `filename` is `path`, never the temporary file, so that the message names what the
            user knows.
    """
    with contextlib.suppress(FileNotFoundError):
        check_regular(path)  # a device would lose its name to a file
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.exists() and not os.access(target, os.W_OK):  # to replace it, the folder's permission would do
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    with _partial_of(target, is_lone_writer) as partial, _named(path, partial):
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            with contextlib.suppress(OSError):  # some network folders forbid it
                shutil.copymode(target, partial)  # who may read it stays as it was
        os.replace(partial, target)
        _flush_folder(target.parent)


@contextlib.contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Give a free name beside `path` for a step on the way to it; what lies there is removed after the block.

    Raises:
        OSError: As `atomic_write`; it names `path`.
    """
    with _partial_of(path, False) as partial, _named(path, partial):
        yield partial


@contextlib.contextmanager
def _partial_of(path: Path, is_lone_writer: bool) -> Iterator[Path]:
    name = _with_room(path.name)
    if not is_lone_writer:
        sweep(path.parent, name)
    partial = path.with_name(f"{name}.{'part' if is_lone_writer else secrets.token_hex(4) + '.part'}")
    with writing_in(path.parent):
        try:
            yield partial
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)


def _with_room(name: str) -> str:
    """Return `name`, or one that stands for it where no ending could be added to a name so long."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return f"{name[:_KEPT]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


@contextlib.contextmanager
def _named(path: Path, partial: Path) -> Iterator[None]:
    """Let errors name the file that the user knows."""
    try:
        yield
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) == os.fspath(partial):
            with contextlib.suppress(AttributeError):  # errors of FFmpeg's have it for reading only
                error.filename, error.filename2 = os.fspath(path), None
        raise


def atomic_write_bytes(path: Path, data: bytes | memoryview, *, is_lone_writer: bool = False) -> None:
    """Write `data` as the whole file `path`; arguments and errors as `atomic_write`."""
    with atomic_write(path, is_lone_writer=is_lone_writer) as partial:
        partial.write_bytes(data)


def _flush_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk, where the system can."""
    with contextlib.suppress(OSError, AttributeError):  # Windows opens no folders
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
