"""Metrics without a plot, such as those of plug-ins: a row for each, with the figures of the views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.analysis.registry import EQUIVARIANCE, SPECTRUM, STICKING, Metric, metrics
from explorer.util.plain_text import visible
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.view_table import ViewValues
from explorer.widgets.panels.lab.job_row import JobRow

if TYPE_CHECKING:
    from explorer.analysis.estimate import Estimate
    from explorer.session import Session
    from explorer.state import ExplorerState

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
        better = "Higher" if metric.higher_is_better else "Lower"
        key, samples = key_of(metric), visible(metric.sample_name, 40)
        self.row = JobRow(
            session, key, f"Measure {title}",
            f"{visible(metric.description)}. Takes {metric.samples} {samples} of each view. {better} is better.",
            lambda view: session.lab.measure(key, view, [metric.name], metric.samples), self._show,
        )  # fmt: skip
        table = ViewValues(session, title)
        self.figures = table.values
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.row)
        column.addWidget(table)
        session.model_changed.connect(self._clear)
        session.changed.connect(self._on_state_changed)

    def _show(self, view: int, value: object) -> None:
        if isinstance(value, dict):
            found: Estimate = value[self._measured.name]
            error = f" \u00b1 {found.stderr:.2g}" if found.stderr == found.stderr else ""
            self.figures[view].setText(f"{found.value:.4g}{error} {visible(found.unit, 20)}")
            set_tip(self.figures[view], f"{found.samples} {visible(self._measured.sample_name, 40)} {found.note}")

    @Slot(int)
    def _clear(self, view: int) -> None:
        if view < len(self.figures):
            self.figures[view].setText("\u2013")

    @Slot(object, object)
    def _on_state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        for gone in range(len(new.views), len(old.views)):
            self._clear(gone)
