"""The timeline's lanes and the film page under a real hand: keys added, dragged, copied, eased, filmed, opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QStyle, QStyleOptionComboBox

from explorer.project.document import read_project
from explorer.widgets.controls.basic import Choice
from explorer.widgets.timeline.lanes import KEYS, RULER, TRACK, value_range
from explorer.widgets.timeline.view import TimelineView
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import drag, flush, wait_until


@pytest.fixture
def lanes(window: MainWindow) -> TimelineView:
    """The lanes, open, with keys at 1 and 3 seconds that move the picture by 0 and by 0.2."""
    window.show_timeline(True)
    session = window.session
    assert session is not None
    session.transport.set_timeline(snap=False)
    for time, x in ((1.0, 0.0), (3.0, 0.2)):
        session.look.set_transform(x=x)
        session.transport.keys.add(time)
    QTest.qWaitForWindowExposed(window)
    wait_until(lambda: window.timeline.view.width() > 300)
    return window.timeline.view


def at(view: TimelineView, time: float) -> tuple[float, float]:
    return view.lanes.x_of(time), RULER + KEYS - 7


def times(view: TimelineView) -> list[float]:
    return [round(key.time, 3) for key in view.timeline.keys]


def test_keys_are_dragged_as_one_step_and_the_selection_follows(window: MainWindow, lanes: TimelineView) -> None:
    start, end = at(lanes, 1.0), at(lanes, 4.0)
    drag(lanes, [start, at(lanes, 2.0), end])
    assert times(lanes) == [3.0, pytest.approx(4.0, abs=0.02)]
    assert lanes.chosen == frozenset({(-1, 1)})  # it passed the other one
    assert window.session is not None
    window.session.undo()
    assert times(lanes) == [1.0, 3.0]


def test_alt_copies_control_stretches_and_delete_deletes(lanes: TimelineView) -> None:
    drag(lanes, [at(lanes, 1.0), at(lanes, 1.5), at(lanes, 2.0)], modifiers=Qt.KeyboardModifier.AltModifier)
    assert times(lanes) == [1.0, pytest.approx(2.0, abs=0.02), 3.0]
    drag(lanes, [(lanes.lanes.x_of(0.5), RULER + 2), (lanes.lanes.x_of(3.6), RULER + KEYS - 2)])
    assert len(lanes.chosen) == 3
    drag(lanes, [at(lanes, 3.0), at(lanes, 4.0), at(lanes, 5.0)], modifiers=Qt.KeyboardModifier.ControlModifier)
    assert times(lanes) == [1.0, pytest.approx(3.0, abs=0.05), pytest.approx(5.0, abs=0.05)]
    lanes.choose({(-1, 1)})
    QTest.keyClick(lanes, Qt.Key.Key_Delete)
    assert len(times(lanes)) == 2


def test_escape_takes_a_drag_back(lanes: TimelineView) -> None:
    drag(lanes, [at(lanes, 1.0), at(lanes, 2.0)], release=False)
    assert times(lanes)[0] > 1.5
    QTest.keyClick(lanes, Qt.Key.Key_Escape)
    assert times(lanes) == [1.0, 3.0]


def test_a_key_that_shift_takes_out_of_the_selection_is_not_dragged(lanes: TimelineView) -> None:
    lanes.choose({(-1, 0)})
    drag(lanes, [at(lanes, 1.0), at(lanes, 1.5), at(lanes, 2.0)], modifiers=Qt.KeyboardModifier.ShiftModifier)
    assert lanes.chosen == frozenset()
    assert times(lanes) == [1.0, 3.0]


def test_hiding_the_timeline_ends_the_drag(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    drag(lanes, [at(lanes, 1.0), at(lanes, 1.5), at(lanes, 2.0)], release=False)
    moved = times(lanes)
    window.show_timeline(False)
    assert not session.store.in_stroke
    assert times(lanes) == moved != [1.0, 3.0]
    session.undo()
    assert times(lanes) == [1.0, 3.0]


def test_scrubbing_shows_the_time_live(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    session.transport.keys.set_segments(frozenset({(-1, 0)}), ease="linear")
    drag(lanes, [(lanes.lanes.x_of(0.2), 8.0), (lanes.lanes.x_of(1.0), 8.0), (lanes.lanes.x_of(2.0), 8.0)])
    assert session.transport.playhead == pytest.approx(2.0, abs=0.02)
    assert session.look_of().transform.x == pytest.approx(0.1, abs=0.002)
    wait_until(lambda: not session.is_refining(0))
    frame = session.last_frame(0)
    assert frame is not None


def test_the_way_is_chosen_below_and_drawn_in_the_popup(window: MainWindow, lanes: TimelineView) -> None:
    dock = window.timeline
    assert not dock.interpolation.isEnabled()
    lanes.choose({(-1, 0)})
    assert dock.interpolation.isEnabled()
    dock.interpolation.setCurrentIndex(dock.interpolation.findData("catmull-rom"))
    dock.interpolation.activated.emit(dock.interpolation.currentIndex())
    assert lanes.timeline.keys[0].segment.interpolation == "catmull-rom"
    dock.curve.open_at(dock.mapToGlobal(dock.rect().topLeft()))
    drag(dock.curve.field, [(60.0, 60.0), (80.0, 60.0)])
    segment = lanes.timeline.keys[0].segment
    assert segment.ease == "curve"
    assert len(segment.curve) == 1
    assert window.session is not None
    assert window.session.store.undo_name == "Ease curve"
    dock.curve.close()


def test_a_parameters_key_is_dragged_up(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    session.look.set_psi(0.5)
    session.transport.keys.add_value("truncation.psi", time=2.0)
    low, high = value_range(session.transport.timeline.tracks[0])
    y = RULER + KEYS + 5 + (TRACK - 10) * (1 - (0.5 - low) / (high - low))
    drag(lanes, [(lanes.lanes.x_of(2.0), y), (lanes.lanes.x_of(2.0), y - 4), (lanes.lanes.x_of(2.0) + 2, y - 6)])
    key = session.transport.timeline.tracks[0].keys[0]
    assert key.time == 2.0
    assert key.value == pytest.approx(0.5 + 6 / (TRACK - 10) * (high - low))
    assert session.store.undo_name == "Key value"


def test_space_plays_the_timeline_and_the_picture_moves(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    session.transport.seek(1.0)
    window.actions_by_key["play"].trigger()
    assert session.transport.is_playing
    wait_until(lambda: session.transport.playhead > 1.3)
    window.actions_by_key["play"].trigger()
    assert not session.transport.is_playing
    assert 0.0 < session.look_of().transform.x <= 0.2


def test_a_film_is_made_beside_the_window_and_opens_again(
    window: MainWindow, lanes: TimelineView, tmp_path: Path
) -> None:
    session = window.session
    assert session is not None
    session.transport.set_timeline(duration=3.0, fps=10.0)
    wanted = session.state
    window.open_film()
    page = window._film
    assert page is not None
    path = tmp_path / "film.mp4"
    page.settings.path.setText(str(path))
    page.settings.layout_choice.setCurrentIndex(page.settings.layout_choice.findData("all"))
    QTest.keyClick(page.settings.layout_choice, Qt.Key.Key_Return)
    assert session.films.is_running
    wait_until(lambda: not session.films.is_running, 60_000)
    assert path.exists(), page.summary.text()
    with av.open(str(path)) as film:
        pictures = [f.to_ndarray(format="rgb24") for f in film.decode(video=0)]
        assert film.streams.video[0].average_rate == 10
    assert len(pictures) == 30
    assert not np.array_equal(pictures[10], pictures[29])
    page.close()
    assert read_project(path)[0] == wanted
    session.documents.new_project()
    assert session.transport.timeline.keys == ()
    window.show_timeline(False)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    window.dropEvent(QDropEvent(QPointF(500, 300), action, data, button, Qt.KeyboardModifier.NoModifier))
    wait_until(lambda: session.transport.timeline == wanted.timeline)  # it is read beside the window
    assert session.documents.project_path == ""
    assert window.shows_timeline, "what has a timeline shows it"


def test_a_film_is_paused_and_cancelled_and_goes_on(
    window: MainWindow, lanes: TimelineView, tmp_path: Path
) -> None:
    session = window.session
    assert session is not None
    session.transport.set_timeline(duration=20.0, fps=30.0)
    window.open_film()
    page = window._film
    assert page is not None
    path = tmp_path / "film.mp4"
    page.settings.path.setText(str(path))
    page.render_film()
    wait_until(lambda: page.running.bar.value() >= 40, 60_000)
    page.pause.click()
    assert session.films.is_paused
    page.cancel.click()
    wait_until(lambda: not session.films.is_running)
    assert "kept" in page.summary.text()
    assert not path.exists()
    assert (tmp_path / "film.mp4.job.json").exists()
    session.transport.seek(2.2)  # where one looks changes no film: it goes on without a question
    page.render_film()
    wait_until(lambda: page.running.bar.value() >= 60, 60_000)
    page.cancel.click()
    wait_until(lambda: not session.films.is_running)
    session.transport.clear()
    assert page.resume.isVisible()
    page.resume.click()  # by its own project, whatever the window shows
    wait_until(lambda: page.running.bar.value() >= 90, 60_000)
    page.cancel.click()
    wait_until(lambda: not session.films.is_running)
    assert page.running.bar.maximum() == 600
    page.close()


def test_a_performance_is_recorded_and_shown(window: MainWindow) -> None:
    session = window.session
    assert session is not None
    window.actions_by_key["record"].trigger()
    assert session.transport.is_recording
    for _ in range(3):
        session.look.walk(0.1, 0.0)
        wait_until(
            lambda seconds=session.transport.recorded_seconds: session.transport.recorded_seconds > seconds + 0.02  # type: ignore[misc]
        )
    window.actions_by_key["record"].trigger()
    assert not session.transport.is_recording
    assert len(session.transport.timeline.performance) >= 3
    window.timeline.view.grab()


def test_the_film_page_knows_gifs_defaults_and_size_and_keeps_what_was_chosen(
    window: MainWindow, lanes: TimelineView, tmp_path: Path
) -> None:
    window.settings.set("film-folder", str(tmp_path))
    (tmp_path / "walk.mp4").touch()
    window.open_film()
    page = window._film
    assert page is not None
    s = page.settings

    def choose(box: Choice, value: object) -> None:
        box.setCurrentIndex(box.findData(value))
        box.activated.emit(box.currentIndex())

    assert s.file == tmp_path / "walk-2.mp4"
    assert window.session is not None
    before = s.film(window.session.state)
    choose(s.format, "gif")
    gif = s.film(window.session.state)
    assert (gif.side, gif.rate, s.file) == (256, (25, 1), tmp_path / "walk.gif")
    assert "MB" in page.summary.text() or "kB" in page.summary.text()
    choose(s.format, "mp4")
    assert s.film(window.session.state) == before
    assert s.file == tmp_path / "walk-2.mp4"
    choose(s.side, 128)
    choose(s.rate, "60")
    choose(s.format, "gif")
    gif = s.film(window.session.state)
    assert (gif.side, gif.rate) == (128, (50, 1))
    assert "at no more than 50 frames per second" in page.summary.text()
    s.path.setText(str(tmp_path / "mine.gif"))
    choose(s.format, "webm")
    assert s.file == tmp_path / "mine.webm"
    page.close()


def test_a_film_whose_page_is_closed_is_seen_in_the_top_bar(
    window: MainWindow, lanes: TimelineView, tmp_path: Path
) -> None:
    session, bar = window.session, window.top_bar.film
    assert session is not None
    session.transport.set_timeline(duration=20.0, fps=30.0)
    window.open_film()
    page = window._film
    assert page is not None
    page.settings.path.setText(str(tmp_path / "film.mp4"))
    assert bar.isHidden()
    page.render_film()
    page.close()
    wait_until(lambda: "Film" in bar.text() and "%" in bar.text(), 60_000)
    assert not bar.isHidden()
    layouts = window.top_bar.layouts
    wait_until(lambda: layouts.width() >= layouts.sizeHint().width())  # nothing is squeezed for it
    bar.click()
    assert page.isVisible()
    page.cancel.click()
    wait_until(lambda: not session.films.is_running, 60_000)
    assert bar.isHidden()
    page.close()


def test_the_film_page_says_what_is_true_of_the_last_film(
    window: MainWindow, lanes: TimelineView, tmp_path: Path
) -> None:
    session = window.session
    assert session is not None
    session.transport.set_timeline(duration=0.2, fps=10.0)
    window.open_film()
    page = window._film
    assert page is not None
    page.settings.path.setText(str(tmp_path / "film.mp4"))
    page.render_film()
    page.close()
    wait_until(lambda: not session.films.is_running, 60_000)
    window.open_film()
    assert "is ready" in page.summary.text()
    page.hide()
    (tmp_path / "film.mp4").unlink()
    window.open_film()
    assert "is ready" not in page.summary.text()
    assert not page.show_file.isVisible()
    page.close()


def test_nothing_selected_shows_no_segment(window: MainWindow, lanes: TimelineView) -> None:
    dock = window.timeline
    lanes.choose(set())
    assert [box.currentText() for box in (dock.interpolation, dock.space, dock.ease)] == ["", "", ""]
    lanes.choose({(-1, 0)})
    assert dock.interpolation.currentText()


def test_keys_and_a_recording_change_places_by_a_click(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    keys = session.transport.timeline.keys
    session.transport.start_recording()
    session.look.walk(0.1, 0.0)
    lanes.grab()
    session.transport.stop_recording()
    assert session.transport.timeline.keys == ()
    lanes.grab()
    upper, lower = (QPoint(30, int(RULER + share * KEYS)) for share in (0.25, 0.75))
    assert "2 keys" in lanes._tip(QPointF(upper))
    QTest.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=upper)
    assert session.transport.timeline.keys == keys
    QTest.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=upper)  # that one is used already
    assert session.transport.timeline.keys == keys
    QTest.mouseClick(lanes, Qt.MouseButton.LeftButton, pos=lower)
    assert session.transport.timeline.performance


def test_a_key_dragged_onto_another_stays_beside_it(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    messages: list[str] = []
    session.status.connect(messages.append)
    count = len(session.transport.timeline.keys)
    first, second = (session.transport.timeline.keys[i].time for i in range(2))
    drag(lanes, [at(lanes, second), at(lanes, 2.0), at(lanes, first)])
    assert len(session.transport.timeline.keys) == count
    assert len(lanes.chosen) == 1
    assert "a frame beside it" in messages[-1]
    session.undo()
    assert session.transport.timeline.keys[1].time == second


def test_a_new_lane_does_not_move_the_ruler_and_is_seen(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    lanes.setMaximumHeight(int(RULER + KEYS + 2 * TRACK))
    flush()
    before = lanes.mapToGlobal(QPoint(0, 0))
    names = ("truncation.psi", "noise.strength", "transform.x", "transform.y", "transform.rotate")
    for name in names:
        session.transport.keys.add_value(name, time=1.0)
        flush()
        assert lanes.mapToGlobal(QPoint(0, 0)) == before
        last = len(session.transport.timeline.tracks) - 1
        assert lanes.lanes.bottom(last) <= lanes.height()
        lanes.grab()
    y = int(RULER + KEYS + 4)
    assert lanes.lanes.track_at(y) == last - 1  # two are seen
    for _ in range(9):
        wheel = QWheelEvent(
            QPointF(300, y), lanes.mapToGlobal(QPointF(300, y)), QPoint(), QPoint(0, 120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(lanes, wheel)
    assert lanes.lanes.track_at(y) == 0
    session.transport.clear()
    assert lanes.lanes.down == 0.0


def test_opening_the_timeline_leaves_the_columns_as_wide_as_they_were(window: MainWindow) -> None:
    window.show_timeline(False)
    flush()
    before = (window.sides.left.width(), window.sides.right.width())
    window.show_timeline(True)
    flush()
    assert (window.sides.left.width(), window.sides.right.width()) == before


def test_a_key_that_is_added_while_another_is_dragged_stays(window: MainWindow, lanes: TimelineView) -> None:
    session = window.session
    assert session is not None
    drag(lanes, [at(lanes, 1.0), at(lanes, 2.0)], release=False)
    session.transport.keys.add(0.5)
    drag(lanes, [at(lanes, 4.0), at(lanes, 5.0)])  # the rest of the drag moves nothing
    assert len(session.transport.timeline.keys) == 3


def test_what_the_timeline_is_set_to_can_be_read_whole(window: MainWindow, lanes: TimelineView) -> None:
    session, dock = window.session, window.timeline
    assert session is not None
    lanes.choose({(-1, 0)})
    for box in (dock.loop, dock.rate, dock.interpolation, dock.space, dock.ease):
        for number in range(box.count()):
            box.setCurrentIndex(number)
            flush()
            option = QStyleOptionComboBox()
            box.initStyleOption(option)
            part = QStyle.SubControl.SC_ComboBoxEditField
            room = box.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, box).width()
            assert box.fontMetrics().horizontalAdvance(box.currentText()) <= room, box.currentText()
    for seconds in (8.0, 1234.5, 36_000.0):
        session.transport.set_timeline(duration=seconds)
        flush()
        field = dock.duration
        assert field.fontMetrics().horizontalAdvance(field.text()) + 14 <= field.width(), field.text()


def test_the_menu_is_made_once_and_refilled(window: MainWindow) -> None:
    dock = window.timeline
    first, second = dock._menu(), dock._menu()
    assert first is second
    assert [a.text() for a in second.actions() if a.menu()] == ["Add key for one parameter", "Latent wander"]
    wander: Any = next(a.menu() for a in second.actions() if a.text() == "Latent wander")
    texts = [a.text() for a in wander.actions()]
    assert texts.count("Circle") == 1
    next(a for a in wander.actions() if a.text() == "Circle").trigger()
    assert window.session.transport.timeline.wander.kind == "circle"
