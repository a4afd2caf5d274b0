"""The window as a whole: layouts, linking, themes, sizes, panels and what is remembered of them."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QWidget

from explorer.session import Session
from explorer.session.settings import Settings
from explorer.state import ASPECTS
from explorer.widgets.controls.theme import theme
from explorer.widgets.window.main_window import MainWindow
from explorer.widgets.window.sidebars import LEFT
from tests.gui.conftest import flush, wait_until


def test_layouts_show_the_right_panes(window: MainWindow, session: Session) -> None:
    first, second = window.views.panes
    for key, shown in (
        ("view_1", (True, False)),
        ("view_2", (False, True)),
        ("view_grid", (True, True)),
        ("view_wipe", (True, False)),
    ):
        window.actions_by_key[key].trigger()
        assert (first.isVisible(), second.isVisible()) == shown
    assert first.image.wipe.is_on
    wait_until(lambda: first.image.pair.other is not None)
    assert first.second.isVisible()


def test_both_frames_of_a_wipe_count_as_painted(window: MainWindow, session: Session) -> None:
    session.views.set_layout("wipe")
    seen: set[int] = set()
    window.views.panes[0].image.painted.connect(lambda view, generation: seen.add(view))
    session.look.set_psi(0.3)
    wait_until(lambda: seen == {0, 1})


def test_views_can_be_unlinked_one_aspect_at_a_time(window: MainWindow, session: Session) -> None:
    session.views.set_link(1, "latent", False)
    assert window.views.panes[1].link._name == "link-simple-break"
    session.views.set_active(0)
    session.look.set_seed(5)
    session.look.set_psi(0.5)
    assert session.look_of(1).latent.seed == 0
    assert session.look_of(1).truncation.psi == 0.5
    window.commands.toggle_link()
    assert session.state.views[1].linked == frozenset(ASPECTS)


def test_swap_and_close(window: MainWindow, session: Session) -> None:
    window.commands.swap()
    wait_until(lambda: (info := session.info(0)) is not None and info.family == "stylegan3-t")
    wait_until(lambda: window.views.panes[0].model_name.full == "critters-stylegan3-t")
    session.views.set_active(1)
    window.commands.close_model()
    assert window.views.panes[1].empty.isVisible()
    assert window.views.panes[1].image.image is None


def test_before_and_after(window: MainWindow, session: Session) -> None:
    session.look.set_transform(x=0.25)
    image = window.views.panes[0].image
    QTest.keyClick(image, Qt.Key.Key_B)
    wait_until(lambda: image.before.image is not None)
    assert session.look_of().transform.x == 0.25, "looking back changes nothing"
    QTest.keyClick(image, Qt.Key.Key_B)
    assert image.before.image is None
    QTest.keyClick(image, Qt.Key.Key_B)
    wait_until(lambda: image.before.image is not None)
    session.look.set_psi(0.5)
    assert image.before.image is None, "any change ends it"


def test_full_screen_and_back(window: MainWindow) -> None:
    window.commands.toggle_full_screen()
    assert not window.menuBar().isVisible()
    assert not window.sides.left.isVisible()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert window.menuBar().isVisible()
    assert window.sides.left.isVisible()


def test_copied_picture_is_the_rendered_one(window: MainWindow, qapp: QApplication) -> None:
    window.commands.copy_picture()
    image = qapp.clipboard().image()
    assert (image.width(), image.height()) == (32, 32)


def test_the_badge_explains_and_switches(window: MainWindow, session: Session) -> None:
    menu = window.top_bar.device_menu()
    texts = [action.text() for action in menu.actions()]
    assert any("computed on CPU" in text for text in texts)
    next(action for action in menu.actions() if "bfloat16" in action.text()).trigger()
    assert session.devices.settings.dtype == "bfloat16"
    assert "bfloat16" in window.top_bar.badge.text()


def test_the_picture_keeps_half_the_window(window: MainWindow) -> None:
    for width in (1280, 1920, 1040):
        window.resize(width, 800)
        flush()
        assert window.middle.width() >= 0.5 * window.width() - 1


def test_both_themes_paint(window: MainWindow, settings: Settings) -> None:
    dark = window.grab().toImage()
    window.actions_by_key["theme"].trigger()
    assert theme().name == "light"
    assert settings.flag("dark", True) is False
    assert window.grab().toImage() != dark


def test_a_fault_shows_over_the_picture_and_the_next_move_works(window: MainWindow, session: Session, qapp) -> None:  # type: ignore[no-untyped-def]
    pane = window.views.panes[0]
    session.look.set_transform(scale_x=1e-9, scale_y=1e-9)
    wait_until(lambda: pane.banner.isVisible())
    assert "flattens" in pane.banner.text
    pane.banner.copy.click()
    assert "flattens" in qapp.clipboard().text()
    session.look.set_transform(scale_x=1.0, scale_y=1.0)
    wait_until(lambda: not pane.banner.isVisible())


def test_details_unfold(window: MainWindow) -> None:
    banner = window.views.panes[0].banner
    banner.show_fault("It broke.", "Traceback:\n  line 1")
    low = banner.height()
    banner.details.click()
    assert banner.height() > low


def test_panels_fold_move_hide_and_are_remembered(session: Session, settings: Settings) -> None:
    first = MainWindow(settings)
    first.attach(session)
    first.show()
    sides = first.sides
    sides.sections["noise"].set_folded(True)
    sides.sections["truncation"].set_shown(False)
    sides._on_move_requested("transform", "other")
    assert sides.left.sections()[0].key == "transform"
    sides._on_move_requested("transform", "down")
    sides._move_to("mixing", sides.left, 0)
    sides.sections["layers"].set_folded(False)
    first.asks_before_discarding = False
    first.close()
    settings.set("columns/left", [key for key in settings.strings("columns/left") if key != "bend"])
    settings.set("columns/folded", ["noise"])  # as a version without the panel "bend" left them
    second = MainWindow(settings)
    second.attach(session)
    second.show()
    assert [s.key for s in second.sides.left.sections()][:3] == ["mixing", "model", "transform"]
    assert second.sides.sections["noise"].is_folded
    assert second.sides.sections["truncation"].isHidden()
    (shown,) = (action for action in second.menus["panels"].actions() if action.text() == "Truncation")
    assert not shown.isChecked()
    assert not second.sides.sections["layers"].is_folded
    assert second.sides.sections["bend"].is_folded
    second.reset_panels()
    assert [s.key for s in second.sides.left.sections()] == list(LEFT)
    assert not second.sides.sections["truncation"].isHidden()
    for window in (first, second):
        window.close()
        window.deleteLater()
    flush()


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_a_panel_in_its_own_window_comes_back(window: MainWindow) -> None:
    sides = window.sides
    sides._on_move_requested("noise", "float")
    own = window.findChild(QDockWidget, "own-noise")
    assert own is not None
    assert own.isFloating()
    assert sides.sections["noise"].body.isVisible()
    own.close()
    flush()
    assert sides.sections["noise"] in sides.right.sections()
    assert sides.sections["noise"].isVisible()


class _Shown(QObject):
    """Names the classes of the windows that are shown."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow():
            self.names.append(type(watched).__name__)
        return False


def test_no_part_of_the_window_flashes_as_a_window_of_its_own(session: Session, settings: Settings) -> None:
    shown, app = _Shown(), QApplication.instance()
    assert app is not None
    app.installEventFilter(shown)
    made = MainWindow(settings)
    made.asks_before_discarding = False
    made.show()
    flush()
    made.attach(session)
    made.show_timeline(True)
    made.notices.strip.show_notice("missing", "A file is missing.", [("Locate", lambda: None)])
    made.show_problem("No.", [("Do it", lambda: None)])
    session.lab.set_tour(1)
    flush()
    session.lab.set_tour(0)
    app.removeEventFilter(shown)
    made.close()
    made.deleteLater()
    flush()
    assert shown.names == ["MainWindow"]
