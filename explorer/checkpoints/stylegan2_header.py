"""Puts together what is known of a StyleGAN2 in a foreign file: its settings, its tensors, and notes on them."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from explorer.checkpoints.checkpoint import CheckpointHeader
from explorer.checkpoints.infer import ShapeReader, infer_stylegan2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.checkpoints.records import TensorRecord
    from explorer.checkpoints.source import Source
    from explorer.checkpoints.unwrap import Found

__all__ = ["conv_place", "stylegan2_header"]


def stylegan2_header(
    source: Source, found: Found, tensors: Mapping[str, TensorRecord], settings: Mapping[str, object], title: str,
    source_format: str, notes: tuple[str, ...] = (),
) -> CheckpointHeader:  # fmt: skip
    """Return the header of a generator whose tensors have NVIDIA's names by now; they stay in the file.

    Args:
        source: The file.
        found: Where the generator was in it.
        tensors: Its tensors under NVIDIA's names.
        settings: What the file says besides the shapes.
        title: Name of the program that wrote it.
        source_format: Name of the format.
        notes: What the reader has to say.

    Raises:
        MismatchError: A tensor that determines a size is missing or has another number of axes.
    """
    config = infer_stylegan2(ShapeReader(source.name, {key: record.shape for key, record in tensors.items()}))
    said = [note for note in (found.note, *notes) if note]
    if found.others:
        said.append(f"Skipped {found.others:,} other tensors, which do not belong to the generator.")
    return CheckpointHeader(
        family="stylegan2",
        config={**config, **settings},
        records=dict(tensors),
        name=posixpath.splitext(source.name)[0],
        source_format=source_format,
        origin=f"Weights of {title}{f', in {found.path[:80]}' if found.path else ''}",
        notes=tuple(said),
        is_average=not found.note,
    )


def conv_place(layer: int) -> str:
    """Return NVIDIA's name of the convolution with this number, from 0 at 4x4: "synthesis.b8.conv0" is 1."""
    return f"synthesis.b{4 << (layer + 1) // 2}.conv{(layer + 1) % 2}"
