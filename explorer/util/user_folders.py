"""The user's folders, on systems where there is no home, or one that may not be written to."""

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
    """Return the user's home, the present folder if there is none: a place for dialogs to begin in."""
    try:
        home = Path.home()
    except (RuntimeError, OSError):
        return Path.cwd()
    return home if home.is_absolute() else Path.cwd()


def expanded(path: Path) -> Path:
    """Return `path` with `~` as the home it stands for; as it is if there is none."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def cache_folder() -> Path:
    """Return where this program keeps what it can compute again; `LATENTWALK_CACHE` overrides the system's place.

    It may not exist, and may not be writable: what is kept there is optional.

    Raises:
        OSError: There is no such place, because this user has no home folder.
    """
    chosen = os.environ.get("LATENTWALK_CACHE")
    return Path(chosen) if chosen else system_cache_folder()


def system_cache_folder() -> Path:
    """Return the system's place for what this program can compute again, whatever `LATENTWALK_CACHE` says.

    Raises:
        OSError: There is none, because this user has no home folder.
    """
    try:
        folder = Path(platformdirs.user_cache_dir("latentwalk", appauthor=False))
    except RuntimeError:  # newer versions raise, older ones give `~/.cache`
        folder = Path("~")
    if not folder.is_absolute():  # "~" stands for nothing: it would become a folder of that name
        raise FileNotFoundError(errno.ENOENT, "there is no home folder for a cache: set LATENTWALK_CACHE")
    return folder


def usable_cache_folder() -> Path:
    """Return `cache_folder` if files can be written there, else a folder that is removed when the program ends.

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
