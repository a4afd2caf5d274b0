"""One table of the controls that have no effect, and the reasons."""

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from explorer.edits.bend import NO_RESIZE
from explorer.state import Tap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explorer.generators.base import GeneratorInfo
    from explorer.state import Look

__all__ = ["NO_MODEL", "OF_A_MODEL", "availability"]

PICTURE = Tap()

NO_MODEL = "No model is loaded"

LATENT_ALONE = "This network makes pictures from a latent alone"

NO_SKIP = (
    "This network has no high-pass skip, so there is no mask: fine details of the source, such as hair and "
    "wrinkles, are lost, and made anew by the style"
)

OF_A_MODEL = (
    "truncation.psi", "truncation.cutoff", "truncation.layer_psi",
    "latent.save", "latent_map", "mixing", "edits", "breeding", "favourites",
    "noise.mode", "noise.seed", "noise.strength", "noise.layer_strengths",
    "transform.x", "transform.y", "transform.rotate", "transform.scale_x", "transform.scale_y", "transform.shear",
    "transform.matrix",
    "source.picture", "source.crop", "source.masks", "source.style",
    "tap.layer", "tap.channels", "tap.first_channel", "tap.scale_db", "tap.spectrum", "tap.normalize",
)  # fmt: skip
"""Paths of controls that need a model, as in `CONTROLS`, or of a field or a part of the look."""


def availability(info: GeneratorInfo | None, look: Look, tap: Tap = PICTURE) -> Mapping[str, str]:
    """Return the reasons why controls have no effect, by path; other controls are available.

    Args:
        info: The network; None while no model is loaded.
        look: The look changed by the controls.
        tap: The part of the network that the view shows.

    Returns:
        Path of a control -> reason to show as its tooltip. Equal reasons give the same object.
    """
    has_picture = bool(look.source.picture) and look.source.view < 0
    return _reasons(info, look.noise.mode, look.transform.animation.kind, tap, has_picture)


@lru_cache(maxsize=64)
def _reasons(info: GeneratorInfo | None, noise: str, motion: str, tap: Tap, has_picture: bool) -> Mapping[str, str]:
    # Of several reasons the first is shown: it must be resolved before the others matter.
    reasons: dict[str, str] = {}
    for path, reason in _all_reasons(info, noise, motion, tap, has_picture):
        reasons.setdefault(path, reason)
    return MappingProxyType(reasons)


def _all_reasons(
    info: GeneratorInfo | None, noise: str, motion: str, tap: Tap, has_picture: bool
) -> Iterator[tuple[str, str]]:
    if info is None:
        yield from ((path, NO_MODEL) for path in OF_A_MODEL)
    elif not info.has_noise:
        reason = f"{info.family} has no noise inputs: its detail comes from w only"
        yield from ((path, reason) for path in OF_A_MODEL if path.startswith("noise."))
    if info is not None and info.w_dim < 2:
        yield "latent_map", f"{info.family} has no latent w with directions to map"
    if info is not None and not info.can_resize:
        yield "bend.resize", NO_RESIZE
    if info is not None:
        yield from _source_reasons(info, has_picture)
    if noise == "none":
        yield "noise.strength", "Noise is switched off"
        yield "noise.layer_strengths", "Noise is switched off"
    if noise != "random":
        yield "noise.seed", "Only random noise has a seed"
    if motion == "none":
        yield "transform.animation.speed", "The picture is not moving: choose a motion"
        yield "transform.animation.radius", "The picture is not moving: choose a motion"
    if motion == "spin":
        yield "transform.animation.radius", "A spin has no radius"
    yield from _tap_reasons(info, tap)


def _source_reasons(info: GeneratorInfo, has_picture: bool) -> Iterator[tuple[str, str]]:
    if not info.source_channels:
        yield "source.picture", LATENT_ALONE
        yield "source.crop", LATENT_ALONE
        yield "source.masks", LATENT_ALONE
    if not has_picture:
        yield "source.crop", "There is no source picture to crop"
    if not info.num_masks:
        yield "source.masks", NO_SKIP
    if not info.encodes_style:
        yield "source.style", "This network cannot take the style of a picture"


def _tap_reasons(info: GeneratorInfo | None, tap: Tap) -> Iterator[tuple[str, str]]:
    layer = next((layer for layer in info.layers if layer.name == tap.layer), None) if info is not None else None
    if layer is None:
        final = "The final picture is already RGB: choose a layer first"
        yield "tap.channels", final
        yield "tap.first_channel", final
        if not tap.spectrum:  # a spectrum is fitted, too
            yield "tap.normalize", final
    elif tap.channels == "norm":
        yield "tap.first_channel", "The norm runs over all channels"
    elif layer.channels < 2:
        yield "tap.first_channel", "This layer has one channel"
