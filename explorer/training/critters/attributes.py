"""From a Gaussian latent to the exact attributes of a critter.

Every attribute is a smooth function of the latent, even species and coat pattern, which are softmax weights over
prototypes: a picture nearly always shows one species, and linear interpolation of latents morphs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from explorer.training.seeds import seed_of

__all__ = ["ATTRIBUTE_DIM", "LATENT_DIM", "PALETTES", "PATTERNS", "SPECIES", "Attributes", "attributes", "latents"]

LATENT_DIM = 64
SPECIES = ("cat", "dog", "fox", "bear", "rabbit")
PATTERNS = ("plain", "stripes", "spots", "patches")
# (coat, pattern and marking) in sRGB.
PALETTES: dict[str, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    "ginger": ((0.93, 0.52, 0.16), (0.50, 0.20, 0.05)),
    "grey": ((0.62, 0.65, 0.70), (0.20, 0.22, 0.27)),
    "brown": ((0.55, 0.35, 0.20), (0.23, 0.12, 0.06)),
    "black": ((0.24, 0.23, 0.27), (0.74, 0.72, 0.74)),
    "white": ((0.95, 0.93, 0.90), (0.34, 0.29, 0.28)),
    "gold": ((0.95, 0.77, 0.38), (0.45, 0.26, 0.08)),
    "teal": ((0.36, 0.70, 0.70), (0.08, 0.27, 0.34)),
}
_SHARPNESS = 5.0

# Entries of the latent, in the order they are consumed by `attributes`.
ATTRIBUTE_DIM = len(SPECIES) + len(PALETTES) + len(PATTERNS) + 27


@dataclass(frozen=True, slots=True)
class Attributes:
    """Exact attributes of N critters. Angles in radians, lengths in head radii or fractions of the picture.

    `species [N, 5]`, `palette [N, 7]` and `pattern [N, 4]` are weights that sum to one; `background [N, 2, 3]`
    is the top and bottom colour; all others are `[N]` float32.
    """

    species: Tensor
    palette: Tensor
    pattern: Tensor
    background: Tensor
    yaw: Tensor
    pitch: Tensor
    roll: Tensor
    shift_x: Tensor
    shift_y: Tensor
    size: Tensor
    brightness: Tensor
    pattern_phase: Tensor
    pattern_scale: Tensor
    pattern_contrast: Tensor
    eye_hue: Tensor
    eye_size: Tensor
    gaze_x: Tensor
    gaze_y: Tensor
    ear_size: Tensor
    ear_tilt: Tensor
    mouth_open: Tensor
    muzzle_length: Tensor
    head_width: Tensor
    cheeks: Tensor
    pale_muzzle: Tensor
    light_x: Tensor
    light_y: Tensor
    fur_length: Tensor

    def __len__(self) -> int:
        return int(self.yaw.shape[0])

    def __getitem__(self, index: slice) -> Attributes:
        return Attributes(**{f.name: getattr(self, f.name)[index] for f in fields(self)})


def latents(count: int, seed: int, start: int = 0) -> Tensor:
    """Return the latents `[count, 64]` float32 of pictures `start ...` of data set `seed`; any slice agrees."""
    rows = []
    for index in range(start, start + count):
        generator = torch.Generator().manual_seed(seed_of(seed, index))
        rows.append(torch.randn(LATENT_DIM, generator=generator))
    return torch.stack(rows)


def attributes(latent: Tensor) -> Attributes:
    """Return the attributes of `latent` `[N, 64]`, on its device.

    The latent is first scaled to unit mean square, as in a mapping network, so that attributes are a function of
    what a generator sees.
    """
    u = latent.to(torch.float32)
    u = u * (u.square().mean(1, keepdim=True) + 1e-8).rsqrt()
    position = 0

    def take(count: int) -> Tensor:
        nonlocal position
        position += count
        return u[:, position - count : position]

    def uniform(low: float, high: float) -> Tensor:
        fraction = 0.5 * (1 + torch.erf(take(1)[:, 0] / math.sqrt(2)))
        return low + (high - low) * fraction

    def weights(count: int) -> Tensor:
        return torch.softmax(_SHARPNESS * take(count), dim=1)

    species, palette, pattern = weights(len(SPECIES)), weights(len(PALETTES)), weights(len(PATTERNS))
    yaw, pitch, roll = uniform(-0.65, 0.65), uniform(-0.28, 0.28), uniform(-0.26, 0.26)
    shift_x, shift_y, size = uniform(-0.08, 0.08), uniform(-0.06, 0.06), uniform(0.30, 0.38)
    background = _background(take(2), uniform(0.0, 1.0))
    result = Attributes(
        species=species,
        palette=palette,
        pattern=pattern,
        background=background,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        shift_x=shift_x,
        shift_y=shift_y,
        size=size,
        brightness=uniform(0.88, 1.10),
        pattern_phase=uniform(-1.0, 1.0),
        pattern_scale=uniform(0.85, 1.15),
        pattern_contrast=uniform(0.75, 1.0),
        eye_hue=uniform(0.0, 1.0),
        eye_size=uniform(0.88, 1.18),
        gaze_x=uniform(-0.25, 0.25),
        gaze_y=uniform(-0.15, 0.15),
        ear_size=uniform(0.85, 1.15),
        ear_tilt=uniform(-0.15, 0.15),
        mouth_open=uniform(-0.6, 1.0).clamp(min=0.0),
        muzzle_length=uniform(0.85, 1.2),
        head_width=uniform(0.93, 1.07),
        cheeks=uniform(0.85, 1.15),
        pale_muzzle=uniform(0.1, 1.0),
        light_x=uniform(-0.7, 0.7),
        light_y=uniform(0.35, 0.9),
        fur_length=uniform(0.3, 1.0),
    )
    assert position == ATTRIBUTE_DIM <= LATENT_DIM, (position, ATTRIBUTE_DIM)
    return result


def _background(direction: Tensor, lightness: Tensor) -> Tensor:
    """Return two pastel colours `[N, 2, 3]` whose hue is the angle of a 2-D Gaussian, so that it has no seam."""
    hue = torch.atan2(direction[:, 1], direction[:, 0])
    offsets = torch.tensor([0.0, 2.0, 4.0], device=direction.device) * (math.pi / 3)
    top = 0.5 + 0.5 * torch.cos(hue[:, None] - offsets)
    bottom = 0.5 + 0.5 * torch.cos(hue[:, None] + 0.7 - offsets)
    light = (0.55 + 0.25 * lightness)[:, None]
    return torch.stack([light + 0.05 + 0.22 * (top - 0.4), light - 0.06 + 0.26 * (bottom - 0.4)], 1).clamp(0, 1)
