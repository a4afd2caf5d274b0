"""Puts together what is known of a StyleGAN in a foreign file: its settings, its tensors, and notes on them."""

from __future__ import annotations

import math
import posixpath
import re
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.infer import ShapeReader, width_rule
from explorer.checkpoints.stylegan_names import renamed
from explorer.errors import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source
    from explorer.checkpoints.stylegan_names import Layout
    from explorer.checkpoints.unwrap import Found

__all__ = ["stylegan_header"]

_BLOCK = re.compile(r"synthesis\.b(\d{1,5})\.(\w+)\.")


def stylegan_header(
    source: Source, found: Found, layout: Layout, settings: Mapping[str, object], source_format: str,
    notes: tuple[str, ...] = (),
) -> CheckpointHeader:  # fmt: skip
    """Return the header of a generator in one of the layouts; tensors stay in the file.

    Args:
        source: The file.
        found: The generator's tensors under the layout's names, without fixed kernels and `lod`.
        layout: The names.
        settings: What the file says besides the shapes, with `lod` if that is not 0.
        source_format: Name of the format.
        notes: What the reader has to say.

    Raises:
        MismatchError: A tensor that determines a size is missing or has another number of axes.
        UnsupportedModelError: The widths of the layers follow no rule of StyleGAN.
    """
    tensors = renamed(layout, found.tensors)
    reader = ShapeReader(source.name, {key: record.shape for key, record in tensors.items()})
    config = {**_mapping(reader), **_synthesis(reader), **settings}
    lod = settings.get("lod", 0.0)
    used, unused = _used(tensors, config["img_resolution"], lod)
    said = [note for note in (found.note, *notes) if note]
    if lod:
        said.append(
            f"Progressive training stopped at level of detail {lod:.3g} of 0 (`lod`): pictures are made at "
            f"{_share(config['img_resolution'], lod)} and enlarged, so they are blurred."
        )
    if unused:
        said.append(f"Skipped {unused:,} tensors of resolutions whose pictures only training uses.")
    if found.others:
        said.append(f"Skipped {found.others:,} other tensors, which do not belong to the generator.")
    return CheckpointHeader(
        family="stylegan",
        config=config,
        records=used,
        name=posixpath.splitext(source.name)[0],
        source_format=source_format,
        origin=f"Weights of {layout.title}{f', in {found.path[:80]}' if found.path else ''}",
        notes=tuple(said),
        is_average=not found.note,
    )


def _mapping(reader: ShapeReader) -> dict[str, object]:
    """Return the settings of the mapping network, and the sizes of z, c and w."""
    layers = 0
    while f"mapping.dense{layers}.weight" in reader.shapes:
        layers += 1
    features, inputs = reader.shape("mapping.dense0.weight", 2)
    w_dim = reader.shape(f"mapping.dense{max(layers - 1, 0)}.weight", 2)[0]
    config: dict[str, object] = {"z_dim": inputs, "c_dim": 0, "w_dim": w_dim, "mapping_layers": layers}
    if "mapping.label_weight" in reader.shapes:
        classes, embedded = reader.shape("mapping.label_weight", 2)
        config |= {"z_dim": max(inputs - embedded, 1), "c_dim": classes}
    if layers > 1 and features != w_dim:
        config["mapping_features"] = features
    return config


def _synthesis(reader: ShapeReader) -> dict[str, object]:
    """Return the settings of the synthesis network."""
    blocks = {int(match[1]) for key in reader.shapes if (match := _BLOCK.match(key)) is not None}
    resolution = max(blocks, default=4)
    widths = {size: reader.shape(f"synthesis.b{size}.conv1.weight", 4)[0] for size in _sizes(resolution)}
    rule = width_rule(widths)
    if rule is None:
        raise UnsupportedModelError(
            f"{reader.name} is a StyleGAN whose layers have {', '.join(map(str, widths.values()))} channels, which "
            "follows no rule of the original.",
            "It was trained with modified code, which is not supported.",
        )
    heads = [size for size in blocks if f"synthesis.b{size}.torgb.weight" in reader.shapes]
    return {
        "img_resolution": resolution,
        "img_channels": reader.shape(f"synthesis.b{max(heads, default=resolution)}.torgb.weight", 4)[0],
        "channel_base": rule[0],
        "channel_max": rule[1],
        "use_noise": "synthesis.b4.conv1.noise_strength" in reader.shapes,
    }


def _sizes(resolution: int) -> Iterator[int]:
    return (4 << i for i in range(resolution.bit_length() - 2))


def _used(
    tensors: Mapping[str, TensorRecord], resolution: object, lod: object
) -> tuple[dict[str, TensorRecord], int]:
    """Return the tensors that the network has at a level of detail, and the number of others."""
    assert isinstance(resolution, int)
    if not isinstance(lod, (int, float)) or not 0 <= lod <= math.log2(resolution) - 2:
        return dict(tensors), 0  # the check of the settings names it
    top = resolution >> int(lod)
    pictures = {top, top // 2} if lod > int(lod) else {top}
    used = {}
    for key, record in tensors.items():
        match = _BLOCK.match(key)
        if match is None or (int(match[1]) <= top and (match[2] != "torgb" or int(match[1]) in pictures)):
            used[key] = record
    return used, len(tensors) - len(used)


def _share(resolution: object, lod: object) -> str:
    """Return the resolutions that a picture is made at: "256 px", or "128 to 256 px" while one fades in."""
    assert isinstance(resolution, int)
    if not isinstance(lod, (int, float)) or not 0 <= lod < resolution.bit_length():
        return "a lower resolution"
    top = resolution >> int(lod)
    return f"{top} px" if lod == int(lod) else f"{top // 2} to {top} px"
