"""What a reader may not do: run something, write elsewhere, take more than 2 GB or 10 s of processor time."""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from explorer.errors import LatentwalkError
from explorer.ops.memory import lacks_memory

__all__ = ["Guard", "Outcome"]

SECONDS, NBYTES = 10.0, 2 << 30

_RUNS = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile",
    "subprocess.Popen", "pty.spawn", "exec", "import", "ctypes.dlopen", "marshal.loads", "pickle.find_class",
    "webbrowser.open", "function.__new__", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink",
    "os.truncate", "os.chmod", "os.chown", "os.mkdir", "shutil.rmtree",
)  # fmt: skip
# Within the folder.
_MAY_CHANGE = frozenset({"os.remove", "os.rename", "os.mkdir", "os.chmod", "os.rmdir", "os.link"})
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC
# Not "compile": numpy parses the header of an array so, and runs nothing; what runs is "exec".


class _TooSlow(BaseException):
    """The processor time is spent; no reader catches it."""


@dataclass(slots=True)
class Outcome:
    """What became of one file. `name`: "fine", the error of ours, or raw, slow, memory, execution."""

    name: str
    location: str = ""
    seconds: float = 0.0
    events: list[str] = field(default_factory=list)


class Guard:
    """Watches the readers of one process; made once in it, because its hook and its limit stay.

    Args:
        folder: Where the files lie, and the only one in which anything may be written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.realpath(folder)
        self._events: list[str] | None = None
        sys.addaudithook(self._audit)
        signal.signal(signal.SIGPROF, self._stop)
        self._limit_memory()

    def run(self, read: Callable[[Path], None], path: Path) -> Outcome:
        """Open a file and tell what became of it."""
        before = time.process_time()
        outcome = Outcome("fine")
        with self._watched() as events:
            try:
                read(path)
            except LatentwalkError as error:
                outcome.name = type(error).__name__
                if _wanted_memory(error):
                    outcome.name, outcome.location = "memory", _location(error)
                elif not error.hint and not error.message:
                    outcome.name, outcome.location = "raw", "an error without a message"
            except MemoryError as error:
                outcome.name, outcome.location = "memory", _location(error)
            except _TooSlow as error:
                outcome.name, outcome.location = "slow", _location(error)
            except RecursionError as error:
                outcome.name, outcome.location = "raw", _location(error)
            except Exception as error:
                name = "memory" if lacks_memory(error) else "raw"
                outcome.name, outcome.location = name, f"{_location(error)}: {str(error)[:120]}"
        outcome.seconds = time.process_time() - before
        if outcome.seconds > SECONDS and outcome.name != "slow":
            outcome.name, outcome.location = "slow", outcome.location or outcome.name
        if events:
            outcome.name, outcome.events = "execution", events[:5]
        return outcome

    @contextmanager
    def _watched(self) -> Iterator[list[str]]:
        events = self._events = []
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            yield events
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self._events = None

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        events = self._events
        if events is None:
            return
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and not self._is_ours(path):
                events.append(f"open for writing {path!r}")
        elif event.startswith("socket.") or event in _RUNS:
            if event in _MAY_CHANGE and self._is_ours(arguments[0]):
                return
            events.append(f"{event} {str(arguments)[:100]}")

    def _is_ours(self, path: object) -> bool:
        if isinstance(path, int):
            return True  # a descriptor that was opened before
        text = os.path.abspath(os.fsdecode(path)) if isinstance(path, (str, bytes)) else str(path)
        return text == os.devnull or text.startswith(self._folder + os.sep)

    @staticmethod
    def _stop(number: int, frame: FrameType | None) -> None:
        raise _TooSlow

    @staticmethod
    def _limit_memory() -> None:
        import resource

        statm = Path("/proc/self/statm")
        if not statm.exists():
            return  # other systems do not enforce the limit
        size = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + NBYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _wanted_memory(error: BaseException) -> bool:
    """Return whether a shortage of memory stands behind an error of ours."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        if lacks_memory(cause):
            return True
        seen.add(id(cause))
        cause = cause.__cause__
    return False


def _location(error: BaseException) -> str:
    """Return the exception's type, and the innermost line of the program that it came through."""
    cause = error
    while isinstance(cause, LatentwalkError) and cause.__cause__ is not None:
        cause = cause.__cause__
    frames = traceback.extract_tb(cause.__traceback__)
    ours = [f for f in frames if f"{os.sep}explorer{os.sep}" in f.filename] or frames[-1:]
    where = f"{ours[-1].filename.rpartition(f'explorer{os.sep}')[2]}:{ours[-1].lineno}" if ours else "?"
    return f"{type(cause).__name__} at {where}"
