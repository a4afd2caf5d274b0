"""The cost of one picture, estimated from the configuration: peak memory beyond the weights, and operations.

Nothing is built or run. The estimates are upper bounds for the fast forms in float32 ("auto" and "torch"), within a
factor of about two; `tests/generators/test_cost.py` compares them with measurements.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import NamedTuple

from .stylegan2 import StyleGAN2Config
from .stylegan3_layers import InputSpec, LayerSpec, StyleGAN3Config, layer_table

__all__ = ["LayerCost", "PictureCost", "picture_cost", "total_cost"]

_FLOAT = 4  # bytes
_STRIP, _TILE = 16, 32  # rows and columns that `FilteredProducts` processes at a time
_FILTER_WEIGHT = 16  # idle two-core AVX-512 machine: 336 GFLOP/s in convolutions, some 21 in filter products
_KERNEL_FLOP = 21  # 1 ns per output of the native filter, at that rate


@dataclass(frozen=True, slots=True)
class PictureCost:
    """The cost of one picture.

    Args:
        nbytes: Peak memory beyond the file's weights, including values derived from them.
        flop: Floating point operations of the convolutions, counting multiplications and additions separately.
        filter_flop: Those of the resampling filters, which run at a small fraction of that rate.
        layer: The layer that needs the most memory.
    """

    nbytes: int
    flop: int
    filter_flop: int
    layer: str

    def seconds(self, rate: float) -> float:
        """Return the time in seconds on a machine that does `rate` operations per second in large convolutions."""
        return (self.flop + _FILTER_WEIGHT * self.filter_flop) / rate


@dataclass(frozen=True, slots=True)
class LayerCost:
    """Cost of one layer: `work` bytes while it runs, `cached` bytes that stay for the next picture."""

    name: str
    work: int
    cached: int
    flop: int
    filter_flop: int = 0


@singledispatch
def picture_cost(config: object, *, kernels: bool = False) -> PictureCost:
    """Return the cost of one picture of a generator with this configuration.

    A family registers its own function with `@picture_cost.register` in the module of its config dataclass;
    otherwise only the picture itself is counted.

    Args:
        config: A family's config dataclass.
        kernels: Whether the native kernels are available; they need far less for filters of the published sizes.

    Raises:
        MismatchError: The configuration has no layer table.
    """
    return total_cost((), getattr(config, "img_channels", 3), getattr(config, "img_resolution", 1))


@picture_cost.register
def _(config: StyleGAN2Config, *, kernels: bool = False) -> PictureCost:
    return total_cost(_stylegan2_layers(config), config.img_channels, config.img_resolution)


@picture_cost.register
def _(config: StyleGAN3Config, *, kernels: bool = False) -> PictureCost:
    return total_cost(_stylegan3_layers(config, kernels), config.img_channels, config.img_resolution)


def total_cost(layers: Iterable[LayerCost], colours: int, size: int) -> PictureCost:
    """Return the cost of a picture of `size` x `size` pixels with `colours` channels from these layers."""
    # The picture in float32, clamped, converted to colours for the screen, and as bytes.
    picture = LayerCost("the picture", (4 * _FLOAT * max(colours, 3) + 8) * size**2, 0, 20 * colours * size**2)
    found = (*layers, picture)
    largest = max(found, key=lambda layer: layer.work)
    return PictureCost(
        nbytes=largest.work + sum(layer.cached for layer in found),
        flop=sum(layer.flop for layer in found),
        filter_flop=sum(layer.filter_flop for layer in found),
        layer=largest.name,
    )


def _stylegan2_layers(config: StyleGAN2Config) -> Iterator[LayerCost]:
    taps, colours = len(config.resample_filter), config.img_channels
    per_output = 2 * (
        taps * taps if taps < 8 else 2 * taps
    )  # of the resampling filter, in the form of `setup_filter`
    has_branch = config.architecture == "resnet"
    for size in config.resolutions:
        name, area, o = f"b{size}", size * size, config.channels(size)
        picture = 3 * colours * area if config.architecture == "skip" else 0
        noise = 2 * _FLOAT * area  # in addition to the stored one
        if size > 4:
            i, wide = config.channels(size // 2), (size + taps) ** 2
            # The input and its styled copy, four phases or the transposed convolution, the padded and the filtered
            # result; the residual branch is held until conv1 is done.
            work = _FLOAT * (2 * i * area // 4 + (7 if has_branch else 4) * o * wide + picture)
            cached = _derived(i, o, 9, 3) + noise
            yield LayerCost(f"{name}.conv0", work, cached, 18 * i * o * area // 4, per_output * o * area)
        # Input, styled copy, output, and the library's convolution layout.
        work = _FLOAT * (5 * o * area + picture)
        yield LayerCost(f"{name}.conv1", work, _derived(o, o, 9, 2) + noise, 18 * o * o * area)
        if config.architecture == "skip" or size == config.img_resolution:
            work = _FLOAT * (2 * o + 5 * colours) * area
            filter_flop = per_output * colours * area
            yield LayerCost(f"{name}.torgb", work, _derived(o, colours, 1, 2), 2 * o * colours * area, filter_flop)


def _stylegan3_layers(config: StyleGAN3Config, kernels: bool) -> Iterator[LayerCost]:
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
        cached = _derived(i, o, k * k, 2) + filtering.cached
        yield LayerCost(spec.name, _FLOAT * work, cached, 2 * k * k * i * convolved, filtering.flop)


def _fourier_features(spec: InputSpec) -> LayerCost:
    points = spec.size**2
    work = _FLOAT * (3 * spec.channels * points + 2 * spec.channels**2)
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
    # each takes three times as much while it is computed.
    matrices = 8 * 2 * (mid * wide + terms * out * mid)
    design = 3 * 2 * mid * max(wide, out)
    up_band, down_band = _TILE // up + spec.up_taps // up + 1, _TILE * down + spec.down_taps
    strip_band = (_STRIP * down + spec.down_taps) // up + spec.up_taps // up + 1
    flop = 2 * c * mid * (wide * up_band + (out * down + spec.down_taps) * strip_band)
    flop += 2 * terms * c * (mid * out * (_STRIP * down + spec.down_taps) + out * out * down_band)
    return _Filtering(max(tall + narrow + strip + result, design), matrices + matrices // 8, flop)


def _derived(inputs: int, outputs: int, taps: int, copies: int) -> int:
    """Return the bytes of values derived from a layer's weights: reordered, split into phases or packed."""
    return _FLOAT * copies * inputs * outputs * taps
