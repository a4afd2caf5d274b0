"""The live w as bars to draw on: drag one, draw across many, scale, zero or nudge them, for some layers or all."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QWidget

from explorer.state import Look, Nudge
from explorer.widgets.panel import Panel
from explorer.widgets.parts import IconButton, Segments, row, value_label
from explorer.widgets.sliders import ValueSlider
from explorer.widgets.w_plot import WPlot

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.render.request import Frame
    from explorer.session import Session

__all__ = ["WEditor"]

_PLOT_MS = 80  # the plot follows at 12 Hz: more would cost frames and show nothing more
SCOPES = (
    ("all", "All", "Edit every layer alike"),
    ("range", "Range", "Edit a range of layers"),
    ("one", "One", "Edit a single layer"),
)


class WEditor(Panel):
    """Edits are offsets added to w after truncation; they stay when the seed changes."""

    key = "w"
    title = "w editor"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._scope = "all"
        self._ws: NDArray[np.float32] | None = None
        self._start: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None  # (w, offset) as a stroke began
        self._nudge = -1
        self.plot = WPlot()
        self.scope = Segments(SCOPES)
        self.first = ValueSlider("First", 0, 1, 0, decimals=0, step=1, tip="First layer that is edited.")
        self.last = ValueSlider("Last", 0, 1, 1, decimals=0, step=1, tip="Last layer that is edited.")
        self.scale = ValueSlider(
            "Scale", 0, 2, 1, step=0.02, tip="Scales the selected bars (all, if none is selected)."
        )
        self.nudge = ValueSlider(
            "Nudge", -10, 10, 0, step=0.2, tip="A step along a random direction, another each time."
        )
        self.zero = IconButton("eraser", "Set the selected bars (or all) to zero", self._zero, text="Zero")
        self.clear = IconButton("arrow-counter-clockwise", "Take all edits of w back", session.clear_edits)
        self.note = value_label()
        for item in (self.plot, self.note, self.scope, self.first, self.last, self.scale, self.nudge):
            self.add(item)
        self.add(row(self.zero, None, self.clear))
        self._later = QTimer(self, interval=_PLOT_MS, singleShot=True)
        self._later.timeout.connect(self._draw)
        self._bind()

    def _bind(self) -> None:
        session = self.session
        self.scope.set_choice("all")
        self.scope.chosen.connect(self._set_scope)
        for slider in (self.first, self.last):
            slider.moving.connect(lambda _: self._draw())
        self.plot.pressed.connect(lambda: self._begin("Draw w"))
        self.plot.drawn.connect(self._on_drawn)
        self.plot.released.connect(self._commit)
        self.plot.cancelled.connect(self._cancel)
        self.scale.pressed.connect(lambda: self._begin("Scale w"))
        self.scale.moving.connect(self._on_scaled)
        self.scale.released.connect(self._commit)
        self.scale.cancelled.connect(self._cancel)
        self.nudge.pressed.connect(self._begin_nudge)
        self.nudge.moving.connect(self._on_nudged)
        self.nudge.released.connect(self._commit)
        self.nudge.cancelled.connect(self._cancel)
        self.bind.model(self._show_model)
        self.bind.look(lambda look: (look.offsets, look.nudges), lambda edits: self.clear.setEnabled(any(edits)))
        session.frame.connect(self._on_frame)

    # what is edited --------------------------------------------------------------------------------------

    def span(self) -> tuple[int, int | None]:
        """First and last entry of `ws` that edits are for; None is the last there is."""
        if self._scope == "all":
            return 0, None
        first = int(self.first.value)
        return (first, first) if self._scope == "one" else (first, max(first, int(self.last.value)))

    def _set_scope(self, scope: str) -> None:
        self._scope = scope
        self._show_scope()
        self._draw()

    def _show_scope(self) -> None:
        self.scope.set_choice(self._scope)
        self.first.setVisible(self._scope != "all")
        self.first.set_label("Layer" if self._scope == "one" else "First")
        self.last.setVisible(self._scope == "range")

    def _offset(self, look: Look, width: int) -> NDArray[np.float32]:
        """The offset that edits of this span begin from."""
        for offset in look.offsets:
            if (offset.first, offset.last) == self.span() and len(offset.values) == width:
                return np.asarray(offset.values, np.float32)
        return np.zeros(width, np.float32)

    def _begin(self, name: str) -> None:
        self.session.begin(name)
        if self._ws is not None:
            w = self._ws[min(self.span()[0], len(self._ws) - 1)].copy()
            self._start = (w, self._offset(self.session.look(), len(w)))

    def _set_shown(self, target: NDArray[np.float32]) -> None:
        """Make the bars what `target` says, by an offset relative to the start of the stroke."""
        if self._start is None:
            return
        w, offset = self._start
        first, last = self.span()
        # Six digits are finer than float32 sums keep, and make projects short.
        values = np.round((offset + target - w).astype(np.float64), 6)
        self.session.set_offset([float(v) for v in values], first, last)

    def _on_drawn(self, bars: object) -> None:
        if self._start is None or not isinstance(bars, dict):
            return
        target = self._start[0].copy()
        for index, value in bars.items():
            target[index] = value
        self.plot.set_bars(target)
        self._set_shown(target)

    def _on_scaled(self, factor: float) -> None:
        if self._start is None:
            return
        target = self._start[0].copy()
        target[self.plot.selection(len(target))] *= factor
        self._set_shown(target)

    def _zero(self) -> None:
        self._begin("Zero w")
        self._on_scaled(0.0)
        self._commit()

    def _begin_nudge(self) -> None:
        self._begin("Nudge w")
        first, last = self.span()
        self._nudge = len(self.session.look().nudges)
        self.session.add_nudge(Nudge(random.randrange(2**31), 0.0, first, last))

    def _on_nudged(self, strength: float) -> None:
        nudges = self.session.look().nudges
        if 0 <= self._nudge < len(nudges):
            self.session.set_nudge(self._nudge, replace(nudges[self._nudge], strength=strength))

    def _commit(self) -> None:
        self._end()
        self.session.commit()

    def _cancel(self) -> None:
        self._end()
        self.session.cancel()

    def _end(self) -> None:
        self._start, self._nudge = None, -1
        # These two are levers, not values: they spring back, and the bars show what they did.
        self.scale.set_value(1.0)
        self.nudge.set_value(0.0)
        self._later.start()

    # showing ---------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if frame.view == self.session.state.active and self.isVisible():
            self._ws = frame.facts.ws
            if not self._later.isActive():
                self._later.start()

    def _draw(self) -> None:
        if self._ws is None:
            self.plot.set_bars(np.zeros(0, np.float32))
            self.note.setText("")
            return
        row_index = min(self.span()[0], len(self._ws) - 1)
        w = self._ws[row_index]
        if not self.plot.is_held:
            self.plot.set_bars(w)
        self.note.setText(f"layer {row_index}    |w| {float(np.linalg.norm(w)):.2f}    {len(w)} values")

    def _show_model(self, info: GeneratorInfo | None) -> None:
        reason = "" if info else "No model is loaded"
        for slider in (self.scale, self.nudge):
            slider.set_reason(reason)
        self.zero.setEnabled(info is not None)
        ws = self.session.ws(self.session.state.active)
        self._ws = ws if info is not None and ws is not None and ws.shape == (info.num_ws, info.w_dim) else None
        if info is not None:
            for slider in (self.first, self.last):
                slider.set_range(0, info.num_ws - 1, slider.default)
            self.last.set_range(0, info.num_ws - 1, info.num_ws - 1)
            if self._scope != "range":
                self.last.set_value(info.num_ws - 1)
        self._show_scope()
        self._later.start()
