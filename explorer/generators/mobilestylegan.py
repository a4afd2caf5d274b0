"""MobileStyleGAN: StyleGAN2's mapping, and a small synthesis network in the wavelet domain (Belousov 2021)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from .base import Activation, GeneratorInfo, Inputs, LayerInfo
from .mapping import MappedGenerator, MappingNetwork
from .mobilestylegan_layers import MobileConv, StyledLayer, WaveletHead, WaveletUp
from .motion import resample

if TYPE_CHECKING:
    from .mobilestylegan_config import MobileStyleGANConfig

__all__ = ["MobileStyleGANGenerator"]


class MobileStyleGANGenerator(MappedGenerator):
    """MobileStyleGAN; `info.has_input_transform` is False, the 4x4 constant is resampled as in StyleGAN2.

    Entry 0 of `ws` styles the first layer. Block i (from 0) is styled by three: 3 i + 1 by the inverse Haar
    transform and the first convolution together, 3 i + 2 by the second one, 3 i + 3 by its head. The picture comes
    from the last head alone, so of the entries of heads only that one's has an effect on it. The very last entry of
    `ws` styles nothing; files of latents have it.
    """

    def __init__(self, config: MobileStyleGANConfig) -> None:
        super().__init__()
        self.config = config
        z_dim = config.z_dim or config.w_dim
        network = MappingNetwork(
            z_dim,
            config.c_dim,
            config.w_dim,
            num_layers=config.mapping_layers,
            embed_features=config.mapping_embed_features,
            layer_features=config.mapping_layer_features,
            activation=config.mapping_activation,
            lr_multiplier=config.mapping_lr_multiplier,
            joins_label=config.mapping_joins_label,
        )
        synthesis, layers = nn.Module(), []
        for index in range(len(config.widths)):
            block, members = _make_block(config, index)
            synthesis.add_module(f"b{4 << index}", block)
            layers += members
        self.register_hidden("synthesis", synthesis)
        self.register_hidden("mapping", network)
        self._layers = tuple(layers)
        self._heads = {layer.info.resolution: layer for layer in layers if isinstance(layer, WaveletHead)}
        size = config.img_resolution
        self.info = GeneratorInfo(
            family="mobilestylegan",
            z_dim=z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            num_ws=3 * len(config.widths) - 1,
            img_size=(size, size),
            img_channels=config.img_channels,
            layers=tuple(layer.info for layer in layers),
            has_noise=True,
            has_input_transform=False,
            class_names=config.class_names,
        )

    @property
    def const(self) -> Tensor:
        """The input of the first layer, `[C, 4, 4]`."""
        first = cast("nn.Module", cast("nn.Module", self._modules["synthesis"])._modules["b4"])
        return first.get_parameter("const")

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        x = self.const[None].expand(inputs.batch, -1, -1, -1)
        return Activation(x if inputs.transform is None else resample(x, inputs.transform))

    def preview(self, activation: Activation) -> Tensor | None:
        if activation.img is not None or not activation.extras:
            return activation.img
        (style,) = activation.extras
        return self._heads[activation.x.shape[2]].picture(activation.x, style)

    def rgb(self, activation: Activation) -> Tensor:
        if activation.img is None:
            raise ValueError("the last activation carries no picture; run every layer first")
        return activation.img


def _make_block(config: MobileStyleGANConfig, index: int) -> tuple[nn.Module, list[StyledLayer]]:
    """Return the block of one resolution and its layers in order of execution."""
    size, channels = 4 << index, config.widths[index]
    first = max(3 * index - 2, 0)  # the entry of ws that styles the block's first layers

    def info(name: str, ws_index: int, inputs: int, outputs: int = channels, rgb: bool = False) -> LayerInfo:
        shown = 2 * size if rgb else size
        return LayerInfo(
            name=f"b{size}.{name}",
            ws_index=ws_index,
            resolution=size,
            channels=outputs,
            height=shown,
            width=shown,
            has_noise=name.startswith("conv"),
            is_rgb=rgb,
            style_dim=inputs,
        )

    block, layers = nn.Module(), dict[str, StyledLayer]()
    if index == 0:
        block.register_parameter("const", nn.Parameter(torch.randn(channels, 4, 4)))
        layers["conv1"] = MobileConv(info("conv1", 0, channels), config.w_dim, is_separable=False)
    else:
        below = config.widths[index - 1]
        layers["up"] = WaveletUp(info("up", first, below, below // 4), config.w_dim)
        layers["conv1"] = MobileConv(info("conv1", first, below // 4), config.w_dim, is_separable=True)
        layers["conv2"] = MobileConv(info("conv2", first + 1, channels), config.w_dim, is_separable=True)
    head = info("to_img", first + (2 if index else 1), channels, config.img_channels, rgb=True)
    layers["to_img"] = WaveletHead(head, config.w_dim, is_last=index == len(config.widths) - 1)
    for name, layer in layers.items():
        block.add_module(name, layer)
    return block, list(layers.values())
