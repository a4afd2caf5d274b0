"""The native kernels as functions of tensors."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from .wavelets import WaveletKernels

__all__ = ["ABI", "DTYPES", "Kernels", "PackedWeight", "pack_weight"]

ABI = 6
DTYPES = (torch.float32, torch.bfloat16)
"""Dtypes of features that the kernels read and write; they compute in float32."""

_INT, _PTR, _FLOAT = ctypes.c_int, ctypes.c_void_p, ctypes.c_float
_NO_CLAMP = float("inf")
# Output columns and channels per tile: the overlap is small, and the state of about 700 kB stays in the
# second-level cache. Measured from 16 to 276 columns and 32 to 256 channels.
_TILE_COLUMNS = 32
_TILE_CHANNELS = 128


class PackedWeight(NamedTuple):
    """A weight packed for `modulated_conv` by `pack_weight`."""

    tiles: Tensor
    outputs: int
    kernel: int


class Kernels(WaveletKernels):
    """A loaded library. Calls release the GIL, use torch's number of threads, and may overlap.

    Every tensor must be on the CPU; features are in channels-last order and of a type in `DTYPES`, everything
    else is contiguous float32.
    """

    def __init__(self, path: Path) -> None:
        """Load the library; raise OSError or AttributeError if it is not ours, ValueError for another version."""
        self._library = ctypes.CDLL(str(path))
        if self._library.latentwalk_abi() != ABI:
            raise ValueError(f"{path} has another version")
        super().__init__(self._library)
        self._filtered_lrelu = self._library.latentwalk_filtered_lrelu
        self._filtered_lrelu.argtypes = [_PTR, _PTR, *[_INT] * 10, *[_PTR] * 7, _FLOAT, _FLOAT, *[_INT] * 3]
        self._epilogue = self._library.latentwalk_finish
        self._epilogue.argtypes = [_PTR, *[_INT] * 5, *[_PTR] * 3, _INT, _FLOAT, _FLOAT, _INT]
        self._fir_epilogue = self._library.latentwalk_fir_finish
        self._fir_epilogue.argtypes = [
            *[_PTR] * 5, *[_INT] * 5, *[_PTR] * 5, _INT, _FLOAT, _FLOAT, _INT,
        ]  # fmt: skip
        self._modulate = self._library.latentwalk_modulate
        self._modulate.argtypes = [_PTR, _PTR, *[_INT] * 4, _PTR, _PTR, _INT]
        self._dense = self._library.latentwalk_dense
        self._dense.argtypes = [_PTR, _PTR, _INT, _PTR, *[_INT] * 3, _PTR, _FLOAT, _INT]
        self._demodulate = self._library.latentwalk_demodulate
        self._demodulate.argtypes = [_PTR, _PTR, _INT, _PTR, *[_INT] * 3, _FLOAT, _FLOAT, _INT]
        self._torgb = self._library.latentwalk_torgb
        self._torgb.argtypes = [*[_PTR] * 3, *[_INT] * 6, *[_PTR] * 5, _FLOAT, _INT]
        self._modulated_conv = self._library.latentwalk_modulated_conv
        self._modulated_conv.argtypes = [*[_PTR] * 4, *[_INT] * 7, *[_PTR] * 3, _INT, _FLOAT, _FLOAT, _INT]
        self._modulated_up_conv = self._library.latentwalk_modulated_up_conv
        self._modulated_up_conv.argtypes = [*[_PTR] * 4, *[_INT] * 5, *[_PTR] * 5, _INT, _FLOAT, _FLOAT, _INT]
        self.has_amx = bool(self._library.latentwalk_amx())
        """Whether `modulated_conv` and `modulated_up_conv` work here."""

    def filtered_lrelu(
        self,
        x: Tensor,
        *,
        up: int,
        up_x: Tensor,
        up_y: Tensor,
        down_x: Tensor | None,
        down_y: Tensor | None,
        down: Tensor | None,
        top: int,
        left: int,
        out_size: tuple[int, int],
        scale: Tensor | None,
        bias: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        """Return the filtered leaky ReLU of `x * scale + bias`, downsampled by 2; 6 taps per sampling factor.

        Args:
            x: `[N, C, H, W]`.
            up: 2 or 4.
            up_x: `[6 * up]` in correlation order, gains included; `up_y` too.
            up_y: The same along the other axis.
            down_x: `[12]` in correlation order; `down_y` too.
            down_y: The same along the other axis.
            down: `[12, 12]` in correlation order, instead of these two if the filter is not separable.
            top: Padding above, in upsampled pixels.
            left: Padding on the left.
            out_size: `(H', W')`.
            scale: `[N, C]` or None.
            bias: `[C]` or None.
            slope: Negative slope of the leaky ReLU, at most 1.
            clamp: Absolute limit, or None.
        """
        n, c, h, w = x.shape
        out = _channels_last(n, c, *out_size, x.dtype)
        tiles = -(-out_size[1] // _TILE_COLUMNS)
        failed = self._filtered_lrelu(
            x.data_ptr(), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, *out_size, top, left,
            up, up_x.data_ptr(), up_y.data_ptr(), _address(down_x), _address(down_y), _address(down),
            _address(scale), _address(bias), slope, _NO_CLAMP if clamp is None else clamp,
            -(-out_size[1] // tiles), _TILE_CHANNELS, torch.get_num_threads(),
        )  # fmt: skip
        if failed:
            raise ValueError(f"no kernel for up {up}")
        return out

    def modulate(self, weight: Tensor, columns: Tensor, rows: Tensor | None, dtype: torch.dtype) -> Tensor:
        """Return `weight * columns * rows` in `dtype`, channels-last.

        Args:
            weight: `[O, I, k, k]` float32, channels-last.
            columns: `[I]`.
            rows: `[O]` or None.
            dtype: Dtype of the result.
        """
        o, i, *taps = weight.shape
        out = torch.empty(o, *taps, i, dtype=dtype)
        self._modulate(
            weight.data_ptr(), out.data_ptr(), dtype == torch.bfloat16, o, taps[0] * taps[1], i, _address(rows),
            columns.data_ptr(), torch.get_num_threads(),
        )  # fmt: skip
        return out.permute(0, 3, 1, 2)

    def dense(self, x: Tensor, weight: Tensor, bias: Tensor, gain: float) -> Tensor:
        """Return `x @ weight.T * gain + bias`, `[N, O]`; fast for few samples, each computed independently.

        Args:
            x: `[N, I]`.
            weight: `[O, I]`, contiguous, of a type in `DTYPES`.
            bias: `[O]`.
            gain: Factor on the product.
        """
        (n, i), o = x.shape, weight.shape[0]
        out = torch.empty(n, o)
        self._dense(
            x.data_ptr(), weight.data_ptr(), weight.dtype == torch.bfloat16, out.data_ptr(), n, o, i,
            bias.data_ptr(), gain, torch.get_num_threads(),
        )  # fmt: skip
        return out

    def demodulate(self, styles: Tensor, energy: Tensor, gain: float, eps: float) -> Tensor:
        """Return `gain / sqrt(styles² @ energy.T + eps)`, `[N, O]`.

        Args:
            styles: `[N, I]`.
            energy: `[O, I]`, contiguous, of a type in `DTYPES`.
            gain: Factor on the result.
            eps: Keeps the result finite.
        """
        (n, i), o = styles.shape, energy.shape[0]
        out = torch.empty(n, o)
        self._demodulate(
            styles.data_ptr(), energy.data_ptr(), energy.dtype == torch.bfloat16, out.data_ptr(), n, o, i,
            gain, eps, torch.get_num_threads(),
        )  # fmt: skip
        return out

    def apply_epilogue(
        self,
        x: Tensor,
        *,
        scale: Tensor | None,
        bias: Tensor | None,
        noise: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        """Compute `clamp(leaky_relu(x * scale + bias + noise))` in place in `x` `[N, C, H, W]`."""
        n, c, h, w = x.shape
        self._epilogue(
            x.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, _address(scale), _address(bias), _address(noise),
            1 if noise is None else noise.shape[0], slope, _NO_CLAMP if clamp is None else clamp,
            torch.get_num_threads(),
        )  # fmt: skip
        return x

    def fir_epilogue(
        self,
        phases: Sequence[Tensor],
        *,
        fx: Tensor,
        fy: Tensor,
        scale: Tensor | None,
        bias: Tensor | None,
        noise: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        """Filter a transposed convolution with four taps per axis and apply the epilogue: `[N, C, 2 H, 2 W]`.

        Args:
            phases: The transposed convolution's rows and columns by parity: (even, even) `[N, C, H + 1, W + 1]`,
                (even, odd) `[N, C, H + 1, W]`, (odd, even) `[N, C, H, W + 1]`, (odd, odd) `[N, C, H, W]`.
            fx: `[4]` in correlation order; `fy` too.
            fy: The same along the other axis.
            scale: `[N, C]` or None.
            bias: `[C]` or None.
            noise: `[1 or N, 1, 2 H, 2 W]` or None.
            slope: Negative slope of the leaky ReLU.
            clamp: Absolute limit, or None.
        """
        n, c, h, w = phases[3].shape
        out = _channels_last(n, c, 2 * h, 2 * w, phases[3].dtype)
        self._fir_epilogue(
            *(z.data_ptr() for z in phases), out.data_ptr(), out.dtype == torch.bfloat16, n, h, w, c,
            fx.data_ptr(), fy.data_ptr(), _address(scale), _address(bias), _address(noise),
            1 if noise is None else noise.shape[0], slope, _NO_CLAMP if clamp is None else clamp,
            torch.get_num_threads(),
        )  # fmt: skip
        return out

    def torgb(
        self,
        x: Tensor,
        styles: Tensor,
        weight: Tensor,
        bias: Tensor,
        img: Tensor | None,
        *,
        fx: Tensor,
        fy: Tensor,
        clamp: float | None,
    ) -> Tensor:
        """Return `clamp(weight @ (x * styles) + bias)` plus `img` upsampled by 2: `[N, K, H, W]` float32.

        Args:
            x: `[N, C, H, W]`.
            styles: `[N, C]`.
            weight: `[K, C]`, at most four output channels K.
            bias: `[K]`.
            img: `[N, K, H / 2, W / 2]` float32, contiguous, or None.
            fx: `[4]` in correlation order, gains included; `fy` too.
            fy: The same along the other axis.
            clamp: Absolute limit, or None.
        """
        n, c, h, w = x.shape
        colours = weight.shape[0]
        out = torch.empty(n, colours, h, w)
        failed = self._torgb(
            x.data_ptr(), _address(img), out.data_ptr(), x.dtype == torch.bfloat16, n, h, w, c, colours,
            styles.data_ptr(), weight.data_ptr(), bias.data_ptr(), fx.data_ptr(), fy.data_ptr(),
            _NO_CLAMP if clamp is None else clamp, torch.get_num_threads(),
        )  # fmt: skip
        if failed:
            raise ValueError(f"no kernel for {colours} colours")
        return out

    def modulated_conv(
        self,
        x: Tensor,
        styles: Tensor,
        weight: PackedWeight,
        *,
        padding: int,
        scale: Tensor | None,
        bias: Tensor | None,
        noise: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        """Return `clamp(leaky_relu(conv(x * styles) * scale + bias + noise))`, `[N, O, H', W']`.

        Args:
            x: `[N, I, H, W]` bfloat16.
            styles: `[N, I]`.
            weight: From `pack_weight([O, I, k, k])`, k at most 3.
            padding: Zeros on every side.
            scale: `[N, O]` or None.
            bias: `[O]` or None.
            noise: `[1 or N, 1, H', W']` or None.
            slope: Negative slope of the leaky ReLU.
            clamp: Absolute limit, or None.
        """
        n, c, h, w = x.shape
        grown = 2 * padding - weight.kernel + 1
        out = _channels_last(n, weight.outputs, h + grown, w + grown, x.dtype)
        failed = self._modulated_conv(
            x.data_ptr(), styles.data_ptr(), weight.tiles.data_ptr(), out.data_ptr(), n, h, w, c, weight.outputs,
            weight.kernel, padding, _address(scale), _address(bias), _address(noise),
            1 if noise is None else noise.shape[0], slope, _NO_CLAMP if clamp is None else clamp,
            torch.get_num_threads(),
        )  # fmt: skip
        if failed:
            raise ValueError(f"no kernel for weights of {weight.kernel}x{weight.kernel} taps on this processor")
        return out

    def modulated_up_conv(
        self,
        x: Tensor,
        styles: Tensor,
        weight: PackedWeight,
        *,
        fx: Tensor,
        fy: Tensor,
        scale: Tensor | None,
        bias: Tensor | None,
        noise: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        """Apply the transposed convolution to `x * styles`, then `fir_epilogue`.

        Args:
            x: `[N, I, H, W]` bfloat16.
            styles: `[N, I]`.
            weight: From `pack_weight` for the four phases in the order of `fir_epilogue`, as are the other
                arguments.
            fx: `[4]` in correlation order; `fy` too.
            fy: The same along the other axis.
            scale: `[N, O]` or None.
            bias: `[O]` or None.
            noise: `[1 or N, 1, 2 H, 2 W]` or None.
            slope: Negative slope of the leaky ReLU.
            clamp: Absolute limit, or None.
        """
        n, c, h, w = x.shape
        out = _channels_last(n, weight.outputs, 2 * h, 2 * w, x.dtype)
        failed = self._modulated_up_conv(
            x.data_ptr(), styles.data_ptr(), weight.tiles.data_ptr(), out.data_ptr(), n, h, w, c, weight.outputs,
            fx.data_ptr(), fy.data_ptr(), _address(scale), _address(bias), _address(noise),
            1 if noise is None else noise.shape[0], slope, _NO_CLAMP if clamp is None else clamp,
            torch.get_num_threads(),
        )  # fmt: skip
        if failed:
            raise ValueError("no such kernel on this processor")
        return out


def pack_weight(*weights: Tensor) -> PackedWeight:
    """Pack weights `[O, I, kh, kw]` of convolutions of one input in bfloat16, in the order of AMX tiles."""
    o, i = weights[0].shape[:2]
    more_o, more_i = -o % 32, -i % 32
    tiles = []
    for weight in weights:
        w = F.pad(weight.detach().flatten(2), (0, 0, 0, more_i, 0, more_o)).to(torch.bfloat16)
        # Blocks of 32 outputs in two tiles each; blocks of 32 inputs as 16 pairs, even ones before odd ones.
        w = w.reshape((o + more_o) // 32, 2, 16, (i + more_i) // 32, 8, 2, 2, -1)
        tiles.append(w.permute(0, 3, 7, 1, 6, 4, 2, 5).flatten())
    return PackedWeight(_in_huge_pages(torch.cat(tiles)), o, weights[0].shape[3])


def _in_huge_pages(x: Tensor) -> Tensor:
    """Return a copy in pages of 2 MB, if the system has them."""
    size, page = x.numel() * x.element_size(), 1 << 21
    if size < page // 2 or not hasattr(mmap, "MADV_HUGEPAGE"):
        return x
    memory = mmap.mmap(-1, -(-size // page) * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without them
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=x.dtype, count=x.numel()).copy_(x)


def _channels_last(n: int, c: int, h: int, w: int, dtype: torch.dtype) -> Tensor:
    return torch.empty((n, c, h, w), dtype=dtype, memory_format=torch.channels_last)


def _address(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()
