"""Reads bare tensors under NVIDIA's names, without settings: their configuration is inferred."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.infer import infer_config
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.tensors import read_tensors

if TYPE_CHECKING:
    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source
    from explorer.checkpoints.unwrap import Found

__all__ = ["filter_setting", "state_contents"]

_TAPS = 64  # of one resampling filter; the published ones have 4


def state_contents(source: Source, found: Found, source_format: str) -> CheckpointHeader:
    """Return the header of a table of tensors, which stay in the file.

    Raises:
        MismatchError: A tensor that determines a size is missing, or the sizes are inconsistent.
        UnsupportedModelError: The architecture is modified.
    """
    shapes = {key: record.shape for key, record in found.tensors.items()}
    family, config, defaults = infer_config(source.name, shapes)
    if family == "stylegan2":
        config |= _resample_filter(source, found.tensors)
    notes = [
        "The file holds weights without settings: sizes were inferred from their shapes, and what shapes do not "
        f"tell is as in the published models ({defaults})."
    ]
    if found.others:
        notes.append(f"Skipped {found.others:,} other tensors, which do not belong to the generator.")
    return CheckpointHeader(
        family=family,
        config=config,
        records=found.tensors,
        name=posixpath.splitext(source.name)[0],
        source_format=source_format,
        origin=f"Weights under NVIDIA's names{f', in {found.path[:80]}' if found.path else ''}",
        notes=tuple(notes),
    )


def _resample_filter(source: Source, records: dict[str, TensorRecord]) -> dict[str, object]:
    """Return the setting `resample_filter` of the stored filters; empty if it is the default or not stored."""
    for key, record in records.items():
        if key.endswith(".resample_filter") and (setting := filter_setting(source, record)) is not None:
            return setting
    return {}


def filter_setting(source: Source, record: TensorRecord) -> dict[str, object] | None:
    """Return the setting `resample_filter` of a stored kernel `[n]` or `[n, n]`, whatever its gain.

    It is empty if that is the default, and None if the tensor is no kernel.
    """
    size = record.shape[-1] if record.shape else 0
    if record.shape not in ((size,), (size, size)) or not 0 < size <= _TAPS:
        return None
    tensor = read_tensors(source, {"kernel": record}, Monitor())["kernel"].double()
    taps = tensor.sum(dim=0) if tensor.ndim == 2 else tensor
    taps = taps / taps.sum() * 8
    if size == 4 and bool((taps - taps.new_tensor([1, 3, 3, 1])).abs().max() < 1e-3):
        return {}
    return {"resample_filter": [float(tap) for tap in taps]} if bool(taps.isfinite().all()) else {}
