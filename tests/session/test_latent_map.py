"""The latent map's intents: the plane goes through the current latent; travel, paths and pins are undone."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explorer.animation.player import snapshot_of
from explorer.directions import ganspace
from explorer.latents.map_planes import ComponentPlane, SeedPlane
from explorer.project.contents import unknown_kinds
from explorer.project.document import from_json, to_json
from explorer.session import Session
from explorer.session.latent_map import LatentMapIntents
from explorer.state import (
    Blend,
    BlendPoint,
    Edit,
    ExplorerState,
    Latent,
    LatentMap,
    Pin,
    Segment,
    UnknownEdit,
    look_of,
)
from tests.session.world import World


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Principal components of fewer latents; a test needs no more."""
    job = ganspace.ganspace
    monkeypatch.setattr("explorer.directions.library.ganspace", lambda *a, **k: job(*a, **{**k, "samples": 1000}))


@pytest.fixture
def intents(world: World) -> LatentMapIntents:
    """The map of a tiny model at seed 3, in sight, its components found."""
    world.open("a")
    world.session.look.set_seed(3)
    world.settle()
    found = world.session.latent_map
    found.watch(True)
    world.qtbot.waitUntil(lambda: isinstance(found.plane, ComponentPlane))
    world.qtbot.waitUntil(lambda: found.search() is None)
    return found


def rest(world: World) -> None:
    with world.qtbot.waitSignal(world.session.lab.rested):
        pass


def latent_of(world: World) -> Latent:
    return world.session.look_of().latent


def test_the_plane_goes_through_the_current_latent(world: World, intents: LatentMapIntents) -> None:
    here = intents.place(Latent(3))
    assert here is not None
    assert intents.look_at(here).latent == Latent(3)
    w = world.session.documents.current_latent("w").array
    frame = world.frame()
    found = intents.components[0].stored
    assert here[0] == pytest.approx(float((w - frame.latents.w_avg) @ found.array) / found.sigma, abs=1e-5)
    shares = [item.share for item in intents.components]
    assert sum(shares) == pytest.approx(1.0, abs=1e-6), "all of a tiny w's dimensions"
    assert shares == sorted(shares, reverse=True)


def test_travel_is_one_step_of_undo_and_stays_on_the_plane(world: World, intents: LatentMapIntents) -> None:
    plane, look, number = intents.plane, intents.look_at((0.0, 0.0)), intents.world
    before = world.session.state
    world.session.look.set_drift(0.5)
    intents.travel((1.5, -0.75))
    assert intents.place(latent_of(world)) == pytest.approx((1.5, -0.75), abs=1e-5)
    assert world.session.look_of().drift == 0.0
    assert world.session.store.undo_name == "Travel on the map"
    world.settle()
    rest(world)
    assert intents.plane == plane
    assert (intents.world, intents.look_at((0.0, 0.0))) == (number, look), "no picture is rendered again"
    assert intents.here == latent_of(world)
    world.session.undo()
    world.session.undo()
    assert world.session.state == before


def test_another_latent_or_look_has_another_plane(world: World, intents: LatentMapIntents) -> None:
    first = intents.world
    world.session.look.set_psi(0.5)
    rest(world)
    second = intents.world
    world.session.look.set_seed(8)
    rest(world)
    assert len({first, second, intents.world}) == 3
    assert isinstance(intents.plane, ComponentPlane)
    assert intents.plane.base == Latent(8)
    world.session.undo()
    world.session.undo()
    rest(world)
    assert intents.world == first
    assert list(intents.trail()) == [Latent(3), Latent(8), Latent(3)]


def test_other_axes_keep_the_steps_taken(world: World, intents: LatentMapIntents) -> None:
    intents.travel((1.0, 2.0))
    there = latent_of(world)
    intents.set_pair(2, 3)
    assert world.session.store.undo_name == "Axes of the map"
    assert isinstance(intents.plane, ComponentPlane)
    assert intents.plane.base == there
    intents.travel((0.5, 0.5))
    w = world.session.documents.current_latent("w").array - world.frame().latents.w_avg
    found = [float(w @ item.stored.array) / item.stored.sigma for item in intents.components[:4]]
    assert found == pytest.approx([1.0, 2.0, 0.5, 0.5], abs=1e-4)
    intents.set_pair(2, 2)
    assert intents.pair == (3, 2), "equal ones change places"


def test_seeds_are_an_endless_plane(world: World, intents: LatentMapIntents) -> None:
    intents.set_axes("seeds")
    assert isinstance(intents.plane, SeedPlane)
    intents.travel((4.0, 1.0))
    assert latent_of(world) == Latent(104)
    assert intents.place(latent_of(world), (4.0, 1.0)) == (4.0, 1.0)
    world.session.undo()
    world.session.undo()
    assert isinstance(intents.plane, ComponentPlane)


def test_a_path_becomes_keys_at_equal_distances(world: World, intents: LatentMapIntents) -> None:
    intents.set_path(keys=5, seconds=4.0)
    state = world.session.state
    intents.draw_path([(0.0, 0.0), (1.0, 0.0), (1.0, 3.0)])
    timeline = world.session.state.timeline
    assert world.session.store.undo_name == "Path on the map"
    assert [key.time for key in timeline.keys] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert timeline.duration == 4.0
    assert {key.segment for key in timeline.keys} == {Segment("catmull-rom", "w", "linear")}
    places = [intents.place(key.pose.shared.latent) for key in timeline.keys]
    expected = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]
    np.testing.assert_allclose(np.array(places), np.array(expected), atol=1e-4)
    assert timeline.keys[0].pose.views == snapshot_of(state).views
    between = world.session.transport.player().snapshot(2.5).shared.latent
    assert intents.place(between) == pytest.approx((1.0, 1.5), abs=1e-4), "the film stays on the path"
    intents.draw_path([(0.0, 0.0), (1.0, 0.0)])
    assert [key.time for key in world.session.state.timeline.keys[5:]] == [5.0, 6.0, 7.0, 8.0, 9.0]
    world.session.undo()
    world.session.undo()
    assert world.session.state == state
    intents.draw_path([(0.0, 0.0), (0.0, 0.0)])
    assert world.session.state == state, "a point is no path"


def test_a_path_s_numbers_from_a_file_are_clamped(world: World, intents: LatentMapIntents) -> None:
    intents.set_path(keys=10**12, seconds=-5.0)
    intents.draw_path([(0.0, 0.0), (1.0, 0.0)])
    assert len(world.session.state.timeline.keys) == 60
    assert world.session.state.timeline.duration == 0.5


def test_pins_are_kept_named_removed_and_undone(world: World, intents: LatentMapIntents) -> None:
    before = world.session.state
    intents.travel((1.0, 1.0))
    there = latent_of(world)
    intents.pin_here()
    world.session.look.set_seed(9)
    intents.pin_here()
    assert [pin.name for pin in intents.settings.pins] == ["Pin 1", "Pin 2"]
    intents.rename_pin(0, "Bear")
    intents.travel_to_pin(0)
    assert latent_of(world) == there
    assert world.session.store.undo_name == "Travel to a pin"
    intents.remove_pin(1)
    assert intents.settings.pins == (Pin("Bear", there),)
    intents.pin_here()
    assert [pin.name for pin in intents.settings.pins] == ["Bear", "Pin 1"], "the first name that is free"
    while world.session.store.can_undo:
        world.session.undo()
    assert world.session.state.latent_map == before.latent_map == LatentMap()


def test_pins_and_axes_are_saved_with_the_project(world: World, intents: LatentMapIntents) -> None:
    intents.travel((1.0, 1.0))
    intents.pin_here()
    intents.set_pair(1, 3)
    intents.set_path(keys=9, seconds=2.5)
    saved = json.loads(json.dumps(to_json(world.session.state, world.session.table)))
    state, table = from_json(saved)
    assert state == world.session.state
    assert state.latent_map.pins[0].latent == latent_of(world)
    assert len(list(table)) == 2, "the ends of the two steps"
    del saved["state"]["latent_map"]  # as older versions wrote it
    older, _ = from_json(saved)
    assert older.latent_map == LatentMap()
    assert look_of(older, 0) == look_of(state, 0)


def test_linked_views_of_other_models_stay_at_the_base(world: World, intents: LatentMapIntents) -> None:
    world.session.models.request(1, "b")
    world.settle(0, 1)
    before = world.frame(1).latents.base
    shown = world.frame(0).latents.base
    intents.travel((2.0, -2.0))
    world.settle(0, 1)
    np.testing.assert_allclose(world.frame(1).latents.base, before, atol=1e-5)
    assert np.abs(world.frame(0).latents.base - shown).max() > 0.01


def test_nothing_is_searched_for_out_of_sight(world: World) -> None:
    world.open("a")
    rest(world)
    intents = world.session.latent_map
    assert intents.plane is None
    assert intents.search() is None
    assert intents.components == ()


def test_a_search_that_was_ended_begins_again_when_asked(world: World) -> None:
    world.open("a")
    intents, changes = world.session.latent_map, []
    intents.changed.connect(lambda: changes.append(intents.search()))
    intents.watch(True)
    assert intents.search() is not None
    intents.cancel()
    assert intents.search() is None
    assert intents.is_given_up
    world.session.look.set_seed(5)
    rest(world)
    assert intents.search() is None
    intents.find()
    world.qtbot.waitUntil(lambda: intents.plane is not None)
    assert not intents.is_given_up
    assert any(found is not None for found in changes)


def test_there_is_no_map_without_a_model(session: Session) -> None:
    intents = session.latent_map
    intents.watch(True)
    assert intents.plane is None
    assert intents.reason == "No model is loaded"
    intents.travel((1.0, 1.0))
    intents.draw_path([(0.0, 0.0), (1.0, 1.0)])
    assert session.state == ExplorerState()


def test_a_pin_s_edits_of_unknown_kinds_are_named_as_those_of_looks() -> None:
    edits = (Edit(UnknownEdit('{"kind": "melt"}')),)
    pinned = Latent(blend=Blend("ws", (BlendPoint(Latent(1), 1.0, edits=edits),)))
    assert unknown_kinds(ExplorerState()) == []
    assert unknown_kinds(ExplorerState(latent_map=LatentMap(pins=(Pin("a", pinned),)))) == ["melt"]


def test_a_moving_latent_makes_neither_planes_nor_a_trail(world: World, intents: LatentMapIntents) -> None:
    number, trail = intents.world, list(intents.trail())
    world.session.look.set_drift(0.5)
    world.session.motion.play()
    world.now += 3.0
    world.session.lab.rested.emit()  # a slow machine pauses between two pictures
    assert (intents.world, list(intents.trail())) == (number, trail)
    world.session.motion.pause()
    world.session.look.set_seed(8)
    rest(world)
    assert intents.world != number
    intents.draw_path([(0.0, 0.0), (1.0, 0.0)])
    number = intents.world
    world.session.transport.play()
    world.session.transport.seek(2.0)
    world.session.lab.rested.emit()
    assert intents.world == number
    before = len(intents.trail())
    world.session.transport.pause()
    assert len(intents.trail()) == before + 1, "where it stopped counts"
