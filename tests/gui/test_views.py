"""One to six views in the window: adding, removing, comparing any two, and what follows their number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from explorer.analysis.registry import EQUIVARIANCE
from explorer.session import Session
from explorer.state import ASPECTS
from explorer.widgets.controls.theme import DARK, GRID, LIGHT
from explorer.widgets.controls.view_table import ViewTable
from explorer.widgets.viewer.view_grid import CHROME_PX, columns_for
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import flush, wait_until


def shown(window: MainWindow) -> list[int]:
    return [pane.view for pane in window.views.panes if not pane.isHidden()]


def add_views(window: MainWindow, session: Session, count: int) -> None:
    while len(session.state.views) < count:
        window.actions_by_key["add_view"].trigger()
    wait_until(lambda: all(session.last_frame(view) is not None for view in range(count)))


@pytest.mark.parametrize(
    ("count", "size", "columns"),
    [
        (1, (640, 700), 1),
        (2, (640, 700), 2),
        (2, (300, 900), 2),
        (3, (640, 700), 2),
        (3, (1400, 500), 3),
        (4, (640, 700), 2),
        (4, (1600, 400), 4),
        (5, (640, 700), 3),
        (6, (640, 700), 3),
        (6, (1320, 680), 3),  # not four, which leave a gap and make none larger
        (6, (300, 1200), 2),
    ],
)
def test_the_grid_makes_pictures_as_large_as_can_be(count: int, size: tuple[int, int], columns: int) -> None:
    def edge(of: int) -> float:
        rows = -(-count // of)
        return min((size[0] + GRID) / of - GRID, (size[1] + GRID) / rows - GRID - CHROME_PX)

    assert columns_for(count, *size) == columns
    if count > 2:
        assert edge(columns) == max(edge(of) for of in range(1, count + 1))


def test_a_view_is_added_with_the_active_model_and_undone(window: MainWindow, session: Session) -> None:
    before = session.state
    session.views.set_active(1)
    QTest.keyClick(window, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    assert len(session.state.views) == 3
    assert session.state.views[2].model == before.views[1].model
    assert session.state.views[2].linked == frozenset(ASPECTS)
    assert (session.active, session.store.undo_name, shown(window)) == (2, "Add view", [0, 1, 2])
    wait_until(lambda: window.views.panes[2].image.image is not None)
    assert session.model_info(2) == session.model_info(1)
    window.actions_by_key["undo"].trigger()
    assert session.state.views == before.views
    assert (session.active, shown(window)) == (1, [0, 1])
    window.actions_by_key["redo"].trigger()
    wait_until(lambda: window.views.panes[2].image.image is not None)
    assert window.views.panes[2].model_name.full == session.model_info(2).name  # type: ignore[union-attr]


def test_views_of_one_model_share_it(window: MainWindow, session: Session) -> None:
    nbytes = session.service.models.nbytes
    add_views(window, session, 6)
    assert session.service.models.nbytes == nbytes
    assert not window.actions_by_key["add_view"].isEnabled()
    assert not window.top_bar.add_view.isEnabled()
    session.views.add()
    assert len(session.state.views) == 6


def test_any_view_is_removed_by_its_button(window: MainWindow, session: Session) -> None:
    assert all(pane.remove.isHidden() for pane in window.views.panes)
    add_views(window, session, 3)
    assert not any(pane.remove.isHidden() for pane in window.views.panes)
    first = session.state.views[0].model
    session.views.set_active(2)
    window.views.panes[0].remove.click()
    assert (session.active, session.store.undo_name, shown(window)) == (1, "Remove view A", [0, 1])
    wait_until(lambda: window.views.panes[0].model_name.full == session.state.views[0].model)
    QTest.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert len(session.state.views) == 1  # the last one stays
    assert (window.top_bar.layouts.isHidden(), window.views.panes[0].link.isHidden()) == (True, True)
    for key in ("view_grid", "view_wipe", "view_flicker", "view_difference", "swap", "link", "remove_view"):
        assert not window.actions_by_key[key].isEnabled()
    session.undo()
    session.undo()
    assert session.state.views[0].model == first
    wait_until(lambda: all(pane.image.image is not None for pane in window.views.panes))


def test_a_model_on_its_way_goes_with_its_view(window: MainWindow, session: Session) -> None:
    add_views(window, session, 3)
    session.models.request(2, "other-stylegan2")
    session.views.remove(0)
    wait_until(lambda: session.state.views[1].model == "other-stylegan2")
    assert session.state.views[0].model == "critters-stylegan3-t"


def test_wipe_and_flicker_take_any_two(window: MainWindow, session: Session) -> None:
    add_views(window, session, 4)
    session.views.set_pair(3, 1)
    QTest.keyClick(window, Qt.Key.Key_W)
    host = window.views.panes[3]
    assert session.visible_views() == (3, 1)
    assert shown(window) == [3]
    assert (host.image.wipe.is_on, host.image.pair.views[1], host.second_chip.view) == (True, 1, 1)
    wait_until(lambda: host.image.pair.other is not None)
    assert window.views.active_image() is host.image
    assert window.actions_by_key["view_wipe"].text() == "Wipe between D and B"
    session.views.show(2)
    session.views.set_layout("flicker")  # the active view is one of the two
    assert session.visible_views() == (3, 2)
    assert window.views.panes[3].image.flicker.is_on
    window.actions_by_key["view_grid"].trigger()
    assert not any(pane.image.wipe.is_on or pane.image.flicker.is_on for pane in window.views.panes)
    assert all(pane.image.pair.other is None for pane in window.views.panes)


def test_the_chips_of_a_wipe_choose_views(window: MainWindow, session: Session) -> None:
    session.views.set_layout("wipe")
    chip = window.views.panes[0].second_chip
    QTest.mouseClick(chip, Qt.MouseButton.LeftButton, pos=QPoint(4, 4))
    assert not chip.menu().isVisible()  # of two there is nothing to choose
    add_views(window, session, 3)
    session.views.set_pair(0, 1)
    menu = window.views.panes[0].second_chip.menu()
    assert [action.isChecked() for action in menu.actions()] == [False, True, False]
    menu.actions()[2].trigger()
    assert session.state.pair == (0, 2)
    window.views.panes[0].chip.menu().actions()[2].trigger()  # the one on the other side: they change places
    assert session.state.pair == (2, 0)


def test_every_two_views_are_in_the_menu(window: MainWindow, session: Session) -> None:
    window.show_state()
    assert not window.actions_by_key["pair"].isVisible()
    add_views(window, session, 4)
    window.show_state()
    menu: QMenu = window.menus["pair"]
    menu.aboutToShow.emit()
    assert len(menu.actions()) == 6
    menu.actions()[-1].trigger()
    assert (session.state.layout, session.state.pair) == ("wipe", (2, 3))


def test_buttons_and_keys_of_single_views(window: MainWindow, session: Session) -> None:
    assert list(window.top_bar.layouts.buttons) == ["0", "1", "grid", "wipe", "flicker", "difference"]
    add_views(window, session, 3)
    assert list(window.top_bar.layouts.buttons) == ["0", "1", "2", "grid", "wipe", "flicker", "difference"]
    window.top_bar.layouts.buttons["2"].click()
    assert shown(window) == [2]
    QTest.keyClick(window, Qt.Key.Key_1)
    assert (shown(window), session.active) == ([0], 0)
    assert window.top_bar.layouts.buttons["0"].isChecked()
    QTest.keyClick(window, Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    assert (shown(window), session.active) == ([2], 2)
    session.views.remove(2)
    assert (shown(window), session.active) == ([1], 1)
    assert window.top_bar.layouts.buttons["1"].isChecked()


def test_the_layout_buttons_have_room(window: MainWindow, session: Session) -> None:
    for count in (3, 6):
        add_views(window, session, count)
        flush()
        layouts = window.top_bar.layouts
        assert layouts.width() >= layouts.sizeHint().width()
        assert window.top_bar.width() >= window.top_bar.sizeHint().width()


def test_swap_takes_the_two_that_are_compared(window: MainWindow, session: Session) -> None:
    session.views.add("critters-stylegan3-t")
    session.views.set_pair(0, 2)
    before = session.state.views
    window.actions_by_key["swap"].trigger()
    assert session.store.undo_name == "Swap A and C"
    assert session.state.views == (before[2], before[1], before[0])


def test_link_and_unlink_take_all_views(window: MainWindow, session: Session) -> None:
    add_views(window, session, 4)
    window.commands.toggle_link()
    assert [bool(view.linked) for view in session.state.views] == [True, False, False, False]
    window.commands.toggle_link()
    assert window.commands.are_linked


def test_slit_scans_of_every_view(window: MainWindow, session: Session) -> None:
    add_views(window, session, 4)
    session.lab.edit("Slit-scan", scan=True)
    for _ in range(3):
        session.look.walk(0.1, 0.0)
        wait_until(lambda: not any(session.is_refining(view) for view in range(4)))
    strips = window.views.scans.strips
    wait_until(lambda: all(strip.image is not None for strip in strips))
    assert [strip.isVisible() for strip in strips] == [True] * 4
    session.views.show(3)
    assert [strip.isVisible() for strip in strips] == [False] * 3 + [True]
    session.views.remove(1)
    assert session.lab.scan.filled <= 1  # columns of other views would lie there
    flush()


def test_tables_have_a_column_for_each_view(window: MainWindow, session: Session) -> None:
    table = ViewTable(session, [(metric.name, metric.title, "") for metric in EQUIVARIANCE], "dB")
    counted = [value for value in table.values.values() if not value.isHidden()]
    assert len(counted) == 2 * len(EQUIVARIANCE)
    add_views(window, session, 5)
    counted = [value for value in table.values.values() if not value.isHidden()]
    assert len(counted) == 5 * len(EQUIVARIANCE)
    places: list[Any] = [table.grid.getItemPosition(table.grid.indexOf(value)) for value in table.values.values()]
    assert len({place[:2] for place in places}) == len(places)
    session.views.remove(4)
    assert len([v for v in table.values.values() if not v.isHidden()]) == 4 * len(EQUIVARIANCE)
    table.deleteLater()


def test_marks_differ() -> None:
    for theme in (DARK, LIGHT):
        assert len(set(theme.marks)) == 6


def test_the_title_of_a_view_that_came_back_is_its_own(window: MainWindow, session: Session) -> None:
    add_views(window, session, 3)
    window.views.panes[2].banner.show_fault("It broke.", "trace")
    session.views.remove(2)
    session.views.set_active(0)
    session.views.add()
    pane = window.views.panes[2]
    assert not pane.banner.isVisible()
    wait_until(lambda: pane.model_name.full == "critters-stylegan2" and pane.image.image is not None)


def test_the_guided_tour_shows_its_two_views_and_gives_all_back(window: MainWindow, session: Session) -> None:
    add_views(window, session, 4)
    before = session.state
    session.lab.set_tour(2)
    assert (len(session.state.views), shown(window)) == (2, [0, 1])
    session.lab.set_tour(0)
    assert session.state == before
    wait_until(lambda: all(pane.image.image is not None for pane in window.views.panes))
    assert shown(window) == [0, 1, 2, 3]


def test_several_models_go_to_as_many_views(window: MainWindow, session: Session, assets: Path) -> None:
    names = ("critters-stylegan3-t", "other-stylegan2", "critters-stylegan2")
    window.files.open_many([str(assets / f"{name}.safetensors") for name in names])
    wait_until(lambda: len(session.state.views) == 3)
    wait_until(lambda: [Path(view.model).stem for view in session.state.views] == list(names))
