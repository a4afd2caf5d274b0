"""The description of a film, and its renderer: each frame is a pure function of its number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from explorer.animation.compose import (
    BACKGROUND,
    LAYOUTS,
    SINGLE,
    Composer,
    Layout,
    MotionBlur,
    caption_of,
    frame_size,
    resized,
    source_places,
)
from explorer.animation.formats import FORMATS, Quality, check_frame_size
from explorer.animation.player import Player, film_seconds, time_in_timeline, with_snapshot
from explorer.animation.restyle_grid import shown as shown_input
from explorer.assets.picture import StoredPicture
from explorer.assets.table import AssetTable
from explorer.checkpoints import bundled
from explorer.errors import FilmError, UsageError
from explorer.latents.descriptions import describe_classes
from explorer.latents.seeds import SEED_COUNT
from explorer.ops import native
from explorer.render.headless import HeadlessRenderer, open_model
from explorer.render.resolve import class_weights, live_request
from explorer.state import Crop, look_of, with_look
from explorer.state.class_names import named_classes
from explorer.state.restyle_grid import sources_of
from explorer.state.transforms import is_moving
from explorer.state.view_layout import compared, is_paired, visible_views
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.render.results import ModelInfo
    from explorer.state import ExplorerState, Latent, Look, Source
    from explorer.state.request import RenderRequest, RenderSettings

__all__ = ["Film", "FilmRenderer", "frame_size_of", "models_of", "rate_of", "shown_in", "whole_film"]

MAX_FRAMES = 24 * 3600 * 60
MAX_START = 1e9  # seconds; looping timelines are endless, but later frame times would lose precision
SHUTTER = Fraction(1, 2)
"""Fraction of a frame's duration over which samples are spread, like a film camera's 180 degree shutter."""


@dataclass(frozen=True, slots=True)
class Film:
    """How to make a film of a project. Stored in the job file, so that resuming needs nothing else.

    `start`, `seconds`: the part of the project's time. `rate`: frames per second as a fraction. `side`: height of
    each picture in pixels (0 = the network's). `samples`: pictures averaged for each frame.
    `layout`: one of `LAYOUTS`; "" is the project's own, "both" an older name of "all". `columns`, `rows`: of a grid
    of seeds. `captions`: whether text is burnt in.
    """

    seconds: float
    rate: tuple[int, int] = (30, 1)
    start: float = 0.0
    format: str = "mp4"
    quality: Quality = "good"
    side: int = 0
    samples: int = 1
    layout: str = ""
    columns: int = 2
    rows: int = 2
    captions: bool = False

    def check(self) -> None:
        """Raise UsageError for a film that cannot be made."""
        if self.format not in FORMATS:
            raise UsageError(f"There is no format {self.format!r}.", f"Choose one of {', '.join(FORMATS)}.")
        if not (self.rate[0] > 0 and self.rate[1] > 0 and 1 <= self.fps <= 240):
            raise UsageError("A film has 1 to 240 frames per second.", "For example 30, or 30000/1001.")
        fastest = FORMATS[self.format].max_fps
        if fastest and self.fps > fastest:
            message = f"A {self.format} film has up to {fastest} frames per second, not {float(self.fps):.5g}."
            raise UsageError(message, "Choose fewer, or another format.")
        if not (math.isfinite(self.seconds) and self.seconds > 0.0 and self.frames <= MAX_FRAMES):
            raise UsageError(f"A film of {self.seconds} seconds cannot be made.", "Choose up to a day.")
        if not 0.0 <= self.start <= MAX_START:
            raise UsageError(f"A film cannot begin at {self.start:g} seconds.", "Choose 0 or later.")
        if not (self.side == 0 or 16 <= self.side <= 8192):
            raise UsageError(f"Pictures {self.side} pixels high cannot be made.", "Choose 16 to 8192, or 0.")
        if not (1 <= self.samples <= 64 and 1 <= self.columns <= 16 and 1 <= self.rows <= 16):
            raise UsageError("Samples go from 1 to 64, columns and rows of a grid from 1 to 16.")

    @property
    def fps(self) -> Fraction:
        """Frames per second, exactly."""
        return Fraction(*self.rate)

    @property
    def frames(self) -> int:
        """Number of frames, at least one."""
        return max(1, round(Fraction(self.seconds) * self.fps))

    def size_of(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return the (height, width) of a picture in the film, given the network's `size` (0: not known yet)."""
        height, width = size
        if self.side in (0, height):
            return size
        return self.side, max(1, round(width * self.side / height)) if height else self.side

    def time_of(self, frame: int, sample: int = 0) -> float:
        """Return the project's time in seconds at which a frame's sample is taken."""
        return float(Fraction(self.start) + (frame + SHUTTER * Fraction(sample, self.samples)) / self.fps)


def rate_of(text: str | float) -> tuple[int, int]:
    """Parse a frame rate such as `30`, `29.97` or `30000/1001` into a fraction. Raises UsageError."""
    try:
        if isinstance(text, str) and (len(text) > 20 or "e" in text.lower()):
            raise ValueError("a power of ten can have more digits than fit into memory")
        rate = Fraction(text).limit_denominator(1001)
        # 29.97 and the like stand for the exact NTSC rates.
        for whole in (24, 30, 48, 60, 120):
            if abs(rate - Fraction(whole * 1000, 1001)) < Fraction(1, 200):
                rate = Fraction(whole * 1000, 1001)
    except (ValueError, ArithmeticError) as error:
        raise UsageError(f"{text!r} is not a frame rate.", "For example 30, or 30000/1001.") from error
    return rate.numerator, rate.denominator


def whole_film(state: ExplorerState, **fields: Any) -> Film:
    """Return the film of a project's whole timeline at its own rate; `fields` override those of `Film`.

    With a later start on a timeline that plays once, the film still ends with the timeline. The rate is limited to
    what players support for the format.

    Raises:
        UsageError: The film would start after the end of the timeline.
    """
    timeline = state.timeline
    seconds, start = film_seconds(timeline), fields.get("start", 0.0)
    if timeline.loop == "once" and "seconds" not in fields:
        if not start < seconds:
            message = f"The timeline ends at {seconds:g} s, so a film cannot start at {start:g} s."
            raise UsageError(message, "Choose an earlier start.")
        seconds -= start
    film = replace(Film(seconds, rate_of(timeline.fps)), **fields)
    kind = FORMATS.get(film.format)
    if kind is None or film.rate[1] <= 0 or (kind.max_fps and film.fps > kind.max_fps):
        return film  # `check` refuses it with an explanation
    rate = kind.playable(film.fps)
    return film if rate == film.fps else replace(film, rate=(rate.numerator, rate.denominator))


def frame_size_of(film: Film, state: ExplorerState, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return the (width, height) in pixels of a film's frames; `sizes`: (height, width) of each view's network."""
    layout, views = shown_in(film, state)
    cells = film.columns * film.rows if layout == "grid" else 1
    shown = [film.size_of(sizes[view]) for view in views]
    columns = film.columns
    if layout == "sources":
        places, columns = source_places(len(_sources(state, views[0])))
        cells = len(places)
    return frame_size(layout, shown * cells, columns)


def shown_in(film: Film, state: ExplorerState) -> tuple[Layout, list[int]]:
    """Return a film's layout and the views that it shows; the last view replaces missing ones.

    What alternates in the window, such as flicker, is side by side in a film; of a difference the two views are.
    """
    count = len(state.views)
    layout: Layout = next((name for name in LAYOUTS if name == film.layout), "all")
    if not film.layout:
        if state.layout == "single":
            layout = SINGLE[visible_views(state)[0]]
        elif is_paired(state):
            return ("wipe" if state.layout == "wipe" else "all"), list(compared(state))
    if layout == "all":
        return layout, list(range(count))
    if layout == "wipe":
        return layout, list(compared(state))
    if layout == "sources":
        return layout, [min(state.restyle_grid.view, count - 1)]
    return layout, [min(SINGLE.index(layout), count - 1) if layout in SINGLE else 0]


class FilmRenderer:
    """Renders a film's frames, in any order. One thread at a time.

    Args:
        state: The project.
        film: The film to render.
        settings: Device, precision, kernels.
        table: The project's stored latents.
        open_with: Opens a model by name or path; for tests.

    Raises:
        UsageError: The film cannot be made, for example because its frames are too large for its format.
        FilmError: A view has no model.
        LatentwalkError: A model cannot be loaded.
    """

    def __init__(
        self,
        state: ExplorerState,
        film: Film,
        settings: RenderSettings | None = None,
        table: AssetTable | None = None,
        open_with: Any = open_model,
    ) -> None:
        film.check()
        self.film, self.player, self._table = film, Player(state), table
        self.layout, self.views = shown_in(film, state)
        if settings is None or (settings.backend == "auto" and settings.device == "cpu"):
            # Kernels differ in the last bits, so the choice must not change within a film.
            native.build()
        self._opened: dict[str, tuple[HeadlessRenderer, ModelInfo]] = {}
        self._open = partial(open_with, settings=settings)
        self._renderers = [self._renderer(view) for view in self.views]
        self._columns, self._places = film.columns, tuple[int, ...]()
        self._inputs: dict[str, NDArray[np.uint8]] = {}  # sources as they are shown, by their keys
        if self.layout == "sources":
            if not self._renderers[0][0].info.source_channels:
                hint = "Choose another layout, or an image-to-image model."
                raise UsageError(f"The model of view {letter(self.views[0])} takes no sources.", hint)
            self._places, self._columns = source_places(len(_sources(state, self.views[0])))
        check_frame_size(FORMATS[film.format], *self.frame_size)
        self._composer = Composer(self.layout, self._columns)
        self._noted = 0  # number of frames in the composer's history

    @property
    def models(self) -> list[ModelInfo]:
        """Metadata of the models shown, in the order of the pictures."""
        return [model for _, model in self._renderers]

    @property
    def frame_size(self) -> tuple[int, int]:
        """(width, height) of a frame in pixels."""
        return frame_size(self.layout, self._sizes * (len(self._places) or self._cells), self._columns)

    @property
    def _sizes(self) -> list[tuple[int, int]]:
        """(height, width) of each view's picture in pixels."""
        return [self.film.size_of(renderer.info.img_size) for renderer, _ in self._renderers]

    @property
    def _cells(self) -> int:
        if self.layout == "sources":
            return len(_sources(self.player.state, self.views[0]))
        return self.film.columns * self.film.rows if self.layout == "grid" else 1

    def _renderer(self, view: int) -> tuple[HeadlessRenderer, ModelInfo]:
        """Return the renderer of a view's model, which is opened once. Raises FilmError if it has none."""
        name = self.player.state.views[view].model
        if not name:
            message = f"View {letter(view)} has no model, so the film cannot be rendered."
            raise FilmError(message, "Open a model.", command="Name one with --model.")
        if name not in self._opened:
            renderer, _ = self._opened[name] = self._open(bundled.resolve(name))
            if renderer.info.source_channels:
                renderer.take_sources(self._source)
        return self._opened[name]

    def _source(self, request: RenderRequest) -> Tensor:
        """Return the picture of a view that is the source of another."""
        found = next(r for r, model in self._opened.values() if model.sha256 == request.model.sha256)
        return found.picture(request)

    def _rendered(self, state: ExplorerState, view: int, look: Look, position: float) -> NDArray[np.uint8]:
        """Return the picture `[H, W, 3]` of a look of a view at a time of the timeline."""
        renderer, _ = self._renderer(view)
        live = live_request(
            with_look(state, view, source=look.source), view, renderer.info, position,
            settings=renderer.settings, table=self._table,
            others=lambda other: self._renderer(other)[1],
        )  # fmt: skip
        return renderer.render_look(look, state.views[view].tap, position, self._table, live).pixels

    def state_of(self, frame: int) -> ExplorerState:
        """Return the project's state at a frame."""
        return self.player.at(self.film.time_of(frame))

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return one frame, uint8 RGB `[H, W, 3]`. The same number always gives the same pixels."""
        if self.layout == "slit":
            self._restore_history(number)
        pictures = self._pictures(number)
        captions = self._captions(number) if self.film.captions else []
        if self.layout == "sources":
            inputs, blank = self._source_pictures(number), np.full((*self._sizes[0], 3), BACKGROUND, np.uint8)
            pictures = [blank if i < 0 else [*inputs, *pictures][i] for i in self._places]
            captions = (
                ["" if i < len(inputs) else captions[i - len(inputs)] for i in self._places] if captions else []
            )
        self._noted = number + 1
        return self._composer.frame(pictures, captions)

    def picture(self, state: ExplorerState, position: float) -> NDArray[np.uint8]:
        """Return the first view's unscaled picture `[H, W, 3]` of a state at a time of the timeline, in seconds."""
        view = self.views[0]
        return self._rendered(state, view, look_of(state, view), position)

    def _source_pictures(self, number: int) -> list[NDArray[np.uint8]]:
        """Return the sources of a frame as the network is given them."""
        view, state = self.views[0], self.state_of(number)
        (renderer, _), size, found = self._renderer(view), self._sizes[0], []
        for source in _sources(state, view):
            if source.view >= 0:
                other = look_of(state, source.view)
                position = time_in_timeline(self.player.timeline, self.film.time_of(number))
                found.append(resized(self._rendered(state, source.view, other, position), size))
                continue
            key = repr(source)
            if key not in self._inputs:
                picture = (self._table or AssetTable()).of(StoredPicture, source.picture)
                crop = None if source.crop == Crop() else source.crop
                self._inputs[key] = resized(shown_input(picture.array, renderer.info, crop), size)
            found.append(self._inputs[key])
        return found

    def _restore_history(self, number: int) -> None:
        """Rebuild the slit-scan's history up to the previous frame, after resuming or a jump."""
        if self._noted == number:
            return
        self._composer = Composer(self.layout, self._columns)
        for past in range(max(0, number - self._sizes[0][1]), number):
            self._composer.note(self._pictures(past)[0])

    def _pictures(self, number: int) -> list[NDArray[np.uint8]]:
        cells, sizes = self._cells, self._sizes
        exposures = [MotionBlur() for _ in range(len(self.views) * cells)]
        first = self.state_of(number)
        is_still = not any(is_moving(look_of(first, view).transform) for view in range(len(first.views)))
        for k in range(self.film.samples):
            time = self.film.time_of(number, k)
            state = self.player.at(time)
            if k and is_still and state == first:
                break  # further samples of a still are equal
            position = time_in_timeline(self.player.timeline, time)
            for cell in range(cells):
                for i, view in enumerate(self.views):
                    picture = self._rendered(state, view, self._look(state, view, cell), position)
                    exposures[cell * len(self.views) + i].add(picture)
        # Activations vary in size; all frames of a film need the same, even if the layer changes.
        return [resized(shown.picture(), sizes[i % len(sizes)]) for i, shown in enumerate(exposures)]

    def _captions(self, number: int) -> list[str]:
        position = time_in_timeline(self.player.timeline, self.film.time_of(number))
        state = with_snapshot(
            self.player.state, self.player.base_snapshot(position)
        )  # values that wander would make captions unreadable
        names = [model.name for model in self.models]
        names = names if len(set(names)) > 1 else [""] * len(names)
        return [
            self._caption(state, view, self._look(state, view, cell), model, name, position)
            for cell in range(self._cells)
            for view, model, name in zip(self.views, self.models, names, strict=True)
        ]

    def _look(self, state: ExplorerState, view: int, cell: int) -> Look:
        """Return the look of a view in a cell of the layout."""
        look = look_of(state, view)
        if self.layout == "sources":
            return replace(look, source=_sources(state, view)[cell])
        return replace(look, latent=_neighbour(look.latent, cell)) if cell else look

    @staticmethod
    def _caption(state: ExplorerState, view: int, look: Look, model: ModelInfo, name: str, position: float) -> str:
        names = named_classes(state.class_names, model.sha256, model.class_names, model.info.c_dim)
        classes = describe_classes(class_weights(look.classes, model.info), names)
        return caption_of(look, state.views[view].tap.layer, name, position, classes)


def models_of(state: ExplorerState, film: Film) -> list[str]:
    """Return names or paths of the models that a film needs: those shown, and those of their live sources."""
    _, views = shown_in(film, state)
    for view in views:  # which grows
        source = look_of(state, view).source.view
        if 0 <= source < len(state.views) and source not in views:
            views.append(source)
    return [state.views[view].model for view in views if state.views[view].model]


def _sources(state: ExplorerState, view: int) -> tuple[Source, ...]:
    """Return the sources that the layout of that name shows in a view."""
    return sources_of(state.restyle_grid, look_of(state, view).source)


def _neighbour(latent: Latent, cell: int) -> Latent:
    """Return the latent with `cell` added to every seed, for another cell of the grid with the same motion."""
    if latent.blend is None:
        return replace(latent, seed=(latent.seed + cell) % SEED_COUNT)
    points = tuple(replace(p, latent=_neighbour(p.latent, cell)) for p in latent.blend.points)
    return replace(latent, seed=(latent.seed + cell) % SEED_COUNT, blend=replace(latent.blend, points=points))
