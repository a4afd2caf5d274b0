"""The welcome at the first start: a drifting picture under the first hints, until the first user input."""

from __future__ import annotations

from PySide6.QtCore import QTimer

from explorer.widgets.viewer.gestures import HINTS
from explorer.widgets.viewer.overlays import Hints
from explorer.widgets.window.part import WindowBase, WindowPart

__all__ = ["Welcome"]

FIRST_HINTS = (HINTS[0], HINTS[1], ("R", "a random seed; H shows all keys"))


class Welcome(WindowPart):
    """Shows the first hints; does nothing after the first user input."""

    def __init__(self, window: WindowBase) -> None:
        super().__init__(window)
        self.hints: Hints | None = None
        self._drift = 0.0  # speed of the first picture's drift, in seeds per second
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self.end)

    def attach(self) -> None:
        """Create the hints, hidden, over the pictures."""
        self.hints = Hints(self.window.middle, FIRST_HINTS)

    def start(self) -> None:
        """Show the first hints over the drifting picture."""
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
        self.session.motion.stop_drift(drift)

    def end_if_edited(self) -> None:
        """End the welcome soon if the user changed the state; called while it changes."""
        if self._drift and (self.session.store.in_stroke or self.session.store.can_undo):
            self._soon.start()

    def reposition(self) -> None:
        """Keep the hints centred over the pictures."""
        if self.hints is not None:
            self.hints.reposition()
