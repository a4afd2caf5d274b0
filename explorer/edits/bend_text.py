"""Bends in the text form of Broad et al. (2020): items of layer, transform, params, features and feature-param.

    - layer: 3
      transform: rotate
      params: [45]
      features: random
      feature-param: 0.5

A layer is a number, 0 for the first one, or a name; "input" is the network's input. Features are `all`, a `random`
share, or a `cluster` by number from 0, which is one of our clusters: theirs come from a network trained for the
purpose. Noise takes a `seed` too; without it, the number of the item is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from explorer.edits.base import Edit
from explorer.edits.bend import NO_RESIZE, Bend, bent_layers, bent_places
from explorer.edits.bend_operations import OPERATIONS, Operation
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelShare
from explorer.errors import ProjectError
from explorer.util.flat_yaml import parse_items
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.edits.channels import Channels
    from explorer.generators.base import GeneratorInfo

__all__ = ["bends_of_text"]

MAX_ITEMS = 100

_KEYS = frozenset({"layer", "transform", "params", "features", "feature-param", "seed"})
_RENAMED: Mapping[str, Operation] = {"scalar-multiply": "multiply", "binary-thresh": "threshold"}
_HINT = (
    "An item has layer, transform, params, features, feature-param, seed, as network bending's configurations do."
)

Clusters = Callable[[str], tuple[tuple[int, ...], ...]]


def bends_of_text(text: str, info: GeneratorInfo, clusters: Clusters) -> tuple[Edit, ...]:
    """Return the bends of a text, in order; the seed of a random share is the number of its item.

    Args:
        text: YAML of that form, or JSON.
        info: The network that the layers belong to.
        clusters: Returns the channels of each cluster of the layer with a name. May raise LatentwalkError.

    Raises:
        ProjectError: The text is something else, or does not fit the network; it says which item.
    """
    try:
        items = parse_items(text)
    except ValueError as error:
        raise ProjectError(f"This is no list of bends: {visible(str(error), 100)}.", _HINT) from error
    if not 1 <= len(items) <= MAX_ITEMS:
        raise ProjectError(f"This is no list of 1 to {MAX_ITEMS} bends.", _HINT)
    return tuple(_bend(item, i, info, clusters) for i, item in enumerate(items))


def _bend(item: Mapping[str, Any], index: int, info: GeneratorInfo, clusters: Clusters) -> Edit:
    where = f"Bend {index + 1}"
    if strange := sorted(set(item) - _KEYS):
        raise ProjectError(f"{where} has an unknown key {visible(strange[0], 40)}.", _HINT)
    layer = _layer(item.get("layer"), where, info)
    name = item.get("transform")
    operation = next((o for o in OPERATIONS if o == _RENAMED.get(str(name), name)), None)
    if operation is None:
        known = ", ".join(OPERATIONS)
        raise ProjectError(f"{where} has the unknown transform {visible(str(name), 40)}.", f"There are {known}.")
    declared, given = OPERATIONS[operation], item.get("params", [])
    values = [_number(value, f"{where}: params") for value in (given if isinstance(given, list) else [given])]
    if len(values) > len(declared.parameters):
        raise ProjectError(f"{where}: {operation} takes {len(declared.parameters)} params, not {len(values)}.")
    if declared.is_of_size and not info.can_resize:
        raise ProjectError(f"{where}: {NO_RESIZE}.", "Use scale, which keeps the size of the map.")
    if declared.is_of_size and item.get("features", "all") != "all":
        raise ProjectError(f"{where}: {operation} changes all features, not {visible(str(item['features']), 40)}.")
    channels = _channels(item, index, layer, where, clusters)
    return Edit(Bend(layer, operation, declared.values(values), channels, _seed(item, operation, index, where)))


def _seed(item: Mapping[str, Any], operation: Operation, index: int, where: str) -> int:
    """Return the seed of noise; 0 for what has none."""
    seed = item.get("seed", index if operation == "noise" else 0)
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise ProjectError(f"{where}: seed should be a whole number from 0 to {2**32 - 1}.")
    if operation != "noise" and "seed" in item:
        raise ProjectError(f"{where}: {operation} has no seed, only noise has one.")
    return seed


def _layer(value: Any, where: str, info: GeneratorInfo) -> str:
    names = [layer.name for layer in bent_layers(info)]
    if value in [layer.name for layer in bent_places(info)]:
        return str(value)
    if type(value) is int and 0 <= value < len(names):
        return names[value]
    raise ProjectError(
        f"{where}: the model has no layer {visible(str(value), 40)} of features.",
        f"Its layers are 0 to {len(names) - 1}, or {', '.join(names)}.",
    )


def _channels(item: Mapping[str, Any], index: int, layer: str, where: str, clusters: Clusters) -> Channels:
    kind, number = item.get("features", "all"), item.get("feature-param")
    if kind == "all":
        return ALL_CHANNELS
    if kind not in ("random", "cluster"):
        raise ProjectError(f"{where}: features should be all, random or cluster, not {visible(str(kind), 40)}.")
    amount = _number(number, f"{where}: feature-param")
    if kind == "random":
        if not 0.0 < amount <= 1.0:
            raise ProjectError(f"{where}: the share of random features, {amount:g}, is not within 0 to 1.")
        return ChannelShare(amount, index)
    found = clusters(layer)
    if amount not in range(len(found)):
        raise ProjectError(f"{where}: the layer {layer} has no cluster {amount:g}, only 0 to {len(found) - 1}.")
    return ChannelCluster(int(amount), found[int(amount)])


def _number(value: Any, where: str) -> float:
    """Return a finite number, also from a list of one."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if type(value) not in (int, float) or not math.isfinite(value) or abs(value) > 1e9:
        raise ProjectError(f"{where} should be a number, not {visible(str(value), 40)}.")
    return float(value)
