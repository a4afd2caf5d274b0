"""What the sticking lab shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Lab", "Slit"]


@dataclass(frozen=True, slots=True)
class Slit:
    """The line of the slit-scan: its middle, in image widths right and down from the picture's middle.

    `angle`: degrees counter-clockwise, 90 is vertical; `length`: image widths. `follows`: it moves and turns
    with the picture's transform.
    """

    x: float = -0.12  # beside the middle, where a wipe's divider starts
    y: float = -0.05
    angle: float = 90.0
    length: float = 0.6
    follows: bool = False


@dataclass(frozen=True, slots=True)
class Lab:
    """What the sticking lab shows of every view.

    `scan`: slit-scans under the pictures. `average`: the mean of `count` neighbours of `w` within `radius` (a
    fraction of the distance from `w_avg` to a seed) or of `count` moved pictures moved back, not the picture.
    `difference`: how that of two views is shown, by its size or by its colours. `split`: position of the wipe's
    divider, 0..1. `tour`: number of the guided tour's step, 0 for none.
    """

    scan: bool = False
    slit: Slit = Slit()
    average: Literal["none", "neighbours", "shifted", "turned"] = "none"
    radius: float = 0.15
    count: int = 32
    split: float = 0.5
    difference: Literal["heat", "signed"] = "heat"
    tour: int = 0
