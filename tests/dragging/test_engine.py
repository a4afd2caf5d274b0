"""Dragging: a network with a known answer, real ones, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from explorer.dragging.engine import drag_steps
from explorer.dragging.problem import Drag, DragSettings, DragStep, Method
from explorer.errors import UsageError
from explorer.generators.base import Generator, Inputs
from explorer.generators.stylegan3 import StyleGAN3Generator
from explorer.ops.backend import policy
from tests.dragging.blobs import PER_W, STARTS, Blobs, centres
from tests.generators.configs import small_generator

METHODS: tuple[Method, ...] = ("freedrag", "draggan")


def steps_of(generator: Generator, drag: Drag, ws: torch.Tensor | None = None) -> Iterator[DragStep]:
    """Every step of a drag from the mean, as a job is run."""
    with torch.inference_mode():
        ws = generator.broadcast(generator.w_avg[None]) if ws is None else ws
        job = drag_steps(generator, Inputs(ws), drag)
    while True:
        with torch.inference_mode():
            try:
                report = next(job)
            except StopIteration:
                return
        if report is not None:
            yield report.value


def last_of(generator: Generator, drag: Drag) -> DragStep:
    return list(steps_of(generator, drag))[-1]


@pytest.mark.parametrize(("method", "tolerance"), [("freedrag", 0.5), ("draggan", 1.6)])
def test_a_blob_that_is_linear_in_w_is_brought_to_its_target(method: Method, tolerance: float) -> None:
    settings = DragSettings(method=method, rate=0.05)
    target = (STARTS[0][0] + 6, STARTS[0][1] - 3)
    last = last_of(Blobs(), Drag((STARTS[0],), (target,), settings=settings))
    place = centres(torch.tensor(last.offset[0]))[0]
    assert (place - torch.tensor(target)).norm() < tolerance
    assert (torch.tensor(last.handles[0].position) - place).norm() < tolerance  # it is where it is said to be
    assert last.handles[0].state == "arrived"
    assert last.outcome == "Every point has arrived."
    assert not last.offset[1].any()  # that row only drives the colours


def test_two_points_go_their_own_ways() -> None:
    targets = ((STARTS[0][0] - 2, STARTS[0][1] + 2), (STARTS[1][0] + 5, STARTS[1][1]))
    last = last_of(Blobs(), Drag(STARTS, targets, settings=DragSettings(rate=0.05)))
    places = centres(torch.tensor(last.offset[0]))
    assert (places - torch.tensor(targets)).norm(dim=1).max() < 1.0


def test_what_the_mask_does_not_free_stays() -> None:
    target = (STARTS[0][0] + 6, STARTS[0][1])
    mask = np.zeros((32, 32), bool)
    mask[:, :16] = True
    moved = []
    for free in (None, mask):
        last = last_of(Blobs(), Drag((STARTS[0],), (target,), free, DragSettings(rate=0.05)))
        first, second = centres(torch.tensor(last.offset[0])) - torch.tensor(STARTS)
        assert first[0] == pytest.approx(6, abs=1.0)
        moved.append(float(second.norm()))
    assert moved[0] > 2.0  # both go down with w[0] otherwise
    assert moved[1] < 0.5


def test_a_point_that_vanishes_is_lost_and_the_drag_says_so() -> None:
    target = (STARTS[0][0] + 10, STARTS[0][1])
    last = last_of(Blobs(shown=12), Drag((STARTS[0],), (target,), settings=DragSettings(rate=0.05)))
    (handle,) = last.handles
    assert handle.state == "lost"
    assert "no longer recognised" in handle.reason
    assert handle.confidence < DragSettings().confidence
    assert "1 of 1 points were lost" in last.outcome


def test_a_target_beyond_the_trusted_region_ends_it_with_the_reason() -> None:
    settings = DragSettings(rate=0.05, trust=0.2)
    target = (STARTS[0][0] + 12, STARTS[0][1])
    steps = list(steps_of(Blobs(), Drag((STARTS[0],), (target,), settings=settings)))
    assert steps[-1].outcome == "There was no progress in 30 steps, at the edge of the trusted region."
    lengths = [np.linalg.norm(step.offset, axis=1).max() for step in steps]
    assert max(lengths) <= 0.2 * 2.0 * 1.05  # four axes of standard deviation one, as 4,000 samples measure them
    assert max(lengths) * PER_W > 1.0


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan2-resnet", "stylegan3-t", "stylegan3-r"])
@pytest.mark.parametrize("method", METHODS)
def test_real_networks_bring_a_point_nearer(name: str, method: Method) -> None:
    generator = small_generator(name)
    size = generator.info.img_size[0]
    handle, target = (0.5 * size, 0.4 * size), (0.5 * size, 0.55 * size)
    drag = Drag((handle,), (target,), settings=DragSettings(method=method, rate=0.03, steps=25))
    with torch.inference_mode():
        ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim, generator=seeded())))
    steps = list(steps_of(generator, drag, ws))
    ways = [np.hypot(*np.subtract(step.handles[0].position, target)) for step in steps]
    assert min(ways) < ways[0] - 0.3
    assert not steps[0].offset.any()
    if generator.info.input_style_dim:
        assert not steps[-1].offset[0].any()  # the camera is locked


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def test_the_camera_moves_where_it_is_not_locked() -> None:
    generator = small_generator("stylegan3-t")
    assert isinstance(generator, StyleGAN3Generator)
    with torch.no_grad():
        generator.input.affine.weight.normal_(generator=seeded())
    drag = Drag(((12, 12),), ((18, 18),), settings=DragSettings(camera_lock=False, steps=6))
    assert list(steps_of(generator, drag))[-1].offset[0].any()


def test_steps_leave_the_thread_as_it_was_and_go_on_after_other_work() -> None:
    generator = small_generator("stylegan3-t")
    drag = Drag(((12, 12),), ((18, 18),), settings=DragSettings(steps=4))
    alone = list(steps_of(generator, drag))[-1].offset
    ws = generator.broadcast(generator.w_avg[None])
    with torch.inference_mode():
        job, other = (drag_steps(generator, Inputs(ws), drag) for _ in range(2))
        before, last = policy(), None
        for report in job:
            assert torch.is_inference_mode_enabled()
            assert not torch.is_grad_enabled()
            assert policy() == before
            generator.synthesis(ws)
            next(other, None)
            last = last if report is None else report.value
    assert last is not None
    np.testing.assert_array_equal(last.offset, alone)
    assert all(p.grad is None for p in generator.parameters())


def test_what_cannot_be_dragged_is_explained() -> None:
    with pytest.raises(UsageError, match="outside the picture of 32 by 32"):
        last_of(Blobs(), Drag(((40, 2),), ((3, 3),)))
    with pytest.raises(UsageError, match="rows of ws"):
        last_of(Blobs(), Drag(((4, 2),), ((3, 3),), settings=DragSettings(rows=(1,))))
