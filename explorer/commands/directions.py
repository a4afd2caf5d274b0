"""`main.py directions MODEL --method METHOD -o OUT.npz`: directions of a latent space, for `render --edit`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.commands.cost import check_cost
from explorer.commands.entries_option import ENTRIES, entries_of
from explorer.commands.numbers import check_seed, seeds_of
from explorer.commands.outputs import check_folder
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import UsageError
from explorer.util import console

if TYPE_CHECKING:
    from explorer.directions.direction_set import DirectionSet
    from explorer.jobs.job import Report
    from explorer.render.headless import HeadlessRenderer

__all__ = ["add_arguments", "run"]

METHODS = ("sefa", "ganspace", "svm")
_SHOWN = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, the method and its options, and the output."""
    parser.add_argument("model", metavar="MODEL", help="a checkpoint file, or the name of a bundled model")
    parser.add_argument(
        "--method", choices=METHODS, required=True,
        help="sefa: eigenvectors of the style weights; ganspace: principal components; svm: from examples",
    )  # fmt: skip
    parser.add_argument(
        "--layers", metavar="LIST", default="all", help=f"layers the directions are for: all (default), {ENTRIES}"
    )
    parser.add_argument("--count", metavar="K", type=int, help="write only the first K directions (default: all)")
    parser.add_argument(
        "--not-normalised", action="store_true", help="sefa: layers with larger style weights count for more"
    )
    parser.add_argument("--features", metavar="LAYER", help="ganspace: analyse this layer's features instead of w")
    parser.add_argument("--samples", metavar="N", type=int, help="ganspace: how many random latents")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="ganspace: of the latents (default 0)")
    parser.add_argument("--like", metavar="SEEDS", help="svm: seeds that have the property, as in 1-8,12")
    parser.add_argument("--unlike", metavar="SEEDS", help="svm: seeds that do not")
    parser.add_argument(
        "-o", "--output", metavar="OUT.npz", type=Path, required=True, help="or .npy, .pt, .safetensors"
    )
    add_device_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Find the directions, write the file, and print the first ones."""
    a = arguments
    _check(a)
    from explorer.directions.files import save_directions
    from explorer.render.headless import open_model

    settings = settings_from(a)
    check_cost(a, [a.model], settings.device)
    renderer, model_info = open_model(a.model, settings)
    entries = [] if a.layers == "all" else entries_of("--layers", a.layers, renderer.info)
    found = _taught(a, renderer, entries) if a.method == "svm" else _found(a, renderer, model_info.name, entries)
    found = found.of(range(len(found) if a.count is None else min(a.count, len(found))))
    save_directions(a.output, found)
    for i in range(min(len(found), _SHOWN)):
        console.out(f"{i:>4} {found.names[i]:<24} value {found.values[i]:<10.4g} sigma {found.sigmas[i]:.4g}")
    if len(found) > _SHOWN:
        console.out(f"     and {len(found) - _SHOWN} more")
    console.out_path(a.output)
    return 0


def _check(a: argparse.Namespace) -> None:
    """Raise UsageError for options that do not go together, before anything is opened."""
    from explorer.latents.files import SUFFIXES

    if a.output.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"--output {a.output} does not end in {', '.join(SUFFIXES)}.", "For example directions.npz."
        )
    check_folder("--output", a.output)
    check_seed("--seed", a.seed)
    if (a.method == "svm") != (a.like is not None and a.unlike is not None):
        raise UsageError("--like and --unlike belong to --method svm, which needs both.", "For example --like 1-8.")
    if a.method != "ganspace" and (a.samples is not None or a.features is not None):
        raise UsageError("--samples and --features belong to --method ganspace.", "Leave them out.")
    if a.not_normalised and a.method != "sefa":
        raise UsageError("--not-normalised belongs to --method sefa.", "Leave it out.")
    if a.count is not None and a.count < 1:
        raise UsageError(f"--count {a.count}: expected at least 1.")
    if a.samples is not None and not 100 <= a.samples <= 10_000_000:
        raise UsageError(f"--samples {a.samples}: expected from 100 to 10,000,000.")


def _found(a: argparse.Namespace, renderer: HeadlessRenderer, name: str, entries: list[int]) -> DirectionSet:
    """Return the directions that a job finds."""
    from explorer.directions.jobs import directions_spec
    from explorer.jobs.executors import run_inline
    from explorer.state import Look

    layer = None
    if a.features is not None:
        names = [item.name for item in renderer.info.layers]
        if a.features not in names:
            raise UsageError(f"--features {a.features}: the model's layers are {', '.join(names)}.")
        layer = names.index(a.features)
    spec = directions_spec(
        renderer.request(Look()), a.method, entries, is_normalised=not a.not_normalised, samples=a.samples,
        seed=a.seed, layer=layer,
    )  # fmt: skip
    progress = ProgressLine(f"{name} {a.method}")

    def tell(report: Report[Any]) -> None:
        progress(report.done, report.total)

    found: DirectionSet = run_inline(spec, renderer.context, tell)
    return found


def _taught(a: argparse.Namespace, renderer: HeadlessRenderer, entries: list[int]) -> DirectionSet:
    """Return the direction that the seeds of `--like` and `--unlike` teach."""
    from explorer.directions.teaching import taught_by_seeds

    liked, unliked = seeds_of("--like", a.like), seeds_of("--unlike", a.unlike)
    found, boundary = taught_by_seeds(renderer.context.generator, liked, unliked, entries, renderer.model.sha256)
    if boundary.accuracy == boundary.accuracy:
        interval = " to ".join(f"{100 * edge:.0f}" for edge in boundary.interval)
        console.out(
            f"held-out examples on the right side: {100 * boundary.accuracy:.0f} % (95 % interval {interval} %)"
        )
    else:
        console.note("fewer than 8 examples on a side: the direction is the difference of the means")
    return found
