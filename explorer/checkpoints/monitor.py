"""Progress and cancellation of reading a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.util.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.util.control import Control

__all__ = ["Monitor"]

_PARTS = 1000


class Monitor:
    """Reports how far the reading of one file is, and stops it on request.

    Args:
        on_report: Called on the thread that reads, with a report whose `stage` is the current step.
        control: Pauses and cancels it, from any thread.
    """

    def __init__(
        self, on_report: Callable[[Report[None]], object] | None = None, control: Control | None = None
    ) -> None:
        self._on_report, self._control = on_report, control
        self._start, self._stop, self._label = 0.0, 1.0, ""

    def enter(self, start: float, stop: float, label: str) -> None:
        """Start a step that covers `start..stop` of the whole job."""
        self._start, self._stop, self._label = start, stop, label
        self.step(0.0)

    def step(self, fraction: float) -> None:
        """Report `fraction` 0..1 of the current step.

        Raises:
            CancelledError: The user cancelled.
        """
        if self._control is not None:
            self._control.check()
        if self._on_report is not None:
            done = self._start + (self._stop - self._start) * min(max(fraction, 0.0), 1.0)
            self._on_report(Report(None, round(_PARTS * done), _PARTS, self._label))
