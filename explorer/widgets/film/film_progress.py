"""Progress of a film: its last frame, a progress bar, and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from explorer.animation.forecast import size_text
from explorer.widgets.controls.basic import value_label
from explorer.widgets.controls.theme import color

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress

__all__ = ["FilmProgress"]


class FilmProgress(QWidget):
    """Shows the progress of a film that is being rendered."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.picture = _Picture()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.figures = value_label("")
        column.addWidget(self.picture, 1)
        column.addWidget(self.bar)
        column.addWidget(self.figures)

    def begin(self, frames: int) -> None:
        """Reset the display for a film of `frames` frames."""
        self.bar.setRange(0, frames)
        self.show()

    def show_progress(self, p: Progress, *, paused: bool) -> None:
        """Show the progress and the time left."""
        self.bar.setRange(0, p.total)
        self.bar.setValue(p.done)
        if p.value.picture is not None and self.isVisible():
            self.picture.show_pixels(p.value.picture)
        left = round(p.seconds_left)
        texts = {
            "loading": "Reading the model \u2026",
            "rendering": f"{p.done} of {p.total}   {p.rate:.1f} frames/s   {left // 60}:{left % 60:02d} left",
            "finishing": f"Finishing the file: {p.done} of {p.total}",
            "done": f"{p.total} frames",
        }
        size = f"   {size_text(p.value.size)}" if p.value.size and p.stage != "done" else ""
        self.figures.setText(texts[p.stage] + size + ("   paused" if paused else ""))


class _Picture(QWidget):
    """The last frame, scaled to fit."""

    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.setMinimumHeight(180)

    def show_pixels(self, pixels: np.ndarray) -> None:
        """Show a frame, RGB `[H, W, 3]`."""
        pixels = np.ascontiguousarray(pixels)
        height, width = pixels.shape[:2]
        self.image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        p.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        p.fillRect(self.rect(), color("canvas"))
        if self.image is not None:
            size = self.image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            p.drawImage(QRectF(left, top, size.width(), size.height()), self.image)
        p.end()
