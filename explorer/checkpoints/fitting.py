"""Checks whether the tensors of a file fit the generator described by its settings, without loading them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from explorer.checkpoints.allocation_limit import AllocationLimit
from explorer.checkpoints.complete import can_complete
from explorer.checkpoints.config import check_config
from explorer.checkpoints.tensors import check_total, read_tensors
from explorer.errors import LatentwalkError, MismatchError
from explorer.generators import registry
from explorer.ops.memory import lacks_memory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from explorer.checkpoints.checkpoint import CheckpointHeader
    from explorer.checkpoints.monitor import Monitor
    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source
    from explorer.generators.base import Generator, GeneratorInfo

__all__ = ["build_empty", "check_contents", "check_shapes", "check_values"]


def build_empty(
    name: str,
    family: str,
    config: Mapping[str, object],
    class_names: Sequence[str],
    tensors: Mapping[str, Tensor | TensorRecord],
) -> Generator:
    """Build the generator of these settings with undefined weights, no larger than `tensors` allow.

    Raises:
        UnsupportedModelError: The family is unknown.
        MismatchError: The settings do not describe a generator, or a far larger one.
    """
    settings = check_config(name, family, config)
    if class_names:
        settings["class_names"] = tuple(class_names)
    with AllocationLimit(name, sum(_numel(tensor) for tensor in tensors.values())):
        return _build(name, family, settings)


def _numel(tensor: Tensor | TensorRecord) -> int:
    return tensor.numel() if isinstance(tensor, torch.Tensor) else tensor.numel


def _build(name: str, family: str, config: Mapping[str, object]) -> Generator:
    try:
        return registry.build(family, config)
    except LatentwalkError as error:
        raise type(error)(f"{name}: {error.message}", error.hint) from error
    except (TypeError, ValueError, ArithmeticError, IndexError, RuntimeError) as error:
        if lacks_memory(error):
            raise
        raise MismatchError(
            f"{name} has settings that do not describe a {family} generator: {error}.", "The file is damaged."
        ) from error


def check_contents(
    source: Source, contents: CheckpointHeader, monitor: Monitor
) -> tuple[GeneratorInfo, frozenset[str]]:
    """Raise what `load` and `build_generator` would raise for a file, with one tensor in memory at a time.

    Returns:
        The generator's info, and the names of its parameters (the rest of its state are buffers).

    Raises:
        MismatchError: Keys, shapes, values or settings do not fit the family.
        CheckpointError: As `load`.
    """
    records = contents.records
    check_total(source, records)
    generator = build_empty(source.name, contents.family, contents.config, contents.class_names, records)
    check_shapes(source.name, records, generator.state_dict())
    info, parameters = generator.info, frozenset(name for name, _ in generator.named_parameters())
    del generator
    for index, (key, record) in enumerate(records.items()):
        monitor.step(index / len(records))
        check_values(source.name, key, read_tensors(source, {key: record}, monitor)[key])
    return info, parameters


def check_shapes(name: str, tensors: Mapping[str, Tensor | TensorRecord], expected: Mapping[str, Tensor]) -> None:
    """Raise MismatchError unless `tensors` match the state `expected`, except for what can be computed."""
    missing = [key for key in expected if key not in tensors and not can_complete(key)]
    leftover = [key for key in tensors if key not in expected]
    hint = "The file is damaged or comes from modified code."
    if missing:
        raise MismatchError(
            f"{name} lacks {_some(missing)}; found {len(tensors)} of {len(expected)} tensors.", hint
        )
    if leftover:
        raise MismatchError(f"{name} has unexpected tensors: {_some(leftover)}.", hint)
    for key, tensor in tensors.items():
        is_single = tuple(tensor.shape) == (1,) and expected[key].ndim == 0  # torch accepts it as a scalar too
        if tuple(tensor.shape) != tuple(expected[key].shape) and not is_single:
            raise MismatchError(
                f"{name}: {key} has shape {list(tensor.shape)}, expected {list(expected[key].shape)}.", hint
            )
        dtype = tensor.dtype if isinstance(tensor, torch.Tensor) else tensor.storage.dtype
        if not dtype.is_floating_point:
            raise MismatchError(f"{name}: {key} holds {dtype}, expected floating point numbers.", hint)


def check_values(name: str, key: str, tensor: Tensor) -> None:
    """Raise MismatchError if a tensor contains values that are not finite."""
    if tensor.numel() and not all(bound.isfinite() for bound in torch.aminmax(tensor)):
        bad = tensor.numel() - int(torch.isfinite(tensor).sum())
        raise MismatchError(
            f"{name}: {bad:,} of {tensor.numel():,} values of {key} are not finite numbers (NaN or infinite).",
            "The training diverged or the file is damaged; use an earlier snapshot.",
        )


def _some(keys: list[str]) -> str:
    shown = ", ".join(key[:80] for key in keys[:3])
    return shown if len(keys) <= 3 else f"{shown} and {len(keys) - 3} more"
