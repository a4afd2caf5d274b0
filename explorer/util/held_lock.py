"""A lock that is released when its process ends, also across containers that share a folder.

Process ids cannot identify living processes: other containers have the same ones, and systems reuse them. On file
systems without locks, a note in the file and its modification time are used instead.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import BinaryIO

__all__ = ["BEAT_S", "HeldLock", "is_held", "remove_unheld"]

BEAT_S = 60.0
"""Seconds between two calls of `beat` by a holder."""

_SILENT_S = 5 * BEAT_S
_LIMIT = 4096


class HeldLock:
    """A lock that is held until it is released or the process ends.

    Args:
        path: A lock file that is not used for anything else.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Acquire the lock, again if its file was removed. Raises OSError if it cannot be created."""
        if self._file is not None and not _names(self.path, self._file):
            self._file.close()
            self._file = None
        while self._file is None:
            file = self.path.open("wb")
            try:
                # Waits at most for somebody who is just looking whether it is held.
                _lock(file, wait=True)
            except OSError:
                file.write(json.dumps({**_system(), "pid": os.getpid()}).encode())
                file.flush()
            if _names(self.path, file):
                self._file = file
            else:  # swept away before it was held
                file.close()

    def beat(self) -> None:
        """Refresh the file's modification time, which shows that the holder is alive if there are no file locks."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def release(self) -> None:
        """Release the lock and remove the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self.path.unlink()


def is_held(path: Path) -> bool:
    """Return whether a running process holds the lock of a file."""
    try:
        with path.open("rb+") as file:
            try:
                if not _lock(file, wait=False):
                    return True
            except OSError:  # no locks here
                return _is_alive(file.read(_LIMIT), os.fstat(file.fileno()).st_mtime)
            note = file.read(_LIMIT)
            return note.startswith(b"{") and _is_alive(note, os.fstat(file.fileno()).st_mtime)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # unknown, for example because it belongs to another user


def remove_unheld(path: Path) -> None:
    """Remove a lock file unless it is held."""
    with contextlib.suppress(OSError), path.open("rb+") as file:
        if _lock(file, wait=False) and not file.read(1) and _names(path, file):
            path.unlink()  # while locked, so that it cannot be acquired meanwhile


def _names(path: Path, file: BinaryIO) -> bool:
    """Return whether `path` still refers to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


def _is_alive(note: bytes, changed: float) -> bool:
    """Return whether a note's writer is alive: by its process id on the same system, else by its last heartbeat."""
    try:
        owner = json.loads(note)
        if isinstance(owner, dict) and os.name == "posix" and {k: owner.get(k) for k in _system()} == _system():
            return _runs(int(owner["pid"]))
    except (ValueError, KeyError, TypeError):
        pass
    return time.time() - changed < _SILENT_S


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _system() -> dict[str, str]:
    """Return an identifier of the running system and its process id namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return {"boot": boot, "pids": os.readlink("/proc/self/ns/pid")}
    except OSError:
        return {"boot": platform.node(), "pids": ""}


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO, *, wait: bool) -> bool:
        """Lock a byte far beyond the end, so that the note can be read; return False if it is already locked."""
        file.seek(1 << 30)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def _lock(file: BinaryIO, *, wait: bool) -> bool:
        """Lock the file; return False if it is already locked. Raises OSError if locks are not supported."""
        # A lock of the open file, not of the process: closing another descriptor does not release it.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
