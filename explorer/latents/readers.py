"""Latents of files: arrays chosen by their names, ours with metadata."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from explorer.assets.latent import SPACES, Space
from explorer.errors import LatentError
from explorer.latents.array_files import METADATA_KEY, SUFFIXES, Entry, check_count, floats_of, read_arrays
from explorer.latents.recipes import recipe_from_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.state import Latent

__all__ = ["MAX_LATENTS", "METADATA_KEY", "SUFFIXES", "RawLatent", "read_latents"]

MAX_LATENTS = 1024
_NOUN = "latent"
# Names that other programs use for latents, and their spaces.
_KEY_SPACES: dict[str, Space | None] = {
    "z": "z", "zs": "z", "w": "w", "ws": "ws", "w_plus": "ws", "w+": "ws", "wplus": "ws", "wp": "ws",
    "latent": None, "latents": None, "latent_code": None, "latent_codes": None, "codes": None, "projected_w": None,
    "projected_ws": None, "dlatent": None, "dlatents": None, "latent_in": None, "w_pivot": None, "arr_0": None,
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class RawLatent:
    """An array of a file with its metadata; `space` is None if the file does not state it.

    `is_ours`: the file was written by this program, so its space is reliable.
    """

    array: NDArray[np.float32]
    space: Space | None
    model_sha: str = ""
    psi: float = 1.0
    name: str = ""
    is_ours: bool = False
    recipe: Latent | None = None


def read_latents(path: Path) -> list[RawLatent]:
    """Read all latents of a file, in order.

    Raises:
        LatentError: The file is not a latent file, damaged, or too large.
    """
    return read_arrays(path, _NOUN, _chosen, nested=_KEY_SPACES)


def _chosen(file: str, entries: Sequence[Entry], metadata: dict[str, Any]) -> list[RawLatent]:
    """Read only the latents among the arrays of a file, with a limit on their total size."""
    ours = metadata.get("space")
    own = next((entry for entry in entries if entry.key == ours), None)
    if ours in SPACES and own is not None:
        psi, sha, name = metadata.get("psi", 1.0), str(metadata.get("model_sha", "")), str(metadata.get("name", ""))
        known_psi = float(psi) if isinstance(psi, int | float) else 1.0
        recipe = recipe_from_text(metadata["recipe"]) if "recipe" in metadata else None
        array = floats_of(own.load(), _NOUN)
        return [RawLatent(array, cast("Space", ours), sha, known_psi, name, is_ours=True, recipe=recipe)]
    named = [entry for entry in entries if entry.key.lower() in _KEY_SPACES]
    chosen = named or (entries if len(entries) == 1 else [])
    if not chosen:
        shown = ", ".join(entry.key[:40] for entry in entries[:6]) or "nothing"
        raise LatentError(
            f"{file} holds {len(entries)} arrays, none of which is named like a latent: {shown}.",
            "Save the latents with the name z, w or ws.",
        )
    found: list[RawLatent] = []
    numbers = 0
    for entry in chosen:
        array = floats_of(entry.load(), _NOUN)
        numbers += array.size
        check_count(numbers)
        if len(found) >= MAX_LATENTS:
            raise LatentError(f"{file} holds more than {MAX_LATENTS} latents.", "Split the file.")
        found.append(RawLatent(array, _KEY_SPACES.get(entry.key.lower()), name=entry.name))
    return found
