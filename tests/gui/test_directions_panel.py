"""The Directions panel: what was found is listed and stepped along, notes last, files and examples add more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from safetensors.numpy import save_file

from explorer.directions.files import directions_in, load_directions, save_directions
from explorer.session import Session
from explorer.session.direction_notes import DirectionNotes
from explorer.session.settings import Settings
from explorer.state import Direction
from explorer.widgets.panels.edits.candidate_sheet import CandidateSheet
from explorer.widgets.panels.edits.directions_panel import FIRST, DirectionsPanel
from explorer.widgets.panels.synthesis.transform_panel import TransformPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until


@pytest.fixture
def panel(window: MainWindow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> DirectionsPanel:
    """The panel of a window, with the directions of A found."""
    found = window.findChild(DirectionsPanel)
    assert found is not None
    wait_until(lambda: {item.method for item in found.session.directions.of(0)} >= {"ganspace", "sefa"})
    wait_until(lambda: found.line.isHidden())
    return found


def test_directions_are_found_and_listed(panel: DirectionsPanel) -> None:
    names = [made.slider.label for made in panel.rows if not made.isHidden()]
    assert len(names) == FIRST
    assert names[0] == "GANSpace 0"
    panel.filter.setCurrentIndex(panel.filter.findData("sefa"))
    panel.filter.activated.emit(panel.filter.currentIndex())
    assert all(made.slider.label.startswith("SeFa") for made in panel.rows if not made.isHidden())
    panel.show_more()
    assert sum(not made.isHidden() for made in panel.rows) == min(2 * FIRST, len(panel.listed()))


def test_a_slider_is_one_step_of_undo_and_an_edit_of_the_look(panel: DirectionsPanel, session: Session) -> None:
    made = panel.rows[1]
    before = session.state
    made.slider.pressed.emit()
    made.slider.moving.emit(1.0)
    made.slider.moving.emit(2.5)
    made.slider.released.emit()
    (edit,) = session.look_of().edits
    assert isinstance(edit.value, Direction)
    assert (edit.strength, edit.value.name) == (2.5, "GANSpace 1")
    assert made.slider.value == 2.5
    frame = session.last_frame(0)
    assert frame is not None
    wait_until(lambda: (shown := session.last_frame(0)) is not None and len(shown.request.style.edits) == 1)
    assert session.store.undo_name.endswith("GANSpace 1")
    session.undo()
    assert session.state == before
    assert made.slider.value == 0.0


def test_a_preview_steps_to_its_strength(panel: DirectionsPanel, session: Session) -> None:
    strip = panel.rows[0].strip
    at = QPointF(strip.width() - 6, strip.height() / 2).toPoint()
    QTest.mouseClick(strip, Qt.MouseButton.LeftButton, pos=at)
    assert session.look_of().edits[0].strength == 3.0
    wait_until(lambda: bool(panel._thumbnails._images))


def test_directions_of_one_model_leave_linked_views_of_another_alone(
    panel: DirectionsPanel, session: Session
) -> None:
    panel.rows[0].strip.chosen.emit(3.0)
    assert session.look_of(1).edits == session.look_of(0).edits, "edits are linked"
    assert len(session.resolve_view(0).style.edits) == 1
    assert session.resolve_view(1).style.edits == ()


def test_notes_last(panel: DirectionsPanel, session: Session, settings: Settings) -> None:
    made = panel.rows[2]
    key = made.key
    made.noted.emit({"is_starred": True, "name": "Ears", "entries": (0, 1)})
    first = panel.rows[0]
    assert (first.key, first.slider.label, first.entries) == (key, "Ears", (0, 1))
    note = DirectionNotes(settings).of(key)
    assert (note.name, note.is_starred, note.entries) == ("Ears", True, (0, 1))
    first.strip.chosen.emit(-1.5)
    (edit,) = session.look_of().edits
    assert isinstance(edit.value, Direction)
    assert (edit.value.entries, edit.value.name) == ((0, 1), "Ears")
    first.noted.emit({"entries": ()})
    (edit,) = session.look_of().edits
    assert isinstance(edit.value, Direction)
    assert edit.value.entries == ()


@pytest.mark.parametrize("text", ["", "no json", "[]", '{"a": 3, "b": {"name": 5, "entries": [-1, "x"]}}'])
def test_damaged_notes_are_left_out(settings: Settings, text: str) -> None:
    settings.set("directions", text)
    notes = DirectionNotes(settings)
    assert notes.of("b") == notes.of("none")


def test_steps_leave_locked_directions_alone(panel: DirectionsPanel, session: Session) -> None:
    panel.filter.setCurrentIndex(panel.filter.findData("sefa"))
    panel.filter.activated.emit(panel.filter.currentIndex())
    ganspace = next(item for item in session.directions.of(0) if item.method == "ganspace")
    raw = panel.rows[0].found
    assert raw is not None
    assert abs(float(raw.stored.array @ ganspace.stored.array)) > 1e-4
    panel._notes.change(ganspace.stored.key, is_locked=True)
    panel.show_more()
    moved = panel.rows[0].found
    assert moved is not None
    assert abs(float(moved.stored.array @ ganspace.stored.array)) < 1e-5


def test_directions_are_saved_and_opened(panel: DirectionsPanel, session: Session, tmp_path: Path) -> None:
    info = session.info(0)
    assert info is not None
    panel.save_to(tmp_path / "d.npz")
    wait_until((tmp_path / "d.npz").exists)  # it is written beside the window
    found = load_directions(tmp_path / "d.npz", info)
    assert len(found) == len(panel.listed())
    save_directions(tmp_path / "one.npz", replace(found.of([0]), names=("Mine",), method="a friend"))
    panel.open_file(str(tmp_path / "one.npz"))
    wait_until(lambda: panel.rows[0].slider.label == "Mine")
    problems: list[object] = []
    panel.problem.connect(problems.append)
    np.save(tmp_path / "bad.npy", np.ones((2, info.w_dim + 1)))
    panel.open_file(str(tmp_path / "bad.npy"))
    wait_until(lambda: bool(problems))
    assert "bad.npy" in str(problems[0])


def test_examples_teach_a_direction(panel: DirectionsPanel, session: Session) -> None:
    teaching = panel.teaching
    assert not teaching.learn.isEnabled()
    for strip, seeds in ((teaching.liked, (1, 2)), (teaching.unliked, (3,))):
        for seed in seeds:
            session.look.set_seed(seed)
            shown = session.look_of().latent
            wait_until(lambda: session.last_frame(0) is not None and not session.record(0).in_flight)
            teaching.add(strip)
            assert strip.examples[0].look.latent == shown
    teaching.learn.click()
    wait_until(lambda: any(item.method == "svm" for item in session.directions.of(0)))
    assert panel.rows[0].slider.label == "Taught 1"
    assert "difference of their means" in teaching.message.text()
    teaching.clear.click()
    assert not teaching.learn.isEnabled()


def test_the_camera_lock_gives_the_input_the_average_style(window: MainWindow, session: Session) -> None:
    """Only StyleGAN3 (view B) has a camera: the entry of `ws` that styles its input alone."""
    panel = window.findChild(TransformPanel)
    assert panel is not None
    assert panel.camera_lock.isHidden()
    session.views.set_active(1)
    assert not panel.camera_lock.isHidden()
    session.look.set_psi(0.8)
    for value in (0.25, 1.0):
        panel.camera_lock.pressed.emit()
        panel.camera_lock.moving.emit(value)
        panel.camera_lock.released.emit()
    assert panel.camera_lock.value == 1.0
    assert session.resolve_view(1).style.psi[:2] == (0.0, 0.8)
    session.undo()
    assert panel.camera_lock.value == pytest.approx(0.25)
    assert session.store.undo_name == "Camera lock"
    panel.camera_lock.enter(0.0)
    assert session.look_of().truncation.layer_psi == ()


def test_candidates_are_kept_rejected_and_sampled_again(panel: DirectionsPanel, session: Session) -> None:
    panel.sheet.click()
    (sheet,) = panel.findChildren(CandidateSheet)
    assert not sheet.take.isEnabled()
    first = sheet.found.vectors.copy()
    sheet.cells[5].keep.click()
    sheet.cells[7].drop.click()
    sheet.again.click()
    np.testing.assert_array_equal(sheet.found.vectors[0], first[5])
    assert sheet.kept() == [0]
    side = first[7] - (first[7] @ first[5]) * first[5]
    assert np.abs(sheet.found.vectors[1:] @ side).max() < 1e-5
    wait_until(lambda: bool(sheet._thumbnails._images))
    sheet.take.click()
    assert panel.rows[0].slider.label.startswith("Candidate")
    assert panel.rows[0].found is not None
    np.testing.assert_array_equal(panel.rows[0].found.stored.array, first[5])


# -- dropped on the window -------------------------------------------------------------------------------------


def unit(*shape: int) -> np.ndarray:
    x = np.random.RandomState(4).randn(*shape)
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def write(path: Path, vectors: np.ndarray) -> Path:
    """The vectors in the form of a suffix, as other programs write them."""
    match path.suffix:
        case ".npy":
            np.save(path, vectors)
        case ".npz":
            np.savez(path, lat_comp=vectors[:, None], lat_stdev=np.full(len(vectors), 2.0))
        case ".pt":
            torch.save({"ckpt": "model", "eigvec": torch.from_numpy(vectors.T.copy())}, path)
        case ".safetensors":
            save_file({"directions": vectors}, path)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt", ".safetensors"])
def test_a_file_of_directions_joins_the_list(
    panel: DirectionsPanel, window: MainWindow, session: Session, tmp_path: Path, suffix: str
) -> None:
    info = session.info(0)
    assert info is not None
    latent = session.look_of().latent
    vectors = unit(3, info.w_dim)
    window.files.open_many([str(write(tmp_path / f"mine{suffix}", vectors))], 0)
    wait_until(lambda: len(session.directions._added) == 1)
    found = session.directions.of(0)[:3]
    assert [item.stored.name for item in found] == ["mine 0", "mine 1", "mine 2"]
    np.testing.assert_allclose([item.stored.array for item in found], vectors, atol=1e-6)
    assert all(item.stored.sigma == 2.0 if suffix == ".npz" else 0.0 < item.stored.sigma != 1.0 for item in found)
    assert panel.rows[0].slider.label == "mine 0"
    assert "3 directions of mine" in window.toast.text
    assert session.look_of().latent == latent
    panel.rows[0].strip.chosen.emit(3.0)
    assert len(session.resolve_view(0).style.edits) == 1


def test_what_could_be_a_latent_is_decided_by_its_length_and_can_be_opened_as_one(
    panel: DirectionsPanel, window: MainWindow, session: Session, tmp_path: Path
) -> None:
    info = session.info(0)
    assert info is not None
    np.save(tmp_path / "latent.npy", 3.0 * unit(info.num_ws, info.w_dim))
    window.files.open_many([str(tmp_path / "latent.npy")], 0)
    wait_until(lambda: bool(session.look_of().latent.stored))
    assert not session.directions._added
    session.undo()
    np.save(tmp_path / "smile.npy", unit(info.num_ws, info.w_dim))
    window.files.open_many([str(tmp_path / "smile.npy")], 0)
    wait_until(lambda: bool(session.directions._added))
    assert "length one" in window.toast.text
    assert not session.look_of().latent.stored
    window.toast.button.click()
    wait_until(lambda: bool(session.look_of().latent.stored))


def test_directions_of_another_shape_are_explained(
    panel: DirectionsPanel, window: MainWindow, session: Session, tmp_path: Path
) -> None:
    info = session.info(0)
    assert info is not None
    window.files.open_many([str(write(tmp_path / "other.npz", unit(2, info.w_dim + 1)))], 0)
    banner = window.views.panes[0].banner
    wait_until(lambda: "other.npz" in banner.text)
    assert "no directions of this model" in banner.text
    assert str(info.w_dim) in banner.text


def test_directions_of_all_styles_are_known_by_their_shape(session: Session, tmp_path: Path) -> None:
    info = session.info(0)
    assert info is not None
    styles = sum(layer.style_dim for layer in info.styled_layers)
    np.save(tmp_path / "s.npy", 5.0 * unit(2, styles))
    assert directions_in(tmp_path / "s.npy", info) == "shape"
    assert directions_in(tmp_path / "s.npy", None) == ""
    np.save(tmp_path / "z.npy", 5.0 * unit(2, info.w_dim))
    assert directions_in(tmp_path / "z.npy", info) == ""
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    assert directions_in(tmp_path / "broken.npy", info) == ""
