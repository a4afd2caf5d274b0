"""The picture: what drags say, zoom and pan, the wipe, and when a frame counts as painted."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest

from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.gestures import Drag, mode_of
from explorer.widgets.viewer.image_view import WALK_SEEDS, ImageView
from tests.gui.conftest import drag, flush

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


def frame(colour: tuple[int, int, int], *, size: int = 8, generation: int = 1, view: int = 0, tier: int = 1) -> Any:
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[:] = (*reversed(colour), 255)
    still = SimpleNamespace(transform=None)
    return SimpleNamespace(
        pixels=pixels, width=size, height=size, generation=generation, view=view, tier=tier, request=still
    )


@pytest.fixture
def view(qtbot) -> ImageView:  # type: ignore[no-untyped-def]
    made = ImageView(0, Camera())
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    made.set_frame(frame((255, 0, 0)))
    return made


class Log:
    """The drags of a view, in order."""

    def __init__(self, view: ImageView) -> None:
        self.said: list[tuple[object, ...]] = []
        view.drag_started.connect(lambda name: self.said.append(("start", name)))
        view.dragged.connect(lambda mode, dx, dy: self.said.append((mode, round(dx, 4), round(dy, 4))))
        view.drag_finished.connect(lambda: self.said.append(("finish",)))
        view.drag_cancelled.connect(lambda: self.said.append(("cancel",)))


def colour_at(view: ImageView, x: int, y: int) -> QColor:
    return QColor(view.grab().toImage().pixel(QPoint(x, y)))


def test_a_frame_is_painted_as_it_is(view: ImageView) -> None:
    assert colour_at(view, 100, 100) == QColor(255, 0, 0)
    assert colour_at(view, 5, 5) == QColor(255, 0, 0)


def test_painted_tells_the_newest_generation_once(view: ImageView) -> None:
    seen: list[tuple[int, int]] = []
    view.painted.connect(lambda v, g: seen.append((v, g)))
    view.set_frame(frame((0, 255, 0), generation=5))
    view.set_frame(frame((0, 0, 255), generation=6))
    flush()
    view.repaint()
    view.repaint()
    assert seen == [(0, 6)]


def test_a_plain_drag_walks(view: ImageView) -> None:
    log = Log(view)
    drag(view, [(50, 50), (90, 50), (90, 70)])
    assert log.said == [
        ("start", "Walk"),
        ("walk", round(0.2 * WALK_SEEDS, 4), 0.0),
        ("walk", 0.0, round(0.1 * WALK_SEEDS, 4)),
        ("finish",),
    ]


def test_shift_drag_moves_in_image_widths(view: ImageView) -> None:
    log = Log(view)
    drag(view, [(50, 50), (90, 30)], modifiers=SHIFT)
    assert log.said == [("start", "Move picture"), ("move", 0.2, -0.1), ("finish",)]


def test_moves_are_widths_of_the_zoomed_picture(view: ImageView) -> None:
    view.camera.zoom_at(2.0, QPointF(100, 100), view.area())
    log = Log(view)
    drag(view, [(50, 50), (90, 50)], modifiers=SHIFT)
    assert log.said[1] == ("move", 0.1, 0.0)


def test_alt_drag_turns_counter_clockwise(view: ImageView) -> None:
    log = Log(view)
    drag(view, [(190, 100), (100, 10)], modifiers=ALT)  # from the right over to the top
    assert log.said == [("start", "Turn picture"), ("rotate", 90.0, 0.0), ("finish",)]


def test_a_turn_across_the_left_side_does_not_jump() -> None:
    from PySide6.QtCore import QRectF

    turning = Drag("rotate", QPointF(-10, -1), QRectF(-50, -50, 100, 100))
    step, _ = turning.step(QPointF(-10, 1))
    assert abs(step) < 20


def test_the_overlay_says_what_a_drag_does(view: ImageView) -> None:
    drag(view, [(50, 50), (70, 50)], release=False)
    assert view.overlay.startswith("walk")
    assert "+0.15" in view.overlay
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(70, 50))
    assert view.overlay == ""


def test_escape_cancels_the_running_drag(view: ImageView) -> None:
    log = Log(view)
    drag(view, [(50, 50), (70, 50)], release=False)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    QTest.mouseMove(view, QPoint(120, 120))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(120, 120))
    assert log.said[-1] == ("cancel",)
    assert not view.is_dragging


def test_a_second_button_during_a_drag_changes_nothing(view: ImageView) -> None:
    log = Log(view)
    drag(view, [(50, 50), (60, 50)], release=False)
    drag(view, [(60, 50)], button=Qt.MouseButton.MiddleButton, release=False)
    assert log.said == [("start", "Walk"), ("walk", 0.075, 0.0)]
    view.cancel_drag()


def test_nothing_to_drag_without_a_picture(qtbot) -> None:  # type: ignore[no-untyped-def]
    view = ImageView(0, Camera())
    qtbot.addWidget(view)
    log = Log(view)
    drag(view, [(50, 50), (90, 50)])
    assert log.said == []


@pytest.mark.parametrize(
    ("button", "modifiers", "mode"),
    [
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, "walk"),
        (Qt.MouseButton.LeftButton, SHIFT, "move"),
        (Qt.MouseButton.LeftButton, ALT, "rotate"),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, "rotate"),
        (Qt.MouseButton.MiddleButton, Qt.KeyboardModifier.NoModifier, "pan"),
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, None),
    ],
)
def test_modes(button: Qt.MouseButton, modifiers: Qt.KeyboardModifier, mode: str | None) -> None:
    assert mode_of(button, modifiers) == mode


def test_zoom_keeps_the_point_under_the_pointer(view: ImageView) -> None:
    camera = view.camera
    at = QPointF(150, 60)
    before = camera.rect(8, 8, view.area())
    share = ((at.x() - before.left()) / before.width(), (at.y() - before.top()) / before.height())
    camera.zoom_at(3.0, at, view.area())
    after = camera.rect(8, 8, view.area())
    assert after.left() + share[0] * after.width() == pytest.approx(at.x())
    assert after.top() + share[1] * after.height() == pytest.approx(at.y())


def test_a_middle_drag_pans_and_a_reset_fits(view: ImageView) -> None:
    view.camera.zoom_at(4.0, QPointF(100, 100), view.area())
    drag(view, [(100, 100), (130, 90)], button=Qt.MouseButton.MiddleButton)
    rect = view.picture_rect()
    assert rect.center().x() == pytest.approx(130)
    assert rect.center().y() == pytest.approx(90)
    view.camera.reset()
    assert view.picture_rect() == view.area()


def test_panning_cannot_lose_the_picture(view: ImageView) -> None:
    view.camera.zoom_at(2.0, QPointF(100, 100), view.area())
    for _ in range(20):
        drag(view, [(10, 10), (190, 190)], button=Qt.MouseButton.MiddleButton)
    assert view.picture_rect().intersects(view.area())


def test_a_double_click_asks_for_a_reset(view: ImageView, qtbot) -> None:  # type: ignore[no-untyped-def]
    with qtbot.waitSignal(view.reset_requested):
        QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=QPoint(50, 50))


def test_the_wipe_shows_both_and_its_divider_can_be_dragged(view: ImageView) -> None:
    view.wipe.set_on(True)
    view.set_other_frame(frame((0, 0, 255), view=1))
    assert colour_at(view, 40, 20) == QColor(255, 0, 0)
    assert colour_at(view, 160, 20) == QColor(0, 0, 255)
    log = Log(view)
    drag(view, [(100, 30), (180, 30)])
    assert log.said == []
    assert view.wipe.split == pytest.approx(0.9)
    assert colour_at(view, 160, 20) == QColor(255, 0, 0)


def test_before_is_shown_until_it_is_taken_away(view: ImageView) -> None:
    from explorer.widgets.viewer.image_view import image_of

    view.before.show(image_of(frame((0, 255, 0))), "before")
    assert colour_at(view, 100, 150) == QColor(0, 255, 0)
    view.before.show(None)
    assert colour_at(view, 100, 150) == QColor(255, 0, 0)


def test_pixels_are_squares_with_a_grid_when_large(view: ImageView) -> None:
    view.set_frame(frame((200, 200, 200)))
    view.camera.zoom_at(4.0, QPointF(100, 100), view.area())
    lines = view.grab().toImage()
    view.camera.set_grid(False)
    assert view.grab().toImage() != lines


def test_drafts_are_smooth_and_have_no_grid(view: ImageView) -> None:
    view.set_frame(frame((200, 200, 200), size=4, tier=0))
    view.camera.zoom_at(4.0, QPointF(100, 100), view.area())
    assert colour_at(view, 100, 100) == QColor(200, 200, 200)
    assert len({QColor(view.grab().toImage().pixel(x, 100)).name() for x in range(10, 190)}) == 1
