"""The fast filtered leaky ReLU against its reference: odd sizes, crops, radial filters, gradients."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from explorer.ops.banded import Banded, banded_matmul, resampling_matrix, separable_terms
from explorer.ops.filter_design import design_lowpass, design_lowpass_filter
from explorer.ops.filtered_lrelu import FilteredLReLU, filtered_lrelu
from explorer.ops.upfirdn2d import upfirdn2d

UP2 = design_lowpass_filter(12, 4, 4, 32)
UP4 = design_lowpass_filter(24, 4, 4, 64)
DOWN = design_lowpass_filter(12, 5, 6, 32)
RADIAL = design_lowpass_filter(12, 5, 6, 32, radial=True)

CASES: dict[str, dict[str, Any]] = {
    "t": {"fu": UP2, "fd": DOWN, "up": 2, "down": 2, "padding": [9, 8, 9, 8]},
    "t-up4": {"fu": UP4, "fd": DOWN, "up": 4, "down": 2, "padding": [-6, -9, -6, -9]},
    "t-crop": {"fu": UP2, "fd": DOWN, "up": 2, "down": 2, "padding": [-3, 2, 5, -4], "clamp": 0.4},
    "r": {"fu": UP2, "fd": RADIAL, "up": 2, "down": 2, "padding": [11, 10, 11, 10], "clamp": 1.0},
    "r-down1": {"fu": UP2, "fd": RADIAL, "up": 2, "down": 1, "padding": 6},
    "up-only": {"fu": UP2, "fd": None, "up": 2, "down": 1, "padding": 5, "slope": 0.3},
    "down-only": {"fu": None, "fd": DOWN, "up": 1, "down": 3, "padding": 4, "gain": 0.7},
    "rgb": {"fu": None, "fd": None, "gain": 1.0, "slope": 1.0, "clamp": 0.5},
    "flipped": {
        "fu": torch.tensor([0.1, 0.7, 0.4]), "fd": torch.rand(3, 4, generator=torch.Generator().manual_seed(1)),
        "up": 3, "down": 2, "padding": 3, "flip_filter": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.parametrize("shape", [(2, 3, 20, 20), (1, 5, 37, 23), (1, 1, 17, 70)])
def test_agrees_with_the_reference(name: str, shape: tuple[int, int, int, int]) -> None:
    case = CASES[name]
    torch.manual_seed(0)
    for layout in (torch.contiguous_format, torch.channels_last):
        x = torch.randn(shape).contiguous(memory_format=layout)
        expected = filtered_lrelu(x, **case)  # type: ignore[arg-type]
        plan = FilteredLReLU(height=shape[2], width=shape[3], **case)  # type: ignore[arg-type]
        with torch.no_grad():
            fast = plan(x)
        torch.testing.assert_close(fast, expected, rtol=1e-5, atol=3e-6)
        torch.testing.assert_close(plan(x), expected, rtol=1e-5, atol=3e-6)


@pytest.mark.parametrize("name", ["t", "r"])
def test_gradients_are_right_to_second_order(name: str) -> None:
    case = {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in CASES[name].items()}
    plan = FilteredLReLU(height=7, width=9, dtype=torch.float64, **case)  # type: ignore[arg-type]
    torch.manual_seed(0)
    x = torch.randn(2, 2, 7, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(plan, x)
    assert torch.autograd.gradgradcheck(plan, x)


def test_bfloat16_loses_only_its_own_precision() -> None:
    torch.manual_seed(0)
    x = torch.randn(1, 8, 36, 36)
    plan = FilteredLReLU(height=36, width=36, dtype=torch.bfloat16, **CASES["t"])  # type: ignore[arg-type]
    with torch.no_grad():
        error = plan(x.bfloat16()).float() - filtered_lrelu(x, **CASES["t"])  # type: ignore[arg-type]
    assert float(error.square().mean().sqrt()) < 0.01


@pytest.mark.parametrize(
    ("up", "down", "padding"), [(1, 1, (0, 0)), (2, 1, (3, -2)), (1, 3, (5, 5)), (4, 2, (-6, 9))]
)
@pytest.mark.parametrize("flip", [False, True])
def test_resampling_matrix_is_upfirdn2d(up: int, down: int, padding: tuple[int, int], flip: bool) -> None:
    taps = np.random.default_rng(0).normal(size=5)
    matrix = torch.from_numpy(resampling_matrix(taps, 13, up, down, padding, 1.7, flip))
    x = torch.randn(2, 1, 1, 13, dtype=torch.float64)
    expected = upfirdn2d(
        x, torch.from_numpy(taps)[None], [up, 1], [down, 1], [*padding, 0, 0], flip_filter=flip, gain=1.7
    )
    torch.testing.assert_close(x @ matrix.t(), expected)


@pytest.mark.parametrize("rows", [1, 4, 100])
def test_banded_products_in_every_orientation(rows: int) -> None:
    dense = resampling_matrix(np.array([0.2, 0.5, 0.3]), 11, 2, 1, (2, 1))
    matrix = Banded(dense, rows, torch.float64)
    x = torch.randn(2, 11, 3, dtype=torch.float64)
    expected = torch.from_numpy(dense) @ x
    for turn_in in (False, True):
        for turn_out in (False, True):
            given = x.transpose(1, 2).contiguous() if turn_in else x
            y = banded_matmul(given, matrix, turn_in=turn_in, turn_out=turn_out)
            torch.testing.assert_close(y.transpose(1, 2) if turn_out else y, expected)


def test_radial_filters_are_nearly_separable() -> None:
    f = design_lowpass(12, 5, 6, 32, radial=True)
    assert len(separable_terms(f, 1e-14)) <= 6
    terms = separable_terms(f, 5e-7)
    assert len(terms) <= 4
    total = sum(np.outer(v, h) for v, h in terms)
    assert np.abs(total - f).max() < 1e-6 * np.abs(f).max()
    assert math.isclose(float(np.sum(total)), 1.0, rel_tol=1e-5)
