"""A stopwatch for stages: wall time on the CPU, events on CUDA, where kernels run asynchronously."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import torch

from explorer.render.results import StageTime

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stopwatch"]

RUN_AHEAD = 4
"""Maximum stages queued on a CUDA device before the host waits, so that cancelling still saves work."""


class Stopwatch:
    """Times consecutive stages. It starts when created; each `lap` ends the current stage."""

    def __init__(self, device: torch.device, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._is_cuda = device.type == "cuda"
        self._names: list[tuple[str, bool]] = []
        self._times: list[float] = [clock()]
        self._events: list[torch.cuda.Event] = []
        if self._is_cuda:
            self._record()

    def lap(self, name: str, hit: bool = False) -> None:
        """End the current stage and name it; `hit` means that its result was cached."""
        self._names.append((name, hit))
        self._times.append(self._clock())
        if self._is_cuda:
            self._record()
            if len(self._events) > RUN_AHEAD:
                self._events[-1 - RUN_AHEAD].synchronize()

    def stages(self) -> tuple[StageTime, ...]:
        """Return all stages so far; synchronises with a CUDA device."""
        if self._is_cuda:
            self._events[-1].synchronize()
            gaps = [a.elapsed_time(b) for a, b in zip(self._events, self._events[1:], strict=False)]
        else:
            gaps = [1e3 * (b - a) for a, b in zip(self._times, self._times[1:], strict=False)]
        return tuple(StageTime(name, ms, hit) for (name, hit), ms in zip(self._names, gaps, strict=True))

    @property
    def total_ms(self) -> float:
        """Wall time in milliseconds from the start to the last lap."""
        return 1e3 * (self._times[-1] - self._times[0])

    def _record(self) -> None:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        event.record()
        self._events.append(event)
