"""The bar of the guided tour over the pictures: step, what to see, what to try, back and next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QSizePolicy, QToolButton, QWidget

from explorer.session.tour import STEPS
from explorer.widgets.controls.basic import IconButton, label
from explorer.widgets.controls.bindings import Binder
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["TourBar"]

BACK_TIP = "End the tour and restore your previous state"


class TourBar(QFrame):
    """Hidden unless a tour is running. `panel_requested(key)`: the panel with the step's control."""

    panel_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.session = session
        self.count = label("", "muted")
        self.title = label("", "heading")
        self.see = _text_label("")
        self.do = _text_label("muted")
        self.back = IconButton("caret-left", "Previous step", lambda: self.go(-1))
        self.next = IconButton("caret-right", "Next step", lambda: self.go(1))
        self.keep = QToolButton()
        self.keep.setText("Keep this")
        set_tip(self.keep, "End the tour and keep its current state instead of your previous one")
        self.keep.clicked.connect(lambda _=False: session.lab.keep_tour())
        self.close_button = IconButton("x", BACK_TIP, lambda: session.lab.set_tour(0))
        grid = QGridLayout(self)
        grid.setContentsMargins(GRID + 4, GRID // 2, GRID // 2, GRID)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(1)
        grid.addWidget(self.title, 0, 0)
        grid.addWidget(self.count, 0, 1, Qt.AlignmentFlag.AlignLeft)
        for i, button in enumerate((self.keep, self.back, self.next, self.close_button)):
            grid.addWidget(button, 0, 2 + i)
        grid.addWidget(self.see, 1, 0, 1, 6)
        grid.addWidget(self.do, 2, 0, 1, 6)
        grid.setColumnStretch(1, 1)
        self._binder = Binder(session, self)
        self._binder.state(lambda state: state.lab.tour, self._show_step)

    def go(self, by: int) -> None:
        """Go on by a number of steps; after the last one the tour ends and the previous state is restored."""
        number = self.session.state.lab.tour + by
        self.session.lab.set_tour(number if number <= len(STEPS) else 0)

    def _show_step(self, number: int) -> None:
        shown = 1 <= number <= len(STEPS)
        self.setVisible(shown)
        if not shown:
            return
        step = STEPS[number - 1]
        self.title.setText(step.title)
        self.count.setText(f"{number} of {len(STEPS)}")
        self.see.setText(step.see)
        self.do.setText(step.do)
        self.back.setEnabled(number > 1)
        last = number == len(STEPS)
        self.next.set_icon_name("check" if last else "caret-right")
        set_tip(self.next, BACK_TIP if last else "Next step")
        if step.panel:
            self.panel_requested.emit(step.panel)


def _text_label(role: str) -> QLabel:
    made = label("", role, wrap=True)
    made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return made
