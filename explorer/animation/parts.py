"""Names of an unfinished film's frames; only those with its job file's number are ever removed."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

__all__ = ["folder_of", "free_number", "has_parts", "part_paths", "remove_parts", "unfinished_folder"]

MOST = 1000
"""Number of names tried before giving up."""


def folder_of(path: Path) -> Path:
    """Return the folder of a film named `walk.png`: `walk`."""
    return path.with_suffix("")


def unfinished_folder(path: Path, number: int = 0) -> Path:
    """Return the name of an unfinished folder; `number` is the job's, as in `part_paths`."""
    return path.with_suffix(f".part{number + 1}" if number else ".part")


def part_paths(path: Path, number: int = 0) -> tuple[Path, Path]:
    """Return the two names of an unfinished film; resuming copies from one to the other, so nothing is lost.

    Args:
        path: Path of the finished film.
        number: Number of the pair of names, stored in the job file: 0 unless other files had those names already.
    """
    first, second = (str(2 * number + 1) if number else ""), 2 * number + 2
    return path.with_name(f"{path.name}.part{first}.mkv"), path.with_name(f"{path.name}.part{second}.mkv")


def free_number(path: Path) -> int:
    """Return the first number whose names are unused: existing files without a job are not ours."""
    return next(n for n in range(MOST) if not any(map(os.path.lexists, _names(path, n))))


def has_parts(path: Path, number: int) -> bool:
    """Return whether any file or folder has the names of that number."""
    return any(map(os.path.lexists, _names(path, number)))


def remove_parts(path: Path, number: int, frames: int, *, is_legacy: bool = False) -> None:
    """Remove the frames of an unfinished film. Raises OSError.

    Args:
        path: Path of the finished film.
        number: The number from its job file.
        frames: Frames of the whole film; pictures with higher numbers or other names are not ours, and keep the
            folder.
        is_legacy: Whether the job was written by a version that used one name for its last step.
    """
    if path.suffix.lower() == ".png":
        _remove_pictures(path, unfinished_folder(path, number), frames)
        return
    rest = [path.with_name(f"{path.name}.finishing{end}") for end in ("", ".plain")] if is_legacy else []
    for part in (*part_paths(path, number), *rest):
        part.unlink(missing_ok=True)


def _remove_pictures(path: Path, folder: Path, frames: int) -> None:
    ours = re.compile(rf"{re.escape(path.stem)}-(\d{{6,}})\.(png|tmp|png\.part)")  # .tmp: from earlier versions
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        found = ours.fullmatch(entry.name)
        if found and int(found[1]) < frames and stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
            os.unlink(entry.path)
    with contextlib.suppress(OSError):  # not empty: the remaining files are not ours
        folder.rmdir()


def _names(path: Path, number: int) -> tuple[Path, ...]:
    return (unfinished_folder(path, number),) if path.suffix.lower() == ".png" else part_paths(path, number)
