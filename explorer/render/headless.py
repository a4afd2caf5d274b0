"""Synchronous rendering without a window: the same pipeline, called directly.

One picture::

    generator = load_file("model.safetensors").generator
    picture = render_look(generator, Look(latent=Latent(seed=7)))
    picture.save("seed7.png")

For several pictures of one model, keep a `HeadlessRenderer`, which reuses unchanged stages.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from explorer.errors import RequestError
from explorer.ops.precision import DTYPES
from explorer.render.cache import StageCache
from explorer.render.devices import cache_budget, check_settings
from explorer.render.model_store import load_file, on_device
from explorer.render.pipeline import Pipeline
from explorer.render.resolve import resolve_look
from explorer.state import Tap
from explorer.state.request import ModelKey, RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.assets.table import AssetTable
    from explorer.generators.base import Generator
    from explorer.jobs.job import JobContext
    from explorer.render.results import FrameLatents, ModelInfo, TapStats
    from explorer.state import Look
    from explorer.state.request import RenderRequest

__all__ = ["HeadlessRenderer", "Rendered", "context_of", "open_model", "render", "render_look", "save_pixels"]


@dataclass(frozen=True, eq=False)  # without slots, for `image`
class Rendered:
    """One picture.

    Attributes:
        tensor: `[C, H, W]` on the device, before clamping: the final picture, or the tapped layer's features. It
            may be cached to resume from, so do not modify it.
        pixels: uint8 `[H, W, 3]`, red-green-blue, as a window would show them.
        latents: Final `ws` and base `w`.
        stats: Statistics of a tapped layer.
        total_ms: Render time in milliseconds.
    """

    tensor: Tensor = field(repr=False)
    pixels: NDArray[np.uint8]
    latents: FrameLatents
    stats: TapStats | None
    total_ms: float

    @cached_property
    def image(self) -> NDArray[np.float32]:
        """`tensor` as float32 on the host; copied on first use, as few callers need it."""
        with torch.inference_mode():
            image: NDArray[np.float32] = self.tensor.float().cpu().numpy().copy()
        return image

    def save(self, path: str | Path) -> None:
        """Write `pixels` atomically, in the format of the suffix.

        Raises:
            OSError: Writing fails, for example on a full disk; names `path`.
            ValueError: The suffix is not that of a picture format.
        """
        save_pixels(Path(path), self.pixels)


def save_pixels(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write uint8 `[H, W, 3]` as `Rendered.save` does."""
    import imageio.v3 as imageio

    from explorer.util.atomic_write import atomic_write_bytes

    if not path.suffix:
        raise ValueError(f"{path.name} has no suffix of a picture format, such as .png.")
        # Encoded in memory first, so that the file is complete or does not exist.
    atomic_write_bytes(path, imageio.imwrite("<bytes>", pixels, extension=path.suffix.lower()))


class HeadlessRenderer:
    """Renders requests of one generator in the calling thread.

    Args:
        generator: On any device; copied to the device of `settings` if necessary.
        settings: Device, precision, kernels.
        model: Name and hash of the generator; only needed for stored latents of other models.
        budget_bytes: Budget for cached stages; 0 disables the cache.
    """

    def __init__(
        self,
        generator: Generator,
        settings: RenderSettings | None = None,
        model: ModelKey | None = None,
        budget_bytes: int | None = None,
    ) -> None:
        self.settings = settings or RenderSettings(device=str(generator.device))
        check_settings(self.settings.device, self.settings.dtype)
        self.model = model or ModelKey("")
        self.info = generator.info
        cache: StageCache[Any] = StageCache(
            cache_budget(self.settings.device) if budget_bytes is None else budget_bytes
        )
        self._cache = cache
        self._pipeline = Pipeline(
            on_device(generator, self.settings.device),
            cache,
            self.model.sha256,
            DTYPES[self.settings.dtype],
            self.settings.backend,
        )

    @property
    def context(self) -> JobContext:
        """The context for jobs of this generator, which must run under `torch.inference_mode()`."""
        return self._pipeline

    @property
    def cache_bytes(self) -> int:
        """Memory of cached stages."""
        return self._cache.nbytes

    def take_sources(self, picture_of: Callable[[RenderRequest], Tensor]) -> None:
        """Let pictures of other networks be sources: `picture_of` renders a request of one, `[C, H, W]`."""
        self._pipeline.picture_of = picture_of

    def picture(self, request: RenderRequest) -> Tensor:
        """Render the picture `[C, H, W]` float32 of a request, before clamping, reusing unchanged stages."""
        with torch.inference_mode():
            return self._pipeline.image(request, 0)

    def request(
        self,
        look: Look,
        tap: Tap | None = None,
        time: float = 0.0,
        table: AssetTable | None = None,
        live: RenderRequest | None = None,
    ) -> RenderRequest:
        """Resolve a look at a time in seconds to a request; `live`: its source.

        Raises:
            RequestError: A value is not finite, or there is no such layer.
            LatentError: A stored latent does not fit.
        """
        names = [layer.name for layer in self.info.layers]
        if tap is not None and tap.layer and tap.layer not in names:
            raise RequestError(f"The model has no layer {tap.layer!r}.", f"Its layers: {', '.join(names)}.")
        return resolve_look(
            look, tap or Tap(), self.info, time, model=self.model, settings=self.settings, table=table, live=live
        )

    def render(self, request: RenderRequest) -> Rendered:
        """Render a request in full."""
        if (request.model, request.settings) != (self.model, self.settings):
            raise RequestError("The request is for another model or other settings than this renderer's.")
        with torch.inference_mode():
            result = self._pipeline.run(self._pipeline.plan(request, 0))
        pixels = np.ascontiguousarray(result.pixels[:, :, 2::-1])
        return Rendered(result.image, pixels, result.latents, result.stats, result.total_ms)

    def render_look(
        self,
        look: Look,
        tap: Tap | None = None,
        time: float = 0.0,
        table: AssetTable | None = None,
        live: RenderRequest | None = None,
    ) -> Rendered:
        """Render a look at a time in seconds; `live`: the request of the picture that is its source."""
        return self.render(self.request(look, tap, time, table, live))


def open_model(
    model: str, settings: RenderSettings | None = None, *, allow_costly: bool = True
) -> tuple[HeadlessRenderer, ModelInfo]:
    """Open a file, or a bundled model by name, and return a renderer and its info; errors as in `load_file`."""
    settings = settings or RenderSettings()
    check_settings(settings.device, settings.dtype)  # before reading a large file in vain
    # The caller decides what is too costly: commands ask first, the window asked when it opened the model.
    loaded = load_file(model, allow_costly=allow_costly)
    key = ModelKey(loaded.model_info.sha256, loaded.model_info.path)
    return HeadlessRenderer(loaded.generator, settings, key), loaded.model_info


@functools.lru_cache(maxsize=1)
def context_of(model: ModelKey, settings: RenderSettings) -> JobContext:
    """Return the context for jobs of a model in this process; the last one is cached. Errors as `load_file`."""
    return open_model(model.path, settings)[0].context


def render(generator: Generator, request: RenderRequest) -> Rendered:
    """Render one request; for several requests of a generator, keep a `HeadlessRenderer`."""
    return HeadlessRenderer(generator, request.settings, request.model, budget_bytes=0).render(request)


def render_look(
    generator: Generator,
    look: Look,
    tap: Tap | None = None,
    time: float = 0.0,
    *,
    settings: RenderSettings | None = None,
    table: AssetTable | None = None,
) -> Rendered:
    """Render one look of a generator.

    Args:
        generator: In evaluation mode.
        look: What to show.
        tap: A layer to show instead of the final picture.
        time: Seconds on the clock, for animated transforms.
        settings: Device (the generator's by default), precision, kernels.
        table: The look's stored latents.
    """
    return HeadlessRenderer(generator, settings, budget_bytes=0).render_look(look, tap, time, table)
