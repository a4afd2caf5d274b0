"""The layers panel: show any layer's activation as the picture, with statistics and spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Slot
from PySide6.QtGui import QPen, QShowEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.widgets.controls.basic import Check, ElidedLabel, Segments, label, row, value_label
from explorer.widgets.controls.parameter_slider import parameter_slider
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.plots import QuietPlot
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.controls.theme import GRID, view_color
from explorer.widgets.panels.panel import Panel
from explorer.widgets.panels.synthesis.layer_list import FINAL, LayerList

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.render.results import Frame, TapStats
    from explorer.session import Session
    from explorer.state import ExplorerState, Tap

__all__ = ["LayersPanel", "SpectrumPlot"]

CHANNELS = (
    ("rgb", "RGB", "Three channels at once, as red, green and blue"),
    ("one", "1 channel", "One channel in greyscale"),
    ("norm", "Norm", "The norm over all channels at each pixel, in greyscale"),
)
STATISTICS = (
    ("mean", "Mean", "Mean over all channels and pixels of the layer"),
    ("std", "Std", "Standard deviation over all channels and pixels of the layer"),
    ("minimum", "Min", "Smallest value of the layer"),
    ("maximum", "Max", "Largest value of the layer"),
)
_DB_STEP = 20.0
_DB_SPAN = 120.0  # dB shown below the maximum


class SpectrumPlot(QuietPlot):
    """The power spectrum of the displayed channels, averaged over all directions."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(30, "cycles per width", "dB", parent)
        self.curve = pg.PlotCurveItem()
        self.addItem(self.curve)
        self.setFixedHeight(132)
        self.setAccessibleName("Spectrum of the layer")
        set_tip(
            self,
            "Power in dB at each frequency, averaged over all directions and the channels shown. "
            "The right end is the highest frequency that this many pixels can represent.",
        )
        self._view = 0
        self.tint()
        self.show_spectrum(None, 0)

    def show_spectrum(self, db: np.ndarray[Any, np.dtype[np.float32]] | None, view: int) -> None:
        """Show power by frequency, `[frequencies]` in dB; None clears the plot."""
        if view != self._view:
            self._view = view
            self.tint()
        count = len(db) if db is not None else 0
        self.getAxis("left").setTicks(None if count else [[]])
        self.getAxis("bottom").setTicks(None if count else [[]])
        if db is None or count < 2:
            self.curve.setData([], [])
            return
        top = float(np.ceil((float(db.max()) + 1.0) / _DB_STEP) * _DB_STEP)
        low = float(np.floor((max(float(db.min()), top - _DB_SPAN) - 1.0) / _DB_STEP) * _DB_STEP)
        self.curve.setData(np.arange(count), db)
        self.setXRange(0, count - 1, padding=0)
        self.setYRange(low, top, padding=0)

    def tint(self) -> None:
        super().tint()
        if hasattr(self, "curve"):
            pen = QPen(view_color(self._view), 1.5)
            pen.setCosmetic(True)
            self.curve.setPen(pen)
            self.curve.setFillLevel(-1e4)
            fill = view_color(self._view)
            fill.setAlpha(48)
            self.curve.setBrush(fill)


class LayersPanel(Panel):
    """Chooses the layer that the active view shows, and displays its statistics."""

    key = "layers"
    title = "Layers"
    icon = "stack"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._stats: TapStats | None = None
        self._build()
        self._lay_out()
        self._bind()

    def _build(self) -> None:
        self.list = LayerList()
        self.channels = Segments(CHANNELS)
        tip = "The channel shown, or the first of three."
        self.first = ValueSlider("Channel", 0, 1, 0, decimals=0, step=1, value_width=64, tip=tip)
        self.gain = parameter_slider("tap.scale_db", value_width=64)
        self.normalize = Check("Fit range")
        set_tip(self.normalize, "Centre on the mean and scale the largest deviation to the picture's range")
        self.spectrum = Check("Spectrum")
        set_tip(self.spectrum, "Show the log power spectrum instead, frequency 0 in the middle")
        self.caption = ElidedLabel()
        self.numbers = {key: value_label("\u2013") for key, _, _ in STATISTICS}
        self.plot = SpectrumPlot()

    def _lay_out(self) -> None:
        for item in (self.list, GRID // 2, self.channels, self.first, self.gain):
            self.add(item)
        self.add(row(self.normalize, 2 * GRID, self.spectrum, None))
        self.caption.setProperty("role", "muted")
        self.add(self.caption)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        for i, (key, name, tip) in enumerate(STATISTICS):
            set_tip(self.numbers[key], tip)
            self.numbers[key].setAccessibleName(name)
            grid.addWidget(label(name), i % 2, 2 * (i // 2))
            grid.addWidget(self.numbers[key], i % 2, 2 * (i // 2) + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.add(grid)
        self.add(self.plot)

    def _bind(self) -> None:
        bind = self.bind
        self.list.chosen.connect(lambda name: self._set(layer=name))
        self.channels.chosen.connect(lambda key: self._set(channels=key))
        self.normalize.clicked.connect(lambda on: self._set(normalize=bool(on)))
        self.spectrum.clicked.connect(lambda on: self._set(spectrum=bool(on)))
        bind.stroke(self.first, "Channel", lambda v: self._set(first_channel=round(v)))
        bind.stroke(self.gain, "Layer gain", lambda v: self._set(scale_db=v))
        for path, control in (
            ("layer", self.list), ("channels", self.channels), ("first_channel", self.first),
            ("scale_db", self.gain), ("spectrum", self.spectrum), ("normalize", self.normalize),
        ):  # fmt: skip
            bind.available(f"tap.{path}", control)
        bind.model(self._show_model)
        bind.state(_tap, self._show_tap)
        self.session.frame.connect(self._on_frame)

    def _set(self, **fields: Any) -> None:
        self.session.views.set_tap(self.session.active, **fields)

    # display ---------------------------------------------------------------------------------------------

    def _info(self) -> GeneratorInfo | None:
        return self.session.info(self.session.active)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.list.show_layers(info)
        self._show_stats(None)

    def _show_tap(self, tap: Tap) -> None:
        info = self._info()
        layer = next((x for x in info.layers if x.name == tap.layer), None) if info is not None else None
        self.list.set_layer(layer.name if layer else "")
        if layer is not None:
            together = 3 if tap.channels == "rgb" and layer.channels >= 3 else 1
            self.first.set_range(0, max(1, layer.channels - together))
        self.channels.set_choice(tap.channels)
        self.first.set_value(tap.first_channel)
        self.gain.set_value(tap.scale_db)
        self.normalize.setChecked(tap.normalize)
        self.spectrum.setChecked(tap.spectrum)
        self._show_latest()

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if frame.view == self.session.active and self.isVisible():
            self._show_stats(frame.stats)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_latest()

    def _show_latest(self) -> None:
        frame = self.session.last_frame(self.session.active)
        self._show_stats(frame.stats if frame is not None and self._info() is not None else None)

    def _show_stats(self, stats: TapStats | None) -> None:
        self.plot.show_spectrum(stats.spectrum_db if stats is not None else None, self.session.active)
        for key, shown in self.numbers.items():
            shown.setText(_number(getattr(stats, key)) if stats is not None else "\u2013")
        if stats is None:
            self.caption.set_text("Choose a layer to see its statistics" if self._info() is not None else "")
            return
        channels, height, width = stats.shape
        name = FINAL if stats.name == "image" else stats.name
        self.caption.set_text(f"{name}: {channels} \u00d7 {width}\u00d7{height}")


def _tap(state: ExplorerState) -> Tap:
    return state.views[state.active].tap


def _number(value: float) -> str:
    return f"{value:+.4g}".replace("-", "\u2212")
