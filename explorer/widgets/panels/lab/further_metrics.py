"""Metrics without a plot of their own, such as those of plug-ins: a row for each, with both views' figures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from explorer.analysis.registry import EQUIVARIANCE, SPECTRUM, STICKING, Metric, metrics
from explorer.util.plain_text import visible
from explorer.widgets.controls.basic import label, value_label
from explorer.widgets.panels.lab.job_row import JobRow

if TYPE_CHECKING:
    from explorer.analysis.estimate import Estimate
    from explorer.session import Session

__all__ = ["MetricRow", "further_metrics", "key_of"]

PLOTTED = frozenset(metric.name for metric in (*EQUIVARIANCE, STICKING, SPECTRUM))
"""Metrics that other panels show."""


def further_metrics() -> list[Metric]:
    """Return the metrics that no panel plots."""
    return [metric for name, metric in metrics().items() if name not in PLOTTED]


def key_of(metric: Metric) -> str:
    """Return the first part of the keys of a metric's jobs."""
    return f"metric {metric.name}"


class MetricRow(QWidget):
    """Measures one metric in the visible views, and shows its figures."""

    def __init__(self, session: Session, metric: Metric) -> None:
        super().__init__()
        self._measured = metric
        title = visible(metric.title, 40)
        better = "higher" if metric.higher_is_better else "lower"
        key, samples = key_of(metric), visible(metric.sample_name, 40)
        self.row = JobRow(
            session, key, f"Measure {title} ({better} is better)",
            f"{visible(metric.description)}. Takes {metric.samples} {samples} of each view.",
            lambda view: session.lab.measure(key, view, [metric.name], metric.samples), self._show,
        )  # fmt: skip
        self.figures: list[QLabel] = []
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.row)
        grid = QGridLayout()
        for view in range(2):
            grid.addWidget(label("AB"[view]), 0, 2 * view)
            value = value_label("\u2013")
            value.setAlignment(Qt.AlignmentFlag.AlignLeft)
            value.setAccessibleName(f"{title} of {'AB'[view]}")
            self.figures.append(value)
            grid.addWidget(value, 0, 2 * view + 1)
            grid.setColumnStretch(2 * view + 1, 1)
        column.addLayout(grid)
        session.model_changed.connect(partial(self._clear))

    def _show(self, view: int, value: object) -> None:
        if isinstance(value, dict):
            found: Estimate = value[self._measured.name]
            error = f" \u00b1 {found.stderr:.2g}" if found.stderr == found.stderr else ""
            self.figures[view].setText(f"{found.value:.4g}{error} {visible(found.unit, 20)}")
            self.figures[view].setToolTip(f"{found.samples} {visible(self._measured.sample_name, 40)} {found.note}")

    @Slot(int)
    def _clear(self, view: int) -> None:
        if view < len(self.figures):
            self.figures[view].setText("\u2013")
