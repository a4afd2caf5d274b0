"""The panel that adds bends: a layer, an operation, and the channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.edits.base import INPUT_LAYER
from explorer.edits.bend import Bend, bent_places
from explorer.edits.bend_operations import OPERATIONS
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelRange, Channels, ChannelShare
from explorer.session.availability import availability
from explorer.state import Edit
from explorer.widgets.controls.basic import Choice, IconButton, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.progress_line import ProgressLine
from explorer.widgets.controls.seed_field import random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo
    from explorer.session import Session

__all__ = ["BendPanel"]

CHANNELS = (("all", "All"), ("share", "A random share"), ("range", "A range"), ("cluster", "A cluster"))


class BendPanel(Panel):
    """Chooses what a new bend does; its row, with amount and numbers, is among the edits of the w editor."""

    key = "bend"
    title = "Network bending"
    icon = "waveform"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._layers: tuple[LayerInfo, ...] = ()
        self._build()
        self._lay_out()
        self._bind()

    def _build(self) -> None:
        self.layer = _box(
            "Layer",
            "The layer whose output is bent, or the network's input: its name, and its resolution or sampling rate",
        )
        self.operation = _box("Operation", "What is done to the features")
        for name, operation in OPERATIONS.items():
            self.operation.addItem(operation.title, name)
        self.about = label("", "caption", wrap=True)
        self.kind = _box("Channels", "Which channels are bent; a cluster's are active in the same places")
        for key, text in CHANNELS:
            self.kind.addItem(text, key)
        self.share = ValueSlider("Share", 1, 100, 50, unit="%", decimals=0, step=1, tip="Share of the channels.")
        self.first = ValueSlider("First", 0, 1, 0, decimals=0, step=1, tip="The first channel.")
        self.last = ValueSlider("Last", 0, 1, 1, decimals=0, step=1, tip="The last channel.")
        self.cluster = _box("Cluster", "One of the layer's clusters, the largest first")
        tip = "Group the layer's channels by where they are active, over 64 random pictures"
        self.search = IconButton("play", tip, self._toggle_search, text="Find clusters")
        self.progress = ProgressLine()
        self.plus = IconButton("plus", "Add this bend to the edits", self.add_bend, text="Add bend")
        tip = "Add bends from the clipboard: items of layer, transform, params, features, feature-param"
        self.paste = IconButton("clipboard-text", tip, self._paste)

    def _lay_out(self) -> None:
        self.add(_named("Layer", self.layer))
        self.add(_named("Operation", self.operation))
        self.add(self.about)
        self.add(_named("Channels", self.kind))
        for item in (self.share, self.first, self.last, self.cluster, self.search, self.progress):
            self.add(item)
        self.add(row(self.plus, self.paste))

    def _bind(self) -> None:
        for slider in (self.share, self.first, self.last):
            slider.moving.connect(self._on_slider)
        self.layer.activated.connect(lambda _: self._show_layer())
        self.operation.activated.connect(lambda _: self._show_operation())
        self.kind.activated.connect(lambda _: self._show_clusters())
        self.session.bending.changed.connect(self._show_clusters)
        self.bind.available(
            "edits",
            self.layer,
            self.operation,
            self.share,
            self.first,
            self.last,
            self.search,
            self.paste,
        )
        self.bind.model(self._show_model)
        self._show_operation()

    # display ---------------------------------------------------------------------------------------------

    @property
    def channel_kind(self) -> str:
        """Which channels are chosen, a key of `CHANNELS`."""
        return str(self.kind.currentData())

    def _show_model(self, info: GeneratorInfo | None) -> None:
        layers = () if info is None else bent_places(info)
        if layers != self._layers:
            self._layers = layers
            self.layer.clear()
            for layer in layers:
                self.layer.addItem(f"{layer.name}  \u00b7  {layer.resolution} px", layer.name)
            self.layer.setCurrentIndex((len(layers) - 1) // 2)
            self._show_layer()
        self._show_operation()

    def _layer(self) -> LayerInfo | None:
        index = self.layer.currentIndex()
        return self._layers[index] if 0 <= index < len(self._layers) else None

    def _show_layer(self) -> None:
        layer = self._layer()
        top = max(1, layer.channels - 1) if layer is not None else 1
        self.first.set_range(0, top, 0)
        self.last.set_range(0, top, top)
        self.last.set_value(top)
        self._show_clusters()

    def _show_operation(self) -> None:
        operation = OPERATIONS[self.operation.currentData()]
        self.about.setText(f"{operation.tip}.")
        self._show_clusters()

    @Slot(float)
    def _on_slider(self, value: float) -> None:
        """Keep the first channel at or before the last."""
        if self.sender() is self.first:
            self.last.set_value(max(self.last.value, value))
        elif self.sender() is self.last:
            self.first.set_value(min(self.first.value, value))

    @Slot()
    def _show_clusters(self) -> None:
        kind, layer, info = self.channel_kind, self._layer(), self.session.info(self.session.active)
        operation = self.operation.currentData()
        is_of_size = OPERATIONS[operation].is_of_size
        reasons = availability(info, self.session.look_of())
        all_of_them = "Another size is that of all channels" if is_of_size else ""
        disable(self.kind, reasons.get("edits", all_of_them))
        clusters = self.session.bending.clusters(layer.name) if layer is not None else ()
        fraction = self.session.bending.fraction
        texts = [f"Cluster {i}  \u00b7  {len(found)} channels" for i, found in enumerate(clusters, 1)]
        if texts != [self.cluster.itemText(i) for i in range(self.cluster.count())]:
            self.cluster.clear()
            self.cluster.addItems(texts)
        is_cluster, is_running = kind == "cluster", fraction is not None
        has_clusters = layer is not None and layer.name != INPUT_LAYER
        self.share.setVisible(kind == "share")
        for slider in (self.first, self.last):
            slider.setVisible(kind == "range")
        self.cluster.setVisible(is_cluster and bool(clusters))
        self.search.setVisible(is_cluster and has_clusters and (is_running or not clusters))
        self.search.setText("Cancel" if is_running else "Find clusters")
        self.search.set_icon_name("x" if is_running else "play")
        self.progress.setVisible(is_cluster and is_running)
        self.progress.set_fraction(fraction or 0.0)
        reason = "No model is loaded" if layer is None else ""
        if is_cluster and not clusters and not is_of_size:
            reason = reason or ("Find the clusters first" if has_clusters else "The input has no clusters")
        reason = reason or reasons.get(f"bend.{operation}", "")
        self.plus.setEnabled(not reason)
        set_tip(self.plus, reason or "Add this bend to the edits")

    # actions ---------------------------------------------------------------------------------------------

    def channels(self) -> Channels:
        """Return the chosen channels; every call draws others for a share."""
        kind = self.channel_kind
        if OPERATIONS[self.operation.currentData()].is_of_size:
            return ALL_CHANNELS
        if kind == "share":
            return ChannelShare(round(self.share.value) / 100.0, random_seed())
        if kind == "range":
            return ChannelRange(round(self.first.value), round(self.last.value))
        layer = self._layer()
        if kind == "cluster" and layer is not None:
            number = self.cluster.currentIndex()
            return ChannelCluster(number, self.session.bending.clusters(layer.name)[number])
        return ALL_CHANNELS

    def add_bend(self) -> None:
        """Add the chosen bend to the edits, with the defaults of its operation, as one undo step."""
        layer, operation = self._layer(), self.operation.currentData()
        if layer is not None:
            seed = random_seed() if operation == "noise" else 0
            values = OPERATIONS[operation].values(())
            self.session.look.add_edit(Edit(Bend(layer.name, operation, values, self.channels(), seed)))

    def _paste(self) -> None:
        text = QGuiApplication.clipboard().text()
        self.attempt(lambda: self.session.bending.add_text(text))

    def _toggle_search(self) -> None:
        layer = self._layer()
        if self.session.bending.fraction is not None:
            self.session.bending.cancel()
        elif layer is not None:
            self.attempt(lambda: self.session.bending.find(layer.name))


def _box(name: str, tip: str) -> Choice:
    box = Choice()
    box.setAccessibleName(name)
    set_tip(box, tip)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    box.setMinimumWidth(64)
    return box


def _named(text: str, box: Choice) -> QWidget:
    name = label(text)
    name.setFixedWidth(72)
    return row(name, box)
