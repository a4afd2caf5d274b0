"""The meter's plots: dB over translation, a polar plot over rotation, and sampled figures with error bars."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPen

from explorer.state.view_layout import MAX_VIEWS
from explorer.widgets.controls.plots import QuietPlot, nice_ceiling
from explorer.widgets.controls.theme import color, view_color

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from explorer.analysis.estimate import Estimate

__all__ = ["ErrorBars", "PolarPlot", "TranslationPlot"]

Points = Sequence[tuple[float, float]]
_SOLID, _DASH = Qt.PenStyle.SolidLine, Qt.PenStyle.DotLine


def pen_of(view: int, style: Qt.PenStyle = _SOLID, width: float = 1.6) -> QPen:
    """Return the line of a view in a plot."""
    pen = QPen(view_color(view), width, style)
    pen.setCosmetic(True)
    return pen


def _metric_pen(view: int, metric: str) -> QPen:
    return pen_of(view, _SOLID if metric == "eq-t" else _DASH)


def _round_ceiling(rings: Iterable[Points]) -> float:
    """Return a radius for polar curves by their medians: a few exact quarter turns must not shrink all the rest."""
    medians = [float(np.median([db for _, db in ring if math.isfinite(db)] or [0.0])) for ring in rings]
    return max(20.0, nice_ceiling(1.3 * max(medians, default=0.0)))


def _ceiling(values: Sequence[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return max(20.0, nice_ceiling(max(finite, default=40.0)))


class TranslationPlot(QuietPlot):
    """EQ-T (solid, whole pixels) and EQ-T fractional (dotted) over the translation, for all views."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(30, "translation along x (image widths)", "dB", parent)
        self.setFixedHeight(132)
        self.setAccessibleName("EQ-T over translation")
        self._curves = {(v, k): self.plot() for v in range(MAX_VIEWS) for k in ("eq-t", "eq-t-frac")}
        self._values: dict[tuple[int, str], Points] = {}
        self.setXRange(-0.13, 0.13)
        self.set_ticks("bottom", [(-0.125, "\u22121/8"), (0.0, "0"), (0.125, "1/8")])
        self.set_points(0, "eq-t", ())

    def set_points(self, view: int, metric: str, points: Points) -> None:
        """Show (shift, dB) of one view and metric."""
        self._values[view, metric] = points
        shown = np.array(points or np.zeros((0, 2)), dtype=float).reshape(-1, 2)
        self._curves[view, metric].setData(shown[:, 0], shown[:, 1])
        self._curves[view, metric].setPen(_metric_pen(view, metric))
        top = _ceiling([db for p in self._values.values() for _, db in p])
        self.setYRange(0, top)
        self.set_ticks("left", [(t, f"{t:g}") for t in (0.0, top / 2, top)])

    def tint(self) -> None:
        super().tint()
        if hasattr(self, "_values"):
            for (view, metric), curve in self._curves.items():
                curve.setPen(_metric_pen(view, metric))


class PolarPlot(QuietPlot):
    """EQ-R over the angle; a larger radius means that the picture follows the rotation better."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, parent=parent)
        self.setFixedHeight(168)
        self.setAccessibleName("EQ-R over rotation")
        self.hideAxis("left")
        self.hideAxis("bottom")
        self.setAspectLocked(True)
        angles = np.linspace(0, 2 * math.pi, 73)
        self._circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        self._rings = [self.plot() for _ in range(2)]
        self._labels = [pg.TextItem(anchor=(0.5, 0.5)) for _ in range(2)]
        self._sides = [pg.TextItem(f"{degrees}\u00b0", anchor=(0.5, 0.5)) for degrees in (0, 90, 180, 270)]
        for item in (*self._labels, *self._sides):
            self.addItem(item)
        self._curves = [self.plot() for _ in range(MAX_VIEWS)]
        self._values: dict[int, Points] = {}
        self.set_points(0, ())

    def set_points(self, view: int, points: Points) -> None:
        """Show (degrees counter-clockwise, dB) of one view."""
        self._values[view] = points
        self._draw()

    def _draw(self) -> None:
        top = _round_ceiling(self._values.values())
        ring = QPen(color("border"), 1)
        ring.setCosmetic(True)
        for fraction, curve, item in zip((0.5, 1.0), self._rings, self._labels, strict=True):
            curve.setData(*(fraction * top * self._circle).T, pen=ring)
            item.setText(f"{fraction * top:g} dB", color=color("caption"))
            item.setPos(fraction * top * math.cos(1.2), fraction * top * math.sin(1.2))
        for i, side in enumerate(self._sides):
            side.setColor(color("muted"))
            side.setPos(1.13 * top * math.cos(0.5 * math.pi * i), 1.1 * top * math.sin(0.5 * math.pi * i))
        for view, points in self._values.items():
            finite = sorted((math.radians(a % 360), min(max(0.0, r), top)) for a, r in points if math.isfinite(r))
            x = [r * math.cos(a) for a, r in finite]
            y = [r * math.sin(a) for a, r in finite]
            # There is no value at 0 degrees, where nothing moves, so the curve is open there.
            self._curves[view].setData(x, y, pen=pen_of(view), symbol="o", symbolSize=3,
                                       symbolPen=None, symbolBrush=view_color(view))  # fmt: skip
        self.setRange(xRange=(-1.2 * top, 1.2 * top), yRange=(-1.18 * top, 1.18 * top))

    def tint(self) -> None:
        super().tint()
        if hasattr(self, "_values"):
            self._draw()


class ErrorBars(QuietPlot):
    """Sampled figures of the views side by side, with error bars of two standard errors."""

    def __init__(self, names: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(30, "", "dB", parent)
        self.setFixedHeight(112)
        self.setAccessibleName("Sampled metrics with their errors")
        self._positions = {key: i for i, (key, _) in enumerate(names)}
        self.set_ticks("bottom", list(enumerate(name for _, name in names)))
        self.setXRange(-0.5, len(names) - 0.5)
        self._bars = [pg.BarGraphItem(x=[], height=[], width=0.28) for _ in range(MAX_VIEWS)]
        self._errors = [pg.ErrorBarItem(beam=0.1) for _ in range(MAX_VIEWS)]
        for item in (*self._bars, *self._errors):
            self.addItem(item)
        self._values: dict[int, dict[str, Estimate]] = {}
        self.show_values(0, {})

    def show_values(self, view: int, values: dict[str, Estimate]) -> None:
        """Show one view's estimates by metric."""
        before = self._count
        self._values[view] = values
        for other in range(MAX_VIEWS) if self._count != before else (view,):
            self._draw(other)
        top = _ceiling([e.value for v in self._values.values() for e in v.values()])
        self.setYRange(0, top)
        self.set_ticks("left", [(t, f"{t:g}") for t in (0.0, top / 2, top)])

    @property
    def _count(self) -> int:
        """Number of bars side by side: at least two, so that the first does not move when a second appears."""
        return max([2, *(view + 1 for view, values in self._values.items() if values)])

    def _draw(self, view: int) -> None:
        values, fraction = self._values.get(view, {}), 0.68 / self._count
        aside = (view - (self._count - 1) / 2) * fraction
        rows = [(self._positions[k] + aside, e) for k, e in values.items() if math.isfinite(e.value)]
        x = np.array([at for at, _ in rows])
        y = np.array([max(0.0, e.value) for _, e in rows])
        error = np.array([2 * e.stderr if math.isfinite(e.stderr) else 0.0 for _, e in rows])
        self._bars[view].setOpts(x=x, height=y, width=fraction * 0.28 / 0.34, brush=view_color(view), pen=None)
        pen = QPen(color("text"), 1.4)
        pen.setCosmetic(True)
        self._errors[view].setData(x=x, y=y, top=error, bottom=error, pen=pen)

    def tint(self) -> None:
        super().tint()
        if hasattr(self, "_values"):
            for view, values in tuple(self._values.items()):
                self.show_values(view, values)
