"""The truncation panel: psi, cutoff, and optionally psi for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.widgets.controls.basic import IconButton, row
from explorer.widgets.controls.layer_rows import LayerRows, ws_names
from explorer.widgets.controls.parameter_slider import parameter_slider
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import Truncation

__all__ = ["TruncationPanel"]


class TruncationPanel(Panel):
    """Truncation: psi 1 is off, 0 the average picture, and negative values are opposites."""

    key = "truncation"
    title = "Truncation"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.psi = self.bind.parameter("truncation.psi")
        self.cutoff = ValueSlider(
            "Cutoff",
            0,
            1,
            1,
            decimals=0,
            step=1,
            tip="Truncate only this many layers, counting from the first.",
            text_of=lambda v: "all" if v >= self.cutoff.maximum else "none" if v == 0 else f"{v:.0f}",
        )
        self.more = IconButton("caret-right", "Set psi for each layer", self._toggle, text="Per layer")
        self.layers = LayerRows(self._make_row)
        for item in (self.psi, self.cutoff, row(self.more, None), self.layers):
            self.add(item)
        self.layers.hide()
        self.bind.model(self._show_model)
        self.bind.available("truncation.cutoff", self.cutoff)
        self.bind.available("truncation.layer_psi", self.more)
        self.bind.look(lambda look: look.truncation.cutoff, self._show_cutoff)
        self.bind.stroke(self.cutoff, "Truncation cutoff", self._set_cutoff)
        self.bind.look(lambda look: look.truncation, self._show_layers)

    def _make_row(self, index: int) -> ValueSlider:
        slider = parameter_slider("truncation.layer_psi")
        self.bind.stroke(slider, f"Psi of layer {index}", lambda v: self._set_layer(index, v))
        self.bind.available("truncation.layer_psi", slider)
        return slider

    def _set_layer(self, index: int, value: float) -> None:
        follows = abs(value - self.layers.sliders[index].default) < 1e-9
        self.session.look.set_layer_psi(index, None if follows else value)

    def _set_cutoff(self, value: float) -> None:
        self.session.look.set_cutoff(None if value >= self.cutoff.maximum else int(value))

    def _show_cutoff(self, cutoff: int | None) -> None:
        self.cutoff.set_value(self.cutoff.maximum if cutoff is None else cutoff)

    def _show_layers(self, truncation: Truncation) -> None:
        own = dict(truncation.layer_psi)
        count = len(self.layers.rows)
        cutoff = count if truncation.cutoff is None else truncation.cutoff
        for index, slider in enumerate(self.layers.rows):
            follows = truncation.psi if index < cutoff else 1.0
            slider.set_range(slider.minimum, slider.maximum, follows)
            slider.set_value(own.get(index, follows))

    def _show_model(self, info: GeneratorInfo | None) -> None:
        if info is not None:
            self.cutoff.set_range(0, info.num_ws, info.num_ws)
            self.layers.set_names(ws_names(info))

    def _toggle(self) -> None:
        shown = self.layers.isHidden()
        self.layers.setVisible(shown)
        self.more.set_icon_name("caret-down" if shown else "caret-right")
