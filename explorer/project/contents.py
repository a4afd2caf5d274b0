"""The looks and the unknown edits of a state, its timeline included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.edits.base import UnknownEdit
from explorer.state import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.state import Edit, ExplorerState, Snapshot, Timeline

__all__ = ["looks_of", "unknown_kinds"]


def unknown_kinds(state: ExplorerState) -> list[str]:
    """Return the kinds of edits of a state that are not known here, such as those of a missing plug-in, sorted."""
    edits = (edit for look in looks_of(state) for edit in _edits_of(look))
    return sorted({edit.value.name for edit in edits if isinstance(edit.value, UnknownEdit)})


def _edits_of(look: Look) -> list[Edit]:
    """Return the edits of a look, those that its blends bring along included."""
    level, found = [look.latent, *(source.latent for source in look.mixing.sources)], list(look.edits)
    while level:
        points = [point for latent in level if latent.blend is not None for point in latent.blend.points]
        found += [edit for point in points for edit in point.edits]
        level = [p.latent for p in points] + [s.latent for p in points for s in p.mixing.sources]
    return found


def looks_of(state: ExplorerState) -> Iterator[Look]:
    """Yield every look of a project, those on the timeline and the pins of the map included."""
    yield state.shared
    yield from (v.own for v in state.views)
    yield from (Look(pin.latent) for pin in state.latent_map.pins)
    for timeline in (state.timeline, state.timeline.aside):
        for pose in _snapshots_of(timeline):
            yield pose.shared
            yield from (v.own for v in pose.views)
    bred = [node.latent for node in state.breeding.lineage]
    yield from (Look(latent=latent) for latent in (*bred, state.breeding.other) if latent is not None)


def _snapshots_of(timeline: Timeline | None) -> Iterator[Snapshot]:
    if timeline is not None:
        yield from (key.pose for key in timeline.keys)
        yield from (sample.pose for sample in timeline.performance)
