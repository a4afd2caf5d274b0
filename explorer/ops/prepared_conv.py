"""StyleGAN's modulated convolutions prepared for inference: cached weights, fused passes, channels-last.

A prepared convolution defers what can be fused into the next pass over the features: it returns them with a scale
and a bias that are still to be applied, and `apply_epilogue` (or `FilteredLReLU`) applies both along with noise,
activation and clamp. These forms are not differentiable; their references are `modulated_conv2d` and `bias_act`.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from . import backend
from .banded import separable_terms
from .bias_act import ACTIVATIONS, bias_act
from .conv_weights import PRODUCT_PIXELS, Kernel, is_product, modulated, phase_weights, phases, product
from .native import Kernels, PackedWeight, pack_weight
from .prepared_styles import PreparedDemodulation
from .upfirdn2d import filter_size, upsample2d

__all__ = ["DeferredConv", "PreparedConv", "PreparedToRGB", "PreparedUpConv", "apply_epilogue"]

_SLOPES = {"linear": 1.0, "relu": 0.0, "lrelu": ACTIVATIONS["lrelu"].alpha}


class DeferredConv(NamedTuple):
    """Output `x` of a convolution, `[N, C, H, W]`, channels-last, with its `x * scale + bias` not applied yet.

    `scale` is `[N, C]` or None for 1, `bias` `[C]` or None for 0; both are float32.
    """

    x: Tensor
    scale: Tensor | None
    bias: Tensor | None

    def apply(self) -> Tensor:
        """Return `x * scale + bias`."""
        if self.scale is not None and self.bias is not None:
            bias = self.bias.to(self.x.dtype)[:, None, None]
            return torch.addcmul(bias, self.x, self.scale.to(self.x.dtype)[:, :, None, None])
        if self.scale is not None:
            return self.x * self.scale.to(self.x.dtype)[:, :, None, None]
        return self.x if self.bias is None else self.x + self.bias.to(self.x.dtype)[:, None, None]


class PreparedConv:
    """A modulated convolution at constant resolution: `gain * conv(x) + bias`; immutable.

    Args:
        weight: `[O, I, k, k]`, as the style modulates it.
        padding: Zeros on every side of the input.
        demodulate: Bring each output channel back to unit gain.
        bias: `[O]`, already multiplied by the gain.
        gain: Factor on the convolution.
        dtype: Dtype of the features.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        padding: int,
        demodulate: bool,
        bias: Tensor,
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.padding, self.gain, self.dtype = padding, gain, dtype
        weight = weight.detach()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        self.bias = bias.detach().float()
        self.low_bias = self.bias.to(dtype)
        self.demodulation = PreparedDemodulation(weight, gain, dtype) if demodulate else None

    @cached_property
    def shared(self) -> Kernel:
        """The weight without styles."""
        return Kernel(self.weight.to(self.dtype), (self.padding, self.padding))

    @cached_property
    def packed(self) -> PackedWeight:
        """The weight packed for `native.Kernels.modulated_conv`."""
        return pack_weight(self.weight)

    def with_epilogue(
        self, x: Tensor, styles: Tensor, noise: Tensor | None, act: str, act_gain: float, clamp: float | None
    ) -> Tensor:
        """Convolve and apply the epilogue, in one pass if possible."""
        kernels = self._amx_for(x)
        if kernels is None or act not in _SLOPES:
            return apply_epilogue(self(x, styles), noise, act, act_gain, clamp)
        return self._run(kernels, x, styles, None, noise, _SLOPES[act], clamp)

    def _amx_for(self, x: Tensor) -> Kernels | None:
        """Return the kernels if their convolution is the fastest form."""
        kernel = tuple(self.weight.shape[2:])
        if kernel == (1, 1) and x.shape[0] == 1 and x.shape[2] * x.shape[3] > PRODUCT_PIXELS:
            return None  # here plain matrix products are up to 10 % faster with 256 to 1024 channels
        return backend.amx_for(x) if kernel in ((1, 1), (2, 2), (3, 3)) else None

    def _run(
        self,
        kernels: Kernels,
        x: Tensor,
        styles: Tensor,
        input_gain: Tensor | None,
        noise: Tensor | None,
        slope: float,
        clamp: float | None,
    ) -> Tensor:
        if self.demodulation is None:
            scale, styles = None, styles * self.gain
        else:
            scale = self.demodulation(styles)
        return kernels.modulated_conv(
            x.contiguous(memory_format=torch.channels_last),
            (styles if input_gain is None else styles * input_gain).contiguous(),
            self.packed,
            padding=self.padding,
            scale=scale,
            bias=self.bias,
            noise=_contiguous(noise),
            slope=slope,
            clamp=clamp,
        )

    def __call__(self, x: Tensor, styles: Tensor, input_gain: Tensor | None = None) -> DeferredConv:
        """Convolve `x` `[N, I, H, W]` of any layout.

        Args:
            x: Features of the prepared dtype.
            styles: `[N, I]` float32.
            input_gain: Scalar factor that demodulation does not cancel; None is 1.
        """
        kernels = self._amx_for(x)
        if kernels is not None:
            return DeferredConv(self._run(kernels, x, styles, input_gain, None, 1.0, None), None, None)
        scale = None if self.demodulation is None else self.demodulation(styles)  # [N, O]
        if input_gain is not None:
            styles = styles * input_gain
        x = x.contiguous(memory_format=torch.channels_last)
        o, i = self.weight.shape[:2]
        if x.shape[0] == 1 and 2 * self.weight.numel() < x.numel():
            # One picture with more pixels than weights: scaling the weights moves less memory.
            rows = None if scale is None else scale.reshape(o)
            columns = styles.reshape(i) if scale is not None else styles.reshape(i) * self.gain
            weight = modulated(self.weight, columns, rows, self.dtype)
            if is_product(x, weight):
                return DeferredConv(product(x, weight), None, self.bias)
            return DeferredConv(F.conv2d(x, weight, self.low_bias, padding=self.padding), None, None)
        if scale is None:
            styles = styles * self.gain
        x = x * styles.to(self.dtype)[:, :, None, None]
        if scale is None:
            return DeferredConv(self.shared(x, self.low_bias), None, None)
        return DeferredConv(self.shared(x), scale, self.bias)


class PreparedUpConv:
    """A modulated 3x3 convolution that doubles the resolution, with its epilogue: StyleGAN2's `conv0`; immutable.

    A transposed convolution with the shared weight, then the filter, which carries demodulation, gain and bias.

    Args:
        weight: `[O, I, 3, 3]`.
        resample_filter: `[h, w]`, or `[taps]` for two passes, as `setup_filter` makes it.
        bias: `[O]`, already multiplied by the gain.
        gain: Factor on the convolution.
        dtype: Dtype of the features.
    """

    def __init__(
        self,
        weight: Tensor,
        *,
        resample_filter: Tensor,
        bias: Tensor,
        gain: float = 1.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.gain, self.dtype = gain, dtype
        weight = weight.detach()
        turned = weight.transpose(0, 1)  # [I, O, 3, 3]
        self.weight = turned.contiguous(memory_format=torch.channels_last).to(dtype)
        self.bias = bias.detach().float()
        self.demodulation = PreparedDemodulation(weight, 1.0, dtype)  # the gain is folded into the filter
        fw, fh = filter_size(resample_filter)
        # Padding of `conv2d_resample` for k = 3, padding 1 and up = 2, less what the transposed convolution adds.
        self.pads = ((fw + 1) // 2 - 1, (fw - 2) // 2, (fh + 1) // 2 - 1, (fh - 2) // 2)
        self.filters = _passes(resample_filter, 4 * gain)
        self.axes = _four_taps(self.filters[-1])
        self._full_weight = weight

    @cached_property
    def phases(self) -> list[Kernel]:
        """Four plain convolutions, one for each parity of rows and columns.

        They do the same multiplications as a transposed convolution but run closer to peak: on AVX-512, 1.3 times
        as fast in float32, 3 to 4 times in bfloat16.
        """
        return phases(self._full_weight, self.dtype)

    @cached_property
    def parts(self) -> list[Tensor]:
        """The weights of the four phases in float32."""
        return [part for part, _ in phase_weights(self._full_weight)]

    @cached_property
    def packed(self) -> PackedWeight:
        """The weights of the four phases packed for `native.Kernels.modulated_up_conv`."""
        return pack_weight(*(part for part, _ in phase_weights(self._full_weight)))

    def __call__(
        self, x: Tensor, styles: Tensor, noise: Tensor | None, act: str, act_gain: float, clamp: float | None
    ) -> Tensor:
        """Return `[N, O, 2 H, 2 W]`, channels-last, from `x` `[N, I, H, W]` and `styles` `[N, I]`.

        The other arguments are those of `apply_epilogue`.
        """
        d = self.demodulation(styles)  # [N, O]
        x = x.contiguous(memory_format=torch.channels_last)
        kernels = backend.native_for(x)
        if kernels is not None and self.axes is not None and act in _SLOPES:
            if backend.amx_for(x) is not None:
                return kernels.modulated_up_conv(
                    x,
                    styles.contiguous(),
                    self.packed,
                    fx=self.axes[0],
                    fy=self.axes[1],
                    scale=d,
                    bias=self.bias,
                    noise=_contiguous(noise),
                    slope=_SLOPES[act],
                    clamp=clamp,
                )
            return kernels.fir_epilogue(
                [y.contiguous(memory_format=torch.channels_last) for y in self._phases_of(x, styles)],
                fx=self.axes[0],
                fy=self.axes[1],
                scale=d,
                bias=self.bias,
                noise=_contiguous(noise),
                slope=_SLOPES[act],
                clamp=clamp,
            )
        x = x * styles.to(self.dtype)[:, :, None, None]
        triton = backend.triton_for(x)
        taps = self.filters[-1]
        if triton is not None and tuple(taps.shape) == (4, 4) and act in _SLOPES:
            z = self._transposed(x).contiguous(memory_format=torch.channels_last)
            done: Tensor = triton.fir_epilogue(
                z, taps, d.contiguous(), self.bias, _contiguous(noise), _SLOPES[act], clamp
            )
            return done
        return apply_epilogue(self._filtered(self._transposed(x), d), noise, act, act_gain, clamp)

    def _phases_of(self, x: Tensor, styles: Tensor) -> list[Tensor]:
        if x.shape[0] == 1 and 2 * self.weight.numel() < x.numel():  # as in `PreparedConv`
            columns = styles.reshape(-1)
            return [
                F.conv2d(x, modulated(part, columns, None, self.dtype), padding=kernel.padding)
                for part, kernel in zip(self.parts, self.phases, strict=True)
            ]
        x = x * styles.to(self.dtype)[:, :, None, None]
        return [kernel(x) for kernel in self.phases]

    def _transposed(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight, stride=2)

    def _filtered(self, x: Tensor, d: Tensor) -> DeferredConv:
        """Filter with depthwise convolutions; for a single image the last one includes the scale and bias."""
        o = d.shape[1]
        left, right, top, bottom = self.pads
        if left != right or top != bottom or len(self.filters) > 1:
            x, left, top = F.pad(x, self.pads), 0, 0
        *first, last = (taps[None, None] for taps in self.filters)
        for taps in first:
            x = F.conv2d(x, taps.to(self.dtype).expand(o, -1, -1, -1), groups=o)
        if x.shape[0] == 1:
            kernel = (last * d.reshape(o, 1, 1, 1)).to(self.dtype)
            return DeferredConv(
                F.conv2d(x, kernel, self.bias.to(self.dtype), padding=(top, left), groups=o), None, None
            )
        kernel = last.to(self.dtype).expand(o, -1, -1, -1)
        return DeferredConv(F.conv2d(x, kernel, padding=(top, left), groups=o), d, self.bias)


def apply_epilogue(
    deferred: DeferredConv, noise: Tensor | None, act: str, gain: float, clamp: float | None
) -> Tensor:
    """Apply scale, bias, noise, activation and clamp in place to a convolution's output.

    Args:
        deferred: Output of a prepared convolution. If `act` is "linear", "relu" or "lrelu", the convolution's gain
            must already include `gain`.
        noise: `[1 or N, 1, H, W]` float32, scaled like the convolution; None adds no noise.
        act: A name of `ACTIVATIONS`.
        gain: Gain of the activation.
        clamp: Absolute limit; None does not clamp.
    """
    x = deferred.x
    kernels = backend.native_for(x)
    if kernels is not None and act in _SLOPES and x.is_contiguous(memory_format=torch.channels_last):
        return kernels.apply_epilogue(
            x,
            scale=_contiguous(deferred.scale),
            bias=deferred.bias,
            noise=_contiguous(noise),
            slope=_SLOPES[act],
            clamp=clamp,
        )
    triton = backend.triton_for(x)
    if triton is not None and act in _SLOPES and x.is_contiguous(memory_format=torch.channels_last):
        done: Tensor = triton.apply_epilogue(
            x, _contiguous(deferred.scale), deferred.bias, _contiguous(noise), _SLOPES[act], clamp
        )
        return done
    x = deferred.apply()
    if noise is not None:
        x = x.add_(noise.to(x.dtype))
    if act not in _SLOPES:
        return bias_act(x, act=act, gain=gain, clamp=clamp)
    if act != "linear":
        x = F.leaky_relu_(x, _SLOPES[act])
    return x if clamp is None else x.clamp_(-clamp, clamp)


class PreparedToRGB:
    """StyleGAN2's ToRGB with the upsampling of the image accumulated so far; immutable.

    Args:
        weight: `[K, C, 1, 1]`, as the style modulates it.
        bias: `[K]`.
        resample_filter: Upsampling filter.
        dtype: Dtype of the features.
    """

    def __init__(self, weight: Tensor, bias: Tensor, resample_filter: Tensor, dtype: torch.dtype) -> None:
        self.weight = weight.detach().float().flatten(1).contiguous()
        self.bias = bias.detach().float()
        self.taps = resample_filter.detach()
        self.axes = _four_taps(_passes(resample_filter, 4)[-1])
        self.conv = PreparedConv(weight, padding=0, demodulate=False, bias=bias, dtype=dtype)

    def __call__(self, x: Tensor, styles: Tensor, img: Tensor | None, clamp: float | None) -> Tensor:
        """Return the image `[N, K, H, W]` float32.

        Args:
            x: `[N, C, H, W]`.
            styles: `[N, C]` float32.
            img: The image accumulated so far, `[N, K, H / 2, W / 2]` float32, or None.
            clamp: Absolute limit on this layer's own contribution; None does not clamp.
        """
        kernels = backend.native_for(x)
        if kernels is not None and self.axes is not None and self.weight.shape[0] <= 4:
            return kernels.torgb(
                x.contiguous(memory_format=torch.channels_last),
                styles.contiguous(),
                self.weight,
                self.bias,
                _contiguous(img),
                fx=self.axes[0],
                fy=self.axes[1],
                clamp=clamp,
            )
        rgb = apply_epilogue(self.conv(x, styles), None, "linear", 1.0, clamp).to(torch.float32)
        if img is None:
            return rgb
        if tuple(self.taps.shape) != (4, 4):
            return upsample2d(img, self.taps) + rgb
        c = img.shape[1]  # for 4x4 taps a transposed convolution is equivalent
        kernel = (self.taps * 4).expand(c, 1, -1, -1)
        return F.conv_transpose2d(img, kernel, stride=2, padding=1, groups=c) + rgb


def _contiguous(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.float().contiguous()


def _passes(f: Tensor, gain: float) -> tuple[Tensor, ...]:
    """Return kernels `[h, w]` to correlate with one after the other: one, or two for a separable filter."""
    taps = f.detach().float().flip(list(range(f.ndim)))
    if f.ndim == 1:
        return taps[None, :], taps[:, None] * gain
    return (taps * gain,)


def _four_taps(taps: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return the (horizontal, vertical) taps of a separable 4x4 filter on the CPU; None for any other filter."""
    if tuple(taps.shape) != (4, 4) or taps.device.type != "cpu":
        return None
    terms = separable_terms(taps.double().numpy(), 1e-7)
    if len(terms) != 1:
        return None
    vertical, horizontal = (torch.from_numpy(np.ascontiguousarray(t)).float() for t in terms[0])
    return horizontal, vertical
