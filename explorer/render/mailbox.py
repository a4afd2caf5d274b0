"""The mailbox between the hands and one render thread: the latest look of each view wins, tasks are all done."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Mailbox", "Task", "Ticket"]

R = TypeVar("R")

MAX_IDLE_TASKS = 256


@dataclass(frozen=True, slots=True)
class Ticket(Generic[R]):
    """A look to render, taken from its slot. `is_refinement`: the renderer itself left it, to finish a draft."""

    view: int
    generation: int
    request: R
    is_refinement: bool = False
    overwritten: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """Work that must be done in the render thread, in order; never overwritten by a look."""

    run: Callable[[], object]
    name: str = ""


class Mailbox(Generic[R]):
    """One slot for each view. Any thread puts; the render thread alone takes.

    What is taken, in this order: tasks (first come first served), looks (the view that has waited longest),
    refinements of drafts, idle tasks (thumbnails). A look overwrites the look and the refinement that wait in its
    view's slot; a refinement never displaces a look.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._newest: dict[int, int] = {}
        self._looks: dict[int, Ticket[R]] = {}  # in order of arrival; an overwritten look keeps its place
        self._refinements: dict[int, Ticket[R]] = {}
        self._tasks: deque[Task] = deque()
        self._idle_tasks: dict[str, Task] = {}  # by name, in order of arrival
        self._closed = False

    def put(self, view: int, request: R, generation: int | None = None) -> int:
        """Put a look into its view's slot and returns its generation number: that given, or one above the last."""
        with self._lock:
            if generation is None:
                generation = self._newest.get(view, 0) + 1
            self._newest[view] = generation
            self._refinements.pop(view, None)
            waiting = self._looks.get(view)
            overwritten = waiting.overwritten + 1 if waiting else 0
            self._looks[view] = Ticket(view, generation, request, False, overwritten)
            self._filled.notify()
            return generation

    def put_refinement(self, ticket: Ticket[R]) -> None:
        """Leave a draft's refinement for when nothing is more urgent; dropped if a newer look came."""
        with self._lock:
            if self._newest.get(ticket.view) == ticket.generation:
                self._refinements[ticket.view] = Ticket(ticket.view, ticket.generation, ticket.request, True)
                self._filled.notify()

    def put_task(self, task: Task) -> None:
        """Append work that must happen."""
        with self._lock:
            self._tasks.append(task)
            self._filled.notify()

    def put_idle_task(self, task: Task, *, is_unfinished: bool = False) -> None:
        """Append work of low priority, done when no look and no refinement waits.

        It overwrites an idle task of the same name, at whose place it waits. One that was interrupted
        (`is_unfinished`) goes first again; it is dropped if a newer one of its name waits, which keeps its place.
        Beyond `MAX_IDLE_TASKS` those that have waited longest are forgotten, but never the one that was put.
        """
        with self._lock:
            if not is_unfinished:
                self._idle_tasks[task.name] = task
            elif task.name not in self._idle_tasks:
                self._idle_tasks = {task.name: task, **self._idle_tasks}
            while len(self._idle_tasks) > MAX_IDLE_TASKS:
                oldest = next(name for name in self._idle_tasks if name != task.name)
                del self._idle_tasks[oldest]
            self._filled.notify()

    def take(self, timeout: float | None = None) -> Ticket[R] | Task | None:
        """Return the next thing to do; waits up to `timeout` seconds (None = for ever). None if nothing came or closed."""
        with self._lock:
            self._filled.wait_for(self._has_something, timeout)
            if self._closed:
                return None
            if self._tasks:
                return self._tasks.popleft()
            for slots in (self._looks, self._refinements):
                if slots:
                    return slots.pop(next(iter(slots)))
            return self._idle_tasks.pop(next(iter(self._idle_tasks))) if self._idle_tasks else None

    def superseded(self, view: int, generation: int) -> bool:
        """True if a newer look of this view came, or the mailbox is closed. Takes no lock: asked between stages."""
        return self._closed or self._newest.get(view, generation) != generation

    @property
    def has_urgent(self) -> bool:
        """True if a look or a task waits, or the mailbox is closed. Takes no lock."""
        return bool(self._looks or self._tasks) or self._closed

    @property
    def is_closed(self) -> bool:
        """True after `close`."""
        return self._closed

    def forget(self, view: int) -> None:
        """Drop what waits for a view, and makes what runs for it stale."""
        with self._lock:
            self._looks.pop(view, None)
            self._refinements.pop(view, None)
            self._newest[view] = self._newest.get(view, 0) + 1

    def close(self) -> None:
        """End it: what waits is dropped, `take` returns None at once, everything is superseded."""
        with self._lock:
            self._closed = True
            self._looks.clear()
            self._refinements.clear()
            self._tasks.clear()
            self._idle_tasks.clear()
            self._filled.notify_all()

    def _has_something(self) -> bool:
        return self._closed or bool(self._tasks or self._looks or self._refinements or self._idle_tasks)
