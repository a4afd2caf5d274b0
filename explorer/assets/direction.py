"""Stored directions in a latent space, such as those that an analysis of a model found."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from explorer.assets.base import Asset
from explorer.errors import AssetError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DirectionSpace", "StoredDirection"]

DirectionSpace = Literal["z", "w", "ws", "s"]


@dataclass(frozen=True, slots=True, eq=False)
class StoredDirection(Asset):
    """A direction in a latent space.

    Args:
        space: The latent space; `s` are the styles of the layers.
        array: float32 `[z_dim]` for z, `[w_dim]` for w, `[num_ws, w_dim]` for ws; for s the styles of all styled
            layers one after the other, `[sum of style_dim]`; those of the network's input may come first. Finite,
            not all zero.
        sigma: Standard deviation of the latents along the array, the unit of its strength; positive.
        model_sha: sha256 of the model it was found in; empty if unknown.
        name: Display name.
    """

    kind: ClassVar[str] = "direction"

    space: DirectionSpace
    array: NDArray[np.float32]
    sigma: float = 1.0
    model_sha: str = ""
    name: str = ""
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        array = np.array(self.array, dtype=np.float32, order="C")
        if self.space not in ("z", "w", "ws", "s"):
            raise AssetError(
                f"A direction is in the unknown space {self.space!r}.", "Known spaces are z, w, ws and s."
            )
        if array.ndim != (2 if self.space == "ws" else 1) or array.size == 0:
            raise AssetError(
                f"A direction of space {self.space} has the shape {array.shape}.",
                "z, w and s are single vectors; ws has one row per layer.",
            )
        if not (np.isfinite(array).all() and array.any()):
            raise AssetError("A direction is zero or not finite.", "Save it again from its source.")
        if not (math.isfinite(self.sigma) and self.sigma > 0.0):
            raise AssetError(f"A direction has the standard deviation {self.sigma}.", "It must be positive.")
        self._freeze(array)

    def identity(self) -> bytes:
        """Return what decides its effect; the name does not matter."""
        prefix = f"direction|{self.space}|{self.model_sha}|{self.sigma!r}|"
        return prefix.encode("utf-8", "surrogatepass") + self.digest
