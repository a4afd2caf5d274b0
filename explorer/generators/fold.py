"""The one loop over synthesis layers: rendering, drafts, taps, recordings and training all run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from explorer.util.steps import Steps, run

from .info import LayerInfo
from .inputs import Inputs, NoiseSpec
from .layer import Activation

__all__ = ["INPUT", "NO_EDITS", "Layer", "LayerEdits", "fold", "fold_steps"]

INPUT = -1
"""The place of the network's input, before layer 0."""


class Layer(Protocol):
    """What the loop asks of a layer: a `SynthesisLayer`, or another form of one."""

    @property
    def info(self) -> LayerInfo:
        """Facts of the layer."""

    def style(self, w: Tensor) -> Tensor:
        """See `SynthesisLayer.style`."""

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        """See `SynthesisLayer.run`."""

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """See `SynthesisLayer.noise`."""


class LayerEdits(Protocol):
    """Changes to the styles and features of single layers; place i is layer i, or `INPUT`.

    Both methods return what they are given where nothing is edited, and never write into it.
    """

    def key(self, i: int) -> bytes:
        """Return what stands for every edit at place i, for the keys of kept results; empty if there is none."""

    def style(self, i: int, s: Tensor) -> Tensor:
        """Return the styles `[N, style_dim]` that place i runs with; not asked for where nothing is styled."""

    def features(self, i: int, activation: Activation) -> Activation:
        """Return what place i hands on."""


class _NoEdits:
    def key(self, i: int) -> bytes:
        return b""

    def style(self, i: int, s: Tensor) -> Tensor:
        return s

    def features(self, i: int, activation: Activation) -> Activation:
        return activation


NO_EDITS: LayerEdits = _NoEdits()
"""Leaves every layer as it is."""


def fold_steps(
    layers: Sequence[Layer],
    activation: Activation,
    inputs: Inputs,
    *,
    start: int = 0,
    stop: int | None = None,
    edits: LayerEdits = NO_EDITS,
    noise: Callable[[int], Tensor | None] | None = None,
    before: Callable[[int, Activation], None] | None = None,
    after: Callable[[int, Activation], None] | None = None,
) -> Steps[Activation]:
    """Run layers in order, a layer a step.

    Args:
        layers: All layers of a generator.
        activation: What layer `start` is given.
        inputs: Whose `ws` and noise the layers take.
        start: The first layer to run.
        stop: The last layer to run; None is the last of all. Before `start`: none is run.
        edits: Applied to the styles before each layer, and to what it gives.
        noise: The noise of layer i; by default drawn as `inputs.noise` says.
        before: Called with i and the activation that layer i is about to be given.
        after: Called with i and the activation that layer i gave.

    Returns:
        The activation after layer `stop`.
    """
    entries = inputs.ws.unbind(1)
    for i in range(start, len(layers) if stop is None else stop + 1):
        yield
        layer = layers[i]
        if before is not None:
            before(i, activation)
        index = layer.info.ws_index
        style = entries[0][:, :0] if index is None else edits.style(i, layer.style(entries[index]))
        grain = layer.noise(inputs.noise, inputs.batch) if noise is None else noise(i)
        activation = edits.features(i, layer.run(activation, style, grain))
        if after is not None:
            after(i, activation)
    return activation


def fold(
    layers: Sequence[Layer],
    activation: Activation,
    inputs: Inputs,
    *,
    start: int = 0,
    stop: int | None = None,
    edits: LayerEdits = NO_EDITS,
    noise: Callable[[int], Tensor | None] | None = None,
    before: Callable[[int, Activation], None] | None = None,
    after: Callable[[int, Activation], None] | None = None,
) -> Activation:
    """Return `fold_steps`, at once."""
    steps = fold_steps(
        layers, activation, inputs, start=start, stop=stop, edits=edits, noise=noise, before=before, after=after
    )
    return run(steps)
