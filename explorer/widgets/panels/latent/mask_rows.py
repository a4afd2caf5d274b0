"""MaskRows: the mask of an image-to-image network, read from a file or painted on the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from explorer.util.brush import BRUSH
from explorer.widgets.controls.basic import ElidedLabel, IconButton, label, row
from explorer.widgets.controls.slider import ValueSlider

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.widgets.controls.bindings import Binder

__all__ = ["MaskRows"]


class MaskRows(QWidget):
    """The mask's name and buttons, and below them the brush while it is painted. `asked`: a file is wanted."""

    asked = Signal()

    def __init__(self, session: Session, bind: Binder) -> None:
        super().__init__()
        self._session = session
        self.name = ElidedLabel("No mask")
        self.name.setProperty("role", "muted")
        self.open = IconButton(
            "folder-open", "Open a mask: bright where details of the source are kept", self.asked.emit
        )
        self.paint = IconButton(
            "paint-brush", "Paint on the picture where details of the source are kept; Esc ends it", self._toggle,
            text="Paint", checkable=True,
        )  # fmt: skip
        self.remove = IconButton("trash", "Remove the mask", lambda: session.sources.set_masks((), "Remove mask"))
        self.erase = IconButton(
            "eraser", "The brush erases; the right button does the other", self._set_erasing, checkable=True
        )
        self.brush = ValueSlider(
            "Brush", 1.0, 25.0, 100.0 * BRUSH, unit="%", decimals=0, step=1.0, label_width=44, value_width=44,
            tip="Radius of the brush, in percent of the picture's width.",
        )  # fmt: skip
        self.lost = label("", "caption", wrap=True)
        self.brush_row = row(self.brush, self.erase, spacing=2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self.buttons = row(label("Mask"), 4, self.name, self.paint, self.open, self.remove)
        stretch = self.buttons.layout()
        stretch.setStretch(2, 1)  # type: ignore[union-attr]  # `row` made one
        for item in (self.buttons, self.brush_row, self.lost):
            layout.addWidget(item)
        self._bind(bind)

    def _bind(self, bind: Binder) -> None:
        masks = self._session.masks
        self.brush.moving.connect(lambda percent: masks.set_brush(percent / 100.0))
        masks.changed.connect(self._show_brush)
        self._session.sources.editing_changed.connect(self._show_brush)
        bind.look(lambda look: look.source.masks, lambda _: self._show())
        bind.available("source.masks", self.open, self.paint, self.remove)
        bind.reason("source.masks", self._show_reason)
        self._show_brush()

    def _show(self) -> None:
        masks = self._session.sources.masks
        self.name.set_text((masks[0].name or "mask") if masks else "none")
        self.remove.setVisible(bool(masks))

    def _show_reason(self, reason: str) -> None:
        """Say what a network without masks loses, in place of the buttons; nothing where no source is taken."""
        is_lost = bool(reason) and self._session.sources.takes_source(self._session.active)
        self.lost.setText(reason if is_lost else "")
        self.lost.setVisible(is_lost)
        self.buttons.setVisible(not is_lost)

    @Slot()
    def _show_brush(self) -> None:
        masks, is_painting = self._session.masks, self._session.sources.editing == "mask"
        self.paint.setChecked(is_painting)
        self.brush_row.setVisible(is_painting)
        self.erase.setChecked(masks.is_erasing)
        self.brush.set_value(100.0 * masks.brush)

    def _toggle(self) -> None:
        self._session.sources.set_editing("mask" if self.paint.isChecked() else "")
        self._show_brush()

    def _set_erasing(self) -> None:
        self._session.masks.set_erasing(self.erase.isChecked())
