"""The layers panel: choosing a layer changes what the view shows, and its numbers come beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt

from explorer.session import Session
from explorer.state import Tap
from explorer.widgets.panels.synthesis.layer_list import COLUMNS, FINAL, LayerList
from explorer.widgets.panels.synthesis.layers_panel import LayersPanel
from tests.gui.conftest import flush
from tests.gui.panel_session import open_model, panel_session

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget
    from pytestqt.qtbot import QtBot

__all__ = ["panel_session"]
MakeSession = Callable[[str], Session]


def shown(session: Session, qtbot: QtBot) -> LayersPanel:
    panel = LayersPanel(session)
    qtbot.addWidget(panel)
    panel.resize(300, 480)
    panel.show()
    return panel


@pytest.fixture
def layers(panel_session: MakeSession, qtbot: QtBot) -> LayersPanel:
    return shown(panel_session("tiny"), qtbot)


def tap(panel: LayersPanel) -> Tap:
    return panel.session.state.views[0].tap


def names(panel: LayersPanel) -> list[str]:
    return [row.texts[0] for row in panel.list.table.rows]


def current(panel: LayersPanel) -> str:
    return str(panel.list.currentIndex().siblingAtColumn(0).data())


def click_row(panel: LayersPanel, row: int, qtbot: QtBot) -> None:
    box = panel.list.visualRect(panel.list.table.index(row, 0))
    qtbot.mouseClick(panel.list.viewport(), Qt.MouseButton.LeftButton, pos=box.center())


def click_box(box: QWidget, qtbot: QtBot) -> None:
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))


def test_lists_the_picture_and_every_layer(layers: LayersPanel) -> None:
    assert names(layers) == [FINAL, "t0", "t1", "t2", "t3", "rgb"]
    assert layers.list.table.rows[2].texts == ("t1", "16", "8", "16\u00d716")
    assert current(layers) == FINAL


def test_a_chosen_layer_is_the_picture_and_is_measured(layers: LayersPanel, qtbot: QtBot) -> None:
    session = layers.session
    with qtbot.waitSignal(session.frame):
        click_row(layers, 2, qtbot)
    assert tap(layers).layer == "t1"
    assert session.store.undo_name == "Layer"
    frame = session.last_frame(0)
    assert frame is not None
    assert frame.stats is not None
    assert layers.numbers["mean"].text() == f"{frame.stats.mean:+.4g}".replace("-", "\u2212")
    assert layers.numbers["maximum"].text() == f"{frame.stats.maximum:+.4g}".replace("-", "\u2212")
    assert layers.caption.text() == "t1: 8 \u00d7 16\u00d716"
    x, y = layers.plot.curve.getData()
    np.testing.assert_array_equal(y, frame.stats.spectrum_db)
    assert x[-1] == 8  # half of 16 pixels
    with qtbot.waitSignal(session.frame):
        session.undo()
    assert current(layers) == FINAL
    assert layers.numbers["mean"].text() == "\u2013"


def test_keys_walk_the_list(layers: LayersPanel, qtbot: QtBot) -> None:
    qtbot.keyClick(layers.list, Qt.Key.Key_Down)
    qtbot.keyClick(layers.list, Qt.Key.Key_Down)
    assert tap(layers).layer == "t1"
    qtbot.keyClick(layers.list, Qt.Key.Key_Home)
    assert tap(layers).layer == ""


def test_controls_change_the_tap(layers: LayersPanel, qtbot: QtBot) -> None:
    click_row(layers, 1, qtbot)
    assert layers.first.maximum == 5  # three of eight
    qtbot.mouseClick(layers.channels.buttons["one"], Qt.MouseButton.LeftButton)
    assert layers.first.maximum == 7
    layers.first.enter(6)
    layers.gain.enter(12.0)
    click_box(layers.normalize, qtbot)
    click_box(layers.spectrum, qtbot)
    assert tap(layers) == Tap("t0", "one", 6, 12.0, False, True)
    assert not layers.normalize.isChecked()
    layers.session.undo()
    assert not layers.spectrum.isChecked()


def test_what_cannot_matter_is_grey_and_says_why(layers: LayersPanel, qtbot: QtBot) -> None:
    assert not layers.channels.isEnabled()
    assert "choose a layer" in layers.channels.buttons["one"].toolTip()
    assert not layers.first.isEnabled()
    assert layers.gain.isEnabled()
    assert not layers.normalize.isEnabled()
    click_box(layers.spectrum, qtbot)
    assert layers.normalize.isEnabled()  # the range of a spectrum is a matter of taste
    click_row(layers, 1, qtbot)
    assert layers.channels.isEnabled()
    assert layers.channels.buttons["one"].toolTip() == "One channel in greyscale"
    qtbot.mouseClick(layers.channels.buttons["norm"], Qt.MouseButton.LeftButton)
    assert not layers.first.isEnabled()
    assert "norm" in layers.first.toolTip()


def test_another_model_has_other_layers(panel_session: MakeSession, qtbot: QtBot) -> None:
    panel = shown(panel_session(""), qtbot)
    assert names(panel) == []
    assert not panel.list.isEnabled()
    assert panel.list.toolTip() == "No model is loaded"
    panel.session.views.set_tap(0, layer="no such layer")
    open_model(qtbot, panel.session, "wide")
    assert len(names(panel)) == 6
    assert current(panel) == FINAL
    assert panel.list.isEnabled()


def test_names_stay_whole_in_a_narrow_column(panel_session: MakeSession, qtbot: QtBot) -> None:
    view = LayerList()
    qtbot.addWidget(view)
    view.show_layers(panel_session("tiny").info(0))
    view.show()
    for width, is_hidden in ((280, False), (224, True), (280, False)):
        view.resize(width, view.height())
        flush()
        assert view.isColumnHidden(COLUMNS.index("Rate")) == is_hidden
        assert view.columnWidth(0) > view.fontMetrics().horizontalAdvance(FINAL)
