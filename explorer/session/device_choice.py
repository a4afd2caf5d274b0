"""The choice of device, precision and kernels for rendering. GUI thread only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from explorer.state.request import RenderSettings

if TYPE_CHECKING:
    from explorer.ops.backend import Backend
    from explorer.render.results import DeviceLost
    from explorer.session.render_service import RenderService

__all__ = ["Devices"]


class Devices(QObject):
    """Render settings, which belong to the machine and are not part of a project.

    If a device becomes unusable (out of memory, driver crash), rendering moves to the CPU.
    """

    changed = Signal(object)  # RenderSettings
    lost = Signal(str)  # a description for the user

    def __init__(self, parent: QObject, service: RenderService, settings: RenderSettings | None) -> None:
        super().__init__(parent)
        self._service = service
        self._settings = settings or RenderSettings(device=service.best_device())
        service.device_lost.connect(self._on_device_lost)

    @property
    def settings(self) -> RenderSettings:
        """Device, precision and kernels."""
        return self._settings

    def set_device(self, name: str) -> None:
        """Render on another device from now on. Raises UsageError if no such device exists."""
        dtypes = {d.name: d.dtypes for d in self._service.devices()}.get(name, ())
        dtype = self._settings.dtype if self._settings.dtype in dtypes or not dtypes else dtypes[0]
        self._service.check(name, dtype)
        self._apply(replace(self._settings, device=name, dtype=dtype))

    def set_dtype(self, name: str) -> None:
        """Render in another precision from now on. Raises UsageError if the device does not support it."""
        self._service.check(self._settings.device, name)
        self._apply(replace(self._settings, dtype=name))

    def set_backend(self, name: Backend) -> None:
        """Render with the fastest kernels ("auto") or the readable ones ("reference")."""
        self._apply(replace(self._settings, backend=name))

    def _apply(self, settings: RenderSettings) -> None:
        if settings != self._settings:
            self._settings = settings
            self.changed.emit(settings)

    @Slot(object)
    def _on_device_lost(self, lost: DeviceLost) -> None:
        self._settings = RenderSettings("cpu", "float32", self._settings.backend)
        self.changed.emit(self._settings)  # even if unchanged: the list of devices is shorter now
        self.lost.emit(f"{lost.device} stopped working ({lost.error}); rendering continues on the CPU.")
