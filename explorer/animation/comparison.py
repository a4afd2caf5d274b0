"""A film of two generators side by side with the same motion, to compare how details move."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from explorer.checkpoints import bundled
from explorer.errors import UsageError
from explorer.state import (
    Animation,
    Classes,
    ExplorerState,
    Latent,
    Look,
    Timeline,
    Transform,
    Truncation,
    ViewState,
)

if TYPE_CHECKING:
    from explorer.animation.recorder import Recorder
    from explorer.state.request import RenderSettings

__all__ = ["MOTIONS", "Comparison", "Motion", "recorder_of"]

Motion = Literal["translate", "rotate", "walk"]

MOTIONS: tuple[Motion, ...] = get_args(Motion)

MIN_PICTURE_PX = 384
"""Smaller pictures are enlarged to about this size in pixels."""

RADIUS = 0.1
"""Radius of the circle of `translate` in image widths: within the range StyleGAN3 was trained for."""

WALK_SPEED = 1.0
"""Speed of `walk` in seeds per second."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two models. `left` and `right` are files or bundled names; `seed` is the start."""

    left: str
    right: str
    motion: Motion = "translate"
    seconds: float = 6.0
    fps: int = 30
    seed: int = 1
    psi: float = 0.7
    classes: Classes = field(default_factory=Classes)

    def __post_init__(self) -> None:
        if self.motion not in MOTIONS:
            raise UsageError(f"There is no motion {self.motion!r}.", f"Choose one of: {', '.join(MOTIONS)}.")
        if not (math.isfinite(self.seconds) and 0.0 < self.seconds <= 3600.0):
            raise UsageError(f"A video of {self.seconds} seconds cannot be made.", "Choose up to 3600 seconds.")
        if not math.isfinite(self.psi):
            raise UsageError(f"A truncation of {self.psi} is not a finite number.", "For example 0.7.")
        if not 1 <= self.fps <= 240:
            raise UsageError(f"A video of {self.fps} frames per second cannot be made.", "Choose from 1 to 240.")

    @property
    def frames(self) -> int:
        """Number of frames, at least one."""
        return max(1, round(self.seconds * self.fps))

    @property
    def animation(self) -> Animation:
        """The motion of the picture: whole periods of about four seconds, so that the film loops."""
        rounds = max(1, round(self.seconds / 4.0))
        if self.motion == "translate":
            return Animation("circle", rounds * 2.0 * math.pi * RADIUS / self.seconds, RADIUS)
        if self.motion == "rotate":
            return Animation("spin", rounds / self.seconds)
        return Animation()

    @property
    def state(self) -> ExplorerState:
        """The project of the film, which can be opened in the window."""
        look = Look(
            latent=Latent(self.seed),
            classes=self.classes,
            truncation=Truncation(self.psi),
            transform=Transform(animation=self.animation),
            drift=WALK_SPEED if self.motion == "walk" else 0.0,
        )
        timeline = Timeline(duration=self.seconds, fps=float(self.fps))
        return ExplorerState(
            shared=look, views=(ViewState(model=self.left), ViewState(model=self.right)), timeline=timeline
        )


def recorder_of(
    comparison: Comparison, path: Path, settings: RenderSettings | None = None, *, overwrite: bool = False
) -> Recorder:
    """Return the recorder of a comparison's film, with captions that name both models.

    Args:
        comparison: The models and the motion.
        path: The film; its folder must exist.
        settings: Device, precision and kernels of both sides.
        overwrite: Whether an existing file may be replaced.

    Raises:
        LatentwalkError: A model cannot be loaded, or the film cannot be written there.
    """
    from explorer.animation.film import FilmRenderer, whole_film
    from explorer.animation.formats import format_of_path
    from explorer.animation.job import FilmJob
    from explorer.animation.recorder import Recorder
    from explorer.render.headless import open_model
    from explorer.state.request import RenderSettings

    settings = settings or RenderSettings()
    opened = functools.cache(open_model)  # the film's renderer opens the same models again
    models = [bundled.resolve(name) for name in (comparison.left, comparison.right)]
    largest = max(opened(model, settings)[1].info.img_size[0] for model in models)
    kind = format_of_path(path)
    side = kind.side or largest * max(1, round(MIN_PICTURE_PX / largest))
    film = whole_film(comparison.state, format=kind.key, captions=True, side=side)
    renderer = functools.partial(FilmRenderer, open_with=opened)
    job = FilmJob(path, film, comparison.state, settings=settings)
    return Recorder(job, overwrite=overwrite, make_renderer=renderer)
