"""The help sheet: all menu shortcuts and gestures, with a search."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from explorer.widgets.controls.basic import label
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.viewer.gestures import HINTS

__all__ = ["HelpSheet"]

Lines = tuple[tuple[str, str], ...]

GESTURES: tuple[tuple[str, Lines], ...] = (
    (
        "On the picture",
        (
            *HINTS,
            ("Arrows", "walk the latent plane a little"),
            ("Shift + arrows", "move the picture a little"),
            (
                "M, then click or drag",
                "mark a region, to find its style channels; right button or Alt: erase; Esc ends",
            ),
            ("Drag the slit line", "move it; its ends: turn and stretch it"),
        ),
    ),
    (
        "On a slider",
        (
            ("Drag", "change; with Shift: fine"),
            ("Middle drag", "change relative to the current value"),
            ("Ctrl + wheel, arrows", "step; with Shift: fine"),
            ("Type, click the number", "enter a value"),
            ("Double-click, Backspace", "reset to the default"),
            ("Esc", "cancel the drag"),
        ),
    ),
    (
        "On the latent pad",
        (("Drag", "walk between the seeds"), ("Click a picture", "go to its seed"), ("Arrows", "walk a little")),
    ),
    (
        "On the latent map",
        (
            ("Click", "travel there; a pin: to its latent"),
            ("Drag, arrows", "pan"),
            ("Wheel, + \u2212", "zoom"),
            ("Shift + drag", "draw a path, which becomes keys; Esc ends"),
            ("Home", "show the current latent"),
        ),
    ),
    (
        "On children, lineage and favourites",
        (
            ("Click, Enter", "take, walk to or show it"),
            ("1 to 9", "take that child"),
            ("Arrows", "move between pictures; up in the lineage: to the parent"),
            ("Drag", "to a mixing source, to examples or to breed with"),
            ("F2, Del", "rename; remove"),
            ("Ctrl + click", "select favourites for a contact sheet"),
        ),
    ),
    (
        "On the transform pads",
        (
            ("Drag in the square", "move the picture"),
            ("Drag on the dial", "turn the picture"),
            ("Double-click", "reset to the centre"),
        ),
    ),
    (
        "In the w editor",
        (
            ("Drag a bar", "change one number of w; with Shift: fine"),
            ("Draw", "drag across the bars in Draw mode"),
            ("Select", "drag over bars in Select mode, then scale or zero them"),
            ("Ctrl + wheel, + \u2212 0", "zoom"),
            ("Middle drag", "pan"),
            ("Double-click, Del", "remove the edit"),
        ),
    ),
    (
        "On the timeline",
        (
            ("Drag the ruler", "scrub"),
            ("Double-click", "add a key"),
            ("Drag a key", "move it; up and down: its value"),
            ("Alt + drag", "copy"),
            ("Ctrl + drag", "stretch the selected keys"),
            ("Ctrl + wheel", "zoom; wheel: scroll"),
            ("Del", "delete the selected keys"),
        ),
    ),
)

_COLUMN_PX = 340
_MAX_COLUMNS = 4


class _Block(QWidget):
    """A heading with lines of keys and their actions; `search` filters the lines."""

    def __init__(self, title: str, lines: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.title = title
        self.rows: list[tuple[QLabel, QLabel]] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(3)
        grid.addWidget(label(title, "heading"), 0, 0, 1, 2)
        for i, (keys, text) in enumerate(lines, start=1):
            name, action_label = label(keys, "muted"), label(text, "", wrap=True)
            name.setFixedWidth(136)
            name.setWordWrap(True)
            grid.addWidget(name, i, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(action_label, i, 1, Qt.AlignmentFlag.AlignTop)
            self.rows.append((name, action_label))
        grid.setColumnStretch(1, 1)

    def search(self, text: str) -> int:
        """Show the lines that contain `text`, ignoring case, or all if the title does; return their count."""
        wanted = text.strip().casefold()
        is_whole = wanted in self.title.casefold()
        count = 0
        for name, action_label in self.rows:
            is_found = is_whole or wanted in f"{name.text()} {action_label.text()}".casefold()
            name.setVisible(is_found)
            action_label.setVisible(is_found)
            count += is_found
        self.setVisible(count > 0)
        return count


class HelpSheet(QWidget):
    """An overlay over the whole window, closed by Esc, F1 or a click outside the card; typing searches."""

    def __init__(self, parent: QWidget, menus: Sequence[tuple[str, Sequence[QAction]]]) -> None:
        super().__init__(parent)
        self._over = parent
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.card = QFrame(self)
        self.card.setObjectName("card")
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search keys and gestures")
        self.search.setAccessibleName("Search keys and gestures")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.search.installEventFilter(self)
        claim_keys(self.search, lambda event: True)
        self.nothing = label("No key or gesture matches", "caption")
        self.blocks = [_Block(title, lines) for title, lines in GESTURES]
        for title, actions in menus:
            lines = [(_keys(a), str(a.data()).rstrip(" \u2026")) for a in actions if a.shortcuts()]
            if lines:
                self.blocks.append(_Block(title, lines))
        body = QWidget()
        body.setObjectName("column")
        self._across = QHBoxLayout(body)
        self._across.setContentsMargins(3 * GRID, GRID, 3 * GRID, 3 * GRID)
        self._across.setSpacing(4 * GRID)
        self._columns = [QVBoxLayout() for _ in range(_MAX_COLUMNS)]
        for column in self._columns:
            column.setSpacing(2 * GRID)
            column.addStretch(1)
            self._across.addLayout(column, 1)
        scroll = QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(body)
        layout = QVBoxLayout(self.card)
        layout.setContentsMargins(0, 2 * GRID, 0, 0)
        top = QHBoxLayout()
        top.setContentsMargins(3 * GRID, 0, 3 * GRID, 0)
        top.addWidget(self.search)
        top.addWidget(label("Esc closes", "caption"))
        layout.addLayout(top)
        layout.addWidget(self.nothing)
        layout.addWidget(scroll, 1)
        self.nothing.setContentsMargins(3 * GRID, GRID, 0, GRID)
        self.nothing.hide()
        self.hide()

    @property
    def lines(self) -> list[tuple[str, str]]:
        """All lines: keys and their actions."""
        return [(name.text(), action_label.text()) for block in self.blocks for name, action_label in block.rows]

    def open(self) -> None:
        """Show the sheet over the whole window and take the keyboard focus."""
        self.setGeometry(self._over.rect())
        self.search.clear()
        self._arrange()
        self.show()
        self.raise_()
        self.search.setFocus()

    def _arrange(self) -> None:
        """Distribute the blocks over as many columns as fit, each to the shortest column so far."""
        room = self.width() - 4 * GRID
        count = max(1, min(_MAX_COLUMNS, (room - 2 * GRID) // (_COLUMN_PX + 4 * GRID)))
        lengths = [0] * count
        for block in self.blocks:
            for column in self._columns:
                column.removeWidget(block)
            shortest = lengths.index(min(lengths))
            column = self._columns[shortest]
            column.insertWidget(column.count() - 1, block)  # before the stretch
            lengths[shortest] += len(block.rows) + 2
        for i in range(_MAX_COLUMNS):
            self._across.setStretch(i, int(i < count))
        width = min(room, count * (_COLUMN_PX + 4 * GRID) + 4 * GRID)
        height = min(self.height() - 4 * GRID, 23 * max(lengths) + 14 * GRID)
        self.card.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def _on_search(self, text: str) -> None:
        found = sum([block.search(text) for block in self.blocks])
        self.nothing.setVisible(not found)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is not self.search or not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        is_h = event.key() == Qt.Key.Key_H and not self.search.text()
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1) or is_h:
            self.hide()
            return True
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if not self.card.geometry().contains(event.position().toPoint()):
            self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self.isVisible():
            self._arrange()
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), color("canvas", 190))


def _keys(action: QAction) -> str:
    native = QKeySequence.SequenceFormat.NativeText
    return ", ".join(sequence.toString(native) for sequence in action.shortcuts())
