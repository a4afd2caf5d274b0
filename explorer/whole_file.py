"""Files that appear whole or not at all: a kill, a crash or a full disk leaves the old one, and no half one."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["whole_file"]


@contextlib.contextmanager
def whole_file(path: Path, *, is_lone_writer: bool = False) -> Iterator[Path]:
    """Gives the path to write to; what is written there takes the name `path` when the block ends without an error.

    Args:
        path: In a folder that exists.
        is_lone_writer: No other process writes it at the same time. What kills leave behind then has one name, is
            written over and does not pile up. Otherwise the last of several writers wins.

    Raises:
        OSError: The folder cannot be written to, for example. It may name the temporary file; callers who show it
            to a person name `path`.
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
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
