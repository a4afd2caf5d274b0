"""ExampleSheet: a window of random pictures, each of which is put into one of two groups of examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QDialog, QSizePolicy, QVBoxLayout, QWidget

from explorer.state import Look
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.look_drag import drag_look, is_drag
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.theme import GRID, color, value_font
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail
from explorer.widgets.panels.edits.direction_examples import plain_look

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

    from explorer.session import Session

__all__ = ["COLUMNS", "ROWS", "ExampleSheet", "SheetGrid"]

COLUMNS, ROWS = 6, 4
_PX, _GAP = 92, 6
_MARK = 18
_STEPS = {
    Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -COLUMNS, Qt.Key.Key_Down: COLUMNS,
}  # fmt: skip
_GROUPS = {Qt.Key.Key_1: 1, Qt.Key.Key_2: 2, Qt.Key.Key_0: 0, Qt.Key.Key_Delete: 0, Qt.Key.Key_Backspace: 0}


class SheetGrid(QWidget):
    """The pictures. `sorted_into(Look, group)` is emitted with 1 or 2, or with 0 to take one out of both.

    Args:
        thumbnails: Renders and caches the pictures.
        group_of: Returns the group of a look, 0 for none.
    """

    sorted_into = Signal(object, int)

    def __init__(self, thumbnails: Thumbnails, group_of: Callable[[Look], int]) -> None:
        super().__init__()
        self._thumbnails, self._group_of = thumbnails, group_of
        self.looks: tuple[Look, ...] = ()
        self.current = 0
        self._pressed: QPointF | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setFixedSize(QSize(COLUMNS * (_PX + _GAP) - _GAP, ROWS * (_PX + _GAP) - _GAP))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Random pictures to sort")
        claim_keys(
            self, lambda event: event.key() in (*_STEPS, *_GROUPS)
        )  # 1 and 2 also choose the window's layout

    def show_looks(self, looks: tuple[Look, ...]) -> None:
        """Show other pictures."""
        self.looks, self.current = looks, 0
        self.update()

    def box(self, index: int) -> QRectF:
        """Return the rectangle of a picture."""
        return QRectF(index % COLUMNS * (_PX + _GAP), index // COLUMNS * (_PX + _GAP), _PX, _PX)

    def _index_at(self, at: QPointF) -> int | None:
        return next((i for i in range(len(self.looks)) if self.box(i).contains(at)), None)

    def _put(self, index: int, group: int) -> None:
        """Put a picture into a group; into the one it is in already takes it out."""
        look = self.looks[index]
        self.sorted_into.emit(look, 0 if group == self._group_of(look) else group)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if not self.looks:
            event.ignore()
        elif key in _STEPS:
            self._move_to(self.current + _STEPS[key])
        elif key in _GROUPS:
            self.sorted_into.emit(self.looks[self.current], _GROUPS[key])
            self._move_to(self.current + 1)  # so that a whole sheet is sorted by these keys alone
        else:
            event.ignore()

    def _move_to(self, index: int) -> None:
        if 0 <= index < len(self.looks):
            self.current = index
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index, button = self._index_at(event.position()), event.button()
        if index is None:
            return
        self.current = index
        if button == Qt.MouseButton.LeftButton:
            self._pressed = event.position()
        elif button == Qt.MouseButton.RightButton:
            self._put(index, 2)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is not None and is_drag(self._pressed, event.position()):
            self._pressed = None
            look = self.looks[self.current]
            drag_look(self, look, self._thumbnails.get(str(hash(look)), look))
        elif self._pressed is None and (index := self._index_at(event.position())) is not None:
            self._move_to(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed = self._pressed, None
        if event.button() == Qt.MouseButton.LeftButton and pressed is not None:
            self._put(self.current, 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setFont(value_font(self.font()))
        for i, look in enumerate(self.looks):
            box, group = self.box(i), self._group_of(look)
            is_here = i == self.current and self.hasFocus()
            mark = color("accent") if group == 1 else color("text") if group == 2 else None
            paint_thumbnail(p, self._thumbnails.get(str(hash(look)), look), box.adjusted(2, 2, -2, -2), mark=mark)
            if group:
                self._paint_group(p, box, group)
            if is_here:
                p.setPen(color("caption"))
                p.setBrush(Qt.BrushStyle.NoBrush)
                p.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)
        p.end()

    def _paint_group(self, p: QPainter, box: QRectF, group: int) -> None:
        """Write the number of the group into a corner, as colour alone would not do."""
        chip = QRectF(box.left() + 4, box.top() + 4, _MARK, _MARK)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent") if group == 1 else color("text"))
        p.drawRoundedRect(chip, 4, 4)
        p.setPen(color("on_accent") if group == 1 else color("canvas"))
        p.drawText(chip, Qt.AlignmentFlag.AlignCenter, str(group))


class ExampleSheet(QDialog):
    """A sheet of random pictures of the active view's model.

    Signals: `sorted_into(Look, group)` as of `SheetGrid`.

    Args:
        session: Renders the pictures.
        names: Names of the two groups.
        group_of: Returns the group of a look, 0 for none.
        parent: Owner.
    """

    sorted_into = Signal(object, int)

    def __init__(
        self, session: Session, names: tuple[str, str], group_of: Callable[[Look], int], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sort random pictures")
        self._session, self._names = session, names
        self._thumbnails = Thumbnails(session, "sheet", self._update, self)
        self.grid = SheetGrid(self._thumbnails, group_of)
        self.grid.sorted_into.connect(self.sorted_into)
        one, two = names
        how = label(f"1, or a click: {one}.   2, or a right click: {two}.   0: neither.   Or drag to the groups.")
        self.counts = label("", "caption")
        self.more = IconButton("shuffle", "Show other random pictures (M)", self.show_more, text="More")
        self.more.setShortcut("M")
        self.close_button = IconButton(
            "check", "Close the sheet (Esc); the examples stay", self.accept, text="Done"
        )
        layout = QVBoxLayout(self)
        layout.setSpacing(GRID)
        layout.addWidget(how)
        layout.addWidget(self.grid)
        layout.addWidget(row(self.counts, self.more, self.close_button))
        session.model_changed.connect(self._on_model_changed)
        self.show_more()
        self.grid.setFocus()

    def show_more(self) -> None:
        """Show other random pictures, of the classes and truncation of the active view's look."""
        look = plain_look(self._session.look_of())
        random = np.random.RandomState(random_seed())
        seeds = (int(seed) for seed in random.randint(0, 2**31, COLUMNS * ROWS))
        self.grid.show_looks(tuple(replace(look, latent=replace(Look().latent, seed=seed)) for seed in seeds))
        self.grid.setFocus()

    def show_counts(self, counts: tuple[int, int]) -> None:
        """Show how many examples there are of each group."""
        self.counts.setText("   ".join(f"{n} {name}" for n, name in zip(counts, self._names, strict=True)))
        self._update()

    def _update(self) -> None:
        self.grid.update()

    def _on_model_changed(self, view: int) -> None:
        if view == self._session.active:
            self._thumbnails.clear()
            self._update()
