"""Source pictures and masks as an image-to-image network takes them: its size, its channels, its range."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from explorer.errors import NoSourceError
from explorer.render.display import over_white, present
from explorer.state.crops import Frame, frame_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.generators.base import GeneratorInfo
    from explorer.state import Crop
    from explorer.state.request import KeyedArray

__all__ = ["Sources", "mask_tensor", "source_tensor"]

_MAX_CACHED = 8

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, ITU-R BT.601."""


class Sources:
    """Converts sources and masks for one network, each once. Belongs to the render thread."""

    def __init__(self, info: GeneratorInfo, device: torch.device) -> None:
        self._info, self._device = info, device
        self._cached: OrderedDict[tuple[bytes, Crop | None], Tensor] = OrderedDict()

    def source(self, picture: KeyedArray | None, crop: Crop | None = None) -> Tensor | None:
        """Return `source_tensor` of a picture, `[1, source_channels, *img_size]` on the network's device.

        Raises:
            NoSourceError: There is none, and the network cannot do without.
        """
        if picture is None:
            if self._info.source_channels:
                raise NoSourceError(
                    "The network changes a picture, and has none.",
                    "Drop a picture here, or choose one in the panel Source.",
                    command="Choose a source picture.",
                )
            return None
        return self._converted(b"source" + picture.digest, picture.array, crop)

    def live(self, key: bytes, make: Callable[[], Tensor], crop: Crop | None) -> Tensor:
        """Return another network's picture as the source `[1, source_channels, *img_size]`, once for each key.

        Args:
            key: Stands for the picture.
            make: Makes it, `[C, H, W]` float32 with -1..1 for black to white; C is 1, 3 or 4.
            crop: The part of it.
        """
        full_key = (b"live" + key, crop)
        found = self._cached.get(full_key)
        if found is None:
            shown = over_white(make()).to(self._device)
            pixels = np.ascontiguousarray(present(shown)[:, :, 2::-1])  # as the view shows it
            found = source_tensor(pixels, self._info.source_channels, self._info.img_size, crop).to(self._device)
            self._keep(full_key, found)
        self._cached.move_to_end(full_key)
        return found

    def masks(self, masks: tuple[KeyedArray, ...], crop: Crop | None = None) -> tuple[Tensor, ...]:
        """Return `mask_tensor` of each mask, `[1, 1, *img_size]` on the network's device."""
        return tuple(self._converted(b"mask" + mask.digest, mask.array, crop) for mask in masks)

    def _converted(self, digest: bytes, array: NDArray[np.uint8], crop: Crop | None) -> Tensor:
        key = (digest, crop)
        found = self._cached.get(key)
        if found is None:
            size = self._info.img_size
            if array.ndim == 2:
                found = mask_tensor(array, size, crop)
            else:
                found = source_tensor(array, self._info.source_channels, size, crop)
            found = found.to(self._device)
            self._keep(key, found)
        self._cached.move_to_end(key)
        return found

    def _keep(self, key: tuple[bytes, Crop | None], made: Tensor) -> None:
        self._cached[key] = made
        while len(self._cached) > _MAX_CACHED:
            self._cached.popitem(last=False)


def source_tensor(
    picture: NDArray[np.uint8], channels: int, size: tuple[int, int], crop: Crop | None = None
) -> Tensor:
    """Return a picture as the source of a network.

    The crop, or the largest rectangle of the network's shape, is cut from its middle and scaled with antialiasing;
    beyond the picture, its edge continues. Transparency shows white. Colours become grey by BT.601, grey becomes
    equal colours.

    Args:
        picture: uint8 `[H, W, C]`, C is 1, 3 or 4.
        channels: Source channels of the network, 1 or 3.
        size: (height, width) of the network.
        crop: The part that is cut; None for the largest one in the middle.

    Returns:
        float32 `[1, channels, height, width]` in -1..1.
    """
    picture, frame = _around(picture, size, crop)
    x = torch.tensor(picture).permute(2, 0, 1)[None].float() / 255
    if x.shape[1] == 4:
        x = x[:, :3] * x[:, 3:] + (1 - x[:, 3:])
    if x.shape[1] == 3 and channels == 1:
        x = (x * torch.tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    x = _fitted(x.expand(-1, channels, -1, -1), size, frame)
    return (x * 2 - 1).clamp(-1, 1)


def mask_tensor(mask: NDArray[np.uint8], size: tuple[int, int], crop: Crop | None = None) -> Tensor:
    """Return a mask uint8 `[H, W]` as float32 `[1, 1, height, width]` in 0..1, cut and scaled as pictures are."""
    mask, frame = _around(mask, size, crop)
    return _fitted(torch.tensor(mask)[None, None].float() / 255, size, frame).clamp(0, 1)


def _around(
    array: NDArray[np.uint8], size: tuple[int, int], crop: Crop | None
) -> tuple[NDArray[np.uint8], Frame | None]:
    """Return the pixels `[h, w, ...]` around a crop, and where it lies on them; the middle and None for no crop."""
    height, width = array.shape[:2]
    if crop is None:
        wide, high = min(width, round(height * size[1] / size[0])), min(height, round(width * size[0] / size[1]))
        top, left = (height - high) // 2, (width - wide) // 2
        return array[top : top + max(high, 1), left : left + max(wide, 1)], None
    frame = frame_of(crop, (height, width), size)
    across, down = zip(*frame.corners, strict=True)
    left, right = max(0, math.floor(min(across)) - 2), min(width, math.ceil(max(across)) + 2)
    top, bottom = max(0, math.floor(min(down)) - 2), min(height, math.ceil(max(down)) + 2)
    return array[top:bottom, left:right], replace(frame, x=frame.x - left, y=frame.y - top)


def _fitted(x: Tensor, size: tuple[int, int], frame: Frame | None) -> Tensor:
    """Scale `[1, C, H, W]`, or a frame on it, to (height, width)."""
    if frame is None:
        if x.shape[2:] == size:
            return x.contiguous()
        return F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
    height, width = x.shape[2:]
    # Four samples for each pixel of the result where there are as many; a picture with more pixels would alias.
    dense = 2 if frame.height >= 2 * size[0] else 1
    fine = (dense * size[0], dense * size[1])
    factor = fine[0] / frame.height
    if factor < 1:
        smaller = max(1, round(height * factor)), max(1, round(width * factor))
        x = F.interpolate(x, size=smaller, mode="bilinear", align_corners=False, antialias=True)
    (x0, y0), (x1, y1), _, (x2, y2) = frame.corners
    # From places of the result, -1 to 1, to places of the picture, -1 to 1.
    across = ((x1 - x0) / width, (x2 - x0) / width, 2 * frame.x / width - 1)
    down = ((y1 - y0) / height, (y2 - y0) / height, 2 * frame.y / height - 1)
    grid = F.affine_grid(torch.tensor([[across, down]]), [1, x.shape[1], *fine], align_corners=False)
    x = F.grid_sample(x.contiguous(), grid, mode="bilinear", padding_mode="border", align_corners=False)
    return F.avg_pool2d(x, dense)
