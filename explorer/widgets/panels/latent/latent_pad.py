"""The latent plane as a map: a seed at every grid point, a cross at the current latent; drag to walk."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.state import Classes, Latent, Look, Truncation
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color, value_font
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["LatentPad", "seed_name"]

_UNIT = 84.0  # px between neighbouring seeds
_THUMB = 44.0
_MARGIN = 0.28  # minimum distance of the cross from the edge, as a fraction of the pad
_THUMB_PSI = 0.7  # a lower psi shows the typical features by which seeds are distinguished


def seed_name(seed: int) -> str:
    """Return a seed as the pad shows it: those left of 0 are \u22121, \u22122, ..., which can be typed too."""
    return str(seed) if seed < 2**31 else f"\u2212{2**32 - seed}"


class LatentPad(QWidget):
    """Shows the current point on the plane and lets the user drag it. The map scrolls near its edge.

    Signals: `pressed`, `walked(x, y)` with the new point, `released`, `cancelled`.
    """

    pressed = Signal()
    walked = Signal(float, float)
    released = Signal()
    cancelled = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._latent = Latent()
        self._classes = Classes()
        self._centre = QPointF(0.5, 0.5)
        self._held: QPointF | None = None
        self._thumbnails = Thumbnails(session, "pad", self.update, self)
        self.setFixedHeight(156)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Latent plane")
        set_tip(
            self,
            "The latent plane: a seed at every picture, blends between them. Drag to walk, click a picture to go "
            "there, arrows to nudge",
        )

    def set_point(self, latent: Latent, classes: Classes) -> None:
        """Show a latent; `classes` determine what the seeds look like."""
        if (latent.seed, latent.stored) != (self._latent.seed, self._latent.stored):
            self._centre = QPointF(latent.x, latent.y)
        if classes != self._classes:
            self._thumbnails.clear()
        self._latent, self._classes = latent, classes
        self._follow()
        self.update()

    def forget_pictures(self) -> None:
        """Drop the thumbnails, because another model renders them differently."""
        self._thumbnails.clear()
        self.update()

    # geometry: plane coordinates to pixels and back ------------------------------------------------------

    def _pixel(self, x: float, y: float) -> QPointF:
        mid = QRectF(self.rect()).center()
        return QPointF(mid.x() + (x - self._centre.x()) * _UNIT, mid.y() + (y - self._centre.y()) * _UNIT)

    def _follow(self) -> None:
        """Scroll the map by the least amount that keeps the cross inside."""
        reach_x = self.width() * (0.5 - _MARGIN) / _UNIT
        reach_y = self.height() * (0.5 - _MARGIN) / _UNIT
        x = min(max(self._centre.x(), self._latent.x - reach_x), self._latent.x + reach_x)
        y = min(max(self._centre.y(), self._latent.y - reach_y), self._latent.y + reach_y)
        self._centre = QPointF(x, y)

    def _corners(self) -> list[tuple[int, int]]:
        half_x, half_y = self.width() / 2 / _UNIT + 0.3, self.height() / 2 / _UNIT + 0.3
        columns = range(math.ceil(self._centre.x() - half_x), math.floor(self._centre.x() + half_x) + 1)
        rows = range(math.ceil(self._centre.y() - half_y), math.floor(self._centre.y() + half_y) + 1)
        return [(i, j) for j in rows for i in columns]

    def _seed(self, i: int, j: int) -> int:
        return (self._latent.seed + i + 100 * j) % 2**32

    # input -----------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._held is not None:
            return
        self.pressed.emit()
        at = event.position()
        near = min(self._corners(), key=lambda c: (self._pixel(*c) - at).manhattanLength(), default=None)
        cross = self._pixel(self._latent.x, self._latent.y)
        on_thumb = near is not None and QRectF(0, 0, _THUMB, _THUMB).translated(
            self._pixel(*near) - QPointF(_THUMB / 2, _THUMB / 2)
        ).contains(at)
        if (cross - at).manhattanLength() > 14:
            where = QPointF(*near) if on_thumb and near is not None else self._centre + self._plane_offset(at)
            self.walked.emit(where.x(), where.y())
        self._held = at

    def _plane_offset(self, at: QPointF) -> QPointF:
        return (at - QRectF(self.rect()).center()) / _UNIT

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is None:
            return
        step = (event.position() - self._held) / _UNIT
        self._held = event.position()
        self.walked.emit(self._latent.x + step.x(), self._latent.y + step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held is not None and event.button() == Qt.MouseButton.LeftButton:
            self._held = None
            self.released.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        if self._held is not None:  # a hidden widget receives no release event
            self._held = None
            self.released.emit()
        super().hideEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._held is not None:
            self._held = None
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    # painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        clip = QPainterPath()
        clip.addRoundedRect(box, 4, 4)
        p.setClipPath(clip)
        p.fillPath(clip, color("sunken"))
        p.setFont(value_font(self.font()))
        corners = self._corners()
        for i in {i for i, _ in corners}:
            p.fillRect(QRectF(round(self._pixel(i, 0).x()), 0, 1, self.height()), color("border"))
        for j in {j for _, j in corners}:
            p.fillRect(QRectF(0, round(self._pixel(0, j).y()), self.width(), 1), color("border"))
        for i, j in corners:
            self._paint_corner(p, i, j)
        self._paint_cross(p)
        p.setClipping(False)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(color("accent" if self.hasFocus() else "border"), 1))
        p.drawRoundedRect(box, 4, 4)
        p.end()

    def _paint_corner(self, p: QPainter, i: int, j: int) -> None:
        at, seed = self._pixel(i, j), self._seed(i, j)
        latent = Latent(seed=seed)
        key, name = f"{seed}", seed_name(seed)
        if (i, j) == (0, 0) and (self._latent.stored or self._latent.blend is not None):
            latent = replace(self._latent, x=0.0, y=0.0)
            key, name = f"origin-{hash(latent)}", "stored" if self._latent.blend is None else "blend"
        look = Look(latent=latent, classes=self._classes, truncation=Truncation(psi=_THUMB_PSI))
        box = QRectF(at.x() - _THUMB / 2, at.y() - _THUMB / 2, _THUMB, _THUMB)
        paint_thumbnail(p, self._thumbnails.get(key, look), box)
        p.setPen(color("muted"))
        p.drawText(QRectF(at.x() - 42, box.bottom() + 1, 84, 14), Qt.AlignmentFlag.AlignCenter, name)

    def _paint_cross(self, p: QPainter) -> None:
        at = self._pixel(self._latent.x, self._latent.y)
        for pen in (QPen(color("canvas"), 4), QPen(color("accent"), 2)):
            p.setPen(pen)
            p.setBrush(Qt.BrushStyle.NoBrush)
            p.drawEllipse(at, 7, 7)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                p.drawLine(at + QPointF(dx * 7, dy * 7), at + QPointF(dx * 11, dy * 11))
