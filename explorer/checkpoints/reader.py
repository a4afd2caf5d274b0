"""Readers: each recognises one kind of file by its fingerprint, and says which generator lies in it."""

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
    """A file as far as it was understood without knowing the network in it. Nothing in it was executed.

    Args:
        source: Its bytes.
        head: The first of them, up to 512.
        container: What the value came in; "unknown" if it is none of the containers that are read here.
        value: What the container holds, as inert records: of a safetensors file a dict of `TensorRecord`s, else
            what was pickled, classes as `StubRecord` and `ModuleRecord`. None for an unknown container.
        metadata: Of a safetensors file.
    """

    source: FileSource
    head: bytes
    container: Container = "unknown"
    value: object | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def generator(self) -> Found | None:
        """The generator under NVIDIA's names in the value, if there is one."""
        return find_generator(self.value)


@runtime_checkable
class Reader(Protocol):
    """Reads one kind of file. An instance keeps nothing between files and may be called from any thread."""

    def matches(self, file: OpenFile) -> bool:
        """Return whether the file is of this kind, told by its fingerprint; must not be fooled by another kind.

        A file of an unknown container is known by its first bytes, any other by the names in its value.
        """

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        """Return family, settings, and where the tensors lie; no weights are read.

        A pure map of names. Whether keys, shapes and settings fit the family is checked by whoever loads the file.

        Raises:
            CheckpointError: One of its kinds, with a message that names the file.
        """
