"""Which panels there are, in the order of their first place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.widgets.latent_panel import LatentPanel
from explorer.widgets.layers_panel import LayersPanel
from explorer.widgets.meter_panel import MeterPanel
from explorer.widgets.mixing_panel import MixingPanel
from explorer.widgets.model_panel import ModelPanel
from explorer.widgets.noise_panel import NoisePanel
from explorer.widgets.panel import Panel
from explorer.widgets.performance_panel import PerformancePanel
from explorer.widgets.spectrum_panel import SpectrumPanel
from explorer.widgets.sticking_panel import StickingPanel
from explorer.widgets.transform_panel import TransformPanel
from explorer.widgets.truncation_panel import TruncationPanel
from explorer.widgets.w_editor import WEditorPanel

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.widgets.window_files import WindowFiles

__all__ = ["make_panels"]


def make_panels(session: Session, files: WindowFiles) -> list[Panel]:
    """All panels of the window: the left column's first, then the right one's."""
    return [
        ModelPanel(session, files),
        LatentPanel(session, files),
        WEditorPanel(session),
        MixingPanel(session),
        TruncationPanel(session),
        NoisePanel(session),
        TransformPanel(session),
        StickingPanel(session),
        MeterPanel(session),
        SpectrumPanel(session),
        LayersPanel(session),
        PerformancePanel(session),
    ]
