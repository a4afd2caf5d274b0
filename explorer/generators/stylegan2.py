"""StyleGAN2 and StyleGAN2-ADA: a learned constant upsampled by modulated convolutions with noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from explorer.ops import backend
from explorer.ops.bias_act import ACTIVATIONS, bias_act
from explorer.ops.conv2d_resample import conv2d_resample
from explorer.ops.modulated_conv2d import stylegan2_modulated_conv2d
from explorer.ops.prepared_conv import PreparedConv, PreparedToRGB, PreparedUpConv
from explorer.ops.upfirdn2d import setup_filter, upsample2d

from .base import Activation, GeneratorInfo, Inputs, LayerInfo, NoiseSpec, SynthesisLayer
from .mapping import FullyConnectedLayer, MappedGenerator, MappingNetwork
from .motion import resample
from .noise import layer_noise, noise_of

if TYPE_CHECKING:
    from explorer.ops.prepared_styles import PreparedStyles

    from .stylegan2_config import StyleGAN2Config

__all__ = ["StyleGAN2Generator", "layer_noise"]

_FIRST = "b4.conv1"  # the layer that the constant goes into; it is in no residual branch


def _covering(noise: Tensor | None, height: int, width: int) -> Tensor | None:
    """Return noise of a size other than the layer's, which an edit has given it: repeated or cut, as strong."""
    if noise is None or noise.shape[2:] == (height, width):
        return noise
    rows, columns = (torch.arange(size, device=noise.device) for size in (height, width))
    return noise.index_select(2, rows % noise.shape[2]).index_select(3, columns % noise.shape[3])


class _Block(nn.Module):
    """The layers of one resolution under NVIDIA's names; it does not run them."""

    resample_filter: Tensor
    const: nn.Parameter
    skip: _SkipConv


class _SkipConv(nn.Module):
    """The 1x1 upsampling convolution in the skip branch of a `resnet` block."""

    resample_filter: Tensor

    def __init__(self, in_channels: int, out_channels: int, config: StyleGAN2Config) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))

    def forward(self, x: Tensor, gain: float = 1.0) -> Tensor:
        weight = self.weight * (self.weight_gain * gain)
        return conv2d_resample(x, weight.to(x.dtype), self.resample_filter, up=2, flip_weight=False)


class StyleGAN2Conv(SynthesisLayer):
    """3x3 modulated convolution, noise, bias and activation; doubles the resolution if `up` is 2."""

    resample_filter: Tensor
    noise_const: Tensor

    def __init__(self, info: LayerInfo, in_channels: int, config: StyleGAN2Config, up: int = 1) -> None:
        super().__init__()
        self.info = info
        self.up = up
        self.activation = config.activation
        resnet = config.architecture == "resnet" and info.name != _FIRST
        self.opens_skip = resnet and up == 2
        self.beside: tuple[_SkipConv, ...] = ()  # the block's skip; in a tuple, so that torch does not register it
        gain = math.sqrt(0.5) if resnet and up == 1 else 1.0
        self.act_gain = ACTIVATIONS[config.activation].gain * gain
        self.clamp = None if config.conv_clamp is None else config.conv_clamp * gain
        # Scaling before these activations equals scaling after them, so the gain is folded into the convolution.
        self.early_gain = self.act_gain if config.activation in ("linear", "relu", "lrelu") else 1.0
        self._styles: backend.CachedDerived[PreparedStyles] = backend.CachedDerived()
        self._conv: backend.CachedDerived[PreparedConv | PreparedUpConv] = backend.CachedDerived()
        self._scaled_noise: backend.CachedDerived[Tensor] = backend.CachedDerived()
        self.affine = FullyConnectedLayer(config.w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(info.channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(info.channels))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(info.height, info.width))
            self.noise_strength = nn.Parameter(torch.zeros([]))

    def noise(self, spec: NoiseSpec, batch: int) -> Tensor | None:
        # Without noise there is nothing stored either.
        return noise_of(self.info, self.noise_const, spec, batch) if self.info.has_noise else None

    def style(self, w: Tensor) -> Tensor:
        return self.affine.style(w, self._styles)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        x, skip = backend.features(activation.x), activation.skip
        noise = _covering(noise, self.up * x.shape[2], self.up * x.shape[3])
        if self.opens_skip:
            skip = self.beside[0](x, gain=math.sqrt(0.5))
        x = self._infer(x, style, noise) if backend.is_inference() else self._train(x, style, noise)
        if skip is not None and not self.opens_skip:
            x, skip = skip + x, None
        return Activation(x, activation.img, skip, activation.extras)

    def _train(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer with operators that are differentiable to any order."""
        if noise is not None:
            noise = noise * self.noise_strength
        x = stylegan2_modulated_conv2d(
            x,
            self.weight,
            style,
            noise=noise,
            up=self.up,
            padding=1,
            resample_filter=self.resample_filter,
            flip_weight=self.up == 1,
            fused=backend.builds_weights(),
        )
        return bias_act(x, self.bias, act=self.activation, gain=self.act_gain, clamp=self.clamp)

    def _infer(self, x: Tensor, style: Tensor, noise: Tensor | None) -> Tensor:
        """Run the layer without gradients, with prepared weights."""
        sources = (self.weight, self.bias, self.resample_filter)
        conv = self._conv.get(sources, x.dtype, lambda: self._prepare(x.dtype))
        run = conv if isinstance(conv, PreparedUpConv) else conv.with_epilogue
        return run(x, style, self._scaled(noise), self.activation, self.act_gain, self.clamp)

    def _scaled(self, noise: Tensor | None) -> Tensor | None:
        """Return the noise scaled for addition; it is cached for the checkpoint's constant noise."""
        if noise is None:
            return None
        if noise.data_ptr() != self.noise_const.data_ptr():
            return noise * (self.noise_strength * self.early_gain)
        scale = self.noise_strength
        return self._scaled_noise.get((self.noise_const, scale), None, lambda: noise * (scale * self.early_gain))

    def _prepare(self, dtype: torch.dtype) -> PreparedConv | PreparedUpConv:
        gain = self.early_gain
        bias = self.bias * gain
        if self.up == 1:
            return PreparedConv(self.weight, padding=1, demodulate=True, bias=bias, gain=gain, dtype=dtype)
        taps = self.resample_filter
        return PreparedUpConv(self.weight, resample_filter=taps, bias=bias, gain=gain, dtype=dtype)


class StyleGAN2ToRGB(SynthesisLayer):
    """1x1 modulated convolution to the picture's channels, added to the upsampled image accumulated so far.

    It needs its block's resample filter, but only holds the block's buffers: a reference to the block, which holds
    the layer, would be a cycle that keeps a closed model in memory until a full garbage collection.
    """

    def __init__(self, info: LayerInfo, block: _Block, in_channels: int, config: StyleGAN2Config) -> None:
        super().__init__()
        self.info = info
        self._shared = block._buffers  # the dictionary that `to` and `load_state_dict` write into
        self.clamp = config.conv_clamp
        self.style_gain = 1 / math.sqrt(in_channels)
        self._styles: backend.CachedDerived[PreparedStyles] = backend.CachedDerived()
        self._torgb: backend.CachedDerived[PreparedToRGB] = backend.CachedDerived()
        self.affine = FullyConnectedLayer(config.w_dim, in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(info.channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(info.channels))

    @property
    def taps(self) -> Tensor:
        """The block's resample filter."""
        taps = self._shared["resample_filter"]
        assert taps is not None
        return taps

    def style(self, w: Tensor) -> Tensor:
        return self.affine.style(w, self._styles, self.style_gain)

    def picture(self, x: Tensor, style: Tensor) -> Tensor:
        """Return this layer's own contribution to the picture, `[N, img_channels, H, W]`."""
        return self._picture(x, style, None)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        img = self._picture(activation.x, style, activation.img)
        return Activation(activation.x, img, None, activation.extras)

    def _picture(self, x: Tensor, style: Tensor, img: Tensor | None) -> Tensor:
        x = backend.features(x)
        taps = self.taps
        if backend.is_inference():
            torgb = self._torgb.get((self.weight, self.bias, taps), x.dtype, lambda: self._prepare(x.dtype))
            return torgb(x, style, img, self.clamp)
        fused = backend.builds_weights()
        rgb = stylegan2_modulated_conv2d(x, self.weight, style, demodulate=False, fused=fused)
        rgb = bias_act(rgb, self.bias, clamp=self.clamp).to(torch.float32)
        return rgb if img is None else upsample2d(img, taps) + rgb

    def _prepare(self, dtype: torch.dtype) -> PreparedToRGB:
        return PreparedToRGB(self.weight, self.bias, self.taps, dtype)


class StyleGAN2Generator(MappedGenerator):
    """StyleGAN2; `info.has_input_transform` is False.

    In place of an input transform, the constant is resampled bicubically by the inverse motion, repeating its
    edge outwards. Coarse structure follows the motion; fine detail keeps sticking to the pixel grid and to the
    noise, which StyleGAN3 was designed to fix.
    """

    def __init__(self, config: StyleGAN2Config) -> None:
        super().__init__()
        self.config = config
        network = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            num_layers=config.mapping_layers,
            embed_features=config.mapping_embed_features,
            layer_features=config.mapping_layer_features,
            activation=config.mapping_activation,
            lr_multiplier=config.mapping_lr_multiplier,
            joins_label=config.mapping_joins_label,
        )
        synthesis = nn.Module()
        layers: list[SynthesisLayer] = []
        for resolution in config.resolutions:
            block, members = _make_block(config, resolution)
            synthesis.add_module(f"b{resolution}", block)
            layers += members
        self.register_hidden("synthesis", synthesis)
        self.register_hidden("mapping", network)
        self._layers = tuple(layers)
        self.info = GeneratorInfo(
            family="stylegan2",
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            num_ws=2 * len(config.resolutions),
            img_size=config.img_size,
            img_channels=config.img_channels,
            layers=tuple(layer.info for layer in layers),
            has_noise=config.use_noise,
            has_input_transform=False,
            class_names=config.class_names,
            input_layer=_input_info(config),
            can_resize=True,
        )

    def update_w_avg(self, w: Tensor) -> None:
        if self.config.w_avg_beta is not None:
            self.mapping_network.update_w_avg(w, self.config.w_avg_beta)

    @property
    def const(self) -> Tensor:
        """The input of the first layer, `[C, 4, 4]`, or of another size in a network that is not square."""
        first = cast("nn.Module", cast("nn.Module", self._modules["synthesis"])._modules["b4"])
        return cast("_Block", first).const

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        x = self.const[None].expand(inputs.batch, -1, -1, -1)
        return Activation(x if inputs.transform is None else resample(x, inputs.transform))

    def rgb(self, activation: Activation) -> Tensor:
        img = activation.img
        if img is None:
            raise ValueError("the last activation carries no picture; run every layer first")
        if img.shape[2:] != self.info.img_size:  # an edit has resized the features of a layer
            img = interpolate(img, self.info.img_size, mode="bicubic", align_corners=False, antialias=True)
        return img


def _input_info(config: StyleGAN2Config) -> LayerInfo:
    height, width = config.init_size
    return LayerInfo("input", None, max(height, width), config.channels(4), height, width)


def _make_block(config: StyleGAN2Config, resolution: int) -> tuple[_Block, list[SynthesisLayer]]:
    """Return the block of one resolution and its layers in order of execution."""
    block = _Block()
    channels, (height, width) = config.channels(resolution), config.size_at(resolution)
    index = 2 * int(math.log2(resolution)) - 5  # the entry of ws that styles conv0, or -1 at 4x4

    def info(name: str, ws_index: int, rgb: bool = False, below: int = channels) -> LayerInfo:
        return LayerInfo(
            name=f"b{resolution}.{name}",
            ws_index=ws_index,
            resolution=max(height, width),
            channels=config.img_channels if rgb else channels,
            height=height,
            width=width,
            has_noise=config.use_noise and not rgb,
            is_rgb=rgb,
            style_dim=below,
        )

    block.register_buffer("resample_filter", setup_filter(config.resample_filter))
    layers: list[tuple[str, SynthesisLayer]] = []
    if resolution == 4:
        block.const = nn.Parameter(torch.randn(channels, height, width))
    else:
        below = config.channels(resolution // 2)
        conv0 = StyleGAN2Conv(info("conv0", index, below=below), below, config, up=2)
        layers.append(("conv0", conv0))
        if config.architecture == "resnet":
            block.skip = _SkipConv(below, channels, config)
            conv0.beside = (block.skip,)
    layers.append(("conv1", StyleGAN2Conv(info("conv1", index + 1), channels, config)))
    if config.architecture == "skip" or resolution == config.img_resolution:
        layers.append(("torgb", StyleGAN2ToRGB(info("torgb", index + 2, rgb=True), block, channels, config)))
    for name, layer in layers:
        block.add_module(name, layer)
    return block, [layer for _, layer in layers]
