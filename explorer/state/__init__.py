"""The explorer's whole state as one frozen value: what is shown, how it is rendered, and where.

Everything here is immutable, hashable and made of plain numbers, strings and tuples, so that undo is a list of
states, a project file is JSON, a keyframe is a state, and "did it change?" is `!=`. Arrays are never stored:
a loaded latent is named by its id in a `AssetTable` (`explorer.assets.table`).

A `Look` is everything that decides a generator's picture. The state has one shared look, and one of its own
for each view; a view follows the shared look in the aspects it is linked to.
"""

from __future__ import annotations

from explorer.edits import (
    Bend,
    Direction,
    Edit,
    EditValue,
    Nudge,
    Offset,
    StyleChannels,
    StyleDirection,
    UnknownEdit,
)
from explorer.state.breeding import Breeding, Heredity, LineageNode, Origin
from explorer.state.explorer_state import ExplorerState, Layout, look_of, with_look
from explorer.state.lab import Lab, Slit
from explorer.state.latent_map import LatentMap, Pin
from explorer.state.latents import Blend, BlendPoint, Latent, Mixing, MixRow, MixSource, Truncation
from explorer.state.look import ASPECTS, Animation, Classes, Crop, Look, Noise, Source, Transform
from explorer.state.timeline import (
    Keyframe,
    LatentLoop,
    ParameterKeyframe,
    RecordedState,
    Segment,
    Timeline,
    Track,
)
from explorer.state.views import Snapshot, Tap, ViewState

__all__ = [
    "ASPECTS",
    "Animation",
    "Bend",
    "Blend",
    "BlendPoint",
    "Breeding",
    "Classes",
    "Crop",
    "Direction",
    "Edit",
    "EditValue",
    "ExplorerState",
    "Heredity",
    "Keyframe",
    "Lab",
    "Latent",
    "LatentLoop",
    "LatentMap",
    "Layout",
    "LineageNode",
    "Look",
    "MixRow",
    "MixSource",
    "Mixing",
    "Noise",
    "Nudge",
    "Offset",
    "Origin",
    "ParameterKeyframe",
    "Pin",
    "RecordedState",
    "Segment",
    "Slit",
    "Snapshot",
    "Source",
    "StyleChannels",
    "StyleDirection",
    "Tap",
    "Timeline",
    "Track",
    "Transform",
    "Truncation",
    "UnknownEdit",
    "ViewState",
    "look_of",
    "with_look",
]
