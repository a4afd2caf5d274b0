"""The mapping network that StyleGAN2 and StyleGAN3 share, and its dense layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from explorer.ops.backend import CachedDerived, is_inference, policy
from explorer.ops.bias_act import bias_act
from explorer.ops.normalize import normalize_2nd_moment
from explorer.ops.prepared_styles import PreparedStyles

from .base import Generator, SynthesisLayer

__all__ = ["FullyConnectedLayer", "MappedGenerator", "MappingNetwork"]


class FullyConnectedLayer(nn.Module):
    """Dense layer with equalised learning rate: `act(x W^T lr/sqrt(in) + b lr)`.

    Args:
        in_features: Size of the input.
        out_features: Size of the output.
        activation: A name in `explorer.ops.bias_act.ACTIVATIONS`.
        lr_multiplier: Factor on the layer's learning rate; the stored weights are larger by its inverse.
        weight_init: Standard deviation of the initial weights, before the multiplier.
        bias_init: Initial bias, one number or one per output, before the multiplier.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        activation: str = "linear",
        lr_multiplier: float = 1.0,
        weight_init: float = 1.0,
        bias_init: float | Sequence[float] = 0.0,
    ) -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * (weight_init / lr_multiplier))
        bias = torch.as_tensor(bias_init, dtype=torch.float32).expand(out_features)
        self.bias = nn.Parameter(bias / lr_multiplier)
        self.weight_gain = lr_multiplier / math.sqrt(in_features)
        self.bias_gain = lr_multiplier

    def forward(self, x: Tensor) -> Tensor:
        """Map `[N, in_features]` to `[N, out_features]`, in the dtype of `x`."""
        x = torch.addmm(
            self.bias.to(x.dtype), x, self.weight.to(x.dtype).t(), beta=self.bias_gain, alpha=self.weight_gain
        )
        return x if self.activation == "linear" else bias_act(x, act=self.activation)

    def style(self, w: Tensor, cache: CachedDerived[PreparedStyles], gain: float = 1.0) -> Tensor:
        """Return a layer's styles, `forward` times `gain`; without gradients through `cache`."""
        if not is_inference():
            styles: Tensor = self(w)
            return styles if gain == 1.0 else styles * gain
        dtype = policy().dtype
        return cache.get((self.weight, self.bias), dtype, lambda: self.prepared(dtype, gain))(w)

    def prepared(self, dtype: torch.dtype, gain: float = 1.0) -> PreparedStyles:
        """Prepare `forward` times `gain` for inference with features of `dtype`; the layer must be linear."""
        assert self.activation == "linear"
        return PreparedStyles(self.weight, self.bias * (self.bias_gain * gain), self.weight_gain * gain, dtype)


class MappingNetwork(nn.Module):
    """Maps a latent and a class label to `w`.

    Args:
        z_dim: Size of the latent; 0 maps labels alone (as a discriminator does).
        c_dim: Size of the label; 0 is unconditional.
        w_dim: Size of the output.
        num_layers: Number of dense layers, `fc0` onwards.
        embed_features: Size of the label's embedding; None is `w_dim`.
        layer_features: Size of the hidden layers; None is `w_dim`.
        activation: Activation of every layer.
        lr_multiplier: Learning rate multiplier of every layer except the embedding.
        has_w_avg: Whether to track the moving average of `w`, the centre of truncation.
        joins_label: Whether the label's embedding is a row of a matrix, normalised together with the latent.
    """

    w_avg: Tensor

    def __init__(
        self,
        z_dim: int,
        c_dim: int,
        w_dim: int,
        num_layers: int = 8,
        embed_features: int | None = None,
        layer_features: int | None = None,
        activation: str = "lrelu",
        lr_multiplier: float = 0.01,
        has_w_avg: bool = True,
        joins_label: bool = False,
    ) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.num_layers = z_dim, c_dim, num_layers
        self.joins_label = joins_label and c_dim > 0
        embedded = (embed_features or w_dim) if c_dim > 0 else 0
        hidden = layer_features or w_dim
        sizes = [z_dim + embedded, *[hidden] * (num_layers - 1), w_dim]
        if self.joins_label:
            self.label_weight = nn.Parameter(torch.randn(c_dim, embedded))
        elif c_dim > 0:
            self.embed = FullyConnectedLayer(c_dim, embedded)
        for i in range(num_layers):
            layer = FullyConnectedLayer(sizes[i], sizes[i + 1], activation, lr_multiplier)
            self.add_module(f"fc{i}", layer)
        if has_w_avg:
            self.register_buffer("w_avg", torch.zeros(w_dim))

    def forward(self, z: Tensor | None, c: Tensor | None = None) -> Tensor:
        """Map `z` `[N, z_dim]` and `c` `[N, c_dim]` (None: zeros) to `w` `[N, w_dim]` float32."""
        x = self._normalised(z, c)
        for i in range(self.num_layers):
            x = self._modules[f"fc{i}"](x)  # type: ignore[misc]  # registered above, never None
        return x

    def _normalised(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """Return the input of the first layer."""
        parts: list[Tensor] = []
        if self.z_dim > 0:
            if z is None:
                raise ValueError("this mapping network needs z")
            parts.append(z.to(torch.float32))
        if self.c_dim > 0:
            if c is None:
                if z is None:
                    raise ValueError("this mapping network needs z or c")
                c = torch.zeros(z.shape[0], self.c_dim, device=z.device)
            c = c.to(torch.float32)
            parts.append(c @ self.label_weight if self.joins_label else self.embed(c))
        if self.joins_label:
            return normalize_2nd_moment(torch.cat(parts, dim=1))
        parts = [normalize_2nd_moment(part) for part in parts]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    @torch.no_grad()
    def update_w_avg(self, w: Tensor, beta: float) -> None:
        """Move `w_avg` towards the mean of `w` `[N, w_dim]`; `beta` is the weight of the old value."""
        self.w_avg.copy_(torch.lerp(w.detach().float().mean(dim=0), self.w_avg, beta))


class MappedGenerator(Generator):
    """A generator with this mapping network, registered as "mapping", and its synthesis layers in `_layers`."""

    _layers: tuple[SynthesisLayer, ...]

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return self._layers

    @property
    def mapping_network(self) -> MappingNetwork:
        """The mapping network as a module."""
        return cast("MappingNetwork", self._modules["mapping"])

    @property
    def w_avg(self) -> Tensor:
        return self.mapping_network.w_avg

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        w: Tensor = self.mapping_network(z, c)
        return w
