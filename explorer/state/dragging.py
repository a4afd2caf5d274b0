"""What is to be dragged in a view's picture, and how: points, targets, what may move, and the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from explorer.util.asset_ids import AssetId

__all__ = ["DragSettings", "DragSetup", "Method", "Point"]

Point = tuple[float, float]
"""(y, x)."""

Method = Literal["freedrag", "draggan"]


@dataclass(frozen=True, slots=True)
class DragSettings:
    """How to drag. Lengths are fractions of the picture's width, so that they fit pictures of any size.

    Attributes:
        method: "freedrag" is ours, "draggan" the published rule, to compare with.
        rate: Step of Adam in standard deviations of `w`.
        steps: Steps at most.
        expected: Expected loss `l` of FreeDrag: how much a handle's features may change in one stage.
        stride: The longest way of one stage, `d` in FreeDrag: 3 of 128 samples.
        spacing: Between the 3 by 3 places of a template, in samples of the features.
        tolerance: How near to its target a handle has arrived; "draggan" has its own.
        keep: Weight of what may not move.
        trust: How far a row of `ws` may go from its start, in root mean square distances of `w` from its mean.
        patience: Steps without progress after which it starts again from the best one, and ends the next time.
        confidence: Below this share of its first response, the filter of a handle says that it is lost.
        share: Rows of `ws` with less than this share of the strongest row's gradient stay as they are.
        camera_lock: Whether the motion of StyleGAN3's input stays as it is.
        rows: The rows of `ws` to change; empty: chosen by rate and gradient.
    """

    method: Method = "freedrag"
    rate: float = 0.02
    steps: int = 300
    expected: float = 0.3
    stride: float = 3 / 128
    spacing: float = 0.75
    tolerance: float = 0.005
    keep: float = 10.0
    trust: float = 1.5
    patience: int = 30
    confidence: float = 0.3
    share: float = 0.05
    camera_lock: bool = True
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DragSetup:
    """What is to be dragged; one for the whole state.

    Attributes:
        view: The view whose picture it is.
        handles: The points, in picture widths from the upper left corner, so that they fit pictures of any size.
        targets: Where they should be, one for each.
        mask: What may move, a `StoredMask`; empty: everything.
        settings: How.
    """

    view: int = 0
    handles: tuple[Point, ...] = ()
    targets: tuple[Point, ...] = ()
    mask: AssetId = ""
    settings: DragSettings = DragSettings()
