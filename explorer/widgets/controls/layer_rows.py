"""A list of sliders, one per layer, that is refilled when the model changes; names of layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.latents.groups import label_of
from explorer.widgets.controls.slider import ValueSlider

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo

__all__ = ["LayerRows", "ws_names"]


def ws_names(info: GeneratorInfo) -> list[str]:
    """Return a short name for each entry of `ws`: its index and the resolution it styles."""
    return [f"{index}   {label_of(info, index)}" for index in range(info.num_ws)]


LABEL_PX = 72


class LayerRows(QWidget):
    """One slider per layer of the model. `make(index)` creates and binds the slider of one row."""

    def __init__(self, make: Callable[[int], ValueSlider], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._make = make
        self.sliders: list[ValueSlider] = []
        self._used = 0
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)

    def set_names(self, names: Sequence[str]) -> None:
        """Show one row per name. Surplus rows are hidden and reused for the next model."""
        self._used = len(names)
        while len(self.sliders) < len(names):
            slider = self._make(len(self.sliders))
            self.sliders.append(slider)
            self._layout.addWidget(slider)
        for i, slider in enumerate(self.sliders):
            slider.setVisible(i < len(names))
            if i < len(names):
                slider.set_label(names[i])
        if self.rows:
            ValueSlider.align(self.rows, LABEL_PX)

    @property
    def rows(self) -> list[ValueSlider]:
        """The sliders in use."""
        return self.sliders[: self._used]
