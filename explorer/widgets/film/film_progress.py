"""How far a film is: its last frame, a bar, and the figures of the film page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from explorer.animation.forecast import size_words
from explorer.widgets.controls.basic import value_label
from explorer.widgets.controls.theme import color

if TYPE_CHECKING:
    from explorer.animation.recorder import Progress

__all__ = ["FilmProgress"]


class FilmProgress(QWidget):
    """Shows a film being made."""

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
        """Nothing is done yet of so many frames."""
        self.bar.setRange(0, frames)
        self.show()

    def show_progress(self, p: Progress, *, paused: bool) -> None:
        """Show how far it is and how long it takes yet."""
        self.bar.setRange(0, p.total)
        self.bar.setValue(p.done)
        if p.picture is not None and self.isVisible():
            self.picture.show_pixels(p.picture)
        left = round(p.seconds_left)
        texts = {
            "loading": "Reading the model \u2026",
            "rendering": f"{p.done} of {p.total}   {p.fps:.1f} frames/s   {left // 60}:{left % 60:02d} left",
            "finishing": f"Finishing the file: {p.done} of {p.total}",
            "done": f"{p.total} frames",
        }
        size = f"   {size_words(p.size)}" if p.size and p.stage != "done" else ""
        self.figures.setText(texts[p.stage] + size + ("   paused" if paused else ""))


class _Picture(QWidget):
    """The last frame, as large as fits."""

    def __init__(self) -> None:
        super().__init__()
        self.image: QImage | None = None
        self.setMinimumHeight(180)

    def show_pixels(self, pixels: np.ndarray) -> None:
        """Show a frame `[H, W, 3]` red-green-blue."""
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
