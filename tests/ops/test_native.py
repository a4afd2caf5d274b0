"""The native kernels against the PyTorch forms, and their build: never waiting, never tried twice."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.ops import backend, native
from explorer.ops.filter_design import design_lowpass_filter
from explorer.ops.filtered_lrelu import FilteredLReLU, filtered_lrelu
from explorer.ops.native.build import BuildError, compile_library
from explorer.ops.native.kernels import Kernels
from explorer.ops.prepared_conv import DeferredConv, PreparedConv, PreparedToRGB, PreparedUpConv, apply_epilogue
from explorer.ops.prepared_styles import PreparedDemodulation, PreparedStyles
from explorer.ops.upfirdn2d import setup_filter
from explorer.util.cached_library import publish

SEPARABLE = design_lowpass_filter(12, 5, 6, 32)
RADIAL = design_lowpass_filter(12, 5, 6, 32, radial=True)
DTYPES = [torch.float32, torch.bfloat16]


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    """The kernels, built if need be (some seconds, once for this machine)."""
    status = native.build()
    loaded = native.kernels()
    if loaded is None:
        pytest.skip(f"no native kernels here: {status.detail}")
    return loaded


def _both(dtype: torch.dtype, run: Callable[..., Tensor], *args: Any) -> None:
    """Native and PyTorch results of `run` agree up to the format's rounding."""
    with torch.no_grad():
        with backend.use_backend("torch"):
            expected = run(*args)
        fast = run(*args)
    assert fast.dtype == expected.dtype
    scale = float(expected.abs().max())
    atol = (4e-6 if dtype == torch.float32 else 0.04) * scale
    torch.testing.assert_close(fast.float(), expected.float(), rtol=0, atol=atol)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "c"), [(1, 16), (2, 5), (1, 33), (3, 48)])
@pytest.mark.parametrize("up", [2, 4])
@pytest.mark.parametrize("kind", ["separable", "radial", "asymmetric"])
def test_filtered_lrelu(kernels: Kernels, n: int, c: int, up: int, kind: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    fu = torch.rand(6 * up) if kind == "asymmetric" else design_lowpass_filter(6 * up, 4, 4, 16 * up)
    fd = {"separable": torch.rand(12), "radial": RADIAL, "asymmetric": torch.outer(torch.rand(12), torch.rand(12))}
    height, width, padding = 21, 18, [3, -2, 7, 5]
    x = torch.randn(n, c, height, width).to(dtype)
    scale, bias = torch.rand(n, c) + 0.5, torch.randn(c)
    for flip in (False, True):
        plan = FilteredLReLU(
            fu, fd[kind], height, width, up=up, down=2, padding=padding, clamp=0.8, flip_filter=flip, dtype=dtype
        )
        assert plan.is_native
        _both(dtype, plan, x, scale, bias)
        if dtype == torch.float32:
            reference = filtered_lrelu(
                x * scale[:, :, None, None], fu, fd[kind], bias, up, 2, padding, clamp=0.8, flip_filter=flip
            )
            with torch.no_grad():
                torch.testing.assert_close(plan(x, scale, bias), reference, rtol=1e-4, atol=2e-5)


HALF_CASES = [
    # n, c, height, width, up, kind of down filter, padding
    (1, 20, 23, 40, 2, "separable", [9, 8, 9, 8]),
    (3, 40, 19, 17, 2, "random", [11, 10, -3, 12]),
    (1, 33, 40, 21, 4, "separable", [-6, -9, -6, -9]),
    (3, 96, 12, 15, 4, "radial", [-2, -5, -2, -5]),
    (1, 181, 9, 70, 2, "radial", [-5, 6, 11, 10]),
    (1, 270, 11, 9, 2, "separable", [9, 8, 9, 8]),
]


@pytest.mark.parametrize("case", HALF_CASES, ids=str)
@pytest.mark.parametrize("scaled", [True, False])
def test_bfloat16_filters_lose_little_more_than_the_rounding_of_their_output(
    kernels: Kernels, case: tuple[int, int, int, int, int, str, list[int]], scaled: bool
) -> None:
    """With a clamp, on float16 arithmetic where the processor has it; without one, on float32."""
    n, c, height, width, up, kind, padding = case
    torch.manual_seed(0)
    fu = design_lowpass_filter(6 * up, 4, 4, 16 * up)
    fd = {"separable": SEPARABLE, "radial": RADIAL, "random": torch.randn(12, 12) / 12}[kind]
    x = torch.randn(n, c, height, width).bfloat16()
    scale, bias = (torch.rand(n, c) + 0.5, torch.randn(c)) if scaled else (None, None)
    exact = x.float() if scale is None else x.float() * scale[:, :, None, None]
    for clamp in (0.9, 256.0, None):
        plan = FilteredLReLU(
            fu, fd, height, width, up=up, down=2, padding=padding, clamp=clamp, dtype=torch.bfloat16
        )
        assert plan.is_native
        expected = filtered_lrelu(exact, fu, fd, bias, up, 2, padding, clamp=clamp)
        with torch.no_grad():
            error = plan(x, scale, bias).float() - expected
        rounding = expected.bfloat16().float() - expected
        # 144 taps of either sign cancel, which no generator's filter does.
        limit = 4.0 if kind == "random" else 1.7
        assert float(error.square().mean()) < limit * float(rounding.square().mean())
        assert float(error.abs().max()) < 0.01 * float(expected.abs().max())


@pytest.mark.parametrize("kind", ["separable", "radial"])
def test_bfloat16_filters_hold_what_float16_does_not(kernels: Kernels, kind: str) -> None:
    """Huge features are clamped, not lost; a NaN is kept, and stays where the filters reach."""
    fu, fd = design_lowpass_filter(12, 4, 4, 32), RADIAL if kind == "radial" else SEPARABLE
    plan = FilteredLReLU(fu, fd, 40, 40, up=2, down=2, padding=[9, 8, 9, 8], clamp=256, dtype=torch.bfloat16)
    x = torch.full((1, 40, 40, 40), 1e30).bfloat16()
    with torch.no_grad():
        inner = plan(x)[:, :, 12:-12, 12:-12].float()
    torch.testing.assert_close(inner, torch.full_like(inner, 256), rtol=0.01, atol=0)
    x = torch.ones(1, 40, 40, 40).bfloat16()
    x[0, 7, 0, 0] = float("nan")
    with torch.no_grad():
        y = plan(x)
    assert bool(torch.isnan(y[0, 7, 0, 0]))
    assert not bool(torch.isnan(y[0, 7, 12:]).any())
    assert not bool(torch.isnan(y[0, 8]).any())
    # Sums of a convolution may be large where its scale is small.
    x = torch.randn(1, 40, 40, 40, generator=torch.Generator().manual_seed(0)).bfloat16()
    with torch.no_grad():
        torch.testing.assert_close(plan(x * 4096, torch.full((1, 40), 1 / 4096)), plan(x))
    loud = FilteredLReLU(
        torch.as_tensor(fu) * 40, fd, 40, 40, up=2, down=2, padding=[9, 8, 9, 8], clamp=256, dtype=torch.bfloat16
    )
    x = torch.randn(1, 5, 40, 40, generator=torch.Generator().manual_seed(0)).bfloat16()
    _both(torch.bfloat16, loud, x)


def test_other_filters_take_the_pytorch_path(kernels: Kernels) -> None:
    plan = FilteredLReLU(torch.rand(10), torch.rand(8), 20, 20, up=2, down=2, padding=5)
    assert not plan.is_native
    with torch.no_grad():
        assert tuple(plan(torch.randn(1, 3, 20, 20)).shape) == (1, 3, 17, 17)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 16, 7, 5), (2, 19, 8, 8), (3, 3, 1, 9), (1, 130, 33, 40)])
@pytest.mark.parametrize("act", ["linear", "relu", "lrelu"])
def test_epilogue(kernels: Kernels, shape: tuple[int, int, int, int], act: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    n, c, h, w = shape
    x = torch.randn(shape).to(dtype).contiguous(memory_format=torch.channels_last)
    scale, bias = torch.rand(n, c) + 0.5, torch.randn(c)
    for noise in (None, torch.randn(1, 1, h, w), torch.randn(n, 1, h, w)):
        for clamp in (None, 0.7):
            for s, b in ((scale, bias), (None, bias), (None, None)):
                _both(dtype, _finished, x, s, b, noise, act, clamp)


def _finished(x: Tensor, scale: Tensor | None, bias: Tensor | None, *args: Any) -> Tensor:
    noise, act, clamp = args
    return apply_epilogue(DeferredConv(x.clone(), scale, bias), noise, act, 1.0, clamp)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "i", "o", "h", "w"), [(1, 8, 16, 4, 4), (2, 5, 19, 8, 8), (1, 3, 40, 24, 20)])
def test_up_convolution(kernels: Kernels, n: int, i: int, o: int, h: int, w: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    asymmetric = setup_filter(torch.outer(torch.tensor([1.0, 2, 4, 1]), torch.tensor([3.0, 1, 2, 1])))
    for taps in (setup_filter([1, 3, 3, 1]), asymmetric):
        conv = PreparedUpConv(
            torch.randn(o, i, 3, 3), resample_filter=taps, bias=torch.randn(o), gain=1.3, dtype=dtype
        )
        assert conv.axes is not None
        x, styles = torch.randn(n, i, h, w).to(dtype), torch.randn(n, i)
        noise = torch.randn(n, 1, 2 * h, 2 * w)
        _both(dtype, conv, x, styles, noise, "lrelu", 1.0, 0.9)
        _both(dtype, conv, x, styles, None, "linear", 1.0, None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("n", "c", "colours", "size"), [(1, 16, 3, 8), (2, 21, 1, 16), (1, 40, 4, 24), (1, 8, 5, 8)]
)
def test_torgb(kernels: Kernels, n: int, c: int, colours: int, size: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    asymmetric = setup_filter(torch.outer(torch.tensor([1.0, 2, 4, 1]), torch.tensor([3.0, 1, 2, 1])))
    for taps in (setup_filter([1, 3, 3, 1]), asymmetric):
        torgb = PreparedToRGB(torch.randn(colours, c, 1, 1), torch.randn(colours), taps, dtype)
        x, styles = torch.randn(n, c, size, size).to(dtype), torch.randn(n, c)
        img = torch.randn(n, colours, size // 2, size // 2)
        _both(dtype, torgb, x, styles, img, 1.5)
        _both(dtype, torgb, x, styles, None, None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("inputs", [1, 31, 32, 33, 63, 64, 100, 512])
def test_styles_and_demodulation(kernels: Kernels, inputs: int, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    outputs, factor = 70, 1 / math.sqrt(inputs)
    styles = PreparedStyles(torch.randn(outputs, inputs), torch.randn(outputs), 1.7 * factor, dtype)
    demodulation = PreparedDemodulation(torch.randn(outputs, inputs, 3, 3), 1.3, dtype)
    for run in (styles, demodulation):
        x = torch.randn(3, inputs)
        together = run(x)
        assert together.dtype == torch.float32
        assert torch.equal(together, torch.cat([run(one[None]) for one in x]))  # each as if it were alone
        with backend.use_backend("torch"):
            exact = run(x)
        # Of the weights' own rounding, a 512th at most of each, little is left in a sum.
        atol = (2e-6 if dtype == torch.float32 else 2**-8) * float(exact.abs().max())
        torch.testing.assert_close(together, exact, rtol=0, atol=atol)
    nothing = PreparedDemodulation(torch.zeros(2, inputs, 3, 3), 1.3, dtype)(torch.randn(1, inputs))
    torch.testing.assert_close(nothing, torch.full((1, 2), 1.3e4))  # finite without weights


def test_big_and_small_maps_take_the_same_numbers(kernels: Kernels) -> None:
    """The prepared convolution scales weights or activations, whichever is smaller."""
    torch.manual_seed(0)
    conv = PreparedConv(torch.randn(4, 6, 3, 3), padding=1, demodulate=True, bias=torch.randn(4), gain=1.4)
    styles = torch.randn(1, 6)
    big = torch.randn(1, 6, 40, 40)
    with torch.no_grad():
        assert conv(big, styles).scale is None
        assert conv(big[..., :4, :4], styles).scale is not None
        whole = conv(big, styles).apply()
        part = conv(big[..., :8, :6], styles).apply()
    torch.testing.assert_close(part[..., :7, :5], whole[..., :7, :5], rtol=1e-5, atol=1e-5)


def test_nan_is_not_hidden(kernels: Kernels) -> None:
    x = torch.full((1, 16, 2, 2), float("nan"))
    for dtype in DTYPES:
        y = x.to(dtype).contiguous(memory_format=torch.channels_last)
        assert bool(torch.isnan(apply_epilogue(DeferredConv(y, None, None), None, "lrelu", 1.0, 1.0)).all())


def test_a_compiler_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="could not be run"):
        compile_library(str(tmp_path / "no-such-compiler"), tmp_path / "a" / "k.so")
    broken = tmp_path / "broken"
    broken.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('this compiler is broken')\n")
    broken.chmod(0o755)
    with pytest.raises(BuildError, match="this compiler is broken"):
        compile_library(str(broken), tmp_path / "b" / "k.so")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_failed_build_is_not_tried_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    calls = []

    def compile_nothing(compiler: str, target: Path) -> None:
        calls.append(compiler)
        raise BuildError("no luck")

    monkeypatch.setattr(native, "_kernels", None)
    monkeypatch.setattr(native, "_status", native.NativeStatus("unused"))
    monkeypatch.setattr(native, "_looked_in_cache", False)
    monkeypatch.setattr(native, "find_compiler", lambda: "c++")
    monkeypatch.setattr(native, "cached_library", lambda _: tmp_path / "k.so")
    monkeypatch.setattr(native, "compile_library", compile_nothing)
    assert native.kernels() is None
    assert native.status().state == "unused"
    for _ in range(3):
        assert native.build().state == "failed"
        native.start_build()
        assert native.kernels() is None
    assert calls == ["c++"]
    assert native.status().detail == "no luck"


def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_kernels", None)
    monkeypatch.setattr(native, "_status", native.NativeStatus("unused"))
    monkeypatch.setattr(native, "_looked_in_cache", False)
    monkeypatch.setenv("LATENTWALK_NATIVE", "0")
    assert native.kernels() is None
    assert native.build().state == "disabled"


def test_a_file_that_is_not_a_library_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "product").write_bytes(b"not a library")
    publish(tmp_path / "product", tmp_path / "k.so")
    monkeypatch.setattr(native, "_kernels", None)
    monkeypatch.setattr(native, "_status", native.NativeStatus("unused"))
    monkeypatch.setattr(native, "_looked_in_cache", False)
    monkeypatch.delenv("LATENTWALK_NATIVE", raising=False)
    monkeypatch.setattr(native, "find_compiler", lambda: "c++")
    monkeypatch.setattr(native, "cached_library", lambda _: tmp_path / "k.so")
    assert native.kernels() is None
    assert native.status().state == "unused"  # so it is built again


@pytest.mark.parametrize(("i", "o", "size"), [(3, 5, 9), (70, 33, 40), (16, 16, 91)])
def test_a_pointwise_convolution_as_products(i: int, o: int, size: int) -> None:
    """Also across the border of two parts: 91 x 91 pixels are more than one takes."""
    torch.manual_seed(0)
    weight, bias, styles = torch.randn(o, i, 1, 1) / i**0.5, torch.randn(o), torch.rand(1, i) + 0.5
    x = torch.randn(1, i, size, size).bfloat16()
    with torch.no_grad():
        exact = PreparedConv(weight, padding=0, demodulate=True, bias=bias)(x.float(), styles).apply()
        conv = PreparedConv(weight, padding=0, demodulate=True, bias=bias, dtype=torch.bfloat16)
        fast = conv(x, styles)
    assert fast.x.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(fast.apply().float(), exact, rtol=0.02, atol=0.05)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5, 3, 3, 3), (16, 32, 1, 1), (7, 45, 3, 2)])
def test_modulated_weights(kernels: Kernels, shape: tuple[int, int, int, int], dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    weight = torch.randn(shape).contiguous(memory_format=torch.channels_last)
    columns, rows = torch.randn(shape[1]), torch.rand(shape[0])
    for r in (rows, None):
        expected = weight * columns.reshape(1, -1, 1, 1) * (1 if r is None else r.reshape(-1, 1, 1, 1))
        fast = kernels.modulate(weight, columns, r, dtype)
        assert fast.is_contiguous(memory_format=torch.channels_last)
        error = 1e-6 if dtype == torch.float32 else 0.005
        torch.testing.assert_close(fast.float(), expected, rtol=error, atol=1e-6)
