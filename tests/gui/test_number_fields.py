"""Every field for a number reads it in the same way, in every language, and a refused text changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QLocale, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit

from explorer.session import Session
from explorer.widgets.controls.number_field import NumberField, NumberLine
from explorer.widgets.controls.seed_field import SeedField
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.breeding.favourites_panel import FavouritesPanel
from explorer.widgets.panels.edits.teaching import Teaching
from explorer.widgets.panels.model.class_weights import ClassSearch
from explorer.widgets.window.main_window import MainWindow

KEYPAD = Qt.KeyboardModifier.KeypadModifier
NONE = Qt.KeyboardModifier.NoModifier
LOCALES = ("C", "de_DE", "fr_FR", "ar_EG", "en_IN")


@pytest.fixture(params=LOCALES)
def language(request: pytest.FixtureRequest) -> Iterator[str]:
    """A default locale of Qt's, as a system's language sets it before the program starts."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


def type_into(field: QLineEdit, text: str) -> None:
    """Replace the text of a field by hand, and press Return."""
    field.window().activateWindow()
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def type_on(slider: ValueSlider, text: str) -> NumberLine:
    """Begin to type over a slider, and press Return."""
    slider.setFocus()
    press(slider, text[0])
    field = slider.findChild(NumberLine)
    assert field is not None
    QTest.keyClicks(field, text[1:])
    QTest.keyClick(field, Qt.Key.Key_Return)
    return field


def press(widget: Any, text: str, modifiers: Qt.KeyboardModifier = NONE) -> bool:
    """Press a key as the system does: the window's shortcuts are asked first. True if the widget wants it."""
    code = {",": Qt.Key.Key_Comma, ".": Qt.Key.Key_Period, "-": Qt.Key.Key_Minus}.get(text, ord(text[0].upper()))
    ask = QKeyEvent(QEvent.Type.ShortcutOverride, int(code), modifiers, text)
    ask.ignore()
    QApplication.sendEvent(widget, ask)
    if ask.isAccepted():
        QApplication.sendEvent(widget, QKeyEvent(QEvent.Type.KeyPress, int(code), modifiers, text))
    return ask.isAccepted()


def test_the_timeline_reads_and_shows_one_way(window: MainWindow, session: Session, language: str) -> None:
    window.show_timeline(True)
    dock = window.timeline
    typed = (("12.25", 12.25), ("2,5", 2.5), (",7", 0.7), ("1:30", 90.0), ("900ms", 0.9), ("4 s", 4.0))
    for text, seconds in typed:
        type_into(dock.duration, text)
        assert session.transport.timeline.duration == seconds, text
    assert dock.duration.text() == "4.00 s"
    type_into(dock.bpm, "119,5")
    assert session.transport.timeline.bpm == 119.5
    assert dock.bpm.text() == "119.5 bpm"
    type_into(dock.bpm, "0")
    assert dock.bpm.text() == "no tempo"
    for text in ("1,234", "1..2", "0", "1e9", "1e999", "1:75"):
        type_into(dock.duration, text)
        assert session.transport.timeline.duration == 4.0, text
        assert dock.duration.text() == text, "what was typed stays, to be mended"
        assert dock.duration.refusal, text
        assert dock.duration.property("refused") is True
    dock.bpm.setFocus()
    assert dock.duration.text() == "4.00 s", "the old number comes back"
    assert not dock.duration.refusal


def test_sliders_read_one_way(window: MainWindow, session: Session, language: str) -> None:
    panel: Any = window.sides.sections["truncation"].body
    psi: ValueSlider = panel.psi
    for text, value in ((",7", 0.7), (".25", 0.25), ("0,125", 0.125), ("\u22120,5", -0.5), ("1e-1", 0.1)):
        field = type_on(psi, text)
        assert psi.value == value, text
        assert field.isHidden()
    before = psi.value
    for text in ("1,234", "1 2", "7 px", "1e999", "5%"):
        field = type_on(psi, text)
        assert psi.value == before, text
        assert field.isVisible()
        assert field.refusal
        QTest.keyClick(field, Qt.Key.Key_Escape)
        assert field.isHidden()
    field = type_on(psi, "1..2")
    window.views.panes[0].image.setFocus()
    assert field.isHidden(), "left, the old value is seen again"
    assert psi.value == before
    transform: Any = window.sides.sections["transform"].body
    type_on(transform.sliders["transform.rotate"], "45,5deg")
    assert session.look_of().transform.rotate == 45.5
    transform.show_matrix.click()
    type_into(transform.cells[2], "-,125")
    assert session.look_of().transform.matrix[2] == -0.125


@pytest.mark.parametrize("modifiers", [NONE, KEYPAD])
@pytest.mark.parametrize("key", [",", ".", "-", "7"])
def test_keys_of_numbers_reach_a_slider_before_shortcuts(
    window: MainWindow, session: Session, key: str, modifiers: Qt.KeyboardModifier
) -> None:
    panel: Any = window.sides.sections["truncation"].body
    panel.psi.setFocus()
    assert press(panel.psi, key, modifiers)
    field = panel.psi.findChild(NumberLine)
    assert field.text() == key
    assert not press(panel.psi, key, Qt.KeyboardModifier.ControlModifier)


def test_units_are_typed_and_other_letters_are_shortcuts(window: MainWindow, session: Session) -> None:
    window.show_timeline(True)
    field = window.timeline.duration
    field.setFocus()
    field.selectAll()
    assert not press(field, "s"), "nothing is typed yet: a shortcut"
    QTest.keyClicks(field, "9")
    assert press(field, "s")
    assert field.text() == "9s"
    assert not press(field, "k")
    assert session.transport.timeline.duration == 9.0, "taken before the shortcut runs"


def test_seeds(window: MainWindow, session: Session, language: str) -> None:
    panel: Any = window.sides.sections["latent"].body
    for text, seed in (("12", 12), ("4294967295", 2**32 - 1), ("\u0661\u0662", 12), ("1e3", 1000)):
        panel.seed.setText(text)  # pasted: letters by hand are shortcuts
        panel.seed.setModified(True)
        panel.seed.editingFinished.emit()
        assert session.look_of().latent.seed == seed
    assert panel.seed.text() == "1000"
    for text in ("1,5", "1.5", "1,234", "rubbish", ""):
        panel.seed.setFocus()
        panel.seed.setText(text)
        panel.seed.setModified(True)
        panel.seed.editingFinished.emit()
        assert session.look_of().latent.seed == 1000, text
        assert panel.seed.refusal, text
    window.views.panes[0].image.setFocus()
    assert panel.seed.text() == "1000"


def test_counts_of_the_film_page(window: MainWindow, language: str) -> None:
    window.open_film()
    page = window._film
    started: list[object] = []
    page.render_film = lambda **_: started.append(1)
    type_into(page.settings.samples, "4")
    assert page.settings.film(window.session.state).samples == 4
    started.clear()
    for text in ("2,5", "17", "0", "1,000"):
        type_into(page.settings.samples, text)
        assert page.settings.film(window.session.state).samples == 4
        assert page.settings.samples.refusal
        assert not started, "Return on a refused number does not begin the film"
    page.close()


def test_every_field_for_a_number_is_one_of_ours(window: MainWindow) -> None:
    window.open_film()
    window.show_timeline(True)
    for slider in window.findChildren(ValueSlider):
        if slider.isEnabled():
            slider.edit()
    own = (NumberField, NumberLine, SeedField)
    places = (window, window._film)  # but not the menus of pyqtgraph, which nobody opens
    shown = [w for w in QApplication.allWidgets() if w.window() in places]
    fields = [w for w in shown if isinstance(w, QLineEdit)]
    others = {w for w in fields if not isinstance(w, own) and not isinstance(w.parent(), ClassSearch)}
    favourites, teaching = window.findChild(FavouritesPanel), window.findChild(Teaching)
    assert favourites is not None
    assert teaching is not None
    names = {favourites.name, favourites.search, favourites.list.editor, *teaching.names}
    assert others == {window._film.settings.path, *names}
    assert not [w for w in shown if isinstance(w, QAbstractSpinBox)]
    window._film.close()


def test_the_c_library_reads_numbers_with_a_point() -> None:
    """QApplication sets the user's locale for it, and then `strtod("0.5")` is 0 in German."""
    program = (
        "import ctypes, locale, sys\n"
        "from PySide6.QtWidgets import QApplication\n"
        "from PySide6.QtCore import QLocale\n"
        "from explorer.app import use_plain_numbers\n"
        "app = QApplication([])\n"
        "use_plain_numbers()\n"
        "strtod = ctypes.CDLL(None).strtod\n"
        "strtod.restype = ctypes.c_double\n"
        "print(strtod(b'0.5', None), locale.setlocale(locale.LC_NUMERIC), QLocale().decimalPoint())\n"
    )
    more = {"LC_ALL": "de_DE.UTF-8", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | more, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0.5", "C", "."]
