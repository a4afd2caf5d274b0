"""AttributeBars: how much a direction changes each attribute, as bars in standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.session.attributes import NO_NETWORK
from explorer.util.plain_text import visible
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import color, value_font

if TYPE_CHECKING:
    from explorer.directions.attributes import AttributeChanges

__all__ = ["REACH", "ROWS", "AttributeBars"]

ROWS = 6
REACH = 2.0
"""The attributes are compared from minus to plus so many standard deviations of the direction."""

_ROW_PX, _VALUE_PX, _NAME = 17, 46, 0.42
_LEAST = 0.5
"""A full bar stands for at least this change, so that noise does not look like an effect."""


class AttributeBars(QWidget):
    """The attributes that change most, the largest first; one line of text where no network is known."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[tuple[str, float], ...] = ()
        self.title, self.note = "", ""
        self.setFixedHeight((ROWS + 1) * _ROW_PX)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("What the direction changes")
        set_tip(
            self,
            f"How much each attribute changes from \u2212{REACH:g} to +{REACH:g} \u03c3 of this direction at "
            "the latent shown, in standard deviations of the attribute, as the model's attribute network reads it",
        )

    def show_title(self, name: str) -> None:
        """Name the direction; its changes are not known yet."""
        self.title, self.note = name, "\u2026" if not self.found else ""
        self.update()

    def show_changes(self, changes: AttributeChanges) -> None:
        """Show what changes most."""
        self.found, self.note = changes.largest(ROWS), "" if changes.names else NO_NETWORK
        self.setFixedHeight((ROWS + 1 if changes.names else 1) * _ROW_PX)
        self.update()

    def forget(self) -> None:
        """Show nothing, because another model is shown."""
        self.found, self.title, self.note = (), "", ""
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setPen(color("caption"))
        heading = self.note if self.note and not self.found else f"{visible(self.title, 40)} changes most"
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        if self.title:
            p.drawText(QRectF(0, 0, self.width(), _ROW_PX), left, heading)
        largest = max((abs(change) for _, change in self.found), default=0.0)
        for i, (name, change) in enumerate(self.found):
            self._paint_row(
                p, QRectF(0, (i + 1) * _ROW_PX, self.width(), _ROW_PX), name, change, max(largest, _LEAST)
            )
        p.end()

    def _paint_row(self, p: QPainter, box: QRectF, name: str, change: float, whole: float) -> None:
        """Paint one attribute: its name, a bar from the middle, and the number."""
        width = _NAME * box.width()
        p.setFont(self.font())
        p.setPen(color("text"))
        elided = QFontMetricsF(self.font()).elidedText(visible(name, 60), Qt.TextElideMode.ElideRight, width - 4)
        p.drawText(QRectF(0, box.top(), width, box.height()), Qt.AlignmentFlag.AlignVCenter, elided)
        bars = QRectF(width, box.top() + 4, box.width() - width - _VALUE_PX, box.height() - 8)
        middle, half = bars.center().x(), bars.width() / 2
        end = middle + half * change / whole
        p.fillRect(bars, color("sunken"))
        p.fillRect(QRectF(min(middle, end), bars.top(), abs(end - middle), bars.height()), color("accent"))
        p.setFont(value_font(self.font()))
        number = QRectF(box.right() - _VALUE_PX, box.top(), _VALUE_PX, box.height())
        text = f"{change:+.2f}".replace("-", "\u2212")
        p.drawText(number, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, text)
