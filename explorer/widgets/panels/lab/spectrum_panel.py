"""The spectrum panel: average power of many pictures over frequency, along axes and diagonals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot

from explorer.analysis.registry import SPECTRUM
from explorer.analysis.spectrum import Spectrum
from explorer.state.view_layout import MAX_VIEWS
from explorer.widgets.controls.basic import Segments, label
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.plots import QuietPlot
from explorer.widgets.controls.view_table import ViewValues
from explorer.widgets.controls.visibility import pause_unseen
from explorer.widgets.panels.lab.job_row import JobRow
from explorer.widgets.panels.lab.meter_plots import pen_of
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QWidget

    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["SpectrumPanel"]

FINE = SPECTRUM
SLICES = (
    ("axis", "0\u00b0", "Along the rows of pixels: solid"),
    ("diagonal", "45\u00b0", "Along the diagonal: dotted"),
    ("both", "Both", "0\u00b0 solid, 45\u00b0 dotted"),
    ("radial", "Mean", "All directions"),
)


class SpectrumPlot(QuietPlot):
    """Power in dB over cycles per pixel."""

    def __init__(self) -> None:
        super().__init__(30, "cycles per pixel", "dB")
        self.setFixedHeight(168)
        self.setAccessibleName("Average power spectrum")
        self._curves = {(v, k): self.plot() for v in range(MAX_VIEWS) for k in ("axis", "diagonal", "radial")}
        self.slices = "both"
        self._values: dict[int, Spectrum] = {}
        self.draw_values()

    def set_value(self, view: int, value: Spectrum | None) -> None:
        """Set a view's spectrum; None removes it."""
        self._values.pop(view, None)
        if value is not None:
            self._values[view] = value
        self.draw_values()

    def draw_values(self) -> None:
        """Draw the chosen slices."""
        chosen = ("axis", "diagonal") if self.slices == "both" else (self.slices,)
        low, high, right = -60.0, 20.0, 0.5
        seen = []
        for (view, name), curve in self._curves.items():
            value = self._values.get(view)
            if value is None or name not in chosen:
                curve.setData([], [])
                continue
            x = value.diagonal_frequency if name == "diagonal" else value.frequency
            y = np.asarray(getattr(value, name))
            seen.append(y)
            right = max(right, float(x[-1]))
            style = Qt.PenStyle.DotLine if name == "diagonal" else Qt.PenStyle.SolidLine
            curve.setData(x, y, pen=pen_of(view, style))
        if seen:
            low, high = (float(f(np.concatenate(seen))) for f in (np.min, np.max))
            low, high = 10 * np.floor(low / 10), 10 * np.ceil(high / 10)
        self.setXRange(0, right)
        self.setYRange(low, high)
        self.set_ticks("bottom", [(t, f"{t:g}") for t in (0.0, 0.25, 0.5, 0.7) if t <= right])
        self.set_ticks("left", [(t, f"{t:g}") for t in (low, (low + high) / 2, high)])

    def tint(self) -> None:
        super().tint()
        if hasattr(self, "_values"):
            self.draw_values()


class SpectrumPanel(Panel):
    """The power of fine detail: too much near the right end is texture that sticks to the pixel grid."""

    key = "spectrum"
    title = "Spectrum"
    is_of_active_view = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._is_built = False
        pause_unseen(self, session, ("spectrum",))
        session.model_changed.connect(self._on_model_changed)
        session.changed.connect(self._on_state_changed)

    def _build(self) -> None:
        """Create the plot when first shown, so that the program starts sooner."""
        self._is_built, session = True, self.session
        self.plot = SpectrumPlot()
        self.slices = Segments(SLICES)
        self.row = JobRow(
            session, "spectrum", f"Average {FINE.samples} {FINE.sample_name}",
            "Random seeds at the current truncation, with a Kaiser window; runs in the background.",
            lambda view: session.lab.measure(FINE.name, view, [FINE.name], FINE.samples), self._show,
        )  # fmt: skip
        title = label("Fraction of fine detail (dB)")
        set_tip(title, FINE.description)
        table = ViewValues(session, "Fine detail", title)
        self.fine = table.values
        for item in (self.plot, self.slices, self.row, table):
            self.add(item)
        self.slices.set_choice(self.plot.slices)
        self.slices.chosen.connect(self._choose)

    def showEvent(self, event: QShowEvent) -> None:
        if not self._is_built:
            self._build()
        super().showEvent(event)

    def _choose(self, slices: str) -> None:
        self.plot.slices = slices
        self.plot.draw_values()

    def _show(self, view: int, value: object) -> None:
        fine = value[FINE.name] if isinstance(value, dict) else None
        if fine is not None and isinstance(fine.detail, Spectrum):
            self.plot.set_value(view, fine.detail)
            error = f" \u00b1 {fine.stderr:.1f}" if fine.stderr == fine.stderr else ""
            self.fine[view].setText(f"{fine.value:.1f}{error}")

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if self._is_built:
            self.plot.set_value(view, None)
            if view < len(self.fine):
                self.fine[view].setText("\u2013")

    @Slot(object, object)
    def _on_state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        for gone in range(len(new.views), len(old.views)):
            self._on_model_changed(gone)
