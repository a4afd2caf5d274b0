"""The row of a bend: its name, its amount, and the numbers of its operation."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSizePolicy

from explorer.edits.bend import NO_RESIZE, Bend
from explorer.edits.bend_operations import OPERATIONS
from explorer.edits.channels import ChannelShare
from explorer.edits.registry import describe
from explorer.widgets.controls.basic import ElidedLabel, IconButton, row
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.edits.edit_rows import LABEL_PX, EditRow

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import Edit

__all__ = ["BendRow"]

_INDENT = 18  # px, of what belongs to the name above
_VALUE_PX = 62
_NUMBERS = max(len(operation.parameters) for operation in OPERATIONS.values())


class BendRow(EditRow):
    """The row of a bend: a line with its name and the buttons, then sliders."""

    def __init__(self, session: Session, index: int) -> None:
        super().__init__(session, index)
        for i, slider in enumerate(self.numbers):
            slider.pressed.connect(lambda: session.begin(describe(self.edit())))
            slider.moving.connect(lambda value, i=i: self._set_number(i, value))
            slider.released.connect(session.commit)
            slider.cancelled.connect(session.cancel)

    def lines(self) -> tuple[QWidget, ...]:
        """Return the name with the buttons, the amount, and a slider for each number of an operation."""
        self.name = ElidedLabel(mode=Qt.TextElideMode.ElideRight)
        self.name.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.numbers = [
            ValueSlider("", 0, 1, label_width=LABEL_PX, value_width=_VALUE_PX, is_open=True)
            for _ in range(_NUMBERS)
        ]
        self.slider.value_width = _VALUE_PX
        self.again = IconButton("dice-five", "", self._draw_again, size=14)
        head = row(self.on, self.name, self.again, self.order, self.remove, spacing=2)
        self.number_lines = [row(_INDENT, slider, spacing=0) for slider in self.numbers]
        return (head, row(_INDENT, self.slider, spacing=0), *self.number_lines)

    def label_of(self, edit: Edit) -> str:
        """Return the label of the amount; the line above has the name."""
        return "Amount"

    def tip_of(self, edit: Edit) -> str:
        """Return the tooltip of the amount."""
        return f"How much of this bend is blended in: {describe(edit)}. 0 means none, 1 all of it."

    def reason_of(self, edit: Edit, info: GeneratorInfo) -> str:
        """Return why the bend has no effect now."""
        reason, bend = super().reason_of(edit, info), edit.value
        assert isinstance(bend, Bend)
        is_of_size = edit.is_on and OPERATIONS[bend.operation].is_of_size
        return NO_RESIZE if reason and is_of_size and not info.can_resize else reason

    def show_edit(self, edit: Edit, count: int, info: GeneratorInfo) -> None:
        """Show a bend."""
        super().show_edit(edit, count, info)
        bend = edit.value
        assert isinstance(bend, Bend)
        operation, reason = OPERATIONS[bend.operation], self.reason_of(edit, info)
        name = describe(edit)
        self.name.set_text(name, name.replace(" of channels", "").replace(" channels ", " ch. "))
        is_noise = bend.operation == "noise"
        is_share = isinstance(bend.channels, ChannelShare) and not operation.is_of_size
        self.again.setVisible(is_noise or is_share)
        set_tip(self.again, "Other random noise, just as strong" if is_noise else "Other random channels, as many")
        values = operation.values(bend.parameters)
        for i, slider in enumerate(self.numbers):
            self.number_lines[i].setVisible(i < len(values))
            if i < len(values):
                parameter = operation.parameters[i]
                slider.unit, slider.decimals, slider.step = parameter.unit, parameter.decimals, parameter.step
                slider.set_range(parameter.low, parameter.high, parameter.default)
                slider.set_label(parameter.title)
                slider.set_tip(parameter.tip)
                slider.set_value(values[i])
                slider.set_reason(reason)

    def _bend(self) -> Bend:
        bend = self.edit().value
        assert isinstance(bend, Bend)
        return bend

    def _change(self, bend: Bend) -> None:
        self.session.look.set_edit(self.index, replace(self.edit(), value=bend))

    def _set_number(self, index: int, value: float) -> None:
        bend = self._bend()
        values = list(OPERATIONS[bend.operation].values(bend.parameters))
        values[index] = value
        self._change(replace(bend, parameters=tuple(values)))

    def _draw_again(self) -> None:
        bend = self._bend()
        if bend.operation == "noise":
            self._change(replace(bend, seed=random_seed()))
        elif isinstance(bend.channels, ChannelShare):
            self._change(replace(bend, channels=replace(bend.channels, seed=random_seed())))
