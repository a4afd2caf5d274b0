"""The list of all panels, in their default order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.session.direction_notes import DirectionNotes
from explorer.widgets.panels.breeding.breed_panel import BreedPanel
from explorer.widgets.panels.breeding.favourites_panel import FavouritesPanel
from explorer.widgets.panels.edits.bend_panel import BendPanel
from explorer.widgets.panels.edits.channels_panel import ChannelsPanel
from explorer.widgets.panels.edits.directions_panel import DirectionsPanel
from explorer.widgets.panels.edits.drag_panel import DragPanel
from explorer.widgets.panels.edits.w_editor import WEditorPanel
from explorer.widgets.panels.lab.meter_panel import MeterPanel
from explorer.widgets.panels.lab.spectrum_panel import SpectrumPanel
from explorer.widgets.panels.lab.sticking_panel import StickingPanel
from explorer.widgets.panels.latent.latent_panel import LatentPanel
from explorer.widgets.panels.latent.map_panel import MapPanel
from explorer.widgets.panels.latent.mixing_panel import MixingPanel
from explorer.widgets.panels.latent.source_panel import SourcePanel
from explorer.widgets.panels.latent.truncation_panel import TruncationPanel
from explorer.widgets.panels.model.model_panel import ModelPanel
from explorer.widgets.panels.synthesis.layers_panel import LayersPanel
from explorer.widgets.panels.synthesis.noise_panel import NoisePanel
from explorer.widgets.panels.synthesis.performance_panel import PerformancePanel
from explorer.widgets.panels.synthesis.transform_panel import TransformPanel

if TYPE_CHECKING:
    from explorer.session import Session
    from explorer.session.settings import Settings
    from explorer.widgets.panels.panel import Panel
    from explorer.widgets.window.file_commands import FileCommands

__all__ = ["make_panels"]


def make_panels(session: Session, files: FileCommands, settings: Settings) -> list[Panel]:
    """Return all panels of the window, those of the left column first."""
    return [
        ModelPanel(session, files),
        LatentPanel(session, files),
        DirectionsPanel(session, DirectionNotes(settings)),
        MapPanel(session),
        BreedPanel(session),
        FavouritesPanel(session),
        SourcePanel(session, files.window.open_film),
        DragPanel(session),
        WEditorPanel(session),
        ChannelsPanel(session),
        BendPanel(session),
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
