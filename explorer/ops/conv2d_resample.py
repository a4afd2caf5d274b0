"""Convolution with a resampling filter before (up) or after (down) it, all padding applied once at the start."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from .precision import check_dtype
from .upfirdn2d import Padding, filter_size, parse_padding, upfirdn2d

__all__ = ["conv2d_resample", "conv2d_resample_reference"]


def conv2d_resample_reference(
    x: Tensor,
    w: Tensor,
    f: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    groups: int = 1,
    flip_weight: bool = True,
    flip_filter: bool = False,
) -> Tensor:
    """Upsample with `f`, convolve with `w`, downsample with `f`: the definition of `conv2d_resample`."""
    pads = _total_padding(f, up, down, padding)
    x = upfirdn2d(x, f if up > 1 else None, up=up, padding=pads, gain=up**2, flip_filter=flip_filter)
    x = _conv2d(x, w, groups=groups, flip_weight=flip_weight)
    return upfirdn2d(x, f, down=down, flip_filter=flip_filter) if down > 1 else x


def conv2d_resample(
    x: Tensor,
    w: Tensor,
    f: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    groups: int = 1,
    flip_weight: bool = True,
    flip_filter: bool = False,
) -> Tensor:
    """Convolve `x` with `w` while changing its resolution.

    Equal to `conv2d_resample_reference`, but with the convolution at the lower resolution where it commutes with
    the filter: up to 4 times fewer multiplications.

    Args:
        x: `[N, I, H, W]`, any float dtype (no float16 on the CPU).
        w: `[O, I / groups, kh, kw]`.
        f: Resampling filter from `setup_filter`; only used if `up` or `down` exceeds 1.
        up: Upsampling factor.
        down: Downsampling factor.
        padding: In pixels of the upsampled picture, in addition to that for `f`.
        groups: As in torch.
        flip_weight: True correlates (as `torch.conv2d`), False convolves.
        flip_filter: Correlate with `f` instead of convolving.

    Returns:
        `[N, O, H', W']`, differentiable to any order.
    """
    check_dtype(x)
    kh, kw = int(w.shape[2]), int(w.shape[3])
    pads = _total_padding(f, up, down, padding)
    if kh == kw == 1 and down > 1 and up == 1:
        x = upfirdn2d(x, f, down=down, padding=pads, flip_filter=flip_filter)
        return _conv2d(x, w, groups=groups, flip_weight=flip_weight)
    if kh == kw == 1 and up > 1 and down == 1:
        x = _conv2d(x, w, groups=groups, flip_weight=flip_weight)
        return upfirdn2d(x, f, up=up, padding=pads, gain=up**2, flip_filter=flip_filter)
    if down > 1 and up == 1:
        x = upfirdn2d(x, f, padding=pads, flip_filter=flip_filter)
        return _conv2d(x, w, stride=down, groups=groups, flip_weight=flip_weight)
    if up > 1:
        x = _conv2d_up(x, w, up, groups, flip_weight)
        left, right, top, bottom = pads
        pads = (left - kw + 1, right - kw + up, top - kh + 1, bottom - kh + up)
        x = upfirdn2d(x, f, padding=pads, gain=up**2, flip_filter=flip_filter)
        return upfirdn2d(x, f, down=down, flip_filter=flip_filter) if down > 1 else x
    left, right, top, bottom = pads
    if left == right >= 0 and top == bottom >= 0:
        return _conv2d(x, w, padding=(top, left), groups=groups, flip_weight=flip_weight)
    return _conv2d(F.pad(x, pads), w, groups=groups, flip_weight=flip_weight)


def _total_padding(f: Tensor | None, up: int, down: int, padding: Padding) -> tuple[int, int, int, int]:
    left, right, top, bottom = parse_padding(padding)
    fw, fh = filter_size(f)
    if up > 1:
        left, right = left + (fw + up - 1) // 2, right + (fw - up) // 2
        top, bottom = top + (fh + up - 1) // 2, bottom + (fh - up) // 2
    if down > 1:
        left, right = left + (fw - down + 1) // 2, right + (fw - down) // 2
        top, bottom = top + (fh - down + 1) // 2, bottom + (fh - down) // 2
    return left, right, top, bottom


def _conv2d(
    x: Tensor,
    w: Tensor,
    *,
    stride: int = 1,
    padding: tuple[int, int] = (0, 0),
    groups: int = 1,
    flip_weight: bool = True,
) -> Tensor:
    if not flip_weight and w.shape[2:] != (1, 1):
        w = w.flip([2, 3])
    return F.conv2d(x, w, stride=stride, padding=padding, groups=groups)


def _conv2d_up(x: Tensor, w: Tensor, up: int, groups: int, flip_weight: bool) -> Tensor:
    """Convolve the zero-stuffed `x` fully, without its last `up - 1` zeros: `(W - 1) * up + kw` wide."""
    if flip_weight:
        w = w.flip([2, 3])  # a transposed convolution convolves
    o, i, kh, kw = w.shape
    w = w.reshape(groups, o // groups, i, kh, kw).transpose(1, 2).reshape(groups * i, o // groups, kh, kw)
    return F.conv_transpose2d(x, w, stride=up, groups=groups)
