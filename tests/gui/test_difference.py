"""Teacher, student and their difference in the window."""

from __future__ import annotations

from pathlib import Path

import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from explorer.session import Session
from explorer.testing.mobile_writer import lightning_value
from explorer.widgets.window.main_window import MainWindow
from tests.generators.configs import small_generator
from tests.gui.conftest import centre, drag, flush, wait_until


def shown(window: MainWindow) -> list[int]:
    return [pane.view for pane in window.views.panes if not pane.isHidden()]


def test_the_difference_is_a_layout_with_keys_and_a_button(window: MainWindow, session: Session) -> None:
    pane = window.views.difference
    assert pane.isHidden()
    QTest.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert session.state.layout == "difference"
    assert (shown(window), pane.isVisible()) == ([0, 1], True)
    assert window.top_bar.layouts.buttons["difference"].isChecked()
    window.show_state()
    action = window.actions_by_key["view_difference"]
    assert (action.isChecked(), action.text()) == (True, "Difference between A and B")
    wait_until(lambda: pane.image.image is not None)
    assert "dB" in pane.figures.full
    assert pane.figures.full.endswith("other w")  # of two models that have nothing to do with each other
    assert pane.times.full.startswith("A ")
    assert "\u00d7" in pane.times.full
    assert (pane.first.view, pane.second.view) == (0, 1)
    pane.mode.buttons["signed"].click()
    assert session.state.lab.difference == "signed"
    action.trigger()
    assert (session.state.layout, pane.isHidden()) == ("grid", True)


def test_its_picture_walks_as_the_others_do(window: MainWindow, session: Session) -> None:
    session.views.set_layout("difference")
    pane = window.views.difference
    wait_until(lambda: pane.image.image is not None)
    flush()
    before = session.look_of().latent
    x, y = centre(pane.image)
    drag(pane.image, [(x, y), (x + 15, y), (x + 30, y)])
    assert session.look_of().latent.x != before.x
    assert session.store.undo_name == "Walk"
    session.undo()
    assert session.look_of().latent == before


def test_pictures_of_other_sizes_have_none_and_say_why(window: MainWindow, session: Session) -> None:
    session.views.set_layout("difference")
    wait_until(lambda: session.difference.value is not None)
    session.views.set_tap(0, layer="b4.conv1")
    wait_until(lambda: bool(session.difference.note))
    assert session.difference.value is None
    assert session.difference.note.startswith("A has 4\u00d74 px and B has 32\u00d732 px: ")
    assert window.views.difference.image.overlay == session.difference.note
    session.views.set_tap(0, layer="")
    wait_until(lambda: session.difference.value is not None)
    assert window.views.difference.image.overlay == ""


def test_a_file_with_its_teacher_is_compared_with_it(window: MainWindow, session: Session, tmp_path: Path) -> None:
    torch.manual_seed(0)
    student, teacher = small_generator("mobilestylegan"), small_generator("stylegan2-skip")
    teacher.load_state_dict(
        {key: value for key, value in student.state_dict().items() if key.startswith("mapping.")}, strict=False
    )
    path = str(tmp_path / "mobile.ckpt")
    torch.save(lightning_value(student, teacher), path)
    window.show_state()
    entry = window.actions_by_key["compare_teacher"]
    assert not entry.isEnabled()  # the active model names none
    session.models.request(0, path)
    wait_until(lambda: session.record(0).model == path)
    window.show_state()
    assert entry.isEnabled()
    entry.trigger()
    assert session.state.views[2].model == f"{path}#teacher"
    wait_until(lambda: session.difference.value is not None)
    assert shown(window) == [0, 2]
    assert session.difference.value is not None
    assert session.difference.value.has_same_w
    pane = window.views.difference
    assert "other w" not in pane.figures.full
    assert pane.times.full.startswith("C ")
    wait_until(lambda: window.views.panes[2].cost.text().endswith("ms"))
    session.undo()
    assert len(session.state.views) == 2
