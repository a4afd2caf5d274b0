"""HeredityRow: how children get one group of layers: mutated or not, and of which parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from explorer.widgets.controls.basic import Check, Choice
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.plain_text import set_tip

if TYPE_CHECKING:
    from explorer.state import Heredity

__all__ = ["NAME_PX", "HeredityRow"]

NAME_PX = 72
"""Width of the column of check boxes."""

_ABOUT = {
    "coarse": "pose, outline, large shapes",
    "middle": "features, smaller shapes",
    "fine": "colours, textures, fine detail",
}
_ORIGINS = (("this", "This picture"), ("other", "Second parent"), ("random", "Either, by chance"))
_NO_OTHER = "There is no second parent to have layers of"


class HeredityRow(QWidget):
    """The controls of one group. `changed(fields)` with the fields of `Heredity` that the user changed."""

    changed = Signal(object)

    def __init__(self, group: str) -> None:
        super().__init__()
        about = _ABOUT[group]
        self.mutates = Check(group.capitalize(), f"Mutate the {group} layers: {about}")
        self.mutates.setFixedWidth(NAME_PX)
        self.origin = Choice()
        for key, text in _ORIGINS:
            self.origin.addItem(text, key)
        set_tip(self.origin, f"Of which parent children have the {group} layers")
        self.origin.setAccessibleName(f"Parent of the {group} layers")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.mutates)
        layout.addWidget(self.origin, 1)
        self.mutates.clicked.connect(lambda is_on: self.changed.emit({"mutates": is_on}))
        self.origin.activated.connect(lambda index: self.changed.emit({"origin": self.origin.itemData(index)}))

    def show_heredity(self, heredity: Heredity, *, has_other: bool) -> None:
        """Show the settings; without a second parent there is nothing to choose."""
        self.mutates.setChecked(heredity.mutates)
        self.origin.setCurrentIndex(self.origin.findData(heredity.origin if has_other else "this"))
        disable(self.origin, "" if has_other else _NO_OTHER)
