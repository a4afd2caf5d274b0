"""The latent panel: seed, latent plane, drift, history, and latents as text and files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from explorer.widgets.controls.basic import IconButton, label, row
from explorer.widgets.controls.save_dialog import completed
from explorer.widgets.controls.seed_field import SeedField, random_seed
from explorer.widgets.controls.slider import ValueSlider
from explorer.widgets.panels.latent.history_strip import HistoryStrip
from explorer.widgets.panels.latent.latent_pad import LatentPad
from explorer.widgets.panels.panel import Panel

if TYPE_CHECKING:
    from explorer.assets.latent import Space
    from explorer.generators.base import GeneratorInfo
    from explorer.session import Session
    from explorer.state import Classes, Latent

__all__ = ["LatentPanel"]

SPACE_NAMES: dict[Space, str] = {
    "w": "w, the style vector",
    "ws": "ws, one w for each layer",
    "z": "z, the input of the mapping network",
}
SAVED = (".safetensors", ".npy", ".npz", ".pt")
FILES = "Latents (*.npy *.npz *.pt *.safetensors)"


class LatentFiles(Protocol):
    """The window's file commands that the panel uses."""

    def paste_latent(self, text: str) -> None:
        """Show the latent described by a text."""

    def open_latent(self, path: str) -> None:
        """Show the latent stored in a file."""


class LatentPanel(Panel):
    """The latent: a seed and a point near it, or a loaded vector."""

    key = "latent"
    title = "Latent"

    def __init__(self, session: Session, files: LatentFiles, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._files = files
        self.seed = SeedField()
        self.dice = IconButton("dice-five", "A random seed (R)", lambda: session.look.set_seed(random_seed()))
        self.snap = IconButton("magnet", "Snap to the nearest seed", session.look.snap)
        self.pad = LatentPad(session)
        self.drift = ValueSlider(
            "Drift", -4, 4, 0, step=0.1, unit="/s", tip="Seeds per second, along the rows of the plane."
        )
        self.history = HistoryStrip(session)
        self.copy = IconButton("copy", "Copy the latent as text", self.copy_text)
        self.paste = IconButton("clipboard-text", "Paste a latent from text", self.paste_text)
        self.load = IconButton("folder-open", "Load a latent: .npy, .npz, .pt, .safetensors", self.load_file)
        self.save = IconButton("floppy-disk", "Save the latent as a file", self.save_file)
        self.stored = label("", "muted")
        self.add(row(label("Seed"), self.seed, self.dice, self.snap))
        self.add(self.pad)
        self.add(self.drift)
        self.add(self.history)
        self.add(row(self.stored, None, self.copy, self.paste, self.load, self.save))
        self._bind()

    def _bind(self) -> None:
        session = self.session
        self.seed.chosen.connect(session.look.set_seed)
        self.pad.pressed.connect(lambda: session.begin("Walk"))
        self.pad.walked.connect(session.look.set_latent_xy)
        self.pad.released.connect(session.commit)
        self.pad.cancelled.connect(session.cancel)
        self.history.chosen.connect(self._go_back)
        self.bind.look(lambda look: look.latent.seed, self.seed.set_seed)
        self.bind.look(lambda look: (look.latent, look.classes), self._show)
        self.bind.slider(self.drift, "Drift", lambda look: look.drift, session.look.set_drift)
        self.bind.model(self._show_model)
        self.bind.available("latent.save", self.copy, self.save)

    def _show(self, where: tuple[Latent, Classes]) -> None:
        latent, classes = where
        self.pad.set_point(latent, classes)
        self.history.set_latent(latent)
        self.snap.setEnabled(latent.x != 0 or latent.y != 0)
        stored = self.session.table.get(latent.stored)
        self.stored.setText("" if stored is None else stored.name or "stored latent")

    def _show_model(self, info: GeneratorInfo | None) -> None:
        self.pad.forget_pictures()
        self.history.forget_pictures()

    def _go_back(self, latent: Latent) -> None:
        self.session.edit("Back in history", latent=latent, drift=0.0)

    def copy_text(self) -> None:
        """Copy the latent to the clipboard as one line of text."""
        self.attempt(lambda: QGuiApplication.clipboard().setText(self.session.documents.copy_latent_text()))

    def paste_text(self) -> None:
        """Show the latent described by the clipboard's text."""
        self._files.paste_latent(QGuiApplication.clipboard().text())

    def load_file(self) -> None:
        """Ask for a file and load its latent."""
        path, _ = QFileDialog.getOpenFileName(self, "Load a latent", "", FILES)
        if path:
            self._files.open_latent(path)

    def save_file(self) -> None:
        """Ask for a file and save the latent in the space chosen by the dialog's filter."""
        kinds = " ".join(f"*{suffix}" for suffix in SAVED)
        filters: dict[str, Space] = {f"{name} ({kinds})": space for space, name in SPACE_NAMES.items()}
        title = "Save the latent"
        name, chosen = QFileDialog.getSaveFileName(self, title, "latent.safetensors", ";;".join(filters))
        path = completed(self, title, name, SAVED[0], SAVED) if name else None
        if path:
            self.attempt(lambda: self.session.documents.save_latent(path, filters.get(chosen, "w")))
