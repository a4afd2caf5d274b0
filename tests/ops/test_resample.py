"""The picture movers agree with the equivariance goldens."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from explorer.ops import resample
from explorer.ops.upfirdn2d import upsample2d
from tests.goldens import Golden

MOVERS = {
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
        x = golden.array(call["x"])
        moved, mask = MOVERS[op](x, **ours(call["kwargs"]))
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


@pytest.mark.parametrize(("up", "shape"), [(4, (2, 3, 9, 12)), (2, (1, 1, 8, 8))])
def test_enlarging_phase_by_phase_is_upsampling(up: int, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape)
    taps = torch.randn(2 * 6 * up - 1, 2 * 6 * up - 1)
    expected = upsample2d(x, taps, up=up, padding=taps.shape[0] // 2)
    torch.testing.assert_close(resample._enlarge(x, taps, up), expected, rtol=1e-5, atol=2e-4)
