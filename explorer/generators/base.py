"""The protocol every generator family follows: mapping, then a chain of layers that can be resumed anywhere.

`synthesis(ws)` is `begin` and the fold over `layers`, so rendering, export, metrics and training share one forward
path, and a tap is "stop after layer k". There are no hooks and no state in buffers: the input transform and the
noise are arguments.
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
    """A generator that can also encode pictures as styles, as `info.encodes_style` says."""

    def encode_style(self, picture: Tensor, c: Tensor | None = None) -> Tensor:
        """Encode pictures `[N, img_channels, H, W]` in -1..1 of classes `[N, c_dim]` as float32 `[N, w_dim]`."""


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
        """Map `z` `[N, z_dim]` and `c` `[N, c_dim]` (None: zeros) to untruncated `w` `[N, w_dim]` float32."""

    def begin(self, inputs: Inputs, edits: LayerEdits = NO_EDITS) -> Activation:
        """Return the input of the first layer.

        Raises:
            RequestError: The transform cannot be inverted.
        """
        style = self.input_style(inputs.ws[:, 0])
        if self.info.input_style_dim:
            style = edits.style(INPUT, style)
        return edits.features(INPUT, self.make_input(inputs, style))

    def input_style(self, w: Tensor) -> Tensor:
        """Return the styles `[N, input_style_dim]` of the network's input from entry 0 of `ws`; most have none."""
        return w[:, :0]

    @abstractmethod
    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        """Return the input of the first layer without edits; `style` is `[N, input_style_dim]`."""

    @abstractmethod
    def rgb(self, activation: Activation) -> Tensor:
        """Convert the last activation to the picture `[N, img_channels, *img_size]` float32, nominally in -1..1."""

    def preview(self, activation: Activation) -> Tensor | None:
        """Return the picture accumulated up to a layer that `is_rgb`, `[N, img_channels, h, w]` float32, or None.

        Families whose `img` is not a picture (such as wavelet coefficients) convert it here.
        """
        return activation.img

    def w_mean(self, c: Tensor | None = None) -> Tensor:
        """Return the centre of truncation: `[w_dim]`, or `[N, w_dim]` of classes `c` `[N, c_dim]`; float32.

        It is the same for all classes unless a family has one for each.
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
        """Return the picture of `ws` `[N, num_ws, w_dim]`: `begin`, every layer in order, `rgb`.

        `update_emas` is for training: every layer first updates its moving averages with its input.
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
        """Run `synthesis` in steps of a layer."""
        return self.picture_steps(Inputs(ws, transform, noise=noise or NoiseSpec()), update_emas=update_emas)

    def picture_steps(
        self, inputs: Inputs, *, edits: LayerEdits = NO_EDITS, update_emas: bool = False
    ) -> Steps[Tensor]:
        """Return the picture of any inputs, in steps of a layer."""
        layers = self.layers

        def update(i: int, activation: Activation) -> None:
            layers[i].update_emas(activation)

        before = update if update_emas else None
        activation = yield from fold_steps(layers, self.begin(inputs, edits), inputs, edits=edits, before=before)
        return self.rgb(activation)

    def update_w_avg(self, w: Tensor) -> None:
        """Update the moving average `w_avg` with `w` `[N, w_dim]`; training only, a no-op if it is fixed."""
        return None

    def register_hidden(self, name: str, module: nn.Module) -> None:
        """Register a sub-module under a name that is also a method: `mapping` and `synthesis` in state dicts."""
        self._modules[name] = module

    def broadcast(self, w: Tensor) -> Tensor:
        """Return `ws` `[N, num_ws, w_dim]` with the same `w` for every entry."""
        return style_maths.broadcast(w, self.info.num_ws)

    def truncate(self, ws: Tensor, psi: float = 1.0, cutoff: int | None = None, c: Tensor | None = None) -> Tensor:
        """Truncate the first `cutoff` entries (None: all) of `ws` to `w_mean(c) + psi * (ws - w_mean(c))`."""
        return style_maths.truncate(ws, self.w_mean(c), psi, cutoff)

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return self.w_avg.device

    def derived(self) -> Iterator[CachedDerived[Any]]:
        """Yield all caches of values derived from the weights."""
        for module in self.modules():
            yield from (value for value in tuple(vars(module).values()) if isinstance(value, CachedDerived))

    def forget_derived(self) -> None:
        """Clear the caches of values derived from the weights."""
        for derived in self.derived():
            derived.forget()

    @property
    def held_bytes(self) -> int:
        """Bytes of memory held by the generator: whole storages, and values derived from its weights."""
        tensors = [*self.parameters(), *self.buffers()]
        values: list[object] = [derived.value for derived in self.derived()]
        return held_bytes(tensors_in([*tensors, *values]))

    @property
    def nbytes(self) -> int:
        """Bytes of parameters and buffers."""
        return sum(math.prod(t.shape) * t.element_size() for t in self.state_dict().values())
