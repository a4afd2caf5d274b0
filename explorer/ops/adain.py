"""Adaptive instance normalisation: each channel of a picture to mean 0 and variance 1, then scale and shift."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from . import backend
from .precision import check_dtype

__all__ = ["adain", "adain_reference"]


def adain_reference(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Return the definition of `adain`, computed in float32; differentiable to any order."""
    check_dtype(x)
    y = x.to(torch.float32)
    y = y - y.mean(dim=(2, 3), keepdim=True)
    y = y * torch.rsqrt(y.square().mean(dim=(2, 3), keepdim=True) + eps)
    return (y * scale[:, :, None, None] + shift[:, :, None, None]).to(x.dtype)


def adain(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Normalise each channel over its pixels (biased variance), then scale and shift it.

    Args:
        x: `[N, C, H, W]`, any float dtype (no float16 on the CPU).
        scale: `[N, C]` float32.
        shift: `[N, C]` float32.
        eps: Added to the variance.

    Returns:
        The shape and dtype of `x`, differentiable to any order.
    """
    if not backend.is_inference() or x.shape[2] * x.shape[3] == 1:
        return adain_reference(x, scale, shift, eps)
    check_dtype(x)
    # For a single picture this is a batch normalisation, whose kernels make two passes instead of seven.
    parts = [
        F.batch_norm(x[i : i + 1], None, None, scale[i], shift[i], training=True, momentum=0.0, eps=eps)
        for i in range(x.shape[0])
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts)
