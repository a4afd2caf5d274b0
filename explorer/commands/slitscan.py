"""`main.py slitscan MODEL... -o OUT.png`: the pixels under a line of each picture of a motion, side by side."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.class_option import add_class_option, classes_from, classes_of_file
from explorer.commands.cost import check_cost
from explorer.commands.numbers import check_seed
from explorer.commands.outputs import check_output
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import UsageError
from explorer.util import console
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.animation.comparison import Comparison
    from explorer.render.headless import HeadlessRenderer
    from explorer.state import ExplorerState, Slit

__all__ = ["add_arguments", "run"]

MAX_COLUMNS = 20_000
SLITS = {"walk": "-0.12,-0.05,90,0.6", "translate": "-0.12,-0.05,90,0.6", "rotate": "0.2,0,90,0.4"}
TITLES = {
    "walk": "walk from seed {seed}: level streaks stick to their pixels, slanted ones move with the object",
    "translate": "translation, seed {seed}: level streaks stick to their pixels, slanted ones follow",
    "rotate": "rotation, seed {seed}, the slit turns along: level streaks follow, what shimmers sticks",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the models, the motion, the line and the picture."""
    parser.add_argument("models", metavar="MODEL", nargs="+", help="checkpoint files, or names of bundled models")
    parser.add_argument("--motion", choices=("walk", "translate", "rotate"), default="walk")
    parser.add_argument(
        "--slit", metavar="X,Y,DEGREES,LENGTH",
        help="the line: its middle in image widths right and down from the picture's middle, its direction "
        "(90 is upright) and length; with --motion rotate it turns along (default -0.12,-0.05,90,0.6)",
    )  # fmt: skip
    parser.add_argument("--seconds", metavar="S", type=float, default=6.0, help="length in time (default 6)")
    parser.add_argument("--fps", metavar="N", type=int, default=60, help="columns per second (default 60)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="seed of the first latent (default 1)")
    parser.add_argument("--psi", metavar="P", type=float, default=0.7, help="truncation (default 0.7)")
    add_class_option(parser)
    add_device_options(parser)
    parser.add_argument("-o", "--output", metavar="OUT.png", type=Path, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Render the motion of every model, write the scans below each other, and print the path."""
    a = arguments
    check_output("--output", a.output, ".png")
    import numpy as np

    from explorer.analysis.slitscan import check_slit
    from explorer.animation.comparison import Comparison
    from explorer.animation.scan_sheet import compose
    from explorer.latents.descriptions import describe_classes
    from explorer.project.document import write_png
    from explorer.render.headless import open_model
    from explorer.render.resolve import class_weights
    from explorer.state.transforms import forward_matrix

    check_seed("--seed", a.seed)
    classes = classes_from(a.class_name, [classes_of_file(model) for model in a.models])
    comparison = Comparison(a.models[0], a.models[-1], a.motion, a.seconds, a.fps, a.seed, a.psi, classes)
    if comparison.frames > MAX_COLUMNS:
        raise UsageError(
            f"{comparison.frames:,} columns are more than {MAX_COLUMNS:,}.", "Choose fewer seconds or fps."
        )
    slit = _slit(a.slit or SLITS[a.motion], follows=a.motion == "rotate")
    transform = comparison.state.shared.transform
    motions = [forward_matrix(transform, i / a.fps) for i in range(min(comparison.frames, 240))]
    check_cost(a, a.models, settings_from(a).device)
    progress, total = ProgressLine("picture"), comparison.frames * len(a.models)
    scans, names = [], []
    for number, model in enumerate(a.models):
        renderer, model_info = open_model(model, settings_from(a))
        check_slit(slit, motions, model_info.info.aspect)
        done = partial(_show_progress, progress, number * comparison.frames, total)
        scans.append(_scan(renderer, comparison, slit, done))
        label = describe_classes(class_weights(classes, model_info.info), model_info.class_names)
        names.append(f"{visible(model_info.name, 60)}   {label}".strip())
    page = compose(scans, names, TITLES[a.motion].format(seed=a.seed))
    write_png(a.output, np.ascontiguousarray(page[:, :, ::-1]), _project(a.models, comparison, slit))
    console.out_path(a.output)
    return 0


def _show_progress(progress: ProgressLine, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _scan(
    renderer: HeadlessRenderer, comparison: Comparison, slit: Slit, done: Callable[[int], None]
) -> NDArray[np.uint8]:
    from explorer.analysis.slitscan import SlitScan
    from explorer.animation.player import Player
    from explorer.state.transforms import forward_matrix

    # One column per picture, and about two samples per pixel along the line.
    samples = max(32, round(2 * slit.length * renderer.info.img_size[1]))
    scan, player = SlitScan(1, comparison.frames, samples, channels=3), Player(comparison.state)
    for i in range(comparison.frames):
        time = i / comparison.fps
        look = player.at(time).shared
        scan.add(0, time, renderer.render_look(look, time=time).pixels, slit, forward_matrix(look.transform, time))
        done(i + 1)
    return scan.picture(0)


def _slit(text: str, *, follows: bool) -> Slit:
    from explorer.state import Slit

    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise UsageError(f"--slit {text}: expected X,Y,DEGREES,LENGTH.", "For example 0,0,90,0.6.")
    x, y, angle, length = numbers
    return Slit(x, y, angle, length, follows)


def _project(models: list[str], comparison: Comparison, slit: Slit) -> ExplorerState:
    """Return a project that shows the same in the window: the models, the start of the motion, the line."""
    from explorer.animation.job import with_absolute_models
    from explorer.state import Lab, ViewState

    state = replace(with_absolute_models(comparison.state), lab=Lab(scan=True, slit=slit))
    return state if len(models) > 1 else replace(state, views=(state.views[0], ViewState()), layout="single")
