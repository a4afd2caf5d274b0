"""Batched operations on `ws` in torch, for metrics and training.

Rendering has its own form in numpy (`explorer/latents/style.py`), with one psi and one mixing amount per entry,
because a torch call costs more than the arithmetic of a single picture. A test compares the two.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["broadcast", "mix", "truncate"]


def broadcast(w: Tensor, num_ws: int) -> Tensor:
    """Repeat `w` `[N, w_dim]` for every entry: `[N, num_ws, w_dim]`."""
    return w.unsqueeze(1).repeat(1, num_ws, 1)


def truncate(ws: Tensor, centre: Tensor, psi: float, cutoff: int | None = None) -> Tensor:
    """Return `ws` with the first `cutoff` entries truncated to `centre + psi * (ws - centre)`.

    Args:
        ws: `[N, num_ws, w_dim]`.
        centre: `[w_dim]`, or `[N, w_dim]` if it depends on the class.
        psi: Truncation; 1 changes nothing.
        cutoff: Number of entries to truncate (None: all).
    """
    if psi == 1.0 or cutoff == 0:
        return ws
    centre = centre.to(ws)
    head = torch.lerp(centre if centre.ndim == 1 else centre[:, None], ws[:, :cutoff], psi)
    return head if cutoff is None else torch.cat([head, ws[:, cutoff:]], dim=1)


def mix(ws: Tensor, other: Tensor, cutoff: int) -> Tensor:
    """Return `ws` with the entries from `cutoff` on taken from `other`; both `[N, num_ws, w_dim]`."""
    return torch.cat([ws[:, :cutoff], other[:, cutoff:]], dim=1)
