"""The equivariance meter: how well the picture follows its motion, for this latent and sampled over many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot

from explorer.analysis.equivariance import Curves, counterpart_note
from explorer.analysis.estimate import Estimate
from explorer.analysis.registry import EQUIVARIANCE
from explorer.errors import LatentwalkError
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import label
from explorer.widgets.controls.plain_text import error_text, set_tip
from explorer.widgets.controls.theme import GRID
from explorer.widgets.controls.view_table import ViewTable
from explorer.widgets.controls.visibility import pause_unseen
from explorer.widgets.panels.lab.further_metrics import MetricRow, further_metrics, key_of
from explorer.widgets.panels.lab.job_row import JobRow
from explorer.widgets.panels.lab.meter_plots import ErrorBars, PolarPlot, TranslationPlot
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent
    from PySide6.QtWidgets import QWidget

    from explorer.render.job_run import JobEvent
    from explorer.session import Session
    from explorer.state import ExplorerState

__all__ = ["MeterPanel"]

NAMES = tuple(metric.name for metric in EQUIVARIANCE)
SAMPLES = 200  # more than the default, since it runs in the background
REPORT_EVERY = 4


class MeterPanel(Panel):
    """EQ-T, EQ-T fractional and EQ-R in dB. Measured while the panel is visible and nothing moves."""

    key = "meter"
    title = "Equivariance"
    is_of_active_view = False

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._is_built = False
        self._is_due = True  # the current latent has not been measured yet
        self._sight = pause_unseen(self, session, ("curves", "metrics", *map(key_of, further_metrics())))
        self._sight.changed.connect(self._on_sight)
        session.lab.rested.connect(self.measure)
        session.lab.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model_changed)
        session.changed.connect(self._on_state_changed)

    def _build(self) -> None:
        """Create the plots when first shown, because creating three takes a fifth of a second."""
        self._is_built, session = True, self.session
        self.translation, self.polar = TranslationPlot(), PolarPlot()
        self.bars = ErrorBars([(metric.name, metric.title) for metric in EQUIVARIANCE])
        self.live_table, self.sampled_table = self._table(), self._table()
        self.live, self.sampled = self.live_table.values, self.sampled_table.values
        self.note = label("", "caption", wrap=True)
        self.message = label("", "caption", wrap=True)
        self.row = JobRow(
            session, "metrics", f"Measure {SAMPLES} latents",
            "The metric as defined: random latents and motions, untruncated; runs in the background.",
            lambda view: session.lab.measure("metrics", view, NAMES, SAMPLES), self._show_metrics,
        )  # fmt: skip
        self.add(label("This latent, when at rest"))
        self.add(self.translation)
        self.add(label("Solid: whole pixels (EQ-T). Dotted: fractions of a pixel.", "caption", wrap=True))
        self.add(self.polar)
        self.add(self.live_table)
        self.add(self.message)
        self.message.hide()
        self.add(GRID // 2)
        self.add(self.row)
        self.add(self.bars)
        self.add(self.sampled_table)
        self._show_sampled(False)
        self.add(self.note)
        self.further = [MetricRow(session, metric) for metric in further_metrics()]
        for further in self.further:
            self.add(further)
        self._show_note()

    def _table(self) -> ViewTable:
        rows = [(metric.name, metric.title, metric.description) for metric in EQUIVARIANCE]
        return ViewTable(self.session, rows, EQUIVARIANCE[0].unit)

    # live ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        if not self._is_built:
            self._build()
        super().showEvent(event)
        self._sight.look()

    @Slot(bool)
    def _on_sight(self, seen: bool) -> None:
        if seen and self._is_due:
            self.measure()

    @Slot()
    def measure(self) -> None:
        """Measure the current latent of the visible views, now or when the panel is next visible."""
        self._is_due = not self._sight.is_seen
        if self._is_due:
            for view in range(len(self.session.state.views)):
                self.session.lab.end_job(f"curves/{view}")  # it belongs to a latent that is no longer shown
            return
        for view in self.session.visible_views():
            if self.session.info(view) is not None:
                try:
                    self.session.lab.measure_curves(view)
                except LatentwalkError as error:
                    self._show_message(error_text(error))

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if not self._is_built or not event.key.startswith("curves/"):
            return
        if event.error is not None:
            self._show_message(str(event.error))
        report = event.report
        if report is None or not (report.done % REPORT_EVERY == 0 or report.done == report.total):
            return
        if isinstance(report.value, Curves):
            self._show_message("")
            self._show_curves(event.view, report.value)

    def _show_curves(self, view: int, curves: Curves) -> None:
        for metric in ("eq-t", "eq-t-frac"):
            self.translation.set_points(view, metric, curves.points[metric])
        self.polar.set_points(view, curves.points["eq-r"])
        for key, value in curves.total.items():
            self.live[key, view].setText(f"{value:.1f}" if value == value else "\u2013")

    # sampled ---------------------------------------------------------------------------------------------

    def _show_metrics(self, view: int, values: object) -> None:
        if not isinstance(values, dict):
            return
        self._show_sampled(True)
        self.bars.show_values(view, values)
        for key, estimate in values.items():
            assert isinstance(estimate, Estimate)
            error = f" \u00b1 {estimate.stderr:.1f}" if estimate.stderr == estimate.stderr else ""
            self.sampled[key, view].setText(f"{estimate.value:.1f}{error}")
            set_tip(self.sampled[key, view], f"{estimate.samples} latents; \u00b1 is one standard error")

    def _show_sampled(self, shown: bool) -> None:
        self.bars.setVisible(shown)
        self.sampled_table.setVisible(shown)

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if not self._is_built:
            return
        self.translation.set_points(view, "eq-t", ())
        self.translation.set_points(view, "eq-t-frac", ())
        self.polar.set_points(view, ())
        self.bars.show_values(view, {})
        for table in (self.live_table, self.sampled_table):
            table.clear_view(view)
        if all(value.text() == "\u2013" for value in self.sampled.values()):
            self._show_sampled(False)
        self._show_note()

    @Slot(object, object)
    def _on_state_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        for gone in range(len(new.views), len(old.views)):
            self._on_model_changed(gone)

    def _show_note(self) -> None:
        notes: dict[str, list[str]] = {}
        for view in range(len(self.session.state.views)):
            info = self.session.info(view)
            if info is not None and counterpart_note(info):
                notes.setdefault(counterpart_note(info), []).append(letter(view))
        self.note.setText("\n".join(f"{', '.join(letters)}: {note}." for note, letters in notes.items()))
        self.note.setVisible(bool(notes))
