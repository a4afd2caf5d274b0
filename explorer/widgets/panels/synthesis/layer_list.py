"""The list of the generator's layers to choose from, with the final picture first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeView, QWidget

from explorer.widgets.controls.event_filters import claim_keys
from explorer.widgets.controls.plain_text import tip_text
from explorer.widgets.controls.theme import value_font

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent

    from explorer.generators.base import GeneratorInfo, LayerInfo

__all__ = ["FINAL", "LayerList"]

FINAL = "Final picture"
COLUMNS = ("Layer", "Rate", "Channels", "Size")
HEADER_TIPS = (
    "Name of the layer in the network",
    "Resolution in pixels of the picture's grid; for StyleGAN3 the sampling rate",
    "Number of channels in the layer's output",
    "Width \u00d7 height of the layer's output in pixels, including margins",
)
_Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()
_ROW_PX = 20
_ROWS_SHOWN = 8
_RATE = 1  # of COLUMNS
_PADDING = 12  # px beside a name
_KEYS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)


@dataclass(frozen=True)
class _Row:
    key: str
    texts: tuple[str, ...]
    tip: str


class LayerRowsModel(QAbstractTableModel):
    """The rows of the list. A model is used because clearing QTreeWidget items occasionally crashed PySide."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: tuple[_Row, ...] = ()

    def show_rows(self, rows: tuple[_Row, ...]) -> None:
        """Replace all rows."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.texts[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(row.tip)
        if role == Qt.ItemDataRole.SizeHintRole:
            return QSize(0, _ROW_PX) if index.column() == 0 else None
        return _alignment(index.column(), role)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_text(HEADER_TIPS[section])
        return _alignment(section, role)


def _alignment(column: int, role: int) -> Any:
    if role != Qt.ItemDataRole.TextAlignmentRole or column == 0:
        return None
    return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class LayerList(QTreeView):
    """Shows a generator's layers; `chosen(name)` is emitted at a choice, with "" for the final picture."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Layers")
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIndentation(0)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFont(value_font(self.font()))
        self.table = LayerRowsModel(self)
        self.setModel(self.table)
        header = self.header()
        header.setSectionsMovable(False)
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(24)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for i in range(1, len(COLUMNS)):
            header.setSectionResizeMode(i, QHeaderView.ResizeMode.ResizeToContents)
        claim_keys(self, lambda event: event.key() in _KEYS)  # the window's own shortcuts use the arrow keys
        self._is_quiet = False
        self.selectionModel().currentRowChanged.connect(self._on_current)
        self.show_layers(None)

    def show_layers(self, info: GeneratorInfo | None) -> None:
        """List a generator's layers, without emitting `chosen`."""
        self._is_quiet = True
        self.table.show_rows(() if info is None else (_final(info), *(_row(layer) for layer in info.layers)))
        self._is_quiet = False
        rows = min(_ROWS_SHOWN, max(2, len(self.table.rows)))
        self.setFixedHeight(self.header().sizeHint().height() + rows * _ROW_PX + 2)
        self._fit_columns()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Hide the rate column if names would be clipped: the size gives nearly the same information."""
        names = [self.fontMetrics().horizontalAdvance(row.texts[0]) for row in self.table.rows]
        others = range(1, len(COLUMNS))
        room = self.width() - self.verticalScrollBar().sizeHint().width() - max(names, default=0) - _PADDING
        needed = sum(max(self.sizeHintForColumn(i), self.header().sectionSizeHint(i)) for i in others)
        self.setColumnHidden(_RATE, needed > room)

    def set_layer(self, name: str) -> None:
        """Select the layer shown, or the final picture if there is no such layer, without emitting `chosen`."""
        keys = [row.key for row in self.table.rows]
        if not keys:
            return
        index = self.table.index(keys.index(name) if name in keys else 0, 0)
        if index.row() != self.currentIndex().row():
            self._is_quiet = True
            self.setCurrentIndex(index)
            self._is_quiet = False
            self.scrollTo(index)

    @Slot(QModelIndex, QModelIndex)
    def _on_current(self, current: QModelIndex, before: QModelIndex) -> None:
        if current.isValid() and not self._is_quiet:
            self.chosen.emit(self.table.rows[current.row()].key)


def _size(width: int, height: int) -> str:
    return f"{width}\u00d7{height}"


def _final(info: GeneratorInfo) -> _Row:
    height, width = info.img_size
    numbers = str(max(height, width)), str(info.img_channels), _size(width, height)
    return _Row("", (FINAL, *numbers), "The output of the network")


def _row(layer: LayerInfo) -> _Row:
    numbers = str(layer.resolution), str(layer.channels), _size(layer.width, layer.height)
    return _Row(layer.name, (layer.name, *numbers), _tip(layer))


def _tip(layer: LayerInfo) -> str:
    what = "outputs a picture" if layer.is_rgb else f"outputs {layer.channels} channels"
    noise = ", takes noise" if layer.has_noise else ""
    size = _size(layer.width, layer.height)
    styled = "has no style" if layer.ws_index is None else f"styled by entry {layer.ws_index} of ws"
    return f"{layer.name} {what} of {size} pixels; {styled}{noise}"
