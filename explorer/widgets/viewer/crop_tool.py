"""Cropping a source on the picture itself: the original, with a frame that is moved, scaled and turned."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPolygonF

from explorer.state import Crop
from explorer.state.crops import Frame, clamped, frame_of
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.viewer.tools import PassiveTool, PictureView

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

__all__ = ["CropTool"]

GRAB_PX = 12.0
HANDLE_PX = 5.0
STEM_PX = 24.0
"""From the upper side of the frame to the handle that turns it, in pixels of the screen."""

INSET = 0.28
"""Side of the small picture of the result, as a share of the widget's shorter side."""

Grip = Literal["", "move", "scale", "turn"]


class CropTool(PassiveTool):
    """The original of a source with the frame that the network is given.

    A drag within the frame moves it, one at a corner scales it about its middle, and one at the handle above it, or
    outside it, turns it. The result is shown small in a corner.

    Signals: `moved(Crop)` during a drag; `reset` at a double-click; `left` when the user wants no more.
    """

    moved = Signal(object)
    reset = Signal()
    left = Signal()
    undo_name = "Crop source"

    def __init__(self, picture: PictureView) -> None:
        super().__init__(picture)
        self.is_on = False
        self._original: QImage | None = None
        self._size = (1, 1)
        self._crop = Crop()
        self._grip: Grip = ""
        self._from = QPointF()
        self._begun = Crop()

    def set_on(self, is_on: bool) -> None:
        """Show the original and let drags change the frame, or end that."""
        self.is_on = is_on
        self.picture.update()

    def show(self, original: QImage | None, crop: Crop, size: tuple[int, int]) -> None:
        """Show an original and the crop on it; `size`: (height, width) of the network."""
        self._original, self._crop, self._size = original, crop, size
        self.picture.update()

    # -- places --------------------------------------------------------------------------------------------

    @property
    def _shape(self) -> tuple[int, int]:
        assert self._original is not None
        return self._original.height(), self._original.width()

    def _frame(self, crop: Crop) -> Frame:
        return frame_of(crop, self._shape, self._size)

    def _pixel(self) -> float:
        """Return screen pixels for each pixel of the original."""
        assert self._original is not None
        return max(self.picture.rect_of(self._original).width() / self._original.width(), 1e-6)

    def _on_screen(self, at: tuple[float, float]) -> QPointF:
        assert self._original is not None
        rect, pixel = self.picture.rect_of(self._original), self._pixel()
        return rect.topLeft() + QPointF(at[0] * pixel, at[1] * pixel)

    def _in_original(self, at: QPointF) -> tuple[float, float]:
        assert self._original is not None
        offset = (at - self.picture.rect_of(self._original).topLeft()) / self._pixel()
        return offset.x(), offset.y()

    def _handle(self, frame: Frame) -> QPointF:
        return self._on_screen(frame.to_picture((0.5, -STEM_PX / self._pixel() / frame.height)))

    def _grip_at(self, at: QPointF) -> Grip:
        frame = self._frame(self._crop)
        if (at - self._handle(frame)).manhattanLength() <= GRAB_PX:
            return "turn"
        if any((at - self._on_screen(corner)).manhattanLength() <= GRAB_PX for corner in frame.corners):
            return "scale"
        x, y = frame.to_frame(self._in_original(at))
        return "move" if 0.0 <= x <= 1.0 and 0.0 <= y <= 1.0 else "turn"

    # -- the pointer ---------------------------------------------------------------------------------------

    def substitute(self) -> QImage | None:
        """Return the original while it is on."""
        return self._original if self.is_on else None

    def caption(self) -> str:
        """Return what to do."""
        text = "Drag: move   corner: scale   outside: turn"
        return text if self.is_on else ""

    def hit(self, at: QPointF) -> bool:
        """Return whether it is on."""
        return self.is_on and self._original is not None

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        """Return the cursor of what a drag would do."""
        shapes = {
            "move": Qt.CursorShape.SizeAllCursor,
            "scale": Qt.CursorShape.SizeFDiagCursor,
            "turn": Qt.CursorShape.PointingHandCursor,
        }
        return shapes[self._grip or self._grip_at(at)]

    def press(self, at: QPointF) -> None:
        """Hold what is under the pointer."""
        self._grip, self._from, self._begun = self._grip_at(at), at, self._crop

    def move(self, at: QPointF) -> None:
        """Move, scale or turn the frame from where it was at the press."""
        if not self._grip or self._original is None:
            return
        begun, frame = self._begun, self._frame(self._begun)
        middle = self._on_screen((frame.x, frame.y))
        before, now = self._from - middle, at - middle
        if self._grip == "move":
            wide = self._frame(Crop()).width * self._pixel()
            step = at - self._from
            crop = replace(begun, x=begun.x + step.x() / wide, y=begun.y + step.y() / wide)
        elif self._grip == "scale":
            factor = math.hypot(now.x(), now.y()) / max(math.hypot(before.x(), before.y()), 1.0)
            crop = replace(begun, scale=begun.scale * factor)
        else:
            turned = math.atan2(-now.y(), now.x()) - math.atan2(-before.y(), before.x())
            crop = replace(begun, rotate=begun.rotate + math.degrees(turned))
        self.moved.emit(clamped(crop, self._shape, self._size))

    def release(self) -> None:
        """End the drag."""
        self._grip = ""

    # -- painting ------------------------------------------------------------------------------------------

    def paint(self, p: QPainter) -> None:
        """Paint the frame, its handles, and the result in a corner."""
        if not self.hit(QPointF()) or self._original is None:
            return
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame, rect = self._frame(self._crop), self.picture.rect_of(self._original)
        corners = QPolygonF([self._on_screen(corner) for corner in frame.corners])
        outside, inside = QPainterPath(), QPainterPath()
        outside.addRect(rect)
        inside.addPolygon(corners)
        inside.closeSubpath()
        p.fillPath(outside.subtracted(inside), color("canvas", 170))
        p.setBrush(Qt.BrushStyle.NoBrush)
        for width, role, alpha in ((3.0, "canvas", 150), (1.5, "accent", 255)):
            p.setPen(QPen(color(role, alpha), width))
            p.drawPolygon(corners)
        p.setPen(QPen(color("text", 90), 1.0))
        for share in (1 / 3, 2 / 3):
            for ends in (((share, 0.0), (share, 1.0)), ((0.0, share), (1.0, share))):
                p.drawLine(*(self._on_screen(frame.to_picture(end)) for end in ends))
        handle = self._handle(frame)
        p.setPen(QPen(color("accent"), 1.5))
        p.drawLine(self._on_screen(frame.to_picture((0.5, 0.0))), handle)
        p.setPen(QPen(color("canvas", 200), 1.0))
        p.setBrush(color("text"))
        p.drawEllipse(handle, HANDLE_PX, HANDLE_PX)
        p.setBrush(color("accent"))
        for corner in frame.corners:
            p.drawEllipse(self._on_screen(corner), HANDLE_PX, HANDLE_PX)
        p.setBrush(Qt.BrushStyle.NoBrush)
        self._paint_result(p)

    def _paint_result(self, p: QPainter) -> None:
        image, area = self.picture.image, self.picture.area()
        if image is None:
            return
        side = INSET * min(area.width(), area.height())
        scale = side / max(image.width(), image.height(), 1)
        width, height = image.width() * scale, image.height() * scale
        rect = QRectF(area.right() - width - GRID, area.bottom() - height - GRID, width, height)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        p.drawImage(rect, image)
        p.setPen(QPen(color("window"), 2.0))
        p.drawRect(rect)
