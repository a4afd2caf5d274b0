"""Style mixing: a slider between base and source for each layer and for groups of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.latents.groups import GROUPS, group_of, label_of
from explorer.session.availability import NO_MODEL
from explorer.state import Classes, Mixing, MixSource
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.parameter_slider import parameter_slider
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.latent.mix_sources import SourceRow, source_name
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session

__all__ = ["MixingPanel"]

LABEL_PX, VALUE_PX = 96, 50  # of all rows, so that grooves align; longer names widen it
GROUP_TIPS = {
    "coarse": "Pose, outline, large shapes.",
    "middle": "Features, smaller shapes.",
    "fine": "Colours, textures, fine detail.",
}


class MixingPanel(Panel):
    """Chooses the source of each layer's style."""

    key = "mixing"
    title = "Style mixing"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._source = 0  # the source that the sliders mix in; not part of the state
        self._thumbnails = Thumbnails(session, "mix", self.update_faces, self)
        self._groups: dict[str, list[int]] = {}
        self._owners: dict[int, int] = {}  # layer -> the source it uses now
        self.source_rows: list[SourceRow] = []
        self._sources = QVBoxLayout()
        self._sources.setSpacing(4)
        self.plus = IconButton("plus", "Add a source with a random seed", self._add_source, text="Source")
        self.clear = IconButton(
            "arrow-counter-clockwise", "Reset all layers to the base", session.look.clear_mixing
        )
        self.more = IconButton("caret-down", "Show or hide individual layers", self._toggle, text="Layers")
        self.groups = {name: self._group_slider(name) for name in GROUPS}
        self.layers: list[ValueSlider] = []
        self._rows = QVBoxLayout()
        self._rows.setSpacing(0)
        self.empty = label(NO_MODEL, "caption")
        self.add(self._sources)
        self.add(row(self.plus, self.more, None, self.clear))
        self.add(self._rows)
        self.add(self.empty)
        self.bind.available("mixing", self.plus, self.clear, self.more)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look.mixing, self._show)
        self.bind.look(lambda look: look.classes, self._show_classes)

    # building --------------------------------------------------------------------------------------------

    def _group_slider(self, name: str) -> ValueSlider:
        slider = parameter_slider("mixing.amount", label_width=LABEL_PX, value_width=VALUE_PX)
        slider.set_label(name.capitalize())
        slider.set_tip(GROUP_TIPS[name])
        slider.is_strong = True
        self.bind.stroke(slider, f"Mix {name} styles", lambda v: self._mix_group(name, v))
        return slider

    def _layer_slider(self, index: int) -> ValueSlider:
        slider = parameter_slider(
            "mixing.amount",
            label_width=LABEL_PX,
            value_width=VALUE_PX,
            text_of=lambda v: f"{source_name(self._owners.get(index, self._source))}  {v:.2f}" if v else "base",
        )
        self.bind.stroke(slider, f"Mix layer {index}", lambda v: self.session.look.set_mix(index, self._source, v))
        return slider

    def _mix_group(self, name: str, amount: float) -> None:
        self.session.look.set_mix_group(name, amount, self._source)  # type: ignore[arg-type]

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._thumbnails.clear()
        self.empty.setVisible(info is None)
        for slider in (*self.groups.values(), *self.layers):
            self._rows.removeWidget(slider)
            slider.hide()
        if info is None:
            return
        self._groups = {g: [i for i in range(info.num_ws) if group_of(info, i) == g] for g in GROUPS}
        while len(self.layers) < info.num_ws:
            self.layers.append(self._layer_slider(len(self.layers)))
        shown = self._shows_layers()
        for name, members in self._groups.items():
            self._rows.addWidget(self.groups[name])
            self.groups[name].setVisible(bool(members))
            for index in members:
                self.layers[index].set_label(f"{index:>4}  {label_of(info, index)}")
                self._rows.addWidget(self.layers[index])
                self.layers[index].setVisible(shown)
        ValueSlider.align([*self.layers[: info.num_ws], *self.groups.values()], LABEL_PX)

    # showing ---------------------------------------------------------------------------------------------

    def _show(self, mixing: Mixing) -> None:
        self._source = min(self._source, len(mixing.sources) - 1)
        while len(self.source_rows) < len(mixing.sources):
            self._add_row()
        for i, source_row in enumerate(self.source_rows):
            source_row.setVisible(i < len(mixing.sources))
            if i < len(mixing.sources):
                source_row.show_source(mixing.sources[i], i == self._source, len(mixing.sources) > 1)
        amounts = {r.layer: r.amount for r in mixing.rows}
        self._owners = {r.layer: r.source for r in mixing.rows if r.amount > 0}
        for index, slider in enumerate(self.layers):
            slider.set_value(amounts.get(index, 0.0))
            slider.update()
        for name, members in self._groups.items():
            if members:
                self.groups[name].set_value(sum(amounts.get(i, 0.0) for i in members) / len(members))

    def _show_classes(self, classes: Classes) -> None:
        self._thumbnails.clear()
        for source_row in self.source_rows:
            source_row.face.show_classes(classes)

    def _add_row(self) -> None:
        made = SourceRow(len(self.source_rows), self._thumbnails)
        made.face.show_classes(self.session.look_of().classes)
        made.chosen.connect(self._choose)
        made.changed.connect(self.session.look.set_mix_source)
        made.pinned.connect(self._pin)
        made.removed.connect(self._remove)
        self.source_rows.append(made)
        self._sources.addWidget(made)
        self.bind.available("mixing", made)

    def update_faces(self) -> None:
        """Repaint the sources after a thumbnail has arrived."""
        for source_row in self.source_rows:
            source_row.face.update()

    # input -----------------------------------------------------------------------------------------------

    def _choose(self, index: int) -> None:
        self._source = index
        self._show(self.session.look_of().mixing)

    def _add_source(self) -> None:
        self.session.look.add_mix_source(MixSource(random_seed()))
        self._choose(len(self.session.look_of().mixing.sources) - 1)

    def _remove(self, index: int) -> None:
        if index < self._source:
            self._source -= 1  # keep the same source selected
        self.session.look.remove_mix_source(index)

    def _pin(self, index: int) -> None:
        self.session.look.set_mix_source(index, MixSource.of(self.session.look_of().latent))

    def _shows_layers(self) -> bool:
        return bool(self.more.property("open") is not False)

    def _toggle(self) -> None:
        shown = not self._shows_layers()
        self.more.setProperty("open", shown)
        self.more.set_icon_name("caret-down" if shown else "caret-right")
        for members in self._groups.values():
            for index in members:
                self.layers[index].setVisible(shown)
