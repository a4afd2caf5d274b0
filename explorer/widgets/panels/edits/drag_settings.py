"""The settings of dragging, folded away under "Advanced": rows, rate, radii, the mask's weight, limits."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.errors import UsageError
from explorer.state.dragging import DragSettings
from explorer.state.parameters import DRAG_PARAMETERS
from explorer.util.ranges import ranges_of
from explorer.widgets.controls.basic import Check, Choice, IconButton, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.number_field import NumberLine
from explorer.widgets.controls.parameter_slider import parameter_slider
from explorer.widgets.controls.plain_text import set_tip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.widgets.controls.bindings import Binder

__all__ = ["DragSettingsBox"]

LABEL_PX = 72
METHODS = (("freedrag", "Line search"), ("draggan", "DragGAN"))


class DragSettingsBox(QWidget):
    """A button that shows or hides a control for each setting."""

    def __init__(self, session: Session, bind: Binder) -> None:
        super().__init__()
        self._session, self._last = session, 0
        self.more = IconButton(
            "caret-right", "Show or hide rows, rate, radii and limits of dragging", self._toggle, text="Advanced"
        )
        self.reset = IconButton("arrow-counter-clockwise", "Set all of these to their defaults", self._reset)
        self.method = Choice()
        for key, text in METHODS:
            self.method.addItem(text, key)
        set_tip(
            self.method, "Line search finds each point again and goes back where it is lost. DragGAN: as published."
        )
        self.method.setAccessibleName("Method")
        self.rows = NumberLine()
        self.rows.setPlaceholderText("by rate and gradient")
        self.rows.setAccessibleName("Rows")
        self.camera = Check(
            "Lock the camera",
            "StyleGAN3: the whole picture is neither moved nor turned to bring a point to its target.",
        )
        self.sliders = {p.path.removeprefix("drag."): parameter_slider(p) for p in DRAG_PARAMETERS}
        self._lay_out()
        self._bind(bind)

    def _lay_out(self) -> None:
        self.body = QWidget()
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for name, control in (("Method", self.method), ("Rows", self.rows)):
            text = label(name)
            text.setFixedWidth(LABEL_PX)
            column.addWidget(row(text, control))
        for slider in self.sliders.values():
            column.addWidget(slider)
        column.addWidget(self.camera)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(row(self.more, self.reset))
        layout.addWidget(self.body)
        self.body.hide()

    def _bind(self, bind: Binder) -> None:
        dragging = self._session.dragging
        for p in DRAG_PARAMETERS:
            name = p.path.removeprefix("drag.")
            slider = self.sliders[name]
            bind.state(attrgetter(f"drag.settings.{name}"), slider.set_value)
            bind.stroke(slider, f"Drag: {p.title}", partial(self._set_number, name))
        bind.state(lambda state: state.drag.settings, self._show)
        bind.model(self._show_model)
        self.method.activated.connect(lambda _: dragging.set_settings(method=self.method.currentData()))
        self.rows.editingFinished.connect(self._on_rows)
        self.camera.clicked.connect(lambda on: dragging.set_settings(camera_lock=on))

    def _set_number(self, name: str, value: float) -> None:
        kind = int if name == "steps" else float
        self._session.dragging.set_settings(**{name: kind(round(value) if kind is int else value)})

    def _show(self, settings: DragSettings) -> None:
        self.method.setCurrentIndex(max(0, self.method.findData(settings.method)))
        self.camera.setChecked(settings.camera_lock)
        self.rows.setText(_rows_text(settings.rows))
        changed = any(getattr(settings, f.name) != f.default for f in fields(DragSettings))
        disable(self.reset, "" if changed else "All are at their defaults")

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self._last = 0 if info is None else info.num_ws - 1
        tip = f"Layers of the latent that may change, from 0 to {self._last}, as in 1-4,6. Empty: chosen by rate"
        set_tip(self.rows, f"{tip} and gradient.")
        self.camera.setVisible(info is not None and bool(info.input_style_dim))

    def _on_rows(self) -> None:
        text = self.rows.text().strip()
        try:
            chosen = ranges_of("Rows", text, self._last) if text else []
        except UsageError as error:
            self.rows.refuse(str(error))
        else:
            rows = tuple(sorted(set(chosen)))
            if rows != self._session.state.drag.settings.rows:
                self._session.dragging.set_settings(rows=rows)
            self.rows.setText(_rows_text(rows))

    def _toggle(self) -> None:
        self.set_open(self.body.isHidden())

    def set_open(self, is_open: bool) -> None:
        """Show or hide the settings."""
        self.body.setVisible(is_open)
        self.more.set_icon_name("caret-down" if is_open else "caret-right")

    def _reset(self) -> None:
        defaults = {f.name: f.default for f in fields(DragSettings)}
        self._session.dragging.set_settings(**defaults)


def _rows_text(rows: Sequence[int]) -> str:
    """Return rows as they are typed, such as 1-4,6."""
    spans: list[list[int]] = []
    for i in rows:
        if spans and i == spans[-1][1] + 1:
            spans[-1][1] = i
        else:
            spans.append([i, i])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
