"""The picture: paints frames straight from their bytes and turns the hand on it into drags."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
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
from explorer.widgets.controls.event_filters import keep_keys
from explorer.widgets.controls.theme import GRID, color, value_font, view_color
from explorer.widgets.controls.view_chip import paint_chip
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.gestures import Drag, Mode, cursor_of, describe, mode_of
from explorer.widgets.viewer.slit_handles import Part, paint_slit, part_at, pulled

if TYPE_CHECKING:
    from explorer.render.results import Frame
    from explorer.state import Slit

__all__ = ["ImageView", "image_of"]

WALK_SEEDS = 1.5  # seeds walked by a drag across the whole picture: fast enough to travel, slow enough to aim
_STALE_OPACITY = 0.35
_GRID_PX = 14.0  # screen pixels a picture pixel must have before lines between pixels help


def image_of(frame: Frame) -> QImage:
    """A QImage over a copy of the frame's bytes (BGRX)."""
    # The copy costs 0.06 ms at 1024 x 1024 and lets the renderer reuse its buffer at any time.
    return QImage(
        frame.pixels.data, frame.width, frame.height, frame.pixels.strides[0], QImage.Format.Format_RGB32
    ).copy()


class ImageView(QWidget):
    """One picture, or two under a wipe, with zoom, pan and direct manipulation.

    Signals: `drag_started(mode)`, `dragged(mode, dx, dy)` in seeds (walk), image widths (move) or degrees
    (rotate, dx only), `drag_finished`, `drag_cancelled`; `touched` at any press; `reset_requested` at a
    double-click; `painted(view, generation)` after the paint of a new frame; `split_moved(share)` in a wipe;
    `slit_moved(Slit)` while the slit is pulled. A pull of the slit is a drag of the mode "slit".
    """

    drag_started = Signal(str)
    dragged = Signal(str, float, float)
    drag_finished = Signal()
    drag_cancelled = Signal()
    touched = Signal()
    reset_requested = Signal()
    painted = Signal(int, int)
    split_moved = Signal(float)
    slit_moved = Signal(object)

    def __init__(self, view: int, camera: Camera, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.camera = view, camera
        self.image: QImage | None = None
        self.other: QImage | None = None  # the second picture of a wipe
        self.other_view = view + 1
        self.before: QImage | None = None  # shown instead of `image` while before/after is on
        self.split = 0.5
        self.is_wiping = False
        self.is_flickering = False
        self.shows_other = False  # of the two pictures of a flicker
        self.instead: QImage | None = None  # an average that stands for the picture
        self.instead_words = ""
        self.slit: Slit | None = None
        self._matrix: tuple[float, ...] | None = None  # forward motion of the frame shown
        self._pull: tuple[Part, Slit, QPointF] | None = None
        self.is_draft = False
        self.progress = -1.0  # 0..1 under the picture, -1 hides the bar, values above 1 mean "busy"
        self.overlay = ""
        self.stale_words = ""  # why the picture is not the one asked for; empty if it is
        self._unpainted: dict[int, int] = {}  # view -> generation of a frame that no paint has shown yet
        self._drag: Drag | None = None
        camera.changed.connect(self.update)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Esc also leaves the full screen; while a drag runs it belongs to the drag.
        keep_keys(self, lambda event: event.key() == Qt.Key.Key_Escape and self._drag is not None)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(160, 160))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName(f"Picture {letter(view)}")

    # what it shows ---------------------------------------------------------------------------------------

    def set_frame(self, frame: Frame) -> None:
        """Show a frame at the next paint; only the newest of several is painted."""
        self.image = image_of(frame)
        self.stale_words = ""
        self._matrix = frame.request.transform
        self.is_draft = frame.tier < 1
        self._unpainted[frame.view] = frame.generation
        self.update()

    def set_stale(self, words: str) -> None:
        """Dim the picture, which another model made, and say what is awaited; "" or the next frame ends it."""
        if words != self.stale_words:
            self.stale_words = words
            self.update()

    def set_image(self, image: QImage | None) -> None:
        """Show a picture that is no frame, or nothing."""
        self.image = image
        self.update()

    def set_other_frame(self, frame: Frame) -> None:
        """The same for the picture right of the wipe's divider."""
        self.other = image_of(frame)
        self._unpainted[frame.view] = frame.generation
        self.update()

    def set_other(self, image: QImage | None) -> None:
        """The picture right of the wipe's divider, if it is no frame."""
        self.other = image
        self.update()

    def set_before(self, image: QImage | None) -> None:
        """Show `image` instead of the frame until it is set to None again."""
        self.before = image
        self.update()

    def set_wiping(self, wiping: bool) -> None:
        """Show the other picture right of a divider that can be dragged."""
        self.is_wiping = wiping
        self.update()

    def set_flickering(self, on: bool, shows_other: bool = False) -> None:
        """Show this picture and the other one in turn: the other now if `shows_other`."""
        self.is_flickering, self.shows_other = on, on and shows_other
        self.update()

    def set_split(self, share: float) -> None:
        """Where the wipe's divider stands, 0..1."""
        if share != self.split:
            self.split = share
            self.update()

    def set_instead(self, image: QImage | None, words: str = "") -> None:
        """Show another picture instead of the frame, and what it is; None shows the frame."""
        self.instead, self.instead_words = image, words
        self.update()

    def set_slit(self, slit: Slit | None) -> None:
        """The line of the slit-scan over the picture; None for none."""
        if slit != self.slit:
            self.slit = slit
            self.update()

    def set_progress(self, share: float) -> None:
        """The thin bar under the picture: 0..1, -1 for none."""
        if share != self.progress:
            self.progress = share
            self.update()

    def set_overlay(self, text: str) -> None:
        """A few words over the picture's lower edge; empty for none."""
        if text != self.overlay:
            self.overlay = text
            self.update()

    def area(self) -> QRectF:
        """The part of the widget that pictures may fill."""
        return QRectF(self.rect())

    def picture_rect(self) -> QRectF:
        """Where the picture lies, in widget coordinates; a square for want of a picture."""
        image = self.image
        width, height = (image.width(), image.height()) if image is not None else (1, 1)
        return self._rect_of(width, height)

    def _rect_of(self, width: int, height: int) -> QRectF:
        return self.camera.rect(width, height, self.area(), self.devicePixelRatioF())

    @property
    def is_dragging(self) -> bool:
        """Whether a drag is running."""
        return self._drag is not None

    # hands -----------------------------------------------------------------------------------------------

    def _split_x(self) -> float:
        rect = self.picture_rect().intersected(self.area())
        return rect.left() + self.split * rect.width()

    def _on_divider(self, at: QPointF) -> bool:
        return self.is_wiping and self.other is not None and abs(at.x() - self._split_x()) < 8

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.touched.emit()
        if self._drag is not None:
            return  # a second button during a drag changes nothing
        mode = mode_of(event.button(), event.modifiers())
        if mode is None or (self.image is None and mode != "pan"):
            event.ignore()
            return
        part = self._slit_part(event.position()) if mode == "walk" else None
        if part is not None and self.slit is not None:
            mode, self._pull = "slit", (part, self.slit, event.position())
        elif mode == "walk" and self._on_divider(event.position()):
            mode = "wipe"
        self.setCursor(Qt.CursorShape.ClosedHandCursor if mode == "walk" else cursor_of(mode))
        self._drag = Drag(mode, event.position(), self.picture_rect())
        if mode in ("walk", "move", "rotate", "slit"):
            self.set_overlay(describe(mode, (0.0, 0.0)))
            self.drag_started.emit(mode)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        drag = self._drag
        if drag is None:
            self._show_cursor(event.position(), event.modifiers())
            return
        if drag.mode == "pan":
            self.camera.move(event.position() - drag.last, self.area())
            drag.last = event.position()
        elif drag.mode == "slit" and self._pull is not None:
            part, slit, start = self._pull
            self.slit_moved.emit(pulled(slit, part, start, event.position(), self._matrix, self.picture_rect()))
        elif drag.mode == "wipe":
            rect = self.picture_rect().intersected(self.area())
            self.split = min(1.0, max(0.0, (event.position().x() - rect.left()) / max(1.0, rect.width())))
            self.split_moved.emit(self.split)
            self.update()
        else:
            scale = WALK_SEEDS if drag.mode == "walk" else 1.0
            dx, dy = drag.step(event.position())
            self.set_overlay(describe(drag.mode, (drag.total[0] * scale, drag.total[1] * scale)))
            if dx or dy:
                self.dragged.emit(drag.mode, dx * scale, dy * scale)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._drag is not None:
            self._end_drag(cancelled=False)
            self._show_cursor(event.position(), event.modifiers())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset_requested.emit()

    def cancel_drag(self) -> None:
        """Take the running drag back, if there is one."""
        if self._drag is not None:
            self._end_drag(cancelled=True)

    def _end_drag(self, *, cancelled: bool) -> None:
        mode = self._drag.mode if self._drag else ""
        self._drag = None
        self.set_overlay("")
        self.unsetCursor()
        self._pull = None
        if mode in ("walk", "move", "rotate", "slit"):
            (self.drag_cancelled if cancelled else self.drag_finished).emit()

    def _show_cursor(self, at: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        mode: Mode | None = mode_of(Qt.MouseButton.LeftButton, modifiers) if self.image is not None else None
        if self._slit_part(at) is not None:
            mode = "slit"
        elif self._on_divider(at):
            mode = "wipe"
        self.setCursor(cursor_of(mode))

    def _slit_part(self, at: QPointF) -> Part | None:
        if self.slit is None or self.image is None:
            return None
        return part_at(at, self.slit, self._matrix, self.picture_rect())

    def wheelEvent(self, event: QWheelEvent) -> None:
        ticks = event.angleDelta().y() / 120.0
        if ticks and self.image is not None:
            self.camera.zoom_at(1.2**ticks, event.position(), self.area())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._drag is not None:
            self.cancel_drag()
        else:
            event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # Alt+Tab in the middle of a drag: the release may never come.
        if event.reason() == Qt.FocusReason.ActiveWindowFocusReason:
            self.cancel_drag()
        self.update()

    def hideEvent(self, event: QHideEvent) -> None:
        # A hidden widget gets no release: what was dragged so far stays.
        if self._drag is not None:
            self._end_drag(cancelled=False)
        super().hideEvent(event)

    # painting --------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("canvas"))
        other = self.other if self.shows_other else None
        image = next((i for i in (self.before, other, self.instead) if i is not None), self.image)
        if image is not None:
            rect = self._rect_of(image.width(), image.height())
            p.setOpacity(_STALE_OPACITY if self.stale_words else 1.0)
            self._paint_image(p, image, rect)
            p.setOpacity(1.0)
            if self.is_wiping and self.other is not None:
                self._paint_wipe(p, rect)
            self._paint_grid(p, image, rect)
            if self.slit is not None:
                paint_slit(p, self.slit, self._matrix, self.picture_rect(), self._pull is not None)
        if self.before is not None:
            self._paint_pill(p, "before", top=True)
        elif self.instead is not None and self.instead_words:
            self._paint_pill(p, self.instead_words, top=True)
        if self.is_flickering and self.other is not None:
            self._paint_letter(p, self.other_view if self.shows_other else self.view)
        if self.overlay or self.stale_words:
            self._paint_pill(p, self.overlay or self.stale_words)
        if self.progress >= 0:
            share = min(1.0, self.progress)
            p.fillRect(QRectF(0, self.height() - 2, self.width() * share, 2), view_color(self.view))
        p.end()
        if self._unpainted:
            shown, self._unpainted = self._unpainted, {}
            for view, generation in shown.items():
                self.painted.emit(view, generation)

    def _paint_image(self, p: QPainter, image: QImage, rect: QRectF) -> None:
        scale = rect.width() * self.devicePixelRatioF() / max(1, image.width())
        # A draft has few large pixels, which are no pixels of the picture: it is always smoothed.
        squares = self.camera.shows_grid and self.camera.zoom > 1.0 and scale >= 2 * _GRID_PX
        smooth = self.is_draft or (self.camera.is_smooth and not squares)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        p.drawImage(rect, image)

    def _paint_wipe(self, p: QPainter, rect: QRectF) -> None:
        assert self.other is not None
        seen = rect.intersected(self.area())
        x = self._split_x()
        p.save()
        p.setClipRect(QRectF(x, seen.top(), seen.right() - x, seen.height()))
        self._paint_image(p, self.other, self._rect_of(self.other.width(), self.other.height()))
        p.restore()
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("text"), 1))
        p.drawLine(QPointF(x, seen.top()), QPointF(x, seen.bottom()))
        p.setBrush(color("panel"))
        p.setPen(QPen(color("text"), 1))
        handle = QRectF(x - 5, seen.center().y() - 14, 10, 28)
        p.drawRoundedRect(handle, 5, 5)
        for view, side in ((self.view, -1), (self.other_view, 1)):
            paint_chip(p, QRectF(x + side * 20 - 9, seen.center().y() - 9, 18, 18), view)

    def _paint_letter(self, p: QPainter, view: int) -> None:
        """Which of the two pictures of a flicker is seen."""
        paint_chip(p, QRectF(self.width() - 4 * GRID, GRID, 3 * GRID, 3 * GRID), view)

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
        width = p.fontMetrics().horizontalAdvance(text) + 3 * GRID
        y = 2 * GRID if top else self.height() - 5 * GRID
        box = QRectF(QPointF(QPoint((self.width() - width) // 2, y)), QSize(width, 3 * GRID))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("window", 215))
        p.drawRoundedRect(box, 12, 12)
        p.setPen(color("text"))
        p.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
