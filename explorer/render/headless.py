"""Pictures without a window: the same stages as on screen, run where one stands, for commands and videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from explorer.render.cache import StageCache
from explorer.render.devices import cache_budget, check_settings
from explorer.render.models import load_file, on_device
from explorer.render.pipeline import Pipeline
from explorer.render.request import ModelKey, RenderSettings
from explorer.resolve import resolve_look
from explorer.state import Look, Tap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.latents.table import LatentTable
    from explorer.render.models import LoadedModel

__all__ = ["HeadlessRenderer", "Picture"]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One rendered look.

    `values` is float32 `[C, H, W]`: the picture, nominally -1..1 and not clamped, or the layer's activation before
    any grading. `pixels` is uint8 `[H, W, 3]`, red-green-blue.
    """

    values: NDArray[np.float32]
    pixels: NDArray[np.uint8]
    total_ms: float


class HeadlessRenderer:
    """Renders looks of one model: `HeadlessRenderer.open("critters-stylegan2").render(Look())`.

    Stages that a look shares with the one before are kept, as on screen. One thread at a time.

    Args:
        model: From `load_file`.
        settings: Device, precision and kernels.
        table: Where the looks' stored latents lie.

    Raises:
        UsageError: The device or precision is not to be had here.
    """

    def __init__(
        self, model: LoadedModel, settings: RenderSettings | None = None, table: LatentTable | None = None
    ) -> None:
        self.facts = model.facts
        self.settings = settings or RenderSettings()
        self._table = table
        self._key = ModelKey(model.facts.sha256, model.facts.path)
        check_settings(self.settings.device, self.settings.dtype)
        dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[self.settings.dtype]
        cache: StageCache[Any] = StageCache(cache_budget(self.settings.device))
        generator = on_device(model, self.settings.device)
        self._pipeline = Pipeline(generator, cache, model.facts.sha256, dtype, self.settings.backend)

    @classmethod
    def open(
        cls, model: str, settings: RenderSettings | None = None, table: LatentTable | None = None
    ) -> HeadlessRenderer:
        """Loads a file or a bundled model by name; errors as `load_file`."""
        return cls(load_file(model), settings, table)

    def render(self, look: Look, tap: Tap | None = None, time: float = 0.0) -> Picture:
        """The picture of a look at `time` seconds, or what `tap` shows of a layer.

        Raises:
            RequestError: The look holds a value that is not finite, or a transform that cannot be inverted.
            LatentError: A stored latent does not fit the model.
            RenderError: The generator gave something that is no picture.
        """
        request = resolve_look(
            look, tap or Tap(), self.facts.info, time, model=self._key, settings=self.settings, table=self._table
        )
        with torch.inference_mode():
            result = self._pipeline.run(self._pipeline.plan(request, "headless"))
            values: NDArray[np.float32] = result.image.float().cpu().numpy().copy()
        return Picture(values, result.pixels[:, :, 2::-1].copy(), result.total_ms)
