"""StyleGAN3's settings, the layer table that follows from them (cutoffs, rates, sizes, filters), and its cost."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np

from explorer.errors import MismatchError

from .config import CLAMP, CLASSES, RATE, SHARE, WIDTH, ClassNames, Within, check_settings, config_from_mapping
from .cost import FLOAT_BYTES, LayerCost, PictureCost, derived_bytes, picture_cost, total_cost

__all__ = ["InputSpec", "LayerSpec", "StyleGAN3Config", "layer_table"]

_STRIP, _TILE = 16, 32  # rows and columns that `FilteredProducts` processes at a time
_KERNEL_FLOP = 21  # 1 ns per output of the native filter, at the rate of large convolutions
_TAPS = 1024  # maximum per filter; the published models have 12 and 24


@dataclass(frozen=True, slots=True)
class StyleGAN3Config:
    """Flat settings, with NVIDIA's names and the defaults of config T.

    `mapping_*` are the entries of NVIDIA's `mapping_kwargs` (`mapping_layers` is its `num_layers`, while
    `num_layers` counts synthesis layers, without input and ToRGB). `num_fp16_res` is stored but has no effect.
    """

    img_resolution: Annotated[int, Within(4, 8192)]
    z_dim: Annotated[int, WIDTH] = 512
    c_dim: Annotated[int, CLASSES] = 0
    w_dim: Annotated[int, WIDTH] = 512
    img_channels: Annotated[int, Within(1, 64)] = 3
    channel_base: Annotated[int, Within(1, 1 << 22)] = 32768
    channel_max: Annotated[int, WIDTH] = 512
    num_layers: Annotated[int, Within(1, 64)] = 14
    num_critical: Annotated[int, Within(0, 63)] = 2
    # Far beyond the published 2, 4.3 and 1.2, but their powers and logarithms are still finite.
    first_cutoff: Annotated[float, Within(1 / 64, 8192)] = 2
    first_stopband: Annotated[float, Within(0.5, 8192)] = 2**2.1
    last_stopband_rel: Annotated[float, Within(1 / 64, 64)] = 2**0.3
    margin_size: Annotated[int, Within(0, 256)] = 10
    output_scale: Annotated[float, Within(-1e6, 1e6)] = 0.25
    num_fp16_res: Annotated[int, Within(0, 64)] = 4
    conv_kernel: Annotated[int, Within(1, 15)] = 3
    filter_size: Annotated[int, Within(1, 64)] = 6
    lrelu_upsampling: Annotated[int, Within(1, 8)] = 2
    use_radial_filters: bool = False
    conv_clamp: Annotated[float, CLAMP] | None = 256
    magnitude_ema_beta: Annotated[float, SHARE] = 0.999
    mapping_layers: Annotated[int, Within(1, 64)] = 2
    mapping_lr_multiplier: Annotated[float, RATE] = 0.01
    w_avg_beta: Annotated[float, SHARE] | None = 0.998
    class_names: ClassNames = ()

    def __post_init__(self) -> None:
        check_settings(self)
        if self.num_critical >= self.num_layers:
            raise MismatchError(
                f"StyleGAN3 cannot have {self.num_layers} layers (num_layers) of which {self.num_critical} are "
                "critically sampled (num_critical)."
            )
        if self.conv_kernel % 2 == 0:
            raise MismatchError(f"StyleGAN3 needs an odd kernel (conv_kernel), not {self.conv_kernel}.")

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], family: str = "StyleGAN3") -> StyleGAN3Config:
        """Return the configuration of flat `values`; MismatchError for unknown names."""
        return config_from_mapping(cls, values, family)


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The Fourier features: `size` pixels at `sampling_rate`, frequencies up to `bandwidth`."""

    channels: int
    size: int
    sampling_rate: float
    bandwidth: float


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """Derived numbers of one layer. Frequencies and rates are in cycles and samples per image width."""

    name: str
    is_torgb: bool
    is_critically_sampled: bool
    in_channels: int
    out_channels: int
    in_size: int
    out_size: int
    in_sampling_rate: int
    out_sampling_rate: int
    tmp_sampling_rate: int
    in_cutoff: float
    out_cutoff: float
    in_half_width: float
    out_half_width: float
    conv_kernel: int
    up_factor: int
    down_factor: int
    up_taps: int
    down_taps: int
    down_radial: bool
    padding: tuple[int, int, int, int]


def layer_table(config: StyleGAN3Config) -> tuple[InputSpec, tuple[LayerSpec, ...]]:
    """Return the input and the layers L0 ... L`num_layers` (the last is ToRGB).

    Raises:
        MismatchError: A layer would have less than one sample, or a filter far more taps than any known model.
    """
    # Do not reorder these float64 operations: rounding decides whether a rate becomes 128 or 256.
    last_cutoff = config.img_resolution / 2
    last_stopband = last_cutoff * config.last_stopband_rel
    exponents = np.minimum(np.arange(config.num_layers + 1) / (config.num_layers - config.num_critical), 1)
    cutoffs = config.first_cutoff * (last_cutoff / config.first_cutoff) ** exponents
    stopbands = config.first_stopband * (last_stopband / config.first_stopband) ** exponents
    rates = np.exp2(np.ceil(np.log2(np.minimum(stopbands * 2, config.img_resolution))))
    _check_rates(config, float(rates.min()))
    half_widths = np.maximum(stopbands, rates / 2) - cutoffs
    sizes = rates + config.margin_size * 2
    sizes[-2:] = config.img_resolution
    channels = np.rint(np.minimum((config.channel_base / 2) / cutoffs, config.channel_max))
    channels[-1] = config.img_channels

    first = InputSpec(
        channels=int(channels[0]),
        size=int(sizes[0]),
        sampling_rate=float(rates[0]),
        bandwidth=float(cutoffs[0]),
    )
    layers = []
    for i in range(config.num_layers + 1):
        before = max(i - 1, 0)
        is_torgb = i == config.num_layers
        is_critical = i >= config.num_layers - config.num_critical
        tmp_rate = max(rates[i], rates[before]) * (1 if is_torgb else config.lrelu_upsampling)
        up = int(np.rint(tmp_rate / rates[before]))
        down = int(np.rint(tmp_rate / rates[i]))
        up_taps = config.filter_size * up if up > 1 and not is_torgb else 1
        down_taps = config.filter_size * down if down > 1 and not is_torgb else 1
        _check_taps(config, i, max(up_taps, down_taps))
        kernel = 1 if is_torgb else config.conv_kernel
        in_size, out_size = int(sizes[before]), int(sizes[i])
        pad_total = (out_size - 1) * down + 1 - (in_size + kernel - 1) * up + up_taps + down_taps - 2
        pad_low = math.floor((pad_total + up) / 2)
        pad = (pad_low, pad_total - pad_low)
        layers.append(
            LayerSpec(
                name=f"L{i}_{out_size}_{int(channels[i])}",
                is_torgb=is_torgb,
                is_critically_sampled=is_critical,
                in_channels=int(channels[before]),
                out_channels=int(channels[i]),
                in_size=in_size,
                out_size=out_size,
                in_sampling_rate=int(rates[before]),
                out_sampling_rate=int(rates[i]),
                tmp_sampling_rate=int(tmp_rate),
                in_cutoff=float(cutoffs[before]),
                out_cutoff=float(cutoffs[i]),
                in_half_width=float(half_widths[before]),
                out_half_width=float(half_widths[i]),
                conv_kernel=kernel,
                up_factor=up,
                down_factor=down,
                up_taps=up_taps,
                down_taps=down_taps,
                down_radial=config.use_radial_filters and not is_critical,
                padding=pad + pad,
            )
        )
    if channels.min() < 1:
        raise MismatchError(f"StyleGAN3 with channel_base {config.channel_base} has a layer without channels.")
    return first, tuple(layers)


def _check_rates(config: StyleGAN3Config, lowest: float) -> None:
    if lowest < 1:
        raise MismatchError(
            f"StyleGAN3 with first_stopband {config.first_stopband:g} and last_stopband_rel "
            f"{config.last_stopband_rel:g} has a layer of {lowest:g} samples; it needs at least one.",
            "Correct first_stopband and last_stopband_rel in the file's settings, or get the file again.",
        )


def _check_taps(config: StyleGAN3Config, index: int, taps: int) -> None:
    if taps > _TAPS:
        raise MismatchError(
            f"Layer L{index} of StyleGAN3 needs a filter of {taps:,} taps (filter_size {config.filter_size} times "
            f"{taps // config.filter_size:,}); at most {_TAPS:,} are supported.",
            "Correct filter_size, lrelu_upsampling, first_stopband or last_stopband_rel in the file's settings, "
            "or get the file again.",
        )


@picture_cost.register
def _(config: StyleGAN3Config, *, kernels: bool = False) -> PictureCost:
    return total_cost(_layer_costs(config, kernels), config.img_channels, config.img_resolution)


def _layer_costs(config: StyleGAN3Config, kernels: bool) -> Iterator[LayerCost]:
    first, specs = layer_table(config)
    yield _fourier_features(first)
    for spec in specs:
        i, o, k = spec.in_channels, spec.out_channels, spec.conv_kernel
        wide = spec.in_size + k - 1  # side in pixels after the convolution
        convolved = o * wide * wide
        # Input, styled copy and output, twice for the library's convolution layout.
        work = 3 * i * spec.in_size**2 + 2 * convolved
        filtering = _Filtering(0, 0, 0)
        if not spec.is_torgb:
            filtering = _by_kernel(spec) if kernels and _is_published(spec) else _by_products(spec, wide)
            work = max(work, 2 * convolved + filtering.work)
        cached = derived_bytes(i, o, k * k, 2) + filtering.cached
        yield LayerCost(spec.name, FLOAT_BYTES * work, cached, 2 * k * k * i * convolved, filtering.flop)


def _fourier_features(spec: InputSpec) -> LayerCost:
    points = spec.size**2
    work = FLOAT_BYTES * (3 * spec.channels * points + 2 * spec.channels**2)
    return LayerCost("input", work, 0, (2 * spec.channels + 4) * spec.channels * points)


class _Filtering(NamedTuple):
    """Cost of a filtered leaky ReLU: working elements, cached bytes, operations."""

    work: int
    cached: int
    flop: int


def _is_published(spec: LayerSpec) -> bool:
    """Return whether the native kernel supports the layer's filters."""
    known = (spec.up_factor in (2, 4), spec.down_factor == 2, spec.up_taps == 6 * spec.up_factor)
    return all(known) and spec.down_taps == 12


def _by_kernel(spec: LayerSpec) -> _Filtering:
    outputs = spec.out_channels * spec.out_size**2
    return _Filtering(outputs, 0, _KERNEL_FLOP * outputs)


def _by_products(spec: LayerSpec, wide: int) -> _Filtering:
    """Return the cost as products with banded matrices; see `explorer.ops.filtered_products`."""
    up, down, c, out = spec.up_factor, spec.down_factor, spec.out_channels, spec.out_size
    mid = (out - 1) * down + spec.down_taps  # samples per side at the higher rate
    # A radial filter becomes a sum of separable ones; their number is that of designed filters with 12 to 512 taps.
    terms = min(math.ceil(math.sqrt(2 * spec.down_taps)), spec.down_taps) if spec.down_radial else 1
    tall, narrow, result = wide * c * mid, terms * out * c * mid, 2 * c * out * out
    strip = ((_STRIP - 1) * down + spec.down_taps) * c * mid
    # Matrices in float64, as they are designed: one per axis for upsampling, and one per term for downsampling;
    # each
    # takes three times as much while it is computed.
    matrices = 8 * 2 * (mid * wide + terms * out * mid)
    design = 3 * 2 * mid * max(wide, out)
    up_band, down_band = _TILE // up + spec.up_taps // up + 1, _TILE * down + spec.down_taps
    strip_band = (_STRIP * down + spec.down_taps) // up + spec.up_taps // up + 1
    flop = 2 * c * mid * (wide * up_band + (out * down + spec.down_taps) * strip_band)
    flop += 2 * terms * c * (mid * out * (_STRIP * down + spec.down_taps) + out * out * down_band)
    return _Filtering(max(tall + narrow + strip + result, design), matrices + matrices // 8, flop)
