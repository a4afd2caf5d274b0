"""The coat: solid textures in head coordinates, so that every stripe, spot and strand moves with the head."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.training.critters.attributes import PALETTES, Attributes
from explorer.training.critters.shape import Shape, ear_frame

__all__ = ["coat_colour", "strands"]

_VOLUME = 48
_PERIOD = 2.4  # head units after which the noise volume repeats


@functools.cache
def _volume(device: str) -> Tensor:
    """Return a fixed tileable volume `[1, 3, 48, 48, 48]`: fine grain, distance to scattered points, blotches."""
    generator = torch.Generator().manual_seed(20240229)
    fine = torch.randn(_VOLUME, _VOLUME, _VOLUME, generator=generator)
    axis = (torch.arange(_VOLUME) + 0.5) / _VOLUME
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    cells = 5
    corner = torch.stack(torch.meshgrid(*[torch.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 3)
    points = (corner + 0.5 + 0.55 * (torch.rand(corner.shape, generator=generator) - 0.5)) / cells
    nearest = torch.full((_VOLUME,) * 3, 9.0)
    for point in points:
        delta = (grid - point).abs()
        delta = torch.minimum(delta, 1 - delta)
        nearest = torch.minimum(nearest, delta.square().sum(-1).sqrt())
    waves = torch.fft.fftfreq(_VOLUME, 1 / _VOLUME)
    radius = torch.stack(torch.meshgrid(waves, waves, waves, indexing="ij"), -1).norm(dim=-1)
    spectrum = torch.fft.fftn(torch.randn(_VOLUME, _VOLUME, _VOLUME, generator=generator))
    blotches = torch.fft.ifftn(spectrum * torch.exp(-((radius - 2.2) ** 2) / 1.2)).real
    blotches = blotches / blotches.std()
    return torch.stack([fine, nearest * cells, blotches])[None].to(device)


def _sample(points: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """Return the volume at `points` `[N, P, 3]`, trilinear and periodic: `[N, 3, P]`."""
    volume = F.pad(_volume(str(points.device)), (1, 1, 1, 1, 1, 1), mode="circular")
    unit = torch.remainder(points * scale / _PERIOD, 1.0)
    grid = (unit * _VOLUME + 1) / (_VOLUME + 2) * 2 - 1
    batch, count = points.shape[:2]
    flat = grid.reshape(1, 1, 1, batch * count, 3)
    result = F.grid_sample(volume, flat, align_corners=False, padding_mode="border")
    return result.reshape(3, batch, count).permute(1, 0, 2)


def strands(points: Tensor, normal: Tensor, length: Tensor) -> Tensor:
    """Return fur strands `[N, P]` of about unit variance: fine grain averaged along the lie of the fur.

    The fur lies away from the nose, along the surface. `points` and `normal` are `[N, P, 3]`, `length` `[N, 1]`.
    """
    nose = torch.tensor([0.0, -0.25, 1.3], device=points.device)
    flow = points - nose
    flow = flow - (flow * normal).sum(-1, keepdim=True) * normal
    flow = F.normalize(flow, dim=-1)
    steps = 6
    total = torch.zeros(points.shape[:2], device=points.device)
    for step in range(steps):
        offset = flow * (0.035 * (step - (steps - 1) / 2)) * length[..., None]
        total = total + _sample(points + offset, 1.35)[:, 0]
    return total / math.sqrt(steps) * 1.4


def _palette(a: Attributes) -> tuple[Tensor, Tensor]:
    """Return coat and marking colours `[N, 1, 3]`."""
    table = torch.tensor(list(PALETTES.values()), device=a.yaw.device)
    colours = torch.einsum("np,pkc->nkc", a.palette, table)
    bright = a.brightness[:, None]
    return (colours[:, 0] * bright)[:, None], (colours[:, 1] * bright)[:, None]


def _edge(value: Tensor, softness: float) -> Tensor:
    return torch.sigmoid(value / softness)


def pattern_weight(a: Attributes, points: Tensor) -> Tensor:
    """Return how much of the marking colour shows at `points` `[N, P, 3]`: `[N, P]` in 0..1."""
    scale = a.pattern_scale[:, None]
    phase = a.pattern_phase[:, None]
    x, y, z = points.unbind(-1)
    _, scatter, blotches = _sample(points * torch.tensor([1.0, 1.0, 0.8], device=points.device), 1.0).unbind(1)
    # Stripes run over the crown and round the cheeks: level lines of a warped latitude.
    ax = x.abs()
    warp = y + 0.55 * ax - 0.35 * z + 0.10 * torch.sin(3.0 * ax + 2.0 * z)
    stripes = _edge(torch.sin(7.2 * scale * warp + 2.2 * phase) - 0.1, 0.16)
    spots = _edge(0.43 + 0.06 * phase - scatter * scale, 0.045)
    patches = _edge(blotches + 0.8 * x * phase - 0.25, 0.14)
    weights = a.pattern[:, :, None]
    return weights[:, 1] * stripes + weights[:, 2] * spots + weights[:, 3] * patches


def coat_colour(a: Attributes, s: Shape, points: Tensor, normal: Tensor, ear: Tensor) -> Tensor:
    """Return albedo `[N, P, 3]` of the fur. `ear` `[N, P]` is 1 on ears; no strands yet."""
    base, marking = _palette(a)
    x, y, z = points.unbind(-1)
    ax = x.abs()
    species = a.species[:, :, None]
    amount = pattern_weight(a, points) * a.pattern_contrast[:, None]
    # Pale mask on muzzle, throat and (foxes) cheeks; patterns fade out there.
    low = _edge(-0.22 - y - 0.12 * (z < 0), 0.05)
    snout = _edge(1 - ((x / 0.36) ** 2 + ((y - s.muzzle_y) / 0.34) ** 2) * 1.0, 0.12) * _edge(z - 0.62, 0.06)
    chin = snout + species[:, 2] * low * _edge(ax * 0.9 + z * 0.3 - 0.25, 0.05)
    pale = (chin.clamp(0, 1) * a.pale_muzzle[:, None])[..., None]
    colour = torch.lerp(base.expand(points.shape), marking.expand(points.shape), amount[..., None])
    cream = 0.35 * base + 0.65 * torch.tensor([1.0, 0.97, 0.92], device=points.device)
    colour = torch.lerp(colour, cream.expand(points.shape), pale)
    # Ears: dark tips for foxes, pink inside where the ear faces the viewer.
    along, across = ear_frame(s, ax, y)
    along = along / (2 * s.ear_length)
    tip = ear * _edge(along - 0.58, 0.05) * species[:, 2]
    dark = 0.35 * marking + 0.02
    colour = torch.lerp(colour, dark.expand(points.shape), tip[..., None])
    half = s.ear_width * (1 - s.ear_taper * along.clamp(0, 1)).clamp(min=0.1) * 0.62
    hollow = 1 - (across / half).square() - ((along - 0.42) / 0.36).square()
    hanging = _edge(torch.cos(s.ear_tilt), 0.2)
    inside = ear * _edge(hollow, 0.15) * _edge(normal[..., 2] - 0.15, 0.1) * hanging
    pink = 0.30 * base + 0.70 * torch.tensor([0.95, 0.62, 0.62], device=points.device)
    return torch.lerp(colour, pink.expand(points.shape), inside[..., None] * 0.9)
