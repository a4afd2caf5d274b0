"""Outbox: messages of the worker threads on their way to the GUI thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from explorer.render.results import Frame

if TYPE_CHECKING:
    from explorer.errors import LatentwalkError
    from explorer.render.model_store import LoadedModel, LoadJob
    from explorer.render.renderer import Message as Rendered
    from explorer.util.report import Report

__all__ = ["Load", "LoadFailed", "LoadProgress", "Loaded", "Message", "Outbox"]


@dataclass(slots=True, eq=False)
class Load:
    """The loading of one view's model. Messages of one that was replaced or cancelled are ignored.

    Attributes:
        view: The view.
        job: Its thread; None for a model that is held already.
    """

    view: int
    job: LoadJob | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LoadProgress:
    """How far a loading is."""

    load: Load
    report: Report[None]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """The end of a loading."""

    load: Load
    model: LoadedModel


@dataclass(frozen=True, slots=True, eq=False)
class LoadFailed:
    """The end of a loading that failed."""

    load: Load
    error: LatentwalkError


Message: TypeAlias = "Rendered | LoadProgress | Loaded | LoadFailed"


class Outbox:
    """Messages from the worker threads. At most one wake-up is pending, however many messages there are.

    A frame replaces an older one of its view that was not fetched yet; all other messages stay in order.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._lock = threading.Lock()
        self._frames: dict[int, Frame] = {}
        self._others: deque[Message] = deque()
        self._wake: Callable[[], None] | None = wake
        self._woken = False

    def post(self, message: Message) -> None:
        """Add a message; any thread."""
        with self._lock:
            if isinstance(message, Frame):
                self._frames[message.view] = message
            else:
                self._others.append(message)
            wake = None if self._woken else self._wake
            self._woken = True
            if wake is not None:
                # Under the lock, so that `close` cannot drop the receiver between the check and the call.
                wake()

    def fetch(self) -> list[Message]:
        """Return and remove all messages; GUI thread only."""
        with self._lock:
            messages: list[Message] = [*self._others, *self._frames.values()]
            self._others.clear()
            self._frames.clear()
            self._woken = False
            return messages

    def close(self) -> None:
        """Stop sending wake-ups."""
        with self._lock:
            self._wake = None
