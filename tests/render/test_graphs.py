"""Recorded runs of layers, with a recorder for the CPU that works on fixed memory as a CUDA graph does."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from explorer.generators.base import Activation, Generator, Inputs, NoiseSpec, fold
from explorer.render.cache import StageCache
from explorer.render.graphs import KEPT, GraphedLayers, graphs_for
from explorer.render.pipeline import Pipeline
from explorer.render.resolve import resolve_look
from explorer.state import Latent, Look, Tap
from explorer.state.request import ModelKey, RenderRequest
from tests.generators.configs import small_generator


class FixedMemory:
    """Replays by running again, and puts the results where the first run put them: later replays overwrite them."""

    def __init__(self) -> None:
        self.records = self.replays = 0
        self.error = 0.0

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        self.records += 1
        work()
        outputs = next(
            c.cell_contents
            for c in work.__closure__ or ()
            if isinstance(c.cell_contents, list) and c.cell_contents and isinstance(c.cell_contents[0], Activation)
        )
        fixed = list(outputs)

        def replay() -> None:
            self.replays += 1
            work()
            for place, fresh in zip(fixed, outputs, strict=True):
                for there, new in zip(place.tensors(), fresh.tensors(), strict=True):
                    there.copy_(new + self.error)
            outputs[:] = fixed

        return replay


def noises_of(generator: Generator, seed: int) -> list[torch.Tensor | None]:
    return [layer.noise(NoiseSpec("random", seed), 1) for layer in generator.layers]


def inputs_of(generator: Generator) -> Inputs:
    return Inputs(torch.randn(1, generator.info.num_ws, generator.info.w_dim))


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t"])
def test_a_replay_gives_what_a_plain_run_gives(name: str) -> None:
    generator, recorder = small_generator(name), FixedMemory()
    graphs = GraphedLayers(generator.layers, recorder)
    last = len(generator.layers) - 1
    states: list[tuple[Activation, torch.Tensor]] = []
    with torch.inference_mode():
        for seed in range(4):
            torch.manual_seed(seed)
            inputs = inputs_of(generator)
            noises = noises_of(generator, seed)
            begin = generator.begin(inputs)
            results = graphs.run(0, last, begin, inputs, noises)
            assert (results is None) == (seed == 0), "the first look of a kind is not recorded"
            a = fold(generator.layers, begin, inputs, noise=noises.__getitem__)
            if results is not None:
                assert torch.equal(generator.rgb(results[-1]), generator.rgb(a))
                states.append((results[last // 2], results[last // 2].x.clone()))
    assert recorder.records == 1
    assert all(torch.equal(a.x, before) for a, before in states), "a later replay must not change what was states"


def test_a_wrong_replay_ends_recording() -> None:
    generator, recorder = small_generator("stylegan3-t"), FixedMemory()
    recorder.error = 1e3
    graphs = GraphedLayers(generator.layers, recorder)
    inputs = inputs_of(generator)
    noises = noises_of(generator, 0)
    with torch.inference_mode():
        for _ in range(4):
            assert graphs.run(0, 3, generator.begin(inputs), inputs, noises[:4]) is None
    assert graphs.is_broken
    assert recorder.records == 1


def test_only_some_recordings_are_kept() -> None:
    generator, recorder = small_generator("stylegan3-t"), FixedMemory()
    graphs = GraphedLayers(generator.layers, recorder)
    inputs = inputs_of(generator)
    noises = noises_of(generator, 0)
    ranges = [(start, start + length) for length in (1, 2, 3) for start in (0, 1)]
    assert len(ranges) == KEPT
    with torch.inference_mode():
        activations = [generator.begin(inputs)]
        fold(generator.layers, activations[0], inputs, after=lambda _, a: activations.append(a))
        for _ in range(2):
            for start, stop in ranges:
                graphs.run(start, stop, activations[start], inputs, noises[start : stop + 1])
    assert recorder.records == KEPT
    assert len(graphs._recordings) == KEPT


def request_of(generator: Generator, seed: int) -> RenderRequest:
    return resolve_look(Look(latent=Latent(seed=seed)), Tap(), generator.info, model=ModelKey("sha"))


def test_the_pipeline_takes_recordings() -> None:
    generator, recorder = small_generator("stylegan2-skip").eval(), FixedMemory()
    assert graphs_for(generator.layers, torch.device("cpu")) is None
    pipeline, plain = Pipeline(generator, StageCache(64 << 20)), Pipeline(generator, StageCache(64 << 20))
    pipeline._graphs = GraphedLayers(generator.layers, recorder)
    with torch.inference_mode():
        for seed in range(4):
            request = request_of(generator, seed)
            got = pipeline.run(pipeline.plan(request, 0))
            assert torch.equal(got.image, plain.run(plain.plan(request, 0)).image)
            assert any(stage.name == "recorded layers" for stage in got.timings) == (seed > 0)
    assert recorder.replays >= 3


def test_edited_layers_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Added:
        def key(self, i: int) -> bytes:
            return b"edit" * (i == 2)

        def style(self, i: int, s: torch.Tensor) -> torch.Tensor:
            return s

        def features(self, i: int, activation: Activation) -> Activation:
            return activation.with_features(activation.x + 1) if i == 2 else activation

    generator, recorder = small_generator("stylegan2-skip").eval(), FixedMemory()
    monkeypatch.setattr("explorer.render.pipeline.layer_edits", lambda recipe, info, layers: Added())
    pipeline = Pipeline(generator, StageCache(64 << 20))
    pipeline._graphs = GraphedLayers(generator.layers, recorder)
    with torch.inference_mode():
        for seed in range(3):
            pipeline.run(pipeline.plan(request_of(generator, seed), 0))
    assert recorder.records == 0
