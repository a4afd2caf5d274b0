"""An open model: render pictures, get latents, film walks, measure.

Pictures are identical, bit for bit, to those of the window and the command line. A model is not thread-safe.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from explorer.animation.walk import seconds_of_walk, walk_timeline
from explorer.api.arguments import classes_of, edited, entries_of, seed_of, source_assets
from explorer.api.picture import Picture, picture_of
from explorer.api.walk import Walk
from explorer.assets.latent import Space, StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import CostlyModelError, UsageError
from explorer.generators.base import NoiseMode
from explorer.latents.seeds import z_of_seed
from explorer.ops import native
from explorer.render.devices import device_named
from explorer.render.headless import HeadlessRenderer
from explorer.render.headless import open_model as open_renderer
from explorer.render.results import ModelInfo
from explorer.render.styles import StyleStage
from explorer.state import (
    ExplorerState,
    Latent,
    Look,
    Mixing,
    MixRow,
    MixSource,
    Noise,
    Segment,
    Source,
    Tap,
    Transform,
    Truncation,
    ViewState,
)
from explorer.state.request import RenderSettings

if TYPE_CHECKING:
    from explorer.analysis.estimate import Estimate
    from explorer.api.arguments import ClassChoice, EditLike, LatentLike, MaskLike, Mix, SourceLike
    from explorer.generators.base import Generator
    from explorer.ops.backend import Backend

__all__ = ["Model", "model_of", "open_model"]


def open_model(
    name_or_file: str | Path,
    *,
    device: str = "auto",
    dtype: Literal["float32", "bfloat16", "float16"] = "float32",
    backend: Backend = "auto",
    allow_costly: bool = False,
) -> Model:
    """Open a bundled model or a checkpoint file. Nothing in the file is executed.

    Args:
        name_or_file: A name such as "critters-stylegan2", or the path of a `.pkl`, `.pt` or `.safetensors`.
        device: "auto" (the best one), "cpu", "cuda", "cuda:1", "mps".
        dtype: Precision of the synthesis. float16 is not supported on CPUs.
        backend: Kernels: "auto" (fastest), "torch" (no native code) or "reference" (readable).
        allow_costly: Also open a model whose pictures need more memory or time than this machine can provide.

    Raises:
        CheckpointError: The generator could not be loaded; its subclasses say why.
        UsageError: The device, precision or backend is not available.
    """
    from explorer.ops.backend import Backend

    if backend not in get_args(Backend):
        raise UsageError(f"There are no kernels {backend!r}.", f"Choose one of: {', '.join(get_args(Backend))}.")
    settings = RenderSettings(device_named(device), dtype, backend)
    try:
        return Model(*open_renderer(str(name_or_file), settings, allow_costly=allow_costly))
    except CostlyModelError:
        native.build()  # the model may be affordable with the kernels
    try:
        return Model(*open_renderer(str(name_or_file), settings, allow_costly=False))
    except CostlyModelError as error:
        hint = "Open a smaller model, or pass allow_costly=True."
        raise CostlyModelError(error.message, hint) from None


def model_of(generator: Generator, name: str = "generator", *, backend: Backend = "auto") -> Model:
    """Return a model for a generator in memory.

    Args:
        generator: In evaluation mode; pictures are rendered on its device, in float32.
        name: Display name. A film of the model cannot be resumed after an interruption, nor opened in the window.
        backend: As in `open_model`.
    """
    renderer = HeadlessRenderer(generator, RenderSettings(str(generator.device), backend=backend))
    model_info = ModelInfo(generator.info, name, path=name, sha256="", family=generator.info.family)
    return Model(renderer, model_info)


class Model:
    """An open generator, from `open_model` or `model_of`.

    Attributes:
        metadata: Name, family, licence and metadata of the file.
        info: Sizes of the network: `z_dim`, `w_dim`, `num_ws`, `img_size`, `layers` and more.
    """

    def __init__(self, renderer: HeadlessRenderer, model_info: ModelInfo) -> None:
        self._renderer, self.metadata, self.info = renderer, model_info, renderer.info
        self._table = AssetTable()

    def __repr__(self) -> str:
        height, width = self.info.img_size
        return f"<Model {self.metadata.name}: {self.info.family}, {width} x {height} px>"

    def render(
        self,
        seed: int = 0,
        *,
        latent: LatentLike | None = None,
        psi: float = 1.0,
        cutoff: int | None = None,
        mix: Iterable[Mix] = (),
        edits: Iterable[EditLike] = (),
        classes: ClassChoice = None,
        noise: NoiseMode = "const",
        noise_seed: int = 0,
        translate: tuple[float, float] = (0.0, 0.0),
        rotate: float = 0.0,
        source: SourceLike | None = None,
        masks: Iterable[MaskLike] = (),
        layer: str = "",
    ) -> Picture:
        """Render one picture.

        Args:
            seed: 0 .. 2**32 - 1; `z` is `numpy.random.RandomState(seed).randn(z_dim)`.
            latent: Takes the place of the seed.
            psi: Truncation: `w_avg + psi * (w - w_avg)`. 1 is none, 0 the mean picture.
            cutoff: Number of entries of `ws` to truncate, from the first on; None: all.
            mix: Styles taken from other latents; where two name one entry of `ws`, the later one holds.
            edits: Applied in their order, to `ws` after the truncation: `Edit(Nudge(seed), strength)`.
            classes: For conditional models: a number, a name, or a mixture as {class: weight}. None: the first.
            noise: "const" (stored in the model), "random" (drawn from `noise_seed`) or "none".
            noise_seed: Seed of random noise, 0 .. 2**32 - 1.
            translate: Translation right and down, in image widths.
            rotate: Rotation in degrees, counter-clockwise.
            source: Picture that an image-to-image network changes, uint8 `[H, W, C]` of any size.
            masks: Its masks, uint8 `[H, W]`, as many as the network takes.
            layer: Render this layer's activation instead of the picture; names are in `info.layers`.

        Raises:
            AssetError: The source or a mask is not valid.
            LatentError: The latent does not fit the model.
            RequestError: A number is not finite, the layer does not exist, or the network's source is missing.
            UsageError: The model does not support an argument.
        """
        if noise not in get_args(NoiseMode):
            raise UsageError(f"There is no noise {noise!r}.", f"Choose one of: {', '.join(get_args(NoiseMode))}.")
        x, y = translate
        look = replace(
            self._look(seed if latent is None else latent, psi, cutoff, mix, edits, classes),
            noise=Noise(noise, seed_of(noise_seed)),
            transform=Transform(x=float(x), y=float(y), rotate=float(rotate)),
            source=self._source(source, masks),
        )
        return self.render_look(look, layer=layer)

    def render_look(self, look: Look, time: float = 0.0, *, layer: str = "") -> Picture:
        """Render a look of `explorer.state`, with everything that can be set in the window.

        Args:
            look: The look; its stored latents must have been passed to this model before.
            time: In seconds, for animated transforms.
            layer: As in `render`.

        Raises:
            LatentError: A stored latent is missing or does not fit.
            RequestError: It cannot be rendered.
        """
        return picture_of(self._renderer.render_look(look, Tap(layer=layer), time, self._table))

    def latent(
        self,
        seed: int = 0,
        *,
        space: Space = "ws",
        psi: float = 1.0,
        cutoff: int | None = None,
        mix: Iterable[Mix] = (),
        edits: Iterable[EditLike] = (),
        classes: ClassChoice = None,
    ) -> StoredLatent:
        """Return a latent without rendering it; its numbers are `array`, float32.

        Pass it to `render(latent=...)`, or save it with `explorer.latents.files.save_latent`.

        Args:
            seed: As in `render`.
            space: "z" `[z_dim]`, the mapping network's input; "w" `[w_dim]`, its output; "ws" `[num_ws, w_dim]`,
                the synthesis network's input after mixing, truncation and edits, which only "ws" includes.
            psi: As in `render`.
            cutoff: As in `render`.
            mix: As in `render`.
            edits: As in `render`.
            classes: As in `render`.

        Raises:
            RequestError: A number is not finite.
            UsageError: An argument is not among what the model has.
        """
        if space not in get_args(Space):
            raise UsageError(f"There is no space {space!r}.", f"Choose one of: {', '.join(get_args(Space))}.")
        look = self._look(seed_of(seed), psi, cutoff, mix, edits, classes)
        name, sha = f"seed {seed}", self.metadata.sha256
        if space == "z":
            return StoredLatent("z", z_of_seed(seed, self.info.z_dim), name=name, recipe=look.latent)
        with torch.inference_mode():
            styles = self._styles.make(self._renderer.request(look, table=self._table))
        if space == "w":
            return StoredLatent("w", styles.base, sha, name=name, recipe=look.latent)
        return StoredLatent("ws", styles.ws, sha, psi=psi, name=name)

    def walk(
        self,
        latents: Iterable[LatentLike],
        *,
        seconds: float | None = None,
        fps: float = 30.0,
        loop: bool = False,
        interpolation: Literal["linear", "spherical", "cubic", "catmull-rom"] | None = None,
        ease: Literal["linear", "in", "out", "in-out"] = "linear",
        psi: float = 1.0,
        cutoff: int | None = None,
        mix: Iterable[Mix] = (),
        edits: Iterable[EditLike] = (),
        classes: ClassChoice = None,
        source: SourceLike | None = None,
        masks: Iterable[MaskLike] = (),
    ) -> Walk:
        """Return a walk from latent to latent: a sequence of lazily rendered pictures that can be saved as a film.

        Args:
            latents: Latents to visit in order; at least one. Seeds are interpolated in z, others in w.
            seconds: Duration of the walk; None: 2 seconds per segment.
            fps: Frames per second, 1..240.
            loop: Whether to return to the first latent seamlessly.
            interpolation: Interpolation between latents; None: spherical between seeds, linear otherwise.
            ease: Easing between two latents.
            psi: As in `render`, for the whole walk, like the arguments below.
            cutoff: As in `render`.
            mix: As in `render`.
            edits: As in `render`.
            classes: As in `render`.
            source: As in `render`.
            masks: As in `render`.

        Raises:
            AssetError: The source or a mask is not valid.
            LatentError: A latent does not fit the model.
            RequestError: A number is not finite.
            UsageError: There are no latents, or the walk is too long.
        """
        stops, mix, edits = list(latents), list(mix), list(edits)
        if not stops:
            raise UsageError("A walk needs at least one latent.", "For example walk([1, 2, 3]).")
        given = self._source(source, masks)
        looks = [replace(self._look(stop, psi, cutoff, mix, edits, classes), source=given) for stop in stops]
        for look in looks:
            self._renderer.request(look, table=self._table)  # raises errors here instead of at the first frame
        has_seeds = all(not look.latent.stored for look in looks)
        mode = interpolation or ("spherical" if has_seeds else "linear")
        segment = Segment(mode, "z" if has_seeds else "w", ease)
        length = seconds_of_walk(len(looks), loop=loop) if seconds is None else float(seconds)
        if not (math.isfinite(length) and length > 0.0 and 1.0 <= fps <= 240.0):
            message = f"A walk of {length:g} seconds at {fps:g} frames per second is not possible."
            raise UsageError(message, "Choose more than 0 seconds and 1 to 240 frames per second.")
        timeline = walk_timeline(looks, length, float(fps), segment, loop=loop)
        view = ViewState(model=self.metadata.path)
        state = ExplorerState(shared=looks[0], views=(view, ViewState()), timeline=timeline, layout="single")
        return Walk(state, self._renderer, self.metadata, self._table)

    def measure(
        self,
        metric: str,
        *,
        samples: int = 64,
        seed: int = 0,
        psi: float = 1.0,
    ) -> Estimate:
        """Measure a metric over random latents, like the command `measure`.

        Args:
            metric: "eq-t", "eq-t-frac", "eq-r": equivariance in dB, higher is better, defined without truncation;
                "sticking": fraction of fine detail that stays on its pixels during latent walks, lower is better;
                "spectrum": power above 0.25 cycles per pixel as a fraction of all power, in dB; a plug-in's.
            samples: Pictures, or walks of "sticking"; at least 2.
            seed: Seed of the random latents.
            psi: Truncation, for metrics that are not defined without it.

        Returns:
            `value` and its standard error `stderr`, both in `unit`.

        Raises:
            UsageError: The metric does not exist, or the model lacks the input transform that it needs.
        """
        from explorer.analysis.measurement import measure
        from explorer.analysis.registry import metric_named
        from explorer.jobs.job import last_value

        chosen = metric_named(metric)
        request = self._renderer.request(Look(truncation=Truncation(psi)))
        with torch.inference_mode():
            figures = last_value(measure((chosen,), self._renderer.context, request, samples, seed_of(seed)))
        return figures[chosen.name]

    @cached_property
    def _styles(self) -> StyleStage:
        return StyleStage(self._renderer.context.generator)

    def _look(
        self,
        latent: LatentLike,
        psi: float,
        cutoff: int | None,
        mix: Iterable[Mix],
        edits: Iterable[EditLike],
        classes: ClassChoice,
    ) -> Look:
        if cutoff is not None and cutoff < 0:
            raise UsageError(f"The cutoff {cutoff} is negative.", "Use 0 for no truncation.")
        return Look(
            latent=self._latent(latent),
            classes=classes_of(classes, self.metadata),
            truncation=Truncation(float(psi), cutoff),
            mixing=self._mixing(mix),
            edits=edited(edits, self.info),
        )

    def _latent(self, latent: LatentLike) -> Latent:
        """Return a latent as in a look; arrays are stored in the table."""
        if isinstance(latent, StoredLatent):
            return Latent(stored=self._table.add(latent))
        if isinstance(latent, np.ndarray) and latent.ndim:
            space: Space = "w" if latent.ndim == 1 else "ws"
            return Latent(stored=self._table.add(StoredLatent(space, latent, self.metadata.sha256)))
        return Latent(seed_of(latent))

    def _source(self, source: SourceLike | None, masks: Iterable[MaskLike]) -> Source:
        """Return a source as in a look; arrays are stored in the table."""
        picture, stored = source_assets(source, masks, self.metadata)
        key = "" if picture is None else self._table.add(picture)
        return Source(key, tuple(self._table.add(mask) for mask in stored))

    def _mixing(self, mix: Iterable[Mix]) -> Mixing:
        sources: list[MixSource] = []
        rows: dict[int, MixRow] = {}
        for latent, layers, *more in mix:
            amount = float(more[0]) if more else 1.0
            if not 0.0 <= amount <= 1.0:
                raise UsageError(f"The mixing amount {amount:g} is out of range.", "Choose 0 to 1.")
            for entry in entries_of(layers, self.info):
                rows[entry] = MixRow(entry, len(sources), amount)
            sources.append(MixSource.of(self._latent(latent)))
        return Mixing(tuple(sources), tuple(rows[entry] for entry in sorted(rows))) if sources else Mixing()
