"""Examples that teach a direction: pictures that have a property, and pictures that do not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QSizePolicy

from explorer.state import Transform
from explorer.widgets.controls.event_filters import positional_tooltip
from explorer.widgets.controls.look_drag import LookTarget
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent

    from explorer.state import Look
    from explorer.widgets.controls.thumbnails import Thumbnails

__all__ = ["Example", "ExampleStrip", "plain_look"]

_PX, _GAP = 28, 3


def plain_look(look: Look) -> Look:
    """Return what an example shows of a look: its latent without edits and motion."""
    return replace(look, transform=Transform(), edits=(), drift=0.0)


@dataclass(slots=True, eq=False)
class Example:
    """One example: a look, and its latent w `[w_dim]` before mixing and truncation once it was rendered."""

    look: Look
    w: NDArray[np.float32] | None = None

    @property
    def key(self) -> str:
        """Of its thumbnail."""
        return str(hash(self.look))


class ExampleStrip(LookTarget):
    """The examples of one group, newest first. A click removes one; looks can be dropped on it.

    Signals: `removed(index)`; `dropped(Look)`, for the owner to add it.

    Args:
        thumbnails: Renders and caches the pictures.
        empty: What is written where there are none.
    """

    removed = Signal(int)
    dropped = Signal(object)

    def __init__(self, thumbnails: Thumbnails, empty: str) -> None:
        super().__init__()
        self._thumbnails, self._empty = thumbnails, empty
        self.examples: list[Example] = []
        self._is_target = False
        self.setFixedHeight(_PX + 2)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(empty)
        positional_tooltip(self, self._tip)

    def add(self, example: Example) -> None:
        """Add an example, unless it is there."""
        if all(example.look != other.look for other in self.examples):
            self.examples.insert(0, example)
            self.update()

    def take_out(self, look: Look) -> None:
        """Remove a look, if it is there."""
        self.examples = [example for example in self.examples if example.look != look]
        self.update()

    def clear(self) -> None:
        """Remove all examples."""
        self.examples.clear()
        self.update()

    def fill_in(self) -> None:
        """Take the latents that were rendered since, and ask for those that are missing."""
        for example in self.examples:
            if example.w is None and self._thumbnails.get(example.key, example.look) is not None:
                example.w = self._thumbnails.w(example.key)
        self.update()

    def forget_latents(self) -> None:
        """Forget the latents of a model that is no longer shown; its looks have others in the next one."""
        for example in self.examples:
            example.w = None

    def _index_at(self, at: QPointF) -> int:
        index = int(at.x() // (_PX + _GAP))
        return index if index < len(self.examples) else -1

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            del self.examples[index]
            self.update()
            self.removed.emit(index)

    def mark_target(self, *, is_target: bool) -> None:
        """Outline the group while a picture is dragged over it."""
        self._is_target = is_target
        self.update()

    def take_look(self, look: Look) -> None:
        """Tell the owner to add the picture."""
        self.dropped.emit(look)

    def _tip(self, at: QPointF) -> str:
        if self._index_at(at) >= 0:
            return "Click to remove this example"
        return f"Pictures {self._empty}: add what is shown, or drag some here from the history or a sheet"

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        for i, example in enumerate(self.examples):
            box = QRectF(1 + i * (_PX + _GAP), 1, _PX, _PX)
            if box.left() > self.width():
                break
            paint_thumbnail(p, self._thumbnails.get(example.key, example.look), box)
        if not self.examples:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._empty)
        if self._is_target:
            p.setPen(color("accent"))
            p.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 4, 4)
        p.end()
