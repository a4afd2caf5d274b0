"""Latent files: .npy, .npz, .pt and .safetensors; ours with metadata, foreign ones recognised by shape."""

from __future__ import annotations

import io
import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from explorer.assets.latent import Space, StoredLatent
from explorer.errors import LatentError
from explorer.latents.readers import MAX_LATENTS, METADATA_KEY, RawLatent, read_latents
from explorer.latents.recipes import recipe_to_text
from explorer.util.atomic_write import atomic_write
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo

__all__ = ["SUFFIXES", "LatentMisfit", "convert_to", "fit_to", "load_latents", "save_latent"]

SUFFIXES: tuple[str, ...] = (".npy", ".npz", ".pt", ".safetensors")
"""Suffixes that `save_latent` writes; `readers.SUFFIXES` has those that can be read."""

_OPTIONS = {"z": "--z", "w": "--w", "ws": "--ws"}


class LatentMisfit(LatentError):
    """A latent that does not fit the model without conversion.

    `choices`: possible spaces if the shape is ambiguous; load it again with one of them. `offer`: describes a
    possible conversion; empty if there is none. Load it again with `convert=True` to accept.
    """

    def __init__(
        self, message: str, hint: str = "", *, choices: tuple[Space, ...] = (), offer: str = "", command: str = ""
    ) -> None:
        super().__init__(message, hint, command=command)
        self.choices = choices
        self.offer = offer


# -- writing ---------------------------------------------------------------------------------------------------


def save_latent(path: str | Path, latent: StoredLatent) -> None:
    """Write a latent in the format of the suffix. All formats but .npy include its space and metadata.

    Raises:
        LatentError: The suffix is unknown, or the file cannot be written.
    """
    path = Path(path)
    # A name may come from a path, which need not be UTF-8; the formats' texts must be.
    name = visible(latent.name)
    metadata = {"space": latent.space, "model_sha": latent.model_sha, "psi": latent.psi, "name": name}
    if latent.recipe is not None and (recipe := recipe_to_text(latent.recipe)):
        metadata["recipe"] = recipe
    content = io.BytesIO()
    match path.suffix.lower():
        case ".npy":
            np.save(content, latent.array, allow_pickle=False)
        case ".npz":
            arrays: dict[str, Any] = {latent.space: latent.array, METADATA_KEY: np.array(json.dumps(metadata))}
            np.savez(content, **arrays)
        case ".pt":
            torch.save({latent.space: torch.tensor(latent.array), METADATA_KEY: metadata}, content)
        case ".safetensors":
            from safetensors.numpy import save

            content.write(save({latent.space: latent.array.copy()}, {METADATA_KEY: json.dumps(metadata)}))
        case suffix:
            known = f"Use one of {', '.join(SUFFIXES)}."
            raise LatentError(f"{suffix or 'No suffix'} is not a latent format.", known)
    try:
        with atomic_write(path) as partial:
            partial.write_bytes(content.getvalue())
    except OSError as error:
        what = error.strerror or str(error)
        raise LatentError(f"{path.name} cannot be written: {what}.", "Choose another folder.") from error


# -- reading ---------------------------------------------------------------------------------------------------


def load_latents(path: str | Path, info: GeneratorInfo, space: Space | None = None) -> tuple[StoredLatent, ...]:
    """Return all latents in a file, in order. Nothing in the file is executed.

    Args:
        path: A file with one of `SUFFIXES`.
        info: The network whose shapes determine the space of foreign arrays.
        space: The space chosen by the user, if the shape is ambiguous.

    Raises:
        LatentMisfit: The space is ambiguous (`choices` has the possible ones).
        LatentError: The file is not a latent file, or damaged.
    """
    path = Path(path)
    found: list[StoredLatent] = []
    for raw in read_latents(path):
        known = _space_of(raw, space, info, path)
        rows = _rows_of(raw.array, known, path.name)
        for i, row in enumerate(rows):
            name = raw.name or path.stem
            label = name if len(rows) == 1 else f"{name} {i + 1}"
            found.append(StoredLatent(known, row, raw.model_sha, raw.psi, label, raw.recipe))
        if len(found) > MAX_LATENTS:
            raise LatentError(f"{path.name} holds more than {MAX_LATENTS} latents.", "Split the file.")
    return tuple(found)


def _space_of(raw: RawLatent, chosen: Space | None, info: GeneratorInfo, path: Path) -> Space:
    """Return the space of an array: the user's choice if possible, else the one that file and shape indicate."""
    shape = raw.array.shape
    if raw.array.size == 0 or raw.array.ndim < 1:
        raise LatentError(f"{path.name} holds an empty array.", "Save it again.")
    fitting, also = _spaces_of(raw, info)
    if chosen is not None:
        if chosen in fitting or chosen in also or not fitting:
            return chosen
        raise _misfit(f"{path.name} holds {_shape_text(shape)}, which is not a {chosen}.", fitting, path)
    if len(fitting) > 1:
        spaces = " or ".join(fitting)
        raise _misfit(f"{path.name} holds {_shape_text(shape)}, which may be {spaces}.", fitting, path)
    # The shape does not fit this network, but the number of dimensions still indicates the intended space.
    rest: Space = "ws" if raw.array.ndim >= 2 and shape[-1] == info.w_dim else "w"
    space = fitting[0] if fitting else rest
    if space == "ws" and raw.array.ndim < 2:
        message = f"{path.name} holds {_shape_text(shape)}, which is not a ws."
        raise LatentError(message, "A ws has one row per layer.")
    return space


def _misfit(message: str, choices: tuple[Space, ...], path: Path) -> LatentMisfit:
    options = " or ".join(f"{_OPTIONS[space]} {shlex.quote(str(path))}" for space in choices)
    return LatentMisfit(message, "Choose its space.", choices=choices, command=f"Use: {options}")


def _rows_of(array: NDArray[np.float32], space: Space, name: str) -> NDArray[np.float32]:
    """Return the latents `[N, ...]` in an array."""
    if space == "w" and array.ndim >= 3 and _is_broadcast(array):
        array = array[..., 0, :]
    core = 2 if space == "ws" else 1
    rows = array.reshape(-1, *array.shape[-core:])
    if len(rows) > MAX_LATENTS:
        raise LatentError(
            f"{name} holds {len(rows)} latents; at most {MAX_LATENTS} are supported.", "Split the file."
        )
    return rows


def _is_broadcast(array: NDArray[np.float32]) -> bool:
    """Return whether an array `[..., rows, w_dim]` repeats one w for every layer."""
    return array.ndim >= 2 and array.shape[-2] > 1 and bool((array == array[..., :1, :]).all())


def _spaces_of(raw: RawLatent, info: GeneratorInfo) -> tuple[tuple[Space, ...], tuple[Space, ...]]:
    """Return the spaces of an array for this network by shape and name, and further ones that the user may choose.

    Leading dimensions count latents. Both are empty for the widths of other networks.
    """
    shape, named = raw.array.shape, raw.space
    if raw.is_ours and named is not None:
        return (named,), ()
    by_width: list[Space] = []
    if shape[-1] == info.z_dim:
        by_width.append("z")
    if shape[-1] == info.w_dim:
        by_width.append("w")
    if not by_width:
        return (), ()
    if len(shape) >= 3 and shape[-2] > 1:
        # Several rows per latent, whatever the name: projectors call a W+ `w`.
        return ("ws",), ("w",) if _is_broadcast(raw.array) else ()
    if len(shape) >= 2 and shape[-2:] == (info.num_ws, info.w_dim):
        # As many rows as layers: one ws, unless it is named otherwise; then it may be that many single latents.
        return ("ws",) if named in (None, "ws") else ("ws", named), tuple(by_width)
    several: tuple[Space, ...] = ("ws",) if len(shape) >= 2 and shape[-2] > 1 else ()
    if named is not None:
        return (named,), (*by_width, *several)
    return tuple(by_width), several


def _shape_text(shape: tuple[int, ...]) -> str:
    return "an array of " + " x ".join(map(str, shape))


# -- fitting ---------------------------------------------------------------------------------------------------


def fit_to(latent: StoredLatent, info: GeneratorInfo, model_sha: str) -> StoredLatent:
    """Return the latent if it fits that model, or has a recipe that any model can follow.

    Raises:
        LatentMisfit: The latent is for another model or has another shape; `offer` describes `convert_to`.
    """
    wanted = {"z": (info.z_dim,), "w": (info.w_dim,), "ws": (info.num_ws, info.w_dim)}[latent.space]
    name = latent.name or "The latent"
    if latent.recipe is not None:
        return latent
    if latent.array.shape != wanted:
        offer = ""
        if latent.space == "ws" and latent.array.shape[1] == info.w_dim:
            offer = f"Spread its {latent.array.shape[0]} rows over the {info.num_ws} of this model."
        raise LatentMisfit(
            f"{name} is {_shape_text(latent.array.shape)} in {latent.space}; this model's {latent.space} has "
            f"{' x '.join(map(str, wanted))}.",
            "Open the model it was created with." if not offer else "It can be converted.",
            offer=offer,
            command="Use the model it was created with." if not offer else _spread_hint(latent, info),
        )
    if latent.space != "z" and latent.model_sha and latent.model_sha != model_sha:
        raise LatentMisfit(
            f"{name} was created with another model, whose {latent.space} space is different.",
            "Open that model, or convert the latent.",
            offer="Use its numbers unchanged for this model; the picture will be different.",
            command="Use that model, or add --convert to use its numbers unchanged, for a different picture.",
        )
    return latent


def _spread_hint(latent: StoredLatent, info: GeneratorInfo) -> str:
    return f"Add --convert to spread its {latent.array.shape[0]} rows over the {info.num_ws} of this model."


def convert_to(latent: StoredLatent, info: GeneratorInfo, model_sha: str) -> StoredLatent:
    """Convert a latent to a model: spread its rows over the model's, with unchanged numbers.

    Raises:
        LatentMisfit: The latent cannot be converted, because its width differs.
    """
    array = latent.array
    if latent.space == "ws" and array.shape[1] == info.w_dim and array.shape[0] != info.num_ws:
        rows = np.round(np.linspace(0, array.shape[0] - 1, info.num_ws)).astype(int)
        array = array[rows]
    converted = replace(latent, array=array, model_sha="" if latent.space == "z" else model_sha, recipe=None)
    return fit_to(converted, info, model_sha)
