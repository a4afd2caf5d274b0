"""StyleGAN3 (alias-free), configurations T and R: Fourier features filtered through band-limited layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from explorer.ops import backend
from explorer.ops.bias_act import bias_act
from explorer.ops.filter_design import design_lowpass_filter
from explorer.ops.filtered_lrelu import FilteredLReLU, filtered_lrelu
from explorer.ops.modulated_conv2d import stylegan3_modulated_conv2d
from explorer.ops.prepared_conv import DeferredConv, PreparedConv, apply_epilogue

from .base import Activation, GeneratorInfo, Inputs, LayerInfo, SynthesisLayer
from .mapping import FullyConnectedLayer, MappedGenerator, MappingNetwork
from .motion import inverse_motion
from .stylegan3_band import band_filter, with_edges
from .stylegan3_layers import InputSpec, LayerSpec, StyleGAN3Config, layer_table

if TYPE_CHECKING:
    from explorer.ops.prepared_styles import PreparedStyles

__all__ = ["StyleGAN3Generator", "StyleGAN3Input", "StyleGAN3Layer", "build_r", "build_t"]


class StyleGAN3Input(nn.Module):
    """Fourier features of the picture plane, transformed by a learned and a requested motion."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, spec: InputSpec, w_dim: int) -> None:
        super().__init__()
        self.spec = spec
        freqs = torch.randn(spec.channels, 2)
        radius = freqs.square().sum(dim=1, keepdim=True).sqrt()
        freqs = freqs / (radius * radius.square().exp().pow(0.25)) * spec.bandwidth  # uniform over the disc
        self.weight = nn.Parameter(torch.randn(spec.channels, spec.channels))
        self.affine = FullyConnectedLayer(w_dim, 4, weight_init=0, bias_init=[1, 0, 0, 0])
        self.register_buffer("freqs", freqs)
        self.register_buffer("phases", torch.rand(spec.channels) - 0.5)
        # Released files carry this buffer (the identity); the user's motion is an argument, not a buffer.
        self.register_buffer("transform", torch.eye(3))

    def style(self, w: Tensor) -> Tensor:
        """Return the learned motion `[N, 4]` of `w` `[N, w_dim]`: cosine, sine and shift, up to a common factor."""
        styles: Tensor = self.affine(w)
        return styles

    def forward(self, style: Tensor, transform: Tensor | None = None) -> Tensor:
        """Return the features `[N, channels, size, size]` for `style` `[N, 4]` and a forward motion.

        They are float32 with gradients, otherwise in the policy's dtype, as for the first layer.
        """
        return self.sample(style, None if transform is None else inverse_motion(transform))

    def sample(self, style: Tensor, inverse: Tensor | None) -> Tensor:
        """Run `forward` with the inverse `[1 or N, 3, 3]` of the motion; None is the identity."""
        motion = self._motion(style, inverse)  # [N, 3, 3]
        # freqs as row vectors; its dot products with the motion's rotation and translation columns.
        freqs = self.freqs @ motion[:, :2, :2]  # [N, C, 2]
        phases = self.phases + (self.freqs @ motion[:, :2, 2:])[:, :, 0]  # [N, C]
        rate, bandwidth = self.spec.sampling_rate, self.spec.bandwidth
        # Frequencies that the motion moves beyond the band limit are faded out before they alias.
        amplitudes = 1 - (freqs.norm(dim=2) - bandwidth) / (rate / 2 - bandwidth)
        amplitudes = amplitudes.clamp(0, 1)
        weight = self.weight / math.sqrt(self.spec.channels)
        features = self._by_axes if backend.is_inference() else self._by_points
        return features(freqs, phases, amplitudes, weight)

    def _axis(self) -> Tensor:
        """Return the sample positions `[size]` along one axis, in picture widths from the centre."""
        size, device = self.spec.size, self.freqs.device
        return (torch.arange(size, device=device, dtype=torch.float32) + 0.5 - size / 2) / self.spec.sampling_rate

    def _by_points(self, freqs: Tensor, phases: Tensor, amplitudes: Tensor, weight: Tensor) -> Tensor:
        """Return the features by definition, with a sine at every point."""
        axis = self._axis()
        across = axis[None, None, :, None] * freqs[:, None, None, :, 0]  # [N, 1, size, C]
        down = axis[None, :, None, None] * freqs[:, None, None, :, 1]  # [N, size, 1, C]
        x = torch.sin((across + down + phases[:, None, None, :]) * (2 * math.pi))
        x = x * amplitudes[:, None, None, :]  # [N, size, size, C]
        mixed: Tensor = x @ weight.t()
        return mixed.permute(0, 3, 1, 2)

    def _by_axes(self, freqs: Tensor, phases: Tensor, amplitudes: Tensor, weight: Tensor) -> Tensor:
        """Return the features by sin(a + b) = sin a cos b + cos a sin b, with sines only along the two axes."""
        axis = self._axis()[:, None] * (2 * math.pi)
        across = axis * freqs[:, None, :, 0]  # [N, size, C]
        down = axis * freqs[:, None, :, 1] + phases[:, None] * (2 * math.pi)
        amplitudes = amplitudes[:, None]
        x = (amplitudes * down.cos())[:, :, None] * across.sin()[:, None]  # [N, size, size, C]
        x.addcmul_((amplitudes * down.sin())[:, :, None], across.cos()[:, None])
        mixed: Tensor = backend.features(x) @ backend.features(weight).t()
        return mixed.permute(0, 3, 1, 2)

    def _motion(self, t: Tensor, inverse: Tensor | None) -> Tensor:
        """Return the map from output positions to features: learned motion times inverse requested motion."""
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        cos, sin, shift_x, shift_y = t.unbind(dim=1)
        zero, one = torch.zeros_like(cos), torch.ones_like(cos)
        rotation = torch.stack([cos, -sin, zero, sin, cos, zero, zero, zero, one], dim=1).reshape(-1, 3, 3)
        shift = torch.stack([one, zero, -shift_x, zero, one, -shift_y, zero, zero, one], dim=1).reshape(-1, 3, 3)
        motion = rotation @ shift @ self.transform
        return motion if inverse is None else motion @ inverse.to(motion)


class StyleGAN3Layer(SynthesisLayer):
    """Modulated convolution and filtered leaky ReLU; ToRGB is the same without filters and slope."""

    magnitude_ema: Tensor
    up_filter: Tensor | None
    down_filter: Tensor | None

    def __init__(self, spec: LayerSpec, index: int, config: StyleGAN3Config) -> None:
        super().__init__()
        self.spec = spec
        self.clamp = config.conv_clamp
        self.magnitude_ema_beta = config.magnitude_ema_beta
        self.act_gain = 1.0 if spec.is_torgb else math.sqrt(2)
        self.slope = 1.0 if spec.is_torgb else 0.2
        self._styles: backend.CachedDerived[PreparedStyles] = backend.CachedDerived()
        self._conv: backend.CachedDerived[PreparedConv] = backend.CachedDerived()
        self.style_gain = 1 / math.sqrt(spec.in_channels) if spec.is_torgb else 1.0
        self._filters: backend.CachedDerived[FilteredLReLU] = backend.CachedDerived()
        self._band: backend.CachedDerived[FilteredLReLU] = backend.CachedDerived()
        self.info = LayerInfo(
            name=spec.name,
            ws_index=index + 1,
            resolution=spec.out_sampling_rate,
            channels=spec.out_channels,
            height=spec.out_size,
            width=spec.out_size,
            is_rgb=spec.is_torgb,
            style_dim=spec.in_channels,
        )
        k = spec.conv_kernel
        self.affine = FullyConnectedLayer(config.w_dim, spec.in_channels, bias_init=1)
        self.weight = nn.Parameter(torch.randn(spec.out_channels, spec.in_channels, k, k))
        self.bias = nn.Parameter(torch.zeros(spec.out_channels))
        self.register_buffer("magnitude_ema", torch.ones([]))
        rate = spec.tmp_sampling_rate
        up_width, down_width = spec.in_half_width * 2, spec.out_half_width * 2
        self.register_buffer("up_filter", design_lowpass_filter(spec.up_taps, spec.in_cutoff, up_width, rate))
        self.register_buffer(
            "down_filter",
            design_lowpass_filter(spec.down_taps, spec.out_cutoff, down_width, rate, spec.down_radial),
        )

    @torch.no_grad()
    def update_emas(self, activation: Activation) -> None:
        energy = activation.x.detach().to(torch.float32).square().mean()
        self.magnitude_ema.copy_(torch.lerp(energy, self.magnitude_ema, self.magnitude_ema_beta))

    def style(self, w: Tensor) -> Tensor:
        return self.affine.style(w, self._styles, self.style_gain)

    def run(self, activation: Activation, style: Tensor, noise: Tensor | None = None) -> Activation:
        spec = self.spec
        x = backend.features(activation.x)
        if backend.is_inference():
            conv = self._conv.get((self.weight, self.bias), x.dtype, lambda: self._prepare(x.dtype))
            return activation.with_features(self._infer(conv(x, style, self.magnitude_ema.rsqrt())))
        x = stylegan3_modulated_conv2d(
            x,
            self.weight,
            style,
            demodulate=not spec.is_torgb,
            padding=spec.conv_kernel - 1,
            input_gain=self.magnitude_ema.rsqrt(),
            fused=backend.builds_weights(),
        )
        return activation.with_features(self._filter(x))

    def _prepare(self, dtype: torch.dtype) -> PreparedConv:
        weight = self.weight.detach()
        if not self.spec.is_torgb:
            weight = weight * weight.square().mean(dim=[1, 2, 3], keepdim=True).rsqrt()
        padding = self.spec.conv_kernel - 1
        return PreparedConv(weight, padding=padding, demodulate=not self.spec.is_torgb, bias=self.bias, dtype=dtype)

    def _infer(self, deferred: DeferredConv) -> Tensor:
        """Apply bias and nonlinearity without gradients."""
        if self.spec.is_torgb:  # no filters, gain and slope are 1
            return apply_epilogue(deferred, None, "linear", 1.0, self.clamp)
        return self._filters_for(deferred.x)(deferred.x, deferred.scale, deferred.bias)

    def _filter(self, x: Tensor) -> Tensor:
        """Apply bias and nonlinearity, differentiably."""
        spec = self.spec
        if backend.policy().backend == "reference":
            return filtered_lrelu(
                x,
                fu=self.up_filter,
                fd=self.down_filter,
                b=self.bias,
                up=spec.up_factor,
                down=spec.down_factor,
                padding=spec.padding,
                gain=self.act_gain,
                slope=self.slope,
                clamp=self.clamp,
            )
        if spec.is_torgb:
            return bias_act(x, self.bias, clamp=self.clamp)
        return self._filters_for(x)(x, None, self.bias)

    def keep_band(self, x: Tensor, edited: Tensor) -> Tensor:
        down_filter = self.down_filter
        if down_filter is None:
            return edited
        change = with_edges(edited - x)
        variant = (change.dtype, change.shape[2:])
        return x + self._band.get((down_filter,), variant, lambda: band_filter(self.spec, down_filter, change))(
            change
        )

    def _filters_for(self, x: Tensor) -> FilteredLReLU:
        filters = [f for f in (self.up_filter, self.down_filter) if f is not None]
        return self._filters.get(filters, (x.dtype, x.shape[2:]), lambda: self._plan(x))

    def _plan(self, x: Tensor) -> FilteredLReLU:
        spec = self.spec
        return FilteredLReLU(
            self.up_filter,
            self.down_filter,
            int(x.shape[2]),
            int(x.shape[3]),
            up=spec.up_factor,
            down=spec.down_factor,
            padding=spec.padding,
            gain=self.act_gain,
            slope=self.slope,
            clamp=self.clamp,
            dtype=x.dtype,
            device=x.device,
        )


class StyleGAN3Generator(MappedGenerator):
    """StyleGAN3; its input transform moves the picture exactly, within the margin around it."""

    def __init__(self, config: StyleGAN3Config, family: str) -> None:
        super().__init__()
        self.config = config
        first, specs = layer_table(config)
        synthesis = nn.Module()
        synthesis.add_module("input", StyleGAN3Input(first, config.w_dim))
        layers = []
        for i, spec in enumerate(specs):
            layer = StyleGAN3Layer(spec, i, config)
            synthesis.add_module(spec.name, layer)
            layers.append(layer)
        self.register_hidden("synthesis", synthesis)
        network = MappingNetwork(
            config.z_dim,
            config.c_dim,
            config.w_dim,
            num_layers=config.mapping_layers,
            lr_multiplier=config.mapping_lr_multiplier,
        )
        self.register_hidden("mapping", network)
        self._layers = tuple(layers)
        self.info = GeneratorInfo(
            family=family,
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            num_ws=config.num_layers + 2,
            img_size=(config.img_resolution, config.img_resolution),
            img_channels=config.img_channels,
            layers=tuple(layer.info for layer in layers),
            has_noise=False,
            has_input_transform=True,
            class_names=config.class_names,
            input_style_dim=4,
            input_layer=LayerInfo("input", 0, int(first.sampling_rate), first.channels, first.size, first.size),
        )

    @property
    def input(self) -> StyleGAN3Input:
        """The Fourier features as a module."""
        return cast("StyleGAN3Input", cast("nn.Module", self._modules["synthesis"])._modules["input"])

    def update_w_avg(self, w: Tensor) -> None:
        if self.config.w_avg_beta is not None:
            self.mapping_network.update_w_avg(w, self.config.w_avg_beta)

    def input_style(self, w: Tensor) -> Tensor:
        return self.input.style(w)

    def make_input(self, inputs: Inputs, style: Tensor) -> Activation:
        return Activation(self.input(style, inputs.transform))

    def rgb(self, activation: Activation) -> Tensor:
        return activation.x.to(torch.float32) * self.config.output_scale


def build_t(config: StyleGAN3Config) -> StyleGAN3Generator:
    """Return a translation-equivariant generator."""
    return StyleGAN3Generator(config, "stylegan3-t")


def build_r(config: StyleGAN3Config) -> StyleGAN3Generator:
    """Return a rotation-equivariant generator."""
    return StyleGAN3Generator(config, "stylegan3-r")
