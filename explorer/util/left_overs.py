"""Partial files that a killed writer left behind: told apart from those still being written, and removed."""

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
except ImportError:  # Windows: there only the age decides
    fcntl = None  # type: ignore[assignment]

__all__ = ["build_folder", "sweep", "sweep_builds", "writing_in"]

# Twice for a step on the way to a partial file.
_PARTIAL = re.compile(r"(?P<name>.+?)(\.[0-9a-f]{8}\.part)+", re.DOTALL)
_BUILD = re.compile(r"build-[a-z0-9_]{8}\.part|(?P<of_before>tmp[a-z0-9_]{8})")
_OLD_S = 24 * 3600.0
"""Without a lock to ask, a partial file that nobody has touched for so long is left over."""


@contextlib.contextmanager
def writing_in(folder: Path) -> Iterator[None]:
    """Tell others, as long as the block lasts, that partial files in `folder` have a living writer.

    It is a shared lock on the folder itself. A lock on the file would forbid writing to it on some network drives,
    and a process id means nothing in another container.
    """
    with _locked(folder, exclusive=False):
        yield


def sweep(folder: Path, name: str | None = None) -> list[Path]:
    """Remove partial files of `atomic_write` whose writer is dead, or that are a day old.

    Only regular files of the user's own, named `NAME.<8 hexadecimal digits>.part`, are ever removed.

    Args:
        folder: Where to look, not below it.
        name: Of the file whose partial files may go; None for those of any file, in folders that are ours alone.

    Returns:
        What was removed. A folder that cannot be read gives none.
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
    """Give a new folder in `parent` for a build, removed after the block; a killed one's is for `sweep_builds`."""
    with (
        writing_in(parent),
        tempfile.TemporaryDirectory(
            prefix="build-", suffix=".part", dir=parent, ignore_cleanup_errors=True
        ) as folder,
    ):
        yield Path(folder)


def sweep_builds(parent: Path) -> None:
    """Remove the folders of killed builds from a cache of ours; those of versions before after a day."""
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
    """Hold a lock on a folder; gives False where there is none to be had, now or on this file system."""
    number = None
    is_held = False
    if fcntl is not None:
        with contextlib.suppress(OSError):
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            for _ in range(10):  # a sweep holds it for a moment; who holds it for longer is not awaited
                try:
                    fcntl.flock(number, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                    is_held = True
                    break
                except BlockingIOError:
                    if exclusive:  # somebody writes here
                        break
                    time.sleep(0.01)
    try:
        yield is_held
    finally:
        if number is not None:
            os.close(number)
