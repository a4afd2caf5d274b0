"""Write files that appear whole or not at all: a kill, a crash or a full disk leaves the old file as it was."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["atomic_write", "atomic_write_bytes"]


@contextlib.contextmanager
def atomic_write(path: Path, *, is_lone_writer: bool = False) -> Iterator[Path]:
    """Give the path to write to; what is written there takes the name `path` when the block ends without an error.

    The file and its folder are flushed to the disk before and after the renaming, so that a power failure leaves
    either the old file or the new one.

    Args:
        path: In a folder that exists.
        is_lone_writer: No other process writes it at the same time. What kills leave behind then has one name, is
            written over and does not pile up. Otherwise the last of several writers wins.

    Raises:
        OSError: The folder cannot be written to, or the disk is full, for example. `filename` is `path`, never the
            temporary file, so that the message names what the user knows.
    """
    part = "part" if is_lone_writer else f"{secrets.token_hex(4)}.part"
    partial = path.with_name(f"{path.name}.{part}")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        if path.exists():
            with contextlib.suppress(OSError):  # some network folders forbid it
                shutil.copymode(path, partial)  # who may read it stays as it was
        os.replace(partial, path)
        _flush_folder(path.parent)
    except OSError as error:
        if error.filename is None or os.fspath(error.filename) == os.fspath(partial):
            error.filename, error.filename2 = os.fspath(path), None
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def atomic_write_bytes(path: Path, data: bytes, *, is_lone_writer: bool = False) -> None:
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
