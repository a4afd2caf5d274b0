"""Where the parts of a generated critter are: from its shape, by the attributes read from its picture."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import TYPE_CHECKING

import torch

from explorer.analysis.attribute_network import load
from explorer.training.critters.attributes import Attributes
from explorer.training.critters.render import camera_rays
from explorer.training.critters.shape import Shape, head_distance, shape_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PARTS", "parts_of"]

PARTS = ("eye", "ear", "nose", "background")

_MARGIN = 0.08
"""Head units around the head that are not background: fur, and what the attribute network gets wrong."""

_REACH, _SAMPLES = 2.3, 96
"""Head units before and behind the head where rays are sampled, and in how many places."""


def parts_of(picture: Tensor) -> dict[str, NDArray[np.bool_]]:
    """Return bool `[R, R]` of each of `PARTS` for a critter's picture `[3, R, R]` in -1..1.

    The eye and the ear are discs on the side that is turned away from the viewer, the nose a disc too. The
    background is what no part of the head covers.
    """
    a = _attributes(picture)
    s = shape_of(a)
    side = -1.0 if float(a.yaw[0]) > 0.0 else 1.0
    size = picture.shape[-1]
    masks = {name: _disc(a, at, radius, size) for name, (at, radius) in _balls(s, side).items()}
    masks["background"] = ~_covered(a, s, size)
    return {name: masks[name].numpy() for name in PARTS}


def _balls(s: Shape, side: float) -> dict[str, tuple[tuple[float, float, float], float]]:
    """Return the centre in head coordinates and the radius in head units of an eye, an ear and the nose."""
    v = {f.name: float(getattr(s, f.name)[0]) for f in fields(s)}
    along = 0.85 * v["ear_length"]
    ear = v["ear_x"] + math.sin(v["ear_tilt"]) * along, v["ear_y"] + math.cos(v["ear_tilt"]) * along
    return {
        "eye": ((side * v["eye_x"], v["eye_y"], v["eye_z"]), v["eye_r"]),
        "ear": ((side * ear[0], ear[1], 0.0), 0.7 * math.sqrt(v["ear_length"] * v["ear_width"])),
        "nose": ((0.0, v["nose_y"], v["nose_z"]), 1.25 * v["nose_r"]),
    }


def _covered(a: Attributes, s: Shape, size: int) -> Tensor:
    """Return the pixels `[size, size]` whose rays come as close to the head as `_MARGIN`."""
    origin, direction = camera_rays(a, size)
    middle = -(origin * direction).sum(-1, keepdim=True)
    near = torch.full((1, size * size), math.inf)
    for away in torch.linspace(-_REACH, _REACH, _SAMPLES):
        x, y, z = (origin + (middle + away) * direction).unbind(-1)
        near = torch.minimum(near, head_distance(s, x, y, z, a.mouth_open[:, None]))
    covered: Tensor = (near <= _MARGIN).reshape(size, size)
    return covered


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
