"""The native kernels of wavelet networks as functions of tensors; `Kernels` has them."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["PackedPanels", "WaveletKernels"]

_INT, _PTR, _FLOAT = ctypes.c_int, ctypes.c_void_p, ctypes.c_float


class PackedPanels(NamedTuple):
    """A matrix packed for `separable_conv` by `pack_panels`."""

    panels: Tensor
    outputs: int


class WaveletKernels:
    """Depthwise separable convolutions and inverse Haar transforms; arguments as `Kernels` has them."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._panel: int = library.latentwalk_panel()
        self._separable_conv = library.latentwalk_separable_conv
        self._separable_conv.argtypes = [_PTR, _PTR, *[_INT] * 6, *[_PTR] * 5, _INT, _FLOAT, _INT]
        self._depthwise_conv = library.latentwalk_depthwise_conv
        self._depthwise_conv.argtypes = [_PTR, _PTR, *[_INT] * 5, _PTR, _PTR, _INT]
        self._inverse_haar = library.latentwalk_inverse_haar
        self._inverse_haar.argtypes = [_PTR, _PTR, *[_INT] * 5, _PTR, _INT]
        self._haar_head = library.latentwalk_haar_head
        self._haar_head.argtypes = [_PTR, _PTR, *[_INT] * 6, *[_PTR] * 3, _INT]

    def pack_panels(self, weight: Tensor) -> PackedPanels:
        """Pack a matrix `[O, I]`: as many outputs side by side as the processor's registers hold sums of."""
        o, i = weight.shape
        padded = F.pad(weight.detach().float(), (0, 0, 0, -o % self._panel))
        return PackedPanels(padded.reshape(-1, self._panel, i).transpose(1, 2).contiguous(), o)

    def separable_conv(
        self,
        x: Tensor,
        styles: Tensor,
        taps: Tensor,
        weight: PackedPanels,
        *,
        bias: Tensor,
        noise: Tensor | None,
        slope: float,
    ) -> Tensor:
        """Return `leaky_relu(pointwise(depthwise(x * styles)) + bias + noise)`, `[N, O, H, W]`.

        Args:
            x: `[N, I, H, W]`.
            styles: `[N, I]`.
            taps: Of the depthwise 3x3 convolution, `[9, I]`.
            weight: From `pack_panels([O, I])`.
            bias: `[O]`.
            noise: `[1 or N, 1, H, W]` or None.
            slope: Negative slope of the leaky ReLU.
        """
        n, c, h, w = x.shape
        out = _channels_last(n, weight.outputs, h, w, x.dtype)
        self._separable_conv(
            x.data_ptr(), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, weight.outputs,
            styles.data_ptr(), taps.data_ptr(), weight.panels.data_ptr(), bias.data_ptr(),
            None if noise is None else noise.data_ptr(), 1 if noise is None else noise.shape[0], slope,
            torch.get_num_threads(),
        )  # fmt: skip
        return out

    def depthwise_conv(self, x: Tensor, styles: Tensor, taps: Tensor) -> Tensor:
        """Return the depthwise 3x3 convolution of `x * styles`, arguments as those of `separable_conv`."""
        n, c, h, w = x.shape
        out = _channels_last(n, c, h, w, x.dtype)
        self._depthwise_conv(
            x.data_ptr(), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, styles.data_ptr(),
            taps.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out

    def inverse_haar(self, x: Tensor, styles: Tensor) -> Tensor:
        """Return the inverse Haar transform `[N, C, 2 H, 2 W]` of `x * styles`: `[N, 4 C, H, W]`, `[N, 4 C]`."""
        n, c, h, w = x.shape
        out = _channels_last(n, c // 4, 2 * h, 2 * w, x.dtype)
        self._inverse_haar(
            x.data_ptr(), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c // 4, styles.data_ptr(),
            torch.get_num_threads(),
        )  # fmt: skip
        return out

    def haar_head(self, x: Tensor, styles: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the inverse Haar transform of `weight (x * styles) + bias`, `[N, K, 2 H, 2 W]` float32.

        Args:
            x: `[N, C, H, W]`.
            styles: `[N, C]`.
            weight: `[4 K, C]`.
            bias: `[4 K]`.
        """
        n, c, h, w = x.shape
        colours = weight.shape[0] // 4
        out = torch.empty(n, colours, 2 * h, 2 * w)
        self._haar_head(
            x.data_ptr(), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, colours, styles.data_ptr(),
            weight.data_ptr(), bias.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out


def _channels_last(n: int, c: int, h: int, w: int, dtype: torch.dtype) -> Tensor:
    return torch.empty((n, c, h, w), dtype=dtype, memory_format=torch.channels_last)
