"""Network bending by hand: the panel adds bends, and their rows change amount, numbers and channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from explorer.edits.bend_operations import OPERATIONS
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelRange, ChannelShare
from explorer.errors import LatentwalkError
from explorer.render.results import Tier
from explorer.session import Session
from explorer.state import Bend, Edit, Nudge
from explorer.widgets.panels.edits.bend_panel import BendPanel
from explorer.widgets.panels.edits.bend_row import BendRow
from explorer.widgets.panels.edits.edit_rows import NudgeRow
from explorer.widgets.panels.edits.w_editor import WEditorPanel
from tests.gui.hands import drag
from tests.gui.panel_session import open_model, panel_session

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

__all__ = ["panel_session"]
MakeSession = Callable[[str], Session]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def session(panel_session: MakeSession) -> Session:
    return panel_session("tiny")


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> BendPanel:
    made = BendPanel(session)
    qtbot.addWidget(made)
    made.resize(280, 400)
    made.show()
    return made


@pytest.fixture
def editor(session: Session, qtbot: QtBot) -> WEditorPanel:
    made = WEditorPanel(session)
    qtbot.addWidget(made)
    made.resize(280, 700)
    made.show()
    return made


def choose(panel: BendPanel, layer: str, operation: str, kind: str = "all") -> None:
    for box, data in ((panel.layer, layer), (panel.operation, operation), (panel.kind, kind)):
        index = box.findData(data)
        assert index >= 0
        box.setCurrentIndex(index)
        box.activated.emit(index)


def bends(session: Session) -> list[Bend]:
    return [edit.value for edit in session.look_of().edits if isinstance(edit.value, Bend)]


def test_what_is_chosen_is_added_as_one_undo_step(panel: BendPanel, session: Session, qtbot: QtBot) -> None:
    names = [panel.layer.itemData(i) for i in range(panel.layer.count())]
    assert names == ["input", *(layer.name for layer in session.info(0).layers if not layer.is_rgb)]
    assert [panel.operation.itemData(i) for i in range(panel.operation.count())] == list(OPERATIONS)
    choose(panel, names[1], "rotate")
    assert "Rotates" in panel.about.text()
    with qtbot.waitSignal(session.frame):
        qtbot.mouseClick(panel.plus, LEFT)
    assert bends(session) == [Bend(names[1], "rotate", (30.0,), ALL_CHANNELS)]
    assert session.store.undo_name == f"Rotate {names[1]}"
    session.undo()
    assert bends(session) == []


def test_another_size_is_of_all_channels_and_only_for_networks_that_can(panel: BendPanel, session: Session) -> None:
    choose(panel, panel.layer.itemData(1), "resize")
    assert not panel.kind.isEnabled()
    assert "all channels" in panel.kind.toolTip()
    assert not panel.plus.isEnabled()  # the tiny network's layers have one size
    assert "one size only" in panel.plus.toolTip()
    choose(panel, panel.layer.itemData(1), "rotate")
    assert panel.kind.isEnabled()
    assert panel.plus.isEnabled()


def test_the_input_is_bent_and_has_no_clusters(panel: BendPanel, session: Session, qtbot: QtBot) -> None:
    choose(panel, "input", "flip-h", "cluster")
    assert not panel.search.isVisible()
    assert not panel.plus.isEnabled()
    assert "no clusters" in panel.plus.toolTip()
    choose(panel, "input", "flip-h", "all")
    with qtbot.waitSignal(session.frame):
        qtbot.mouseClick(panel.plus, LEFT)
    assert bends(session) == [Bend("input", "flip-h", ())]


def test_channels_are_chosen(panel: BendPanel, session: Session, qtbot: QtBot) -> None:
    name = panel.layer.itemData(2)
    choose(panel, name, "ablate", "share")
    assert panel.share.isVisible()
    assert not panel.first.isVisible()
    panel.share.enter(25)
    for _ in range(2):
        qtbot.mouseClick(panel.plus, LEFT)
    one, other = bends(session)
    assert isinstance(one.channels, ChannelShare)
    assert isinstance(other.channels, ChannelShare)
    assert one.channels.share == 0.25
    assert one.channels.seed != other.channels.seed
    choose(panel, name, "ablate", "range")
    assert (panel.first.maximum, panel.last.value) == (7, 7)
    panel.first.enter(5)
    panel.last.enter(3)  # the first follows
    assert panel.first.value == 3
    qtbot.mouseClick(panel.plus, LEFT)
    assert bends(session)[-1].channels == ChannelRange(3, 3)


def test_clusters_are_found_and_then_added_with_their_channels(
    panel: BendPanel, session: Session, qtbot: QtBot
) -> None:
    name = panel.layer.itemData(1)
    choose(panel, name, "flip-h", "cluster")
    assert panel.search.isVisible()
    assert not panel.plus.isEnabled()
    assert "Find the clusters" in panel.plus.toolTip()
    qtbot.mouseClick(panel.search, LEFT)
    assert panel.progress.isVisible()
    assert panel.search.text() == "Cancel"
    qtbot.waitUntil(lambda: session.bending.fraction is None, timeout=20_000)
    clusters = session.bending.clusters(name)
    assert sorted(i for cluster in clusters for i in cluster) == list(range(8))
    assert panel.cluster.count() == len(clusters) > 1
    assert not panel.search.isVisible()
    panel.cluster.setCurrentIndex(1)
    qtbot.mouseClick(panel.plus, LEFT)
    assert bends(session)[-1].channels == ChannelCluster(1, clusters[1])
    choose(panel, panel.layer.itemData(0), "flip-h", "cluster")  # of another layer they are not known
    assert not panel.plus.isEnabled()


def test_a_search_is_cancelled_by_the_button_and_by_another_model(
    panel: BendPanel, session: Session, qtbot: QtBot
) -> None:
    choose(panel, panel.layer.itemData(3), "flip-h", "cluster")
    qtbot.mouseClick(panel.search, LEFT)
    qtbot.mouseClick(panel.search, LEFT)
    assert session.bending.fraction is None
    assert panel.search.text() == "Find clusters"
    qtbot.wait(1)
    qtbot.mouseClick(panel.search, LEFT)
    assert session.bending.fraction is not None
    open_model(qtbot, session, "wide")
    assert session.bending.fraction is None
    assert session.bending.clusters(panel.layer.itemData(3)) == ()


def test_without_a_model_nothing_can_be_added(panel_session: MakeSession, qtbot: QtBot) -> None:
    session = panel_session("")
    made = BendPanel(session)
    qtbot.addWidget(made)
    made.show()
    assert not made.plus.isEnabled()
    assert not made.layer.isEnabled()
    assert "No model" in made.plus.toolTip()
    open_model(qtbot, session, "tiny")
    assert made.plus.isEnabled()
    assert made.layer.isEnabled()


def test_bends_are_pasted(panel: BendPanel, session: Session, qtbot: QtBot, qapp: QApplication) -> None:
    problems: list[LatentwalkError] = []
    panel.problem.connect(problems.append)
    qapp.clipboard().setText("- layer: 1\n  transform: rotate\n  params: [45]\n- layer: t2\n  transform: ablate\n")
    qtbot.mouseClick(panel.paste, LEFT)
    assert bends(session) == [Bend("t1", "rotate", (45.0,)), Bend("t2", "ablate")]
    assert session.store.undo_name == "Paste bends"
    qapp.clipboard().setText("- layer: t1\n  transform: flip-h\n  features: cluster\n  feature-param: 0\n")
    qtbot.mouseClick(panel.paste, LEFT)
    assert "clusters of the layer t1 are not known" in str(problems.pop())
    session.bending.find("t1")
    qtbot.waitUntil(lambda: session.bending.fraction is None, timeout=20_000)
    qtbot.mouseClick(panel.paste, LEFT)
    assert bends(session)[-1].channels == ChannelCluster(0, session.bending.clusters("t1")[0])
    qapp.clipboard().setText("something else")
    qtbot.mouseClick(panel.paste, LEFT)
    assert "no list of bends" in str(problems.pop())
    assert len(bends(session)) == 3


# -- rows ------------------------------------------------------------------------------------------------------


def test_a_row_changes_amount_and_numbers_as_undo_steps(editor: WEditorPanel, session: Session) -> None:
    session.look.add_edit(Edit(Bend("t1", "translate")))
    (row,) = editor.edits.rows
    assert isinstance(row, BendRow)
    assert row.name.full == "Translate t1"
    assert [slider.isVisible() for slider in row.numbers] == [True, True]
    assert [slider.value for slider in row.numbers] == [0.1, 0.0]
    row.slider.enter(0.5)
    assert session.look_of().edits == (Edit(Bend("t1", "translate"), 0.5),)
    y = row.numbers[1]
    at = [QPointF(y.groove().position_of(v), y.height() / 2) for v in (0.0, 0.2, 0.5)]
    drag(y, *at)
    (bend,) = bends(session)
    assert bend.parameters == pytest.approx((0.1, 0.5), abs=0.02)
    assert session.store.undo_name == "Translate t1"
    session.undo()
    assert session.look_of().edits == (Edit(Bend("t1", "translate"), 0.5),)
    assert y.value == 0.0
    session.undo()
    assert row.slider.value == 1.0


def test_rows_follow_their_edits(editor: WEditorPanel, session: Session, qtbot: QtBot) -> None:
    threshold = Edit(Bend("t1", "threshold", (0.25,)))
    noise = Edit(Bend("t2", "noise", (0.5,), seed=3), 0.75)
    session.edit("Edits", edits=(threshold, Edit(Nudge(1), 0.5), noise))
    first, second, third = editor.edits.rows
    assert [type(row) for row in (first, second, third)] == [BendRow, NudgeRow, BendRow]
    assert isinstance(first, BendRow)
    assert isinstance(third, BendRow)
    assert (first.numbers[0].label, first.numbers[0].value) == ("Level", 0.25)
    assert not first.numbers[1].isVisible()
    assert not first.again.isVisible()
    assert third.again.isVisible()
    qtbot.mouseClick(third.again, LEFT)
    assert bends(session)[1].seed != 3
    assert bends(session)[1].parameters == (0.5,)
    qtbot.mouseClick(first.on, LEFT, pos=QPoint(8, first.on.height() // 2))
    assert session.look_of().edits[0] == replace(threshold, is_on=False)
    assert "switched off" in first.numbers[0].toolTip()
    qtbot.mouseClick(first.remove, LEFT)
    qtbot.mouseClick(editor.edits.rows[0].remove, LEFT)
    (left,) = [row for row in editor.edits.rows if row.isVisible()]
    assert isinstance(left, BendRow)
    assert left.name.full == "Noise t2"
    session.look.remove_edit(0)
    session.look.add_edit(Edit(Bend("t1", "flip-v", channels=ChannelShare(0.5, 1))))
    (shown,) = [row for row in editor.edits.rows if row.isVisible()]
    assert isinstance(shown, BendRow)
    assert not any(slider.isVisible() for slider in shown.numbers)
    qtbot.mouseClick(shown.again, LEFT)
    assert bends(session)[0].channels not in (ChannelShare(0.5, 1), ALL_CHANNELS)


def test_a_bend_of_another_models_layer_says_so(editor: WEditorPanel, session: Session) -> None:
    session.look.add_edit(Edit(Bend("b16.conv0", "rotate")))
    (row,) = editor.edits.rows
    assert isinstance(row, BendRow)
    assert "does not fit" in row.slider.toolTip()
    assert not row.numbers[0].isEnabled()


def test_a_project_gives_the_same_picture_without_clusters_being_found(
    session: Session, panel_session: MakeSession, qtbot: QtBot, tmp_path: Path
) -> None:
    bend = Edit(Bend("t1", "dilate", (1.5,), ChannelCluster(2, (1, 4, 5))), 0.8)
    session.look.add_edit(bend)
    qtbot.waitUntil(lambda: is_bent(session), timeout=20_000)
    wanted = session.last_frame(0).pixels
    path = tmp_path / "bent.json"
    session.documents.save_project(path)
    qtbot.waitUntil(path.exists, timeout=20_000)
    other = panel_session("tiny")
    assert (other.last_frame(0).pixels != wanted).any()
    other.documents.open_project(path)
    qtbot.waitUntil(lambda: is_bent(other), timeout=20_000)
    assert other.look_of().edits == (bend,)
    assert (other.last_frame(0).pixels == wanted).all()


def is_bent(session: Session) -> bool:
    """Whether the finished picture with an edit is shown."""
    frame = session.last_frame(0)
    return frame is not None and frame.tier is Tier.FULL and bool(frame.request.style.edits)
