"""CandidateSheet: a window of random directions to keep and to reject, and to sample again around the kept ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from explorer.directions.candidates import candidates
from explorer.session.directions import Found
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.theme import GRID
from explorer.widgets.controls.thumbnails import Thumbnails
from explorer.widgets.panels.edits.direction_strip import DirectionStrip

if TYPE_CHECKING:
    from explorer.directions.direction_set import DirectionSet
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["CandidateSheet"]

_COLUMNS = 3


class CandidateSheet(QDialog):
    """A sheet of candidates. `chosen(DirectionSet)` is emitted with those that were kept when it is accepted.

    Args:
        session: Renders the previews.
        components: Principal components of w of the active view's model.
        look: What the previews are made of.
        parent: Owner.
    """

    chosen = Signal(object)

    def __init__(
        self, session: Session, components: list[Found], look: Look, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keep and reject directions")
        self._session, self._look = session, look
        self._components = [item.stored for item in components]
        self._thumbnails = Thumbnails(session, "candidate", self._update_strips, self)
        self.found: DirectionSet = candidates(self._components, [], [], random_seed())
        self.cells = [_Cell(self, i) for i in range(len(self.found))]
        grid = QGridLayout()
        grid.setSpacing(GRID)
        for i, cell in enumerate(self.cells):
            grid.addWidget(cell, i // _COLUMNS, i % _COLUMNS)
        self.again = IconButton(
            "shuffle", "Sample new candidates around the kept ones, without the side effects of the rejected ones",
            self.sample_again, text="Sample again",
        )  # fmt: skip
        self.take = IconButton(
            "check", "Add the kept directions to the list", self.accept, text="Add the kept ones"
        )
        self.close_button = IconButton("x", "Close without adding any (Esc)", self.reject, text="Close")
        layout = QVBoxLayout(self)
        layout.addWidget(label("Keep what changes what you want, reject what changes too much, then sample again."))
        layout.addLayout(grid)
        layout.addWidget(row(self.again, self.take, self.close_button))
        self._show()

    def look_at(self, index: int, strength: float) -> Look:
        """Return the look at a strength of a candidate."""
        found = Found(self.found.stored(index), self.found.method)
        return self._session.directions.look_with(self._look, found, strength, ())

    def kept(self) -> list[int]:
        """Return the numbers of the kept candidates."""
        return [i for i, cell in enumerate(self.cells) if cell.keep.isChecked()]

    def sample_again(self) -> None:
        """Show new candidates; the kept ones stay, at the front."""
        kept = self.kept()
        vectors = [self.found.vectors[i] for i in kept]
        rejected = [self.found.vectors[i] for i, cell in enumerate(self.cells) if cell.drop.isChecked()]
        fresh = candidates(self._components, vectors, rejected, random_seed(), len(self.cells) - len(kept))
        self.found = self.found.of(kept).joined(fresh) if len(fresh) else self.found
        for i, cell in enumerate(self.cells):
            cell.mark(is_kept=i < len(kept))
        self._thumbnails.clear()
        self._show()

    def accept(self) -> None:
        """Add the kept candidates to the list, and close."""
        kept = self.kept()
        if kept:
            self.chosen.emit(self.found.of(kept))
        super().accept()

    def _show(self) -> None:
        count = len(self.kept())
        self.take.setEnabled(count > 0)
        self.again.setEnabled(count < len(self.cells))
        self._update_strips()

    def _update_strips(self) -> None:
        for cell in self.cells:
            cell.strip.update()


class _Cell(QWidget):
    """One candidate: its previews, keep and reject."""

    def __init__(self, sheet: CandidateSheet, index: int) -> None:
        super().__init__()
        self.strip = DirectionStrip(sheet._thumbnails, lambda strength: sheet.look_at(index, strength))
        self.strip.setMinimumWidth(250)
        self.keep = IconButton("check", "Keep", self._on_keep, checkable=True, size=14)
        self.drop = IconButton("x", "Reject", self._on_drop, checkable=True, size=14)
        self._sheet = sheet
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(row(self.strip, self.keep, self.drop, spacing=2))

    def mark(self, *, is_kept: bool) -> None:
        """Mark the candidate as kept, or as not judged yet."""
        self.keep.setChecked(is_kept)
        self.drop.setChecked(False)

    def _on_keep(self) -> None:
        self.drop.setChecked(False)
        self._sheet._show()

    def _on_drop(self) -> None:
        self.keep.setChecked(False)
        self._sheet._show()
