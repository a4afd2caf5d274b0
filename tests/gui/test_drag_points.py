"""Points to drag: set and moved by the mouse, and what the panel does with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from pytestqt.qtbot import QtBot

from explorer.dragging.benchmark_files import SeededDrag, read_drags, write_drags
from explorer.dragging.problem import HandleState
from explorer.session import Session
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, ViewState, look_of
from explorer.state.dragging import DragSettings
from explorer.state.parameters import DRAG_PARAMETERS
from explorer.widgets.panels.edits.drag_panel import DragPanel
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.viewer.points_tool import PointsTool
from explorer.widgets.viewer.view_pane import ViewPane
from tests.gui.conftest import drag
from tests.gui.test_image_view import frame
from tests.session.test_dragging import load

SIZE = (32, 32)


@pytest.fixture
def view(qtbot: QtBot) -> ImageView:
    made = ImageView(0, Camera())
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    made.set_frame(frame((255, 0, 0), view=0))
    made.points.show(SIZE, ((), ()), (), is_active=True)
    return made


def told(tool: PointsTool) -> list[tuple[object, object]]:
    log: list[tuple[object, object]] = []
    tool.chosen.connect(lambda handles, targets: log.append((handles, targets)))
    return log


def at(view: ImageView, y: float, x: float) -> tuple[int, int]:
    rect = view.picture_rect()
    place = rect.topLeft() + QPointF((x + 0.5) / 32 * rect.width(), (y + 0.5) / 32 * rect.height())
    return round(place.x()), round(place.y())


def near(points: object, *wanted: tuple[float, float]) -> bool:
    assert isinstance(points, tuple)
    return len(points) == len(wanted) and all(
        abs(p[0] - w[0]) < 0.4 and abs(p[1] - w[1]) < 0.4 for p, w in zip(points, wanted, strict=True)
    )


def test_a_drag_sets_a_point_and_its_target_and_another_moves_the_target(view: ImageView) -> None:
    log = told(view.points)
    drag(view, [at(view, 10, 8), at(view, 12, 20)])
    assert near(log[-1][0], (10, 8))
    assert near(log[-1][1], (12, 20))
    drag(view, [at(view, 12, 20), at(view, 5, 25)])
    assert near(log[-1][0], (10, 8))
    assert near(log[-1][1], (5, 25))
    drag(view, [at(view, 10, 8), at(view, 11, 9)])
    assert near(log[-1][0], (11, 9))


def test_without_being_active_it_leaves_the_picture_alone(view: ImageView) -> None:
    log = told(view.points)
    view.points.show(SIZE, ((), ()), (), is_active=False)
    drag(view, [at(view, 10, 8), at(view, 12, 20)])
    assert log == []


def test_points_are_painted_where_the_handles_are_by_now(view: ImageView) -> None:
    blank = view.grab().toImage()
    view.points.show(SIZE, (((4.0, 4.0),), ((20.0, 20.0),)), (), is_active=False)
    before = view.grab().toImage()
    view.points.show(
        SIZE, (((4.0, 4.0),), ((20.0, 20.0),)), (HandleState((12.0, 12.0), "lost", "Gone."),), is_active=False
    )
    after = view.grab().toImage()
    x, y = at(view, 4, 4)
    assert before.pixelColor(x, y) != blank.pixelColor(x, y)
    assert after.pixelColor(x, y) == blank.pixelColor(x, y)


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    made = Session(
        state=ExplorerState(views=(ViewState(model="a"),), layout="single"), service=RenderService(load=load)
    )
    made.start()
    qtbot.waitUntil(lambda: made.last_frame(0) is not None, timeout=60_000)
    yield made
    assert made.close()
    made.deleteLater()


def test_the_panel_drags_what_was_set_on_the_picture(session: Session, qtbot: QtBot) -> None:
    panel, pane = DragPanel(session), ViewPane(session, 0, Camera())
    for widget in (panel, pane):
        qtbot.addWidget(widget)
        widget.show()
    assert not panel.run.isEnabled()
    panel.set.click()
    assert pane.image.points.is_active
    pane.image.points.chosen.emit(((14.0, 12.0),), ((14.0, 20.0),))
    session.dragging.set_settings(steps=4)
    panel.run.click()
    assert panel.run.text() == "Pause"
    qtbot.waitUntil(lambda: panel.run.text() == "Run", timeout=60_000)
    assert "Step 4 of 4" in panel.text.text()
    assert "as many as are allowed" in panel.text.text()
    panel.path.back.click()
    assert "Step 3 of 4" in panel.text.text()
    panel.keep.click()
    assert len(look_of(session.store.document, 0).edits) == 1
    assert not panel.text.isVisible()


# -- the brush -----------------------------------------------------------------------------------------------------


@pytest.fixture
def painted(session: Session, qtbot: QtBot) -> tuple[DragPanel, ViewPane]:
    """The panel and a picture, with points and the brush in hand."""
    panel, pane = DragPanel(session), ViewPane(session, 0, Camera())
    for widget in (panel, pane):
        qtbot.addWidget(widget)
        widget.resize(300, 300)
        widget.show()
    last = session.last_frame(0)
    assert last is not None
    pane.show_frame(last)
    session.dragging.set_points(0, ((14.0, 12.0),), ((14.0, 20.0),))
    panel.free.click()
    return panel, pane


def test_the_brush_paints_what_may_move_and_the_right_button_erases(
    session: Session, painted: tuple[DragPanel, ViewPane]
) -> None:
    panel, pane = painted
    assert panel.brush.isVisible()
    drag(pane.image, [at(pane.image, 8, 8), at(pane.image, 8, 24)])
    mask = session.dragging.mask
    assert mask is not None
    assert mask[8, 8:24].all()
    assert not mask[20].any()
    assert session.store.undo_name == "Paint what may move"
    drag(pane.image, [at(pane.image, 8, 8), at(pane.image, 8, 12)], button=Qt.MouseButton.RightButton)
    assert session.dragging.mask is not None
    assert not session.dragging.mask[8, 8:12].any()
    assert session.dragging.mask[8, 20]
    panel.erase.click()
    drag(pane.image, [at(pane.image, 8, 20), at(pane.image, 8, 20)])
    assert not session.dragging.mask[8, 20]
    panel.clear_mask.click()
    assert session.dragging.mask is None


def test_the_mask_is_shown_over_the_picture_while_it_or_the_points_are_edited(
    session: Session, painted: tuple[DragPanel, ViewPane]
) -> None:
    panel, pane = painted
    x, y = at(pane.image, 24, 24)
    plain = pane.image.grab().toImage().pixelColor(x, y)
    drag(pane.image, [at(pane.image, 24, 22), at(pane.image, 24, 26)])
    assert pane.image.grab().toImage().pixelColor(x, y) != plain
    panel.set.click()
    assert pane.image.grab().toImage().pixelColor(x, y) != plain
    assert pane.image.points.is_active
    panel.set.click()
    assert pane.image.grab().toImage().pixelColor(x, y) == plain


def test_escape_cancels_a_stroke_and_then_puts_the_brush_away(
    session: Session, painted: tuple[DragPanel, ViewPane], qtbot: QtBot
) -> None:
    panel, pane = painted
    image = pane.image
    image.setFocus()
    qtbot.mousePress(image, Qt.MouseButton.LeftButton, pos=QPoint(*at(image, 8, 8)))
    assert session.dragging.mask is not None
    qtbot.keyClick(image, Qt.Key.Key_Escape)
    assert session.dragging.mask is None
    assert panel.free.isChecked()
    qtbot.keyClick(image, Qt.Key.Key_Escape)
    assert not panel.free.isChecked()


# -- settings, path, files -----------------------------------------------------------------------------------------


def test_each_setting_is_an_undo_step_is_shown_and_is_reset(session: Session, qtbot: QtBot) -> None:
    panel = DragPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    box = panel.settings
    assert box.body.isHidden()
    box.more.click()
    assert not box.body.isHidden()
    for p in DRAG_PARAMETERS:
        name = p.path.removeprefix("drag.")
        box.sliders[name].enter(p.high - p.step)
        assert getattr(session.dragging.settings, name) == pytest.approx(p.high - p.step)
        assert session.store.undo_name == f"Drag: {p.title}"
    assert isinstance(session.dragging.settings.steps, int)
    box.rows.setText("1-2")
    box.rows.editingFinished.emit()
    assert session.dragging.settings.rows == (1, 2)
    box.rows.setText("1-200")
    box.rows.editingFinished.emit()
    assert "not within" in box.rows.refusal
    assert session.dragging.settings.rows == (1, 2)
    box.reset.click()
    assert session.dragging.settings == DragSettings()
    assert box.rows.text() == ""
    assert box.sliders["rate"].value == pytest.approx(DragSettings().rate)
    session.undo()
    assert box.rows.text() == "1-2"


def test_the_path_is_gone_through_and_put_on_the_timeline(session: Session, qtbot: QtBot) -> None:
    panel = DragPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    session.dragging.set_points(0, ((14.0, 12.0),), ((14.0, 20.0),))
    session.dragging.set_settings(steps=4)
    assert not panel.path.isVisible()
    panel.run.click()
    qtbot.waitUntil(lambda: len(session.dragging.steps) == 5 and not session.dragging.is_running, timeout=60_000)
    panel.path.step.enter(3)
    assert session.dragging.shown == 3
    assert not panel.path.paths.isVisible()
    panel.path.seconds.enter(0.5)
    panel.path.put.click()
    keys = session.state.timeline.keys
    assert [key.time for key in keys] == [0.0, 0.25, 0.5]
    assert session.store.undo_name == "Put drag on the timeline"
    assert session.dragging.shown == 0
    session.dragging.show(1)
    panel.run.click()
    qtbot.waitUntil(lambda: not session.dragging.is_running, timeout=60_000)
    assert panel.path.which.text() == "Path 2 of 2"
    panel.path.before.click()
    assert session.dragging.path == 0


def test_points_are_opened_from_a_file_and_saved_to_one(session: Session, qtbot: QtBot, tmp_path: Path) -> None:
    panel = DragPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    source, copy = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    drags = [SeededDrag(3, ((2.0, 3.0),), ((4.0, 5.0),)), SeededDrag(4, ((6.0, 7.0),), ((8.0, 9.0),))]
    write_drags(source, drags)
    panel.open_file(str(source))
    qtbot.waitUntil(lambda: session.dragging.handles == ((2.0, 3.0),), timeout=10_000)
    assert panel.which.text() == "Drag 1 of 2 of the file"
    panel.after.click()
    assert look_of(session.state, 0).latent.seed == 4
    panel.save_to(copy)
    session.files.close()
    assert read_drags(copy) == (drags[1],)
    problems: list[object] = []
    panel.problem.connect(problems.append)
    source.write_text("{}")
    panel.open_file(str(source))
    qtbot.waitUntil(lambda: bool(problems), timeout=10_000)
    assert "line 1" in str(problems[0])
