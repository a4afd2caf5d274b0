"""From a file to a running generator, with progress, cancellation, and an error for each kind of bad input."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch

from explorer.checkpoints.allowance import Allowance
from explorer.checkpoints.checkpoint import Checkpoint
from explorer.checkpoints.config import check_config
from explorer.checkpoints.digest import file_digest
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.native import read_native, save_native
from explorer.checkpoints.nvidia import read_nvidia
from explorer.checkpoints.sniff import check_foreign, text_error
from explorer.checkpoints.source import FileSource
from explorer.checkpoints.tensors import read_tensors
from explorer.checkpoints.torch_zip import refuse_torch_zip
from explorer.errors import CheckpointError, LatentwalkError, MismatchError, UnreadableFileError, UsageError
from explorer.generators import registry
from explorer.ops.memory import lacks_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

    from explorer.checkpoints.checkpoint import Contents
    from explorer.generators.base import Generator

__all__ = ["build_generator", "convert", "inspect", "load", "read_settings"]

_log = logging.getLogger("explorer.checkpoints")

_HEAD = 512


def load(
    path: str | os.PathLike[str],
    *,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Checkpoint:
    """The generator in a file, as data. Nothing in the file is executed.

    Safe to call on any thread; the callbacks run on that thread.

    Args:
        path: NVIDIA's network pickle or Latentwalk's safetensors.
        progress: Called with a fraction 0..1 and the name of the step.
        cancelled: Polled; return True to stop.

    Raises:
        UnreadableFileError: Not a checkpoint, truncated, or not readable.
        UnsafeFileError: The file asks for code to be run.
        UnsupportedModelError: A model of another family.
        MismatchError: Settings out of all bounds.
        CheckpointError: There is not enough memory.
        CancelledError: The user cancelled.
    """
    monitor = Monitor(progress, cancelled)
    with _shortage_told(Path(path).name), FileSource(Path(path)) as source:
        contents = _read_contents(source, monitor)
        monitor.enter(0.2, 0.7, "Checking")
        sha256 = file_digest(source, monitor)
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
    )


def read_settings(path: str | os.PathLike[str]) -> tuple[str, dict[str, object]]:
    """Return family and settings of the generator in a file; weights are not read. Errors as in `load`."""
    with _shortage_told(Path(path).name), FileSource(Path(path)) as source:
        contents = _read_contents(source, Monitor(None, None))
    return contents.family, contents.config


@contextmanager
def _shortage_told(name: str) -> Iterator[None]:
    """Says of which file there was not enough memory for, and what to do."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not lacks_memory(error):
            raise
        raise CheckpointError(
            f"{name} needs more memory than is free.", "Close other programs and models, or open a smaller model."
        ) from error


def _read_contents(source: FileSource, monitor: Monitor) -> Contents:
    monitor.enter(0.0, 0.2, "Opening")
    head = source.read(0, min(_HEAD, source.size))
    if source.path.suffix.lower() == ".safetensors" or _looks_native(source, head):
        check_foreign(source, head)
        contents = read_native(source)
    elif head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        refuse_torch_zip(source, monitor)
    else:
        check_foreign(source, head)
        try:
            contents = read_nvidia(source, monitor)
        except UnreadableFileError:
            # Old pickles are text too, so the attempt comes first: a hostile one must be called hostile.
            if (error := text_error(source, head)) is not None:
                raise error from None
            raise
    return replace(contents, config=check_config(source.name, contents.family, contents.config))


def _looks_native(source: FileSource, head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < source.size


def build_generator(checkpoint: Checkpoint) -> Generator:
    """The running generator: float32, on the CPU, in evaluation mode.

    Raises:
        UnsupportedModelError: The family is unknown.
        MismatchError: Keys, shapes, values or settings do not fit the family.
        CheckpointError: There is not enough memory.
    """
    name = checkpoint.file or checkpoint.name
    with _shortage_told(name):
        return _fill(name, checkpoint)


def _fill(name: str, checkpoint: Checkpoint) -> Generator:
    config = check_config(name, checkpoint.family, checkpoint.config)
    if checkpoint.class_names:
        config["class_names"] = checkpoint.class_names
    with Allowance(name, sum(tensor.numel() for tensor in checkpoint.tensors.values())):
        generator = _build(name, checkpoint.family, config)
    _check_shapes(name, checkpoint.tensors, generator.state_dict())
    _check_values(name, checkpoint.tensors)
    generator.load_state_dict(checkpoint.tensors, strict=True)
    return generator.requires_grad_(False)


def _build(name: str, family: str, config: Mapping[str, object]) -> Generator:
    try:
        return registry.build(family, config)
    except LatentwalkError as error:
        raise type(error)(f"{name}: {error.message}", error.hint) from error
    except (TypeError, ValueError, ArithmeticError, IndexError, RuntimeError) as error:
        if lacks_memory(error):
            raise
        raise MismatchError(
            f"{name} has settings that make no {family} generator: {error}.", "The file is damaged."
        ) from error


def _check_shapes(name: str, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = [key for key in expected if key not in tensors]
    leftover = [key for key in tensors if key not in expected]
    hint = "The file is damaged or comes from modified code."
    if missing:
        raise MismatchError(f"{name} lacks {_some(missing)}, found {len(tensors)} of {len(expected)}.", hint)
    if leftover:
        raise MismatchError(f"{name} has tensors the architecture does not know: {_some(leftover)}.", hint)
    for key, tensor in tensors.items():
        if tensor.shape != expected[key].shape:
            raise MismatchError(
                f"{name}: {key} has shape {list(tensor.shape)}, expected {list(expected[key].shape)}.", hint
            )
        if not tensor.is_floating_point():
            raise MismatchError(f"{name}: {key} holds {tensor.dtype}, expected floating point numbers.", hint)


def _check_values(name: str, tensors: Mapping[str, Tensor]) -> None:
    for key, tensor in tensors.items():
        if tensor.numel() and not all(bound.isfinite() for bound in torch.aminmax(tensor)):
            bad = tensor.numel() - int(torch.isfinite(tensor).sum())
            raise MismatchError(
                f"{name}: {bad:,} of {tensor.numel():,} values of {key} are not finite numbers (NaN or infinite).",
                "The training diverged or the file is damaged; use an earlier snapshot.",
            )


def _some(keys: list[str]) -> str:
    shown = ", ".join(key[:80] for key in keys[:3])
    return shown if len(keys) <= 3 else f"{shown} and {len(keys) - 3} more"


def inspect(
    path: str | os.PathLike[str],
    *,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, object]:
    """The facts of a file, as JSON values; weights are not read. Arguments and errors as in `load`."""
    monitor = Monitor(progress, cancelled)
    with _shortage_told(Path(path).name), FileSource(Path(path)) as source:
        contents = _read_contents(source, monitor)
        monitor.enter(0.2, 1.0, "Checking")
        sha256 = file_digest(source, monitor)
    config = contents.config
    classes = config.get("c_dim", 0)
    return {
        "name": contents.name,
        "file": str(Path(path)),
        "bytes": source.size,
        "format": contents.source_format,
        "family": contents.family,
        "resolution": config.get("img_resolution"),
        "channels": config.get("img_channels", 3),
        "z_dim": config.get("z_dim", 512),
        "w_dim": config.get("w_dim", 512),
        "num_ws": _num_ws(contents),
        "classes": classes,
        "class_names": list(contents.class_names),
        "parameters": sum(r.numel for key, r in contents.records.items() if not _is_buffer(key)),
        "tensors": len(contents.records),
        "dtypes": sorted({str(r.storage.dtype).removeprefix("torch.") for r in contents.records.values()}),
        "licence": contents.licence,
        "origin": contents.origin,
        "sha256": sha256,
        "source_sha256": contents.source_sha256,
        "config": dict(config),
        "card": dict(contents.card),
        "notes": list(contents.notes),
    }


_BUFFERS = (
    "w_avg", "noise_const", "resample_filter", "up_filter", "down_filter", "magnitude_ema", "transform", "freqs",
    "phases",
)  # fmt: skip


def _is_buffer(key: str) -> bool:
    return key.rpartition(".")[2] in _BUFFERS


def _num_ws(contents: Contents) -> int | None:
    if contents.family.startswith("stylegan3"):
        layers = contents.config.get("num_layers", 14)
        return layers + 2 if isinstance(layers, int) else None
    resolution = contents.config.get("img_resolution")
    if contents.family == "stylegan2" and isinstance(resolution, int):
        return 2 * (resolution.bit_length() - 1) - 2
    return None


def convert(
    src: str | os.PathLike[str],
    dst: str | os.PathLike[str],
    *,
    dtype: Literal["float32", "float16"] | None = None,
    progress: Callable[[float, str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> None:
    """Write the generator in `src` as safetensors with metadata to `dst`.

    The generator is built first, so what is written is complete; an existing `dst` is replaced as a whole.

    Args:
        src: Any file `load` reads.
        dst: A name ending in `.safetensors`.
        dtype: Of the weights; None is float32.
        progress: As in `load`.
        cancelled: As in `load`.

    Raises:
        UsageError: `dst` is `src`, or has another ending.
        CheckpointError: As `load` and `build_generator`, or `dst` cannot be written.
    """
    source, target = Path(src), Path(dst)
    if target.suffix.lower() != ".safetensors":
        raise UsageError(f"{target} does not end in .safetensors.", "Choose a name that does.")
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"{target} is the file to convert.", "Choose another name for the result.")
    checkpoint = load(source, progress=progress, cancelled=cancelled)
    build_generator(checkpoint)
    save_native(target, checkpoint, dtype=dtype or "float32")
