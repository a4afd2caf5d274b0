"""No wrapper of a layout item outlives the item: such a wrapper crashes the program later, far from its cause.

Qt deletes a layout's item when its widget moves to another layout or window; PySide keeps the Python object that
`itemAt` returned. Where a new object gets the address of the item, its deletion ends in a segmentation fault.
"""

from __future__ import annotations

import gc
import re
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget
from shiboken6 import getCppPointer, isValid

from explorer.session import Session
from explorer.widgets.window.main_window import MainWindow
from tests.gui.conftest import flush, wait_until

EXPLORER = Path(__file__).resolve().parents[2] / "explorer"

OF_PYTHON = {"wrap_row.py"}
"""Files that implement a layout, whose widgets never leave it."""


def test_no_code_asks_a_layout_for_its_items() -> None:
    asked = re.compile(r"\.(itemAt|takeAt|itemAtPosition)\(")
    found = [p.name for p in EXPLORER.rglob("*.py") if asked.search(p.read_text(encoding="utf-8"))]
    assert set(found) <= OF_PYTHON


def test_moving_panels_models_and_the_sheet_leave_no_items(window: MainWindow, session: Session) -> None:
    for where in ("other", "down", "up", "other", "float"):
        for section in list(window.sides.sections.values()):
            section.move_requested.emit(section.key, where)
    window.sides.reset()
    for model in ("other-stylegan2", "critters-stylegan3-t"):
        session.models.request(0, model)
        wait_until(partial(_shows, session, model))
    for width in (1040, 1800, 1280):
        window.resize(width, 800)
        window.actions_by_key["help"].trigger()
        flush()
    kept = {getCppPointer(o)[0]: o for o in gc.get_objects() if _is_item(o)}
    layouts = [layout for widget in window.findChildren(QWidget) if (layout := widget.layout()) is not None]
    layouts += [o for o in gc.get_objects() if issubclass(type(o), QLayout) and isValid(o)]  # of pyqtgraph's menus
    stale = set(kept).difference(*(_addresses(layout) for layout in layouts))
    assert [kept[address] for address in stale] == []


def _shows(session: Session, model: str) -> bool:
    return session.record(0).model == model and session.info(0) is not None


def _is_item(thing: object) -> bool:
    return issubclass(type(thing), QLayoutItem) and not issubclass(type(thing), QLayout)


def _addresses(layout: QLayout) -> set[int]:
    """The addresses of the items of a layout and of those inside."""
    items = [item for i in range(layout.count()) if (item := layout.itemAt(i)) is not None]
    inside = (_addresses(inner) for item in items if (inner := item.layout()) is not None)
    return {getCppPointer(item)[0] for item in items}.union(*inside)
