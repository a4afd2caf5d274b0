"""Output of commands, robust against terminals, encodings, closed pipes and foreign text.

Results go to standard output (`out`, `out_path`, `out_json`), messages to standard error (`note`, `Status`).
Foreign control characters are escaped. Write errors are recorded, and `finish` reports them when the work is done.
"""

from __future__ import annotations

import codecs
import contextlib
import errno
import io
import json
import math
import os
import sys
from typing import Any, TextIO

from explorer.util.plain_text import escaped_json, visible

__all__ = ["Status", "finish", "is_open", "note", "out", "out_json", "out_path", "prepare"]

_ASCII = {
    "\u00b1": "+/-", "\u00d7": "x", "\u2192": "->", "\u2190": "<-", "\u2026": "...", "\u00b0": " deg",
    "\u00b7": "-", "\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"',
    "\u00b5": "u", "\u2212": "-", "\u2248": "~",
}  # fmt: skip
"""Replacements of the non-ASCII characters in our texts, for encodings without them."""

_HANDLER = "latentwalk-ascii"

_lost: dict[str, OSError] = {}  # name of a stream -> the first error of writing to it


def prepare() -> None:
    """Make the standard streams safe to write to, however the program was started. May be called repeatedly.

    Closed descriptors are opened on the null device: otherwise the next opened file gets their number, and output
    of libraries ends up in that file.
    """
    _lost.clear()
    if sys.platform != "win32":
        _fill_closed_descriptors()
    codecs.register_error(_HANDLER, _replace)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or getattr(stream, "closed", False):
            # Never closed: it replaces a stream that lives as long as the process.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError, ValueError):
                stream.reconfigure(errors=_HANDLER)


def out(text: str) -> None:
    """Write a line of results; foreign control characters are escaped."""
    _write("stdout", f"{visible(text, None, keep_lines=True)}\n")


def out_path(path: str | os.PathLike[str]) -> None:
    """Write the path of a result: its exact bytes to a pipe or file, escaped on a terminal."""
    text = os.fspath(path)
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None or _is_terminal(sys.stdout):
        out(text)
        return
    _write("stdout", "")  # flush text that was written before
    _guarded("stdout", lambda: (buffer.write(os.fsencode(text) + b"\n"), buffer.flush()))


def out_json(value: object, indent: int | None = 1) -> None:
    """Write portable JSON: no NaN, no raw control characters, nothing outside the encoding."""
    encoding = codecs.lookup(getattr(sys.stdout, "encoding", None) or "utf-8").name
    text = json.dumps(_finite(value), indent=indent, ensure_ascii=encoding != "utf-8", allow_nan=False)
    _write("stdout", f"{escaped_json(text)}\n")


def note(text: str, *, limit: int | None = None) -> None:
    """Write a message to standard error."""
    _write("stderr", f"{visible(text, limit, keep_lines=True)}\n")


def is_open() -> bool:
    """Return whether standard output still has a reader; False after `| head` has ended."""
    return "stdout" not in _lost


def finish() -> str:
    """Flush the output; return an error message, empty if there is no error or no reader."""
    for name in ("stdout", "stderr"):
        _guarded(name, getattr(sys, name).flush)
    for name, error in _lost.items():
        # What is still buffered would be tried again, and complained about, when the interpreter ends.
        with contextlib.suppress(OSError, ValueError, AttributeError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, getattr(sys, name).fileno())
            os.close(null)
        if name == "stdout" and not _is_gone(error):
            return f"Standard output cannot be written: {error.strerror or error}."
    return ""


class Status:
    """A status line on standard error: rewritten on a terminal, appended in a log."""

    def __init__(self) -> None:
        self.is_live = _is_terminal(sys.stderr) and os.environ.get("TERM", "dumb") not in ("", "dumb")

    def show(self, text: str) -> None:
        """Show the current status."""
        shown = visible(text)
        _write("stderr", f"\r\x1b[K{shown}" if self.is_live else f"{shown}\n")

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self.is_live:
            _write("stderr", "\r\x1b[K")


def _write(name: str, text: str) -> None:
    stream: TextIO = getattr(sys, name)
    if name not in _lost:
        _guarded(name, lambda: (stream.write(text), stream.flush()))


def _guarded(name: str, action: Any) -> None:
    if name in _lost:
        return
    try:
        action()
    except OSError as error:  # no reader, a full disk, a closed terminal
        _lost[name] = error
    except ValueError:  # the stream was closed
        _lost[name] = OSError(errno.EBADF, os.strerror(errno.EBADF))


def _is_gone(error: OSError) -> bool:
    return error.errno in (errno.EPIPE, errno.EBADF, errno.EIO, errno.ENXIO)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (OSError, ValueError):
        return False


def _fill_closed_descriptors() -> None:
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end]
    return "".join(_ASCII.get(c) or c.encode("ascii", "backslashreplace").decode() for c in part), error.end


def _finite(value: object) -> object:
    """Return a value with non-finite numbers, which JSON lacks, as None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
