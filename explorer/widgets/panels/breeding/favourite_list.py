"""FavouriteList: starred pictures with their names, one below the other; they are renamed in place."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from explorer.latents.descriptions import describe_latent
from explorer.project.favourite_files import NAME_LIMIT
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.picture_field import PictureField, PictureItem
from explorer.widgets.controls.plain_text import line_text
from explorer.widgets.controls.theme import GRID, color, value_font
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.project.favourite_files import Favourite
    from explorer.session import Session

__all__ = ["FavouriteList"]

_PX, _ROW = 40, 46
_MULTI = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class FavouriteList(PictureField):
    """The list. Signals: `shown(Favourite)`, `renamed(Favourite, name)`, `selection_changed()`.

    A click shows a favourite; with Ctrl it selects it, with Shift it selects up to it, for a contact sheet. F2 or a
    double click renames, Delete removes.
    """

    shown = Signal(object)
    renamed = Signal(object, str)
    selection_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session, "Favourites")
        self.found: tuple[Favourite, ...] = ()
        self._selected: set[str] = set()
        self._anchor = -1
        self._renaming: Favourite | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.editor = QLineEdit(self)
        self.editor.setMaxLength(NAME_LIMIT)
        self.editor.setAccessibleName("Name of the favourite")
        self.editor.setAcceptDrops(False)
        self.editor.hide()
        self.editor.editingFinished.connect(self._end_rename)
        claim_keys(self.editor, lambda event: True)

    def show_favourites(self, found: tuple[Favourite, ...]) -> None:
        """Show favourites in place of those before; what is selected stays selected."""
        self._cancel_rename()
        self.found = found
        self._selected &= {item.key for item in found}
        self._anchor = -1
        self.show_items(tuple(PictureItem(item.look, _tip(item)) for item in found))
        self.setMinimumHeight(self.sizeHint().height())
        self.selection_changed.emit()

    @property
    def selected(self) -> tuple[Favourite, ...]:
        """The selected favourites, in the order of the list."""
        return tuple(item for item in self.found if item.key in self._selected)

    def box(self, index: int) -> QRectF:
        return QRectF(3, index * _ROW + (_ROW - _PX) / 2, _PX, _PX)

    def area(self, index: int) -> QRectF:
        return QRectF(0, index * _ROW, self.width(), _ROW)

    def sizeHint(self) -> QSize:
        return QSize(120, max(24, len(self.found) * _ROW))

    # input -------------------------------------------------------------------------------------------------

    def choose(self, index: int, modifiers: Qt.KeyboardModifier) -> None:
        """Show a favourite; with Ctrl or Shift, select instead."""
        if not modifiers & _MULTI:
            self.shown.emit(self.found[index])
            return
        if modifiers & Qt.KeyboardModifier.ShiftModifier and self._anchor >= 0:
            low, high = sorted((self._anchor, index))
            self._selected |= {item.key for item in self.found[low : high + 1]}
        else:
            self._selected ^= {self.found[index].key}
            self._anchor = index
        self.selection_changed.emit()
        self.update()

    def wants_key(self, event: QKeyEvent) -> bool:
        return super().wants_key(event) or event.key() == Qt.Key.Key_F2

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_F2 and self.cursor_at >= 0:
            self.edit_name(self.cursor_at)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.edit_name(index)

    # renaming ----------------------------------------------------------------------------------------------

    def edit_name(self, index: int) -> None:
        """Open a field over a favourite's name."""
        self._renaming = self.found[index]
        left = round(self.box(index).right()) + GRID
        self.editor.setGeometry(left, index * _ROW + 3, max(80, self.width() - left - 2), 24)
        self.editor.setText(self._renaming.name)
        self.editor.selectAll()
        self.editor.show()
        self.editor.setFocus()

    def _end_rename(self) -> None:
        favourite, self._renaming = self._renaming, None
        self.editor.hide()
        if favourite is not None and self.editor.text() != favourite.name:
            self.renamed.emit(favourite, self.editor.text())

    def _cancel_rename(self) -> None:
        self._renaming = None
        self.editor.hide()

    # painting ----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        first = max(0, event.rect().top() // _ROW)
        for i in range(first, min(len(self.found), event.rect().bottom() // _ROW + 1)):
            self._paint_row(p, i)
        self.paint_cursor(p)
        p.end()

    def _paint_row(self, p: QPainter, index: int) -> None:
        item, box, area = self.found[index], self.box(index), self.area(index)
        if item.key in self._selected:
            p.fillRect(area, color("accent", 50))
        elif index == self.hovered:
            p.fillRect(area, color("faint", 30))
        paint_thumbnail(p, self.image(index), box)
        left = box.right() + GRID
        room = QRectF(left, area.top() + 5, area.right() - left - 4, 18)
        self._paint_text(p, room, item.name, "text")
        p.save()
        p.setFont(value_font(self.font()))
        day = time.strftime("%Y-%m-%d", time.localtime(item.starred_at))
        what = describe_latent(item.look.latent)
        self._paint_text(p, room.translated(0, 18), day if what == item.name else f"{what}   {day}", "caption")
        p.restore()

    def _paint_text(self, p: QPainter, room: QRectF, text: str, role: str) -> None:
        short = p.fontMetrics().elidedText(line_text(text), Qt.TextElideMode.ElideRight, int(room.width()))
        p.setPen(color(role))
        p.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)


def _tip(favourite: Favourite) -> str:
    return (
        f"{line_text(favourite.name)}\n{describe_latent(favourite.look.latent)}\n"
        "Click to show it; with Ctrl to select it. F2 renames, Del removes"
    )
