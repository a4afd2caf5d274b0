"""`main.py measure METRIC MODEL...`: how well textures follow and how much they stick, with the errors."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from explorer.commands.class_option import ModelClasses, add_class_option, classes_from
from explorer.commands.cost import check_cost
from explorer.commands.numbers import check_seed
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import UsageError
from explorer.util import console
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.analysis.study import Bench, Study
    from explorer.state.request import RenderRequest

__all__ = ["add_arguments", "run"]

METRICS = {
    "eq-t": "PSNR of the picture against the shifted one, whole pixels",
    "eq-t-frac": "the same for fractions of pixels",
    "eq-r": "the same for rotations",
    "sticking": "share of fine detail that stays on its pixels in latent walks; no transform needed",
    "spectrum": "power of fine detail relative to all; --json has the slices",
}
SAMPLES = {"sticking": 16, "spectrum": 128}
DEFAULT_SAMPLES = 64
MAX_SAMPLES = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The metric, the models, how many samples."""
    listed = "; ".join(f"{name}: {what}" for name, what in METRICS.items())
    parser.add_argument("metric", choices=tuple(METRICS), metavar="METRIC", help=listed)
    parser.add_argument("models", metavar="MODEL", nargs="+", help="checkpoint files, or names of bundled models")
    parser.add_argument("--samples", metavar="N", type=int, help="pictures (64; spectrum 128), or walks (16)")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the random latents (default 0)")
    parser.add_argument(
        "--psi", metavar="P", type=float, default=1.0,
        help="truncation for sticking and spectrum (default 1 = none); eq metrics are defined without",
    )  # fmt: skip
    add_class_option(parser)
    parser.add_argument("--json", action="store_true", help="a list of rows for scripts")
    add_device_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measures every model and prints a row for each."""
    a = arguments
    samples = SAMPLES.get(a.metric, DEFAULT_SAMPLES) if a.samples is None else a.samples
    if samples < 2:
        raise UsageError(
            f"--samples {samples}: the scatter of fewer than two samples cannot be told.", "Take at least 2."
        )
    if samples > MAX_SAMPLES:
        raise UsageError(f"--samples {samples:,} is more than {MAX_SAMPLES:,}.")
    check_seed("--seed", a.seed)
    if a.class_name is not None and a.metric.startswith("eq"):
        raise UsageError(f"--class: {a.metric} is defined over random classes.", "Leave it out.")
    check_cost(a, a.models, settings_from(a).device)
    rows = []
    for model in a.models:
        rows.append(_measure(a, model, samples))
        if not console.is_open():
            break  # nobody reads the other rows
    if a.json:
        console.out_json(rows)
    return 0


def _measure(a: argparse.Namespace, model: str, samples: int) -> dict[str, Any]:
    import torch

    from explorer.analysis.spectrum import Spectrum
    from explorer.analysis.study import Estimate, as_json
    from explorer.render.headless import open_model
    from explorer.state import Classes, Look, Truncation

    renderer, facts = open_model(model, settings_from(a))
    name = visible(facts.name, 60)
    is_random = a.metric.startswith("eq")
    classes = Classes() if is_random else classes_from(a.class_name, [ModelClasses.of(facts)])
    request = renderer.request(Look(classes=classes, truncation=Truncation(psi=a.psi)))
    value: object = None
    progress = ProgressLine(f"{name} {a.metric}")
    with torch.inference_mode():
        for report in _study(a.metric, renderer.bench, request, samples, a.seed):
            if report is not None:
                value = report.value
                progress(report.done, report.total)
    more: dict[str, Any] = {}
    if isinstance(value, Spectrum):
        slices = {"0_db": value.axis, "45_db": value.diagonal, "radial_db": value.radial}
        more["frequency"] = [round(float(f), 6) for f in value.frequency]
        more |= {name: [round(float(v), 3) for v in numbers] for name, numbers in slices.items()}
        value = value.fine
    elif isinstance(value, dict):
        value = value[a.metric]
    assert isinstance(value, Estimate)
    if not a.json:
        note = f"   {value.note}" if value.note else ""
        figure = f"{value.value:.4g} \u00b1 {value.stderr:.2g} {value.unit}"
        console.out(f"{a.metric:<10} {name:<24} {figure:<20} {value.samples} samples{note}")
    return as_json(a.metric, model, value, **more)


def _study(metric: str, bench: Bench, request: RenderRequest, samples: int, seed: int) -> Study[Any]:
    from explorer.analysis import equivariance, spectrum, sticking

    if metric == "sticking":
        return sticking.sampled(bench, request, samples, seed=seed)
    if metric == "spectrum":
        return spectrum.sampled(bench, request, samples, seed=seed)
    (known,) = (m for m in equivariance.METRICS if m == metric)
    return equivariance.sampled(bench, samples, (known,), seed=seed)
