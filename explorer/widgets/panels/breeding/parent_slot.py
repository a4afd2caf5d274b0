"""ParentSlot: the second parent of the children; chosen from a menu, or dropped here."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QWidget

from explorer.latents.descriptions import describe_latent
from explorer.state import Transform
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import ElidedLabel, IconButton
from explorer.widgets.controls.look_drag import LookTarget
from explorer.widgets.controls.picture_tip import PictureTip
from explorer.widgets.controls.plain_text import menu_text, set_tip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import Latent, Look

__all__ = ["ParentSlot"]

_PX = 32
_FAVOURITES = 12
_TIP = (
    "The second parent, from which children can have layers. Choose it, or drop a picture here: of the history, "
    "the favourites, the children or the lineage"
)


class ParentSlot(LookTarget):
    """The second parent. `chosen(Latent | None)` when the user chooses another one, or none."""

    chosen = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._menu: QMenu | None = None
        self.face = _Face(session)
        self.text = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.choose = IconButton(
            "caret-down", "Choose the second parent: another view, a favourite", self.open_menu
        )
        self.clear = IconButton("x", "No second parent", lambda: self.chosen.emit(None), size=12)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.face)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.choose)
        layout.addWidget(self.clear)
        set_tip(self.face, _TIP)

    def show_parent(self, latent: Latent | None, look: Look) -> None:
        """Show the second parent, as the other aspects of a look make its picture."""
        shown = None if latent is None else replace(look, latent=latent, transform=Transform(), drift=0.0)
        self.face.show_look(shown)
        self.text.set_text("No second parent" if latent is None else describe_latent(latent))
        self.clear.setEnabled(latent is not None)

    def menu(self) -> QMenu:
        """Return the menu of what can be the second parent, filled with what there is now."""
        if self._menu is None:
            self._menu = QMenu(self)
        menu, session = self._menu, self._session
        menu.clear()
        here = session.look_of().latent
        menu.addAction(menu_text(f"The picture shown: {describe_latent(here)}"), partial(self.chosen.emit, here))
        for view in range(len(session.state.views)):
            latent = session.look_of(view).latent
            if view != session.active and latent != here:
                name = f"Picture {letter(view)}: {describe_latent(latent)}"
                menu.addAction(menu_text(name), partial(self.chosen.emit, latent))
        favourites = session.favourites.all()[:_FAVOURITES]
        if favourites:
            menu.addSeparator()
        for item in favourites:
            menu.addAction(menu_text(item.name), partial(self.chosen.emit, item.look.latent))
        return menu

    def open_menu(self) -> None:
        """Open the menu below its button."""
        self.menu().popup(self.choose.mapToGlobal(self.choose.rect().bottomLeft()))

    def mark_target(self, *, is_target: bool) -> None:
        """Mark the picture while another one is dragged over it."""
        self.face.mark(is_target=is_target)

    def take_look(self, look: Look) -> None:
        """Make the picture the second parent."""
        self.chosen.emit(look.latent)


class _Face(QWidget):
    """The picture of the second parent, or an empty place."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._look: Look | None = None
        self._is_target = False
        self._thumbnails = Thumbnails(session, "second parent", self.update, self)
        self.setFixedSize(QSize(_PX, _PX))
        self._tip = PictureTip(self, session, "second parent, larger", self._told_at)

    def _told_at(self, at: QPointF) -> tuple[Look, str] | None:
        return None if self._look is None else (self._look, f"{describe_latent(self._look.latent)}\n{_TIP}")

    def show_look(self, look: Look | None) -> None:
        """Show another picture."""
        self._look = look
        self.update()

    def mark(self, *, is_target: bool) -> None:
        """Mark it while a picture is dragged over it."""
        self._is_target = is_target
        self.update()

    def forget_pictures(self) -> None:
        """Drop its picture, because another model makes another."""
        self._thumbnails.clear()
        self._tip.forget_pictures()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        image = None if self._look is None else self._thumbnails.get(f"{hash(self._look)}", self._look)
        mark = color("accent") if self._is_target else None if self._look else color("border")
        paint_thumbnail(p, image, QRectF(self.rect()).adjusted(1, 1, -1, -1), mark=mark)
        p.end()
