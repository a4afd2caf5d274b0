"""A table of a model's metadata: family, sizes, licence, origin, and its hash to copy."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QWidget

from explorer.widgets.controls.basic import ElidedLabel, IconButton, label
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID, value_font

if TYPE_CHECKING:
    from explorer.render.results import ModelInfo

__all__ = ["ROWS", "ModelInfoTable", "texts_of"]

_ALWAYS = 4  # rows that are visible while the rest is folded

ROWS = (
    ("family", "Family", "Architecture of the network"),
    ("resolution", "Picture", "Size of the picture in pixels, and its colour channels"),
    ("latents", "Latents", "z: size of the input vector; w: size of the style vector; ws: number of style inputs"),
    ("classes", "Classes", "Classes of a conditional model"),
    ("size", "Size", "Memory used by the weights"),
    ("licence", "Licence", "Licence of the file"),
    ("origin", "Origin", "Where the file comes from"),
    ("file", "File", "The model file"),
    ("sha256", "SHA-256", "SHA-256 hash of the file, which identifies the model"),
)


def texts_of(model_info: ModelInfo) -> dict[str, str]:
    """Return the texts of the table, by key of `ROWS`."""
    info = model_info.info
    names = model_info.class_names or info.class_names
    channels = {1: "grey", 3: "RGB", 4: "RGBA"}.get(info.img_channels, f"{info.img_channels} channels")
    return {
        "family": model_info.family or info.family,
        "resolution": f"{info.img_size[1]}\u00d7{info.img_size[0]} {channels}",
        "latents": f"z {info.z_dim}   w {info.w_dim}   ws {info.num_ws}",
        "classes": f"{info.c_dim}{'' if names else ' (unnamed)'}" if info.c_dim else "none",
        "size": _bytes(model_info.nbytes) if model_info.nbytes else "unknown",
        "licence": model_info.licence or "not stated",
        "origin": model_info.origin or "not stated",
        "file": Path(model_info.path).name or "none",
        "sha256": f"{model_info.sha256[:12]}\u2026" if model_info.sha256 else "unknown",
    }


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"


class ModelInfoTable(QWidget):
    """Names and values in two columns; long values are elided, with the full text as tooltip.

    `more` is the button that unfolds the less important rows; the owner of the table lays it out.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model_info: ModelInfo | None = None
        self.values: dict[str, ElidedLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        self._folded: list[QWidget] = []
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        for i, (key, name, tip) in enumerate(ROWS):
            title, value = label(name), ElidedLabel()
            set_tip(title, tip)
            value.setFont(value_font(value.font()))
            value.setAccessibleName(name)
            self.values[key] = value
            grid.addWidget(title, i, 0)
            grid.addWidget(value, i, 1, 1, 1 if key == "sha256" else 2)
            if i >= _ALWAYS:
                self._folded += [title, value]
        self.copy = IconButton("copy", "Copy the full hash", self._copy, size=12)
        self.copy.setFixedHeight(18)
        grid.addWidget(self.copy, len(ROWS) - 1, 2)
        self._folded.append(self.copy)
        self.more = IconButton("caret-right", "Size, licence, origin, file and hash", self.toggle, size=12)
        self.toggle()

    def toggle(self) -> None:
        """Unfold or fold the remaining rows."""
        shown = any(widget.isHidden() for widget in self._folded)
        # Initially all rows are visible, so the first call folds.
        for widget in self._folded:
            widget.setVisible(shown)
        self.more.set_icon_name("caret-down" if shown else "caret-right")

    def show_model(self, model_info: ModelInfo) -> None:
        """Show a model's metadata."""
        self._model_info = model_info
        for key, text in texts_of(model_info).items():
            self.values[key].set_text(text)
        set_tip(self.values["file"], model_info.path)
        set_tip(self.values["sha256"], model_info.sha256)
        self.copy.setEnabled(bool(model_info.sha256))

    def _copy(self) -> None:
        if self._model_info is not None:
            QGuiApplication.clipboard().setText(self._model_info.sha256)
