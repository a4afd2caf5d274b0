"""What crosses between the threads: frozen requests in, frozen frames and failures out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from explorer.generators.base import GeneratorInfo, NoiseSpec
from explorer.ops.backend import Backend
from explorer.state import Tap

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DTYPES",
    "DeviceLost",
    "Frame",
    "FrameFacts",
    "KeyedArray",
    "LatentPoint",
    "ModelFacts",
    "ModelKey",
    "NoiseRecipe",
    "PointBlend",
    "RenderFailed",
    "RenderRequest",
    "RenderSettings",
    "StageTime",
    "StyleRecipe",
    "TapStats",
    "Thumbnail",
    "Tier",
]

DTYPES: dict[str, torch.dtype] = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
"""Precisions by name. float16 is for GPUs alone: on a CPU it is thousands of times slower."""


class Tier(IntEnum):
    """How finished a frame is; a higher tier of the same generation replaces a lower one."""

    DRAFT = 0
    FULL = 1


@dataclass(frozen=True, slots=True)
class ModelKey:
    """Names one model: its contents by hash, and the path for people."""

    sha256: str
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """Where and how the numbers are computed.

    `backend` "auto" takes the fastest kernels, "torch" those without native code, "reference" the readable ones.
    """

    device: str = "cpu"
    dtype: str = "float32"
    backend: Backend = "auto"


@dataclass(frozen=True, slots=True)
class KeyedArray:
    """A read-only array that compares and hashes by a 16-byte digest of its contents (much cheaper than floats)."""

    digest: bytes
    array: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LatentPoint:
    """One latent to make: `anchor + sum(weight * (mapping(z_of_seed) - w_avg))`.

    `stored` empty: the anchor is `w_avg` and the weights sum to 1. Otherwise the anchor is the stored array, mapped
    first if `space` is "z", and the weights sum to 0. A `blend` is the anchor in the same way.
    """

    seeds: tuple[tuple[int, float], ...] = ((0, 1.0),)
    stored: KeyedArray | None = None
    space: str = "w"
    blend: PointBlend | None = None


@dataclass(frozen=True, slots=True)
class PointBlend:
    """A weighted sum of latents: of their `z`, of their base `w`, or (styles) of their final `ws`.

    `spherical`: directions from the centre turn at an even rate, and lengths change evenly.
    """

    space: str
    parts: tuple[tuple[StyleRecipe, float], ...]
    spherical: bool = False


@dataclass(frozen=True, slots=True)
class StyleRecipe:
    """Everything that decides `ws` but the classes; the fields mean what those of `RenderRequest` do."""

    base: LatentPoint
    sources: tuple[LatentPoint, ...] = ()
    mix: tuple[tuple[int, int, float], ...] = ()
    psi: tuple[float, ...] = ()
    nudges: tuple[tuple[int, float, int, int], ...] = ()
    offsets: tuple[tuple[tuple[float, ...], int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NoiseRecipe:
    """Noise resolved to what this network has: mode, seed, strengths of all and of single layers."""

    mode: str = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: tuple[tuple[str, float], ...] = ()

    def spec(self) -> NoiseSpec:
        """The same as the generators take it."""
        mode = self.mode if self.mode in ("const", "random") else "none"
        return NoiseSpec(mode, self.seed, self.strength, dict(self.layer_strengths))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Everything that decides a picture, resolved to the network's numbers. Immutable; made in the GUI thread.

    A request is complete: rendering it alone, without a window, later, gives the same pixels.

    `psi` has one value for each entry of `ws`; `mix` is (entry, source number, amount); `nudges` (seed, length,
    first, last) and `offsets` (values, first, last) have inclusive ranges; `transform` is the forward 3x3 matrix,
    row by row, None for the identity; `class_weights` sum to 1 and are empty for unconditional models. `residual`
    "difference" or "heat" shows how the picture moved back differs from the unmoved one. `max_px` bounds the longer
    side of the pixels (0 = as they are).
    """

    model: ModelKey
    settings: RenderSettings = RenderSettings()
    base: LatentPoint = LatentPoint()
    class_weights: tuple[tuple[int, float], ...] = ()
    sources: tuple[LatentPoint, ...] = ()
    mix: tuple[tuple[int, int, float], ...] = ()
    psi: tuple[float, ...] = ()
    nudges: tuple[tuple[int, float, int, int], ...] = ()
    offsets: tuple[tuple[tuple[float, ...], int, int], ...] = ()
    noise: NoiseRecipe = NoiseRecipe()
    transform: tuple[float, ...] | None = None
    tap: Tap = Tap()  # noqa: RUF009 - frozen, like the others
    untransform: bool = False
    residual: str = "none"
    max_px: int = 0


@dataclass(frozen=True, slots=True)
class StageTime:
    """One stage of one run: milliseconds, and whether its result came from the cache."""

    name: str
    ms: float
    hit: bool


@dataclass(frozen=True, slots=True)
class TapStats:
    """Numbers of the tensor that is shown: its shape `[C, H, W]` and values before grading.

    `spectrum_db` is the radially averaged power spectrum in dB from frequency 0 to the diagonal's end, empty unless
    a layer or the spectrum is shown.
    """

    name: str
    shape: tuple[int, int, int]
    mean: float
    std: float
    minimum: float
    maximum: float
    spectrum_db: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """What the network made of the request: the final `ws` `[num_ws, w_dim]` and the base `w` before mixing.

    `base` is `[w_dim]`, or `[num_ws, w_dim]` if a stored `ws` is the base. Both read-only float32.
    """

    ws: NDArray[np.float32]
    base: NDArray[np.float32]
    w_avg: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One finished picture. Immutable; made in the render thread, shown by the GUI thread.

    `pixels` is uint8 `[H, W, 4]`, blue-green-red-255, C-contiguous: Qt's RGB32 on little-endian machines.
    """

    view: int
    generation: int
    tier: Tier
    pixels: NDArray[np.uint8]
    request: RenderRequest
    facts: FrameFacts
    timings: tuple[StageTime, ...]
    total_ms: float
    cache_hits: int
    cache_bytes: int
    dropped: int
    stats: TapStats | None = None

    @property
    def width(self) -> int:
        """Columns of `pixels`."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows of `pixels`."""
        return int(self.pixels.shape[0])

    @property
    def device(self) -> str:
        """Where it was rendered."""
        return self.request.settings.device

    @property
    def dtype(self) -> str:
        """The precision it was rendered in."""
        return self.request.settings.dtype


@dataclass(frozen=True, slots=True, eq=False)
class RenderFailed:
    """A request that could not be rendered; the loop went on."""

    view: int
    generation: int
    error: Exception
    traceback_text: str = ""
    request: RenderRequest | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DeviceLost:
    """A device that cannot go on (lost, or out of memory even with an empty cache), and what it was doing."""

    device: str
    error: Exception
    traceback_text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture that was asked for with a key; `pixels` as in `Frame`."""

    key: str
    view: int
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of a loaded model."""

    info: GeneratorInfo
    name: str
    path: str
    sha256: str
    licence: str = ""
    origin: str = ""
    family: str = ""
    nbytes: int = 0
    class_names: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> ModelKey:
        """The name that requests use."""
        return ModelKey(self.sha256, self.path)
