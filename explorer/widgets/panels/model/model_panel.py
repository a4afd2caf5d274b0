"""The model panel: bundled models, files, model_info, and the classes of conditional models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import Slot
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from explorer.checkpoints.bundled import Bundled, bundled
from explorer.checkpoints.parts import with_part
from explorer.project.file_kinds import kind_of
from explorer.state import Latent, Look, Truncation, ViewState
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import ElidedLabel, IconButton, label, row
from explorer.widgets.controls.drops import dropped_files, take_copy
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.model.class_weights import ClassWeights
from explorer.widgets.panels.model.model_card import ModelCard
from explorer.widgets.panels.model.model_table import ModelInfoTable
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.util.report import Report

__all__ = ["Files", "ModelPanel"]

CARD_LOOK = Look(latent=Latent(seed=2), truncation=Truncation(psi=0.7))


class Files(Protocol):
    """The window's file commands that the panel uses."""

    def open_model(self, path: str, view: int) -> None:
        """Load a bundled model or a file into a view."""

    def open_beside(self, path: str) -> None:
        """Load a model into a new view; into the active one if there is no room for more."""

    def open_many(self, paths: list[str], view: int | None = None) -> None:
        """Open dropped files."""

    def ask_model(self, view: int) -> None:
        """Ask for a model file for a view."""

    def recent_menu(self) -> QMenu:
        """Return the menu of recent files, created once."""


class ModelPanel(Panel):
    """The active view's model. Files can be dropped here, or on a picture."""

    key = "model"
    title = "Model"
    icon = "cube"

    def __init__(self, session: Session, files: Files, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._files = files
        self._loading: dict[int, tuple[float, str]] = {}
        self._is_target = False
        self.setAcceptDrops(True)
        self._build()
        self._bind()

    def _build(self) -> None:
        self.cards: list[ModelCard] = []
        self._spare: list[ModelCard] = []  # hidden
        self._cards = QVBoxLayout()
        self._cards.setSpacing(GRID // 2)
        self.add(self._cards)
        for item in bundled():
            self._add_card(item)
        tip = "Open a model file in the active view: .safetensors, or NVIDIA's .pkl. You can also drop it here"
        self.open = IconButton("folder-open", tip, self._ask, text="Open \u2026")
        tip = "Recently opened files"
        self.recent = IconButton("clock-counter-clockwise", tip, self._show_recent, text="Recent")
        self.add(row(self.open, self.recent))
        self.progress = ProgressLine()
        self.loading_label = ElidedLabel()
        self.cancel = IconButton("x", "Cancel loading and keep the current model", self._cancel, size=12)
        self.loading = row(self.loading_label, self.cancel)
        self.loading_label.setProperty("role", "muted")
        self.add(self.loading)
        self.add(self.progress)
        self.name = ElidedLabel()
        self.name.setProperty("role", "heading")
        self.nothing = label("No model is loaded in this view. Open a model, or drop a file here.", wrap=True)
        self.table = ModelInfoTable()
        self.part = IconButton("plus", "", self._open_part, text="Open part")
        self.compare = IconButton("equals", "", self._compare, text="Compare with its teacher")
        self.classes = ClassWeights(self.session)
        self.heading = row(self.name, self.table.more)
        for widget in (self.heading, self.nothing, self.table, self.part, self.compare, 4, self.classes):
            self.add(widget)

    def _add_card(self, item: Bundled) -> None:
        if self._spare:
            card = self._spare.pop()
            card.set_item(item)
        else:
            card = ModelCard(item)
            card.chosen.connect(self._load)
        self.cards.append(card)
        self._cards.addWidget(card)
        card.show()

    def _bind(self) -> None:
        self._thumbnails = Thumbnails(self.session, "card", self._fill_cards, self)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look.classes, self.classes.show_classes)
        self.bind.state(lambda state: state.class_names, lambda _: self._show_names())
        self.bind.state(lambda state: state.views, self._show_views)
        self.bind.state(lambda state: state.active, lambda _: self._show_loading())
        self.session.loading.connect(self._on_loading)
        self.session.loading_ended.connect(self._on_loading_ended)

    # showing ---------------------------------------------------------------------------------------------

    def _show_views(self, views: tuple[ViewState, ...]) -> None:
        self._show_opened([view.model for view in views if view.model])
        for card in self.cards:
            mine = {card.item.name, str(card.item.path)}
            card.set_views(tuple(i for i, view in enumerate(views) if view.model in mine))
        self._fill_cards()

    def _show_opened(self, models: list[str]) -> None:
        """Show a card for each model file in use, below the bundled models."""
        known = {name for card in self.cards for name in (card.item.name, str(card.item.path))}
        for model in dict.fromkeys(models):
            if model not in known:
                self._add_card(Bundled(model, "", Path(model), title=Path(model).name))
        included = {item.name for item in bundled()}
        for card in [c for c in self.cards if c.item.name not in included and c.item.name not in models]:
            self.cards.remove(card)
            self._cards.removeWidget(card)
            card.hide()
            self._spare.append(card)

    def _fill_cards(self) -> None:
        """Complete cards that lack a picture or a family once their model is loaded."""
        for card in self.cards:
            mine = {card.item.name, str(card.item.path)}
            for view in card.views:
                info = self.session.info(view)
                if info is None or self.session.record(view).model not in mine:
                    continue  # the view still shows the previous model
                card.set_family(info.family)
                if not card.has_picture:
                    image = self._thumbnails.get(card.item.name, CARD_LOOK, view)
                    if image is not None:
                        card.set_picture(image)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        active = self.session.active
        model_info = self.session.model_info(active)
        for widget in (self.heading, self.table):
            widget.setVisible(model_info is not None)
        self.nothing.setVisible(model_info is None)
        self.classes.setVisible(info is not None and info.c_dim > 0)
        parts = () if model_info is None else model_info.parts
        self.part.setVisible(bool(parts))
        if parts:
            self.part.setText(f"Open {parts[0]}")
            set_tip(self.part, f"The file holds a second network, the {parts[0]}: open it in a view of its own")
        teacher = "" if model_info is None else model_info.teacher
        self.compare.setVisible(bool(teacher))
        set_tip(self.compare, f"Show {teacher}, from which it was distilled, beside it, and their difference")
        if model_info is not None:
            self.name.set_text(f"{letter(active)}   {model_info.name}")
            self.table.show_model(model_info)
            self._fill_cards()
        if info is not None and model_info is not None and info.c_dim > 0:
            self._show_names()

    def _show_names(self) -> None:
        """Name the classes, and show them again by their names."""
        session = self.session
        info = session.info(session.active)
        if info is not None and info.c_dim:
            self.classes.set_classes(info.c_dim, session.class_names.of(session.active))
            self.classes.show_classes(session.look_of().classes)

    @Slot(int, object)
    def _on_loading(self, view: int, report: Report[None]) -> None:
        self._loading[view] = (report.fraction, report.stage)
        self._show_loading()

    @Slot(int)
    def _on_loading_ended(self, view: int) -> None:
        self._loading.pop(view, None)
        self._show_loading()

    def _show_loading(self) -> None:
        fraction, name = self._loading.get(self.session.active, (None, ""))
        for widget in (self.loading, self.progress):
            widget.setVisible(fraction is not None)
        if fraction is not None:
            self.progress.set_fraction(fraction)
            self.loading_label.set_text(f"Loading:  {Path(name).name}   {100 * fraction:.0f} %")

    # actions ---------------------------------------------------------------------------------------------

    def _load(self, name: str) -> None:
        self._files.open_model(name, self.session.active)

    def _ask(self) -> None:
        self._files.ask_model(self.session.active)

    def _open_part(self) -> None:
        info = self.session.model_info(self.session.active)
        if info is not None and info.parts:
            self._files.open_beside(with_part(info.path, info.parts[0]))

    def _compare(self) -> None:
        info = self.session.model_info(self.session.active)
        if info is not None and info.teacher:
            self.attempt(lambda: self.session.views.compare_with(info.teacher, "Compare with teacher"))

    def _cancel(self) -> None:
        self.session.models.cancel(self.session.active)

    def _show_recent(self) -> None:
        menu = self._files.recent_menu()
        menu.popup(self.recent.mapToGlobal(self.recent.rect().bottomLeft()))

    # drag and drop ---------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(kind_of(path) == "model" for path in dropped_files(event)) and take_copy(event):
            self._mark(True)
        else:
            event.ignore()  # the window may take it

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        take_copy(event)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._mark(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._mark(False)
        models = [path for path in dropped_files(event) if kind_of(path) == "model"]
        if not take_copy(event):
            return
        # Several models open in A, B, C ...; a single one in the active view.
        self._files.open_many(models, self.session.active if len(models) == 1 else None)

    def _mark(self, is_target: bool) -> None:
        self._is_target = is_target
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._is_target:
            p = QPainter(self)
            p.setPen(QPen(color("accent"), 2))
            p.setBrush(color("accent", 30))
            p.drawRoundedRect(self.rect().adjusted(2, 2, -2, -2), 6, 6)
            p.end()
