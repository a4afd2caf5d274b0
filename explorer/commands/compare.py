"""`main.py compare MODEL_A MODEL_B -o OUT.mp4`: two models side by side under the same motion."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, check_output, settings_from

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The models, the motion, and the video."""
    parser.add_argument("left", metavar="MODEL_A", help="a checkpoint file, or the name of a bundled model")
    parser.add_argument("right", metavar="MODEL_B", help="likewise")
    parser.add_argument("--motion", choices=("translate", "rotate", "walk"), default="translate")
    parser.add_argument("--seconds", metavar="S", type=float, default=6.0, help="length (default 6)")
    parser.add_argument("--fps", metavar="N", type=int, default=30, help="frames a second (default 30)")
    parser.add_argument("--seed", metavar="N", type=int, default=1, help="the latent to begin with (default 1)")
    parser.add_argument("--psi", metavar="P", type=float, default=0.7, help="truncation (default 0.7)")
    add_device_options(parser)
    parser.add_argument("-o", "--output", metavar="OUT.mp4", type=Path, required=True)


def run(arguments: argparse.Namespace) -> int:
    """Renders the video and prints its path."""
    check_output("--output", arguments.output, ".mp4")
    from explorer.animation.comparison import Comparison, render_comparison

    a = arguments
    comparison = Comparison(a.left, a.right, a.motion, a.seconds, a.fps, a.seed, a.psi)
    render_comparison(comparison, a.output, settings_from(a), ProgressLine("frame"))
    sys.stdout.write(f"{a.output}\n")
    return 0
