"""A bundled or opened model as a card: its picture, name and family; a click loads it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from explorer.checkpoints.bundled import Bundled
from explorer.widgets.controls.plain_text import line_text, tip_text
from explorer.widgets.controls.theme import color, value_font
from explorer.widgets.controls.thumbnails import paint_thumbnail
from explorer.widgets.controls.view_chip import paint_chip

__all__ = ["ModelCard"]


def _picture_of(item: Bundled) -> QImage | None:
    """Return the model's own picture, or the first of its sheet of samples (8 by 8), or None."""
    if item.thumbnail is not None:
        return QImage(str(item.thumbnail))
    sheet = QImage(str(item.path.with_name(f"{item.path.stem}-samples-psi0.7.png")))
    side = min(sheet.width(), sheet.height()) // 8
    return sheet.copy(0, 0, side, side) if side else None


class ModelCard(QWidget):
    """`chosen(name)` at a click or Enter. Letters mark the views that show the model."""

    chosen = Signal(str)

    def __init__(self, item: Bundled) -> None:
        super().__init__()
        self.item = item
        self.family = item.family
        self._image = _picture_of(item)
        self.views: tuple[int, ...] = ()
        self._hover = False
        self.setFixedHeight(44)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.title = line_text(item.title or item.name)
        self.setAccessibleName(self.title)
        self.setToolTip(tip_text(f"Load {self.title} into the active view"))

    def set_views(self, views: tuple[int, ...]) -> None:
        """Which views show it."""
        if views != self.views:
            self.views = views
            self.update()

    @property
    def has_picture(self) -> bool:
        """Whether the model came with a picture, or one has been set."""
        return self._image is not None

    def set_family(self, family: str) -> None:
        """Name the family, which a file tells only once it is loaded."""
        if family != self.family:
            self.family = family
            self.update()

    def set_picture(self, image: QImage) -> None:
        """A picture of what the model makes."""
        self._image = image
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.item.name)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.item.name)
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEvent) -> None:
        self._hover = True
        self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = False
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._hover or self.hasFocus():
            p.setPen(QPen(color("accent"), 1) if self.hasFocus() else Qt.PenStyle.NoPen)
            p.setBrush(color("raised"))
            p.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
        paint_thumbnail(p, self._image, QRectF(4, 4, 36, 36))
        room = self.width() - 52 - 22 * len(self.views)
        name = QFontMetrics(p.font()).elidedText(self.title, Qt.TextElideMode.ElideMiddle, room)
        p.setPen(color("text"))
        p.drawText(QRectF(48, 5, room, 18), int(Qt.AlignmentFlag.AlignVCenter), name)
        p.setFont(value_font(self.font()))
        p.setPen(color("muted"))
        p.drawText(QRectF(48, 22, room, 16), int(Qt.AlignmentFlag.AlignVCenter), line_text(self.family, 60))
        for i, view in enumerate(self.views):
            box = QRectF(self.width() - 22 * (len(self.views) - i), 14, 16, 16)
            paint_chip(p, box, view)
        p.end()
