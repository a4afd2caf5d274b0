"""The user's folders, on systems where there is no home, or one that may not be written to."""

from __future__ import annotations

import atexit
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
    """
    chosen = os.environ.get("LATENTWALK_CACHE")
    return Path(chosen) if chosen else system_cache_folder()


def system_cache_folder() -> Path:
    """Return the system's place for what this program can compute again, whatever `LATENTWALK_CACHE` says."""
    # Without a home some versions raise, others give `~/.cache`, which would become a folder named `~` right here.
    try:
        folder = Path(platformdirs.user_cache_dir("latentwalk", appauthor=False))
    except (RuntimeError, OSError):
        return _scratch()
    return folder if folder.is_absolute() else _scratch()


def usable_cache_folder() -> Path:
    """Return `cache_folder` if files can be written there, else a folder that is removed when the program ends."""
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _scratch()


@functools.cache
def _scratch() -> Path:
    try:
        folder = tempfile.mkdtemp(prefix="latentwalk-")
    except OSError:  # not even there: whoever wants to keep something gets an OSError
        return Path(os.devnull) / "cache"
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)
