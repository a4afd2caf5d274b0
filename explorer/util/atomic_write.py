"""Atomic writing of files: a kill, a crash or a full disk leaves the old file unchanged."""

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
"""Maximum bytes of a name, leaving room for the suffixes of partial and intermediate files."""

_KEPT = 40  # characters, of up to four bytes


@contextlib.contextmanager
def atomic_write(path: Path, *, is_lone_writer: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to, which is renamed to `path` if the block ends without an error.

    The file and its folder are flushed to disk before and after renaming, so that a power failure leaves either the
    old or the new file. Links are followed: the target is replaced, and the link is kept.

    Args:
        path: A path in an existing folder.
        is_lone_writer: Whether no other process writes the file at the same time. The temporary file then has a
            fixed
            name, so that leftovers of killed processes are overwritten. Otherwise the last of several writers wins,
            and the next one removes leftovers.

    Raises:
        OSError: For example, the folder or file is not writable, the disk is full, or `path` is a folder, FIFO or
            device. `filename` is `path`, never the temporary file, so that the message names a file known to the
            user.
    """
    with contextlib.suppress(FileNotFoundError):
        check_regular(path)  # a device would be replaced by a file
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if target.exists() and not os.access(target, os.W_OK):  # replacing it would only need permission for the folder
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
    with _partial_of(target, is_lone_writer) as partial, _named(path, partial):
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            with contextlib.suppress(OSError):  # some network folders forbid it
                shutil.copymode(target, partial)  # keep the permissions
        os.replace(partial, target)
        _flush_folder(target.parent)


@contextlib.contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Yield an unused path beside `path` for an intermediate file, which is removed after the block.

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
    """Return `name`, or a shorter replacement if it is too long to add a suffix."""
    if len(os.fsencode(name)) <= _LONGEST:
        return name
    return f"{name[:_KEPT]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"


@contextlib.contextmanager
def _named(path: Path, partial: Path) -> Iterator[None]:
    """Replace the temporary path in errors by the path known to the user."""
    try:
        yield
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) == os.fspath(partial):
            with contextlib.suppress(AttributeError):  # read-only in FFmpeg's errors
                error.filename, error.filename2 = os.fspath(path), None
        raise


def atomic_write_bytes(path: Path, data: bytes | memoryview, *, is_lone_writer: bool = False) -> None:
    """Write `data` to `path` atomically; arguments and errors as in `atomic_write`."""
    with atomic_write(path, is_lone_writer=is_lone_writer) as partial:
        partial.write_bytes(data)


def _flush_folder(folder: Path) -> None:
    """Flush a folder's entries to disk, if the system supports it."""
    with contextlib.suppress(OSError, AttributeError):  # Windows cannot open folders
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
