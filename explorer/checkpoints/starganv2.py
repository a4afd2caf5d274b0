"""Reads StarGAN v2's `nets_ema.ckpt`: three tables of tensors, from whose shapes all settings are inferred."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.monitor import Monitor
from explorer.checkpoints.records import TensorRecord, table_of
from explorer.checkpoints.tensors import read_tensors
from explorer.errors import MismatchError, UnsupportedModelError

if TYPE_CHECKING:
    from explorer.checkpoints.reader import OpenFile
    from explorer.checkpoints.source import Source

__all__ = ["StarGANv2Reader"]

_NETWORKS = ("generator", "mapping_network", "style_encoder")
_PREFIX = "module."  # of files saved from DataParallel
_FILTER = "generator.hpf.filter"
_BASE = 1 << 14  # channels times pixels of the first convolution
_DOMAINS = re.compile(r"mapping_network\.unshared\.(\d{1,4})\.0\.weight")
_BLOCKS = re.compile(r"generator\.encode\.(\d{1,3})\.conv1\.weight")


class StarGANv2Reader:
    """StarGAN v2's averaged networks, or those in training where a file has no others."""

    def matches(self, file: OpenFile) -> bool:
        tensors = _tensors(file.value)
        return "generator.from_rgb.weight" in tensors and any(k.startswith("generator.encode.") for k in tensors)

    def read(self, file: OpenFile, monitor: Monitor) -> CheckpointHeader:
        tensors = _tensors(file.value)
        name = file.source.name
        own = {k: v for k, v in tensors.items() if k.split(".")[0] in _NETWORKS and k != _FILTER}
        config = _config(name, {key: record.shape for key, record in own.items()})
        notes = ["All sizes were inferred from the tensors' shapes."]
        if config["w_hpf"] and (record := tensors.get(_FILTER)) is not None:
            config["w_hpf"] = _divisor(file.source, record)
        if others := sorted({key.split(".")[0] for key in tensors} - {*_NETWORKS}):
            notes.append(f"Skipped what is not needed to make pictures: {', '.join(others)[:200]}.")
        return CheckpointHeader(
            family="starganv2",
            config=config,
            records=own,
            name=posixpath.splitext(name)[0],
            source_format=f"{file.container} of StarGAN v2",
            origin="Networks under the original's names",
            notes=tuple(notes),
        )


def _tensors(value: object) -> dict[str, TensorRecord]:
    """Return the tensors of all networks in a file as `network.key`, without prefixes of wrappers."""
    found: dict[str, TensorRecord] = {}
    for network, table in (table_of(value) or {}).items():
        entries = table_of(table)
        if not isinstance(network, str) or entries is None:
            continue
        for key, record in entries.items():
            if isinstance(key, str) and isinstance(record, TensorRecord):
                found[f"{network.removeprefix(_PREFIX)}.{key.removeprefix(_PREFIX)}"] = record
    return found


def _config(name: str, shapes: dict[str, tuple[int, ...]]) -> dict[str, object]:
    """Return the settings that the shapes tell.

    The number of encoder blocks tells whether there is a high-pass skip, since the filter's buffer is missing in
    the released files.

    Raises:
        MismatchError: A network or tensor that determines a size is missing.
        UnsupportedModelError: No published network has these sizes.
    """

    def shape(key: str, dimensions: int) -> tuple[int, ...]:
        found = shapes.get(key)
        if found is None or len(found) != dimensions or not all(found):
            held = "lacks it" if found is None else f"has it as {list(found)}"
            raise MismatchError(
                f"{name} holds a StarGAN v2, but {held}: {key}.",
                "The file is damaged, or holds only a part of the networks: save generator, mapping_network and "
                "style_encoder together, as the original does.",
            )
        return found

    width = shape("generator.from_rgb.weight", 4)[0]
    size = _BASE // width
    blocks = len([key for key in shapes if _BLOCKS.fullmatch(key)])
    extra = blocks - 2 - (size.bit_length() - 1 - 4)
    if size * width != _BASE or size & (size - 1) or extra not in (0, 1):
        raise UnsupportedModelError(
            f"{name} holds a StarGAN v2 with {width} channels at the full size and {blocks} encoder blocks, which "
            "no published one has.",
            "Use a network of the original code, with its own rule for widths and depth.",
        )
    hidden, latent = shape("mapping_network.shared.0.weight", 2)
    widest = max(shape(f"generator.encode.{i}.conv2.weight", 4)[0] for i in range(blocks))
    return {
        "img_resolution": size,
        "style_dim": shape("mapping_network.unshared.0.6.weight", 2)[0],
        "latent_dim": latent,
        "num_domains": len([key for key in shapes if _DOMAINS.fullmatch(key)]),
        "w_hpf": extra,
        "max_conv_dim": widest,
        "hidden_dim": hidden,
    }


def _divisor(source: Source, record: TensorRecord) -> float:
    """Return the high-pass filter's divisor, from its stored kernel of eight ones around an eight."""
    if record.shape != (3, 3):
        raise MismatchError(f"{source.name}: {_FILTER} has shape {list(record.shape)}.", "The file is damaged.")
    kernel = read_tensors(source, {_FILTER: record}, Monitor())[_FILTER].double()
    divisor = 8.0 / float(kernel[1, 1]) if float(kernel[1, 1]) > 0 else 0.0
    wanted = -1.0 / divisor if divisor else 0.0
    ring = kernel.flatten()[[0, 1, 2, 3, 5, 6, 7, 8]]
    if not divisor or not bool((ring - wanted).abs().max() < 1e-4 * abs(wanted)):
        raise MismatchError(f"{source.name}: {_FILTER} is no high-pass filter.", "The file is damaged.")
    return divisor
