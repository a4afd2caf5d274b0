"""Classes of a conditional model: one, or several by weight."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from explorer.state import Classes
from explorer.widgets.parts import IconButton, row
from explorer.widgets.sliders import ValueSlider

__all__ = ["ClassMixer"]


class ClassMixer(QWidget):
    """A list of classes and one slider of weight for each class in use.

    Signals: `pressed`, `weighed(weights)` with (class, weight) pairs, `released`, `cancelled`.
    """

    pressed = Signal()
    weighed = Signal(object)
    released = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names: tuple[str, ...] = ()
        self._weights: dict[int, float] = {0: 1.0}
        self.choice = QComboBox()
        self.choice.setToolTip("Show this class alone")
        self.choice.activated.connect(self._alone)
        self.plus = IconButton("plus", "Mix this class in as well", self._mix_in)
        self.sliders: list[ValueSlider] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._layout.addWidget(row(self.choice, self.plus))
        self._layout.setStretch(0, 1)

    def set_names(self, names: tuple[str, ...]) -> None:
        """The model's classes."""
        if names != self._names:
            self._names = names
            self.choice.clear()
            self.choice.addItems([f"{i}  {name}" for i, name in enumerate(names)])
        self.show_classes(Classes(tuple(self._weights.items())))

    def show_classes(self, classes: Classes) -> None:
        """Show weights; empty means class 0."""
        self._weights = {i: w for i, w in classes.weights if i < len(self._names)} or {0: 1.0}
        while len(self.sliders) < len(self._weights):
            self._add_slider()
        for slider, (index, weight) in zip(self.sliders, self._weights.items(), strict=False):
            slider.set_label(self._names[index] if index < len(self._names) else str(index))
            slider.set_value(weight)
        several = len(self._weights) > 1
        for i, slider in enumerate(self.sliders):
            slider.setVisible(several and i < len(self._weights))
        if not several:
            self.choice.setCurrentIndex(next(iter(self._weights)))

    def _add_slider(self) -> None:
        place = len(self.sliders)
        slider = ValueSlider(
            "", 0, 1, 1, step=0.05, tip="Weight of this class; the weights are scaled to sum to 1."
        )
        slider.pressed.connect(self.pressed)
        slider.moving.connect(lambda value: self._weigh(place, value))
        slider.released.connect(self.released)
        slider.cancelled.connect(self.cancelled)
        self.sliders.append(slider)
        self._layout.addWidget(slider)

    def _weigh(self, place: int, value: float) -> None:
        weights = dict(self._weights)
        # Nothing at all has no picture, and a class at 0 would vanish from under the hand.
        weights[list(weights)[place]] = max(value, 0.001)
        self.weighed.emit(tuple(weights.items()))

    def _alone(self, index: int) -> None:
        self.weighed.emit(((index, 1.0),))

    def _mix_in(self) -> None:
        index = self.choice.currentIndex()
        if index in self._weights:  # the one shown alone: mix in the next, which is what a plus promises
            free = [i for i in range(len(self._names)) if i not in self._weights]
            if not free:
                return
            index = free[0]
        self.weighed.emit((*self._weights.items(), (index, 0.5)))
