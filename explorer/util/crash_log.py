"""Where the process leaves a trace when it crashes below Python, in Qt or a kernel; standard library only."""

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
    """Tell crashes on stderr, where there is one; a handler that somebody has set stays."""
    if not faulthandler.is_enabled() and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError, io.UnsupportedOperation):  # closed, or no file at all
            faulthandler.enable()


def write_to(folder: Path) -> Path | None:
    """Tell crashes from now on in `folder`, beside the autosave; where that cannot be, as before.

    The file stays empty as long as nothing happens. One that is not is kept as the last crash, in place of the one
    before: there are never more than two.

    Returns:
        The file of a crash that nobody was told of yet, or None.
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
        log.info("crashes are told on stderr: %s", error)
        return found
    before, _file = _file, file  # faulthandler keeps the number only: the file must stay open
    if before is not None:
        before.close()
    return found


def last_crash(folder: Path) -> tuple[Path, float] | None:
    """Return the newest trace of a crash in `folder` and when it was written (seconds since 1970), or None."""
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
    """Return a time of `last_crash` for people."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def finish_process(code: int) -> None:
    """End a process that had a window, without taking it to pieces first. Does not return.

    All that matters is on disk and every thread was waited for. What Python and Qt would do now is to destroy what
    is left in an order that nobody chose, application and widgets included, and that crashed now and then.
    """
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
