"""What the latent map shows, and the user's own points on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.state.latents import Latent

__all__ = ["LatentMap", "Pin"]


@dataclass(frozen=True, slots=True)
class Pin:
    """A point that the user has named: a latent that the map shows and goes back to."""

    name: str = ""
    latent: Latent = Latent()


@dataclass(frozen=True, slots=True)
class LatentMap:
    """The axes of the latent map, its pins, and what a path drawn on it becomes.

    `axes`: two principal components of w, `first` to the right and `second` up, counted from 0; or seeds.
    `keys`: keyframes of a path, at equal distances; `seconds`: from the first of them to the last.
    """

    axes: Literal["components", "seeds"] = "components"
    first: int = 0
    second: int = 1
    pins: tuple[Pin, ...] = ()
    keys: int = 6
    seconds: float = 6.0
