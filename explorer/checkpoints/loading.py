"""Loads generators from files, with progress, cancellation, and an error for each kind of bad input."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import Checkpoint
from explorer.checkpoints.complete import complete
from explorer.checkpoints.digest import file_digest
from explorer.checkpoints.fitting import build_empty, check_contents, check_shapes, check_values
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.opening import read_contents
from explorer.checkpoints.parts import part_digest, split_part
from explorer.checkpoints.source import FileSource
from explorer.checkpoints.tensors import read_tensors
from explorer.errors import CheckpointError
from explorer.ops.memory import lacks_memory

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator

    from explorer.generators.base import Generator
    from explorer.util.control import Control
    from explorer.util.report import Report

__all__ = ["build_generator", "inspect", "load", "read_settings"]

_log = logging.getLogger("explorer.checkpoints")


def load(
    path: str | os.PathLike[str],
    *,
    on_report: Callable[[Report[None]], object] | None = None,
    control: Control | None = None,
) -> Checkpoint:
    """Load the generator in a file, as data. Nothing in the file is executed.

    Thread-safe; `on_report` runs on the calling thread.

    Args:
        path: NVIDIA's network pickle, the same network saved by `torch.save`, whole or as a state dict, a
            safetensors file of Latentwalk or of a state dict, or a file that a family's reader knows. `FILE#PART`
            is another network of a file that holds several.
        on_report: Called with a report whose `stage` is the name of the step.
        control: Pauses and cancels it, from any thread.

    Raises:
        UnreadableFileError: Not a checkpoint, truncated, or not readable.
        UnsafeFileError: The file would run code.
        UnsupportedModelError: The model's family is not supported.
        MismatchError: A setting is out of bounds.
        CheckpointError: There is not enough memory.
        CancelledError: The user cancelled.
    """
    monitor = Monitor(on_report, control)
    with _opened(path) as (source, part):
        contents = read_contents(source, monitor, part)
        monitor.enter(0.2, 0.7, "Checking")
        sha256 = part_digest(file_digest(source, monitor), part)
        monitor.enter(0.7, 1.0, "Reading weights")
        tensors = read_tensors(source, contents.records, monitor)
        source.check_unchanged()
    for note in contents.notes:
        _log.warning("%s: %s", source.name, note)
    return Checkpoint(
        family=contents.family,
        config=contents.config,
        tensors=tensors,
        name=contents.name,
        licence=contents.licence,
        origin=contents.origin,
        sha256=sha256,
        class_names=contents.class_names,
        source_format=contents.source_format,
        source_sha256=contents.source_sha256,
        card=contents.card,
        notes=contents.notes,
        file=source.name,
        parts=contents.parts,
        is_average=contents.is_average,
    )


def read_settings(path: str | os.PathLike[str]) -> tuple[str, dict[str, object]]:
    """Return family and settings of the generator in a file without reading weights. Errors as in `load`."""
    with _opened(path) as (source, part):
        contents = read_contents(source, Monitor(), part)
    return contents.family, contents.config


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[tuple[FileSource, str]]:
    """Open the file of a model's name; yield it with the part of it that the name asks for."""
    file, part = split_part(path)
    with explain_out_of_memory(Path(file).name), FileSource(Path(file)) as source:
        yield source, part


@contextmanager
def explain_out_of_memory(name: str) -> Iterator[None]:
    """Turn an out-of-memory error into one that names the file and a remedy."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise CheckpointError(
            f"There is not enough free memory for {name}.",
            "Close other programs and models, or open a smaller model.",
        ) from error


def build_generator(checkpoint: Checkpoint) -> Generator:
    """Build the generator: float32, on the CPU, in evaluation mode.

    Raises:
        UnsupportedModelError: The family is unknown.
        MismatchError: Keys, shapes, values or settings do not fit the family.
        CheckpointError: There is not enough memory.
    """
    name = checkpoint.file or checkpoint.name
    with explain_out_of_memory(name):
        return _fill(name, checkpoint)


def _fill(name: str, checkpoint: Checkpoint) -> Generator:
    generator = build_empty(name, checkpoint.family, checkpoint.config, checkpoint.class_names, checkpoint.tensors)
    check_shapes(name, checkpoint.tensors, generator.state_dict())
    for key, tensor in checkpoint.tensors.items():
        check_values(name, key, tensor)
    generator.load_state_dict(complete(checkpoint.tensors, generator), strict=True)
    return generator.requires_grad_(False)


def inspect(
    path: str | os.PathLike[str],
    *,
    on_report: Callable[[Report[None]], object] | None = None,
    control: Control | None = None,
) -> dict[str, object]:
    """Return information about a file as JSON values. Arguments and errors as in `load` and `build_generator`.

    Weights are read and checked one by one: a file that passes can be rendered.
    """
    monitor = Monitor(on_report, control)
    with _opened(path) as (source, part):
        contents = read_contents(source, monitor, part)
        monitor.enter(0.2, 0.6, "Checking")
        sha256 = part_digest(file_digest(source, monitor), part)
        monitor.enter(0.6, 1.0, "Reading weights")
        info, parameters = check_contents(source, contents, monitor)
    return {
        "name": contents.name,
        "file": str(Path(path)),
        "bytes": source.size,
        "format": contents.source_format,
        "family": contents.family,
        "resolution": info.img_size[1],
        "height": info.img_size[0],
        "channels": info.img_channels,
        "z_dim": info.z_dim,
        "w_dim": info.w_dim,
        "num_ws": info.num_ws,
        "classes": info.c_dim,
        "class_names": list(contents.class_names),
        "parameters": sum(r.numel for key, r in contents.records.items() if key in parameters),
        "tensors": len(contents.records),
        "dtypes": sorted({str(r.storage.dtype).removeprefix("torch.") for r in contents.records.values()}),
        "licence": contents.licence,
        "origin": contents.origin,
        "sha256": sha256,
        "source_sha256": contents.source_sha256,
        "config": dict(contents.config),
        "card": dict(contents.card),
        "parts": list(contents.parts),
        "notes": list(contents.notes),
    }
