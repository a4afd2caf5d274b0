"""AttributeIntents: what a network reads in the pictures of the models that are open. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer.directions.attributes import (
    READING,
    SAMPLES,
    AttributeChanges,
    AttributeSamples,
    changes_spec,
    extremes,
    samples_spec,
)
from explorer.errors import LatentwalkError
from explorer.render.resolve import resolve_look
from explorer.state import Tap, Transform
from explorer.util.report import Report

if TYPE_CHECKING:
    from explorer.render.job_run import JobEvent
    from explorer.render.results import ModelInfo
    from explorer.session.core import SessionCore
    from explorer.session.directions import DirectionIntents
    from explorer.state import Look
    from explorer.state.request import RenderRequest

__all__ = ["NO_NETWORK", "AttributeIntents"]

NO_NETWORK = "No attribute network is known for this model"

_CHANGES, _SAMPLES = "attribute-changes", "attribute-samples"


class AttributeIntents(QObject):
    """Measures how much an edit changes each attribute, and teaches directions from random pictures' attributes.

    Nothing of it is state. What was read of a model's random pictures is kept while the program runs.

    Signals: `measured(sha, AttributeChanges)` after `measure`, with the model's hash; `names_changed()` when it is
    known what can be read in a model; `progress(Report | None)` while random pictures are read, with None at the
    end; `failed(LatentwalkError)`.
    """

    measured = Signal(str, object)
    names_changed = Signal()
    progress = Signal(object)
    failed = Signal(object)

    def __init__(self, session: SessionCore, directions: DirectionIntents) -> None:
        super().__init__(session)
        self._session, self._directions = session, directions
        self._names: dict[str, tuple[str, ...]] = {}  # by the model's hash; empty: no network is known
        self._samples: dict[str, AttributeSamples] = {}
        self._wanted: tuple[str, int, str] | None = None  # job, view, and the attribute of the direction to teach
        session.service.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model_changed)

    def names(self, view: int) -> tuple[str, ...] | None:
        """Return the attributes known of a view's model; empty if there are none, None before it is known."""
        model_info = self._session.model_info(view)
        return None if model_info is None else self._names.get(model_info.sha256)

    def measure(self, view: int, low: Look, high: Look) -> None:
        """Measure how much the attributes differ between two looks that differ in their edits alone."""
        model_info = self._session.model_info(view)
        if model_info is None:
            return
        try:
            first, second = (self._resolved(look, model_info) for look in (low, high))
        except LatentwalkError:  # the view shows it
            return
        spec = changes_spec(first, first.style.edits, second.style.edits, model_info.origin)
        self._session.service.run_job(f"{_CHANGES}/{model_info.sha256}", view, spec)

    def _resolved(self, look: Look, model_info: ModelInfo) -> RenderRequest:
        still = replace(look, transform=Transform())  # what the network reads is not to leave the picture
        session = self._session
        return resolve_look(
            still,
            Tap(),
            model_info.info,
            model=model_info.key,
            settings=session.devices.settings,
            table=session.table,
        )

    # -- directions of attributes --------------------------------------------------------------------------

    @property
    def is_reading(self) -> bool:
        """Whether random pictures are being read."""
        return self._wanted is not None

    def teach(self, view: int, name: str) -> None:
        """Teach the direction of an attribute of a view's model, from its random pictures.

        Raises:
            LatentwalkError: No model is loaded in the view, or its look cannot be rendered.
        """
        self.cancel()
        request = self._session.resolve_view(view)
        sha, model_info = request.model.sha256, self._session.model_info(view)
        if sha in self._samples:
            self._teach(view, sha, name)
            return
        assert model_info is not None
        key = f"{_SAMPLES}/{sha}"
        self._wanted = key, view, name
        self._session.service.run_job(key, view, samples_spec(request, model_info.origin))
        self.progress.emit(Report(None, 0, SAMPLES, READING))

    def cancel(self) -> None:
        """End the reading of random pictures."""
        if self._wanted is not None:
            self._session.service.end_job(self._wanted[0])
            self._end()

    def _end(self) -> None:
        self._wanted = None
        self.progress.emit(None)

    def _teach(self, view: int, sha: str, name: str) -> None:
        most, least = extremes(self._samples[sha], name)
        try:
            self._directions.teach(view, list(most), list(least), name=name)
        except LatentwalkError as error:
            self.failed.emit(error)

    # -- events --------------------------------------------------------------------------------------------

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        kind, _, sha = event.key.partition("/")
        if self._session.is_closed or kind not in (_CHANGES, _SAMPLES):
            return
        value = event.report.value if event.report is not None else None
        if isinstance(value, AttributeChanges):
            is_new = self._names.get(sha) != value.names
            self._names[sha] = value.names
            if is_new:
                self.names_changed.emit()
            self.measured.emit(sha, value)
        if kind == _SAMPLES and self._wanted is not None:
            self._on_samples(event, sha)

    def _on_samples(self, event: JobEvent, sha: str) -> None:
        assert self._wanted is not None
        _, view, name = self._wanted
        if event.report is not None:
            self.progress.emit(event.report)
            if isinstance(event.report.value, AttributeSamples):
                self._samples[sha] = event.report.value
                self._teach(view, sha, name)
        if event.is_done:
            self._end()
        if isinstance(event.error, LatentwalkError):
            self.failed.emit(event.error)

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if self._wanted is not None and self._wanted[1] == view:
            self.cancel()
        self.names_changed.emit()
