"""Session: the widgets' only interlocutor; it joins the looks, the documents and the render service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explorer.films import FilmService
from explorer.lab import LabSession
from explorer.session_core import PerformanceFacts

if TYPE_CHECKING:
    from PySide6.QtCore import QObject

    from explorer.recovery import Recovery

__all__ = ["PerformanceFacts", "Session"]


class Session(LabSession):
    """Everything that widgets may ask and wish; see the base classes. GUI thread only.

    The bases form one line, because a Qt object with two Qt bases loses the signals of the second.

    Args:
        parent: Owner.
        recovery: Where to autosave; None does not.
        options: `state`, `service`, `clock`, `settings` as `SessionCore` takes them.
    """

    def __init__(self, parent: QObject | None = None, *, recovery: Recovery | None = None, **options: Any) -> None:
        super().__init__(parent, **options)
        self._init_documents(recovery)
        self._init_lab()
        self._init_timeline()
        self.films = FilmService(self)

    def close(self) -> bool:
        """Ends everything and removes the recovery file; True if every thread has ended."""
        if self._closed:
            return True
        self.pause_timeline()
        ended = self.films.close()
        ended = super().close() and ended
        self._close_documents()
        return ended
