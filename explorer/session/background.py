"""Background: one piece of work beside the window, in a thread of low priority, whose end is always told."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from explorer.errors import LatentwalkError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Background"]

log = logging.getLogger("explorer.session")


class Background:
    """Begins at once. It must know no widget, nor anybody who has one: they die in the GUI thread.

    Args:
        name: Of the work, for people: "the film".
        work: What is done; its result is told.
        say: Told ("finished", result) or ("failed", LatentwalkError) from the thread, such as a signal's `emit`.
        hint: What is left where the work failed in a way that nobody foresaw.
    """

    def __init__(
        self, name: str, work: Callable[[], object], say: Callable[[str, object], object], hint: str
    ) -> None:
        self._thread = threading.Thread(target=_run, args=(name, work, say, hint), name=name, daemon=True)
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for it, so many seconds at most; True if it has ended."""
        self._thread.join(timeout)
        return not self._thread.is_alive()


def _run(name: str, work: Callable[[], object], say: Callable[[str, object], object], hint: str) -> None:
    from explorer.animation.recorder import lower_priority

    lower_priority(10)  # the preview goes first; torch's workers of this thread inherit it
    try:
        result = work()
    except LatentwalkError as error:
        say("failed", error.with_traceback(None))
    except Exception as error:  # whatever it is, somebody waits for the end
        log.exception("%s failed", name)
        say("failed", LatentwalkError(f"{name.capitalize()} failed: {type(error).__name__}: {error}", hint))
    else:
        say("finished", result)
