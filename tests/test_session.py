"""The session: intents become named steps and requests, frames are accepted in order, documents go in and out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer.clock import Clock
from explorer.drift import Drifts
from explorer.errors import LatentError, ProjectError, UnreadableFileError, UsageError
from explorer.latents.files import LatentMisfit
from explorer.latents.seeds import z_of_seed
from explorer.project import read_project
from explorer.recovery import Recovery
from explorer.render.models import LoadedModel
from explorer.render.request import DeviceLost, Frame, RenderFailed, Thumbnail, Tier
from explorer.render.service import RenderService
from explorer.session import Session
from explorer.state import (
    Animation,
    Classes,
    ExplorerState,
    Latent,
    Look,
    MixRow,
    MixSource,
    Nudge,
    Offset,
    Transform,
    ViewState,
)
from tests.render.support import gated, tiny_model

CONFIGS: dict[str, dict[str, Any]] = {
    "a": {},
    "b": {"seed": 1},
    "wide": {"w_dim": 12, "z_dim": 12},
    "classes": {"c_dim": 3},
}


class World:
    """A session with tiny models, a clock moved by hand, and everything it said."""

    def __init__(self, qtbot: QtBot, recovery: Recovery | None = None) -> None:
        self.qtbot = qtbot
        self.models: dict[str, LoadedModel] = {}
        self.held: set[str] = set()  # names whose loading waits until they are taken out
        self.held_event = threading.Event()
        self.now = 0.0
        self.session = Session(
            service=RenderService(load=self.load), clock=Clock(lambda: self.now), recovery=recovery
        )
        self.frames: list[Frame] = []
        self.failures: list[RenderFailed] = []
        self.words: list[str] = []
        self.session.frame.connect(self.frames.append)
        self.session.failure.connect(self.failures.append)
        self.session.status.connect(self.words.append)

    def load(self, path: str, progress: Callable[[float, str], None], cancelled: Callable[[], bool]) -> LoadedModel:
        if path not in CONFIGS:
            raise UnreadableFileError(f"There is no {path}.", "Take another.")
        while path in self.held and not cancelled():
            self.held_event.wait(0.01)
        progress(0.5, "Reading")
        return self.models.setdefault(path, tiny_model(path, **CONFIGS[path]))

    def open(self, *names: str) -> None:
        """Loads models into the views and waits for their pictures."""
        for view, name in enumerate(names):
            self.session.set_model(view, name)
        self.qtbot.waitUntil(lambda: all(self.session._view(v).model == n for v, n in enumerate(names)))
        self.settle(*range(len(names)))

    def settle(self, *views: int) -> None:
        """Waits until the views show what they were asked for."""
        s = self.session

        def is_done(view: int) -> bool:
            v = s._view(view)
            return v.posted > 0 and v.shown == (v.posted, 1) and v.failure is None

        self.qtbot.waitUntil(lambda: all(is_done(view) for view in views or (0,)))

    def paint(self, view: int = 0) -> None:
        """As the picture widget does after painting."""
        frame = self.session.last_frame(view)
        assert frame is not None
        self.session.painted(view, frame.generation)


@pytest.fixture
def world(qtbot: QtBot) -> Iterator[World]:
    world = World(qtbot)
    yield world
    for model in world.models.values():
        for layer in gated(model).layers:
            layer.gate.open()
    assert world.session.close()


def undo_name(world: World) -> str:
    return world.session.store.undo_name


# -- from an intent to a frame ---------------------------------------------------------------------------------


def test_a_model_is_opened_as_one_step_and_shown(world: World) -> None:
    told: list[Any] = []
    world.session.loading.connect(told.append)
    world.open("a")
    s = world.session
    assert s.state.views[0].model == "a"
    assert undo_name(world) == "Open model"
    assert s.info(0) is not None
    assert s.ws(0) is not None
    assert told[0] == (0, 0.0, "a")
    assert told[-1] == (0, None, "")
    assert s.facts(1) is None
    assert s.ws(1) is None


def test_linked_views_follow_one_slider(world: World) -> None:
    world.open("a", "b")
    world.session.set_psi(0.25)
    world.settle(0, 1)
    for view in (0, 1):
        frame = world.session.last_frame(view)
        assert frame is not None
        assert frame.request.psi == (0.25,) * 5


def test_an_unlinked_aspect_keeps_its_own_value(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.set_psi(0.5)
    s.set_link(1, "truncation", False)
    s.set_psi(0.1)
    assert (s.look(0).truncation.psi, s.look(1).truncation.psi) == (0.1, 0.5)
    s.set_active(1)
    s.set_psi(0.9)
    assert (s.look(0).truncation.psi, s.look(1).truncation.psi) == (0.1, 0.9)
    s.set_link(1, "truncation", True)
    assert s.look(1).truncation.psi == 0.1
    with pytest.raises(ValueError, match="colour"):
        s.set_link(1, "colour", True)


def test_an_equal_request_is_not_posted_again(world: World) -> None:
    world.open("a")
    posted = world.session._view(0).posted
    world.session.refresh()
    world.session.set_noise_layer("not in this network", 0.5)
    assert world.session._view(0).posted == posted


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
    s.set_layout("a")
    assert s.visible_views() == (0,)
    posted = s._view(1).posted
    s.set_psi(0.3)
    assert s._view(1).posted == posted
    s.set_layout("b")
    assert (s.active, s.visible_views()) == (1, (1,))
    assert s._view(1).posted == posted + 1
    s.set_layout("wipe")
    assert s.visible_views() == (0, 1)


def test_switching_the_model_and_back_keeps_the_wish(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_offset([1.0] * 8)
    s.set_class_weights([(2, 1.0)])
    world.settle()
    wish = s.last_frame(0)
    assert wish is not None
    s.set_model(0, "wide")
    world.qtbot.waitUntil(lambda: s._view(0).model == "wide")
    world.settle()
    assert s.last_frame(0).request.offsets == ()  # type: ignore[union-attr]
    s.set_model(0, "a")
    world.qtbot.waitUntil(lambda: s._view(0).model == "a")
    world.settle()
    assert s.last_frame(0).request == wish.request  # type: ignore[union-attr]
    assert s.look(0).classes == Classes(((2, 1.0),))


def test_a_model_on_its_way_is_not_lost_when_another_view_gets_one(world: World) -> None:
    s = world.session
    s.store.update(ExplorerState(views=(ViewState("a"), ViewState("a"))), "Open project")
    world.held.add("wide")
    s.set_model(0, "wide")  # before the first model of the view has come
    s.set_model(1, "b")
    world.qtbot.waitUntil(lambda: s._view(1).model == "b")
    world.held.clear()
    world.qtbot.waitUntil(lambda: s._view(0).model == "wide")
    assert [view.model for view in s.state.views] == ["wide", "b"]


# -- failures --------------------------------------------------------------------------------------------------


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(world: World) -> None:
    world.open("a")
    before = world.session.state
    world.session.set_model(0, "nothing")
    world.qtbot.waitUntil(lambda: bool(world.failures))
    assert "There is no nothing" in str(world.failures[0].error)
    assert world.session.state == before
    assert world.session.facts(0).name == "a"  # type: ignore[union-attr]
    cleared: list[int] = []
    world.session.failure_cleared.connect(cleared.append)
    world.session.set_psi(0.5)
    world.settle()
    assert cleared == [0]
    assert world.session.last_failure(0) is None


def test_a_render_error_is_shown_and_the_next_move_works(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.open("a")
    layer = gated(world.models["a"]).layer("t1")
    original = layer.run

    def broken(*args: Any) -> Any:
        raise ValueError("layer trouble")

    layer.run = broken  # type: ignore[method-assign]
    world.session.set_psi(0.5)
    world.qtbot.waitUntil(lambda: bool(world.failures))
    assert "layer trouble" in world.failures[0].traceback_text
    assert world.session.last_failure(0) is world.failures[0]
    layer.run = original  # type: ignore[method-assign]
    world.session.set_psi(0.6)
    world.settle()
    assert world.session.last_failure(0) is None


def test_a_wish_that_cannot_be_rendered_is_a_failure_and_undo_mends_it(world: World) -> None:
    world.open("a")
    world.session.set_transform(scale_x=0.0)
    assert "flattens" in str(world.failures[0].error)
    world.session.undo()
    world.settle()
    assert world.session.last_failure(0) is None


def test_a_stale_failure_is_ignored(world: World) -> None:
    world.open("a")
    world.session.set_psi(0.5)
    world.session._on_failed(RenderFailed(0, 1, ValueError("old")))
    assert world.failures == []


def test_a_lost_device_is_told(world: World) -> None:
    told: list[object] = []
    world.session.settings_changed.connect(told.append)
    world.session._on_device_lost(DeviceLost("cuda:0", RuntimeError("gone")))
    assert "cuda:0" in world.words[0]
    assert world.session.render_settings.device == "cpu"
    assert told == [world.session.render_settings]


def test_loading_can_be_cancelled(world: World) -> None:
    world.open("a")
    hold = threading.Event()
    original = world.load

    def held(path: str, progress: Any, cancelled: Any) -> LoadedModel:
        assert hold.wait(10)
        return original(path, progress, cancelled)

    world.session.service._load = held
    world.session.set_model(0, "b")
    world.session.cancel_load(0)
    hold.set()
    assert world.session.state.views[0].model == "a"
    assert world.session._view(0).loading == ""


def test_settings_are_checked_and_rendered_with(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_device("cpu")
    s.set_dtype("bfloat16")
    s.set_backend("reference")
    world.settle()
    assert s.last_frame(0).dtype == "bfloat16"  # type: ignore[union-attr]
    assert s.last_frame(0).request.settings.backend == "reference"  # type: ignore[union-attr]
    with pytest.raises(UsageError):
        s.set_device("cuda:77")
    with pytest.raises(UsageError):
        s.set_dtype("float16")


# -- undo ------------------------------------------------------------------------------------------------------


def test_undo_brings_back_the_model(world: World) -> None:
    world.open("a")
    world.open("b")
    world.session.undo()
    world.qtbot.waitUntil(lambda: world.session._view(0).model == "a")
    world.session.undo()
    assert world.session.facts(0) is None
    assert world.session.last_frame(0) is None
    world.session.redo()
    world.qtbot.waitUntil(lambda: world.session._view(0).model == "a")
    world.settle()


def test_a_drag_is_one_step(world: World) -> None:
    s = world.session
    s.begin("Drag")
    for _ in range(10):
        s.walk(0.1, 0.0)
    s.commit()
    assert undo_name(world) == "Drag"
    assert s.look().latent.x == pytest.approx(1.0)
    s.undo()
    assert s.look().latent == Latent()
    s.begin("Drag")
    s.walk(5.0, 5.0)
    s.cancel()
    assert s.look().latent == Latent()
    s.redo()
    assert s.look().latent.x == pytest.approx(1.0)


def test_saved_and_unsaved_are_told(world: World) -> None:
    told: list[bool] = []
    world.session.saved_changed.connect(told.append)
    world.session.set_psi(0.5)
    world.session.set_psi(0.6)
    world.session.undo()
    world.session.undo()
    assert told == [False, True]


# -- intents ---------------------------------------------------------------------------------------------------


def check(world: World, name: str, aspect: str, value: object) -> None:
    assert undo_name(world) == name
    assert getattr(world.session.look(), aspect) == value


def test_latent_intents(world: World) -> None:
    s = world.session
    s.set_drift(2.0)
    check(world, "Drift", "drift", 2.0)
    s.set_seed(2**32 + 5)
    check(world, "Seed", "latent", Latent(5))
    s.walk(1.25, 0.5)
    check(world, "Walk", "latent", Latent(5, 1.25, 0.5))
    assert s.look().drift == 0.0
    s.set_latent_xy(2.6, -0.7)
    s.snap()
    check(world, "Snap", "latent", Latent(5 + 3 - 100 + 2**32))
    s.use_stored("id")
    s.walk(0.6, 0.2)
    s.snap()
    check(world, "Snap", "latent", Latent(5 + 3 - 100 + 2**32, 1.0, 0.0, "id"))
    s.random_seed()
    assert undo_name(world) == "Random seed"


def test_truncation_intents(world: World) -> None:
    s = world.session
    s.set_psi(7.0)
    assert s.look().truncation.psi == 2.0
    s.set_cutoff(3)
    s.set_layer_psi(4, 0.5)
    s.set_layer_psi(1, 0.2)
    s.set_layer_psi(4, None)
    assert (s.look().truncation.cutoff, s.look().truncation.layer_psi) == (3, ((1, 0.2),))
    s.clear_layer_psi()
    assert s.look().truncation.layer_psi == ()


def test_mixing_intents(world: World) -> None:
    s = world.session
    s.set_mix(3, 0, 1.5)
    s.add_mix_source(MixSource(9))
    s.set_mix(1, 1, 0.5)
    assert s.look().mixing.rows == (MixRow(1, 1, 0.5), MixRow(3, 0, 1.0))
    s.set_mix(3, 0, 0.0)
    s.set_mix_source(1, MixSource(8))
    assert s.look().mixing.sources == (MixSource(), MixSource(8))
    s.remove_mix_source(0)
    assert s.look().mixing.sources == (MixSource(8),)
    assert s.look().mixing.rows == (MixRow(1, 0, 0.5),)
    s.remove_mix_source(0)
    assert s.look().mixing.sources == (MixSource(8),)
    s.set_mix_group("coarse", 1.0)  # without a model there are no groups
    s.clear_mixing()
    assert s.look().mixing.rows == ()


def test_mix_groups_keep_each_entrys_source(world: World) -> None:
    world.open("a")  # five entries, all of one resolution: groups by share
    s = world.session
    s.add_mix_source(MixSource(9))
    s.set_mix(4, 1, 0.25)
    s.set_mix_group("fine", 0.5)
    assert s.look().mixing.rows == (MixRow(3, 0, 0.5), MixRow(4, 1, 0.5))
    s.set_mix_group("fine", 1.0, source=0)
    assert s.look().mixing.rows == (MixRow(3, 0, 1.0), MixRow(4, 0, 1.0))
    s.set_mix_group("coarse", 0.5)
    assert [row.layer for row in s.look().mixing.rows] == [0, 1, 3, 4]
    s.set_mix_group("wide", 0.5)  # type: ignore[arg-type]


def test_noise_class_and_transform_intents(world: World) -> None:
    s = world.session
    s.set_noise(mode="random", seed=3)
    s.set_noise_layer("t1", 0.5)
    s.set_noise_layer("t0", 2.0)
    s.set_noise_layer("t1", 1.0)
    assert (s.look().noise.mode, s.look().noise.layer_strengths) == ("random", (("t0", 2.0),))
    s.set_class_weights([(2, 1.0), (0, 0.0), (1, 2.0)])
    assert s.look().classes == Classes(((1, 2.0), (2, 1.0)))
    s.move(0.1, 0.2)
    s.move(0.1, 0.0)
    s.rotate_by(170.0)
    s.rotate_by(30.0)
    assert (s.look().transform.x, s.look().transform.rotate) == (pytest.approx(0.2), pytest.approx(-160.0))
    s.set_animation(kind="spin", speed=1.0)
    assert s.look().transform.animation == Animation("spin", 1.0)
    s.reset_transform()
    assert s.look().transform == Transform()


def test_edit_intents(world: World) -> None:
    s = world.session
    s.set_offset(np.ones(4), 1, 2)
    s.set_offset([2.0] * 4, 1, 2)
    s.set_offset([3.0] * 4)
    assert s.look().offsets == (Offset((2.0,) * 4, 1, 2), Offset((3.0,) * 4))
    s.set_offset([0.0] * 4)
    assert s.look().offsets == (Offset((2.0,) * 4, 1, 2),)
    s.add_nudge(Nudge(1, 0.5))
    s.add_nudge(Nudge(2, 0.5))
    s.set_nudge(0, Nudge(1, 0.7))
    s.remove_nudge(1)
    assert s.look().nudges == (Nudge(1, 0.7),)
    s.clear_edits()
    assert (s.look().nudges, s.look().offsets) == ((), ())


def test_reset_keeps_the_seed(world: World) -> None:
    s = world.session
    s.set_seed(5)
    s.walk(0.5, 0.0)
    s.set_psi(0.1)
    s.set_noise(mode="none")
    s.reset()
    assert s.look() == Look(Latent(5))
    assert undo_name(world) == "Reset"


def test_taps_belong_to_a_view(world: World) -> None:
    world.open("a")
    world.session.set_tap(0, layer="t1", channels="norm")
    world.settle()
    frame = world.session.last_frame(0)
    assert frame is not None
    assert frame.stats is not None
    assert frame.stats.name == "t1"
    world.session.set_active(7)
    assert world.session.active == 0


def test_views_come_and_go(world: World) -> None:
    world.open("a")
    s = world.session
    s.add_view("b")
    world.settle(0, 2)
    assert s.visible_views() == (0, 1, 2)
    s.set_active(2)
    s.remove_view()
    assert (s.active, len(s.state.views)) == (1, 2)
    s.undo()
    world.settle(2)
    for _ in range(5):
        s.remove_view()
    assert len(s.state.views) == 1
    assert set(s._views) == {0}
    s.set_psi(0.5)
    world.settle(0)


# -- motion ----------------------------------------------------------------------------------------------------


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
    own = ViewState(linked=frozenset(), own=Look(drift=1.0))
    state = ExplorerState(views=(ViewState(), own))
    state = drifts.advance(drifts.advance(state, 0.0), 3.0)
    assert (state.shared.latent.x, state.views[1].own.latent.x) == (0.0, 3.0)


def test_motion_asks_for_the_next_frame_when_the_last_was_painted(world: World) -> None:
    world.open("a")
    s = world.session
    world.paint()
    s.set_drift(1.0)
    posted = s._view(0).posted
    s._pace.step()
    assert s._view(0).posted == posted  # nothing has moved: the time is the same
    world.now = 1.0
    s._pace.step()
    assert s._view(0).posted == posted + 1
    assert s.look().latent.x == 1.0
    world.now = 2.0
    s._pace.step()
    assert s._view(0).posted == posted + 1  # the last one is not painted yet
    world.settle()
    world.paint()
    world.qtbot.waitUntil(lambda: s._view(0).posted == posted + 2)
    assert s.look().latent.x == 2.0
    assert undo_name(world) == "Drift"


def test_animations_move_and_pause(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_animation(kind="spin", speed=0.25)
    world.settle()
    world.paint()
    world.now = 1.0
    s._pace.step()
    world.settle()
    assert s.last_frame(0).request.transform[1] == pytest.approx(1.0)  # type: ignore[union-attr, index]
    s.pause()
    world.paint()
    world.now = 2.0
    posted = s._view(0).posted
    s._pace.step()
    assert s._view(0).posted == posted
    s.play()
    s._pace.step()
    assert s.clock.now() == 1.0


def test_drift_can_be_stopped_without_a_step(world: World) -> None:
    world.session.set_drift(1.0)
    world.session.stop_drift()
    assert world.session.look().drift == 0.0
    assert undo_name(world) == "Drift"


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
    s.set_psi(0.5)
    world.settle()
    world.paint()
    facts = s.performance(0)
    assert facts.fps == 2.0
    assert facts.latency_ms > 0.0
    assert facts.stages[-1].name == "present"
    assert (facts.device, facts.dtype, facts.tier) == ("cpu", "float32", Tier.FULL)


def test_thumbnails_come_with_their_key(world: World) -> None:
    world.session.request_thumbnail("none", Look(), 0)  # nothing is loaded
    world.open("a")
    world.session.request_thumbnail("bad", Look(Latent(stored="nowhere")), 0)
    with world.qtbot.waitSignal(world.session.thumbnail) as signal:
        world.session.request_thumbnail("key", Look(Latent(3)), 0, 8)
    thumbnail: Thumbnail = signal.args[0]
    assert (thumbnail.key, thumbnail.pixels.shape) == ("key", (8, 8, 4))


# -- latents ---------------------------------------------------------------------------------------------------


def test_latents_are_copied_and_pasted_as_text(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_seed(77)
    s.walk(0.25, 0.0)
    text = s.copy_latent_text()
    s.set_seed(0)
    s.paste_latent_text(text)
    check(world, "Paste latent", "latent", Latent(77, 0.25))
    s.use_stored(s.store_latent("w"))
    text = s.copy_latent_text()
    s.set_seed(1)
    s.paste_latent_text(text)
    assert s.look().latent.stored in s.table
    with pytest.raises(LatentError):
        s.paste_latent_text("nonsense")


def test_a_latent_of_another_model_is_not_pasted(world: World) -> None:
    world.open("a")
    s = world.session
    s.use_stored(s.store_latent("w"))
    text = s.copy_latent_text()
    s.set_seed(0)
    world.open("b")
    with pytest.raises(LatentMisfit, match="another model"):
        s.paste_latent_text(text)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_a_saved_ws_shows_the_same_picture(world: World, tmp_path: Path, suffix: str) -> None:
    world.open("a")
    s = world.session
    s.set_seed(5)
    s.set_psi(0.5)
    s.set_mix(3, 0, 0.5)
    s.add_nudge(Nudge(3, 0.4))
    world.settle()
    picture = s.last_frame(0).pixels  # type: ignore[union-attr]
    s.save_latent(tmp_path / f"x{suffix}", "ws")
    s.reset()
    s.set_seed(0)
    s.load_latent(tmp_path / f"x{suffix}")
    world.settle()
    np.testing.assert_array_equal(s.last_frame(0).pixels, picture)  # type: ignore[union-attr]
    assert "is a latent in ws (5 x 8)" in world.words[-1]
    assert undo_name(world) == "Load latent"


def test_a_saved_w_keeps_the_controls(world: World, tmp_path: Path) -> None:
    world.open("a")
    s = world.session
    s.set_psi(0.5)
    s.walk(0.5, 0.5)
    world.settle()
    picture = s.last_frame(0).pixels  # type: ignore[union-attr]
    s.save_latent(tmp_path / "x.npz", "w")
    s.set_seed(9)
    s.load_latent(tmp_path / "x.npz")
    world.settle()
    np.testing.assert_array_equal(s.last_frame(0).pixels, picture)  # type: ignore[union-attr]
    assert s.look().truncation.psi == 0.5


def test_what_latents_there_are(world: World, tmp_path: Path) -> None:
    s = world.session
    with pytest.raises(LatentError, match="no model"):
        s.current_latent("w")
    with pytest.raises(LatentError, match="no model"):
        s.load_latent(tmp_path / "x.npy")
    world.open("a")
    s.set_seed(5)
    np.testing.assert_array_equal(s.current_latent("z").array, z_of_seed(5, 8))
    s.use_stored(s.store_latent("z"))
    np.testing.assert_array_equal(s.current_latent("z").array, z_of_seed(5, 8))
    s.walk(0.5, 0.0)
    with pytest.raises(LatentError, match="between seeds"):
        s.current_latent("z")
    s.use_stored(s.store_latent("ws"))
    with pytest.raises(LatentError, match="is a ws"):
        s.current_latent("w")
    assert s.current_latent("ws").model_sha == "a"


def test_loading_asks_where_it_cannot_tell_and_converts_when_told(world: World, tmp_path: Path) -> None:
    world.open("a")
    s = world.session
    np.save(tmp_path / "x.npy", np.ones((3, 8)))
    with pytest.raises(LatentMisfit) as caught:
        s.load_latent(tmp_path / "x.npy")
    assert caught.value.choices == ("z", "w")
    keys = s.load_latent(tmp_path / "x.npy", space="w")
    assert (len(keys), len(set(keys))) == (3, 1)  # equal rows are one latent
    s.save_latent(tmp_path / "y.npz", "ws")
    world.open("b")
    with pytest.raises(LatentMisfit) as caught:
        s.load_latent(tmp_path / "y.npz")
    assert caught.value.offer
    s.load_latent(tmp_path / "y.npz", convert=True)
    world.settle()


def test_a_stored_latent_that_does_not_fit_the_other_view_fails_there_only(world: World) -> None:
    world.open("a", "b")
    s = world.session
    s.use_stored(s.store_latent("w"))
    world.settle(0)
    assert s.last_failure(0) is None
    assert "another model" in str(s.last_failure(1).error)  # type: ignore[union-attr]


# -- projects --------------------------------------------------------------------------------------------------


def test_projects_are_saved_and_opened(world: World, tmp_path: Path) -> None:
    world.open("a", "b")
    s = world.session
    s.use_stored(s.store_latent("z"))
    s.set_psi(0.5)
    with pytest.raises(ProjectError, match="no file yet"):
        s.save_project()
    with pytest.raises(ProjectError, match="json"):
        s.save_project(tmp_path / "x.png")
    s.save_project(tmp_path / "x.json")
    assert s.store.is_saved()
    assert s.project_path == str(tmp_path / "x.json")
    saved = s.state
    s.new_project()
    assert s.state == ExplorerState(views=(ViewState("a"), ViewState("b")))
    assert s.project_path == ""
    s.set_model(1, "wide")
    world.qtbot.waitUntil(lambda: s._view(1).model == "wide")
    s.open_project(tmp_path / "x.json")
    assert s.state == saved
    assert not s.store.can_undo
    world.qtbot.waitUntil(lambda: s._view(1).model == "b")
    world.settle(0, 1)
    s.set_psi(0.1)
    s.save_project()
    assert read_project(tmp_path / "x.json")[0] == s.state


def test_a_state_is_pasted_as_one_step(world: World) -> None:
    world.open("a")
    s = world.session
    s.set_psi(0.5)
    text, state = s.state_text(), s.state
    s.set_psi(0.1)
    s.paste_state_text(text)
    assert (s.state, undo_name(world)) == (state, "Paste state")
    with pytest.raises(ProjectError):
        s.paste_state_text("nonsense")


def test_a_snapshot_carries_the_project_and_opens_again(world: World, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no picture"):
        world.session.snapshot(0, tmp_path / "x.png")
    world.open("a")
    s = world.session
    with pytest.raises(ProjectError, match="no PNG"):
        s.snapshot(0, tmp_path / "x.jpg")
    s.set_psi(0.5)  # its picture is still on its way
    with world.qtbot.waitSignal(s.saved_file) as signal:
        s.snapshot(0, tmp_path / "x.png")
    assert signal.args == [str(tmp_path / "x.png")]
    with Image.open(tmp_path / "x.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), s.last_frame(0).pixels[:, :, 2::-1])  # type: ignore[union-attr]
    state = s.state
    s.set_psi(0.1)
    s.open_project(tmp_path / "x.png")
    assert s.state == state
    assert s.project_path == ""
    world.settle()
    with world.qtbot.waitSignal(s.saved_file):
        s.snapshot(0, tmp_path / "now.png")  # already there
    (tmp_path / "file").write_text("")
    s.snapshot(0, tmp_path / "file" / "y.png")
    world.qtbot.waitUntil(lambda: "cannot be written" in world.words[-1])


def test_a_snapshot_of_a_failing_picture_is_told(world: World, tmp_path: Path) -> None:
    world.open("a")
    world.session.set_psi(0.3)
    world.session.snapshot(0, tmp_path / "x.png")
    world.session.set_transform(scale_x=0.0)
    assert "not saved" in world.words[-1]


# -- recovery --------------------------------------------------------------------------------------------------


def test_unsaved_work_survives_a_crash(qtbot: QtBot, tmp_path: Path) -> None:
    crashed = Recovery(tmp_path, "crashed")
    world = World(qtbot, crashed)
    s = world.session
    s.autosave()  # nothing to save
    s.set_psi(0.5)
    s.autosave()
    s.autosave()  # already there
    s._io.submit(lambda: None).result(10)
    assert s.recovery() is None  # its own is none to recover
    kept = crashed.path.read_bytes()
    assert Recovery(tmp_path, "other").find() is None  # that program still runs
    assert s.close()
    assert list(tmp_path.iterdir()) == []  # it ended well
    crashed.path.write_bytes(kept)  # as if it had not

    world = World(qtbot, Recovery(tmp_path, "next"))
    s = world.session
    assert s.recovery() == crashed.path
    s.recover()
    assert s.look().truncation.psi == 0.5
    assert not s.store.is_saved()
    assert s.recovery() is None
    with pytest.raises(ProjectError, match="nothing"):
        s.recover()
    crashed.path.write_bytes(kept)
    s.discard_recovery()
    assert s.recovery() is None
    s.autosave()
    s.save_project(tmp_path / "mine.json")
    s._io.submit(lambda: None).result(10)
    assert not (tmp_path / "recovery-next.json").exists()
    assert s.close()
    assert s.close()
    assert [p.name for p in tmp_path.iterdir()] == ["mine.json"]


def test_a_failing_autosave_is_only_logged(qtbot: QtBot, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    world = World(qtbot, Recovery(tmp_path / "file"))
    world.session.set_psi(0.5)
    world.session.autosave()
    world.session._io.submit(lambda: None).result(10)
    assert "autosave failed" in caplog.text
    assert world.session.close()


def test_closing_leaves_no_thread(qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    world = World(qtbot)
    world.open("a", "b")
    world.session._submit("x", lambda: None)
    assert world.session.close()
    assert set(threading.enumerate()) <= before
