"""`main.py video PROJECT -o OUT`, `main.py video --seeds 1,2,3 -o OUT`: films without a window, resumable."""

from __future__ import annotations

import argparse
import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.commands.class_option import ModelClasses, add_class_option, classes_from, classes_of_file
from explorer.commands.cluster_option import add_cluster_option, cluster_of
from explorer.commands.cost import check_cost
from explorer.commands.latent_option import add_latent_options, choice_from, latents_of
from explorer.commands.numbers import seeds_of
from explorer.commands.outputs import check_film_path, check_project
from explorer.commands.progress import make_film
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import ProjectError, UsageError
from explorer.util import console
from explorer.util.program_name import program_name
from explorer.util.view_marks import letter

if TYPE_CHECKING:
    from explorer.animation.film import Film
    from explorer.animation.job import FilmJob
    from explorer.assets.table import AssetTable
    from explorer.render.headless import HeadlessRenderer
    from explorer.render.results import ModelInfo
    from explorer.state import ExplorerState, Look

    Opened = tuple[HeadlessRenderer, ModelInfo]
    OpenModel = Callable[..., Opened]

__all__ = ["add_arguments", "run"]


WALK = ("interpolation", "space", "ease", "loop", "psi", "class_name", "convert")
"""Options of a walk through seeds or latents; a project has its own values."""

OPTIONS = (
    *WALK, "seeds", "z", "w", "ws", "model", "seconds", "start", "fps", "size", "even", "layout", "pair", "grid",
    "format", "quality", "samples", "captions", "device", "dtype", "backend", "output",
)  # fmt: skip
"""Options whose values an unfinished film already has."""

LAYOUTS = ("a", "b", "c", "d", "e", "f", "all", "both", "wipe", "grid", "slit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to film, how, and the output."""
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", type=Path,
        help="a project, a picture or film that carries one, or the .job.json of an unfinished film",
    )  # fmt: skip
    walk = parser.add_mutually_exclusive_group()
    walk.add_argument("--seeds", metavar="1,2,3", help="instead of a project: walk through these seeds")
    add_latent_options(parser, walk)
    add_class_option(parser)
    parser.add_argument("--model", metavar="M", action="append", default=[], help="a file or a bundled name")
    parser.add_argument("--seconds", metavar="S", type=float, help="length (default: the timeline's, 2 per seed)")
    parser.add_argument(
        "--start", metavar="S", type=float, default=0.0, help="skip this many seconds at the beginning (default 0)"
    )
    parser.add_argument("--fps", metavar="F", help="frames per second, e.g. 30000/1001 (default: the timeline's)")
    parser.add_argument("--size", metavar="N", type=int, default=0, help="height of a picture in pixels (GIF: 256)")
    parser.add_argument(
        "--interpolation", choices=("linear", "spherical", "cubic", "catmull-rom"),
        help="between seeds (default spherical, for --w and --ws linear)",
    )  # fmt: skip
    parser.add_argument("--space", choices=("z", "w", "ws"), help="where to blend (default z, or the latents' own)")
    parser.add_argument("--ease", choices=("linear", "in", "out", "in-out"), default="linear")
    parser.add_argument("--loop", action="store_true", help="return to the first seed seamlessly")
    parser.add_argument("--even", action="store_true", help="equal change of the picture in equal time")
    parser.add_argument("--psi", metavar="P", type=float, help="truncation (default: 0.7 of seeds, 1 of latents)")
    parser.add_argument(
        "--layout", choices=LAYOUTS, default="", metavar="NAME",
        help="a to f: one view; all: every view (also: both); wipe: the halves of two; grid: neighbouring seeds; "
        "slit: with its slit-scan (default: as the project shows them)",
    )  # fmt: skip
    parser.add_argument("--pair", metavar="AC", default="", help="letters of the two views of --layout wipe")
    parser.add_argument("--grid", metavar="CxR", default="", help="columns and rows of a grid of seeds, e.g. 3x2")
    parser.add_argument("--format", metavar="NAME", help="mp4 mkv ffv1 webm av1 gif webp apng png (else by OUT)")
    parser.add_argument("--quality", choices=("draft", "good", "best"), default="good")
    parser.add_argument("--samples", metavar="N", type=int, default=1, help="pictures averaged for each frame")
    parser.add_argument("--captions", action="store_true", help="burn in what is shown")
    parser.add_argument("--overwrite", action="store_true", help="replace a file or an unfinished film")
    add_device_options(parser)
    add_cluster_option(parser)
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, help="the film")
    # None until `_with_defaults`, so that an option that would be ignored is refused even at its default value.
    defaults = {name: parser.get_default(name) for name in OPTIONS}
    parser.set_defaults(defaults=defaults, **dict.fromkeys(OPTIONS))


def run(arguments: argparse.Namespace) -> int:
    """Render the film, or continue one, and print its path."""
    from explorer.animation.film import FilmRenderer
    from explorer.animation.film_jobs import frames_on
    from explorer.animation.recorder import Recorder, frames_here
    from explorer.render.headless import open_model

    opened = functools.cache(open_model)  # a walk opens its models first, then the film's renderer does
    job = _job(arguments, opened)
    renderer = functools.partial(FilmRenderer, open_with=opened)
    with cluster_of(arguments) as cluster:
        frames = frames_here if cluster is None else frames_on(cluster, job)
        make_film(Recorder(job, overwrite=arguments.overwrite, make_renderer=renderer, frames=frames))
    return 0


def _job(a: argparse.Namespace, opened: OpenModel) -> FilmJob:
    from explorer.animation.film import models_of
    from explorer.animation.formats import FORMATS
    from explorer.animation.job import FilmJob, read_job

    if a.project is not None and a.project.name.endswith(".job.json"):
        why = "an unfinished film keeps the settings it was started with"
        _refuse(a, OPTIONS, why, "Leave it out, or make another film.")
        job = read_job(a.project)
        check_cost(a, models_of(job.state, job.film), job.settings.device)
        return job
    if a.output is None:
        raise UsageError("Where should the film go?", "Add -o OUT.mp4.")
    check_film_path(a.output)
    is_walk = a.seeds is not None or choice_from(a) is not None
    if (a.project is None) != is_walk:
        raise UsageError("Name a project, or seeds with --seeds 1,2,3.", f"See {program_name()} video --help.")
    if a.project is not None:
        check_project(a.project)
        _refuse(a, WALK, "applies to --seeds only; a project has its own", "Change the project.")
    given, a = a, _with_defaults(a)
    settings = settings_from(a)
    state, table = _project(a) if a.project is not None else _walk(a, functools.partial(opened, settings=settings))
    state = _with_pair(a, state)
    film = _film(a, given, state)
    if not FORMATS[film.format].has_quality:
        _refuse(given, ["quality"], f"{film.format} is lossless or has only one quality", "Leave it out.")
    check_cost(a, models_of(state, film), settings.device)
    if a.even:
        from explorer.animation.pace import evened

        state = evened(state, film, settings, table)
    return FilmJob(a.output, film, state, table, settings)


def _refuse(a: argparse.Namespace, names: Sequence[str], why: str, hint: str) -> None:
    """Raise UsageError if one of these options was given, since it would be ignored."""
    given = [f"--{'class' if name == 'class_name' else name}" for name in names if getattr(a, name) is not None]
    if given:
        raise UsageError(f"{', '.join(given)}: {why}.", hint)


def _with_defaults(a: argparse.Namespace) -> argparse.Namespace:
    given = {name: value for name, value in vars(a).items() if value is not None}
    return argparse.Namespace(**{**vars(a), **a.defaults, **given})


def _project(a: argparse.Namespace) -> tuple[ExplorerState, AssetTable]:
    from explorer.project.document import load_project
    from explorer.project.model_search import find_models
    from explorer.util.plain_text import visible

    project = load_project(a.project)
    if a.model:
        project = replace(project, state=_with_models(project.state, a.model))
    found = find_models(project)
    if found.missing:
        names = ", ".join(visible(place.name) for place in found.missing)
        raise ProjectError(
            f"{visible(a.project.name)} names models that were not found: {names}.",
            "Put them beside the project, or name them with --model.",
        )
    for note in found.notes:
        console.note(note)
    return found.state, project.table


def _walk(a: argparse.Namespace, opened: Callable[[str], Opened]) -> tuple[ExplorerState, AssetTable]:
    """Return a timeline with one keyframe for each seed or latent, in the given order."""
    from explorer.animation.film import Film, rate_of
    from explorer.animation.walk import seconds_of_walk, walk_timeline
    from explorer.state import ExplorerState, Segment, ViewState
    from explorer.state.view_layout import MAX_VIEWS

    models = a.model or [_default_model()]
    looks, table = _stops(a, models, opened)
    seconds = a.seconds if a.seconds is not None else seconds_of_walk(len(looks), loop=a.loop)
    has_z = a.w is None and a.ws is None
    usual: tuple[Any, Any] = ("spherical", "z") if has_z else ("linear", "w")
    segment = Segment(a.interpolation or usual[0], a.space or usual[1], a.ease)
    rate = rate_of(a.fps or "30")
    Film(seconds, rate, a.start).check()
    timeline = walk_timeline(looks, seconds, rate[0] / rate[1], segment, loop=a.loop)
    views = (ViewState(),) * min(max(2, len(models)), MAX_VIEWS)
    state = ExplorerState(looks[0], views, layout="single", timeline=timeline)
    return _with_models(state, models), table


def _stops(
    a: argparse.Namespace, models: list[str], opened: Callable[[str], Opened]
) -> tuple[list[Look], AssetTable]:
    """Return the latents that a walk visits."""
    from explorer.assets.table import AssetTable
    from explorer.state import Latent, Look, Truncation

    choice = choice_from(a)
    psi = a.psi if a.psi is not None else 0.7 if choice is None else 1.0
    if not math.isfinite(psi):
        raise UsageError(f"--psi {psi} is not a finite number.", "For example 0.7.")
    table = AssetTable()
    if choice is None:
        latents = [Latent(seed) for seed in seeds_of("--seeds", a.seeds)]
        classes = classes_from(a.class_name, [classes_of_file(model) for model in models])
    else:
        model_info = [opened(model)[1] for model in models]
        latents = [Latent(stored=table.add(latent)) for latent in latents_of(choice, model_info[0])]
        classes = classes_from(a.class_name, [ModelClasses.of(item) for item in model_info])
    return [Look(latent=latent, classes=classes, truncation=Truncation(psi)) for latent in latents], table


def _default_model() -> str:
    from explorer.checkpoints.bundled import DEFAULT_PAIR, bundled

    names = [item.name for item in bundled()]
    if not names:
        raise UsageError("The bundled models are missing.", "Name one with --model.")
    return DEFAULT_PAIR[0] if DEFAULT_PAIR[0] in names else names[0]


def _with_models(state: ExplorerState, models: list[str]) -> ExplorerState:
    views = list(state.views)
    if len(models) > len(views):
        raise UsageError(f"There are {len(views)} views; {len(models)} models are too many.")
    for i, model in enumerate(models):
        views[i] = replace(views[i], model=model)
    layout = "grid" if len(models) > 1 else state.layout
    return replace(state, views=tuple(views), layout=layout)


def _with_pair(a: argparse.Namespace, state: ExplorerState) -> ExplorerState:
    """Return the state whose wipe shows the views of `--pair`."""
    if not a.pair:
        return state
    if a.layout != "wipe":
        raise UsageError(f"--pair {a.pair}: only a wipe shows two of the views.", "Add --layout wipe.")
    views = [ord(c) - ord("A") for c in a.pair.upper().replace(",", "")]
    if len(set(views)) != 2 or len(views) != 2 or not set(views) <= set(range(len(state.views))):
        last = letter(len(state.views) - 1)
        raise UsageError(f"--pair {a.pair}: expected the letters of two views, A to {last}.", "For example AB.")
    return replace(state, pair=(views[0], views[1]))


def _film(a: argparse.Namespace, given: argparse.Namespace, state: ExplorerState) -> Film:
    """Return the film; options missing from `given` may take a default that depends on the format."""
    from explorer.animation.film import rate_of, whole_film
    from explorer.animation.formats import format_named, format_of_path

    kind = format_named(a.format) if a.format else format_of_path(a.output)
    if a.output.suffix.lower() != kind.suffix:
        raise UsageError(f"{a.output.name} does not end in {kind.suffix}.")
    fields: dict[str, Any] = {
        "format": kind.key, "quality": a.quality, "side": a.size, "samples": a.samples, "captions": a.captions,
        "start": a.start, "layout": a.layout or ("grid" if a.grid else ""),
    }  # fmt: skip
    if a.seconds is not None and a.project is not None:  # a walk's is that of its timeline
        fields["seconds"] = a.seconds
    if given.size is None:
        fields["side"] = kind.side
    if a.fps or kind.fps:
        fields["rate"] = rate_of(a.fps or kind.fps)
    if len(a.layout) == 1 and ord(a.layout) - ord("a") >= len(state.views):
        last = letter(len(state.views) - 1)
        raise UsageError(f"--layout {a.layout}: the last view is {last}.", "Name an existing view.")
    if a.grid:
        if a.layout not in ("", "grid"):
            raise UsageError(f"--grid {a.grid}: --layout {a.layout} has no grid.", "Leave one of them out.")
        columns, _, rows = a.grid.lower().partition("x")
        if not (columns.isdecimal() and rows.isdecimal()):
            raise UsageError(f"--grid {a.grid}: expected columns x rows.", "For example 3x2.")
        fields |= {"columns": int(columns), "rows": int(rows)}
    return whole_film(state, **fields)
