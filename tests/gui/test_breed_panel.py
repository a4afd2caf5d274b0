"""The Breed and Favourites panels: what a hand does to children, lineage and favourites, and what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent, QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from explorer.project.document import load_project
from explorer.session import Session
from explorer.state import Breeding, Heredity, Latent, Look, MixSource
from explorer.widgets.controls.look_drag import look_data
from explorer.widgets.panels.breeding.breed_panel import BreedPanel
from explorer.widgets.panels.breeding.contact_dialog import ContactDialog
from explorer.widgets.panels.breeding.favourites_panel import FavouritesPanel
from explorer.widgets.panels.edits.teaching import Teaching
from explorer.widgets.panels.latent.mixing_panel import MixingPanel
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import wait_until

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(window: MainWindow, session: Session) -> BreedPanel:
    """The Breed panel of a window, unfolded, with children of seed 7."""
    session.look.set_seed(7)
    window.sides.sections["directions"].set_folded(True)  # its height differs from model to model
    window.reveal("breed")
    found = window.findChild(BreedPanel)
    assert found is not None
    wait_until(lambda: shows(found, Latent(7)))
    return found


@pytest.fixture
def favourites(window: MainWindow) -> FavouritesPanel:
    """The Favourites panel of a window, unfolded."""
    window.reveal("favourites")
    found = window.findChild(FavouritesPanel)
    assert found is not None
    return found


def shows(panel: BreedPanel, parent: Latent) -> bool:
    return bool(panel.sheet.children_shown) and panel.sheet.children_shown[0].parent == parent


def click(field: QWidget, box: object, keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    QTest.mouseClick(field, LEFT, keys, box.center().toPoint())  # type: ignore[attr-defined]


def drop(target: QWidget, look: Look) -> bool:
    """Drops a picture on a widget; returns whether it was taken."""
    data = look_data(look)
    at = QPointF(target.rect().center())
    event = QDropEvent(at, Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    target.dropEvent(event)
    return event.isAccepted()


# -- the sheet -------------------------------------------------------------------------------------------------


def test_children_are_rendered_once_the_panel_is_seen(panel: BreedPanel, session: Session) -> None:
    assert len(panel.sheet.items) == 9
    wait_until(lambda: all(panel.sheet.image(i) is not None for i in range(9)))
    assert panel.sheet.height() == pytest.approx(panel.sheet.width(), abs=2)


def test_a_click_takes_a_child_in_one_step(panel: BreedPanel, session: Session) -> None:
    before, child = session.state, panel.sheet.children_shown[4]
    click(panel.sheet, panel.sheet.box(4))
    assert session.look_of().latent == child.latent
    assert session.store.undo_name == "Take child"
    wait_until(lambda: shows(panel, child.latent))
    assert panel.seed.seed == 1
    assert panel.tree.current == 1
    session.undo()
    assert session.state == before


@pytest.mark.parametrize(("key", "number"), [(Qt.Key.Key_1, 1), (Qt.Key.Key_3, 3), (Qt.Key.Key_9, 9)])
def test_digits_take_a_child_while_the_sheet_has_the_focus(
    panel: BreedPanel, session: Session, key: Qt.Key, number: int
) -> None:
    """1 and 3 are shortcuts of the window elsewhere."""
    child, layout = panel.sheet.children_shown[number - 1], session.state.layout
    panel.sheet.setFocus()
    QTest.keyClick(panel.sheet, key)
    assert session.look_of().latent == child.latent
    assert session.state.layout == layout


def test_arrows_and_enter_choose(panel: BreedPanel, session: Session) -> None:
    latent = session.look_of().latent
    panel.sheet.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Down, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Up):
        QTest.keyClick(panel.sheet, key)
    assert session.look_of().latent == latent, "the arrows walk the plane elsewhere"
    assert panel.sheet.cursor_at == 3
    child = panel.sheet.children_shown[3]
    QTest.keyClick(panel.sheet, Qt.Key.Key_Return)
    assert session.look_of().latent == child.latent


def test_controls_and_state_follow_each_other(panel: BreedPanel, session: Session) -> None:
    panel.count.buttons["4"].click()
    assert session.breeding.settings.count == 4
    wait_until(lambda: len(panel.sheet.items) == 4)
    panel.again.click()
    assert panel.seed.seed == session.breeding.settings.seed == 1
    panel.strength.enter(1.25)
    assert session.breeding.settings.strength == 1.25
    panel.rows["fine"].mutates.click()
    assert session.breeding.settings.fine == Heredity(mutates=False)
    assert not panel.rows["fine"].origin.isEnabled(), "there is no second parent"
    session.breeding.set_other(Latent(99))
    assert panel.rows["fine"].origin.isEnabled()
    origin = panel.rows["fine"].origin
    origin.setCurrentIndex(origin.findData("random"))
    origin.activated.emit(origin.currentIndex())
    assert session.breeding.settings.fine == Heredity(False, "random")
    while session.breeding.settings != Breeding():
        session.undo()
    assert (panel.seed.seed, panel.strength.value, panel.rows["fine"].mutates.isChecked()) == (0, 0.5, True)


def test_what_a_child_has_of_whom_is_told_beside_a_larger_picture(panel: BreedPanel, session: Session) -> None:
    session.breeding.set_other(Latent(99))
    session.breeding.set_heredity("coarse", mutates=False, origin="other")
    wait_until(lambda: "second parent" in panel.sheet.items[0].tip)
    at = panel.sheet.box(2).center().toPoint()
    QApplication.sendEvent(panel.sheet, QHelpEvent(QHelpEvent.Type.ToolTip, at, panel.sheet.mapToGlobal(at)))
    card = panel.sheet.tip.card
    assert card.isVisible()
    assert "Coarse: of the second parent\n" in card.text.text()
    assert "mutated by 0.50" in card.text.text()
    wait_until(lambda: bool(panel.sheet.tip._thumbnails._images))
    QTest.mousePress(panel.sheet, LEFT, pos=QPoint(1, 1))
    assert not card.isVisible()
    QTest.mouseRelease(panel.sheet, LEFT, pos=QPoint(-5, -5))
    assert session.look_of().latent == Latent(7), "a press that ends elsewhere takes nothing"


def test_another_model_renders_the_children_again(panel: BreedPanel, window: MainWindow, session: Session) -> None:
    window.resize(1280, 1600)  # all of the sheet is in sight
    wait_until(lambda: len(panel.sheet._thumbnails._images) >= 9)
    session.views.set_active(1)
    assert not panel.sheet._thumbnails._images
    window.reveal("breed")  # the panels above have other heights now
    wait_until(lambda: len(panel.sheet._thumbnails._images) >= 9)


# -- the lineage -----------------------------------------------------------------------------------------------


def test_a_click_in_the_tree_walks_back_and_del_prunes(panel: BreedPanel, session: Session) -> None:
    for index in (0, 1):
        child = panel.sheet.children_shown[index]
        click(panel.sheet, panel.sheet.box(index))
        wait_until(lambda child=child: shows(panel, child.latent))  # type: ignore[misc]
    assert [p.row for p in panel.tree.placed] == [0, 1, 2]
    click(panel.tree, panel.tree.box(0))
    assert session.look_of().latent == Latent(7)
    assert session.store.undo_name == "Back in lineage"
    wait_until(lambda: shows(panel, Latent(7)))
    click(panel.sheet, panel.sheet.box(5))
    wait_until(lambda: len(panel.tree.placed) == 4)
    assert [(p.column, p.row) for p in panel.tree.placed] == [(0, 0), (0, 1), (0, 2), (1, 1)]
    panel.tree.setFocus()
    panel.tree.move_cursor(3)
    for key, index in ((Qt.Key.Key_Left, 1), (Qt.Key.Key_Down, 2), (Qt.Key.Key_Up, 1), (Qt.Key.Key_Right, 3)):
        QTest.keyClick(panel.tree, key)
        assert panel.tree.cursor_at == index
    panel.tree.move_cursor(1)
    QTest.keyClick(panel.tree, Qt.Key.Key_Delete)
    wait_until(lambda: len(panel.tree.placed) == 2)
    assert session.store.undo_name == "Remove from lineage"
    panel.prune.click()
    wait_until(lambda: len(panel.tree.placed) == 1)


# -- the second parent -----------------------------------------------------------------------------------------


def test_the_second_parent_is_chosen_dropped_and_cleared(
    panel: BreedPanel, favourites: FavouritesPanel, session: Session
) -> None:
    session.favourites.star("Bear")
    session.views.set_link(1, "latent", False)
    session.views.set_active(1)
    session.look.set_seed(42)
    session.views.set_active(0)
    texts = [action.text() for action in panel.other.menu().actions()]
    assert texts == ["The picture shown: seed 7", "Picture B: seed 42", "", "Bear"]
    panel.other.menu().actions()[1].trigger()
    assert session.breeding.settings.other == Latent(42)
    assert drop(panel.other, Look(latent=Latent(3, 0.5)))
    assert session.breeding.settings.other == Latent(3, 0.5)
    wait_until(lambda: panel.other.text.full == "seed 3 +0.50")
    panel.other.clear.click()
    assert session.breeding.settings.other is None


def test_pictures_can_be_dropped_on_mixing_and_teaching(window: MainWindow, session: Session) -> None:
    mixing, teaching = window.findChild(MixingPanel), window.findChild(Teaching)
    assert mixing is not None
    assert teaching is not None
    assert drop(mixing.source_rows[0], Look(latent=Latent(5)))
    assert session.look_of().mixing.sources == (MixSource(5),)
    look = session.look_of()
    assert drop(teaching.liked, look)
    frame = session.last_frame(0)
    assert frame is not None
    wait_until(lambda: teaching.liked.examples[0].w is not None)
    np.testing.assert_array_equal(teaching.liked.examples[0].w, frame.latents.base)


def test_drags_of_other_programs_are_refused(panel: BreedPanel, session: Session) -> None:
    data = look_data(Look(latent=Latent(5)))
    kind = data.formats()[0]
    text = bytes(data.data(kind).data())
    for strange in (b"{}", b"0" * 16 + text[16:], text[:16] + b"{", text[:16] + b'{"latent": 3}'):
        data.setData(kind, strange)
        event = QDropEvent(QPointF(), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
        panel.other.dropEvent(event)
    assert session.breeding.settings.other is None


# -- favourites ------------------------------------------------------------------------------------------------


def test_starring_listing_searching_and_showing(
    favourites: FavouritesPanel, window: MainWindow, session: Session
) -> None:
    assert "Star pictures" in favourites.message.text()
    for seed, name in ((1, "Blue bear"), (2, "Fox"), (3, "Red bear")):
        session.look.set_seed(seed)
        QTest.keyClicks(favourites.name, name)
        QTest.keyClick(favourites.name, Qt.Key.Key_Return)
    assert [item.name for item in favourites.list.found] == ["Red bear", "Fox", "Blue bear"]
    assert favourites.name.text() == ""
    wait_until(lambda: len(favourites.list._thumbnails._images) == 3)
    QTest.keyClicks(favourites.search, "bear")
    assert [item.name for item in favourites.list.found] == ["Red bear", "Blue bear"]
    assert favourites.message.text() == "2 of 3"
    click(favourites.list, favourites.list.area(1))
    assert session.look_of().latent == Latent(1)
    assert session.store.undo_name == "Show favourite"
    favourites.search.setText("wolf")
    assert favourites.message.text() == "No name has these words."


def test_the_menu_stars_under_a_description(
    favourites: FavouritesPanel, window: MainWindow, session: Session
) -> None:
    session.look.set_seed(77)
    window.commands.star()
    assert favourites.list.found[0].name == "seed 77"


def test_renaming_removing_and_bringing_back(favourites: FavouritesPanel, session: Session) -> None:
    for name in ("One", "Two"):
        session.favourites.star(name)
    favourites.list.setFocus()
    favourites.list.move_cursor(1)
    QTest.keyClick(favourites.list, Qt.Key.Key_F2)
    assert favourites.list.editor.isVisible()
    QTest.keyClicks(favourites.list.editor, "Uno")
    QTest.keyClick(favourites.list.editor, Qt.Key.Key_Return)
    assert [item.name for item in favourites.list.found] == ["Two", "Uno"]
    assert not favourites.restore.isEnabled()
    favourites.list.setFocus()
    favourites.list.move_cursor(0)
    QTest.keyClick(favourites.list, Qt.Key.Key_Delete)
    assert [item.name for item in favourites.list.found] == ["Uno"]
    favourites.restore.click()
    assert [item.name for item in favourites.list.found] == ["Two", "Uno"]


def test_what_is_selected_goes_on_a_contact_sheet(
    favourites: FavouritesPanel, session: Session, tmp_path: Path
) -> None:
    for seed in range(5):
        session.look.set_seed(seed)
        session.favourites.star(f"Bear {seed}")
    assert len(favourites.entries()) == 5
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    before = session.look_of()
    click(favourites.list, favourites.list.area(1), control)
    click(favourites.list, favourites.list.area(3), shift)
    click(favourites.list, favourites.list.area(2), control)
    assert session.look_of() == before, "selecting shows nothing"
    assert [entry.name for entry in favourites.entries()] == ["Bear 3", "Bear 1"]
    favourites.contact.click()
    (dialog,) = favourites.findChildren(ContactDialog)
    assert dialog.source.currentText() == "The 2 selected favourites"
    dialog.size_choice.setCurrentIndex(dialog.size_choice.findData(0))
    dialog.columns.enter(1)
    found = re.search(r"on a sheet of (\d+) . (\d+) pixels", dialog.summary.text())
    assert found is not None
    path = tmp_path / "sheet.png"
    dialog.save_to(path)
    assert dialog.cancel.isVisible()
    wait_until(path.exists)
    with Image.open(path) as picture:
        assert picture.size == (int(found[1]), int(found[2]))
    latents = [node.latent for node in load_project(path).state.breeding.lineage]
    assert latents == [Latent(3), Latent(1)]
    wait_until(lambda: not favourites.findChildren(ContactDialog))


def test_the_dialog_of_the_breed_panel_offers_children_and_lineage(panel: BreedPanel, session: Session) -> None:
    session.breeding.take(session.breeding.sheet()[0])
    panel.contact.click()
    (dialog,) = panel.findChildren(ContactDialog)
    sources = [dialog.source.itemText(i) for i in range(dialog.source.count())]
    assert sources == ["The 9 children", "The way to the picture shown", "The whole lineage"]
    assert dialog.columns.value == 3
    dialog.source.setCurrentIndex(1)
    dialog.source.activated.emit(1)
    assert dialog.summary.text().startswith("2 pictures")
    dialog.reject()
