"""A cache of compiled libraries: loaded only if they are ours and unmodified, published after a test run."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from explorer.util import file_errors
from explorer.util.atomic_write import atomic_write, atomic_write_bytes
from explorer.util.left_overs import sweep, sweep_builds
from explorer.util.regular_file import read_regular

__all__ = [
    "TrialError",
    "failure_before",
    "is_cached",
    "note_failure",
    "prepare",
    "publish",
    "try_out",
    "why_not",
]

_LIMIT = 256 << 20  # maximum bytes of a library
_TRIAL_S = 300
_FAILED_S = 24 * 3600.0
"""Time until a library that crashed is built again; the compiler may have been updated by then."""


class TrialError(Exception):
    """A library crashed or computed wrong results in its test run; the message is a single line."""


def is_cached(library: Path) -> bool:
    """Return whether the file exists, intact or not."""
    return os.path.lexists(library)


def prepare(folder: Path, *, tighten: Sequence[Path] = ()) -> str:
    """Create a cache folder for libraries, and remove leftovers of killed builds.

    Args:
        folder: Created with access for this user only, if missing.
        tighten: Folders of this program from which others' write permission is removed.

    Returns:
        Why the folder cannot be used, or an empty text.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for own in tighten:
            _take_from_others(own)
    except OSError as error:
        return f"{error.filename or folder}: {file_errors.reason(error)}"
    why = _why_not_folder(folder)
    if not why:
        sweep(folder)
        sweep_builds(folder)
    return why


def why_not(library: Path, root: Path) -> str:
    """Return why a cached library must not be loaded; empty if it may.

    It must belong to this user, its content must match the checksum beside it, and others must not have write
    access to it or any folder up to `root`. On Windows, users' caches are separate anyway.

    Args:
        library: The file.
        root: The topmost folder whose owner and mode are checked.
    """
    checksum = _checksum_of(library)
    try:
        for folder in (library.parent, *library.parent.parents):
            if why := _why_not_folder(folder):
                return why
            if folder == root:
                break
        for file in (library, checksum):
            if why := _why_not_file(file):
                return why
        digest = hashlib.sha256(read_regular(library, _LIMIT)).hexdigest()
        expected = read_regular(checksum, 200).decode("ascii", "replace").strip()
    except OSError as error:
        return f"{error.filename}: {file_errors.reason(error)}"
    return "" if digest == expected else f"{library} is damaged"


def try_out(script: str, library: Path, timeout_s: float = _TRIAL_S) -> None:
    """Run `script`, which loads and tests a new library, in a separate process, which may crash.

    Args:
        script: Python code; the library's path is `sys.argv[1]`.
        library: The file.
        timeout_s: Timeout in seconds.

    Raises:
        TrialError: The script crashed, failed or timed out.
    """
    source = Path(__file__).resolve().parents[2]  # the root of this program
    start = f"import sys; sys.path.insert(0, {str(source)!r})\n{script}"
    command = [sys.executable, "-P", "-c", start, str(library)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TrialError(f"a trial of the library could not be run: {error}") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise TrialError(f"a trial of the library {_ending(done.returncode)}{': ' + lines[-1] if lines else ''}")


def publish(product: Path, library: Path) -> None:
    """Move a tested library into the cache, with its checksum beside it.

    Raises:
        OSError: The cache cannot be written.
    """
    data = read_regular(product, _LIMIT)
    checksum = _checksum_of(library)
    for old in (checksum, library, _note_of(library)):
        old.unlink(missing_ok=True)
    with atomic_write(library) as partial:
        partial.touch(mode=0o700)
        partial.write_bytes(data)
        partial.chmod(0o700)
    atomic_write_bytes(checksum, f"{hashlib.sha256(data).hexdigest()}\n".encode())
    checksum.chmod(0o600)


def note_failure(library: Path, message: str) -> None:
    """Record that a library crashed, so that it is not rebuilt at every start."""
    with contextlib.suppress(OSError):
        atomic_write_bytes(_note_of(library), message.encode())


def failure_before(library: Path) -> str:
    """Return the failure that `note_failure` recorded within the last day, or an empty text."""
    note = _note_of(library)
    try:
        if _why_not_file(note) or time.time() - note.stat().st_mtime > _FAILED_S:
            return ""
        return read_regular(note, 10_000).decode("utf-8", "replace")
    except OSError:
        return ""


def _checksum_of(library: Path) -> Path:
    return library.with_name(f"{library.name}.sha256")


def _note_of(library: Path) -> Path:
    return library.with_name(f"{library.name}.failed")


def _why_not_folder(folder: Path) -> str:
    status = os.stat(folder)
    if not stat.S_ISDIR(status.st_mode):
        return f"{folder} is not a folder"
    if _has_no_owners():
        return ""
    if status.st_uid not in (_user(), 0):
        return f"{folder} belongs to another user"
    is_open = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return f"others can write to {folder}" if is_open else ""


def _why_not_file(file: Path) -> str:
    status = os.lstat(file)
    if not stat.S_ISREG(status.st_mode):
        return f"{file} is not a regular file"
    if _has_no_owners():
        return ""
    if status.st_uid != _user():
        return f"{file} belongs to another user"
    return f"others can write to {file}" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def _take_from_others(folder: Path) -> None:
    status = os.stat(folder)
    if _has_no_owners() or status.st_uid != _user() or status.st_mode & stat.S_ISVTX:
        return
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.chmod(folder, stat.S_IMODE(status.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))


def _has_no_owners() -> bool:
    return not hasattr(os, "geteuid")


def _user() -> int:
    return os.geteuid()


def _ending(code: int) -> str:
    if code >= 0:
        return f"failed with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"crashed ({signal.Signals(-code).name})"
    return f"crashed (signal {-code})"
