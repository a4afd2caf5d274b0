"""Films and measurements on a local Ray: the pixels and numbers of a run here, also where a worker is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.analysis.metric_jobs import measure_on, measure_spec
from explorer.analysis.registry import by_sampler, metric_named
from explorer.animation.film_jobs import frames_on
from explorer.animation.recorder import Progress, Recorder
from explorer.cli import main
from explorer.errors import CancelledError, RenderError
from explorer.jobs.cluster import Cluster, connected
from explorer.jobs.executors import drive, run_inline
from explorer.jobs.job import JobSpec
from explorer.jobs.registry import control_of
from explorer.render.headless import open_model
from explorer.state import ExplorerState, Look
from explorer.state.request import RenderSettings
from tests.animation.conftest import job_of, model, packets_and_pixels, project  # noqa: F401

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'latentwalk[cluster]'")

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A Ray of two workers of one thread each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")  # no token in the user's folder
    ray.init(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, log_to_driver=False)
    try:
        with connected() as made:
            yield made
        assert ray.is_initialized(), "a cluster that somebody else connected to stays"
    finally:
        ray.shutdown()
        torch.set_num_threads(threads)


class Killer(threading.Thread):
    """Ends one of this cluster's processes, as a crash would, as soon as it does a part."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.killed = 0
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.killed and not self.stop.wait(0.005):
            self._look()

    def _look(self) -> None:
        parents = {}
        for folder in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        for pid in parents:
            if _name(pid).startswith("ray::do_part") and _is_below(pid, parents):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    self.killed = pid
                    return


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _is_below(pid: int, parents: dict[int, int]) -> bool:
    while pid in parents and pid != os.getpid():
        pid = parents[pid]
    return pid == os.getpid()


def test_a_film_has_the_pixels_of_one_made_here_though_a_worker_is_killed(
    cluster: Cluster, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    here, there = (job_of(project, tmp_path / f"{name}.mkv", format="mkv", seconds=8.0) for name in ("a", "b"))
    Recorder(here).run()
    killer = Killer()

    def begin_to_kill(progress: Progress) -> None:
        if progress.stage == "rendering" and progress.done == 1:
            killer.start()

    Recorder(there, frames=frames_on(cluster, there)).run(begin_to_kill)
    killer.stop.set()
    killer.join()
    assert killer.killed
    assert packets_and_pixels(there.path) == packets_and_pixels(here.path)


def test_a_cancelled_film_of_a_cluster_goes_on_here(
    cluster: Cluster, project: ExplorerState, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    job = job_of(project, tmp_path / "a.mkv", format="mkv", seconds=2.0)
    recorder = Recorder(job, frames=frames_on(cluster, job))

    def stop(progress: Progress) -> None:
        if progress.stage == "rendering" and progress.done == 30:
            recorder.control.cancel()

    with pytest.raises(CancelledError):
        recorder.run(stop)
    again = Recorder(job)
    again.run()
    assert again.first_frame > 0
    whole = job_of(project, tmp_path / "b.mkv", format="mkv", seconds=2.0)
    Recorder(whole).run()
    assert packets_and_pixels(job.path) == packets_and_pixels(whole.path)


@pytest.mark.parametrize("names", [("eq-t", "eq-t-frac", "eq-r"), ("sticking",), ("spectrum",)])
def test_a_measurement_has_the_numbers_of_one_made_here(
    cluster: Cluster, model: str, names: tuple[str, ...]  # noqa: F811
) -> None:  # fmt: skip
    renderer, _ = open_model(model, RenderSettings(backend="torch"))
    (chosen,) = by_sampler([metric_named(name) for name in names])
    spec = measure_spec(chosen, renderer.request(Look()), 9, 3)
    here = run_inline(spec, renderer.context)
    there = drive(measure_on(cluster, spec, renderer.info), control_of("measure"))
    assert {name: (e.value, e.stderr, e.samples) for name, e in there.items()} == {
        name: (e.value, e.stderr, e.samples) for name, e in here.items()
    }


def test_errors_of_a_part_are_raised_here(cluster: Cluster) -> None:
    with pytest.raises(RenderError, match="KeyError"):
        list(cluster.run([JobSpec("beauty")]))


@pytest.mark.parametrize("metric", ["eq-t", "spectrum"])
def test_measure_on_ray(
    cluster: Cluster, model: str, metric: str, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:  # fmt: skip
    arguments = ["measure", metric, model, "--samples", "4", "--backend", "reference", "--json"]
    found = []
    for where in ("here", "ray"):
        assert main([*arguments, "--on", where]) == 0
        found.append(capsys.readouterr().out)
    assert found[0] == found[1]


def test_video_on_ray(cluster: Cluster, model: str, tmp_path: Path) -> None:  # noqa: F811
    arguments = [
        "video",
        "--seeds",
        "1,2",
        "--model",
        model,
        "--seconds",
        "1",
        "--fps",
        "10",
        "--backend",
        "reference",
    ]
    for where in ("here", "ray"):
        assert main([*arguments, "--on", where, "-o", str(tmp_path / f"{where}.mkv")]) == 0
    assert packets_and_pixels(tmp_path / "ray.mkv") == packets_and_pixels(tmp_path / "here.mkv")


def test_a_slit_scan_is_the_same(cluster: Cluster, project: ExplorerState, tmp_path: Path) -> None:  # noqa: F811
    jobs = [job_of(project, tmp_path / f"{name}.mkv", format="mkv", layout="slit", seconds=1.6) for name in "ab"]
    Recorder(jobs[0]).run()
    Recorder(jobs[1], frames=frames_on(cluster, replace(jobs[1]))).run()
    assert packets_and_pixels(jobs[1].path) == packets_and_pixels(jobs[0].path)
