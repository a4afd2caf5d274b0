"""The performance panel: stages, frame rate, latency, cache, dropped frames, device and precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QSizePolicy, QWidget

from explorer.util.view_marks import letter
from explorer.widgets.controls.basic import Choice, label, row
from explorer.widgets.controls.disable import disable
from explorer.widgets.controls.plain_text import set_tip
from explorer.widgets.controls.theme import GRID
from explorer.widgets.controls.view_table import ViewTable
from explorer.widgets.panels.panel import Panel
from explorer.widgets.panels.synthesis.stage_bars import StageBars, stage_groups

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from explorer.session import Session
    from explorer.session.view_record import PerformanceStats

__all__ = ["PerformancePanel"]

_PERIOD_MS = 250  # four times a second: faster changes would be unreadable
_ROWS = (
    ("fps", "Frames", "Pictures shown in the last second"),
    ("render", "Render", "Time to render the last picture, in milliseconds"),
    ("latency", "Latency", "From input to display: median / 99th percentile of the last 200"),
    ("hits", "Reused", "Number of the last frame's stages that were reused from the cache"),
    ("dropped", "Dropped", "Frames that a newer request replaced before they were rendered"),
    ("cache", "Cache", "Memory used by cached stages, in megabytes"),
)
_KERNELS = (("auto", "Fast kernels"), ("reference", "Reference kernels"))


class PerformancePanel(Panel):
    """Performance figures of the views, updated while the panel is visible, and the device settings."""

    key = "performance"
    title = "Performance"
    icon = "gauge"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._build()
        self._lay_out()
        self._bind()

    def _build(self) -> None:
        self.device = _box("Device", "The device that renders; takes effect immediately")
        self.dtype = _box(
            "Precision", "float32 is exact; bfloat16 is faster on some processors, with small differences"
        )
        self.backend = _box("Kernels", "The fastest kernels, or the reference implementation for comparison")
        for device in self.session.service.devices():
            self.device.addItem(device.label, device.name)
        for key, name in _KERNELS:
            self.backend.addItem(name, key)
        self.table = ViewTable(self.session, _ROWS, spacing=2, most=2)
        self.table.grid.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        self.figures = self.table.values
        self.heading = label("", "muted")
        self.bars = StageBars()
        self._timer = QTimer(self, interval=_PERIOD_MS)

    def _lay_out(self) -> None:
        self.add(row(self.device, self.dtype))
        self.add(self.backend)
        self.add(self.table)
        self.add(self.heading)
        self.add(self.bars)

    def _bind(self) -> None:
        devices = self.session.devices
        self._timer.timeout.connect(self.refresh)
        self.device.activated.connect(lambda i: self._choose(devices.set_device, self.device.itemData(i)))
        self.dtype.activated.connect(lambda i: self._choose(devices.set_dtype, self.dtype.itemData(i)))
        self.backend.activated.connect(lambda i: self._choose(devices.set_backend, self.backend.itemData(i)))
        devices.changed.connect(self._show_settings)
        self._show_settings()

    def _choose(self, callback: Callable[[Any], None], value: object) -> None:
        self.attempt(lambda: callback(value))
        self._show_settings()  # a refused choice must not stay in the box

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    @Slot()
    def _show_settings(self) -> None:
        settings, devices = self.session.devices.settings, self.session.service.devices()
        if [self.device.itemData(i) for i in range(self.device.count())] != [d.name for d in devices]:
            self.device.clear()  # a device was lost
            for device in devices:
                self.device.addItem(device.label, device.name)
        dtypes = next((d.dtypes for d in devices if d.name == settings.device), (settings.dtype,))
        if [self.dtype.itemData(i) for i in range(self.dtype.count())] != list(dtypes):
            self.dtype.clear()
            for dtype in dtypes:
                self.dtype.addItem(dtype, dtype)
        for box, value in (
            (self.device, settings.device),
            (self.dtype, settings.dtype),
            (self.backend, settings.backend),
        ):
            box.setCurrentIndex(max(0, box.findData(value)))
        disable(
            self.device,
            "" if len(devices) > 1 else "This computer has no other device that can render",
        )
        disable(self.dtype, "" if len(dtypes) > 1 else "This device supports only one precision")

    @Slot()
    def refresh(self) -> None:
        """Show the current figures; the timer stops once the panel is not visible."""
        if not self.isVisible():
            self._timer.stop()
            return
        session = self.session
        for view in range(len(session.state.views)):
            shown = session.info(view) is not None and view in session.visible_views()
            texts = _texts(session.performance(view)) if shown else {}
            for key, _, _ in _ROWS:
                self.figures[key, view].setText(texts.get(key, "\u2013"))
        active = session.active
        stats, info = session.performance(active), session.info(active)
        self.bars.show_groups(active, stage_groups(stats.stages, info))
        self.heading.setText(f"Stages of {letter(active)}:  {self.bars.total_ms:.1f} ms" if info else "")


def _texts(stats: PerformanceStats) -> dict[str, str]:
    reused = sum(s.hit for s in stats.stages)
    ran = len(stats.stages) - reused
    return {
        "fps": f"{stats.fps:.0f} /s",
        "render": f"{stats.total_ms:.1f} ms",
        "latency": _latency(stats.latency_median_ms, stats.latency_p99_ms),
        "hits": f"{stats.hits} of {stats.hits + ran}",
        "dropped": f"{stats.dropped}",
        "cache": f"{stats.cache_bytes / 1e6:.0f} MB",
    }


def _latency(median_ms: float, p99_ms: float) -> str:
    """Return both latencies in the unit that keeps them short: a column has room for about twelve characters."""
    if p99_ms < 999.5:
        return f"{median_ms:.0f} / {p99_ms:.0f} ms"
    decimals = 1 if p99_ms < 9950 else 0
    return f"{median_ms / 1000:.{decimals}f} / {p99_ms / 1000:.{decimals}f} s"


def _box(name: str, tip: str) -> Choice:
    box = Choice()
    box.setAccessibleName(name)
    set_tip(box, tip)
    box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return box
