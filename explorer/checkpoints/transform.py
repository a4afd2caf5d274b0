"""Handles a motion left in a file's input transform buffer: it is reported, but not applied."""

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
    """Return `contents` without a stored transform other than the identity, and with a note about it.

    NVIDIA's scripts put the motion of the next picture into this buffer, so a value in a file is left over from
    one. The controls start without a motion and show every motion that is applied.
    """
    record = contents.records.get(_KEY)
    if record is None or record.shape != (3, 3):
        return contents
    if not record.storage.dtype.is_floating_point:
        return contents  # refused later, like every tensor with a wrong type
    stored = read_tensors(source, {_KEY: record}, Monitor())[_KEY].double()
    if torch.equal(stored, torch.eye(3, dtype=stored.dtype)):
        return contents
    records = {key: item for key, item in contents.records.items() if key != _KEY}
    (a, b, x), (c, d, y) = ([f"{float(n):.3g}" for n in row] for row in stored[:2])
    note = (
        f"The file has an input transform ([{a} {b} {x}; {c} {d} {y}]), which is not applied: pictures use the "
        "transform of the controls."
    )
    return replace(contents, records=records, notes=(*contents.notes, note))
