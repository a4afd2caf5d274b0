"""`main.py measure METRIC MODEL...`: metrics such as equivariance and sticking, with their standard errors."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.analysis.registry import metric_named, metrics
from explorer.commands.class_option import ModelClasses, add_class_option, classes_from
from explorer.commands.cluster_option import add_cluster_option, cluster_of
from explorer.commands.cost import check_cost
from explorer.commands.numbers import check_seed
from explorer.commands.outputs import check_output
from explorer.commands.progress import ProgressLine
from explorer.commands.render import add_device_options, settings_from
from explorer.errors import LatentwalkError, UsageError
from explorer.util import console
from explorer.util.file_errors import message
from explorer.util.plain_text import visible
from explorer.util.signals import Stopped

if TYPE_CHECKING:
    from explorer.analysis.registry import Metric
    from explorer.jobs.checkpoint import Checkpoint, CheckpointFile
    from explorer.jobs.cluster import Cluster
    from explorer.jobs.job import JobSpec, Report
    from explorer.render.headless import HeadlessRenderer

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
    parser.add_argument(
        "--resume", metavar="FILE.json", type=Path,
        help="save the progress to FILE.json every few seconds, and continue from it after an interruption",
    )  # fmt: skip
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
    checkpoints = _checkpoints_of(a)
    check_cost(a, a.models, settings_from(a).device)
    rows = []
    with cluster_of(a) as cluster:
        for model in a.models:
            rows.append(_measure(a, metric, model, samples, cluster, checkpoints))
            if not console.is_open():
                break  # the reader of the other rows has ended
    if a.json:
        console.out_json(rows)
    return 0


def _checkpoints_of(a: argparse.Namespace) -> CheckpointFile | None:
    """Return the file that `--resume` names. Raises OSError or UsageError if it cannot be one."""
    if a.resume is None:
        return None
    from explorer import __version__
    from explorer.jobs.checkpoint import CheckpointFile

    check_output("--resume", a.resume, ".json")
    return CheckpointFile(a.resume, __version__)


def _measure(
    a: argparse.Namespace,
    metric: Metric,
    model: str,
    samples: int,
    cluster: Cluster | None,
    checkpoints: CheckpointFile | None,
) -> dict[str, Any]:
    from explorer.analysis.estimate import as_json
    from explorer.analysis.measurement import check_resumable
    from explorer.analysis.metric_jobs import measure_spec
    from explorer.render.headless import open_model
    from explorer.state import Classes, Look, Truncation

    renderer, model_info = open_model(model, settings_from(a))
    if checkpoints is not None:
        check_resumable(metric, renderer.info)
    name = visible(model_info.name, 60)
    classes = Classes() if metric.draws_latents else classes_from(a.class_name, [ModelClasses.of(model_info)])
    request = renderer.request(Look(classes=classes, truncation=Truncation(psi=a.psi)))
    spec = measure_spec([metric], request, samples, a.seed)
    estimate = _run(f"{name} {a.metric}", spec, renderer, cluster, checkpoints)[metric.name]
    if not a.json:
        note = f"   {estimate.note}" if estimate.note else ""
        figure = f"{estimate.value:.4g} \u00b1 {estimate.stderr:.2g} {estimate.unit}"
        console.out(f"{a.metric:<10} {name:<24} {figure:<20} {estimate.samples} samples{note}")
    return as_json(a.metric, model, estimate)


def _run(
    what: str,
    spec: JobSpec,
    renderer: HeadlessRenderer,
    cluster: Cluster | None,
    checkpoints: CheckpointFile | None,
) -> Any:
    """Run the job, or continue it from its checkpoint, with its progress on standard error."""
    from explorer.analysis.measurement import samples_done
    from explorer.analysis.metric_jobs import measure_on
    from explorer.jobs.checkpoint import DamagedCheckpointError
    from explorer.jobs.executors import drive, run_inline
    from explorer.jobs.registry import control_of

    saved = _Saved(checkpoints, spec) if checkpoints is not None else None
    checkpoint = checkpoints.get(spec) if checkpoints is not None else None

    def tell(report: Report[Any]) -> None:
        progress(report.done, report.total)

    try:
        before = samples_done(checkpoint)
        if before:
            console.note(f"{what}: continuing after {before:,} of {spec.options['samples']:,} samples")
        progress = ProgressLine(what, before)
        if cluster is None:
            return run_inline(spec, renderer.context, tell, checkpoint=checkpoint, on_checkpoint=saved)
        job = measure_on(cluster, spec, renderer.info, checkpoint)
        return drive(job, control_of(spec.kind), tell, saved)
    except DamagedCheckpointError as error:
        assert checkpoints is not None  # where it is from
        raise DamagedCheckpointError(str(checkpoints.path)) from error
    except (Stopped, KeyboardInterrupt):
        if saved is not None and saved.done:
            console.note(f"latentwalk: {saved.done:,} samples are saved; run the same command again to continue")
        raise


class _Saved:
    """Saves the checkpoints of a measurement; a failure is reported once, and does not end the measurement."""

    def __init__(self, file: CheckpointFile, spec: JobSpec) -> None:
        self._file, self._spec = file, spec
        self._is_failing = False
        self.done = 0

    def __call__(self, checkpoint: Checkpoint) -> None:
        try:
            self._file.put(self._spec, checkpoint)
        except (OSError, LatentwalkError) as error:
            if not self._is_failing:
                text = message(error) if isinstance(error, OSError) else str(error)
                console.note(f"latentwalk: the progress could not be saved: {text}")
            self._is_failing = True
        else:
            self._is_failing, self.done = False, checkpoint["done"]
