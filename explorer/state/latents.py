"""A point of the latent plane, and blends of points: recipes that every network can follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.edits.base import Edit
from explorer.util.asset_ids import AssetId

__all__ = ["Blend", "BlendPoint", "Latent", "MixRow", "MixSource", "Mixing", "Truncation"]


@dataclass(frozen=True, slots=True)
class Latent:
    """A point of the latent plane.

    The plane has a seed at every integer point: `seed + i + 100 * j (mod 2**32)` at (i, j). Between them the
    four neighbours' `w` are blended bilinearly, relative to `w_avg`. (0, 0) is exactly `seed`.
    If `stored` is not empty, the latent of that id, or the style of the picture of that id, replaces the point
    (0, 0) and `x`, `y` walk from it along the differences between plane points. A `blend` of other latents replaces
    that point in the same way.
    """

    seed: int = 0
    x: float = 0.0
    y: float = 0.0
    stored: AssetId = ""
    blend: Blend | None = None


@dataclass(frozen=True, slots=True)
class Truncation:
    """`ws <- w_avg + psi * (ws - w_avg)` for the first `cutoff` entries (None = all, 0 = none).

    `layer_psi` overrides psi for single entries of `ws` as (index, psi), whatever the cutoff.
    """

    psi: float = 1.0
    cutoff: int | None = None
    layer_psi: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class MixSource:
    """A latent to mix in, with the fields of `Latent`: a seed, a place beside it, a stored latent or a blend."""

    seed: int = 1
    stored: AssetId = ""
    x: float = 0.0
    y: float = 0.0
    blend: Blend | None = None

    @property
    def latent(self) -> Latent:
        """The same as a latent."""
        return Latent(self.seed, self.x, self.y, self.stored, self.blend)

    @staticmethod
    def of(latent: Latent) -> MixSource:
        """Return a latent as a source: its recipe, which every model can follow, and no numbers."""
        return MixSource(latent.seed, latent.stored, latent.x, latent.y, latent.blend)


@dataclass(frozen=True, slots=True)
class MixRow:
    """Entry `layer` of `ws` takes `amount` (0..1) of source number `source`."""

    layer: int
    source: int
    amount: float


@dataclass(frozen=True, slots=True)
class Mixing:
    """Style mixing: sources, and for each mixed entry of `ws` one row; rows are sorted by layer."""

    sources: tuple[MixSource, ...] = (MixSource(),)
    rows: tuple[MixRow, ...] = ()


@dataclass(frozen=True, slots=True)
class BlendPoint:
    """One latent of a blend and its weight. In the space `ws` it brings its truncation, mixing and edits along.

    Edits of layers do not belong to a latent; those of the look count.
    """

    latent: Latent
    weight: float
    truncation: Truncation = Truncation()
    mixing: Mixing = Mixing()
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Blend:
    """A weighted sum of latents, as a recipe: what lies between the keys of a timeline.

    `z`: of inputs of the mapping network, where every point has one (a seed, a stored z, a blend of such), else as
    `w`; `w`: of base latents relative to `w_avg`; `ws`: of final styles, each with its own truncation, mixing and
    edits. `spherical` keeps to the sphere: directions turn at an even rate and lengths change evenly.
    """

    space: Literal["z", "w", "ws"] = "w"
    points: tuple[BlendPoint, ...] = ()
    spherical: bool = False
