"""Where StarGAN v2's styles come from: the mapping network and the style encoder, each with a head per domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from explorer.ops import backend

from .starganv2_blocks import SLOPE, ResidualBlock, conv

if TYPE_CHECKING:
    from .starganv2_config import StarGANv2Config

__all__ = ["DomainMapping", "StyleEncoderNetwork", "domain_weights", "mixed"]


def domain_weights(c: Tensor | None, batch: int, domains: int, device: torch.device) -> Tensor:
    """Return the share of each domain `[batch, domains]`, summing to one; all alike for None and for zeros."""
    alike = torch.full((batch, domains), 1 / domains, device=device)
    if c is None:
        return alike
    total = c.float().sum(dim=1, keepdim=True)
    return torch.where(total.abs() > 1e-6, c.float() / total, alike)


def mixed(styles: Tensor, c: Tensor | None) -> Tensor:
    """Return the weighted mean `[N, style_dim]` of styles of every domain `[N, domains, style_dim]`."""
    weights = domain_weights(c, styles.shape[0], styles.shape[1], styles.device)
    # A sum of products, not a matrix product, so that a single domain's style is returned to the bit.
    return (styles * weights[:, :, None]).sum(dim=1)


def _dense(sizes: tuple[int, ...], *, ends_active: bool) -> nn.Sequential:
    """Return dense layers with ReLU between them, and after the last one if `ends_active`."""
    layers: list[nn.Module] = []
    for i in range(len(sizes) - 1):
        layers.append(nn.Linear(sizes[i], sizes[i + 1]))
        if i < len(sizes) - 2 or ends_active:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers)


class DomainMapping(nn.Module):
    """Maps a latent to one style for each domain."""

    def __init__(self, config: StarGANv2Config) -> None:
        super().__init__()
        hidden = config.hidden_dim
        self.shared = _dense((config.latent_dim, *[hidden] * 4), ends_active=True)
        self.unshared = nn.ModuleList(
            _dense((*[hidden] * 4, config.style_dim), ends_active=False) for _ in range(config.num_domains)
        )

    def forward(self, z: Tensor) -> Tensor:
        """Map `[N, latent_dim]` to `[N, domains, style_dim]` float32."""
        x = self.shared(z.float())
        return torch.stack([head(x) for head in self.unshared], dim=1)


class StyleEncoderNetwork(nn.Module):
    """Encodes a picture as one style for each domain."""

    def __init__(self, config: StarGANv2Config) -> None:
        super().__init__()
        specs = config.style_encoder
        wide = specs[-1].outputs
        blocks = [ResidualBlock(spec, normalize=False) for spec in specs]
        # The activations of the original are modules without parameters: they only count in the numbering.
        first = nn.Conv2d(3, config.width, 3, padding=1)
        last = nn.Conv2d(wide, wide, 4)
        act = nn.LeakyReLU(SLOPE)
        self.shared = nn.Sequential(first, *blocks, act, last, act)
        self.unshared = nn.ModuleList(nn.Linear(wide, config.style_dim) for _ in range(config.num_domains))

    def trunk(self, picture: Tensor) -> Tensor:
        """Return the features `[N, C]` float32 that all domains share of a picture `[N, 3, H, W]`."""
        x = backend.features(picture)
        for module in self.shared:
            if isinstance(module, nn.Conv2d):
                x = conv(x, module)
            else:
                x = module(x)
        return x.flatten(1).float()

    def forward(self, picture: Tensor) -> Tensor:
        """Encode `[N, 3, H, W]` in -1..1 as `[N, domains, style_dim]` float32."""
        x = self.trunk(picture)
        return torch.stack([head(x) for head in self.unshared], dim=1)
