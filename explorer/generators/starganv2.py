"""StarGAN v2: a source picture keeps its pose and takes the style of a latent or of another picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.ops import backend

from .base import Activation, Generator, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer
from .motion import resample
from .starganv2_blocks import SLOPE, AdaptiveBlock, AffineNorm, ResidualBlock, conv, high_pass
from .starganv2_config import COARSE_MASK, SKIPPED
from .starganv2_styles import DomainMapping, StyleEncoderNetwork, mixed

if TYPE_CHECKING:
    from .starganv2_config import BlockSpec, StarGANv2Config

__all__ = ["StarGANv2Generator"]


class FromRGB(SynthesisLayer):
    """The first convolution of the source picture."""

    def __init__(self, info: LayerInfo) -> None:
        super().__init__()
        self.info = info
        self.weight = nn.Parameter(torch.empty(info.channels, 3, 3, 3))
        self.bias = nn.Parameter(torch.zeros(info.channels))
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def style(self, w: Tensor) -> Tensor:
        return w[:, :0]

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = backend.features(activation.x)
        x = F.conv2d(x, self.weight.to(x.dtype), self.bias.to(x.dtype), padding=1)
        return activation.with_features(x)


class EncoderLayer(SynthesisLayer):
    """A residual block of the encoder.

    `extras` begin with the two masks, if there are any. Before the sizes of `SKIPPED` are halved, what the decoder
    will add at that size is appended: high frequencies of the masked features.
    """

    def __init__(self, info: LayerInfo, spec: BlockSpec, config: StarGANv2Config) -> None:
        super().__init__()
        self.info = info
        self.block = ResidualBlock(spec, normalize=True)
        self.divisor, self.size = config.w_hpf, spec.size

    def style(self, w: Tensor) -> Tensor:
        return w[:, :0]

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x, extras = backend.features(activation.x), activation.extras
        if extras and self.size in SKIPPED:
            mask = extras[0] if self.size == COARSE_MASK else extras[1]
            mask = F.interpolate(mask, size=x.shape[2:], mode="bilinear", align_corners=False)
            extras = (*extras, high_pass(mask.to(x.dtype) * x, self.divisor))
        return Activation(self.block(x), None, None, extras)


class DecoderLayer(SynthesisLayer):
    """A block of the decoder, styled by AdaIN; adds the source's details at its size, if there are masks."""

    def __init__(self, info: LayerInfo, spec: BlockSpec, config: StarGANv2Config) -> None:
        super().__init__()
        self.info = info
        self.masks = config.num_masks
        self.block = AdaptiveBlock(spec, config.style_dim, has_shortcut=config.w_hpf == 0)

    def style(self, w: Tensor) -> Tensor:
        return self.block.style(w)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = self.block(backend.features(activation.x), style)
        for details in activation.extras[self.masks :]:
            if details.shape[2:] == x.shape[2:]:
                x = x + details.to(x.dtype)
        return activation.with_features(x)


class ToRGB(SynthesisLayer):
    """Normalisation, activation and a 1x1 convolution to the picture."""

    def __init__(self, info: LayerInfo, width: int) -> None:
        super().__init__()
        self.info = info
        self.norm = AffineNorm(width)
        self.conv = nn.Conv2d(width, 3, 1)

    def style(self, w: Tensor) -> Tensor:
        return w[:, :0]

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x = F.leaky_relu(self.norm(backend.features(activation.x)), SLOPE)
        return Activation(activation.x, conv(x, self.conv).float(), None, activation.extras)


class StarGANv2Generator(Generator):
    """StarGAN v2: encoder, AdaIN decoder, mapping network and style encoder.

    The classes are the domains, mixed by weight; without one, all count alike. `w` is the style code, and `ws` has
    an entry for each block of the decoder. The encoder's layers have no styles, so that their results stay cached
    while only the style changes. In place of an input transform, the source picture is resampled by the inverse
    motion. Without a source picture, it is grey.
    """

    style_avg: Tensor

    def __init__(self, config: StarGANv2Config) -> None:
        super().__init__()
        self.config = config
        encoder = [EncoderLayer(_info(spec), spec, config) for spec in config.encoder]
        decoder = [DecoderLayer(_info(spec, i), spec, config) for i, spec in enumerate(config.decoder)]
        size = config.img_resolution
        first = FromRGB(LayerInfo("from_rgb", None, size, config.width, size, size))
        last = ToRGB(LayerInfo("to_rgb", None, size, 3, size, size, is_rgb=True), config.width)
        self._layers: tuple[SynthesisLayer, ...] = (first, *encoder, *decoder, last)
        self.generator = nn.Module()
        self.generator.add_module("from_rgb", first)
        self.generator.add_module("encode", nn.ModuleList(layer.block for layer in encoder))
        self.generator.add_module("decode", nn.ModuleList(layer.block for layer in decoder))
        self.generator.add_module("to_rgb", nn.Sequential(last.norm, nn.LeakyReLU(SLOPE), last.conv))
        self.mapping_network = DomainMapping(config)
        self.style_encoder = StyleEncoderNetwork(config)
        self.register_buffer("style_avg", torch.zeros(config.num_domains, config.style_dim))
        self.info = GeneratorInfo(
            family="starganv2",
            z_dim=config.latent_dim,
            c_dim=config.num_domains,
            w_dim=config.style_dim,
            num_ws=len(decoder),
            img_size=(size, size),
            img_channels=3,
            layers=tuple(layer.info for layer in self._layers),
            has_noise=False,
            has_input_transform=False,
            class_names=config.class_names,
            source_channels=3,
            num_masks=config.num_masks,
            encodes_style=True,
        )

    @property
    def layers(self) -> Sequence[SynthesisLayer]:
        return self._layers

    @property
    def w_avg(self) -> Tensor:
        return self.style_avg.mean(dim=0)

    def w_mean(self, c: Tensor | None = None) -> Tensor:
        if c is None:
            return self.w_avg
        return mixed(self.style_avg.expand(c.shape[0], -1, -1), c)

    def mapping(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        return mixed(cast("Tensor", self.mapping_network(z)), c)

    def encode_style(self, picture: Tensor, c: Tensor | None = None) -> Tensor:
        return mixed(cast("Tensor", self.style_encoder(picture)), c)

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        source = inputs.source
        if source is None:
            source = inputs.ws.new_zeros(inputs.batch, 3, *self.info.img_size)
        if inputs.transform is not None:
            source = resample(source, inputs.transform)
        return Activation(source, None, None, inputs.masks)

    def rgb(self, activation: Activation) -> Tensor:
        if activation.img is None:
            raise ValueError("the last activation carries no picture; run every layer first")
        return activation.img


def _info(spec: BlockSpec, ws_index: int | None = None) -> LayerInfo:
    size = spec.out_size
    style_dim = 0 if ws_index is None else 2 * (spec.inputs + spec.outputs)
    return LayerInfo(spec.name, ws_index, size, spec.outputs, size, size, style_dim=style_dim)
