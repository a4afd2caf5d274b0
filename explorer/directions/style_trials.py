"""What style channels really change: pictures with one channel moved up and down, compared with the picture itself.

A channel's pictures are run from its own layer on, several in one batch, on the fast operators in float32.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from explorer.generators.base import Activation, Inputs, fold_steps
from explorer.ops.backend import use_backend

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.generators.base import Generator, LayerEdits
    from explorer.ops.backend import Backend
    from explorer.util.steps import Steps

__all__ = ["Trial", "changes"]

SIGMAS = 5.0
"""How far a channel is moved, in its standard deviations; up and down."""

_PIXELS = {"cuda": 1 << 22}
"""Pixels of one batch of pictures, on a type of device. Elsewhere both pictures of one channel are a batch, because
more of them are not quicker there, and would make a step longer."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A channel to move: the index of its layer, of the channel, and its standard deviation."""

    layer: int
    channel: int
    sigma: float


@dataclass(frozen=True, slots=True)
class _Replaced:
    """Edits with other styles for one layer."""

    edits: LayerEdits
    layer: int
    styles: Tensor

    def key(self, i: int) -> bytes:
        return self.edits.key(i)

    def style(self, i: int, s: Tensor) -> Tensor:
        return self.styles if i == self.layer else self.edits.style(i, s)

    def features(self, i: int, activation: Activation) -> Activation:
        return self.edits.features(i, activation)


def changes(
    generator: Generator, inputs: Inputs, edits: LayerEdits, trials: Sequence[Trial], backend: Backend = "auto"
) -> Iterator[list[tuple[Trial, Tensor]] | None]:
    """Yield None after each step of a layer, and (trial, change) of each batch of channels.

    A change is `[H, W]` float32: the mean over the colours and both directions of the absolute difference from the
    picture, clamped to -1..1 as it is shown.
    """
    layers = generator.layers

    def quick() -> contextlib.AbstractContextManager[Any]:
        stack = contextlib.ExitStack()
        stack.enter_context(torch.inference_mode())
        stack.enter_context(use_backend(backend, torch.float32))
        return stack

    def fold(activation: Activation, of: Inputs, start: int, stop: int | None, given: LayerEdits) -> Any:
        noise: Callable[[int], Tensor | None] = lambda i: layers[i].noise(of.noise, 1)  # noqa: E731
        return fold_steps(layers, activation, of, start=start, stop=stop, edits=given, noise=noise)

    with quick():
        first = generator.begin(inputs, edits)
    last = yield from _within(quick, fold(first, inputs, 0, None, edits))
    with quick():
        picture = generator.rgb(last).clamp(-1.0, 1.0)
    batch = max(1, _PIXELS.get(picture.device.type, 0) // picture[0, 0].numel() // 2)
    activation = first
    for i in sorted({trial.layer for trial in trials}):
        before = max((t.layer for t in trials if t.layer < i), default=0)
        activation = yield from _within(quick, fold(activation, inputs, before, i - 1, edits))
        chosen = [trial for trial in trials if trial.layer == i]
        for start in range(0, len(chosen), batch):
            some = chosen[start : start + batch]
            with quick():
                entry = layers[i].info.ws_index
                assert entry is not None
                styles = edits.style(i, layers[i].style(inputs.ws[:, entry]))
                moved = _Replaced(edits, i, _moved(styles, some))
                many = _repeated(inputs, 2 * len(some))
                copies = activation.map(partial(_copies, count=len(moved.styles)))
            end = yield from _within(quick, fold(copies, many, i, None, moved))
            with quick():
                away = (generator.rgb(end).clamp(-1.0, 1.0) - picture).abs().mean(dim=1)
                both = away.reshape(len(some), 2, *away.shape[1:]).mean(dim=1)
            yield list(zip(some, both, strict=True))


def _within(quick: Callable[[], Any], steps: Steps[Activation]) -> Steps[Activation]:
    """Run steps, each within a context."""
    while True:
        with quick():
            try:
                next(steps)
            except StopIteration as end:
                result: Activation = end.value
                return result
        yield


def _moved(styles: Tensor, trials: Sequence[Trial]) -> Tensor:
    """Return the styles `[2 * len(trials), style_dim]` with each channel moved up, then down."""
    moved = styles.repeat(2 * len(trials), 1)
    for number, trial in enumerate(trials):
        moved[2 * number, trial.channel] += SIGMAS * trial.sigma
        moved[2 * number + 1, trial.channel] -= SIGMAS * trial.sigma
    return moved


def _copies(x: Tensor, count: int) -> Tensor:
    return torch.cat([x] * count) if x.shape[0] == 1 else x


def _repeated(inputs: Inputs, count: int) -> Inputs:
    """Return the inputs of one picture for several."""
    source = None if inputs.source is None else _copies(inputs.source, count)
    masks = tuple(_copies(mask, count) for mask in inputs.masks)
    return Inputs(_copies(inputs.ws, count), inputs.transform, source, masks, inputs.noise)
