"""StyleGAN's upsampling convolution and its normalisation: fast forms against the readable ones."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from explorer.ops import backend, native
from explorer.ops.adain import adain, adain_reference
from explorer.ops.nearest_up_conv import PreparedNearestUpConv, blur2d, nearest_up_conv


@pytest.fixture(autouse=True, scope="module")
def kernels() -> None:
    """Builds the native kernels if need be."""
    native.build()


def test_the_fused_form_mirrors_the_weight() -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(2, 3, 5, 6), torch.randn(4, 3, 3, 3)
    plain, fused = nearest_up_conv(x, weight), nearest_up_conv(x, weight, fused=True)
    torch.testing.assert_close(fused, nearest_up_conv(x, weight.flip([2, 3])))
    assert float((fused - plain).abs().max()) > 0.1


@pytest.mark.parametrize("taps", [None, [1.0, 2.0, 1.0], [1.0, 3.0, 2.0], [1.0], [1.0, 2.0, 4.0, 2.0, 1.0]])
@pytest.mark.parametrize("used", ["torch", "auto"])
@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("size", [(1, 3, 5, 4, 4), (2, 16, 8, 7, 3), (1, 64, 33, 16, 17), (3, 1, 1, 1, 1)])
def test_parity(
    size: tuple[int, int, int, int, int], fused: bool, used: backend.Backend, taps: list[float] | None
) -> None:
    n, i, o, h, w = size
    torch.manual_seed(1)
    x, weight, bias = torch.randn(n, i, h, w), torch.randn(o, i, 3, 3), torch.randn(o)
    row = None if taps is None else torch.tensor(taps) / sum(taps)
    expected = nearest_up_conv(x, weight, fused=fused)
    expected = expected if row is None else blur2d(expected, row)
    expected = F.leaky_relu(expected + bias[:, None, None], 0.2)
    before = x.clone()
    with torch.inference_mode():
        for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.02)):
            with backend.use_backend(used, dtype):
                found = PreparedNearestUpConv(weight, bias, row, fused=fused, dtype=dtype)(x.to(dtype), 0.2)
            assert found.dtype == dtype
            error = float((found.float() - expected).abs().max() / expected.abs().max())
            assert error < tolerance, f"{dtype}: {error:g}"
    assert torch.equal(x, before)


@pytest.mark.parametrize("size", [(1, 3, 4, 4), (3, 5, 7, 2), (2, 4, 1, 1), (1, 64, 32, 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_normalisation(size: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(2)
    x = (3 * torch.randn(size) + 5).to(dtype)
    scale, shift = torch.randn(size[:2]), torch.randn(size[:2])
    expected = adain_reference(x.double().float(), scale, shift, 1e-8)
    with torch.inference_mode(), backend.use_backend("auto", dtype):
        for layout in (torch.contiguous_format, torch.channels_last):
            found = adain(x.contiguous(memory_format=layout), scale, shift, 1e-8)
            assert found.dtype == dtype
            tolerance = 2e-5 if dtype == torch.float32 else 0.05
            torch.testing.assert_close(found.float(), expected, atol=tolerance, rtol=tolerance)


def test_a_flat_channel_becomes_the_shift() -> None:
    x, scale, shift = torch.full((1, 2, 8, 8), 7.0), torch.tensor([[2.0, 3.0]]), torch.tensor([[0.5, -1.0]])
    with torch.inference_mode():
        for found in (adain(x, scale, shift, 1e-8), adain_reference(x, scale, shift, 1e-8)):
            torch.testing.assert_close(found, shift[:, :, None, None].expand_as(x))
