"""Gestures are one step of undo each, whatever they begin and end with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMessageBox, QWidget

from explorer.render.results import RenderFailed
from explorer.session import Session
from explorer.session.lab import LabPicture
from explorer.session.settings import Settings
from explorer.state import Edit, Layout, Offset
from explorer.widgets.controls.gesture_timeout import GestureTimeout
from explorer.widgets.controls.save_dialog import ask_file, with_suffix_of
from explorer.widgets.panels.latent.truncation_panel import TruncationPanel
from explorer.widgets.panels.synthesis.pads import Dial, MovePad
from explorer.widgets.panels.synthesis.transform_panel import TransformPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import drag, flush, wait_until
from tests.gui.hands import double_click, press, release


def steps(session: Session) -> list[str]:
    """The names of the undo steps, the first first."""
    GestureTimeout.finish_pending()
    found = []
    while session.store.can_undo:
        found.append(session.store.undo_name)
        session.undo()
    for _ in found:
        session.redo()
    return found[::-1]


@pytest.fixture
def psi(window: MainWindow) -> TruncationPanel:
    panel = window.findChild(TruncationPanel)
    assert isinstance(panel, TruncationPanel)
    return panel


def test_a_double_click_on_the_groove_is_one_step(session: Session, psi: TruncationPanel) -> None:
    session.look.set_psi(0.5)
    groove = psi.psi.groove().rect
    double_click(psi.psi, QPointF(groove.left() + 9, groove.center().y()))
    assert session.look_of().truncation.psi == 1.0
    assert len(steps(session)) == 2
    session.undo()
    assert session.look_of().truncation.psi == 0.5


@pytest.mark.parametrize(("kind", "field"), [(MovePad, "x"), (Dial, "rotate")])
def test_a_double_click_on_a_pad_is_one_step(
    window: MainWindow, session: Session, kind: type[QWidget], field: str
) -> None:
    session.views.set_active(1)
    session.look.set_transform(**{field: 0.25})
    pad = window.findChild(kind)
    assert pad is not None
    double_click(pad, QPointF(80, 30))
    assert getattr(session.look_of().transform, field) == 0.0
    assert len(steps(session)) == 2
    session.undo()
    assert getattr(session.look_of().transform, field) == 0.25


def test_a_click_on_the_groove_becomes_a_step_by_itself(session: Session, psi: TruncationPanel) -> None:
    groove = psi.psi.groove().rect
    drag(psi.psi, [(groove.left() + 9, groove.center().y())])
    wait_until(lambda: not session.store.in_stroke)
    assert len(steps(session)) == 1


def test_an_action_right_after_the_wheel_is_its_own_step(
    window: MainWindow, session: Session, psi: TruncationPanel
) -> None:
    psi.psi.setFocus()
    QTest.keyClick(psi.psi, Qt.Key.Key_Left)
    assert session.store.in_stroke
    QTest.keyClick(psi.psi, Qt.Key.Key_R)
    assert not session.store.in_stroke
    assert steps(session) == ["Truncation psi", "Random seed"]


def test_a_held_arrow_is_one_step(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    image.setFocus()
    for _ in range(5):
        QTest.keyClick(image, Qt.Key.Key_Right)
    QTest.keyClick(image, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert steps(session) == ["Walk", "Move picture"]


def test_the_welcome_drift_does_not_come_back(window: MainWindow, session: Session, psi: TruncationPanel) -> None:
    session.store.reset_to(replace(session.state, shared=replace(session.state.shared, drift=0.15)))
    window.welcome()
    groove = psi.psi.groove().rect
    drag(psi.psi, [(groove.left() + x, groove.center().y()) for x in (20, 40, 60)])
    flush()
    session.undo()
    assert session.look_of().drift == 0.0
    assert not window.is_unsaved


def test_what_is_beyond_a_slider_is_shown(window: MainWindow, session: Session) -> None:
    panel = window.findChild(TransformPanel)
    assert isinstance(panel, TransformPanel)
    session.views.set_active(1)
    session.look.move(1.5, 0.0)
    slider = panel.sliders["transform.x"]
    assert slider.text().startswith("1.500")
    assert slider.groove().position_of(1.5) == slider.groove().position_of(slider.maximum)


# -- what is seen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["wipe", "flicker"])
def test_a_fault_of_b_is_seen_where_both_share_a_place(
    window: MainWindow, session: Session, layout: Layout
) -> None:
    session.views.set_active(1)
    window.commands.layout(layout)
    session.failure.emit(RenderFailed(1, 99, ValueError("no")))
    assert window.views.panes[1].banner.isVisible()
    window.commands.layout("grid")
    assert window.views.panes[1].banner.isVisible()
    assert window.views.panes[1].banner.parentWidget() is window.views.panes[1].image


def test_faults_of_both_lie_below_each_other_in_a_wipe(window: MainWindow, session: Session) -> None:
    window.commands.layout("wipe")
    for view in (0, 1):
        session.failure.emit(RenderFailed(view, 99, ValueError(f"no {view}")))
    first, second = (pane.banner for pane in window.views.panes)
    assert not first.geometry().intersects(second.geometry())
    upper, lower = sorted((first, second), key=lambda banner: banner.y())
    upper.clear()
    assert lower.y() < 20


def test_what_comes_by_itself_is_a_step_of_its_own(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    image.setFocus()
    QTest.keyClick(image, Qt.Key.Key_Right)
    session.models.request(0, "other-stylegan2")
    wait_until(lambda: session.state.views[0].model == "other-stylegan2")
    assert steps(session) == ["Walk", "Open model"]


def test_a_press_that_changes_nothing_is_not_a_step_while_the_picture_drifts(
    session: Session, psi: TruncationPanel
) -> None:
    session.look.set_drift(0.5)
    groove = psi.psi.groove().rect
    at = QPointF(psi.psi.groove().position_of(psi.psi.value), groove.center().y())
    press(psi.psi, at)
    x = session.look_of().latent.x
    wait_until(lambda: session.look_of().latent.x > x + 0.02)
    release(psi.psi, at)
    assert steps(session) == ["Drift"]


def test_a_number_that_is_only_looked_at_stays(session: Session, psi: TruncationPanel) -> None:
    session.look.set_psi(0.7034)
    psi.psi.edit()
    QTest.keyClick(psi.psi.findChild(QLineEdit) or psi, Qt.Key.Key_Return)
    assert session.look_of().truncation.psi == 0.7034
    psi.psi.edit("0.5")
    QTest.keyClick(psi.psi.findChild(QLineEdit) or psi, Qt.Key.Key_Return)
    assert session.look_of().truncation.psi == 0.5


def test_swapping_views_swaps_their_keys(window: MainWindow, session: Session) -> None:
    window.commands.toggle_link()
    session.views.set_active(1)
    session.transport.keys.add_value("truncation.psi", 0.2, 0.0)
    session.look.set_psi(0.4)
    session.transport.keys.add(1.0)
    owns = [view.own.truncation.psi for view in session.transport.timeline.keys[0].pose.views]
    window.commands.swap()
    assert [track.view for track in session.transport.timeline.tracks] == [0]
    assert [v.own.truncation.psi for v in session.transport.timeline.keys[0].pose.views] == owns[::-1]


def test_a_latent_and_its_drift_are_linked_together(session: Session) -> None:
    session.views.set_link(1, "latent", False)
    assert not session.state.views[1].linked & {"latent", "drift"}
    session.views.set_link(1, "drift", True)
    assert session.state.views[1].linked >= {"latent", "drift"}


def test_bars_of_another_width_stay(session: Session) -> None:
    session.look.set_offset([1.0, 2.0])
    session.look.set_offset([3.0])
    session.look.set_offset([0.0])
    assert session.look_of().edits == (Edit(Offset((1.0, 2.0))),)


def test_a_closed_model_leaves_no_picture_in_the_wipe(window: MainWindow, session: Session) -> None:
    window.commands.layout("wipe")
    wait_until(lambda: window.views.panes[0].image.pair.other is not None)
    session.models.request(1, "")
    flush()
    assert window.views.panes[0].image.pair.other is None


def test_an_average_goes_though_the_layout_has_changed(window: MainWindow, session: Session) -> None:
    area, frame = window.views, session.last_frame(1)
    assert frame is not None
    session.lab.picture.emit(LabPicture(1, frame.pixels, 1, 4))
    assert area.panes[1].image.average.image is not None
    window.commands.layout("wipe")
    session.lab.picture.emit(LabPicture(1, None))
    window.commands.layout("grid")
    assert area.panes[1].image.average.image is None


def test_shortcuts_follow_the_active_view(window: MainWindow, session: Session) -> None:
    session.views.set_active(1)
    session.models.request(1, "")
    flush()
    assert not window.actions_by_key["save_picture"].isEnabled()
    session.views.set_active(0)
    assert window.actions_by_key["save_picture"].isEnabled()


def test_linking_again_links_both(window: MainWindow, session: Session) -> None:
    window.commands.toggle_link()
    window.commands.swap()
    window.commands.toggle_link()
    assert window.commands.are_linked


def test_before_stays_while_the_picture_drifts(window: MainWindow, session: Session) -> None:
    session.look.set_psi(0.3)
    session.look.set_drift(0.5)
    wait_until(lambda: session.look_of().latent.x > 0)
    window.commands.toggle_before()
    x = session.look_of().latent.x
    wait_until(lambda: session.look_of().latent.x > x + 0.02)
    assert window.before.is_on


def test_the_help_takes_the_keys_and_is_searched(window: MainWindow, session: Session) -> None:
    window.show_help()
    sheet = window.help_sheet
    assert sheet is not None
    QTest.keyClicks(sheet.search, "random")
    shown = {text.text() for block in sheet.blocks for _, text in block.rows if not text.isHidden()}
    assert "Random seed" in shown
    assert "Undo" not in shown
    QTest.keyClicks(sheet.search, " nothing like it")
    assert not sheet.nothing.isHidden()
    assert steps(session) == []
    QTest.keyClick(sheet.search, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    for key in (Qt.Key.Key_H, Qt.Key.Key_F1):
        window.show_help()
        assert not sheet.search.text()
        QTest.keyClick(sheet.search, key)
        assert not sheet.isVisible()


@pytest.mark.parametrize("size", [(1040, 600), (1280, 800), (1920, 1080)])
def test_no_line_of_the_help_is_cut(window: MainWindow, size: tuple[int, int]) -> None:
    window.resize(*size)
    window.show_help()
    sheet = window.help_sheet
    assert sheet is not None
    flush()
    for block in sheet.blocks:
        right = block.mapTo(sheet, block.rect().bottomRight()).x()
        assert right <= sheet.card.geometry().right(), block.title
        for row in block.rows:
            for text in row:
                assert text.heightForWidth(text.width()) <= text.height(), text.text()
    QTest.keyClick(sheet.search, Qt.Key.Key_Escape)


# -- files -----------------------------------------------------------------------------------------------------


def test_what_was_taken_back_after_saving_is_asked_about(
    window: MainWindow, session: Session, tmp_path: Path
) -> None:
    session.look.set_psi(0.5)
    assert window.files._save_to(tmp_path / "walk.json")
    session.undo()
    assert window.is_unsaved
    assert window.isWindowModified()


@pytest.mark.parametrize(
    ("name", "made"),
    [("walk", "walk.json"), ("walk.v2", "walk.v2.json"), ("Walk.JSON", "Walk.JSON"), ("a.mp4", "a.json")],
)
def test_suffixes_are_put_behind_names(name: str, made: str) -> None:
    assert with_suffix_of(Path(name), ".json", {".mp4"}) == Path(made)


def test_a_name_that_gets_a_suffix_is_not_written_over_unasked(
    window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "walk.json").write_text("{}")
    asked: list[str] = []

    def no(parent: QWidget, title: str, text: str, *_: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton.No

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (str(tmp_path / "walk"), ""))
    monkeypatch.setattr(QMessageBox, "question", no)
    assert ask_file(window, "Save project", tmp_path / "walk.json", "Projects", ".json") is None
    assert "walk.json" in asked[0]


def test_closing_asks_about_a_film_on_its_way(
    window: MainWindow, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(session.films), "is_running", True)
    monkeypatch.setattr(QMessageBox, "question", lambda *a: QMessageBox.StandardButton.No)
    window.asks_before_discarding = True
    assert not window.close()
    window.asks_before_discarding = False


def test_a_project_opens_with_as_many_views_as_it_has(window: MainWindow, session: Session, tmp_path: Path) -> None:
    from explorer.project.document import write_project

    for count in (1, 3):
        views = (session.state.views * count)[:count]
        write_project(str(tmp_path / "p.json"), replace(session.state, views=views), session.table)
        opened: list[int] = []
        session.documents.opening.connect(lambda seen=opened: seen.append(1))
        window.files.open_project(str(tmp_path / "p.json"))
        wait_until(lambda seen=opened: bool(seen))  # type: ignore[misc]
        assert len(session.state.views) == count
        assert len(window.views.panes) == count
        flush()


def test_what_ends_the_start_is_shown_in_the_window(settings: Settings, qapp: object) -> None:
    window = MainWindow(settings)
    window.show_problem(ImportError("libcudart.so.12 is not there"))
    assert "libcudart" in window._waiting.text()
    window.deleteLater()
    flush()


def test_without_a_model_every_control_of_the_picture_is_grey(window: MainWindow, session: Session) -> None:
    session.models.request(0, "")
    flush()
    transform, truncation = window.findChild(TransformPanel), window.findChild(TruncationPanel)
    assert isinstance(transform, TransformPanel)
    assert isinstance(truncation, TruncationPanel)
    controls = [transform.sliders["transform.rotate"], transform.pad, transform.dial, *truncation.layers.sliders]
    assert not any(control.isEnabled() for control in controls)
    session.views.set_active(1)
    flush()
    assert all(control.isEnabled() for control in controls)
