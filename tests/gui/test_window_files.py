"""Files dropped on the window, opened and saved by it, and what it says of those it cannot use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtWidgets import QApplication, QMessageBox, QToolButton

from explorer.dragging.benchmark_files import SeededDrag, write_drags
from explorer.project.file_kinds import kind_of
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state.view_layout import MAX_VIEWS
from explorer.widgets.panels.latent.mixing_panel import MixingPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until
from tests.gui.test_panels import panel


def drop(window: MainWindow, paths: list[Path], at: tuple[float, float]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(int(at[0]), int(at[1])), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(*at), Qt.DropAction.CopyAction, data, buttons, keys))


def test_a_bad_file_leaves_the_model_that_was_there(window: MainWindow, session: Session, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pkl"
    bad.write_text("<html>404</html>")
    image = window.views.panes[0].image.image
    window.files.open_model(str(bad), 0)
    wait_until(lambda: "bad.pkl" in window.views.panes[0].banner.text)
    assert session.state.views[0].model == "critters-stylegan2"
    assert window.views.panes[0].image.image is image


def test_a_dropped_model_loads_where_it_was_dropped(
    window: MainWindow, session: Session, assets: Path, settings: Settings
) -> None:
    path = assets / "other-stylegan2.safetensors"
    at = window.views.panes[1].mapTo(window, window.views.panes[1].rect().center())
    drop(window, [path], (at.x(), at.y()))
    wait_until(lambda: session.state.views[1].model == str(path))
    assert settings.recent() == [str(path.resolve())]
    menu = window.menus["recent"]
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == path.name


def test_two_dropped_models_go_to_a_and_b(window: MainWindow, session: Session, assets: Path) -> None:
    paths = [assets / "other-stylegan2.safetensors", assets / "critters-stylegan2.safetensors"]
    drop(window, paths, (600, 400))
    wait_until(lambda: [v.model for v in session.state.views] == [str(p) for p in paths])


def test_a_dropped_latent_is_shown(window: MainWindow, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "mine.npy"
    info = session.info(0)
    assert info is not None
    np.save(path, np.zeros((info.num_ws, info.w_dim), np.float32))
    session.views.show(0)
    drop(window, [path], (600, 400))
    wait_until(lambda: bool(session.look_of().latent.stored))
    assert session.look_of().latent.stored in session.table
    wait_until(lambda: not session.is_refining(0))
    assert not np.any(session.record(0).frame.latents.ws)


def test_dropped_points_to_drag_are_shown_in_the_picture_that_they_were_dropped_on(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "points.jsonl"
    write_drags(path, [SeededDrag(12, ((4.0, 5.0),), ((6.0, 7.0),))])
    at = window.views.panes[1].mapTo(window, window.views.panes[1].rect().center())
    drop(window, [path], (at.x(), at.y()))
    wait_until(lambda: session.dragging.handles == ((4.0, 5.0),))
    assert session.dragging.view == 1
    assert session.look_of(1).latent.seed == 12
    assert session.store.undo_name == "Open points"


def test_a_latent_that_fits_two_ways_asks_which(window: MainWindow, session: Session, tmp_path: Path) -> None:
    info = session.info(0)
    assert info is not None
    assert info.z_dim == info.w_dim, "the case that shapes cannot tell"
    path = tmp_path / "vector.npy"
    np.save(path, np.ones(info.z_dim, np.float32))
    window.files.open_path(str(path))
    banner = window.views.panes[0].banner
    wait_until(banner.isVisible)
    buttons = {b.text(): b for b in banner.findChildren(QToolButton) if b.isVisible()}
    assert {"It is z", "It is w"} <= set(buttons)
    assert not session.look_of().latent.stored
    buttons["It is w"].click()
    wait_until(lambda: bool(session.look_of().latent.stored))
    assert session.table.latent(session.look_of().latent.stored).space == "w"
    assert not banner.isVisible()


def test_a_picture_carries_its_project(window: MainWindow, session: Session, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    session.look.set_seed(99)
    session.look.set_psi(0.6)
    path = tmp_path / "picture.png"
    with qtbot.waitSignal(session.documents.saved_file):
        window.files.save_picture(path)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (32, 32)
    session.look.reset()
    session.look.set_seed(1)
    drop(window, [path], (600, 400))
    wait_until(lambda: session.look_of().latent.seed == 99)
    assert session.look_of().truncation.psi == 0.6
    assert not window.isWindowModified()


def test_projects_are_saved_opened_and_marked(window: MainWindow, session: Session, tmp_path: Path) -> None:
    session.look.set_seed(7)
    assert window.isWindowModified()
    path = tmp_path / "walk.json"
    assert window.files._save_to(path)
    assert not window.isWindowModified()
    assert window.windowTitle().startswith("walk.json")
    session.look.set_seed(8)
    assert window.isWindowModified()
    window.files.open_project(str(path))
    wait_until(lambda: session.look_of().latent.seed == 7)


def test_closing_asks_only_about_unsaved_changes(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    answers = [QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard]

    def answer(*arguments: object) -> QMessageBox.StandardButton:
        asked.append(str(arguments[2]))
        return answers[len(asked) - 1]

    monkeypatch.setattr(QMessageBox, "question", answer)
    window.asks_before_discarding = True
    assert window.files.may_discard()
    assert asked == []
    session.look.set_seed(3)
    assert not window.close()
    assert window.isVisible()
    assert window.close()
    assert len(asked) == 2


def test_state_as_text(window: MainWindow, session: Session) -> None:
    session.look.set_seed(31)
    session.look.set_psi(0.4)
    window.commands.copy_state()
    session.look.reset()
    session.look.set_seed(0)
    window.commands.paste()
    assert session.look_of().latent.seed == 31
    assert session.look_of().truncation.psi == 0.4
    assert session.store.undo_name == "Paste state"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.pkl", "model"),
        ("a.ckpt", "model"),
        ("a.npy", "latent"),
        ("a.npz", "latent"),
        ("a.json", "project"),
        ("a.PNG", "project"),
        ("a.txt", "unknown"),
    ],
)
def test_kinds_of_files(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_safetensors_are_told_apart_by_what_they_hold(assets: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "latent.safetensors"
    save_file({"w": np.zeros(8, np.float32)}, path)
    assert kind_of(str(path)) == "latent"
    assert kind_of(str(assets / "critters-stylegan2.safetensors")) == "model"


def test_a_small_torch_file_is_a_model_if_it_holds_one(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "stylegan2.pt"
    torch.save({"g_ema": {"style.1.weight": torch.zeros(2, 2)}, "latent_avg": torch.zeros(2)}, path)
    assert kind_of(str(path)) == "model"
    torch.save({"w": torch.zeros(8)}, path)
    assert kind_of(str(path)) == "latent"


def test_an_unknown_file_is_refused(window: MainWindow) -> None:
    window.files.open_path("/nowhere/notes.txt")
    wait_until(lambda: "notes.txt" in window.views.panes[0].banner.text)


def test_a_misfit_offers_its_cures_as_buttons_that_are_whole(window: MainWindow, session: Session) -> None:
    session.look.use_stored(session.documents.store_latent("w"))
    banner = window.views.panes[1].banner
    wait_until(lambda: banner.isVisible())
    buttons = [button for button in banner._offers if not button.isHidden()]
    assert [button.text() for button in buttons] == ["Unlink latent in B", "Convert to this model", "Use seed 0"]
    for button in buttons:
        assert button.height() >= button.sizeHint().height()
        assert banner.rect().contains(button.geometry())
    buttons[1].click()
    wait_until(lambda: not banner.isVisible() and session.last_failure(1) is None)
    assert session.store.undo_name == "Convert latent"
    wait_until(lambda: not session.is_refining(1))


def test_a_pinned_walked_latent_is_shown_by_both_models(window: MainWindow, session: Session) -> None:
    session.look.set_seed(22251)
    session.look.walk(0.27, 0.18)
    mixing = panel(window, MixingPanel)
    mixing.source_rows[0].pinned.emit(0)
    session.look.set_mix(1, 0, 0.8)
    session.look.set_seed(5)
    wait_until(lambda: not any(session.is_refining(view) for view in range(2)))
    assert not any(pane.banner.isVisible() for pane in window.views.panes)
    assert mixing.source_rows[0].seed.text() == "seed 22251 +0.27 +0.18"


def test_a_misfit_can_be_converted_when_it_is_pasted(window: MainWindow, session: Session) -> None:
    session.look.use_stored(session.documents.store_latent("w"))
    text = session.documents.copy_latent_text()
    session.look.set_seed(1)
    session.views.set_active(1)
    window.files.paste_latent(text)
    banner = window.views.panes[1].banner
    (offer,) = [button for button in banner._offers if not button.isHidden()]
    offer.click()
    stored = session.look_of(1).latent.stored
    assert session.table.latent(stored).model_sha == session.model_info(1).sha256  # type: ignore[union-attr]


def test_a_network_beside_another_opens_in_a_new_view_while_there_is_room(
    window: MainWindow, session: Session, assets: Path
) -> None:
    path = str(assets / "other-stylegan2.safetensors")
    count = len(session.state.views)
    for added in range(count, MAX_VIEWS):
        window.files.open_beside(path)
        assert [len(session.state.views), session.state.views[added].model] == [added + 1, path]
    session.views.set_active(0)
    window.files.open_beside(path)
    wait_until(lambda: session.state.views[0].model == path)
    assert len(session.state.views) == MAX_VIEWS
