"""Points to drag: set and moved by the mouse, and what the panel does with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPointF
from pytestqt.qtbot import QtBot

from explorer.dragging.problem import HandleState
from explorer.session import Session
from explorer.session.render_service import RenderService
from explorer.state import ExplorerState, ViewState, look_of
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
    panel.back.click()
    assert "Step 3 of 4" in panel.text.text()
    panel.keep.click()
    assert len(look_of(session.store.document, 0).edits) == 1
    assert not panel.text.isVisible()
