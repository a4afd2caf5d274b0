"""The picture movers agree with the equivariance goldens."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from explorer.ops import affine_tiles, resample
from explorer.ops.affine_tiles import affine_reference, enlarged
from explorer.ops.backend import use_backend
from explorer.ops.upfirdn2d import upsample2d
from explorer.util.steps import run
from tests.goldens import Golden
from tests.ops.counting import counted

MOVERS: dict[str, Callable[..., Any]] = {
    "apply_integer_translation": resample.translate_integer,
    "apply_fractional_translation": resample.translate,
    "apply_fractional_rotation": resample.rotation,
    "apply_fractional_pseudo_rotation": resample.pseudo_rotation,
    "apply_affine_transformation": resample.affine,
}
NAMES = {"a": "lobes", "mat": "matrix", "amax": "radius"}


def ours(kwargs: dict[str, Any]) -> dict[str, Any]:
    named = {NAMES.get(key, key): value for key, value in kwargs.items()}
    if "matrix" in named:
        named["matrix"] = np.array(named["matrix"])
        del named["radius"]  # always twice the lobes
    return named


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("equivariance/eq_functions")


@pytest.mark.parametrize("op", MOVERS)
def test_moved_pictures_and_masks(golden: Golden, op: str) -> None:
    calls = [call for call in golden.meta["calls"] if call["op"] == op]
    assert calls
    for call in calls:
        x, kwargs = golden.array(call["x"]), ours(call["kwargs"])
        height, width = x.shape[2:]
        if "ty" in kwargs:
            kwargs["ty"] *= height / width  # the stored shift is in heights, ours in widths
        if height != width and op == "apply_fractional_rotation":
            continue  # the stored one turns in units of each axis, which shears the picture; ours is rigid
        moved, mask = MOVERS[op](x, **kwargs)
        expected_mask = golden.array(call["mask"])
        flips = int((mask.bool() != expected_mask.bool()).sum())
        assert flips <= call["mask_pixels_differing_in_float64"], call
        inside = (mask.bool() & expected_mask.bool()).expand_as(moved)
        expected = golden.array(call["out"])
        assert torch.where(inside, moved - expected, 0).abs().max() <= call["atol"], call


def test_filters(golden: Golden) -> None:
    calls = [call for call in golden.meta["calls"] if call["op"] == "construct_affine_bandlimit_filter"]
    for call in calls:
        taps = resample.affine_filter(resample.rotation_matrix(call["angle"]), **ours(call["kwargs"]))
        assert np.abs(taps - golden.arrays[call["out"]]).max() <= call["atol"], call


def test_a_turned_disc_is_still_a_disc() -> None:
    yy, xx = torch.meshgrid(torch.arange(48.0), torch.arange(48.0), indexing="ij")
    disc = torch.exp(-((xx - 23.5) ** 2 + (yy - 23.5) ** 2) / 60)[None, None]
    turned, mask = resample.rotation(disc, 0.7)
    assert (turned - disc).mul(mask).abs().max() < 2e-3


def test_translation_moves_right_and_down() -> None:
    x = torch.zeros(1, 1, 16, 16)
    x[..., 4, 4] = 1
    moved, _ = resample.translate(x, 3 / 16, 1 / 16)
    assert moved.flatten().argmax() == 5 * 16 + 7


@pytest.mark.parametrize(
    ("up", "shape"), [(4, (2, 3, 9, 12)), (2, (1, 1, 8, 8)), (3, (1, 2, 7, 5)), (1, (1, 1, 6, 9))]
)
def test_enlarging_phase_by_phase_is_upsampling(up: int, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape)
    taps = torch.randn(2 * 6 * up - 1, 2 * 6 * up - 1)
    expected = upsample2d(x, taps, up=up, padding=taps.shape[0] // 2)
    torch.testing.assert_close(enlarged(x, taps, up), expected, rtol=1e-5, atol=2e-4)


# -- in tiles --------------------------------------------------------------------------------------------------

MOTIONS = {
    "still": np.eye(3),
    "turned": resample.rotation_matrix(0.4),
    "turned far": resample.rotation_matrix(-2.6),
    "shifted": np.array([[1.0, 0.0, 0.031], [0.0, 1.0, -0.12], [0.0, 0.0, 1.0]]),
    "shifted out": np.array([[1.0, 0.0, 3.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "sheared": np.array([[0.3, 0.1, 0.03], [0.2, 2.5, -0.1], [0.0, 0.0, 1.0]]),
    "large": np.diag([8.0, 8.0, 1.0]),
    "small": np.diag([0.2, 0.1, 1.0]),
}


@pytest.mark.parametrize("motion", MOTIONS)
@pytest.mark.parametrize(
    "shape",
    [(1, 3, 16, 16), (1, 1, 63, 65), (2, 3, 64, 64), (1, 4, 33, 200), (1, 2, 129, 127)],
)
def test_tiles_agree_with_the_whole_picture(motion: str, shape: tuple[int, ...]) -> None:
    """Sizes around one and two tiles of 64, odd ones, and motions under which one tile covers all or hardly any."""
    torch.manual_seed(0)
    x = torch.rand(shape) * 2 - 1
    tiled = resample.affine(x, MOTIONS[motion], span=resample.QUICK_SPAN)
    with use_backend("reference"):
        whole = resample.affine(x, MOTIONS[motion], span=resample.QUICK_SPAN)
    # The reference computes places in float32: 2e-5 of an enlarged sample here.
    torch.testing.assert_close(tiled[0], whole[0], rtol=0, atol=2e-4)
    assert int((tiled[1] != whole[1]).sum()) <= 2


def test_every_pixel_reads_from_exactly_one_tile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture of ones is one everywhere inside: a hole or a sum at a border of tiles would show."""
    monkeypatch.setattr(affine_tiles, "_TILE", 7)
    for angle in (0.0, 0.25, math.pi / 4, math.pi / 2):
        moved, mask = resample.rotation(torch.ones(1, 1, 61, 61), angle)
        assert mask.sum() > 1000
        assert (moved - 1).mul(mask).abs().max() < 0.02


def test_arithmetic_grows_with_the_pixels_and_no_step_is_long() -> None:
    """The convolution of a whole picture of 1024 pixels took oneDNN half a minute."""
    costs, longest = {}, {}
    for size in (128, 256, 512):
        steps = counted(resample.undo_steps(torch.zeros(1, 3, size, size), resample.rotation_matrix(0.3)))
        costs[size], longest[size] = sum(steps), max(steps)
    assert costs[512] < 4.2 * costs[256] < 4.2 * 4.2 * costs[128]
    assert longest[512] == longest[128] < 60e6, "multiplications of a step, whatever the size"


@pytest.mark.parametrize("name", ["pseudo_rotation", "translate"])
def test_filters_by_bands_agree_with_one_band(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    x = torch.rand(2, 3, 37, 41)
    values: dict[str, Any] = {"pseudo_rotation": [(0.3,), (1.4,)], "translate": [(0.013, 0.21), (-0.98, 0.4)]}
    for value in values[name]:
        monkeypatch.setattr(resample, "_BAND_PIXELS", 1 << 30)
        whole = getattr(resample, name)(x, *value)
        monkeypatch.setattr(resample, "_BAND_PIXELS", 90)
        bands = getattr(resample, name)(x, *value)
        torch.testing.assert_close(bands[0], whole[0], rtol=1e-5, atol=1e-6)
        assert torch.equal(bands[1], whole[1])


def test_a_filter_is_designed_in_short_steps() -> None:
    steps = resample.affine_steps(torch.zeros(1, 1, 4, 4), resample.rotation_matrix(0.123))
    assert sum(1 for _ in steps) > 40, "two convolutions of 511 x 511 by bands of 64 rows"


def test_gradients_pass_through_tiles() -> None:
    x = torch.rand(1, 1, 70, 70, requires_grad=True)
    moved, _ = run(resample.undo_steps(x, MOTIONS["turned"]))
    moved.sum().backward()
    assert x.grad is not None
    assert x.grad[0, 0, 30:40, 30:40].sub(1).abs().max() < 0.1


def test_the_whole_picture_is_the_reference() -> None:
    x = torch.rand(1, 1, 8, 8)
    taps = torch.from_numpy(resample.affine_filter(np.eye(3), up=4)).float()
    with use_backend("reference"):
        assert torch.equal(resample.affine(x, np.eye(3))[0], affine_reference(x, taps, 4, np.eye(3))[0])
