"""A closed model is freed at once, by its reference counts: the garbage collector is off in these tests."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from explorer.assets.picture import StoredPicture
from explorer.checkpoints import Checkpoint
from explorer.errors import UnreadableFileError
from explorer.render.model_store import LoadedModel, ModelStore, model_info_of
from explorer.session import Session
from explorer.session.render_service import RenderService
from explorer.state import Source
from explorer.state.request import RenderSettings
from explorer.util.control import Control
from explorer.util.report import Report
from tests.generators.configs import SMALL, small_generator


class Files:
    """Builds models by name, and knows which of what it has built is still alive."""

    def __init__(self) -> None:
        self.alive: dict[str, weakref.ref[object]] = {}

    def load(
        self, path: str, on_report: Callable[[Report[None]], object], control: Control, **options: bool
    ) -> LoadedModel:
        name = path
        generator = small_generator(name).eval().requires_grad_(False)
        things = [*generator.named_modules(), *generator.named_parameters(), *generator.named_buffers()]
        self.alive = {key: weakref.ref(thing) for key, thing in things}
        if name == "tiny":
            self.alive["the generator"] = weakref.ref(generator)
        if self.fails:
            raise UnreadableFileError("The file ends too soon.")
        return LoadedModel(generator, model_info_of(generator, Checkpoint(name, {}, {}, name, sha256=name), name))

    fails = False

    @property
    def left(self) -> list[str]:
        """What has not been freed."""
        return [key for key, thing in self.alive.items() if thing() is not None]

    def check_freed(self) -> None:
        """Raise AssertionError with what has not been freed, and what refers to it."""
        left = self.left
        first = self.alive[left[0]]() if left else None
        assert not left, [type(holder) for holder in gc.get_referrers(first)]


@pytest.fixture
def opened(qtbot: QtBot) -> object:
    files = Files()
    session = Session(service=RenderService(load=files.load, models=ModelStore(0)), settings=RenderSettings("cpu"))
    yield files, session
    assert session.close()


def show(qtbot: QtBot, session: Session, name: str) -> None:
    picture = session.table.add(StoredPicture(np.zeros((4, 4, 3), np.uint8)))
    session.edit("Source picture", source=Source(picture))  # which those that change no picture ignore
    session.models.request(0, name)
    qtbot.waitUntil(lambda: (f := session.last_frame(0)) is not None and f.request.model.sha256 == name)


@pytest.mark.parametrize("name", SMALL)
def test_a_closed_model_of_every_family_is_freed(qtbot: QtBot, opened: tuple[Files, Session], name: str) -> None:
    assert not gc.isenabled()
    files, session = opened
    show(qtbot, session, name)
    session.look.set_transform(x=0.1, untransform=True)
    session.request_thumbnail("key", session.look_of(), 0)
    with qtbot.waitSignal(session.thumbnail):
        pass
    session.lab.measure_curves(0)
    with qtbot.waitSignal(session.lab.job_event, timeout=30_000):
        pass
    assert files.left
    session.models.request(0, "")
    qtbot.waitUntil(files.check_freed, timeout=30_000)  # the render thread may have little time
    session.undo()
    qtbot.waitUntil(lambda: session.model_info(0) is not None)
    assert files.left, "undo reads it again"


def test_a_replaced_model_is_freed(qtbot: QtBot, opened: tuple[Files, Session]) -> None:
    files, session = opened
    show(qtbot, session, "stylegan2-skip")
    first = files.alive
    show(qtbot, session, "stylegan3-t")
    qtbot.waitUntil(lambda: not any(thing() for thing in first.values()))
    assert files.left


def test_what_a_failed_loading_had_read_is_freed(qtbot: QtBot, opened: tuple[Files, Session]) -> None:
    files, session = opened
    files.fails = True
    with qtbot.waitSignal(session.failure):
        session.models.request(0, "stylegan2-skip")
    assert session.last_failure(0) is not None
    qtbot.waitUntil(files.check_freed, timeout=30_000)  # the render thread may have little time


def test_a_model_of_a_hidden_view_stays(qtbot: QtBot, opened: tuple[Files, Session]) -> None:
    _, session = opened
    show(qtbot, session, "tiny")
    session.views.show(1)
    session.models.request(1, "stylegan3-t")
    qtbot.waitUntil(lambda: session.last_frame(1) is not None)
    assert set(session.service.models._models) == {"tiny", "stylegan3-t"}


def test_rest_is_when_nothing_moves_and_nothing_is_made(qtbot: QtBot, opened: tuple[Files, Session]) -> None:
    _, session = opened
    assert session.is_at_rest
    session.models.request(0, "tiny")
    assert not session.is_at_rest
    qtbot.waitUntil(lambda: session.last_frame(0) is not None)
    frame = session.last_frame(0)
    assert frame is not None
    session.painted(0, frame.generation)
    qtbot.waitUntil(lambda: session.is_at_rest)
    session.look.set_drift(1.0)
    assert not session.is_at_rest
    session.motion.pause()
    session.painted(0, session.record(0).posted)
    qtbot.waitUntil(lambda: session.is_at_rest)
