"""Zoom and pan of the pictures: one camera for all views, so that they stay comparable."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QPointF, QRectF, Signal

__all__ = ["Camera"]

_MIN_ZOOM, _MAX_ZOOM = 0.25, 64.0


class Camera(QObject):
    """Zoom, pan and sampling of the pictures; display only, never part of the state.

    `zoom` 1 fits the picture to its view. `pan` is the offset of the picture's centre in units of the fitted
    size, so that views of different sizes show the same part.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.zoom = 1.0
        self.pan = QPointF(0.0, 0.0)
        self.is_smooth = True
        self.shows_grid = True

    def rect(self, width: float, height: float, area: QRectF, ratio: float = 1.0) -> QRectF:
        """Return the rectangle of a picture in `area`; its corner is on a device pixel, to avoid blurring.

        Args:
            width: Width of the picture in its own pixels.
            height: Height of the picture in its own pixels.
            area: Available area in logical pixels.
            ratio: Device pixels per logical pixel.
        """
        fit = min(area.width() / width, area.height() / height) if width and height else 1.0
        scale = fit * self.zoom
        if abs(scale * ratio - round(scale * ratio)) < 1e-6 and round(scale * ratio) > 0:
            scale = round(scale * ratio) / ratio  # whole device pixels stay whole through rounding
        w, h = width * scale, height * scale
        side = min(area.width(), area.height())
        centre = area.center() + QPointF(self.pan.x() * side, self.pan.y() * side)
        left, top = centre.x() - w / 2, centre.y() - h / 2
        return QRectF(round(left * ratio) / ratio, round(top * ratio) / ratio, w, h)

    def zoom_at(self, factor: float, at: QPointF, area: QRectF) -> None:
        """Zoom by `factor`, keeping the point under `at` in place."""
        zoom = min(_MAX_ZOOM, max(_MIN_ZOOM, self.zoom * factor))
        if abs(zoom - 1.0) < 0.04:
            zoom = 1.0  # snaps to the fitted size, so that the wheel can return to it
        factor = zoom / self.zoom
        side = max(1.0, min(area.width(), area.height()))
        offset = (at - area.center()) / side
        self.pan = offset + (self.pan - offset) * factor if zoom > 1.0 else QPointF(0.0, 0.0)
        self.zoom = zoom
        self._limit()
        self.changed.emit()

    def move(self, delta: QPointF, area: QRectF) -> None:
        """Shift the picture by `delta` pixels."""
        self.pan += delta / max(1.0, min(area.width(), area.height()))
        self._limit()
        self.changed.emit()

    def reset(self) -> None:
        """Fit the picture to its view."""
        self.zoom, self.pan = 1.0, QPointF(0.0, 0.0)
        self.changed.emit()

    def keep(self) -> Callable[[], None]:
        """Return a function that restores the current zoom and pan."""
        zoom, pan = self.zoom, QPointF(self.pan)

        def restore() -> None:
            self.zoom, self.pan = zoom, pan
            self.changed.emit()

        return restore

    def set_zoom_pixels(self, screen_pixels: float, width: int, height: int, area: QRectF) -> None:
        """Zoom so that one picture pixel is `screen_pixels` wide."""
        fit = min(area.width() / max(1, width), area.height() / max(1, height))
        self.zoom = min(_MAX_ZOOM, screen_pixels / fit)  # may be smaller than the wheel allows
        self._limit()
        self.changed.emit()

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate between pixels, or show them as squares."""
        self.is_smooth = smooth
        self.changed.emit()

    def set_grid(self, shown: bool) -> None:
        """Draw lines between pixels once they are large enough."""
        self.shows_grid = shown
        self.changed.emit()

    def _limit(self) -> None:
        reach = 0.5 * max(1.0, self.zoom)
        self.pan = QPointF(min(reach, max(-reach, self.pan.x())), min(reach, max(-reach, self.pan.y())))
