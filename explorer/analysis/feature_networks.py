"""The feature networks for Frechet distances, by name."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.analysis import attribute_network
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["NAMES", "FeatureNetwork", "networks"]

NAMES = ("efficientnet", "attributes")


@dataclass(frozen=True)
class FeatureNetwork:
    """A network's display name, its function from `[N, 3, R, R]` in -1..1 to `[N, F]`, and its identity."""

    name: str
    features: Callable[[Tensor], Tensor]
    identity: str


def networks(names: tuple[str, ...] = NAMES) -> list[FeatureNetwork]:
    """Load the feature networks of these names.

    Raises:
        UsageError: The weights of EfficientNet-Lite0 are missing and cannot be downloaded.
        UnreadableFileError: The attribute network is missing.
    """
    found = []
    for name in names:
        if name == "efficientnet":
            from explorer.analysis import efficientnet

            large = efficientnet.load()
            label = f"{efficientnet.NAME} at {large.side} px"
            found.append(FeatureNetwork(label, large.features, f"el0-{large.side}"))
        elif name == "attributes":
            digest = hashlib.sha256(read_regular(attribute_network.bundled_path(), 1 << 30)).hexdigest()
            small = attribute_network.load()
            found.append(FeatureNetwork("the attribute network", small.features, f"attributes-{digest[:16]}"))
        else:
            raise ValueError(f"no feature network is named {name!r}")
    return found
