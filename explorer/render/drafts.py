"""Representative drafts: their minimum size, and drafts of families without a picture before their last layer.

A draft must look like the picture that follows, so it has at least half of its size. If a generator moves its
picture exactly with its input, the last picture can be moved instead; a picture in float32 can first be rendered in
a faster, narrower dtype.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from explorer.generators.motion import resample
from explorer.generators.registry import described
from explorer.ops.backend import fastest_dtype

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import RenderRequest

__all__ = ["is_large_enough", "move", "narrower", "step_between"]

_LARGEST_STEP = 0.25
"""Maximum motion as a fraction of the width: what enters from outside is unknown, and would dominate the draft."""

_SMALLEST_PX = 32
"""Below this nothing is recognisable, whatever the size of the picture."""


def is_large_enough(height: int, full: int) -> bool:
    """Return whether a picture of `height` pixels may represent one of `full`: at least half of it, and 32."""
    return height >= max(_SMALLEST_PX, full / 2)


def step_between(before: RenderRequest, now: RenderRequest, info: GeneratorInfo) -> Tensor | None:
    """Return the motion `[3, 3]` between the pictures of two requests, if a draft may use it.

    None if anything but the motion differs, if the family is not equivariant to the motion (all with an input
    transform are to translation, StyleGAN3-R to rotation), or if the step is large.
    """
    if not info.has_input_transform or now.tap.layer or before.transform == now.transform:
        return None
    if replace(before, transform=None) != replace(now, transform=None):
        return None
    old, new = (_matrix(r.transform) for r in (before, now))
    step: Tensor = new @ torch.linalg.inv(old)
    linear = step[:2, :2]
    is_shift = torch.allclose(linear, torch.eye(2, dtype=step.dtype), atol=1e-6)
    is_turn = torch.allclose(linear @ linear.t(), torch.eye(2, dtype=step.dtype), atol=1e-6) and linear.det() > 0
    if not (is_shift or (is_turn and "rotate" in described(info.family).equivariant)):
        return None
    # Only if both pictures are within the training distribution, so only for rigid motions.
    if bool((step[:2, 2].abs() > _LARGEST_STEP).any()):
        return None
    return step


def move(image: Tensor, step: Tensor) -> Tensor:
    """Move `image` `[C, H, W]` by `step`, repeating its edge outwards."""
    return resample(image[None], step, mode="bilinear")[0]


def narrower(dtype: torch.dtype, device: torch.device) -> torch.dtype | None:
    """Return a dtype that is much faster than `dtype` on the device, or None."""
    fastest = fastest_dtype(device.type)
    return fastest if dtype == torch.float32 and fastest != dtype else None


def _matrix(transform: tuple[float, ...] | None) -> Tensor:
    if transform is None:
        return torch.eye(3, dtype=torch.float64)
    return torch.tensor(transform, dtype=torch.float64).reshape(3, 3)
