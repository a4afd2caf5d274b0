"""Children of a latent: mutation and crossover by groups of layers, as recipes that every model can follow.

A mutation adds `strength * (w - w_avg)` of a random seed's `w`. Random latents have that difference, so along every
direction the change has `strength` times the standard deviation of the model's latents, with all correlations
between directions, and no statistics need be estimated.

Latents of children are blends of the latents of their ancestors and the seeds of mutations. They are kept flat, one
list of (latent, weight) for each group of layers, however many generations there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from explorer.latents.groups import GROUPS
from explorer.latents.seeds import SEED_COUNT, plane_corners
from explorer.state import Blend, BlendPoint, Latent, Mixing, MixRow, MixSource

if TYPE_CHECKING:
    from explorer.state import Breeding, Heredity

__all__ = ["COUNTS", "Child", "Gene", "children", "genes_of", "heredity_of", "latent_of"]

COUNTS: tuple[int, ...] = (4, 9, 16)
"""Numbers of children that a sheet can have."""

Gene: TypeAlias = tuple[tuple[Latent, float], ...]
"""The latent of one entry of `ws`: `w_avg + sum(weight * (w - w_avg))`."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child of a sheet.

    Attributes:
        latent: Its latent.
        parent: The latent it is a child of.
        number: Its place on the sheet, from 1.
        sheet: The seed of the sheet.
        mutation: The seed whose `w` its mutation is made of.
        traits: For each group of layers that the model has: its name, whether it is of the second parent, and
            whether it was mutated.
    """

    latent: Latent
    parent: Latent
    number: int
    sheet: int
    mutation: int
    traits: tuple[tuple[str, bool, bool], ...]


def children(parent: Latent, breeding: Breeding, groups: Sequence[str]) -> tuple[Child, ...]:
    """Return the children of a latent. Equal arguments give equal children; a larger sheet begins as a smaller one.

    Args:
        parent: The first parent.
        breeding: The settings; crossover needs a second parent.
        groups: Name of the group of each entry of `ws`.
    """
    random = np.random.RandomState(breeding.seed % SEED_COUNT)
    own = genes_of(parent, len(groups))
    other = own if breeding.other is None else genes_of(breeding.other, len(groups))
    found = []
    for number in range(1, breeding.count + 1):
        # Always drawn, so that no setting changes the numbers of the later children.
        mutation = int(random.randint(0, SEED_COUNT, dtype=np.uint64))
        coins = dict(zip(GROUPS, random.random_sample(len(GROUPS)) < 0.5, strict=True))
        traits = {name: _trait(heredity_of(breeding, name), breeding, bool(coins[name])) for name in GROUPS}
        genes = []
        for entry, name in enumerate(groups):
            is_others, is_mutated = traits[name]
            gene = other[entry] if is_others else own[entry]
            genes.append(_added(gene, Latent(mutation), breeding.strength) if is_mutated else gene)
        seen = tuple((name, *traits[name]) for name in GROUPS if name in groups)
        found.append(Child(latent_of(genes), parent, number, breeding.seed, mutation, seen))
    return tuple(found)


def heredity_of(breeding: Breeding, group: str) -> Heredity:
    """Return the settings of a group of layers."""
    heredity: Heredity = getattr(breeding, group)
    return heredity


def _trait(heredity: Heredity, breeding: Breeding, coin: bool) -> tuple[bool, bool]:
    """Return whether a group is of the second parent, and whether it is mutated."""
    is_others = heredity.origin == "other" or (heredity.origin == "random" and coin)
    return is_others and breeding.other is not None, heredity.mutates and breeding.strength != 0.0


# -- latents as genes --------------------------------------------------------------------------------------------


def genes_of(latent: Latent, num_ws: int) -> tuple[Gene, ...]:
    """Return the genes of a latent, one for each entry of `ws`."""
    point = _styles_of(latent)
    if point is None:
        return (_gene_of(latent),) * num_ws
    genes = [_gene_of(point.latent)] * num_ws
    for row in point.mixing.rows:
        if row.layer < num_ws:
            genes[row.layer] = _gene_of(point.mixing.sources[row.source].latent)
    return tuple(_walked(gene, latent) for gene in genes)


def latent_of(genes: Sequence[Gene]) -> Latent:
    """Return the latent with these genes, one for each entry of `ws`; the inverse of `genes_of`."""
    distinct = list(dict.fromkeys(genes))
    base, sources = _point(distinct[0]), tuple(MixSource.of(_point(gene)) for gene in distinct[1:])
    if not sources:
        return base
    number = {gene: i for i, gene in enumerate(distinct[1:])}
    rows = tuple(MixRow(i, number[gene], 1.0) for i, gene in enumerate(genes) if gene in number)
    point = BlendPoint(base, 1.0, mixing=Mixing(sources, rows))
    return Latent(base.seed, blend=Blend("ws", (point,)))


def _point(gene: Gene) -> Latent:
    if len(gene) == 1 and gene[0][1] == 1.0:
        return gene[0][0]
    return Latent(gene[0][0].seed, blend=Blend("w", tuple(BlendPoint(latent, weight) for latent, weight in gene)))


def _gene_of(latent: Latent) -> Gene:
    """Return the points of a straight blend of w, or the latent itself."""
    blend = latent.blend
    if blend is None or blend.space != "w" or blend.spherical:
        return ((latent, 1.0),)
    return _walked(tuple((point.latent, point.weight) for point in blend.points), latent)


def _styles_of(latent: Latent) -> BlendPoint | None:
    """Return the point of a latent whose genes differ between layers; None for any other latent."""
    blend = latent.blend
    if blend is None or blend.space != "ws" or blend.spherical or len(blend.points) != 1:
        return None
    point = blend.points[0]
    count = len(point.mixing.sources)
    is_whole = all(row.amount == 1.0 and 0 <= row.source < count and row.layer >= 0 for row in point.mixing.rows)
    is_plain = point == BlendPoint(point.latent, 1.0, mixing=point.mixing)
    return point if is_plain and is_whole else None


def _walked(gene: Gene, latent: Latent) -> Gene:
    """Return a gene moved as far as a latent lies from its origin on its plane of seeds."""
    corners = plane_corners(latent.seed, latent.x, latent.y)
    if (latent.x, latent.y) == (0.0, 0.0):
        return gene
    for seed, weight in (*corners, (latent.seed % SEED_COUNT, -1.0)):
        gene = _added(gene, Latent(seed), weight)
    return gene


def _added(gene: Gene, latent: Latent, weight: float) -> Gene:
    """Return a gene with a latent added; one that it has already gets the sum of both weights."""
    before = next((i for i, (known, _) in enumerate(gene) if known == latent and i > 0), None)
    if before is None:
        return (*gene, (latent, weight))
    total = gene[before][1] + weight
    rest = (*gene[:before], *gene[before + 1 :])
    return (*rest, (latent, total)) if total else rest
