"""PictureTip: a larger picture with a text, shown while the pointer rests on a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from explorer.widgets.controls.plain_text import PlainLabel, tip_text
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["PictureTip"]

_PX = 224
_LEAVING = {
    QEvent.Type.Leave, QEvent.Type.MouseButtonPress, QEvent.Type.Wheel, QEvent.Type.Hide, QEvent.Type.KeyPress,
    QEvent.Type.WindowDeactivate,
}  # fmt: skip


class PictureTip(QObject):
    """Shows the picture of what the pointer rests on, in place of a widget's tooltip.

    Args:
        widget: Where the pointer rests.
        session: Renders the pictures.
        prefix: Prefix of their keys.
        at: Returns the look and the text for a place in the widget; None there shows nothing.
    """

    def __init__(
        self, widget: QWidget, session: Session, prefix: str, at: Callable[[QPointF], tuple[Look, str] | None]
    ) -> None:
        super().__init__(widget)
        self._widget, self._at = widget, at
        self._thumbnails = Thumbnails(session, prefix, self._update, self, max_px=_PX)
        self._shown: tuple[Look, str] | None = None
        self.card = _Card(self)
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def forget_pictures(self) -> None:
        """Drop the pictures, because another model makes others."""
        self._thumbnails.clear()
        self.hide()

    def hide(self) -> None:
        """Hide the picture."""
        self._shown = None
        self.card.hide()

    def _update(self) -> None:
        self.card.update()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            self._show(self._at(QPointF(event.pos())), event.globalPos())
            return True
        if event.type() in _LEAVING:
            self.hide()
        elif event.type() == QEvent.Type.MouseMove and self._shown is not None:
            at = QPointF(self._widget.mapFromGlobal(self._widget.cursor().pos()))
            if self._at(at) != self._shown:
                self.hide()
        return False

    def _show(self, found: tuple[Look, str] | None, where: QPoint) -> None:
        self.hide()
        if found is not None:
            self._shown = found
            self.card.open(found[1], where)

    def paint(self, p: QPainter, box: QRectF) -> None:
        """Paint the picture that is shown, or its place while it is rendered."""
        if self._shown is not None:
            look = self._shown[0]
            paint_thumbnail(p, self._thumbnails.get(f"{hash(look)}", look), box)


class _Card(QFrame):
    """The card: the picture above its text."""

    def __init__(self, tip: PictureTip) -> None:
        super().__init__(tip._widget, Qt.WindowType.ToolTip)
        self._beside = tip._widget
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._picture = _Picture(tip)
        self.text = PlainLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(GRID, GRID, GRID, GRID)
        layout.setSpacing(GRID // 2)
        layout.addWidget(self._picture)
        layout.addWidget(self.text)

    def open(self, text: str, where: QPoint) -> None:
        """Show the card beside the widget, so that it covers none of its pictures, and within the screen."""
        self.text.setText(tip_text(text))
        self.adjustSize()
        screen = QGuiApplication.screenAt(where) or QGuiApplication.primaryScreen()
        room, widget = screen.availableGeometry(), self._beside
        edge = widget.visibleRegion().boundingRect()
        x = widget.mapToGlobal(edge.topRight()).x() + 2 * GRID
        if x + self.width() > room.right():
            x = widget.mapToGlobal(edge.topLeft()).x() - 2 * GRID - self.width()
        y = min(where.y() - self.height() // 3, room.bottom() - self.height())
        self.move(max(room.left(), x), max(room.top(), y))
        self.show()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("raised"))
        p.setPen(color("border"))
        p.drawRect(self.rect().adjusted(0, 0, -1, -1))
        p.end()


class _Picture(QWidget):
    """The picture of the card."""

    def __init__(self, tip: PictureTip) -> None:
        super().__init__()
        self._tip = tip
        self.setFixedSize(QSize(_PX, _PX))

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        self._tip.paint(p, QRectF(self.rect()))
        p.end()
