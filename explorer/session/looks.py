"""LookIntents: one method per user action on looks; each is a named undo step, or part of a stroke."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from explorer.edits.offset import find_offset
from explorer.edits.registry import describe
from explorer.latents.groups import GROUPS, group_of
from explorer.latents.seeds import SEED_COUNT, plane_seed
from explorer.session.core import SessionCore
from explorer.state import (
    ASPECTS,
    Classes,
    Edit,
    Latent,
    Layout,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Offset,
    Transform,
    look_of,
    with_look,
)
from explorer.state.parameters import CONTROLS
from explorer.state.timeline_edits import with_edits_reordered
from explorer.state.view_layout import MAX_VIEWS, compared, is_overlaid, with_active, with_order, with_view_added
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LookIntents"]


class LookIntents(SessionCore):
    """Changes to the look of the active view (shared with the views linked to it). GUI thread only."""

    def set_parameter(self, path: str, value: float) -> None:
        """Set a parameter of the look by its path in `CONTROLS`, such as "transform.x"."""
        parameter, aspect = CONTROLS[path], path.partition(".")[0]
        self.edit(parameter.title, **{aspect: getattr(parameter.changed(self.look(), value), aspect)})

    # -- latent --------------------------------------------------------------------------------------------

    def set_seed(self, seed: int) -> None:
        """Go to a seed, the centre of a new plane."""
        self.edit("Seed", latent=Latent(seed=seed % SEED_COUNT))

    def walk(self, dx: float, dy: float) -> None:
        """Walk the latent plane by (dx, dy) seeds; this stops a drift."""
        latent = self.look().latent
        self.edit("Walk", latent=replace(latent, x=latent.x + dx, y=latent.y + dy), drift=0.0)

    def set_latent_xy(self, x: float, y: float) -> None:
        """Go to a point of the latent plane."""
        self.edit("Walk", latent=replace(self.look().latent, x=x, y=y), drift=0.0)

    def snap(self) -> None:
        """Go to the nearest seed, which becomes the centre of the plane."""
        latent = self.look().latent
        i, j = round(latent.x), round(latent.y)
        if latent.stored or latent.blend is not None:
            self.edit("Snap", latent=replace(latent, x=float(i), y=float(j)), drift=0.0)
        else:
            self.edit("Snap", latent=Latent(seed=plane_seed(latent.seed, i, j)), drift=0.0)

    def set_drift(self, seeds_per_second: float) -> None:
        """Set the speed of the drift along x; 0 stops it."""
        self.edit("Drift", drift=seeds_per_second)

    def use_stored(self, key: str) -> None:
        """Make a stored latent the centre of the plane; "" returns to the seed."""
        self.edit("Stored latent", latent=replace(self.look().latent, stored=key, blend=None, x=0.0, y=0.0))

    # -- truncation ----------------------------------------------------------------------------------------

    def set_psi(self, psi: float) -> None:
        """Set truncation, clamped to the range of its slider."""
        psi_range = CONTROLS["truncation.psi"]
        self.set_parameter("truncation.psi", min(max(psi, psi_range.low), psi_range.high))

    def set_cutoff(self, cutoff: int | None) -> None:
        """Set how many entries of `ws` are truncated; None means all."""
        self.edit("Cutoff", truncation=replace(self.look().truncation, cutoff=cutoff))

    def set_layer_psi(self, index: int, value: float | None) -> None:
        """Set psi of one entry of `ws`; None resets it to the common value."""
        truncation = self.look().truncation
        pairs = {i: p for i, p in truncation.layer_psi if i != index}
        if value is not None:
            pairs[index] = value
        self.edit("Layer truncation", truncation=replace(truncation, layer_psi=tuple(sorted(pairs.items()))))

    # -- mixing --------------------------------------------------------------------------------------------

    def set_mix(self, layer: int, source: int, amount: float) -> None:
        """Mix `amount` (0..1) of a source into one entry of `ws`; 0 removes the entry from the mixing."""
        self._set_rows("Style mixing", (layer,), source, amount)

    def set_mix_group(
        self, group: Literal["coarse", "middle", "fine"], amount: float, source: int | None = None
    ) -> None:
        """Set the amount of all entries of a group; each keeps its source unless one is given."""
        info = self.info(self.active)
        if info is None or group not in GROUPS:
            return
        layers = tuple(i for i in range(info.num_ws) if group_of(info, i) == group)
        self._set_rows(f"Mix {group} styles", layers, source, amount)

    def _set_rows(self, name: str, layers: Iterable[int], source: int | None, amount: float) -> None:
        mixing = self.look().mixing
        rows = {row.layer: row for row in mixing.rows}
        amount = CONTROLS["mixing.amount"].clamped(amount)
        for layer in layers:
            number = source if source is not None else rows[layer].source if layer in rows else 0
            rows[layer] = MixRow(layer, number, amount)
            if amount == 0.0 and number == 0:
                del rows[layer]
        self.edit(name, mixing=replace(mixing, rows=tuple(rows[i] for i in sorted(rows))))

    def add_mix_source(self, source: MixSource) -> None:
        """Add a source of mixing."""
        mixing = self.look().mixing
        self.edit("Add source", mixing=replace(mixing, sources=(*mixing.sources, source)))

    def set_mix_source(self, index: int, source: MixSource) -> None:
        """Replace a source of mixing."""
        mixing = self.look().mixing
        sources = list(mixing.sources)
        sources[index] = source
        self.edit("Mix source", mixing=replace(mixing, sources=tuple(sources)))

    def remove_mix_source(self, index: int) -> None:
        """Remove a source of mixing and the rows that use it; the last source stays."""
        mixing = self.look().mixing
        if len(mixing.sources) < 2:
            return
        sources = mixing.sources[:index] + mixing.sources[index + 1 :]
        rows = tuple(
            replace(row, source=row.source - (row.source > index)) for row in mixing.rows if row.source != index
        )
        self.edit("Remove source", mixing=Mixing(sources, rows))

    def clear_mixing(self) -> None:
        """Remove every entry from the mixing; the sources stay."""
        self.edit("Clear mixing", mixing=replace(self.look().mixing, rows=()))

    # -- classes, noise ------------------------------------------------------------------------------------

    def set_class_weights(self, weights: Iterable[tuple[int, float]]) -> None:
        """Mix classes of a conditional model by weight; empty means class 0."""
        kept = {int(i): float(w) for i, w in weights if w > 0.0}
        self.edit("Class", classes=Classes(tuple(sorted(kept.items()))))

    def set_noise(self, **fields: Any) -> None:
        """Change fields of `Noise`: mode, seed, strength."""
        self.edit("Noise", noise=replace(self.look().noise, **fields))

    def set_noise_layer(self, name: str, strength: float) -> None:
        """Set the factor on one layer's noise; 1 is the default."""
        noise = self.look().noise
        pairs = {n: s for n, s in noise.layer_strengths if n != name}
        if strength != 1.0:
            pairs[name] = strength
        self.edit("Layer noise", noise=replace(noise, layer_strengths=tuple(sorted(pairs.items()))))

    # -- transform -----------------------------------------------------------------------------------------

    def set_transform(self, **fields: Any) -> None:
        """Change fields of `Transform`."""
        self.edit("Transform", transform=replace(self.look().transform, **fields))

    def move(self, dx: float, dy: float) -> None:
        """Move the picture by (dx, dy) image widths, right and down."""
        t = self.look().transform
        self.edit("Move", transform=replace(t, x=t.x + dx, y=t.y + dy))

    def rotate_by(self, degrees: float) -> None:
        """Rotate the picture counter-clockwise; the angle is wrapped to -180..180 degrees."""
        t = self.look().transform
        angle = (t.rotate + degrees + 180.0) % 360.0 - 180.0
        self.edit("Rotate", transform=replace(t, rotate=angle))

    def reset_transform(self) -> None:
        """Reset the transform to the identity."""
        self.edit("Reset transform", transform=Transform())

    def set_animation(self, **fields: Any) -> None:
        """Change fields of `Animation`: kind, speed, radius."""
        t = self.look().transform
        self.edit("Animation", transform=replace(t, animation=replace(t.animation, **fields)))

    # -- edits ---------------------------------------------------------------------------------------------

    def set_offset(self, values: Iterable[float], first: int = 0, last: int | None = None) -> None:
        """Set the values added to entries first..last of `ws`; all zeros remove them."""
        offset = Offset(tuple(float(v) for v in values), first, last)
        edits = list(self.look().edits)
        number = find_offset(edits, first, last, len(offset.values))  # other widths belong to other models
        if number is None:
            edits.append(Edit(offset))
        else:
            edits[number] = replace(edits[number], value=offset)
        if not any(offset.values):
            del edits[-1 if number is None else number]
        self.edit("Edit w", edits=tuple(edits))

    def add_edit(self, edit: Edit) -> None:
        """Add an edit, which is applied after all others."""
        self.edit(describe(edit), edits=(*self.look().edits, edit))

    def set_edit(self, index: int, edit: Edit) -> None:
        """Change an edit."""
        edits = list(self.look().edits)
        edits[index] = edit
        self.edit(describe(edit), edits=tuple(edits))

    def switch_edit(self, index: int, is_on: bool) -> None:
        """Switch an edit on or off; while off, it is kept but has no effect."""
        edits = list(self.look().edits)
        edits[index] = replace(edits[index], is_on=is_on)
        name = _decapitalized(describe(edits[index]), "Switch on" if is_on else "Switch off")
        self.edit(name, edits=tuple(edits))

    def move_edit(self, index: int, by: int) -> None:
        """Move an edit by a number of positions: negative towards the first, positive towards the last.

        Tracks of edits move with them.
        """
        edits = list(self.look().edits)
        target = min(max(index + by, 0), len(edits) - 1)
        if target == index:
            return
        order = list(range(len(edits)))
        order.insert(target, order.pop(index))
        self._reorder(_decapitalized(describe(edits[index]), "Move"), order)

    def remove_edit(self, index: int) -> None:
        """Remove an edit and its tracks."""
        edits = self.look().edits
        kept = [i for i in range(len(edits)) if i != index]
        self._reorder(_decapitalized(describe(edits[index]), "Remove"), kept)

    def _reorder(self, name: str, order: list[int]) -> None:
        """Keep the edits with these old indices, in this order, and renumber the tracks of the same look."""
        state, edits = self.store.state, self.look().edits
        view = self.active if "edits" in state.views[self.active].unlinked else -1
        timeline = with_edits_reordered(state.timeline, view, order)
        made = with_look(state, self.active, edits=tuple(edits[i] for i in order))
        self.store.update(replace(made, timeline=timeline), name)

    def clear_edits(self) -> None:
        """Remove every edit."""
        self.edit("Clear edits", edits=())

    # -- views ---------------------------------------------------------------------------------------------

    def set_tap(self, view: int, **fields: Any) -> None:
        """Change which part of the network a view shows."""
        self.edit_view(view, "Layer", tap=replace(self.store.state.views[view].tap, **fields))

    def set_active(self, view: int) -> None:
        """Set the active view and make it visible; no undo step."""
        if 0 <= view < len(self.store.state.views):
            self.store.update_transient(with_active(self.store.state, view))

    def set_layout(self, name: Layout) -> None:
        """Choose the layout of the views; no undo step."""
        state = replace(self.store.state, layout=name)
        self.store.update_transient(with_active(state, state.active))

    def show_view(self, view: int) -> None:
        """Show a single view and make it active; no undo step."""
        if 0 <= view < len(self.store.state.views):
            self.store.update_transient(replace(self.store.state, layout="single", active=view))

    def set_pair(self, first: int, second: int) -> None:
        """Choose the two views that wipe and flicker compare; no undo step."""
        state = self.store.state
        if first != second and {first, second} <= set(range(len(state.views))):
            active = state.active if not is_overlaid(state) or state.active in (first, second) else first
            self.store.update_transient(replace(state, pair=(first, second), active=active))

    def add_view(self, model: str | None = None) -> None:
        """Add a view at the end, linked in all aspects, with the active view's model unless another is given."""
        state = self.store.state
        if len(state.views) < MAX_VIEWS:
            model = state.views[state.active].model if model is None else model
            self.store.update(with_view_added(state, model), "Add view")

    def remove_view(self, view: int | None = None) -> None:
        """Remove a view, by default the active one; later views move up. The last remaining view stays."""
        state = self.store.state
        view = state.active if view is None else view
        if len(state.views) > 1 and 0 <= view < len(state.views):
            self._reorder_views([i for i in range(len(state.views)) if i != view], f"Remove view {letter(view)}")

    def swap_views(self) -> None:
        """Swap the two views that a wipe compares."""
        state = self.store.state
        if len(state.views) > 1:
            first, second = compared(state)
            order = list(range(len(state.views)))
            order[first], order[second] = second, first
            self._reorder_views(order, f"Swap {letter(first)} and {letter(second)}")

    def _reorder_views(self, order: list[int], name: str) -> None:
        """Reorder the views, including models that are being loaded."""
        state = self.store.state
        records = {view: self.record(view) for view in range(len(state.views))}
        coming = {view: r.loading for view, r in records.items() if r.loading and r.load.is_by_user}
        for view in coming:
            self.cancel_load(view)
        self.store.update(with_order(state, order), name)
        for place, view in enumerate(order):
            if view in coming:
                self.set_model(place, coming[view])

    def set_link(self, view: int, aspect: str, is_linked: bool) -> None:
        """Link an aspect of a view to the shared look, whose value it takes, or unlink it, keeping its value."""
        if aspect not in ASPECTS:
            raise ValueError(f"no aspect of a look is called {aspect!r}")
        v, look = self.store.state.views[view], look_of(self.store.state, view)
        # A drift moves the latent, so both are linked and unlinked together.
        aspects = {"latent", "drift"} if aspect in ("latent", "drift") else {aspect}
        if is_linked:
            self.edit_view(view, "Link views", unlinked=v.unlinked - aspects)
        else:
            own = replace(v.own, **{name: getattr(look, name) for name in aspects})
            self.edit_view(view, "Unlink views", unlinked=v.unlinked | aspects, own=own)

    def reset(self) -> None:
        """Reset every control of the active view to its default; the latent is kept."""
        default = Look()
        aspects = {name: getattr(default, name) for name in ASPECTS if name != "latent"}
        self.edit("Reset", **aspects)


def _decapitalized(noun: str, verb: str) -> str:
    """Return "Remove nudge" for "Nudge" and "Remove"."""
    return f"{verb} {noun[:1].lower()}{noun[1:]}"
