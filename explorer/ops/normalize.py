"""Scales vectors to unit second moment."""

from __future__ import annotations

import torch
from torch import Tensor

from .precision import check_dtype

__all__ = ["normalize_2nd_moment"]


def normalize_2nd_moment(x: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return `x` divided by the root of its mean square along `dim`; same shape and dtype."""
    check_dtype(x)
    return x * torch.rsqrt(x.square().mean(dim=dim, keepdim=True) + eps)
