"""Tables of figures with one column per view, in blocks if there are many; they follow the number of views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import label, value_label
from explorer.widgets.controls.plain_text import set_tip

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["ViewTable", "ViewValues"]

COLUMNS = 3
"""Default number of views side by side: three figures with their errors fit into a sidebar."""

BLOCK_PX = 24
"""Height of the header of a second block, which separates it from the first."""

NONE = "\u2013"


class _ViewGrid(QWidget):
    """Base class that lays out its cells again whenever the number of views changes."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.grid = QGridLayout(self)
        self.grid.setContentsMargins(0, 0, 0, 0)
        session.changed.connect(self._on_changed)

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if len(old.views) != len(new.views):
            self.arrange(len(new.views))

    def arrange(self, count: int) -> None:
        """Show the cells of `count` views."""
        raise NotImplementedError


class ViewTable(_ViewGrid):
    """A table with a row for each figure and a column for each view.

    Args:
        session: The session with the views.
        rows: (key, name, tooltip) of each figure.
        corner: The text above the names, such as a unit.
        spacing: Between the rows, in pixels.
        most: Views side by side.
    """

    def __init__(
        self,
        session: Session,
        rows: Sequence[tuple[str, str, str]],
        corner: str = "",
        *,
        spacing: int = 1,
        most: int = COLUMNS,
    ) -> None:
        super().__init__(session)
        self._most = most
        self.grid.setVerticalSpacing(spacing)
        self._rows, self._corner = rows, corner
        self.values: dict[tuple[str, int], QLabel] = {}
        self._letters: list[QLabel] = []
        self._names: list[list[QLabel]] = []  # by block: its corner and row labels
        self.arrange(len(session.state.views))

    def arrange(self, count: int) -> None:
        blocks = -(-count // self._most)
        columns = -(-count // blocks)
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        while len(self._names) < blocks:
            self._names.append(self._block())
        while len(self._letters) < count:
            self._add_view(len(self._letters))
        for block, names in enumerate(self._names):
            self.grid.setRowMinimumHeight(self._row(block, 0), BLOCK_PX if 0 < block < blocks else 0)
            for i, name in enumerate(names):
                self.grid.addWidget(name, self._row(block, i), 0)
                name.setVisible(block < blocks)
        for view, mark in enumerate(self._letters):
            block, column = divmod(view, columns)
            cells = [mark, *(self.values[key, view] for key, _, _ in self._rows)]
            for i, cell in enumerate(cells):
                if view < count:
                    self.grid.addWidget(cell, self._row(block, i), column + 1, right)
                cell.setVisible(view < count)
        for column in range(self._most):
            self.grid.setColumnStretch(column + 1, 1 if column < columns else 0)

    def _row(self, block: int, number: int) -> int:
        return block * (len(self._rows) + 1) + number

    def _block(self) -> list[QLabel]:
        names: list[QLabel] = [label(self._corner, "caption")]
        for _, name, tip in self._rows:
            names.append(label(name))
            set_tip(names[-1], tip)
        return names

    def _add_view(self, view: int) -> None:
        self._letters.append(label(letter(view)))
        for key, name, tip in self._rows:
            value = self.values[key, view] = value_label(NONE)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            set_tip(value, tip)
            value.setAccessibleName(f"{name} of {letter(view)}")

    def clear_view(self, view: int) -> None:
        """Clear the figures of a view."""
        for key, _, _ in self._rows:
            if (key, view) in self.values:
                self.values[key, view].setText(NONE)


class ViewValues(_ViewGrid):
    """One figure per view after its letter, two in a row.

    Args:
        session: The session with the views.
        name: Name of the value, for screen readers.
        title: Over them; empty for none.
    """

    def __init__(self, session: Session, name: str, title: QLabel | None = None) -> None:
        super().__init__(session)
        self._first = 0 if title is None else 1
        if title is not None:
            self.grid.addWidget(title, 0, 0, 1, 4)
        self._name = name
        self.letters: list[QLabel] = []
        self.values: list[QLabel] = []
        self.grid.setColumnStretch(1, 1)
        self.grid.setColumnStretch(3, 1)
        self.arrange(len(session.state.views))

    def _add_view(self, view: int) -> None:
        value = value_label(NONE)
        value.setAlignment(Qt.AlignmentFlag.AlignLeft)
        value.setAccessibleName(f"{self._name} of {letter(view)}")
        self.letters.append(label(letter(view)))
        self.values.append(value)

    def arrange(self, count: int) -> None:
        while len(self.values) < count:
            self._add_view(len(self.values))
        for view, (mark, value) in enumerate(zip(self.letters, self.values, strict=True)):
            row, column = self._first + view // 2, 2 * (view % 2)
            if view < count:
                self.grid.addWidget(mark, row, column)
                self.grid.addWidget(value, row, column + 1)
            for cell in (mark, value):
                cell.setVisible(view < count)
