"""How much each style channel changes regions of one picture, to first order, by random sign probes.

A probe is the scalar `v = sum over the region's pixels of sign * picture`, with one random sign for each cell of a
coarse grid and each colour. One backward pass gives dv/ds of all channels, and the expectation of its square is the
sum over cells and colours of the squared derivative of the cell's sum (Hutchinson 1990): a few dozen passes replace
one for each cell.

The synthesis runs with gradients, in float32 and in the operators' readable form, with the layers' styles as
leaves. All of that holds within a step only: steps leave no thread state behind. A large network keeps only what
lies between its layers and runs each of them again in every backward pass (Chen et al. 2016).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from explorer.generators.base import INPUT, Activation, Inputs, LayerInfo, NoiseSpec, fold_steps
from explorer.ops.backend import use_backend

if TYPE_CHECKING:
    from explorer.directions.regions import Regions
    from explorer.generators.base import Generator, LayerEdits, SynthesisLayer
    from explorer.util.steps import Steps

__all__ = ["StyledPicture", "differentiable", "influence", "styled_picture"]

_KEPT_BYTES = 64 << 20
"""Bytes of all layers' outputs up to which everything that the backward passes need is kept."""

_LOW = 32
"""Resolution of the features that segments are made of, at most."""


@contextlib.contextmanager
def differentiable() -> Iterator[None]:
    """Compute with gradients, also where the caller infers."""
    with torch.inference_mode(False), torch.enable_grad(), use_backend("reference", torch.float32):
        yield


@dataclass(frozen=True, slots=True, eq=False)
class StyledPicture:
    """A picture with the graph that leads to it.

    Attributes:
        picture: `[C, H, W]` float32.
        leaves: The styles `[1, style_dim]` of each layer that it depends on, by index; `INPUT` is the input.
        features: Features of a layer of low resolution `[C, h, w]`, without their margin; None if there is none.
    """

    picture: Tensor
    leaves: Mapping[int, Tensor]
    features: Tensor | None


@dataclass(slots=True)
class _Leaves:
    """Edits that make the edited styles of each layer leaves of the graph."""

    edits: LayerEdits
    leaves: dict[int, Tensor] = field(default_factory=dict)

    def key(self, i: int) -> bytes:
        return self.edits.key(i)

    def style(self, i: int, s: Tensor) -> Tensor:
        self.leaves[i] = self.edits.style(i, s).detach().clone().requires_grad_()
        return self.leaves[i]

    def features(self, i: int, activation: Activation) -> Activation:
        return self.edits.features(i, activation)


@dataclass(frozen=True, slots=True)
class _Rerun:
    """A layer that keeps nothing for the backward pass but its input, and runs again there."""

    layer: SynthesisLayer

    @property
    def info(self) -> LayerInfo:
        return self.layer.info

    def style(self, w: Tensor) -> Tensor:
        return self.layer.style(w)

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        return self.layer.noise(spec, batch)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        def again(activation: Activation, style: Tensor, noise: Tensor | None) -> Activation:
            with use_backend("reference", torch.float32):  # torch runs it again in a thread of its own on a GPU
                return self.layer.run(activation, style, noise)

        result: Activation = checkpoint(again, activation, style, noise, use_reentrant=False)
        return result


def styled_picture(generator: Generator, inputs: Inputs, edits: LayerEdits) -> Steps[StyledPicture]:
    """Return the picture of the inputs with its graph, in steps of a layer."""
    leaves = _Leaves(edits)
    nbytes = 4 * sum(info.channels * info.height * info.width for info in generator.info.layers)
    layers = generator.layers if nbytes <= _KEPT_BYTES else [_Rerun(layer) for layer in generator.layers]
    low: dict[int, Tensor] = {}

    def keep(i: int, activation: Activation) -> None:
        info = layers[i].info
        if not info.is_rgb and (not low or info.resolution <= _LOW):
            low.clear()
            low[i] = activation.x.detach()

    with differentiable():
        own = _cloned(inputs)
        activation = generator.begin(own, leaves)
    steps = fold_steps(
        layers, activation, own, edits=leaves, noise=lambda i: layers[i].noise(own.noise, 1), after=keep
    )
    while True:
        with differentiable():
            try:
                next(steps)
            except StopIteration as end:
                picture = generator.rgb(end.value)[0]
                break
        yield
    features = next((_without_margin(x[0], layers[i].info.resolution) for i, x in low.items()), None)
    reached = {i: leaf for i, leaf in leaves.leaves.items() if i == INPUT or not layers[i].info.is_rgb}
    return StyledPicture(picture, reached, features)


def _cloned(inputs: Inputs) -> Inputs:
    """Return the inputs as tensors that autograd may use."""

    def clone(x: Tensor | None) -> Tensor | None:
        return None if x is None else x.clone()

    masks = tuple(mask.clone() for mask in inputs.masks)
    return Inputs(inputs.ws.clone(), clone(inputs.transform), clone(inputs.source), masks, inputs.noise)


def _without_margin(x: Tensor, resolution: int) -> Tensor:
    """Return the centre `[C, resolution, resolution]` of features that may have a margin."""
    top, left = (max(0, (n - resolution) // 2) for n in x.shape[-2:])
    return x[:, top : x.shape[-2] - top, left : x.shape[-1] - left]


def influence(
    styled: StyledPicture, regions: Regions, probes: tuple[int, ...], seed: int = 0
) -> Iterator[dict[int, Tensor] | None]:
    """Yield None after each backward pass, and at the end the change of each region by each channel.

    Args:
        styled: The picture.
        regions: Its regions.
        probes: How many passes each region gets.
        seed: Of the signs.

    Yields:
        At the end `[regions, style_dim]` float32 by layer: the root mean square, over a region's pixels, of the
        derivative of the picture by the channel.
    """
    random = torch.Generator().manual_seed(seed)
    leaves = tuple(styled.leaves.values())
    device, channels = styled.picture.device, styled.picture.shape[0]
    sums = [torch.zeros(len(regions.masks), leaf.shape[1], device=device) for leaf in leaves]
    rows, columns = regions.grid
    for number, (mask, count) in enumerate(zip(regions.masks, probes, strict=True)):
        cells = torch.zeros(rows * columns, device=device)
        index = regions.rows[:, None] * columns + regions.columns[None]
        cells.index_add_(0, index[mask], torch.ones_like(index[mask], dtype=torch.float32))
        scale = float(channels * count * cells.square().sum())
        for _ in range(count):
            signs = torch.randint(2, (channels, rows, columns), generator=random).to(device) * 2.0 - 1.0
            with differentiable():
                weights = signs[:, regions.rows][:, :, regions.columns] * mask.clone()
                value = (styled.picture * weights).sum()
                found = torch.autograd.grad(value, leaves, retain_graph=True, allow_unused=True)
            for total, gradient in zip(sums, found, strict=True):
                if gradient is not None:
                    total[number] += gradient[0].square() / scale
            yield None
    yield {i: total.sqrt() for i, total in zip(styled.leaves, sums, strict=True)}
