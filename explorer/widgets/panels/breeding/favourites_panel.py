"""The Favourites panel: starred pictures with names, a search, and a contact sheet of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QScrollArea, QWidget

from explorer.project.favourite_files import NAME_LIMIT
from explorer.session.sheet_entries import favourite_entries
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.panels.breeding.contact_dialog import ContactDialog
from explorer.widgets.panels.breeding.favourite_list import FavouriteList
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.project.favourite_files import Favourite
    from explorer.session import Session
    from explorer.session.contact_sheets import SheetEntry

__all__ = ["FavouritesPanel"]

_TALLEST = 240
"""Height of the list in pixels from which on it scrolls."""


class FavouritesPanel(Panel):
    """The favourites of the active view's model."""

    key = "favourites"
    title = "Favourites"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._menu: QMenu | None = None
        self._build()
        self._bind()

    def _build(self) -> None:
        self.name = QLineEdit()
        self.name.setPlaceholderText("Name")
        self.name.setAccessibleName("Name of the next favourite")
        self.name.setMaxLength(NAME_LIMIT)
        self.name.setAcceptDrops(False)
        claim_keys(self.name, lambda event: True)
        self.star_button = IconButton(
            "star", "Add the picture shown to the favourites (Ctrl+D)", self.star, text="Star"
        )
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search names")
        self.search.setAccessibleName("Search favourites by name")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)
        claim_keys(self.search, lambda event: True)
        self.restore = IconButton(
            "arrow-counter-clockwise", "Bring back the favourite that was removed last", self._restore, size=14
        )
        self.contact = IconButton(
            "squares-four", "A contact sheet of the selected favourites, else of the listed ones, as a PNG",
            self.open_contact, size=14,
        )  # fmt: skip
        self.list = FavouriteList(self.session)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setWidget(self.list)
        self.message = label("", "caption", wrap=True)
        self.add(row(self.name, self.star_button, spacing=4))
        self.add(row(self.search, self.restore, self.contact, spacing=2))
        self.add(self.message)
        self.add(self.area)

    def _bind(self) -> None:
        favourites = self.session.favourites
        self.name.returnPressed.connect(self.star)
        self.search.textChanged.connect(lambda _: self._show_list())
        self.list.shown.connect(favourites.show)
        self.list.renamed.connect(lambda item, name: self.attempt(lambda: favourites.set_name(item, name)))
        self.list.removed.connect(lambda index: self._remove(self.list.found[index]))
        self.list.menu_requested.connect(self._open_menu)
        self.list.selection_changed.connect(self._show_message)
        favourites.changed.connect(self._show_list)
        self.bind.available("favourites", self.star_button, self.name)
        self.bind.model(self._show_model)

    # showing -----------------------------------------------------------------------------------------------

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.list.forget_pictures()
        self._show_list()

    @Slot()
    def _show_list(self) -> None:
        if self.session.is_closed:
            return
        self.list.show_favourites(self.session.favourites.search(self.search.text()))
        self.area.setVisible(bool(self.list.found))
        self.area.setFixedHeight(min(_TALLEST, self.list.sizeHint().height()))
        self.restore.setEnabled(self.session.favourites.removed is not None)
        self.contact.setEnabled(bool(self.list.found))

    @Slot()
    def _show_message(self) -> None:
        listed, every, chosen = len(self.list.found), len(self.session.favourites.all()), len(self.list.selected)
        text = ""
        if not every:
            text = "Star pictures to find them again, in every project with this model."
        elif not listed:
            text = "No name has these words."
        elif chosen:
            text = f"{chosen} of {listed} selected"
        elif listed < every:
            text = f"{listed} of {every}"
        self.message.setText(text)
        self.message.setVisible(bool(text))

    # commands ----------------------------------------------------------------------------------------------

    def star(self) -> None:
        """Add the picture shown, under the name that was typed."""
        self.attempt(lambda: self.session.favourites.star(self.name.text()))
        self.name.clear()

    def _restore(self) -> None:
        self.attempt(self.session.favourites.restore)

    def _remove(self, favourite: Favourite) -> None:
        self.attempt(lambda: self.session.favourites.remove(favourite))

    def _open_menu(self, index: int, at: QPoint) -> None:
        if self._menu is None:
            self._menu = QMenu(self)
        menu, item = self._menu, self.list.found[index]
        menu.clear()
        menu.addAction("Show", lambda: self.session.favourites.show(item))
        menu.addAction("Rename", lambda: self.list.edit_name(index))
        menu.addAction("Use as second parent", lambda: self.session.breeding.set_other(item.look.latent))
        menu.addSeparator()
        menu.addAction("Remove", lambda: self._remove(item))
        menu.popup(at)

    def entries(self) -> list[SheetEntry]:
        """Return what a contact sheet shows: the selected favourites, else all that are listed."""
        return favourite_entries(self.list.selected or self.list.found)

    def open_contact(self) -> None:
        """Open the dialog that saves a contact sheet."""
        chosen = len(self.list.selected)
        name = f"The {chosen} selected favourites" if chosen > 1 else "The selected favourite"
        dialog = ContactDialog(self, self.session, {name if chosen else "The listed favourites": self.entries})
        dialog.problem.connect(self.problem)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()
