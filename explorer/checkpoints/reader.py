"""The reader protocol: recognises one kind of file by its fingerprint, and describes the generator in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from explorer.checkpoints.unwrap import Found, find_generator

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.source import FileSource

__all__ = ["Container", "OpenFile", "Reader"]

Container = Literal["unknown", "safetensors", "torch.save file", "pickle"]


@dataclass
class OpenFile:
    """A file parsed without knowledge of the network in it. Nothing in it was executed.

    Args:
        source: Its bytes.
        head: The first bytes, up to 512.
        container: The kind of container; "unknown" if it is not supported.
        value: The content as inert records: for safetensors a dict of `TensorRecord`s, otherwise the pickled
            value, with classes as `StubRecord` and `ModuleRecord`. None for an unknown container.
        metadata: Metadata of a safetensors file.
        part: Which of its networks is asked for; empty for the one that opens by default.
    """

    source: FileSource
    head: bytes
    container: Container = "unknown"
    value: object | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    part: str = ""

    @cached_property
    def generator(self) -> Found | None:
        """The generator under NVIDIA's names in the value, if there is one."""
        return find_generator(self.value)


@runtime_checkable
class Reader(Protocol):
    """Reads one kind of file. Instances are stateless and thread-safe."""

    def matches(self, file: OpenFile) -> bool:
        """Return whether the file is of this kind, by its fingerprint, without mistaking other kinds for it.

        A file with an unknown container is recognised by its first bytes, any other by the names in its value.
        """

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        """Return family, settings and the location of the tensors; no weights are read.

        This only maps names. Whether keys, shapes and settings fit the family is checked by the caller. A reader of
        files with several networks reads `file.part`, and names the others in the header's `parts`.

        Raises:
            CheckpointError: One of its kinds, with a message that names the file.
        """
