"""The single numbers that a track can animate, by name: where they stand in a state, and what people call them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from explorer.errors import ProjectError
from explorer.state import Look, MixRow

if TYPE_CHECKING:
    from explorer.state import Snapshot

__all__ = ["PARAMETERS", "Parameter", "get_value", "parameter", "set_value"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that can be animated. `low`..`high` is its usual range, beyond which it may still go."""

    name: str
    title: str
    unit: str
    low: float
    high: float


_PLAIN = (
    Parameter("truncation.psi", "Truncation psi", "", -1.0, 2.0),
    Parameter("latent.x", "Latent x", "seeds", -4.0, 4.0),
    Parameter("latent.y", "Latent y", "seeds", -4.0, 4.0),
    Parameter("mixing.all", "Mixing, all amounts", "", 0.0, 1.0),
    Parameter("noise.strength", "Noise strength", "", 0.0, 4.0),
    Parameter("transform.x", "Move x", "widths", -0.5, 0.5),
    Parameter("transform.y", "Move y", "widths", -0.5, 0.5),
    Parameter("transform.rotate", "Rotate", "\u00b0", -180.0, 180.0),
    Parameter("transform.scale_x", "Scale x", "", 0.25, 4.0),
    Parameter("transform.scale_y", "Scale y", "", 0.25, 4.0),
    Parameter("transform.shear", "Shear", "", -1.0, 1.0),
    Parameter("tap.scale_db", "Layer brightness", "dB", -40.0, 40.0),
)
PARAMETERS: dict[str, Parameter] = {p.name: p for p in _PLAIN}
"""Those that every state has; `mixing.LAYER`, `edits.NUMBER`, `classes.NUMBER` name more."""

_NUMBERED = {
    "mixing": ("Mixing, entry", 0.0, 1.0),
    "edits": ("Edit", -5.0, 5.0),
    "classes": ("Class", 0.0, 1.0),
}


def parameter(name: str) -> Parameter:
    """What is known of a parameter. Raises ProjectError for a name that means nothing."""
    if name in PARAMETERS:
        return PARAMETERS[name]
    match = re.fullmatch(r"(mixing|edits|classes)\.(\d{1,4})", name)
    if match is None:
        raise ProjectError(f"There is no parameter {name[:40]!r} to animate.", "The file is damaged or newer.")
    title, low, high = _NUMBERED[match[1]]
    return Parameter(name, f"{title} {match[2]}", "", low, high)


def get_value(pose: Snapshot, name: str, view: int = -1) -> float:
    """The parameter's value in a state; 0 where an edit or a row is not there."""
    part, _, field = name.partition(".")
    if part == "tap":
        return float(getattr(pose.views[max(view, 0)].tap, field)) if max(view, 0) < len(pose.views) else 0.0
    look = pose.shared if view < 0 or view >= len(pose.views) else pose.views[view].own
    if part == "mixing":
        rows = [r.amount for r in look.mixing.rows if field == "all" or r.layer == int(field)]
        return max(rows, default=0.0)
    if part == "edits":
        number = int(field)
        return look.edits[number].strength if number < len(look.edits) else 0.0
    if part == "classes":
        return dict(look.classes.weights).get(int(field), 0.0)
    return float(getattr(getattr(look, part), field))


def set_value(pose: Snapshot, name: str, value: float, view: int = -1) -> Snapshot:
    """The state with that one value; a view or an edit that is not there stays away."""
    part, _, field = name.partition(".")
    number = max(view, 0) if part == "tap" else view
    if number >= len(pose.views):
        return pose
    if number < 0:
        return replace(pose, shared=_with(pose.shared, part, field, value))
    views = list(pose.views)
    if part == "tap":
        views[number] = replace(views[number], tap=_changed(views[number].tap, field, value))
    else:
        views[number] = replace(views[number], own=_with(views[number].own, part, field, value))
    return replace(pose, views=tuple(views))


def _with(look: Look, part: str, field: str, value: float) -> Look:
    if part == "mixing":
        return replace(look, mixing=replace(look.mixing, rows=_rows(look, field, min(max(value, 0.0), 1.0))))
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
