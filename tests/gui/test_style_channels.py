"""Marking a region by mouse, finding its style channels, and moving them by the panel's sliders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from explorer.directions.style_space import RankedChannel
from explorer.session import Session
from explorer.state import Edit, Nudge, StyleChannels
from explorer.widgets.panels.edits.channel_preview import SIGMAS
from explorer.widgets.panels.edits.channels_panel import SHOWN, ChannelsPanel
from explorer.widgets.viewer.camera import Camera
from explorer.widgets.viewer.image_view import ImageView
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import centre, drag, wait_until
from tests.gui.test_image_view import Log, colour_at, frame


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of this test."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))


# -- the tool --------------------------------------------------------------------------------------------------


@pytest.fixture
def view(qtbot) -> ImageView:  # type: ignore[no-untyped-def]
    made = ImageView(0, Camera())
    qtbot.addWidget(made)
    made.resize(200, 200)
    made.show()
    made.set_frame(frame((255, 0, 0), view=0))
    return made


class Strokes:
    """What a region tool said, in order."""

    def __init__(self, view: ImageView) -> None:
        self.said: list[object] = []
        view.region.began.connect(lambda is_eraser: self.said.append("erasing" if is_eraser else "began"))
        view.region.marked.connect(lambda start, end: self.said.append((start, end)))
        view.region.reverted.connect(lambda: self.said.append("reverted"))
        view.region.left.connect(lambda: self.said.append("left"))


def test_a_click_is_a_disc_and_a_drag_a_stroke_in_picture_widths(view: ImageView) -> None:
    log, strokes = Log(view), Strokes(view)
    drag(view, [(50, 50), (100, 150)])
    assert strokes.said == []  # off: the drag walks
    assert ("start", "Walk") in log.said
    view.region.set_on(True)
    log.said.clear()
    rect = view.picture_rect()

    def at(x: float, y: float) -> tuple[float, float]:
        return rect.left() + x * rect.width(), rect.top() + y * rect.width()

    drag(view, [at(0.25, 0.25)])
    drag(view, [at(0.5, 0.5), at(0.75, 0.5)])
    points = [np.round(np.array(item), 3).tolist() for item in strokes.said if isinstance(item, tuple)]
    assert points == [
        [[0.25, 0.25], [0.25, 0.25]],
        [[0.5, 0.5], [0.5, 0.5]],
        [[0.5, 0.5], [0.75, 0.5]],
    ]
    assert strokes.said.count("began") == 2
    assert not any("start" in said for said in log.said)


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier])
def test_drags_with_a_modifier_still_move_and_turn(view: ImageView, modifier: Qt.KeyboardModifier) -> None:
    log, strokes = Log(view), Strokes(view)
    view.region.set_on(True)
    drag(view, [(50, 50), (100, 80)], modifiers=modifier)
    assert strokes.said == []
    assert log.said[0][0] == "start"


@pytest.mark.parametrize(
    ("button", "modifiers"),
    [
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier),
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier),
    ],
)
def test_the_right_button_and_alt_erase(
    view: ImageView, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier
) -> None:
    log, strokes = Log(view), Strokes(view)
    view.region.set_on(True)
    drag(view, [(50, 50), (100, 80)], button=button, modifiers=modifiers)
    assert strokes.said[0] == "erasing"
    assert len(strokes.said) == 3
    assert log.said == []
    view.region.set_on(False)
    strokes.said.clear()
    drag(view, [(50, 50), (100, 80)], button=button, modifiers=modifiers)
    assert strokes.said == []


def test_escape_reverts_a_stroke_and_then_ends_marking(view: ImageView) -> None:
    strokes = Strokes(view)
    view.region.set_on(True)
    drag(view, [(50, 50), (100, 80)], release=False)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert strokes.said[-1] == "reverted"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert strokes.said[-1] == "left"


def test_two_quick_clicks_mark_twice_and_reset_nothing(view: ImageView) -> None:
    strokes, resets = Strokes(view), []
    view.reset_requested.connect(lambda: resets.append(1))
    view.region.set_on(True)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton)
    QTest.mouseDClick(view, Qt.MouseButton.LeftButton)
    assert strokes.said.count("began") >= 2
    assert not resets


def test_the_region_shows_while_it_is_marked_and_heat_while_it_is_pointed_at(view: ImageView) -> None:
    mask = np.zeros((16, 16), bool)
    mask[:, 8:] = True
    view.region.set_region(mask)
    plain = colour_at(view, 150, 100)
    view.region.set_on(True)
    assert colour_at(view, 150, 100) != plain
    assert colour_at(view, 50, 100) == colour_at(view, 60, 100)
    view.region.set_on(False)
    assert colour_at(view, 150, 100) == plain
    heat = np.zeros((4, 4), np.uint8)
    heat[:, 2:] = 255
    view.region.set_heat(heat)
    assert colour_at(view, 190, 100) == plain
    assert colour_at(view, 20, 100) != plain
    view.region.set_heat(None)
    assert colour_at(view, 20, 100) == plain


# -- the search ------------------------------------------------------------------------------------------------


def mark(session: Session, *points: tuple[float, float], view: int = 0) -> None:
    session.channels.begin_stroke(view)
    for start, end in zip(points, (*points[1:], points[-1]), strict=True):
        session.channels.mark(start, end)


def find(session: Session) -> tuple[RankedChannel, ...]:
    session.channels.find()
    wait_until(lambda: not session.channels.is_running, 60_000)
    return tuple(session.channels.found)


def test_the_brush_marks_what_it_covers(session: Session) -> None:
    channels = session.channels
    info = session.info(0)
    assert info is not None
    height, width = info.img_size
    channels.set_brush(0.25)
    mark(session, (0.5, 0.5))
    assert channels.region is not None
    assert channels.region.mean() == pytest.approx(np.pi / 16, rel=0.05)
    channels.clear()
    channels.set_brush(1e-4)
    mark(session, (0.1, 0.5), (0.9, 0.5))
    assert channels.region is not None
    assert channels.region[int(0.5 * height), int(0.1 * width)]
    channels.cancel_stroke()
    assert channels.region is None
    mark(session, (1.7, -0.4))  # outside the picture
    assert channels.region is None


def test_the_eraser_takes_away_what_it_covers_also_after_a_search(session: Session) -> None:
    channels = session.channels
    channels.set_brush(0.3)
    mark(session, (0.5, 0.5))
    marked = channels.region
    assert marked is not None
    channels.find()
    channels.cancel()
    channels.begin_stroke(0, is_eraser=True)
    channels.set_brush(0.1)
    channels.mark((0.5, 0.5), (0.5, 0.5))
    assert channels.region is not None
    assert 0 < channels.region.sum() < marked.sum()
    size = marked.shape[0]
    assert not channels.region[size // 2, size // 2]
    assert not (channels.region & ~marked).any()
    channels.cancel_stroke()
    np.testing.assert_array_equal(channels.region, marked)
    channels.set_brush(2.0)
    channels.begin_stroke(0, is_eraser=True)
    channels.mark((0.5, 0.5), (0.5, 0.5))
    assert channels.region is None
    channels.mark((0.5, 0.5), (0.5, 0.5))
    assert channels.region is None


def test_the_next_stroke_after_a_search_begins_a_new_region(session: Session) -> None:
    mark(session, (0.2, 0.2))
    mark(session, (0.8, 0.8))
    region = session.channels.region
    assert region is not None
    size = region.shape[0]
    assert region[int(0.2 * size), int(0.2 * size)]
    session.channels.find()
    session.channels.cancel()
    mark(session, (0.5, 0.5))
    assert session.channels.region is not None
    assert not session.channels.region[int(0.2 * size), int(0.2 * size)]
    mark(session, (0.2, 0.2), view=1)
    assert session.channels.view == 1
    assert not session.channels.region[int(0.5 * size), int(0.5 * size)]


def test_a_search_without_a_region_says_what_to_do(session: Session) -> None:
    errors: list[object] = []
    session.channels.failed.connect(errors.append)
    session.channels.find()
    assert "No region is marked" in str(errors[0])
    session.channels.set_brush(3.0)
    mark(session, (0.5, 0.5))
    find(session)
    assert "whole picture" in str(errors[1])


def test_a_channel_found_is_moved_by_an_edit_of_the_look(session: Session) -> None:
    mark(session, (0.3, 0.3))
    found = find(session)
    assert len(found) > SHOWN
    channels, first = session.channels, found[0]
    session.look.add_edit(Edit(Nudge(3), 0.5))
    channels.set_strength(first, 4.0)
    channels.set_strength(first, 6.0)
    edits = session.look_of().edits
    assert [edit.strength for edit in edits] == [0.5, 6.0]
    sha = session.model_info(0).sha256  # type: ignore[union-attr]
    assert sha
    assert edits[1].value == StyleChannels(first.layer, (first.channel,), (first.sigma,), model_sha=sha)
    assert channels.strength(first) == 6.0
    session.look.switch_edit(1, False)
    assert channels.strength(first) == 0.0
    session.look.remove_edit(1)
    assert channels.strength(first) == 0.0


def test_undoing_an_edit_of_a_channel_gives_the_same_picture_to_the_bit(session: Session) -> None:
    def picture() -> np.ndarray:
        def is_shown() -> bool:
            frame = session.last_frame(0)
            return frame is not None and frame.tier == 1 and frame.request == session.resolve_view(0)

        wait_until(is_shown)
        return session.last_frame(0).pixels.copy()

    before = picture()
    layer = session.info(0).layers[0]
    session.look.add_edit(Edit(StyleChannels(layer.name, (0, 2), (1.0, 0.5)), 8.0))
    assert not np.array_equal(picture(), before)
    session.undo()
    np.testing.assert_array_equal(picture(), before)


def test_a_closed_model_takes_the_search_with_it(session: Session) -> None:
    mark(session, (0.3, 0.3))
    session.channels.find()
    ends: list[object] = []
    session.channels.progress.connect(ends.append)
    session.models.request(0, "")
    wait_until(lambda: session.info(0) is None)
    assert not session.channels.is_running
    assert session.channels.region is None
    assert ends[-1] is None


# -- the window ------------------------------------------------------------------------------------------------


def panel_of(window: MainWindow) -> ChannelsPanel:
    panel = window.sides.sections["style-channels"].body
    assert isinstance(panel, ChannelsPanel)
    return panel


def test_from_the_shortcut_to_a_moved_channel_as_one_step_of_undo(window: MainWindow, session: Session) -> None:
    panel, image = panel_of(window), window.views.panes[0].image
    image.setFocus()
    QTest.keyClick(image, Qt.Key.Key_M)
    assert session.channels.is_marking
    assert panel.mark.isChecked()
    assert panel.isVisible()
    look = session.look_of()
    x, y = centre(image)
    drag(image, [(x, y), (x + 10, y)])
    assert session.look_of() == look
    assert session.channels.region is not None
    assert session.channels.region.any()
    assert "Marked" in panel.note.text()
    panel.search.click()
    assert not session.channels.is_marking
    assert panel.search.text() == "Cancel"
    wait_until(lambda: not session.channels.is_running, 60_000)
    assert panel.search.text() == "Find channels"
    shown = [item for item in panel.rows if not item.isHidden()]
    assert len(shown) == SHOWN
    assert [item.channel for item in shown] == list(session.channels.found[:SHOWN])
    slider = shown[0].slider
    groove = slider.groove().rect
    steps = [(groove.left() + fraction * groove.width(), slider.height() / 2) for fraction in (0.5, 0.6, 0.7, 0.75)]
    before = session.store.state
    drag(slider, steps)
    (edit,) = session.look_of().edits
    assert edit.strength == pytest.approx(10.0, abs=2.0)
    assert slider.value == edit.strength
    session.undo()
    assert session.store.state == before
    assert slider.value == 0.0


def test_pointing_at_a_channel_shows_where_it_changes_the_picture(window: MainWindow, session: Session) -> None:
    panel, image = panel_of(window), window.views.panes[0].image
    window.reveal("style-channels")
    mark(session, (0.4, 0.4))
    find(session)
    at = QPointF(3, 3)
    QApplication.sendEvent(panel.rows[0].heat, QEnterEvent(at, at, at))
    assert image.region._heat is not None
    assert window.views.panes[1].image.region._heat is None
    QApplication.sendEvent(panel.rows[0].heat, QEvent(QEvent.Type.Leave))
    assert image.region._heat is None


def test_resting_on_a_channel_shows_pictures_of_it_and_dragging_ends_that(
    window: MainWindow, session: Session
) -> None:
    panel = panel_of(window)
    window.reveal("style-channels")
    mark(session, (0.4, 0.4))
    find(session)
    item, preview, at = panel.rows[0], panel.preview, QPointF(3, 3)
    before = session.store.state
    QApplication.sendEvent(item, QEnterEvent(at, at, at))
    wait_until(preview.isVisible)
    wait_until(lambda: len(preview.thumbnails._images) == len(SIGMAS))
    pictures = [image.copy() for image in preview.thumbnails._images.values()]
    assert any(picture != pictures[2] for picture in pictures)
    assert session.store.state == before
    QApplication.sendEvent(item, QEvent(QEvent.Type.Leave))
    assert not preview.isVisible()
    QApplication.sendEvent(item, QEnterEvent(at, at, at))
    item.slider.pressed.emit()
    QTest.qWait(0)
    assert not preview.isVisible()
    assert not preview._wait.isActive()
    session.cancel()


def test_channels_found_in_another_view_wait_for_it(window: MainWindow, session: Session) -> None:
    panel = panel_of(window)
    window.reveal("style-channels")
    mark(session, (0.4, 0.4))
    find(session)
    assert panel.rows[0].slider.isEnabled()
    session.views.set_active(1)
    assert not panel.rows[0].slider.isEnabled()
    session.views.set_active(0)
    assert panel.rows[0].slider.isEnabled()
    mark(session, (0.4, 0.4), view=1)  # does not move what was found
    assert panel.rows[0].slider.isEnabled()


def test_escape_anywhere_in_the_window_ends_marking(window: MainWindow, session: Session) -> None:
    session.channels.set_marking(True)
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not session.channels.is_marking


def test_cancelling_keeps_the_panel_usable(window: MainWindow, session: Session) -> None:
    panel = panel_of(window)
    window.reveal("style-channels")
    mark(session, (0.4, 0.4))
    panel.search.click()
    panel.search.click()
    assert not session.channels.is_running
    assert panel.line.isHidden()
    session.channels.clear()
    panel.search.click()
    assert "No region is marked" in panel.message.text()


def test_edits_of_channels_are_rows_like_all_others(window: MainWindow, session: Session) -> None:
    name = session.info(0).layers[0].name
    session.look.add_edit(Edit(StyleChannels(name, (2,), (0.5,)), 3.0))
    rows = window.sides.sections["w"].body.edits.rows  # type: ignore[attr-defined]
    assert rows[0].slider.label == f"2 {name}"
    assert rows[0].slider.value == 3.0
    assert (rows[0].slider.minimum, rows[0].slider.maximum) == (-20.0, 20.0)
    assert rows[0].slider.isEnabled()
