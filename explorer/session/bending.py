"""Bending: finds the clusters of channels of the active view's model, and remembers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from explorer.analysis.channel_clusters import ChannelClusters, clusters_spec
from explorer.edits.bend_text import bends_of_text
from explorer.errors import CancelledError, LatentwalkError
from explorer.session.job_runner import JobRunner

if TYPE_CHECKING:
    from explorer.jobs.job import Report
    from explorer.session.core import SessionCore

__all__ = ["Bending"]


class Bending(QObject):
    """One search at a time, between the frames of the active view. GUI thread only.

    What is found is not state: an edit that uses a cluster holds its channels.

    Signals: `changed`, after clusters were found, or a search began, went on or ended.
    """

    changed = Signal()

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self._found: dict[tuple[str, str], tuple[tuple[int, ...], ...]] = {}
        self._sha = ""  # of the model that is searched
        self.fraction: float | None = None
        """How much of the search is done, 0..1; None while there is none."""
        runner = self._runner = JobRunner(self, session)
        runner.reported.connect(self._on_report)
        runner.finished.connect(self._on_finished)
        runner.failed.connect(self._on_failed)
        session.model_changed.connect(self._on_model_changed)
        session.devices.changed.connect(self.cancel)

    def clusters(self, layer: str) -> tuple[tuple[int, ...], ...]:
        """Return the channels of each cluster of a layer of the active view's model; empty while not known."""
        model_info = self._session.model_info(self._session.active)
        return () if model_info is None else self._found.get((model_info.sha256, layer), ())

    def find(self, layer: str) -> None:
        """Begin to search the clusters of a layer of the active view's model.

        Raises:
            LatentwalkError: No model is loaded, its look cannot be rendered, or a search is running.
        """
        view = self._session.active
        request = self._session.resolve_view(view)
        self._runner.start(clusters_spec(request, layer), view)
        self._sha = request.model.sha256
        self._show(0.0)

    def add_text(self, text: str) -> int:
        """Add the bends of a text (`explorer.edits.bend_text`) to the edits, as one undo step; return their number.

        Raises:
            LatentwalkError: The text is something else or does not fit the model, or needs clusters not yet found.
        """
        info = self._session.info(self._session.active)
        if info is None:
            raise LatentwalkError("Bends belong to the layers of a model.", "Open a model first.")
        added = bends_of_text(text, info, self._known_clusters)
        self._session.edit("Paste bends", edits=(*self._session.look_of().edits, *added))
        return len(added)

    def _known_clusters(self, layer: str) -> tuple[tuple[int, ...], ...]:
        found = self.clusters(layer)
        if not found:
            raise LatentwalkError(
                f"The clusters of the layer {layer} are not known.",
                "Choose the layer and a cluster, and find them.",
            )
        return found

    @Slot()
    def cancel(self) -> None:
        """End the search; what was found before stays."""
        if self._runner.is_running:
            self._runner.cancel()
            self._show(None)

    def close(self) -> bool:
        """End the search; return True if nothing of it is left."""
        return self._runner.close()

    @Slot(object)
    def _on_report(self, report: Report[Any]) -> None:
        if self.fraction is not None:
            self._show(report.done / max(1, report.total))

    @Slot(object)
    def _on_finished(self, found: ChannelClusters | None) -> None:
        if found is not None:
            self._found[self._sha, found.layer] = found.clusters
        self._show(None)

    @Slot(object)
    def _on_failed(self, error: LatentwalkError) -> None:
        self._show(None)
        if not (isinstance(error, CancelledError) or self._session.is_closed):
            self._session.status.emit(str(error))

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        self.cancel()
        self.changed.emit()

    def _show(self, fraction: float | None) -> None:
        if not self._session.is_closed:
            self.fraction = fraction
            self.changed.emit()
