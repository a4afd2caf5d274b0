"""A walk: the timeline that goes from look to look in even steps."""

from __future__ import annotations

from collections.abc import Sequence

from explorer.errors import ProjectError, UsageError
from explorer.state import Keyframe, Look, Segment, Snapshot, Timeline
from explorer.state.timeline_edits import MAX_SECONDS, check_timeline

__all__ = ["SECONDS_A_STOP", "seconds_of_walk", "walk_timeline"]

SECONDS_A_STOP = 2.0
"""From one look to the next where nobody says otherwise."""


def seconds_of_walk(stops: int, *, loop: bool) -> float:
    """Return the usual length in seconds of a walk through so many looks; a loop also returns to the first."""
    return SECONDS_A_STOP * max(1, stops if loop else stops - 1)


def walk_timeline(looks: Sequence[Look], seconds: float, fps: float, segment: Segment, *, loop: bool) -> Timeline:
    """Return a timeline with one keyframe for each look, at equal distances.

    Args:
        looks: In the order in which they are passed, at least one.
        seconds: From the first to the last, or back to the first.
        fps: Frames per second.
        segment: How to get from each to the next.
        loop: Whether the walk returns to the first look without a seam.

    Raises:
        UsageError: There are too many looks, or the walk is too long, for a project to hold it.
    """
    gaps = max(1, len(looks) if loop else len(looks) - 1)
    keys = tuple(Keyframe(i * seconds / gaps, Snapshot(look), segment) for i, look in enumerate(looks))
    timeline = Timeline(keys, duration=seconds, loop="seamless" if loop else "once", fps=fps)
    try:
        check_timeline(timeline)  # it must be possible to read the walk again from its film
    except ProjectError as error:
        words = f"A walk of {seconds:g} seconds through {len(looks)} seeds cannot be made."
        raise UsageError(words, f"Choose up to {MAX_SECONDS:g} seconds.") from error
    return timeline
