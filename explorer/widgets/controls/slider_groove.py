"""A slider's groove: where values lie on it, and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from explorer.widgets.controls.theme import color

__all__ = ["Groove", "Handle", "paint_groove"]

_PAD = 5.0  # px between the ends of the groove and the outermost centre of the handle


@dataclass(frozen=True, slots=True)
class Groove:
    """A groove that holds the values `minimum` to `maximum`, in widget coordinates."""

    rect: QRectF
    minimum: float
    maximum: float

    @property
    def per_pixel(self) -> float:
        """The change of the value for each pixel."""
        return (self.maximum - self.minimum) / max(1.0, self.rect.width() - 2 * _PAD)

    def position_of(self, value: float) -> float:
        """Return the x of a value; values beyond an end lie at the end."""
        span = self.maximum - self.minimum
        fraction = min(max((value - self.minimum) / span, 0.0), 1.0) if span else 0.0
        return self.rect.left() + _PAD + fraction * max(1.0, self.rect.width() - 2 * _PAD)

    def value_at(self, x: float) -> float:
        """Return the value at an x; it lies outside the range if x is beyond an end."""
        return self.minimum + (x - self.rect.left() - _PAD) * self.per_pixel


@dataclass(frozen=True, slots=True)
class Handle:
    """The content of a groove in use: the value, the default, and what the user is doing with them."""

    value: float
    default: float
    is_dragged: bool = False
    is_hovered: bool = False
    has_focus: bool = False


def paint_groove(p: QPainter, groove: Groove, handle: Handle | None) -> None:
    """Paint the groove, with the mark at the default and the handle unless that is None: a disabled slider."""
    p.setPen(Qt.PenStyle.NoPen)
    is_white = color("raised").lightness() > 250  # would be invisible on a white panel
    p.setBrush(color("border" if is_white or handle is None else "raised", 120 if handle is None else 255))
    p.drawRoundedRect(groove.rect, 1.5, 1.5)
    if handle is not None:
        _paint_handle(p, groove, handle)


def _paint_handle(p: QPainter, groove: Groove, handle: Handle) -> None:
    rect, middle = groove.rect, groove.rect.center().y()
    home, here = groove.position_of(handle.default), groove.position_of(handle.value)
    is_changed = abs(handle.value - handle.default) > 1e-9
    if is_changed:
        p.setBrush(color("accent"))
        p.drawRoundedRect(QRectF(min(home, here), rect.top(), abs(here - home), rect.height()), 1.5, 1.5)
    p.setBrush(color("faint"))
    p.drawRect(QRectF(home - 0.5, middle - 5, 1, 10))
    radius = 6.0 if handle.is_dragged or handle.is_hovered else 5.0
    p.setBrush(color("accent" if is_changed or handle.is_dragged else "muted"))
    p.setPen(QPen(color("panel"), 1.5))
    p.drawEllipse(QPointF(here, middle), radius, radius)
    if handle.has_focus:
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.setPen(QPen(color("accent", 120), 1.5))
        p.drawEllipse(QPointF(here, middle), radius + 2, radius + 2)
