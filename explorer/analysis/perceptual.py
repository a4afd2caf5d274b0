"""Perceptual distances: differences of pictures in the features of a network that was trained to see.

Johnson et al. 2016 compare features of VGG16; Zhang et al. 2018 (LPIPS) features of unit length. Distances in
different networks cannot be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.analysis import efficientnet, vgg16
from explorer.errors import UsageError
from explorer.util import plugins
from explorer.util.plain_text import visible
from explorer.util.user_folders import expanded

__all__ = ["NAMES", "Perceptual", "load"]

NAMES = ("efficientnet",)
"""Networks that are known by name; others are files of VGG16's weights, or references to Python code."""

_HINT = (
    "Use efficientnet, a file with torchvision's weights of VGG16 (.pth or .safetensors), or MODULE:FUNCTION, "
    "which returns an object with `name`, `to` and `distance`."
)


class Perceptual(Protocol):
    """A distance of pictures, differentiable in both."""

    @property
    def name(self) -> str:
        """Name for logs and cards."""

    def to(self, device: torch.device, /) -> object:
        """Move the network to a device."""

    def distance(self, a: Tensor, b: Tensor, /) -> Tensor:
        """Return the distance `[N]` of pictures `[N, 3, H, W]` with values around -1..1."""


class _EfficientNet:
    """Mean squared difference of EfficientNet-Lite0's features of unit length, summed over its five resolutions."""

    name = f"{efficientnet.NAME}, unit-normalised features of five stages"

    def __init__(self) -> None:
        self._network = efficientnet.load()

    def to(self, device: torch.device) -> None:
        self._network.to(device)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        pairs = zip(self._stages(a), self._stages(b), strict=True)
        return torch.stack([(x - y).square().sum(1).mean((1, 2)) for x, y in pairs]).sum(0)

    def _stages(self, pictures: Tensor) -> Sequence[Tensor]:
        return [F.normalize(x, dim=1, eps=1e-6) for x in self._network.stages(shrunk(pictures))]


class _VGG16:
    """Mean absolute difference of VGG16's features after the last convolution of four blocks, as published."""

    name = "VGG16, relu1_2 to relu4_3"

    def __init__(self, path: Path) -> None:
        self._network = vgg16.load(path)

    def to(self, device: torch.device) -> None:
        self._network.to(device)

    def distance(self, a: Tensor, b: Tensor) -> Tensor:
        pairs = zip(self._network.stages(shrunk(a)), self._network.stages(shrunk(b)), strict=True)
        return torch.stack([(x - y).abs().mean((1, 2, 3)) for x, y in pairs]).sum(0)


def shrunk(pictures: Tensor, side: int = 256) -> Tensor:
    """Return pictures of at most `side` pixels: larger ones resampled, smaller ones as they are."""
    if max(pictures.shape[-2:]) <= side:
        return pictures
    return F.interpolate(pictures, (side, side), mode="bilinear", align_corners=False)


def load(name: str) -> Perceptual:
    """Load a network by its name, the file of its weights, or a reference `module:function`.

    Raises:
        UsageError: There is no such network, or its weights are missing.
        UnreadableFileError: The file is not one of VGG16's weights.
    """
    if name in NAMES:
        return _EfficientNet()
    path = expanded(Path(name))
    if path.is_file():
        return _VGG16(path)
    if ":" not in name:
        raise UsageError(f"There is no feature network and no file named {visible(name, 80)}.", _HINT)
    try:
        made = plugins.resolve(name)()
    except Exception as error:  # foreign code may raise anything
        raise UsageError(f"{visible(name, 80)} does not work: {visible(str(error))}.", _HINT) from error
    if not callable(getattr(made, "distance", None)):
        raise UsageError(f"{visible(name, 80)} returned a {type(made).__name__}, which has no distance.", _HINT)
    return cast("Perceptual", made)
