"""Files of directions: .npz in our layout and GANSpace's at once, .npy, .pt, .safetensors; others by shape."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import torch

from explorer.assets.direction import DirectionSpace
from explorer.directions.direction_set import DirectionSet
from explorer.errors import LatentError
from explorer.latents.array_files import METADATA_KEY, SUFFIXES, Entry, floats_of, read_arrays
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.file_errors import reason
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo

__all__ = [
    "MAX_DIRECTIONS", "NAMES", "SUFFIXES", "Sign", "directions_in", "load_directions", "npz_arrays",
    "save_directions",
]  # fmt: skip

MAX_DIRECTIONS = 8192
_NOUN = "direction"
_VECTORS = ("directions", "lat_comp", "eigvec", "boundary", "direction", "arr_0", "latent", "")
"""Names of the vectors in files of this program, of GANSpace, of closed-form factors, of boundaries, of none."""

NAMES = frozenset(("directions", "lat_comp", "eigvec", "boundary", "direction"))
"""Those of them that name nothing else."""

Sign = Literal["", "name", "length", "shape"]
"""By what directions are known: their name, a length of one, a shape that no latent has; empty: none."""

_COLUMNS = ("eigvec",)
"""Those whose columns are the directions."""

_VALUES = ("values", "act_stdev")
_SIGMAS = ("sigmas", "lat_stdev")


# -- writing ---------------------------------------------------------------------------------------------------


def save_directions(path: str | Path, found: DirectionSet) -> None:
    """Write directions in the format of the suffix. All formats but .npy include values, names and metadata.

    An .npz has the arrays of GANSpace's files too: there `lat_comp` is `[k, 1, w_dim]`.

    Raises:
        LatentError: The suffix is unknown, or the file cannot be written.
    """
    path = Path(path)
    arrays, metadata = _arrays(found), _metadata(found)
    content = io.BytesIO()
    match path.suffix.lower():
        case ".npy":
            np.save(content, found.vectors, allow_pickle=False)
        case ".npz":
            np.savez(content, **npz_arrays(found))
        case ".pt":
            tensors = {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}
            torch.save({**tensors, METADATA_KEY: metadata}, content)
        case ".safetensors":
            from safetensors.numpy import save

            content.write(save({k: v.copy() for k, v in arrays.items()}, {METADATA_KEY: json.dumps(metadata)}))
        case suffix:
            known = f"Use one of {', '.join(s for s in SUFFIXES if s != '.pth')}."
            raise LatentError(f"{suffix or 'No suffix'} is not a format of directions.", known)
    try:
        atomic_write_bytes(path, content.getbuffer())
    except OSError as error:
        raise LatentError(f"{path.name} cannot be written: {reason(error)}.", "Choose another folder.") from error


def npz_arrays(found: DirectionSet) -> dict[str, Any]:
    """Return what an .npz of directions holds."""
    metadata = {METADATA_KEY: np.array(json.dumps(_metadata(found)))}
    return {**_arrays(found), **_as_ganspace(found), **metadata}


def _arrays(found: DirectionSet) -> dict[str, NDArray[Any]]:
    return {"directions": found.vectors, "values": found.values, "sigmas": found.sigmas}


def _metadata(found: DirectionSet) -> dict[str, Any]:
    return {
        "space": found.space, "method": found.method, "names": [visible(name, 200) for name in found.names],
        "entries": list(found.entries), "model_sha": found.model_sha, "total": found.total,
    }  # fmt: skip


def _as_ganspace(found: DirectionSet) -> dict[str, NDArray[Any]]:
    """Return the arrays of GANSpace's files: components, means and standard deviations in w."""
    vectors = found.vectors.reshape(len(found), -1, found.vectors.shape[-1]).astype(np.float32)
    mean = np.zeros_like(vectors[:1])
    sigmas = found.sigmas.astype(np.float32)
    total = found.total or float(found.values.sum()) or 1.0
    return {
        "act_comp": vectors, "act_mean": mean, "act_stdev": np.sqrt(found.values).astype(np.float32),
        "lat_comp": vectors, "lat_mean": mean, "lat_stdev": sigmas,
        "var_ratio": (found.values / total).astype(np.float32), "random_stdevs": sigmas,
    }  # fmt: skip


def directions_in(path: str | Path, info: GeneratorInfo | None) -> Sign:
    """Return by what a file that may hold latents is known to hold directions; empty if it is not.

    Latents of w have a length of one only by accident, those of boundaries and components have it always.
    """

    def sign(file: str, entries: Sequence[Entry], metadata: dict[str, Any]) -> Sign:
        if any(entry.key in NAMES for entry in entries):
            return "name"
        if len(entries) != 1 or entries[0].key not in ("", "arr_0") or metadata:
            return ""
        array = floats_of(entries[0].load(), _NOUN)
        rows = (
            array.reshape(-1, array.shape[-1]).astype(np.float64) if array.ndim and array.size else np.zeros((1, 1))
        )
        if (
            info is not None
            and rows.shape[1] in _style_widths(info)
            and rows.shape[1] not in (info.w_dim, info.z_dim)
        ):
            return "shape"
        return "length" if bool((np.abs((rows**2).sum(axis=1) - 1.0) < 1e-3).all()) else ""

    try:
        return read_arrays(Path(path), _NOUN, sign)
    except LatentError:  # whoever opens the file says what is wrong
        return ""


# -- reading ---------------------------------------------------------------------------------------------------


def load_directions(path: str | Path, info: GeneratorInfo) -> DirectionSet:
    """Return the directions in a file, which must fit a network. Nothing in the file is executed.

    Vectors of another length than one are scaled. Standard deviations that the file does not have
    are NaN (`with_sigmas` measures them), and values 0.

    Args:
        path: A file with one of `SUFFIXES`: vectors `[w_dim]`, `[k, w_dim]`, `[k, 1, w_dim]` or
            `[k, num_ws, w_dim]`, or of all styles, `[sum of style_dim]` or `[k, sum of style_dim]`, to
            which those of the network's input may be prepended.
        info: Info of the network.

    Raises:
        LatentError: The file is not a file of directions, damaged, or of another network.
    """
    path = Path(path)
    found = read_arrays(path, _NOUN, _read)
    space, vectors = _shaped(path.name, found.vectors, info)
    with np.errstate(over="ignore"):
        lengths = np.sqrt((vectors.astype(np.float64) ** 2).sum(axis=tuple(range(1, vectors.ndim)), keepdims=True))
    if not (np.isfinite(lengths).all() and (lengths > 0.0).all()):
        raise LatentError(f"{path.name} holds a direction that is zero or not finite.", "Save it again.")
    names = found.names if len(found.names) == len(vectors) else ()
    return replace(
        found, method=found.method or path.stem, space=space, vectors=(vectors / lengths).astype(np.float32),
        names=names or tuple(f"{path.stem} {i}" for i in range(len(vectors))),
        values=_numbers(found.values, len(vectors), 0.0), sigmas=_numbers(found.sigmas, len(vectors), math.nan),
    )  # fmt: skip


def _read(file: str, entries: Sequence[Entry], metadata: dict[str, Any]) -> DirectionSet:
    """Return the arrays of a file as they are, its shapes not checked."""
    by_name = {entry.key: entry for entry in entries}
    key = next((name for name in _VECTORS if name in by_name), None)
    if key is None and len(entries) == 1:
        key = entries[0].key
    if key is None:
        shown = ", ".join(visible(entry.key, 40) for entry in entries[:6]) or "nothing"
        raise LatentError(
            f"{file} holds {len(entries)} arrays, none of which is named like directions: {shown}.",
            'Save the directions [k, w_dim] under the name "directions".',
        )
    vectors = floats_of(by_name[key].load(), _NOUN)
    if key in _COLUMNS and vectors.ndim == 2:
        vectors = np.ascontiguousarray(vectors.T)

    def numbers(names: Sequence[str]) -> NDArray[np.float64]:
        name = next((name for name in names if name in by_name), None)
        return np.zeros(0) if name is None else floats_of(by_name[name].load(), _NOUN).astype(float).reshape(-1)

    names, layers = metadata.get("names"), metadata.get("entries")
    return DirectionSet(
        str(metadata.get("method", "")),
        cast("DirectionSpace", metadata.get("space") if metadata.get("space") in get_args(DirectionSpace) else "w"),
        vectors,
        numbers(_VALUES),
        numbers(_SIGMAS),
        tuple(str(name) for name in names) if isinstance(names, list) else (),
        tuple(i for i in layers if type(i) is int and i >= 0) if isinstance(layers, list) else (),
        str(metadata.get("model_sha", "")),
        _total(metadata.get("total")),
    )


def _shaped(
    file: str, vectors: NDArray[np.float32], info: GeneratorInfo
) -> tuple[DirectionSpace, NDArray[np.float32]]:
    """Return the space and the vectors `[k, ...]`. Raises LatentError for shapes that the network does not have."""
    styles = min(_style_widths(info))
    shape = vectors.shape
    if vectors.ndim == 1:
        vectors = vectors[None]
    if vectors.ndim == 3 and vectors.shape[1] == 1:
        vectors = vectors[:, 0]
    if vectors.ndim and len(vectors) > MAX_DIRECTIONS:
        raise LatentError(f"{file} holds more than {MAX_DIRECTIONS:,} directions.", "Split the file.")
    if vectors.size and vectors.ndim == 2 and vectors.shape[1] == info.w_dim:
        return "w", vectors
    if vectors.size and vectors.ndim == 3 and vectors.shape[1:] == (info.num_ws, info.w_dim):
        return "ws", vectors
    if vectors.size and vectors.ndim == 2 and vectors.shape[1] in _style_widths(info):
        return "s", vectors
    held = "\u00d7".join(map(str, shape)) or "a single number"
    raise LatentError(
        f"{file} holds {held}, which are no directions of this model.",
        f"Its directions have {info.w_dim} numbers (w), {info.num_ws}\u00d7{info.w_dim} (one for each layer), or "
        f"{styles} (all styles).",
    )


def _total(data: object) -> float:
    """Return the total of a file, 0 if it has none."""
    return float(data) if isinstance(data, int | float) and math.isfinite(data) and data > 0.0 else 0.0


def _style_widths(info: GeneratorInfo) -> tuple[int, int]:
    """Return how many numbers all styles are, without and with those of the network's input."""
    styles = sum(layer.style_dim for layer in info.styled_layers)
    return styles, info.input_style_dim + styles


def _numbers(values: NDArray[np.float64], count: int, fill: float) -> NDArray[np.float64]:
    """Return `count` positive numbers of a file, `fill` if it has no such."""
    is_whole = len(values) == count and np.isfinite(values).all() and (values > 0.0).all()
    return values if is_whole else np.full(count, fill)
