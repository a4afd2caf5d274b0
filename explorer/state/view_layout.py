"""The visible views, and changes of the state when views are added, removed or reordered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from explorer.errors import UsageError
from explorer.state import ExplorerState, Look, Snapshot, Timeline, Track, ViewState, look_of
from explorer.state.dragging import DragSetup

__all__ = [
    "MAX_VIEWS",
    "compared",
    "is_differenced",
    "is_overlaid",
    "is_paired",
    "visible_views",
    "with_active",
    "with_comparison",
    "with_order",
    "with_view_added",
    "without_view",
]

MAX_VIEWS = 6
"""Maximum number of views: three by two pictures are still recognisable on a small screen."""


def compared(state: ExplorerState) -> tuple[int, ...]:
    """Return the two views that wipe, flicker and difference compare, or the only view."""
    count = len(state.views)
    if count < 2:
        return (0,)
    first, second = state.pair
    is_valid = first != second and 0 <= first < count and 0 <= second < count
    return (first, second) if is_valid else (0, 1)


def is_overlaid(state: ExplorerState) -> bool:
    """Return whether two views share one frame, as wipe or flicker."""
    return state.layout in ("wipe", "flicker") and len(state.views) > 1


def is_differenced(state: ExplorerState) -> bool:
    """Return whether two views are shown with their difference."""
    return state.layout == "difference" and len(state.views) > 1


def is_paired(state: ExplorerState) -> bool:
    """Return whether the layout shows the two compared views, and no others."""
    return is_overlaid(state) or is_differenced(state)


def visible_views(state: ExplorerState) -> tuple[int, ...]:
    """Return the numbers of the views that the layout shows, in its order."""
    if is_paired(state):
        return compared(state)
    if state.layout == "single":
        return (min(state.active, len(state.views) - 1),)
    return tuple(range(len(state.views)))


def with_active(state: ExplorerState, view: int) -> ExplorerState:
    """Return the state with another active view, which becomes visible, since it is being edited."""
    state = replace(state, active=view)
    if is_paired(state) and view not in compared(state):
        state = replace(state, pair=(compared(state)[0], view))
    return state


def with_view_added(state: ExplorerState, model: str) -> ExplorerState:
    """Return the state with an additional, linked view, which is active and visible."""
    added = replace(state, views=(*state.views, ViewState(model=model)))
    layout = "grid" if state.layout == "single" or len(state.views) == 1 else state.layout
    return with_active(replace(added, layout=layout), len(state.views))


def with_comparison(state: ExplorerState, view: int, model: str) -> ExplorerState:
    """Return the state with a view that shows `model` first, `view` second, and their difference.

    Both are linked in everything, and show what `view` has shown. A view that has the model already is taken, else
    one is added.

    Raises:
        UsageError: There is no room for another view.
    """
    look = look_of(state, view)
    first = next((i for i, v in enumerate(state.views) if v.model == model and i != view), len(state.views))
    if first >= MAX_VIEWS:
        raise UsageError(f"There are {MAX_VIEWS} views already.", "Remove one of them.")
    views = [*state.views, ViewState(model=model)] if first == len(state.views) else list(state.views)
    for i in (first, view):
        views[i] = replace(views[i], unlinked=frozenset())
    return replace(state, shared=look, views=tuple(views), layout="difference", pair=(first, view), active=view)


def without_view(state: ExplorerState, view: int) -> ExplorerState:
    """Return the state and its timeline without a view; later views move up."""
    order = [i for i in range(len(state.views)) if i != view]
    return with_order(state, order)


def with_order(state: ExplorerState, order: Sequence[int]) -> ExplorerState:
    """Return the state and its timeline with the views reordered, or with some left out.

    Args:
        state: The state before.
        order: For each view of the result, its current number.
    """
    new_index = {old: new for new, old in enumerate(order)}
    active = new_index.get(state.active, min(state.active, len(order) - 1))
    # The pair refers to positions on screen: reordered views show other pictures, later views move up.
    is_shorter = len(order) < len(state.views)
    pair = tuple(new_index.get(i, -1) for i in state.pair) if is_shorter else state.pair
    if is_shorter and -1 in pair:
        kept = max(pair)
        other = next((i for i in (active, *range(len(order))) if i != kept), 0)
        pair = tuple(other if i == -1 else i for i in pair)
    if len(set(pair)) < 2:
        pair = (0, 1)
    spare = tuple(replace(view, model="") for view in state.views)
    timeline = _with_order(state.timeline, order, spare)
    drag = replace(state.drag, view=new_index.get(state.drag.view, 0))
    if state.drag.view not in new_index:  # its points go with their view
        drag = DragSetup(settings=drag.settings)
    return replace(
        state,
        shared=_look_with_order(state.shared, order),
        views=tuple(_view_with_order(state.views[i], order) for i in order),
        active=active if is_shorter else state.active,
        pair=(pair[0], pair[1]),
        timeline=timeline,
        drag=drag,
        restyle_grid=replace(state.restyle_grid, view=new_index.get(state.restyle_grid.view, 0)),
    )


def _look_with_order(look: Look, order: Sequence[int]) -> Look:
    """Return the look with the number that the view of its source has afterwards; none for one that is left out."""
    view = look.source.view
    if view < 0:
        return look
    return replace(look, source=replace(look.source, view=order.index(view) if view in order else -1))


def _view_with_order(view: ViewState, order: Sequence[int]) -> ViewState:
    return replace(view, own=_look_with_order(view.own, order))


def _with_order(timeline: Timeline, order: Sequence[int], spare: tuple[ViewState, ...]) -> Timeline:
    move = partial(_snapshot_with_order, order=order, spare=spare)
    return replace(
        timeline,
        keys=tuple(replace(key, pose=move(key.pose)) for key in timeline.keys),
        tracks=_tracks_with_order(timeline.tracks, order, len(spare)),
        performance=tuple(replace(sample, pose=move(sample.pose)) for sample in timeline.performance),
        aside=timeline.aside and _with_order(timeline.aside, order, spare),
    )


def _snapshot_with_order(snapshot: Snapshot, *, order: Sequence[int], spare: tuple[ViewState, ...]) -> Snapshot:
    """Reorder the views of a key's snapshot; views that it lacks get their current values."""
    known = len(snapshot.views)
    last = max((new for new, old in enumerate(order) if old < known), default=-1)
    views = tuple(snapshot.views[old] if old < known else spare[old] for old in order[: last + 1])
    kept = tuple(_view_with_order(view, order) for view in views)
    shared = _look_with_order(snapshot.shared, order)
    return replace(snapshot, shared=shared, views=kept + snapshot.views[len(spare) :])


def _tracks_with_order(tracks: tuple[Track, ...], order: Sequence[int], count: int) -> tuple[Track, ...]:
    new_index = {old: new for new, old in enumerate(order)}
    made = []
    for track in tracks:
        # A tap belongs to one view: a track without a view's number is that of view A.
        view = max(track.view, 0) if track.parameter.startswith("tap.") else track.view
        if 0 <= view < count:
            if view not in new_index:
                continue
            track = replace(track, view=new_index[view]) if new_index[view] != view else track
        made.append(track)
    return tuple(made)
