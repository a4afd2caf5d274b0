"""ChildrenSheet: the children of the picture in a square; a click, Enter or a digit takes one."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy

from explorer.session.availability import NO_MODEL
from explorer.state import Transform
from explorer.widgets.controls.picture_field import PictureField, PictureItem
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.latents.breeding import Child
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["ChildrenSheet", "traits_of"]

_GAP, _PX = 4, 144
_DIGITS = 9


def traits_of(child: Child, sigmas: float) -> str:
    """Return what a child has of whom, one line for all groups of layers that are alike."""
    alike: dict[str, list[str]] = {}
    for group, is_others, is_mutated in child.traits:
        origin = "of the second parent" if is_others else "of this picture"
        text = origin + (f", mutated by {sigmas:.2f}\u00a0\u03c3" if is_mutated else "")
        alike.setdefault(text, []).append(group)
    if len(alike) == 1:
        return f"All layers {next(iter(alike))}"
    return "\n".join(f"{', '.join(groups).capitalize()}: {text}" for text, groups in alike.items())


class ChildrenSheet(PictureField):
    """The sheet. `taken(Child)` is emitted when one is chosen."""

    taken = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__(session, "Children", _PX)
        self.children_shown: tuple[Child, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.chosen.connect(lambda index: self.taken.emit(self.children_shown[index]))

    def show_children(self, found: tuple[Child, ...], look: Look, sigmas: float) -> None:
        """Show children, as the other aspects of a look make them."""
        self.children_shown = found
        base = replace(look, transform=Transform(), drift=0.0)
        self.show_items(tuple(PictureItem(replace(base, latent=c.latent), _tip(c, sigmas)) for c in found))
        self._set_height()

    @property
    def columns(self) -> int:
        """Columns of the square."""
        return max(1, math.isqrt(len(self.items)))

    def _side(self) -> float:
        """Return the side of a picture in pixels."""
        return (self.width() - _GAP * (self.columns - 1)) / self.columns

    def box(self, index: int) -> QRectF:
        side = self._side()
        step = side + _GAP
        return QRectF(index % self.columns * step, index // self.columns * step, side, side)

    def wants_key(self, event: QKeyEvent) -> bool:
        return super().wants_key(event) or self._digit(event) > 0

    def _digit(self, event: QKeyEvent) -> int:
        """Return the number of the child that a key names; 0 for none."""
        number = event.key() - Qt.Key.Key_0.value
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        return number if plain and 1 <= number <= min(_DIGITS, len(self.items)) else 0

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if number := self._digit(event):
            self.move_cursor(number - 1)
            self.chosen.emit(number - 1)
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_height()

    def _set_height(self) -> None:
        self.setFixedHeight(max(24, math.ceil(self.columns * (self._side() + _GAP) - _GAP)) if self.items else 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        font = p.font()
        font.setPixelSize(10)
        p.setFont(font)
        for i in range(len(self.items)):
            box = self.box(i)
            paint_thumbnail(p, self.image(i), box)
            if i < _DIGITS:
                corner = QRectF(box.left() + 3, box.bottom() - 16, 13, 13)
                p.setPen(Qt.PenStyle.NoPen)
                p.setBrush(color("window", 210))
                p.drawRoundedRect(corner, 3, 3)
                p.setPen(color("text"))
                p.drawText(corner, Qt.AlignmentFlag.AlignCenter, str(i + 1))
        if not self.items:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, NO_MODEL)
        self.paint_cursor(p)
        p.end()


def _tip(child: Child, sigmas: float) -> str:
    keys = f"Click, or press {child.number} here, to take it" if child.number <= _DIGITS else "Click to take it"
    return f"Child {child.number} of sheet {child.sheet}\n{traits_of(child, sigmas)}\n{keys}"
