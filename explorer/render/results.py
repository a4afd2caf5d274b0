"""Results of the render threads: frozen frames, thumbnails, failures and model info."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from explorer.checkpoints.teachers import teacher_of
from explorer.state.request import ModelKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from explorer.generators.base import GeneratorInfo
    from explorer.state.request import RenderRequest

__all__ = [
    "DeviceLost",
    "Frame",
    "FrameLatents",
    "ModelInfo",
    "RenderFailed",
    "StageTime",
    "TapStats",
    "Thumbnail",
    "Tier",
]


class Tier(IntEnum):
    """Degree of completion of a frame; a higher tier of the same generation replaces a lower one."""

    DRAFT = 0
    FULL = 1


@dataclass(frozen=True, slots=True)
class StageTime:
    """One stage of a run: milliseconds, and whether its result was cached."""

    name: str
    ms: float
    hit: bool


@dataclass(frozen=True, slots=True)
class TapStats:
    """Statistics of the shown tensor: its shape `[C, H, W]` and values before grading.

    `spectrum_db` is the radially averaged power spectrum in dB from frequency 0 to the corner; empty unless a layer
    or the spectrum is shown.
    """

    name: str
    shape: tuple[int, int, int]
    mean: float
    std: float
    minimum: float
    maximum: float
    spectrum_db: NDArray[np.float32] = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FrameLatents:
    """Latents of a frame: the final `ws` `[num_ws, w_dim]`, the base `w` before mixing, the centre `[w_dim]`.

    `base` is `[w_dim]`, or `[num_ws, w_dim]` if a stored `ws` is the base. All are read-only float32.
    """

    ws: NDArray[np.float32]
    base: NDArray[np.float32]
    w_avg: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One rendered picture. Immutable; created in the render thread, shown by the GUI thread.

    `pixels` is uint8 `[H, W, 4]`, blue-green-red-255, C-contiguous: Qt's RGB32 on little-endian machines.
    """

    view: int
    generation: int
    tier: Tier
    pixels: NDArray[np.uint8]
    request: RenderRequest
    latents: FrameLatents
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
        """The device it was rendered on."""
        return self.request.settings.device

    @property
    def dtype(self) -> str:
        """The precision it was rendered in."""
        return self.request.settings.dtype


@dataclass(frozen=True, slots=True, eq=False)
class RenderFailed:
    """A request that could not be rendered; the loop continues."""

    view: int
    generation: int
    error: Exception
    traceback_text: str = ""
    request: RenderRequest | None = None


@dataclass(frozen=True, slots=True, eq=False)
class DeviceLost:
    """A device that failed (lost, or out of memory even with an empty cache), and its task at the time."""

    device: str
    error: Exception
    traceback_text: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture, requested with a key; `pixels` as in `Frame`, `base` as in `FrameLatents`."""

    key: str
    view: int
    pixels: NDArray[np.uint8]
    base: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Static information about a loaded model."""

    info: GeneratorInfo
    name: str
    path: str
    sha256: str
    licence: str = ""
    origin: str = ""
    family: str = ""
    nbytes: int = 0
    class_names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # further networks in the file
    metadata: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def key(self) -> ModelKey:
        """The key for requests."""
        return ModelKey(self.sha256, self.path)

    @property
    def teacher(self) -> str:
        """The name of the model that it was distilled from; empty if its file names none."""
        return teacher_of(self.path, self.parts, self.metadata)
