"""The operations of network bending as data: titles, parameters with ranges, and whether they add detail."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["OPERATIONS", "BendOperation", "BendParameter", "Operation"]

Operation = Literal[
    "translate", "rotate", "scale", "flip-h", "flip-v", "invert", "threshold", "multiply", "ablate", "erode",
    "dilate", "noise", "resize",
]  # fmt: skip
"""Names in projects; they never change."""


@dataclass(frozen=True, slots=True)
class BendParameter:
    """A number of an operation, declared once for its slider and its limits.

    Attributes:
        title: Text beside its slider.
        low: Left end of its slider; values beyond the ends are possible.
        high: Right end of its slider.
        default: What a new bend has.
        tip: What it does.
        unit: Shown after the value; empty for none.
        step: Change for one notch of the wheel.
        decimals: Digits shown after the decimal point.
        limits: Values beyond these are clamped when rendered.
    """

    title: str
    low: float
    high: float
    default: float
    tip: str
    unit: str = ""
    step: float = 0.01
    decimals: int = 2
    limits: tuple[float, float] = (-1e6, 1e6)

    def clamped(self, value: float) -> float:
        """Return the value as rendered; the default for what is not a number."""
        return self.default if math.isnan(value) else min(max(value, self.limits[0]), self.limits[1])


@dataclass(frozen=True, slots=True)
class BendOperation:
    """One operation; `explorer.ops.bending` has the operator of its name.

    Attributes:
        title: Display name.
        tip: What it does to each chosen channel.
        parameters: In the order of the operator's arguments.
        is_new_detail: Whether its result can have higher frequencies than the features had.
        is_of_size: Whether it changes the size of the map, and so of all channels and of every later layer.
    """

    title: str
    tip: str
    parameters: tuple[BendParameter, ...] = ()
    is_new_detail: bool = False
    is_of_size: bool = False

    def values(self, given: Sequence[float]) -> tuple[float, ...]:
        """Return a value for every parameter: the given ones, then defaults. More than there are is ignored."""
        missing = tuple(p.default for p in self.parameters[len(given) :])
        return (*given[: len(self.parameters)], *missing)


def _radius(what: str) -> BendParameter:
    tip = f"Radius in samples of the layer of the disc whose {what} is taken."
    return BendParameter("Radius", 0.0, 8.0, 1.0, tip, "smp", 0.25, limits=(0.0, 64.0))


OPERATIONS: Mapping[Operation, BendOperation] = {
    "translate": BendOperation(
        "Translate", "Moves the features; what comes in is zero",
        (
            BendParameter("x", -1.0, 1.0, 0.1, "Layer widths to the right.", "w", decimals=3, limits=(-4.0, 4.0)),
            BendParameter("y", -1.0, 1.0, 0.0, "Layer heights down.", "h", decimals=3, limits=(-4.0, 4.0)),
        ),
    ),
    "rotate": BendOperation(
        "Rotate", "Rotates the features about the centre; what comes in is zero",
        (BendParameter("Angle", -180.0, 180.0, 30.0, "Degrees, counter-clockwise.", "\u00b0", 1.0, 1),),
    ),
    "scale": BendOperation(
        "Scale", "Enlarges or shrinks the features about the centre; what comes in is zero",
        (BendParameter("Factor", 0.1, 4.0, 1.5, "Factor of the size; 1 is none.", "\u00d7", limits=(0.02, 50.0)),),
    ),
    "flip-h": BendOperation("Flip left-right", "Exchanges left and right"),
    "flip-v": BendOperation("Flip up-down", "Exchanges top and bottom"),
    "invert": BendOperation("Invert", "Replaces x by 1 \u2212 x"),
    "threshold": BendOperation(
        "Threshold", "1 where the features are above a level, 0 elsewhere",
        (BendParameter("Level", -1.0, 1.0, 0.0, "Level, in the unit of the features."),), True,
    ),
    "multiply": BendOperation(
        "Multiply", "Multiplies the features",
        (BendParameter("Factor", -4.0, 8.0, 2.0, "Factor; 1 is none.", "\u00d7", 0.05, limits=(-1e4, 1e4)),),
    ),
    "ablate": BendOperation("Ablate", "Replaces the features by zeros"),
    "erode": BendOperation("Erode", "Thins what is high: minimum over a disc", (_radius("minimum"),), True),
    "dilate": BendOperation("Dilate", "Thickens what is high: maximum over a disc", (_radius("maximum"),), True),
    "noise": BendOperation(
        "Noise", "Adds normal noise",
        (BendParameter("Sigma", 0.0, 4.0, 0.5, "Standard deviation, in that of the features.", "\u03c3", 0.05),),
        True,
    ),
    "resize": BendOperation(
        "Resize", "Gives the map another size, which all later layers follow: they draw more or less, not larger",
        (BendParameter("Factor", 0.25, 2.0, 1.5, "Factor of the size; 1 is none.", "\u00d7", limits=(0.1, 2.0)),),
        is_of_size=True,
    ),
}  # fmt: skip
"""The operations by name, in the order of menus."""
