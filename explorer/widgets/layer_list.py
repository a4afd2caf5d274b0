"""The generator's layers as a list to choose from, the final picture first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from explorer.widgets.theme import value_font

if TYPE_CHECKING:
    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["FINAL", "LayerList"]

FINAL = "Final picture"
COLUMNS = ("Layer", "Rate", "Channels", "Size")
HEADER_TIPS = (
    "Name of the layer in the network",
    "Resolution in pixels of the picture's grid; for StyleGAN3 the sampling rate",
    "How many channels the layer gives",
    "Width \u00d7 height of what the layer gives, in pixels, margins included",
)
_ROW_PX = 20
_ROWS_SHOWN = 8
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


class LayerList(QTreeWidget):
    """Shows the layers of one generator; `chosen(name)` when the user takes another, "" for the final picture."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.setColumnCount(len(COLUMNS))
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIndentation(0)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFont(value_font(self.font()))
        self.setHeaderLabels(COLUMNS)
        head = self.headerItem()
        for i, tip in enumerate(HEADER_TIPS):
            head.setToolTip(i, tip)
            if i:
                head.setTextAlignment(i, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        header = self.header()
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for i in range(1, len(COLUMNS)):
            header.setSectionResizeMode(i, QHeaderView.ResizeMode.ResizeToContents)
        self.currentItemChanged.connect(self._on_current)
        self.show_layers(None)

    def show_layers(self, info: GeneratorInfo | None) -> None:
        """List another generator's layers; says nothing."""
        with QSignalBlocker(self):
            self.clear()
            if info is not None:
                size = info.img_resolution
                self._add(
                    "", FINAL, (str(size), str(info.img_channels), _size(size, size)), "What the network makes"
                )
                for layer in info.layers:
                    self._add(layer.name, layer.name, _numbers(layer), _tip(layer))
        rows = min(_ROWS_SHOWN, max(2, self.topLevelItemCount()))
        self.setFixedHeight(self.header().sizeHint().height() + rows * _ROW_PX + 2)

    def _add(self, key: str, name: str, numbers: tuple[str, ...], tip: str) -> None:
        item = QTreeWidgetItem(self, [name, *numbers])
        item.setData(0, Qt.ItemDataRole.UserRole, key)
        item.setSizeHint(0, QSize(0, _ROW_PX))
        for i in range(len(COLUMNS)):
            item.setToolTip(i, tip)
            if i:
                item.setTextAlignment(i, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_layer(self, name: str) -> None:
        """Mark the layer that is shown; one that this network lacks marks the final picture. Says nothing."""
        items = [item for i in range(self.topLevelItemCount()) if (item := self.topLevelItem(i)) is not None]
        found = next((i for i in items if i.data(0, Qt.ItemDataRole.UserRole) == name), items[0] if items else None)
        if found is not None and found is not self.currentItem():
            with QSignalBlocker(self):
                self.setCurrentItem(found)
                self.scrollToItem(found)

    def _on_current(self, item: QTreeWidgetItem | None, before: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.chosen.emit(str(item.data(0, Qt.ItemDataRole.UserRole)))

    def event(self, event: QEvent) -> bool:
        # The window's own shortcuts use the arrow keys.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)


def _size(width: int, height: int) -> str:
    return f"{width}\u00d7{height}"


def _numbers(layer: LayerInfo) -> tuple[str, ...]:
    return str(layer.resolution), str(layer.channels), _size(layer.width, layer.height)


def _tip(layer: LayerInfo) -> str:
    what = "makes a picture" if layer.is_rgb else f"gives {layer.channels} channels"
    noise = ", takes noise" if layer.has_noise else ""
    size = _size(layer.width, layer.height)
    return f"{layer.name} {what} of {size} pixels; styled by entry {layer.ws_index} of ws{noise}"
