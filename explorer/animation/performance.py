"""Recording of a performance: the user's changes as states with times, to be rendered at full quality later."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from explorer.animation.player import is_animated, snapshot_of
from explorer.state import ExplorerState, LatentLoop, RecordedState
from explorer.state.timeline_edits import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from explorer.state import Snapshot, Timeline

__all__ = ["Performance", "recording_message"]

CLOSEST = 1 / 120
"""Least seconds between two samples: pointer events can be more frequent, but films do not show more."""

MAX_SAMPLES = 200_000
"""About an hour of constant motion."""


class Performance:
    """Collects states with the seconds since the recording began.

    Args:
        now: Seconds on any monotonic clock.
        state: The initial state.
        store: Called with every sample; one at the time of the last one replaces it.
    """

    def __init__(
        self, now: float, state: ExplorerState, store: Callable[[RecordedState], None] = lambda sample: None
    ) -> None:
        self._began, self._store = now, store
        self._samples = [RecordedState(0.0, snapshot_of(state))]
        store(self._samples[0])

    @classmethod
    def of_samples(cls, samples: Sequence[RecordedState]) -> Performance:
        """Return a performance of at least one sample that began at 0 on its clock."""
        made = cls(0.0, ExplorerState())
        # Of samples at the same time the last one counts.
        made._samples = list({sample.time: sample for sample in samples}.values())
        return made

    def note(self, now: float, state: ExplorerState) -> None:
        """Record the state at `now`; changes within the shortest step are merged."""
        snapshot: Snapshot = snapshot_of(state)
        last = self._samples[-1]
        if snapshot == last.pose or len(self._samples) >= MAX_SAMPLES:
            return
        time = now - self._began
        if time - last.time < CLOSEST:
            self._samples[-1] = RecordedState(last.time, snapshot)
        else:
            self._samples.append(RecordedState(time, snapshot))
        self._store(self._samples[-1])

    def seconds(self, now: float) -> float:
        """Return the length in seconds at `now`."""
        return now - self._began

    def timeline(self, now: float, before: Timeline) -> Timeline:
        """Return the performance as a timeline with the loop, rate, tempo and snapping of `before`.

        Existing keys are set aside with their own duration. If there is a recording, it is replaced.
        """
        duration = max(self.seconds(now), self._samples[-1].time, 0.1)
        new: dict[str, Any] = {"performance": tuple(self._samples), "duration": duration}
        if before.performance and not before.keys:
            return replace(before, **new)
        plain = replace(before, keys=(), tracks=(), wander=LatentLoop(), **new)
        if before.loop == "seamless":  # seamless loops need keys
            plain = replace(plain, loop="loop")
        return replace(plain, aside=replace(before, aside=None)) if is_animated(before) else plain


def recording_message(before: Timeline, made: Timeline, undo_hint: str) -> str:
    """Return a message about a new recording and the previous timeline; `undo_hint` says how to restore it."""
    text = f"Recorded {made.duration:.1f} s. Space plays it, Ctrl+M renders a film."
    replaced = before if before.performance and not before.keys else before.aside
    if replaced is not None and replaced.performance and not replaced.keys:
        text += f" It replaces {contents(replace(replaced, tracks=()))}; {undo_hint} that."
    if made.aside is not None and made.aside is not before.aside:
        text += f" Kept: {contents(made.aside)}. Click Keys on the timeline to go back to them."
    return text
