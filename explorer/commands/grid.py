"""`main.py grid MODEL --sources ... --references ... -o OUT.png`: every source in the style of every reference."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.class_option import ModelClasses, add_class_option, classes_from
from explorer.commands.cost import check_cost
from explorer.commands.numbers import seeds_of
from explorer.commands.outputs import check_output
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.commands.source_option import references_of, source_of
from explorer.errors import UsageError
from explorer.util import console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, its sources and styles, and the picture."""
    parser.add_argument("model", metavar="MODEL", help="the checkpoint file of an image-to-image network")
    parser.add_argument("--sources", metavar="FILE", nargs="+", required=True, help="pictures that are changed")
    parser.add_argument(
        "--references", metavar="FILE", nargs="+", default=[], help="pictures whose styles are taken"
    )
    parser.add_argument(
        "--seeds", metavar="N", default="", help="styles of seeds, as in 1-4,7, after the references"
    )
    add_class_option(parser)
    parser.add_argument("--psi", metavar="P", type=float, default=1.0, help="truncation of the styles of seeds")
    add_device_options(parser)
    parser.add_argument("-o", "--output", metavar="OUT.png", type=Path, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Render and write the grid, and print its path."""
    a = arguments
    check_output("--output", a.output, ".png")
    seeds = seeds_of("--seeds", a.seeds) if a.seeds else ()
    if not a.references and not seeds:
        raise UsageError("The grid has no styles.", "Give pictures with --references, or seeds with --seeds.")
    from explorer.animation.restyle_grid import check_size, shown, tiled
    from explorer.assets.picture_files import load_picture
    from explorer.assets.table import AssetTable
    from explorer.render.headless import open_model, save_pixels
    from explorer.state import Latent, Look, Truncation

    check_cost(a, [a.model], settings_from(a).device)
    renderer, model_info = open_model(a.model, settings_from(a))
    table, info = AssetTable(), model_info.info
    classes = classes_from(a.class_name, [ModelClasses.of(model_info)])
    sources = [source_of(path, (), model_info, table) for path in a.sources]
    stored = references_of(a.references, model_info, table)
    styles = [Look(latent=Latent(stored=key), classes=classes) for key in stored]
    styles += [Look(latent=Latent(seed), classes=classes, truncation=Truncation(a.psi)) for seed in seeds]
    heads = [shown(load_picture(path).array, info) for path in a.references] + [None] * len(seeds)
    rows: list[list[NDArray[np.uint8] | None]] = [[None, *heads]] if a.references else []
    check_size(len(sources), len(styles), info.img_size)
    progress, total = ProgressLine("picture"), len(sources) * len(styles)
    for i, (path, source) in enumerate(zip(a.sources, sources, strict=True)):
        row: list[NDArray[np.uint8] | None] = [shown(load_picture(path).array, info)]
        for j, style in enumerate(styles):
            row.append(renderer.render_look(replace(style, source=source), table=table).pixels)
            progress(i * len(styles) + j + 1, total)
        rows.append(row)
    save_pixels(a.output, tiled(rows, info.img_size))
    console.out_path(a.output)
    return 0
