"""Projects, snapshots and unsaved work go in and out."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from explorer.errors import ProjectError
from explorer.project.document import read_project
from explorer.state import ExplorerState, ViewState
from tests.session.world import World, undo_name


def test_projects_are_saved_and_opened(world: World, tmp_path: Path) -> None:
    world.open("a", "b")
    s = world.session
    s.look.use_stored(s.documents.store_latent("z"))
    s.look.set_psi(0.5)
    with pytest.raises(ProjectError, match="has no file yet"):
        s.documents.save_project()
    with pytest.raises(ProjectError, match="json"):
        s.documents.save_project(tmp_path / "x.png")
    s.documents.save_project(tmp_path / "x.json")
    assert s.store.is_saved()
    assert s.documents.project_path == str(tmp_path / "x.json")
    saved = s.state
    s.documents.new_project()
    assert s.state == ExplorerState(views=(ViewState("a"), ViewState("b")))
    assert s.documents.project_path == ""
    s.models.request(1, "wide")
    world.qtbot.waitUntil(lambda: s.record(1).model == "wide")
    s.documents.open_project(tmp_path / "x.json")
    assert s.state == saved
    assert not s.store.can_undo
    world.qtbot.waitUntil(lambda: s.record(1).model == "b")
    world.settle(0, 1)
    s.look.set_psi(0.1)
    s.documents.save_project()
    assert read_project(tmp_path / "x.json")[0] == s.state


def test_a_state_is_pasted_as_one_step(world: World) -> None:
    world.open("a")
    s = world.session
    s.look.set_psi(0.5)
    text, state = s.documents.state_text(), s.state
    s.look.set_psi(0.1)
    s.documents.paste_state_text(text)
    assert (s.state, undo_name(world)) == (state, "Paste state")
    with pytest.raises(ProjectError):
        s.documents.paste_state_text("nonsense")


def test_a_snapshot_carries_the_project_and_opens_again(world: World, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="no picture"):
        world.session.documents.snapshot(0, tmp_path / "x.png")
    world.open("a")
    s = world.session
    with pytest.raises(ProjectError, match="not a PNG"):
        s.documents.snapshot(0, tmp_path / "x.jpg")
    s.look.set_psi(0.5)  # its picture is still on its way
    with world.qtbot.waitSignal(s.documents.saved_file) as signal:
        s.documents.snapshot(0, tmp_path / "x.png")
    assert signal.args == [str(tmp_path / "x.png")]
    assert "Saved x.png" in world.messages
    with Image.open(tmp_path / "x.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), world.frame().pixels[:, :, 2::-1])
    state = s.state
    s.look.set_psi(0.1)
    s.documents.open_project(tmp_path / "x.png")
    assert s.state == state
    assert s.documents.project_path == ""
    world.settle()
    with world.qtbot.waitSignal(s.documents.saved_file):
        s.documents.snapshot(0, tmp_path / "now.png")  # already there
    (tmp_path / "file").write_text("")
    s.documents.snapshot(0, tmp_path / "file" / "y.png")
    world.qtbot.waitUntil(lambda: "cannot be written" in world.messages[-1])


def test_a_snapshot_of_a_failing_picture_is_reported(world: World, tmp_path: Path) -> None:
    world.open("a")
    world.session.look.set_psi(0.3)
    world.session.documents.snapshot(0, tmp_path / "x.png")
    world.session.look.set_transform(scale_x=0.0)
    assert "not saved" in world.messages[-1]


def test_closing_leaves_no_thread(qtbot: QtBot) -> None:
    before = set(threading.enumerate())
    world = World(qtbot)
    world.open("a", "b")
    world.session.files.write("x", lambda: None)
    assert world.session.close()
    assert set(threading.enumerate()) <= before
