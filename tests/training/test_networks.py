"""The discriminator, the fast forward pass, the native filter and the losses."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.generators.base import NoiseSpec
from explorer.generators.registry import build
from explorer.ops.upfirdn2d import upfirdn2d
from explorer.training import losses, schedule
from explorer.training.discriminator import Discriminator, minibatch_stddev
from explorer.training.fast import FastSynthesis
from explorer.training.native import FilteredLeakyReLU, by_matrices, native_module
from explorer.training.resample import FIR4, axis_matrix, resample

TINY: dict[str, dict[str, Any]] = {
    "stylegan2": {"channel_base": 128, "channel_max": 16},
    "stylegan3-t": {"channel_base": 128, "channel_max": 16, "num_layers": 4, "margin_size": 4},
    "stylegan3-r": {"channel_base": 128, "channel_max": 16, "num_layers": 4, "margin_size": 4},
}


def tiny(family: str) -> dict[str, Any]:
    """A configuration small enough for tests."""
    return {"img_resolution": 16, "z_dim": 64, "w_dim": 16, "mapping_layers": 2, **TINY[family]}


@pytest.mark.parametrize("family", TINY)
def test_fast_forward_equals_the_generator(family: str) -> None:
    torch.manual_seed(0)
    generator = build(family, tiny(family))
    with torch.no_grad():
        ws = generator.broadcast(generator.mapping(torch.randn(2, 64)))
        expected = generator.synthesis(ws, noise=NoiseSpec(mode="none"))
        result = FastSynthesis(generator)(ws, noise=False)
    torch.testing.assert_close(result, expected, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("family", ["stylegan3-t", "stylegan3-r"])
def test_fast_forward_in_bfloat16_is_the_generator_but_for_rounding(family: str) -> None:
    torch.manual_seed(0)
    generator = build(family, tiny(family))
    ws = generator.broadcast(generator.mapping(torch.randn(2, 64))).detach().requires_grad_(True)
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        generator.zero_grad()
        ws.grad = None
        picture = FastSynthesis(generator, dtype)(ws)
        picture.square().mean().backward()
        first, last = generator.layers[0], generator.layers[-2]
        results.append([picture, ws.grad, first.weight.grad, first.bias.grad, last.weight.grad, last.bias.grad])
    for exact, rounded in zip(*results, strict=True):
        assert exact is not None
        assert rounded is not None
        assert (rounded - exact).norm() < 0.03 * exact.norm()


@pytest.mark.parametrize(
    ("up", "down", "pad"), [(1, 1, (2, 1)), (2, 1, (2, 1)), (1, 2, (1, 1)), (2, 1, (-1, 2)), (1, 1, (2, 2))]
)
def test_axis_matrix_is_upfirdn(up: int, down: int, pad: tuple[int, int]) -> None:
    x = torch.randn(2, 3, 8, 8)
    taps = torch.tensor([1.0, 2.0, 5.0, 3.0]) / 11  # not symmetric: catches a flip
    matrix = axis_matrix(8, taps.numpy(), up=up, down=down, pad=pad)
    expected = upfirdn2d(x, torch.outer(taps, taps), up=up, down=down, padding=[*pad, *pad])
    torch.testing.assert_close(resample(x, matrix), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.skipif(native_module() is None, reason="no C++ compiler here")
@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 9), (torch.float32, 80), (torch.bfloat16, 9)])
def test_native_filter_equals_matrix_products_forward_and_back(dtype: torch.dtype, size: int, biased: bool) -> None:
    torch.manual_seed(0)
    up = axis_matrix(size, FIR4, up=2, pad=(2, 1), gain=2.0)
    down = [
        (axis_matrix(up.shape[0], FIR4 * k, down=2), axis_matrix(up.shape[0], FIR4, down=2)) for k in (1.0, 0.3)
    ]
    x, bias = torch.randn(2, 5, size, size).to(dtype), torch.randn(5)
    native = FilteredLeakyReLU(up, down)
    results: list[list[Tensor | None]] = []
    for function in (
        lambda t, b: by_matrices(t.float() + b[:, None, None], up, down),
        lambda t, b: native(t, b) if biased else native(t.float() + b[:, None, None]),
    ):
        leaf, shift = x.clone().requires_grad_(True), bias.clone().requires_grad_(True)
        y = function(leaf, shift)
        y.float().square().sum().backward()
        results.append([y.detach(), leaf.grad, shift.grad])
    for expected, result in zip(*results, strict=True):
        assert expected is not None
        atol, rtol = (1e-5, 1e-5) if dtype == torch.float32 else (0.02 * float(expected.abs().max()), 0.0)
        torch.testing.assert_close(result, expected, atol=atol, rtol=rtol, check_dtype=False)


def test_discriminator_names_and_shapes() -> None:
    d = Discriminator(32, channel_base=256, channel_max=16)
    shapes = {name: tuple(value.shape) for name, value in d.state_dict().items()}
    assert shapes["b32.fromrgb.weight"] == (8, 3, 1, 1)
    assert shapes["b32.conv1.weight"] == (16, 8, 3, 3)
    assert shapes["b32.skip.weight"] == (16, 8, 1, 1)
    assert "b32.skip.bias" not in shapes
    assert shapes["b4.conv.weight"] == (16, 17, 3, 3)
    assert shapes["b4.fc.weight"] == (16, 256)
    assert shapes["b4.out.weight"] == (1, 16)
    assert shapes["b8.resample_filter"] == (4, 4)
    assert d(torch.randn(8, 3, 32, 32)).shape == (8, 1)


def test_minibatch_stddev_groups_are_strided() -> None:
    x = torch.zeros(8, 2, 4, 4)
    x[0], x[2], x[4], x[6] = 1, -1, 1, -1  # samples 0, 2, 4, 6 form a group of their own
    y = minibatch_stddev(x, group=4)
    assert y.shape == (8, 3, 4, 4)
    torch.testing.assert_close(y[0::2, 2], torch.ones(4, 4, 4))
    torch.testing.assert_close(y[1::2, 2], torch.full((4, 4, 4), 1e-4))


def test_r1_differentiates_twice() -> None:
    torch.manual_seed(0)
    d = Discriminator(16, channel_base=64, channel_max=8)
    x = torch.randn(4, 3, 16, 16, requires_grad=True)
    losses.r1_penalty(d(x), x).backward()
    gradient: Any = d.b16.conv0.weight.grad
    assert gradient is not None
    assert gradient.abs().max() > 0


def test_r1_of_a_linear_function_is_its_squared_slope() -> None:
    x = torch.randn(3, 1, 2, 2, requires_grad=True)
    slope = torch.tensor([1.0, 2.0, 3.0, 4.0])
    penalty = losses.r1_penalty((x.flatten(1) * slope).sum(1, keepdim=True), x)
    assert penalty.item() == pytest.approx(30.0)


def test_path_length_differentiates_twice() -> None:
    torch.manual_seed(0)
    g = build("stylegan2", tiny("stylegan2"))
    ws = g.broadcast(g.mapping(torch.randn(2, 64)))
    pictures = FastSynthesis(g)(ws)
    lengths = losses.path_lengths(pictures, ws, torch.randn_like(pictures))
    assert lengths.shape == (2,)
    lengths.square().mean().backward()
    gradients = [p.grad for name, p in g.named_parameters() if name.endswith("affine.weight")]
    assert any(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


def test_guide_is_zero_only_for_equal_pictures() -> None:
    x = torch.rand(2, 3, 16, 16)
    assert losses.reconstruction_loss(x, x).abs().max() == 0
    assert losses.reconstruction_loss(x, x + 0.1).min() > 0.29  # three octaves of the same difference


@pytest.mark.parametrize("sigma", [0.2, 2.0])
def test_blur_keeps_the_mean_inside(sigma: float) -> None:
    x = torch.zeros(1, 3, 33, 33)
    x[..., 16, 16] = 1
    y: Tensor = schedule.blur(x, sigma)
    torch.testing.assert_close(y.sum(), torch.tensor(3.0))
    assert y.max() == 1 if sigma < 0.34 else y.max() < 0.2


def test_blur_fades_to_nothing() -> None:
    assert schedule.blur_sigma(10, 2.0, 0) == 10
    assert schedule.blur_sigma(10, 2.0, 1000) == 5
    assert schedule.blur_sigma(10, 2.0, 5000) == 0
    assert schedule.blur_sigma(10, 0, 0) == 0


def test_lazy_adam_corrects_rate_and_momenta() -> None:
    settings = schedule.lazy_adam(0.002, 16)
    assert settings["lr"] == pytest.approx(0.002 * 16 / 17)
    assert settings["betas"] == pytest.approx((0.0, 0.99 ** (16 / 17)))


def test_mixing_exchanges_the_tail() -> None:
    torch.manual_seed(0)
    a, b = torch.zeros(2, 6, 3), torch.ones(2, 6, 3)
    mixed, happened = schedule.mix_styles(a, b, 1.0)
    assert happened
    column = mixed[0, :, 0]
    assert column[0] == 0
    assert column[-1] == 1
    assert torch.equal(column, column.sort().values)
    assert schedule.mix_styles(a, b, 0.0) == (a, False)
