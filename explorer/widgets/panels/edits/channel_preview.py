"""ChannelPreview: pictures of what a style channel does, beside its row while the pointer rests there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.widgets.controls.basic import value_label
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.edits.direction_strip import DirectionStrip

if TYPE_CHECKING:
    from explorer.directions.style_space import RankedChannel
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["SIGMAS", "ChannelPreview"]

SIGMAS = (-10.0, -5.0, 0.0, 5.0, 10.0)
"""The strengths that are shown, in standard deviations: single channels do little at those of directions."""

_DELAY_MS = 250
"""How long the pointer rests on a row, so that moving over the list asks for no pictures."""
_WIDTH_PX = 330


class ChannelPreview(QWidget):
    """Previews of one channel over the window, which take no clicks.

    Args:
        session: Renders the pictures, between those of the views.
        parent: The panel.
    """

    def __init__(self, session: Session, parent: QWidget) -> None:
        flags = Qt.WindowType.ToolTip | Qt.WindowType.WindowTransparentForInput
        super().__init__(parent, flags)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self._session = session
        self._channel: RankedChannel | None = None
        self._row: QWidget | None = None
        self.thumbnails = Thumbnails(session, "channel", self._show_pictures, self)
        self.strip = DirectionStrip(self.thumbnails, self._look_at, SIGMAS)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(_DELAY_MS)
        self._wait.timeout.connect(self._show)
        layout = QGridLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID // 2)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self.strip, 0, 0, 1, len(SIGMAS))
        for i, sigma in enumerate(SIGMAS):
            text = f"{sigma:+g} \u03c3".replace("-", "\u2212") if sigma else "0"
            layout.addWidget(value_label(text), 1, i, Qt.AlignmentFlag.AlignHCenter)
            layout.setColumnStretch(i, 1)
        self.setFixedWidth(_WIDTH_PX)
        session.model_changed.connect(self._on_model_changed)

    def show_soon(self, row: QWidget, channel: RankedChannel) -> None:
        """Show a channel beside its row, unless the pointer leaves at once."""
        self._row, self._channel = row, channel
        if self.isVisible():
            self._show()
        else:
            self._wait.start()

    @Slot()
    def end(self) -> None:
        """Show nothing."""
        self._wait.stop()
        self.hide()

    @Slot()
    def update_pictures(self) -> None:
        """Show the channel on the look as it is now."""
        if self.isVisible():
            self._show()

    def _show(self) -> None:
        row, channel = self._row, self._channel
        if row is None or channel is None or not row.isVisible():
            return
        self.strip.set_strength(self._session.channels.strength(channel))
        self.adjustSize()
        room = row.screen().availableGeometry()
        right = row.mapToGlobal(QPoint(row.width() + GRID, 0))
        left = row.mapToGlobal(QPoint(-GRID - self.width(), 0))
        at = right if right.x() + self.width() <= room.right() else left
        at.setY(max(room.top(), min(at.y(), room.bottom() - self.height())))
        self.move(at)
        self.strip.update()
        self.show()

    def _look_at(self, strength: float) -> Look | None:
        if self._channel is None:
            return None
        return self._session.channels.look_with(self._session.look_of(), self._channel, strength)

    def _show_pictures(self) -> None:
        self.strip.update()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        self.thumbnails.clear()
        self.end()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("raised"))
        p.setPen(QPen(color("border"), 1))
        p.drawRect(self.rect().adjusted(0, 0, -1, -1))
        p.end()
