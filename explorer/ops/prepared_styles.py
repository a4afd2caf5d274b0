"""A layer's styles and demodulation, prepared for inference.

For a single picture both are products of a matrix and a vector, limited by reading the matrix. So the native
kernels read it once, in the dtype of the features.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from . import backend
from .modulated_conv2d import DEMODULATION_EPS, demodulation

__all__ = ["PreparedDemodulation", "PreparedStyles"]


class PreparedStyles:
    """The affine map from `w` to a layer's styles: `w @ weight.T * gain + bias`; immutable.

    Args:
        weight: `[I, w_dim]`.
        bias: `[I]`, gains included.
        gain: Factor on the product.
        dtype: Dtype of the features.
    """

    def __init__(self, weight: Tensor, bias: Tensor, gain: float, dtype: torch.dtype) -> None:
        self.gain, self.dtype = gain, dtype
        self.weight = weight.detach().float()
        self.bias = bias.detach().float().contiguous()

    def __call__(self, w: Tensor) -> Tensor:
        """Return the styles `[N, I]` float32 of `w` `[N, w_dim]` float32."""
        kernels = backend.native_for(w)
        if kernels is not None:
            return kernels.dense(w.contiguous(), self.low_weight, self.bias, self.gain)
        return torch.addmm(self.bias, w, self.weight.t(), alpha=self.gain)

    @cached_property
    def low_weight(self) -> Tensor:
        """The weight in the features' dtype."""
        return self.weight.to(self.dtype).contiguous()


class PreparedDemodulation:
    """The factors that give each modulated output channel unit gain, times `gain`; immutable.

    Args:
        weight: `[O, I, k, k]`, as the style modulates it.
        gain: Factor on the result.
        dtype: Dtype of the features.
    """

    def __init__(self, weight: Tensor, gain: float, dtype: torch.dtype) -> None:
        self.gain, self.dtype = gain, dtype
        self.energy = weight.detach().float().square().sum(dim=[2, 3])

    def __call__(self, styles: Tensor) -> Tensor:
        """Return the factors `[N, O]` float32 of `styles` `[N, I]` float32."""
        kernels = backend.native_for(styles)
        if kernels is not None:
            return kernels.demodulate(styles.contiguous(), self.low_energy, self.gain, DEMODULATION_EPS)
        return demodulation(self.energy, styles) * self.gain

    @cached_property
    def low_energy(self) -> Tensor:
        """The squared weights, summed over their taps, in the features' dtype."""
        return self.energy.to(self.dtype).contiguous()
