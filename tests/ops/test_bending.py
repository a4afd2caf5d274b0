"""Network bending's operators against plain forms of them, on small maps."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import Tensor

from explorer.ops.bending import OPERATORS, bend

X = torch.from_numpy(np.random.RandomState(0).randn(2, 3, 9, 12).astype(np.float32))
SQUARE = X[..., :9].contiguous()


def bent(name: str, *parameters: float, x: Tensor = X, **options: Any) -> np.ndarray:
    return bend(x, name, parameters, **options).numpy()


def gaussian(x: float, y: float, size: int = 33, sigma: float = 3.0) -> Tensor:
    """A blob at (x, y) samples from the centre."""
    at = torch.arange(size) - (size - 1) / 2
    return torch.exp(-((at[None, :] - x) ** 2 + (at[:, None] - y) ** 2) / (2 * sigma**2))[None, None]


def lanczos(values: np.ndarray, start: float, step: float) -> np.ndarray:
    """Sample i of the result is the row at start + step * i: term by term, zero outside."""
    stretch = max(1.0, step)
    result = np.zeros_like(values)
    for i in range(len(values)):
        centre, total = start + step * i, 0.0
        for j in range(math.floor(centre - 3 * stretch) - 1, math.ceil(centre + 3 * stretch) + 2):
            d = (j - centre) / stretch
            weight = np.sinc(d) * np.sinc(d / 3) if abs(d) < 3 else 0.0
            total += weight
            if 0 <= j < len(values):
                result[i] += weight * values[j]
        result[i] /= total
    return result


def cubic(d: float) -> float:
    """Keys' cubic convolution with a = -0.75."""
    a, d = -0.75, abs(d)
    if d <= 1:
        return ((a + 2) * d - (a + 3)) * d * d + 1
    return a * (((d - 5) * d + 8) * d - 4) if d < 2 else 0.0


def test_operators_of_single_numbers() -> None:
    x = X.numpy()
    np.testing.assert_array_equal(bent("invert"), 1 - x)
    np.testing.assert_array_equal(bent("threshold", 0.25), (x > 0.25).astype(np.float32))
    np.testing.assert_array_equal(bent("multiply", -1.5), np.float32(-1.5) * x)
    np.testing.assert_array_equal(bent("ablate"), np.zeros_like(x))
    np.testing.assert_array_equal(bent("flip-h"), x[:, :, :, ::-1])
    np.testing.assert_array_equal(bent("flip-v"), x[:, :, ::-1])


def test_translations_by_whole_samples_copy_and_fill_with_zeros() -> None:
    wanted = np.zeros_like(X.numpy())
    wanted[:, :, :-2, 3:] = X.numpy()[:, :, 2:, :-3]
    np.testing.assert_array_equal(bent("translate", 3 / 12, -2 / 9), wanted)
    np.testing.assert_array_equal(bent("translate", 2.0, 0.0), np.zeros_like(wanted))


@pytest.mark.parametrize(
    ("name", "parameters", "rows", "columns"),
    [
        ("translate", (0.13, -0.4), (0.4 * 9, 1.0), (-0.13 * 12, 1.0)),
        ("scale", (1.7,), (4 - 4 / 1.7, 1 / 1.7), (5.5 - 5.5 / 1.7, 1 / 1.7)),
        ("scale", (0.4,), (4 - 4 / 0.4, 2.5), (5.5 - 5.5 / 0.4, 2.5)),
    ],
)
def test_translating_and_scaling_are_lanczos_along_each_axis(
    name: str, parameters: tuple[float, ...], rows: tuple[float, float], columns: tuple[float, float]
) -> None:
    wanted = np.apply_along_axis(lanczos, 2, X.numpy().astype(float), *rows)
    wanted = np.apply_along_axis(lanczos, 3, wanted, *columns)
    np.testing.assert_allclose(bent(name, *parameters), wanted, atol=2e-6)


def test_rotations_are_bicubic_about_the_centre() -> None:
    angle = math.radians(33.0)
    wanted = np.zeros((9, 12))
    for row in range(9):
        for column in range(12):
            x, y = column - 5.5, row - 4.0
            u = x * math.cos(angle) - y * math.sin(angle) + 5.5
            v = x * math.sin(angle) + y * math.cos(angle) + 4.0
            for i in range(9):
                for j in range(12):
                    wanted[row, column] += cubic(v - i) * cubic(u - j) * float(X[1, 2, i, j])
    np.testing.assert_allclose(bent("rotate", 33.0)[1, 2], wanted, atol=1e-5)


def test_where_a_blob_goes() -> None:
    """The directions, and that smooth maps stay what they are: right, down, counter-clockwise."""
    size = 33
    moved = bent("translate", 2.5 / size, -1.25 / size, x=gaussian(1.0, 3.0))
    np.testing.assert_allclose(moved, gaussian(3.5, 1.75), atol=5e-3)
    cos, sin = math.cos(math.radians(30.0)), math.sin(math.radians(30.0))
    turned = bent("rotate", 30.0, x=gaussian(6.0, 0.0))
    np.testing.assert_allclose(turned, gaussian(6.0 * cos, -6.0 * sin), atol=0.015)
    scaled = bent("scale", 2.0, x=gaussian(2.0, -1.0, sigma=2.0))
    np.testing.assert_allclose(scaled, gaussian(4.0, -2.0, sigma=4.0), atol=5e-3)


def test_quarter_turns_of_square_maps_copy() -> None:
    for turns in range(-2, 5):
        np.testing.assert_array_equal(
            bent("rotate", 90.0 * turns, x=SQUARE), np.rot90(SQUARE.numpy(), turns, (2, 3))
        )
    near = bent("rotate", 90.001, x=SQUARE)
    np.testing.assert_allclose(near, np.rot90(SQUARE.numpy(), 1, (2, 3)), atol=0.01)


def disc(radius: int) -> np.ndarray:
    rows = [round(math.sqrt(radius**2 - dy**2)) for dy in range(-radius, radius + 1)]
    return np.array([[abs(dx) <= half for dx in range(-radius, radius + 1)] for half in rows])


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7])
def test_erosion_and_dilation_are_those_of_a_disc(radius: int) -> None:
    for name, morphology in (("dilate", ndimage.grey_dilation), ("erode", ndimage.grey_erosion)):
        outside = -np.inf if name == "dilate" else np.inf
        wanted = [
            [morphology(c, footprint=disc(radius), mode="constant", cval=outside) for c in item]
            for item in X.numpy()
        ]
        np.testing.assert_array_equal(bent(name, radius), np.array(wanted, np.float32))


def test_radii_between_whole_ones_are_blended() -> None:
    wanted = 0.75 * bent("dilate", 1) + 0.25 * bent("dilate", 2)
    np.testing.assert_allclose(bent("dilate", 1.25), wanted, atol=1e-6)
    np.testing.assert_array_equal(bent("erode", 1000.0), bent("erode", 64.0))


def test_noise_is_that_of_its_seed_and_scaled_by_each_items_spread() -> None:
    x = X * torch.tensor([1.0, 10.0])[:, None, None, None]
    drawn = torch.randn((3, 9, 12), generator=torch.Generator().manual_seed(5)).numpy()
    wanted = x.numpy() + 0.5 * drawn * x.numpy().std(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(bent("noise", 0.5, x=x, seed=5), wanted, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(bent("noise", 0.5, x=x, seed=5), bent("noise", 0.5, x=x, seed=5))
    assert not np.array_equal(bent("noise", 0.5, x=x, seed=5), bent("noise", 0.5, x=x, seed=6))


PARAMETERS = {
    "translate": (0.2, -0.1), "rotate": (20.0,), "scale": (0.7,), "threshold": (0.1,), "multiply": (2.0,),
    "erode": (1.5,), "dilate": (2.0,), "noise": (0.5,),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_operator_keeps_what_all_must(name: str) -> None:
    parameters, before = PARAMETERS.get(name, ()), X.clone()
    full = bend(X, name, parameters, seed=3)
    assert torch.equal(X, before)
    assert (full.shape, full.dtype) == (X.shape, X.dtype)
    assert torch.equal(full[1:], bend(X[1:], name, parameters, seed=3))  # each item alone
    some = bend(X, name, parameters, seed=3, channels=(0, 2), amount=0.25)
    of_two = bend(X[:, [0, 2]], name, parameters, seed=3)
    torch.testing.assert_close(some[:, [0, 2]], torch.lerp(X[:, [0, 2]], of_two, 0.25))
    assert torch.equal(some[:, 1], X[:, 1])
    assert torch.equal(bend(X, name, parameters, seed=3, amount=0.0), X)
    last = X.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(bend(last, name, parameters, seed=3), full)
    narrow = bend(X.bfloat16(), name, parameters, seed=3)
    assert narrow.dtype == torch.bfloat16
    wide = bend(X.bfloat16().float(), name, parameters, seed=3)
    torch.testing.assert_close(narrow.float(), wide, atol=0.04, rtol=0.02)


@pytest.mark.parametrize("name", [name for name in sorted(OPERATORS) if name not in ("threshold", "ablate")])
def test_gradients_pass(name: str) -> None:
    with torch.inference_mode():
        bend(X, name, PARAMETERS.get(name, ()))  # what is kept of this must not stop the next
    x = X.clone().requires_grad_()
    bend(x, name, PARAMETERS.get(name, ()), channels=(1,)).square().sum().backward()
    assert x.grad is not None
    assert bool(torch.isfinite(x.grad).all())
    assert bool(x.grad[:, 1].abs().sum() > 0)
