"""Where we have been: thumbnails of the latents one stayed at, to go back to with a click."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.latents.words import latent_words
from explorer.state import Latent, Look, Transform
from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["HistoryStrip"]

_PX, _GAP = 36, 4
_REST_MS = 700  # a place one stays at for so long is worth a thumbnail


class HistoryStrip(QWidget):
    """The latest resting places, newest first. `chosen(latent)` when one is clicked."""

    chosen = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._places: deque[tuple[str, Look]] = deque(maxlen=48)
        self._serial = 0
        self._latent = Latent()
        self._thumbs = Thumbnails(session, "history", self.update, self)
        self._rest = QTimer(self, interval=_REST_MS, singleShot=True)
        self._rest.timeout.connect(self._remember)
        self.setFixedHeight(_PX + 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("History")
        positional_tooltip(self, self._tip)

    def set_latent(self, latent: Latent) -> None:
        """The latent has changed; the place is remembered once it rests."""
        if latent != self._latent:
            self._latent = latent
            self._rest.start()
            self.update()

    def forget_pictures(self) -> None:
        """Another model: the same places look different."""
        self._thumbs.clear()
        self.update()

    @property
    def places(self) -> list[Latent]:
        """The remembered latents, newest first."""
        return [look.latent for _, look in self._places]

    def _remember(self) -> None:
        look = self._session.look()
        if self._session.store.in_stroke:
            self._rest.start()
            return
        if self._session.store.is_away:  # places of the guided tour are not the user's
            return
        if look.drift or any(place.latent == look.latent for _, place in self._places):
            return
        self._serial += 1
        # Shown as the network made it: a moved picture would hide what the latent is.
        self._places.appendleft((str(self._serial), replace(look, transform=Transform())))
        self.update()

    def _index_at(self, x: float) -> int:
        index = int(x // (_PX + _GAP))
        return index if index < len(self._places) else -1

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position().x())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(self._places[index][1].latent)

    def _tip(self, at: QPointF) -> str:
        index = self._index_at(at.x())
        if index < 0:
            return "Latents you have visited appear here"
        latent = self._places[index][1].latent
        return f"Back to {latent_words(latent)}"

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        for i, (key, look) in enumerate(self._places):
            box = QRectF(1 + i * (_PX + _GAP), 1, _PX, _PX)
            if box.left() > self.width():
                break
            mark = color("accent") if look.latent == self._latent else None
            paint_thumbnail(p, self._thumbs.get(key, look), box, mark=mark)
        if not self._places:
            p.setPen(color("faint"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "history")
        p.end()
