"""Files are read before anything is asked, beside the window; missing models, crashes and failures stay said."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QToolButton

from explorer.assets.table import AssetTable
from explorer.project.document import write_project
from explorer.session import Session
from explorer.session.recovery import Recovery
from explorer.session.settings import Settings
from explorer.state import ExplorerState, Latent, Look, ViewState
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import flush, wait_until


@pytest.fixture
def asked(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the user was asked; the answer is Discard."""
    questions: list[str] = []

    def answer(*arguments: object) -> QMessageBox.StandardButton:
        questions.append(str(arguments[2]))
        return QMessageBox.StandardButton.Discard

    monkeypatch.setattr(QMessageBox, "question", answer)
    window.asks_before_discarding = True
    yield questions  # type: ignore[misc]
    window.asks_before_discarding = False


def drop_on(window: MainWindow, view: int, path: Path) -> None:
    pane = window.views.panes[view]
    at = QPointF(pane.mapTo(window, pane.rect().center()))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(int(at.x()), int(at.y())), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    QApplication.sendEvent(window, QDropEvent(at, Qt.DropAction.CopyAction, data, buttons, keys))


def button(window: MainWindow, text: str) -> QToolButton:
    buttons = window.notices.strip.findChildren(QToolButton)
    return next(b for b in buttons if b.text() == text and b.isVisible())


# -- reading before asking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain.png", "text.json", "gone.json", "plain.mp4"])
def test_a_file_that_is_not_a_project_asks_nothing_and_changes_nothing(
    window: MainWindow, session: Session, asked: list[str], tmp_path: Path, name: str
) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "plain.png")
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "plain.mp4").write_bytes(b"\0" * 64)
    session.look.set_seed(7)
    state = session.state
    window.files.open_path(str(tmp_path / name))
    banner = window.views.panes[0].banner
    wait_until(lambda: name in banner.text)
    assert banner.text.count(name) == 1
    assert asked == []
    assert session.state == state


def test_a_project_is_asked_about_once_it_was_read(
    window: MainWindow, session: Session, asked: list[str], tmp_path: Path
) -> None:
    write_project(tmp_path / "p.json", replace(session.state, shared=Look(Latent(41))))
    session.look.set_seed(7)
    window.files.open_path(str(tmp_path / "p.json"))
    wait_until(lambda: session.look_of().latent.seed == 41)
    assert len(asked) == 1


@pytest.mark.parametrize("view", [0, 1])
def test_the_banner_is_where_the_file_was_dropped_and_goes_with_a_new_project(
    window: MainWindow, session: Session, tmp_path: Path, view: int
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    session.views.set_active(1 - view)
    drop_on(window, view, tmp_path / "photo.jpg")
    banners = [pane.banner for pane in window.views.panes]
    wait_until(lambda: "photo.jpg" in banners[view].text)
    assert not banners[1 - view].text
    window.files.new_project()
    assert not banners[view].text


def test_the_next_file_at_a_view_clears_the_message_of_the_last(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"x")
    banners = [pane.banner for pane in window.views.panes]
    for view in range(2):
        drop_on(window, view, tmp_path / "photo.jpg")
        wait_until(lambda view=view: "photo.jpg" in banners[view].text)  # type: ignore[misc]
    name = session.state.views[1].model
    window.files.open_model(name, 0)
    assert not banners[0].text
    assert banners[1].text, "that one is about another view"
    drop_on(window, 1, tmp_path / "gone.json")
    wait_until(lambda: "gone.json" in banners[1].text)
    assert "photo.jpg" not in banners[1].text


# -- beside the window ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
@pytest.mark.parametrize("name", ["f.json", "f.png", "f.mp4", "f.gif", "f.npy", "f.npz", "f.pt", "f.safetensors"])
def test_a_fifo_is_refused_and_holds_up_nothing(
    window: MainWindow, session: Session, tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    window.files.open_path(str(tmp_path / name))
    wait_until(lambda: name in window.views.panes[0].banner.text)
    wait_until(lambda: not session.reading.is_busy)


@pytest.fixture
def slow_drive(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Projects are on a drive that hangs until the returned function is called."""

    from explorer.project import document

    gate, load = threading.Event(), document.load_project

    def wait(path: Path) -> document.Project:
        gate.wait()
        return load(path)

    monkeypatch.setattr(document, "load_project", wait)
    yield gate.set
    gate.set()


def test_the_window_lives_while_a_drive_hangs(
    window: MainWindow, session: Session, tmp_path: Path, slow_drive: Callable[[], None]
) -> None:
    write_project(tmp_path / "p.json", replace(session.state, shared=Look(Latent(41))))
    session.reading._slow.setInterval(10)
    window.files.open_project(str(tmp_path / "p.json"))
    session.reading._slow.start(10)
    card = window.files._card
    assert card is not None
    wait_until(card.isVisible)
    assert "p.json" in card.message.text()
    session.look.set_seed(5)
    wait_until(lambda: not session.is_refining(0))  # pictures go on
    card.cancelled.emit()
    assert not card.isVisible()
    slow_drive()
    (tmp_path / "q.json").write_bytes((tmp_path / "p.json").read_bytes())
    assert session.look_of().latent.seed == 5
    window.files.open_project(str(tmp_path / "q.json"))
    wait_until(lambda: session.look_of().latent.seed == 41)


def test_what_is_opened_later_takes_the_place_of_what_is_read(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    for seed in (1, 2):
        write_project(tmp_path / f"{seed}.json", replace(session.state, shared=Look(Latent(seed))))
        window.files.open_project(str(tmp_path / f"{seed}.json"))
    wait_until(lambda: session.look_of().latent.seed == 2)
    wait_until(lambda: not session.reading.is_busy)
    flush()
    assert session.look_of().latent.seed == 2


# -- missing models ------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `new` with models that a project elsewhere names by places where they are no more."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    shutil.copy(assets / "other-stylegan2.safetensors", old / "one.safetensors")
    shutil.copy(assets / "critters-stylegan3-t.safetensors", old / "two.safetensors")
    views = tuple(ViewState(model=str(old / f"{name}.safetensors")) for name in ("one", "two"))
    (tmp_path / "work").mkdir()
    write_project(tmp_path / "work" / "p.json", ExplorerState(views=views))  # `new` is neither beside nor below it
    old.rename(new)
    return new


def test_missing_models_are_asked_for_once(
    window: MainWindow, session: Session, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.files.open_path(str(elsewhere.parent / "work" / "p.json"))
    strip = window.notices.strip
    wait_until(lambda: bool(strip.text("missing")))
    assert "one.safetensors, two.safetensors are missing" in strip.text("missing")
    assert button(window, "Locate one.safetensors\u2026").isVisible()
    chosen = str(elsewhere / "two.safetensors")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (chosen, ""))
    button(window, "Locate two.safetensors\u2026").click()
    wait_until(lambda: session.state.views[1].model == chosen)
    assert session.state.views[0].model == str(elsewhere / "one.safetensors")  # lay beside it
    wait_until(lambda: all(session.record(v).model == session.state.views[v].model for v in range(2)))
    assert not strip.isVisible()
    assert session.store.undo_name == "Locate model"
    assert window.isWindowModified()


def test_a_located_model_is_used_by_all_views_that_name_it(
    window: MainWindow, session: Session, elsewhere: Path
) -> None:
    views = (ViewState(model="/gone/x.safetensors"),) * 2
    write_project(elsewhere.parent / "work" / "q.json", ExplorerState(views=views))
    window.files.open_path(str(elsewhere.parent / "work" / "q.json"))
    wait_until(lambda: bool(window.notices.strip.text("missing")))
    from explorer.project.document import load_project
    from explorer.project.model_search import find_models

    found = find_models(load_project(elsewhere.parent / "work" / "q.json"))
    window.notices.locate_model(found, found.missing[0], str(elsewhere / "one.safetensors"))
    wait_until(lambda: all(session.record(v).model.endswith("one.safetensors") for v in range(2)))


def test_another_network_at_the_place_opens_with_a_warning(
    window: MainWindow, session: Session, elsewhere: Path
) -> None:
    data = json.loads((elsewhere.parent / "work" / "p.json").read_bytes())
    data["models"] = [
        {"name": view["model"], "relative": f"../new/{Path(view['model']).name}", "sha256": "0" * 64}
        for view in data["state"]["views"]
    ]
    (elsewhere.parent / "work" / "p.json").write_text(json.dumps(data))
    window.files.open_path(str(elsewhere.parent / "work" / "p.json"))
    wait_until(lambda: "is not the network" in window.notices.strip.text("changed"))
    wait_until(lambda: session.record(0).model == str(elsewhere / "one.safetensors"))
    window.files.new_project()
    assert not window.notices.strip.isVisible()


# -- failures and crashes ------------------------------------------------------------------------------------------


def test_a_failing_autosave_stays_shown_until_it_works(window: MainWindow, session: Session) -> None:
    session.documents.autosaver.problem.emit("Autosave failed: No space left on device.")
    strip = window.notices.strip
    assert "No space left" in strip.text("autosave")
    assert button(window, "Save as\u2026").isVisible()
    assert not any(b.isVisible() for b in strip.findChildren(QToolButton) if b.text() == "Dismiss")
    window.files.new_project()
    assert strip.isVisible()
    session.documents.autosaver.problem.emit("")
    assert not strip.isVisible()


@pytest.fixture
def after_crashes(qapp: QApplication, settings: Settings, tmp_path: Path) -> Iterator[MainWindow]:
    """A window that starts after two programs crashed, the second one later."""
    for seed in (1, 2):
        crashed = Recovery(tmp_path / "recovery", f"crashed{seed}")
        crashed.save(ExplorerState(shared=Look(Latent(seed))), AssetTable())
        crashed.close(keep=True)
        os.utime(crashed.path, (seed * 1e6, seed * 1e6))
    session = Session(recovery=Recovery(tmp_path / "recovery", "this"))
    window = MainWindow(settings)
    window.asks_before_discarding = False
    window.attach(session)
    window.show()
    yield window
    window.close()
    window.deleteLater()
    flush()
    assert session.close()
    session.deleteLater()
    flush()


def test_crashed_sessions_are_offered_one_after_the_other(after_crashes: MainWindow, tmp_path: Path) -> None:
    window, session = after_crashes, after_crashes.session
    assert session is not None
    window.notices.offer_recovery()
    assert "1 older session is kept" in window.notices.strip.text("recovery")
    button(window, "Discard").click()
    assert (tmp_path / "recovery" / "recovery-crashed1.json").exists()
    assert not (tmp_path / "recovery" / "recovery-crashed2.json").exists()
    button(window, "Restore").click()
    wait_until(lambda: session.look_of().latent.seed == 1)
    assert not window.notices.strip.isVisible()
    wait_until(lambda: not (tmp_path / "recovery" / "recovery-crashed1.json").exists())
    assert (tmp_path / "recovery" / "recovery-this.json").exists()
