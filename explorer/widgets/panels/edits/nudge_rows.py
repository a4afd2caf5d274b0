"""One row for each step along a random direction: its length on a slider, another direction, and away with it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.state import Nudge
from explorer.widgets.controls.basic import IconButton, row
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.edits.w_values import scope_text

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["NudgeRows", "reach"]


def reach(w_dim: int) -> float:
    """How long a step the sliders offer: about as far as two random `w` of that many dimensions lie apart."""
    return float(max(2, math.ceil(math.sqrt(w_dim) / 2)))


class _Row(QWidget):
    """One nudge; rows are kept and shown again for others, so that a running drag never loses its slider."""

    def __init__(self, session: Session, index: int) -> None:
        super().__init__()
        self.session, self.index = session, index
        self.slider = ValueSlider("", -8, 8, 0, label_width=84, value_width=44)
        self.again = IconButton("dice-five", "New random direction, same length", self._another)
        self.remove = IconButton("x", "Remove this nudge", lambda: session.remove_nudge(self.index), size=12)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.slider, self.again, self.remove, spacing=2))
        self.slider.pressed.connect(lambda: session.begin("Nudge"))
        self.slider.moving.connect(lambda v: session.set_nudge(self.index, replace(self._nudge(), strength=v)))
        self.slider.released.connect(session.commit)
        self.slider.cancelled.connect(session.cancel)

    def _nudge(self) -> Nudge:
        return self.session.look().nudges[self.index]

    def _another(self) -> None:
        self.session.set_nudge(self.index, replace(self._nudge(), seed=random_seed()))

    def show_nudge(self, nudge: Nudge, limit: float) -> None:
        """Show one."""
        where = scope_text(nudge.first, nudge.last)
        limit = max(limit, abs(nudge.strength))
        if self.slider.maximum != limit:
            self.slider.set_range(-limit, limit, 0.0)
            self.slider.step = limit / 50
        self.slider.set_label(where)
        self.slider.set_tip(
            f"Length of a step along random direction {nudge.seed}, for {where}, in units of w. "
            "0 is no step, below 0 the other way."
        )
        self.slider.set_value(nudge.strength)


class NudgeRows(QWidget):
    """The state's nudges as rows."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows: list[_Row] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)

    def show_nudges(self, nudges: tuple[Nudge, ...], w_dim: int) -> None:
        """Show them, and no more."""
        while len(self.rows) < len(nudges):
            made = _Row(self._session, len(self.rows))
            self.rows.append(made)
            self._layout.addWidget(made)
        for i, made in enumerate(self.rows):
            made.setVisible(i < len(nudges))
            if i < len(nudges):
                made.show_nudge(nudges[i], reach(w_dim))
        self.setVisible(bool(nudges))
