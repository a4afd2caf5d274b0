"""Texts have room in the smallest window, and tooltips are no wider than a page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QToolTip, QWidget

import explorer.widgets
from explorer.session import Session
from explorer.widgets.controls.basic import ElidedLabel, Segments
from explorer.widgets.controls.plain_text import TIP_COLUMNS, set_tip, show_tip
from explorer.widgets.panels.synthesis.performance_panel import PerformancePanel, _latency
from explorer.widgets.window.main_window import MainWindow

SMALLEST = (1040, 600)
LONG = "A sentence that says at length what a control is for, with nothing in it to break the line at. " * 3


@pytest.fixture
def small(window: MainWindow) -> MainWindow:
    """The window at its smallest, with all panels unfolded."""
    window.resize(*SMALLEST)
    for section in window.sides.sections.values():
        section.set_folded(False)
    QApplication.processEvents()
    return window


def test_the_texts_of_segments_are_not_elided(small: MainWindow) -> None:
    found = [segments for segments in small.findChildren(Segments) if segments.isVisible()]
    assert len(found) >= 5
    buttons = [button for segments in found for button in segments.buttons.values()]
    assert [b.text() for b in buttons if b.width() < b.sizeHint().width()] == []


def is_cut(item: QLabel | QAbstractButton) -> bool:
    """Whether a widget is too narrow for its text, unless it breaks or shortens it in good order."""
    if isinstance(item, ElidedLabel) or (isinstance(item, QLabel) and item.wordWrap()):
        return False
    return bool(item.text()) and item.isVisible() and item.width() < item.sizeHint().width()


def test_no_text_of_a_panel_is_cut_off(small: MainWindow) -> None:
    for key, section in small.sides.sections.items():
        items: list[QLabel | QAbstractButton] = [
            *section.findChildren(QLabel),
            *section.findChildren(QAbstractButton),
        ]
        assert [item.text() for item in items if is_cut(item)] == [], key


def test_the_performance_figures_are_not_clipped(small: MainWindow, session: Session) -> None:
    panel = small.sides.sections["performance"].body
    assert isinstance(panel, PerformancePanel)
    panel._timer.stop()
    longest = {"fps": "60 /s", "render": "9876.5 ms", "latency": _latency(998.0, 999.0), "hits": "18 of 18"}
    for (key, _), value in panel.figures.items():
        value.setText(longest.get(key, "12345"))
    QApplication.processEvents()
    labels = [item for item in panel.table.findChildren(QLabel) if item.isVisible()]
    assert len(labels) > 2 * len(longest)
    for item in labels:
        assert item.width() >= item.sizeHint().width(), item.text()


def test_latencies_of_seconds_are_as_short_as_those_of_milliseconds() -> None:
    assert _latency(12.4, 80.0) == "12 / 80 ms"
    assert _latency(2404.6, 2951.0) == "2.4 / 3.0 s"
    assert len(_latency(9e4, 9.9e4)) <= len(_latency(998.0, 999.0))


def widest(text: str) -> int:
    return max(map(len, text.split("\n")), default=0)


def test_every_tooltip_of_the_window_is_broken_into_lines(small: MainWindow) -> None:
    tips = [widget.toolTip() for widget in small.findChildren(QWidget)]
    tips += [action.toolTip() for action in small.findChildren(QAction)]
    assert sum("\n" in tip for tip in tips) > 10, "some are long"
    assert [tip for tip in tips if widest(tip) > TIP_COLUMNS] == []


def test_what_a_question_mark_says_is_broken_into_lines(small: MainWindow) -> None:
    about = next(
        s.head.about for s in small.sides.sections.values() if len(s.head.about.toolTip()) > 2 * TIP_COLUMNS
    )
    about.click()
    assert "\n" in QToolTip.text()
    assert widest(QToolTip.text()) <= TIP_COLUMNS
    QToolTip.hideText()


def test_a_tooltip_set_or_shown_is_broken_into_lines(qapp: QApplication) -> None:
    widget = QWidget()
    set_tip(widget, LONG)
    assert widget.toolTip().replace("\n", " ") == LONG.strip()
    assert widest(widget.toolTip()) <= TIP_COLUMNS
    set_tip(widget, LONG, limit=100)
    assert len(widget.toolTip()) <= 110
    widget.show()
    show_tip(QPoint(10, 10), LONG, widget)
    assert widest(QToolTip.text()) <= TIP_COLUMNS
    QToolTip.hideText()
    widget.close()


def test_no_tooltip_is_set_otherwise() -> None:
    """Only `plain_text.py` calls Qt's methods, apart from a model's items, which have roles."""
    folder = Path(explorer.widgets.__file__).parent
    found = [
        f"{path.relative_to(folder)}:{node.lineno}"
        for path in sorted(folder.rglob("*.py"))
        if path.name != "plain_text.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and (node.attr == "setToolTip" or (node.attr == "showText" and ast.unparse(node.value) == "QToolTip"))
    ]
    assert found == []
