"""Traces of crashes below Python, in Qt or a kernel; uses the standard library only."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import logging
import os
import sys
import time
from pathlib import Path
from typing import IO

from explorer.util.regular_file import open_regular

__all__ = ["begin", "finish_process", "last_crash", "text_of", "when", "write_to"]

log = logging.getLogger("explorer.app")

_NOW, _LAST = "crash.log", "crash-last.log"
_SHOWN = 64 << 10  # bytes
_file: IO[bytes] | None = None


def begin() -> None:
    """Report crashes on stderr, if there is one, unless a handler is already set."""
    if not faulthandler.is_enabled() and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):  # closed, or no file at all
            faulthandler.enable()


def write_to(folder: Path) -> Path | None:
    """Write traces of crashes to a file in `folder`, beside the autosave; if that fails, nothing changes.

    The file stays empty until a crash. A non-empty one is kept as the last crash, replacing the previous one: there
    are never more than two files.

    Returns:
        The file of a crash that has not been reported yet, or None.
    """
    global _file
    found = None
    now = folder / _NOW
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if now.is_file() and now.stat().st_size:
            os.replace(now, folder / _LAST)
            found = folder / _LAST
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
        file = os.fdopen(os.open(now, flags, 0o600), "ab", buffering=0)
        faulthandler.enable(file)
    except (OSError, ValueError) as error:
        log.info("crashes are reported on stderr: %s", error)
        return found
    before, _file = _file, file  # faulthandler only stores the descriptor: the file must stay open
    if before is not None:
        before.close()
    return found


def last_crash(folder: Path) -> tuple[Path, float] | None:
    """Return the newest crash trace in `folder` and its time (seconds since 1970), or None."""
    for name in (_NOW, _LAST):
        with contextlib.suppress(OSError):
            status = os.stat(folder / name)
            if status.st_size and (folder / name).is_file():
                return folder / name, status.st_mtime
    return None


def text_of(path: Path) -> str:
    """Return the beginning of a trace; empty if it cannot be read."""
    with contextlib.suppress(OSError), open_regular(path) as file:
        return file.read(_SHOWN).decode("utf-8", "replace")
    return ""


def when(seconds: float) -> str:
    """Format a time of `last_crash` for display."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def finish_process(code: int) -> None:
    """End a process that had a window without interpreter shutdown. Does not return.

    Everything is on disk and all threads have ended. At shutdown, Python and Qt would destroy the remaining
    objects, application and widgets included, in arbitrary order, which crashed occasionally.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
