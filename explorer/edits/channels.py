"""Choices of a layer's channels: all, a random share, a range, or a cluster."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from explorer.util.tagged import Tagged

__all__ = ["ALL_CHANNELS", "AllChannels", "ChannelCluster", "ChannelRange", "ChannelShare", "Channels"]

SEED_COUNT = 2**32


class Channels(Tagged):
    """Base of the choices: frozen dataclasses."""

    __slots__ = ()

    @classmethod
    def members(cls) -> Mapping[str, type[Channels]]:
        """Return the classes by kind."""
        return {c.kind: c for c in (AllChannels, ChannelShare, ChannelRange, ChannelCluster)}

    def of(self, count: int) -> tuple[int, ...] | None:
        """Return the chosen channels of a layer that has `count`, ascending; None for all of them.

        Empty where the choice does not fit the layer.
        """
        raise NotImplementedError

    def describe(self) -> str:
        """Return the choice as text, empty for all."""
        return ""


@dataclass(frozen=True, slots=True)
class AllChannels(Channels):
    """All channels."""

    kind: ClassVar[str] = "all"

    def of(self, count: int) -> tuple[int, ...] | None:
        """Return None."""
        return None


ALL_CHANNELS = AllChannels()
"""The choice of all channels."""


@dataclass(frozen=True, slots=True)
class ChannelShare(Channels):
    """A random share of the channels, 0..1 and at least one channel, drawn from a seed.

    A larger share of the same seed has the channels of a smaller one.
    """

    kind: ClassVar[str] = "share"

    share: float = 0.5
    seed: int = 0

    def of(self, count: int) -> tuple[int, ...] | None:
        """Return the share of the channels."""
        chosen = math.ceil(min(max(self.share, 0.0), 1.0) * count - 1e-9)  # 0.3 of 10 is 3
        return tuple(sorted(_shuffled(self.seed % SEED_COUNT, count)[: max(chosen, 1)]))

    def describe(self) -> str:
        """Return the share in percent."""
        return f"{100.0 * self.share:.3g}% of channels"


@dataclass(frozen=True, slots=True)
class ChannelRange(Channels):
    """Channels first..last; `last` None means the last channel."""

    kind: ClassVar[str] = "range"

    first: int = 0
    last: int | None = None

    def of(self, count: int) -> tuple[int, ...] | None:
        """Return the part of the range that the layer has."""
        last = count - 1 if self.last is None else min(self.last, count - 1)
        return tuple(range(max(self.first, 0), last + 1))

    def describe(self) -> str:
        """Return the range."""
        if self.last is None:
            return f"channels {self.first} and up"
        if self.first == self.last:
            return f"channel {self.first}"
        return f"channels {self.first}\u2013{self.last}"


@dataclass(frozen=True, slots=True)
class ChannelCluster(Channels):
    """A cluster of channels that are active in the same places (`explorer.analysis.channel_clusters`).

    Attributes:
        number: Its number, from 0, of the clustering it comes from.
        channels: Its channels, so that a project needs no clustering to give the same picture.
    """

    kind: ClassVar[str] = "cluster"

    number: int
    channels: tuple[int, ...]

    def of(self, count: int) -> tuple[int, ...] | None:
        """Return the channels, none if the layer lacks one of them."""
        fits = bool(self.channels) and min(self.channels) >= 0 and max(self.channels) < count
        return tuple(sorted(set(self.channels))) if fits else ()

    def describe(self) -> str:
        """Return its number, from 1 on."""
        return f"cluster {self.number + 1}"


@lru_cache(maxsize=64)
def _shuffled(seed: int, count: int) -> tuple[int, ...]:
    """Return the numbers below `count` in a random order; cached, as every picture asks again."""
    import numpy as np

    return tuple(np.random.RandomState(seed).permutation(count).tolist())
