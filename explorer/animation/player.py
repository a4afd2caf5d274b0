"""The player: the state as a pure function of time, independent of how many frames were shown."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.animation.easing import ease, weights_at
from explorer.animation.interpolation import mix_snapshots
from explorer.animation.latent_loop import wandering
from explorer.state import Segment, Snapshot, ViewState
from explorer.state.parameters import set_value
from explorer.util.sums import total_of

if TYPE_CHECKING:
    from explorer.state import ExplorerState, Look, Timeline, Track

__all__ = ["Player", "film_seconds", "is_animated", "snapshot_of", "time_in_timeline", "with_snapshot"]

GESTURE_GAP = 0.1
"""Seconds between two samples of a performance above which the state is held and not interpolated."""

_STRAIGHT = Segment("linear", "w", "linear")


def snapshot_of(state: ExplorerState) -> Snapshot:
    """Return the snapshot of a state: everything but the models, which belong to the project."""
    return Snapshot(state.shared, tuple(replace(view, model="") for view in state.views))


def with_snapshot(state: ExplorerState, snapshot: Snapshot) -> ExplorerState:
    """Return the state with a snapshot applied; views that are not in the snapshot stay unchanged."""
    views = tuple(
        replace(snapshot.views[i], model=view.model) if i < len(snapshot.views) else view
        for i, view in enumerate(state.views)
    )
    return replace(state, shared=snapshot.shared, views=views)


def is_animated(timeline: Timeline) -> bool:
    """Return whether the timeline changes anything over time."""
    return bool(timeline.keys or timeline.tracks or timeline.performance) or timeline.wander.kind != "none"


def film_seconds(timeline: Timeline) -> float:
    """Return the seconds of one complete pass; ping-pong takes twice the duration."""
    return timeline.duration * (2.0 if timeline.loop == "ping-pong" else 1.0)


def time_in_timeline(timeline: Timeline, seconds: float) -> float:
    """Return the time on the timeline, 0..duration, after playing for `seconds`."""
    end = timeline.duration
    if timeline.loop == "once":
        return min(max(seconds, 0.0), end)
    if timeline.loop == "ping-pong":
        position = math.fmod(max(seconds, 0.0), 2.0 * end)
        return position if position <= end else 2.0 * end - position
    return math.fmod(max(seconds, 0.0), end)


class Player:
    """Evaluates a project at any time. Immutable; equal states give equal results.

    Args:
        state: The project. Without animation, its own looks are used and move with their drift.
    """

    def __init__(self, state: ExplorerState) -> None:
        self.state = state
        self.timeline = state.timeline
        self._times = tuple(key.time for key in self.timeline.keys)
        self._sample_times = [sample.time for sample in self.timeline.performance]

    def at(self, time: float) -> ExplorerState:
        """Return the complete state after `time` seconds of playing, as if the user had set it."""
        return self.on_timeline(time_in_timeline(self.timeline, time))

    def on_timeline(self, position: float) -> ExplorerState:
        """Return the state at a time of the timeline, in seconds."""
        return with_snapshot(self.state, self.snapshot(position))

    def snapshot(self, position: float) -> Snapshot:
        """Return the timeline's snapshot at a time, in seconds; it does not determine the rest of the state."""
        return wandering(self.base_snapshot(position), self.timeline, position)

    def base_snapshot(self, position: float) -> Snapshot:
        """Return the snapshot from keys, tracks and performance at a time, before the wander is applied."""
        if self.timeline.keys:
            snapshot = _still(self._between_keys(position))
        elif self.timeline.performance:
            snapshot = _still(self._performed(position))
        else:
            snapshot = _drifted(snapshot_of(self.state), position)
        for track in self.timeline.tracks:
            if track.keys:
                snapshot = set_value(snapshot, track.parameter, self.track_value(track, position), track.view)
        return snapshot

    @property
    def _period(self) -> float:
        return self.timeline.duration if self.timeline.loop == "seamless" else 0.0

    def _between_keys(self, position: float) -> Snapshot:
        keys = self.timeline.keys
        i, u = _segment_at(self._times, position, self._period)
        segment = keys[i].segment
        weights = weights_at(self._times, i, ease(segment, u), segment.interpolation, self._period)
        # The previous key comes first: it decides what cannot be blended.
        order = sorted(weights, key=lambda pair: pair[0] != i)
        return mix_snapshots([keys[k].pose for k, _ in order], [weight for _, weight in order], segment)

    def _performed(self, position: float) -> Snapshot:
        samples = self.timeline.performance
        i = max(bisect_right(self._sample_times, position) - 1, 0)
        if i + 1 >= len(samples) or samples[i + 1].time - samples[i].time > GESTURE_GAP:
            return samples[i].pose
        u = (position - samples[i].time) / (samples[i + 1].time - samples[i].time)
        if not 0.0 < u < 1.0:
            return samples[i].pose
        snapshot = mix_snapshots([samples[i].pose, samples[i + 1].pose], [1.0 - u, u], _STRAIGHT)
        # Walks stay on the plane; a blend would mean a jump to another seed.
        return samples[i].pose if _has_blend(snapshot) and not _has_blend(samples[i].pose) else snapshot

    def track_value(self, track: Track, position: float) -> float:
        """Return a track's value at a time of the timeline."""
        times = tuple(key.time for key in track.keys)
        i, u = _segment_at(times, position, self._period)
        segment = track.keys[i].segment
        weights = weights_at(times, i, ease(segment, u), segment.interpolation, self._period)
        return total_of(track.keys[k].value * weight for k, weight in weights)


def _segment_at(times: tuple[float, ...], position: float, period: float) -> tuple[int, float]:
    """Return the key before a time and the fraction towards the next; open ends are held."""
    last = len(times) - 1
    i = bisect_right(times, position) - 1
    if 0 <= i < last:
        return i, (position - times[i]) / (times[i + 1] - times[i])
    if not period or last == 0:
        return max(i, 0), 0.0
    span = times[0] + period - times[last]
    since = position - times[last] + (period if i < 0 else 0.0)
    return last, since / span if span > 0.0 else 1.0


def _still(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot without drift: between keys, the keys determine the latent."""
    views = tuple(replace(v, own=replace(v.own, drift=0.0)) if v.own.drift else v for v in snapshot.views)
    return Snapshot(replace(snapshot.shared, drift=0.0) if snapshot.shared.drift else snapshot.shared, views)


def _drifted(snapshot: Snapshot, time: float) -> Snapshot:
    """Return a snapshot with drifting latents moved by `time` seconds and their drift removed."""

    def moved(look: Look) -> Look:
        if not look.drift:
            return look
        return replace(look, latent=replace(look.latent, x=look.latent.x + look.drift * time), drift=0.0)

    views: tuple[ViewState, ...] = tuple(replace(v, own=moved(v.own)) for v in snapshot.views)
    return Snapshot(moved(snapshot.shared), views)


def _has_blend(snapshot: Snapshot) -> bool:
    looks = (snapshot.shared, *(view.own for view in snapshot.views))
    return any(look.latent.blend is not None for look in looks)
