"""Latentwalk's own format: safetensors whose metadata describe the generator.

The metadata are text: `format`, `version`, `family`, `config` (JSON), `name`, `licence`, `origin`,
`source_format`, `source_sha256`, `class_names` (JSON), and free `card.*` entries.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import save, save_file

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.records import StorageRecord, TensorRecord
from explorer.errors import CheckpointError, MismatchError, UnsupportedModelError
from explorer.util.atomic_write import atomic_write
from explorer.util.program_name import program_name

if TYPE_CHECKING:
    import os

    from torch import Tensor

    from explorer.checkpoints.checkpoint import Checkpoint
    from explorer.checkpoints.source import Source

__all__ = [
    "FORMAT",
    "cannot_write",
    "read_native",
    "read_safetensors",
    "save_native",
    "stored_tensor",
    "unknown_tensors",
    "write_safetensors",
]

FORMAT = "latentwalk"
_VERSION = 1
_HEADER_LIMIT = 8_000_000  # bytes of JSON; ours have some 20,000
_TENSOR_LIMIT = 50_000
_SMALL = 1024  # tensors up to this many elements stay float32 in a float16 file

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_native(source: Source, records: dict[str, TensorRecord], metadata: dict[str, str]) -> CheckpointHeader:
    """Return the header of a safetensors file with our metadata; tensors stay in the file.

    Args:
        source: The file.
        records: Its tensors, from `read_safetensors`.
        metadata: Its metadata, too.

    Raises:
        UnreadableFileError: The metadata are broken.
        UnsupportedModelError: The metadata are missing or have a newer version.
    """
    if metadata.get("format") != FORMAT:
        raise unknown_tensors(source, len(records))
    if metadata.get("version") != str(_VERSION):
        raise UnsupportedModelError(
            f"{source.name} has version {metadata.get('version', '?')[:20]} of Latentwalk's format; "
            f"this program knows version {_VERSION}.",
            "Update Latentwalk.",
        )
    config = _json_of(source, metadata, "config", "{}")
    names = _json_of(source, metadata, "class_names", "[]")
    if not isinstance(config, dict) or not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise source.damaged("its metadata are incomplete")
    return CheckpointHeader(
        family=_clean(metadata.get("family", "")),
        config=config,
        records=records,
        name=_clean(metadata.get("name", "")) or Path(source.name).stem,
        source_format="safetensors",
        licence=_clean(metadata.get("licence", ""), 2000),
        origin=_clean(metadata.get("origin", ""), 2000),
        class_names=tuple(_clean(name) for name in names),
        source_sha256=_clean(metadata.get("source_sha256", "")),
        card={_clean(k[5:]): _clean(v, 4000) for k, v in metadata.items() if k.startswith("card.")},
    )


def unknown_tensors(source: Source, count: int) -> UnsupportedModelError:
    """Return the error for a safetensors file without our metadata that no reader knows."""
    return UnsupportedModelError(
        f"{source.name} has {count} tensors, but no Latentwalk metadata that describe the generator.",
        f"Open the original checkpoint, or convert it with: {program_name()} convert IN OUT.safetensors",
    )


def _clean(text: str, limit: int = 120) -> str:
    """Return text of a file for display, without control characters and at most `limit` long."""
    return "".join(c if c.isprintable() else " " for c in text[:limit]).strip()


def read_safetensors(source: Source) -> tuple[dict[str, TensorRecord], dict[str, str]]:
    """Return tensor records and metadata of any safetensors file."""
    if source.size < 8:
        raise source.truncated(0)
    length = int.from_bytes(source.read(0, 8), "little")
    if length > _HEADER_LIMIT:
        raise source.damaged(f"its header declares {length:,} bytes")
    header = _parse(source, source.read(8, length))
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise source.damaged("its metadata are not text")
    if len(header) > _TENSOR_LIMIT:
        raise source.damaged(f"it lists {len(header):,} tensors")
    start = 8 + length
    records = {key: _record(source, key, entry, start) for key, entry in header.items()}
    _check_layout(source, records, start)
    return records, metadata


def _parse(source: Source, data: bytes) -> dict[str, object]:
    try:
        header = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise source.damaged("its header is not JSON") from error
    if not isinstance(header, dict):
        raise source.damaged("its header is not a table")
    return header


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name appears twice")
    return table


def _record(source: Source, key: str, entry: object, start: int) -> TensorRecord:
    match entry:
        case {"dtype": str(name), "shape": list(shape), "data_offsets": [int(first), int(last)]} if (
            name in _DTYPES and len(shape) <= 8 and all(type(n) is int and 0 <= n < 1 << 48 for n in shape)
        ):
            dtype, numel = _DTYPES[name], math.prod(shape)
        case _:
            raise source.damaged(f"the entry of {key[:80]!r} is broken or of an unknown dtype")
    if numel * dtype.itemsize != last - first or not 0 <= first <= last:
        raise source.damaged(f"{key[:80]!r} has shape {shape} but {last - first:,} bytes")
    if start + last > source.size:
        raise source.truncated(start + first)
    stride = tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return TensorRecord(StorageRecord(source, start + first, dtype, numel), 0, tuple(shape), stride)


def _check_layout(source: Source, records: dict[str, TensorRecord], start: int) -> None:
    """Check that tensors are contiguous and fill the file, without overlaps or hidden data."""
    position = start
    for record in sorted(records.values(), key=lambda r: (r.storage.offset, r.numel)):
        if record.storage.offset != position:
            raise source.damaged("its tensors overlap or leave gaps")
        position += record.numel * record.storage.dtype.itemsize
    if position != source.size:
        raise source.damaged(f"{source.size - position:,} bytes follow its last tensor")


def _json_of(source: Source, metadata: dict[str, str], key: str, default: str) -> object:
    try:
        value: object = json.loads(metadata.get(key, default))
    except (ValueError, RecursionError) as error:
        raise source.damaged(f"its metadata entry {key!r} is not JSON") from error
    return value


def save_native(
    path: str | os.PathLike[str],
    checkpoint: Checkpoint,
    *,
    dtype: Literal["float32", "float16"] = "float32",
    card: dict[str, str] | None = None,
) -> None:
    """Write `checkpoint` as safetensors with metadata, atomically.

    Args:
        path: The file to write; an existing one is replaced.
        checkpoint: The generator.
        dtype: Dtype of stored weights. In a float16 file small tensors (biases, filters, averages) stay float32.
        card: Further information, added to that of the checkpoint.

    Raises:
        MismatchError: A weight is not finite in `dtype`.
        CheckpointError: The file cannot be written.
    """
    path = Path(path)
    tensors = {key: stored_tensor(path, key, tensor, dtype) for key, tensor in checkpoint.tensors.items()}
    metadata = {
        "format": FORMAT,
        "version": str(_VERSION),
        "family": checkpoint.family,
        "config": json.dumps(checkpoint.config, sort_keys=True, allow_nan=False),
        "name": checkpoint.name,
        "licence": checkpoint.licence,
        "origin": checkpoint.origin,
        "source_format": checkpoint.source_format,
        "source_sha256": checkpoint.source_sha256 or checkpoint.sha256,
        "class_names": json.dumps(list(checkpoint.class_names)),
        **{f"card.{key}": value for key, value in {**checkpoint.card, **(card or {})}.items()},
    }
    # Names may come from paths, which need not be UTF-8; the format's texts must be.
    write_safetensors(path, tensors, {k: v.encode(errors="backslashreplace").decode() for k, v in metadata.items()})


def stored_tensor(path: Path, key: str, tensor: Tensor, dtype: str) -> Tensor:
    """Return a tensor as it is stored: on the CPU, contiguous, in `dtype` as `save_native` says.

    Raises:
        MismatchError: A value is not finite in `dtype`; names `path` and the tensor, `key`.
    """
    half = dtype == "float16" and tensor.numel() > _SMALL
    stored = tensor.detach().to("cpu", torch.float16 if half else torch.float32).contiguous()
    if not torch.isfinite(stored).all():
        raise MismatchError(
            f"{path.name} cannot be written: {key} has a value that is not finite in {dtype}.",
            "Write it as float32." if half else "The weights are damaged; use another checkpoint.",
        )
    return stored


def write_safetensors(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, atomically; raise CheckpointError if that is not possible."""
    try:
        with atomic_write(path) as partial:
            partial.touch()  # fails here with an OSError if the folder is not writable
            if _is_utf8(partial):
                save_file(tensors, partial, metadata)
            else:  # safetensors cannot open such a path; writing bytes takes twice the memory
                partial.write_bytes(save(tensors, metadata))
    except (OSError, SafetensorError) as error:
        raise cannot_write(path, error) from error


def _is_utf8(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def cannot_write(path: Path, error: Exception) -> CheckpointError:
    """Return the error for a file that cannot be written."""
    return CheckpointError(
        f"{path} cannot be written: {getattr(error, 'strerror', None) or error}.",
        "Choose another folder, or free some space.",
    )
