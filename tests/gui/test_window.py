"""The window as a whole: gestures, menus, keys, layouts, files, and what is remembered."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QObject, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QMessageBox, QToolButton, QWidget

from explorer.project.file_kinds import kind_of
from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state import ASPECTS, Latent
from explorer.widgets.controls.theme import theme
from explorer.widgets.panels.latent.mixing_panel import MixingPanel
from explorer.widgets.window.actions import MENU_ACTIONS, resolve_callback
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import centre, drag, flush, wait_until
from tests.gui.test_panels import panel

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


def drop(window: MainWindow, paths: list[Path], at: tuple[float, float]) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(int(at[0]), int(at[1])), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(window, QDropEvent(QPointF(*at), Qt.DropAction.CopyAction, data, buttons, keys))


# -- hands on the picture --------------------------------------------------------------------------------------


def test_dragging_a_picture_walks_both_linked_views(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 40, y + 20)])
    assert session.look(0).latent == session.look(1).latent
    assert session.look(0).latent.x > 0
    assert session.store.undo_name == "Walk"
    frames = [session.last_frame(view) for view in range(2)]
    session.undo()
    assert session.look(0).latent == Latent()
    wait_until(lambda: all(session.last_frame(v) is not frames[v] for v in range(2)))


def test_shift_moves_alt_turns_and_double_click_takes_it_back(window: MainWindow, session: Session) -> None:
    image = window.views.panes[1].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 30, y - 30)], modifiers=SHIFT)
    drag(image, [(x + 50, y), (x, y - 50)], modifiers=ALT)
    t = session.look(1).transform
    assert t.x > 0 > t.y
    assert t.rotate == pytest.approx(90, abs=0.1)
    assert session.state.active == 1, "a touch makes a view the active one"
    QTest.mouseDClick(image, Qt.MouseButton.LeftButton, pos=QPoint(int(x), int(y)))
    assert session.look(1).transform.x == 0
    assert session.store.undo_name == "Reset transform"


def test_escape_restores_the_state_before_a_drag(window: MainWindow, session: Session) -> None:
    image, before = window.views.panes[0].image, session.state
    x, y = centre(image)
    drag(image, [(x, y), (x + 60, y)], release=False)
    assert session.state != before
    QTest.keyClick(image, Qt.Key.Key_Escape)
    assert session.state == before
    assert not session.store.can_undo


def test_arrows_nudge(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    QTest.keyClick(image, Qt.Key.Key_Right)
    assert session.look().latent.x == pytest.approx(0.05)
    QTest.keyClick(image, Qt.Key.Key_Down, SHIFT)
    assert session.look().transform.y > 0


# -- menus and keys --------------------------------------------------------------------------------------------


def test_every_shortcut_is_on_the_help_sheet(window: MainWindow) -> None:
    QTest.keyClick(window.views.panes[0].image, Qt.Key.Key_H)
    shown = {key for keys, _ in window.help_sheet.lines for key in keys.split(", ")}
    native = QKeySequence.SequenceFormat.NativeText
    for action in window.findChildren(type(window.actions_by_key["undo"])):
        for sequence in action.shortcuts():
            assert sequence.toString(native) in shown, action.text()
    for gesture in ("Drag", "Shift + drag", "Ctrl + drag", "Wheel", "Double-click", "Esc", "Arrows"):
        assert gesture in shown
    QTest.keyClick(window.help_sheet.search, Qt.Key.Key_Escape)
    assert not window.help_sheet.isVisible()


def test_no_key_means_two_things(window: MainWindow) -> None:
    keys = [s.toString() for a in window.actions_by_key.values() for s in a.shortcuts()]
    assert len(keys) == len(set(keys))


def test_keys_of_the_design(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    for key, layout in (
        (Qt.Key.Key_1, "single"),
        (Qt.Key.Key_3, "grid"),
        (Qt.Key.Key_2, "single"),
        (Qt.Key.Key_W, "wipe"),
    ):
        QTest.keyClick(window, key)
        assert session.state.layout == layout
    QTest.keyClick(window, Qt.Key.Key_W)
    assert session.state.layout == "grid"
    QTest.keyClick(image, Qt.Key.Key_R)
    assert session.store.undo_name == "Random seed"
    QTest.keyClick(image, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.look().latent.seed == 0
    QTest.keyClick(image, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | SHIFT)
    assert session.look().latent.seed != 0


def test_space_drifts_and_stops(window: MainWindow, session: Session) -> None:
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert session.look().drift != 0
    wait_until(lambda: session.look().latent.x > 0)
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert not session.clock.is_playing
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert session.clock.is_playing


def test_undo_and_redo_say_what_they_do(window: MainWindow, session: Session) -> None:
    actions = window.actions_by_key
    session.set_psi(0.5)
    window.menus["Edit"].aboutToShow.emit()
    assert actions["undo"].text() == "Undo Truncation psi"
    assert not actions["redo"].isEnabled()
    actions["undo"].trigger()
    window.menus["Edit"].aboutToShow.emit()
    assert actions["redo"].text() == "Redo Truncation psi"
    assert not actions["undo"].isEnabled()


def test_menus_show_what_is_the_case(window: MainWindow, session: Session) -> None:
    session.set_layout("wipe")
    session.set_animation(kind="spin")
    window.menus["View"].aboutToShow.emit()
    actions = window.actions_by_key
    assert actions["view_wipe"].isChecked()
    assert not actions["view_grid"].isChecked()
    assert actions["spin"].isChecked()
    assert not actions["still"].isChecked()
    assert actions["link"].isChecked()


# -- views -----------------------------------------------------------------------------------------------------


def test_layouts_show_the_right_panes(window: MainWindow, session: Session) -> None:
    first, second = window.views.panes
    for key, shown in (
        ("view_1", (True, False)),
        ("view_2", (False, True)),
        ("view_grid", (True, True)),
        ("view_wipe", (True, False)),
    ):
        window.actions_by_key[key].trigger()
        assert (first.isVisible(), second.isVisible()) == shown
    assert first.image.wipe.is_on
    wait_until(lambda: first.image.pair.other is not None)
    assert first.second.isVisible()


def test_both_frames_of_a_wipe_count_as_painted(window: MainWindow, session: Session) -> None:
    session.set_layout("wipe")
    seen: set[int] = set()
    window.views.panes[0].image.painted.connect(lambda view, generation: seen.add(view))
    session.set_psi(0.3)
    wait_until(lambda: seen == {0, 1})


def test_views_can_be_unlinked_one_aspect_at_a_time(window: MainWindow, session: Session) -> None:
    session.set_link(1, "latent", False)
    assert window.views.panes[1].link._name == "link-simple-break"
    session.set_active(0)
    session.set_seed(5)
    session.set_psi(0.5)
    assert session.look(1).latent.seed == 0
    assert session.look(1).truncation.psi == 0.5
    window.commands.toggle_link()
    assert session.state.views[1].linked == frozenset(ASPECTS)


def test_swap_and_close(window: MainWindow, session: Session) -> None:
    window.commands.swap()
    wait_until(lambda: (info := session.info(0)) is not None and info.family == "stylegan3-t")
    wait_until(lambda: window.views.panes[0].model_name.full == "critters-stylegan3-t")
    session.set_active(1)
    window.commands.close_model()
    assert window.views.panes[1].empty.isVisible()
    assert window.views.panes[1].image.image is None


def test_before_and_after(window: MainWindow, session: Session) -> None:
    session.set_transform(x=0.25)
    image = window.views.panes[0].image
    QTest.keyClick(image, Qt.Key.Key_B)
    wait_until(lambda: image.before.image is not None)
    assert session.look().transform.x == 0.25, "looking back changes nothing"
    QTest.keyClick(image, Qt.Key.Key_B)
    assert image.before.image is None
    QTest.keyClick(image, Qt.Key.Key_B)
    wait_until(lambda: image.before.image is not None)
    session.set_psi(0.5)
    assert image.before.image is None, "any change ends it"


def test_full_screen_and_back(window: MainWindow) -> None:
    window.commands.toggle_full_screen()
    assert not window.menuBar().isVisible()
    assert not window.sides.left.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.menuBar().isVisible()
    assert window.sides.left.isVisible()


def test_copied_picture_is_the_rendered_one(window: MainWindow, qapp: QApplication) -> None:
    window.commands.copy_picture()
    image = qapp.clipboard().image()
    assert (image.width(), image.height()) == (32, 32)


def test_the_badge_explains_and_switches(window: MainWindow, session: Session) -> None:
    menu = window.top_bar.device_menu()
    texts = [action.text() for action in menu.actions()]
    assert any("computed on CPU" in text for text in texts)
    next(action for action in menu.actions() if "bfloat16" in action.text()).trigger()
    assert session.devices.settings.dtype == "bfloat16"
    assert "bfloat16" in window.top_bar.badge.text()


def test_the_picture_keeps_half_the_window(window: MainWindow) -> None:
    for width in (1280, 1920, 1040):
        window.resize(width, 800)
        flush()
        assert window.middle.width() >= 0.5 * window.width() - 1


def test_both_themes_paint(window: MainWindow, settings: Settings) -> None:
    dark = window.grab().toImage()
    window.actions_by_key["theme"].trigger()
    assert theme().name == "light"
    assert settings.flag("dark", True) is False
    assert window.grab().toImage() != dark


# -- faults ----------------------------------------------------------------------------------------------------


def test_a_fault_shows_over_the_picture_and_the_next_move_works(window: MainWindow, session: Session, qapp) -> None:  # type: ignore[no-untyped-def]
    pane = window.views.panes[0]
    session.set_transform(scale_x=1e-9, scale_y=1e-9)
    wait_until(lambda: pane.banner.isVisible())
    assert "flattens" in pane.banner.text
    pane.banner.copy.click()
    assert "flattens" in qapp.clipboard().text()
    session.set_transform(scale_x=1.0, scale_y=1.0)
    wait_until(lambda: not pane.banner.isVisible())


def test_details_unfold(window: MainWindow) -> None:
    banner = window.views.panes[0].banner
    banner.show_fault("It broke.", "Traceback:\n  line 1")
    low = banner.height()
    banner.details.click()
    assert banner.height() > low


def test_a_bad_file_leaves_the_model_that_was_there(window: MainWindow, session: Session, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pkl"
    bad.write_text("<html>404</html>")
    image = window.views.panes[0].image.image
    window.files.open_model(str(bad), 0)
    wait_until(lambda: "bad.pkl" in window.views.panes[0].banner.text)
    assert session.state.views[0].model == "critters-stylegan2"
    assert window.views.panes[0].image.image is image


# -- files -----------------------------------------------------------------------------------------------------


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
    session.show_view(0)
    drop(window, [path], (600, 400))
    wait_until(lambda: bool(session.look().latent.stored))
    assert session.look().latent.stored in session.table
    wait_until(lambda: not session.is_refining(0))
    assert not np.any(session.record(0).frame.latents.ws)


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
    assert not session.look().latent.stored
    buttons["It is w"].click()
    wait_until(lambda: bool(session.look().latent.stored))
    assert session.table[session.look().latent.stored].space == "w"
    assert not banner.isVisible()


def test_a_picture_carries_its_project(window: MainWindow, session: Session, tmp_path: Path, qtbot) -> None:  # type: ignore[no-untyped-def]
    session.set_seed(99)
    session.set_psi(0.6)
    path = tmp_path / "picture.png"
    with qtbot.waitSignal(session.documents.saved_file):
        window.files.save_picture(path)
    image = QImage(str(path))
    assert (image.width(), image.height()) == (32, 32)
    session.reset()
    session.set_seed(1)
    drop(window, [path], (600, 400))
    wait_until(lambda: session.look().latent.seed == 99)
    assert session.look().truncation.psi == 0.6
    assert not window.isWindowModified()


def test_projects_are_saved_opened_and_marked(window: MainWindow, session: Session, tmp_path: Path) -> None:
    session.set_seed(7)
    assert window.isWindowModified()
    path = tmp_path / "walk.json"
    assert window.files._save_to(path)
    assert not window.isWindowModified()
    assert window.windowTitle().startswith("walk.json")
    session.set_seed(8)
    assert window.isWindowModified()
    window.files.open_project(str(path))
    wait_until(lambda: session.look().latent.seed == 7)


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
    session.set_seed(3)
    assert not window.close()
    assert window.isVisible()
    assert window.close()
    assert len(asked) == 2


def test_state_as_text(window: MainWindow, session: Session) -> None:
    session.set_seed(31)
    session.set_psi(0.4)
    window.commands.copy_state()
    session.reset()
    session.set_seed(0)
    window.commands.paste()
    assert session.look().latent.seed == 31
    assert session.look().truncation.psi == 0.4
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


def test_an_unknown_file_is_refused_with_a_message(window: MainWindow) -> None:
    window.files.open_path("/nowhere/notes.txt")
    wait_until(lambda: "notes.txt" in window.views.panes[0].banner.text)


# -- memory ----------------------------------------------------------------------------------------------------


def test_panels_fold_move_hide_and_are_remembered(session: Session, settings: Settings) -> None:
    first = MainWindow(settings)
    first.attach(session)
    first.show()
    sides = first.sides
    sides.sections["noise"].set_folded(True)
    sides.sections["truncation"].set_shown(False)
    sides._on_move_requested("transform", "other")
    assert sides.left.sections()[0].key == "transform"
    sides._on_move_requested("transform", "down")
    sides._move_to("mixing", sides.left, 0)
    first.asks_before_discarding = False
    first.close()
    second = MainWindow(settings)
    second.attach(session)
    second.show()
    assert [s.key for s in second.sides.left.sections()][:3] == ["mixing", "model", "transform"]
    assert second.sides.sections["noise"].is_folded
    assert second.sides.sections["truncation"].isHidden()
    assert not second.menus["panels"].actions()[4].isChecked()
    second.reset_panels()
    assert [s.key for s in second.sides.left.sections()] == ["model", "latent", "w"]
    assert not second.sides.sections["truncation"].isHidden()
    for window in (first, second):
        window.close()
        window.deleteLater()
    flush()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_panel_in_its_own_window_comes_back(window: MainWindow) -> None:
    sides = window.sides
    sides._on_move_requested("noise", "float")
    own = window.findChild(QDockWidget, "own-noise")
    assert own is not None
    assert own.isFloating()
    assert sides.sections["noise"].body.isVisible()
    own.close()
    flush()
    assert sides.sections["noise"] in sides.right.sections()
    assert sides.sections["noise"].isVisible()


def test_the_welcome_drifts_until_the_first_touch(window: MainWindow, session: Session, settings: Settings) -> None:
    settings.set("welcomed", False)
    session.set_drift(0.2)
    session.store.reset_to(session.state)
    window.welcome()
    assert window.first_run.hints.isVisible()
    image = window.views.panes[0].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 5, y)])
    assert not window.first_run.hints.isVisible()
    assert session.look().drift == 0
    assert settings.flag("welcomed")


@pytest.mark.parametrize("is_recording", [False, True])
def test_the_first_key_and_a_recording_end_the_welcome(
    window: MainWindow, session: Session, settings: Settings, is_recording: bool
) -> None:
    settings.set("welcomed", False)
    session.set_drift(0.2)
    session.store.reset_to(session.state)
    window.welcome()
    wait_until(lambda: session.look().latent.x > 0)
    (session.transport.start_recording if is_recording else session.transport.add_key)()
    assert session.look().drift == 0
    assert session.look().latent.x > 0, "the picture stays where it was"
    if is_recording:
        session.transport.stop_recording()
        return
    session.set_seed(7)
    session.transport.add_key()
    assert len(session.transport.timeline.keys) == 2, "the first one was not replaced"


class _Shown(QObject):
    """Names the classes of the windows that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.names.append(type(watched).__name__)
        return False


def test_no_part_of_the_window_flashes_as_a_window_of_its_own(session: Session, settings: Settings) -> None:
    shown, app = _Shown(), QApplication.instance()
    assert app is not None
    app.installEventFilter(shown)
    made = MainWindow(settings)
    made.asks_before_discarding = False
    made.show()
    flush()
    made.attach(session)
    made.show_timeline(True)
    made.notices.strip.show_notice("missing", "A file is missing.", [("Locate", lambda: None)])
    made.show_problem("No.", [("Do it", lambda: None)])
    session.lab.set_tour(1)
    flush()
    session.lab.set_tour(0)
    app.removeEventFilter(shown)
    made.close()
    made.deleteLater()
    flush()
    assert shown.names == ["MainWindow"]


def test_space_presses_the_button_with_the_focus_instead(window: MainWindow, session: Session) -> None:
    noise = window.sides.sections["noise"].body
    button = noise.mode.buttons["random"]  # type: ignore[attr-defined]
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert session.look().noise.mode == "random"
    assert session.look().drift == 0


def test_a_number_with_the_focus_leaves_letters_to_the_shortcuts(window: MainWindow, session: Session) -> None:
    panel: Any = window.sides.sections["latent"].body
    panel.seed.setFocus()
    panel.seed.selectAll()
    QTest.keyClicks(panel.seed, "12")
    QTest.keyClick(panel.seed, Qt.Key.Key_S, SHIFT)
    assert session.look().latent.seed == 12
    assert session.state.lab.scan
    window.show_timeline(True)
    length = window.timeline.duration
    length.setFocus()
    length.selectAll()
    QTest.keyClicks(length, "2.5")
    QTest.keyClick(length, Qt.Key.Key_K)
    assert session.transport.timeline.duration == 2.5
    assert len(session.transport.timeline.keys) == 1


def test_the_title_marks_changes_after_a_welcome(window: MainWindow, session: Session) -> None:
    session.set_drift(0.5)
    session.store.reset_to(session.state)
    wait_until(lambda: session.look().latent.x > 0)
    assert not window.isWindowModified()
    session.set_psi(0.5)
    assert window.isWindowModified()


def test_hiding_a_picture_under_the_hand_ends_the_drag(window: MainWindow, session: Session) -> None:
    image = window.views.panes[1].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 20, y)], release=False)
    assert session.store.in_stroke
    session.show_view(0)
    assert not session.store.in_stroke
    assert session.store.undo_name == "Walk"


def test_a_misfit_offers_its_cures_as_buttons_that_are_whole(window: MainWindow, session: Session) -> None:
    session.use_stored(session.documents.store_latent("w"))
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
    session.set_seed(22251)
    session.walk(0.27, 0.18)
    mixing = panel(window, MixingPanel)
    mixing.source_rows[0].pinned.emit(0)
    session.set_mix(1, 0, 0.8)
    session.set_seed(5)
    wait_until(lambda: not any(session.is_refining(view) for view in range(2)))
    assert not any(pane.banner.isVisible() for pane in window.views.panes)
    assert mixing.source_rows[0].seed.text() == "seed 22251 +0.27 +0.18"


def test_a_misfit_can_be_converted_when_it_is_pasted(window: MainWindow, session: Session) -> None:
    session.use_stored(session.documents.store_latent("w"))
    text = session.documents.copy_latent_text()
    session.set_seed(1)
    session.set_active(1)
    window.files.paste_latent(text)
    banner = window.views.panes[1].banner
    (offer,) = [button for button in banner._offers if not button.isHidden()]
    offer.click()
    stored = session.look(1).latent.stored
    assert session.table[stored].model_sha == session.facts(1).sha256  # type: ignore[union-attr]


def test_the_callback_of_each_menu_entry_takes_its_arguments(window: MainWindow) -> None:
    names = {(entry.callback, entry.args) for entry in MENU_ACTIONS if entry.callback}
    names.remove(("close", ()))  # Qt's own, which has no signature
    for name, args in names:
        callback = resolve_callback(window, name)
        assert isinstance(callback.__self__, QObject)  # type: ignore[attr-defined]
        inspect.signature(callback).bind(*args)
