"""Basic widgets used by all panels: icon buttons, rows, labels, a segmented choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF, QWheelEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QToolButton,
    QWidget,
)

from explorer.util.plain_text import LIMIT, visible
from explorer.widgets.controls.event_filters import claim_space
from explorer.widgets.controls.plain_text import PlainLabel, set_tip
from explorer.widgets.controls.theme import GRID, ROW, color, icon, value_font

__all__ = [
    "Check", "Choice", "ElidedLabel", "IconButton", "Segments", "label", "row", "value_label",
]  # fmt: skip


class _Button(QToolButton):
    """A button that receives the focus only by Tab, and then responds to Space."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        claim_space(self)


class Check(QCheckBox):
    """A check box that receives the focus only by Tab, and then responds to Space."""

    def __init__(self, text: str, tip: str = "") -> None:
        super().__init__(text)
        set_tip(self, tip)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        claim_space(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        # The style's outline of an unchecked box is invisible on a dark window.
        option = QStyleOptionButton()
        self.initStyleOption(option)
        style, p = self.style(), QStylePainter(self)
        box = QRectF(style.subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self))
        option.rect = style.subElementRect(QStyle.SubElement.SE_CheckBoxContents, option, self)
        p.drawControl(QStyle.ControlElement.CE_CheckBoxLabel, option)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_on, is_aimed = self.isChecked(), self.underMouse() or self.hasFocus()
        edge = "faint" if not self.isEnabled() else "accent" if is_on or is_aimed else "muted"
        p.setPen(QPen(color(edge), 1.2))
        p.setBrush(color("accent" if self.isEnabled() else "faint") if is_on else color("sunken"))
        p.drawRoundedRect(box.adjusted(0.6, 0.6, -0.6, -0.6), 3, 3)
        if is_on:
            p.setPen(QPen(color("on_accent"), 1.8))
            corners = ((0.24, 0.52), (0.43, 0.71), (0.76, 0.31))
            points = [QPointF(box.x() + x * box.width(), box.y() + y * box.height()) for x, y in corners]
            p.drawPolyline(QPolygonF(points))
        p.end()


class Choice(QComboBox):
    """A combo box with an arrow in the theme's colour; the wheel scrolls the panel and not the choice."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.Antialiasing)
        p.setPen(QPen(color("muted" if self.isEnabled() else "faint"), 1.5))
        x, y = self.width() - 14.0, self.height() / 2 - 1.5
        p.drawPolyline(QPolygonF([QPointF(x - 3.5, y), QPointF(x, y + 3.5), QPointF(x + 3.5, y)]))
        p.end()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class IconButton(_Button):
    """A flat button with a Phosphor icon, given by `name`, that follows the theme."""

    def __init__(
        self,
        name: str,
        tip: str,
        on_click: Callable[[], object] | None = None,
        *,
        text: str = "",
        checkable: bool = False,
        size: int = 16,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._name = name
        set_tip(self, tip)
        self.setAccessibleName(text or tip)
        self.setCheckable(checkable)
        self.setIconSize(QSize(size, size))
        if text:
            self.setText(text)
            self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(ROW)
        if on_click is not None:
            self.clicked.connect(lambda _=False: on_click())
        self._tint()

    def set_icon_name(self, name: str) -> None:
        """Show another icon."""
        if name != self._name:
            self._name = name
            self._tint()

    def _tint(self) -> None:
        self.setIcon(icon(self._name))

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()
        super().changeEvent(event)


class Segments(QWidget):
    """A row of joined, exclusive buttons. `chosen(key)` is emitted when the user presses one."""

    chosen = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        """Take the (key, text, tooltip) of each button."""
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self.buttons: dict[str, QToolButton] = {}
        self._all: list[QToolButton] = []  # those beyond the choices are hidden
        self._group = QButtonGroup(self)
        self._choices: tuple[tuple[str, str, str], ...] = ()
        self.set_choices(choices)

    def set_choices(self, choices: Sequence[tuple[str, str, str]]) -> bool:
        """Replace the choices, with none pressed; return whether they changed."""
        if tuple(choices) == self._choices:
            return False
        self._choices = tuple(choices)
        while len(self._all) < len(choices):
            self._all.append(self._make_button(len(self._all)))
        self._group.setExclusive(False)  # else one stays pressed
        for button in self._all:
            button.setChecked(False)
        self._group.setExclusive(True)
        for button, (_, text, tip) in zip(self._all, choices, strict=False):
            button.setText(text)
            set_tip(button, tip)
            button.show()  # Qt shows it later, and until then it takes no space
        for button in self._all[len(choices) :]:
            button.hide()
        self.buttons = {key: button for (key, _, _), button in zip(choices, self._all, strict=False)}
        return True

    def _make_button(self, index: int) -> QToolButton:
        """Return the button of the choice at an index."""
        button = _Button(self)
        button.setObjectName("segment")
        button.setCheckable(True)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda: self.chosen.emit(self._choices[index][0]))
        self._group.addButton(button)
        self._row.addWidget(button)
        return button

    def set_choice(self, key: str) -> None:
        """Show which button is pressed, without emitting `chosen`."""
        if key in self.buttons:
            self.buttons[key].setChecked(True)


class ElidedLabel(PlainLabel):
    """A label that elides its text where space is short, and never requests more space.

    Args:
        text: The full text.
        parent: Owner.
        mode: Where the text is elided; in the middle by default, since names often differ at their ends.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(parent=parent)
        self._full, self._short, self._mode = visible(text), "", mode
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._elide()

    @property
    def full(self) -> str:
        """The full text, before eliding."""
        return self._full

    def set_text(self, text: str, short: str = "") -> None:
        """Set the full text, which becomes the tooltip where it is elided.

        Args:
            text: The full text.
            short: A shorter form, shown where `text` does not fit; none if empty.
        """
        text, short = visible(text), visible(short)
        if (text, short) != (self._full, self._short):
            self._full, self._short = text, short
            self._elide()

    def _elide(self) -> None:
        metrics, room = self.fontMetrics(), max(8, self.width())
        fits = not self._short or metrics.horizontalAdvance(self._full) <= room
        shown = metrics.elidedText(self._full if fits else self._short, self._mode, room)
        self.setText(shown)
        set_tip(self, self._full if shown != self._full else "")

    def resizeEvent(self, event: QEvent) -> None:
        self._elide()

    def minimumSizeHint(self) -> QSize:
        return QSize(8, super().minimumSizeHint().height())


def label(text: str, role: str = "muted", *, wrap: bool = False, limit: int | None = LIMIT) -> PlainLabel:
    """Return a label in one of the text colours: "muted", "caption" or "heading". `limit` as in `PlainLabel`."""
    made = PlainLabel(text, limit=limit)
    made.setProperty("role", role)
    made.setWordWrap(wrap)
    return made


def value_label(text: str = "") -> PlainLabel:
    """Return a label for numbers: smaller, with tabular figures and selectable text."""
    made = PlainLabel(text)
    made.setFont(value_font(made.font()))
    made.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return made


def row(*items: QWidget | int | None, spacing: int = GRID // 2) -> QWidget:
    """Return a widget with `items` side by side; None is a stretch, a number a gap in pixels."""
    box = QWidget()
    layout = QHBoxLayout(box)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        else:
            layout.addWidget(item)
    return box
