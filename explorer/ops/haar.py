"""The Haar wavelet transform of pictures and features, orthonormal, in MobileStyleGAN's order of bands.

C channels at twice the size are 4 C channels of coefficients: first the C low ones, then for channel c the details
between rows, between columns and along the diagonal, at C + 3 c, C + 3 c + 1 and C + 3 c + 2.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["haar", "inverse_haar"]


def inverse_haar(coefficients: Tensor) -> Tensor:
    """Return `[N, C, 2 H, 2 W]` of `coefficients` `[N, 4 C, H, W]`, in their dtype and kind of layout."""
    n, channels, h, w = coefficients.shape
    c = channels // 4
    low, high = coefficients[:, :c], coefficients[:, c:].reshape(n, c, 3, h, w)
    rows, columns, diagonal = high.unbind(2)
    even, odd = low + rows, low - rows  # the rows of a pair, where its columns agree
    across, across_odd = columns + diagonal, columns - diagonal
    quarters = (even + across, even - across, odd + across_odd, odd - across_odd)
    if coefficients.is_contiguous(memory_format=torch.channels_last):
        pixels = torch.stack([q.permute(0, 2, 3, 1) for q in quarters], dim=3).reshape(n, h, w, 2, 2, c)
        pixels = pixels.permute(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c)
        return pixels.permute(0, 3, 1, 2) * 0.5
    pixels = torch.stack(quarters, dim=-1).reshape(n, c, h, w, 2, 2)
    return pixels.permute(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w) * 0.5


def haar(x: Tensor) -> Tensor:
    """Return the coefficients `[N, 4 C, H, W]` of `x` `[N, C, 2 H, 2 W]`; the inverse of `inverse_haar`."""
    a, b = x[..., 0::2, 0::2], x[..., 1::2, 0::2]
    c, d = x[..., 0::2, 1::2], x[..., 1::2, 1::2]
    high = torch.stack([a - b + c - d, a + b - c - d, a - b - c + d], dim=2)
    return torch.cat([a + b + c + d, high.flatten(1, 2)], dim=1) * 0.5
