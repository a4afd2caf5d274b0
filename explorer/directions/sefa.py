"""SeFa: directions in closed form, the eigenvectors of a model's style weights (Shen and Zhou 2021).

A layer's styles are affine in its `w`: `s = A w + b`. The directions that change the styles of some layers most are
the unit eigenvectors of the sum of their `A^T A`, those of the largest eigenvalues first. With `is_normalised` each
row of `A` has length one, so that layers with large weights do not dominate; that is how the published tool takes
them, and it makes constant factors of an implementation drop out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from explorer.directions.direction_set import DirectionSet, signed
from explorer.directions.samples import sigmas_of
from explorer.errors import UsageError
from explorer.generators.registry import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from explorer.generators.base import Generator

__all__ = ["CAMERA", "sefa", "style_matrix"]

CAMERA = "camera"
"""The group of directions of a network's styled input, which moves and turns StyleGAN3's picture."""

_SCALE = 1024.0
"""Length of the probes: large beside the bias, whose rounding would be in the result; a power of two."""


def style_matrix(style: Callable[[Tensor], Tensor], w_dim: int, device: torch.device) -> Tensor:
    """Return the matrix `[style_dim, w_dim]` float64 of an affine function from `w` `[N, w_dim]` to styles."""
    with torch.no_grad():
        probes = torch.cat([torch.zeros(1, w_dim), _SCALE * torch.eye(w_dim)]).to(device)
        styles = style(probes).double().cpu()
    return ((styles[1:] - styles[:1]) / _SCALE).T


def sefa(
    generator: Generator, entries: Sequence[int] = (), *, is_normalised: bool = True, model_sha: str = ""
) -> DirectionSet:
    """Return all `w_dim` directions for some entries of `ws`; empty: for all, without a styled input.

    Layers that output a picture count only for the last entry, and only if the family says so
    (`Family.rgb_directions`). Where the entries style nothing but the network's input, its directions are returned:
    those that move StyleGAN3's camera.

    Raises:
        UsageError: The entries style nothing.
    """
    matrices = _matrices(generator, entries)
    if not matrices:
        raise UsageError("These layers have no styles, so that there are no directions.", "Choose other layers.")
    if is_normalised:
        matrices = [a / a.norm(dim=1, keepdim=True).clamp_min(1e-12) for a in matrices]
    values, vectors = torch.linalg.eigh(sum(a.T @ a for a in matrices))
    found = signed(vectors.T.flip(0).numpy())
    name = f"SeFa {CAMERA}" if _is_camera(generator, entries) else "SeFa"
    return DirectionSet(
        "sefa", "w", found, values.flip(0).clamp_min(0.0).numpy(), sigmas_of(generator, found),
        tuple(f"{name} {i}" for i in range(len(found))), tuple(entries), model_sha,
    )  # fmt: skip


def _matrices(generator: Generator, entries: Sequence[int]) -> list[Tensor]:
    info = generator.info
    if _is_camera(generator, entries):
        return [style_matrix(generator.input_style, info.w_dim, generator.device)]
    chosen = set(entries) or set(range(info.num_ws))
    takes_rgb = described(info.family).rgb_directions
    return [
        style_matrix(layer.style, info.w_dim, generator.device)
        for layer in generator.layers
        if layer.info.ws_index in chosen
        and (not layer.info.is_rgb or (takes_rgb and layer.info.ws_index == info.num_ws - 1))
    ]


def _is_camera(generator: Generator, entries: Sequence[int]) -> bool:
    """Return whether the entries style the network's input and no layer."""
    info = generator.info
    return bool(info.input_style_dim) and list(entries) == [0] and not info.layers_of_ws(0)
