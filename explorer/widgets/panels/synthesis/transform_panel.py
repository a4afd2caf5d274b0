"""The transform panel: translation pad, rotation dial, scale, shear, custom matrix, and animation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.widgets.controls.basic import Check, Choice, IconButton, label, row
from explorer.widgets.controls.number_field import NumberField
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID
from explorer.widgets.panels.panel import Panel
from explorer.widgets.panels.synthesis.pads import Dial, MovePad

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import Look

__all__ = ["TransformPanel"]

KINDS = (("none", "Still"), ("circle", "Circle"), ("spin", "Spin"), ("shake", "Shake"))
NOTES = {
    True: "Transforms the Fourier features of the input: the picture itself moves.",
    False: "This network has no input transform; its constant input is resampled instead, "
    "so coarse shapes move and fine texture may stay behind.",
}
OF_A_SOURCE = "This network changes a picture: the source is moved, and the result is made anew of it."
_CELLS = (
    ("m11", "new x for each x"), ("m12", "new x for each y"), ("dx", "shift to the right in image widths"),
    ("m21", "new y for each x"), ("m22", "new y for each y"), ("dy", "shift down in image widths"),
)  # fmt: skip


SLIDERS = tuple(f"transform.{name}" for name in ("x", "y", "rotate", "scale_x", "scale_y", "shear"))
MOTION_SLIDERS = ("transform.animation.speed", "transform.animation.radius")


class TransformPanel(Panel):
    """The input transform. Distances are in image widths, right and down positive; angles counter-clockwise."""

    key = "transform"
    title = "Transform"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._create()
        self._create_matrix()
        self._lay_out()
        self._bind()

    def _create(self) -> None:
        self.note = label("", "caption", wrap=True)
        self.pad, self.dial = MovePad(), Dial()
        self.same_scale = Check("Same scale in both directions")
        self.same_scale.setChecked(True)
        scales = {
            "transform.scale_x": partial(self._scale, "scale_x"),
            "transform.scale_y": partial(self._scale, "scale_y"),
        }
        self.sliders = {
            path: self.bind.parameter(path, scales.get(path), name="Scale" if path in scales else "")
            for path in (*SLIDERS, *MOTION_SLIDERS)
        }
        self.camera_lock = ValueSlider(
            "Camera lock", 0.0, 1.0, 0.0, step=0.05,
            tip="Holds the network's own motion of the picture, which w steers, at that of the average latent: 0 "
            "leaves it free, 1 gives every picture the same position and angle. It is the truncation of layer 0.",
        )  # fmt: skip
        self.reset = IconButton(
            "arrow-counter-clockwise", "Reset the whole transform", self.session.look.reset_transform
        )
        self.kind = Choice()
        for kind, text in KINDS:
            self.kind.addItem(text, kind)
        set_tip(self.kind, "Motion of the picture over time; Space stops and starts the clock")

    def _create_matrix(self) -> None:
        self.show_matrix = IconButton(
            "caret-right",
            "A custom 3x3 matrix applied after the other transforms",
            self._toggle_matrix,
            text="Matrix",
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
            self.cells.append(cell)
            grid.addWidget(label(name, "caption"), 2 * line, column)
            grid.addWidget(cell, 2 * line + 1, column)
        self.matrix.hide()

    def _lay_out(self) -> None:
        self.add(self.note)
        self.add(row(None, self.pad, 2 * GRID, self.dial, None, spacing=0))
        for path in SLIDERS:
            self.add(self.sliders[path])
        self.add(self.same_scale)
        self.add(self.camera_lock)
        self.add(row(self.show_matrix, None, self.reset))
        self.add(self.matrix)
        self.add(row(label("Motion"), self.kind))
        for path in MOTION_SLIDERS:
            self.add(self.sliders[path])

    def _bind(self) -> None:
        session, bind = self.session, self.bind
        bind.look(lambda look: (look.transform.x, look.transform.y), self.pad.set_position)
        bind.look(lambda look: look.transform.rotate, self.dial.set_degrees)
        bind.look(lambda look: look.transform.matrix, self._show_matrix)
        bind.drag(self.pad, "Move")
        bind.drag(self.dial, "Rotate")
        self.pad.moving.connect(lambda x, y: self._set(x=x, y=y))
        self.dial.moving.connect(lambda degrees: self._set(rotate=degrees))
        self.pad.reset_requested.connect(lambda: self._set(x=0.0, y=0.0))
        self.dial.reset_requested.connect(lambda: self._set(rotate=0.0))
        for index, cell in enumerate(self.cells):
            cell.chosen.connect(partial(self._set_cell, index))
        bind.choice(
            self.kind, lambda look: look.transform.animation.kind, lambda k: session.look.set_animation(kind=k)
        )
        bind.slider(self.camera_lock, "Camera lock", _lock_of, session.look.set_camera_lock)
        bind.available("transform.x", self.pad)
        bind.available("transform.rotate", self.dial)
        bind.available("transform.matrix", self.matrix)
        bind.model(self._show_model)

    def _set(self, **fields: Any) -> None:
        self.session.look.set_transform(**fields)

    def _scale(self, field: str, value: float) -> None:
        both = self.same_scale.isChecked()
        self._set(**({"scale_x": value, "scale_y": value} if both else {field: value}))

    def _set_cell(self, index: int, value: float) -> None:
        cells = list(self.session.look_of().transform.matrix)
        cells[index] = value
        self.session.begin("Matrix")
        self._set(matrix=tuple(cells))
        self.session.commit()

    def _show_matrix(self, cells: tuple[float, ...]) -> None:
        for cell, value in zip(self.cells, cells, strict=True):
            cell.set_number(value)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        note = "" if info is None else NOTES[info.has_input_transform]
        is_of_source = info is not None and bool(info.source_channels) and not info.has_input_transform
        self.note.setText(OF_A_SOURCE if is_of_source else note)
        self.note.setVisible(info is not None)
        self.camera_lock.setVisible(info is not None and bool(info.input_style_dim) and not info.layers_of_ws(0))

    def _toggle_matrix(self) -> None:
        shown = self.matrix.isHidden()
        self.matrix.setVisible(shown)
        self.show_matrix.set_icon_name("caret-down" if shown else "caret-right")


def _lock_of(look: Look) -> float:
    """Return how far the network's own camera is held, from the truncation of entry 0 of `ws`."""
    psi, own = look.truncation.psi, dict(look.truncation.layer_psi)
    return 1.0 - own[0] / psi if 0 in own and psi else 0.0
