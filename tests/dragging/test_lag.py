"""The measurement of a template's lag: its pairs move as they say, and a shift of a picture is found as one."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from benchmarks import drag_lag
from benchmarks.critter_landmarks import detector, landmarks
from benchmarks.drag_lag import NEAR, _missed, _picture, turned
from benchmarks.editing_drag import tasks
from explorer.checkpoints.bundled import resolve
from explorer.render.model_store import load_file
from explorer.training.critters.attributes import attributes


def test_the_second_latent_differs_in_one_attribute_and_its_landmark_has_gone_the_way() -> None:
    task = tasks(1, 5)[0]
    pair = turned(task)
    assert pair is not None
    first, second = (attributes(z[None]) for z in (pair.before, pair.after))
    changed = {f for f in first.__slots__ if not torch.allclose(getattr(first, f), getattr(second, f), atol=1e-5)}
    assert changed == {task.attribute}
    k = task.landmark
    assert torch.allclose(landmarks(second)[0, k] - landmarks(first)[0, k], pair.way, atol=1e-5)
    assert (pair.way - task.way).norm() <= NEAR


@pytest.mark.parametrize("behind", [0, 2])
def test_a_picture_that_moves_less_than_its_landmark_is_found_to_lag(behind: int) -> None:
    pair = turned(tasks(1, 5)[0])
    assert pair is not None
    scene = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    scene = torch.nn.functional.avg_pool2d(scene, 5, 1, 2)
    before, after = (_picture(scene[..., 16:80, x : x + 64]) for x in (16, 16 - 8 + behind))
    moved = replace(pair, start=torch.tensor([0.5, 0.4]), way=torch.tensor([0.0, 8 / 64]))
    expected = torch.tensor([0.0, -behind / 64])
    assert (_missed(before, after, moved, 64) - expected).norm() < 0.5 / 64


def test_at_the_end_of_a_drag_layers_find_what_stood_still_where_the_target_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(drag_lag, "_dragged", lambda generator, ws, pair, size: torch.zeros_like(ws[0]))
    task = replace(tasks(1, 5)[0], way=torch.tensor([0.0, 2 / 64]))
    generator = load_file(resolve("critters-stylegan3-t")).generator
    errors = {name: error for name, _, error in drag_lag.dragged([task], generator, detector())}
    assert torch.allclose(errors.pop("target"), task.way, atol=1e-6)
    assert set(errors) >= {"L3_72_64", "picture"}
    assert max(error.norm() for error in errors.values()) < 0.5 / 64
