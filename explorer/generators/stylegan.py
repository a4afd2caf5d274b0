"""StyleGAN (2019): a learned 4x4 constant, upsampled by convolutions with noise, styled by AdaIN."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch.nn.functional as F
from torch import Tensor, nn

from .base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer
from .motion import resample
from .stylegan_layers import StyleGANConst, StyleGANConv, StyleGANNorm, StyleGANToRGB
from .stylegan_mapping import StyleGANMapping

if TYPE_CHECKING:
    from .stylegan_config import StyleGANConfig

__all__ = ["StyleGANGenerator"]


class StyleGANGenerator(Generator):
    """StyleGAN; `info.has_input_transform` is False.

    In place of an input transform, the 4x4 constant is resampled bicubically by the inverse motion, as for
    StyleGAN2.
    """

    def __init__(self, config: StyleGANConfig) -> None:
        super().__init__()
        self.config = config
        synthesis = nn.Module()
        layers: list[SynthesisLayer] = []
        for resolution in config.resolutions:
            block = nn.Module()
            for name, layer in _block(config, resolution).items():
                block.add_module(name, layer)
                layers.append(layer)
            synthesis.add_module(f"b{resolution}", block)
        self.register_hidden("synthesis", synthesis)
        self.register_hidden("mapping", StyleGANMapping(config))
        self._layers = tuple(layers)
        self.info = GeneratorInfo(
            family="stylegan",
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            num_ws=2 * len(config.resolutions),
            img_size=(config.img_resolution, config.img_resolution),
            img_channels=config.img_channels,
            layers=tuple(layer.info for layer in layers),
            has_noise=config.use_noise,
            has_input_transform=False,
            class_names=config.class_names,
        )

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return self._layers

    @property
    def mapping_network(self) -> StyleGANMapping:
        """The mapping network as a module."""
        return cast("StyleGANMapping", self._modules["mapping"])

    @property
    def w_avg(self) -> Tensor:
        return self.mapping_network.w_avg

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        w: Tensor = self.mapping_network(z, c)
        return w

    def update_w_avg(self, w: Tensor) -> None:
        if self.config.w_avg_beta is not None:
            self.mapping_network.update_w_avg(w, self.config.w_avg_beta)

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        x = cast("StyleGANConst", self._layers[0]).const[None].expand(inputs.batch, -1, -1, -1)
        return Activation(x if inputs.transform is None else resample(x, inputs.transform))

    def rgb(self, activation: Activation) -> Tensor:
        if activation.img is None:
            raise ValueError("the last activation carries no picture; run every layer first")
        doublings = self.config.lod_steps[0]
        return (
            F.interpolate(activation.img, scale_factor=2**doublings, mode="nearest")
            if doublings
            else activation.img
        )


def _block(config: StyleGANConfig, resolution: int) -> dict[str, SynthesisLayer]:
    """Return the layers of one resolution in order of execution, by name."""
    channels = config.channels(resolution)
    below = config.channels(resolution // 2)
    index = 2 * int(math.log2(resolution)) - 4  # the entry of ws that styles the block's first half

    def info(name: str, width: int = channels, **more: int | bool | None) -> LayerInfo:
        fields = {"ws_index": None, **more}
        return LayerInfo(f"b{resolution}.{name}", resolution=resolution, channels=width, height=resolution,
                         width=resolution, **fields)  # type: ignore[arg-type]  # fmt: skip

    def norm(name: str, entry: int) -> StyleGANNorm:
        return StyleGANNorm(info(name, ws_index=entry, style_dim=2 * channels), config)

    noisy = config.use_noise
    layers: dict[str, SynthesisLayer] = {}
    if resolution == 4:
        layers["const"] = StyleGANConst(info("const", has_noise=noisy))
    else:
        layers["conv0"] = StyleGANConv(info("conv0", has_noise=noisy), below, config, up=2)
    layers["norm0"] = norm("norm0", index)
    layers["conv1"] = StyleGANConv(info("conv1", has_noise=noisy), channels, config)
    layers["norm1"] = norm("norm1", index + 1)
    if config.has_rgb(resolution):
        share = config.lod_steps[1] if resolution == config.resolutions[-1] else 0.0
        layers["torgb"] = StyleGANToRGB(info("torgb", config.img_channels, is_rgb=True), channels, share)
    return layers
