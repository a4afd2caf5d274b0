"""Whether any part of a widget is visible: not if it is folded, scrolled away, or minimised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal, Slot

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.session import Session

__all__ = ["InSight", "pause_unseen"]

LOOK_MS = 200


class InSight(QObject):
    """Emits `changed(seen)` when a widget becomes completely invisible, or visible again.

    Qt notifies a widget when it is hidden, but not when it is scrolled away, so its visible region is polled.
    """

    changed = Signal(bool)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self._widget = widget
        self._was_seen = False
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self.look)
        widget.installEventFilter(self)

    @property
    def is_seen(self) -> bool:
        """True if a part of the widget is visible now."""
        widget = self._widget
        return widget.isVisible() and not widget.window().isMinimized() and not widget.visibleRegion().isEmpty()

    @Slot()
    def look(self) -> None:
        """Check the visibility now."""
        seen = self.is_seen
        if seen != self._was_seen:
            self._was_seen = seen
            self.changed.emit(seen)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._timer.start()
        elif event.type() == QEvent.Type.Hide:
            self._timer.stop()
            self.look()
        return False


def pause_unseen(panel: QWidget, session: Session, names: Sequence[str]) -> InSight:
    """Let the jobs of these names pause while `panel` is out of sight."""
    sight = InSight(panel)

    def on_changed(seen: bool) -> None:
        if not session.is_closed:
            for name in names:
                session.lab.set_seen(name, seen)

    sight.changed.connect(on_changed)
    on_changed(sight.is_seen)
    return sight
