"""Where the latent map is looked at: its middle and scale, and places of the plane as pixels and back."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF

__all__ = ["MapCamera"]

LEAST, MOST = 2.0, 1e5
"""Pixels per unit of the plane: the smallest and the largest scale."""

Place = tuple[float, float]


@dataclass(slots=True)
class MapCamera:
    """Looks at a plane from above; display only, never part of the state.

    Attributes:
        scale: Pixels per unit of the plane.
        is_up: Whether the plane's second coordinate grows upwards.
        x: First coordinate of the middle.
        y: Second coordinate of the middle.
        width: Width of the widget, in pixels.
        height: Height of the widget, in pixels.
    """

    scale: float
    is_up: bool
    x: float = 0.0
    y: float = 0.0
    width: int = 1
    height: int = 1

    @property
    def _down(self) -> float:
        """Pixels downwards per unit of the second coordinate."""
        return -self.scale if self.is_up else self.scale

    def pixel(self, place: Place) -> QPointF:
        """Return where a place of the plane is in the widget."""
        x, y = (place[0] - self.x) * self.scale, (place[1] - self.y) * self._down
        return QPointF(self.width / 2 + x, self.height / 2 + y)

    def place(self, at: QPointF) -> Place:
        """Return the place of the plane at a point of the widget."""
        return (
            self.x + (at.x() - self.width / 2) / self.scale,
            self.y + (at.y() - self.height / 2) / self._down,
        )

    def bounds(self) -> tuple[float, float, float, float]:
        """Return the rectangle of the plane that is seen: left, low, right, high."""
        x, y = self.width / 2 / self.scale, self.height / 2 / self.scale
        return self.x - x, self.y - y, self.x + x, self.y + y

    def pan(self, delta: QPointF) -> None:
        """Move the plane by pixels."""
        self.x -= delta.x() / self.scale
        self.y -= delta.y() / self._down

    def zoom(self, factor: float, at: QPointF) -> None:
        """Enlarge by a factor; the place at a point of the widget stays there."""
        before = self.place(at)
        self.scale = min(max(self.scale * factor, LEAST), MOST)
        after = self.place(at)
        self.x += before[0] - after[0]
        self.y += before[1] - after[1]

    def look_at(self, place: Place) -> None:
        """Show a place in the middle."""
        self.x, self.y = place
