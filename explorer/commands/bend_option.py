"""The options `--bend LAYER:OPERATION[:NUMBERS][:CHANNELS][@AMOUNT]` and `--bends FILE`: network bending."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.numbers import check_seed, numbers_of
from explorer.edits.bend_operations import OPERATIONS, Operation
from explorer.edits.channels import ALL_CHANNELS, ChannelCluster, ChannelRange, ChannelShare
from explorer.errors import UsageError
from explorer.util.file_errors import message
from explorer.util.ranges import ranges_of
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.edits.channels import Channels
    from explorer.generators.base import LayerInfo
    from explorer.render.headless import HeadlessRenderer
    from explorer.state import Edit

__all__ = ["BendOption", "add_bend_option", "bends_of", "bends_of_file"]

_LARGEST = 1 << 20  # bytes of a file of bends
_EXAMPLE = "For example L3_52_512:rotate:30:50%@0.8"
_SHARE = re.compile(r"(?P<percent>[^%/]+)%(?:/(?P<seed>\d{1,10}))?")
_CLUSTER = re.compile(r"cluster(?P<number>\d{1,3})")


def add_bend_option(parser: argparse.ArgumentParser) -> None:
    """Declare the option."""
    parameters = {name: ",".join(p.title.upper() for p in item.parameters) for name, item in OPERATIONS.items()}
    parameters["noise"] += "[/SEED]"
    operations = ", ".join(f"{name}[:{text}]" if text else name for name, text in parameters.items())
    parser.add_argument(
        "--bend", metavar="LAYER:OPERATION[:NUMBERS][:CHANNELS][@AMOUNT]", action="append", default=[],
        help="network bending of the features of a layer, or of `input`, AMOUNT 0 to 1 (default). Operations: "
        f"{operations}. Channels: all (default), a range as 0-31, a random share as "
        "50%% or, with a seed, 50%%/7, or a cluster as cluster1. "
        "A wrong layer is answered with the model's layers. May be given again",
    )  # fmt: skip

    parser.add_argument(
        "--bends", metavar="FILE", type=Path, help="bends of a YAML or JSON file, before those of --bend: items of "
        "layer, transform, params, features (all, random, cluster), feature-param and seed",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BendOption:
    """The parts of one `--bend`; `channels` is text, since clusters have to be found first."""

    text: str
    layer: str
    operation: Operation
    parameters: tuple[float, ...]
    channels: str
    amount: float
    seed: int = 0

    @staticmethod
    def of(text: str) -> BendOption:
        """Return the parts of a text. Raises UsageError."""
        where = f"--bend {text}"
        body, at, after = text.rpartition("@")
        body, amount = (body, after) if at else (text, "1")
        layer, *parts = body.split(":")
        if not layer or not 1 <= len(parts) <= 3:
            raise UsageError(f"{where}: expected LAYER:OPERATION[:NUMBERS][:CHANNELS][@AMOUNT].", _EXAMPLE)
        operation = next((name for name in OPERATIONS if name == parts[0]), None)
        if operation is None:
            raise UsageError(f"{where}: there is no operation {parts[0]}.", f"There are {', '.join(OPERATIONS)}.")
        declared = OPERATIONS[operation].parameters
        numbers = parts[1] if len(parts) == 3 or (len(parts) == 2 and declared and _is_number(parts[1])) else ""
        channels = parts[-1] if len(parts) > 1 + bool(numbers) else "all"
        if numbers and not declared:
            raise UsageError(
                f"{where}: {operation} takes no numbers.", f"For example {layer}:{operation}:{channels}"
            )
        seed = 0
        if operation == "noise" and "/" in numbers:
            numbers, _, after = numbers.partition("/")
            seed = int(after) if re.fullmatch(r"\d{1,10}", after) else -1
            check_seed(f"{where}: SEED", seed)
        count = numbers.count(",") + 1 if numbers else 0
        if count > len(declared):
            raise UsageError(
                f"{where}: {operation} takes {len(declared)} number{'s' * (len(declared) > 1)} at most."
            )
        values = tuple(numbers_of(f"{where}: NUMBERS", numbers, count)) if numbers else ()
        (strength,) = numbers_of(f"{where}: AMOUNT", amount, 1)
        if OPERATIONS[operation].is_of_size and channels != "all":
            raise UsageError(f"{where}: {operation} changes all channels.", f"Leave out {channels}.")
        return BendOption(text, layer, operation, OPERATIONS[operation].values(values), channels, strength, seed)


def bends_of_file(path: Path | None, renderer: HeadlessRenderer) -> tuple[Edit, ...]:
    """Return the edits of a file (`explorer.edits.bend_text`), none without a file. Raises LatentwalkError."""
    from explorer.edits.bend_text import bends_of_text

    if path is None:
        return ()
    try:
        text = read_regular(path, _LARGEST).decode()
    except OSError as error:
        raise UsageError(f"--bends {message(error)}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--bends {path}: the file is not text.") from error
    return bends_of_text(text, renderer.context.generator.info, lambda layer: _clusters(layer, renderer))


def bends_of(texts: Sequence[str], renderer: HeadlessRenderer) -> tuple[Edit, ...]:
    """Return the edits of the options, in order; clusters of channels are found in the renderer's model.

    Raises:
        UsageError: A text is malformed, or the model lacks the layer or the channels.
    """
    from explorer.edits.bend import NO_RESIZE, Bend, bent_places
    from explorer.state import Edit

    options = [BendOption.of(text) for text in texts]
    info = renderer.context.generator.info
    layers = {layer.name: layer for layer in bent_places(info)}
    edits = []
    for option in options:
        layer = layers.get(option.layer)
        if layer is None:
            raise UsageError(
                f"--bend {option.text}: the model has no layer {option.layer} of features.",
                f"It has {', '.join(layers)}.",
            )
        if OPERATIONS[option.operation].is_of_size and not info.can_resize:
            raise UsageError(f"--bend {option.text}: {NO_RESIZE}.", "Use scale, which keeps the size of the map.")
        channels = _channels(option, layer, renderer)
        bend = Bend(layer.name, option.operation, option.parameters, channels, option.seed)
        edits.append(Edit(bend, option.amount))
    return tuple(edits)


def _is_number(text: str) -> bool:
    """Return whether a part looks like numbers rather than channels."""
    return re.fullmatch(r"[-+.\deE,]+(/.*)?", text) is not None and not re.fullmatch(r"\d+-\d+", text)


def _channels(option: BendOption, layer: LayerInfo, renderer: HeadlessRenderer) -> Channels:
    where, text = f"--bend {option.text}: CHANNELS", option.channels
    if text == "all":
        return ALL_CHANNELS
    if (form := _SHARE.fullmatch(text)) is not None:
        (percent,), seed = numbers_of(where, form["percent"], 1), int(form["seed"] or 0)
        check_seed(where, seed)
        if not 0.0 < percent <= 100.0:
            raise UsageError(f"{where} {text}: the share is not within 0 to 100%.")
        return ChannelShare(percent / 100.0, seed)
    if (form := _CLUSTER.fullmatch(text)) is not None:
        return _cluster(where, layer.name, int(form["number"]), renderer)
    found = ranges_of(where, text, layer.channels - 1)
    if found != list(range(found[0], found[-1] + 1)):
        raise UsageError(f"{where} {text}: give one range; for several, repeat --bend.")
    return ChannelRange(found[0], found[-1])


def _cluster(where: str, layer: str, number: int, renderer: HeadlessRenderer) -> ChannelCluster:
    clusters = _clusters(layer, renderer)
    if not 1 <= number <= len(clusters):
        raise UsageError(f"{where} cluster{number}: the layer has the clusters 1 to {len(clusters)}.")
    return ChannelCluster(number - 1, clusters[number - 1])


def _clusters(layer: str, renderer: HeadlessRenderer) -> tuple[tuple[int, ...], ...]:
    from explorer.analysis.channel_clusters import ChannelClusters, clusters_spec
    from explorer.jobs.executors import run_inline
    from explorer.state import Look

    found: ChannelClusters = run_inline(clusters_spec(renderer.request(Look()), layer), renderer.context)
    return found.clusters
