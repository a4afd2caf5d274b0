"""What a session does when a model, a picture or a device fails."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from explorer.errors import UsageError
from explorer.render.model_store import LoadedModel
from explorer.render.results import DeviceLost, RenderFailed
from tests.render.support import gated
from tests.session.world import World


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(world: World) -> None:
    world.open("a")
    before = world.session.state
    world.session.models.request(0, "nothing")
    world.qtbot.waitUntil(lambda: bool(world.failures))
    assert "There is no nothing" in str(world.failures[0].error)
    assert world.session.state == before
    assert world.session.model_info(0).name == "a"  # type: ignore[union-attr]
    cleared: list[int] = []
    world.session.failure_cleared.connect(cleared.append)
    world.session.look.set_psi(0.5)
    world.settle()
    assert cleared == [0]
    assert world.session.last_failure(0) is None


def test_a_model_that_cannot_be_loaded_is_reported_over_a_picture_that_moves(world: World) -> None:
    world.open("a")
    world.session.look.set_drift(0.5)
    world.session.models.request(0, "nothing")
    world.qtbot.waitUntil(lambda: bool(world.failures))
    cleared: list[int] = []
    world.session.failure_cleared.connect(cleared.append)
    before = world.frame().generation

    def went_on() -> bool:
        world.now += 1.0
        world.session.motion.pace.step()
        world.paint()
        return world.frame().generation > before + 1

    world.qtbot.waitUntil(went_on)
    assert cleared == []
    assert world.session.last_failure(0) is world.failures[0]
    world.session.look.set_drift(0.0)
    world.session.look.set_psi(0.5)
    world.settle()
    assert cleared == [0]
    assert world.session.last_failure(0) is None


def test_a_render_error_is_shown_and_the_next_move_works(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.open("a")
    layer = gated(world.models["a"]).layer("t1")
    original = layer.run

    def broken(*args: Any) -> Any:
        raise ValueError("layer trouble")

    layer.run = broken  # type: ignore[assignment, method-assign]
    world.session.look.set_psi(0.5)
    world.qtbot.waitUntil(lambda: bool(world.failures))
    assert "layer trouble" in world.failures[0].traceback_text
    assert world.session.last_failure(0) is world.failures[0]
    layer.run = original  # type: ignore[method-assign]
    world.session.look.set_psi(0.6)
    world.settle()
    assert world.session.last_failure(0) is None


def test_a_request_that_cannot_be_rendered_fails_and_undo_mends_it(world: World) -> None:
    world.open("a")
    world.session.look.set_transform(scale_x=0.0)
    assert "flattens" in str(world.failures[0].error)
    world.session.undo()
    world.settle()
    assert world.session.last_failure(0) is None


def test_a_stale_failure_is_ignored(world: World) -> None:
    world.open("a")
    world.session.look.set_psi(0.5)
    world.session._on_failed(RenderFailed(0, 1, ValueError("old")))
    assert world.failures == []


def test_a_lost_device_is_reported(world: World) -> None:
    told: list[object] = []
    world.session.devices.changed.connect(told.append)
    world.session.devices._on_device_lost(DeviceLost("cuda:0", RuntimeError("gone")))
    assert "cuda:0" in world.messages[0]
    assert world.session.devices.settings.device == "cpu"
    assert told == [world.session.devices.settings]


def test_loading_can_be_cancelled(world: World) -> None:
    world.open("a")
    hold = threading.Event()
    original = world.load

    def held(path: str, on_report: Any, control: Any, **options: bool) -> LoadedModel:
        assert hold.wait(10)
        return original(path, on_report, control)

    world.session.service._load = held
    world.session.models.request(0, "b")
    world.session.models.cancel(0)
    hold.set()
    assert world.session.state.views[0].model == "a"
    assert world.session.record(0).loading == ""


def test_settings_are_checked_and_rendered_with(world: World) -> None:
    world.open("a")
    s = world.session
    s.devices.set_device("cpu")
    s.devices.set_dtype("bfloat16")
    s.devices.set_backend("reference")
    world.settle()
    assert world.frame().dtype == "bfloat16"
    assert world.frame().request.settings.backend == "reference"
    with pytest.raises(UsageError):
        s.devices.set_device("cuda:77")
    with pytest.raises(UsageError):
        s.devices.set_dtype("float16")
