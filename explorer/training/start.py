"""Starting a run from a packed generator of fewer pixels, so that the coarse picture is not learned twice.

StyleGAN2 takes every block whose resolution both have, and the blocks above begin with nothing to add: the first
picture is the old one enlarged. StyleGAN3 takes the mapping, the Fourier features and the first layers whose
sampling rates agree. A 1x1 convolution does not depend on rates, so StyleGAN3-R with all its rates doubled takes
every layer and draws the old picture in finer pixels.

Layers may be wider than before (compare Chen et al. 2016, "Net2Net", which copies channels instead). The old
channels keep their places and read nothing from the new ones at first, which begin at random.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.checkpoints import build_generator, load
from explorer.errors import UsageError
from explorer.generators.base import Generator
from explorer.generators.mapping import MappedGenerator
from explorer.generators.stylegan2 import StyleGAN2Generator
from explorer.generators.stylegan3 import StyleGAN3Generator, StyleGAN3Layer

__all__ = ["Started", "start_from"]

Tensors = dict[str, Tensor]


@dataclass
class Started:
    """What a run took from which file; parts are named as the generator names its layers."""

    file: str
    sha256: str
    resolution: int
    whole: list[str] = field(default_factory=list)  # taken as they were
    widened: list[str] = field(default_factory=list)  # taken, with new channels beside the old ones
    fresh: list[str] = field(default_factory=list)  # not in the file, or of other rates

    def described(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return asdict(self)


def start_from(path: Path, *generators: Generator) -> Started:
    """Fill `generators`, which are alike, with what the packed generator in `path` holds of them.

    Raises:
        UsageError: It is of another family, of as many pixels or more, or of other sizes of z or w.
        LatentwalkError: The file cannot be read.
    """
    checkpoint = load(path)
    old = build_generator(checkpoint)
    _check(path, old, generators[0])
    for generator in generators:
        started = Started(path.name, checkpoint.sha256, old.info.img_size[1])
        _fill(generator, old, started)
    return started


def _check(path: Path, old: Generator, new: Generator) -> None:
    before, after = old.info, new.info
    if before.family != after.family:
        raise UsageError(
            f"{path} holds a {before.family}, the run trains a {after.family}.", "Start from one of its family."
        )
    if before.img_size[1] >= after.img_size[1]:
        raise UsageError(
            f"{path} has {before.img_size[1]} px already, the run asks for {after.img_size[1]} px.",
            "Start from one of fewer pixels.",
        )


@torch.no_grad()
def _fill(new: Generator, old: Generator, started: Started) -> None:
    assert isinstance(new, MappedGenerator)
    assert isinstance(old, MappedGenerator)
    try:
        new.mapping_network.load_state_dict(old.mapping_network.state_dict())
    except RuntimeError as error:
        raise UsageError(
            f"{started.file} has another mapping than the run asks for.",
            "Start from a generator with as many numbers in z and w, and as many mapping layers.",
        ) from error
    started.whole.append("mapping")
    to_rgb = {layer.info.name for layer in new.layers if layer.info.is_rgb}
    goes_on = True
    for name, part, source in _parts(new, old):
        goes_on = goes_on and source is not None and _fits(part, source)
        if goes_on and source is not None:
            (started.widened if _take(part, source, demodulated=name not in to_rgb) else started.whole).append(name)
        else:
            started.fresh.append(name)
    if len(started.fresh) > len(new.layers):
        raise UsageError(
            f"{started.file} has no layer that the run could go on from.",
            "Start from a generator of at most as many channels and, for StyleGAN3, of the same Fourier features.",
        )
    if isinstance(new, StyleGAN2Generator):
        for layer in new.layers:
            if layer.info.is_rgb and layer.info.name in started.fresh:
                layer.get_parameter("weight").zero_()  # nothing to add to the enlarged picture yet


def _parts(new: Generator, old: Generator) -> Iterator[tuple[str, Tensors, Tensors | None]]:
    """Name and tensors of each part of `new`, in running order, and those of `old` that mean the same there."""
    if isinstance(new, StyleGAN2Generator) and isinstance(old, StyleGAN2Generator):
        yield "const", {"const": new.const}, {"const": old.const}
        before = {layer.info.name: _learned(layer) for layer in old.layers}
        for layer in new.layers:
            yield layer.info.name, _learned(layer), before.get(layer.info.name)
    elif isinstance(new, StyleGAN3Generator) and isinstance(old, StyleGAN3Generator):
        same = new.input.weight.shape == old.input.weight.shape  # its gain hangs on its width
        yield "input", _learned(new.input), _learned(old.input) if same else None
        count = len(new.layers)
        # ToRGB has its like only where it follows as many layers.
        sources = [*old.layers] if len(old.layers) == count else [*old.layers[:-1], *[None] * count][:count]
        for layer, source in zip(new.layers, sources, strict=True):
            is_alike = source is not None and _is_alike(layer, source)
            yield layer.info.name, _learned(layer), _learned(source) if source is not None and is_alike else None


def _learned(module: nn.Module) -> Tensors:
    """Tensors that training makes or that belong to what it made; filters follow from the sizes."""
    return {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("_filter")}


def _is_alike(layer: nn.Module, source: nn.Module) -> bool:
    """Return whether the weights of two layers of StyleGAN3 mean the same."""
    assert isinstance(layer, StyleGAN3Layer)
    assert isinstance(source, StyleGAN3Layer)
    new, old = layer.spec, source.spec
    rates = (new.in_sampling_rate, new.out_sampling_rate) == (old.in_sampling_rate, old.out_sampling_rate)
    return new.conv_kernel == old.conv_kernel and (rates or new.conv_kernel == 1)


def _fits(part: Tensors, source: Tensors) -> bool:
    """Return whether the tensors of `source` have room in those of `part`."""
    return part.keys() == source.keys() and all(
        part[name].ndim == old.ndim and all(a >= b for a, b in zip(part[name].shape, old.shape, strict=True))
        for name, old in source.items()
    )


def _take(part: Tensors, source: Tensors, *, demodulated: bool) -> bool:
    """Put the tensors of `source` into those of `part`; whether any of them is wider now."""
    for key, old in source.items():
        new = part[key]
        if new.shape == old.shape:
            new.copy_(old)
            continue
        rows = new[: len(old)]
        rows.zero_()  # nothing is read from new columns
        # Demodulation cancels the weights' scale; ToRGB, which has none, divides by the root of its inputs.
        gain = 1.0 if demodulated or old.ndim != 4 else math.sqrt(new.shape[1] / old.shape[1])
        rows[tuple(slice(size) for size in old.shape)] = old * gain
    return any(part[key].shape != old.shape for key, old in source.items())
