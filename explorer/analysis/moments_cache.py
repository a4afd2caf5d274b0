"""Moments of features that do not change from model to model, in the user's cache under their inputs."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from explorer.analysis.frechet import Moments
from explorer.util.array_cache import ArrayCache

CACHE = ArrayCache("moments", 512 << 20)
"""The products of 1,280 features take 13 MB."""

__all__ = ["CACHE", "recall", "remember"]


def recall(key: Mapping[str, object]) -> Moments | None:
    """Return the moments cached under `key`, or None; a damaged file counts as none."""
    stored = CACHE.recall(key)
    try:
        if stored is None:
            return None
        total, products = torch.from_numpy(stored["total"]), torch.from_numpy(stored["products"])
        return Moments(int(stored["count"]), total, products)
    except (ValueError, TypeError, KeyError):
        return None


def remember(key: Mapping[str, object], found: Moments) -> None:
    """Cache `found` if there is room."""
    CACHE.remember(key, {"count": found.count, "total": found.total.numpy(), "products": found.products.numpy()})
