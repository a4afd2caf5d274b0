"""The user's folders, also on systems without a home folder or with a read-only one."""

from __future__ import annotations

import atexit
import errno
import functools
import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

__all__ = ["cache_folder", "expanded", "home_folder", "system_cache_folder", "usable_cache_folder"]


def home_folder() -> Path:
    """Return the user's home folder, or the current folder if there is none, as the start for dialogs."""
    try:
        home = Path.home()
    except (RuntimeError, OSError):
        return Path.cwd()
    return home if home.is_absolute() else Path.cwd()


def expanded(path: Path) -> Path:
    """Return `path` with `~` expanded; unchanged if there is no home folder."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def cache_folder() -> Path:
    """Return the cache folder of this program; `LATENTWALK_CACHE` overrides the system's.

    It may be missing or read-only, as the cache is optional.

    Raises:
        OSError: There is no cache folder, because this user has no home folder.
    """
    chosen = os.environ.get("LATENTWALK_CACHE")
    return Path(chosen) if chosen else system_cache_folder()


def system_cache_folder() -> Path:
    """Return the system's cache folder for this program, ignoring `LATENTWALK_CACHE`.

    Raises:
        OSError: There is none, because this user has no home folder.
    """
    try:
        folder = Path(platformdirs.user_cache_dir("latentwalk", appauthor=False))
    except RuntimeError:  # newer versions raise, older ones return `~/.cache`
        folder = Path("~")
    if not folder.is_absolute():  # "~" cannot be expanded: it would become a folder of that name
        raise FileNotFoundError(errno.ENOENT, "there is no home folder for a cache: set LATENTWALK_CACHE")
    return folder


def usable_cache_folder() -> Path:
    """Return `cache_folder` if it is writable, else a temporary folder that is removed at exit.

    Raises:
        OSError: Nothing can be written anywhere.
    """
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _scratch()


@functools.cache
def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="latentwalk-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
