"""The w editor: the current `w` as editable bars, a selection to scale or zero, and random nudges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.edits.base import span_text
from explorer.edits.registry import kinds
from explorer.state import Edit, Look, Nudge, Offset
from explorer.widgets.controls.basic import Choice, ElidedLabel, IconButton, Segments, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.layer_rows import ws_names
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.edits.edit_rows import EditRows
from explorer.widgets.panels.edits.w_plot import WPlot
from explorer.widgets.panels.edits.w_values import Bars, Scope, bars_of, offset_of
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QShowEvent

    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import Frame
    from explorer.session import Session

__all__ = ["WEditorPanel"]

SCOPES = (
    ("all", "All", "Edit all layers together"),
    ("range", "Range", "Edit a range of layers (entries of ws)"),
    ("one", "One", "Edit one layer (one entry of ws)"),
)
MODES = (
    ("drag", "Drag", "Drag a bar up or down"),
    ("draw", "Draw", "Draw across the bars with the mouse"),
    ("select", "Select", "Select a range of bars, to scale or zero it"),
)


class WEditorPanel(Panel):
    """Edits `w` directly: drags become offsets, random steps become nudges, both added after truncation."""

    key = "w"
    title = "w editor"
    icon = "chart-bar"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._scaled: Bars | None = None  # the bars at the start of a stroke of the scale slider
        self._build()
        self._lay_out()
        self._bind()

    def _build(self) -> None:
        self.scope_kind = Segments(SCOPES)
        self.scope_kind.set_choice("all")
        self.first, self.last = _layer_box("First layer"), _layer_box("Last layer")
        self.plot = WPlot()
        self.mode = Segments(MODES)
        self.mode.set_choice("drag")
        self.unzoom = IconButton("magnifying-glass-minus", "Show every bar (0)", self.plot.reset_zoom)
        self.scale = ValueSlider(
            "Scale", -1, 3, 1, step=0.05, unit="\u00d7", label_width=44, value_width=52,
            tip="Multiplies the selected bars (all, if none are selected); returns to 1 when released.",
        )  # fmt: skip
        these = "the selected bars (all, if none are selected)"
        self.zero = IconButton("number-circle-zero", f"Set {these} to 0", self.zero_bars)
        tip = f"Remove the edits of {these}, in the layers chosen above"
        self.clear_selected = IconButton("eraser", tip, self.clear_bars)
        step = "Take a step along a new random direction in w"
        self.nudge = IconButton("shuffle", step, self.add_nudge, text="Nudge")
        self.edits = EditRows(self.session)
        self.summary = ElidedLabel()
        self.summary.setProperty("role", "muted")
        self.clear = IconButton("trash", "Remove every edit, in all layers", self.session.look.clear_edits)

    def _lay_out(self) -> None:
        self.dash = label("to", "muted")
        self.dash.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.layers = row(self.first, self.dash, self.last)
        self.add(self.scope_kind)
        self.add(self.layers)
        self.add(self.plot)
        self.add(row(self.mode, self.unzoom))
        self.add(row(self.scale, self.zero, self.clear_selected, spacing=2))
        self.add(self.edits)
        self.nudge.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.add(row(self.nudge, 4, self.summary, self.clear))
        self.unzoom.setEnabled(False)

    def _bind(self) -> None:
        session, plot = self.session, self.plot
        self.scope_kind.chosen.connect(self._choose_scope)
        for box in (self.first, self.last):
            box.activated.connect(lambda _: self._on_scope())
        self.mode.chosen.connect(self._choose_mode)
        plot.zoomed.connect(self.unzoom.setEnabled)
        plot.began.connect(session.begin)
        plot.shaped.connect(self.set_bars)
        plot.cleared.connect(self._clear_bars)
        plot.ended.connect(session.commit)
        plot.cancelled.connect(session.cancel)
        self.scale.pressed.connect(self._begin_scale)
        self.scale.moving.connect(self._on_scale)
        self.scale.released.connect(self._end_scale)
        self.scale.cancelled.connect(self._cancel_scale)
        session.frame.connect(self._on_frame)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: look.edits, lambda _: self._show_edits())

    # display ---------------------------------------------------------------------------------------------

    @property
    def scope(self) -> Scope:
        """The entries of `ws` to edit."""
        kind = self._kind()
        if kind == "all" or not self.first.count():
            return Scope()
        first = self.first.currentIndex()
        last = first if kind == "one" else max(first, self.last.currentIndex())
        is_whole = kind == "range" and (first, last) == (0, self.first.count() - 1)
        return Scope() if is_whole else Scope(first, last)

    def _kind(self) -> str:
        return next((key for key, b in self.scope_kind.buttons.items() if b.isChecked()), "all")

    def _look(self) -> Look:
        return self.session.look_of(self.session.store.state.active)

    def _choose_scope(self, kind: str) -> None:
        self.scope_kind.set_choice(kind)
        self._on_scope()

    def _on_scope(self) -> None:
        kind = self._kind()
        if kind == "one" or self.last.currentIndex() < self.first.currentIndex():
            self.last.setCurrentIndex(self.first.currentIndex())
        self.layers.setVisible(kind != "all")
        for widget in (self.dash, self.last):
            widget.setVisible(kind == "range")
        self._show_bars()

    def _choose_mode(self, mode: str) -> None:
        self.mode.set_choice(mode)
        self.plot.mode = mode

    def _show_model(self, info: GeneratorInfo | None) -> None:
        names = ws_names(info) if info else []
        if names != [self.first.itemText(i) for i in range(self.first.count())]:
            for box in (self.first, self.last):
                box.clear()
                box.addItems(names)
            self.last.setCurrentIndex(len(names) - 1)
        reason = "" if info else "No model is loaded"
        for widget in (self.scope_kind, self.layers, self.mode, self.zero, self.clear_selected, self.nudge):
            disable(widget, reason)
        set_tip(self.plot, reason)
        self.scale.set_reason(reason)
        self._on_scope()

    def _on_frame(self, frame: Frame) -> None:
        if frame.view == self.session.store.state.active and self.isVisible():
            self._show_bars()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_bars()

    def _show_bars(self) -> None:
        view = self.session.store.state.active
        frame = self.session.last_frame(view)
        info = self.session.info(view)
        # A frame of the previous model may still be shown.
        if frame is None or info is None or frame.latents.ws.shape != (info.num_ws, info.w_dim):
            self.plot.show_bars(None)
            return
        self.plot.show_bars(bars_of(frame.latents.ws, frame.request.style.edits, self._look().edits, self.scope))

    def _show_edits(self) -> None:
        look, info = self._look(), self.session.info(self.session.store.state.active)
        w_dim = info.w_dim if info else 0
        self.edits.show_edits(look.edits, info)
        offsets = [edit.value for edit in look.edits if isinstance(edit.value, Offset) and edit.is_on]
        parts = [
            f"{sum(v != 0.0 for v in o.values)} in {span_text(o.first, o.last)}"
            for o in offsets
            if len(o.values) == w_dim
        ]
        self.summary.set_text("Edited: " + ", ".join(parts) if parts else "No bar is edited")
        self.clear.setEnabled(bool(look.edits))
        self._show_bars()

    # actions ---------------------------------------------------------------------------------------------

    def set_bars(self, numbers: Sequence[int], values: Sequence[float]) -> None:
        """Set values of bars by changing the scope's offset."""
        bars = self.plot.bars
        if bars is None:
            return
        index = np.asarray(numbers, np.intp)
        offset, strength = self._offset()
        offset[index] += (np.asarray(values, np.float32) - bars.values[index]) / np.float32(strength)
        self._set_offset(offset)

    def _offset(self) -> tuple[NDArray[np.float32], float]:
        bars = self.plot.bars
        return offset_of(self._look().edits, self.scope, len(bars.values) if bars is not None else 0)

    def _set_offset(self, offset: NDArray[np.float32]) -> None:
        self.session.look.set_offset(offset.tolist(), self.scope.first, self.scope.last)

    def chosen(self) -> range:
        """Return the selected bars, or all of them."""
        first, last = self.plot.selection or (0, self.plot.count - 1)
        return range(first, last + 1)

    def zero_bars(self) -> None:
        """Set the chosen bars to 0, as one undo step."""
        if self.plot.bars is not None:
            self.plot.shape(self.chosen(), [0.0] * len(self.chosen()))

    def clear_bars(self) -> None:
        """Remove the edits of the chosen bars in this scope, as one undo step."""
        self._clear_bars(self.chosen())

    def _clear_bars(self, numbers: Iterable[int]) -> None:
        if self.plot.bars is not None:
            offset, _ = self._offset()
            offset[list(numbers)] = 0.0
            self._set_offset(offset)

    def add_nudge(self) -> None:
        """Add a nudge along a new random direction in this scope, by a tenth of the slider's range."""
        info = self.session.info(self.session.store.state.active)
        if info is not None:
            strength = round(kinds()[Nudge.kind].limit(info).high / 10, 2)
            self.session.look.add_edit(Edit(Nudge(random_seed(), self.scope.first, self.scope.last), strength))

    # the scale slider ------------------------------------------------------------------------------------

    def _begin_scale(self) -> None:
        self._scaled = self.plot.bars
        self.session.begin("Scale w")

    def _on_scale(self, factor: float) -> None:
        if self._scaled is not None:
            chosen = self.chosen()
            self.set_bars(chosen, [factor * v for v in self._scaled.values[chosen.start : chosen.stop].tolist()])

    def _end_scale(self) -> None:
        self._scaled = None
        self.session.commit()
        self.scale.set_value(self.scale.default)

    def _cancel_scale(self) -> None:
        self._scaled = None
        self.session.cancel()
        self.scale.set_value(self.scale.default)


def _layer_box(name: str) -> Choice:
    box = Choice()
    box.setAccessibleName(name)
    set_tip(box, f"{name} to edit: its index in ws, and the resolution it styles in pixels")
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    box.setMinimumWidth(64)
    return box
