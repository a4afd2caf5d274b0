"""What the sheet of children and the tree of their ancestors are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.state.latents import Latent

__all__ = ["Breeding", "Heredity", "LineageNode", "Origin"]

Origin = Literal["this", "other", "random"]
"""Whose layers a child has: the picture's, the second parent's, or of each child by chance."""


@dataclass(frozen=True, slots=True)
class Heredity:
    """How children get one group of layers: from whom, and whether it is mutated."""

    mutates: bool = True
    origin: Origin = "this"


@dataclass(frozen=True, slots=True)
class LineageNode:
    """One picture that was taken.

    `number` is its own and never used again within a project; `parent` is that of the picture it is a child of, -1
    if there is none.
    """

    number: int
    latent: Latent
    parent: int = -1
    name: str = ""


@dataclass(frozen=True, slots=True)
class Breeding:
    """The settings of the sheet of children, and the pictures that were taken from it.

    `count` children are drawn from `seed`. `strength`: of a mutation, in standard deviations of the model's w.
    `other`: the second parent. `lineage`: a forest, in the order in which its nodes were added.
    """

    count: int = 9
    seed: int = 0
    strength: float = 0.5
    coarse: Heredity = Heredity()
    middle: Heredity = Heredity()
    fine: Heredity = Heredity()
    other: Latent | None = None
    lineage: tuple[LineageNode, ...] = ()
