"""The numbers of a state that sliders, tracks and options control, each declared once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from explorer.errors import ProjectError
from explorer.state import Look, MixRow
from explorer.state.dragging import DragSettings

if TYPE_CHECKING:
    from explorer.state import Snapshot

__all__ = ["CONTROLS", "DRAG_PARAMETERS", "PARAMETERS", "Parameter", "get_value", "parameter", "set_value"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of the state, declared once for its slider, track, option and limits.

    Attributes:
        path: Its path in a look, such as "transform.x"; paths with "tap." are in a view's tap,
            those of `DRAG_PARAMETERS` in the settings of dragging.
        title: Name in menus and of its undo step.
        unit: Shown after the value; empty for none.
        low: Left end of its slider, lower end of its track. Values beyond it are possible.
        high: Right end of its slider, upper end of its track.
        default: Value in the default state.
        step: Change for one notch of the wheel or one arrow key.
        decimals: Digits shown after the decimal point.
        tip: What it does.
        label: Text beside its slider, in a panel whose heading gives the context; the title by default.
        long_unit: Unit for wide controls; `unit` by default.
        limits: Values beyond these are clamped when rendered; None for no limits.
        is_open: Whether the slider shows values beyond its ends, which a drag on the picture can reach.
    """

    path: str
    title: str
    unit: str
    low: float
    high: float
    default: float = 0.0
    step: float = 0.05
    decimals: int = 2
    tip: str = ""
    label: str = ""
    long_unit: str = ""
    limits: tuple[float, float] | None = None
    is_open: bool = False

    def clamped(self, value: float) -> float:
        """Return the value as rendered: clamped to the limits."""
        return value if self.limits is None else min(max(value, self.limits[0]), self.limits[1])

    def read(self, look: Look) -> float:
        """Return the parameter's value in a look; not for parameters named by a number."""
        return float(attrgetter(self.path)(look))

    def changed(self, look: Look, value: float) -> Look:
        """Return the look with another value; not for parameters named by a number."""
        changed: Look = _with_path(look, self.path.split("."), value)
        return changed


_DRAG = DragSettings()
_PSI = (-2.0, 2.0)
_AMOUNT = (0.0, 1.0)
_FACTOR = (0.0, 4.0)  # on noise

_TRACKS = (
    Parameter(
        "truncation.psi", "Truncation psi", "", *_PSI, 1.0, label="\u03c8",
        tip="1: as drawn. 0: the average picture. Below 0: its opposite.",
    ),
    Parameter("latent.x", "Latent x", "seeds", -4.0, 4.0),
    Parameter("latent.y", "Latent y", "seeds", -4.0, 4.0),
    Parameter("mixing.all", "Mixing, all amounts", "", *_AMOUNT, limits=_AMOUNT),
    Parameter(
        "noise.strength", "Noise strength", "", *_FACTOR, 1.0, label="Strength",
        tip="Factor on the noise of all layers.",
    ),
    Parameter(
        "transform.x", "Move x", "w", -1.0, 1.0, step=0.01, decimals=3, label="x", long_unit="widths",
        tip="Image widths to the right.", is_open=True,
    ),
    Parameter(
        "transform.y", "Move y", "w", -1.0, 1.0, step=0.01, decimals=3, label="y", long_unit="widths",
        tip="Image widths down.", is_open=True,
    ),
    Parameter("transform.rotate", "Rotate", "\u00b0", -180.0, 180.0, step=1.0, decimals=1, tip="Degrees."),
    Parameter("transform.scale_x", "Scale x", "", 0.1, 4.0, 1.0, 0.02, tip="Factor across."),
    Parameter("transform.scale_y", "Scale y", "", 0.1, 4.0, 1.0, 0.02, tip="Factor down."),
    Parameter("transform.shear", "Shear", "", -2.0, 2.0, step=0.02, tip="Shift in x for each unit of y."),
    Parameter(
        "tap.scale_db", "Layer brightness", "dB", -40.0, 40.0, step=1.0, decimals=1, label="Gain",
        tip="Brightens: +6 dB doubles the contrast.",
        limits=(-200.0, 200.0),  # beyond what a display can show, but the factor is still finite
    ),
)  # fmt: skip
DRAG_PARAMETERS = (
    Parameter(
        "drag.rate", "Rate", "\u03c3", 0.002, 0.1, _DRAG.rate, 0.002, 3, limits=(1e-4, 1.0),
        tip="Learning rate: how far one step goes, in standard deviations of the model's latents.",
    ),
    Parameter(
        "drag.spacing", "Template", "", 0.25, 4.0, _DRAG.spacing, 0.25, limits=(0.05, 32.0),
        tip="Radius in which a point is compared, in samples of the features. Larger: steadier, less exact.",
    ),
    Parameter(
        "drag.stride", "Stride", "w", 0.005, 0.1, _DRAG.stride, 0.002, 3, limits=(1e-3, 0.25),
        tip="Radius in which a point is sought again, and its longest way in five steps, in image widths.",
    ),
    Parameter(
        "drag.keep", "\u03bb mask", "", 0.0, 50.0, _DRAG.keep, 1.0, 1, limits=(0.0, 1e4),
        tip="Weight of what may not move, against the points' way. 0: the mask is ignored.",
    ),
    Parameter(
        "drag.tolerance", "Tolerance", "w", 0.002, 0.05, _DRAG.tolerance, 0.001, 3, limits=(5e-4, 0.25),
        tip="How near to its target a point has arrived, in image widths.",
    ),
    Parameter(
        "drag.trust", "Trust", "", 0.2, 5.0, _DRAG.trust, 0.1, 1, limits=(0.01, 100.0),
        tip="How far each layer's latent may go: 1 is the usual distance of a latent from the mean.",
    ),
    Parameter(
        "drag.steps", "Most steps", "", 10.0, 1000.0, _DRAG.steps, 10.0, 0, limits=(1.0, 10_000.0),
        tip="Steps after which a run ends in any case.",
    ),
)  # fmt: skip
"""The numbers of `DragSettings` that have a slider; those settings are not in a look."""

_CONTROLS = (
    Parameter(
        "truncation.layer_psi", "Psi of layer", "", *_PSI, 1.0, tip="Psi of this layer alone; reset: follow psi."
    ),
    Parameter(
        "mixing.amount", "Mix layer", "", *_AMOUNT, tip="0: the base. 1: the chosen source.", limits=_AMOUNT
    ),
    Parameter("noise.layer_strengths", "Noise of layer", "", *_FACTOR, 1.0, tip="Factor on this layer's noise."),
    Parameter(
        "transform.animation.speed", "Motion speed", "", 0.0, 2.0, 0.1, 0.01, label="Speed",
        tip="Image widths (circle, shake) or turns (spin) per second.",
    ),
    Parameter(
        "transform.animation.radius", "Motion radius", "w", 0.0, 0.5, 0.1, 0.01, label="Radius",
        tip="Reach of the motion in image widths.",
    ),
)  # fmt: skip

PARAMETERS: dict[str, Parameter] = {p.path: p for p in _TRACKS}
"""Parameters of every state that tracks can animate, besides `mixing.LAYER`, `edits.NUMBER`, `classes.NUMBER`."""

CONTROLS: dict[str, Parameter] = {p.path: p for p in (*_TRACKS, *_CONTROLS)}
"""Parameters of all sliders, including those that no track animates and those that exist once per layer."""

_NUMBERED = {
    "mixing": ("Mixing, entry", 0.0, 1.0),
    "edits": ("Edit", -5.0, 5.0),
    "classes": ("Class", 0.0, 1.0),
}


def parameter(name: str) -> Parameter:
    """Return the parameter of that name. Raises ProjectError for an unknown one."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    match = re.fullmatch(r"(mixing|edits|classes)\.(\d{1,4})", name)
    if match is None:
        raise ProjectError(f"There is no parameter {name[:40]!r} to animate.", "The file is damaged or newer.")
    title, low, high = _NUMBERED[match[1]]
    return Parameter(name, f"{title} {match[2]}", "", low, high)


def get_value(snapshot: Snapshot, name: str, view: int = -1) -> float:
    """Return the parameter's value in a state; 0 if the edit or row does not exist."""
    part, _, field = name.partition(".")
    if part == "tap":
        return (
            float(getattr(snapshot.views[max(view, 0)].tap, field)) if max(view, 0) < len(snapshot.views) else 0.0
        )
    look = snapshot.shared if view < 0 or view >= len(snapshot.views) else snapshot.views[view].own
    if part == "mixing":
        rows = [r.amount for r in look.mixing.rows if field == "all" or r.layer == int(field)]
        return max(rows, default=0.0)
    if part == "edits":
        number = int(field)
        return look.edits[number].strength if number < len(look.edits) else 0.0
    if part == "classes":
        return dict(look.classes.weights).get(int(field), 0.0)
    return float(getattr(getattr(look, part), field))


def set_value(snapshot: Snapshot, name: str, value: float, view: int = -1) -> Snapshot:
    """Return the state with that one value; a view or edit that does not exist is not added."""
    part, _, field = name.partition(".")
    number = max(view, 0) if part == "tap" else view
    if number >= len(snapshot.views):
        return snapshot
    if number < 0:
        return replace(snapshot, shared=_with(snapshot.shared, part, field, value))
    views = list(snapshot.views)
    if part == "tap":
        views[number] = replace(views[number], tap=_changed(views[number].tap, field, value))
    else:
        views[number] = replace(views[number], own=_with(views[number].own, part, field, value))
    return replace(snapshot, views=tuple(views))


def _with(look: Look, part: str, field: str, value: float) -> Look:
    if part == "mixing":
        rows = _rows(look, field, CONTROLS["mixing.amount"].clamped(value))
        return replace(look, mixing=replace(look.mixing, rows=rows))
    if part == "edits":
        edits = tuple(replace(e, strength=value) if i == int(field) else e for i, e in enumerate(look.edits))
        return replace(look, edits=edits)
    if part == "classes":
        weights = {**dict(look.classes.weights), int(field): max(value, 0.0)}
        return replace(look, classes=replace(look.classes, weights=tuple(sorted(weights.items()))))
    changed: Look = _changed(look, part, _changed(getattr(look, part), field, value))
    return changed


def _rows(look: Look, field: str, amount: float) -> tuple[MixRow, ...]:
    rows = {row.layer: row for row in look.mixing.rows}
    if field == "all":
        return tuple(replace(row, amount=amount) for row in look.mixing.rows)
    layer = int(field)
    rows[layer] = replace(rows.get(layer, MixRow(layer, 0, 0.0)), amount=amount)
    return tuple(rows[k] for k in sorted(rows))


def _changed(value: Any, field: str, new: Any) -> Any:
    return replace(value, **{field: new})


def _with_path(value: Any, path: Sequence[str], new: float) -> Any:
    field, *rest = path
    return replace(value, **{field: _with_path(getattr(value, field), rest, new) if rest else new})
