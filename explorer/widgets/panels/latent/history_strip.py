"""History: thumbnails of the latents at which the user paused; a click returns to one, a drag takes it along."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.latents.descriptions import describe_latent
from explorer.state import Latent, Look, Transform
from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.look_drag import drag_look, is_drag
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["HistoryStrip"]

_PX, _GAP = 36, 4
_REST_MS = 700  # a latent that stays unchanged for this long is added


class HistoryStrip(QWidget):
    """The most recent latents, newest first; each can be dragged. `chosen(latent)` is emitted by a click."""

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._entries: deque[tuple[str, Look]] = deque(maxlen=48)
        self._serial = 0
        self._latent = Latent()
        self._pressed: QPointF | None = None
        self._thumbnails = Thumbnails(session, "history", self.update, self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._remember)
        self.setFixedHeight(_PX + 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("History")
        positional_tooltip(self, self._tip)

    def set_latent(self, latent: Latent) -> None:
        """Set the current latent; it is added to the history if it does not change for a while."""
        if latent != self._latent:
            self._latent = latent
            self._rest.start()
            self.update()

    def forget_pictures(self) -> None:
        """Drop the thumbnails, because another model renders them differently."""
        self._thumbnails.clear()
        self.update()

    @property
    def latents(self) -> list[Latent]:
        """The latents of the history, newest first."""
        return [look.latent for _, look in self._entries]

    def _remember(self) -> None:
        look = self._session.look_of()
        if self._session.store.in_stroke:
            self._rest.start()
            return
        if self._session.store.is_away:  # latents of the guided tour do not belong to the history
            return
        if look.drift or any(entry.latent == look.latent for _, entry in self._entries):
            return
        self._serial += 1
        # Rendered without a transform: a moved picture would hide the latent's content.
        self._entries.appendleft((str(self._serial), replace(look, transform=Transform())))
        self.update()

    def _index_at(self, x: float) -> int:
        index = int(x // (_PX + _GAP))
        return index if index < len(self._entries) else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = event.position() if event.button() == Qt.MouseButton.LeftButton else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None or not is_drag(self._pressed, event.position()):
            return
        index, self._pressed = self._index_at(self._pressed.x()), None
        if index >= 0:
            key, look = self._entries[index]
            drag_look(self, look, self._thumbnails.get(key, look))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position().x()) if self._pressed is not None else -1
        self._pressed = None
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(self._entries[index][1].latent)

    def _tip(self, at: QPointF) -> str:
        index = self._index_at(at.x())
        if index < 0:
            return "Latents you have visited appear here"
        latent = self._entries[index][1].latent
        what = "a source of mixing, an example of a direction or the second parent"
        return f"Back to {describe_latent(latent)}. It can be dragged to be {what}"

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        for i, (key, look) in enumerate(self._entries):
            box = QRectF(1 + i * (_PX + _GAP), 1, _PX, _PX)
            if box.left() > self.width():
                break
            mark = color("accent") if look.latent == self._latent else None
            paint_thumbnail(p, self._thumbnails.get(key, look), box, mark=mark)
        if not self._entries:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "history")
        p.end()
