"""Work that calls back as it goes, as steps: the library that does it decides when, the job's runner how fast."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator
from typing import Generic, TypeAlias, TypeVar

__all__ = ["pushed"]

T = TypeVar("T")
P = TypeVar("P")

Tell: TypeAlias = "Callable[[P], None]"


class _Ended(BaseException):
    """Raised in the work when nobody waits for it any more; no `except Exception` of a library catches it."""


class _Work(Generic[P, T]):
    """Work in a thread of its own that goes on only while somebody waits for its next call."""

    def __init__(self, work: Callable[[Tell[P]], T]) -> None:
        self._work = work
        self._calls: queue.Queue[tuple[P] | None] = queue.Queue(1)
        self._go = threading.Semaphore(0)
        self._is_ended = False
        self.result: list[T] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="pushed work", daemon=True)

    def next(self) -> tuple[P] | None:
        """Let it work until its next call, and give what it called with; None at its end."""
        if not self._thread.is_alive():
            self._thread.start()
        else:
            self._go.release()
        return self._calls.get()

    def end(self) -> None:
        """End it at its present call, and wait until it has cleaned up."""
        self._is_ended = True
        self._go.release()
        if self._thread.ident is not None:
            self._thread.join()

    def _report(self, value: P) -> None:
        self._calls.put((value,))
        self._go.acquire()
        if self._is_ended:
            raise _Ended

    def _run(self) -> None:
        try:
            self.result.append(self._work(self._report))
        except BaseException as error:  # raised again where the steps are taken
            self.error = error
        if not self._is_ended:
            self._calls.put(None)


def pushed(work: Callable[[Tell[P]], T]) -> Generator[P, None, T]:
    """Do work that takes a callback in steps: each yields what the callback was called with.

    Where the steps are closed before their end, the work is ended at its present call by an exception, and cleans
    up after itself as for any other.

    Raises:
        BaseException: What the work raises.
    """
    running = _Work(work)
    try:
        while (call := running.next()) is not None:
            yield call[0]
    finally:
        running.end()
    if running.error is not None:
        raise running.error
    return running.result[0]
