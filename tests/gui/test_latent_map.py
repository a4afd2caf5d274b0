"""The Latent map panel: the mouse pans, zooms, travels and draws; pictures are rendered nearest first and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from explorer.directions import ganspace
from explorer.latents.map_planes import ComponentPlane
from explorer.latents.map_tiles import Tile, level_of, tiles_in
from explorer.render.results import Thumbnail
from explorer.session import Session
from explorer.state import Latent
from explorer.widgets.controls.wheel import Wheel
from explorer.widgets.panels.latent.map_camera import MapCamera
from explorer.widgets.panels.latent.map_panel import MapPanel
from tests.gui.hands import drag, press, pull, release
from tests.gui.panel_session import open_model, panel_session

__all__ = ["panel_session"]


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Principal components of fewer latents; a test needs no more."""
    job = ganspace.ganspace
    monkeypatch.setattr("explorer.directions.library.ganspace", lambda *a, **k: job(*a, **{**k, "samples": 1000}))


@pytest.fixture
def session(panel_session: Callable[[str], Session]) -> Session:
    return panel_session("tiny")


@pytest.fixture
def panel(session: Session, qtbot: QtBot) -> Iterator[MapPanel]:
    """The panel in a window of its own, its components found and its pictures rendered."""
    made = MapPanel(session)
    made.resize(280, 420)
    made.show()
    qtbot.waitUntil(lambda: made.view.isVisible() and session.latent_map.plane is not None, timeout=20_000)
    qtbot.waitUntil(lambda: made.line.isHidden())
    filled(made, qtbot)
    yield made
    made.close()
    made.deleteLater()


def tiles_of(panel: MapPanel) -> list[Tile]:
    """The tiles that are in sight now."""
    return tiles_in(level_of(panel.view.camera.scale), *panel.view.camera.bounds())


def filled(panel: MapPanel, qtbot: QtBot) -> None:
    """Waits until every tile in sight has a picture."""
    panel.view.update()
    qtbot.waitUntil(
        lambda: all(panel.view.pictures.get(tile) is not None for tile in tiles_of(panel)), timeout=20_000
    )


def middle(panel: MapPanel) -> QPointF:
    return QPointF(panel.view.width() / 2, panel.view.height() / 2)


def turn(panel: MapPanel, at: QPointF, notches: int) -> None:
    """The wheel turns at a point, away from any scrolling."""
    Wheel._scrolled_at = float("-inf")
    view = panel.view
    where = QPointF(view.mapToGlobal(at.toPoint()))
    none, flow = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
    keys = Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(at, where, QPoint(), QPoint(0, 120 * notches), none, keys, flow, False)
    QApplication.sendEvent(view, event)


def here(session: Session) -> tuple[float, float]:
    found = session.latent_map.place(session.look_of().latent)
    assert found is not None
    return found


def test_a_camera_s_pixels_are_places_again() -> None:
    for is_up in (True, False):
        camera = MapCamera(80.0, is_up, 1.5, -2.0, 300, 200)
        for at in (QPointF(0, 0), QPointF(150, 100), QPointF(300, 17)):
            back = camera.pixel(camera.place(at))
            assert (back.x(), back.y()) == pytest.approx((at.x(), at.y()))
        assert camera.pixel((1.5, -1.0)).y() == (20.0 if is_up else 180.0)
        left, low, right, high = camera.bounds()
        assert (left, right) == pytest.approx((1.5 - 1.875, 1.5 + 1.875))
        assert (low, high) == pytest.approx((-3.25, -0.75))
        held, before = QPointF(40, 60), camera.place(QPointF(40, 60))
        camera.zoom(3.0, held)
        assert camera.place(held) == pytest.approx(before)
        camera.pan(QPointF(10, -5))
        assert camera.pixel(before) == QPointF(50, 55)


def test_the_map_opens_at_the_current_latent(panel: MapPanel, session: Session) -> None:
    at = panel.view.camera.pixel(here(session))
    assert (at - middle(panel)).manhattanLength() < 1.0
    assert panel.first.currentText() == "PC 1"
    assert panel.second.currentText() == "PC 2"
    assert "% of the variance" in panel.first.toolTip()


def test_a_click_travels_there_and_is_undone(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    view, before = panel.view, session.state
    target = Tile(0, round(view.camera.x) + 1, round(view.camera.y) - 1)
    press(view, view.camera.pixel(target.place) + QPointF(3, -4))
    release(view, view.camera.pixel(target.place) + QPointF(3, -4))
    assert here(session) == pytest.approx(target.place, abs=1e-4), "a click on a picture means that picture"
    assert session.store.undo_name == "Travel on the map"
    between = view.camera.pixel((target.place[0] + 0.45, target.place[1] + 0.4))
    drag(view, between)
    assert here(session) == pytest.approx((target.place[0] + 0.45, target.place[1] + 0.4), abs=1e-4)
    known = len(view.pictures._images)
    qtbot.wait(400)
    filled(panel, qtbot)
    assert len(view.pictures._images) == known, "the plane is the same, and so are its pictures"
    session.undo()
    session.undo()
    assert session.state == before


def test_a_drag_pans_and_keeps_the_pictures(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    view, before = panel.view, session.state
    start, known = (view.camera.x, view.camera.y), set(view.pictures._images)
    for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
        drag(view, QPointF(150, 150), QPointF(120, 160), QPointF(78, 186), button=button)
    moved = (view.camera.x - start[0], view.camera.y - start[1])
    assert moved == pytest.approx((144 / view.camera.scale, 72 / view.camera.scale))
    assert session.state == before, "no travel"
    assert known <= set(view.pictures._images)
    filled(panel, qtbot)
    assert len(view.pictures._images) > len(known)


def test_the_wheel_zooms_about_the_pointer_to_finer_steps(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    view, at = panel.view, QPointF(60, 90)
    held, level = view.camera.place(at), level_of(view.camera.scale)
    turn(panel, at, 4)
    assert view.camera.place(at) == pytest.approx(held)
    finer = level_of(view.camera.scale)
    assert finer > level
    others = view.pictures.others(finer)
    assert others
    assert {tile.level for tile in others} == {level}, "the old ones are there meanwhile"
    filled(panel, qtbot)
    view.grab()  # a whole repaint, with both levels
    turn(panel, at, -4)
    assert level_of(view.camera.scale) == level
    Wheel.note_scroll()
    scale = view.camera.scale
    where = QPointF(view.mapToGlobal(at.toPoint()))
    event = QWheelEvent(
        at, where, QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    view.clearFocus()
    QApplication.sendEvent(view, event)
    assert view.camera.scale == scale, "a column that is being scrolled goes on scrolling"


def test_keys_pan_zoom_and_go_home(panel: MapPanel, session: Session) -> None:
    view = panel.view
    view.setFocus()
    start, scale = (view.camera.x, view.camera.y), view.camera.scale
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Up)
    assert view.camera.x == pytest.approx(start[0] + view.width() / 4 / scale)
    assert view.camera.y == pytest.approx(start[1] + view.height() / 4 / scale)
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.camera.scale > scale
    QTest.keyClick(view, Qt.Key.Key_Minus)
    assert view.camera.scale == pytest.approx(scale)
    QTest.keyClick(view, Qt.Key.Key_Home)
    assert (view.camera.x, view.camera.y) == pytest.approx(start)
    panel.into.click()
    assert view.camera.scale > scale
    panel.out.click()
    panel.home.click()


def test_shift_and_a_drag_draw_a_path_of_keys(panel: MapPanel, session: Session) -> None:
    view, before = panel.view, session.state
    shift = Qt.KeyboardModifier.ShiftModifier
    press(view, QPointF(60, 60), keys=shift)
    pull(view, QPointF(120, 60), keys=shift)
    pull(view, QPointF(180, 120), keys=shift)
    assert len(view.path) == 3
    view.grab()
    QTest.keyClick(view, Qt.Key.Key_Escape)
    release(view, QPointF(180, 120), keys=shift)
    assert session.state == before, "Esc ends the path"
    panel.keys.chosen.emit(4.0)
    panel.seconds.chosen.emit(3.0)
    places = [view.camera.place(QPointF(*at)) for at in ((60, 60), (180, 60))]
    drag(view, QPointF(60, 60), QPointF(100, 60), QPointF(180, 60), keys=shift)
    keys = session.state.timeline.keys
    assert session.store.undo_name == "Path on the map"
    assert [key.time for key in keys] == pytest.approx([0.0, 1.0, 2.0, 3.0])
    ends = [session.latent_map.place(key.pose.shared.latent) for key in (keys[0], keys[-1])]
    for found, expected in zip(ends, places, strict=True):
        assert found == pytest.approx(expected, abs=1e-4)
    assert (panel.keys.value, panel.seconds.value) == (4.0, 3.0)


def test_pins_are_on_the_map_and_in_the_list(
    panel: MapPanel, session: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    view = panel.view
    drag(view, view.camera.pixel((round(view.camera.x), round(view.camera.y))))
    pinned = session.look_of().latent
    panel.pin.click()
    place = session.latent_map.place(pinned)
    assert place is not None
    at = view.camera.pixel(place)
    assert view.pin_at(at + QPointF(4, 4)) == 0
    assert view.pin_at(at + QPointF(40, 0)) == -1
    session.look.set_seed(12)
    drag(view, at)  # a click
    assert session.look_of().latent == pinned
    session.look.set_seed(12)
    (made,) = [made for made in panel.pins.rows if not made.isHidden()]
    QTest.mouseClick(made, Qt.MouseButton.LeftButton, pos=QPoint(10, 10))
    assert session.look_of().latent == pinned
    qtbot.waitUntil(lambda: bool(panel.pins.thumbnails._images))
    monkeypatch.setattr(QInputDialog, "getText", lambda *a, **k: ("  Bear ", True))
    made.rename.click()
    assert made.name.text() == "Bear"
    assert "Bear" in view._tip(at)
    view.grab()
    QTest.keyClick(made, Qt.Key.Key_Delete)
    assert made.isHidden()
    assert session.store.undo_name == "Remove pin"
    session.undo()
    assert not made.isHidden()


def test_the_nearest_pictures_are_rendered_first(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    view, asked = panel.view, []
    session.look.set_seed(4)
    request = session.request_thumbnail
    seen: list[Thumbnail] = []
    session.thumbnail.connect(seen.append)

    def note(key: str, look: object, view: int, max_px: int = 0) -> None:
        asked.append(look)
        request(key, look, view, max_px)  # type: ignore[arg-type]

    session.request_thumbnail = note  # type: ignore[method-assign]
    most = 0

    def is_filled() -> bool:
        nonlocal most
        most = max(most, len(view.pictures._asked))
        return (
            isinstance(plane := session.latent_map.plane, ComponentPlane)
            and plane.base == Latent(4)
            and all(view.pictures.get(tile) is not None for tile in tiles_of(panel))
        )

    qtbot.waitUntil(is_filled, timeout=20_000)
    centre = view.camera.x, view.camera.y
    places = [session.latent_map.place(look.latent) for look in asked]  # type: ignore[attr-defined]
    far = [max(abs(x - centre[0]), abs(y - centre[1])) for x, y in filter(None, places)]
    assert len(asked) == len(tiles_of(panel)), "each once"
    assert far[0] == min(far)
    assert max(far[: len(far) // 3]) < max(far)
    assert most <= 2, "the live view waits for few"


def test_a_picture_that_never_comes_does_not_hold_up_others(
    panel: MapPanel, session: Session, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures, request = panel.view.pictures, session.request_thumbnail
    monkeypatch.setattr(session, "request_thumbnail", lambda *a, **k: None)
    panel.view.camera.pan(QPointF(-200, 0))
    panel.view.grab()
    lost = {key for key, _ in pictures._asked.values()}
    assert len(lost) == 2
    monkeypatch.setattr(session, "request_thumbnail", request)
    pictures._drop_overdue()
    assert {key for key, _ in pictures._asked.values()} == lost, "it may be under way"
    session.painted(0, session.record(0).posted)  # as a picture widget does
    qtbot.waitUntil(lambda: session.is_at_rest)
    now = monotonic()
    monkeypatch.setattr("explorer.widgets.panels.latent.map_pictures.monotonic", lambda: now + 60.0)
    pictures._drop_overdue()
    assert pictures._failed == lost
    others = [tile for tile in tiles_of(panel) if (session.latent_map.world, tile) not in lost]
    qtbot.waitUntil(lambda: all(pictures.get(tile) is not None for tile in others), timeout=20_000)


def test_a_hidden_map_asks_for_nothing(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    panel.hide()
    qtbot.waitUntil(lambda: panel.view.pictures._is_paused)
    world = session.latent_map.world
    session.look.set_seed(5)
    with qtbot.waitSignal(session.lab.rested):
        pass
    assert session.latent_map.world == world
    panel.show()
    qtbot.waitUntil(lambda: session.latent_map.world != world)


def test_seeds_have_a_map_of_their_own(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    panel.axes.buttons["seeds"].click()
    assert session.state.latent_map.axes == "seeds"
    assert panel.pair.isHidden()
    filled(panel, qtbot)
    view = panel.view
    drag(view, view.camera.pixel((1.0, 1.0)))
    assert session.look_of().latent == Latent(101)
    view.grab()
    panel.axes.buttons["components"].click()
    assert not panel.pair.isHidden()


def test_another_model_has_other_pictures(panel: MapPanel, session: Session, qtbot: QtBot) -> None:
    before, kept = session.latent_map.world, set(panel.view.pictures._images)
    panel.view.camera.pan(QPointF(500, 0))
    looked_at = panel.view.camera.x
    open_model(qtbot, session, "wide")
    qtbot.waitUntil(lambda: session.latent_map.plane is not None and session.latent_map.world != before)
    assert (panel.view.camera.pixel(here(session)) - middle(panel)).manhattanLength() < 1.0, "at its own latent"
    filled(panel, qtbot)
    open_model(qtbot, session, "tiny")
    qtbot.waitUntil(lambda: session.latent_map.world == before)
    assert panel.view.camera.x == looked_at, "each model is looked at where it was"
    assert kept <= set(panel.view.pictures._images)


def test_the_search_can_be_ended_and_begun_again(session: Session, qtbot: QtBot) -> None:
    made = MapPanel(session)
    made.resize(280, 420)
    made._on_sight(True)
    assert session.latent_map.search() is not None
    assert not made.line.isHidden()
    assert "Finding the principal components" in made.status.text()
    made.stop.click()
    assert made.line.isHidden()
    assert not made.again.isHidden()
    assert made.view.message == "The principal components of w are not found."
    made.again.click()
    qtbot.waitUntil(lambda: session.latent_map.plane is not None, timeout=20_000)
    assert made.again.isHidden()
    assert made.view.message == ""
    made.deleteLater()


def test_without_a_model_the_map_says_so(panel_session: Callable[[str], Session], qtbot: QtBot) -> None:
    made = MapPanel(panel_session(""))
    made._on_sight(True)
    assert made.view.message == "No model is loaded"
    assert not made.pin.isEnabled()
    assert not made.axes.isEnabled()
    drag(made.view, QPointF(50, 50))
    made.view.grab()
    made.deleteLater()
