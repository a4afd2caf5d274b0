"""Removes partial files of killed writers, but not those that are still being written."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: only the age decides
    fcntl = None  # type: ignore[assignment]

__all__ = ["build_folder", "sweep", "sweep_builds", "writing_in"]

# Twice for a step on the way to a partial file.
_PARTIAL = re.compile(r"(?P<name>.+?)(\.[0-9a-f]{8}\.part)+", re.DOTALL)
_BUILD = re.compile(r"build-[a-z0-9_]{8}\.part|(?P<of_before>tmp[a-z0-9_]{8})")
_OLD_S = 24 * 3600.0
"""If locks are not supported, a partial file of this age is considered left over."""


@contextlib.contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Mark partial files in `folder` as being written for the duration of the block.

    It holds a shared lock on the folder itself. A lock on the file would prevent writing to it on some network
    drives, and a process id is meaningless in another container.
    """
    with _locked(folder, exclusive=False):
        yield


def sweep(folder: Path, name: str | None = None) -> list[Path]:
    """Remove partial files of `atomic_write` whose writer is dead, or that are a day old.

    Only the user's regular files named `NAME.<8 hexadecimal digits>.part` are removed.

    Args:
        folder: Folder to search, without subfolders.
        name: Name of the file whose partial files may be removed; None: of any file, for folders of this program.

    Returns:
        The removed files; empty if the folder cannot be read.
    """
    gone = []
    with contextlib.suppress(OSError), _locked(folder, exclusive=True) as is_alone, os.scandir(folder) as entries:
        for entry in entries:
            found = _PARTIAL.fullmatch(entry.name)
            if found is None or (name is not None and found["name"] != name):
                continue
            with contextlib.suppress(OSError):
                if _is_left_over(entry.stat(follow_symlinks=False), is_alone):
                    os.unlink(entry.path)
                    gone.append(Path(entry.path))
    return gone


@contextlib.contextmanager
def build_folder(parent: Path) -> Iterator[Path]:
    """Yield a new build folder in `parent`, removed after the block; `sweep_builds` removes those left by kills."""
    with (
        writing_in(parent),
        tempfile.TemporaryDirectory(
            prefix="build-", suffix=".part", dir=parent, ignore_cleanup_errors=True
        ) as folder,
    ):
        yield Path(folder)


def sweep_builds(parent: Path) -> None:
    """Remove the folders of killed builds from a cache; those of older versions after a day."""
    with contextlib.suppress(OSError), _locked(parent, exclusive=True) as is_alone, os.scandir(parent) as entries:
        for entry in entries:
            found = _BUILD.fullmatch(entry.name)
            if found is None:
                continue
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if _is_left_over(status, is_alone and not found["of_before"], stat.S_ISDIR):
                    shutil.rmtree(entry.path, ignore_errors=True)


def _is_left_over(status: os.stat_result, is_alone: bool, is_kind: Callable[[int], bool] = stat.S_ISREG) -> bool:
    if not is_kind(status.st_mode) or (hasattr(os, "geteuid") and status.st_uid != os.geteuid()):
        return False
    return is_alone or time.time() - status.st_mtime > _OLD_S


@contextlib.contextmanager
def _locked(folder: Path, *, exclusive: bool) -> Iterator[bool]:
    """Lock a folder for the block; yield False if it is locked or the file system does not support locks."""
    number = None
    is_held = False
    if fcntl is not None:
        with contextlib.suppress(OSError):
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            for _ in range(10):  # a sweep holds the lock only briefly; do not wait for longer
                try:
                    fcntl.flock(number, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                    is_held = True
                    break
                except BlockingIOError:
                    if exclusive:  # being written to
                        break
                    time.sleep(0.01)
    try:
        yield is_held
    finally:
        if number is not None:
            os.close(number)
