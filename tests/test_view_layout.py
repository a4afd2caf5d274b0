"""Which views are on screen, and what adding, removing and reordering them does to a state and its timeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.state import (
    ExplorerState,
    Keyframe,
    Latent,
    Look,
    RecordedState,
    Snapshot,
    Timeline,
    Track,
    ViewState,
)
from explorer.state.view_layout import (
    compared,
    is_overlaid,
    visible_views,
    with_active,
    with_order,
    with_view_added,
    without_view,
)


def own(seed: int, model: str = "") -> ViewState:
    """A view told by the seed of its own look."""
    return ViewState(model=model, own=Look(latent=Latent(seed)))


def seeds(views: tuple[ViewState, ...]) -> list[int]:
    return [view.own.latent.seed for view in views]


def of_views(count: int, **fields: object) -> ExplorerState:
    return replace(ExplorerState(views=tuple(own(i, f"m{i}") for i in range(count))), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "fields", "shown"),
    [
        (1, {}, (0,)),
        (1, {"layout": "wipe"}, (0,)),
        (2, {}, (0, 1)),
        (4, {}, (0, 1, 2, 3)),
        (4, {"layout": "single", "active": 2}, (2,)),
        (4, {"layout": "wipe", "pair": (3, 1)}, (3, 1)),
        (4, {"layout": "flicker", "pair": (2, 2)}, (0, 1)),
        (2, {"layout": "wipe", "pair": (0, 4)}, (0, 1)),
    ],
)
def test_visible_views(count: int, fields: dict[str, object], shown: tuple[int, ...]) -> None:
    assert visible_views(of_views(count, **fields)) == shown


def test_the_active_view_is_brought_into_a_wipe() -> None:
    state = of_views(4, layout="wipe")
    assert compared(with_active(state, 2)) == (0, 2)
    assert compared(with_active(state, 1)) == (0, 1)
    assert with_active(of_views(4), 2).pair == (0, 1)  # side by side it is seen anyway
    assert not is_overlaid(of_views(1, layout="flicker"))


def test_a_new_view_is_linked_and_active_and_seen() -> None:
    for layout in ("single", "grid", "wipe", "flicker"):
        state = with_view_added(of_views(2, layout=layout), "new")
        assert state.views[2] == ViewState(model="new")
        assert state.active == 2
        assert 2 in visible_views(state)


def timeline(count: int) -> Timeline:
    snapshot = Snapshot(views=tuple(own(i) for i in range(count)))
    tracks = (Track("transform.x", (), -1), Track("transform.x", (), 0), Track("truncation.psi", (), 2))
    return Timeline(
        keys=(Keyframe(0.0, snapshot), Keyframe(1.0, Snapshot(views=(own(0),)))),
        tracks=(*tracks, Track("tap.scale_db", (), -1)),
        performance=(RecordedState(0.0, snapshot),),
        aside=Timeline(keys=(Keyframe(2.0, snapshot),)),
    )


def test_a_removed_view_leaves_the_timeline_too() -> None:
    state = without_view(of_views(3, timeline=timeline(3), active=2, pair=(0, 2)), 1)
    made = state.timeline
    assert seeds(state.views) == [0, 2]
    assert (state.active, state.pair) == (1, (0, 1))
    assert made.aside is not None
    assert [seeds(key.pose.views) for key in (*made.keys, *made.aside.keys)] == [[0, 2], [0], [0, 2]]
    assert seeds(made.performance[0].pose.views) == [0, 2]
    assert [(t.parameter, t.view) for t in made.tracks] == [
        ("transform.x", -1),
        ("transform.x", 0),
        ("truncation.psi", 1),
        ("tap.scale_db", -1),
    ]


def test_the_tracks_of_a_removed_view_go_with_it() -> None:
    made = without_view(of_views(3, timeline=timeline(3)), 0).timeline
    assert [(t.parameter, t.view) for t in made.tracks] == [("transform.x", -1), ("truncation.psi", 1)]
    assert [seeds(key.pose.views) for key in made.keys] == [[1, 2], []]


@pytest.mark.parametrize("removed", [0, 1, 2, 3])
@pytest.mark.parametrize("pair", [(0, 1), (1, 3), (3, 0)])
def test_removing_any_view_leaves_two_to_compare(removed: int, pair: tuple[int, int]) -> None:
    state = without_view(of_views(4, pair=pair, layout="wipe"), removed)
    kept = [i for i in pair if i != removed]
    assert state.pair == compared(state)
    assert {state.views[i].model for i in state.pair} >= {f"m{i}" for i in kept}


def test_swapped_views_bring_their_keys() -> None:
    state = with_order(of_views(3, timeline=timeline(3)), [2, 1, 0])
    assert seeds(state.views) == [2, 1, 0]
    # A key that knows only A is told what the views before A's new place are.
    assert [seeds(key.pose.views) for key in state.timeline.keys] == [[2, 1, 0], [2, 1, 0]]
    assert with_order(state, [2, 1, 0]).views == of_views(3).views
    assert (state.active, state.pair) == (0, (0, 1))
