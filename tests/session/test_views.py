"""Views of a session come, go and change places; each gets its turn, and views of one model share it."""

from __future__ import annotations

import pytest

from explorer.state import ASPECTS, Latent
from explorer.state.view_layout import MAX_VIEWS
from tests.session.world import World, undo_name


def fill(world: World, count: int) -> None:
    """Open model a in A, b in B, and add views of the active one's model."""
    world.open("a", "b")
    while len(world.session.state.views) < count:
        world.session.views.add()
    world.settle(*range(count))


def test_every_view_gets_its_turn_while_all_move(world: World) -> None:
    fill(world, MAX_VIEWS)
    s = world.session
    s.look.set_drift(1.0)
    s.motion.play()
    painted: list[int] = []

    def paint_all() -> bool:
        world.now += 0.1
        for frame in world.frames[len(painted) :]:
            painted.append(frame.view)
            world.paint(frame.view)
        return min(painted.count(view) for view in range(MAX_VIEWS)) >= 8

    world.qtbot.waitUntil(paint_all, timeout=60_000)
    s.motion.pause()
    counts = [painted.count(view) for view in range(MAX_VIEWS)]
    assert max(counts) <= 3 * min(counts), counts


@pytest.mark.parametrize("layout", ["wipe", "flicker", "difference"])
def test_the_two_that_share_a_place_keep_step_and_no_other_moves(world: World, layout: str) -> None:
    fill(world, 4)
    s = world.session
    s.views.set_pair(1, 3)
    s.views.set_layout(layout)  # type: ignore[arg-type]
    posted = [s.record(view).posted for view in range(4)]
    assert s.active in (1, 3)
    s.look.set_drift(1.0)
    for _ in range(3):
        world.now += 1.0
        s.motion.pace.step()
        world.settle(1, 3)
        for view in (1, 3):
            world.paint(view)
    assert [s.record(view).posted - before for view, before in enumerate(posted)][::2] == [0, 0]
    assert world.frame(1).request.style.base == world.frame(3).request.style.base


def test_views_of_one_model_share_it(world: World) -> None:
    fill(world, 2)
    nbytes = world.session.service.models.nbytes
    fill(world, MAX_VIEWS)
    assert world.session.service.models.nbytes == nbytes
    assert set(world.models) == {"a", "b"}


def test_no_more_views_than_can_be_told_apart(world: World) -> None:
    fill(world, MAX_VIEWS)
    before = world.session.state
    world.session.views.add()
    assert world.session.state == before


def test_a_view_in_the_middle_goes(world: World) -> None:
    fill(world, 4)
    s = world.session
    s.views.set_active(3)
    s.views.set_link(3, "latent", False)
    s.edit("Seed", latent=Latent(9))
    s.views.remove(1)
    assert undo_name(world) == "Remove view B"
    assert ([view.model for view in s.state.views], s.active) == (["a", "a", "a"], 2)
    assert s.look_of(2).latent == Latent(9)
    assert s.state.views[1].linked == frozenset(ASPECTS)
    world.settle(0, 1, 2)
    s.undo()
    assert ([view.model for view in s.state.views], s.active) == (["a", "b", "a", "a"], 2)
    world.settle(0, 1, 2, 3)
    assert world.frame(1).request.model != world.frame(0).request.model


def test_a_model_that_is_coming_moves_with_its_view(world: World) -> None:
    fill(world, 3)
    s = world.session
    world.held.add("wide")
    s.models.request(2, "wide")
    s.views.remove(0)
    assert s.record(1).loading == "wide"
    s.views.swap()
    assert (s.record(0).loading, s.record(1).load.is_by_user) == ("wide", False)
    world.held.clear()
    world.held_event.set()
    world.qtbot.waitUntil(lambda: s.state.views[0].model == "wide")
    world.settle(0, 1)
    assert s.state.views[1].model == "b"


def test_a_gone_view_is_asked_nothing_more(world: World) -> None:
    fill(world, 3)
    s = world.session
    s.lab.edit("Slit-scan", scan=True)
    s.lab.measure_curves(2)
    s.views.remove(2)
    assert not s.lab.has_job("curves/2")
    assert set(s._views) == {0, 1}
    s.look.walk(0.1, 0.0)
    world.settle(0, 1)
    assert s.lab.scan.filled <= 1
