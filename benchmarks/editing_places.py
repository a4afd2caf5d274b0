"""Where the parts of a generated critter are: from its shape, by the attributes read from its picture."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import torch

from explorer.analysis.attribute_network import load
from explorer.training.critters.attributes import Attributes
from explorer.training.critters.render import camera_rays
from explorer.training.critters.shape import Shape, shape_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PARTS", "parts_of"]

PARTS = ("eye", "ear", "nose", "background")


def parts_of(picture: Tensor) -> dict[str, NDArray[np.bool_]]:
    """Return bool `[R, R]` of each of `PARTS` for a critter's picture `[3, R, R]` in -1..1.

    The eye and the ear are those on the side that is turned to the viewer. The background is what no part of the
    head covers, and no place near its edge.
    """
    a = _attributes(picture)
    s = shape_of(a)
    side = -1.0 if float(a.yaw[0]) > 0.0 else 1.0
    size = picture.shape[-1]
    masks = {name: _disc(a, *_balls(s, side)[name], size) for name in PARTS[:-1]}
    head = torch.zeros(size, size, dtype=torch.bool)
    for sign in (-1.0, 1.0):
        for at, radius in _balls(s, sign).values():
            head |= _disc(a, at, 1.25 * radius + 0.1, size)
    return {name: mask.numpy() for name, mask in (masks | {"background": ~head}).items()}


def _balls(s: Shape, side: float) -> dict[str, tuple[tuple[float, float, float], float]]:
    """Return the centre in head coordinates and the radius in head units of each part, on one side of the head."""
    v = {f.name: float(getattr(s, f.name)[0]) for f in fields(s)}
    tilt = torch.tensor(v["ear_tilt"])
    along = 0.85 * v["ear_length"]
    ear = v["ear_x"] + float(tilt.sin()) * along, v["ear_y"] + float(tilt.cos()) * along
    return {
        "eye": ((side * v["eye_x"], v["eye_y"], v["eye_z"]), v["eye_r"]),
        "ear": ((side * ear[0], ear[1], 0.0), 0.7 * (v["ear_length"] * v["ear_width"]) ** 0.5),
        "nose": ((0.0, v["nose_y"], v["nose_z"]), 1.25 * v["nose_r"]),
        "skull": ((0.0, 0.0, 0.0), max(v["skull_x"], v["skull_y"])),
        "cheek": ((side * v["cheek_x"], v["cheek_y"], 0.22), v["cheek_r"]),
        "ear tip": ((side * (v["ear_x"] + 1.6 * float(tilt.sin()) * v["ear_length"]),
                     v["ear_y"] + 1.6 * float(tilt.cos()) * v["ear_length"], 0.0), v["ear_width"]),
        "chin": ((0.0, v["muzzle_y"] - 0.3, v["muzzle_z"]), v["muzzle_x_r"]),
    }  # fmt: skip


def _disc(a: Attributes, at: tuple[float, float, float], radius: float, size: int) -> Tensor:
    """Return the pixels `[size, size]` whose rays pass a ball in head coordinates."""
    origin, direction = camera_rays(a, size)
    away = torch.tensor(at) - origin[0]
    along = (away * direction[0]).sum(-1, keepdim=True)
    miss = (away - along * direction[0]).norm(dim=-1)
    mask: Tensor = (miss <= radius).reshape(size, size)
    return mask


def _attributes(picture: Tensor) -> Attributes:
    """Return a critter's attributes as the attribute network reads them, without the background."""
    read = load().read(picture[None].float())
    return Attributes(**{f.name: read.get(f.name, torch.zeros(1)) for f in fields(Attributes)})
