"""The Breed panel: a sheet of children around the picture, what they have of whom, and their lineage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QTimer, Slot
from PySide6.QtWidgets import QMenu, QWidget

from explorer.latents.breeding import COUNTS, heredity_of
from explorer.latents.groups import GROUPS
from explorer.session.sheet_entries import children_entries, lineage_entries, path_entries
from explorer.widgets.controls.basic import IconButton, Segments, label, row
from explorer.widgets.controls.seed_field import SeedField
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.breeding.children_sheet import ChildrenSheet
from explorer.widgets.panels.breeding.contact_dialog import ContactDialog
from explorer.widgets.panels.breeding.heredity_row import NAME_PX, HeredityRow
from explorer.widgets.panels.breeding.lineage_tree import LineageTree, LineageView
from explorer.widgets.panels.breeding.parent_slot import ParentSlot
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import Breeding, LineageNode

__all__ = ["BreedPanel"]

REST_MS = 200
"""Milliseconds without a change after which the children of what is shown are drawn."""


class BreedPanel(Panel):
    """Children of the active view's picture."""

    key = "breed"
    title = "Breed"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._rest = QTimer(self, singleShot=True, interval=REST_MS)
        self._rest.timeout.connect(self._show_children)
        self._menu: QMenu | None = None
        self._menu_of = -1
        self._build()
        self._bind()

    def _build(self) -> None:
        counts = [(str(n), str(n), f"{n} children") for n in COUNTS]
        self.count = Segments(counts)
        self.seed = SeedField("The seed of the sheet: the same seed gives the same children of a picture")
        self.again = IconButton(
            "shuffle", "Other children of the same picture, those of the next seed",
            self.session.breeding.again, text="Again",
        )  # fmt: skip
        self.sheet = ChildrenSheet(self.session)
        self.strength = ValueSlider(
            "Mutation", 0, 3, 0.5, step=0.05, unit="\u03c3",
            tip="How far children are from their parents, in standard deviations of the model's random w.",
        )  # fmt: skip
        self.rows = {group: HeredityRow(group) for group in GROUPS}
        self.other = ParentSlot(self.session)
        self.tree = LineageTree(self.session)
        self.lineage = LineageView(self.tree)
        self.prune = IconButton(
            "trash", "Remove the picture shown from the lineage, and all below it (Del)", self._prune_shown, size=14
        )
        self.contact = IconButton(
            "squares-four", "A contact sheet of the children or the lineage, as a PNG", self.open_contact, size=14
        )
        self.add(row(label("Children"), 8, self.count))
        self.add(self.sheet)
        self.add(row(self.again, label("Seed"), self.seed))
        self.add(self.strength)
        self.add(self.other)
        mutate = label("Mutate", "caption")
        mutate.setFixedWidth(NAME_PX)
        self.add(row(mutate, label("Layers of", "caption"), None))
        for made in self.rows.values():
            self.add(made)
        self.add(row(label("Lineage"), None, self.contact, self.prune))
        self.add(self.lineage)

    def _bind(self) -> None:
        breeding = self.session.breeding
        self.count.chosen.connect(lambda key: breeding.set_count(int(key)))
        self.seed.chosen.connect(breeding.set_seed)
        self.bind.stroke(self.strength, "Mutation", breeding.set_strength)
        for group, made in self.rows.items():
            made.changed.connect(lambda fields, group=group: breeding.set_heredity(group, **fields))
        self.other.chosen.connect(breeding.set_other)
        self.sheet.taken.connect(breeding.take)
        self.sheet.menu_requested.connect(self._open_child_menu)
        self.tree.walked.connect(breeding.show)
        self.tree.pruned.connect(breeding.remove)
        self.tree.menu_requested.connect(self._open_node_menu)
        self.bind.available("breeding", self.again, self.count, self.seed, self.strength, self.contact)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look, lambda _: self._rest.start())
        self.bind.state(lambda state: state.breeding, self._show_settings)

    # showing -----------------------------------------------------------------------------------------------

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.sheet.forget_pictures()
        self.tree.forget_pictures()
        self.other.face.forget_pictures()
        self._show_children()

    def _show_settings(self, breeding: Breeding) -> None:
        self.count.set_choice(str(breeding.count))
        self.seed.set_seed(breeding.seed)
        self.strength.set_value(breeding.strength)
        for group, made in self.rows.items():
            made.show_heredity(heredity_of(breeding, group), has_other=breeding.other is not None)
        self._rest.start()

    @Slot()
    def _show_children(self) -> None:
        """Show the children and the lineage of what is shown, once it rests."""
        session = self.session
        if session.is_closed:
            return
        if session.store.in_stroke:
            self._rest.start()
            return
        look, breeding, current = session.look_of(), session.breeding.settings, session.breeding.current
        self.sheet.show_children(session.breeding.sheet(), look, breeding.strength)
        self.tree.show_lineage(breeding.lineage, -1 if current is None else current.number, look)
        self.lineage.fit()
        self.other.show_parent(breeding.other, look)
        self.prune.setEnabled(current is not None)

    # commands ----------------------------------------------------------------------------------------------

    def _prune_shown(self) -> None:
        current = self.session.breeding.current
        if current is not None:
            self.session.breeding.remove(current.number)

    def open_contact(self) -> None:
        """Open the dialog that saves a contact sheet."""
        session, child_count = self.session, len(self.session.breeding.sheet())
        sources = {
            f"The {child_count} children": lambda: children_entries(session),
            "The way to the picture shown": lambda: path_entries(session),
            "The whole lineage": lambda: lineage_entries(session),
        }
        dialog = ContactDialog(self, session, sources)
        dialog.problem.connect(self.problem)
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()

    def _open_child_menu(self, index: int, at: QPoint) -> None:
        child = self.sheet.children_shown[index]
        menu, breeding = self._cleared_menu(), self.session.breeding
        menu.addAction("Take", lambda: breeding.take(child))
        menu.addAction("Use as second parent", lambda: breeding.set_other(child.latent))
        menu.addAction("Add to favourites", lambda: self.attempt(lambda: self._star(index)))
        menu.popup(at)

    def _star(self, index: int) -> None:
        child, look = self.sheet.children_shown[index], self.session.look_of()
        self.session.favourites.star(look=replace(look, latent=child.latent))

    def _open_node_menu(self, index: int, at: QPoint) -> None:
        node: LineageNode = self.tree.placed[index].node
        menu, breeding = self._cleared_menu(), self.session.breeding
        menu.addAction("Go back to it", lambda: breeding.show(node.number))
        menu.addAction("Use as second parent", lambda: breeding.set_other(node.latent))
        menu.addSeparator()
        menu.addAction("Remove it and all below", lambda: breeding.remove(node.number))
        menu.popup(at)

    def _cleared_menu(self) -> QMenu:
        if self._menu is None:
            self._menu = QMenu(self)
        self._menu.clear()
        return self._menu
