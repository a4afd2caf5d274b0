"""Pictures with the motion of the input taken back, and what it leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.generators.base import Generator
from explorer.ops.resample import affine, undo
from explorer.render.untransform import difference_picture, heat_picture
from explorer.state import Look, Transform
from explorer.testing.tiny import TinyGenerator
from tests.render.pipelines import generator_of, pipeline_of, request_of, run


def test_untransform_takes_the_motion_back() -> None:
    generator = generator_of("tiny")
    motion = Transform(x=0.1, y=-0.05, rotate=20.0, untransform=True)
    moved = run(pipeline_of(generator), request_of(generator, Look(transform=replace(motion, untransform=False))))
    request = request_of(generator, Look(transform=motion))
    back = run(pipeline_of(generator), request)
    assert request.transform is not None
    inverse = np.linalg.inv(np.array(request.transform).reshape(3, 3))
    expected = affine(moved.image[None], inverse)[0][0]
    levels = (expected * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    assert np.abs(back.pixels[:, :, 2::-1].astype(int) - levels).max() <= 1
    assert torch.equal(back.image, moved.image)


def runs_of(generator: Generator) -> int:
    assert isinstance(generator, TinyGenerator)
    return sum(generator.runs.values())


@pytest.mark.parametrize("kind", ["difference", "heat"])
def test_residual_is_what_the_motion_leaves(kind: str) -> None:
    generator = generator_of("tiny")
    pipeline = pipeline_of(generator)
    still = run(pipeline_of(generator), request_of(generator)).image
    motion = Transform(x=0.1, rotate=20.0)
    moved = run(pipeline_of(generator), request_of(generator, Look(transform=motion))).image
    request = request_of(generator, Look(transform=replace(motion, residual=kind)))  # type: ignore[arg-type]
    assert request.transform is not None
    back, mask = undo(moved[None], np.array(request.transform).reshape(3, 3))
    left = (back[0] - still) * mask[0]
    expected = heat_picture(left) if kind == "heat" else difference_picture(left)
    levels = (expected * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    shown = run(pipeline, request)
    assert np.abs(shown.pixels[:, :, 2::-1].astype(int) - levels).max() <= 1
    assert left.abs().max() > 0.05  # waves through zero-padded convolutions do not follow exactly
    # Another motion renders the moved picture alone: the unmoved one is kept.
    runs = runs_of(generator)
    run(pipeline, request_of(generator, Look(transform=replace(motion, x=0.2, residual=kind))))  # type: ignore[arg-type]
    assert runs_of(generator) == runs + len(generator.layers)


def test_no_motion_leaves_nothing() -> None:
    generator = generator_of("tiny")
    request = request_of(generator, Look(transform=Transform(residual="heat")))
    assert (run(pipeline_of(generator), request).pixels[:, :, :3] == 0).all()
