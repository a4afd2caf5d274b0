"""Stored latents."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from explorer.assets.base import Asset
from explorer.errors import LatentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.state import Latent

__all__ = ["SPACES", "Space", "StoredLatent", "StoredMisfitError"]

Space = Literal["z", "w", "ws"]

SPACES: tuple[Space, ...] = ("z", "w", "ws")
"""`z`: input of the mapping network; `w`: its output; `ws`: one `w` per layer (W+)."""


class StoredMisfitError(LatentError):
    """A stored latent that does not fit the network of a view and has no recipe.

    `key`: the latent's id. `is_convertible`: whether its width fits the network.
    """

    def __init__(self, message: str, hint: str, key: str, *, is_convertible: bool, command: str = "") -> None:
        super().__init__(message, hint, command=command)
        self.key, self.is_convertible = key, is_convertible


@dataclass(frozen=True, slots=True, eq=False)
class StoredLatent(Asset):
    """A latent stored as numbers. Immutable: the array is read-only float32.

    Args:
        space: The latent space.
        array: `[z_dim]` for z, `[w_dim]` for w, `[num_ws, w_dim]` for ws; finite.
        model_sha: sha256 of the model it was created with; empty if unknown. A `z` does not belong to a model.
        psi: Truncation already applied to the numbers (1: none).
        name: Display name.
        recipe: How other models create an equivalent latent, such as a seed and a position; None if there are only
            numbers (projections, foreign files).
    """

    kind: ClassVar[str] = "latent"

    space: Space
    array: NDArray[np.float32]
    model_sha: str = ""
    psi: float = 1.0
    name: str = ""
    recipe: Latent | None = None
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        array = np.array(self.array, dtype=np.float32, order="C")
        if self.space not in SPACES:
            raise LatentError(f"A latent is in the unknown space {self.space!r}.", "Known spaces are z, w and ws.")
        if array.ndim != (2 if self.space == "ws" else 1) or array.size == 0:
            raise LatentError(
                f"A latent of space {self.space} has the shape {array.shape}.",
                "z and w are single vectors; ws has one row per layer.",
            )
        if not (np.isfinite(array).all() and math.isfinite(self.psi)):
            message = f"{self.name or 'A latent'} has values that are not finite."
            raise LatentError(message, "Save it again from its source.")
        self._freeze(array)

    def identity(self) -> bytes:
        """Return what decides its picture, and its recipe; ids of latents have no kind, as the first projects."""
        prefix = f"{self.space}|{self.model_sha}|{self.psi!r}|".encode("utf-8", "surrogatepass") + self.digest
        return prefix if self.recipe is None else prefix + repr(self.recipe).encode("utf-8", "surrogatepass")
