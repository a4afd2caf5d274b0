"""StyleChannelSearch: a marked region of a picture, and the style channels that change it. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer.errors import LatentwalkError, UsageError
from explorer.state import Edit, StyleChannels
from explorer.util.brush import BRUSH, brushed
from explorer.util.report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from explorer.directions.style_space import RankedChannel
    from explorer.render.job_run import JobEvent
    from explorer.session.core import SessionCore
    from explorer.state import ExplorerState, Look
    from explorer.state.request import RenderRequest
    from explorer.util.brush import Place

__all__ = ["StyleChannelSearch"]

_JOB = "style-channels"

_STARTED: Report[None] = Report(None, 0, 1)


class StyleChannelSearch(QObject):
    """The region that the user marks, the search for channels that change it, and what was found.

    None of it is saved: what is kept of a search are the edits made of its channels.

    Signals: `marking_changed(bool)`; `region_changed()`; `progress(Report | None)`, with None at the end in any
    case; `found_changed()`; `pointed_changed(RankedChannel | None)` while the user points at a channel in a list;
    `failed(LatentwalkError)`.

    Attributes:
        is_marking: Whether drags over the picture mark the region.
        brush: Radius of the brush in picture widths.
        view: The view whose picture is marked.
        region: The marked pixels, bool `[H, W]`, read-only; None for none.
        found: The channels of the last search, the best first.
        found_in: The view of that search.
    """

    marking_changed = Signal(bool)
    region_changed = Signal()
    progress = Signal(object)
    found_changed = Signal()
    pointed_changed = Signal(object)
    failed = Signal(object)

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session
        self.is_marking, self.brush, self.view, self.found_in = False, BRUSH, 0, 0
        self.region: NDArray[np.bool_] | None = None
        self.found: Sequence[RankedChannel] = ()
        self._before: tuple[int, NDArray[np.bool_] | None] = (0, None)  # at the start of a stroke
        self._is_erasing = False
        self._is_used = False  # whether the region was searched, so that the next stroke begins another one
        self._running = ""
        session.service.job_event.connect(self._on_job_event)
        session.model_changed.connect(self._on_model_changed)
        session.devices.changed.connect(self._on_settings_changed)
        session.changed.connect(self._on_changed)

    # -- the region ----------------------------------------------------------------------------------------

    def set_marking(self, is_on: bool) -> None:
        """Let drags over the picture mark the region, or do what they do otherwise."""
        if is_on != self.is_marking:
            self.is_marking = is_on
            self.marking_changed.emit(is_on)

    def set_brush(self, radius: float) -> None:
        """Set the radius of the brush, in picture widths."""
        self.brush = radius

    def begin_stroke(self, view: int, is_eraser: bool = False) -> None:
        """Begin to mark a view's picture, or to erase. In another view that begins a new region.

        So does marking after a search; erasing then goes on with the region that was searched.
        """
        self._before = self.view, self.region
        if view != self.view or (self._is_used and not is_eraser):
            self.region = None
        self.view, self._is_used, self._is_erasing = view, False, is_eraser

    def mark(self, start: Place, end: Place) -> None:
        """Add what the brush covers between two points, or remove it."""
        info = self._session.info(self.view)
        if info is not None:
            region = brushed(self.region, info.img_size, start, end, self.brush, is_erasing=self._is_erasing)
            self._set_region(region if region.any() else None)

    def cancel_stroke(self) -> None:
        """Restore the region from before the stroke."""
        self.view, region = self._before
        self._set_region(region)

    def clear(self) -> None:
        """Remove the region."""
        self._set_region(None)

    def _set_region(self, region: NDArray[np.bool_] | None) -> None:
        self.region = region
        self.region_changed.emit()

    # -- the search ----------------------------------------------------------------------------------------

    @property
    def is_running(self) -> bool:
        """Whether a search is running."""
        return bool(self._running)

    def find(self) -> None:
        """Search the channels for the region, which ends marking. An error is told by `failed`."""
        from explorer.directions.style_space import ranking_spec

        try:
            if self.region is None:
                raise UsageError("No region is marked.", "Switch on Mark, and click on the picture.")
            spec = ranking_spec(self._request(), self.region)
        except LatentwalkError as error:
            self.failed.emit(error)
            return
        self.cancel()
        self.set_marking(False)
        self._is_used = True
        self._running = f"{_JOB}/{self.view}"
        self._session.service.run_job(self._running, self.view, spec)
        self.progress.emit(_STARTED)

    def cancel(self) -> None:
        """End the search; the channels of the last one stay."""
        if self._running:
            self._session.service.end_job(self._running)
            self._end()

    def _end(self) -> None:
        self._running = ""
        self.progress.emit(None)

    def _request(self) -> RenderRequest:
        """Return the marked picture. One that is shown with its motion undone is marked as if it had none."""
        request = self._session.resolve_view(self.view)
        transform = None if request.untransform else request.transform
        return replace(request, transform=transform, untransform=False, residual="none")

    @Slot(object)
    def _on_job_event(self, event: JobEvent) -> None:
        if self._session.is_closed or not self._running or event.key != self._running:
            return
        if event.report is not None:
            if event.report.value is not None:
                self.found_in = event.view
                self._set_found(event.report.value)
            self.progress.emit(event.report)
        if event.is_done:
            self._end()
        if event.error is not None:
            error = event.error
            known = error if isinstance(error, LatentwalkError) else LatentwalkError(f"The search failed: {error}")
            self.failed.emit(known)

    def _set_found(self, found: Sequence[RankedChannel]) -> None:
        self.found = tuple(found)
        self.found_changed.emit()

    # -- the channels --------------------------------------------------------------------------------------

    def point_at(self, channel: RankedChannel | None) -> None:
        """Show over the picture where a channel changes it; None ends that."""
        self.pointed_changed.emit(channel)

    def strength(self, channel: RankedChannel) -> float:
        """Return how far the active view's look moves a channel, in its standard deviations."""
        edits = self._session.look_of().edits
        number = self._edit_of(edits, channel)
        return edits[number].strength if number is not None and edits[number].is_on else 0.0

    def set_strength(self, channel: RankedChannel, strength: float) -> None:
        """Move a channel: change the edit that does, or add one."""
        look = self.look_with(self._session.look_of(), channel, strength)
        self._session.edit(f"Channel {channel.channel} of {channel.layer}", edits=look.edits)

    def look_with(self, look: Look, channel: RankedChannel, strength: float) -> Look:
        """Return a look with a channel moved to a strength."""
        edits = list(look.edits)
        number = self._edit_of(edits, channel)
        if number is None:
            edits.append(Edit(self._value(channel), strength))
        else:
            edits[number] = replace(edits[number], strength=strength, is_on=True)
        return replace(look, edits=tuple(edits))

    def _value(self, channel: RankedChannel) -> StyleChannels:
        found_in = self._session.model_info(self.found_in)
        sha = found_in.sha256 if found_in is not None else ""
        return StyleChannels(channel.layer, (channel.channel,), (channel.sigma,), model_sha=sha)

    def _edit_of(self, edits: Sequence[Edit], channel: RankedChannel) -> int | None:
        return _same_edit(edits, self._value(channel))

    # -- what ends it --------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self.cancel()
        self._set_region(None)
        self._set_found(())

    @Slot(int)
    def _on_model_changed(self, view: int) -> None:
        if view in (self.view, self.found_in):
            self._forget()

    @Slot(object)
    def _on_settings_changed(self, settings: object) -> None:
        self.cancel()

    @Slot(object, object)
    def _on_changed(self, old: ExplorerState, new: ExplorerState) -> None:
        if max(self.view, self.found_in) >= len(new.views):
            self._forget()
            self.view = self.found_in = 0


def _same_edit(edits: Sequence[Edit], wanted: StyleChannels) -> int | None:
    """Return the number of the first edit that moves the same channels of the same model; None if there is none."""
    for number, edit in enumerate(edits):
        value = edit.value
        if not isinstance(value, StyleChannels) or value.model_sha not in ("", wanted.model_sha):
            continue
        if (value.layer, value.channels) == (wanted.layer, wanted.channels):
            return number
    return None
