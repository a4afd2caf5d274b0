"""Jobs are data: they come through JSON as they were, and run the same wherever they run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from explorer.analysis.measurement import sampled
from explorer.analysis.metric_jobs import measure_spec, samples_spec
from explorer.analysis.registry import EQUIVARIANCE, METRICS, by_sampler, metric_named
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.edits import Edit, Nudge, Offset
from explorer.errors import ProjectError, UsageError
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec
from explorer.jobs.registry import JOBS, begin, function_of
from explorer.render.average_job import average_spec
from explorer.state import Classes, Latent, Look, Tap, Transform
from explorer.util.steps import run
from tests.analysis.scenes import TinyContext

LOOKS = (
    Look(),
    Look(latent=Latent(seed=7), transform=Transform(x=0.1, residual="heat")),
    Look(edits=(Edit(Nudge(3), 0.25), Edit(Offset((0.5,) * 6))), classes=Classes()),
)


@pytest.mark.parametrize("look", LOOKS)
def test_a_job_comes_through_json_as_it_was(look: Look) -> None:
    request = TinyContext().request(look)
    spec = measure_spec(EQUIVARIANCE, replace(request, tap=Tap(), max_px=64), 12, 5)
    read = JobSpec.from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False)))
    assert read == spec
    assert read.request is not None
    assert read.request.style.digest == request.style.digest


def test_a_stored_latent_comes_through_json_to_the_bit() -> None:
    context = TinyContext()
    values = np.random.default_rng(3).normal(size=context.generator.info.w_dim).astype(np.float32)
    table = AssetTable()
    look = Look(latent=Latent(stored=table.add(StoredLatent("w", values))))
    request = context.renderer.request(look, table=table)
    read = JobSpec.from_json(json.loads(json.dumps(JobSpec("curves", request).to_json()))).request
    assert read is not None
    assert read == request
    assert run(context.renderer.context.steps(read)).equal(run(context.renderer.context.steps(request)))


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"kind": 3}, {"kind": "curves", "options": []}, {"kind": "curves", "more": 1},
     {"kind": "curves", "request": {"model": {}}}, {"kind": "curves", "request": 7}],
)  # fmt: skip
def test_what_is_not_a_job_is_refused(data: object) -> None:
    with pytest.raises(ProjectError):
        JobSpec.from_json(data)


@pytest.mark.parametrize("kind", JOBS)
def test_every_kind_of_job_is_there(kind: str) -> None:
    assert callable(function_of(kind))


@pytest.mark.parametrize("name", [metric.name for metric in METRICS])
def test_samples_taken_apart_give_the_numbers_of_one_run(name: str) -> None:
    context, metric = TinyContext(), metric_named(name)
    spec = measure_spec([metric], context.request(), 5, 2)
    whole = run_inline(spec, context)[name]
    parts = [samples_spec(spec, first, count) for first, count in ((0, 2), (2, 1), (3, 2))]
    records = (report for part in parts for report in begin(part, context))
    found = [report for report in sampled([metric], context.generator.info, 5, records) if report is not None]
    joined = found[-1].value[name]
    assert (joined.value, joined.stderr, joined.samples) == (whole.value, whole.stderr, 5)
    if joined.detail is not None and whole.detail is not None:
        assert joined.detail.as_json() == whole.detail.as_json()


def test_progress_is_reported_to_the_last_sample() -> None:
    context, told = TinyContext(), []
    spec = measure_spec(EQUIVARIANCE, context.request(), 3)
    run_inline(spec, context, lambda report: told.append((report.done, report.total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_job_without_its_request_is_an_error_of_the_program() -> None:
    for spec in (JobSpec("curves"), JobSpec("average", options={"average": "neighbours"})):
        with pytest.raises(ValueError, match="needs a request"):
            begin(spec, None)


def test_an_average_is_reported_as_pixels() -> None:
    context = TinyContext()
    pixels = run_inline(average_spec(context.request(), "neighbours", 0.2, 2), context)
    assert pixels.dtype == np.uint8
    assert pixels.shape[:2] == context.generator.info.img_size


def test_the_table_of_metrics() -> None:
    assert [len(group) for group in by_sampler(METRICS)] == [3, 1, 1]
    assert all(metric.samples >= 2 and metric.title and metric.description and metric.unit for metric in METRICS)
    with pytest.raises(UsageError, match="no metric 'beauty'"):
        metric_named("beauty")
