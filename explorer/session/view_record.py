"""What a session remembers of one view: what was asked, what came, what was seen, and how long it took."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from explorer.render.results import Frame, ModelInfo, RenderFailed, StageTime, Tier
from explorer.session.load_state import LoadState
from explorer.state.request import RenderSettings

if TYPE_CHECKING:
    from explorer.state.request import RenderRequest

__all__ = ["MAX_LATENCIES", "PerformanceFacts", "ViewRecord", "ViewRecords"]

MAX_LATENCIES = 200
"""Enough that the 99th percentile is not the maximum, few enough that a slow start is soon forgotten."""


@dataclass(frozen=True, slots=True)
class PerformanceFacts:
    """How a view is doing. `latency_ms`: from a wish to its first paint; the median and the 99th percentile are of
    the last `MAX_LATENCIES`. `dropped`: looks overtaken unrendered."""

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
    """One view's record. `settled` is the last generation that was painted or failed."""

    load: LoadState = field(default_factory=LoadState)
    request: RenderRequest | None = None
    posted: int = 0
    settled: int = 0
    frame: Frame | None = None
    failure: RenderFailed | None = None
    load_failure: RenderFailed | None = None  # of a model; pictures of the one before go on
    latencies_ms: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_LATENCIES))
    asked_at: float = 0.0  # seconds, when the shown frame was wished for
    _painted: Frame | None = None
    _posted_at: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=64))
    _paints: deque[float] = field(default_factory=lambda: deque(maxlen=240))

    @property
    def model(self) -> str:
        """Name of the model that the view has, as the state named it; empty for none."""
        return self.load.model

    @property
    def facts(self) -> ModelInfo | None:
        """What is known of that model."""
        return self.load.info

    @property
    def loading(self) -> str:
        """Name of the model on its way; empty for none."""
        return self.load.requested

    def note_post(self, request: RenderRequest, generation: int, now: float) -> None:
        """A request went out at `now` seconds."""
        self.request, self.posted = request, generation
        self._posted_at.append((generation, now))

    def accept(self, frame: Frame) -> bool:
        """Take a frame of the present model, if it is newer or finer than the one shown."""
        if self.facts is None or frame.request.model != self.facts.key:
            return False
        if (frame.generation, frame.tier) <= self.shown:
            return False
        self.frame = frame
        self.asked_at = next((at for number, at in self._posted_at if number == frame.generation), self.asked_at)
        return True

    def note_paint(self, generation: int, now: float) -> None:
        """The shown frame was painted at `now` seconds."""
        self.settled = max(self.settled, generation)
        if self.frame is None or self.frame is self._painted:
            return  # a repaint of what was seen already
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
        """True if something was asked for that was neither painted nor failed."""
        return self.posted > self.settled

    @property
    def is_refining(self) -> bool:
        """True while a newer or a finer picture than the shown one is on its way."""
        return self.failure is None and self.posted > 0 and self.shown < (self.posted, int(Tier.FULL))

    def clear(self) -> None:
        """Nothing is shown any more."""
        self.load, self.request, self.frame = LoadState(), None, None

    def performance(self, settings: RenderSettings, now: float) -> PerformanceFacts:
        """Figures of the last second before `now`."""
        f = self.frame
        if f is None:
            return PerformanceFacts(device=settings.device, dtype=settings.dtype)
        recent = self.latencies_ms
        median, p99 = np.quantile(recent, (0.5, 0.99)) if recent else (0.0, 0.0)
        return PerformanceFacts(
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
    """Records by the number of the view, each made when it is first asked for."""

    def __missing__(self, view: int) -> ViewRecord:
        record = self[view] = ViewRecord()
        return record
