"""A look: everything that decides a generator's picture, in aspects that views share or own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from explorer.edits.base import Edit
from explorer.state.latents import Latent, Mixing, Truncation
from explorer.util.asset_ids import AssetId

__all__ = ["ASPECTS", "Animation", "Classes", "Crop", "Look", "Noise", "Source", "Transform"]


@dataclass(frozen=True, slots=True)
class Classes:
    """Mixture of classes of a conditional generator as (class index, weight); empty = class 0."""

    weights: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise inputs: mode, seed of the random mode, strength for all and for single layers (name, factor)."""

    mode: Literal["none", "const", "random"] = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Animation:
    """Time-based motion of the transform: its kind, speed (widths/s or turns/s) and radius (image widths)."""

    kind: Literal["none", "circle", "spin", "shake"] = "none"
    speed: float = 0.1
    radius: float = 0.1


@dataclass(frozen=True, slots=True)
class Transform:
    """Forward motion of the picture: scale and shear, then rotation, then translation.

    `x`, `y`: image widths, right and down positive. `rotate`: degrees, counter-clockwise on screen. `scale_x`,
    `scale_y`: factors. `shear`: x shift per unit y. `matrix`: a free forward 2x3 matrix (row by row) applied
    last. `untransform`: resample the picture back by the inverse motion for display; `residual` shows
    instead how the result differs from the unmoved picture: signed around grey, or as a heat map.
    """

    x: float = 0.0
    y: float = 0.0
    rotate: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0
    shear: float = 0.0
    matrix: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    animation: Animation = Animation()
    untransform: bool = False
    residual: Literal["none", "difference", "heat"] = "none"


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of a source picture that a network is given; the picture itself is kept whole.

    At first the largest rectangle of the network's shape in the middle of the picture. `x`, `y`: how far its middle
    is moved, in widths of that rectangle, right and down positive. `scale`: its size as a factor. `rotate`: degrees
    by which it is turned on the picture, counter-clockwise on screen.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0
    rotate: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """The inputs of an image-to-image network besides styles; other networks ignore them.

    `picture`: a `StoredPicture`. `masks`: `StoredMask`s, in the order in which the network takes them. `crop`: the
    part of the picture, and of masks, that it is given. `view`: number of the view whose picture is the source
    instead, as it changes; -1 for none.
    """

    picture: AssetId = ""
    masks: tuple[AssetId, ...] = ()
    crop: Crop = Crop()
    view: int = -1


@dataclass(frozen=True, slots=True)
class Look:
    """Everything that decides a generator's picture; each field is an aspect that views can share or own."""

    latent: Latent = Latent()
    drift: float = 0.0  # seeds per second along x
    classes: Classes = Classes()
    truncation: Truncation = Truncation()
    mixing: Mixing = Mixing()
    edits: tuple[Edit, ...] = ()  # in the order in which they are applied
    noise: Noise = Noise()
    transform: Transform = Transform()
    source: Source = Source()


ASPECTS: tuple[str, ...] = tuple(f.name for f in fields(Look))
"""The names of `Look`'s fields, in order."""
