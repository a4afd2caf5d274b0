"""A film's size in memory and on the disk, and its forecast."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from explorer.animation import forecast
from explorer.animation.forecast import bytes_beforehand
from explorer.animation.formats import format_named
from explorer.animation.recorder import Progress, Recorder
from explorer.state import ExplorerState
from tests.animation.conftest import job_of
from tests.animation.films import VIDEOS


def test_memory_stays_flat(project: ExplorerState, tmp_path: Path) -> None:
    seen = []

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def note(progress: Progress) -> None:
        if progress.stage == "rendering" and progress.done in (100, 500):
            seen.append(resident())

    Recorder(job_of(project, tmp_path / "f.mp4", seconds=20.0, side=256)).run(note)
    assert len(seen) == 2
    assert seen[1] - seen[0] < 40 << 20  # 400 frames of this size are 79 MB


@pytest.mark.parametrize("key", VIDEOS)
def test_the_size_is_forecast_before_and_while_it_is_made(project: ExplorerState, tmp_path: Path, key: str) -> None:
    told: list[Progress] = []
    path = tmp_path / f"f{format_named(key).suffix}"
    made = Recorder(job_of(project, path, format=key, side=128, seconds=4.0)).run(told.append)
    rendering = [p for p in told if p.stage == "rendering"]
    assert rendering[0].done == 0
    before, after, true = rendering[0].value.size, told[-2].value.size, made.stat().st_size
    assert before == bytes_beforehand(key, "good", (128, 128), 100)
    assert after / true == pytest.approx(1.0, abs=0.5)
    assert abs(math.log(after / true)) <= abs(math.log(before / true)) + 0.2


def test_a_forecast_that_fails_stops_no_film(
    project: ExplorerState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise MemoryError

    monkeypatch.setattr(forecast, "_bytes_of_second", fail)
    assert Recorder(job_of(project, tmp_path / "f.gif", format="gif")).run().exists()


def test_sizes_as_text() -> None:
    found = [forecast.size_text(n) for n in (0, 900, 2_340, 713_000, 960_000, 34_400_000, 2_000_000_000)]
    assert found == ["about 1 kB", "about 1 kB", "about 2.3 kB", "about 710 kB", "about 1.0 MB", "about 34 MB",
                     "about 2.0 GB"]  # fmt: skip
