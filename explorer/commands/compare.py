"""`main.py compare MODEL_A MODEL_B -o OUT.mp4`: two models side by side under the same motion."""

from __future__ import annotations

import argparse
from pathlib import Path

from explorer.commands.class_option import add_class_option, classes_from, classes_of_file
from explorer.commands.cost import check_cost
from explorer.commands.numbers import check_seed
from explorer.commands.outputs import check_film_path
from explorer.commands.progress import make_film
from explorer.commands.render import add_device_options, settings_from

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the models, the motion and the video."""
    parser.add_argument("left", metavar="MODEL_A", help="a checkpoint file, or the name of a bundled model")
    parser.add_argument("right", metavar="MODEL_B", help="likewise")
    parser.add_argument("--motion", choices=("translate", "rotate", "walk"), default="translate")
    parser.add_argument("--seconds", metavar="S", type=float, default=6.0, help="length (default 6)")
    parser.add_argument("--fps", metavar="N", type=int, help="frames per second (default 30, GIF 25)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="seed of the first latent (default 1)")
    parser.add_argument("--psi", metavar="P", type=float, default=0.7, help="truncation (default 0.7)")
    add_class_option(parser)
    add_device_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace a file or an unfinished film")
    parser.add_argument("-o", "--output", metavar="OUT.mp4", type=Path, required=True, help="any format of `video`")


def run(arguments: argparse.Namespace) -> int:
    """Render the film, or resume it, and print its path."""
    from explorer.animation.comparison import Comparison, recorder_of
    from explorer.animation.formats import format_of_path

    a = arguments
    check_seed("--seed", a.seed)
    check_film_path(a.output)
    fps = a.fps if a.fps is not None else format_of_path(a.output).fps or 30
    settings = settings_from(a)
    check_cost(a, [a.left, a.right], settings.device)
    classes = classes_from(a.class_name, [classes_of_file(model) for model in (a.left, a.right)])
    comparison = Comparison(a.left, a.right, a.motion, a.seconds, fps, a.seed, a.psi, classes)
    make_film(recorder_of(comparison, a.output, settings, overwrite=a.overwrite))
    return 0
