"""The model panel: cards, model_info, loading, dropping, and classes one by one or mixed."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMenu

from explorer.session import Session
from explorer.session.render_service import RenderService
from explorer.state import Classes, ExplorerState, ViewState
from explorer.state.request import RenderSettings
from explorer.testing.mobile_writer import lightning_value
from explorer.util.report import Report
from explorer.widgets.panels.model.class_weights import ClassSearch, ClassWeights
from explorer.widgets.panels.model.model_panel import ModelPanel
from tests.generators.configs import small_generator
from tests.gui.hands import press, pull, release
from tests.gui.panel_session import OPEN_MS, open_model, panel_session

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

__all__ = ["panel_session"]
MakeSession = Callable[[str], Session]
COPY = Qt.DropAction.CopyAction
LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@dataclass
class Calls:
    """Stands in for the window's files, which ask questions in dialogs."""

    calls: list[tuple[object, ...]] = field(default_factory=list)
    menu: QMenu = field(default_factory=QMenu)

    def open_model(self, path: str, view: int) -> None:
        self.calls.append(("open", path, view))

    def open_beside(self, path: str) -> None:
        self.calls.append(("beside", path))

    def open_many(self, paths: list[str], view: int | None = None) -> None:
        self.calls.append(("drop", paths, view))

    def ask_model(self, view: int) -> None:
        self.calls.append(("ask", view))

    def recent_menu(self) -> QMenu:
        self.menu.addAction("a.pkl", lambda: self.calls.append(("recent", "a.pkl")))
        return self.menu


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two bundled models: one with a thumbnail, one without."""
    for name in ("critters-stylegan2", "critters-stylegan3-t"):
        header = json.dumps({"__metadata__": {"family": "stylegan", "title": f"The {name}"}}).encode()
        (tmp_path / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    image = QImage(96, 96, QImage.Format.Format_RGB32)
    image.fill(0xFF8800)
    assert image.save(str(tmp_path / "critters-stylegan2.png"))
    monkeypatch.setenv("LATENTWALK_ASSETS", str(tmp_path))
    return tmp_path


def shown(session: Session, qtbot: QtBot) -> tuple[ModelPanel, Calls]:
    files = Calls()
    panel = ModelPanel(session, files)
    qtbot.addWidget(panel)
    panel.resize(300, 420)
    panel.show()
    return panel, files


def test_cards_open_bundled_models_in_the_active_view(
    assets: Path, panel_session: MakeSession, qtbot: QtBot
) -> None:
    session = panel_session("")
    panel, files = shown(session, qtbot)
    assert [card.accessibleName() for card in panel.cards] == ["The critters-stylegan2", "The critters-stylegan3-t"]
    qtbot.mouseClick(panel.cards[1], LEFT, pos=QPoint(60, 20))
    session.views.set_active(1)
    panel.cards[0].setFocus()
    qtbot.keyClick(panel.cards[0], Qt.Key.Key_Return)
    assert files.calls == [("open", "critters-stylegan3-t", 0), ("open", "critters-stylegan2", 1)]
    session.edit_view(1, "model", model="critters-stylegan2")
    assert panel.cards[0].views == (1,)


def test_buttons_ask_the_window(panel_session: MakeSession, qtbot: QtBot) -> None:
    panel, files = shown(panel_session(""), qtbot)
    qtbot.mouseClick(panel.open, LEFT)
    assert files.calls == [("ask", 0)]
    qtbot.mouseClick(panel.recent, LEFT)
    assert files.menu.isVisible()
    assert [action.text() for action in files.menu.actions()] == ["a.pkl"]
    files.menu.close()


def test_table_of_the_active_view(panel_session: MakeSession, qtbot: QtBot) -> None:
    session = panel_session("")
    panel, _ = shown(session, qtbot)
    assert panel.nothing.isVisible()
    assert not panel.table.isVisible()
    open_model(qtbot, session, "classy")
    assert not panel.nothing.isVisible()
    values = {key: value.full for key, value in panel.table.values.items()}
    assert values["latents"] == "z 8   w 8   ws 5"
    assert values["classes"] == "5"
    assert values["resolution"] == "16\u00d716 RGB"
    assert values["licence"] == "MIT"
    assert panel.name.full == "A   classy"
    assert not panel.table.copy.isVisible()
    qtbot.mouseClick(panel.table.more, LEFT)
    qtbot.mouseClick(panel.table.copy, LEFT)
    model_info = session.model_info(0)
    assert model_info is not None
    assert QGuiApplication.clipboard().text() == model_info.sha256
    session.views.set_active(1)
    assert panel.nothing.isVisible()


def test_a_second_network_in_the_file_is_offered_and_opens_in_a_view_of_its_own(
    tmp_path: Path, qapp: QApplication, qtbot: QtBot
) -> None:
    torch.manual_seed(0)
    student, teacher = (small_generator(name) for name in ("mobilestylegan", "stylegan2-skip"))
    path = str(tmp_path / "mobile.ckpt")
    torch.save(lightning_value(student, teacher), path)
    state = ExplorerState(views=(ViewState(),), layout="grid")
    session = Session(state=state, service=RenderService(), settings=RenderSettings("cpu", "float32"))
    try:
        panel, files = shown(session, qtbot)
        assert not panel.part.isVisible()
        session.models.request(0, path)
        qtbot.waitUntil(lambda: session.model_info(0) is not None, timeout=OPEN_MS)
        assert session.look_of().truncation.psi == 0.5
        assert (panel.part.isVisible(), panel.part.text()) == (True, "Open teacher")
        qtbot.mouseClick(panel.part, LEFT)
        assert files.calls == [("beside", f"{path}#teacher")]
        session.views.add(f"{path}#teacher")
        qtbot.waitUntil(lambda: session.last_frame(1) is not None, timeout=OPEN_MS)
        first, second = session.model_info(0), session.model_info(1)
        assert first is not None
        assert second is not None
        assert (first.family, second.family) == ("mobilestylegan", "stylegan2")
        assert not panel.part.isVisible()  # the teacher is active now, and holds nothing else
        assert panel.cards[-1].accessibleName() == "mobile.ckpt#teacher"
        session.undo()
        assert len(session.state.views) == 1
    finally:
        assert session.close()


def test_loading_shows_progress_and_can_be_cancelled(panel_session: MakeSession, qtbot: QtBot) -> None:
    session = panel_session("tiny")
    panel, _ = shown(session, qtbot)
    assert not panel.progress.isVisible()
    session.models.request(0, "wide")
    assert panel.progress.isVisible()
    qtbot.mouseClick(panel.cancel, LEFT)
    assert not panel.progress.isVisible()
    assert panel.name.full == "A   tiny"
    assert session.store.state.views[0].model == "tiny"
    session.loading.emit(0, Report(None, 1, 4, "/far/away/large.pkl"))
    assert panel.progress.fraction == 0.25
    assert panel.loading_label.full == "Loading:  large.pkl   25 %"
    session.loading.emit(1, Report(None, 1, 2, "other"))  # of a view that is not looked at
    assert panel.progress.fraction == 0.25
    session.loading_ended.emit(0)
    assert not panel.progress.isVisible()


def test_dropped_models_are_opened_and_other_files_left_to_the_window(
    panel_session: MakeSession, qtbot: QtBot
) -> None:
    panel, files = shown(panel_session(""), qtbot)

    def enter(*paths: str) -> bool:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path) for path in paths])
        event = QDragEnterEvent(QPoint(50, 50), COPY, data, LEFT, NO_KEYS)
        event.ignore()
        QApplication.sendEvent(panel, event)
        if event.isAccepted():
            QApplication.sendEvent(panel, QDropEvent(QPointF(50, 50), COPY, data, LEFT, NO_KEYS))
        return event.isAccepted()

    assert enter("/m/one.pkl")
    assert not enter("/m/latent.npy")
    assert enter("/m/one.pkl", "/m/two.pkl")
    assert files.calls == [("drop", ["/m/one.pkl"], 0), ("drop", ["/m/one.pkl", "/m/two.pkl"], None)]


# classes -------------------------------------------------------------------------------------------------


@pytest.fixture
def classes(panel_session: MakeSession, qtbot: QtBot) -> ClassWeights:
    return shown(panel_session("classy"), qtbot)[0].classes


def weights(widget: ClassWeights) -> tuple[tuple[int, float], ...]:
    return widget.session.look_of().classes.weights


def type_class(search: ClassSearch, text: str, qtbot: QtBot) -> None:
    line = search.lineEdit()
    assert line is not None
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def test_one_class_is_found_by_any_part_of_its_name(classes: ClassWeights, qtbot: QtBot) -> None:
    assert classes.search.currentText() == "0  cat"
    type_class(classes.search, "EN", qtbot)
    assert weights(classes) == ((3, 1.0),)
    assert classes.search.currentText() == "3  hen"
    assert classes.session.store.undo_name == "Class"
    type_class(classes.search, "no such beast", qtbot)
    assert weights(classes) == ((3, 1.0),)
    assert classes.search.currentText() == "3  hen"
    classes.session.undo()
    assert classes.search.currentText() == "0  cat"


def test_a_long_class_name_shows_its_beginning(classes: ClassWeights) -> None:
    line = classes.search.lineEdit()
    assert line is not None
    classes.search.set_names(["a first class " * 20, "another class " * 20])
    for index in (0, 1):
        classes.search.show_class(index)
        assert line.cursorPosition() == 0


def test_arrow_keys_step_through_classes(classes: ClassWeights, qtbot: QtBot) -> None:
    qtbot.keyClick(classes.search, Qt.Key.Key_Down)
    qtbot.keyClick(classes.search, Qt.Key.Key_Down)
    assert weights(classes) == ((2, 1.0),)


def test_mixing_adds_weighs_and_drops(classes: ClassWeights, qtbot: QtBot) -> None:
    qtbot.mouseClick(classes.mode.buttons["mix"], LEFT)
    assert classes.rows[0].isVisible()
    assert not classes.rows[0].remove.isEnabled()  # the last one stays
    type_class(classes.search, "owl", qtbot)
    assert weights(classes) == ((0, 1.0), (4, 1.0))
    assert classes.search.currentText() == ""
    slider = classes.rows[1].slider
    press(slider, QPointF(slider.groove().position_of(1.0), 12))
    pull(slider, QPointF(slider.groove().position_of(0.5), 12))
    release(slider, QPointF(slider.groove().position_of(0.5), 12))
    (_, first), (owl, second) = weights(classes)
    assert (first, owl) == (1.0, 4)
    assert second == pytest.approx(0.5, abs=0.03)
    assert classes.session.store.undo_name == "Class weight"
    assert "33 %" in slider.toolTip()
    slider.enter(0.0)
    assert weights(classes)[1][1] == pytest.approx(0.01)  # still there to be pulled up again
    qtbot.mouseClick(classes.rows[0].remove, LEFT)
    assert [i for i, _ in weights(classes)] == [4]
    assert classes.is_mix
    qtbot.mouseClick(classes.mode.buttons["one"], LEFT)
    assert classes.search.currentText() == "4  owl"
    assert not classes.rows[0].isVisible()


def test_leaving_a_mix_keeps_its_heaviest_class(classes: ClassWeights, qtbot: QtBot) -> None:
    classes.session.look.set_class_weights([(1, 0.2), (2, 0.9), (3, 0.4)])
    assert classes.is_mix
    assert [row.slider.label for row in classes.rows] == ["dog", "fox", "hen"]
    qtbot.mouseClick(classes.mode.buttons["one"], LEFT)
    assert classes.session.look_of().classes == Classes(((2, 1.0),))


def test_a_thousand_classes_stay_usable(panel_session: MakeSession, qtbot: QtBot) -> None:
    panel, _ = shown(panel_session("thousand"), qtbot)
    classes = panel.classes
    type_class(classes.search, "707", qtbot)
    assert weights(classes) == ((707, 1.0),)
    type_class(classes.search, "70", qtbot)  # 70 itself comes before 700 to 709 and 170
    assert weights(classes) == ((70, 1.0),)
    completer = classes.search.completer()
    assert completer is not None
    assert completer.filterMode() == Qt.MatchFlag.MatchContains


def test_unconditional_models_have_no_classes_to_choose(panel_session: MakeSession, qtbot: QtBot) -> None:
    panel, _ = shown(panel_session("tiny"), qtbot)
    assert not panel.classes.isVisible()
    assert panel.table.values["classes"].full == "none"
