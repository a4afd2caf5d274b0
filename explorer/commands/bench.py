"""`main.py bench MODEL`: render times on this machine, from scratch and after typical changes of the look.

`main.py bench NAME ...` runs one of the benchmarks of the repository with its own options, for example
`main.py bench generators --only stylegan2-256 --json`.
"""

from __future__ import annotations

import argparse
import os
import runpy
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace

from explorer.checkpoints.bundled import bundled, find
from explorer.commands.cost import check_cost
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import UsageError
from explorer.state import Latent, Look, Mixing, MixRow, MixSource, Transform, Truncation
from explorer.util import console
from explorer.util.command_line import Parser, did_you_mean
from explorer.util.plain_text import visible
from explorer.util.program_name import program_name
from explorer.util.shipped import shipped

__all__ = ["BENCHMARKS", "add_arguments", "run"]

BENCHMARKS = (
    "generators", "interaction", "compare", "startup", "memory", "video", "films", "growth", "profiling", "attack",
    "kills", "editing", "mobile",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model and the number of pictures."""
    names = ", ".join(BENCHMARKS)
    parser.add_argument("model", metavar="MODEL", help=f"a checkpoint file, a bundled model, or one of: {names}")
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="options of the benchmark; see bench NAME --help")
    _add_options(parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--count", metavar="N", type=int, default=20, help="pictures for each row (default 20)")
    add_device_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the median and slowest time of each kind of change, or run a benchmark."""
    if arguments.model in BENCHMARKS:
        return _run_benchmark(arguments.model, arguments.rest)
    # Benchmarks have their own options, so the arguments after the name are parsed here.
    behind = Parser(prog=f"{program_name()} bench {arguments.model}")
    _add_options(behind)
    behind.parse_args(arguments.rest, arguments)
    if not 1 <= arguments.count <= 10_000:
        raise UsageError(f"--count {arguments.count} is not within 1 to 10,000.")
    from explorer.render.headless import open_model

    is_here = os.path.lexists(arguments.model) or find(arguments.model) is not None
    meant = did_you_mean(arguments.model, [*BENCHMARKS, *(item.name for item in bundled())])
    if meant and not is_here:
        raise UsageError(f"There is no model and no benchmark {arguments.model}.", meant)
    settings = settings_from(arguments)
    check_cost(arguments, [arguments.model], settings.device)
    renderer, model_info = open_model(arguments.model, settings)
    last = model_info.info.num_ws - 1
    start = Look(latent=Latent(seed=1))
    changes: dict[str, Callable[[float], Look]] = {
        "another seed": lambda t: replace(start, latent=Latent(seed=2 + round(1000 * t))),
        "truncation": lambda t: replace(start, truncation=Truncation(psi=t)),
        "translation": lambda t: replace(start, transform=Transform(x=0.1 * t)),
        "last style mixed": lambda t: replace(start, mixing=Mixing((MixSource(7),), (MixRow(last, 0, t),))),
    }
    s = renderer.settings
    name = visible(model_info.name, 60)
    console.out(f"{name}: {s.device} {s.dtype} {s.backend}, {arguments.count} pictures per row")
    for name, look_at in changes.items():
        renderer.render_look(start)
        steps = [(i + 1) / (arguments.count + 1) for i in range(arguments.count)]
        times = [renderer.render_look(look_at(step)).total_ms for step in steps]
        middle = statistics.median(times)
        row = f"{name:<18} {middle:8.1f} ms median {max(times):8.1f} ms slowest {1000 / middle:8.1f} /s"
        console.out(f"  {row}")
    return 0


def _run_benchmark(name: str, options: list[str]) -> int:
    path = shipped("benchmarks") / f"{name}.py"
    if not path.is_file():
        raise UsageError(f"The benchmark {name} is not installed.", "Run it from a clone of the repository.")
    before = sys.argv
    sys.argv = [str(path), *options]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as done:
        if isinstance(done.code, str):
            raise UsageError(done.code) from None
        return done.code or 0
    finally:
        sys.argv = before
    return 0
