"""Overlays of a picture: the banner of an error, the progress of a loading model, the first hints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Self

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from explorer.util.plain_text import LIMIT, visible
from explorer.widgets.controls.basic import label
from explorer.widgets.controls.plain_text import PlainLabel, details_text, error_text, menu_text
from explorer.widgets.controls.theme import GRID, color, mono_font

__all__ = ["Banner", "EmptyCard", "Hints", "LoadingCard"]


class _Over(QFrame):
    """Base class of overlays."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent

    def reposition(self) -> None:
        """Move to the position over the picture; called when its size changes."""
        raise NotImplementedError

    def alike(self) -> list[Self]:
        """Return all overlays of this kind over the same picture, since two views may share it."""
        return [c for c in self._over.children() if type(c) is type(self) and (c is self or not c.isHidden())]

    def lie_over(self, picture: QWidget) -> None:
        """Move to another picture, keeping visibility."""
        if picture is not self._over:
            shown = not self.isHidden()
            self._over = picture
            self.setParent(picture)
            self.reposition()
            self.setVisible(shown)


class Banner(_Over):
    """An error banner at the picture's upper edge; Details unfolds the traceback, Copy copies everything."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setAccessibleName("Fault")
        self._message = PlainLabel(limit=2 * LIMIT)
        self._message.setWordWrap(True)
        self._message.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details = self._link("Details", self._toggle)
        self.copy = self._link("Copy", self._copy)
        close = self._link("Dismiss", self.clear)
        self._trace = QPlainTextEdit(readOnly=True)
        self._trace.setFont(mono_font())
        self._trace.setMaximumHeight(160)
        layout = self._column = QVBoxLayout(self)
        layout.setContentsMargins(GRID + 4, GRID, GRID, GRID)
        layout.setSpacing(4)
        layout.addWidget(self._message)
        self._offer_buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._offer_buttons.setSpacing(GRID // 2)
        self._offer_row = QHBoxLayout()
        self._offer_row.addLayout(self._offer_buttons)
        self._offer_row.addStretch(1)
        layout.addLayout(self._offer_row)
        links = self._links = QHBoxLayout()
        links.setSpacing(GRID)
        self._offers: list[QToolButton] = []
        self._callbacks: list[Callable[[], object]] = []
        links.addWidget(self.details)
        links.addWidget(self.copy)
        links.addStretch(1)
        links.addWidget(close)
        layout.addLayout(links)
        layout.addWidget(self._trace)
        self._trace.hide()
        self.hide()

    def _link(self, text: str, slot: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setCursor(Qt.CursorShape.PointingHandCursor)
        button.clicked.connect(lambda _=False: slot())
        return button

    @property
    def text(self) -> str:
        """The text shown; empty if hidden."""
        return self._message.text() if not self.isHidden() else ""

    def show_fault(
        self, message: str, trace: str = "", offers: Sequence[tuple[str, Callable[[], object]]] = ()
    ) -> None:
        """Show an error; repeating the same text changes nothing, to avoid flicker.

        Args:
            message: What happened and what to do; shortened, with the rest in Details.
            trace: Traceback, for Details.
            offers: Text and action of each button; pressing one closes the banner.
        """
        self._show(visible(message, 2 * LIMIT, keep_lines=True), message, trace, offers)

    def show_error(
        self, error: object, trace: str = "", offers: Sequence[tuple[str, Callable[[], object]]] = ()
    ) -> None:
        """Show an error like `show_fault`; message and hint are shortened separately."""
        self._show(error_text(error), str(error), trace, offers)

    def _show(
        self, message: str, whole: str, trace: str, offers: Sequence[tuple[str, Callable[[], object]]]
    ) -> None:
        if message == self._message.text() and not self.isHidden():
            return
        self._message.setText(message)
        self._callbacks = [callback for _, callback in offers]
        while len(self._offers) < len(offers):
            number = len(self._offers)
            self._offers.append(self._link("", partial(self._accept, number)))
            self._offer_buttons.addWidget(self._offers[number], 0, Qt.AlignmentFlag.AlignLeft)
        for i, button in enumerate(self._offers):
            text = offers[i][0] if i < len(offers) else ""
            button.setText(menu_text(text))
            button.setVisible(bool(text))
        is_cut = details_text(whole) != message
        self._trace.setPlainText(details_text(f"{whole}\n\n{trace}".strip() if is_cut else trace or whole))
        self._trace.hide()
        self.details.setVisible(bool(trace) or is_cut)
        self.show()
        self.reposition()
        self.raise_()

    def clear(self) -> None:
        """Hide the banner."""
        if not self.isHidden():
            self.hide()
            self.reposition()  # others may move up
            self.closed.emit()

    def reposition(self) -> None:
        """Move to the parent's upper edge, as high as the text needs, one banner below another."""
        parent, top = self._over, GRID
        width = max(120, min(640, parent.width() - 2 * GRID))
        for banner in self.alike():
            banner._lay_offers(width - 2 * GRID - 4)
            height = banner._column.heightForWidth(width) or banner.sizeHint().height()
            height = min(height, parent.height() - 2 * GRID)
            banner.setGeometry((parent.width() - width) // 2, top, width, height)
            top += height + GRID

    def _lay_offers(self, width: int) -> None:
        """Lay out the buttons side by side if they fit into a width, otherwise below each other."""
        shown = [button for button in self._offers if not button.isHidden()]
        needed = sum(button.sizeHint().width() + GRID // 2 for button in shown)
        direction = QBoxLayout.Direction.LeftToRight if needed <= width else QBoxLayout.Direction.TopToBottom
        self._offer_buttons.setDirection(direction)
        for layout in (self._offer_buttons, self._offer_row, self._column):
            layout.invalidate()  # otherwise the previous buttons' height is kept

    def _accept(self, number: int) -> None:
        callback = self._callbacks[number]
        self.clear()
        callback()

    def _toggle(self) -> None:
        self._trace.setVisible(self._trace.isHidden())
        self.reposition()

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._message.text()}\n\n{self._trace.toPlainText()}")


class _Card(_Over):
    """A card in the centre of the picture."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        self.column.setSpacing(GRID)
        self.hide()

    def reposition(self) -> None:
        """Move to the parent's centre, one card below another."""
        parent, hint = self._over, self.sizeHint()
        width = min(hint.width(), parent.width() - 2 * GRID)
        top = (parent.height() - hint.height()) // 2 + self.alike().index(self) * (hint.height() + GRID)
        self.setGeometry((parent.width() - width) // 2, top, width, hint.height())

    def set_shown(self, shown: bool) -> None:
        """Show or hide the card at its position."""
        if shown:
            self.reposition()
            self.raise_()
        self.setVisible(shown)


class _Bar(QWidget):
    """A thin progress bar; a negative fraction means unknown progress."""

    def __init__(self) -> None:
        super().__init__()
        self.fraction = 0.0
        self.setFixedHeight(4)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.fillRect(self.rect(), color("border"))
        if self.fraction >= 0:
            p.fillRect(0, 0, int(self.width() * min(1.0, self.fraction)), self.height(), color("accent"))
        else:
            p.fillRect(0, 0, self.width(), self.height(), color("accent", 110))


class LoadingCard(_Card):
    """A model being loaded, with a progress bar and Cancel, over the previous picture."""

    cancelled = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.message = label("", "muted")
        self.message.setMinimumWidth(200)
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.bar = _Bar()
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.cancelled)
        self.column.addWidget(self.message)
        self.column.addWidget(self.bar)
        self.column.addWidget(cancel, 0, Qt.AlignmentFlag.AlignHCenter)

    def set_progress(self, fraction: float, message: str) -> None:
        """Show the progress, 0..1; negative if unknown."""
        name = self.fontMetrics().elidedText(visible(message), Qt.TextElideMode.ElideMiddle, 260)
        if name != self.message.text():
            self.message.setText(name)
        self.bar.fraction = fraction
        self.bar.update()
        if self.isHidden():
            self.set_shown(True)


class EmptyCard(_Card):
    """A placeholder for a picture that explains how to open a model."""

    open_requested = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.title = label("No model loaded", "heading")
        self.message = label("Drop a model here: a .safetensors file,\nor NVIDIA's .pkl", "muted")
        button = QPushButton("Open a model \u2026")
        button.clicked.connect(self.open_requested)
        for widget in (self.title, self.message):
            widget.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self.column.addWidget(widget)
        self.column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)


class Hints(_Card):
    """The first hints, until the first user input."""

    def __init__(self, parent: QWidget, hints: Sequence[tuple[str, str]]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        for i, (gesture, effect) in enumerate(hints):
            grid.addWidget(label(gesture, "heading"), i, 0)
            grid.addWidget(label(effect, "muted"), i, 1)
        self.column.addLayout(grid)

    def reposition(self) -> None:
        """Move to the lower part of the picture."""
        super().reposition()
        self.move(self.x(), self._over.height() - self.height() - 6 * GRID)
