"""Tools over the picture: which of them takes a drag, what a drag of one means, and what they show."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from explorer.state import Slit
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.viewer.tools import PassiveTool, PictureView
from tests.gui.conftest import drag
from tests.gui.test_image_view import Log, colour_at, frame


class Corner(PassiveTool):
    """Takes drags from the upper left quarter of the widget."""

    def __init__(self, picture: PictureView, undo_name: str) -> None:
        super().__init__(picture)
        self.undo_name = undo_name  # type: ignore[misc]
        self.calls: list[str] = []

    def hit(self, at: QPointF) -> bool:
        return at.x() < 100 and at.y() < 100

    def cursor(self, at: QPointF) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    def press(self, at: QPointF) -> None:
        self.calls.append("press")

    def move(self, at: QPointF) -> None:
        self.calls.append(f"move {at.x():.0f}")

    def release(self) -> None:
        self.calls.append("release")

    def cancel(self) -> None:
        self.calls.append("cancel")


@pytest.fixture
def view(qtbot) -> ImageView:  # type: ignore[no-untyped-def]
    made = ImageView(2, Camera())
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    made.set_frame(frame((255, 0, 0), view=2))
    return made


def test_the_first_tool_that_is_hit_takes_the_drag(view: ImageView) -> None:
    top, below = Corner(view, "Top"), Corner(view, "Below")
    view.tools[:0] = [top, below]
    log = Log(view)
    drag(view, [(50, 50), (150, 50)])
    assert top.calls == ["press", "move 150", "release"]
    assert not below.calls
    assert log.said == [("start", "Top"), ("finish",)]


def test_a_tool_without_an_undo_name_makes_no_step(view: ImageView) -> None:
    tool = Corner(view, "")
    view.tools.append(tool)
    log = Log(view)
    drag(view, [(50, 50), (150, 50)])
    assert tool.calls
    assert not log.said


def test_keys_and_other_places_leave_the_drag_to_the_picture(view: ImageView) -> None:
    tool = Corner(view, "Tool")
    view.tools.append(tool)
    log = Log(view)
    drag(view, [(50, 50), (60, 50)], modifiers=Qt.KeyboardModifier.ShiftModifier)
    drag(view, [(150, 150), (160, 150)])
    assert not tool.calls
    assert [entry[1] for entry in log.said if entry[0] == "start"] == ["Move picture", "Walk"]


def test_escape_cancels_the_drag_of_a_tool(view: ImageView) -> None:
    tool = Corner(view, "Tool")
    view.tools.append(tool)
    log = Log(view)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))
    assert view.is_dragging
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert not view.is_dragging
    assert tool.calls == ["press", "cancel"]
    assert log.said == [("start", "Tool"), ("cancel",)]


def test_the_cursor_announces_a_tool(view: ImageView) -> None:
    view.tools.append(Corner(view, "Tool"))
    QTest.mouseMove(view, QPoint(50, 60))
    QTest.mouseMove(view, QPoint(50, 50))
    assert view.cursor().shape() == Qt.CursorShape.CrossCursor
    QTest.mouseMove(view, QPoint(150, 150))
    assert view.cursor().shape() == Qt.CursorShape.OpenHandCursor


def test_before_is_shown_over_an_average(view: ImageView) -> None:
    green, blue = QImage(8, 8, QImage.Format.Format_RGB32), QImage(8, 8, QImage.Format.Format_RGB32)
    green.fill(Qt.GlobalColor.green)
    blue.fill(Qt.GlobalColor.blue)
    view.average.show(blue, "mean")
    assert colour_at(view, 100, 150) == Qt.GlobalColor.blue
    view.before.show(green, "before")
    assert colour_at(view, 100, 150) == Qt.GlobalColor.green
    view.before.show(None)
    assert colour_at(view, 100, 150) == Qt.GlobalColor.blue


def test_a_slit_is_dragged_and_let_go(view: ImageView) -> None:
    moved: list[Slit] = []
    view.slit.set_slit(Slit(0.0, 0.0))
    view.slit.moved.connect(moved.append)
    log = Log(view)
    drag(view, [(100, 100), (120, 100)])
    assert log.said == [("start", "Slit"), ("finish",)]
    assert moved[-1].x == pytest.approx(0.1)
    view.slit.set_slit(None)
    drag(view, [(100, 100), (120, 100)])
    assert log.said[2] == ("start", "Walk")


@pytest.mark.parametrize("views", [(0, 1), (3, 5)])
def test_a_pair_carries_the_marks_of_any_two_views(view: ImageView, views: tuple[int, int]) -> None:
    view.pair.set_views(*views)
    view.flicker.set_on(True, shows_other=True)
    view.set_other_frame(frame((0, 0, 255), view=views[1]))
    assert view.pair.views == views
    assert colour_at(view, 100, 150) == Qt.GlobalColor.blue
