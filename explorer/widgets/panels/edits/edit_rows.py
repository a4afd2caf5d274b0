"""One row per edit of the look: a switch, its strength, and buttons to reorder and remove it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.edits.base import Strength, UnknownEdit, span_text
from explorer.edits.registry import describe, is_of_model, kind_of
from explorer.state import Edit, Nudge
from explorer.widgets.controls.basic import Check, IconButton, row
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session

__all__ = ["EditRow", "EditRows", "NudgeRow"]

LABEL_PX = 56
OTHER_MODEL = "This edit does not fit the current model; it is kept for the model it was made with"


class EditRow(QWidget):
    """One edit. A kind with more settings than a strength names a subclass in its `row`.

    Rows are reused for other edits of their kind, so that a running drag never loses its slider.
    """

    def __init__(self, session: Session, index: int) -> None:
        super().__init__()
        self.session, self.index = session, index
        self.on = Check("", "Switch this edit on or off; while off, it is kept but has no effect")
        self.on.setAccessibleName("Edit is on")
        self.slider = ValueSlider("", 0, 1, 1, label_width=LABEL_PX, value_width=44, is_open=True)
        self.up = IconButton("caret-up", "Apply this edit earlier", lambda: self._move(-1), size=10)
        self.down = IconButton("caret-down", "Apply this edit later", lambda: self._move(1), size=10)
        self.remove = IconButton("x", "Remove this edit", lambda: session.look.remove_edit(self.index), size=12)
        self.order = row(self.up, self.down, spacing=0)
        for button in (self.up, self.down):
            button.setFixedWidth(16)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        for line in self.lines():
            layout.addWidget(line)
        self.on.clicked.connect(lambda is_on: session.look.switch_edit(self.index, is_on))
        self.slider.pressed.connect(lambda: session.begin(describe(self.edit())))
        self.slider.moving.connect(lambda v: session.look.set_edit(self.index, replace(self.edit(), strength=v)))
        self.slider.released.connect(session.commit)
        self.slider.cancelled.connect(session.cancel)

    def _move(self, by: int) -> None:
        self.session.look.move_edit(self.index, by)

    def lines(self) -> tuple[QWidget, ...]:
        """Return the lines of the row, from top to bottom."""
        return (row(self.on, self.slider, *self.extras(), self.order, self.remove, spacing=2),)

    def extras(self) -> tuple[QWidget, ...]:
        """Return additional widgets after the slider."""
        return ()

    def edit(self) -> Edit:
        """Return the edit shown by the row."""
        return self.session.look_of().edits[self.index]

    def label_of(self, edit: Edit) -> str:
        """Return the short label before the slider; the tooltip has the full text."""
        return describe(edit).replace(" of layers ", " ").replace(" of layer ", " ")

    def tip_of(self, edit: Edit) -> str:
        """Return the tooltip of the slider."""
        return f"Strength of this edit: {describe(edit)}. 0 means no edit."

    def show_edit(self, edit: Edit, count: int, info: GeneratorInfo) -> None:
        """Show one of `count` edits for a network."""
        kind = kind_of(edit.value)
        limit = kind.limit(info) if kind is not None else Strength()
        low, high = min(limit.low, edit.strength), max(limit.high, edit.strength)
        if (self.slider.minimum, self.slider.maximum, self.slider.default) != (low, high, limit.default):
            self.slider.set_range(low, high, limit.default)
            self.slider.step = (high - low) / 100
        self.slider.set_label(self.label_of(edit))
        self.slider.set_tip(self.tip_of(edit))
        self.slider.set_value(edit.strength)
        self.slider.set_reason(self.reason_of(edit, info))
        self.on.setChecked(edit.is_on)
        self.order.setVisible(count > 1)
        self.up.setEnabled(self.index > 0)
        self.down.setEnabled(self.index < count - 1)

    def reason_of(self, edit: Edit, info: GeneratorInfo) -> str:
        """Return why the strength has no effect now; empty if it has one."""
        kind = kind_of(edit.value)
        if kind is None:
            name = edit.value.name if isinstance(edit.value, UnknownEdit) else edit.value.kind
            return f'This edit needs a plug-in for the kind "{name}", which is not installed; it is kept as it is'
        if not edit.is_on:
            return "This edit is switched off"
        table, model_info = self.session.table, self.session.model_info(self.session.active)
        sha = model_info.sha256 if model_info is not None else ""
        fits = is_of_model(edit.value, table, sha) and kind.resolve(edit.value, info, table) is not None
        return "" if fits else OTHER_MODEL


class NudgeRow(EditRow):
    """The row of a step along a random direction, with a button for another direction."""

    def extras(self) -> tuple[QWidget, ...]:
        """Return the button for another random direction."""
        self.again = IconButton("dice-five", "New random direction, same length", self._another)
        return (self.again,)

    def _another(self) -> None:
        edit = self.edit()
        assert isinstance(edit.value, Nudge)
        self.session.look.set_edit(self.index, replace(edit, value=replace(edit.value, seed=random_seed())))

    def tip_of(self, edit: Edit) -> str:
        """Return the tooltip with direction and layers."""
        assert isinstance(edit.value, Nudge)
        return (
            f"Length of a step along random direction {edit.value.seed}, for "
            f"{span_text(edit.value.first, edit.value.last)}, in units of w. "
            "0 means no step; negative values step the opposite way."
        )


def _row_class(edit: Edit) -> type[EditRow]:
    kind = kind_of(edit.value)
    return _row_class_of(kind.row) if kind is not None and kind.row else EditRow


@cache
def _row_class_of(reference: str) -> type[EditRow]:
    module, _, name = reference.partition(":")
    found: type[EditRow] = getattr(import_module(module), name)
    return found


class EditRows(QWidget):
    """The look's edits as rows, in order."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.rows: list[EditRow] = []
        self._spare: list[EditRow] = []  # rows of other classes, hidden
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)

    def show_edits(self, edits: tuple[Edit, ...], info: GeneratorInfo | None) -> None:
        """Show exactly these edits; none without a network."""
        shown = edits if info is not None else ()
        for i, edit in enumerate(shown):
            made = self._row(i, _row_class(edit))
            made.setVisible(True)
            assert info is not None
            made.show_edit(edit, len(shown), info)
        for made in self.rows[len(shown) :]:
            made.setVisible(False)
        self.setVisible(bool(shown))

    def _row(self, index: int, cls: type[EditRow]) -> EditRow:
        """Return the row at an index, with the given class."""
        if index < len(self.rows) and type(self.rows[index]) is cls:
            return self.rows[index]
        made = next((row for row in self._spare if type(row) is cls), None)
        if made is None:
            made = cls(self._session, index)
        else:
            self._spare.remove(made)
            made.index = index
        if index < len(self.rows):
            old = self.rows[index]
            self._layout.removeWidget(old)
            old.hide()
            self._spare.append(old)
            self.rows[index] = made
        else:
            self.rows.append(made)
        self._layout.insertWidget(index, made)
        return made
