"""LineageTree: the pictures that were taken, each below the one it is a child of; a click walks to one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QScrollArea

from explorer.latents.descriptions import describe_latent
from explorer.latents.lineage import layout, path_to
from explorer.state import Transform
from explorer.widgets.controls.picture_field import PictureField, PictureItem
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.latents.lineage import Placed
    from explorer.session import Session
    from explorer.state import LineageNode, Look

__all__ = ["LineageTree", "LineageView"]

_PX, _STEP_X, _STEP_Y, _MARGIN = 36, 42, 50, 3
_EMPTY = "Children that you take appear here"


class LineageTree(PictureField):
    """The tree. Signals with the number of a node: `walked`, and `pruned` to remove it and all below it."""

    walked = Signal(int)
    pruned = Signal(int)

    def __init__(self, session: Session) -> None:
        super().__init__(session, "Lineage", 72)
        self.placed: tuple[Placed, ...] = ()
        self.current = -1
        self._way: set[int] = set()
        self.chosen.connect(lambda index: self.walked.emit(self.placed[index].node.number))
        self.removed.connect(lambda index: self.pruned.emit(self.placed[index].node.number))

    def show_lineage(self, nodes: tuple[LineageNode, ...], current: int, look: Look) -> None:
        """Show a lineage as the other aspects of a look make its pictures; `current` is the node that is shown."""
        self.placed, self.current = layout(nodes), current
        self._way = {node.number for node in path_to(nodes, current)}
        base = replace(look, transform=Transform(), drift=0.0)
        self.show_items(tuple(PictureItem(replace(base, latent=p.node.latent), _tip(p.node)) for p in self.placed))
        here = self.index_of(current)
        if here >= 0:
            self.cursor_at = here
        self.setMinimumSize(self.sizeHint())

    def index_of(self, number: int) -> int:
        """Return the place of a node among the pictures, or -1."""
        return next((i for i, p in enumerate(self.placed) if p.node.number == number), -1)

    def box(self, index: int) -> QRectF:
        place = self.placed[index]
        return QRectF(_MARGIN + place.column * _STEP_X, _MARGIN + place.row * _STEP_Y, _PX, _PX)

    def next_to(self, index: int, dx: int, dy: int) -> int:
        """Go up to the parent, down to the first child, and sideways along a generation."""
        here = self.placed[index]
        if dy:
            wanted = here.node.parent if dy < 0 else None
            found = [
                i for i, p in enumerate(self.placed)
                if (p.node.number == wanted if dy < 0 else p.node.parent == here.node.number)
            ]  # fmt: skip
            return found[0] if found else index
        row = sorted((p.column, i) for i, p in enumerate(self.placed) if p.row == here.row)
        at = [i for _, i in row].index(index) + dx
        return row[at][1] if 0 <= at < len(row) else index

    def sizeHint(self) -> QSize:
        columns = 1 + max((p.column for p in self.placed), default=0)
        rows = 1 + max((p.row for p in self.placed), default=0)
        width, height = columns * _STEP_X - (_STEP_X - _PX), rows * _STEP_Y - (_STEP_Y - _PX)
        return QSize(width + 2 * _MARGIN, height + 2 * _MARGIN if self.placed else 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        for i in range(len(self.placed)):
            self._paint_line(p, i)
        for i, place in enumerate(self.placed):
            box = self.box(i)
            if box.intersects(QRectF(event.rect())):
                is_here = place.node.number == self.current
                paint_thumbnail(p, self.image(i), box, mark=color("accent") if is_here else None)
        if not self.placed:
            p.setPen(color("caption"))
            p.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, _EMPTY)
        self.paint_cursor(p)
        p.end()

    def _paint_line(self, p: QPainter, index: int) -> None:
        """Paint the line from a node's parent to it, in the accent colour on the way to the picture shown."""
        node, above = self.placed[index].node, self.index_of(self.placed[index].node.parent)
        if above < 0:
            return
        box, top = self.box(index), self.box(above)
        start, end = QPointF(top.center().x(), top.bottom()), QPointF(box.center().x(), box.top())
        middle = (start.y() + end.y()) / 2
        path = QPainterPath(start)
        for at in (QPointF(start.x(), middle), QPointF(end.x(), middle), end):
            path.lineTo(at)
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(color("accent" if node.number in self._way else "faint"), 1.5))
        p.drawPath(path)


class LineageView(QScrollArea):
    """The tree in a frame of limited height, scrolled to the picture that is shown."""

    def __init__(self, tree: LineageTree) -> None:
        super().__init__()
        self.tree = tree
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setWidget(tree)
        self._soon = QTimer(self, singleShot=True, interval=0)  # once the tree has its new size
        self._soon.timeout.connect(self._scroll)

    def fit(self) -> None:
        """Take the height that the tree needs, up to four generations, and show the picture that is shown."""
        hint = self.tree.sizeHint()
        bar = self.horizontalScrollBar().sizeHint().height() if hint.width() > self.viewport().width() else 0
        self.setFixedHeight(min(hint.height() + bar, 4 * _STEP_Y + bar))
        self._soon.start()

    def _scroll(self) -> None:
        here = self.tree.index_of(self.tree.current)
        if here >= 0:
            at: QPoint = self.tree.box(here).center().toPoint()
            self.ensureVisible(at.x(), at.y(), _STEP_X, GRID + _PX)


def _tip(node: LineageNode) -> str:
    name = node.name or describe_latent(node.latent)
    return f"{name[:1].upper()}{name[1:]}\n{describe_latent(node.latent)}\nClick to go back to it; Del removes it"
