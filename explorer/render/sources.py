"""Source pictures and masks as an image-to-image network takes them: its size, its channels, its range."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from explorer.errors import RequestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import KeyedArray

__all__ = ["Sources", "mask_tensor", "source_tensor"]

_MAX_CACHED = 8

_LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in grey, ITU-R BT.601."""


class Sources:
    """Converts sources and masks for one network, each once. Belongs to the render thread."""

    def __init__(self, info: GeneratorInfo, device: torch.device) -> None:
        self._info, self._device = info, device
        self._cached: OrderedDict[bytes, Tensor] = OrderedDict()

    def source(self, picture: KeyedArray | None) -> Tensor | None:
        """Return `source_tensor` of a picture, `[1, source_channels, *img_size]` on the network's device.

        Raises:
            RequestError: There is none, and the network cannot do without.
        """
        if picture is None:
            if self._info.source_channels:
                raise RequestError("The network changes a picture, and has none.", "Choose a source picture.")
            return None
        return self._converted(b"source" + picture.digest, picture.array)

    def masks(self, masks: tuple[KeyedArray, ...]) -> tuple[Tensor, ...]:
        """Return `mask_tensor` of each mask, `[1, 1, *img_size]` on the network's device."""
        return tuple(self._converted(b"mask" + mask.digest, mask.array) for mask in masks)

    def _converted(self, key: bytes, array: NDArray[np.uint8]) -> Tensor:
        found = self._cached.get(key)
        if found is None:
            size = self._info.img_size
            if array.ndim == 2:
                found = mask_tensor(array, size)
            else:
                found = source_tensor(array, self._info.source_channels, size)
            found = self._cached[key] = found.to(self._device)
            while len(self._cached) > _MAX_CACHED:
                self._cached.popitem(last=False)
        self._cached.move_to_end(key)
        return found


def source_tensor(picture: NDArray[np.uint8], channels: int, size: tuple[int, int]) -> Tensor:
    """Return a picture as the source of a network.

    The largest rectangle of the network's shape is cut from its middle and scaled with antialiasing. Transparency
    shows white. Colours become grey by BT.601, grey becomes equal colours.

    Args:
        picture: uint8 `[H, W, C]`, C is 1, 3 or 4.
        channels: Source channels of the network, 1 or 3.
        size: (height, width) of the network.

    Returns:
        float32 `[1, channels, height, width]` in -1..1.
    """
    x = torch.tensor(picture).permute(2, 0, 1)[None].float() / 255
    if x.shape[1] == 4:
        x = x[:, :3] * x[:, 3:] + (1 - x[:, 3:])
    if x.shape[1] == 3 and channels == 1:
        x = (x * torch.tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)
    x = _fitted(x.expand(-1, channels, -1, -1), size)
    return (x * 2 - 1).clamp(-1, 1)


def mask_tensor(mask: NDArray[np.uint8], size: tuple[int, int]) -> Tensor:
    """Return a mask uint8 `[H, W]` as float32 `[1, 1, height, width]` in 0..1, cut and scaled as pictures are."""
    return _fitted(torch.tensor(mask)[None, None].float() / 255, size).clamp(0, 1)


def _fitted(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut `[1, C, H, W]` to the shape of (height, width) from its middle, and scale it to that size."""
    height, width = x.shape[2:]
    wide, high = min(width, round(height * size[1] / size[0])), min(height, round(width * size[0] / size[1]))
    top, left = (height - high) // 2, (width - wide) // 2
    x = x[:, :, top : top + max(high, 1), left : left + max(wide, 1)]
    if x.shape[2:] == size:
        return x.contiguous()
    return F.interpolate(x, size=size, mode="bilinear", align_corners=False, antialias=True)
