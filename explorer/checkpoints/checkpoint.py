"""The result of a reader: metadata and tensors of one generator, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.checkpoints.records import TensorRecord

__all__ = ["Checkpoint", "CheckpointHeader"]


@dataclass(frozen=True)
class Checkpoint:
    """One generator as data; `build_generator` returns the network.

    Args:
        family: A name in `explorer.generators.registry.families()`.
        config: Flat settings of the family's config dataclass, as plain JSON values.
        tensors: CPU tensors in the stored dtype under the generator's state-dict keys.
        name: Display name.
        licence: As the file states it; empty if it does not.
        origin: Its origin in one sentence; may be empty.
        sha256: Hex digest of the file it was read from; empty if it never was a file.
        class_names: One per class of a conditional model, or empty.
        source_format: For example `NVIDIA pickle` or `safetensors`.
        source_sha256: Digest of the file this one was converted from, or empty.
        card: Further information as free text, such as training data and date.
        file: Name of the file it was read from, for errors; empty if it never was a file.
        parts: Names of further networks in that file; see `explorer.checkpoints.parts`.
        notes: What the user should know about the import, such as "G_ema is missing, G was used".
        is_average: Whether its weights are averages over the training, as far as the file says.
    """

    family: str
    config: dict[str, object]
    tensors: dict[str, Tensor]
    name: str
    licence: str = ""
    origin: str = ""
    sha256: str = ""
    class_names: tuple[str, ...] = ()
    source_format: str = ""
    source_sha256: str = ""
    card: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    file: str = ""
    parts: tuple[str, ...] = ()
    is_average: bool = True


@dataclass(frozen=True)
class CheckpointHeader:
    """A checkpoint before its tensors are read; `records` says where in the file they are.

    `part` is the one of a file's networks that this is, empty for the one that opens by default; `parts` are the
    others that can be asked for.
    """

    family: str
    config: dict[str, object]
    records: dict[str, TensorRecord]
    name: str
    source_format: str
    licence: str = ""
    origin: str = ""
    class_names: tuple[str, ...] = ()
    source_sha256: str = ""
    card: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    part: str = ""
    parts: tuple[str, ...] = ()
    is_average: bool = True
