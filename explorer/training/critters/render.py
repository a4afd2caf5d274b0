"""Pictures of critters: sphere tracing, materials, light and soft backgrounds, batched in torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.training.critters.coat import coat_colour, strands
from explorer.training.critters.shape import Shape, head_distance, parts, shape_of

if TYPE_CHECKING:
    from explorer.training.critters.attributes import Attributes

__all__ = ["camera_rays", "render", "rotation"]

_CAMERA = 5.2  # distance of the camera from the picture plane, in half picture widths
_STEPS = 24
_STRIDE = 4  # steps between two selections of the rays still to be traced
_TOGETHER = 16384  # rays per block, so that its data fit a processor's cache
_REGISTERS = 64  # the number of rays per block is a multiple of this
_REACH = 2.3  # radius of a sphere around any critter, in head units


def rotation(a: Attributes) -> Tensor:
    """Return head-to-world rotations `[N, 3, 3]`: yaw, then pitch, then roll."""
    zero, one = torch.zeros_like(a.yaw), torch.ones_like(a.yaw)

    def matrix(*entries: Tensor) -> Tensor:
        return torch.stack(entries, 1).reshape(-1, 3, 3)

    sy, cy, sp, cp, sr, cr = (f(v) for v in (a.yaw, a.pitch, a.roll) for f in (torch.sin, torch.cos))
    yaw = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    pitch = matrix(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    roll = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return roll @ pitch @ yaw


def camera_rays(a: Attributes, side: int) -> tuple[Tensor, Tensor]:
    """Return origins `[N, 1, 3]` and unit directions `[N, P, 3]` in head coordinates for `side` x `side` rays."""
    device = a.yaw.device
    axis = (torch.arange(side, device=device) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    plane = torch.stack([x, y, torch.zeros_like(x)], -1).reshape(1, -1, 3)
    centre = torch.stack([2 * a.shift_x, -2 * a.shift_y - 0.10, torch.zeros_like(a.yaw)], 1)[:, None]
    eye = torch.tensor([0.0, 0.0, _CAMERA], device=device)
    unit = 2 * a.size[:, None, None]
    turn = rotation(a)  # row vector times matrix applies the inverse
    origin = ((eye - centre) / unit) @ turn
    direction = F.normalize((plane - eye).expand(len(a), -1, -1) @ turn, dim=-1)
    return origin, direction


def _trace(s: Shape, origin: Tensor, direction: Tensor, mouth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distances along the rays and the field there, both `[N, P]`; the field is small where a ray hit.

    A ray that has left the bounding sphere cannot hit anything and is not traced further.
    """
    middle = -(origin * direction).sum(-1)
    miss = origin.square().sum(-1) - middle.square()
    half = (_REACH**2 - miss).clamp(min=0).sqrt()
    t, far = middle - half, middle + half
    distance = torch.zeros_like(t)
    ox, oy, oz = origin.unbind(-1)
    for step in range(0, _STEPS, _STRIDE):
        for pixels in torch.split(_followed(t <= far), _TOGETHER):
            length, field = t[:, pixels], distance[:, pixels]
            dx, dy, dz = direction[:, pixels].unbind(-1)
            for _ in range(step, min(step + _STRIDE, _STEPS)):
                field = head_distance(s, ox + length * dx, oy + length * dy, oz + length * dz, mouth)
                length = length + 0.92 * field.clamp(min=-0.2)
            t[:, pixels], distance[:, pixels] = length, field
    return t, distance


def _followed(wanted: Tensor) -> Tensor:
    """Return the indices of the rays that any picture needs, from `[N, P]`.

    They are padded to whole vector registers, because a remainder would be rounded differently.
    """
    some = wanted.any(0)
    count = int(some.sum())
    others = (~some).nonzero()[: -count % _REGISTERS, 0]
    return torch.cat([some.nonzero()[:, 0], others])


def _normals(s: Shape, points: Tensor, mouth: Tensor) -> Tensor:
    """Return unit normals `[N, P, 3]` by the tetrahedron rule."""
    total = torch.zeros_like(points)
    for sx, sy, sz in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        corner = torch.tensor([sx, sy, sz], device=points.device, dtype=points.dtype)
        x, y, z = (points + 0.004 * corner).unbind(-1)
        total = total + corner * head_distance(s, x, y, z, mouth)[..., None]
    return F.normalize(total, dim=-1)


def _hue(hue: Tensor) -> Tensor:
    """Return vivid colours `[N, 1, 3]` from amber over green to blue for hue in 0..1."""
    stops = torch.tensor(
        [[0.85, 0.50, 0.08], [0.55, 0.72, 0.15], [0.12, 0.65, 0.45], [0.20, 0.50, 0.90]], device=hue.device
    )
    position = hue.clamp(0, 0.999) * 3
    low = position.floor().long()
    return torch.lerp(stops[low], stops[low + 1], (position - low)[:, None])[:, None]


def _eye_colour(a: Attributes, s: Shape, points: Tensor, light: Tensor) -> Tensor:
    """Return the colour `[N, P, 3]` of the eye: white, iris, pupil (a slit for cats and foxes), two highlights."""
    x, y, z = points.unbind(-1)
    side = torch.where(x > 0, 1.0, -1.0)
    out = torch.stack([(x - side * s.eye_x) / s.eye_r, (y - s.eye_y) / s.eye_r, (z - s.eye_z) / s.eye_r], -1)
    gx, gy = a.gaze_x[:, None] - 0.10 * side, a.gaze_y[:, None]
    u, v = out[..., 0] - gx, out[..., 1] - gy
    slit = (a.species[:, 0] + a.species[:, 2])[:, None]
    iris = torch.sigmoid((0.74 - (u * u + v * v).sqrt()) / 0.05)[..., None]
    pupil = torch.sigmoid(
        (0.42 - ((u * (1 + 0.9 * slit)).square() + (v * (1 - 0.2 * slit)).square()).sqrt()) / 0.05
    )
    white = torch.tensor([0.97, 0.97, 0.95], device=points.device)
    colour = torch.lerp(white.expand(points.shape), _hue(a.eye_hue).expand(points.shape), iris)
    colour = colour * (1 - 0.95 * pupil[..., None])
    near = light + torch.tensor([0.0, 0.0, 1.0], device=light.device)
    glint = ((out - F.normalize(near, dim=-1) * 0.95).square().sum(-1)).sqrt()
    spark = torch.sigmoid((0.26 - glint) / 0.04)[..., None]
    rim = torch.sigmoid((out[..., 2] - 0.25) / 0.05)[..., None]
    return torch.lerp(colour * (0.15 + 0.85 * rim), torch.ones_like(colour), spark)


def _mouth(a: Attributes, s: Shape, points: Tensor, colour: Tensor) -> Tensor:
    """Draw the mouth line, and the open mouth with its tongue, on the muzzle."""
    x, y, z = points.unbind(-1)
    width = s.muzzle_x_r * 0.80
    level = s.muzzle_y - 0.30 * s.muzzle_y_r
    front = torch.sigmoid((z - s.muzzle_z * 0.75) / 0.04)
    smile = level + 0.30 * (x / width).square() * s.muzzle_y_r
    inside = torch.sigmoid((width - x.abs()) / 0.03)
    line = torch.exp(-((y - smile) / 0.032).square()) * inside
    drop = (
        torch.exp(-(x / 0.028).square()) * torch.sigmoid((y - level) / 0.02) * torch.sigmoid((s.nose_y - y) / 0.02)
    )
    opened = a.mouth_open[:, None]
    depth = 0.34 * opened * (1 - (x / width).square()).clamp(min=0)
    gap = torch.sigmoid((smile - y) / 0.02) * torch.sigmoid((y - smile + depth) / 0.02) * inside * (opened > 0.02)
    tongue = torch.sigmoid((smile - 0.45 * depth - y) / 0.03)[..., None]
    flesh = torch.lerp(
        torch.tensor([0.25, 0.05, 0.07], device=x.device).expand(points.shape),
        torch.tensor([0.93, 0.42, 0.47], device=x.device).expand(points.shape),
        tongue,
    )
    colour = torch.lerp(colour, flesh, (gap * front)[..., None])
    ink = torch.maximum(line, drop) * front * (1 - gap)
    return torch.lerp(colour, colour * 0.12, ink.clamp(0, 1)[..., None])


def _whiskers(a: Attributes, s: Shape, origin: Tensor, direction: Tensor, depth: Tensor, pixel: float) -> Tensor:
    """Return the cover `[N, P]` in 0..1 of six whiskers: thin segments, widened to a ray and faded accordingly."""
    cover = torch.zeros_like(depth)
    strength = (0.9 * (a.species[:, 0] + a.species[:, 4]))[:, None]
    radius = torch.clamp(0.010 / (pixel / (2 * a.size[:, None])), max=1.0)
    for side in (-1.0, 1.0):
        for slope in (-0.14, 0.05, 0.24):
            one = torch.ones_like(s.muzzle_z)
            root = torch.stack([side * 0.20 * one, s.muzzle_y + 0.2 * slope, s.muzzle_z + 0.6 * s.muzzle_z_r], -1)
            span = torch.tensor([side * 0.95, slope - 0.05, -0.25], device=depth.device)
            # Closest approach of ray and segment.
            w = origin - root
            b = (direction * span).sum(-1)
            c = span.square().sum()
            d, e = (direction * w).sum(-1), (span * w).sum(-1)
            k = ((e - b * d) / (c - b * b).clamp(min=1e-4)).clamp(0, 1)
            t = k * b - d
            gap = (w + t[..., None] * direction - k[..., None] * span).square().sum(-1).sqrt()
            ray = pixel / (2 * a.size[:, None])
            line = torch.exp(-(gap / (0.55 * ray + 0.008 * (1 - 0.7 * k))).square()) * (1 - 0.5 * k)
            cover = torch.maximum(cover, line * (t < depth + 0.05))
    return cover * strength * radius.clamp(min=0.35)


def _background(a: Attributes, side: int) -> Tensor:
    """Return a soft vertical gradient with a light corner fall-off, `[N, P, 3]`."""
    axis = (torch.arange(side, device=a.yaw.device) + 0.5) / side
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    y, x = y.reshape(1, -1, 1), x.reshape(1, -1, 1)
    colour = torch.lerp(a.background[:, :1], a.background[:, 1:], y)
    return colour * (1 - 0.25 * ((x - 0.5).square() + (y - 0.5).square()))


def _shade(a: Attributes, s: Shape, points: Tensor, normal: Tensor, direction: Tensor) -> Tensor:
    """Return lit colour `[N, P, 3]` at surface points."""
    x, y, z = points.unbind(-1)
    mouth = a.mouth_open[:, None]
    head, ear, eye, nose = parts(s, x, y, z, mouth)
    turn = rotation(a)
    sun = torch.stack([a.light_x, a.light_y, torch.full_like(a.light_x, 0.75)], 1)[:, None]
    light = F.normalize(sun, dim=-1) @ turn
    on_ear = torch.sigmoid((head - ear) / 0.03)
    hair = strands(points, normal, a.fur_length[:, None])
    fur = coat_colour(a, s, points, normal, on_ear) * (1 + 0.075 * hair.clamp(-2.5, 2.5))[..., None]
    fur = _mouth(a, s, points, fur)
    socket = torch.sigmoid((eye - 0.035) / 0.012)[..., None]  # a dark eyelid line around the eye
    fur = fur * (0.25 + 0.75 * socket)
    facing = (normal * light).sum(-1, keepdim=True)
    up = (normal @ turn.transpose(1, 2))[..., 1:2]
    view = -(normal * direction).sum(-1, keepdim=True).clamp(max=0)
    lit = 0.42 + 0.10 * up + 0.58 * ((facing + 0.25) / 1.25).clamp(min=0)
    fur = fur * lit + 0.10 * (1 - view).pow(3) * lit
    half = F.normalize(light - direction, dim=-1)
    gloss = (normal * half).sum(-1, keepdim=True).clamp(min=0).pow(24)
    leather = torch.tensor([0.10, 0.07, 0.08], device=x.device)
    rosy = torch.tensor([0.80, 0.45, 0.47], device=x.device)
    pink = (0.8 * (a.species[:, 0] + a.species[:, 4]))[:, None, None]
    nose_colour = torch.lerp(leather, rosy, pink) * (0.55 + 0.45 * lit) + 0.55 * gloss
    is_eye = (eye < torch.minimum(torch.minimum(head, ear), nose))[..., None]
    is_nose = (nose < torch.minimum(torch.minimum(head, ear), eye))[..., None]
    colour = torch.where(is_eye, _eye_colour(a, s, points, light) * (0.75 + 0.25 * lit), fur)
    return torch.where(is_nose, nose_colour, colour)


def render(a: Attributes, resolution: int, supersample: int = 2) -> Tensor:
    """Return pictures `[N, 3, resolution, resolution]` float32 in 0..1, on the device of the attributes.

    Args:
        a: Attributes; they give the same critter at every resolution.
        resolution: Side in pixels.
        supersample: Rays per pixel along each side.
    """
    side = resolution * supersample
    s = shape_of(a)
    mouth = a.mouth_open[:, None]
    origin, direction = camera_rays(a, side)
    t, distance = _trace(s, origin, direction, mouth)
    pixel = 2 / side / (2 * a.size[:, None])
    cover = ((1.2 * pixel - distance) / (1.2 * pixel)).clamp(0, 1)
    pixels = _followed(cover > 0)  # the others only show the background
    points = origin + t[:, pixels, None] * direction[:, pixels]
    normal = _normals(s, points, mouth)
    colour = _shade(a, s, points, normal, direction[:, pixels])
    picture = _background(a, side)
    picture[:, pixels] = torch.lerp(picture[:, pixels], colour, cover[:, pixels, None])
    whisker = _whiskers(a, s, origin, direction, torch.where(cover > 0.5, t, 99.0), 2 / side)[..., None]
    picture = torch.lerp(picture, torch.full_like(picture, 0.97), 0.75 * whisker)
    picture = picture.clamp(0, 1).reshape(len(a), side, side, 3).permute(0, 3, 1, 2)
    return F.avg_pool2d(picture, supersample) if supersample > 1 else picture.contiguous()
