"""The protocol every generator family follows: mapping, then a chain of layers that can be resumed anywhere.

`synthesis(ws)` is `begin` and the fold over `layers`, so the explorer, the export, the metrics and the
training share one forward path, and a tap is "stop after layer k". No hooks, no state in buffers: the
input transform and the noise are arguments.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from explorer.ops.backend import CachedDerived
from explorer.ops.memory import held_bytes, tensors_in
from explorer.util.steps import Steps, run

from . import style_maths
from .fold import INPUT, NO_EDITS, LayerEdits, fold, fold_steps
from .info import GeneratorInfo, LayerInfo
from .inputs import Inputs, NoiseMode, NoiseSpec
from .layer import Activation, SynthesisLayer

__all__ = [
    "INPUT",
    "NO_EDITS",
    "Activation",
    "Generator",
    "GeneratorInfo",
    "Inputs",
    "LayerEdits",
    "LayerInfo",
    "NoiseMode",
    "NoiseSpec",
    "StyleEncoder",
    "SynthesisLayer",
    "fold",
    "fold_steps",
]


@runtime_checkable
class StyleEncoder(Protocol):
    """A generator that also reads styles from pictures; `info.encodes_style` says so."""

    def encode_style(self, picture: Tensor, c: Tensor | None = None) -> Tensor:
        """Return `w` `[N, w_dim]` float32 of pictures `[N, img_channels, H, W]` in -1..1 and classes `[N, c_dim]`."""


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
        """Return `w` `[N, w_dim]` float32 from `z` `[N, z_dim]` and `c` `[N, c_dim]` (None = zeros); no truncation."""

    def begin(self, inputs: Inputs, edits: LayerEdits = NO_EDITS) -> Activation:
        """Return what the first layer is given.

        Raises:
            RequestError: The transform cannot be inverted.
        """
        style = self.input_style(inputs.ws[:, 0])
        if self.info.input_style_dim:
            style = edits.style(INPUT, style)
        return edits.features(INPUT, self.make_input(inputs, style))

    def input_style(self, w: Tensor) -> Tensor:
        """Return the styles `[N, input_style_dim]` of the network's input, of entry 0 of `ws`; most have none."""
        return w[:, :0]

    @abstractmethod
    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        """Return `begin` without edits, from `inputs` and the styles `[N, input_style_dim]` of the input."""

    @abstractmethod
    def rgb(self, activation: Activation) -> Tensor:
        """Return the image `[N, img_channels, *img_size]` float32, nominal range -1..1, from the last activation."""

    def preview(self, activation: Activation) -> Tensor | None:
        """Return the picture so far, `[N, img_channels, h, w]` float32, after a layer that `is_rgb`; None if it has none.

        Families whose `img` is no picture yet (wavelet coefficients, say) make one of it.
        """
        return activation.img

    def w_mean(self, c: Tensor | None = None) -> Tensor:
        """Return the centre of truncation: `[w_dim]`, or `[N, w_dim]` of classes `c` `[N, c_dim]`; float32.

        The same for all classes, unless a family keeps one for each.
        """
        return self.w_avg if c is None else self.w_avg.expand(c.shape[0], -1)

    def synthesis(
        self,
        ws: Tensor,
        *,
        transform: Tensor | None = None,
        noise: NoiseSpec | None = None,
        update_emas: bool = False,
    ) -> Tensor:
        """Return the image of `ws` `[N, num_ws, w_dim]`: begin, every layer in order, rgb.

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
        """Return `synthesis`, a layer a step."""
        return self.picture_steps(Inputs(ws, transform, noise=noise or NoiseSpec()), update_emas=update_emas)

    def picture_steps(
        self, inputs: Inputs, *, edits: LayerEdits = NO_EDITS, update_emas: bool = False
    ) -> Steps[Tensor]:
        """Return the image of any inputs, a layer a step."""
        layers = self.layers

        def update(i: int, activation: Activation) -> None:
            layers[i].update_emas(activation)

        before = update if update_emas else None
        activation = yield from fold_steps(layers, self.begin(inputs, edits), inputs, edits=edits, before=before)
        return self.rgb(activation)

    def update_w_avg(self, w: Tensor) -> None:
        """Take `w` `[N, w_dim]` into the moving average `w_avg`; training only, a no-op where it is fixed."""
        return None

    def register_hidden(self, name: str, module: nn.Module) -> None:
        """Register a sub-module under a name that a method hides: `mapping` and `synthesis` in state dicts."""
        self._modules[name] = module

    def broadcast(self, w: Tensor) -> Tensor:
        """Return `ws` `[N, num_ws, w_dim]`: the same `w` for every entry."""
        return style_maths.broadcast(w, self.info.num_ws)

    def truncate(self, ws: Tensor, psi: float = 1.0, cutoff: int | None = None, c: Tensor | None = None) -> Tensor:
        """Move the first `cutoff` entries of `ws` (None = all) to `w_mean(c) + psi * (ws - w_mean(c))`."""
        return style_maths.truncate(ws, self.w_mean(c), psi, cutoff)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.w_avg.device

    def derived(self) -> Iterator[CachedDerived[Any]]:
        """Everywhere that something made from the weights is kept."""
        for module in self.modules():
            yield from (value for value in tuple(vars(module).values()) if isinstance(value, CachedDerived))

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
