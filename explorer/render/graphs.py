"""Runs of layers recorded once and replayed: CUDA graphs, one for each range of layers and shape of its inputs.

Launching a generator's hundred kernels one by one takes a fast GPU longer than running them. A recording works on
memory of its own, so inputs are copied in and results are copied out, which is little beside the convolutions.

Tested with a recorder for the CPU that obeys the same rules; it has not been timed on a GPU.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from explorer.generators.base import Activation, Inputs, fold
from explorer.ops.backend import backend_fingerprint

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import SynthesisLayer

__all__ = ["CudaRecorder", "GraphedLayers", "Recorder", "graphs_for"]

log = logging.getLogger("explorer.render")

KEPT = 6
"""Recordings kept for each generator: each holds the activations of its layers."""

_LARGEST_ERROR = 0.02
"""A replay may differ from a plain run by so much of its range: libraries choose other kernels now and then."""


class Recorder(Protocol):
    """Turns a function without arguments into one that does the same work again on the same memory."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Run `work` as often as needed and give its replay."""
        ...


class CudaRecorder:
    """Records CUDA graphs."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Warm up on a stream of its own, as recording demands, then record."""
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        replay: Callable[[], None] = graph.replay
        return replay


@dataclass(slots=True)
class _Recording:
    inputs: tuple[Tensor, ...]
    outputs: list[Activation]
    replay: Callable[[], None]


def graphs_for(layers: Sequence[SynthesisLayer], device: torch.device) -> GraphedLayers | None:
    """Return recordings for a CUDA device; None elsewhere, or if `LATENTWALK_CUDA_GRAPHS` is 0."""
    if device.type != "cuda" or os.environ.get("LATENTWALK_CUDA_GRAPHS") == "0":
        return None
    return GraphedLayers(layers, CudaRecorder())


class GraphedLayers:
    """Layers of one generator as recordings. Belongs to the render thread.

    A range of layers is recorded when it is asked for the second time: a single look is not worth it. The first
    replay is compared with a plain run. Where recording fails, or a replay is wrong, it is not tried again.
    """

    def __init__(self, layers: Sequence[SynthesisLayer], recorder: Recorder) -> None:
        self._layers, self._recorder = layers, recorder
        self._recordings: OrderedDict[Hashable, _Recording | None] = OrderedDict()
        self.is_broken = False

    def run(
        self, start: int, stop: int, activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]
    ) -> list[Activation] | None:
        """Return the activations after layers `start` ... `stop`, or None if that is not recorded: run them plainly.

        Args:
            start: First layer.
            stop: Last layer.
            activation: That goes into it.
            inputs: Whose `ws` the layers take, of one picture.
            noises: Of these layers.
        """
        if self.is_broken or stop <= start:
            return None
        tensors = _tensors(activation, inputs, noises)
        key = (start, stop, backend_fingerprint(), _layout(activation, inputs, noises))
        if key not in self._recordings:
            self._recordings[key] = None
            self._forget_old()
            return None
        self._recordings.move_to_end(key)
        recording = self._recordings[key]
        if recording is not None:
            return _replayed(recording, tensors)
        try:
            recording = self._record(start, stop, activation, inputs, noises)
            results = _replayed(recording, tensors)
            _compare(results, self._plain(start, stop, activation, inputs, noises))
        except Exception as error:  # drivers throw what they like
            log.warning("layers are not recorded, but run one by one: %s", error)
            self.is_broken = True
            self._recordings.clear()
            return None
        self._recordings[key] = recording
        return results

    def _forget_old(self) -> None:
        while len(self._recordings) > KEPT:
            self._recordings.popitem(last=False)

    def _record(
        self, start: int, stop: int, activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]
    ) -> _Recording:
        mine, my_inputs = activation.map(_copy), Inputs(_copy(inputs.ws))
        my_noises = [None if noise is None else _copy(noise) for noise in noises]
        outputs: list[Activation] = []

        def work() -> None:
            outputs[:] = self._plain(start, stop, mine, my_inputs, my_noises)

        replay = self._recorder.record(work)
        return _Recording(_tensors(mine, my_inputs, my_noises), outputs, replay)

    def _plain(
        self, start: int, stop: int, activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]
    ) -> list[Activation]:
        results: list[Activation] = []
        fold(
            self._layers,
            activation,
            inputs,
            start=start,
            stop=stop,
            noise=lambda i: noises[i - start],
            after=lambda _, result: results.append(result),
        )
        return results


def _tensors(activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
    return (*activation.tensors(), inputs.ws, *(noise for noise in noises if noise is not None))


def _layout(activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]) -> Hashable:
    """Return what a recording depends on besides the numbers."""
    missing = tuple(x is None for x in (activation.img, activation.skip, *noises))
    tensors = _tensors(activation, inputs, noises)
    return missing, tuple((tuple(x.shape), x.stride(), x.dtype) for x in tensors)


def _copy(x: Tensor) -> Tensor:
    return x.clone(memory_format=torch.preserve_format)


def _replayed(recording: _Recording, inputs: Sequence[Tensor]) -> list[Activation]:
    for mine, given in zip(recording.inputs, inputs, strict=True):
        mine.copy_(given)
    recording.replay()
    # The next replay overwrites what this one gave, and results are kept to resume from.
    return [activation.map(_copy) for activation in recording.outputs]


def _compare(results: Sequence[Activation], wanted: Sequence[Activation]) -> None:
    for got, right in zip(results, wanted, strict=True):
        scale = float(right.x.float().abs().max())
        error = float((got.x.float() - right.x.float()).abs().max())
        if not error <= _LARGEST_ERROR * scale:
            raise RuntimeError(f"a replay is off by {error:.3g} of {scale:.3g}")
