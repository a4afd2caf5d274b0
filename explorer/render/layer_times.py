"""What each layer of a generator costs on this machine, learned from its runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.render.results import StageTime

__all__ = ["LayerTimes"]


class LayerTimes:
    """Milliseconds of each layer, by its number; 0 while unknown.

    Args:
        names: Of the layers, in their order, as the stages of a run are called.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.ms = [0.0] * len(names)
        self.runs = [0] * len(names)
        self._index = {name: i for i, name in enumerate(names)}

    def expected(self, start: int, stop: int) -> float:
        """Return milliseconds of the layers from `start` up to, not including, `stop`; 0 if one of them is unknown."""
        times = self.ms[start:stop]
        return 0.0 if 0.0 in times else sum(times)

    def learn(self, timings: Sequence[StageTime]) -> None:
        """Take in the times of a run. The first of a layer counts for nothing: kernels are chosen in it.

        A mean that believes good news faster than bad: other programs can only slow a layer down.
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
