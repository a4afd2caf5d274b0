"""Convolutions on AMX tiles against the float32 reference, and what they leave behind for others."""

from __future__ import annotations

import ctypes
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops import backend, native
from explorer.ops.bias_act import bias_act
from explorer.ops.modulated_conv2d import stylegan2_modulated_conv2d
from explorer.ops.native.build import find_compiler
from explorer.ops.native.kernels import Kernels
from explorer.ops.prepared_conv import PreparedConv, PreparedUpConv
from explorer.ops.upfirdn2d import setup_filter

ASYMMETRIC = torch.outer(torch.tensor([1.0, 2, 4, 1]), torch.tensor([3.0, 1, 2, 1]))


@pytest.fixture(scope="module")
def kernels() -> Kernels:
    """The kernels, on a processor with AMX."""
    status = native.build()
    loaded = native.kernels()
    if loaded is None:
        pytest.skip(f"no native kernels here: {status.detail}")
    if not loaded.has_amx:
        pytest.skip("this processor or system has no AMX for bfloat16")
    return loaded


def _close(fast: Tensor, exact: Tensor) -> None:
    """Within what rounding inputs, weights and outputs to bfloat16 does."""
    assert fast.dtype == torch.bfloat16
    assert fast.is_contiguous(memory_format=torch.channels_last)
    error = fast.float() - exact
    assert float(error.abs().max()) < 0.02 * float(exact.abs().max())
    assert float(error.square().mean().sqrt()) < 0.006 * float(exact.square().mean().sqrt())


def _random(n: int, i: int, o: int, h: int, w: int, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Features, weight, styles and bias."""
    torch.manual_seed(n + i + o + h + w + k)
    x = torch.randn(n, i, h, w).bfloat16().contiguous(memory_format=torch.channels_last)
    return x, torch.randn(o, i, k, k), torch.randn(n, i), torch.randn(o)


@pytest.mark.parametrize(("k", "padding"), [(3, 1), (3, 2), (3, 0), (1, 0), (2, 1)])
@pytest.mark.parametrize(
    ("n", "i", "o", "h", "w"),
    [
        (1, 32, 32, 16, 16),
        (1, 3, 5, 5, 9),
        (3, 40, 70, 13, 22),
        (1, 64, 33, 4, 4),
        (1, 300, 17, 7, 3),
        (3, 65, 64, 8, 8),
        (1, 1, 1, 3, 3),
        (1, 200, 48, 33, 96),
    ],
)
def test_convolution(kernels: Kernels, n: int, i: int, o: int, h: int, w: int, k: int, padding: int) -> None:
    x, weight, styles, bias = _random(n, i, o, h, w, k)
    exact = stylegan2_modulated_conv2d(x.float(), weight, styles, padding=padding, fused=True) * 1.3
    exact = exact + bias[:, None, None]
    conv = PreparedConv(weight, padding=padding, demodulate=True, bias=bias, gain=1.3, dtype=torch.bfloat16)
    with torch.no_grad():
        deferred = conv(x, styles)
    assert deferred.scale is None
    assert deferred.bias is None
    _close(deferred.x, exact)


def test_without_demodulation_and_with_an_input_gain(kernels: Kernels) -> None:
    x, weight, styles, bias = _random(2, 48, 40, 9, 10, 3)
    gain = torch.tensor(0.7)
    with torch.no_grad():
        for demodulate in (False, True):
            exact = stylegan2_modulated_conv2d(
                x.float(), weight, styles, padding=1, demodulate=demodulate, fused=True
            )
            exact = exact * (0.7 * 1.2) + bias[:, None, None]
            conv = PreparedConv(weight, padding=1, demodulate=demodulate, bias=bias, gain=1.2, dtype=torch.bfloat16)
            _close(conv(x, styles, gain).apply(), exact)


@pytest.mark.parametrize("act", ["linear", "relu", "lrelu"])
@pytest.mark.parametrize("clamp", [None, 0.9])
@pytest.mark.parametrize("noises", [0, 1, 3])
def test_epilogue(kernels: Kernels, act: str, clamp: float | None, noises: int) -> None:
    x, weight, styles, bias = _random(3, 40, 50, 11, 18, 3)
    noise = torch.randn(noises, 1, 11, 18) if noises else None
    exact = stylegan2_modulated_conv2d(x.float(), weight, styles, noise=noise, padding=1, fused=True)
    exact = bias_act(exact, bias, act=act, gain=1.0, clamp=clamp)
    conv = PreparedConv(weight, padding=1, demodulate=True, bias=bias, dtype=torch.bfloat16)
    with torch.no_grad():
        _close(conv.with_epilogue(x, styles, noise, act, 1.0, clamp), exact)


@pytest.mark.parametrize(
    ("n", "i", "o", "h", "w"),
    [
        (1, 32, 32, 16, 16),
        (1, 3, 5, 4, 4),
        (3, 40, 70, 7, 11),
        (1, 130, 33, 33, 20),
        (1, 20, 48, 3, 40),
        (1, 8, 8, 1, 1),
    ],
)
def test_up_convolution(kernels: Kernels, n: int, i: int, o: int, h: int, w: int) -> None:
    x, weight, styles, bias = _random(n, i, o, h, w, 3)
    for taps in (setup_filter([1, 3, 3, 1]), setup_filter(ASYMMETRIC)):
        conv = PreparedUpConv(weight, resample_filter=taps, bias=bias, dtype=torch.bfloat16)
        for noise, act, clamp in ((torch.randn(n, 1, 2 * h, 2 * w), "lrelu", 0.9), (None, "linear", None)):
            exact = stylegan2_modulated_conv2d(
                x.float(), weight, styles, noise, 2, padding=1, resample_filter=taps, flip_weight=False, fused=True
            )
            exact = bias_act(exact, bias, act=act, gain=1.0, clamp=clamp)
            with torch.no_grad():
                _close(conv(x, styles, noise, act, 1.0, clamp), exact)


def test_the_number_of_threads_does_not_change_a_bit(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither do bands: 40 rows of 40 pixels with 300 channels are several."""
    x, weight, styles, bias = _random(2, 300, 70, 40, 40, 3)
    noise = torch.randn(1, 1, 40, 40)
    conv = PreparedConv(weight, padding=1, demodulate=True, bias=bias, dtype=torch.bfloat16)
    up = PreparedUpConv(weight, resample_filter=setup_filter([1, 3, 3, 1]), bias=bias, dtype=torch.bfloat16)
    done = []
    with torch.no_grad():
        for threads in (1, 2, 3, 16):
            monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
            pictures = (
                conv.with_epilogue(x, styles, noise, "lrelu", 1.0, None),
                up(x, styles, None, "lrelu", 1.0, None),
            )
            done.append(pictures)
    for pictures in done[1:]:
        assert all(torch.equal(a, b) for a, b in zip(pictures, done[0], strict=True))


def test_a_pixel_is_seen_by_its_neighbours_alone(kernels: Kernels) -> None:
    """Not by the other end of the row before or behind, which lie beside it in memory."""
    x, weight, styles, bias = _random(1, 40, 40, 9, 11, 3)
    conv = PreparedConv(weight, padding=1, demodulate=True, bias=bias, dtype=torch.bfloat16)
    for row, column in ((4, 0), (4, 10), (0, 5), (8, 10)):
        marked = x.clone(memory_format=torch.channels_last)
        marked[0, 7, row, column] = float("nan")
        with torch.no_grad():
            seen = conv.with_epilogue(marked, styles, None, "lrelu", 1.0, 1.0).isnan().all(dim=1)[0]
        expected = torch.zeros(9, 11, dtype=torch.bool)
        expected[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = True
        assert torch.equal(seen, expected)


_PROBE = """
#include "amx.h"
extern "C" int probe(int own) {
    alignas(64) unsigned char given[64] = {}, before[64], after[64];
    if (!amx::available()) return 3;
    if (own) {
        given[0] = 1;
        for (int tile = 0; tile < 8; tile++) given[16 + 2 * tile] = 4 * (tile + 1), given[48 + tile] = 3 + tile;
        _tile_loadconfig(given);
    } else {
        _tile_release();
    }
    _tile_storeconfig(before);
    {
        amx::Tiles tiles;
        _tile_storeconfig(after);
        if (!std::memcmp(before, after, 64)) return 2;
    }
    _tile_storeconfig(after);
    _tile_release();
    return std::memcmp(before, after, 64) != 0;
}
"""


def test_tiles_are_left_as_they_were(kernels: Kernels, tmp_path: Path) -> None:
    """Libraries may remember how they configured a thread's tiles."""
    compiler = find_compiler()
    assert compiler is not None
    source, library = tmp_path / "probe.cpp", tmp_path / "probe.so"
    source.write_text(_PROBE)
    folder = Path(native.__file__).parent
    flags = ["-march=native", "-std=c++17", "-shared", "-fPIC", f"-I{folder}"]
    subprocess.run([compiler, *flags, str(source), "-o", str(library)], check=True)
    probe = ctypes.CDLL(str(library)).probe
    assert probe(1) == 0
    assert probe(0) == 0


def test_convolutions_of_others_in_between(kernels: Kernels) -> None:
    """oneDNN uses the same tiles, here in turn with ours and from several threads."""
    x, weight, styles, bias = _random(1, 64, 48, 24, 24, 3)
    low = weight.bfloat16().contiguous(memory_format=torch.channels_last)
    odd = torch.randn(19, 64, 1, 1).bfloat16()
    conv = PreparedConv(weight, padding=1, demodulate=True, bias=bias, dtype=torch.bfloat16)

    def alone() -> tuple[Tensor, ...]:
        return F.conv2d(x, low, padding=1), F.conv2d(x, odd), x[0, :, 0] @ x[0, :, 1].t()

    def mixed(_: int) -> bool:
        with torch.inference_mode():
            for _ in range(3):
                for index, expected in enumerate(wanted):
                    own = conv.with_epilogue(x, styles, None, "lrelu", 1.0, None)
                    if not torch.equal(own, ours) or not torch.equal(alone()[index], expected):
                        return False
        return True

    with torch.inference_mode():
        wanted, ours = alone(), conv.with_epilogue(x, styles, None, "lrelu", 1.0, None)
    assert mixed(0)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(mixed, range(8)))


def test_which_form_is_taken(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """AMX for bfloat16 up to 3x3; the other forms for everything else, big 1x1 layers among it."""
    taken = []
    run = Kernels.modulated_conv

    def watched(*args: object, **kwargs: object) -> Tensor:
        taken.append(True)
        return run(*args, **kwargs)  # type: ignore[arg-type]  # whatever it was called with

    monkeypatch.setattr(Kernels, "modulated_conv", watched)

    def is_amx(k: int, size: int, dtype: torch.dtype = torch.bfloat16) -> bool:
        taken.clear()
        x, weight, styles, bias = _random(1, 16, 16, size, size, k)
        with torch.no_grad():
            PreparedConv(weight, padding=k // 2, demodulate=True, bias=bias, dtype=dtype)(x.to(dtype), styles)
        return bool(taken)

    assert is_amx(3, 16)
    assert is_amx(1, 16)
    assert not is_amx(1, 80)
    assert not is_amx(5, 16)
    assert not is_amx(3, 16, torch.float32)
    with backend.use_backend("torch"):
        assert not is_amx(3, 16)
    monkeypatch.setattr(kernels, "has_amx", False)
    assert not is_amx(3, 16)


@pytest.mark.parametrize("size", [4, 40])
def test_native_kernels_without_amx(kernels: Kernels, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """What other processors run in bfloat16: scaled activations on small maps, scaled weights on big ones."""
    x, weight, styles, bias = _random(1, 20, 24, size, size, 3)
    taps = setup_filter([1, 3, 3, 1])
    conv = PreparedConv(weight, padding=1, demodulate=True, bias=bias, dtype=torch.bfloat16)
    up = PreparedUpConv(weight, resample_filter=taps, bias=bias, dtype=torch.bfloat16)
    with torch.no_grad():
        expected = [
            conv.with_epilogue(x, styles, None, "lrelu", 1.0, None),
            up(x, styles, None, "lrelu", 1.0, None),
        ]
        monkeypatch.setattr(kernels, "has_amx", False)
        others = [conv.with_epilogue(x, styles, None, "lrelu", 1.0, None), up(x, styles, None, "lrelu", 1.0, None)]
    for a, b in zip(expected, others, strict=True):
        torch.testing.assert_close(a.float(), b.float(), rtol=0, atol=0.02 * float(b.abs().max()))
