"""Where a crop lies on its picture: a rectangle of the network's shape, moved, scaled and turned."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.state.look import Crop

__all__ = ["LEAST_SCALE", "MOST_SCALE", "Frame", "clamped", "frame_of"]

LEAST_SCALE, MOST_SCALE = 0.02, 4.0
"""Ends of a crop's scale: below, there are no pixels left, and above, the picture is a small part of it."""

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle on a picture, in its pixels; (0, 0) is the picture's upper left corner.

    Attributes:
        x: Of its middle.
        y: Of its middle.
        width: Along its upper side.
        height: Along its left side.
        angle: Radians by which it is turned counter-clockwise on screen.
    """

    x: float
    y: float
    width: float
    height: float
    angle: float = 0.0

    def to_picture(self, at: Place) -> Place:
        """Return the pixel (x, y) of a place in the frame, (0, 0) to (1, 1) from its upper left corner."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        across, down = (at[0] - 0.5) * self.width, (at[1] - 0.5) * self.height
        return self.x + c * across + s * down, self.y - s * across + c * down

    def to_frame(self, at: Place) -> Place:
        """Return the place in the frame of a pixel (x, y); the inverse of `to_picture`."""
        c, s = math.cos(self.angle), math.sin(self.angle)
        dx, dy = at[0] - self.x, at[1] - self.y
        return (c * dx - s * dy) / self.width + 0.5, (s * dx + c * dy) / self.height + 0.5

    @property
    def corners(self) -> tuple[Place, Place, Place, Place]:
        """The pixels (x, y) of its corners, clockwise from the upper left one."""
        first, second = self.to_picture((0.0, 0.0)), self.to_picture((1.0, 0.0))
        return first, second, self.to_picture((1.0, 1.0)), self.to_picture((0.0, 1.0))


def frame_of(crop: Crop, picture: tuple[int, int], size: tuple[int, int]) -> Frame:
    """Return where a crop lies.

    Args:
        crop: The crop; its middle is kept on the picture, and its scale within the ends.
        picture: (height, width) of the picture.
        size: (height, width) of the network, which decides on the shape.
    """
    height, width = picture
    wide, high = min(width, height * size[1] / size[0]), min(height, width * size[0] / size[1])
    x = min(max(width / 2 + crop.x * wide, 0.0), float(width))
    y = min(max(height / 2 + crop.y * wide, 0.0), float(height))
    scale = min(max(crop.scale, LEAST_SCALE), MOST_SCALE)
    return Frame(x, y, wide * scale, high * scale, math.radians(crop.rotate))


def clamped(crop: Crop, picture: tuple[int, int], size: tuple[int, int]) -> Crop:
    """Return the crop as `frame_of` places it, with an angle of -180 to 180 degrees."""
    wide = frame_of(Crop(), picture, size).width
    across, down = picture[1] / (2 * wide), picture[0] / (2 * wide)
    x, y = min(max(crop.x, -across), across), min(max(crop.y, -down), down)
    scale = min(max(crop.scale, LEAST_SCALE), MOST_SCALE)
    angle = crop.rotate if abs(crop.rotate) <= 180.0 else (crop.rotate + 180.0) % 360.0 - 180.0
    return Crop(x, y, scale, angle)
