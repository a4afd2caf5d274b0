"""Which generator a view shows: bundled ones, files, facts, and the classes of conditional models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.bundled import bundled
from explorer.state import Latent, Look, Truncation, ViewState
from explorer.widgets.class_mixer import ClassMixer
from explorer.widgets.model_card import ModelCard
from explorer.widgets.panel import Panel
from explorer.widgets.parts import ElidedLabel, IconButton, label, row
from explorer.widgets.theme import GRID, value_font
from explorer.widgets.thumbs import Thumbs

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.widgets.window_files import WindowFiles

__all__ = ["ModelPanel"]

CARD_LOOK = Look(latent=Latent(seed=2), truncation=Truncation(psi=0.7))
FACTS = ("Model", "Family", "Latents", "Size", "Licence", "Origin")


class ModelPanel(Panel):
    """The active view's model. Files can also be dropped on a picture."""

    key = "model"
    title = "Model"

    def __init__(self, session: Session, files: WindowFiles, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._files = files
        self._thumbs = Thumbs(session, "card", self._fill_cards, self)
        self.cards = [ModelCard(item) for item in bundled()]
        for card in self.cards:
            card.chosen.connect(self._load)
            self.add(card)
        self.open = IconButton("folder-open", "Open a model file in the active view", self._ask, text="Open \u2026")
        self.recent = IconButton("clock-counter-clockwise", "Files opened lately", self._recent, text="Recent")
        self.add(row(self.open, self.recent, None))
        self.facts: dict[str, ElidedLabel] = {}
        self._grid = QWidget()
        grid = QGridLayout(self._grid)
        grid.setContentsMargins(0, GRID // 2, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for i, name in enumerate(FACTS):
            value = ElidedLabel()
            value.setFont(value_font(value.font()))
            self.facts[name] = value
            grid.addWidget(label(name), i, 0)
            grid.addWidget(value, i, 1)
        self.add(self._grid)
        self.classes = ClassMixer()
        self.add(self.classes)
        self._bind()

    def _bind(self) -> None:
        session = self.session
        self.classes.pressed.connect(lambda: session.begin("Class weights"))
        self.classes.weighed.connect(session.set_class_weights)
        self.classes.released.connect(session.commit)
        self.classes.cancelled.connect(session.cancel)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look.classes, self.classes.show_classes)
        self.bind.state(lambda state: state.views, self._show_views)

    def _show_views(self, views: tuple[ViewState, ...]) -> None:
        for card in self.cards:
            mine = {card.item.name, str(card.item.path)}
            card.set_views(tuple(i for i, view in enumerate(views) if view.model in mine))
        self._fill_cards()

    def _fill_cards(self) -> None:
        """Give cards that came without a picture one of their own, once their model is loaded."""
        for card in self.cards:
            for view in card.views:
                if not card.has_picture and self.session.info(view) is not None:
                    image = self._thumbs.get(card.item.name, CARD_LOOK, view)
                    if image is not None:
                        card.set_picture(image)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._fill_cards()
        facts = self.session.facts(self.session.state.active)
        self._grid.setVisible(facts is not None)
        self.classes.setVisible(info is not None and info.c_dim > 0)
        if info is None or facts is None:
            return
        if info.c_dim:
            names = facts.class_names or info.class_names
            self.classes.set_names(tuple(names) or tuple(f"class {i}" for i in range(info.c_dim)))
        for name, text in (
            ("Model", facts.name),
            ("Family", f"{info.family}, {info.img_resolution} px"),
            (
                "Latents",
                f"z {info.z_dim}   w {info.w_dim}   ws {info.num_ws}"
                + (f"   c {info.c_dim}" if info.c_dim else ""),
            ),
            ("Size", f"{facts.nbytes / 1e6:.1f} MB" if facts.nbytes else "?"),
            ("Licence", facts.licence or "not stated"),
            ("Origin", facts.origin or Path(facts.path).name),
        ):
            self.facts[name].set_text(text)

    def _load(self, name: str) -> None:
        self._files.open_model(name, self.session.state.active)

    def _ask(self) -> None:
        self._files.ask_model(self.session.state.active)

    def _recent(self) -> None:
        menu = self._files.window.menus["recent"]
        menu.popup(self.recent.mapToGlobal(self.recent.rect().bottomLeft()))
