"""The one loop over synthesis layers, shared by rendering, drafts, taps, CUDA graphs and training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from torch import Tensor

    from .info import LayerInfo
    from .inputs import Inputs, NoiseSpec
    from .layer import Activation

__all__ = ["INPUT", "NO_EDITS", "Layer", "LayerEdits", "fold", "fold_steps"]

INPUT = -1
"""The index of the network's input, before layer 0."""


class Layer(Protocol):
    """A layer as the loop needs it: a `SynthesisLayer`, or another form of one."""

    @property
    def info(self) -> LayerInfo:
        """Static information about the layer."""

    def style(self, w: Tensor) -> Tensor:
        """See `SynthesisLayer.style`."""

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        """See `SynthesisLayer.run`."""

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """See `SynthesisLayer.noise`."""


class LayerEdits(Protocol):
    """Edits of the styles and features of single layers; index i is layer i, or `INPUT`.

    `style` and `features` return their argument unchanged if nothing is edited, and never modify it in place.
    """

    def key(self, i: int) -> bytes:
        """Return a cache key of all edits at index i; empty if there are none."""

    def style(self, i: int, s: Tensor) -> Tensor:
        """Return the edited styles `[N, style_dim]` of index i; only called for layers with styles."""

    def features(self, i: int, activation: Activation) -> Activation:
        """Return the edited output of index i."""


class _NoEdits:
    def key(self, i: int) -> bytes:
        return b""

    def style(self, i: int, s: Tensor) -> Tensor:
        return s

    def features(self, i: int, activation: Activation) -> Activation:
        return activation


NO_EDITS: LayerEdits = _NoEdits()
"""No edits."""


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
    """Run layers in order, in steps of a layer.

    Args:
        layers: All layers of a generator.
        activation: Input of layer `start`.
        inputs: Provide the layers' `ws` and noise.
        start: The first layer to run.
        stop: The last layer to run; None: the last of all. If it is before `start`, no layer is run.
        edits: Applied to each layer's styles and to its output.
        noise: Function that returns the noise of layer i; by default drawn as specified by `inputs.noise`.
        before: Called with i and the input of layer i.
        after: Called with i and the output of layer i.

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
    """Run all of `fold_steps`."""
    steps = fold_steps(
        layers, activation, inputs, start=start, stop=stop, edits=edits, noise=noise, before=before, after=after
    )
    return run(steps)
