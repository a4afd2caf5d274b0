"""Looking inside: any layer's activation as a picture, with its numbers and its spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QListWidget, QListWidgetItem, QWidget

from explorer.state import ExplorerState, Tap
from explorer.widgets.panel import Panel
from explorer.widgets.parts import Segments, row, value_label
from explorer.widgets.plots import CurvePlot
from explorer.widgets.sliders import ValueSlider

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo
    from explorer.render.request import Frame
    from explorer.session import Session

__all__ = ["LayersPanel"]

MODES = (
    ("rgb", "Three", "Three channels as red, green and blue"),
    ("one", "One", "One channel in grey"),
    ("norm", "Norm", "The length of the vector of all channels at each place"),
)


class LayersPanel(Panel):
    """What of the network the active view shows."""

    key = "layers"
    title = "Layers"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.list = QListWidget()
        self.list.setFixedHeight(152)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName("Layers of the network")
        self.mode = Segments(MODES)
        self.channel = ValueSlider("Channel", 0, 1, 0, decimals=0, step=1, tip="The first channel shown.")
        self.gain = ValueSlider("Gain", -40, 40, 0, step=1, decimals=1, unit="dB", tip="Brightens or darkens.")
        self.normalize = QCheckBox("Fit the range")
        self.spectrum = QCheckBox("Spectrum")
        self.spectrum.setToolTip("The log power spectrum instead of the picture, frequency 0 in the middle")
        self.numbers = value_label()
        self.numbers.setWordWrap(True)
        self.curve = CurvePlot("frequency", "dB")
        for item in (self.list, self.mode, self.channel, self.gain, row(self.normalize, self.spectrum, None)):
            self.add(item)
        self.add(self.numbers)
        self.add(self.curve)
        self._bind()

    def _bind(self) -> None:
        self.bind.model(self._show_model)
        self.bind.state(self._tap, self._show_tap)
        self.list.itemClicked.connect(lambda item: self._set(layer=item.data(Qt.ItemDataRole.UserRole)))
        self.list.itemActivated.connect(lambda item: self._set(layer=item.data(Qt.ItemDataRole.UserRole)))
        self.mode.chosen.connect(lambda mode: self._set(channels=mode))
        self.bind.stroke(self.channel, "Channel", lambda v: self._set(first_channel=int(v)))
        self.bind.stroke(self.gain, "Layer gain", lambda v: self._set(scale_db=v))
        self.normalize.clicked.connect(lambda on: self._set(normalize=bool(on)))
        self.spectrum.clicked.connect(lambda on: self._set(spectrum=bool(on)))
        self.session.frame.connect(self._on_frame)

    @staticmethod
    def _tap(state: ExplorerState) -> Tap:
        return state.views[state.active].tap

    def _set(self, **fields: Any) -> None:
        self.session.set_tap(self.session.state.active, **fields)

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.list.clear()
        if info is None:
            return
        entries = [("", "Picture")]
        for layer in info.layers:
            entries.append(
                (layer.name, f"{layer.name}    {layer.channels} ch   {layer.width} \u00d7 {layer.height}")
            )
        for name, text in entries:
            item = QListWidgetItem(text)
            item.setData(Qt.ItemDataRole.UserRole, name)
            self.list.addItem(item)

    def _show_tap(self, tap: Tap) -> None:
        info = self.session.info(self.session.state.active)
        inside = next((layer for layer in info.layers if layer.name == tap.layer), None) if info else None
        for i in range(self.list.count()):
            if self.list.item(i).data(Qt.ItemDataRole.UserRole) == (tap.layer if inside else ""):
                self.list.setCurrentRow(i)
        why = "" if inside else "Choose a layer first: the picture's channels are its colours"
        self.mode.setEnabled(inside is not None)
        self.mode.setToolTip(why)
        self.mode.set_choice(tap.channels)
        shown = 3 if tap.channels == "rgb" else 1
        self.channel.set_range(0, max(1, (inside.channels if inside else 2) - shown))
        self.channel.set_reason(why or ("The norm takes all channels" if tap.channels == "norm" else ""))
        self.channel.set_value(tap.first_channel)
        self.gain.set_value(tap.scale_db)
        self.normalize.setEnabled(bool(inside) or tap.spectrum)
        self.normalize.setChecked(tap.normalize)
        self.spectrum.setChecked(tap.spectrum)

    @Slot(object)
    def _on_frame(self, frame: Frame) -> None:
        if not self.isVisible():
            return
        stats = frame.stats
        self.curve.set_curve(frame.view, stats.spectrum_db if stats else None)
        if frame.view != self.session.state.active:
            return
        if stats is None:
            self.numbers.setText("")
            return
        c, h, w = stats.shape
        self.numbers.setText(
            f"{c} \u00d7 {h} \u00d7 {w}    mean {stats.mean:.3g}    std {stats.std:.3g}\n"
            f"min {stats.minimum:.3g}    max {stats.maximum:.3g}".replace("-", "\u2212")
        )
