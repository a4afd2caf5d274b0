"""`main.py render MODEL ... -o OUT.png`: pictures from seeds or saved latents, with every control of the window."""

from __future__ import annotations

import argparse
import io
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.cost import add_cost_option, check_cost
from explorer.commands.render_options import add_look_options, look_from, seeds_of, tap_from
from explorer.errors import LatentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from explorer.latents.table import LatentTable, Space
    from explorer.render.request import ModelFacts, RenderSettings

__all__ = ["add_arguments", "add_device_options", "check_output", "grid_of", "run", "settings_from"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Model, look, device, and where the results go."""
    parser.add_argument("model", metavar="MODEL", help="a checkpoint file, or the name of a bundled model")
    add_look_options(parser)
    add_device_options(parser)
    parser.add_argument("--grid", action="store_true", help="put the pictures of several seeds into one")
    parser.add_argument(
        "-o", "--output", metavar="OUT.png", type=Path, required=True,
        help="several seeds without --grid give OUT-seed0001.png and so on",
    )  # fmt: skip
    parser.add_argument("--raw", metavar="OUT.npy", type=Path, help="also the floats [C, H, W] before clamping")


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Where and in which precision to compute, and whether models that are too much for this machine, too."""
    parser.add_argument("--device", metavar="D", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--backend", choices=("reference", "auto"), default="auto", help="kernels")
    add_cost_option(parser)


def settings_from(arguments: argparse.Namespace) -> RenderSettings:
    """Device, precision and kernels of the parsed options."""
    from explorer.render.devices import best_device
    from explorer.render.request import RenderSettings

    names = {"auto": best_device(), "cuda": "cuda:0"}
    device = names.get(arguments.device, arguments.device)
    return RenderSettings(device, arguments.dtype, arguments.backend)


def run(arguments: argparse.Namespace) -> int:
    """Renders, writes, and prints the path of every file written."""
    check_output("--output", arguments.output, ".png")
    if arguments.raw is not None:
        check_output("--raw", arguments.raw, ".npy")
    from explorer.latents.table import SPACES, LatentTable
    from explorer.render.headless import open_model

    space: Space | None = next((name for name in SPACES if getattr(arguments, name)), None)
    seeds = (0,) if space else seeds_of(arguments.seed)
    table = LatentTable()
    settings = settings_from(arguments)
    check_cost(arguments, [arguments.model], settings.device)
    renderer, facts = open_model(arguments.model, settings)
    tap = tap_from(arguments, facts.info)
    stored = _stored(getattr(arguments, space), space, facts, table) if space else ""
    pictures = []
    for seed in seeds:
        picture = renderer.render_look(look_from(arguments, facts.info, seed, stored), tap, table=table)
        if arguments.raw is not None:
            _write_raw(_numbered(arguments.raw, seed, seeds), picture.image)
        if arguments.grid:
            pictures.append(picture.pixels)
        else:
            _write_png(_numbered(arguments.output, seed, seeds), picture.pixels)
    if arguments.grid:
        _write_png(arguments.output, grid_of(pictures))
    return 0


def grid_of(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of one size `[H, W, 3]` in nearly square rows; free places are black."""
    import numpy as np

    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    height, width = pictures[0].shape[:2]
    sheet = np.zeros((rows * height, columns * width, 3), np.uint8)
    for i, picture in enumerate(pictures):
        y, x = i // columns * height, i % columns * width
        sheet[y : y + height, x : x + width] = picture
    return sheet


def check_output(option: str, path: Path, suffix: str) -> None:
    """Raises `UsageError` for a result that could not be written: before the work, not after it."""
    if path.suffix.lower() != suffix:
        raise UsageError(f"{option} {path} does not end in {suffix}.")
    if not path.resolve().parent.is_dir():
        raise UsageError(f"{option} {path}: the folder {path.parent} does not exist.")


def _stored(path: Path, space: Space, facts: ModelFacts, table: LatentTable) -> str:
    """Puts the latent of a file into the table and gives its id."""
    from explorer.latents.files import fit_to, load_latents

    latents = load_latents(path, facts.info, space)
    if len(latents) != 1:
        raise LatentError(f"{path} holds {len(latents)} latents; one is wanted here.", "Save them one by one.")
    return table.add(fit_to(latents[0], facts.info, facts.sha256))


def _numbered(path: Path, seed: int, seeds: Sequence[int]) -> Path:
    return path if len(seeds) == 1 else path.with_name(f"{path.stem}-seed{seed:04d}{path.suffix}")


def _write_png(path: Path, pixels: NDArray[np.uint8]) -> None:
    from explorer.render.headless import save_pixels

    save_pixels(path, pixels)
    sys.stdout.write(f"{path}\n")


def _write_raw(path: Path, values: NDArray[np.float32]) -> None:
    import numpy as np

    from explorer.util.atomic_write import atomic_write_bytes

    content = io.BytesIO()  # by a name, numpy would add an ending of its own to X.NPY
    np.save(content, values, allow_pickle=False)
    atomic_write_bytes(path, content.getbuffer())
    sys.stdout.write(f"{path}\n")
