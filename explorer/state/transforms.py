"""Forward motion of the picture as 3x3 matrices, constant or as a function of time.

x right, y down, the origin at the centre, one unit = one image width; angles counter-clockwise on screen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from explorer.errors import RequestError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.state import Animation, Transform

__all__ = ["IDENTITY", "animated_offset", "forward_matrix", "is_identity", "is_moving"]

Matrix = tuple[float, ...]

_LARGEST = 1e30  # entry of a matrix: it and its inverse are still finite in float32

IDENTITY: Matrix = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


def forward_matrix(transform: Transform, time: float = 0.0) -> Matrix:
    """Return the forward 3x3 matrix, row by row: free matrix after translation after rotation after scale, shear.

    Args:
        transform: What the user set.
        time: Seconds; moves the picture if an animation is set.

    Raises:
        RequestError: The matrix cannot be inverted, so no network could show it, or the free part is malformed.
    """
    if len(transform.matrix) != 6:
        raise RequestError("The free matrix needs six numbers.", "Reset the transform.")
    dx, dy, turn = animated_offset(transform.animation, time)
    t = transform
    still = (t.x + dx, t.y + dy, t.rotate + turn, t.scale_x, t.scale_y, t.shear) == (0, 0, 0, 1, 1, 0)
    if still and t.matrix == IDENTITY[:6]:
        return IDENTITY
    angle = math.radians(t.rotate + turn)
    c, s = math.cos(angle), math.sin(angle)
    scale_shear = np.array([[t.scale_x, t.shear, 0.0], [0.0, t.scale_y, 0.0], [0.0, 0.0, 1.0]])
    move = np.array([[c, s, t.x + dx], [-s, c, t.y + dy], [0.0, 0.0, 1.0]])  # rotate, then translate
    free = np.array([*t.matrix, 0.0, 0.0, 1.0]).reshape(3, 3)
    with np.errstate(over="ignore", invalid="ignore"):
        matrix: NDArray[np.float64] = free @ move @ scale_shear
        determinant = float(np.linalg.det(matrix))
    if not (np.abs(matrix).max() <= _LARGEST and math.isfinite(determinant)):  # NaN is not below either
        raise RequestError("The transform overflows.", "Reset the transform.")
    if abs(determinant) < 1e-6:
        raise RequestError(
            "The transform flattens the picture to a line or a point, which cannot be undone.",
            "Choose scales other than 0, or reset the transform.",
        )
    return tuple(float(v) for v in matrix.ravel())


def is_identity(matrix: Matrix) -> bool:
    """Return whether nothing moves."""
    return matrix == IDENTITY


def animated_offset(animation: Animation, time: float) -> tuple[float, float, float]:
    """Return (x, y, degrees) that an animation adds at `time` seconds: image widths, degrees counter-clockwise.

    *circle*: round the set position at `radius`, `speed` widths a second along the path; *spin*: `speed` turns a
    second; *shake*: a horizontal figure eight of that radius, with at least `speed` widths a second at its centre.
    It is a function of time, so pausing, seeking and recording at any rate give the same motion.
    """
    if animation.kind == "none":
        return 0.0, 0.0, 0.0
    if animation.kind == "spin":
        return 0.0, 0.0, math.fmod(_finite(360.0 * animation.speed * time), 360.0)
    if animation.radius == 0.0:
        return 0.0, 0.0, 0.0
    phase = _finite(animation.speed / animation.radius * time)  # radians
    if animation.kind == "circle":
        return animation.radius * math.cos(phase), -animation.radius * math.sin(phase), 0.0
    return animation.radius * math.sin(phase), 0.5 * animation.radius * math.sin(_finite(2.0 * phase)), 0.0


def _finite(phase: float) -> float:
    if not math.isfinite(phase):
        raise RequestError("The transform's animation is too fast to compute.", "Reset its speed and radius.")
    return phase


def is_moving(transform: Transform) -> bool:
    """Return whether the transform changes by itself as time passes."""
    a = transform.animation
    return a.kind != "none" and a.speed != 0.0 and (a.kind == "spin" or a.radius != 0.0)
