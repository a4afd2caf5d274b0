"""Edits of a timeline: add, move, copy, delete and retime keyframes. Pure functions that return a new timeline."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from explorer.errors import ProjectError
from explorer.state import Keyframe, ParameterKeyframe, RecordedState, Segment, Snapshot, Timeline, Track
from explorer.state.parameters import parameter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.state.timeline import Interpolation

__all__ = [
    "MAX_SECONDS",
    "add_key",
    "add_value",
    "behind_end",
    "check_timeline",
    "contents",
    "copy_keys",
    "delete_keys",
    "exchanged",
    "grid_step",
    "key_at",
    "keys_from_performance",
    "lanes_of",
    "move_keys",
    "retime",
    "set_segments",
    "snapped",
    "value_at",
    "with_edits_reordered",
    "with_path",
]

MAX_SECONDS = 36_000.0
"""Ten hours; more is assumed to be a typing error."""

LAST_KEY = 10 * MAX_SECONDS
"""Keyframes may lie beyond the end, but not so far that their distances are lost to rounding."""

MIN_SECONDS, MIN_RATE = 1e-3, 0.01
"""Shortest timeline, and fewest frames per second or beats a minute: their reciprocals are fractions of steps."""

SAME_TIME = 1e-6
"""Seconds; keyframes closer than this are one."""

APART = 0.5
"""Frames; keyframes that are moved keep this distance from others: closer ones would look like one."""


def check_timeline(timeline: Timeline) -> None:
    """Raise ProjectError for a timeline from a file that could not be played."""
    t = timeline
    _check_rate("duration", t.duration, MIN_SECONDS, MAX_SECONDS, "seconds")
    _check_rate("fps", t.fps, MIN_RATE, 1000.0, "frames per second")
    if t.bpm != 0.0:  # no tempo
        _check_rate("bpm", t.bpm, MIN_RATE, 10_000.0, "beats a minute")
    for track in t.tracks:
        parameter(track.parameter)
    lanes: list[Sequence[Keyframe | ParameterKeyframe | RecordedState]] = [
        t.keys,
        t.performance,
        *(track.keys for track in t.tracks),
    ]
    for items in lanes:
        times = [item.time for item in items]
        if any(b - a < SAME_TIME for a, b in itertools.pairwise(times)) or (times and times[0] < 0.0):
            raise ProjectError("The timeline's keys are not in order.", "The file is damaged.")
        if times and times[-1] > LAST_KEY:
            message = f"The timeline has a key at {times[-1]:g} seconds; expected at most {LAST_KEY:,.0f}."
            raise ProjectError(message, "The file is damaged.")


def _check_rate(name: str, value: float, low: float, high: float, unit: str) -> None:
    if not low <= value <= high:
        message = f"The timeline's {name} is {value:g}; expected {low:g} to {high:,.0f} {unit}."
        raise ProjectError(message, "The file is damaged.")


def snapped(timeline: Timeline, time: float) -> float:
    """Return `time`, moved to the nearest grid line if the timeline snaps; never negative.

    The grid is quarters of a beat if there is a tempo, and frames otherwise.
    """
    time = max(time, 0.0)
    if not timeline.snap:
        return time
    step = grid_step(timeline)
    return float(round(Fraction(time) / step) * step)


def grid_step(timeline: Timeline) -> Fraction:
    """Return the seconds between two lines that keyframes snap to."""
    if timeline.bpm > 0.0:
        return Fraction(15) / Fraction(timeline.bpm).limit_denominator(1000)
    return 1 / Fraction(timeline.fps).limit_denominator(1001)


def _put(keys: Iterable[Any], new: Iterable[Any]) -> tuple[Any, ...]:
    """Insert keyframes in order of time, replacing those at the same time; callers tell the user of that."""
    new = list(new)
    kept = [key for key in keys if not any(abs(key.time - other.time) < SAME_TIME for other in new)]
    unique = {round(key.time / SAME_TIME): key for key in new}
    return tuple(sorted([*kept, *unique.values()], key=lambda key: key.time))


def add_key(timeline: Timeline, time: float, snapshot: Snapshot, segment: Segment | None = None) -> Timeline:
    """Add a keyframe of the whole state at `time` seconds; it inherits the segment of the one before it."""
    before = [key for key in timeline.keys if key.time <= time + SAME_TIME]
    segment = segment or (
        before[-1].segment if before else timeline.keys[0].segment if timeline.keys else Segment()
    )
    keys = _put(timeline.keys, [Keyframe(max(time, 0.0), snapshot, segment)])
    return replace(timeline, keys=keys, duration=max(timeline.duration, time))


def with_path(
    timeline: Timeline,
    start: float,
    snapshots: Sequence[Snapshot],
    seconds: float,
    interpolation: Interpolation = "catmull-rom",
) -> tuple[Timeline, float]:
    """Add keyframes at equal distances, passed through at an even pace; return the time of the first too.

    Args:
        timeline: The timeline. If it has no keyframes, it then ends with the path.
        start: Wanted time of the first keyframe. If others lie in the path's time, it begins behind the last one.
        snapshots: At least two.
        seconds: From the first keyframe to the last.
        interpolation: Between them.
    """
    gap, times = seconds / (len(snapshots) - 1), [key.time for key in timeline.keys]
    start = snapped(timeline, start)
    if any(start - SAME_TIME <= time <= start + seconds + SAME_TIME for time in times):
        start = snapped(timeline, max(times) + gap)
    segment = Segment(interpolation, "w", "linear")
    made = [Keyframe(start + i * gap, snapshot, segment) for i, snapshot in enumerate(snapshots)]
    end = min(start + seconds, MAX_SECONDS)
    duration = max(timeline.duration, end) if timeline.keys else end
    return replace(timeline, keys=_put(timeline.keys, made), duration=duration), start


def add_value(timeline: Timeline, name: str, view: int, time: float, value: float) -> Timeline:
    """Add a keyframe of one parameter to its track, which is made if there is none. Raises ProjectError."""
    parameter(name)
    tracks = list(timeline.tracks)
    number = next((i for i, t in enumerate(tracks) if (t.parameter, t.view) == (name, view)), len(tracks))
    if number == len(tracks):
        tracks.append(Track(name, (), view))
    track = tracks[number]
    before = [key for key in track.keys if key.time <= time + SAME_TIME]
    segment = before[-1].segment if before else Segment()
    tracks[number] = replace(
        track, keys=_put(track.keys, [ParameterKeyframe(max(time, 0.0), float(value), segment)])
    )
    return replace(timeline, tracks=tuple(tracks), duration=max(timeline.duration, time))


def with_edits_reordered(timeline: Timeline, view: int, order: Sequence[int]) -> Timeline:
    """Return the timeline with tracks that follow the edits of a look to their new positions.

    Where keyframes of the whole state or a performance play, their own edits apply, and are not reordered.

    Args:
        timeline: Timeline of the project.
        view: The view whose look it is; -1 is the shared one.
        order: The old number of each remaining edit, in the new order.
    """
    if timeline.keys or timeline.performance:
        return timeline

    def is_meant(track: Track) -> bool:
        return track.view == view and track.parameter.startswith("edits.")

    new = {f"edits.{old}": f"edits.{number}" for number, old in enumerate(order)}
    tracks = tuple(
        replace(track, parameter=new[track.parameter]) if is_meant(track) else track
        for track in timeline.tracks
        if not is_meant(track) or track.parameter in new
    )
    return timeline if tracks == timeline.tracks else replace(timeline, tracks=tracks)


def exchanged(timeline: Timeline) -> Timeline:
    """Exchange the timeline with the one kept aside; rate and tempo stay."""
    if timeline.aside is None:
        return timeline
    kept = replace(timeline, aside=None)
    return replace(timeline.aside, fps=kept.fps, bpm=kept.bpm, snap=kept.snap, aside=kept)


def contents(timeline: Timeline) -> str:
    """Describe what is on a timeline: `3 keys`, `a recording of 1.6 s`; empty if nothing is."""
    count = len(timeline.keys) + sum(len(track.keys) for track in timeline.tracks)
    parts = [f"{count} key{'s' * (count > 1)}"] if count else []
    if timeline.performance and not timeline.keys:
        parts.insert(0, f"a recording of {timeline.duration:.1f} s")
    if not parts and timeline.wander.kind != "none":
        parts.append("a wander")
    return " and ".join(parts)


def behind_end(timeline: Timeline) -> int:
    """Return how many keyframes lie beyond the end: they are kept, but not played."""
    times = [key.time for _, keys in lanes_of(timeline) for key in keys]
    return sum(time > timeline.duration + SAME_TIME for time in times)


def lanes_of(timeline: Timeline) -> list[tuple[int, tuple[Keyframe | ParameterKeyframe, ...]]]:
    """Return the keyframes of every lane; lane -1 is that of the whole state, others are tracks."""
    return [(-1, timeline.keys), *((i, track.keys) for i, track in enumerate(timeline.tracks))]


Chosen = frozenset[tuple[int, int]]
"""Keyframes by (lane, number): lane -1 is that of the whole state, others are tracks."""


def _each_lane(timeline: Timeline, change: Callable[[int, Sequence[Any]], Iterable[Any]]) -> Timeline:
    keys = tuple(change(-1, timeline.keys))
    tracks = tuple(replace(track, keys=tuple(change(i, track.keys))) for i, track in enumerate(timeline.tracks))
    # A lane without keyframes is removed.
    tracks = tuple(new for new, old in zip(tracks, timeline.tracks, strict=True) if new.keys or not old.keys)
    return replace(timeline, keys=keys, tracks=tracks)


def move_keys(timeline: Timeline, chosen: Chosen, by: float) -> Timeline:
    """Move the chosen keyframes `by` seconds; their distances stay, and none moves before 0.

    No keyframe replaces another: on a collision, all move on by as many frames as necessary.
    """
    times = [_time_of(timeline, item) for item in chosen]
    if not times:
        return timeline
    by = _free_shift(timeline, chosen, max(by, -min(times)), back=by > 0.0)
    return _grown(_each_lane(timeline, lambda lane, keys: _in_order(keys, lane, chosen, lambda t, _: t + by)))


def retime(timeline: Timeline, chosen: Chosen, anchor: float, factor: float) -> Timeline:
    """Stretch the distances of the chosen keyframes from `anchor` seconds by a factor above 0.

    No keyframe replaces another: on a collision, it moves on by a few frames.
    """
    if not (math.isfinite(factor) and factor > 0.0):
        raise ValueError(f"a stretch by {factor}")
    frame = 1.0 / timeline.fps

    def stretched(time: float, taken: list[float]) -> float:
        wanted = max(anchor + factor * (time - anchor), 0.0)
        return next(t for t in _nearby(wanted, frame, back=factor > 1.0) if t >= 0.0 and _is_free(t, taken, frame))

    return _grown(_each_lane(timeline, lambda lane, keys: _in_order(keys, lane, chosen, stretched)))


def _in_order(
    keys: Sequence[Any], lane: int, chosen: Chosen, new_time: Callable[[float, list[float]], float]
) -> Iterable[Any]:
    """Return a lane's keyframes in order, the chosen ones at `new_time(their time, times that are taken)`."""
    made = [key for i, key in enumerate(keys) if (lane, i) not in chosen]
    taken = sorted(key.time for key in made)
    for i, key in enumerate(keys):
        if (lane, i) in chosen:
            made.append(replace(key, time=new_time(key.time, taken)))
            insort(taken, made[-1].time)
    return sorted(made, key=lambda key: key.time)


def _free_shift(timeline: Timeline, chosen: Chosen, by: float, *, back: bool, copies: bool = False) -> float:
    """Return the shift nearest to `by`, in whole frames from it, at which no chosen keyframe meets another."""
    pairs = [
        (
            [key.time for i, key in enumerate(keys) if (lane, i) in chosen],
            [key.time for i, key in enumerate(keys) if copies or (lane, i) not in chosen],
        )
        for lane, keys in lanes_of(timeline)
    ]
    first, frame = min(time for moved, _ in pairs for time in moved), 1.0 / timeline.fps

    def is_free(shift: float) -> bool:
        return all(_is_free(time + shift, taken, frame) for moved, taken in pairs for time in moved)

    shifts = _nearby(by, frame, back=back)
    return next(shift for shift in shifts if first + shift >= 0.0 and is_free(shift))


def _nearby(middle: float, step: float, *, back: bool) -> Iterator[float]:
    """Yield `middle`, then times one step, two steps ... to both sides of it; `back`: the earlier one first."""
    yield middle
    for number in itertools.count(1):
        yield middle + (-number if back else number) * step
        yield middle + (number if back else -number) * step


def _is_free(time: float, taken: Sequence[float], frame: float) -> bool:
    """Return whether no time of an ordered list is within half a frame of `time`."""
    apart = APART * frame
    i = bisect_left(taken, time - apart)
    return i == len(taken) or taken[i] > time + apart


def _grown(timeline: Timeline) -> Timeline:
    """Return the timeline, long enough for its last keyframe."""
    times = [key.time for key in timeline.keys]
    times += [key.time for track in timeline.tracks for key in track.keys]
    last = max(times, default=0.0)
    return replace(timeline, duration=max(timeline.duration, last))


def copy_keys(timeline: Timeline, chosen: Chosen, to: float) -> Timeline:
    """Copy the chosen keyframes, the first of them to `to` seconds, or beside it where a keyframe is already."""
    if not chosen:
        return timeline
    first = min(_time_of(timeline, item) for item in chosen)
    by = _free_shift(timeline, chosen, to - first, back=False, copies=True)

    def change(lane: int, keys: Sequence[Any]) -> Iterable[Any]:
        return _put(keys, [replace(k, time=k.time + by) for i, k in enumerate(keys) if (lane, i) in chosen])

    return _grown(_each_lane(timeline, change))


def key_at(timeline: Timeline, time: float) -> bool:
    """Return whether a keyframe of the whole state is at a time."""
    return any(abs(key.time - time) < SAME_TIME for key in timeline.keys)


def value_at(timeline: Timeline, name: str, view: int, time: float) -> bool:
    """Return whether a keyframe of one parameter is at a time."""
    found = (track for track in timeline.tracks if (track.parameter, track.view) == (name, view))
    return any(abs(key.time - time) < SAME_TIME for track in found for key in track.keys)


def delete_keys(timeline: Timeline, chosen: Chosen) -> Timeline:
    """Delete the chosen keyframes."""
    return _each_lane(timeline, lambda lane, keys: (k for i, k in enumerate(keys) if (lane, i) not in chosen))


def set_segments(timeline: Timeline, chosen: Chosen, **fields: Any) -> Timeline:
    """Change the interpolation after the chosen keyframes: fields of `Segment`."""

    def change(lane: int, keys: Sequence[Any]) -> Iterable[Any]:
        for i, key in enumerate(keys):
            yield replace(key, segment=replace(key.segment, **fields)) if (lane, i) in chosen else key

    return _each_lane(timeline, change)


def _time_of(timeline: Timeline, item: tuple[int, int]) -> float:
    lane, number = item
    keys: Sequence[Keyframe | ParameterKeyframe] = timeline.keys if lane < 0 else timeline.tracks[lane].keys
    return keys[number].time


def keys_from_performance(timeline: Timeline, every: float) -> Timeline:
    """Convert the performance to keyframes, one each `every` seconds and one at its end, on smooth curves."""
    samples: tuple[RecordedState, ...] = timeline.performance
    if not samples:
        return timeline
    count = max(1, math.ceil((samples[-1].time - samples[0].time) / every))
    keys = []
    for i in range(count + 1):
        time = min(samples[0].time + i * every, samples[-1].time)
        snapshot = [s.pose for s in samples if s.time <= time + SAME_TIME][-1]
        keys.append(Keyframe(time, snapshot, Segment("catmull-rom", "w", "linear")))
    return replace(timeline, keys=_put((), keys), performance=())
