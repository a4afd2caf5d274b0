"""How much each style channel changes regions of one picture, to first order, by random sign probes.

A probe is the scalar `v = sum over the region's pixels of sign * picture`, with one random sign for each cell of a
coarse grid and each colour. One backward pass gives dv/ds of all channels, and the expectation of its square is the
sum over cells and colours of the squared derivative of the cell's sum (Hutchinson 1990): a few dozen passes replace
one for each cell.
"""

from __future__ import annotations

from collections.abc import Generator as Iteration
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

if TYPE_CHECKING:
    from explorer.directions.regions import Regions
    from explorer.util.steps import Steps

__all__ = ["Probed", "Sensitive", "influence"]


class Sensitive(Protocol):
    """A picture whose derivatives by its styles are known, a `StyledPicture`."""

    @property
    def picture(self) -> Tensor:
        """The picture `[C, H, W]` float32."""

    @property
    def widths(self) -> dict[int, int]:
        """The number of styles of each layer, by index."""

    def slopes(self, weights: Tensor) -> Steps[dict[int, Tensor]]:
        """Return the derivatives of `(picture * weights).sum()` by the styles of each layer."""


@dataclass(frozen=True, slots=True)
class Probed:
    """Says that so many backward passes are done."""

    done: int


def influence(
    styled: Sensitive, regions: Regions, probes: tuple[int, ...], seed: int = 0
) -> Iteration[Probed | None, None, dict[int, Tensor]]:
    """Return the change of each region by each channel.

    Yields None after each step of a layer, and `Probed` after each backward pass.

    Args:
        styled: The picture.
        regions: Its regions.
        probes: How many passes each region gets.
        seed: Of the signs.

    Returns:
        `[regions, style_dim]` float32 by layer: the root mean square, over a region's pixels, of the derivative of
        the picture by the channel.
    """
    random = torch.Generator().manual_seed(seed)
    device, channels = styled.picture.device, styled.picture.shape[0]
    sums = {i: torch.zeros(len(regions.masks), width, device=device) for i, width in styled.widths.items()}
    done = 0
    for number, (mask, count) in enumerate(zip(regions.masks, probes, strict=True)):
        scale = float(channels * count * _cell_sizes(mask, regions).square().sum())
        for _ in range(count):
            signs = torch.randint(2, (channels, *regions.grid), generator=random).to(device) * 2.0 - 1.0
            weights = signs[:, regions.rows][:, :, regions.columns] * mask
            slopes = yield from styled.slopes(weights)
            for i, slope in slopes.items():
                sums[i][number] += slope.square() / scale
            done += 1
            yield Probed(done)
    return {i: total.sqrt() for i, total in sums.items()}


def _cell_sizes(mask: Tensor, regions: Regions) -> Tensor:
    """Return how many pixels of a region `[H, W]` lie in each cell of the grid."""
    rows, columns = regions.grid
    index = regions.rows[:, None] * columns + regions.columns[None]
    return torch.bincount(index[mask], minlength=rows * columns).float()
