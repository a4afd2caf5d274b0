"""Walks through a generator's tensors in the order in which the ports number their layers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import torch
from torch import Tensor

from explorer.generators.base import Generator

_KERNEL = torch.tensor([1.0, 3.0, 3.0, 1.0])
KERNEL = torch.outer(_KERNEL, _KERNEL) / 16  # times four, since it fills in the zeros of an upsampling


def tensors(generator: Generator) -> Iterator[tuple[str, int, str, Tensor]]:
    """Yield (kind, number, rest, tensor) of each tensor.

    The kind is "fc", "const", "conv" or "rgb"; convolutions and pictures are numbered from 0 at 4 px.
    """
    for key, tensor in generator.state_dict().items():
        tensor = tensor.clone()
        if (match := re.fullmatch(r"mapping\.fc(\d+)\.(\w+)", key)) is not None:
            yield "fc", int(match[1]), match[2], tensor
        elif key == "synthesis.b4.const":
            yield "const", 0, "", tensor
        elif (match := re.fullmatch(r"synthesis\.b(\d+)\.(conv|torgb)(\d?)\.(.+)", key)) is not None:
            block = int(match[1]).bit_length() - 3
            if match[4] != "resample_filter":
                is_rgb = match[2] == "torgb"
                yield (
                    ("rgb", block, match[4], tensor)
                    if is_rgb
                    else ("conv", 2 * block + int(match[3]) - 1, match[4], tensor)
                )


def numbered(first: str, others: str, number: int) -> str:
    """Return the name of a layer: the one at 4 px has its own."""
    return first if number == 0 else f"{others}.{number - 1}"
