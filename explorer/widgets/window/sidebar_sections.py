"""The two columns of panels: sections that can be folded, dragged and hidden, and remember their position."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QEvent, QMimeData, QPoint, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QDrag,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import IconButton
from explorer.widgets.controls.drops import take_copy
from explorer.widgets.controls.plain_text import PlainLabel, set_tip, show_tip
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.view_chip import ViewChip
from explorer.widgets.controls.wheel import Wheel
from explorer.widgets.panels.glossary import ABOUT

__all__ = ["Column", "Section"]

REVEAL_MS = 600
_MIME = "application/x-latentwalk-section"
_OURS = secrets.token_hex(8)
"""Identifies drags of this window: sections of other windows or programs are not accepted."""


class _Head(QFrame):
    """The title bar of a section: click to fold, drag to move, right-click for a menu."""

    clicked = Signal()

    def __init__(self, section: Section, title: str) -> None:
        super().__init__(section)
        self.setObjectName("sectionHead")
        self._section = section
        self._press: QPoint | None = None
        self.setFixedHeight(28)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        set_tip(self, "Click to fold, drag to move, right-click for more")
        self.setAccessibleName(title)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GRID // 2, 0, GRID // 2, 0)
        layout.setSpacing(2)
        self.chevron = IconButton("caret-down", "Fold or unfold", self.clicked.emit, size=12)
        self.chevron.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout.addWidget(self.chevron)
        self.title = PlainLabel(title.upper())
        layout.addWidget(self.title)
        self.chip = ViewChip(0, size=14)
        self.chip.hide()
        layout.addWidget(self.chip)
        layout.addStretch(1)
        self._about = ABOUT.get(section.key, "")
        self.about = IconButton("question", self._about, self._show_about, size=14)
        self.about.setAccessibleName(f"About {title}")
        layout.addWidget(self.about)
        self.about.setVisible(bool(self._about))  # once it has a parent: before, it would open as a window

    def _show_about(self) -> None:
        show_tip(self.about.mapToGlobal(self.about.rect().bottomLeft()), self._about, self.about)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._press = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._press is None:
            return
        if (event.position().toPoint() - self._press).manhattanLength() > QApplication.startDragDistance():
            self._press = None
            self._section.start_drag()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._press is not None:
            self._press = None
            self.clicked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self._section.menu().popup(event.globalPos())


class Section(QFrame):
    """One panel under its title bar."""

    folded_changed = Signal(bool)
    hidden_changed = Signal(bool)
    move_requested = Signal(str, str)  # key, "up" | "down" | "other" | "float"

    def __init__(self, key: str, title: str, body: QWidget) -> None:
        super().__init__()
        self.setObjectName("section")
        self.key, self.title, self.body = key, title, body
        self.is_folded = False
        self._menu: QMenu | None = None
        self.head = _Head(self, title)
        self.head.clicked.connect(lambda: self.set_folded(not self.is_folded))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(body)
        self.toggle = QAction(title, self, checkable=True, checked=True)
        self.toggle.triggered.connect(self.set_shown)

    def set_folded(self, folded: bool) -> None:
        """Fold the section to its title, or unfold it."""
        self.is_folded = folded
        self.body.setVisible(not folded)
        self.head.chevron.set_icon_name("caret-right" if folded else "caret-down")
        self.folded_changed.emit(folded)

    def set_shown(self, shown: bool) -> None:
        """Hide the whole section, or show it unfolded."""
        self.toggle.setChecked(shown)
        self.setVisible(shown)
        if shown and self.is_folded:
            self.set_folded(False)
        self.hidden_changed.emit(not shown)

    def show_view(self, view: int | None) -> None:
        """Show beside the title which view the controls change; None hides the mark."""
        self.head.chip.setVisible(view is not None)
        if view is not None:
            self.head.chip.set_view(view)
            set_tip(self.head.chip, f"These controls show picture {letter(view)}, the active one")

    def menu(self) -> QMenu:
        """Return the section's menu, created once: deleting menus has caused crashes in PySide."""
        if self._menu is None:
            menu = self._menu = QMenu(self)
            self._fold_action = menu.addAction("Fold", lambda: self.set_folded(not self.is_folded))
            for where, text in (
                ("up", "Move up"),
                ("down", "Move down"),
                ("other", "Move to the other side"),
                ("float", "Float"),
            ):
                menu.addAction(text, partial(self.move_requested.emit, self.key, where))
            menu.addSeparator()
            menu.addAction("Hide", lambda: self.set_shown(False))
        self._fold_action.setText("Unfold" if self.is_folded else "Fold")
        return self._menu

    def start_drag(self) -> None:
        """Start to drag the section; columns accept it."""
        data = QMimeData()
        data.setData(_MIME, f"{_OURS}/{self.key}".encode())
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.setPixmap(self.head.grab())
        drag.exec(Qt.DropAction.CopyAction)  # a section is not copied, but no target accepts a move


class Column(QScrollArea):
    """A scrolling stack of sections. `dropped(key, index)`: a section was dropped here."""

    dropped = Signal(str, int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(True)
        self._stack = QWidget()
        self._stack.setObjectName("column")
        self._stack.setMinimumWidth(1)  # overrides its layout's: one wide row would clip all the others
        self._layout = QVBoxLayout(self._stack)
        self._layout.setContentsMargins(GRID // 2, GRID // 2, GRID // 2, GRID // 2)
        self._layout.setSpacing(GRID // 2)
        self._layout.addStretch(1)
        self.setWidget(self._stack)
        self._line = _DropLine(self._stack)
        self._revealed: Section | None = None
        self._reveal_soon = QTimer(self, singleShot=True, interval=0)
        self._reveal_soon.timeout.connect(self._show_revealed)
        self._reveal_end = QTimer(self, singleShot=True, interval=REVEAL_MS)
        self._reveal_end.timeout.connect(self._end_reveal)
        self._scroll_to = 0
        self._scroll_soon = QTimer(self, singleShot=True, interval=0)
        self._scroll_soon.timeout.connect(self._scroll)
        self.verticalScrollBar().rangeChanged.connect(self._show_revealed)

    def sections(self) -> list[Section]:
        """Return the sections from top to bottom."""
        # Without `itemAt`: PySide keeps the wrapper of a layout item although Qt deletes the item when its widget
        # moves to another layout. The next object created at that address crashes the program when it is deleted.
        found = [child for child in self._stack.children() if isinstance(child, Section)]
        return sorted((s for s in found if self._layout.indexOf(s) >= 0), key=self._layout.indexOf)

    def insert(self, section: Section, index: int = -1) -> None:
        """Insert a section at `index` (-1: last), removing it from its previous column."""
        # Removed before counting, so that a section of this column cannot land behind the stretch.
        self._layout.removeWidget(section)
        count = self._layout.count() - 1  # the stretch stays last
        self._layout.insertWidget(count if index < 0 else min(index, count), section)

    def reveal(self, section: Section) -> None:
        """Scroll to a section, and follow it while the column grows: some panels are created when first seen."""
        self._revealed = section
        self._reveal_soon.start()  # after the layout has positioned it
        self._reveal_end.start()

    @Slot()
    def _show_revealed(self) -> None:
        if self._revealed is not None:
            self.ensureWidgetVisible(self._revealed, 0, GRID)

    @Slot()
    def _end_reveal(self) -> None:
        self._revealed = None

    def scroll_soon(self, value: int) -> None:
        """Scroll to a position after the layout has settled: the column grows as panels are laid out."""
        self._scroll_to = value
        self._scroll_soon.start()

    @Slot()
    def _scroll(self) -> None:
        self.verticalScrollBar().setValue(self._scroll_to)

    def extend(self, sections: Iterable[Section]) -> None:
        """Append several sections."""
        for section in sections:
            self.insert(section)

    def sizeHint(self) -> QSize:
        return QSize(296, 600)

    def wheelEvent(self, event: QWheelEvent) -> None:
        Wheel.note_scroll()
        super().wheelEvent(event)

    def _index_at(self, y: float) -> int:
        at = self._stack.mapFrom(self.viewport(), QPoint(0, int(y))).y()
        return sum(1 for s in self.sections() if s.isVisible() and s.geometry().center().y() < at)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if not (_carried(event) and take_copy(event)):
            event.ignore()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        visible = [s for s in self.sections() if s.isVisible()]
        index = self._index_at(event.position().y())
        y = (
            visible[index].y() - 3
            if index < len(visible)
            else (visible[-1].geometry().bottom() + 1 if visible else 0)
        )
        self._line.setGeometry(GRID // 2, y, self._stack.width() - GRID, 2)
        self._line.show()
        self._line.raise_()
        take_copy(event)

    def dragLeaveEvent(self, event: QEvent) -> None:
        self._line.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._line.hide()
        visible = [s for s in self.sections() if s.isVisible()]
        index = self._index_at(event.position().y())
        position = self.sections().index(visible[index]) if index < len(visible) else -1
        key = _carried(event)
        if key and take_copy(event):
            self.dropped.emit(key, position)


def _carried(event: QDropEvent) -> str:
    """Return the key of the section dragged from this window; "" for any other drag."""
    token, _, key = bytes(event.mimeData().data(_MIME).data()).decode(errors="replace").partition("/")
    return key if token == _OURS else ""


class _DropLine(QWidget):
    """Marks where the dragged section will be inserted."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), color("accent"))
