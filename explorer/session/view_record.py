"""Per-view record of a session: requests, frames received and painted, and their timing."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from explorer.render.results import Frame, ModelInfo, RenderFailed, StageTime, Tier
from explorer.session.load_state import LoadState

if TYPE_CHECKING:
    from explorer.state.request import RenderRequest, RenderSettings

__all__ = ["MAX_LATENCIES", "PerformanceStats", "ViewRecord", "ViewRecords"]

MAX_LATENCIES = 200
"""Enough that the 99th percentile is not the maximum, few enough that a slow start soon drops out."""


@dataclass(frozen=True, slots=True)
class PerformanceStats:
    """Performance figures of a view.

    Latency is measured from a request to its first paint; the median and the 99th percentile are of the last
    `MAX_LATENCIES` requests. `dropped` counts requests that were superseded before they were rendered.
    """

    fps: float = 0.0
    total_ms: float = 0.0
    latency_ms: float = 0.0
    latency_median_ms: float = 0.0
    latency_p99_ms: float = 0.0
    stages: tuple[StageTime, ...] = ()
    hits: int = 0
    dropped: int = 0
    cache_bytes: int = 0
    device: str = ""
    dtype: str = ""
    tier: Tier = Tier.FULL


@dataclass(slots=True)
class ViewRecord:
    """The record of one view. `settled` is the last generation that was painted or failed."""

    load: LoadState = field(default_factory=LoadState)
    request: RenderRequest | None = None
    posted: int = 0
    settled: int = 0
    frame: Frame | None = None
    failure: RenderFailed | None = None
    load_failure: RenderFailed | None = None  # of a model; the previous model stays in use
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LATENCIES))
    requested_at: float = 0.0  # seconds, when the shown frame was requested
    _painted: Frame | None = None
    _posted_at: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=64))
    _paints: deque[float] = field(default_factory=lambda: deque(maxlen=240))

    @property
    def model(self) -> str:
        """Name of the model that the view has, as the state named it; empty for none."""
        return self.load.model

    @property
    def model_info(self) -> ModelInfo | None:
        """Metadata of that model."""
        return self.load.info

    @property
    def loading(self) -> str:
        """Name of the model being loaded; empty for none."""
        return self.load.requested

    def note_post(self, request: RenderRequest, generation: int, now: float) -> None:
        """Note a request posted at `now` seconds."""
        self.request, self.posted = request, generation
        self._posted_at.append((generation, now))

    def accept(self, frame: Frame) -> bool:
        """Accept a frame of the current model if it is newer or finer than the one shown."""
        if self.model_info is None or frame.request.model != self.model_info.key:
            return False
        if (frame.generation, frame.tier) <= self.shown:
            return False
        self.frame = frame
        posted = (at for number, at in self._posted_at if number == frame.generation)
        self.requested_at = next(posted, self.requested_at)
        return True

    def note_paint(self, generation: int, now: float) -> None:
        """Note that the shown frame was painted at `now` seconds."""
        self.settled = max(self.settled, generation)
        if self.frame is None or self.frame is self._painted:
            return  # a repaint of the same frame
        self._painted = self.frame
        self._paints.append(now)
        while self._posted_at and self._posted_at[0][0] <= generation:
            number, at = self._posted_at.popleft()
            if number == generation:
                self.latencies_ms.append(1e3 * (now - at))

    @property
    def shown(self) -> tuple[int, int]:
        """(generation, tier) of the frame shown."""
        return (self.frame.generation, int(self.frame.tier)) if self.frame is not None else (0, -1)

    @property
    def in_flight(self) -> bool:
        """True if a request has been neither painted nor failed."""
        return self.posted > self.settled

    @property
    def is_refining(self) -> bool:
        """True while a newer or finer frame than the one shown is expected."""
        return self.failure is None and self.posted > 0 and self.shown < (self.posted, int(Tier.FULL))

    def clear(self) -> None:
        """Forget the shown frame."""
        self.load, self.request, self.frame = LoadState(), None, None

    def performance(self, settings: RenderSettings, now: float) -> PerformanceStats:
        """Return the performance figures of the second before `now`."""
        f = self.frame
        if f is None:
            return PerformanceStats(device=settings.device, dtype=settings.dtype)
        recent = self.latencies_ms
        median, p99 = np.quantile(recent, (0.5, 0.99)) if recent else (0.0, 0.0)
        return PerformanceStats(
            fps=float(sum(now - t <= 1.0 for t in self._paints)),
            total_ms=f.total_ms,
            latency_ms=recent[-1] if recent else 0.0,
            latency_median_ms=float(median),
            latency_p99_ms=float(p99),
            stages=f.timings,
            hits=f.cache_hits,
            dropped=f.dropped,
            cache_bytes=f.cache_bytes,
            device=f.device,
            dtype=f.dtype,
            tier=f.tier,
        )


class ViewRecords(dict[int, ViewRecord]):
    """Records by the number of the view, each created on first use."""

    def __missing__(self, view: int) -> ViewRecord:
        record = self[view] = ViewRecord()
        return record
