"""The slit-scans under the pictures: one strip per view, with the newest column at the right edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from explorer.state.view_layout import MAX_VIEWS, is_overlaid, visible_views
from explorer.util.view_marks import letter
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.view_chip import paint_chip

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["ScanRow", "ScanStrip"]

HEIGHT = 112
HEIGHT_OF_MANY = 172  # of all rows together
GAP = 2  # px between rows
COLUMN_PX = 2
QWIDGETSIZE_MAX = (1 << 24) - 1


class ScanStrip(QWidget):
    """A view's slit-scan. Time runs to the right; a column shows the same time in all views."""

    def __init__(self, session: Session, view: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session, self.view = session, view
        self.image: QImage | None = None
        self.setMinimumHeight(48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(f"Slit-scan {letter(view)}")

    def sizeHint(self) -> QSize:
        return QSize(240, HEIGHT)

    def refresh(self) -> None:
        """Update to the current scan; repainted once, however many columns were added."""
        pixels = self.session.lab.scan.picture(self.view)
        height, width = pixels.shape[:2]
        self.image = (
            QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_RGB32).copy()
            if width
            else None
        )
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("sunken"))
        if self.image is not None:
            columns = min(self.image.width(), -(-self.width() // COLUMN_PX))
            source = QRectF(self.image.width() - columns, 0, columns, self.image.height())
            target = QRectF(self.width() - columns * COLUMN_PX, 0, columns * COLUMN_PX, self.height())
            p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            p.drawImage(target, self.image, source)
        else:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "Move the picture to see its pixels scroll here")
        paint_chip(p, QRectF(GRID // 2, GRID // 2, 16, 16), self.view)
        p.setPen(color("text", 160))
        p.drawLine(QPointF(self.width() - 0.5, 0), QPointF(self.width() - 0.5, self.height()))
        p.end()


def _height_of(count: int, rows: int) -> int:
    """Return the height of a strip in pixels."""
    if count <= 2:
        return HEIGHT if rows == 1 else HEIGHT * 3 // 4
    return (HEIGHT_OF_MANY - (rows - 1) * GAP) // rows


class ScanRow(QWidget):
    """The strips of the visible views: in columns like the pictures, or below each other."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.strips: list[ScanStrip] = []
        self._columns = 1
        self._shown: tuple[int, ...] = ()  # views of the strips on screen
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, GRID // 2)
        self._grid.setHorizontalSpacing(GRID)
        self._grid.setVerticalSpacing(GAP)
        session.lab.scan_changed.connect(self._on_scan)
        self.arrange(session.state)

    def set_columns(self, columns: int) -> None:
        """Use as many columns as the pictures."""
        self._columns = columns
        self.arrange(self.session.state)

    def arrange(self, state: ExplorerState) -> None:
        """Show the strips of the layout, or none while the slit-scan is off."""
        while len(self.strips) < len(state.views):
            self.strips.append(ScanStrip(self.session, len(self.strips), self))
        shown = visible_views(state)
        columns = 1 if is_overlaid(state) else min(len(shown), 2) if len(shown) <= 2 else self._columns
        rows = -(-len(shown) // columns)
        height = _height_of(len(shown), rows)
        for strip in self.strips:
            strip.setVisible(strip.view in shown)
        for i, view in enumerate(shown):
            self._grid.addWidget(self.strips[view], i // columns, i % columns)
            self.strips[view].setFixedHeight(height)
        # Equal height for any number of rows, because more space could change the pictures' columns.
        most = HEIGHT_OF_MANY + GRID // 2 if len(shown) > 2 else QWIDGETSIZE_MAX
        self.setMaximumHeight(most)
        self.setMinimumHeight(most if len(shown) > 2 else 0)
        for column in range(MAX_VIEWS):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        self.setVisible(state.lab.scan)
        before, self._shown = self._shown, shown if state.lab.scan else ()
        if before != self._shown:
            for strip in self.strips:
                strip.refresh()

    def _on_scan(self, view: int) -> None:
        if view < len(self.strips) and self.strips[view].isVisible():  # a new view's strip comes with its picture
            self.strips[view].refresh()
