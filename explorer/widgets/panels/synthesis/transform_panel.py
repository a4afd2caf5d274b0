"""Input transform: translation pad, rotation dial, scale, shear, a free matrix, motion in time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.state import Animation, Look
from explorer.widgets.controls.basic import Check, Choice, IconButton, label, row
from explorer.widgets.controls.disable import grey
from explorer.widgets.controls.number_field import NumberField
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID
from explorer.widgets.panels.panel import Panel
from explorer.widgets.panels.synthesis.pads import Dial, MovePad

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session

__all__ = ["TransformPanel"]

KINDS = (("none", "Still"), ("circle", "Circle"), ("spin", "Spin"), ("shake", "Shake"))
NOTES = {
    True: "Moves the Fourier features of the input: the picture itself moves.",
    False: "This network has no input transform; its constant input is resampled instead, "
    "so coarse shapes move and fine texture may stay behind.",
}
_CELLS = (
    ("m11", "new x for each x"), ("m12", "new x for each y"), ("dx", "shift to the right in image widths"),
    ("m21", "new y for each x"), ("m22", "new y for each y"), ("dy", "shift down in image widths"),
)  # fmt: skip


def _field(field: str, look: Look) -> float:
    return float(getattr(look.transform, field))


class TransformPanel(Panel):
    """Where the picture lies. Distances are in image widths, right and down positive; angles counter-clockwise."""

    key = "transform"
    title = "Transform"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.note = label("", "faint", wrap=True)
        self.pad, self.dial = MovePad(), Dial()
        self.offset_x = ValueSlider(
            "x", -1, 1, 0, step=0.01, decimals=3, unit="w", tip="Image widths to the right.", is_open=True
        )
        self.offset_y = ValueSlider(
            "y", -1, 1, 0, step=0.01, decimals=3, unit="w", tip="Image widths down.", is_open=True
        )
        self.rotate = ValueSlider("Rotate", -180, 180, 0, step=1, decimals=1, unit="\u00b0", tip="Degrees.")
        self.scale_x = ValueSlider("Scale x", 0.1, 4, 1, step=0.02, tip="Factor across.")
        self.scale_y = ValueSlider("Scale y", 0.1, 4, 1, step=0.02, tip="Factor down.")
        self.shear = ValueSlider("Shear", -2, 2, 0, step=0.02, tip="Shift in x for each unit of y.")
        self.together = Check("Same scale in both directions")
        self.together.setChecked(True)
        self.reset = IconButton("arrow-counter-clockwise", "Reset the whole transform", session.reset_transform)
        self._build_motion()
        self._build_matrix()
        self.add(self.note)
        self.add(row(None, self.pad, 2 * GRID, self.dial, None, spacing=0))
        for item in (self.offset_x, self.offset_y, self.rotate, self.scale_x, self.scale_y, self.shear):
            self.add(item)
        for widget in (self.together, row(self.more, None, self.reset), self.matrix):
            self.add(widget)
        self.add(self.motion_row)
        self._bind()

    def _build_motion(self) -> None:
        self.kind = Choice()
        for kind, text in KINDS:
            self.kind.addItem(text, kind)
        self.kind.setToolTip("Motion of the picture in time; Space stops and starts the clock")
        self.speed = ValueSlider(
            "Speed", 0, 2, 0.1, step=0.01, tip="Image widths (circle, shake) or turns (spin) per second."
        )
        self.radius = ValueSlider(
            "Radius", 0, 0.5, 0.1, step=0.01, unit="w", tip="Reach of the motion in image widths."
        )
        self.motion_row = row(label("Motion"), self.kind)

    def _build_matrix(self) -> None:
        self.more = IconButton(
            "caret-right", "A free 3x3 matrix applied after the rest", self._toggle, text="Matrix"
        )
        self.matrix = QWidget()
        grid = QGridLayout(self.matrix)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        self.cells: list[NumberField] = []
        for i, (name, meaning) in enumerate(_CELLS):
            line, column = divmod(i, 3)
            cell = NumberField(
                -4, 4, decimals=3, step=0.02,
                tip=f"{name}: {meaning}. Forward motion; the last row of the matrix is 0 0 1",
            )  # fmt: skip
            cell.chosen.connect(partial(self._set_cell, i))
            self.cells.append(cell)
            grid.addWidget(label(name, "faint"), 2 * line, column)
            grid.addWidget(cell, 2 * line + 1, column)
        self.matrix.hide()

    def _bind(self) -> None:
        session, bind = self.session, self.bind
        self.add(self.speed)
        self.add(self.radius)
        for slider, name, field in (
            (self.offset_x, "Move x", "x"),
            (self.offset_y, "Move y", "y"),
            (self.rotate, "Rotate", "rotate"),
            (self.shear, "Shear", "shear"),
        ):
            bind.slider(slider, name, partial(_field, field), partial(self._set_field, field))
        bind.slider(self.scale_x, "Scale", lambda look: look.transform.scale_x, lambda v: self._scale("scale_x", v))
        bind.slider(self.scale_y, "Scale", lambda look: look.transform.scale_y, lambda v: self._scale("scale_y", v))
        bind.look(lambda look: (look.transform.x, look.transform.y), self.pad.set_position)
        bind.look(lambda look: look.transform.rotate, self.dial.set_degrees)
        bind.look(lambda look: look.transform.matrix, self._show_matrix)
        bind.hand(self.pad, "Move")
        bind.hand(self.dial, "Rotate")
        self.pad.moving.connect(lambda x, y: self._set(x=x, y=y))
        self.dial.moving.connect(lambda degrees: self._set(rotate=degrees))
        self.pad.reset_requested.connect(lambda: self._set(x=0.0, y=0.0))
        self.dial.reset_requested.connect(lambda: self._set(rotate=0.0))
        bind.choice(self.kind, lambda look: look.transform.animation.kind, lambda k: session.set_animation(kind=k))
        bind.slider(
            self.speed,
            "Motion speed",
            lambda look: look.transform.animation.speed,
            lambda v: session.set_animation(speed=v),
        )
        bind.slider(
            self.radius,
            "Motion radius",
            lambda look: look.transform.animation.radius,
            lambda v: session.set_animation(radius=v),
        )
        bind.look(lambda look: look.transform.animation, self._grey_motion)
        bind.model(self._show_model)

    def _set(self, **fields: Any) -> None:
        self.session.set_transform(**fields)

    def _set_field(self, field: str, value: float) -> None:
        self._set(**{field: value})

    def _scale(self, field: str, value: float) -> None:
        both = self.together.isChecked()
        self._set(**({"scale_x": value, "scale_y": value} if both else {field: value}))

    def _set_cell(self, index: int, value: float) -> None:
        cells = list(self.session.look(self.session.store.state.active).transform.matrix)
        cells[index] = value
        self.session.begin("Free matrix")
        self._set(matrix=tuple(cells))
        self.session.commit()

    def _show_matrix(self, cells: tuple[float, ...]) -> None:
        for cell, value in zip(self.cells, cells, strict=True):
            cell.set_number(value)

    def _grey_motion(self, animation: Animation) -> None:
        still = "The picture stands still: choose a motion" if animation.kind == "none" else ""
        self.speed.set_reason(still)
        self.radius.set_reason(still or ("A spin has no radius" if animation.kind == "spin" else ""))

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.note.setText(NOTES[info.has_input_transform] if info else "")
        self.note.setVisible(info is not None)
        reason = "" if info else "No model is loaded"
        sliders = (self.offset_x, self.offset_y, self.rotate, self.scale_x, self.scale_y, self.shear)
        for slider in sliders:
            slider.set_reason(reason)
        for control in (self.pad, self.dial, self.matrix):
            grey(control, reason)

    def _toggle(self) -> None:
        shown = self.matrix.isHidden()
        self.matrix.setVisible(shown)
        self.more.set_icon_name("caret-down" if shown else "caret-right")
