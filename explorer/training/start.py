"""Initialising a run from a packed generator, so that what it has learned is not learned twice.

A network of the same sizes is taken whole, as for another stage of training; from one of lower resolution those
layers that match. Which layers match is what the family's trainer knows (`FamilyTrainer.parts`).

Layers may be wider than before (compare Chen et al. 2016, "Net2Net", which duplicates channels instead). The old
channels keep their indices; their weights on the new channels, which are initialised at random, start at zero.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from explorer.checkpoints import build_generator, load
from explorer.errors import UsageError
from explorer.generators.mapping import MappedGenerator
from explorer.training.family_trainer import Tensors, trainer_of

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["Started", "start_from"]


@dataclass
class Started:
    """The file a run was initialised from, and what was copied; parts have the names of the generator's layers."""

    file: str
    sha256: str
    resolution: int
    whole: list[str] = field(default_factory=list)  # copied unchanged
    widened: list[str] = field(default_factory=list)  # copied, with additional channels
    fresh: list[str] = field(default_factory=list)  # initialised at random: not in the file, or with other rates

    def described(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def start_from(path: Path, *generators: Generator) -> Started:
    """Initialise identical `generators` from the packed generator in `path`, as far as layers match.

    Raises:
        UsageError: Its family or its sizes of z or w differ, or its resolution is higher.
        LatentwalkError: The file cannot be read.
    """
    checkpoint = load(path)
    old = build_generator(checkpoint)
    _check(path, old, generators[0])
    for generator in generators:
        started = Started(path.name, checkpoint.sha256, old.info.img_size[1])
        if _is_whole(generator, old):
            generator.load_state_dict(old.state_dict())
            started.whole = ["mapping", *(layer.info.name for layer in generator.layers)]
        else:
            _fill(generator, old, started)
    return started


def _is_whole(new: Generator, old: Generator) -> bool:
    """Return whether two networks have the same layers at the same sizes."""
    before, after = old.state_dict(), new.state_dict()
    return new.info.layers == old.info.layers and {k: v.shape for k, v in before.items()} == {
        k: v.shape for k, v in after.items()
    }


def _check(path: Path, old: Generator, new: Generator) -> None:
    before, after = old.info, new.info
    if before.family != after.family:
        raise UsageError(
            f"{path} is a {before.family}, but the run trains a {after.family}.",
            "Start from a model of that family.",
        )
    if before.img_size[1] > after.img_size[1]:
        raise UsageError(
            f"{path} has {before.img_size[1]} px, the run trains {after.img_size[1]} px.",
            "Start from a model of at most that resolution.",
        )


@torch.no_grad()
def _fill(new: Generator, old: Generator, started: Started) -> None:
    assert isinstance(new, MappedGenerator)
    assert isinstance(old, MappedGenerator)
    try:
        new.mapping_network.load_state_dict(old.mapping_network.state_dict())
    except RuntimeError as error:
        raise UsageError(
            f"The mapping network of {started.file} does not match that of the run.",
            "Start from a generator with the same sizes of z and w and the same number of mapping layers.",
        ) from error
    started.whole.append("mapping")
    trainer = trainer_of(new.info.family)
    to_rgb = {layer.info.name for layer in new.layers if layer.info.is_rgb}
    goes_on = True
    for name, part, source in trainer.parts(new, old):
        goes_on = goes_on and source is not None and _fits(part, source)
        if goes_on and source is not None:
            (started.widened if _take(part, source, demodulated=name not in to_rgb) else started.whole).append(name)
        else:
            started.fresh.append(name)
    if len(started.fresh) > len(new.layers):
        raise UsageError(
            f"{started.file} has no layer that the run can start from.",
            "Start from a generator with at most as many channels and, for StyleGAN3, the same Fourier features.",
        )
    trainer.begin(new, started.fresh)


def _fits(part: Tensors, source: Tensors) -> bool:
    """Return whether the tensors of `source` fit into those of `part`."""
    return part.keys() == source.keys() and all(
        part[name].ndim == old.ndim and all(a >= b for a, b in zip(part[name].shape, old.shape, strict=True))
        for name, old in source.items()
    )


def _take(part: Tensors, source: Tensors, *, demodulated: bool) -> bool:
    """Copy the tensors of `source` into those of `part`; return whether any of them is wider now."""
    for key, old in source.items():
        new = part[key]
        if new.shape == old.shape:
            new.copy_(old)
            continue
        rows = new[: len(old)]
        rows.zero_()  # the weights on new channels
        # Demodulation cancels the weights' scale; ToRGB, which is not demodulated, divides by the root of its
        # inputs.
        gain = 1.0 if demodulated or old.ndim != 4 else math.sqrt(new.shape[1] / old.shape[1])
        rows[tuple(slice(size) for size in old.shape)] = old * gain
    return any(part[key].shape != old.shape for key, old in source.items())
