"""PictureField: small pictures to choose among, by mouse and keys; they can be dragged, and are shown larger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.look_drag import drag_look, is_drag
from explorer.widgets.controls.picture_tip import PictureTip
from explorer.widgets.controls.plain_text import line_text
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["PictureField", "PictureItem"]

_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


@dataclass(frozen=True, slots=True)
class PictureItem:
    """One picture: its look, and what is told of it while the pointer rests on it."""

    look: Look
    tip: str


class PictureField(QWidget):
    """Pictures in places that a subclass gives by `box`.

    Signals, each with the number of a picture: `chosen` by a click or Enter, `menu_requested(number, place)` by the
    right button or the menu key, `removed` by Delete.

    Args:
        session: Renders the pictures, those that are painted only.
        name: What the field is, for screen readers; also the prefix of the pictures' keys.
        px: Longer side of the pictures, in pixels.
    """

    chosen = Signal(int)
    menu_requested = Signal(int, QPoint)
    removed = Signal(int)

    def __init__(self, session: Session, name: str, px: int = 96) -> None:
        super().__init__()
        self._session = session
        self.items: tuple[PictureItem, ...] = ()
        self.cursor_at, self.hovered = -1, -1
        self._thumbnails = Thumbnails(session, name, self.update, self, max_px=px)
        self._pressed: tuple[int, QPointF] | None = None
        self.tip = PictureTip(self, session, f"{name}, larger", self._told_at)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(name)
        claim_keys(self, self.wants_key)

    def show_items(self, items: tuple[PictureItem, ...]) -> None:
        """Show pictures in place of those before."""
        self.items = items
        self.cursor_at = min(self.cursor_at, len(items) - 1)
        self.hovered = -1
        self.updateGeometry()
        self.update()

    def forget_pictures(self) -> None:
        """Drop the pictures, because another model makes others."""
        self._thumbnails.clear()
        self.tip.forget_pictures()
        self.update()

    # what a subclass gives ---------------------------------------------------------------------------------

    def box(self, index: int) -> QRectF:
        """Return where a picture is painted."""
        raise NotImplementedError

    def area(self, index: int) -> QRectF:
        """Return where the pointer is on a picture."""
        return self.box(index)

    def next_to(self, index: int, dx: int, dy: int) -> int:
        """Return the number of the picture that an arrow key leads to."""
        start = self.box(index).center()
        ahead = [(i, self.box(i).center() - start) for i in range(len(self.items)) if i != index]
        ways = [(abs(at.x()) + abs(at.y()) + 2 * abs(at.x() * dy + at.y() * dx), i)
                for i, at in ahead if at.x() * dx + at.y() * dy > 1.0]  # fmt: skip
        return min(ways)[1] if ways else index

    def wants_key(self, event: QKeyEvent) -> bool:
        """Return whether a key is for this field, and no shortcut of the window."""
        return event.key() in (*_STEPS, *_ENTER, Qt.Key.Key_Delete)

    # input -------------------------------------------------------------------------------------------------

    def index_at(self, at: QPointF) -> int:
        """Return the number of the picture at a place, or -1."""
        return next((i for i in range(len(self.items)) if self.area(i).contains(at)), -1)

    def _told_at(self, at: QPointF) -> tuple[Look, str] | None:
        index = self.index_at(at)
        return (self.items[index].look, self.items[index].tip) if index >= 0 else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._pressed = index, event.position()
            self.move_cursor(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.index_at(event.position()))
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        index, start = self._pressed
        if is_drag(start, event.position()):
            self._pressed = None
            drag_look(self, self.items[index].look, self.image(index))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.index_at(event.position()) == pressed[0]:
            self.choose(pressed[0], event.modifiers())

    def choose(self, index: int, modifiers: Qt.KeyboardModifier) -> None:
        """Choose a picture, as a click with these keys does."""
        self.chosen.emit(index)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)

    def _hover(self, index: int) -> None:
        if index != self.hovered:
            self.hovered = index
            self.setCursor(Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor)
            self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.cursor_at if by_key else self.index_at(QPointF(event.pos()))
        if index >= 0:
            self.move_cursor(index)
            self.menu_requested.emit(index, event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if not self.items or not self.wants_key(event):
            super().keyPressEvent(event)
        elif key in _STEPS:
            self.move_cursor(self.next_to(self.cursor_at, *_STEPS[key]) if self.cursor_at >= 0 else 0)
        elif self.cursor_at >= 0 and key in _ENTER:
            self.choose(self.cursor_at, event.modifiers())
        elif self.cursor_at >= 0 and key == Qt.Key.Key_Delete:
            self.removed.emit(self.cursor_at)

    def move_cursor(self, index: int) -> None:
        """Mark the picture that the keys act on."""
        self.cursor_at = index
        self.setAccessibleDescription(line_text(self.items[index].tip) if index >= 0 else "")
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        if self.cursor_at < 0 and self.items:
            self.move_cursor(0)
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # painting ----------------------------------------------------------------------------------------------

    def image(self, index: int) -> QImage | None:
        """Return a picture; None while it is rendered."""
        look = self.items[index].look
        # With the view in its key: a picture of another view's model may still arrive.
        return self._thumbnails.get(f"{self._session.active}/{hash(look)}", look)

    def paint_cursor(self, p: QPainter) -> None:
        """Mark the picture that the keys act on, and the one under the pointer."""
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setBrush(Qt.BrushStyle.NoBrush)
        marked = [(self.hovered, "muted")] + ([(self.cursor_at, "text")] if self.hasFocus() else [])
        for index, role in marked:
            if 0 <= index < len(self.items):
                p.setPen(QPen(color(role), 1.5))
                p.drawRoundedRect(self.box(index).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)
