"""Separable convolutions and Haar transforms: prepared forms against readable ones, over odd sizes and formats."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops import backend, native
from explorer.ops.haar import haar, inverse_haar
from explorer.ops.prepared_separable import PreparedHead, PreparedSeparableConv, inverse_haar_of
from explorer.ops.separable_conv2d import plain_conv2d, plain_factor, separable_conv2d, separable_factor

BACKENDS = pytest.mark.parametrize("used", ["torch", "auto"])
_SIZES = [(1, 1), (2, 3), (5, 1), (1, 2), (7, 48), (4, 49), (9, 97), (3, 200)]
_CHANNELS = [(1, 1), (3, 5), (8, 16), (15, 17), (33, 12), (40, 47)]


def _numbers(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _close(actual: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    assert actual.shape == expected.shape
    scale = float(expected.abs().max())
    assert float((actual.float() - expected).abs().max()) <= tolerance * scale + 1e-6


@pytest.fixture(autouse=True)
def _built() -> None:
    native.build()


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("batch", [1, 2])
def test_separable_convolutions(used: backend.Backend, dtype: torch.dtype, batch: int) -> None:
    for seed, ((h, w), (i, o)) in enumerate(itertools.product(_SIZES, _CHANNELS)):
        g = _numbers(seed)
        x = torch.randn(batch, i, h, w, generator=g).to(dtype)
        depthwise, pointwise = torch.randn(i, 1, 3, 3, generator=g), torch.randn(o, i, 1, 1, generator=g)
        styles, stored, bias = (torch.randn(*size, generator=g) for size in ((batch, i), (i,), (o,)))
        noise = torch.randn(1 if seed % 2 else batch, 1, h, w, generator=g) if seed % 3 else None
        factor = separable_factor(depthwise, pointwise, stored)
        conv = PreparedSeparableConv(depthwise, pointwise * factor[:, None, None, None], bias, dtype)
        with torch.no_grad(), backend.use_backend(used, dtype):
            found = conv(x, styles, noise)
        expected = separable_conv2d(x.float(), depthwise, pointwise, styles, stored) + bias[:, None, None]
        _close(found, F.leaky_relu(expected if noise is None else expected + noise, 0.2), dtype)


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_inverse_haar_transforms_of_styled_features(used: backend.Backend, dtype: torch.dtype) -> None:
    for seed, ((h, w), c) in enumerate(itertools.product(_SIZES, (1, 3, 4, 16, 17, 40))):
        g, batch = _numbers(seed), 1 + seed % 2
        x = torch.randn(batch, 4 * c, h, w, generator=g).to(dtype)
        styles = torch.randn(batch, 4 * c, generator=g)
        with torch.no_grad(), backend.use_backend(used, dtype):
            found = inverse_haar_of(x, styles)
        _close(found, inverse_haar(x.float() * styles[:, :, None, None]), dtype)


@BACKENDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_heads(used: backend.Backend, dtype: torch.dtype) -> None:
    for seed, ((h, w), (c, colours)) in enumerate(itertools.product(_SIZES, ((1, 1), (16, 3), (37, 4), (8, 7)))):
        g, batch = _numbers(seed), 1 + seed % 2
        x = torch.randn(batch, c, h, w, generator=g).to(dtype)
        weight, bias = torch.randn(4 * colours, c, 1, 1, generator=g), torch.randn(4 * colours, generator=g)
        styles = torch.randn(batch, c, generator=g)
        head = PreparedHead(weight * plain_factor(weight, None)[:, None, None, None], bias, dtype)
        with torch.no_grad(), backend.use_backend(used, dtype):
            found = head(x, styles)
        assert found.dtype == torch.float32
        bands = plain_conv2d(x.float(), weight, styles) + bias[:, None, None]
        _close(found, inverse_haar(bands), dtype)


@BACKENDS
def test_what_is_not_a_number_is_not_hidden(used: backend.Backend) -> None:
    """A NaN reaches the 3x3 outputs around it, and no others."""
    x = torch.randn(1, 8, 9, 60)
    x[0, 3, 4, 50] = float("nan")
    conv = PreparedSeparableConv(torch.randn(8, 1, 3, 3), torch.randn(8, 8, 1, 1), torch.zeros(8), torch.float32)
    with torch.no_grad(), backend.use_backend(used):
        bad = conv(x, torch.ones(1, 8), None).isnan().any(dim=1)[0]
    assert bool(bad[3:6, 49:52].all())
    assert int(bad.sum()) == 9


def test_the_haar_transform_is_orthonormal_and_in_the_published_order() -> None:
    x = torch.randn(2, 3, 8, 10, dtype=torch.float64)
    bands = haar(x)
    assert torch.allclose(inverse_haar(bands), x)
    assert torch.allclose(bands.square().sum(), x.square().sum())
    low, high = bands[:, :3], bands[:, 3:].unflatten(1, (3, 3))
    assert torch.allclose(low, F.avg_pool2d(x, 2) * 2)
    rows = torch.tensor([1.0, -1.0]).double()[:, None].expand(2, 2)
    for band, signs in enumerate((rows, rows.t(), rows * rows.t())):
        kernel = (signs / 2).expand(3, 1, 2, 2)
        assert torch.allclose(high[:, :, band], F.conv2d(x, kernel, stride=2, groups=3))


def test_the_layout_of_features_is_kept() -> None:
    bands = torch.randn(2, 8, 3, 4)
    last = bands.contiguous(memory_format=torch.channels_last)
    assert torch.equal(inverse_haar(last), inverse_haar(bands))
    assert inverse_haar(last).is_contiguous(memory_format=torch.channels_last)


def test_fixed_factors_are_those_of_the_whole_kernel() -> None:
    """A separable kernel is the plain one of its products, up to the gain of its size."""
    depthwise, pointwise, stored = torch.randn(5, 1, 3, 3), torch.randn(7, 5, 1, 1), torch.randn(5)
    whole = depthwise.transpose(0, 1) * pointwise
    assert torch.allclose(separable_factor(depthwise, pointwise, stored), plain_factor(whole, stored), rtol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_depthwise_pass_alone(dtype: torch.dtype) -> None:
    """Processors with AMX take it, and then their own product."""
    if (kernels := native.kernels()) is None:
        pytest.skip("no compiler")
    for seed, ((h, w), c) in enumerate(itertools.product(_SIZES, (1, 5, 16, 41))):
        g = _numbers(seed)
        x = torch.randn(2, c, h, w, generator=g).to(dtype).contiguous(memory_format=torch.channels_last)
        depthwise, styles = torch.randn(c, 1, 3, 3, generator=g), torch.randn(2, c, generator=g)
        found = kernels.depthwise_conv(x, styles, depthwise.flatten(1).t().contiguous())
        expected = F.conv2d(x.float() * styles[:, :, None, None], depthwise, padding=1, groups=c)
        _close(found, expected, dtype)


def test_the_form_for_amx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the product has its own pass, it is given the filtered features, and styles of one."""
    kernels = native.kernels()
    if kernels is None:
        pytest.skip("no compiler")
    g, dtype = _numbers(1), torch.bfloat16
    depthwise, pointwise = torch.randn(24, 1, 3, 3, generator=g), torch.randn(16, 24, 1, 1, generator=g)
    x, styles = torch.randn(2, 24, 5, 9, generator=g).to(dtype), torch.randn(2, 24, generator=g)
    stored, bias, noise = (torch.randn(*n, generator=g) for n in ((24,), (16,), (1, 1, 5, 9)))
    factor = separable_factor(depthwise, pointwise, stored)
    weight = pointwise * factor[:, None, None, None]

    def product(
        self: native.Kernels, x: Tensor, styles: Tensor, packed: native.PackedWeight, **more: Any
    ) -> Tensor:
        assert (packed.outputs, packed.kernel, more["padding"], more["scale"], more["clamp"]) == (
            16,
            1,
            0,
            None,
            None,
        )
        y = F.conv2d(x.float() * styles[:, :, None, None], weight) + more["bias"][:, None, None] + more["noise"]
        return F.leaky_relu(y, more["slope"]).to(dtype)

    monkeypatch.setattr(native.Kernels, "modulated_conv", product)
    monkeypatch.setattr(backend, "amx_for", lambda x: kernels)
    with torch.no_grad(), backend.use_backend("auto", dtype):
        found = PreparedSeparableConv(depthwise, weight, bias, dtype)(x, styles, noise)
    expected = separable_conv2d(x.float(), depthwise, pointwise, styles, stored) + bias[:, None, None] + noise
    _close(found, F.leaky_relu(expected, 0.2), dtype)
