"""One style channel that a search found: where it changes the picture, and a slider in standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QHideEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from explorer.edits.style_channels import StyleChannelsKind
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID, color
from explorer.widgets.controls.thumbnails import paint_thumbnail

if TYPE_CHECKING:
    from explorer.directions.style_space import RankedChannel

__all__ = ["ChannelRow"]

HEAT_PX = 26
LABEL_PX = 92


class _Heat(QWidget):
    """A small picture of where a channel changes the picture; `pointed(bool)` as the pointer enters and leaves."""

    pointed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self._image: QImage | None = None
        self.setFixedSize(QSize(HEAT_PX, HEAT_PX))
        self.setAccessibleName("Where the channel changes the picture")

    def set_heat(self, heat: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
        """Show uint8 `[h, w]`; its square root, so that weak changes show too."""
        low, high = color("sunken"), color("accent")
        ends = np.array([[c.red(), c.green(), c.blue()] for c in (low, high)], np.float64)
        pixels = (ends[0] + np.sqrt(heat[:, :, None] / 255.0) * (ends[1] - ends[0])).round().astype(np.uint8)
        pixels = np.ascontiguousarray(pixels)
        height, width = heat.shape
        self._image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def enterEvent(self, event: QEvent) -> None:
        self.pointed.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit(False)

    def hideEvent(self, event: QHideEvent) -> None:
        self.pointed.emit(False)
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        p = QPainter(self)
        paint_thumbnail(p, self._image, QRectF(self.rect()))
        p.end()


class ChannelRow(QWidget):
    """A heat map and a slider of one channel; it is reused for others.

    Signals: `pressed`, `moving(value)`, `released`, `cancelled` of the slider; `pointed(RankedChannel | None)`
    when the pointer enters or leaves the heat map; `hovered(is_over)` when it enters or leaves the row.
    """

    pressed = Signal()
    moving = Signal(float)
    released = Signal()
    cancelled = Signal()
    pointed = Signal(object)
    hovered = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.channel: RankedChannel | None = None
        self.heat = _Heat()
        self.heat.pointed.connect(self._on_pointed)
        limit = StyleChannelsKind.strength
        self.slider = ValueSlider(
            "", limit.low, limit.high, 0.0, unit=limit.unit, decimals=1, step=0.5, label_width=LABEL_PX,
            value_width=52, is_open=True,
        )  # fmt: skip
        self.slider.pressed.connect(self.pressed)
        self.slider.moving.connect(self.moving)
        self.slider.released.connect(self.released)
        self.slider.cancelled.connect(self.cancelled)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GRID)
        layout.addWidget(self.heat, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self.slider, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def _on_pointed(self, is_over: bool) -> None:
        self.pointed.emit(self.channel if is_over else None)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.hovered.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(False)

    def hideEvent(self, event: QHideEvent) -> None:
        self.hovered.emit(False)
        super().hideEvent(event)

    def show_channel(self, channel: RankedChannel) -> None:
        """Show a channel."""
        if channel is self.channel:
            return
        self.channel = channel
        self.heat.set_heat(channel.heat)
        self.slider.set_label(f"{channel.layer}  {channel.channel}")
        about = (
            f"Channel {channel.channel} of layer {channel.layer}: changes the region {ratio_text(channel.ratio)} "
            "as much as the rest of the picture. In standard deviations (\u03c3) of the model's random latents; 0 "
            "means no edit."
        )
        self.slider.set_tip(about)
        set_tip(self.heat, f"Where channel {channel.channel} of {channel.layer} changes the picture")


def ratio_text(ratio: float) -> str:
    """Return a ratio as text, as in "4.2 times"."""
    return f"{ratio:.1f} times" if ratio < 99.5 else "100 times or more"
