"""LookIntents: one method per user action on looks; each is a named undo step, or part of a stroke."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject

from explorer.edits.offset import find_offset
from explorer.edits.registry import describe
from explorer.latents.groups import GROUPS, group_of
from explorer.latents.seeds import SEED_COUNT, plane_seed
from explorer.state import (
    ASPECTS,
    Classes,
    Crop,
    Edit,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Offset,
    Transform,
    with_look,
)
from explorer.state.parameters import CONTROLS
from explorer.state.timeline_edits import with_edits_reordered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from explorer.session.core import SessionCore

__all__ = ["LookIntents"]


class LookIntents(QObject):
    """Changes to the look of the active view (shared with the views linked to it). GUI thread only."""

    def __init__(self, session: SessionCore) -> None:
        super().__init__(session)
        self._session = session

    @property
    def _look(self) -> Look:
        return self._session.look_of()

    def set_parameter(self, path: str, value: float) -> None:
        """Set a parameter of the look by its path in `CONTROLS`, such as "transform.x"."""
        parameter, aspect = CONTROLS[path], path.partition(".")[0]
        self._session.edit(parameter.title, **{aspect: getattr(parameter.changed(self._look, value), aspect)})

    # -- latent --------------------------------------------------------------------------------------------

    def set_seed(self, seed: int) -> None:
        """Go to a seed, the centre of a new plane."""
        self._session.edit("Seed", latent=Latent(seed=seed % SEED_COUNT))

    def drag(self, mode: str, dx: float, dy: float) -> None:
        """Follow a drag of a picture: "walk" by seeds, "move" by image widths, or "rotate" by `dx` degrees."""
        if mode == "walk":
            self.walk(dx, dy)
        elif mode == "move":
            self.move(dx, dy)
        else:
            self.rotate_by(dx)

    def walk(self, dx: float, dy: float) -> None:
        """Walk the latent plane by (dx, dy) seeds; this stops a drift."""
        latent = self._look.latent
        self._session.edit("Walk", latent=replace(latent, x=latent.x + dx, y=latent.y + dy), drift=0.0)

    def set_latent_xy(self, x: float, y: float) -> None:
        """Go to a point of the latent plane."""
        self._session.edit("Walk", latent=replace(self._look.latent, x=x, y=y), drift=0.0)

    def snap(self) -> None:
        """Go to the nearest seed, which becomes the centre of the plane."""
        latent = self._look.latent
        i, j = round(latent.x), round(latent.y)
        if latent.stored or latent.blend is not None:
            self._session.edit("Snap", latent=replace(latent, x=float(i), y=float(j)), drift=0.0)
        else:
            self._session.edit("Snap", latent=Latent(seed=plane_seed(latent.seed, i, j)), drift=0.0)

    def set_drift(self, seeds_per_second: float) -> None:
        """Set the speed of the drift along x; 0 stops it."""
        self._session.edit("Drift", drift=seeds_per_second)

    def use_stored(self, key: str) -> None:
        """Make a stored latent the centre of the plane; "" returns to the seed."""
        self._session.edit("Stored latent", latent=replace(self._look.latent, stored=key, blend=None, x=0.0, y=0.0))

    # -- truncation ----------------------------------------------------------------------------------------

    def set_psi(self, psi: float) -> None:
        """Set truncation, clamped to the range of its slider."""
        psi_range = CONTROLS["truncation.psi"]
        self.set_parameter("truncation.psi", min(max(psi, psi_range.low), psi_range.high))

    def set_cutoff(self, cutoff: int | None) -> None:
        """Set how many entries of `ws` are truncated; None means all."""
        self._session.edit("Cutoff", truncation=replace(self._look.truncation, cutoff=cutoff))

    def set_layer_psi(self, index: int, value: float | None) -> None:
        """Set psi of one entry of `ws`; None resets it to the common value."""
        truncation = self._look.truncation
        pairs = {i: p for i, p in truncation.layer_psi if i != index}
        if value is not None:
            pairs[index] = value
        self._session.edit(
            "Layer truncation", truncation=replace(truncation, layer_psi=tuple(sorted(pairs.items())))
        )

    def set_camera_lock(self, amount: float) -> None:
        """Hold the camera of a network whose entry 0 of `ws` styles its input alone: 0 leaves it free, 1 fixes it.

        The camera of the average latent is that of entry 0 truncated to psi 0 (Alaluf et al. 2022).
        """
        psi = self._look.truncation.psi
        self.set_layer_psi(0, psi * (1.0 - amount) if amount else None)

    # -- mixing --------------------------------------------------------------------------------------------

    def set_mix(self, layer: int, source: int, amount: float) -> None:
        """Mix `amount` (0..1) of a source into one entry of `ws`; 0 removes the entry from the mixing."""
        self._set_rows("Style mixing", (layer,), source, amount)

    def set_mix_group(
        self, group: Literal["coarse", "middle", "fine"], amount: float, source: int | None = None
    ) -> None:
        """Set the amount of all entries of a group; each keeps its source unless one is given."""
        info = self._session.info(self._session.active)
        if info is None or group not in GROUPS:
            return
        layers = tuple(i for i in range(info.num_ws) if group_of(info, i) == group)
        self._set_rows(f"Mix {group} styles", layers, source, amount)

    def _set_rows(self, name: str, layers: Iterable[int], source: int | None, amount: float) -> None:
        mixing = self._look.mixing
        rows = {row.layer: row for row in mixing.rows}
        amount = CONTROLS["mixing.amount"].clamped(amount)
        for layer in layers:
            number = source if source is not None else rows[layer].source if layer in rows else 0
            rows[layer] = MixRow(layer, number, amount)
            if amount == 0.0 and number == 0:
                del rows[layer]
        self._session.edit(name, mixing=replace(mixing, rows=tuple(rows[i] for i in sorted(rows))))

    def add_mix_source(self, source: MixSource) -> None:
        """Add a source of mixing."""
        mixing = self._look.mixing
        self._session.edit("Add source", mixing=replace(mixing, sources=(*mixing.sources, source)))

    def set_mix_source(self, index: int, source: MixSource) -> None:
        """Replace a source of mixing."""
        mixing = self._look.mixing
        sources = list(mixing.sources)
        sources[index] = source
        self._session.edit("Mix source", mixing=replace(mixing, sources=tuple(sources)))

    def remove_mix_source(self, index: int) -> None:
        """Remove a source of mixing and the rows that use it; the last source stays."""
        mixing = self._look.mixing
        if len(mixing.sources) < 2:
            return
        sources = mixing.sources[:index] + mixing.sources[index + 1 :]
        rows = tuple(
            replace(row, source=row.source - (row.source > index)) for row in mixing.rows if row.source != index
        )
        self._session.edit("Remove source", mixing=Mixing(sources, rows))

    def clear_mixing(self) -> None:
        """Remove every entry from the mixing; the sources stay."""
        self._session.edit("Clear mixing", mixing=replace(self._look.mixing, rows=()))

    # -- classes, noise ------------------------------------------------------------------------------------

    def set_class_weights(self, weights: Iterable[tuple[int, float]]) -> None:
        """Mix classes of a conditional model by weight; empty means class 0."""
        kept = {int(i): float(w) for i, w in weights if w > 0.0}
        self._session.edit("Class", classes=Classes(tuple(sorted(kept.items()))))

    def set_noise(self, **fields: Any) -> None:
        """Change fields of `Noise`: mode, seed, strength."""
        self._session.edit("Noise", noise=replace(self._look.noise, **fields))

    def set_noise_layer(self, name: str, strength: float) -> None:
        """Set the factor on one layer's noise; 1 is the default."""
        noise = self._look.noise
        pairs = {n: s for n, s in noise.layer_strengths if n != name}
        if strength != 1.0:
            pairs[name] = strength
        self._session.edit("Layer noise", noise=replace(noise, layer_strengths=tuple(sorted(pairs.items()))))

    # -- transform -----------------------------------------------------------------------------------------

    def set_transform(self, **fields: Any) -> None:
        """Change fields of `Transform`."""
        self._session.edit("Transform", transform=replace(self._look.transform, **fields))

    def move(self, dx: float, dy: float) -> None:
        """Move the picture by (dx, dy) image widths, right and down."""
        t = self._look.transform
        self._session.edit("Move", transform=replace(t, x=t.x + dx, y=t.y + dy))

    def rotate_by(self, degrees: float) -> None:
        """Rotate the picture counter-clockwise; the angle is wrapped to -180..180 degrees."""
        t = self._look.transform
        angle = (t.rotate + degrees + 180.0) % 360.0 - 180.0
        self._session.edit("Rotate", transform=replace(t, rotate=angle))

    def reset_transform(self) -> None:
        """Reset the transform to the identity."""
        self._session.edit("Reset transform", transform=Transform())

    def set_animation(self, **fields: Any) -> None:
        """Change fields of `Animation`: kind, speed, radius."""
        t = self._look.transform
        self._session.edit("Animation", transform=replace(t, animation=replace(t.animation, **fields)))

    # -- edits ---------------------------------------------------------------------------------------------

    def set_offset(self, values: Iterable[float], first: int = 0, last: int | None = None) -> None:
        """Set the values added to entries first..last of `ws`; all zeros remove them."""
        offset = Offset(tuple(float(v) for v in values), first, last)
        edits = list(self._look.edits)
        number = find_offset(edits, first, last, len(offset.values))  # other widths belong to other models
        if number is None:
            edits.append(Edit(offset))
        else:
            edits[number] = replace(edits[number], value=offset)
        if not any(offset.values):
            del edits[-1 if number is None else number]
        self._session.edit("Edit w", edits=tuple(edits))

    def add_edit(self, edit: Edit) -> None:
        """Add an edit, which is applied after all others."""
        self._session.edit(describe(edit), edits=(*self._look.edits, edit))

    def set_edit(self, index: int, edit: Edit) -> None:
        """Change an edit."""
        edits = list(self._look.edits)
        edits[index] = edit
        self._session.edit(describe(edit), edits=tuple(edits))

    def switch_edit(self, index: int, is_on: bool) -> None:
        """Switch an edit on or off; while off, it is kept but has no effect."""
        edits = list(self._look.edits)
        edits[index] = replace(edits[index], is_on=is_on)
        name = _decapitalized(describe(edits[index]), "Switch on" if is_on else "Switch off")
        self._session.edit(name, edits=tuple(edits))

    def move_edit(self, index: int, by: int) -> None:
        """Move an edit by a number of positions: negative towards the first, positive towards the last.

        Tracks of edits move with them.
        """
        edits = list(self._look.edits)
        target = min(max(index + by, 0), len(edits) - 1)
        if target == index:
            return
        order = list(range(len(edits)))
        order.insert(target, order.pop(index))
        self._reorder(_decapitalized(describe(edits[index]), "Move"), order)

    def remove_edit(self, index: int) -> None:
        """Remove an edit and its tracks."""
        edits = self._look.edits
        kept = [i for i in range(len(edits)) if i != index]
        self._reorder(_decapitalized(describe(edits[index]), "Remove"), kept)

    def _reorder(self, name: str, order: list[int]) -> None:
        """Keep the edits with these old indices, in this order, and renumber the tracks of the same look."""
        state, edits = self._session.store.state, self._look.edits
        view = self._session.active if "edits" in state.views[self._session.active].unlinked else -1
        timeline = with_edits_reordered(state.timeline, view, order)
        made = with_look(state, self._session.active, edits=tuple(edits[i] for i in order))
        self._session.store.update(replace(made, timeline=timeline), name)

    def clear_edits(self) -> None:
        """Remove every edit."""
        self._session.edit("Clear edits", edits=())

    def reset(self) -> None:
        """Reset every control of the active view to its default; the latent and the source picture are kept."""
        default = replace(Look(), source=replace(self._look.source, crop=Crop()))
        aspects = {name: getattr(default, name) for name in ASPECTS if name != "latent"}
        self._session.edit("Reset", **aspects)


def _decapitalized(noun: str, verb: str) -> str:
    """Return "Remove nudge" for "Nudge" and "Remove"."""
    return f"{verb} {noun[:1].lower()}{noun[1:]}"
