"""A lock that the system takes back with the process that holds it, also across containers that share a folder.

Process ids cannot tell who lives: another container has the same ones, and the system gives them out again. Where a
file system knows no locks, a note in the file and its time of change stand in for them.
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
"""How often a holder calls `beat`."""

_SILENT_S = 5 * BEAT_S
_LIMIT = 4096


class HeldLock:
    """A lock for as long as this process lives, or until it is released.

    Args:
        path: Of a file of its own, which nobody else acquires.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None

    def acquire(self) -> None:
        """Take it; one that is held stays so, unless its file was removed. Raises OSError if none can be made."""
        if self._file is not None and not _names(self.path, self._file):
            self._file.close()
            self._file = None
        while self._file is None:
            file = self.path.open("wb")
            try:
                # Waits at most for somebody who is just looking whether it is held.
                _lock(file, wait=True)
            except OSError:
                file.write(json.dumps({**_place(), "pid": os.getpid()}).encode())
                file.flush()
            if _names(self.path, file):
                self._file = file
            else:  # swept away before it was held
                file.close()

    def beat(self) -> None:
        """Show that the holder lives, where only the file's time of change can."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.utime(self.path)

    def release(self) -> None:
        """Give it up and remove the file."""
        if self._file is not None:
            self._file.close()
            self._file = None
            with contextlib.suppress(OSError):
                self.path.unlink()


def is_held(path: Path) -> bool:
    """Return whether a process that lives holds the lock of that file."""
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
        return True  # not ours to judge, as when it belongs to somebody else


def remove_unheld(path: Path) -> None:
    """Remove a lock's file unless somebody holds it."""
    with contextlib.suppress(OSError), path.open("rb+") as file:
        if _lock(file, wait=False) and not file.read(1) and _names(path, file):
            path.unlink()  # while it is locked, so that nobody acquires what goes


def _names(path: Path, file: BinaryIO) -> bool:
    """Return whether `path` is still the name of the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except OSError:
        return False


def _is_alive(note: bytes, changed: float) -> bool:
    """Return whether a note's writer lives: by its process id on one system, else by its last heartbeat."""
    try:
        said = json.loads(note)
        if isinstance(said, dict) and os.name == "posix" and {k: said.get(k) for k in _place()} == _place():
            return _runs(int(said["pid"]))
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


def _place() -> dict[str, str]:
    """Return a name of the running system and its process id namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return {"boot": boot, "pids": os.readlink("/proc/self/ns/pid")}
    except OSError:
        return {"boot": platform.node(), "pids": ""}


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO, *, wait: bool) -> bool:
        """Lock a byte far behind the end, so that the note can be read; False if somebody has it."""
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
        """Lock the file; False if somebody has it. Raises OSError where there are no locks."""
        # Of the open file, not of the process: closing another descriptor of it does not give it up.
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True
