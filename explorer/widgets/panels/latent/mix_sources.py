"""One source of style mixing: its name, picture and seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QWidget

from explorer.latents.descriptions import describe_latent
from explorer.state import Classes, Look, MixSource, Truncation
from explorer.widgets.controls.basic import IconButton
from explorer.widgets.controls.look_drag import LookTarget
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.seed_field import SeedField, random_seed
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.widgets.controls.thumbnails import Thumbnails

__all__ = ["SourceRow", "source_name"]

_PX = 32
_THUMB_PSI = 0.7


def source_name(source: int) -> str:
    """Return S1 for the first source, S2 for the second, ...; single letters denote views."""
    return f"S{source + 1}"


class _Face(QWidget):
    """The picture of a source with its name; a click selects it."""

    clicked = Signal()

    def __init__(self, index: int, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._index, self._thumbnails = index, thumbnails
        self._source = MixSource()
        self._classes = Classes()
        self._chosen = self._is_target = False
        self.setFixedSize(QSize(_PX, _PX))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        set_tip(self, "Mix in this source with the sliders below")

    def show_source(self, source: MixSource, chosen: bool) -> None:
        """Show a source, and whether it is selected."""
        self._source, self._chosen = source, chosen
        self.update()

    def show_classes(self, classes: Classes) -> None:
        """Set the classes, which determine what a seed looks like."""
        self._classes = classes
        self.update()

    def mark(self, *, is_target: bool) -> None:
        """Mark it while a picture is dragged over its row."""
        self._is_target = is_target
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        latent = self._source.latent
        look = Look(latent=latent, classes=self._classes, truncation=Truncation(psi=_THUMB_PSI))
        image = self._thumbnails.get(str(hash(latent)), look)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        paint_thumbnail(p, image, box, mark=color("accent") if self._chosen or self._is_target else None)
        corner = QRectF(box.left(), box.bottom() - 13, 18, 13)
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(color("accent") if self._chosen else color("window", 220))
        p.drawRoundedRect(corner, 3, 3)
        font = p.font()
        font.setPixelSize(10)
        font.setBold(True)
        p.setFont(font)
        p.setPen(color("on_accent") if self._chosen else color("text"))
        p.drawText(corner, Qt.AlignmentFlag.AlignCenter, source_name(self._index))
        p.end()


class SourceRow(LookTarget):
    """The controls of one source; a picture of the history, favourites or children can be dropped on it.

    Signals, each with its index: `chosen`, `changed` (with a MixSource), `pinned`, `removed`.
    """

    chosen = Signal(int)
    changed = Signal(int, object)
    pinned = Signal(int)
    removed = Signal(int)

    def __init__(self, index: int, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._index = index
        self.face = _Face(index, thumbnails)
        self.face.clicked.connect(lambda: self.chosen.emit(index))
        self.seed = SeedField(f"Seed of source {source_name(index)}")
        self.seed.chosen.connect(lambda seed: self.changed.emit(index, MixSource(seed)))
        dice = IconButton("dice-five", "A random seed", lambda: self.changed.emit(index, MixSource(random_seed())))
        pin = IconButton("push-pin", "Use the current latent as this source", lambda: self.pinned.emit(index))
        self.remove = IconButton("x", "Remove this source", lambda: self.removed.emit(index), size=12)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.face)
        layout.addWidget(self.seed, 1)
        for button in (dice, pin, self.remove):
            layout.addWidget(button)

    def mark_target(self, *, is_target: bool) -> None:
        """Mark the picture while another one is dragged over it."""
        self.face.mark(is_target=is_target)

    def take_look(self, look: Look) -> None:
        """Make the picture's latent the source."""
        self.changed.emit(self._index, MixSource.of(look.latent))

    def show_source(self, source: MixSource, chosen: bool, removable: bool) -> None:
        """Show a source, whether it is selected, and whether it can be removed."""
        self.face.show_source(source, chosen)
        self.seed.set_seed(source.seed)
        is_seed = source == MixSource(source.seed)
        self.seed.setEnabled(is_seed)
        if not is_seed:
            self.seed.setText(describe_latent(source.latent).replace("-", "\u2212"))
            self.seed.setCursorPosition(0)
        self.remove.setEnabled(removable)
