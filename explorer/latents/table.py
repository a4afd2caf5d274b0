"""LatentTable: read-only arrays that states refer to by id."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import LatentError
from explorer.state import Latent

__all__ = ["SPACES", "LatentTable", "Space", "StoredLatent", "StoredMisfitError", "digest_of"]

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


def digest_of(array: NDArray[np.float32]) -> bytes:
    """Return a 16-byte digest of an array's content and shape."""
    h = blake2b(repr(array.shape).encode(), digest_size=16)
    h.update(np.ascontiguousarray(array).data)
    return h.digest()


@dataclass(frozen=True, slots=True, eq=False)
class StoredLatent:
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
        array.setflags(write=False)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "digest", digest_of(array))

    @property
    def key(self) -> str:
        """Its id in a table: equal contents have equal ids."""
        h = blake2b(digest_size=8)
        h.update(f"{self.space}|{self.model_sha}|{self.psi!r}|".encode("utf-8", "surrogatepass") + self.digest)
        if self.recipe is not None:
            h.update(repr(self.recipe).encode("utf-8", "surrogatepass"))
        return h.hexdigest()


class LatentTable:
    """Stored latents by id, which are never removed. Any thread may read; only the GUI thread may add."""

    def __init__(self, latents: tuple[StoredLatent, ...] = ()) -> None:
        self._latents: dict[str, StoredLatent] = {}
        for latent in latents:
            self.add(latent)

    def add(self, latent: StoredLatent) -> str:
        """Add a latent and return its id; equal contents have equal ids."""
        return self._latents.setdefault(latent.key, latent).key

    def get(self, key: str) -> StoredLatent | None:
        """Return the latent with an id, or None."""
        return self._latents.get(key)

    def __getitem__(self, key: str) -> StoredLatent:
        latent = self._latents.get(key)
        if latent is None:
            raise LatentError(
                f"The stored latent {key!r} is missing.",
                "Open the project that contains it, or choose a seed.",
                command="It is missing in the project or job file: save the project again in the window.",
            )
        return latent

    def __contains__(self, key: object) -> bool:
        return key in self._latents

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._latents))

    def __len__(self) -> int:
        return len(self._latents)
