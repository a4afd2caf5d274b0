"""One synthesis layer, and the activation that flows from layer to layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from .info import LayerInfo
    from .inputs import NoiseSpec

__all__ = ["Activation", "SynthesisLayer"]


@dataclass(slots=True)
class Activation:
    """The value passed from layer to layer. Treat as immutable: layers return new tensors and never modify these.

    Attributes:
        x: Features `[N, C, H, W]`.
        img: The accumulated picture of skip architectures `[N, C, h, w]`, float32; see `Generator.preview`.
        skip: The pending residual branch of the `resnet` architecture.
        extras: Further tensors that later layers need, in an order defined by the family.
    """

    x: Tensor
    img: Tensor | None = None
    skip: Tensor | None = None
    extras: tuple[Tensor, ...] = ()

    def tensors(self) -> tuple[Tensor, ...]:
        """Return every tensor, in a fixed order."""
        return tuple(t for t in (self.x, self.img, self.skip, *self.extras) if t is not None)

    def map(self, fn: Callable[[Tensor], Tensor]) -> Activation:
        """Return a copy with `fn` applied to every tensor."""
        img = None if self.img is None else fn(self.img)
        skip = None if self.skip is None else fn(self.skip)
        return Activation(fn(self.x), img, skip, tuple(fn(t) for t in self.extras))

    def with_features(self, x: Tensor) -> Activation:
        """Return a copy with other features."""
        return Activation(x, self.img, self.skip, self.extras)

    @property
    def nbytes(self) -> int:
        """Bytes held by the tensors."""
        return sum(t.numel() * t.element_size() for t in self.tensors())


class SynthesisLayer(nn.Module, ABC):
    """One resumable step of the synthesis network."""

    info: LayerInfo

    @abstractmethod
    def style(self, w: Tensor) -> Tensor:
        """Return the styles (S space) `[N, style_dim]` float32 of `w` `[N, w_dim]`, this layer's entry of `ws`."""

    @abstractmethod
    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        """Return the next activation.

        Args:
            activation: Output of the previous layer (or of `Generator.begin`).
            style: `[N, style_dim]` from `style`, possibly edited; `[N, 0]` if the layer is not styled.
            noise: `[1 or N, 1, H, W]` from `noise`, or None for no noise.
        """

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """Return the noise this layer adds under `spec`, `[1 or N, 1, H, W]` float32; None if it adds none.

        Random noise comes from a separate stream per layer, seeded by (seed, layer name), so that a resumed run
        draws the same numbers as a full one.
        """
        return None

    def keep_band(self, x: Tensor, edited: Tensor) -> Tensor:
        """Return an edit's result with the frequencies removed that the layer's own output cannot have.

        Layers without a band limit, as most, return it as it is. Others return `x` plus the filtered change: what
        was not edited stays, to the bit.

        Args:
            x: The layer's features `[N, C, H, W]`.
            edited: The edited features, likewise.
        """
        return edited

    def update_emas(self, activation: Activation) -> None:
        """Update the layer's moving averages of its input; training only, most layers have none."""
        return None
