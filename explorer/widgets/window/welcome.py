"""The first start: a picture that moves by itself under the first hints, until the user begins."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from explorer.widgets.viewer.gestures import HINTS
from explorer.widgets.viewer.overlays import Hints
from explorer.widgets.window.part import WindowBase, WindowPart

__all__ = ["Welcome"]

FIRST_HINTS = (HINTS[0], HINTS[1], ("R", "a random seed; H shows all keys"))


class Welcome(WindowPart):
    """Shows the first hints; does nothing once the user has begun."""

    def __init__(self, window: WindowBase) -> None:
        super().__init__(window)
        self.hints: Hints | None = None
        self._drift = 0.0  # latents a second that the first picture drifts
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.end)

    def attach(self) -> None:
        """Make the hints, hidden, over the pictures."""
        self.hints = Hints(self.window.middle, FIRST_HINTS)

    def start(self) -> None:
        """Show the first hints over a picture that already moves."""
        assert self.hints is not None
        self._drift = self.session.state.shared.drift
        self.hints.set_shown(True)

    def end(self) -> None:
        """Hide the hints, and stop the drift where it is."""
        if not self._drift or self.hints is None:
            return
        drift, self._drift = self._drift, 0.0
        self.window.settings.set("welcomed", True)
        self.hints.set_shown(False)
        self.session.stop_drift(drift)

    def end_if_edited(self) -> None:
        """End soon if the state was changed by the user; called while it changes."""
        if self._drift and (self.session.store.in_stroke or self.session.store.can_undo):
            self._soon.start()

    def place(self) -> None:
        """Keep the hints over the middle of the pictures."""
        if self.hints is not None:
            self.hints.place()
