"""The inputs of a synthesis network: styles, transform, source picture, masks and noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Inputs", "NoiseMode", "NoiseSpec"]

NoiseMode = Literal["none", "const", "random"]


@dataclass(frozen=True, slots=True)
class NoiseSpec:
    """Which noise to add: stored (`const`), drawn from a seed (`random`), or none.

    `strength` multiplies every layer's noise, `layer_strengths` those of single layers by name.
    """

    mode: NoiseMode = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: Mapping[str, float] = field(default_factory=dict)

    def strength_of(self, layer_name: str) -> float:
        """Return the factor on one layer's noise."""
        return self.strength * self.layer_strengths.get(layer_name, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything that the synthesis of a batch depends on, besides the weights.

    Attributes:
        ws: `[N, num_ws, w_dim]` float32, one style vector for each entry.
        transform: `[3, 3]` or `[N, 3, 3]` **forward** motion of the picture (specs: x right, y down, unit = image
            width, for y as well); None is the identity. Families without an input transform apply their documented
            counterpart.
        source: `[N, source_channels, H, W]` in -1..1, the source picture of an image-to-image network.
        masks: `num_masks` masks, each `[N, 1, H, W]` in 0..1; empty for none.
        noise: The noise that the layers add.
    """

    ws: Tensor
    transform: Tensor | None = None
    source: Tensor | None = None
    masks: tuple[Tensor, ...] = ()
    noise: NoiseSpec = field(default_factory=NoiseSpec)

    @property
    def batch(self) -> int:
        """Number of pictures, N."""
        return self.ws.shape[0]
