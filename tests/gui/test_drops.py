"""Drops: every one is a copy, because a file manager deletes what it was told that has been moved."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote_from_bytes

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from explorer.session import Session
from explorer.session.settings import Settings
from explorer.widgets.window.main_window import MainWindow
from explorer.widgets.window.sidebar_sections import Section
from tests.gui.conftest import wait_until

COPY, MOVE, LINK = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction, Qt.DropAction.LinkAction
IGNORE = Qt.DropAction.IgnoreAction
LEFT, SHIFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier


def carried(path: Path) -> QMimeData:
    """A file as file managers carry it: as an address and as text."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    data.setText(path.as_uri())
    return data


def answers(
    widget: QWidget, data: QMimeData, offered: Qt.DropAction, proposed: Qt.DropAction
) -> list[Qt.DropAction]:
    """What a widget answers to a drag over it and its drop: what it accepted, in the order of the events."""
    at, keys = widget.rect().center(), SHIFT if proposed == MOVE else NONE
    events = [
        QDragEnterEvent(at, offered, data, LEFT, keys),
        QDragMoveEvent(at, offered, data, LEFT, keys),
        QDropEvent(QPointF(at), offered, data, LEFT, keys),
    ]
    answered: list[Qt.DropAction] = []
    for event in events:
        event.setDropAction(proposed)
        event.ignore()
        QApplication.sendEvent(widget, event)
        if not event.isAccepted():
            break  # Qt asks no further, and there is no drop
        answered.append(event.dropAction())
    return answered


def test_no_widget_takes_a_file_by_a_move(qapp: QApplication, window: MainWindow, tmp_path: Path) -> None:
    path = tmp_path / "notes.pkl"
    path.write_bytes(b"nothing")
    window.open_film()
    window.show_timeline(True)
    window.views.panes[0].banner.show_fault("It broke.", "trace")
    for section in window.sides.sections.values():
        section.set_folded(False)
    opened: list[object] = []
    window.files.open_many = lambda *args: opened.append(args)
    targets = [w for w in qapp.allWidgets() if w.acceptDrops()]
    assert {"MainWindow", "ModelPanel", "Column"} <= {type(w).__name__ for w in targets}
    assert not [w for w in targets if isinstance(w, QLineEdit)], "Qt's own fields take files as text, by a move"
    data = carried(path)  # events hold no reference
    for offered in (COPY | MOVE | LINK, MOVE, LINK, MOVE | LINK, COPY):
        for proposed in (COPY, MOVE, LINK, IGNORE):
            opened.clear()
            taken = {action for widget in targets for action in answers(widget, data, offered, proposed)}
            assert taken == ({COPY} if offered & COPY else set())
            assert bool(opened) == bool(offered & COPY)
    window._film.close()


def test_the_picture_below_says_what_would_happen(
    window: MainWindow, session: Session, assets: Path, tmp_path: Path
) -> None:
    pane = window.views.panes[1]
    at = pane.image.mapTo(window, pane.image.rect().center())
    session.views.set_active(0)
    model = carried(assets / "other-stylegan2.safetensors")
    QApplication.sendEvent(window, QDragEnterEvent(at, COPY, model, LEFT, NONE))
    frame = window.drops.frame
    assert (frame.parent(), frame.message, frame.isVisible()) == (pane.image, "Open in B", True)
    left = window.views.panes[0].image
    QApplication.sendEvent(window, QDragMoveEvent(left.mapTo(window, QPoint(30, 60)), COPY, model, LEFT, NONE))
    assert (frame.parent(), frame.message) == (left, "Open in A")
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not frame.isVisible()
    project = carried(tmp_path / "walk.json")
    QApplication.sendEvent(window, QDragEnterEvent(at, COPY, project, LEFT, NONE))
    assert frame.message == "Open"
    QApplication.sendEvent(window, QDropEvent(QPointF(at), COPY, model, LEFT, NONE))
    assert not frame.isVisible()
    assert session.state.active == 1, "the view that took the model is the active one"
    wait_until(lambda: session.model_info(1) is not None and "other" in session.model_info(1).path)


def test_sections_are_carried_within_this_window_alone(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    section = window.sides.sections["model"]
    carried_data: list[QMimeData] = []

    class Drag:
        """A drag that keeps what it carries."""

        def __init__(self, source: Section) -> None:
            assert source is section

        def setMimeData(self, data: QMimeData) -> None:
            carried_data.append(data)

        def setPixmap(self, pixmap: object) -> None:
            pass

        def exec(self, actions: Qt.DropAction) -> None:
            assert actions == COPY

    monkeypatch.setattr("explorer.widgets.window.sidebar_sections.QDrag", Drag)
    section.start_drag()
    right = window.sides.right
    assert answers(right.viewport(), carried_data[0], COPY, COPY) == [COPY, COPY, COPY]
    assert section in right.sections()
    foreign = QMimeData()
    foreign.setData(carried_data[0].formats()[0], b"\xff\xfelatent")
    assert answers(right.viewport(), foreign, COPY | MOVE, MOVE) == []


NAMES = [b"plain", b"a b&c", b"100%25 #1?", b"\xff\xfe", b"caf\xe9", "\u4e2d\u202e".encode()]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_not_utf8_are_dropped_remembered_and_opened(
    window: MainWindow, session: Session, tmp_path: Path, name: bytes
) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name + b".json")
    session.look.set_psi(0.25)
    session.documents.save_project(str(tmp_path / "walk.json"))
    os.rename(tmp_path / "walk.json", path)
    session.look.set_psi(0.75)
    data = QMimeData()
    data.setUrls([QUrl.fromEncoded(b"file://" + quote_from_bytes(os.fsencode(path)).encode())])
    assert answers(window, data, COPY, COPY) == [COPY, COPY, COPY]
    wait_until(lambda: session.look_of().truncation.psi == 0.25)
    session.look.set_psi(0.75)
    window.files.fill_recent(window.menus["recent"])
    window.menus["recent"].actions()[0].trigger()
    wait_until(lambda: session.look_of().truncation.psi == 0.25)
    window.settings.sync()
    assert Settings(tmp_path / "settings.json").recent()[0] == os.path.realpath(path)
    session.look.set_psi(0.75)
    QApplication.clipboard().setMimeData(data)
    window.commands.paste()
    wait_until(lambda: session.look_of().truncation.psi == 0.25)
