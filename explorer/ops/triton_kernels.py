"""Triton kernels for CUDA devices: the filtered leaky ReLU and fused epilogues, in channels-last order.

Import this module only where Triton is installed, as `backend.triton_for` does. The kernels compute in float32
(tensor cores use the features' dtype) and need no CUDA compiler. They are tested with Triton's interpreter against
the PyTorch forms; they have not been timed on a GPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FilterTiles", "apply_epilogue", "check", "filtered_lrelu", "fir_epilogue"]

# An output tile is TILE x TILE pixels. It needs 2 (TILE - 1) + 12 <= SIDE upsampled rows, and at most as many input
# rows.
TILE, SIDE, PADDED = 10, 32, 16
_CHANNELS = 16


@triton.jit
def _activate(v: Any, slope: Any, clamp: Any) -> Any:
    v = tl.where(v < 0, v * slope, v)
    # Comparisons with NaN are false, so NaN is preserved.
    v = tl.where(v > clamp, clamp, v)
    return tl.where(v < -clamp, -clamp, v)


@triton.jit
def _epilogue_kernel(
    x: Any, scale: Any, bias: Any, noise: Any, slope: Any, clamp: Any, total: Any, channels: Any, pixels: Any,
    noise_step: Any, HAS_SCALE: tl.constexpr, HAS_BIAS: tl.constexpr, HAS_NOISE: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < total
    c = i % channels
    pixel = i // channels
    v = tl.load(x + i, mask=inside, other=0.0).to(tl.float32)
    if HAS_SCALE:
        v *= tl.load(scale + pixel // pixels * channels + c, mask=inside, other=0.0)
    if HAS_BIAS:
        v += tl.load(bias + c, mask=inside, other=0.0)
    if HAS_NOISE:
        v += tl.load(noise + pixel // pixels * noise_step + pixel % pixels, mask=inside, other=0.0)
    tl.store(x + i, _activate(v, slope, clamp).to(x.dtype.element_ty), mask=inside)


def apply_epilogue(
    x: Tensor, scale: Tensor | None, bias: Tensor | None, noise: Tensor | None, slope: float, clamp: float | None
) -> Tensor:
    """Compute `clamp(leaky_relu(x * scale + bias + noise))` in place in `x` `[N, C, H, W]`, channels-last.

    Args:
        x: Any float dtype.
        scale: `[N, C]` float32 or None.
        bias: `[C]` float32 or None.
        noise: `[1 or N, 1, H, W]` float32 or None.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit, or None.
    """
    _, c, h, w = x.shape
    block = 1024
    _epilogue_kernel[(triton.cdiv(x.numel(), block),)](
        x, _or(scale, x), _or(bias, x), _or(noise, x), slope, _limit(clamp), x.numel(), c, h * w,
        0 if noise is None or noise.shape[0] == 1 else h * w,
        HAS_SCALE=scale is not None, HAS_BIAS=bias is not None, HAS_NOISE=noise is not None, BLOCK=block,
    )  # fmt: skip
    return x


@triton.jit
def _fir_kernel(
    z: Any, out: Any, taps: Any, scale: Any, bias: Any, noise: Any, slope: Any, clamp: Any, total: Any,
    channels: Any, height: Any, width: Any, noise_step: Any, HAS_NOISE: tl.constexpr, BLOCK: tl.constexpr,
) -> None:  # fmt: skip
    i = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = i < total
    c = i % channels
    pixel = i // channels
    column = pixel % width
    row = pixel // width % height
    sample = pixel // width // height
    sums = tl.zeros([BLOCK], dtype=tl.float32)
    for k in tl.static_range(4):
        for j in tl.static_range(4):
            y, x = row + k - 1, column + j - 1
            known = inside & (y >= 0) & (y <= height) & (x >= 0) & (x <= width)
            source = ((sample * (height + 1) + y) * (width + 1) + x) * channels + c
            sums += tl.load(z + source, mask=known, other=0.0).to(tl.float32) * tl.load(taps + k * 4 + j)
    sums = sums * tl.load(scale + sample * channels + c, mask=inside, other=0.0)
    sums += tl.load(bias + c, mask=inside, other=0.0)
    if HAS_NOISE:
        sums += tl.load(noise + sample * noise_step + row * width + column, mask=inside, other=0.0)
    tl.store(out + i, _activate(sums, slope, clamp).to(out.dtype.element_ty), mask=inside)


def fir_epilogue(
    z: Tensor,
    taps: Tensor,
    scale: Tensor,
    bias: Tensor,
    noise: Tensor | None,
    slope: float,
    clamp: float | None,
) -> Tensor:
    """Filter a transposed convolution's output with 4x4 taps, then apply the epilogue (StyleGAN2's upsampling).

    Args:
        z: `[N, C, 2 H + 1, 2 W + 1]`, channels-last.
        taps: `[4, 4]` float32 in correlation order.
        scale: `[N, C]` float32.
        bias: `[C]` float32.
        noise: `[1 or N, 1, 2 H, 2 W]` float32 or None.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit, or None.

    Returns:
        `[N, C, 2 H, 2 W]`, channels-last.
    """
    n, c, h, w = z.shape[0], z.shape[1], z.shape[2] - 1, z.shape[3] - 1
    out = z.new_empty(n, h, w, c)
    block = 512
    _fir_kernel[(triton.cdiv(out.numel(), block),)](
        z, out, taps, scale, bias, _or(noise, z), slope, _limit(clamp), out.numel(), c, h, w,
        0 if noise is None or noise.shape[0] == 1 else h * w, HAS_NOISE=noise is not None, BLOCK=block,
    )  # fmt: skip
    return out.permute(0, 3, 1, 2)


@dataclass(frozen=True)
class FilterTiles:
    """The filters of `filtered_lrelu` as the small matrices of a tile, the same for every tile.

    Args:
        up: Upsampling factor, 1, 2 or 4.
        ups: Taps of the up filter along the (vertical, horizontal) axis in correlation order, including gains; at
            most 6 per phase.
        downs: The (vertical, horizontal) taps in correlation order for each term of the down filter, at most 12.
        padding: (top, left) in upsampled pixels.
        out_size: (height, width).
        device: Device of the features.
        dtype: Dtype of the features.
    """

    up: int
    ups: tuple[NDArray[np.float64], NDArray[np.float64]]
    downs: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    padding: tuple[int, int]
    out_size: tuple[int, int]
    device: torch.device
    dtype: torch.dtype

    @cached_property
    def up_y(self) -> Tensor:
        """`[SIDE, SIDE]`: upsampled rows of a tile from its input rows."""
        return self._up(self.ups[0], self.padding[0])

    @cached_property
    def up_x(self) -> Tensor:
        """The same for columns."""
        return self._up(self.ups[1], self.padding[1])

    @cached_property
    def down_y(self) -> Tensor:
        """`[terms, PADDED, SIDE]`: output rows from upsampled rows."""
        return self._down(0)

    @cached_property
    def down_x(self) -> Tensor:
        """The same for columns."""
        return self._down(1)

    @property
    def first(self) -> tuple[int, int]:
        """First input (row, column) of the first tile; may be outside the picture."""
        top, left = self.padding
        return -(top // self.up), -(left // self.up)

    def _up(self, taps: NDArray[np.float64], pad: int) -> Tensor:
        k = (np.arange(SIDE)[None, :] - pad // self.up) * self.up + pad - np.arange(SIDE)[:, None]
        return self._tensor(_at(taps, k))

    def _down(self, axis: int) -> Tensor:
        k = np.arange(SIDE)[None, :] - 2 * np.arange(PADDED)[:, None]
        return self._tensor(np.stack([_at(term[axis], k) for term in self.downs]))

    def _tensor(self, matrix: NDArray[np.float64]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(matrix), dtype=self.dtype, device=self.device)


def _at(taps: NDArray[np.float64], k: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.where((k >= 0) & (k < len(taps)), taps[np.clip(k, 0, len(taps) - 1)], 0.0)


@triton.jit
def _filtered_kernel(
    x: Any, out: Any, scale: Any, bias: Any, up_y: Any, up_x: Any, down_y: Any, down_x: Any, slope: Any, clamp: Any,
    height: Any, width: Any, channels: Any, out_height: Any, out_width: Any, first_row: Any, first_column: Any,
    STEP: tl.constexpr, TERMS: tl.constexpr, HAS_SCALE: tl.constexpr, HAS_BIAS: tl.constexpr, TILE: tl.constexpr,
    SIDE: tl.constexpr, PADDED: tl.constexpr, CHANNELS: tl.constexpr,
) -> None:  # fmt: skip
    tiles = tl.cdiv(out_width, TILE)
    tile_y, tile_x = tl.program_id(0) // tiles, tl.program_id(0) % tiles
    sample = tl.program_id(2).to(tl.int64)
    side = tl.arange(0, SIDE)
    c = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    rows = tile_y * STEP + first_row + side
    columns = tile_x * STEP + first_column + side
    real = c < channels
    inside = ((rows >= 0) & (rows < height))[:, None, None] & ((columns >= 0) & (columns < width))[None, :, None]
    inside = inside & real[None, None, :]
    source = (sample * height + rows[:, None, None]) * width + columns[None, :, None]
    source = source * channels + c[None, None, :]
    v = tl.load(x + source, mask=inside, other=0.0).to(tl.float32)  # [y, x, c]
    if HAS_SCALE:
        v = v * tl.load(scale + sample * channels + c, mask=real, other=0.0)[None, None, :]
    if HAS_BIAS:
        v = tl.where(inside, v + tl.load(bias + c, mask=real, other=0.0)[None, None, :], 0.0)
    square = side[:, None] * SIDE + side[None, :]
    kind = x.dtype.element_ty
    # Each pass is one product; between passes the axes are permuted so that the next one comes first.
    v = tl.reshape(v.to(kind), [SIDE, SIDE * CHANNELS])
    v = tl.dot(tl.load(up_y + square), v, input_precision="ieee")  # [Y, x c]
    v = tl.reshape(tl.permute(tl.reshape(v, [SIDE, SIDE, CHANNELS]), [1, 0, 2]), [SIDE, SIDE * CHANNELS])
    v = tl.dot(tl.load(up_x + square), v.to(kind), input_precision="ieee")  # [X, Y c]
    v = _activate(v, slope, clamp).to(kind)
    padded = tl.arange(0, PADDED)
    block = padded[:, None] * SIDE + side[None, :]
    total = tl.zeros([PADDED, PADDED * CHANNELS], dtype=tl.float32)
    for term in tl.static_range(TERMS):
        narrow = tl.dot(tl.load(down_x + term * PADDED * SIDE + block), v, input_precision="ieee")  # [x', Y c]
        narrow = tl.permute(tl.reshape(narrow, [PADDED, SIDE, CHANNELS]), [1, 0, 2])  # [Y, x', c]
        narrow = tl.reshape(narrow, [SIDE, PADDED * CHANNELS]).to(kind)
        total += tl.dot(tl.load(down_y + term * PADDED * SIDE + block), narrow, input_precision="ieee")
    result = tl.reshape(total, [PADDED, PADDED, CHANNELS])  # [y', x', c]
    out_rows, out_columns = tile_y * TILE + padded, tile_x * TILE + padded
    wanted = ((padded < TILE) & (out_rows < out_height))[:, None, None] & real[None, None, :]
    wanted = wanted & ((padded < TILE) & (out_columns < out_width))[None, :, None]
    target = (sample * out_height + out_rows[:, None, None]) * out_width + out_columns[None, :, None]
    tl.store(out + target * channels + c[None, None, :], result.to(kind), mask=wanted)


def filtered_lrelu(
    x: Tensor,
    tiles: FilterTiles,
    scale: Tensor | None,
    bias: Tensor | None,
    slope: float,
    clamp: float | None,
) -> Tensor:
    """Return the filtered leaky ReLU of `x * scale + bias`, downsampled by 2; the upsampled signal stays on chip.

    Args:
        x: `[N, C, H, W]`, channels-last, of the tiles' dtype.
        tiles: The filters.
        scale: `[N, C]` float32 or None.
        bias: `[C]` float32 or None.
        slope: Negative slope of the leaky ReLU.
        clamp: Absolute limit, or None.

    Returns:
        `[N, C, H', W']`, channels-last.
    """
    n, c, h, w = x.shape
    out_h, out_w = tiles.out_size
    out = x.new_empty(n, out_h, out_w, c)
    row, column = tiles.first
    grid = (triton.cdiv(out_h, TILE) * triton.cdiv(out_w, TILE), triton.cdiv(c, _CHANNELS), n)
    _filtered_kernel[grid](
        x, out, _or(scale, x), _or(bias, x), tiles.up_y, tiles.up_x, tiles.down_y, tiles.down_x, slope,
        _limit(clamp), h, w, c, out_h, out_w, row, column, STEP=2 * TILE // tiles.up, TERMS=len(tiles.downs),
        HAS_SCALE=scale is not None, HAS_BIAS=bias is not None, TILE=TILE, SIDE=SIDE, PADDED=PADDED,
        CHANNELS=_CHANNELS,
    )  # fmt: skip
    return out.permute(0, 3, 1, 2)


def check(device: torch.device, dtype: torch.dtype) -> None:
    """Compile and run each kernel once and compare it with PyTorch; raise RuntimeError if one differs."""
    x = torch.linspace(-1, 1, 16 * 9 * 9, device=device).reshape(1, 9, 9, 16).permute(0, 3, 1, 2).to(dtype)
    scale, bias = torch.full((1, 16), 0.5, device=device), torch.full((16,), 0.1, device=device)
    wanted = torch.nn.functional.leaky_relu(x.float() * 0.5 + 0.1, 0.2)
    _compare("apply_epilogue", apply_epilogue(x.clone(), scale, bias, None, 0.2, 256.0), wanted)
    taps = torch.zeros(4, 4, device=device)
    taps[1, 1] = 1.0
    _compare("fir_epilogue", fir_epilogue(x, taps, scale, bias, None, 0.2, 256.0), wanted[:, :, :8, :8])
    # Taps that pick samples: every second one of the upsampled picture, in which each pixel is a square.
    hold, pick = np.repeat([0.0, 1.0, 0.0], (0, 2, 10)), np.eye(12)[0]
    tiles = FilterTiles(2, (hold, hold), ((pick, pick),), (1, 1), (3, 3), device, dtype)
    _compare("filtered_lrelu", filtered_lrelu(x, tiles, scale, bias, 0.2, 256.0), wanted[:, :, :3, :3])


def _compare(name: str, result: Tensor, wanted: Tensor) -> None:
    error = float((result.float() - wanted).abs().max())
    if not error < 0.02:
        raise RuntimeError(f"{name} is off by {error:.3g}")


def _or(x: Tensor | None, other: Tensor) -> Tensor:
    """Return `x`, or a placeholder for an argument that the kernel does not read."""
    return other if x is None else x


def _limit(clamp: float | None) -> float:
    return float("inf") if clamp is None else clamp
