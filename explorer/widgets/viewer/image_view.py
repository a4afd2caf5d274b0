"""The picture widget: paints frames directly from their bytes and converts pointer input to drags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.util.view_marks import letter
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.theme import GRID, color, value_font, view_color
from explorer.widgets.viewer.camera_mark import CameraMark
from explorer.widgets.viewer.crop_tool import CropTool
from explorer.widgets.viewer.gestures import UNDO_NAMES, Drag, Mode, cursor_of, describe, is_other, mode_of
from explorer.widgets.viewer.pair_tools import FlickerTool, Pair, WipeTool
from explorer.widgets.viewer.points_tool import PointsTool
from explorer.widgets.viewer.region_tool import RegionTool
from explorer.widgets.viewer.slit_tool import SlitTool
from explorer.widgets.viewer.tools import SubstituteTool, Tool

if TYPE_CHECKING:
    from explorer.render.results import Frame
    from explorer.widgets.viewer.camera import Camera

__all__ = ["ImageView", "image_of"]

WALK_SEEDS = 1.5  # seeds walked by a drag across the whole picture: fast enough to travel, slow enough to aim
_STALE_OPACITY = 0.35
_GRID_PX = 14.0  # least screen pixels per picture pixel at which the grid is drawn


def image_of(frame: Frame) -> QImage:
    """Return a QImage over a copy of the frame's bytes (BGRX)."""
    # The copy costs 0.06 ms at 1024 x 1024 and lets the renderer reuse its buffer at any time.
    return QImage(
        frame.pixels.data, frame.width, frame.height, frame.pixels.strides[0], QImage.Format.Format_RGB32
    ).copy()


class ImageView(QWidget):
    """A picture with zoom, pan, direct manipulation and tools.

    Signals: `drag_started(undo_name)`, `dragged(mode, dx, dy)` in seeds (walk), image widths (move) or degrees
    (rotate, dx only), `drag_finished`, `drag_cancelled`; `touched` at any press; `reset_requested` at a
    double-click; `painted(view, generation)` after the paint of a new frame. Tools report changes by
    their own signals, between `drag_started` and `drag_finished` if they have an undo name.

    Attributes:
        tools: Tools over the picture, topmost first: the first one is hit first, and its substitute is shown.
    """

    drag_started = Signal(str)
    dragged = Signal(str, float, float)
    drag_finished = Signal()
    drag_cancelled = Signal()
    touched = Signal()
    reset_requested = Signal()
    painted = Signal(int, int)

    def __init__(self, view: int, camera: Camera, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.camera = view, camera
        self.image: QImage | None = None
        self.matrix: tuple[float, ...] | None = None  # forward motion of the frame shown
        self.pair = Pair(self, view)
        self.region = RegionTool(self, "Click or drag: mark    right button: erase    Esc: end")
        caption = "Paint what may move    Right button or Alt: the other way round    Esc ends"
        self.free = RegionTool(self, caption)
        caption = "Paint where details stay   right button: erase"
        self.keep = RegionTool(self, caption)
        self.crop = CropTool(self)
        self.camera_mark = CameraMark(self)
        self.points = PointsTool(self)
        self.slit = SlitTool(self)
        self.before = SubstituteTool(self)
        self.wipe, self.flicker = WipeTool(self, self.pair), FlickerTool(self, self.pair)
        self.average = SubstituteTool(self)
        self.tools: list[Tool] = [
            self.camera_mark,
            self.crop,
            self.keep,
            self.region,
            self.free,
            self.points,
            self.slit,
            self.before,
            self.flicker,
            self.average,
            self.wipe,
        ]
        self.is_draft = False
        self.progress = -1.0  # 0..1 under the picture, -1 hides the bar, values above 1 mean "busy"
        self.overlay = ""
        self.stale_text = ""  # why the picture is not the requested one; empty if it is
        self._unpainted: dict[int, int] = {}  # view -> generation of a frame that no paint has shown yet
        self._drag: Drag | None = None
        self._held: Tool | None = None  # the tool that is dragged
        camera.changed.connect(self.update)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Esc also leaves full screen; during a drag it cancels the drag, while a region is marked it ends that.
        claim_keys(
            self,
            lambda event: event.key() == Qt.Key.Key_Escape and (self.is_dragging or self._editor() is not None),
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 160))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(f"Picture {letter(view)}")

    # display ---------------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame) -> None:
        """Show a frame at the next paint; of several only the newest is painted."""
        self.image = image_of(frame)
        self.stale_text = ""
        self.matrix = frame.request.transform
        self.is_draft = frame.tier < 1
        self._unpainted[frame.view] = frame.generation
        self.update()

    def set_stale(self, text: str) -> None:
        """Dim the picture of a previous model and show a text; "" or the next frame ends it."""
        if text != self.stale_text:
            self.stale_text = text
            self.update()

    def set_image(self, image: QImage | None) -> None:
        """Show a picture that is not a frame, or nothing."""
        self.image = image
        self.update()

    def set_other_frame(self, frame: Frame) -> None:
        """Show a frame of another view as the second picture of a wipe or a flicker."""
        self.pair.set_other(image_of(frame))
        self._unpainted[frame.view] = frame.generation

    def set_progress(self, fraction: float) -> None:
        """Set the thin progress bar under the picture: 0..1, or -1 for none."""
        if fraction != self.progress:
            self.progress = fraction
            self.update()

    def set_overlay(self, text: str) -> None:
        """Show a short text over the picture's lower edge; empty for none."""
        if text != self.overlay:
            self.overlay = text
            self.update()

    def area(self) -> QRectF:
        """Return the part of the widget that pictures may fill."""
        return QRectF(self.rect())

    def picture_rect(self) -> QRectF:
        """Return the picture's rectangle in widget coordinates; a square if there is no picture."""
        return self._rect_of_size(self.image.size() if self.image is not None else QSize(1, 1))

    def rect_of(self, image: QImage) -> QRectF:
        """Return the rectangle of another picture in widget coordinates."""
        return self._rect_of_size(image.size())

    def _rect_of_size(self, size: QSize) -> QRectF:
        return self.camera.rect(size.width(), size.height(), self.area(), self.devicePixelRatioF())

    @property
    def is_dragging(self) -> bool:
        """Whether a drag is in progress."""
        return self._drag is not None or self._held is not None

    # input -----------------------------------------------------------------------------------------------

    def _brush(self) -> RegionTool | None:
        """Return the tool that a region is being marked with, if any."""
        return next((tool for tool in (self.keep, self.region, self.free) if tool.is_on), None)

    def _editor(self) -> RegionTool | CropTool | None:
        """Return the tool that Esc ends, if any."""
        return self.crop if self.crop.is_on else self._brush()

    def _tool_at(self, at: QPointF) -> Tool | None:
        return next((tool for tool in self.tools if tool.hit(at)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.touched.emit()
        if self.is_dragging:
            return  # a second button during a drag changes nothing
        mode = mode_of(event.button(), event.modifiers())
        tool = self._press_tool(event, mode)
        if tool is not None:
            self._held = tool
            self.setCursor(tool.cursor(event.position()))
            name = tool.undo_name
        elif mode is None or (self.image is None and mode != "pan"):
            event.ignore()
            return
        else:
            self.setCursor(Qt.CursorShape.ClosedHandCursor if mode == "walk" else cursor_of(mode))
            self._drag = Drag(mode, event.position(), self.picture_rect())
            self.set_overlay(describe(mode, (0.0, 0.0)))
            name = UNDO_NAMES.get(mode, "")
        if name:
            self.drag_started.emit(name)

    def _press_tool(self, event: QMouseEvent, mode: Mode | None) -> Tool | None:
        """Begin the drag of a tool that takes this press, and return the tool."""
        at = event.position()
        if is_other(event.button(), event.modifiers()):
            return next((tool for tool in self.tools if tool.hit(at) and tool.press_other(at)), None)
        tool = self._tool_at(at) if mode == "walk" and self.image is not None else None
        if tool is not None:
            tool.press(at)
        return tool

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._held.move(event.position())
        elif self._drag is not None:
            self._drag_picture(self._drag, event.position())
        else:
            self._show_cursor(event.position(), event.modifiers())

    def _drag_picture(self, drag: Drag, at: QPointF) -> None:
        if drag.mode == "pan":
            self.camera.move(at - drag.last, self.area())
            drag.last = at
            return
        scale = WALK_SEEDS if drag.mode == "walk" else 1.0
        dx, dy = drag.step(at)
        self.set_overlay(describe(drag.mode, (drag.total[0] * scale, drag.total[1] * scale)))
        if dx or dy:
            self.dragged.emit(drag.mode, dx * scale, dy * scale)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self.is_dragging:
            self._end_drag(cancelled=False)
            self._show_cursor(event.position(), event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._brush() is not None:
            self.mousePressEvent(event)  # two quick clicks mark twice
        elif self.crop.is_on:
            self.crop.reset.emit()
        elif event.button() == Qt.MouseButton.LeftButton:
            self.reset_requested.emit()

    def cancel_drag(self) -> None:
        """Cancel the current drag, if any."""
        if self.is_dragging:
            self._end_drag(cancelled=True)

    def _end_drag(self, *, cancelled: bool) -> None:
        tool, drag = self._held, self._drag
        self._held = self._drag = None
        self.set_overlay("")
        self.unsetCursor()
        name = UNDO_NAMES.get(drag.mode, "") if drag is not None else ""
        if tool is not None:
            name = tool.undo_name
            (tool.cancel if cancelled else tool.release)()
        if name:
            (self.drag_cancelled if cancelled else self.drag_finished).emit()

    def _show_cursor(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        tool = self._tool_at(at)
        if tool is not None:
            self.setCursor(tool.cursor(at))
        else:
            mode = mode_of(Qt.MouseButton.LeftButton, modifiers) if self.image is not None else None
            self.setCursor(cursor_of(mode))

    def wheelEvent(self, event: QWheelEvent) -> None:
        ticks = event.angleDelta().y() / 120.0
        if ticks and self.image is not None:
            self.camera.zoom_at(1.2**ticks, event.position(), self.area())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.is_dragging:
            self.cancel_drag()
        elif event.key() == Qt.Key.Key_Escape and (editor := self._editor()) is not None:
            editor.left.emit()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # After Alt+Tab during a drag, the release event may never arrive.
        if event.reason() == Qt.FocusReason.ActiveWindowFocusReason:
            self.cancel_drag()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget receives no release event: the drag ends here and is kept.
        if self.is_dragging:
            self._end_drag(cancelled=False)
        super().hideEvent(event)

    # painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("canvas"))
        image = next((i for tool in self.tools if (i := tool.substitute()) is not None), self.image)
        if image is not None:
            rect = self.rect_of(image)
            p.setOpacity(_STALE_OPACITY if self.stale_text else 1.0)
            self.paint_image(p, image, rect)
            p.setOpacity(1.0)
            for tool in reversed(self.tools):
                tool.paint_picture(p, rect)
            self._paint_grid(p, image, rect)
        for tool in reversed(self.tools):
            tool.paint(p)
        if caption := next((text for tool in self.tools if (text := tool.caption())), ""):
            self._paint_pill(p, caption, top=True)
        if self.overlay or self.stale_text:
            self._paint_pill(p, self.overlay or self.stale_text)
        if self.progress >= 0:
            fraction = min(1.0, self.progress)
            p.fillRect(QRectF(0, self.height() - 2, self.width() * fraction, 2), view_color(self.view))
        p.end()
        if self._unpainted:
            shown, self._unpainted = self._unpainted, {}
            for view, generation in shown.items():
                self.painted.emit(view, generation)

    def paint_image(self, p: QPainter, image: QImage, rect: QRectF) -> None:
        """Paint a picture, smoothed or as squares."""
        scale = rect.width() * self.devicePixelRatioF() / max(1, image.width())
        # A draft's large pixels are not pixels of the picture, so it is always smoothed.
        squares = self.camera.shows_grid and self.camera.zoom > 1.0 and scale >= 2 * _GRID_PX
        smooth = self.is_draft or (self.camera.is_smooth and not squares)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        p.drawImage(rect, image)

    def _paint_grid(self, p: QPainter, image: QImage, rect: QRectF) -> None:
        pixel = rect.width() / max(1, image.width())
        if self.is_draft or not self.camera.shows_grid or self.camera.zoom <= 1.0 or pixel < _GRID_PX:
            return
        seen = rect.intersected(self.area())
        p.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        p.setPen(QPen(color("canvas", 110), 1))
        first = int((seen.left() - rect.left()) / pixel)
        for i in range(first, int((seen.right() - rect.left()) / pixel) + 2):
            x = rect.left() + i * pixel
            p.drawLine(QPointF(x, seen.top()), QPointF(x, seen.bottom()))
        first = int((seen.top() - rect.top()) / pixel)
        for i in range(first, int((seen.bottom() - rect.top()) / pixel) + 2):
            y = rect.top() + i * pixel
            p.drawLine(QPointF(seen.left(), y), QPointF(seen.right(), y))

    def _paint_pill(self, p: QPainter, text: str, *, top: bool = False) -> None:
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setFont(value_font(self.font()))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        most = max(1, self.width() - 4 * GRID)
        needed = p.fontMetrics().boundingRect(QRect(0, 0, most, self.height()), int(flags), text)
        width, height = needed.width() + 3 * GRID, max(3 * GRID, needed.height() + GRID)
        y = 2 * GRID if top else self.height() - 2 * GRID - height
        box = QRectF(QPointF(QPoint((self.width() - width) // 2, y)), QSize(width, height))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("window", 215))
        p.drawRoundedRect(box, 12, 12)
        p.setPen(color("text"))
        p.drawText(box, int(flags), text)
