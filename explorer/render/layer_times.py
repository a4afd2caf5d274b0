"""Execution times of a generator's layers on this machine, learned from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.render.results import StageTime

__all__ = ["LayerTimes"]


class LayerTimes:
    """Milliseconds per layer, by index; 0 while unknown.

    Args:
        names: Names of the layers in order, as in the stages of a run.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.ms = [0.0] * len(names)
        self.runs = [0] * len(names)
        self._index = {name: i for i, name in enumerate(names)}

    def expected(self, start: int, stop: int) -> float:
        """Return the milliseconds of layers `start:stop`; 0 if one of them is unknown."""
        times = self.ms[start:stop]
        return 0.0 if 0.0 in times else sum(times)

    def learn(self, timings: Sequence[StageTime]) -> None:
        """Update the times from a run. A layer's first run is ignored, because kernels are chosen in it.

        The running mean follows decreases faster than increases, as other programs can only slow a layer down.
        """
        for stage in timings:
            i = self._index.get(stage.name)
            if i is None or stage.hit:
                continue
            self.runs[i] += 1
            known = self.ms[i]
            if self.runs[i] == 2:
                self.ms[i] = stage.ms
            elif self.runs[i] > 2:
                self.ms[i] += (stage.ms - known) * (0.6 if stage.ms < known else 0.2)
