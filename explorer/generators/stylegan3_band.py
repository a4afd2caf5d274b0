"""The low-pass filter of a StyleGAN3 layer at its own rate, which keeps edited features in the layer's band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F

from explorer.ops.filter_design import design_lowpass_filter
from explorer.ops.filtered_lrelu import FilteredLReLU

if TYPE_CHECKING:
    from torch import Tensor

    from .stylegan3_layers import LayerSpec

__all__ = ["band_filter", "with_edges"]

_EDGE = 6  # samples on each side


def with_edges(x: Tensor) -> Tensor:
    """Repeat the edges of features `[N, C, H, W]` outwards, so that a filter does not darken them."""
    return F.pad(x, (_EDGE,) * 4, mode="replicate")


def band_filter(spec: LayerSpec, down_filter: Tensor, x: Tensor) -> FilteredLReLU:
    """Return the low-pass filter of features `x` of `with_edges`, which takes the repeated edges off.

    It raises the rate as the layer does before its nonlinearity, and lowers it by the layer's down filter. The up
    filter passes all that the rate can hold, so that the down filter alone sets the band. Slope 1 leaves the
    nonlinearity out.
    """
    down, taps = spec.down_factor, spec.down_taps
    width, rate = spec.out_half_width * 2, spec.tmp_sampling_rate
    up_filter = design_lowpass_filter(taps, spec.out_sampling_rate / 2, width, rate)
    low = taps - 1 - _EDGE * down  # sample 0 of the result is sample _EDGE
    padding = (low, low + 1 - down) * 2
    height, wide = int(x.shape[2]), int(x.shape[3])
    return FilteredLReLU(
        up_filter, down_filter, height, wide, up=down, down=down, padding=padding, gain=1.0, slope=1.0,
        dtype=x.dtype, device=x.device,
    )  # fmt: skip
