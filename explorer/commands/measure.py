"""`main.py measure METRIC MODEL...`: metrics such as equivariance and sticking, with their standard errors."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from explorer.analysis.registry import metric_named, metrics
from explorer.commands.class_option import ModelClasses, add_class_option, classes_from
from explorer.commands.cluster_option import add_cluster_option, cluster_of
from explorer.commands.cost import check_cost
from explorer.commands.numbers import check_seed
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import UsageError
from explorer.util import console
from explorer.util.plain_text import visible

if TYPE_CHECKING:
    from explorer.analysis.registry import Metric
    from explorer.jobs.cluster import Cluster
    from explorer.jobs.job import Report

__all__ = ["add_arguments", "run"]

MAX_SAMPLES = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the metric, the models and the number of samples."""
    table = metrics()
    listed = "; ".join(f"{name}: {metric.description} ({metric.unit})" for name, metric in table.items())
    usual = ", ".join(f"{name} {metric.samples} {metric.sample_name}" for name, metric in table.items())
    parser.add_argument("metric", choices=tuple(table), metavar="METRIC", help=listed.replace("%", "%%"))
    parser.add_argument("models", metavar="MODEL", nargs="+", help="checkpoint files, or names of bundled models")
    parser.add_argument("--samples", metavar="N", type=int, help=f"how many; default: {usual}")
    parser.add_argument("--seed", metavar="S", type=int, default=0, help="of the random latents (default 0)")
    parser.add_argument(
        "--psi", metavar="P", type=float, default=1.0,
        help="truncation (default 1 = none); ignored by the eq metrics",
    )  # fmt: skip
    add_class_option(parser)
    parser.add_argument("--json", action="store_true", help="a list of rows for scripts")
    add_device_options(parser)
    add_cluster_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure every model and print a row for each."""
    a = arguments
    metric = metric_named(a.metric)
    samples = metric.samples if a.samples is None else a.samples
    if samples < 2:
        raise UsageError(f"--samples {samples}: fewer than two samples have no standard error.", "Take at least 2.")
    if samples > MAX_SAMPLES:
        raise UsageError(f"--samples {samples:,} is more than {MAX_SAMPLES:,}.")
    check_seed("--seed", a.seed)
    if a.class_name is not None and metric.draws_latents:
        raise UsageError(f"--class: {a.metric} is defined over random classes.", "Leave it out.")
    check_cost(a, a.models, settings_from(a).device)
    rows = []
    with cluster_of(a) as cluster:
        for model in a.models:
            rows.append(_measure(a, metric, model, samples, cluster))
            if not console.is_open():
                break  # the reader of the other rows has ended
    if a.json:
        console.out_json(rows)
    return 0


def _measure(
    a: argparse.Namespace, metric: Metric, model: str, samples: int, cluster: Cluster | None
) -> dict[str, Any]:
    from explorer.analysis.estimate import as_json
    from explorer.analysis.metric_jobs import measure_on, measure_spec
    from explorer.jobs.executors import drive, run_inline
    from explorer.jobs.registry import control_of
    from explorer.render.headless import open_model
    from explorer.state import Classes, Look, Truncation

    renderer, model_info = open_model(model, settings_from(a))
    name = visible(model_info.name, 60)
    classes = Classes() if metric.draws_latents else classes_from(a.class_name, [ModelClasses.of(model_info)])
    request = renderer.request(Look(classes=classes, truncation=Truncation(psi=a.psi)))
    progress = ProgressLine(f"{name} {a.metric}")
    spec = measure_spec([metric], request, samples, a.seed)

    def show_progress(report: Report[Any]) -> None:
        progress(report.done, report.total)

    if cluster is None:
        found = run_inline(spec, renderer.context, show_progress)
    else:
        found = drive(measure_on(cluster, spec, renderer.info), control_of(spec.kind), show_progress)
    estimate = found[metric.name]
    if not a.json:
        note = f"   {estimate.note}" if estimate.note else ""
        figure = f"{estimate.value:.4g} \u00b1 {estimate.stderr:.2g} {estimate.unit}"
        console.out(f"{a.metric:<10} {name:<24} {figure:<20} {estimate.samples} samples{note}")
    return as_json(a.metric, model, estimate)
