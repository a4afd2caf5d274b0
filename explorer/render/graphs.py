"""Records ranges of layers as CUDA graphs and replays them, one per range of layers and shape of its inputs.

On a fast GPU, launching a generator's hundred kernels one by one takes longer than running them. A graph has its
own memory, so inputs are copied in and results out, which is cheap compared to the convolutions.

This is tested with a recorder for the CPU that follows the same rules; it has not been timed on a GPU.
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
"""Maximum recordings per generator; each holds the activations of its layers."""

_LARGEST_ERROR = 0.02
"""Fraction of its range by which a replay may differ from a plain run: libraries may choose other kernels."""


class Recorder(Protocol):
    """Records a function without arguments as one that repeats its work on the same memory."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Run `work` as often as needed and return its replay."""
        ...


class CudaRecorder:
    """Records CUDA graphs."""

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        """Warm up on a separate stream, as recording requires, then record."""
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
    """Return graphed layers for a CUDA device; None for others, or if `LATENTWALK_CUDA_GRAPHS` is 0."""
    if device.type != "cuda" or os.environ.get("LATENTWALK_CUDA_GRAPHS") == "0":
        return None
    return GraphedLayers(layers, CudaRecorder())


class GraphedLayers:
    """Recordings of one generator's layers. Belongs to the render thread.

    A range of layers is recorded on its second use, as a single use is not worth it. The first replay is compared
    with a plain run. If recording fails, or a replay is wrong, recording is disabled.
    """

    def __init__(self, layers: Sequence[SynthesisLayer], recorder: Recorder) -> None:
        self._layers, self._recorder = layers, recorder
        self._recordings: OrderedDict[Hashable, _Recording | None] = OrderedDict()
        self.is_broken = False

    def run(
        self, start: int, stop: int, activation: Activation, inputs: Inputs, noises: Sequence[Tensor | None]
    ) -> list[Activation] | None:
        """Return the activations after layers `start` ... `stop`, or None if the caller must run them itself.

        Args:
            start: First layer.
            stop: Last layer.
            activation: Input of the first layer.
            inputs: Inputs with the layers' `ws`, for one picture.
            noises: Noise of these layers.
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
        except Exception as error:  # drivers can raise anything
            log.warning("cannot record layers, running them one by one: %s", error)
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
    """Return everything that a recording depends on besides tensor values."""
    missing = tuple(x is None for x in (activation.img, activation.skip, *noises))
    tensors = _tensors(activation, inputs, noises)
    return missing, tuple((tuple(x.shape), x.stride(), x.dtype) for x in tensors)


def _copy(x: Tensor) -> Tensor:
    return x.clone(memory_format=torch.preserve_format)


def _replayed(recording: _Recording, inputs: Sequence[Tensor]) -> list[Activation]:
    for mine, given in zip(recording.inputs, inputs, strict=True):
        mine.copy_(given)
    recording.replay()
    # Copied, because the next replay overwrites the results, which are cached to resume from.
    return [activation.map(_copy) for activation in recording.outputs]


def _compare(results: Sequence[Activation], wanted: Sequence[Activation]) -> None:
    for got, right in zip(results, wanted, strict=True):
        scale = float(right.x.float().abs().max())
        error = float((got.x.float() - right.x.float()).abs().max())
        if not error <= _LARGEST_ERROR * scale:
            raise RuntimeError(f"a replay is off by {error:.3g} of {scale:.3g}")
