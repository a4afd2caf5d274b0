"""Intents become named undo steps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explorer.state import (
    Animation,
    Classes,
    Edit,
    Latent,
    Look,
    MixRow,
    MixSource,
    Nudge,
    Offset,
    ParameterKeyframe,
    Track,
    Transform,
)
from tests.session.world import World, check, undo_name


def test_undo_brings_back_the_model(world: World) -> None:
    world.open("a")
    world.open("b")
    world.session.undo()
    world.qtbot.waitUntil(lambda: world.session.record(0).model == "a")
    world.session.undo()
    assert world.session.model_info(0) is None
    assert world.session.last_frame(0) is None
    world.session.redo()
    world.qtbot.waitUntil(lambda: world.session.record(0).model == "a")
    world.settle()


def test_a_drag_is_one_step(world: World) -> None:
    s = world.session
    s.begin("Drag")
    for _ in range(10):
        s.look.walk(0.1, 0.0)
    s.commit()
    assert undo_name(world) == "Drag"
    assert s.look_of().latent.x == pytest.approx(1.0)
    s.undo()
    assert s.look_of().latent == Latent()
    s.begin("Drag")
    s.look.walk(5.0, 5.0)
    s.cancel()
    assert s.look_of().latent == Latent()
    s.redo()
    assert s.look_of().latent.x == pytest.approx(1.0)


def test_saved_and_unsaved_are_reported(world: World) -> None:
    told: list[bool] = []
    world.session.saved_changed.connect(told.append)
    world.session.look.set_psi(0.5)
    world.session.look.set_psi(0.6)
    world.session.undo()
    world.session.undo()
    assert told == [False, True]


def test_latent_intents(world: World) -> None:
    s = world.session
    s.look.set_drift(2.0)
    check(world, "Drift", "drift", 2.0)
    s.look.set_seed(2**32 + 5)
    check(world, "Seed", "latent", Latent(5))
    s.look.walk(1.25, 0.5)
    check(world, "Walk", "latent", Latent(5, 1.25, 0.5))
    assert s.look_of().drift == 0.0
    s.look.set_latent_xy(2.6, -0.7)
    s.look.snap()
    check(world, "Snap", "latent", Latent(5 + 3 - 100 + 2**32))
    s.look.use_stored("id")
    s.look.walk(0.6, 0.2)
    s.look.snap()
    check(world, "Snap", "latent", Latent(5 + 3 - 100 + 2**32, 1.0, 0.0, "id"))


def test_truncation_intents(world: World) -> None:
    s = world.session
    s.look.set_psi(7.0)
    assert s.look_of().truncation.psi == 2.0
    s.look.set_cutoff(3)
    s.look.set_layer_psi(4, 0.5)
    s.look.set_layer_psi(1, 0.2)
    s.look.set_layer_psi(4, None)
    assert (s.look_of().truncation.cutoff, s.look_of().truncation.layer_psi) == (3, ((1, 0.2),))


def test_mixing_intents(world: World) -> None:
    s = world.session
    s.look.set_mix(3, 0, 1.5)
    s.look.add_mix_source(MixSource(9))
    s.look.set_mix(1, 1, 0.5)
    assert s.look_of().mixing.rows == (MixRow(1, 1, 0.5), MixRow(3, 0, 1.0))
    s.look.set_mix(3, 0, 0.0)
    s.look.set_mix_source(1, MixSource(8))
    assert s.look_of().mixing.sources == (MixSource(), MixSource(8))
    s.look.remove_mix_source(0)
    assert s.look_of().mixing.sources == (MixSource(8),)
    assert s.look_of().mixing.rows == (MixRow(1, 0, 0.5),)
    s.look.remove_mix_source(0)
    assert s.look_of().mixing.sources == (MixSource(8),)
    s.look.set_mix_group("coarse", 1.0)  # without a model there are no groups
    s.look.clear_mixing()
    assert s.look_of().mixing.rows == ()


def test_mix_groups_keep_each_entrys_source(world: World) -> None:
    world.open("a")  # five entries, all of one resolution: groups by share
    s = world.session
    s.look.add_mix_source(MixSource(9))
    s.look.set_mix(4, 1, 0.25)
    s.look.set_mix_group("fine", 0.5)
    assert s.look_of().mixing.rows == (MixRow(3, 0, 0.5), MixRow(4, 1, 0.5))
    s.look.set_mix_group("fine", 1.0, source=0)
    assert s.look_of().mixing.rows == (MixRow(3, 0, 1.0), MixRow(4, 0, 1.0))
    s.look.set_mix_group("coarse", 0.5)
    assert [row.layer for row in s.look_of().mixing.rows] == [0, 1, 3, 4]
    s.look.set_mix_group("wide", 0.5)  # type: ignore[arg-type]


def test_noise_class_and_transform_intents(world: World) -> None:
    s = world.session
    s.look.set_noise(mode="random", seed=3)
    s.look.set_noise_layer("t1", 0.5)
    s.look.set_noise_layer("t0", 2.0)
    s.look.set_noise_layer("t1", 1.0)
    assert (s.look_of().noise.mode, s.look_of().noise.layer_strengths) == ("random", (("t0", 2.0),))
    s.look.set_class_weights([(2, 1.0), (0, 0.0), (1, 2.0)])
    assert s.look_of().classes == Classes(((1, 2.0), (2, 1.0)))
    s.look.move(0.1, 0.2)
    s.look.move(0.1, 0.0)
    s.look.rotate_by(170.0)
    s.look.rotate_by(30.0)
    assert (s.look_of().transform.x, s.look_of().transform.rotate) == (pytest.approx(0.2), pytest.approx(-160.0))
    s.look.set_animation(kind="spin", speed=1.0)
    assert s.look_of().transform.animation == Animation("spin", 1.0)
    s.look.reset_transform()
    assert s.look_of().transform == Transform()


def test_edit_intents(world: World) -> None:
    s = world.session
    s.look.set_offset(np.ones(4), 1, 2)
    s.look.set_offset([2.0] * 4, 1, 2)
    s.look.set_offset([3.0] * 4)
    first, second = Edit(Offset((2.0,) * 4, 1, 2)), Edit(Offset((3.0,) * 4))
    assert s.look_of().edits == (first, second)
    s.look.set_offset([4.0] * 4, 1, 2)
    first = Edit(Offset((4.0,) * 4, 1, 2))
    assert s.look_of().edits == (first, second)  # in its place
    s.look.set_offset([0.0] * 4)
    assert s.look_of().edits == (first,)
    s.look.add_edit(Edit(Nudge(1), 0.5))
    assert s.store.undo_name == "Nudge"
    s.look.add_edit(Edit(Nudge(2, 1, 2), 0.5))
    assert s.store.undo_name == "Nudge of layers 1\u20132"
    s.look.set_edit(1, Edit(Nudge(1), 0.7))
    s.look.remove_edit(2)
    assert s.store.undo_name == "Remove nudge of layers 1\u20132"
    assert s.look_of().edits == (first, Edit(Nudge(1), 0.7))
    s.look.switch_edit(1, False)
    assert s.store.undo_name == "Switch off nudge"
    assert s.look_of().edits[1] == Edit(Nudge(1), 0.7, is_on=False)
    s.look.set_offset([0.0] * 4, 1, 2)
    s.look.switch_edit(0, True)
    assert s.store.undo_name == "Switch on nudge"
    s.look.clear_edits()
    assert s.look_of().edits == ()


def test_an_offset_that_is_off_is_not_drawn_on(world: World) -> None:
    s = world.session
    s.look.set_offset([1.0, 2.0])
    s.look.switch_edit(0, False)
    s.look.set_offset([3.0, 3.0])
    assert s.look_of().edits == (Edit(Offset((1.0, 2.0)), is_on=False), Edit(Offset((3.0, 3.0))))


def test_edits_are_reordered_with_their_tracks(world: World) -> None:
    s = world.session
    edits = tuple(Edit(Nudge(i), 0.5) for i in range(3))
    for edit in edits:
        s.look.add_edit(edit)
    tracks = tuple(Track(f"edits.{i}", (ParameterKeyframe(0.0, float(i)),)) for i in (0, 2))
    other = Track("edits.0", (ParameterKeyframe(0.0, 9.0),), view=1)
    s.store.update(replace(s.state, timeline=replace(s.state.timeline, tracks=(*tracks, other))), "Tracks")
    s.look.move_edit(2, -1)
    assert s.store.undo_name == "Move nudge"
    assert s.look_of().edits == (edits[0], edits[2], edits[1])
    assert [track.parameter for track in s.state.timeline.tracks] == ["edits.0", "edits.1", "edits.0"]
    s.look.move_edit(0, 5)
    assert s.look_of().edits == (edits[2], edits[1], edits[0])
    assert [track.parameter for track in s.state.timeline.tracks] == ["edits.2", "edits.0", "edits.0"]
    s.look.remove_edit(2)
    assert [track.parameter for track in s.state.timeline.tracks] == ["edits.0", "edits.0"]
    s.undo()
    s.undo()
    s.undo()
    assert s.look_of().edits == edits
    assert s.state.timeline.tracks == (*tracks, other)
    s.look.move_edit(0, -1)
    assert s.store.undo_name == "Tracks"


def test_reset_keeps_the_latent_where_it_was_walked_to(world: World) -> None:
    s = world.session
    s.look.set_seed(5)
    s.look.walk(0.5, 0.0)
    s.look.set_psi(0.1)
    s.look.set_noise(mode="none")
    s.look.reset()
    assert s.look_of() == Look(Latent(5, x=0.5))
    assert undo_name(world) == "Reset"


def test_taps_belong_to_a_view(world: World) -> None:
    world.open("a")
    world.session.views.set_tap(0, layer="t1", channels="norm")
    world.settle()
    frame = world.session.last_frame(0)
    assert frame is not None
    assert frame.stats is not None
    assert frame.stats.name == "t1"
    world.session.views.set_active(7)
    assert world.session.active == 0


def test_views_come_and_go(world: World) -> None:
    world.open("a")
    s = world.session
    s.views.add("b")
    world.settle(0, 2)
    assert s.visible_views() == (0, 1, 2)
    s.views.set_active(2)
    s.views.remove()
    assert (s.active, len(s.state.views)) == (1, 2)
    s.undo()
    world.settle(2)
    for _ in range(5):
        s.views.remove()
    assert len(s.state.views) == 1
    assert set(s._views) == {0}
    s.look.set_psi(0.5)
    world.settle(0)
