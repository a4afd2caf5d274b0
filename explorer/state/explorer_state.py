"""The value that the store holds, and the looks of its views."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from explorer.state.breeding import Breeding
from explorer.state.class_names import ClassNames
from explorer.state.dragging import DragSetup
from explorer.state.lab import Lab
from explorer.state.latent_map import LatentMap
from explorer.state.look import ASPECTS, Look
from explorer.state.restyle_grid import RestyleGrid
from explorer.state.timeline import Timeline
from explorer.state.views import ViewState

__all__ = ["ExplorerState", "Layout", "look_of", "with_look"]

Layout = Literal["single", "grid", "wipe", "flicker", "difference"]


@dataclass(frozen=True, slots=True)
class ExplorerState:
    """The value that the store holds.

    `layout`: the active view alone, all views in a grid, the two of `pair` in one frame, as a wipe or in turn, or
    these two and their difference.
    """

    shared: Look = Look()
    views: tuple[ViewState, ...] = (ViewState(), ViewState())
    active: int = 0
    layout: Layout = "grid"
    pair: tuple[int, int] = (0, 1)
    lab: Lab = Lab()
    timeline: Timeline = Timeline()
    latent_map: LatentMap = LatentMap()
    breeding: Breeding = Breeding()
    drag: DragSetup = DragSetup()
    restyle_grid: RestyleGrid = RestyleGrid()
    class_names: tuple[ClassNames, ...] = ()  # of models that have classes


def look_of(state: ExplorerState, view: int) -> Look:
    """Return the look of view number `view`: shared where it is linked, its own elsewhere."""
    v = state.views[view]
    own = {name: getattr(v.own, name) for name in ASPECTS if name in v.unlinked}
    return replace(state.shared, **own) if own else state.shared


def with_look(state: ExplorerState, view: int, **aspects: Any) -> ExplorerState:
    """Return a state in which `view` shows these aspects: set in the shared look where linked, else in its own."""
    v = state.views[view]
    shared = {k: a for k, a in aspects.items() if k not in v.unlinked}
    own = {k: a for k, a in aspects.items() if k in v.unlinked}
    if own:
        views = list(state.views)
        views[view] = replace(v, own=replace(v.own, **own))
        state = replace(state, views=tuple(views))
    return replace(state, shared=replace(state.shared, **shared)) if shared else state
