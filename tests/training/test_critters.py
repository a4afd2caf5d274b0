"""Critters: reproducible, and every texture is fixed to the head."""

from __future__ import annotations

import itertools
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from explorer.training.critters.attributes import Attributes, attributes, latents
from explorer.training.critters.coat import coat_colour
from explorer.training.critters.pack import main as pack_main
from explorer.training.critters.render import camera_rays, render, rotation
from explorer.training.critters.shape import head_distance, shape_of
from explorer.training.seeds import seed_of

POSE = ("yaw", "pitch", "roll", "shift_x", "shift_y")


def _neutral(a: Attributes) -> Attributes:
    return replace(a, **{name: torch.zeros_like(getattr(a, name)) for name in POSE})


def test_a_picture_depends_on_its_own_latent_only() -> None:
    together = render(attributes(latents(3, seed=5)), 16)
    alone = render(attributes(latents(1, seed=5, start=2)), 16)
    torch.testing.assert_close(together[2:], alone, atol=1e-5, rtol=0)


def test_rays_left_out_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    a = attributes(latents(2, seed=4))
    module = sys.modules[render.__module__]
    some = render(a, 24)
    with monkeypatch.context() as patch:
        seen: list[int] = []
        inner = module._followed
        patch.setattr(module, "_followed", lambda wanted: seen.append(int(inner(wanted).numel())) or inner(wanted))
        render(a, 24)
        assert seen[0] == 48 * 48  # all at first
        assert seen[-1] < 48 * 48 // 2  # what shows a critter
        assert all(number % module._REGISTERS == 0 for number in seen)
        patch.setattr(module, "_followed", lambda wanted: torch.arange(wanted.shape[1]))
        whole = render(a, 24)
    assert torch.equal(some, whole)


def test_attributes_are_in_range_and_reproduce() -> None:
    first, second = attributes(latents(50, seed=1)), attributes(latents(50, seed=1))
    for field in fields(first):
        assert torch.equal(getattr(first, field.name), getattr(second, field.name))
    for weights in (first.species, first.palette, first.pattern):
        torch.testing.assert_close(weights.sum(1), torch.ones(50))
    assert first.yaw.abs().max() <= 0.65
    assert first.mouth_open.min() >= 0
    assert first.species.argmax(1).unique().numel() == 5


def test_a_longer_latent_is_the_same_critter() -> None:
    u = latents(4, seed=2)
    torch.testing.assert_close(attributes(u).yaw, attributes(3 * u).yaw)


def test_resolutions_show_the_same_critter() -> None:
    a = attributes(latents(2, seed=3))
    small, large = render(a, 16, supersample=4), render(a, 32, supersample=2)
    difference = (small - torch.nn.functional.avg_pool2d(large, 2)).abs()
    assert difference.mean() < 0.004


def test_the_coat_is_a_function_of_the_point_on_the_head() -> None:
    """Two poses of one critter: the same head point has the same colour, wherever it lands in the picture."""
    a = attributes(latents(1, seed=4))
    turned = replace(a, yaw=a.yaw + 0.4, roll=a.roll - 0.2, shift_x=a.shift_x + 0.05)
    shape = shape_of(a)
    points = torch.nn.functional.normalize(
        torch.randn(1, 50, 3, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    normal, ear = points, torch.zeros(1, 50)
    one = coat_colour(a, shape, points, normal, ear)
    two = coat_colour(turned, shape_of(turned), points, normal, ear)
    assert torch.equal(one, two)


def test_rays_meet_the_moved_head_at_the_same_head_points() -> None:
    """A ray through a moved head, expressed in head coordinates, is the inverse motion of the camera ray."""
    a = attributes(latents(1, seed=6))
    rest = _neutral(a)
    turned = replace(rest, roll=torch.full_like(a.roll, 0.5))
    _, straight = camera_rays(rest, 8)
    _, moved = camera_rays(turned, 8)
    torch.testing.assert_close(moved @ rotation(turned).transpose(1, 2), straight, atol=1e-6, rtol=0)


def test_rolling_the_head_rolls_the_picture() -> None:
    """Under light from straight ahead a quarter turn of the head is a quarter turn of the foreground."""
    a = _neutral(attributes(latents(1, seed=7)))
    grey = torch.full_like(a.background, 0.5)
    a = replace(a, background=grey, light_x=torch.zeros_like(a.yaw), light_y=torch.zeros_like(a.yaw))
    a = replace(a, size=torch.full_like(a.size, 0.2))
    upright = render(a, 32)
    turned = render(replace(a, roll=torch.full_like(a.roll, np.pi / 2)), 32)
    # Undo the turn about the head's own centre, 5 % of the picture below the middle.
    angle = torch.tensor(np.pi / 2)
    c, s = torch.cos(angle), torch.sin(angle)
    low = 0.10
    theta = torch.tensor([[[c, s, -s * low], [-s, c, low - c * low]]], dtype=torch.float32)
    back = torch.nn.functional.grid_sample(
        turned, torch.nn.functional.affine_grid(theta, list(turned.shape), align_corners=False), align_corners=False
    )
    inner = (slice(None), slice(None), slice(8, 24), slice(8, 24))
    wrong = (turned[inner] - upright[inner]).abs().mean()
    right = (back[inner] - upright[inner]).abs().mean()
    assert right < 0.5 * wrong


def test_the_field_is_negative_inside_and_positive_outside() -> None:
    a = attributes(latents(8, seed=8))
    mouth = a.mouth_open[:, None]
    zero = torch.zeros(8, 1)
    assert (head_distance(shape_of(a), zero, zero, zero, mouth) < 0).all()
    assert (head_distance(shape_of(a), zero + 3, zero, zero, mouth) > 0).all()


def test_packing_writes_the_numbered_pictures(tmp_path: pytest.TempPathFactory) -> None:
    out = tmp_path / "part.npy"  # type: ignore[operator]
    assert pack_main([str(out), "--count", "3", "--resolution", "8", "--seed", "9", "--start", "4"]) == 0
    packed = np.load(out)
    expected = render(attributes(latents(3, seed=9, start=4)), 8)
    assert packed.shape == (3, 3, 8, 8)
    assert packed.dtype == np.uint8
    assert np.abs(packed.astype(float) - expected.numpy() * 255).max() <= 1.0


def test_data_sets_of_other_seeds_hold_other_critters() -> None:
    rows = [tuple(row.tolist()) for seed in (0, 1, 2) for row in latents(50, seed)]
    assert len(set(rows)) == 150
    assert torch.equal(latents(3, seed=1, start=2), latents(5, seed=1)[2:])


def test_seeds_fit_a_cpu_generator_and_the_first_one_counts_from_zero() -> None:
    assert [seed_of(0, 0, i) for i in (0, 7)] == [0, 7]
    others = {seed_of(*numbers) for numbers in itertools.product((0, 1, 2), (0, 1), range(5))}
    assert len(others) == 30
    assert all(0 <= seed < 2**32 for seed in others)
