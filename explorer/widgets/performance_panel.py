"""How fast it goes: stages, frame rate, latency, cache, dropped frames, and where it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from explorer.widgets.panel import Panel
from explorer.widgets.parts import label, row, value_label
from explorer.widgets.plots import StageBars
from explorer.widgets.theme import GRID

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["PerformancePanel"]

_PERIOD_MS = 250
_ROWS = (
    ("fps", "Shown", "Pictures shown in the last second"),
    ("render", "Render", "Time to make the last picture"),
    ("latency", "Latency", "From the wish to its first paint"),
    ("hits", "Kept stages", "Stages of the last picture that came from the cache"),
    ("dropped", "Overtaken", "Wishes that a newer one overtook before they were rendered"),
    ("cache", "Cache", "Memory of kept stages"),
)


class PerformancePanel(Panel):
    """Figures of both views, four times a second while the panel is seen."""

    key = "performance"
    title = "Performance"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self.device, self.dtype, self.backend = QComboBox(), QComboBox(), QComboBox()
        self.device.setToolTip("Where pictures are computed")
        self.dtype.setToolTip("Precision: float32 is exact, bfloat16 is faster on some processors")
        self.backend.setToolTip("Kernels: the fastest there are, or the readable reference to compare with")
        for device in session.service.devices():
            self.device.addItem(device.label, device.name)
        self.backend.addItem("fast kernels", "auto")
        self.backend.addItem("reference kernels", "reference")
        self.figures: dict[tuple[str, int], QWidget] = {}
        table = QWidget()
        grid = QGridLayout(table)
        grid.setContentsMargins(0, GRID // 2, 0, GRID // 2)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        for column, name in enumerate("AB", start=1):
            grid.addWidget(label(name, "muted"), 0, column)
        for i, (key, name, tip) in enumerate(_ROWS, start=1):
            title = label(name)
            title.setToolTip(tip)
            grid.addWidget(title, i, 0)
            for view in range(2):
                value = value_label("\u2013")
                value.setMinimumWidth(64)
                self.figures[key, view] = value
                grid.addWidget(value, i, view + 1)
        self.bars = StageBars()
        self.add(row(self.device, self.dtype))
        self.add(self.backend)
        self.add(table)
        self.add(self.bars)
        self._timer = QTimer(self, interval=_PERIOD_MS)
        self._timer.timeout.connect(self.refresh)
        self.device.activated.connect(lambda i: self.attempt(lambda: session.set_device(self.device.itemData(i))))
        self.dtype.activated.connect(lambda i: self.attempt(lambda: session.set_dtype(self.dtype.itemData(i))))
        self.backend.activated.connect(lambda i: session.set_backend(self.backend.itemData(i)))
        session.settings_changed.connect(self._show_settings)
        self._show_settings()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def _show_settings(self) -> None:
        settings = self.session.render_settings
        self.device.setCurrentIndex(max(0, self.device.findData(settings.device)))
        self.dtype.clear()
        for device in self.session.service.devices():
            if device.name == settings.device:
                for dtype in device.dtypes:
                    self.dtype.addItem(dtype, dtype)
        self.dtype.setCurrentIndex(max(0, self.dtype.findData(settings.dtype)))
        self.backend.setCurrentIndex(max(0, self.backend.findData(settings.backend)))

    def refresh(self) -> None:
        """Show the figures as they are now; stops by itself once the panel is out of sight."""
        if not self.isVisible():
            self._timer.stop()
            return
        for view in range(2):
            facts = self.session.performance(view)
            texts = {
                "fps": f"{facts.fps:.0f} fps",
                "render": f"{facts.total_ms:.1f} ms",
                "latency": f"{facts.latency_ms:.0f} ms",
                "hits": f"{facts.hits} of {len(facts.stages)}",
                "dropped": f"{facts.dropped}",
                "cache": f"{facts.cache_bytes / 1e6:.0f} MB",
            }
            shown = self.session.info(view) is not None and view in self.session.visible_views()
            for key, text in texts.items():
                figure = self.figures[key, view]
                figure.setText(text if shown else "\u2013")  # type: ignore[attr-defined]
        active = self.session.state.active
        stages = self.session.performance(active).stages
        self.bars.set_stages(active, [(s.name, s.ms, s.hit) for s in stages])
