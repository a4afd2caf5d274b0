"""What is to be dragged where, how, and what is known after a step: frozen data, as JSON for jobs."""

from __future__ import annotations

import base64
import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from explorer.errors import UsageError
from explorer.state.dragging import DragSettings, Method, Point

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MAX_POINTS", "Drag", "DragSettings", "DragStep", "HandleState", "Method", "Point", "State"]

State = Literal["moving", "arrived", "lost"]

MAX_POINTS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Drag:
    """Points of a picture, and where they should be.

    Attributes:
        handles: The points, (y, x) in pixels of the picture, whole numbers at the centres of pixels.
        targets: Where they should be, one for each.
        mask: What may move, bool `[H, W]`; None: everything.
        settings: How.

    Raises:
        UsageError: They are not pairs of finite points.
    """

    handles: tuple[Point, ...]
    targets: tuple[Point, ...]
    mask: NDArray[np.bool_] | None = None
    settings: DragSettings = field(default_factory=DragSettings)

    def __post_init__(self) -> None:
        if not self.handles or len(self.handles) != len(self.targets):
            message = f"There are {len(self.handles)} points to drag and {len(self.targets)} targets."
            raise UsageError(message, "Set a target for every point.")
        if len(self.handles) > MAX_POINTS:
            raise UsageError(f"{len(self.handles)} points are too many to drag.", f"At most {MAX_POINTS} are.")
        if not all(math.isfinite(v) for point in (*self.handles, *self.targets) for v in point):
            raise UsageError("A point to drag is not finite.", "Set it again.")

    def check(self, size: tuple[int, int]) -> None:
        """Check that points and mask lie in a picture of `size` (height, width).

        Raises:
            UsageError: They do not.
        """
        for y, x in (*self.handles, *self.targets):
            if not (-0.5 <= y <= size[0] - 0.5 and -0.5 <= x <= size[1] - 0.5):
                message = f"The point ({y:g}, {x:g}) lies outside the picture of {size[1]} by {size[0]} pixels."
                raise UsageError(message, "Points are y and x in pixels of the picture.")
        if self.mask is not None and self.mask.shape != size:
            raise UsageError(f"The mask has the shape {self.mask.shape}, the picture {size}.", "Draw it again.")

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values; `from_json` gives an equal one."""
        mask = None
        if self.mask is not None:
            bits = base64.b64encode(np.packbits(self.mask).tobytes()).decode()
            mask = {"shape": list(self.mask.shape), "bits": bits}
        settings = asdict(self.settings) | {"rows": list(self.settings.rows)}
        handles, targets = [list(p) for p in self.handles], [list(p) for p in self.targets]
        return {"handles": handles, "targets": targets, "mask": mask, "settings": settings}

    @staticmethod
    def from_json(data: Any) -> Drag:
        """Return what `to_json` wrote.

        Raises:
            UsageError: It is something else.
        """
        try:
            handles, targets = _points(data["handles"]), _points(data["targets"])
            mask = _mask(data["mask"]) if data.get("mask") is not None else None
            settings = _settings(data.get("settings", {}))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UsageError(
                "A drag should be handles, targets, a mask and settings.", "Set it up again."
            ) from error
        return Drag(handles, targets, mask, settings)


def _settings(data: Any) -> DragSettings:
    known = {f.name: f.default for f in fields(DragSettings)}
    if not isinstance(data, dict) or set(data) - set(known):
        raise UsageError("The settings of a drag have unknown names.", f"Known are {', '.join(known)}.")
    values = dict(data)
    if values.get("method", "freedrag") not in ("freedrag", "draggan"):
        raise UsageError(f"{values['method']!r} is no method of dragging.", "Known are freedrag and draggan.")
    for name, value in values.items():
        if name == "rows":
            values[name] = tuple(int(i) for i in value)
        elif name not in ("method", "camera_lock") and not (_is_number(value) and value >= 0):
            raise UsageError(f"{name} of a drag is {value!r}.", "It must be a number from 0 on.")
    return DragSettings(**values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _points(data: Any) -> tuple[Point, ...]:
    return tuple((float(y), float(x)) for y, x in data)


def _mask(data: Any) -> NDArray[np.bool_]:
    height, width = (int(v) for v in data["shape"])
    bits = np.frombuffer(base64.b64decode(data["bits"]), np.uint8)
    mask: NDArray[np.bool_] = np.unpackbits(bits, count=height * width).reshape(height, width).astype(bool)
    return mask


@dataclass(frozen=True, slots=True)
class HandleState:
    """What is known of one point.

    Attributes:
        position: Where it is now.
        state: "moving", "arrived", or "lost": it is no longer followed.
        reason: Why it is lost, as a sentence; else empty.
        loss: How much its features differ from those it is recognised by; 1.1 between unrelated places.
        confidence: Response of its filter as a share of the first one.
    """

    position: Point
    state: State = "moving"
    reason: str = ""
    loss: float = 0.0
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class DragStep:
    """What is known after a step.

    Attributes:
        step: Its number; 0 before the first.
        offset: What was added to `ws`, `[num_ws, w_dim]` float32, read-only.
        handles: One for each point.
        loss: What was minimised.
        outcome: Why it ended, as a sentence; empty before that.
    """

    step: int
    offset: NDArray[np.float32]
    handles: tuple[HandleState, ...]
    loss: float = 0.0
    outcome: str = ""
