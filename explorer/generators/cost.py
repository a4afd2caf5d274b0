"""The cost of one picture, estimated from the configuration: peak memory beyond the weights, and operations.

Nothing is built or run. The estimates are upper bounds for the fast forms in float32 ("auto" and "torch"), within a
factor of about two; `tests/generators/test_cost.py` compares them with measurements.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import singledispatch

__all__ = ["FLOAT_BYTES", "LayerCost", "PictureCost", "derived_bytes", "picture_cost", "total_cost"]

FLOAT_BYTES = 4
_FILTER_WEIGHT = 16  # idle two-core AVX-512 machine: 336 GFLOP/s in convolutions, some 21 in filter products


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


def total_cost(layers: Iterable[LayerCost], colours: int, size: int | tuple[int, int]) -> PictureCost:
    """Return the cost of a picture from these layers with `colours` channels, `size` pixels wide and high.

    `size` is (height, width) of a picture that is not square.
    """
    area = size**2 if isinstance(size, int) else size[0] * size[1]
    # The picture in float32, clamped, converted to colours for the screen, and as bytes.
    picture = LayerCost("the picture", (4 * FLOAT_BYTES * max(colours, 3) + 8) * area, 0, 20 * colours * area)
    found = (*layers, picture)
    largest = max(found, key=lambda layer: layer.work)
    return PictureCost(
        nbytes=largest.work + sum(layer.cached for layer in found),
        flop=sum(layer.flop for layer in found),
        filter_flop=sum(layer.filter_flop for layer in found),
        layer=largest.name,
    )


def derived_bytes(inputs: int, outputs: int, taps: int, copies: int) -> int:
    """Return the bytes of values derived from a layer's weights: reordered, split into phases or packed."""
    return FLOAT_BYTES * copies * inputs * outputs * taps
