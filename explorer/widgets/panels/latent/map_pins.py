"""The list of pins below the latent map: picture and name of each; a click travels there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from explorer.util.plain_text import visible
from explorer.widgets.controls.basic import ElidedLabel, IconButton
from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color
from explorer.widgets.controls.thumbnails import Thumbnails, paint_thumbnail

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.state import Look, Pin

__all__ = ["PinList", "PinRow"]

_PX = 28
_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2, Qt.Key.Key_Delete)


class PinList(QWidget):
    """A row for each pin. Signals, with its number: `chosen`, `rename_wanted`, `remove_wanted`."""

    chosen = Signal(int)
    rename_wanted = Signal(int)
    remove_wanted = Signal(int)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.thumbnails = Thumbnails(session, "pin", self._repaint, self)
        self.rows: list[PinRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)

    def set_pins(self, pins: tuple[Pin, ...]) -> None:
        """Show the pins, the oldest first."""
        while len(self.rows) < len(pins):
            self.rows.append(PinRow(self, len(self.rows)))
            self._column.addWidget(self.rows[-1])
        for made, pin in zip(self.rows, pins, strict=False):
            made.show_pin(pin)
            made.show()
        for made in self.rows[len(pins) :]:
            made.hide()
        self.setVisible(bool(pins))

    def look_of(self, pin: Pin) -> Look:
        """Return the look that a pin's picture has."""
        return self._session.latent_map.look_of(pin)

    def forget_pictures(self) -> None:
        """Drop the pictures, because another model renders them differently."""
        self.thumbnails.clear()
        self._repaint()

    def _repaint(self) -> None:
        for made in self.rows:
            made.update()


class PinRow(QWidget):
    """One pin. Rows are reused for other pins."""

    def __init__(self, owner: PinList, number: int) -> None:
        super().__init__(owner)
        self._owner, self._number = owner, number
        self._pin: Pin | None = None
        self.name = ElidedLabel()
        self.rename = IconButton(
            "pencil-simple", "Rename this pin (F2)", lambda: owner.rename_wanted.emit(number), size=14
        )
        self.remove = IconButton(
            "trash", "Remove this pin (Delete)", lambda: owner.remove_wanted.emit(number), size=14
        )
        layout = QHBoxLayout(self)
        layout.setContentsMargins(_PX + 8, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.name, 1)
        layout.addWidget(self.rename)
        layout.addWidget(self.remove)
        self.setFixedHeight(_PX + 2)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        claim_keys(self, lambda event: event.key() in _KEYS)

    def show_pin(self, pin: Pin) -> None:
        """Show a pin."""
        self._pin = pin
        self.name.set_text(pin.name)
        self.setAccessibleName(f"Pin {visible(pin.name, 80)}")
        set_tip(self, f"Go to {visible(pin.name, 80)} (click or Enter)")
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._owner.chosen.emit(self._number)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._owner.chosen.emit(self._number)
        elif key == Qt.Key.Key_F2:
            self._owner.rename_wanted.emit(self._number)
        elif key == Qt.Key.Key_Delete:
            self._owner.remove_wanted.emit(self._number)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pin is None:
            return
        p = QPainter(self)
        look = self._owner.look_of(self._pin)
        mark = color("accent") if self.hasFocus() else None
        paint_thumbnail(p, self._owner.thumbnails.get(f"{hash(look)}", look), QRectF(1, 1, _PX, _PX), mark=mark)
        p.end()
