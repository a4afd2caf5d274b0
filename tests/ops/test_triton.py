"""The Triton kernels against the PyTorch forms, run by Triton's interpreter on the CPU."""

from __future__ import annotations

import os
import sys

import pytest

if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton was read before its interpreter could be chosen", allow_module_level=True)
os.environ["TRITON_INTERPRET"] = "1"  # before Triton is read: it decides then
pytest.importorskip("triton", reason="Triton is not installed; it comes with PyTorch's CUDA builds")

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from explorer.ops import backend, triton_kernels
from explorer.ops.banded import separable_terms
from explorer.ops.filter_design import design_lowpass_filter
from explorer.ops.filtered_lrelu import filtered_lrelu
from explorer.ops.prepared_conv import DeferredConv, apply_epilogue
from tests.generators.configs import small_generator


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(1, 16, 7, 5), (2, 19, 8, 8), (3, 3, 1, 9)])
def test_epilogue(shape: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n, c, h, w = shape
    x = torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)
    scale, bias = torch.rand(n, c) + 0.5, torch.randn(c)
    for noise in (None, torch.randn(1, 1, h, w), torch.randn(n, 1, h, w)):
        for clamp in (None, 0.7):
            for s, b in ((scale, bias), (None, bias), (None, None)):
                expected = apply_epilogue(DeferredConv(x.clone().float(), s, b), noise, "lrelu", 1.0, clamp)
                fast = triton_kernels.apply_epilogue(x.clone(), s, b, noise, 0.2, clamp)
                error = 1e-5 if dtype == torch.float32 else 0.01
                torch.testing.assert_close(fast.float(), expected, rtol=error, atol=error)


@pytest.mark.parametrize(("n", "c", "h", "w"), [(1, 8, 4, 4), (2, 5, 6, 3)])
def test_fir_finish(n: int, c: int, h: int, w: int) -> None:
    torch.manual_seed(0)
    z = torch.randn(n, c, 2 * h + 1, 2 * w + 1).contiguous(memory_format=torch.channels_last)
    taps, scale, bias = torch.rand(4, 4), torch.rand(n, c) + 0.5, torch.randn(c)
    noise = torch.randn(n, 1, 2 * h, 2 * w)
    filtered = torch.nn.functional.conv2d(z, taps.expand(c, 1, 4, 4), padding=1, groups=c)
    expected = apply_epilogue(DeferredConv(filtered, scale, bias), noise, "lrelu", 1.0, 0.9)
    fast = triton_kernels.fir_epilogue(z, taps, scale, bias, noise, 0.2, 0.9)
    assert fast.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fast, expected, rtol=1e-5, atol=1e-5)


def _order(taps: torch.Tensor) -> NDArray[np.float64]:
    return taps.double().numpy()[::-1].copy()


@pytest.mark.parametrize("up", [2, 4])
@pytest.mark.parametrize("radial", [False, True])
@pytest.mark.parametrize(("n", "c", "height", "width"), [(1, 16, 21, 18), (2, 3, 14, 33)])
@pytest.mark.parametrize("padding", [(3, 7), (-2, 9), (11, 11)])
def test_filtered_lrelu(
    up: int, radial: bool, n: int, c: int, height: int, width: int, padding: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    top, left = padding
    fu = design_lowpass_filter(6 * up, 4, 4, 16 * up)
    fd = design_lowpass_filter(12, 5, 6, 32, radial=radial)
    assert fu is not None
    assert fd is not None
    x = torch.randn(n, c, height, width).contiguous(memory_format=torch.channels_last)
    scale, bias = torch.rand(n, c) + 0.5, torch.randn(c)
    scaled = x * scale[:, :, None, None]
    expected = filtered_lrelu(scaled, fu, fd, bias, up, 2, [left, 4, top, 5], clamp=0.8)
    downs = [(_order(fd), _order(fd))]
    if radial:
        downs = [(v[::-1], h[::-1]) for v, h in separable_terms(fd.double().numpy(), 1e-7)]
    tiles = triton_kernels.FilterTiles(
        up=up,
        ups=(_order(fu) * up, _order(fu) * (up * 2**0.5)),
        downs=tuple(downs),
        padding=(top, left),
        out_size=(int(expected.shape[2]), int(expected.shape[3])),
        device=x.device,
        dtype=torch.float32,
    )
    fast = triton_kernels.filtered_lrelu(x, tiles, scale, bias, 0.2, 0.8)
    torch.testing.assert_close(fast, expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_check_of_a_device_passes(dtype: torch.dtype) -> None:
    """The interpreter multiplies no bfloat16 matrices, so float16 stands for the half formats."""
    triton_kernels.check(torch.device("cpu"), dtype)


def test_the_check_of_a_device_fails_where_a_kernel_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_kernels, "fir_epilogue", lambda z, *_: z[:, :, :8, :8] + 1)
    with pytest.raises(RuntimeError, match="fir_epilogue is off"):
        triton_kernels.check(torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t", "stylegan3-r"])
def test_generators_take_them_and_agree(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: no native kernels, features channels-last, each layer through Triton where it can be."""
    used = []
    for kernel in ("apply_epilogue", "fir_epilogue", "filtered_lrelu"):
        original = getattr(triton_kernels, kernel)

        def noted(*args: object, kernel: str = kernel, original: Callable[..., Tensor] = original) -> Tensor:
            used.append(kernel)
            return original(*args)

        monkeypatch.setattr(triton_kernels, kernel, noted)
    generator = small_generator(name)
    ws = torch.randn(1, generator.info.num_ws, generator.info.w_dim)
    with torch.no_grad():
        with backend.use_backend("reference"):
            expected = generator.synthesis(ws)
        monkeypatch.setattr(backend, "native_for", lambda _: None)
        monkeypatch.setattr(backend, "triton_for", lambda _: triton_kernels)
        fast = generator.synthesis(ws)
    scale = float(expected.abs().max())
    torch.testing.assert_close(fast, expected, rtol=0, atol=1e-4 * scale)
    assert set(used) == (
        {"apply_epilogue", "fir_epilogue"} if name == "stylegan2-skip" else {"apply_epilogue", "filtered_lrelu"}
    )
