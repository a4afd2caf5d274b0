"""Gestures on the pictures, keys, menus, and who gets a key while a field has the focus."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from explorer.session import Session
from explorer.state import Latent
from explorer.widgets.window.actions import MENU_ACTIONS, resolve_callback
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import centre, drag, wait_until

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


def test_dragging_a_picture_walks_both_linked_views(window: MainWindow, session: Session) -> None:
    image = window.views.panes[0].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 40, y + 20)])
    assert session.look_of(0).latent == session.look_of(1).latent
    assert session.look_of(0).latent.x > 0
    assert session.store.undo_name == "Walk"
    frames = [session.last_frame(view) for view in range(2)]
    session.undo()
    assert session.look_of(0).latent == Latent()
    wait_until(lambda: all(session.last_frame(v) is not frames[v] for v in range(2)))


def test_shift_moves_alt_turns_and_double_click_takes_it_back(window: MainWindow, session: Session) -> None:
    image = window.views.panes[1].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 30, y - 30)], modifiers=SHIFT)
    drag(image, [(x + 50, y), (x, y - 50)], modifiers=ALT)
    t = session.look_of(1).transform
    assert t.x > 0 > t.y
    assert t.rotate == pytest.approx(90, abs=0.1)
    assert session.state.active == 1, "a touch makes a view the active one"
    QTest.mouseDClick(image, Qt.MouseButton.LeftButton, pos=QPoint(int(x), int(y)))
    assert session.look_of(1).transform.x == 0
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
    assert session.look_of().latent.x == pytest.approx(0.05)
    QTest.keyClick(image, Qt.Key.Key_Down, SHIFT)
    assert session.look_of().transform.y > 0


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
    assert session.look_of().latent.seed == 0
    QTest.keyClick(image, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | SHIFT)
    assert session.look_of().latent.seed != 0


def test_space_drifts_and_stops(window: MainWindow, session: Session) -> None:
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert session.look_of().drift != 0
    wait_until(lambda: session.look_of().latent.x > 0)
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert not session.clock.is_playing
    QTest.keyClick(window, Qt.Key.Key_Space)
    assert session.clock.is_playing


def test_undo_and_redo_say_what_they_do(window: MainWindow, session: Session) -> None:
    actions = window.actions_by_key
    session.look.set_psi(0.5)
    window.menus["Edit"].aboutToShow.emit()
    assert actions["undo"].text() == "Undo Truncation psi"
    assert not actions["redo"].isEnabled()
    actions["undo"].trigger()
    window.menus["Edit"].aboutToShow.emit()
    assert actions["redo"].text() == "Redo Truncation psi"
    assert not actions["undo"].isEnabled()


def test_menus_show_what_is_the_case(window: MainWindow, session: Session) -> None:
    session.views.set_layout("wipe")
    session.look.set_animation(kind="spin")
    window.menus["View"].aboutToShow.emit()
    actions = window.actions_by_key
    assert actions["view_wipe"].isChecked()
    assert not actions["view_grid"].isChecked()
    assert actions["spin"].isChecked()
    assert not actions["still"].isChecked()
    assert actions["link"].isChecked()


def test_space_presses_the_button_with_the_focus_instead(window: MainWindow, session: Session) -> None:
    noise = window.sides.sections["noise"].body
    button = noise.mode.buttons["random"]  # type: ignore[attr-defined]
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert session.look_of().noise.mode == "random"
    assert session.look_of().drift == 0


def test_a_number_with_the_focus_leaves_letters_to_the_shortcuts(window: MainWindow, session: Session) -> None:
    panel: Any = window.sides.sections["latent"].body
    panel.seed.setFocus()
    panel.seed.selectAll()
    QTest.keyClicks(panel.seed, "12")
    QTest.keyClick(panel.seed, Qt.Key.Key_S, SHIFT)
    assert session.look_of().latent.seed == 12
    assert session.state.lab.scan
    window.show_timeline(True)
    length = window.timeline.duration
    length.setFocus()
    length.selectAll()
    QTest.keyClicks(length, "2.5")
    QTest.keyClick(length, Qt.Key.Key_K)
    assert session.transport.timeline.duration == 2.5
    assert len(session.transport.timeline.keys) == 1


def test_hiding_a_picture_under_the_hand_ends_the_drag(window: MainWindow, session: Session) -> None:
    image = window.views.panes[1].image
    x, y = centre(image)
    drag(image, [(x, y), (x + 20, y)], release=False)
    assert session.store.in_stroke
    session.views.show(0)
    assert not session.store.in_stroke
    assert session.store.undo_name == "Walk"


def test_the_callback_of_each_menu_entry_takes_its_arguments(window: MainWindow) -> None:
    names = {(entry.callback, entry.args) for entry in MENU_ACTIONS if entry.callback}
    names.remove(("close", ()))  # Qt's own, which has no signature
    for name, args in names:
        callback = resolve_callback(window, name)
        assert isinstance(callback.__self__, QObject)  # type: ignore[attr-defined]
        inspect.signature(callback).bind(*args)
