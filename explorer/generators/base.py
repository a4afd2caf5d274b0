"""The protocol every generator family follows: mapping, then a chain of layers that can be resumed anywhere.

`synthesis(ws)` is the fold of `begin` and `layers`, so the explorer, the export, the metrics and the
training share one forward path, and a tap is "stop after layer k". No hooks, no state in buffers: the
input transform and the noise are arguments.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from explorer.ops.backend import Derived
from explorer.ops.memory import held_bytes, tensors_in
from explorer.util.steps import Steps, run

__all__ = ["Activation", "Generator", "GeneratorInfo", "LayerInfo", "NoiseMode", "NoiseSpec", "SynthesisLayer"]

NoiseMode = Literal["none", "const", "random"]


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """Facts of one synthesis layer.

    `resolution` is the layer's nominal resolution in pixels of the image grid (for StyleGAN3 the sampling
    rate); `height` and `width` are the size of its output, margins included. `ws_index` is the entry of `ws`
    that styles it. `is_rgb` marks layers whose result is an image rather than features.
    """

    name: str
    ws_index: int
    resolution: int
    channels: int
    height: int
    width: int
    has_noise: bool = False
    is_rgb: bool = False


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """Facts of a generator that the explorer needs: sizes, layers, and which controls can matter."""

    family: str
    z_dim: int
    c_dim: int
    w_dim: int
    num_ws: int
    img_resolution: int
    img_channels: int
    layers: tuple[LayerInfo, ...]
    has_noise: bool
    has_input_transform: bool
    class_names: tuple[str, ...] = ()

    def layers_of_ws(self, index: int) -> tuple[LayerInfo, ...]:
        """The layers that entry `index` of `ws` styles; empty for an entry that only styles the input."""
        return tuple(layer for layer in self.layers if layer.ws_index == index)


@dataclass(frozen=True, slots=True)
class NoiseSpec:
    """What noise to add: stored (`const`), drawn afresh from a seed (`random`), or none.

    `strength` multiplies every layer's noise, `layer_strengths` those of single layers by name.
    """

    mode: NoiseMode = "const"
    seed: int = 0
    strength: float = 1.0
    layer_strengths: Mapping[str, float] = field(default_factory=dict)

    def strength_of(self, layer_name: str) -> float:
        """The factor on one layer's noise."""
        return self.strength * self.layer_strengths.get(layer_name, 1.0)


@dataclass(slots=True)
class Activation:
    """What flows from layer to layer. Treat as immutable: a layer makes new tensors, never writes into these.

    `x`: features `[N, C, H, W]`; `img`: running image of skip architectures `[N, img_channels, h, w]`, float32;
    `skip`: pending residual branch of the `resnet` architecture.
    """

    x: Tensor
    img: Tensor | None = None
    skip: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Bytes held by the tensors."""
        tensors = (self.x, self.img, self.skip)
        return sum(t.numel() * t.element_size() for t in tensors if t is not None)


class SynthesisLayer(nn.Module, ABC):
    """One resumable step of the synthesis network."""

    info: LayerInfo

    @abstractmethod
    def run(self, activation: Activation, w: Tensor, noise: Tensor | None = None) -> Activation:
        """The next activation.

        Args:
            activation: Output of the layer before (or of `Generator.begin`).
            w: `[N, w_dim]` float32, this layer's entry of `ws`.
            noise: `[1 or N, 1, H, W]` as `noise` returns it, or None for no noise.
        """

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        """The noise this layer adds under `spec`, `[1 or N, 1, H, W]` float32; None if it adds none.

        Random noise comes from a stream of this layer's own, seeded by (seed, layer name), so that a resumed
        run draws the same numbers as a full one.
        """
        return None

    def update_emas(self, activation: Activation) -> None:
        """Update the moving averages this layer keeps of its input; training only, most layers keep none."""
        return None


class Generator(nn.Module, ABC):
    """A style-based generator: mapping network and a chain of synthesis layers."""

    info: GeneratorInfo

    @property
    @abstractmethod
    def layers(self) -> Sequence[SynthesisLayer]:
        """The synthesis layers in order; `layers[i].info == info.layers[i]`."""

    @property
    @abstractmethod
    def w_avg(self) -> Tensor:
        """Centre of truncation, `[w_dim]` float32."""

    @abstractmethod
    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """`w` `[N, w_dim]` float32 from `z` `[N, z_dim]` and `c` `[N, c_dim]` (None = zeros); no truncation."""

    @abstractmethod
    def begin(self, w: Tensor, transform: Tensor | None = None) -> Activation:
        """The input of the first layer.

        Args:
            w: `[N, w_dim]`, entry 0 of `ws`.
            transform: `[3, 3]` or `[N, 3, 3]` **forward** motion of the picture (specs: x right, y down, unit =
                image width); None is the identity. Families without an input transform apply their documented
                counterpart.
        """

    @abstractmethod
    def rgb(self, activation: Activation) -> Tensor:
        """The image `[N, img_channels, R, R]` float32, nominal range -1..1, from the last activation."""

    def synthesis(
        self,
        ws: Tensor,
        *,
        transform: Tensor | None = None,
        noise: NoiseSpec | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """The image of `ws` `[N, num_ws, w_dim]`: begin, every layer in order, rgb.

        `update_emas` is for training: every layer first takes its input into the moving averages it keeps.
        """
        return run(self.synthesis_steps(ws, transform=transform, noise=noise, update_emas=update_emas))

    def synthesis_steps(
        self,
        ws: Tensor,
        *,
        transform: Tensor | None = None,
        noise: NoiseSpec | None = None,
        update_emas: bool = False,
    ) -> Steps[Tensor]:
        """`synthesis`, a layer a step."""
        spec = noise or NoiseSpec()
        entries = ws.unbind(1)
        activation = self.begin(entries[0], transform)
        for layer in self.layers:
            yield
            if update_emas:
                layer.update_emas(activation)
            activation = layer.run(activation, entries[layer.info.ws_index], layer.noise(spec, ws.shape[0]))
        return self.rgb(activation)

    def update_w_avg(self, w: Tensor) -> None:
        """Take `w` `[N, w_dim]` into the moving average `w_avg`; training only, a no-op where it is fixed."""
        return None

    def register_hidden(self, name: str, module: nn.Module) -> None:
        """Register a sub-module under a name that a method hides: `mapping` and `synthesis` in state dicts."""
        self._modules[name] = module

    def broadcast(self, w: Tensor) -> Tensor:
        """`ws` `[N, num_ws, w_dim]`: the same `w` for every entry."""
        return w.unsqueeze(1).repeat(1, self.info.num_ws, 1)

    def truncate(self, ws: Tensor, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
        """`w_avg + psi * (ws - w_avg)` on the first `cutoff` entries (None = all, 0 = none)."""
        if psi == 1.0 or cutoff == 0:
            return ws
        head = torch.lerp(self.w_avg.to(ws), ws[:, :cutoff], psi)
        return head if cutoff is None else torch.cat([head, ws[:, cutoff:]], dim=1)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.w_avg.device

    def derived(self) -> Iterator[Derived[Any]]:
        """Everywhere that something made from the weights is kept."""
        for module in self.modules():
            yield from (value for value in tuple(vars(module).values()) if isinstance(value, Derived))

    def forget_derived(self) -> None:
        """Free what was made from the weights; it is made again when it is needed."""
        for derived in self.derived():
            derived.forget()

    @property
    def held_bytes(self) -> int:
        """Bytes of memory that the generator holds: of whole storages, and of what was made from its weights."""
        tensors = [*self.parameters(), *self.buffers()]
        values: list[object] = [derived.value for derived in self.derived()]
        return held_bytes(tensors_in([*tensors, *values]))

    @property
    def nbytes(self) -> int:
        """Bytes of parameters and buffers."""
        return sum(math.prod(t.shape) * t.element_size() for t in self.state_dict().values())
