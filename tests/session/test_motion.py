"""Drifts and animations go on by the clock, each after the last picture was painted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from explorer.render.results import Thumbnail, Tier
from explorer.session.clock import Clock
from explorer.session.drift import Drifts
from explorer.state import ASPECTS, ExplorerState, Latent, Look, ViewState
from tests.session.world import World, undo_name


def test_drifts_are_functions_of_time() -> None:
    drifts = Drifts()
    state = ExplorerState(shared=Look(Latent(0, 1.0), drift=2.0))
    assert drifts.advance(state, 10.0) == state
    state = drifts.advance(state, 10.5)
    assert state.shared.latent.x == 2.0
    for i in range(1000):
        state = drifts.advance(state, 10.5 + i / 1000)
    assert state.shared.latent.x == 1.0 + 2.0 * (10.5 + 0.999 - 10.0)  # no sum of steps, so no rounding
    moved = replace(state, shared=replace(state.shared, latent=Latent(0, 50.0)))  # someone steers
    assert drifts.advance(moved, 20.0).shared.latent.x == 50.0
    assert drifts.advance(drifts.advance(moved, 20.0), 21.0).shared.latent.x == 52.0
    still = replace(state, shared=replace(state.shared, drift=0.0))
    assert drifts.advance(still, 30.0) == still


def test_views_drift_on_their_own() -> None:
    drifts = Drifts()
    own = ViewState(unlinked=frozenset(ASPECTS), own=Look(drift=1.0))
    state = ExplorerState(views=(ViewState(), own))
    state = drifts.advance(drifts.advance(state, 0.0), 3.0)
    assert (state.shared.latent.x, state.views[1].own.latent.x) == (0.0, 3.0)


def test_motion_asks_for_the_next_frame_when_the_last_was_painted(world: World) -> None:
    world.open("a")
    s = world.session
    world.paint()
    s.look.set_drift(1.0)
    posted = s.record(0).posted
    s.motion.pace.step()
    assert s.record(0).posted == posted  # nothing has moved: the time is the same
    world.now = 1.0
    s.motion.pace.step()
    assert s.record(0).posted == posted + 1
    assert s.look_of().latent.x == 1.0
    world.now = 2.0
    s.motion.pace.step()
    assert s.record(0).posted == posted + 1  # the last one is not painted yet
    world.settle()
    world.paint()
    world.qtbot.waitUntil(lambda: s.record(0).posted == posted + 2)
    assert s.look_of().latent.x == 2.0
    assert undo_name(world) == "Drift"


def test_animations_move_and_pause(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_animation(kind="spin", speed=0.25)
    world.settle()
    world.paint()
    world.now = 1.0
    s.motion.pace.step()
    world.settle()
    assert s.last_frame(0).request.transform[1] == pytest.approx(1.0)  # type: ignore[union-attr, index]
    s.motion.pause()
    world.paint()
    world.now = 2.0
    posted = s.record(0).posted
    s.motion.pace.step()
    assert s.record(0).posted == posted
    s.motion.play()
    s.motion.pace.step()
    assert s.motion.clock.now() == 1.0


def test_a_drift_nobody_asked_for_stops_and_does_not_come_back(world: World) -> None:
    s = world.session
    s.look.set_drift(0.15)
    s.store.reset_to(s.state)
    s.look.set_psi(0.5)
    s.motion.stop_drift(0.15)
    assert s.look_of().drift == 0.0
    s.undo()
    assert (s.look_of().drift, s.look_of().truncation.psi) == (0.0, 1.0)
    assert s.store.is_saved()


def test_a_drift_set_by_the_user_goes_on(world: World) -> None:
    s = world.session
    s.look.set_drift(0.15)
    s.store.reset_to(s.state)
    s.look.set_drift(0.4)
    s.motion.stop_drift(0.15)
    assert s.look_of().drift == 0.4


def test_the_clock_can_be_sought() -> None:
    now = [0.0]
    clock = Clock(lambda: now[0])
    now[0] = 2.0
    assert clock.now() == 2.0
    clock.pause()
    clock.pause()
    now[0] = 5.0
    assert clock.now() == 2.0
    clock.seek(10.0)
    assert (clock.now(), clock.is_playing) == (10.0, False)
    clock.play()
    clock.play()
    now[0] = 6.0
    assert clock.now() == 11.0
    clock.seek(0.5)
    assert clock.now() == 0.5


def test_performance_counts_paints(world: World) -> None:
    s = world.session
    assert s.performance(0).fps == 0.0
    world.open("a")
    world.paint()
    world.paint()  # a repaint is no new frame
    s.look.set_psi(0.5)
    world.settle()
    world.paint()
    stats = s.performance(0)
    assert stats.fps == 2.0
    assert stats.latency_ms > 0.0
    assert stats.stages[-1].name == "present"
    assert (stats.device, stats.dtype, stats.tier) == ("cpu", "float32", Tier.FULL)


def test_thumbnails_come_with_their_key(world: World) -> None:
    world.session.request_thumbnail("none", Look(), 0)  # nothing is loaded
    world.open("a")
    world.session.request_thumbnail("bad", Look(Latent(stored="nowhere")), 0)
    with world.qtbot.waitSignal(world.session.thumbnail) as signal:
        world.session.request_thumbnail("key", Look(Latent(3)), 0, 8)
    thumbnail: Thumbnail = signal.args[0]
    assert (thumbnail.key, thumbnail.pixels.shape) == ("key", (8, 8, 4))
