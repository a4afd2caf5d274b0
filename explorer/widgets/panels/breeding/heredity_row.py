"""HeredityRow: how children get one group of layers: mutated or not, and of which parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from explorer.widgets.controls.basic import Check, Segments
from explorer.widgets.controls.disable import disable

if TYPE_CHECKING:
    from explorer.state import Heredity

__all__ = ["HeredityRow"]

_NAME_PX = 72
_ABOUT = {
    "coarse": "pose, outline, large shapes",
    "middle": "features, smaller shapes",
    "fine": "colours, textures, fine detail",
}
_NO_OTHER = "There is no second parent to have layers of"


class HeredityRow(QWidget):
    """The controls of one group. `changed(fields)` with the fields of `Heredity` that the user changed."""

    changed = Signal(object)

    def __init__(self, group: str) -> None:
        super().__init__()
        about = _ABOUT[group]
        self.mutates = Check(group.capitalize(), f"Mutate the {group} layers: {about}")
        self.mutates.setFixedWidth(_NAME_PX)
        self.origin = Segments(
            (
                ("this", "This", f"The {group} layers are this picture's"),
                ("other", "Other", f"The {group} layers are the second parent's"),
                ("random", "Either", f"The {group} layers are of either parent, by chance for each child"),
            )
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.mutates)
        layout.addWidget(self.origin, 1)
        self.mutates.clicked.connect(lambda is_on: self.changed.emit({"mutates": is_on}))
        self.origin.chosen.connect(lambda key: self.changed.emit({"origin": key}))

    def show_heredity(self, heredity: Heredity, *, has_other: bool) -> None:
        """Show the settings; without a second parent there is nothing to choose."""
        self.mutates.setChecked(heredity.mutates)
        self.origin.set_choice(heredity.origin if has_other else "this")
        disable(self.origin, "" if has_other else _NO_OTHER)
