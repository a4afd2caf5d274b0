"""A walk: a timeline that visits looks at regular intervals."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import ProjectError, UsageError
from explorer.state import Keyframe, Look, Segment, Snapshot, Timeline
from explorer.state.timeline_edits import MAX_SECONDS, check_timeline

__all__ = ["SECONDS_A_STOP", "seconds_of_walk", "walk_timeline"]

SECONDS_A_STOP = 2.0
"""Default time from one look to the next."""


def seconds_of_walk(stops: int, *, loop: bool) -> float:
    """Return the default length in seconds of a walk through `stops` looks; a loop also returns to the first."""
    return SECONDS_A_STOP * max(1, stops if loop else stops - 1)


def walk_timeline(looks: Sequence[Look], seconds: float, fps: float, segment: Segment, *, loop: bool) -> Timeline:
    """Return a timeline with one keyframe per look, at equal distances.

    Args:
        looks: The looks in order, at least one.
        seconds: Time from the first to the last look, or back to the first in a loop.
        fps: Frames per second.
        segment: Interpolation and easing from each look to the next.
        loop: Whether the walk returns to the first look without a seam.

    Raises:
        UsageError: There are too many looks, or the walk is too long, for a project.
    """
    gaps = max(1, len(looks) if loop else len(looks) - 1)
    keys = tuple(Keyframe(i * seconds / gaps, Snapshot(look), segment) for i, look in enumerate(looks))
    timeline = Timeline(keys, duration=seconds, loop="seamless" if loop else "once", fps=fps)
    try:
        check_timeline(timeline)  # the walk must be readable from its film
    except ProjectError as error:
        message = f"A walk of {seconds:g} seconds through {len(looks)} seeds cannot be made."
        raise UsageError(message, f"Choose up to {MAX_SECONDS:g} seconds.") from error
    return timeline
