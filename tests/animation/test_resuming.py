"""A film goes on with the same pixels after it was cancelled or killed, unless its model or project changed."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter, part_paths, whole_frames
from explorer.animation.formats import format_named
from explorer.animation.job import is_unfinished, job_path, read_job, write_job
from explorer.animation.player import Player
from explorer.animation.recorder import QUEUE_FRAMES, Progress, Recorder
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import CancelledError, FilmError
from explorer.generators import registry
from explorer.project.document import read_project
from explorer.state import ExplorerState, Timeline
from tests.animation.conftest import decoded, job_of, packets_and_pixels
from tests.animation.films import KEYS, leave_unfinished

ROOT = Path(__file__).resolve().parents[2]


def test_a_cancelled_film_goes_on_with_the_same_pixels(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "f.mp4", seconds=2.0)
    leave_unfinished(job)
    assert is_unfinished(job.path)
    assert not job.path.exists()
    second = Recorder(read_job(job.path))
    second.run()
    assert second.first_frame >= 12
    Recorder(replace(job, path=tmp_path / "g.mp4")).run()
    assert packets_and_pixels(tmp_path / "f.mp4") == packets_and_pixels(tmp_path / "g.mp4")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.mp4", "g.mp4"]


def save_model(path: Path, seed: int, side: int = 32) -> None:
    torch.manual_seed(seed)
    weights = registry.build("tiny", {"img_resolution": side}).state_dict()
    path.unlink(missing_ok=True)
    save_native(path, Checkpoint("tiny", {"img_resolution": side}, weights, "tiny", "MIT"))


@pytest.mark.parametrize("key", ["mp4", "png"])
@pytest.mark.parametrize("side", [32, 64])
def test_a_film_whose_model_changed_starts_again(
    project: ExplorerState, tmp_path: Path, key: str, side: int
) -> None:
    save_model(tmp_path / "m.safetensors", 5)
    views = tuple(replace(view, model=str(tmp_path / "m.safetensors")) for view in project.views)
    job = job_of(replace(project, views=views), tmp_path / f"f.{key}", seconds=2.0, format=key)
    leave_unfinished(job)
    save_model(tmp_path / "m.safetensors", 6, side)
    again, words = Recorder(job), []
    again.run(lambda progress: words.append(progress.note))
    assert again.first_frame == 0
    assert any("starts again: a model has changed" in told for told in words)
    clean = replace(job, path=tmp_path / f"g.{key}")
    Recorder(clean).run()
    if key == "png":
        pairs = [sorted(p.read_bytes() for p in (tmp_path / name).iterdir()) for name in ("f", "g")]
        assert pairs[0] == pairs[1]
    else:
        assert packets_and_pixels(job.path) == packets_and_pixels(clean.path)


def test_a_film_of_before_goes_on_though_it_does_not_say_of_which_models(
    project: ExplorerState, tmp_path: Path
) -> None:
    job = job_of(project, tmp_path / "f.mp4", seconds=2.0)
    leave_unfinished(job)
    data = json.loads(job_path(job.path).read_text())
    del data["origin"]
    job_path(job.path).write_text(json.dumps(data))
    again, words = Recorder(job), []
    again.run(lambda progress: words.append(progress.note))
    assert again.first_frame > 0
    assert any("continues; the models of" in told for told in words)


def test_frames_without_a_job_are_not_gone_on_from(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "f.mp4", seconds=2.0)
    leave_unfinished(job)
    job_path(job.path).unlink()
    before = {part: part.read_bytes() for part in tmp_path.iterdir()}
    again = Recorder(replace(job, film=replace(job.film, start=0.5)))
    again.run()
    assert again.first_frame == 0
    # Nothing says that they are ours: they stay.
    assert {part: part.read_bytes() for part in tmp_path.iterdir() if part != job.path} == before


@pytest.mark.parametrize("key", ["mp4", "png"])
def test_a_film_of_a_relative_path_opens_in_any_folder(
    project: ExplorerState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    save_model(tmp_path / "m.safetensors", 5)
    monkeypatch.chdir(tmp_path)
    views = tuple(replace(view, model="m.safetensors") for view in project.views)
    made = Recorder(job_of(replace(project, views=views), Path(f"f.{key}"), seconds=0.2, format=key)).run()
    found = read_project(next(made.iterdir()) if made.is_dir() else made)[0]
    assert [view.model for view in found.views] == [str(tmp_path / "m.safetensors")] * 2


@pytest.mark.parametrize("key", ["mp4", "gif", "webp", "apng"])
def test_the_last_step_can_be_cancelled_too(project: ExplorerState, tmp_path: Path, key: str) -> None:
    job = job_of(project, tmp_path / f"f{format_named(key).suffix}", format=key)
    first = Recorder(job)

    def stop(progress: Progress) -> None:
        if progress.done == progress.total:
            first.control.cancel()

    with pytest.raises(CancelledError):
        first.run(stop)
    assert is_unfinished(job.path)
    assert not job.path.exists()
    assert sorted(tmp_path.iterdir()) == sorted([job_path(job.path), part_paths(job.path)[0]])
    Recorder(read_job(job.path)).run()
    assert len(decoded(job.path)[0]) == job.film.frames


SLOW_FILM = """
import sys, time
from pathlib import Path
from explorer.animation.job import read_job
from explorer.animation.recorder import Recorder
def tell(p):
    time.sleep(0.004)  # so that a kill falls into the middle of a film of tiny pictures
    if p.value.picture is not None: print(p.done, flush=True)
Recorder(read_job(Path(sys.argv[1]))).run(tell)
"""


def killed_at(path: Path, frame: int) -> None:
    """Renders in a process of its own and ends that with SIGKILL once a frame is done."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_FILM, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            if int(line) >= frame:
                process.send_signal(signal.SIGKILL)
                break
    assert process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("key", [key for key in ("mp4", "webm", "gif", "png") if key in KEYS])
def test_kills_leave_what_plays_and_change_no_pixel(project: ExplorerState, tmp_path: Path, key: str) -> None:
    suffix = format_named(key).suffix
    job = job_of(project, tmp_path / f"f{suffix}", seconds=4.0, format=key)
    write_job(job)
    chance = random.Random(key)
    at = sorted(chance.sample(range(30, 95), 2))
    for frame in at:
        killed_at(job.path, frame)
        if key != "png":
            found = max(len(decoded(part)[0]) for part in part_paths(job.path) if part.exists())
            assert found >= frame - 25 - QUEUE_FRAMES - 1, f"killed at {frame}"
    Recorder(read_job(job.path)).run()
    clean = replace(job, path=tmp_path / f"g{suffix}")
    Recorder(clean).run()
    if key == "png":
        pairs = [sorted(p.read_bytes() for p in (tmp_path / name).iterdir()) for name in ("f", "g")]
        assert pairs[0] == pairs[1]
    else:
        assert packets_and_pixels(job.path) == packets_and_pixels(clean.path)


def test_a_job_is_the_same_wherever_the_playhead_stood(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "f.mp4")
    scrubbed = replace(job, state=Player(project).at(1.3))
    assert scrubbed.state != job.state
    assert scrubbed.same_as(job)
    assert not replace(job, film=replace(job.film, side=64)).same_as(job)
    still = replace(job, state=replace(project, timeline=Timeline()))
    moved = replace(job, state=replace(scrubbed.state, timeline=Timeline()))
    assert not moved.same_as(still)
    write_job(job)
    assert read_project(tmp_path / "f.mp4.job.json")[0] == project


def test_damaged_jobs_and_parts_are_survived(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "f.mp4")
    write_job(job)
    part_paths(job.path)[0].write_bytes(b"no film")
    part_paths(job.path)[1].write_bytes(b"")
    Recorder(job).run()
    assert len(decoded(job.path)[0]) == 25
    broken = replace(job, path=tmp_path / "b.mp4")
    job_path(broken.path).write_text(json.dumps({"format": "latentwalk-film", "version": 1, "project": {}}))
    with pytest.raises(FilmError, match="unfinished"):
        Recorder(broken)
    Recorder(broken, overwrite=True).run()
    (tmp_path / "h.mp4.job.json").write_text(json.dumps({"format": "latentwalk-film", "version": 9}))
    with pytest.raises(FilmError, match="version"):
        read_job(tmp_path / "h.mp4")
    with pytest.raises(FilmError, match="no unfinished film"):
        read_job(tmp_path / "i.mp4")


def test_whole_frames_counts_only_what_something_follows(project: ExplorerState, tmp_path: Path) -> None:
    stream = Stream(format_named("mp4"), "good", (32, 32), Fraction(25))
    film = ChunkedWriter(tmp_path / "f.mp4", stream, "text")
    for i in range(24):
        film.add(np.full((32, 32, 3), i, np.uint8))
    film.close()
    assert whole_frames(film.part, stream) == 12
