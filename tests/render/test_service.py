"""The Qt face: everything arrives in the GUI thread, one wake-up at a time, and nothing after closing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from explorer.errors import LatentwalkError, UnreadableFileError, UsageError
from explorer.render.model_store import LoadedModel, ModelStore
from explorer.render.renderer import Renderer
from explorer.render.results import DeviceLost, Frame, RenderFailed, Thumbnail
from explorer.session.render_service import RenderService
from explorer.state.request import RenderSettings
from explorer.util.control import Control
from explorer.util.report import Report
from tests.render.support import gated, psi_request, request_of, tiny_model

MODEL = "/models/tiny-a.safetensors"


class Loader:
    """Loads tiny models by name; can be held, and fails for names that say so."""

    def __init__(self) -> None:
        self.models: dict[str, LoadedModel] = {}
        self.hold = threading.Event()
        self.hold.set()
        self.entered = threading.Event()
        self.calls = 0

    def __call__(self, path: str, on_report: Any, control: Control, **options: bool) -> LoadedModel:
        self.calls += 1
        on_report(Report(None, 1, 2, "Reading"))
        self.entered.set()
        assert self.hold.wait(10)
        control.check()
        if "bad" in path:
            raise UnreadableFileError(f"{path} is bad.", "Take a good one.")
        if "odd" in path:
            raise ZeroDivisionError("odd")
        return self.models.setdefault(path, tiny_model(path))


Setup = tuple[RenderService, Loader]


@pytest.fixture
def setup(qtbot: QtBot) -> Iterator[Setup]:
    loader = Loader()
    service = RenderService(load=loader, models=ModelStore(1 << 30))
    yield service, loader
    loader.hold.set()
    for model in loader.models.values():
        for layer in gated(model).layers:
            layer.gate.open()
    assert service.close(10.0)


def loaded(service: RenderService, loader: Loader, qtbot: QtBot, name: str = "a", view: int = 0) -> LoadedModel:
    with qtbot.waitSignal(service.model_loaded):
        service.load_model(view, name)
    return loader.models[name]


class Inbox:
    """Collects a signal's arguments, and the thread they came in."""

    def __init__(self, signal: Any) -> None:
        self.items: list[Any] = []
        self.threads: set[object] = set()
        signal.connect(self.take)

    def take(self, *items: Any) -> None:
        self.items.append(items[0] if len(items) == 1 else items)
        self.threads.add(QThread.currentThread())


def test_a_request_comes_back_as_a_frame_in_the_gui_thread(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    model = loaded(service, loader, qtbot)
    frames = Inbox(service.frame_ready)
    assert service.request(0, request_of(model)) == 1
    qtbot.waitUntil(lambda: len(frames.items) == 1)
    assert isinstance(frames.items[0], Frame)
    assert frames.items[0].generation == 1
    assert frames.threads == {QThread.currentThread()}


def test_at_most_one_wake_up_is_under_way(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    model = loaded(service, loader, qtbot)
    wakes: list[int] = []
    original = service._outbox._wake
    assert original is not None

    def counted() -> None:
        wakes.append(1)
        original()

    service._outbox._wake = counted
    frames = Inbox(service.frame_ready)
    rendered = threading.Event()
    service._renderer("cpu")._publish = lambda message: (service._outbox.post(message), rendered.set())  # type: ignore[assignment, return-value]
    for i in range(20):  # the GUI thread does not look meanwhile
        rendered.clear()
        service.request(0, psi_request(model, i / 20))
        assert rendered.wait(10)
    assert len(wakes) == 1
    assert frames.items == []
    qtbot.waitUntil(lambda: bool(frames.items))
    assert [f.generation for f in frames.items] == [20]


def test_failures_and_thumbnails_are_reported(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    model = loaded(service, loader, qtbot)
    failures, thumbnails = Inbox(service.failed), Inbox(service.thumbnail_ready)
    service.request(0, replace(request_of(model), model=replace(model.model_info.key, sha256="gone")))
    service.thumbnail("key", 1, request_of(model))
    qtbot.waitUntil(lambda: bool(failures.items and thumbnails.items))
    assert isinstance(failures.items[0], RenderFailed)
    assert isinstance(thumbnails.items[0], Thumbnail)


# -- models ----------------------------------------------------------------------------------------------------


def test_loading_reports_progress_and_model_info(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    progress = Inbox(service.model_loading)
    loader.hold.clear()
    service.load_model(3, "a")
    qtbot.waitUntil(lambda: bool(progress.items))
    assert service.is_loading(3)
    with qtbot.waitSignal(service.model_loaded) as signal:
        loader.hold.set()
    view, model_info = signal.args
    assert (view, model_info.name) == (3, "a")
    assert model_info.sha256 in service.models
    assert not service.is_loading(3)
    assert progress.items[0] == (3, Report(None, 1, 2, "Reading"))


@pytest.mark.parametrize(("path", "message"), [("bad", "is bad"), ("odd", "ZeroDivisionError")])
def test_a_file_that_cannot_be_loaded_is_reported(
    setup: Setup, qtbot: QtBot, path: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    service, _ = setup
    with qtbot.waitSignal(service.model_failed) as signal:
        service.load_model(0, path)
    view, error = signal.args
    assert view == 0
    assert isinstance(error, LatentwalkError)
    assert message in str(error)
    assert error.hint


def test_a_cancelled_loading_tells_nothing(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    told = [Inbox(signal) for signal in (service.model_loaded, service.model_failed)]
    loader.hold.clear()
    service.load_model(0, "a")
    assert loader.entered.wait(10)
    assert service.cancel_load(0)
    assert not service.cancel_load(0)
    loader.hold.set()
    loaded(service, loader, qtbot, "b", 1)
    assert [inbox.items for inbox in told[1:]] == [[]]
    assert [view for view, _ in told[0].items] == [1]


def test_a_second_loading_replaces_the_first(setup: Setup, qtbot: QtBot) -> None:
    service, loader = setup
    done = Inbox(service.model_loaded)
    loader.hold.clear()
    service.load_model(0, "a")
    service.load_model(0, "b")
    loader.hold.set()
    qtbot.waitUntil(lambda: bool(done.items))
    qtbot.waitUntil(lambda: loader.calls == 2)
    assert [model_info.name for _, model_info in done.items] == ["b"]


def test_a_kept_file_is_not_read_again(setup: Setup, qtbot: QtBot, tmp_path: Any) -> None:
    service, loader = setup
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"x")
    model = tiny_model()
    model = LoadedModel(model.generator, replace(model.model_info, path=str(file)))
    loader.models[str(file)] = model
    for view in (0, 1):
        loaded(service, loader, qtbot, str(file), view)
    assert loader.calls == 1
    file.write_bytes(b"changed")
    loaded(service, loader, qtbot, str(file))
    assert loader.calls == 2


def test_models_are_given_up_least_recently_used_but_never_one_in_use(qtbot: QtBot) -> None:
    size = tiny_model().generator.held_bytes
    loader = Loader()
    service = RenderService(load=loader, models=ModelStore(size))
    frames = Inbox(service.frame_ready)
    try:
        for view, name in ((0, "a"), (1, "b"), (1, "c"), (1, "d")):
            model = loaded(service, loader, qtbot, name, view)
            service.request(view, request_of(model))
            # Rendering counts as use: it must not come after the next model's.
            qtbot.waitUntil(lambda name=name: name in {f.request.model.sha256 for f in frames.items})  # type: ignore[misc]
        assert [name in service.models for name in "abcd"] == [True, False, True, True]  # b, then c, was in use
        qtbot.waitUntil(lambda: {f.request.model.sha256 for f in frames.items} >= {"a", "d"})
        loaded(service, loader, qtbot, "e", 2)
        assert [name in service.models for name in "abcde"] == [True, False, True, True, True]
    finally:
        assert service.close(10.0)


# -- devices ---------------------------------------------------------------------------------------------------


class LosableRenderer(Renderer):
    """A renderer of a device that this machine has not; computes on the CPU until it is lost."""

    broken = False

    def __init__(self, models: ModelStore, device: str, publish: Callable[..., None], **options: Any) -> None:
        super().__init__(models, "cpu", publish, 1 << 20)
        self.device = device

    def _generator(self, request: Any) -> Any:
        if self.device != "cpu" and LosableRenderer.broken:
            raise RuntimeError("CUDA error: unspecified launch failure")
        return self._models.get(request.model).generator


def test_a_lost_device_moves_every_view_to_the_cpu(qtbot: QtBot) -> None:
    loader = Loader()
    service = RenderService(load=loader, renderer=LosableRenderer)
    frames, lost = Inbox(service.frame_ready), Inbox(service.device_lost)
    try:
        model = loaded(service, loader, qtbot)
        settings = RenderSettings("mps", "float32")
        LosableRenderer.broken = True
        for view in (0, 1):
            service.request(view, replace(request_of(model), settings=settings))
        qtbot.waitUntil(lambda: len({f.view for f in frames.items}) == 2)
        assert {f.device for f in frames.items} == {"cpu"}
        assert {f.generation for f in frames.items} == {1}
        assert len(lost.items) == 1
        assert isinstance(lost.items[0], DeviceLost)
        service.request(0, replace(psi_request(model, 0.5), settings=settings))  # asked for the lost one again
        qtbot.waitUntil(lambda: any(f.generation == 2 for f in frames.items))
        assert frames.items[-1].device == "cpu"
        service.thumbnail("key", 0, replace(request_of(model), settings=settings))
    finally:
        LosableRenderer.broken = False
        assert service.close(10.0)


def test_a_device_that_nobody_uses_any_more_gives_its_memory_back(qtbot: QtBot) -> None:
    loader = Loader()
    service = RenderService(load=loader, renderer=LosableRenderer)
    frames = Inbox(service.frame_ready)

    def show(view: int, device: str) -> None:
        generation = service.request(view, replace(request_of(model), settings=RenderSettings(device)))
        wanted = (view, generation, device)
        qtbot.waitUntil(lambda: wanted in [(f.view, f.generation, f.device) for f in frames.items])

    try:
        model = loaded(service, loader, qtbot)
        for view in (0, 1):
            show(view, "mps")
        left = service._renderers["mps"]
        assert left.cache.nbytes > noise_bytes(model)
        show(0, "cpu")
        assert service._renderers["mps"] is left  # the other view is still there
        show(1, "cpu")
        assert set(service._renderers) == {"cpu"}
        assert left.close(10.0)
        assert left.cache.nbytes == 0
        for view in (0, 1):
            service.forget_view(view)
        qtbot.waitUntil(lambda: service._renderers["cpu"].cache.nbytes == 0)  # nobody uses the model
    finally:
        assert service.close(10.0)


def noise_bytes(model: LoadedModel) -> int:
    return sum(layer.info.has_noise * 16 * 16 * 4 for layer in model.generator.layers)


def test_devices_are_checked(setup: Setup) -> None:
    service, _ = setup
    assert service.devices()[-1].name == "cpu"
    assert service.best_device() in {d.name for d in service.devices()}
    service.check("cpu", "bfloat16")
    with pytest.raises(UsageError, match="no device"):
        service.check("cuda:99", "float32")
    with pytest.raises(UsageError, match="float16"):
        service.check("cpu", "float16")


# -- closing ---------------------------------------------------------------------------------------------------


def test_nothing_arrives_after_closing_and_no_thread_is_left(qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    loader = Loader()
    service = RenderService(load=loader)
    frames, models = Inbox(service.frame_ready), Inbox(service.model_loaded)
    model = loaded(service, loader, qtbot)
    gate = gated(model).layer("t2").gate
    gate.close()
    service.request(0, request_of(model))
    assert gate.wait_until_entered()
    loader.hold.clear()
    service.load_model(1, "b")
    loader.entered.wait(10)
    opener = threading.Thread(target=lambda: (gate.open(), loader.hold.set()))
    opener.start()
    assert service.close(10.0)
    opener.join(10)
    assert service.request(0, request_of(model)) == 0
    service.load_model(0, "c")
    service.thumbnail("key", 0, request_of(model))
    qtbot.wait(0)
    assert frames.items == []
    assert len(models.items) == 1
    assert service.close()
    assert set(threading.enumerate()) <= before


def test_a_slot_may_close_the_service(qtbot: QtBot) -> None:
    loader = Loader()
    service = RenderService(load=loader)
    model = loaded(service, loader, qtbot)
    closed: list[bool] = []
    service.frame_ready.connect(lambda frame: closed.append(service.close(10.0)))
    service.request(0, request_of(model))
    service.request(1, request_of(model))
    qtbot.waitUntil(lambda: bool(closed))
    assert closed == [True]
