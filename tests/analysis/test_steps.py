"""No step of a study does more arithmetic than the slowest single layer of its network: looks wait no longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.analysis import averages, equivariance, spectrum, sticking
from explorer.analysis.study import Bench
from explorer.ops.backend import use_backend
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from explorer.state.request import RenderRequest
from tests.ops.counting import counted
from tests.render.support import tiny_model

SIZE = 128
LAYERS = 5

STUDIES = {
    "curves": equivariance.curves,
    "metrics": lambda bench, request: equivariance.sampled(bench, 2),
    "sticking": lambda bench, request: sticking.sampled(bench, request, 2),
    "spectrum": lambda bench, request: spectrum.sampled(bench, request, 2),
    "neighbours": lambda bench, request: averages.neighbours(bench, request, 0.2, 3),
    "shifted": lambda bench, request: averages.brought_back(bench, request, "shifted", 3),
    "turned": lambda bench, request: averages.brought_back(bench, request, "turned", 3),
}


@pytest.fixture(scope="module")
def bench() -> tuple[Bench, RenderRequest, int]:
    """A network of 128 pixels, a request, and the arithmetic of its slowest layer."""
    renderer = HeadlessRenderer(tiny_model(img_resolution=SIZE, channels=24).generator)
    request = renderer.request(Look())
    generator = renderer.bench.generator
    with torch.inference_mode(), use_backend("torch"):
        ws = generator.broadcast(generator.mapping(torch.zeros(1, generator.info.z_dim)))
        slowest = max(counted(generator.synthesis_steps(ws)))
    assert slowest > 24 * 24 * 9 * SIZE * SIZE
    return renderer.bench, request, slowest


@pytest.mark.parametrize("name", STUDIES)
def test_no_step_is_longer_than_the_slowest_layer(name: str, bench: tuple[Bench, RenderRequest, int]) -> None:
    study: Iterator[Any] = iter(STUDIES[name](bench[0], bench[1]))
    steps = 0
    with torch.inference_mode():
        while steps < 600:  # of the many of "curves"
            with FlopCounterMode(display=False) as counter:
                try:
                    next(study)
                except StopIteration:
                    break
            steps += 1
            assert counter.get_total_flops() <= bench[2], f"step {steps}"
    assert steps > 2 * LAYERS


def test_a_study_leaves_the_thread_as_it_was(bench: tuple[Bench, RenderRequest, int]) -> None:
    """Between two steps other work runs in the thread: no grad mode and no choice of kernels may stay behind."""
    study = equivariance.sampled(bench[0], 2)
    for _ in range(40):
        next(study)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    style = bench[1].style
    other = equivariance.curves(bench[0], replace(bench[1], style=replace(style, psi=(0.5,) * len(style.psi))))
    with torch.inference_mode():
        for _ in range(40):
            next(other)
            with use_backend() as policy:
                assert policy == type(policy)()
