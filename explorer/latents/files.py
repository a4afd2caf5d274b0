"""Latent files: .npy, .npz, .pt and .safetensors, ours with all facts, foreign ones recognised by shape."""

from __future__ import annotations

import io
import json
import math
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch

from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.records import TensorRecord
from explorer.checkpoints.source import FileSource
from explorer.checkpoints.tensors import read_tensors
from explorer.checkpoints.torch_legacy import read_torch_stream
from explorer.checkpoints.torch_zip import read_torch_zip
from explorer.errors import CheckpointError, LatentError, UnsafeFileError
from explorer.latents.table import SPACES, Space, StoredLatent
from explorer.util.atomic_write import atomic_write
from explorer.util.plain_text import visible
from explorer.util.strict_json import parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo

__all__ = ["SUFFIXES", "LatentMisfit", "convert_to", "fit_to", "load_latents", "save_latent"]

SUFFIXES: tuple[str, ...] = (".npy", ".npz", ".pt", ".safetensors")

MAX_BYTES = 256 << 20
MAX_LATENTS = 1024
MAX_NUMBERS = 1 << 24  # in one file: 1024 latents of 32 rows of 512
_FACTS_LIMIT = 1 << 20  # bytes; ours take some 200
_FACTS_KEY = "latentwalk"
# Names under which other programs keep latents, and what they mean there.
_KEY_SPACES: dict[str, Space | None] = {
    "z": "z", "w": "w", "ws": "ws", "w_plus": "ws", "wplus": "ws", "wp": "ws", "latent": None, "latents": None,
    "projected_w": None, "dlatents": None, "latent_in": None, "arr_0": None,
}  # fmt: skip


class LatentMisfit(LatentError):
    """A latent that does not fit the model as it is.

    `choices`: spaces it may be in, if its shape does not tell; load it again with one of them. `offer`: what a
    conversion would do, in words; empty if none makes sense. Load it again with `convert=True` to accept.
    """

    def __init__(self, message: str, hint: str = "", *, choices: tuple[Space, ...] = (), offer: str = "") -> None:
        super().__init__(message, hint)
        self.choices = choices
        self.offer = offer


@dataclass(frozen=True, slots=True, eq=False)
class RawLatent:
    """An array out of a file, with what the file says of it; `space` is None if it says nothing."""

    array: NDArray[np.float32]
    space: Space | None
    model_sha: str = ""
    psi: float = 1.0
    name: str = ""


# -- writing ---------------------------------------------------------------------------------------------------


def save_latent(path: str | Path, latent: StoredLatent) -> None:
    """Writes a latent; the suffix chooses the format. All but .npy carry space, model hash, truncation and name.

    Raises:
        LatentError: Unknown suffix, or the file cannot be written.
    """
    path = Path(path)
    facts = {"space": latent.space, "model_sha": latent.model_sha, "psi": latent.psi, "name": latent.name}
    content = io.BytesIO()
    match path.suffix.lower():
        case ".npy":
            np.save(content, latent.array, allow_pickle=False)
        case ".npz":
            arrays: dict[str, Any] = {latent.space: latent.array, _FACTS_KEY: np.array(json.dumps(facts))}
            np.savez(content, **arrays)
        case ".pt":
            torch.save({latent.space: torch.tensor(latent.array), _FACTS_KEY: facts}, content)
        case ".safetensors":
            from safetensors.numpy import save

            content.write(save({latent.space: latent.array.copy()}, {_FACTS_KEY: json.dumps(facts)}))
        case suffix:
            known = f"Use one of {', '.join(SUFFIXES)}."
            raise LatentError(f"{suffix or 'No suffix'} is no latent format.", known)
    try:
        with atomic_write(path) as partial:
            partial.write_bytes(content.getvalue())
    except OSError as error:
        what = error.strerror or str(error)
        raise LatentError(f"{path.name} cannot be written: {what}.", "Choose another folder.") from error


# -- reading ---------------------------------------------------------------------------------------------------


def load_latents(path: str | Path, info: GeneratorInfo, space: Space | None = None) -> tuple[StoredLatent, ...]:
    """All latents in a file, in the order they lie there. Nothing in the file is executed.

    Args:
        path: One of `SUFFIXES`.
        info: The network whose shapes tell the space of foreign arrays.
        space: What the user says it is, where the shape does not tell.

    Raises:
        LatentMisfit: The space cannot be told (`choices` says which it may be).
        LatentError: Not a latent file, or damaged.
    """
    path = Path(path)
    found: list[StoredLatent] = []
    for raw in _read(path):
        rows, known = _rows_of(raw.array, space or raw.space, info, path.name)
        for i, row in enumerate(rows):
            name = raw.name or path.stem
            label = name if len(rows) == 1 else f"{name} {i + 1}"
            found.append(StoredLatent(known, row, raw.model_sha, raw.psi, label))
    return tuple(found)


def _rows_of(
    array: NDArray[np.float32], space: Space | None, info: GeneratorInfo, name: str
) -> tuple[NDArray[np.float32], Space]:
    """The latents `[N, ...]` in an array and their space, told by the trailing shape."""
    shape = array.shape
    if space is None:
        choices = _spaces_of(shape, info)
        if len(choices) > 1:
            raise LatentMisfit(
                f"{name} holds {_shape_text(shape)}, which may be {' or '.join(choices)}.",
                "Say which it is.",
                choices=choices,
            )
        # A shape that fits nothing here: the number of dimensions still says what it was meant to be.
        space = choices[0] if choices else ("ws" if array.ndim >= 2 and shape[-1] == info.w_dim else "w")
    core = 2 if space == "ws" else 1
    if space == "ws" and array.ndim == 1:
        raise LatentError(f"{name} holds {_shape_text(shape)}, which is no ws.", "A ws has one row for each layer.")
    if array.size == 0 or array.ndim < 1:
        raise LatentError(f"{name} holds an empty array.", "Save it again.")
    rows = array.reshape(-1, *shape[-core:])
    if space == "w" and array.ndim >= 3 and shape[-2] == info.num_ws and bool((array == array[..., :1, :]).all()):
        rows = array[..., 0, :].reshape(-1, shape[-1])  # a broadcast w
    if len(rows) > MAX_LATENTS:
        raise LatentError(f"{name} holds {len(rows)} latents; at most {MAX_LATENTS} are taken.", "Split the file.")
    return rows, space


def _spaces_of(shape: tuple[int, ...], info: GeneratorInfo) -> tuple[Space, ...]:
    """What an array of this shape can be for this network; leading dimensions count latents."""
    if not shape:
        return ()
    if len(shape) >= 2 and shape[-2:] == (info.num_ws, info.w_dim):
        return ("ws",)
    if len(shape) >= 3:
        return ("ws",) if shape[-1] == info.w_dim and shape[-2] > 1 else ()
    found: list[Space] = []
    if shape[-1] == info.z_dim:
        found.append("z")
    if shape[-1] == info.w_dim:
        found.append("w")
    return tuple(found)


def _shape_text(shape: tuple[int, ...]) -> str:
    return "an array of " + " x ".join(map(str, shape))


def _read(path: Path) -> list[RawLatent]:
    hint = f"Latents are read from {', '.join(SUFFIXES)}."
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise LatentError(f"{path.name} is no latent file.", hint)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LatentError(f"{path.name} is too large for a latent.", hint)
        return reader(path)
    except LatentError:
        raise
    except UnsafeFileError as error:
        raise LatentError(error.message, error.hint) from error
    except CheckpointError as error:
        again = "Save it again with torch.save, each tensor as tensor.contiguous()."
        raise LatentError(error.message, f"{hint} {again}") from error
    except OSError as error:
        raise LatentError(f"{path.name} cannot be read: {error.strerror or error}.", "Check the path.") from error
    except Exception as error:
        # Readers of four formats raise a dozen kinds of errors for damaged files; all mean the same here.
        raise LatentError(f"{path.name} cannot be read as a latent ({type(error).__name__}).", hint) from error


def _floats(array: Any) -> NDArray[np.float32]:
    array = np.asarray(array)
    if array.dtype.kind not in "fiu":
        raise LatentError(f"An array of type {array.dtype} is no latent.", "Latents are arrays of floats.")
    _check_count(array.size)
    floats: NDArray[np.float32] = array.astype(np.float32)
    return floats


def _check_count(numbers: int) -> None:
    """Refuses an array before it is copied: packed, or repeated by a stride of 0, a small file can hold any."""
    if numbers > MAX_NUMBERS:
        raise LatentError(
            f"The file holds {numbers:,} numbers; at most {MAX_NUMBERS:,} are taken.", "Split the file."
        )


def _facts_of(text: str) -> dict[str, Any]:
    if len(text) > _FACTS_LIMIT:
        raise ValueError("what the file says of its latent is too long")
    facts = parse_json(text)
    return facts if isinstance(facts, dict) else {}


def _read_npy(path: Path) -> list[RawLatent]:
    # Mapped, so that a header that declares more than the file holds is refused before anything is allocated.
    return [RawLatent(_floats(np.load(path, mmap_mode="r", allow_pickle=False)), None)]


def _read_npz(path: Path) -> list[RawLatent]:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    # Sizes as declared, which may be lies; but no more than that much is unpacked.
    facts_size = max((item.file_size for item in members if item.filename.startswith(_FACTS_KEY)), default=0)
    if sum(item.file_size for item in members) > MAX_BYTES or facts_size > _FACTS_LIMIT:
        raise LatentError(f"{path.name} unpacks to more than a latent holds.", "Open another file.")
    with np.load(path, allow_pickle=False) as file:

        def read(key: str) -> Any:
            _check_member(file, key)
            return file[key]

        facts = _facts_of(str(read(_FACTS_KEY))) if _FACTS_KEY in file.files else {}
        return _chosen([key for key in file.files if key != _FACTS_KEY], read, facts)


def _check_member(file: Any, key: str) -> None:
    """Refuses an array whose header declares more than its member holds, before numpy allocates it."""
    name = key if key in file.zip.namelist() else f"{key}.npy"
    with file.zip.open(name) as member:
        version = np.lib.format.read_magic(member)
        form = np.lib.format
        read_header = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
        shape, _, dtype = read_header(member)
    _check_count(math.prod(shape))
    if math.prod(shape) * dtype.itemsize > file.zip.getinfo(name).file_size:
        name = visible(key, 60)
        raise LatentError(f"The array {name} is larger than what is stored of it.", "The file is damaged.")


def _read_pt(path: Path) -> list[RawLatent]:
    # Checkpoints' reader of torch's files: it takes neither packed data nor tensors larger than what is stored.
    monitor = Monitor()
    with FileSource(path) as source:
        is_archive = source.read(0, min(2, source.size)) == b"PK"
        data = read_torch_zip(source, monitor) if is_archive else read_torch_stream(source, monitor)

        def read(record: TensorRecord) -> NDArray[np.float32]:
            _check_count(record.numel)
            return read_tensors(source, {"": record}, monitor)[""].float().numpy()

        if isinstance(data, TensorRecord):
            return [RawLatent(_floats(read(data)), None)]
        if not isinstance(data, dict):
            raise LatentError(f"{path.name} holds no tensor.", "It should hold one, or a dict of them.")
        found = _tensors_in(data)
        facts = data.get(_FACTS_KEY)
        return _chosen(list(found), lambda key: read(found[key]), facts if isinstance(facts, dict) else {})


def _tensors_in(data: dict[object, object]) -> dict[str, TensorRecord]:
    """The tensors of a table by name; rosinality's projector keeps `{picture: {"latent": tensor}}`."""
    found: dict[str, TensorRecord] = {}
    for key, value in data.items():
        tensor = value.get("latent") if isinstance(value, dict) else value
        if isinstance(tensor, TensorRecord):
            found[str(key)] = tensor
    return found


def _read_safetensors(path: Path) -> list[RawLatent]:
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        facts = _facts_of((file.metadata() or {}).get(_FACTS_KEY, "{}"))
        return _chosen(list(file.keys()), file.get_tensor, facts)


_READERS: dict[str, Callable[[Path], list[RawLatent]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".pt": _read_pt,
    ".pth": _read_pt,
    ".safetensors": _read_safetensors,
}


def _chosen(keys: list[str], read: Callable[[str], Any], facts: dict[str, Any]) -> list[RawLatent]:
    """The latents among the arrays named `keys`; only theirs are read, and together they are limited."""
    ours = facts.get("space")
    if ours in SPACES and ours in keys:
        latent = RawLatent(_floats(read(ours)), cast("Space", ours))
        psi = facts.get("psi", 1.0)
        return [
            replace(
                latent,
                model_sha=str(facts.get("model_sha", "")),
                psi=float(psi) if isinstance(psi, int | float) else 1.0,
                name=str(facts.get("name", "")),
            )
        ]
    known = [key for key in keys if key.lower() in _KEY_SPACES]
    chosen = known or (keys if len(keys) == 1 else [])
    if not chosen:
        raise LatentError(
            f"The file holds {len(keys)} arrays, none of them named like a latent.", "Name one z, w or ws."
        )
    found, numbers = [], 0
    for key in chosen:
        array = _floats(read(key))
        numbers += array.size
        _check_count(numbers)
        found.append(RawLatent(array, _KEY_SPACES.get(key.lower()) if array.ndim < 3 else None))
    return found


# -- fitting ---------------------------------------------------------------------------------------------------


def fit_to(latent: StoredLatent, info: GeneratorInfo, model_sha: str) -> StoredLatent:
    """The latent, if it fits that model as it is.

    Raises:
        LatentMisfit: Of another model or another shape; `offer` says what `convert_to` would do.
    """
    wanted = {"z": (info.z_dim,), "w": (info.w_dim,), "ws": (info.num_ws, info.w_dim)}[latent.space]
    name = latent.name or "The latent"
    if latent.array.shape != wanted:
        offer = ""
        if latent.space == "ws" and latent.array.shape[1] == info.w_dim:
            offer = f"Spread its {latent.array.shape[0]} rows over the {info.num_ws} of this model."
        raise LatentMisfit(
            f"{name} is {_shape_text(latent.array.shape)} in {latent.space}; this model's {latent.space} has "
            f"{' x '.join(map(str, wanted))}.",
            "Open the model it was made with." if not offer else "It can be converted.",
            offer=offer,
        )
    if latent.space != "z" and latent.model_sha and latent.model_sha != model_sha:
        raise LatentMisfit(
            f"{name} was made with another model, whose {latent.space} means something else here.",
            "Open that model, or convert it.",
            offer="Take its numbers as they are for this model: the picture will be another one.",
        )
    return latent


def convert_to(latent: StoredLatent, info: GeneratorInfo, model_sha: str) -> StoredLatent:
    """The latent made to fit: rows spread over the model's, numbers taken as they are.

    Raises:
        LatentMisfit: No conversion makes sense, because the width differs.
    """
    array = latent.array
    if latent.space == "ws" and array.shape[1] == info.w_dim and array.shape[0] != info.num_ws:
        rows = np.round(np.linspace(0, array.shape[0] - 1, info.num_ws)).astype(int)
        array = array[rows]
    converted = replace(latent, array=array, model_sha="" if latent.space == "z" else model_sha)
    return fit_to(converted, info, model_sha)
