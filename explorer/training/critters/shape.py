"""The shape of a critter: a smooth union of ellipsoids as a signed distance field in head coordinates.

Head coordinates: x to the viewer's right, y up, z towards the viewer, unit = about one head radius. Every part
is mirrored in x, so one evaluation at |x| serves both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from explorer.training.critters.attributes import Attributes

__all__ = ["Shape", "ear_frame", "head_distance", "parts", "shape_of"]

# One row per species (cat, dog, fox, bear, rabbit), blended by the species weights.
_PROTOTYPES: dict[str, tuple[float, ...]] = {
    "skull_x": (1.00, 0.90, 0.96, 1.02, 0.86),
    "skull_y": (0.86, 0.90, 0.82, 0.92, 0.92),
    "skull_z": (0.86, 0.88, 0.86, 0.90, 0.84),
    "cheek_x": (0.48, 0.34, 0.58, 0.42, 0.40),
    "cheek_y": (-0.34, -0.38, -0.32, -0.30, -0.36),
    "cheek_r": (0.50, 0.42, 0.50, 0.50, 0.48),
    "muzzle_y": (-0.32, -0.34, -0.32, -0.32, -0.34),
    "muzzle_z": (0.72, 0.82, 0.80, 0.80, 0.70),
    "muzzle_x_r": (0.34, 0.36, 0.24, 0.38, 0.30),
    "muzzle_y_r": (0.26, 0.32, 0.22, 0.31, 0.27),
    "muzzle_z_r": (0.32, 0.56, 0.66, 0.42, 0.28),
    "ear_x": (0.60, 0.76, 0.58, 0.70, 0.34),
    "ear_y": (0.50, 0.46, 0.48, 0.58, 0.62),
    "ear_tilt": (0.36, 2.72, 0.30, 0.70, 0.14),
    "ear_length": (0.42, 0.52, 0.48, 0.26, 0.72),
    "ear_width": (0.36, 0.27, 0.34, 0.32, 0.22),
    "ear_depth": (0.17, 0.15, 0.17, 0.20, 0.15),
    "ear_taper": (0.85, 0.10, 0.85, 0.00, 0.18),
    "eye_x": (0.40, 0.36, 0.37, 0.36, 0.42),
    "eye_y": (0.10, 0.14, 0.10, 0.12, 0.12),
    "eye_r": (0.235, 0.195, 0.195, 0.170, 0.225),
    "nose_r": (0.105, 0.150, 0.120, 0.155, 0.095),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths of N critters, each `[N, 1]`, named as in the table of prototypes."""

    skull_x: Tensor
    skull_y: Tensor
    skull_z: Tensor
    cheek_x: Tensor
    cheek_y: Tensor
    cheek_r: Tensor
    muzzle_y: Tensor
    muzzle_z: Tensor
    muzzle_x_r: Tensor
    muzzle_y_r: Tensor
    muzzle_z_r: Tensor
    ear_x: Tensor
    ear_y: Tensor
    ear_tilt: Tensor
    ear_length: Tensor
    ear_width: Tensor
    ear_depth: Tensor
    ear_taper: Tensor
    eye_x: Tensor
    eye_y: Tensor
    eye_z: Tensor
    eye_r: Tensor
    nose_y: Tensor
    nose_z: Tensor
    nose_r: Tensor


def shape_of(a: Attributes) -> Shape:
    """Blend the prototypes by species and apply the continuous attributes."""
    table = torch.tensor(list(_PROTOTYPES.values()), device=a.yaw.device)
    blended = dict(zip(_PROTOTYPES, (a.species @ table.T).unsqueeze(-1).unbind(1), strict=True))

    def column(values: Tensor) -> Tensor:
        return values[:, None]

    blended["skull_x"] = blended["skull_x"] * column(a.head_width)
    blended["cheek_r"] = blended["cheek_r"] * column(a.cheeks)
    blended["muzzle_z_r"] = blended["muzzle_z_r"] * column(a.muzzle_length)
    blended["ear_length"] = blended["ear_length"] * column(a.ear_size)
    blended["ear_width"] = blended["ear_width"] * column(0.5 + 0.5 * a.ear_size)
    blended["ear_tilt"] = blended["ear_tilt"] + column(a.ear_tilt)
    blended["eye_r"] = blended["eye_r"] * column(a.eye_size)
    # The eye sits in the skull so that slightly less than half of it is visible.
    x, y = blended["eye_x"] / blended["skull_x"], blended["eye_y"] / blended["skull_y"]
    surface = blended["skull_z"] * (1 - x * x - y * y).clamp(min=0.05).sqrt()
    eye_z = surface - 0.30 * blended["eye_r"]
    nose_y = blended["muzzle_y"] + 0.42 * blended["muzzle_y_r"]
    nose_z = blended["muzzle_z"] + 0.90 * blended["muzzle_z_r"]
    return Shape(**blended, eye_z=eye_z, nose_y=nose_y, nose_z=nose_z)


def ellipsoid(x: Tensor, y: Tensor, z: Tensor, rx: Tensor, ry: Tensor, rz: Tensor) -> Tensor:
    """Return distance to an ellipsoid at the origin, exact at its surface to first order."""
    x, y, z = x / rx, y / ry, z / rz
    near = (x * x + y * y + z * z).sqrt()
    x, y, z = x / rx, y / ry, z / rz
    return near * (near - 1) / ((x * x + y * y + z * z).sqrt() + 1e-6)


def smooth_min(a: Tensor, b: Tensor, k: float) -> Tensor:
    """Return polynomial smooth minimum with blend radius `k`."""
    h = (0.5 + 0.5 * (b - a) / k).clamp(0, 1)
    return b + h * (a - b) - k * h * (1 - h)


def ear_frame(s: Shape, ax: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Return coordinates along the ear from its root (0 .. 2 lengths) and across it (positive outwards)."""
    sin, cos = torch.sin(s.ear_tilt), torch.cos(s.ear_tilt)
    dx, dy = ax - s.ear_x, y - s.ear_y
    return dx * sin + dy * cos, dx * cos - dy * sin


def parts(s: Shape, x: Tensor, y: Tensor, z: Tensor, mouth_open: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return distances `[N, P]` to head, ears, eyes and nose at points `[N, P]` in head coordinates."""
    ax = x.abs()
    head = ellipsoid(x, y, z, s.skull_x, s.skull_y, s.skull_z)
    cheek = ellipsoid(ax - s.cheek_x, y - s.cheek_y, z - 0.22, s.cheek_r, s.cheek_r * 0.85, s.cheek_r)
    head = smooth_min(head, cheek, 0.25)
    muzzle = ellipsoid(x, y - s.muzzle_y, z - s.muzzle_z, s.muzzle_x_r, s.muzzle_y_r, s.muzzle_z_r)
    drop = 0.16 + 0.14 * mouth_open
    jaw = ellipsoid(
        x,
        y - s.muzzle_y + drop,
        z - s.muzzle_z + 0.10,
        s.muzzle_x_r * 0.75,
        s.muzzle_y_r * 0.75,
        s.muzzle_z_r * 0.80,
    )
    head = smooth_min(head, smooth_min(muzzle, jaw, 0.06), 0.16)
    along, across = ear_frame(s, ax, y)
    along = along - s.ear_length * 0.85
    thin = (1 - s.ear_taper * (0.5 + 0.5 * along / s.ear_length)).clamp(0.16, 1.0)
    back = z + 0.02 + 0.10 * torch.cos(s.ear_tilt) * along
    ear = ellipsoid(across, along, back, s.ear_width * thin, s.ear_length, s.ear_depth * (0.4 + 0.6 * thin))
    eye = ((ax - s.eye_x).square() + (y - s.eye_y).square() + (z - s.eye_z).square()).sqrt() - s.eye_r
    nose = ellipsoid(x, y - s.nose_y, z - s.nose_z, s.nose_r * 1.25, s.nose_r * 0.85, s.nose_r)
    return head, ear * 0.8, eye, nose


def head_distance(s: Shape, x: Tensor, y: Tensor, z: Tensor, mouth_open: Tensor) -> Tensor:
    """Return distance `[N, P]` to the whole critter."""
    head, ear, eye, nose = parts(s, x, y, z, mouth_open)
    return torch.minimum(torch.minimum(smooth_min(head, ear, 0.10), eye), nose)
