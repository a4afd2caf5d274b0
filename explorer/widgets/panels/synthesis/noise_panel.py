"""The noise panel: mode, seed, and strength for all and for each layer; disabled without noise inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.session.availability import NO_MODEL
from explorer.widgets.controls.basic import IconButton, Segments, label, row
from explorer.widgets.controls.layer_rows import LayerRows
from explorer.widgets.controls.parameter_slider import parameter_slider
from explorer.widgets.controls.seed_field import SeedField, random_seed
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.widgets.controls.slider import ValueSlider

__all__ = ["NoisePanel"]

MODES = (
    ("none", "None", "Add no noise"),
    ("const", "Stored", "The noise maps stored with the model (const)"),
    ("random", "Random", "Noise drawn from a seed"),
)


class NoisePanel(Panel):
    """Noise inputs of StyleGAN and StyleGAN2, which control fine random detail."""

    key = "noise"
    title = "Noise"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.reason = label("", "caption", wrap=True)
        self.mode = Segments(MODES)
        self.seed = SeedField("Seed of the random noise")
        self.dice = IconButton(
            "dice-five", "A random noise seed", lambda: session.look.set_noise(seed=random_seed())
        )
        self.strength = self.bind.parameter("noise.strength")
        self.more = IconButton("caret-right", "Set the strength for each layer", self._toggle, text="Per layer")
        self.layers = LayerRows(self._make_row)
        self._names: list[str] = []
        self.seed_row = row(label("Seed"), self.seed, self.dice)
        for item in (self.reason, self.mode, self.seed_row, self.strength, row(self.more, None), self.layers):
            self.add(item)
        self.layers.hide()
        self.seed.chosen.connect(lambda seed: session.look.set_noise(seed=seed))
        self.bind.model(self._show_model)
        self.bind.segments(self.mode, lambda look: look.noise.mode, lambda mode: session.look.set_noise(mode=mode))
        self.bind.look(lambda look: look.noise.seed, self.seed.set_seed)
        self.bind.reason("noise.mode", self._show_reason)
        self.bind.available("noise.mode", self.mode, self.more)
        self.bind.available("noise.seed", self.seed_row)
        self.bind.look(lambda look: look.noise.layer_strengths, self._show_strengths)

    def _make_row(self, index: int) -> ValueSlider:
        slider = parameter_slider("noise.layer_strengths")
        slider.pressed.connect(lambda: self.session.begin(f"Noise of {self._names[index]}"))
        slider.moving.connect(lambda v: self.session.look.set_noise_layer(self._names[index], v))
        slider.released.connect(self.session.commit)
        slider.cancelled.connect(self.session.cancel)
        self.bind.available("noise.layer_strengths", slider)
        return slider

    def _show_strengths(self, strengths: tuple[tuple[str, float], ...]) -> None:
        factors = dict(strengths)
        for name, slider in zip(self._names, self.layers.rows, strict=False):
            slider.set_value(factors.get(name, 1.0))

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._names = [layer.name for layer in info.layers if layer.has_noise] if info else []
        self.layers.set_names(self._names)

    def _show_reason(self, reason: str) -> None:
        shown = reason if reason != NO_MODEL else ""
        self.reason.setText(shown)
        self.reason.setVisible(bool(shown))

    def _toggle(self) -> None:
        shown = self.layers.isHidden()
        self.layers.setVisible(shown)
        self.more.set_icon_name("caret-down" if shown else "caret-right")
