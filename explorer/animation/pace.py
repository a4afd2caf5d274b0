"""Constant perceptual speed: measures how much the picture changes along a timeline, and evens it out.

The change between two times is the root mean square difference of their pictures, at several scales so that fine
texture does not dominate visible motion. Lengths are summed along the path, as Perceptual Path Length does with a
network's features; every picture of the film is on that path.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.animation.compose import SINGLE
from explorer.animation.film import Film, FilmRenderer
from explorer.errors import RequestError
from explorer.jobs.job import Job, Report, last_value
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.assets.table import AssetTable
    from explorer.state import ExplorerState, Keyframe, Timeline
    from explorer.state.request import RenderSettings

__all__ = ["change_between", "evened", "evened_steps", "retimed"]

STEPS = 16
"""Number of intervals measured between two keys."""

At = Callable[[float], "NDArray[np.uint8]"]


def change_between(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the difference of two pictures `[H, W, 3]`, 0..1: the mean over scales of the RMS difference."""
    difference = (a.astype(np.float32) - b.astype(np.float32)) / 255.0
    found: list[float] = []
    while min(difference.shape[:2]) >= 4 and len(found) < 5:
        found.append(float(np.sqrt(np.mean(difference**2))))
        h, w = (n // 2 * 2 for n in difference.shape[:2])
        d = difference[:h, :w]
        difference = (d[0::2, 0::2] + d[1::2, 0::2] + d[0::2, 1::2] + d[1::2, 1::2]) / 4.0
    return float(np.mean(found)) if found else float(np.sqrt(np.mean(difference**2)))


def evened(
    state: ExplorerState,
    film: Film,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
    make_renderer: Any = FilmRenderer,
) -> ExplorerState:
    """Return the project with its keys' times and easing adjusted so that the picture changes evenly.

    The order of keys and the duration are unchanged. Raises RequestError if there are fewer than two keys.
    """
    timeline = last_value(evened_steps(state, film, settings, table, make_renderer))
    assert timeline is not None  # only the reports before the last one have none
    return replace(state, timeline=timeline)


def evened_steps(
    state: ExplorerState,
    film: Film,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
    make_renderer: Any = FilmRenderer,
) -> Job[Timeline | None]:
    """Run `evened` as a job, one picture per step; its value is None, and at the end the new timeline."""
    straight = replace(state, timeline=_straight(state.timeline))
    alone = replace(film, samples=1, captions=False, layout=film.layout if film.layout in SINGLE else "a")
    renderer = make_renderer(straight, alone, settings, table)
    gaps = len(straight.timeline.keys) - (straight.timeline.loop != "seamless")
    total, done = STEPS * gaps + 1, 0

    def picture(time_: float) -> NDArray[np.uint8]:
        return renderer.picture(renderer.player.on_timeline(time_), time_)  # type: ignore[no-any-return]

    steps = _retimed(straight.timeline, picture)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            yield Report(end.value, total, total)
            return
        done += 1
        yield Report(None, done, total)


def _straight(timeline: Timeline) -> Timeline:
    keys = tuple(replace(key, segment=replace(key.segment, ease="linear", curve=())) for key in timeline.keys)
    return replace(timeline, keys=keys)


def retimed(timeline: Timeline, picture: At) -> Timeline:
    """Return the timeline retimed for even change.

    Args:
        timeline: A timeline with linear easing.
        picture: Returns the picture at a time of the timeline.
    """
    return run(_retimed(timeline, picture))


def _retimed(timeline: Timeline, picture: At) -> Steps[Timeline]:
    """Run `retimed` in steps of one picture."""
    keys = timeline.keys
    if len(keys) < 2:
        raise RequestError("Even speed needs at least two keys.", "Add a key.")
    is_closed = timeline.loop == "seamless"
    ends = [key.time for key in keys] + ([keys[0].time + timeline.duration] if is_closed else [])
    paths = []
    before = picture(ends[0])
    yield
    for start, end in itertools.pairwise(ends):
        lengths = [0.0]
        for k in range(1, STEPS + 1):
            time = start + (end - start) * k / STEPS
            now = picture(time % timeline.duration if is_closed else time)
            lengths.append(lengths[-1] + change_between(before, now))
            before = now
            yield
        paths.append(lengths)
    whole = sum(lengths[-1] for lengths in paths)
    if whole <= 0.0:
        raise RequestError("Nothing changes between the keys.", "Change something between them.")
    made: list[Keyframe] = []
    now_at = keys[0].time
    for i, key in enumerate(keys):
        lengths = paths[i] if i < len(paths) else [0.0, 0.0]
        made.append(replace(key, time=now_at, segment=replace(key.segment, ease="curve", curve=_pace(lengths))))
        # An interval without change still needs some time, or two keys would coincide.
        now_at += (ends[-1] - ends[0]) * max(lengths[-1] / whole, 1e-3) if i < len(paths) else 0.0
    scale = (ends[-1] - ends[0]) / (now_at - keys[0].time)
    made = [replace(key, time=keys[0].time + (key.time - keys[0].time) * scale) for key in made]
    return replace(timeline, keys=tuple(made))


def _pace(lengths: list[float]) -> tuple[tuple[float, float], ...]:
    """Return the easing curve (fraction of time, progress) for even change: the inverse of cumulative length."""
    if lengths[-1] <= 0.0:
        return ()
    steps = len(lengths) - 1
    points = [(length / lengths[-1], k / steps) for k, length in enumerate(lengths)]
    return tuple(p for p in points if 0.0 < p[0] < 1.0)
