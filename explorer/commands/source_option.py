"""The options `--source`, `--mask` and `--reference` of image-to-image networks."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from explorer.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explorer.assets.table import AssetTable
    from explorer.render.results import ModelInfo
    from explorer.state import Source

__all__ = ["add_source_options", "references_of", "source_of"]


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--source", metavar="FILE", help="the picture that an image-to-image network changes")
    parser.add_argument(
        "--mask", metavar="FILE", action="append", default=[],
        help="what of the source keeps its details: a picture, bright where it is kept, or .npy uint8 [2, H, W]; "
        "may be given again; a single one serves for all masks of the network",
    )  # fmt: skip
    parser.add_argument(
        "--reference", metavar="FILE", action="append", default=[],
        help="a picture whose style is taken, instead of that of a seed; may be given again",
    )  # fmt: skip


def source_of(source: str | None, masks: Sequence[str], model_info: ModelInfo, table: AssetTable) -> Source:
    """Return the source and masks of the options, read and added to `table`.

    Raises:
        AssetError: A file cannot be read.
        UsageError: The network takes no source, or needs one, or has another number of masks.
    """
    from explorer.assets.picture_files import load_masks, load_picture
    from explorer.state import Source

    info, name = model_info.info, model_info.name
    if not info.source_channels:
        if source is not None or masks:
            option = "--mask" if source is None else "--source"
            raise UsageError(f"{option}: {name} takes no source picture.", "Only image-to-image networks do.")
        return Source()
    if source is None:
        raise UsageError(f"{name} changes a picture, and none is given.", "Give one: --source FILE.")
    key = table.add(load_picture(source))
    found = [mask for path in masks for mask in load_masks(path)]
    if found and not info.num_masks:
        raise UsageError(f"--mask: {name} has no high-pass skip, which masks control.", "Leave it out.")
    if len(found) == 1:
        found *= info.num_masks
    if found and len(found) != info.num_masks:
        raise UsageError(
            f"--mask: {name} takes {info.num_masks} masks, and {len(found)} are given.", "Give one, or all of them."
        )
    return Source(key, tuple(table.add(mask) for mask in found))


def references_of(paths: Sequence[str], model_info: ModelInfo, table: AssetTable) -> list[str]:
    """Return the ids of reference pictures, read and added to `table`.

    Raises:
        AssetError: A file cannot be read.
        UsageError: The network cannot encode pictures.
    """
    from explorer.assets.picture_files import load_picture

    if paths and not model_info.info.encodes_style:
        message = f"--reference: {model_info.name} cannot take the style of a picture."
        raise UsageError(message, "Choose an image-to-image network.")
    return [table.add(load_picture(path)) for path in paths]
