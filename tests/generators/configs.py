"""Small configurations of every family, for tests that hold for all of them."""

from __future__ import annotations

from typing import Any

import torch

from explorer.generators import registry
from explorer.generators.base import Generator

__all__ = ["SMALL", "golden_config", "small_generator"]

_SG3 = {"z_dim": 16, "w_dim": 16, "img_resolution": 32, "channel_base": 256, "channel_max": 12, "num_layers": 5}
_SG1 = {"z_dim": 16, "w_dim": 16, "img_resolution": 32, "channel_base": 256, "channel_max": 12, "mapping_layers": 2}
_SG2 = {"z_dim": 16, "w_dim": 16, "img_resolution": 32, "channel_base": 256, "channel_max": 12, "mapping_layers": 2}
_MOBILE = {"img_resolution": 32, "w_dim": 16, "mapping_layers": 2}

_STAR = {"style_dim": 16, "latent_dim": 8, "num_domains": 3, "channels": 8, "max_conv_dim": 16, "hidden_dim": 32}

# (family, flat configuration) by a readable name; every family of the registry must be here.
SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "stylegan": ("stylegan", {**_SG1, "c_dim": 3}),
    "stylegan-growing": ("stylegan", {**_SG1, "lod": 0.75, "fused_scale": "always", "use_noise": False}),
    "stylegan2-skip": ("stylegan2", _SG2),
    "stylegan2-resnet": ("stylegan2", {**_SG2, "architecture": "resnet", "conv_clamp": 0.7}),
    "stylegan2-orig": ("stylegan2", {**_SG2, "architecture": "orig", "c_dim": 3}),
    "stylegan2-plain": ("stylegan2", {**_SG2, "use_noise": False, "conv_clamp": None}),
    "stylegan2-upright": ("stylegan2", {**_SG2, "init_size": [6, 3], "architecture": "resnet", "img_channels": 4}),
    "stylegan2-joined": ("stylegan2", {**_SG2, "c_dim": 3, "mapping_joins_label": True, "img_channels": 1}),
    "stylegan3-t": ("stylegan3-t", {**_SG3, "c_dim": 2}),
    "stylegan3-r": ("stylegan3-r", {**_SG3, "margin_size": 6}),
    "starganv2-skip": ("starganv2", {**_STAR, "img_resolution": 64, "w_hpf": 1}),
    "starganv2": ("starganv2", {**_STAR, "img_resolution": 32, "w_hpf": 0}),
    "mobilestylegan": ("mobilestylegan", {**_MOBILE, "channels": [16, 12, 8]}),
    "tiny": ("tiny", {"c_dim": 2}),
    "tiny-source": ("tiny", {"source_channels": 3, "num_masks": 2}),
}


def small_generator(name: str, seed: int = 0) -> Generator:
    """A small generator with random weights, every zero of the initialisation replaced by a random number."""
    family, config = SMALL[name]
    torch.manual_seed(seed)
    generator = registry.build(family, config)
    with torch.no_grad():
        for key, tensor in generator.named_parameters():
            if key.endswith(("bias", "noise_strength")):
                tensor.add_(0.1 * torch.randn_like(tensor))
    return generator


def golden_config(init: dict[str, Any]) -> dict[str, Any]:
    """The flat configuration of a fixture's constructor arguments."""
    flat = {k: v for k, v in init.items() if not isinstance(v, dict)}
    flat.update(init.get("synthesis_kwargs", {}))
    for key, value in init.get("mapping_kwargs", {}).items():
        flat["mapping_layers" if key == "num_layers" else f"mapping_{key}"] = value
    return flat
