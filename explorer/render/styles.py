"""The mapping and style stages: from the numbers of a request to the final `ws` and the digest of each row."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

import numpy as np
import torch

from explorer.errors import RenderError
from explorer.latents import style
from explorer.latents.seeds import z_of_seed
from explorer.render.picture_styles import style_of_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.generators.base import Generator
    from explorer.state.request import KeyedArray, LatentPoint, PointBlend, RenderRequest, StyleRecipe

__all__ = ["StyleStage", "Styles"]

MAPPED_LIMIT = 4096
"""Mapped seeds cached for each model: 2 KB each."""

MAPPED_TOGETHER = 4
"""Rows of every call of the mapping network, padded with zeros if fewer are needed.

Always the same number, so that the kernels' order of sums, and with it a picture's last bit, does not depend on
what else was asked for. Four, because that many surround a new point of the plane; more would slow down one seed.
"""

MAX_VIEWS = 16
"""Views whose last styles are cached."""

Weights = tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Styles:
    """Final `ws` `[num_ws, w_dim]`, the base before mixing, the centre `[w_dim]`, and the digests of the rows."""

    ws: NDArray[np.float32]
    base: NDArray[np.float32]
    centre: NDArray[np.float32]
    rows: tuple[bytes, ...]


class StyleStage:
    """Maps seeds (each once) and makes the `ws` of a request. Belongs to the render thread."""

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._info = generator.info
        self._mapped: OrderedDict[tuple[Hashable, Weights], NDArray[np.float32]] = OrderedDict()
        self._last: OrderedDict[Hashable, tuple[bytes, Styles]] = OrderedDict()
        self.made = 0
        """Number of styles computed so far; others were reused."""
        self._centres: OrderedDict[Weights, NDArray[np.float32]] = OrderedDict()

    def make(self, request: RenderRequest, view: Hashable = None) -> Styles:
        """Make the styles of a request; those of a view's last request are reused while their inputs are equal."""
        digest = request.style.digest
        known = self._last.get(view)
        if known is not None and known[0] == digest:
            return known[1]
        styles = self._compute(request.style)
        self.made += 1
        self._last[view] = (digest, styles)
        self._last.move_to_end(view)
        while len(self._last) > MAX_VIEWS:
            self._last.popitem(last=False)
        return styles

    def centre(self, weights: Weights) -> NDArray[np.float32]:
        """Return the centre of truncation `[w_dim]` under mixed classes; the same array for the same ones."""
        found = self._centres.get(weights)
        if found is None:
            c = self._classes(weights, 1)
            mean = self._generator.w_avg if c is None else self._generator.w_mean(c)[0]
            found = mean.detach().float().cpu().numpy().copy()
            found.setflags(write=False)
            self._centres[weights] = found
            while len(self._centres) > MAPPED_LIMIT:
                self._centres.popitem(last=False)
        return found

    def _classes(self, weights: Weights, rows: int) -> Tensor | None:
        """Return mixed classes as the network takes them, `[rows, c_dim]`; None if it has none."""
        if not self._info.c_dim:
            return None
        c = torch.zeros(rows, self._info.c_dim, device=self._generator.device)
        for index, weight in weights:
            c[:, index] = weight
        return c

    def mapped(self, key: Hashable, z: NDArray[np.float32], weights: Weights) -> NDArray[np.float32]:
        """Return `w` `[w_dim]` of one `z` under mixed classes, mapped once for each (key, classes)."""
        full_key = (key, weights)
        w = self._mapped.get(full_key)
        if w is None:
            (w,) = self._map([z], weights)
            self._store(full_key, w)
        else:
            self._mapped.move_to_end(full_key)
        return w

    def _store(self, full_key: tuple[Hashable, Weights], w: NDArray[np.float32]) -> None:
        self._mapped[full_key] = w
        while len(self._mapped) > MAPPED_LIMIT:
            self._mapped.popitem(last=False)

    def _map_seeds(self, recipe: StyleRecipe) -> None:
        """Map a picture's seeds that are not cached yet, in one call."""
        weights = recipe.class_weights
        new = [seed for seed in dict.fromkeys(_seeds(recipe)) if (seed, weights) not in self._mapped]
        mapped = self._map([z_of_seed(seed, self._info.z_dim) for seed in new], weights)
        for seed, w in zip(new, mapped, strict=True):
            self._store((seed, weights), w)

    def _map(self, zs: Sequence[NDArray[np.float32]], weights: Weights) -> list[NDArray[np.float32]]:
        device, c = self._generator.device, self._classes(weights, MAPPED_TOGETHER)
        result: list[NDArray[np.float32]] = []
        for begin in range(0, len(zs), MAPPED_TOGETHER):
            part = np.zeros((MAPPED_TOGETHER, self._info.z_dim), np.float32)
            count = len(zs[begin : begin + MAPPED_TOGETHER])
            part[:count] = zs[begin : begin + count]
            mapped = self._generator.mapping(torch.tensor(part, device=device), c)
            ws = mapped[:count].detach().float().cpu().numpy()
            if not np.isfinite(ws).all():
                raise RenderError("The mapping network returned non-finite values.", "Choose another seed.")
            result += [w.copy() for w in ws]
        for w in result:
            w.setflags(write=False)
        return result

    def _point(self, point: LatentPoint, weights: Weights) -> NDArray[np.float32]:
        centre = anchor = self.centre(weights)
        if point.stored is not None:
            anchor = point.stored.array
            if point.space == "picture":
                anchor = self._encoded(point.stored, weights)
            elif point.space == "z":
                anchor = self.mapped(point.stored.digest, anchor, weights)
        elif point.blend is not None:
            anchor = self._blend(point.blend, weights)
        z_dim = self._info.z_dim
        terms = [(self.mapped(seed, z_of_seed(seed, z_dim), weights), weight) for seed, weight in point.seeds]
        return style.blend(anchor, centre, terms)

    def _encoded(self, picture: KeyedArray, weights: Weights) -> NDArray[np.float32]:
        """Return the style of a picture: the weighted mean of those of its classes, each encoded once."""
        styles, labels = [], [index for index, _ in weights]
        for label in labels or (None,):
            key = (("picture", picture.digest, label), ())
            style = self._mapped.get(key)
            if style is None:
                style = style_of_picture(self._generator, picture.array, label)
                self._store(key, style)
            self._mapped.move_to_end(key)
            styles.append(style)
        if len(styles) == 1:
            return styles[0]
        mixed: NDArray[np.float32] = np.average(styles, axis=0, weights=[w for _, w in weights]).astype(np.float32)
        return mixed

    def _blend(self, blend: PointBlend, weights: Weights) -> NDArray[np.float32]:
        """Return the weighted sum: `w` `[w_dim]`, or `ws` `[num_ws, w_dim]` where the parts have it."""
        fractions = [fraction for _, fraction in blend.parts]
        if blend.space == "z":
            zs = [self._z(recipe.base) for recipe, _ in blend.parts]
            z = style.blend_of(zs, fractions, np.zeros_like(zs[0]), spherical=blend.spherical)
            return self._map([z], weights)[0]
        if blend.space == "w":
            points = [self._point(recipe.base, weights) for recipe, _ in blend.parts]
        else:
            points = [self._edited(recipe)[1] for recipe, _ in blend.parts]
        if len({point.ndim for point in points}) > 1:
            points = [style.broadcast(point, self._info.num_ws) for point in points]
        return style.blend_of(points, fractions, self.centre(weights), spherical=blend.spherical)

    def _z(self, point: LatentPoint) -> NDArray[np.float32]:
        """Return the input of the mapping network for a point that has one."""
        if point.blend is not None:
            zs = [self._z(recipe.base) for recipe, _ in point.blend.parts]
            fractions = [fraction for _, fraction in point.blend.parts]
            return style.blend_of(zs, fractions, np.zeros_like(zs[0]), spherical=point.blend.spherical)
        if point.stored is not None:
            return point.stored.array
        return z_of_seed(point.seeds[0][0], self._info.z_dim)

    def _compute(self, recipe: StyleRecipe) -> Styles:
        with np.errstate(over="ignore", invalid="ignore"):  # checked below, with a message
            base, ws = self._edited(recipe)
        if not np.isfinite(ws).all():
            raise RenderError("The latent overflows.", "Undo the last edit, or lower psi.", command="Lower --psi.")
        rows = tuple(blake2b(row, digest_size=16).digest() for row in ws)
        return Styles(ws, base, self.centre(recipe.class_weights), rows)

    def _edited(self, r: StyleRecipe) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        self._map_seeds(r)
        weights = r.class_weights
        base = style.apply_edits(self._point(r.base, weights), r.edits_at("w"))
        sources = [self._point(source, weights) for source in r.sources]
        ws = style.broadcast(base, self._info.num_ws)
        ws = style.mix(ws, sources, r.mix)
        ws = style.truncate(ws, self.centre(weights), r.psi)
        ws = style.apply_edits(ws, r.edits_at("ws"))
        ws = np.ascontiguousarray(ws, dtype=np.float32)
        ws.setflags(write=False)
        return base, ws


def _seeds(recipe: StyleRecipe) -> Iterator[int]:
    """Yield the seeds that a picture's points map."""
    for point in (recipe.base, *recipe.sources):
        yield from (seed for seed, _ in point.seeds)
        if point.blend is not None and point.blend.space != "z":
            for part, _ in point.blend.parts:
                yield from _seeds(part)
