"""From an intent to a frame: what is asked, what is accepted, and in which order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from explorer.render.results import Tier
from explorer.state import Classes, ExplorerState, ViewState
from explorer.util.report import Report
from tests.session.world import World, undo_name


def test_a_model_is_opened_as_one_step_and_shown(world: World) -> None:
    told: list[Any] = []
    world.session.loading.connect(lambda *progress: told.append(progress))
    world.session.loading_ended.connect(told.append)
    world.open("a")
    s = world.session
    assert s.state.views[0].model == "a"
    assert undo_name(world) == "Open model"
    assert s.info(0) is not None
    assert s.last_frame(0) is not None
    assert told[0] == (0, Report(None, 0, 1, "a"))
    assert told[-1] == 0
    assert s.model_info(1) is None
    assert s.last_frame(1) is None


def test_linked_views_follow_one_slider(world: World) -> None:
    world.open("a", "b")
    world.session.look.set_psi(0.25)
    world.settle(0, 1)
    for view in (0, 1):
        frame = world.session.last_frame(view)
        assert frame is not None
        assert frame.request.style.psi == (0.25,) * 5


def test_an_unlinked_aspect_keeps_its_own_value(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.look.set_psi(0.5)
    s.views.set_link(1, "truncation", False)
    s.look.set_psi(0.1)
    assert (s.look_of(0).truncation.psi, s.look_of(1).truncation.psi) == (0.1, 0.5)
    s.views.set_active(1)
    s.look.set_psi(0.9)
    assert (s.look_of(0).truncation.psi, s.look_of(1).truncation.psi) == (0.1, 0.9)
    s.views.set_link(1, "truncation", True)
    assert s.look_of(1).truncation.psi == 0.1
    with pytest.raises(ValueError, match="colour"):
        s.views.set_link(1, "colour", True)


def test_an_equal_request_is_not_posted_again(world: World) -> None:
    world.open("a")
    posted = world.session.record(0).posted
    world.session.refresh()
    world.session.look.set_noise_layer("not in this network", 0.5)
    assert world.session.record(0).posted == posted


def test_frames_are_accepted_in_order_only(world: World) -> None:
    world.open("a")
    s = world.session
    frame = s.last_frame(0)
    assert frame is not None
    world.frames.clear()
    for generation, tier in ((13, 0), (11, 1), (12, 1), (13, 1), (13, 0), (13, 1)):
        s._on_frame(replace(frame, generation=generation, tier=Tier(tier)))
    assert [(f.generation, f.tier) for f in world.frames] == [(13, 0), (13, 1)]


def test_a_frame_of_the_model_before_is_not_shown(world: World) -> None:
    world.open("a")
    old = world.session.last_frame(0)
    assert old is not None
    world.open("b")
    world.frames.clear()
    world.session._on_frame(replace(old, generation=99))
    assert world.frames == []


def test_hidden_views_are_not_rendered_until_they_are_seen(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.views.show(0)
    assert s.visible_views() == (0,)
    posted = s.record(1).posted
    s.look.set_psi(0.3)
    assert s.record(1).posted == posted
    s.views.show(1)
    assert (s.active, s.visible_views()) == (1, (1,))
    assert s.record(1).posted == posted + 1
    s.views.set_layout("wipe")
    assert s.visible_views() == (0, 1)


def test_switching_the_model_and_back_keeps_the_request(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_offset([1.0] * 8)
    s.look.set_class_weights([(2, 1.0)])
    world.settle()
    wish = s.last_frame(0)
    assert wish is not None
    s.models.request(0, "wide")
    world.qtbot.waitUntil(lambda: s.record(0).model == "wide")
    world.settle()
    assert world.frame().request.style.edits == ()
    s.models.request(0, "a")
    world.qtbot.waitUntil(lambda: s.record(0).model == "a")
    world.settle()
    assert world.frame().request == wish.request
    assert s.look_of(0).classes == Classes(((2, 1.0),))


def test_a_model_on_its_way_is_not_lost_when_another_view_gets_one(world: World) -> None:
    s = world.session
    s.store.update(ExplorerState(views=(ViewState("a"), ViewState("a"))), "Open project")
    world.held.add("wide")
    s.models.request(0, "wide")  # before the first model of the view has come
    s.models.request(1, "b")
    world.qtbot.waitUntil(lambda: s.record(1).model == "b")
    world.held.clear()
    world.qtbot.waitUntil(lambda: s.record(0).model == "wide")
    assert [view.model for view in s.state.views] == ["wide", "b"]
