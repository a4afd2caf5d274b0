"""A camera as the source: off until it is switched on, read in a thread, kept as a picture, failing clearly."""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from explorer.errors import LatentwalkError, UsageError
from explorer.project.document import to_json
from explorer.util import camera_device
from tests.session.test_restyling import FIRST, Restyling, world

__all__ = ["world"]  # the fixture


class FakeCamera:
    """Gives pictures of one level after the other, as fast as they are read."""

    def __init__(self, last: int = 10**9) -> None:
        self.reads, self.last, self.is_closed = 0, last, threading.Event()
        self.threads: set[str] = set()
        self.was_read, self.was_read_again = threading.Event(), threading.Event()

    def read(self) -> np.ndarray | None:
        self.reads += 1
        self.threads.add(threading.current_thread().name)
        (self.was_read if self.reads == 1 else self.was_read_again).set()
        return None if self.reads > self.last else np.full((48, 64, 3), 20 * self.reads % 256, np.uint8)

    def close(self) -> None:
        self.is_closed.set()


def failures(world: Restyling) -> list[LatentwalkError]:
    found: list[LatentwalkError] = []
    world.session.camera.failed.connect(found.append)
    return found


def test_what_the_camera_sees_is_the_source_until_it_is_switched_off(world: Restyling) -> None:
    s, camera = world.session, FakeCamera()
    s.camera.open_with = lambda: camera
    before, state = world.frame(1).pixels.tobytes(), s.state
    assert not s.camera.is_on
    s.camera.start()
    assert s.camera.is_on
    seen = {before}

    def collected() -> bool:
        seen.add(world.frame(1).pixels.tobytes())
        return len(seen) > 2

    world.qtbot.waitUntil(collected, timeout=30_000)
    assert camera.threads == {"camera"}
    assert s.state == state  # it is no part of the project
    assert to_json(s.state, s.table)["assets"].keys() == {FIRST.key}
    s.camera.stop()
    assert camera.is_closed.wait(5)
    assert not s.camera.is_on
    assert s.store.undo_name == "Source picture"
    kept = s.sources.picture
    assert kept is not None
    assert kept.name == "camera"
    world.settle(1)
    s.undo()
    assert s.state == state
    world.settle(1)
    assert world.frame(1).pixels.tobytes() == before


def test_the_camera_is_read_no_faster_than_pictures_are_taken(world: Restyling) -> None:
    s, camera = world.session, FakeCamera()
    s.camera.open_with = lambda: camera
    s.camera.start()
    assert camera.was_read.wait(5)
    assert not camera.was_read_again.wait(0.2), "this thread has taken nothing yet"
    world.qtbot.waitUntil(lambda: camera.reads > 3)
    s.camera.stop()


def test_a_camera_that_ends_says_so_and_keeps_its_last_picture(world: Restyling) -> None:
    s, camera, found = world.session, FakeCamera(last=2), failures(world)
    s.camera.open_with = lambda: camera
    s.camera.start()
    world.qtbot.waitUntil(lambda: bool(found))
    assert "no more pictures" in str(found[0])
    assert not s.camera.is_on
    assert camera.is_closed.wait(5)
    assert s.sources.picture is not None
    assert int(s.sources.picture.array[0, 0, 0]) == 40


@pytest.mark.parametrize("error", [UsageError("No camera.", "Connect one."), OSError("driver")])
def test_a_camera_that_cannot_be_opened_says_why(world: Restyling, error: Exception) -> None:
    s, found, state = world.session, failures(world), world.session.state

    def fail() -> Any:
        raise error

    s.camera.open_with = fail
    s.camera.start()
    world.qtbot.waitUntil(lambda: bool(found))
    assert str(error.args[0]) in str(found[0])
    assert not s.camera.is_on
    assert s.state == state


@pytest.mark.parametrize("how", ["remove", "model", "open"])
def test_the_camera_is_off_where_its_view_is_gone(world: Restyling, how: str) -> None:
    s, camera = world.session, FakeCamera()
    s.camera.open_with = lambda: camera
    s.camera.start()
    world.qtbot.waitUntil(lambda: s.camera.picture is not None)
    if how == "remove":
        s.views.remove(1)
    elif how == "model":
        s.models.request(1, "b")
    else:
        s.documents.new_project()
    world.qtbot.waitUntil(camera.is_closed.is_set)
    assert not s.camera.is_on
    assert s.source_pictures == {}


def test_a_network_without_a_source_has_no_camera(world: Restyling) -> None:
    s = world.session
    s.views.set_active(0)
    with pytest.raises(UsageError, match="no source"):
        s.camera.start()


def test_the_end_of_the_session_switches_the_camera_off(world: Restyling) -> None:
    s, camera = world.session, FakeCamera()
    s.camera.open_with = lambda: camera
    s.camera.start()
    world.qtbot.waitUntil(lambda: camera.reads > 0)
    assert s.close()
    assert camera.is_closed.is_set()


# -- OpenCV ----------------------------------------------------------------------------------------------------


def test_without_opencv_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "cv2":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UsageError, match=r"latentwalk\[camera\]"):
        camera_device.open_camera()


@pytest.mark.parametrize("is_there", [True, False])
def test_opencv_is_asked_for_mirrored_rgb(monkeypatch: pytest.MonkeyPatch, is_there: bool) -> None:
    released: list[bool] = []
    picture = np.zeros((2, 3, 3), np.uint8)
    picture[:, 0] = (10, 20, 30)  # BGR, on the left

    class Capture:
        def __init__(self, number: int) -> None:
            self.left = [(True, picture), (False, None)]

        def isOpened(self) -> bool:
            return is_there

        def read(self) -> tuple[bool, np.ndarray | None]:
            return self.left.pop(0)

        def release(self) -> None:
            released.append(True)

    fake = SimpleNamespace(VideoCapture=Capture, COLOR_BGR2RGB=4, cvtColor=lambda x, code: x[:, :, ::-1])
    monkeypatch.setitem(sys.modules, "cv2", fake)
    if not is_there:
        with pytest.raises(UsageError, match="Camera 0 cannot be opened"):
            camera_device.open_camera()
    else:
        camera = camera_device.open_camera()
        read = camera.read()
        assert read is not None
        assert read[0].tolist() == [[0, 0, 0], [0, 0, 0], [30, 20, 10]]
        assert camera.read() is None
        camera.close()
    assert released == [True]
