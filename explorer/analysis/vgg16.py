"""VGG16's convolutions up to the fourth block, with torchvision's names; the user brings the weights.

Simonyan and Zisserman 2015. No weights are part of the program.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import UnreadableFileError
from explorer.util import file_errors
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["VGG16", "load"]

_LIMIT = 1 << 30  # bytes; with its classifier the file has 528 MB
_BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512))
_HINT = "Give torchvision's vgg16 state dict, with names from features.0.weight on, as .pth or .safetensors."


class VGG16(nn.Module):
    """Maps pictures to features after the last ReLU of each of four blocks: relu1_2, 2_2, 3_3, 4_3."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict()
        self._plan: list[list[str]] = []
        index, inputs = 0, 3
        for block in _BLOCKS:
            names = []
            for width in block:
                self.features[str(index)] = nn.Conv2d(inputs, width, 3, padding=1)
                names.append(str(index))
                index, inputs = index + 2, width  # a ReLU is between
            self._plan.append(names)
            index += 1  # and a pooling behind

    def stages(self, x: Tensor) -> list[Tensor]:
        """Return four maps of features of pictures `[N, 3, H, W]` in -1..1, which are not normalised further."""
        found = []
        for number, names in enumerate(self._plan):
            if number:
                x = F.max_pool2d(x, 2)
            for name in names:
                x = F.relu(self.features[name](x))
            found.append(x)
        return found


def load(path: Path) -> VGG16:
    """Load weights, and fix them.

    Raises:
        UnreadableFileError: The file cannot be read, or holds something else.
    """
    try:
        weights = _read(path)
        network = VGG16()
        network.load_state_dict({name: weights[name] for name in network.state_dict()})
    except OSError as error:
        raise UnreadableFileError(f"{path} cannot be read: {file_errors.reason(error)}.", _HINT) from error
    except Exception as error:  # torch and safetensors raise many kinds
        raise UnreadableFileError(f"{path} does not hold the weights of VGG16.", _HINT) from error
    return network.eval().requires_grad_(False)


def _read(path: Path) -> Mapping[str, Tensor]:
    data = read_regular(path, _LIMIT)
    if path.suffix == ".safetensors":
        from safetensors.torch import load as load_safetensors

        return load_safetensors(data)
    found: Mapping[str, Tensor] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return found
