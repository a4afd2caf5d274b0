"""`main.py figures MODEL`: the metrics of a generator's card, and sheets of pictures that show the rest."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.commands.progress import ProgressLine
from explorer.errors import UsageError
from explorer.util import console

if TYPE_CHECKING:
    from explorer.jobs.job import Report

__all__ = ["add_arguments", "run"]

_THREADS = 1024


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, its data, and the amount to measure."""
    parser.add_argument("model", metavar="MODEL", help="a checkpoint file, or the name of a bundled model")
    parser.add_argument("--samples", metavar="N", type=int, default=10_000, help="for Frechet distances (10000)")
    parser.add_argument("--equivariance", metavar="N", type=int, default=500, help="pictures for EQ-T, EQ-R (500)")
    parser.add_argument("--likeness", metavar="N", type=int, default=128, help="critters rendered to compare (128)")
    parser.add_argument(
        "--pairs", metavar="N", type=int, default=256, help="pairs to measure the effect of styles (256)"
    )
    parser.add_argument("--features", metavar="NAMES", help="efficientnet, attributes, or both (for critters)")
    parser.add_argument(
        "--data", default="critters", metavar="DATA",
        help="'critters' (rendered once into the cache), packed .npy files with commas between, or a folder",
    )  # fmt: skip
    parser.add_argument("--threads", metavar="N", type=int, help="processor threads (default: torch's choice)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--card", metavar="FILE.md", type=Path, help="write the figures into this card")
    parser.add_argument("--sheets", metavar="FOLDER", type=Path, help="write sheets of pictures")
    parser.add_argument("--no-figures", action="store_true", help="only the sheets")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the figures, and the path of every file written."""
    a = arguments
    for option in ("samples", "equivariance", "likeness", "pairs"):
        if not 0 <= getattr(a, option) <= 1_000_000:
            raise UsageError(f"--{option} is not within 0 and 1,000,000.", "0 leaves the figure out.")
    if a.threads is not None and not 0 <= a.threads <= _THREADS:
        raise UsageError(f"--threads is not within 0 and {_THREADS:,}.", "0 leaves torch's choice.")
    if a.likeness == 1:
        raise UsageError("--likeness 1 has no mean picture to compare with.", "Give 2 or more, or 0.")
    if a.card is not None and not a.card.is_file():
        raise UsageError(f"--card {a.card} is not a file.")
    import torch

    from explorer.checkpoints import build_generator, load, resolve_model

    if a.threads:
        torch.set_num_threads(a.threads)
    if a.sheets is not None:
        from explorer.training.sheets import write_sheets

        a.sheets.mkdir(parents=True, exist_ok=True)
        file = resolve_model(a.model)
        for path in write_sheets(build_generator(load(file)), a.sheets, file.stem):
            console.out_path(path)
    if a.no_figures:
        return 0
    from explorer.jobs.executors import run_inline
    from explorer.training.evaluate import Request, report
    from explorer.training.figures_job import figures_spec

    request = Request(a.samples, a.equivariance, a.likeness, a.pairs)
    names = tuple(a.features.split(",")) if a.features else ()
    found = run_inline(figures_spec(a.model, a.data, request, names), None, _Progress())
    if a.json:
        console.out_json({"model": a.model, **found.as_dict()})
    else:
        console.out(report(found))
    if a.card is not None:
        from explorer.training.cards import replace_figures

        replace_figures(a.card, report(found))
        console.out_path(a.card)
    return 0


class _Progress:
    """Prints a line for each stage, and notes to the user."""

    def __init__(self) -> None:
        self._lines: dict[str, ProgressLine] = {}

    def __call__(self, report: Report[object]) -> None:
        if report.note:
            console.note(report.note)
        if report.stage:
            self._lines.setdefault(report.stage, ProgressLine(report.stage))(report.done, report.total)
