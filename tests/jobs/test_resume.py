"""Jobs that go on from a checkpoint: wherever they were ended, the numbers of one run to the last bit."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from explorer.analysis.estimate import RatioSum
from explorer.analysis.measurement import check_resumable, measure
from explorer.analysis.metric_jobs import measure_on, measure_spec
from explorer.analysis.registry import METRICS, SPECTRUM, STICKING, Metric, metric_named
from explorer.errors import CancelledError, LatentwalkError, UsageError
from explorer.jobs import checkpoint as checkpoints
from explorer.jobs.checkpoint import Checkpoint, CheckpointFile, Checkpoints, DamagedCheckpointError
from explorer.jobs.executors import ThreadHandle, run_inline
from explorer.jobs.job import RESUMED, Job, JobContext, JobSpec, Report
from explorer.jobs.registry import JOBS, JobKind, begin
from explorer.render.job_run import JobEvent, JobRun
from explorer.state.request import ModelKey
from explorer.util.control import Control
from tests.analysis.scenes import TinyContext
from tests.render.renderers import Broken
from tests.render.support import renderer_of, request_of, tiny_model

SAMPLES = 5
NAMES = [metric.name for metric in METRICS]


def same(a: Any, b: Any) -> bool:
    """Two estimates, bit for bit, with what a spectrum has beside its number."""
    assert (a.value.hex(), a.stderr.hex(), a.samples, a.note) == (b.value.hex(), b.stderr.hex(), b.samples, b.note)
    if a.detail is not None:
        assert all(
            np.array_equal(getattr(a.detail, n), getattr(b.detail, n)) for n in ("axis", "diagonal", "radial")
        )
    return True


def ended_after(spec: JobSpec, context: JobContext, count: int, before: Checkpoint | None = None) -> Checkpoint:
    """End a measurement after so many samples, and give its checkpoint as a file would hold it."""
    saved: Checkpoint | None = None
    with torch.inference_mode():
        job: Any = begin(spec, context, before)
        while saved is None or saved["done"] < count:
            next(job)
            saved = job.checkpoint()
        job.close()
    assert saved["done"] == count
    result: Checkpoint = json.loads(json.dumps(saved, allow_nan=False))
    return result


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ends", [(1,), (2, 4), (SAMPLES,)])
def test_a_measurement_that_goes_on_gives_the_bits_of_one_run(name: str, ends: tuple[int, ...]) -> None:
    context = TinyContext()
    spec = measure_spec([metric_named(name)], context.request(), SAMPLES, 2)
    whole = run_inline(spec, context)[name]
    saved: Checkpoint | None = None
    for end in ends:
        saved = ended_after(spec, context, end, saved)
    reports: list[Report[Any]] = []
    resumed = run_inline(spec, context, reports.append, checkpoint=saved)[name]
    assert same(resumed, whole)
    assert [r.done for r in reports if r.stage != RESUMED] == [
        done
        for done in range(ends[-1] + 1, SAMPLES + 1)
        if done % metric_named(name).report_every == 0 or done == 5
    ]


def test_metrics_that_are_measured_together_go_on_together() -> None:
    context = TinyContext()
    spec = measure_spec([metric_named(name) for name in NAMES[:3]], context.request(), 4)
    whole = run_inline(spec, context)
    resumed = run_inline(spec, context, checkpoint=ended_after(spec, context, 2))
    assert all(same(resumed[name], whole[name]) for name in NAMES[:3])


def test_what_is_saved_at_the_end_gives_the_figure_at_once() -> None:
    context, saved = TinyContext(), []  # type: ignore[var-annotated]
    spec = measure_spec([STICKING], context.request(), 3)
    whole = run_inline(spec, context, on_checkpoint=saved.append)
    reports: list[Report[Any]] = []
    again = run_inline(spec, context, reports.append, checkpoint=saved[-1], on_checkpoint=saved.append)
    assert same(again["sticking"], whole["sticking"])
    assert [(r.stage, r.done, r.total, r.rate) for r in reports] == [(RESUMED, 3, 3, 0.0)]


def test_a_cancelled_measurement_saves_every_sample() -> None:
    context, control, saved = TinyContext(), Control(), []  # type: ignore[var-annotated]
    spec = measure_spec([STICKING], context.request(), SAMPLES)

    def cancel(report: Report[Any]) -> None:
        if report.done == 3:
            control.cancel()

    with pytest.raises(CancelledError):
        run_inline(spec, context, cancel, control, on_checkpoint=saved.append)
    assert [checkpoint["done"] for checkpoint in saved] == [3]
    resumed = run_inline(spec, context, checkpoint=saved[-1])
    assert same(resumed["sticking"], run_inline(spec, context)["sticking"])


def test_an_end_within_a_sum_saves_nothing_that_is_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    context, saved, add = TinyContext(), [], RatioSum.add  # type: ignore[var-annotated]
    spec = measure_spec([STICKING], context.request(), SAMPLES)

    def stopped(total: RatioSum, above: float, below: float) -> None:
        add(total, above, below)
        if total.count == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(RatioSum, "add", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_inline(spec, context, on_checkpoint=saved.append)
    assert saved == []


class HereCluster:
    """Does the parts of a job in this thread, as a cluster's workers do."""

    def __init__(self, context: JobContext) -> None:
        self.context, self.parts = context, 0

    def workers(self, device: str) -> int:
        return 2

    def run(self, parts: list[JobSpec], *, device: str, models: list[str]) -> Job[Any]:
        self.parts = len(parts)
        for part in parts:
            yield from begin(part, self.context)


def test_a_cluster_takes_only_the_samples_that_are_missing() -> None:
    context = TinyContext()
    spec = measure_spec([SPECTRUM], context.request(), SAMPLES, 2)
    whole = run_inline(spec, context)["spectrum"]
    saved, cluster = ended_after(spec, context, 3), HereCluster(context)
    with torch.inference_mode():
        reports = list(measure_on(cluster, spec, context.generator.info, saved))  # type: ignore[arg-type]
    assert same(reports[-1].value["spectrum"], whole)  # type: ignore[union-attr]
    assert cluster.parts == 2


@pytest.mark.parametrize(
    "change",
    [
        {"done": 0}, {"done": 6}, {"done": True}, {"done": "2"}, {"totals": {}}, {"totals": {"spectrum": [1, 2]}},
        {"totals": {"spectrum": [None, {"dtype": "<f8", "shape": [2, 2], "content": "AAAA"}]}}, {"totals": 3},
        {"totals": {"spectrum": [{"dtype": "|O", "shape": [1], "content": ""}, None]}},
    ],
)  # fmt: skip
def test_a_damaged_checkpoint_is_refused(change: dict[str, Any]) -> None:
    context = TinyContext()
    spec = measure_spec([SPECTRUM], context.request(), SAMPLES)
    saved = ended_after(spec, context, 2) | change
    with pytest.raises(DamagedCheckpointError):
        run_inline(spec, context, checkpoint=saved)


def test_a_checkpoint_of_fewer_samples_than_it_says_is_refused() -> None:
    context = TinyContext()
    spec = measure_spec([STICKING], context.request(), SAMPLES)
    with pytest.raises(DamagedCheckpointError):
        run_inline(spec, context, checkpoint=ended_after(spec, context, 2) | {"done": 3})


class Plain:
    """A sampler of a plug-in whose sum has no state."""

    def collect(self, context: JobContext, request: object, samples: Any) -> Iterator[Report[float]]:
        for number in samples.numbers:
            yield Report(float(number), number + 1, samples.count)

    def total(self, metric: str, info: object) -> Any:
        class Sum:
            def add(self, record: float) -> None: ...

            def estimate(self) -> float:
                return 1.0

        return Sum()


def test_a_metric_without_checkpoints_is_measured_but_not_resumed() -> None:
    context, saved = TinyContext(), []  # type: ignore[var-annotated]
    metric = Metric("plain", "Plain", "", "", higher_is_better=True, samples=2, sampler=Plain())
    with pytest.raises(UsageError, match="Measurements of plain cannot be resumed"):
        check_resumable(metric, context.generator.info)
    job = measure([metric], context, context.request(), 3)
    keeper = Checkpoints(job, saved.append)
    assert [report.done for report in job if report is not None] == [1, 2, 3]
    keeper.at_end()
    assert saved == []
    with pytest.raises(DamagedCheckpointError):
        measure([metric], context, context.request(), 3, checkpoint={"done": 1, "totals": {"plain": 1}})


def test_kinds_that_do_not_resume_take_no_checkpoint() -> None:
    with pytest.raises(ValueError, match="cannot be resumed"):
        begin(JobSpec("even-speed"), None, {"done": 1})


# -- when and where they are saved -----------------------------------------------------------------------------


class Counting:
    """A job that counts, from a checkpoint on."""

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        self.at = 0 if checkpoint is None else checkpoint["at"]
        self.last: Checkpoint | None = checkpoint

    def __iter__(self) -> Counting:
        return self

    def __next__(self) -> Report[int]:
        if self.at == 4:
            raise StopIteration
        self.at += 1
        self.last = {"at": self.at}
        return Report(self.at, self.at, 4, stage=f"{self.at}")

    def checkpoint(self) -> Checkpoint | None:
        return self.last


def test_a_checkpoint_is_saved_every_few_seconds_and_at_the_end() -> None:
    now, saved, job = [0.0], [], Counting()  # type: ignore[var-annotated]

    def save(checkpoint: Checkpoint) -> None:
        saved.append(checkpoint["at"])
        now[0] += 1.0

    keeper = Checkpoints(job, save, lambda: now[0])
    keeper.at_end()
    assert saved == [], "there is nothing to go on from yet"
    for seconds in (1.0, 5.0, 5.0, 20.0):
        next(job)
        now[0] += seconds
        keeper.after_step()
    assert saved == [2, 4], "saving takes a second, so the next one waits for 20"
    keeper.at_end()
    assert saved == [2, 4]


def counting(context: JobContext | None, spec: JobSpec, checkpoint: Checkpoint | None = None) -> Counting:
    return Counting(checkpoint)


def test_a_thread_goes_on_from_a_checkpoint_and_saves_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(JOBS, "counting", JobKind(f"{__name__}:counting", "counting", resumes=True))  # type: ignore[arg-type]
    saved: list[Checkpoint] = []
    ends: list[tuple[object, LatentwalkError | None]] = []
    done: list[int] = []
    ended = threading.Event()

    def on_end(value: object, error: LatentwalkError | None) -> None:
        ends.append((value, error))
        ended.set()

    ThreadHandle(
        JobSpec("counting"), lambda r: done.append(r.done), on_end, checkpoint={"at": 2}, on_checkpoint=saved.append
    )
    assert ended.wait(60)
    assert (done, ends, saved) == ([3, 4], [(4, None)], [{"at": 4}])


def spec_of(path: str = "", **options: Any) -> JobSpec:
    request = replace(TinyContext().request(), model=ModelKey("0" * 64, path))
    return JobSpec("measure", request, {"samples": 3, **options})


def test_a_file_keeps_the_checkpoints_of_many_jobs(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    first, second = CheckpointFile(path, "1"), CheckpointFile(path, "1")
    assert first.get(spec_of()) is None
    assert not path.exists()
    first.put(spec_of(), {"at": 1})
    second.put(spec_of(seed=3), {"at": 2})
    first.put(spec_of(), {"at": 3})
    read = CheckpointFile(path, "1")
    assert read.get(spec_of(path="moved/elsewhere")) == {"at": 3}
    assert read.get(spec_of(seed=3)) == {"at": 2}
    assert read.get(spec_of(seed=4)) is None
    assert CheckpointFile(path, "2").get(spec_of()) is None, "another version may measure something else"
    assert [p.name for p in tmp_path.iterdir()] == ["runs.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": "latentwalk checkpoints", "version": 2, "jobs": {}}',
        b'{"format": "latentwalk checkpoints", "version": 1, "jobs": []}', b"[" * 100_000,
        b'{"format": "latentwalk checkpoints", "version": 1, "jobs": {"a": {"checkpoint": 3}}}',
        b'{"format": "latentwalk checkpoints", "version": 1, "jobs": {"a": NaN}}',
    ],
)  # fmt: skip
def test_another_file_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"mine\.json is not a file of checkpoints"):
        CheckpointFile(path, "1")
    assert path.read_bytes() == content


def test_a_file_that_became_another_one_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "runs.json"
    file = CheckpointFile(path, "1")
    path.write_bytes(b"mine")
    with pytest.raises(UsageError):
        file.put(spec_of(), {"at": 1})
    assert path.read_bytes() == b"mine"


def test_a_file_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "MAX_BYTES", 3)
    path = tmp_path / "runs.json"
    path.write_bytes(b"{}  ")
    with pytest.raises(OSError, match="larger than") as caught:
        CheckpointFile(path, "1")
    assert caught.value.filename == str(path)


# -- in the render thread --------------------------------------------------------------------------------------


def measured_between_looks(out_of_memory_after: int) -> tuple[JobEvent, JobEvent, int]:
    """Measure four pictures in a renderer; give the last two events, and how often a layer ran since."""
    model = tiny_model()
    renderer, published = renderer_of(model)
    renderer.device = "mps"  # the generator stays where it is
    renderer._generator = lambda request: model.generator  # type: ignore[method-assign]
    run = JobRun("spectrum/0", 0, measure_spec([SPECTRUM], request_of(model), 4))
    renderer.run_job(run)
    renderer.step()
    while out_of_memory_after and (run._job.checkpoint() or {"done": 0})["done"] < out_of_memory_after:  # type: ignore[union-attr]
        renderer.step()
    error = torch.cuda.OutOfMemoryError("MPS backend out of memory")
    broken = Broken(model, error, times=int(out_of_memory_after > 0))
    while renderer.step():
        pass
    assert run.was_retried == (out_of_memory_after > 0)
    report, end = [m for m in published.messages if isinstance(m, JobEvent)][-2:]
    return report, end, broken.calls


def test_a_measurement_without_memory_goes_on_with_what_it_has_done() -> None:
    whole, _, _ = measured_between_looks(0)
    report, end, calls = measured_between_looks(2)
    assert (end.is_done, end.error) == (True, None)
    assert report.report is not None
    assert whole.report is not None
    assert same(report.report.value["spectrum"], whole.report.value["spectrum"])
    assert calls == 3, "the failure and two pictures"
