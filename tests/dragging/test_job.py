"""The job of a drag: as data, on the picture of a request, and what becomes of its result."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from explorer.assets.table import AssetTable
from explorer.dragging.job import as_direction, drag_spec
from explorer.dragging.problem import Drag, DragSettings, DragStep
from explorer.edits import Direction, Edit
from explorer.errors import UsageError
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec
from explorer.render.headless import HeadlessRenderer
from explorer.state import Latent, Look
from tests.generators.configs import small_generator

DRAG = Drag(((14.0, 12.0),), ((14.0, 18.0),), settings=DragSettings(steps=5))


def run(renderer: HeadlessRenderer, look: Look, drag: Drag, table: AssetTable | None = None) -> DragStep:
    spec = drag_spec(renderer.request(look, table=table), drag)
    spec = JobSpec.from_json(json.loads(json.dumps(spec.to_json())))
    value: DragStep = run_inline(spec, context=renderer.context)
    return value


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t"])
def test_its_result_is_an_edit_that_gives_the_dragged_picture(name: str) -> None:
    renderer = HeadlessRenderer(small_generator(name))
    look = Look(latent=Latent(seed=3))
    before = renderer.render_look(look)
    last = run(renderer, look, DRAG)
    assert last.step == 5
    direction = as_direction(last)
    assert direction is not None
    table = AssetTable()
    edit = Edit(Direction(table.add(direction)), 1.0)
    after = renderer.render_look(Look(latent=Latent(seed=3), edits=(edit,)), table=table)
    np.testing.assert_allclose(after.latents.ws, before.latents.ws + last.offset, atol=1e-6)
    assert np.abs(after.image - before.image).max() > 1e-3


def test_it_starts_from_the_picture_with_its_edits_and_noise() -> None:
    renderer = HeadlessRenderer(small_generator("stylegan2-skip"))
    look = Look(latent=Latent(seed=3))
    first = as_direction(run(renderer, look, DRAG))
    assert first is not None
    table = AssetTable()
    dragged = Look(latent=Latent(seed=3), edits=(Edit(Direction(table.add(first)), 1.0),))
    again = run(renderer, dragged, DRAG, table)
    assert not np.array_equal(again.offset, first.array)


def test_a_change_of_nothing_is_no_direction() -> None:
    assert as_direction(DragStep(0, np.zeros((4, 4), np.float32), ())) is None


def test_points_outside_the_picture_end_it_with_a_hint() -> None:
    renderer = HeadlessRenderer(small_generator("tiny"))
    with pytest.raises(UsageError, match="outside the picture"), torch.inference_mode():
        run(renderer, Look(), Drag(((400.0, 1.0),), ((1.0, 1.0),)))
