"""`main.py render MODEL ... -o OUT.png`: pictures from seeds or saved latents, with every control of the window."""

from __future__ import annotations

import argparse
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.bend_option import add_bend_option, bends_of, bends_of_file
from explorer.commands.class_option import ModelClasses, classes_from
from explorer.commands.cost import add_cost_option, check_cost
from explorer.commands.edit_option import add_edit_option, edits_of
from explorer.commands.latent_option import choice_from, latents_of_picture
from explorer.commands.numbers import seeds_of
from explorer.commands.outputs import check_output
from explorer.commands.render_options import add_look_options, look_from, tap_from
from explorer.commands.source_option import add_source_options, references_of, source_of
from explorer.util import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from explorer.state.request import RenderSettings

__all__ = ["add_arguments", "add_device_options", "grid_of", "run", "settings_from"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare model, look, device and outputs."""
    parser.add_argument("model", metavar="MODEL", help="a checkpoint file, or the name of a bundled model")
    add_look_options(parser)
    add_source_options(parser)
    add_edit_option(parser)
    add_bend_option(parser)
    add_device_options(parser)
    parser.add_argument("--grid", action="store_true", help="put the pictures of several seeds into one")
    parser.add_argument(
        "-o", "--output", metavar="OUT.png", type=Path, required=True,
        help="several seeds without --grid give OUT-seed0001.png and so on",
    )  # fmt: skip
    parser.add_argument("--raw", metavar="OUT.npy", type=Path, help="also the floats [C, H, W] before clamping")


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Declare device and precision, and whether to allow models beyond this machine's memory or speed."""
    parser.add_argument("--device", metavar="D", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--backend", choices=("reference", "auto"), default="auto", help="kernels")
    add_cost_option(parser)


def settings_from(arguments: argparse.Namespace) -> RenderSettings:
    """Return the device, precision and kernels of the options."""
    from explorer.render.devices import device_named
    from explorer.state.request import RenderSettings

    return RenderSettings(device_named(arguments.device), arguments.dtype, arguments.backend)


def run(arguments: argparse.Namespace) -> int:
    """Render and write the pictures, and print the path of every file."""
    check_output("--output", arguments.output, ".png")
    if arguments.raw is not None:
        check_output("--raw", arguments.raw, ".npy")
    choice = choice_from(arguments)
    seeds = seeds_of("--seed", arguments.seed)
    from explorer.assets.table import AssetTable
    from explorer.render.headless import open_model

    table = AssetTable()
    settings = settings_from(arguments)
    check_cost(arguments, [arguments.model], settings.device)
    renderer, model_info = open_model(arguments.model, settings)
    arguments.classes = classes_from(arguments.class_name, [ModelClasses.of(model_info)])
    tap = tap_from(arguments, model_info.info)
    source = source_of(arguments.source, arguments.mask, model_info, table)
    if arguments.reference:
        keys = references_of(arguments.reference, model_info, table)
        looks = [
            (f"-reference{i:04d}", look_from(arguments, model_info.info, 0, key)) for i, key in enumerate(keys, 1)
        ]
    elif choice is None:
        looks = [(f"-seed{seed:04d}", look_from(arguments, model_info.info, seed)) for seed in seeds]
    else:
        keys = [table.add(latent) for latent in latents_of_picture(choice, model_info)]
        looks = [
            (f"-latent{i:04d}", look_from(arguments, model_info.info, 0, key)) for i, key in enumerate(keys, 1)
        ]
    edits = (
        *edits_of(arguments.edit, renderer.context.generator, table),
        *bends_of_file(arguments.bends, renderer),
        *bends_of(arguments.bend, renderer),
    )
    looks = [(name, replace(look, edits=edits, source=source)) for name, look in looks]
    is_one = len(looks) == 1
    if not arguments.grid:
        looks = list(dict(looks).items())  # duplicate seeds have one file
    pictures = []
    for name, look in looks:
        picture = renderer.render_look(look, tap, table=table)
        ending = "" if is_one else name
        if arguments.raw is not None:
            _write_raw(_numbered(arguments.raw, ending), picture.image)
        if arguments.grid:
            pictures.append(picture.pixels)
        else:
            _write_png(_numbered(arguments.output, ending), picture.pixels)
    if arguments.grid:
        _write_png(arguments.output, grid_of(pictures))
    return 0


def grid_of(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Tile pictures of one size `[H, W, 3]` in a nearly square grid; empty cells are black."""
    import numpy as np

    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    height, width = pictures[0].shape[:2]
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * height, i % columns * width
        sheet[y : y + height, x : x + width] = picture
    return sheet


def _numbered(path: Path, ending: str) -> Path:
    return path.with_name(f"{path.stem}{ending}{path.suffix}")


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    from explorer.render.headless import save_pixels

    save_pixels(path, pixels)
    console.out_path(path)


def _write_raw(path: Path, values: NDArray[np.float32]) -> None:
    import numpy as np

    from explorer.util.atomic_write import atomic_write_bytes

    content = io.BytesIO()  # given a path, numpy would add its own suffix to X.NPY
    np.save(content, values, allow_pickle=False)
    atomic_write_bytes(path, content.getbuffer())
    console.out_path(path)
