"""Checks the paths of outputs and projects before the work starts."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from explorer.errors import UsageError
from explorer.util.missing import as_written, is_address, why_missing

__all__ = ["check_film_path", "check_folder", "check_output", "check_project"]


def check_output(option: str, path: Path, suffix: str) -> None:
    """Raise UsageError for a file that cannot be written, or whose name does not end in `suffix`."""
    _check_file(option, path, suffix)
    if path.suffix.lower() != suffix:
        meant = f"{path}{suffix}" if not path.suffix else path.with_suffix(suffix)
        raise UsageError(f"{option} {path} does not end in {suffix}.", f"For example {shlex.quote(str(meant))}")
    check_folder(option, path)


def check_film_path(path: Path) -> None:
    """Raise UsageError for a film that cannot be written; `formats.format_of_path` has the suffixes."""
    from explorer.animation.formats import format_of_path

    _check_file("--output", path, ".mp4")
    format_of_path(path)
    check_folder("--output", path)


def check_project(path: Path) -> None:
    """Raise UsageError if there is no such file."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a project.", "Name a file in it.")
    if not path.exists():
        raise UsageError(*why_missing(path))


def check_folder(option: str, path: Path) -> None:
    """Raise UsageError unless the folder of `path` exists and is writable."""
    folder = path.parent
    if not folder.exists():
        raise UsageError(
            f"{option} {path}: the folder {folder} does not exist.",
            f"Create it first: mkdir -p {shlex.quote(str(folder))}",
        )
    if not folder.is_dir():
        raise UsageError(f"{option} {path}: {folder} is not a folder.", "Choose another folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{option} {path}: the folder {folder} is not writable.", "Choose another folder.")


def _check_file(option: str, path: Path, suffix: str) -> None:
    text = as_written(str(path))
    if is_address(text):
        raise UsageError(f"{option} {text} is an address; files are written to this machine only.", "Name a file.")
    if text == "-":
        raise UsageError(
            f"{option} -: writing to standard output is not supported.", f"Name a file, such as out{suffix}."
        )
    if text == ".":  # also what an empty name becomes
        raise UsageError(f"{option} names no file.", f"For example out{suffix}.")
    if path.is_symlink():
        _check_link(option, path)
    if path.is_dir():
        inside = shlex.quote(str(path / f"out{suffix}"))
        raise UsageError(f"{option} {path} is a folder.", f"Name a file in it, such as {inside}")
    if path.exists() and not path.is_file():
        raise UsageError(f"{option} {path} is not a regular file.", "Choose another name.")
    if path.exists() and not os.access(path, os.W_OK):
        raise UsageError(f"{option} {path} is write-protected.", "Choose another name.")


def _check_link(option: str, path: Path) -> None:
    """Raise UsageError unless a link's target exists or can be created, as it is written through the link."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():  # a cycle of links
        raise UsageError(f"{option} {path} is a link to itself.", "Choose another name.")
    if not target.parent.is_dir():
        message = f"{option} {path} is a link to {os.readlink(path)}, whose folder does not exist."
        raise UsageError(message, "Choose another name.")
