"""The mailbox of a render thread: the latest render request of each view wins; tasks are all executed."""

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
    """A render request taken from its slot.

    Attributes:
        view: The view it is for.
        generation: Increases with each request of the view.
        request: What to render.
        is_refinement: Whether the renderer queued it itself to complete a draft.
        overwritten: Number of requests it replaced in the slot.
    """

    view: int
    generation: int
    request: R
    is_refinement: bool = False
    overwritten: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """Work for the render thread, executed in order; requests never overwrite it."""

    run: Callable[[], object]
    name: str = ""


class Mailbox(Generic[R]):
    """One slot per view. Any thread may put; only the render thread takes.

    The order is: tasks (first in, first out), requests (of the view that has waited longest), refinements of
    drafts, idle tasks (thumbnails). A request overwrites the pending request and refinement of its view; a
    refinement never replaces a request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._filled = threading.Condition(self._lock)
        self._newest: dict[int, int] = {}
        self._requests: dict[int, Ticket[R]] = {}  # in order of arrival; an overwritten request keeps its position
        self._refinements: dict[int, Ticket[R]] = {}
        self._tasks: deque[Task] = deque()
        self._idle_tasks: dict[str, Task] = {}  # by name, in order of arrival
        self._closed = False

    def put(self, view: int, request: R, generation: int | None = None) -> int:
        """Put a request into its view's slot; return its generation: the given one, or one above the last."""
        with self._lock:
            if generation is None:
                generation = self._newest.get(view, 0) + 1
            self._newest[view] = generation
            self._refinements.pop(view, None)
            waiting = self._requests.get(view)
            overwritten = waiting.overwritten + 1 if waiting else 0
            self._requests[view] = Ticket(view, generation, request, False, overwritten)
            self._filled.notify()
            return generation

    def put_refinement(self, ticket: Ticket[R]) -> None:
        """Queue a draft's refinement for when nothing is more urgent; dropped if there is a newer request."""
        with self._lock:
            if self._newest.get(ticket.view) == ticket.generation:
                self._refinements[ticket.view] = Ticket(ticket.view, ticket.generation, ticket.request, True)
                self._filled.notify()

    def put_task(self, task: Task) -> None:
        """Append a mandatory task."""
        with self._lock:
            self._tasks.append(task)
            self._filled.notify()

    def put_idle_task(self, task: Task, *, is_unfinished: bool = False) -> None:
        """Append a low-priority task, executed when no request or refinement is pending.

        It replaces an idle task of the same name, in its position. An interrupted one (`is_unfinished`) goes to the
        front; it is dropped if a newer one of its name is pending, which keeps its position. Beyond
        `MAX_IDLE_TASKS` the oldest are dropped, but never the one just put.
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
        """Return the next ticket or task; None if closed or after `timeout` seconds (None: no timeout)."""
        with self._lock:
            self._filled.wait_for(self._has_something, timeout)
            if self._closed:
                return None
            if self._tasks:
                return self._tasks.popleft()
            for slots in (self._requests, self._refinements):
                if slots:
                    return slots.pop(next(iter(slots)))
            return self._idle_tasks.pop(next(iter(self._idle_tasks))) if self._idle_tasks else None

    def superseded(self, view: int, generation: int) -> bool:
        """Return whether this view has a newer request, or the mailbox is closed. Lock-free, for polling."""
        return self._closed or self._newest.get(view, generation) != generation

    @property
    def has_urgent(self) -> bool:
        """Return whether a request or task is pending, or the mailbox is closed. Lock-free."""
        return bool(self._requests or self._tasks) or self._closed

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def forget(self, view: int) -> None:
        """Drop everything pending for a view, and mark work in progress for it as superseded."""
        with self._lock:
            self._requests.pop(view, None)
            self._refinements.pop(view, None)
            self._newest[view] = self._newest.get(view, 0) + 1

    def close(self) -> None:
        """Close the mailbox: drop everything pending, let `take` return None at once, and supersede everything."""
        with self._lock:
            self._closed = True
            self._requests.clear()
            self._refinements.clear()
            self._tasks.clear()
            self._idle_tasks.clear()
            self._filled.notify_all()

    def _has_something(self) -> bool:
        return self._closed or bool(self._tasks or self._requests or self._refinements or self._idle_tasks)
