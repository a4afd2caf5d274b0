"""No step of a job does more arithmetic than the slowest single layer of its network: looks wait no longer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.analysis import averages, equivariance
from explorer.analysis.measurement import measure
from explorer.analysis.registry import EQUIVARIANCE, metric_named
from explorer.jobs.job import JobContext
from explorer.ops.backend import use_backend
from explorer.render.headless import HeadlessRenderer
from explorer.state import Look
from explorer.state.request import RenderRequest
from tests.ops.counting import counted
from tests.render.support import tiny_model

SIZE = 128
LAYERS = 5

JOBS = {
    "curves": equivariance.curves,
    "metrics": lambda context, request: measure(EQUIVARIANCE, context, request, 2),
    "sticking": lambda context, request: measure([metric_named("sticking")], context, request, 2),
    "spectrum": lambda context, request: measure([metric_named("spectrum")], context, request, 2),
    "neighbours": lambda context, request: averages.neighbours(context, request, 0.2, 3),
    "shifted": lambda context, request: averages.brought_back(context, request, "shifted", 3),
    "turned": lambda context, request: averages.brought_back(context, request, "turned", 3),
}


@pytest.fixture(scope="module")
def context() -> tuple[JobContext, RenderRequest, int]:
    """A network of 128 pixels, a request, and the arithmetic of its slowest layer."""
    renderer = HeadlessRenderer(tiny_model(img_resolution=SIZE, channels=24).generator)
    request = renderer.request(Look())
    generator = renderer.context.generator
    with torch.inference_mode(), use_backend("torch"):
        ws = generator.broadcast(generator.mapping(torch.zeros(1, generator.info.z_dim)))
        slowest = max(counted(generator.synthesis_steps(ws)))
    assert slowest > 24 * 24 * 9 * SIZE * SIZE
    return renderer.context, request, slowest


@pytest.mark.parametrize("name", JOBS)
def test_no_step_is_longer_than_the_slowest_layer(
    name: str, context: tuple[JobContext, RenderRequest, int]
) -> None:
    job: Iterator[Any] = iter(JOBS[name](context[0], context[1]))
    steps = 0
    with torch.inference_mode():
        while steps < 600:  # of the many of "curves"
            with FlopCounterMode(display=False) as counter:
                try:
                    next(job)
                except StopIteration:
                    break
            steps += 1
            assert counter.get_total_flops() <= context[2], f"step {steps}"
    assert steps > 2 * LAYERS


def test_a_job_leaves_the_thread_as_it_was(context: tuple[JobContext, RenderRequest, int]) -> None:
    """Between two steps other work runs in the thread: no grad mode and no choice of kernels may stay behind."""
    job = measure(EQUIVARIANCE, context[0], context[1], 2)
    for _ in range(40):
        next(job)
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
    style = context[1].style
    other = equivariance.curves(context[0], replace(context[1], style=replace(style, psi=(0.5,) * len(style.psi))))
    with torch.inference_mode():
        for _ in range(40):
            next(other)
            with use_backend() as policy:
                assert policy == type(policy)()
