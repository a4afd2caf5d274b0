"""`main.py [FILE ...]`: the window; with no display, the comparison video of the bundled pair instead."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from explorer.errors import UsageError
from explorer.setup.system_libraries import has_display
from explorer.util import console
from explorer.util.program_name import program_name

__all__ = ["HEADLESS_VIDEO", "add_arguments", "run"]

HEADLESS_VIDEO = Path("out/comparison.mp4")
"""Path of the video that replaces the window, relative to the current folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to open."""
    parser.add_argument("files", metavar="FILE", nargs="*", help="a project, a snapshot, or up to six models")


def run(arguments: argparse.Namespace) -> int:
    """Open the window and return its exit code."""
    if has_display():
        from explorer.app import run as run_window

        return run_window(arguments.files)
    return _run_without_display(arguments.files)


def _run_without_display(files: list[str]) -> int:
    from explorer.animation.comparison import Comparison, recorder_of
    from explorer.checkpoints.bundled import DEFAULT_PAIR, bundled
    from explorer.commands.progress import FilmProgressLine
    from explorer.project.file_kinds import kind_of

    if project := next((file for file in files if kind_of(file) == "project"), None):
        raise UsageError(
            f"There is no display to show {Path(project).name} on.",
            f"A project becomes a film without one: {program_name()} video {project} -o FILM.mp4",
        )
    console.note("latentwalk: no display (DISPLAY and WAYLAND_DISPLAY are unset): making a comparison video")
    models = [*files, *DEFAULT_PAIR[len(files) :]][:2]
    if len(files) < 2 and not {item.name for item in bundled()}.issuperset(models[len(files) :]):
        raise UsageError("The bundled generators (assets) are missing.", "Give two checkpoint files.")
    try:
        HEADLESS_VIDEO.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"The folder {HEADLESS_VIDEO.parent} cannot be created here: {error.strerror or error}."
        command = f"{program_name()} compare {shlex.join(models)} -o FILM.mp4"
        raise UsageError(message, f"Choose a path for the film: {command}") from error
    recorder_of(Comparison(models[0], models[1]), HEADLESS_VIDEO, overwrite=True).run(FilmProgressLine())
    console.out_path(HEADLESS_VIDEO.resolve())
    return 0
