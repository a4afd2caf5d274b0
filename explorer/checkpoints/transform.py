"""A motion that somebody left in a file's buffer of the input transform: told, and not applied."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.tensors import read_tensors

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.source import Source

__all__ = ["without_transform"]

_KEY = "synthesis.input.transform"


def without_transform(source: Source, contents: CheckpointHeader) -> CheckpointHeader:
    """Return `contents` without a stored transform that is not the identity, and a note of it.

    The buffer is where NVIDIA's scripts put the motion of the picture they draw next, so what a file has there is
    left over from one. The controls start without a motion and show every one that is applied.
    """
    record = contents.records.get(_KEY)
    if record is None or record.shape != (3, 3):
        return contents
    if not record.storage.dtype.is_floating_point:
        return contents  # refused like every tensor of another type
    stored = read_tensors(source, {_KEY: record}, Monitor())[_KEY].double()
    if torch.equal(stored, torch.eye(3, dtype=stored.dtype)):
        return contents
    records = {key: item for key, item in contents.records.items() if key != _KEY}
    (a, b, x), (c, d, y) = ([f"{float(n):.3g}" for n in row] for row in stored[:2])
    note = (
        f"The file carries an input transform ([{a} {b} {x}; {c} {d} {y}]), which is not applied: pictures begin "
        "with the transform of the controls."
    )
    return replace(contents, records=records, notes=(*contents.notes, note))
