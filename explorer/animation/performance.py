"""Performance: what the hands did as states with times, to be rendered at full quality afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.animation.player import is_animated, snapshot_of
from explorer.state import ExplorerState, LatentLoop, RecordedState
from explorer.state.timeline_edits import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.state import Snapshot, Timeline

__all__ = ["Performance", "recorded_words"]

CLOSEST = 1 / 120
"""Seconds between two samples: a mouse may move more often, a film shows no more."""

MAX_SAMPLES = 200_000
"""About an hour of constant motion."""


class Performance:
    """Gathers states with the seconds since it began.

    Args:
        now: Seconds on any clock that only grows.
        state: To begin with.
        keep: Told of every sample; one at the time of the last one takes its place.
    """

    def __init__(
        self, now: float, state: ExplorerState, keep: Callable[[RecordedState], None] = lambda sample: None
    ) -> None:
        self._began, self._keep = now, keep
        self._samples = [RecordedState(0.0, snapshot_of(state))]
        keep(self._samples[0])

    @classmethod
    def of_samples(cls, samples: Sequence[RecordedState]) -> Performance:
        """Return a performance from its samples, one at least, which began at 0 of its clock."""
        made = cls(0.0, ExplorerState())
        # Of those at one time the last one counts.
        made._samples = list({sample.time: sample for sample in samples}.values())
        return made

    def note(self, now: float, state: ExplorerState) -> None:
        """The state has changed at `now`. What changes within the shortest step counts as one change."""
        pose: Snapshot = snapshot_of(state)
        last = self._samples[-1]
        if pose == last.pose or len(self._samples) >= MAX_SAMPLES:
            return
        time = now - self._began
        if time - last.time < CLOSEST:
            self._samples[-1] = RecordedState(last.time, pose)
        else:
            self._samples.append(RecordedState(time, pose))
        self._keep(self._samples[-1])

    def seconds(self, now: float) -> float:
        """Return how long it has gone on."""
        return now - self._began

    def timeline(self, now: float, before: Timeline) -> Timeline:
        """Return the performance as a timeline; loop, rate, tempo and snapping are those of the one before.

        Keys that are there are kept aside with their own duration. Over a recording only the recording is new.
        """
        duration = max(self.seconds(now), self._samples[-1].time, 0.1)
        new: dict[str, Any] = {"performance": tuple(self._samples), "duration": duration}
        if before.performance and not before.keys:
            return replace(before, **new)
        plain = replace(before, keys=(), tracks=(), wander=LatentLoop(), **new)
        if before.loop == "seamless":  # that is a way from the last key to the first
            plain = replace(plain, loop="loop")
        return replace(plain, aside=replace(before, aside=None)) if is_animated(before) else plain


def recorded_words(before: Timeline, made: Timeline, way_back: str) -> str:
    """What was recorded, and what became of the timeline before; `way_back` names the key that restores it."""
    words = f"Recorded {made.duration:.1f} s. Space plays it, Ctrl+M renders a film."
    replaced = before if before.performance and not before.keys else before.aside
    if replaced is not None and replaced.performance and not replaced.keys:
        words += f" It replaces {contents(replace(replaced, tracks=()))}; {way_back} that."
    if made.aside is not None and made.aside is not before.aside:
        words += f" Kept: {contents(made.aside)}. Click Keys on the timeline to go back to them."
    return words
