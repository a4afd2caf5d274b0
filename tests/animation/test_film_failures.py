"""Films that fail: full disks, folders removed meanwhile, files in the way, and files that are no films."""

from __future__ import annotations

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

import numpy as np
import pytest
from PIL import Image

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter, chunk_length, part_paths, whole_frames
from explorer.animation.formats import format_named
from explorer.animation.job import FilmJob, job_path, read_job, write_job
from explorer.animation.recorder import Progress, Recorder
from explorer.errors import FilmError, ProjectError, UsageError
from explorer.project.document import read_project
from explorer.state import ExplorerState
from tests.animation.conftest import decoded, job_of, packets_and_pixels
from tests.animation.films import KEYS


@pytest.mark.parametrize("key", [key for key in ("mp4", "mkv", "apng", "png") if key in KEYS])
def test_a_full_disk_is_reported_and_loses_nothing(project: ExplorerState, tmp_path: Path, key: str) -> None:
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


def test_nothing_is_overwritten_without_a_warning(project: ExplorerState, tmp_path: Path) -> None:
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
def test_damaged_films_are_reported_as_other_unreadable_files(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ProjectError, match="not a readable film"):
        read_project(tmp_path / name)


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
