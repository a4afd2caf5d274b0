"""Zero-stuff, pad, filter, decimate: all resampling of the networks in one operator.

The functions here are the readable reference; `prepared_conv` and `banded` have faster forms for the filters of the
generators.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import check_dtype

__all__ = [
    "Padding",
    "Scale",
    "downsample2d",
    "filter2d",
    "filter_size",
    "parse_padding",
    "parse_scale",
    "setup_filter",
    "upfirdn2d",
    "upsample2d",
]

Scale = int | Sequence[int]
"""One integer factor for both axes, or `[x, y]`."""
Padding = int | Sequence[int]
"""One number for all sides, `[x, y]`, or `[left, right, top, bottom]`; negative values crop."""


def parse_scale(scale: Scale) -> tuple[int, int]:
    """Return a factor as `(x, y)`; raise ValueError unless both are at least 1."""
    x, y = (scale, scale) if isinstance(scale, int) else scale
    if x < 1 or y < 1:
        raise ValueError(f"scale must be at least 1, got {scale}")
    return int(x), int(y)


def parse_padding(padding: Padding) -> tuple[int, int, int, int]:
    """Return a padding as `(left, right, top, bottom)`."""
    values = [padding, padding] if isinstance(padding, int) else list(padding)
    if len(values) == 2:
        values = [values[0], values[0], values[1], values[1]]
    left, right, top, bottom = (int(v) for v in values)
    return left, right, top, bottom


def filter_size(f: Tensor | None) -> tuple[int, int]:
    """Return `(width, height)` in taps; a 1-D filter applies to both axes, None is a single tap."""
    if f is None:
        return 1, 1
    return int(f.shape[-1]), int(f.shape[0])


def setup_filter(
    f: Tensor | Sequence[float] | Sequence[Sequence[float]] | float | None,
    *,
    normalize: bool = True,
    flip_filter: bool = False,
    gain: float = 1.0,
    separable: bool | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Return a filter in the operators' form: float32, `[taps]` if separable, else `[height, width]`.

    Args:
        f: Scalar, 1-D or 2-D taps; None is the impulse.
        normalize: Divide by the sum, so that a constant picture is unchanged.
        flip_filter: Reverse the taps along every axis.
        gain: Total factor of the two-dimensional filter.
        separable: Keep 1-D taps as two passes; None: if there are at least 8. False expands them to 2-D.
        device: Device of the result.
    """
    # The device is explicit, so that a network can be built on the meta device, without memory for its weights.
    taps = torch.as_tensor(1.0 if f is None else f, dtype=torch.float32, device=device or torch.device("cpu"))
    if taps.ndim > 2 or taps.numel() == 0:
        raise ValueError(f"a filter is a scalar, a row or a matrix of taps, got shape {tuple(taps.shape)}")
    if taps.ndim == 0:
        taps = taps[None]
    if separable is None:
        separable = taps.ndim == 1 and taps.numel() >= 8
    if taps.ndim == 1 and not separable:
        taps = torch.outer(taps, taps)
    if normalize:
        taps = taps / taps.sum()
    if flip_filter:
        taps = taps.flip(list(range(taps.ndim)))
    scale = float(gain ** (taps.ndim / 2))
    return taps * scale


def upfirdn2d(
    x: Tensor,
    f: Tensor | None,
    up: Scale = 1,
    down: Scale = 1,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Upsample by zeros, pad, filter and decimate every channel of `x`.

    In order: `up - 1` zeros after each sample; `padding` zeros around the result (negative crops); "valid"
    convolution with `f` (correlation if `flip_filter`); every `down`-th sample, starting with the first.

    Args:
        x: `[N, C, H, W]`, any float dtype (no float16 on the CPU).
        f: `[height, width]`, or `[taps]` for a separable filter, or None for the impulse; see `setup_filter`.
        up: Upsampling factor.
        down: Decimation factor.
        padding: In pixels of the zero-stuffed picture.
        flip_filter: Correlate instead of convolve.
        gain: Factor on the result, whatever the rank of `f`.

    Returns:
        `[N, C, H', W']` with `W' = (W * up + left + right - taps) // down + 1`, differentiable to any order.
    """
    check_dtype(x)
    up_x, up_y = parse_scale(up)
    down_x, down_y = parse_scale(down)
    left, right, top, bottom = parse_padding(padding)
    if f is None:
        f = torch.ones(1, 1, device=x.device)
    n, c, h, w = x.shape
    if up_x > 1 or up_y > 1:
        x = x.reshape(n, c, h, 1, w, 1)
        x = F.pad(x, [0, up_x - 1, 0, 0, 0, up_y - 1]).reshape(n, c, h * up_y, w * up_x)
    x = F.pad(x, [left, right, top, bottom])  # crops where negative
    f = (f * gain ** (f.ndim / 2)).to(x.dtype)
    if not flip_filter:
        f = f.flip(list(range(f.ndim)))  # conv2d correlates
    if f.ndim == 1:
        x = _filter_channels(x, f[None, :], (1, down_x))
        return _filter_channels(x, f[:, None], (down_y, 1))
    return _filter_channels(x, f, (down_y, down_x))


def _filter_channels(x: Tensor, f: Tensor, stride: tuple[int, int]) -> Tensor:
    kernel = f.expand(x.shape[1], 1, *f.shape)
    return F.conv2d(x, kernel, stride=stride, groups=x.shape[1])


def filter2d(
    x: Tensor, f: Tensor | None, padding: Padding = 0, flip_filter: bool = False, gain: float = 1.0
) -> Tensor:
    """Filter `x` at its own size; `padding` is in addition to that."""
    left, right, top, bottom = parse_padding(padding)
    fw, fh = filter_size(f)
    pads = [left + fw // 2, right + (fw - 1) // 2, top + fh // 2, bottom + (fh - 1) // 2]
    return upfirdn2d(x, f, padding=pads, flip_filter=flip_filter, gain=gain)


def upsample2d(
    x: Tensor,
    f: Tensor | None,
    up: Scale = 2,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Upsample `x` by `up`, preserving its brightness."""
    up_x, up_y = parse_scale(up)
    left, right, top, bottom = parse_padding(padding)
    fw, fh = filter_size(f)
    pads = [
        left + (fw + up_x - 1) // 2,
        right + (fw - up_x) // 2,
        top + (fh + up_y - 1) // 2,
        bottom + (fh - up_y) // 2,
    ]
    return upfirdn2d(x, f, up=up, padding=pads, flip_filter=flip_filter, gain=gain * up_x * up_y)


def downsample2d(
    x: Tensor,
    f: Tensor | None,
    down: Scale = 2,
    padding: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
) -> Tensor:
    """Downsample `x` by `down`."""
    down_x, down_y = parse_scale(down)
    left, right, top, bottom = parse_padding(padding)
    fw, fh = filter_size(f)
    pads = [
        left + (fw - down_x + 1) // 2,
        right + (fw - down_x) // 2,
        top + (fh - down_y + 1) // 2,
        bottom + (fh - down_y) // 2,
    ]
    return upfirdn2d(x, f, down=down, padding=pads, flip_filter=flip_filter, gain=gain)
