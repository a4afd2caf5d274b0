"""Films: exact in every format, the same after a kill, honest about full disks, and projects themselves."""

from __future__ import annotations

import itertools
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

from explorer.animation import forecast
from explorer.animation.compose import MotionBlur
from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter, chunk_length, part_paths, whole_frames
from explorer.animation.film import Film, FilmRenderer, rate_of, whole_film
from explorer.animation.finish import finish, shown_frames
from explorer.animation.forecast import bytes_beforehand
from explorer.animation.formats import available, format_named
from explorer.animation.job import FilmJob, is_unfinished, job_path, read_job, write_job
from explorer.animation.pace import change_between, evened
from explorer.animation.player import Player
from explorer.animation.recorder import QUEUE_FRAMES, Progress, Recorder
from explorer.checkpoints import Checkpoint, save_native
from explorer.errors import CancelledError, FilmError, ProjectError, UsageError
from explorer.generators import registry
from explorer.project.document import read_project
from explorer.state import (
    Animation,
    ExplorerState,
    Keyframe,
    Latent,
    Look,
    Segment,
    Snapshot,
    Tap,
    Timeline,
    Transform,
)
from tests.animation.conftest import decoded, job_of, packets_and_pixels

ROOT = Path(__file__).resolve().parents[2]
KEYS = [f.key for f in available()]
VIDEOS = [key for key in KEYS if key != "png"]


def true_frames(project: ExplorerState, film: Film) -> list[np.ndarray]:
    renderer = FilmRenderer(project, film)
    return [renderer.frame(i) for i in range(film.frames)]


@pytest.mark.parametrize("key", VIDEOS)
@pytest.mark.parametrize("rate", [(25, 1), (30000, 1001)])
def test_every_format_has_the_exact_count_size_rate_and_length(
    project: ExplorerState, tmp_path: Path, key: str, rate: tuple[int, int]
) -> None:
    path = tmp_path / f"film{format_named(key).suffix}"
    job = job_of(project, path, format=key, rate=rate, side=48)
    assert Recorder(job).run() == path
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    pictures, found = decoded(path)
    assert len(pictures) == job.film.frames
    assert {p.shape for p in pictures} == {(48, 48, 3)}
    if key in ("gif", "webp"):  # whole hundredths or thousandths of a second: right on the whole
        assert found is not None
        assert abs(len(pictures) / found - len(pictures) / job.film.fps) <= Fraction(1, 100)
    else:
        assert found is not None
        assert abs(found / job.film.fps - 1) < (2e-4 if key == "apng" else 1e-5)  # read in steps of 10 us
    truth = true_frames(project, job.film)
    worst = max(float(np.abs(a.astype(int) - b).mean()) for a, b in zip(pictures, truth, strict=True))
    assert worst == 0.0 if format_named(key).is_lossless else worst < 12.0
    assert read_project(path)[0] == project


def test_ten_seconds_have_exactly_three_hundred_frames(project: ExplorerState, tmp_path: Path) -> None:
    film = whole_film(replace(project, timeline=replace(project.timeline, duration=10.0, fps=30.0)))
    assert film.frames == 300
    Recorder(job_of(project, tmp_path / "f.mp4", seconds=10.0, rate=(30, 1))).run()
    pictures, rate = decoded(tmp_path / "f.mp4")
    assert (len(pictures), rate) == (300, 30)


def test_a_folder_of_pictures_is_exact_and_each_carries_its_state(project: ExplorerState, tmp_path: Path) -> None:
    job = job_of(project, tmp_path / "walk.png", format="png", captions=True)
    assert Recorder(job).run() == tmp_path / "walk"
    files = sorted((tmp_path / "walk").iterdir())
    assert [f.name for f in files] == [f"walk-{i:06d}.png" for i in range(25)]
    for number in (0, 13):
        with Image.open(files[number]) as image:
            np.testing.assert_array_equal(np.asarray(image), true_frames(project, job.film)[number])
        state = read_project(files[number])[0]
        assert state == Player(project).at(number / 25)
    with pytest.raises(FilmError, match="already exists"):
        Recorder(job)


@pytest.mark.parametrize("layout", ["a", "b", "both", "wipe", "grid", "slit"])
def test_layouts_can_be_made_from_any_frame_on(project: ExplorerState, layout: str) -> None:
    film = Film(1.0, (25, 1), layout=layout, columns=3, rows=2, captions=True)
    whole = true_frames(project, film)
    later = FilmRenderer(project, film)
    np.testing.assert_array_equal(later.frame(17), whole[17])
    np.testing.assert_array_equal(later.frame(18), whole[18])
    shapes = {"both": (32, 72), "grid": (72, 112), "slit": (32, 72)}
    assert whole[0].shape == (*shapes.get(layout, (32, 32)), 3)
    assert later.frame_size == (whole[0].shape[1], whole[0].shape[0])
    assert len({frame.tobytes() for frame in whole}) == 25


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_exposure_is_the_mean_in_linear_light(count: int) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
    exposure = MotionBlur()
    for picture in pictures:
        exposure.add(picture)
    v = pictures / 255
    mean = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).mean(0)  # IEC 61966-2-1
    expected = np.where(mean <= 0.0031308, mean * 12.92, 1.055 * mean ** (1 / 2.4) - 0.055)
    np.testing.assert_array_equal(exposure.picture(), np.rint(expected * 255))


def test_each_cell_of_a_grid_has_a_caption_of_its_own(project: ExplorerState) -> None:
    film = Film(1.0, (25, 1), layout="grid", columns=3, rows=1, side=128)
    plain, captioned = (FilmRenderer(project, replace(film, captions=on)) for on in (False, True))
    assert len(set(captioned._captions(3))) == 3
    a, b = plain.frame(3), captioned.frame(3)
    assert all((a[-20:, x : x + 128] != b[-20:, x : x + 128]).any() for x in (0, 136, 272))
    np.testing.assert_array_equal(a[:-40], b[:-40])


def test_a_layout_that_only_a_window_has_is_side_by_side(project: ExplorerState) -> None:
    assert FilmRenderer(replace(project, layout="flicker"), Film(1.0)).frame(0).shape == (32, 72, 3)


def test_layers_can_be_filmed_and_changed_on_the_way(project: ExplorerState, tmp_path: Path) -> None:
    names = [layer.name for layer in FilmRenderer(project, Film(1.0)).models[0].info.layers]
    keys = []
    for i, name in enumerate((names[0], names[-1])):
        views = tuple(replace(view, model="", tap=Tap(layer=name)) for view in project.views)
        keys.append(Keyframe(float(i), Snapshot(Look(latent=Latent(i)), views), Segment("hold")))
    layers = replace(project, timeline=Timeline(tuple(keys), duration=2.0))
    Recorder(job_of(layers, tmp_path / "f.mkv", format="mkv", seconds=2.0, rate=(4, 1))).run()
    pictures = decoded(tmp_path / "f.mkv")[0]
    assert {p.shape for p in pictures} == {(32, 32, 3)}
    assert not np.array_equal(pictures[3], pictures[4])


@pytest.mark.parametrize("key", [key for key in ("webp", "gif", "apng", "mp4") if key in KEYS])
def test_a_film_in_which_nothing_moves_lasts_as_long(project: ExplorerState, tmp_path: Path, key: str) -> None:
    path = tmp_path / f"f{format_named(key).suffix}"
    still = replace(project, timeline=Timeline(duration=1.2))
    job = job_of(still, path, format=key, seconds=1.2, side=33)
    Recorder(job).run()
    pictures, rate = decoded(path)
    assert rate is not None
    assert len(pictures) / rate == pytest.approx(1.2)
    worst = np.abs(pictures[0][:33, :33].astype(int) - true_frames(still, job.film)[0]).mean()
    assert worst < 12.0
    assert read_project(path)[0] == still


def test_odd_sizes_are_padded_by_a_repeated_line(project: ExplorerState, tmp_path: Path) -> None:
    Recorder(job_of(project, tmp_path / "f.mp4", side=33)).run()
    assert decoded(tmp_path / "f.mp4")[0][0].shape == (34, 34, 3)


def test_several_samples_blur_what_moves_and_nothing_else(project: ExplorerState) -> None:
    spin = Look(transform=Transform(animation=Animation("spin", 2.0)))
    spinning, still = (replace(project, timeline=Timeline(), shared=look) for look in (spin, Look()))
    sharp, blurred = (FilmRenderer(spinning, Film(1.0, samples=n)).frame(3) for n in (1, 6))
    assert not np.array_equal(sharp, blurred)
    one, many = (FilmRenderer(still, Film(1.0, samples=n)).frame(3) for n in (1, 6))
    np.testing.assert_array_equal(one, many)


def test_the_preview_changes_no_pixel(project: ExplorerState) -> None:
    film = Film(1.0, (25, 1))
    wandered = FilmRenderer(project, film)
    for number in (20, 3, 11, 3):
        wandered.frame(number)
    np.testing.assert_array_equal(wandered.frame(12), FilmRenderer(project, film).frame(12))


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


def leave_unfinished(job: FilmJob) -> None:
    recorder = Recorder(job)

    def stop(progress: Progress) -> None:
        if progress.done == 31:
            recorder.control.cancel()

    with pytest.raises(CancelledError):
        recorder.run(stop)


@pytest.mark.parametrize("key", ["mp4", "png"])
@pytest.mark.parametrize("side", [32, 64])
def test_a_film_whose_model_changed_begins_anew(
    project: ExplorerState, tmp_path: Path, key: str, side: int
) -> None:
    save_model(tmp_path / "m.safetensors", 5)
    views = tuple(replace(view, model=str(tmp_path / "m.safetensors")) for view in project.views)
    job = job_of(replace(project, views=views), tmp_path / f"f.{key}", seconds=2.0, format=key)
    leave_unfinished(job)
    save_model(tmp_path / "m.safetensors", 6, side)
    again, notes = Recorder(job), []
    again.run(lambda progress: notes.append(progress.note))
    assert again.first_frame == 0
    assert any("starts again: a model has changed" in note for note in notes)
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
    again, notes = Recorder(job), []
    again.run(lambda progress: notes.append(progress.note))
    assert again.first_frame > 0
    assert any("continues; the models of" in note for note in notes)


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


@pytest.mark.parametrize("key", [key for key in ("mp4", "mkv", "apng", "png") if key in KEYS])
def test_a_full_disk_is_told_and_loses_nothing(project: ExplorerState, tmp_path: Path, key: str) -> None:
    suffix = format_named(key).suffix
    clean = job_of(project, tmp_path / f"g{suffix}", seconds=3.0, format=key, side=128, quality="best")
    sizes = [2_000]  # of a picture no less

    def note(progress: Progress) -> None:
        if progress.stage == "finishing":
            sizes.append(part_paths(clean.path)[0].stat().st_size)

    Recorder(clean).run(note)
    job = replace(clean, path=tmp_path / f"f{suffix}")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        write_job(job)
        # A limit on the size of files fails as a full disk does, in the middle of a write; the job itself fits.
        limit = max(sizes[-1] * 3 // 4, job_path(job.path).stat().st_size + 600)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
        with pytest.raises(FilmError, match="disk is full"):
            Recorder(job).run()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not job.path.exists()
    recorder = Recorder(read_job(job.path))
    recorder.run()
    if key == "png":
        pairs = [sorted(p.read_bytes() for p in (tmp_path / name).iterdir()) for name in ("f", "g")]
        assert pairs[0] == pairs[1]
    else:
        assert recorder.first_frame >= 36
        assert packets_and_pixels(job.path) == packets_and_pixels(clean.path)


def test_a_small_file_system_is_survived(project: ExplorerState, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=160k", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only an administrator may mount a small file system")
    try:
        job = job_of(project, disk / "f.mp4", seconds=6.0, side=128, quality="best")
        with pytest.raises(FilmError, match="disk is full"):
            Recorder(job).run()
        done = whole_frames(part_paths(job.path)[0], stream_of(job))
        assert done >= 12
        subprocess.run(["mount", "-o", "remount,size=8m", str(disk)], check=True)
        recorder = Recorder(read_job(job.path))
        recorder.run()
        assert recorder.first_frame == done
        clean = replace(job, path=tmp_path / "g.mp4")
        Recorder(clean).run()
        assert packets_and_pixels(job.path) == packets_and_pixels(clean.path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def stream_of(job: FilmJob) -> Stream:
    return Stream(format_named(job.film.format), job.film.quality, (job.film.side, job.film.side), job.film.fps)


def test_nothing_is_overwritten_without_being_told(project: ExplorerState, tmp_path: Path) -> None:
    path = tmp_path / "f.mp4"
    path.write_bytes(b"older")
    with pytest.raises(FilmError, match="already exists"):
        Recorder(job_of(project, path))
    assert path.read_bytes() == b"older"
    Recorder(job_of(project, path), overwrite=True).run()
    assert len(decoded(path)[0]) == 25
    path.unlink()
    write_job(job_of(project, path))
    other = job_of(project, path, side=64)
    with pytest.raises(FilmError, match="unfinished"):
        Recorder(other)
    Recorder(other, overwrite=True).run()
    assert decoded(path)[0][0].shape == (64, 64, 3)


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


def test_films_that_cannot_be_made_are_refused(project: ExplorerState, tmp_path: Path) -> None:
    impossible: tuple[dict[str, object], ...] = (
        {"seconds": 0.0}, {"seconds": math.inf}, {"seconds": math.nan}, {"start": math.inf}, {"start": math.nan},
        {"rate": (0, 1)}, {"rate": (120, 1), "format": "gif"}, {"side": 9}, {"samples": 0}, {"format": "avi"},
    )  # fmt: skip
    for fields in impossible:
        with pytest.raises(UsageError):
            Recorder(job_of(project, tmp_path / "f.mp4", **fields))
    with pytest.raises(FilmError, match="does not exist"):
        Recorder(job_of(project, tmp_path / "none" / "f.mp4"))
    empty = replace(project, views=tuple(replace(v, model="") for v in project.views))
    with pytest.raises(FilmError, match="no model"):
        Recorder(job_of(empty, tmp_path / "f.mp4")).run()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "fields",
    [
        {"layout": "grid", "columns": 16, "rows": 16, "side": 8192},
        {"layout": "grid", "columns": 16, "rows": 1, "side": 1080},
        {"layout": "both", "side": 8192},
        {"format": "ffv1", "side": 8192},
        {"format": "webp", "layout": "grid", "columns": 1, "rows": 4, "side": 4096},
    ],
)
def test_frames_too_large_for_their_format_are_refused_before_any_is_rendered(
    project: ExplorerState, tmp_path: Path, fields: dict[str, object]
) -> None:
    job = job_of(project, tmp_path / "f.mp4", **fields)
    with pytest.raises(UsageError, match="too large"):
        Recorder(job).run()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["mp4", "mkv", "gif"])
def test_an_encoder_that_takes_no_such_frames_is_told(tmp_path: Path, key: str) -> None:
    stream = Stream(format_named(key), "good", (16392, 16), Fraction(25))
    with pytest.raises(FilmError, match="libx264"):
        ChunkedWriter(tmp_path / "f", stream, "text")


def test_a_converter_that_fails_is_told(tmp_path: Path) -> None:
    stream = Stream(format_named("gif"), "good", (32, 32), Fraction(120))
    film = ChunkedWriter(tmp_path / "f.gif", stream, "text")
    for i in range(4):
        film.add(np.full((32, 32, 3), i, np.uint8))
    film.close()
    film.part.write_bytes(b"no film")
    with pytest.raises(FilmError, match="gif failed"):
        finish(film.part, film.path, stream, "text", 4)
    assert film.part.exists()


def test_files_without_a_project_say_so(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.gif")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.webp")
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    for name in ("a.gif", "a.webp", "a.mp4"):
        with pytest.raises(ProjectError):
            read_project(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gif", b"GIF89a"),
        ("b.gif", b"GIF89a\x08\0\x08\0\0\0\0,\0\0"),
        ("c.mp4", random.Random(2).randbytes(300)),
        ("d.webm", random.Random(3).randbytes(300)),
        ("e.mkv", b""),
    ],
)
def test_damaged_films_are_told_as_other_unreadable_files(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ProjectError, match="not a readable film"):
        read_project(tmp_path / name)


def test_rates_as_people_write_them() -> None:
    assert rate_of("30") == (30, 1)
    assert rate_of("29.97") == (30000, 1001)
    assert rate_of(23.976) == (24000, 1001)
    assert rate_of("30000/1001") == (30000, 1001)
    with pytest.raises(UsageError):
        rate_of("fast")


def test_an_even_pace_makes_equal_changes(project: ExplorerState) -> None:
    moves = [0.0, 0.02, 0.3, 0.34]
    keys = tuple(
        Keyframe(
            float(i), Snapshot(Look(latent=Latent(1), transform=Transform(x=x))), Segment("linear", "w", "in-out")
        )
        for i, x in enumerate(moves)
    )
    uneven = replace(project, timeline=Timeline(keys, duration=3.0))
    even = evened(uneven, Film(3.0, (25, 1)))
    assert [k.time for k in even.timeline.keys][::3] == pytest.approx([0.0, 3.0])
    spreads = []
    for state in (uneven, even):
        renderer = FilmRenderer(state, Film(3.0, (10, 1)))
        frames = [renderer.frame(i) for i in range(31)]
        changes = [change_between(a, b) for a, b in itertools.pairwise(frames)]
        spreads.append(np.std(changes) / np.mean(changes))
    assert spreads[1] < 0.35 * spreads[0]
    xs = [Player(even).at(key.time).shared.transform.x for key in even.timeline.keys]
    assert xs == moves


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


def test_whole_frames_counts_only_what_something_follows(project: ExplorerState, tmp_path: Path) -> None:
    stream = Stream(format_named("mp4"), "good", (32, 32), Fraction(25))
    film = ChunkedWriter(tmp_path / "f.mp4", stream, "text")
    for i in range(24):
        film.add(np.full((32, 32, 3), i, np.uint8))
    film.close()
    assert whole_frames(film.part, stream) == 12


def delays(path: Path) -> list[int]:
    """How long each frame of an animated picture stays, in ms, as Pillow reads it."""
    found = []
    with Image.open(path) as image:
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            image.load()
            found.append(round(image.info["duration"]))
    return found


def seconds_in_ffmpeg(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [packet.pts * packet.time_base for packet in container.demux(stream) if packet.pts is not None]
    return float(times[-1] - times[0])


@pytest.mark.parametrize("key", [key for key in ("gif", "webp", "apng") if key in KEYS])
@pytest.mark.parametrize("rate", [(7, 1), (24, 1), (30000, 1001), (50, 1), (60000, 1001), (60, 1), (100, 1)])
def test_no_frame_is_shorter_than_players_show_and_the_film_is_as_long(
    project: ExplorerState, tmp_path: Path, key: str, rate: tuple[int, int]
) -> None:
    path, seconds = tmp_path / f"f{format_named(key).suffix}", 1.01
    job = job_of(project, path, format=key, rate=rate, seconds=seconds)
    Recorder(job).run()
    found, (unit, least) = delays(path), {"gif": (10, 20), "webp": (1, 11), "apng": (1, 11)}[key]
    frames = job.film.frames
    length = 1000 * frames * rate[1] / rate[0]
    assert min(found) >= least
    if key != "webp":  # whose encoder joins frames that are alike
        assert max(found) - min(found) <= unit  # left out and rounded evenly
        assert len(found) == min(frames, round(length / unit) * unit // least)
    tolerance = unit / 2 if key != "apng" else len(found) / 2  # Pillow rounds each delay of an APNG
    assert abs(sum(found) - length) <= tolerance
    if key != "webp":  # FFmpeg reads no animated ones
        assert seconds_in_ffmpeg(path) == pytest.approx((sum(found) - found[-1]) / 1000, abs=0.06)


def test_frames_that_are_shown_are_the_right_ones() -> None:
    for total, rate in ((180, 60), (1, 60), (7, 240), (500, 100)):
        shown = list(shown_frames(total, Fraction(rate), 100, 2))
        for number, begin, stays in shown:
            assert stays >= 2
            assert 0 <= begin * rate / 100 - number < 1
        assert sum(stays for *_, stays in shown) == max(2, round(total * 100 / rate))


def test_a_gif_is_made_at_what_players_show(project: ExplorerState) -> None:
    assert whole_film(project, format="gif", rate=(60, 1)).rate == (50, 1)
    assert whole_film(project, format="gif", rate=(30000, 1001)).rate == (30000, 1001)
    assert whole_film(project, format="mp4", rate=(60, 1)).rate == (60, 1)


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


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be removed there")
def test_a_film_whose_folder_was_removed_ends_at_once(tmp_path: Path) -> None:
    """It would go on for hours, into a file that has no name any more."""
    folder = tmp_path / "films"
    folder.mkdir()
    stream = Stream(format_named("mp4"), "good", (32, 32), Fraction(25))
    film = ChunkedWriter(folder / "f.mp4", stream, "text")
    picture = np.zeros((32, 32, 3), np.uint8)
    film.add(picture)
    shutil.rmtree(folder)
    for _ in range(chunk_length(stream) - 2):
        film.add(picture)
    with pytest.raises(FilmError, match="was removed"):
        film.add(picture)  # the last one of a piece
    film.abort()
