"""Derivatives of one picture by all of its styles, one layer of the network a step.

The graph is cut between the layers, so that a backward pass too goes in steps of a layer. A small network keeps
each layer's part of the graph; a large one keeps only what lies between the layers, and runs each again in every
backward pass (Chen et al. 2016). All runs in float32 and on PyTorch's own operators, which take half the time of
the readable ones. Steps leave no thread state behind.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from explorer.generators.base import INPUT, Activation, Inputs
from explorer.ops.backend import use_backend

if TYPE_CHECKING:
    from explorer.generators.base import Generator, LayerEdits
    from explorer.util.steps import Steps

__all__ = ["StyledPicture", "differentiable", "styled_picture"]

_KEPT_BYTES = 64 << 20
"""Bytes of all layers' outputs up to which the graph is kept."""

_LOW = 32
"""Resolution of the features that segments are made of, at most."""


@contextlib.contextmanager
def differentiable() -> Iterator[None]:
    """Compute with gradients, also where the caller infers."""
    with torch.inference_mode(False), torch.enable_grad(), use_backend("torch", torch.float32):
        yield


@dataclass(slots=True, eq=False)
class _Part:
    """A part of the graph: the input, a layer, or the conversion to the picture.

    Attributes:
        index: Of the layer; `INPUT`, or the number of layers for the conversion.
        run: Computes the outputs.
        given: What came from the part before, as leaves.
        style: The styles, as a leaf; None if it has none, or outputs a picture.
        outputs: The kept outputs with their graph; None where `run` computes them again.
    """

    index: int
    run: Callable[[], tuple[Tensor, ...]]
    given: tuple[Tensor, ...] = ()
    style: Tensor | None = None
    outputs: tuple[Tensor, ...] | None = None

    def backward(self, slopes: Sequence[Tensor | None]) -> tuple[list[Tensor | None], Tensor | None]:
        """Return the derivatives by `given` and by the style, from those by the outputs."""
        leaves = [leaf for leaf in (*self.given, self.style) if leaf is not None and leaf.requires_grad]
        if not leaves:
            return [None] * len(self.given), None
        with differentiable():
            outputs = self.run() if self.outputs is None else self.outputs
            pairs = [(o, s) for o, s in zip(outputs, slopes, strict=True) if s is not None and o.requires_grad]
            found: dict[int, Tensor | None] = {}
            if pairs:
                ends, starts = zip(*pairs, strict=True)
                is_kept = self.outputs is not None
                gradients = torch.autograd.grad(ends, leaves, starts, retain_graph=is_kept, allow_unused=True)
                found = {id(leaf): gradient for leaf, gradient in zip(leaves, gradients, strict=True)}
        return [found.get(id(x)) for x in self.given], None if self.style is None else found.get(id(self.style))


@dataclass(slots=True, eq=False)
class StyledPicture:
    """A picture and how it follows from the styles of its layers.

    Attributes:
        picture: `[C, H, W]` float32.
        features: Features of a layer of low resolution `[C, h, w]`, without their margin; None if there is none.
    """

    picture: Tensor
    features: Tensor | None
    _parts: list[_Part] = field(repr=False)

    @property
    def widths(self) -> dict[int, int]:
        """The number of styles of each layer, by index; `INPUT` is the input."""
        return {part.index: part.style.shape[1] for part in self._parts if part.style is not None}

    def slopes(self, weights: Tensor) -> Steps[dict[int, Tensor]]:
        """Return the derivatives of `(picture * weights).sum()` by the styles `[style_dim]`, by layer.

        Args:
            weights: `[C, H, W]`.
        """
        found = {index: torch.zeros(width, device=weights.device) for index, width in self.widths.items()}
        with differentiable():
            slopes: Sequence[Tensor | None] = (weights[None].clone(),)
        for part in reversed(self._parts):
            slopes, of_style = part.backward(slopes)
            if of_style is not None:
                found[part.index] = of_style[0]
            yield
        return found


@dataclass(slots=True)
class _Leaf:
    """Edits that make the edited styles of the input a leaf."""

    edits: LayerEdits
    style_: Tensor | None = None

    def key(self, i: int) -> bytes:
        return self.edits.key(i)

    def style(self, i: int, s: Tensor) -> Tensor:
        if self.style_ is None:
            self.style_ = _leaf(self.edits.style(i, s))
        return self.style_

    def features(self, i: int, activation: Activation) -> Activation:
        return self.edits.features(i, activation)


def styled_picture(generator: Generator, inputs: Inputs, edits: LayerEdits) -> Steps[StyledPicture]:
    """Return the picture of the inputs with its graph, in steps of a layer."""
    sizes = [info.channels * info.height * info.width for info in generator.info.layers]
    is_kept = 4 * sum(sizes) <= _KEPT_BYTES
    low: tuple[Tensor, int] | None = None
    with differentiable():
        own = _cloned(inputs)
        first = _Leaf(edits)
        activation = generator.begin(own, first)
        parts = [_Part(INPUT, lambda: generator.begin(own, first).tensors(), (), first.style_)]
        if is_kept:
            parts[0].outputs = activation.tensors()
    for i, layer in enumerate(generator.layers):
        yield
        with differentiable():
            part, activation = _run_layer(generator, i, own, edits, activation, is_kept)
        parts.append(part)
        info = layer.info
        if not info.is_rgb and (low is None or info.resolution <= _LOW):
            low = activation.x.detach(), info.resolution
    yield
    with differentiable():
        last = activation.map(_leaf)
        parts.append(_Part(len(parts) - 1, lambda: (generator.rgb(last),), last.tensors()))
        picture = generator.rgb(last)[0].detach()
    return StyledPicture(picture, None if low is None else _without_margin(low[0][0], low[1]), parts)


def _run_layer(
    generator: Generator, i: int, inputs: Inputs, edits: LayerEdits, activation: Activation, is_kept: bool
) -> tuple[_Part, Activation]:
    """Run layer i as a part of its own, and return it with its output."""
    layer = generator.layers[i]
    given, entry = activation.map(_leaf), layer.info.ws_index
    w = inputs.ws[:, 0, :0] if entry is None else inputs.ws[:, entry]
    style = w if entry is None else _leaf(edits.style(i, layer.style(w)))
    noise = layer.noise(inputs.noise, 1)

    def run() -> Activation:
        return edits.features(i, layer.run(given, style, noise))

    has_leaf = entry is not None and not layer.info.is_rgb
    part = _Part(i, lambda: run().tensors(), given.tensors(), style if has_leaf else None)
    if is_kept:
        output = run()
        part.outputs = output.tensors()
        return part, output
    with torch.no_grad():
        return part, run()


def _leaf(x: Tensor) -> Tensor:
    """Return a copy that derivatives are taken by, where it holds fractions."""
    return x.detach().clone().requires_grad_() if x.is_floating_point() else x


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
