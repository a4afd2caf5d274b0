"""A row for a job: a button that starts or cancels it, its progress, and its error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.errors import LatentwalkError
from explorer.util.plain_text import LIMIT
from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.plain_text import error_text
from explorer.widgets.controls.progress_line import ProgressLine

if TYPE_CHECKING:
    from explorer.render.job_run import JobEvent
    from explorer.session import Session

__all__ = ["JobRow"]


class JobRow(QWidget):
    """Runs the jobs of one name for all visible views, and passes on their reports.

    Args:
        session: Runs the jobs.
        name: Prefix of their keys, such as "metrics" in "metrics/0".
        text: Label of the button.
        tip: Tooltip: what is measured, and its cost.
        begin: Starts the job of one view.
        show: Called with (view, value) for every report.
    """

    def __init__(
        self, session: Session, name: str, text: str, tip: str,
        begin: Callable[[int], object], show: Callable[[int, object], object],
    ) -> None:  # fmt: skip
        super().__init__()
        self.session, self.name = session, name
        self._begin, self._show, self._text = begin, show, text
        self._fractions: dict[int, float] = {}
        self.button = IconButton("play", tip, self.toggle, text=text)
        self.line = ProgressLine()
        self.message = label("", "caption", wrap=True, limit=2 * LIMIT)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        column.addWidget(row(self.button))
        column.addWidget(self.line)
        column.addWidget(self.message)
        self.message.hide()
        session.lab.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model_changed)
        session.devices.changed.connect(self._on_settings_changed)
        self._show_state()

    @property
    def is_running(self) -> bool:
        """True while one of the jobs is running."""
        return bool(self._fractions)

    def toggle(self) -> None:
        """Start the jobs, or cancel the running ones."""
        if self.is_running:
            self.cancel()
            return
        self._show_message("")
        for view in self.session.visible_views():
            if self.session.info(view) is not None:
                try:
                    self._begin(view)
                    self._fractions[view] = 0.0
                except LatentwalkError as error:
                    self._show_message(error_text(error))
        if not self._fractions and self.message.isHidden():
            self._show_message("Open a model first.")
        self._show_state()

    def cancel(self) -> None:
        """Cancel the running jobs; results so far stay."""
        for view in self._fractions:
            self.session.lab.end_job(f"{self.name}/{view}")
        self._fractions.clear()
        self._show_state()

    def views(self) -> Sequence[int]:
        """Return the views that are measured now."""
        return tuple(self._fractions)

    def _show_message(self, text: str) -> None:
        self.message.setText(text)
        self.message.setVisible(bool(text))

    def _show_state(self) -> None:
        running = self.is_running
        self.button.setText("Cancel" if running else self._text)
        self.button.set_icon_name("x" if running else "play")
        self.line.setVisible(running)
        self.line.set_fraction(min(self._fractions.values()) if running else 0.0)

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        name, _, _ = event.key.rpartition("/")
        if name != self.name or event.view not in self._fractions:
            return
        if event.report is not None:
            self._fractions[event.view] = event.report.done / max(1, event.report.total)
            self._show(event.view, event.report.value)
        if event.error is not None:
            self._show_message(f"{letter(event.view)}: {error_text(event.error)}")
        if event.is_done:
            self._fractions.pop(event.view, None)
        self._show_state()

    @Slot(object)
    def _on_settings_changed(self, settings: object) -> None:
        self.cancel()

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if self._fractions.pop(view, None) is not None:
            self._show_state()
