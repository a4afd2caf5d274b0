"""What a state names and holds, its timeline included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.edits.base import UnknownEdit
from explorer.edits.registry import assets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explorer.state import Edit, ExplorerState, Latent, Look, Snapshot, Timeline

__all__ = ["latents_of", "latents_of_look", "looks_of", "unknown_kinds"]


def latents_of(state: ExplorerState) -> set[str]:
    """Return the ids of the stored latents that a state names."""
    return set().union(*(latents_of_look(look) for look in looks_of(state)))


def latents_of_look(look: Look) -> set[str]:
    """Return the ids of the arrays that a look names: of its latents, sources and edits."""
    latents = _latents_of(look)
    return {latent.stored for latent in latents} - {""} | assets_of(_edits_of(look, latents))


def unknown_kinds(state: ExplorerState) -> list[str]:
    """Return the kinds of a state's edits that are unknown here, such as those of a missing plug-in, sorted."""
    edits = (edit for look in looks_of(state) for edit in _edits_of(look, _latents_of(look)))
    return sorted({edit.value.name for edit in edits if isinstance(edit.value, UnknownEdit)})


def _latents_of(look: Look) -> list[Latent]:
    """Return every latent of a look, including those within blends."""
    level, found = [look.latent, *(source.latent for source in look.mixing.sources)], []
    while level:
        found += level
        points = [point for latent in level if latent.blend is not None for point in latent.blend.points]
        level = [p.latent for p in points] + [s.latent for p in points for s in p.mixing.sources]
    return found


def _edits_of(look: Look, latents: list[Latent]) -> list[Edit]:
    """Return the edits of a look, including those of its blends."""
    points = (point for latent in latents if latent.blend is not None for point in latent.blend.points)
    return [*look.edits, *(edit for point in points for edit in point.edits)]


def looks_of(state: ExplorerState) -> Iterator[Look]:
    """Yield every look of a project, including those on the timeline."""
    yield state.shared
    yield from (v.own for v in state.views)
    for timeline in (state.timeline, state.timeline.aside):
        for pose in _snapshots_of(timeline):
            yield pose.shared
            yield from (v.own for v in pose.views)


def _snapshots_of(timeline: Timeline | None) -> Iterator[Snapshot]:
    if timeline is not None:
        yield from (key.pose for key in timeline.keys)
        yield from (sample.pose for sample in timeline.performance)
