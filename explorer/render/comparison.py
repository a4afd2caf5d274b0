"""The difference of two pictures on screen: a picture of it, and how large it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from explorer.render.display import present
from explorer.render.untransform import difference_picture, heat_picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.render.results import Frame

__all__ = ["Difference", "Mode", "difference_of", "is_same_look"]

Mode = Literal["heat", "signed"]

_SAME_W = 1e-4  # of the largest number in w: two networks with equal weights may round differently


@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How two pictures of equal size differ.

    Attributes:
        pixels: uint8 `[H, W, 4]` as in `Frame`.
        psnr: Peak signal-to-noise ratio in dB; infinite for equal pictures.
        mean: Mean absolute difference of the channels, in levels of 0..255.
        has_same_w: Whether both pictures were drawn from the same `w`.
    """

    pixels: NDArray[np.uint8]
    psnr: float
    mean: float
    has_same_w: bool


def difference_of(first: Frame, second: Frame, mode: Mode) -> Difference:
    """Return the second frame minus the first one, which must have the same size.

    Args:
        first: A frame.
        second: A frame of as many pixels.
        mode: "heat": its size, black where there is none; "signed": its colours, grey where there is none.
    """
    levels = _levels(second) - _levels(first)
    paint = heat_picture if mode == "heat" else difference_picture
    error = float(levels.square().mean())
    return Difference(
        pixels=present(paint(levels / 127.5)),
        psnr=10 * math.log10(255**2 / error) if error else math.inf,
        mean=float(levels.abs().mean()),
        has_same_w=_has_same_w(first, second),
    )


def is_same_look(first: Frame, second: Frame) -> bool:
    """Return whether two frames show the same `w` under the same motion, as linked views do once both are done."""
    return _has_same_w(first, second) and first.request.transform == second.request.transform


def _has_same_w(first: Frame, second: Frame) -> bool:
    a, b = first.latents.base, second.latents.base
    if a.shape != b.shape:
        return False
    return bool(abs(a - b).max(initial=0) <= _SAME_W * max(1.0, float(abs(a).max(initial=0))))


def _levels(frame: Frame) -> Tensor:
    """Return a frame's pixels as red, green, blue, `[3, H, W]` float32."""
    return torch.from_numpy(frame.pixels)[..., (2, 1, 0)].permute(2, 0, 1).float()
