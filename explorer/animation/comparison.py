"""A video of two generators side by side under one motion: how each carries its details when the picture moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from explorer.animation.writer import VideoWriter
from explorer.errors import UsageError
from explorer.motion import animated_offset
from explorer.render.headless import open_model
from explorer.state import Animation, Latent, Look, Transform, Truncation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.render.request import ModelFacts, RenderSettings

__all__ = ["MOTIONS", "Comparison", "Motion", "Sheet", "render_comparison"]

Motion = Literal["translate", "rotate", "walk"]

MOTIONS: tuple[Motion, ...] = get_args(Motion)

MIN_PICTURE_PX = 384
"""Smaller pictures are enlarged to about this size, so that a player need not."""

RADIUS = 0.1
"""Of the circle of `translate`, in image widths: within what StyleGAN3 is trained to show."""

WALK_SPEED = 1.0
"""Of `walk`, in seeds a second."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the video shows. `left` and `right` are files or bundled names; `seed` is where it begins."""

    left: str
    right: str
    motion: Motion = "translate"
    seconds: float = 6.0
    fps: int = 30
    seed: int = 1
    psi: float = 0.7

    def __post_init__(self) -> None:
        if self.motion not in MOTIONS:
            raise UsageError(f"There is no motion {self.motion!r}.", f"Choose one of: {', '.join(MOTIONS)}.")
        if not (math.isfinite(self.seconds) and 0.0 < self.seconds <= 3600.0):
            raise UsageError(f"A video of {self.seconds} seconds cannot be made.", "Choose up to 3600 seconds.")
        if not 1 <= self.fps <= 240:
            raise UsageError(f"A video of {self.fps} frames a second cannot be made.", "Choose from 1 to 240.")

    @property
    def frames(self) -> int:
        """How many frames the video has, at least one."""
        return max(1, round(self.seconds * self.fps))

    @property
    def animation(self) -> Animation:
        """The motion of the picture: whole rounds of about four seconds, so that the video loops."""
        rounds = max(1, round(self.seconds / 4.0))
        if self.motion == "translate":
            return Animation("circle", rounds * 2.0 * math.pi * RADIUS / self.seconds, RADIUS)
        if self.motion == "rotate":
            return Animation("spin", rounds / self.seconds)
        return Animation()

    def look(self, time: float) -> Look:
        """The look of both sides at `time` seconds; the animation is a function of the time that is rendered."""
        x = WALK_SPEED * time if self.motion == "walk" else 0.0
        return Look(
            latent=Latent(self.seed, x),
            truncation=Truncation(self.psi),
            transform=Transform(animation=self.animation),
        )

    def caption(self, time: float) -> str:
        """The motion in numbers."""
        if self.motion == "walk":
            return f"walk   seed {self.seed} {WALK_SPEED * time:+.2f}"
        dx, dy, degrees = animated_offset(self.animation, time)
        return f"rotate   {degrees:5.1f}°" if self.motion == "rotate" else f"translate   x {dx:+.3f}   y {dy:+.3f}"


def render_comparison(
    comparison: Comparison,
    path: Path,
    settings: RenderSettings | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Renders every frame of a comparison into an MP4 file.

    Args:
        comparison: What to show.
        path: The video; its folder must exist.
        settings: Device, precision and kernels of both sides.
        progress: Called with (frames done, frames in all) after each frame.

    Raises:
        LatentwalkError: A model cannot be loaded or rendered.
        OSError: The video cannot be written.
    """
    sides = [open_model(model, settings) for model in (comparison.left, comparison.right)]
    sheet = Sheet([facts for _, facts in sides])
    with VideoWriter(path, comparison.fps) as writer:
        for i in range(comparison.frames):
            time = i / comparison.fps
            look = comparison.look(time)
            pictures = [renderer.render_look(look, time=time).pixels for renderer, _ in sides]
            writer.add(sheet.compose(pictures, comparison.caption(time)))
            progress(i + 1, comparison.frames)


class Sheet:
    """The page of a frame: the pictures in a row, each under its letter and name, the motion below."""

    GAP = 16
    BAR = 40
    COLOURS = ((86, 180, 233), (230, 159, 0))  # told apart by all kinds of colour vision
    BACKGROUND = (24, 24, 26)
    TEXT = (222, 222, 222)

    def __init__(self, facts: list[ModelFacts]) -> None:
        largest = max(item.info.img_resolution for item in facts)
        self.side = largest * max(1, round(MIN_PICTURE_PX / largest))
        self._font = ImageFont.load_default(18)
        count = len(facts)
        size = (count * self.side + (count + 1) * self.GAP, self.side + 2 * self.BAR)
        self._page = Image.new("RGB", size, self.BACKGROUND)
        draw = ImageDraw.Draw(self._page)
        for i, item in enumerate(facts):
            left = self._left(i)
            draw.text((left, self.BAR // 2), "AB"[i], self.COLOURS[i], self._font, anchor="lm")
            name = self._shortened(item.name, self.side - 24)
            draw.text((left + 24, self.BAR // 2), name, self.TEXT, self._font, anchor="lm")

    def compose(self, pictures: list[NDArray[np.uint8]], caption: str) -> NDArray[np.uint8]:
        """One frame, uint8 `[H, W, 3]`."""
        page = self._page.copy()
        for i, picture in enumerate(pictures):
            image = Image.fromarray(picture)
            if image.size != (self.side, self.side):
                image = image.resize((self.side, self.side), Image.Resampling.BICUBIC)
            page.paste(image, (self._left(i), self.BAR))
        place = (self.GAP, page.height - self.BAR // 2)
        ImageDraw.Draw(page).text(place, caption, self.TEXT, self._font, anchor="lm")
        return np.asarray(page)

    def _left(self, i: int) -> int:
        return self.GAP + i * (self.side + self.GAP)

    def _shortened(self, name: str, width: int) -> str:
        if self._font.getlength(name) <= width:
            return name
        while name and self._font.getlength(name + "…") > width:
            name = name[:-1]
        return name + "…"
