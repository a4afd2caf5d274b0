"""StyleGAN's mapping network: the class joined to the latent, one pixel norm, dense layers with leaky ReLU."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from explorer.ops.bias_act import bias_act
from explorer.ops.normalize import normalize_2nd_moment

from .mapping import FullyConnectedLayer

if TYPE_CHECKING:
    from .stylegan_config import StyleGANConfig

__all__ = ["StyleGANMapping"]


class _Dense(FullyConnectedLayer):
    """A dense layer whose gain of sqrt(2) is in the weight, so that it does not scale the bias as in StyleGAN2."""

    def __init__(self, in_features: int, out_features: int, lr_multiplier: float) -> None:
        super().__init__(in_features, out_features, lr_multiplier=lr_multiplier)
        self.weight_gain *= math.sqrt(2)

    def forward(self, x: Tensor) -> Tensor:
        return bias_act(super().forward(x), act="lrelu", gain=1.0)


class StyleGANMapping(nn.Module):
    """Maps a latent and a class to `w`; layers `dense0` onwards."""

    w_avg: Tensor

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        self.c_dim = config.c_dim
        if config.c_dim:
            self.label_weight = nn.Parameter(torch.randn(config.c_dim, config.z_dim))
        inner = config.mapping_features or config.w_dim
        first = config.z_dim * (2 if config.c_dim else 1)
        sizes = [first, *[inner] * (config.mapping_layers - 1), config.w_dim]
        for i in range(config.mapping_layers):
            self.add_module(f"dense{i}", _Dense(sizes[i], sizes[i + 1], config.mapping_lr_multiplier))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Map `z` `[N, z_dim]` and `c` `[N, c_dim]` (None: zeros) to `w` `[N, w_dim]` float32."""
        x = z.to(torch.float32)
        if self.c_dim:
            label = x.new_zeros(x.shape[0], self.c_dim) if c is None else c.to(torch.float32)
            x = torch.cat([x, label @ self.label_weight], dim=1)
        x = normalize_2nd_moment(x)
        for layer in self.children():
            x = layer(x)
        return x

    @torch.no_grad()
    def update_w_avg(self, w: Tensor, beta: float) -> None:
        """Move `w_avg` towards the mean of `w` `[N, w_dim]`; `beta` is the weight of the old value."""
        self.w_avg.copy_(torch.lerp(w.detach().float().mean(dim=0), self.w_avg, beta))
