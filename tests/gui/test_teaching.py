"""Teaching by named groups: random sheets sorted by keys and mouse, pictures dragged there, names of the ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest

from explorer.session import Session
from explorer.state import Edit, Look, Nudge
from explorer.widgets.controls.look_drag import look_data, look_in
from explorer.widgets.panels.edits.direction_examples import ExampleStrip
from explorer.widgets.panels.edits.directions_panel import DirectionsPanel
from explorer.widgets.panels.edits.example_sheet import COLUMNS, ROWS, ExampleSheet
from explorer.widgets.panels.edits.teaching import Teaching
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until


@pytest.fixture
def teaching(window: MainWindow) -> Teaching:
    panel = window.findChild(DirectionsPanel)
    assert panel is not None
    return panel.teaching


def sheet_of(teaching: Teaching) -> ExampleSheet:
    teaching.random.click()
    (sheet,) = teaching.findChildren(ExampleSheet)
    sheet.grid.setFocus()
    return sheet


def groups(teaching: Teaching) -> tuple[list[Look], list[Look]]:
    return [e.look for e in teaching.liked.examples], [e.look for e in teaching.unliked.examples]


def drop(strip: ExampleStrip, data: QMimeData) -> bool:
    at, button, keys = QPointF(5, 5), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(at.toPoint(), Qt.DropAction.CopyAction, data, button, keys)
    enter.ignore()
    strip.dragEnterEvent(enter)
    is_taken = enter.isAccepted()
    if is_taken:
        strip.dropEvent(QDropEvent(at, Qt.DropAction.CopyAction, data, button, keys))
    return is_taken


def test_a_sheet_is_sorted_by_keys_alone(teaching: Teaching) -> None:
    sheet = sheet_of(teaching)
    looks = sheet.grid.looks
    assert len(set(looks)) == COLUMNS * ROWS
    for key in (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_0, Qt.Key.Key_1):
        QTest.keyClick(sheet.grid, key)
    assert groups(teaching) == ([looks[3], looks[0]], [looks[1]])
    assert sheet.counts.text().startswith("2 with")
    QTest.keyClick(sheet.grid, Qt.Key.Key_Up)
    assert sheet.grid.current == 4
    QTest.keyClick(sheet.grid, Qt.Key.Key_Left)
    QTest.keyClick(sheet.grid, Qt.Key.Key_2)  # from one group into the other
    assert groups(teaching) == ([looks[0]], [looks[3], looks[1]])
    sheet.more.click()
    assert not set(sheet.grid.looks) & set(looks)
    assert groups(teaching) == ([looks[0]], [looks[3], looks[1]])
    sheet.close_button.click()
    assert teaching._sheet is None


def test_a_sheet_is_sorted_by_clicks(teaching: Teaching) -> None:
    sheet = sheet_of(teaching)
    looks, left, right = sheet.grid.looks, Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton

    def click(index: int, button: Qt.MouseButton) -> None:
        QTest.mouseClick(sheet.grid, button, pos=sheet.grid.box(index).center().toPoint())

    click(7, left)
    click(8, right)
    assert groups(teaching) == ([looks[7]], [looks[8]])
    click(7, left)
    click(8, left)
    assert groups(teaching) == ([looks[8]], [])


def test_named_groups_teach_a_direction_with_these_ends(teaching: Teaching, session: Session) -> None:
    sheet = sheet_of(teaching)
    teaching.names[0].setText(" smile ")
    teaching.names[1].setText("frown")
    for i in range(COLUMNS * ROWS):
        QTest.keyClick(sheet.grid, Qt.Key.Key_1 if i % 2 else Qt.Key.Key_2)
    wait_until(teaching.learn.isEnabled)
    teaching.learn.click()
    wait_until(lambda: any(item.method == "svm" for item in session.directions.of(0)))
    taught = next(item for item in session.directions.of(0) if item.method == "svm")
    assert taught.stored.name == "smile \u2212 frown"
    panel = teaching.parentWidget()
    while not isinstance(panel, DirectionsPanel):
        assert panel is not None
        panel = panel.parentWidget()
    assert panel.rows[0].slider.label == "smile \u2212 frown"
    assert "95 % interval" in teaching.message.text()
    liked = np.stack([e.w for e in teaching.liked.examples if e.w is not None])
    unliked = np.stack([e.w for e in teaching.unliked.examples if e.w is not None])
    assert float((liked.mean(axis=0) - unliked.mean(axis=0)) @ taught.stored.array) > 0.0


def test_pictures_are_dragged_to_a_group_without_edits(teaching: Teaching, session: Session) -> None:
    look = replace(session.look_of(), edits=(Edit(Nudge(3), 0.5),))
    assert look_in(look_data(look)) == look
    assert drop(teaching.unliked, look_data(look))
    (example,) = teaching.unliked.examples
    assert example.look == replace(look, edits=())
    wait_until(lambda: example.w is not None)
    frame = session.last_frame(0)
    assert frame is not None
    assert example.w is not None
    np.testing.assert_array_equal(example.w, frame.latents.base)
    assert drop(teaching.liked, look_data(look))  # from one group into the other
    assert groups(teaching) == ([example.look], [])


@pytest.mark.parametrize("content", [b"", b"[]", b'{"latent": 3}', b"\xff", b'{"latent": {"seed": NaN}}'])
def test_what_is_no_look_is_not_taken(teaching: Teaching, content: bytes) -> None:
    data = QMimeData()
    data.setData("application/x-latentwalk-look+json", content)
    assert not drop(teaching.liked, data)
    plain = QMimeData()
    plain.setText("seed 3")
    assert not drop(teaching.liked, plain)


def test_examples_have_the_latents_of_the_model_that_is_shown(teaching: Teaching, session: Session) -> None:
    assert drop(teaching.liked, look_data(session.look_of()))
    (example,) = teaching.liked.examples
    wait_until(lambda: example.w is not None)
    of_a = example.w
    session.views.set_active(1)
    assert example.w is None
    wait_until(lambda: bool(example.w is not None))
    of_b = teaching.liked.examples[0].w
    assert of_a is not None
    assert of_b is not None
    assert not np.array_equal(of_a, of_b)
