"""Every format: exact count, size, rate and length, decoded again; and frames that formats cannot take."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.animation.container import Stream
from explorer.animation.encoder import ChunkedWriter
from explorer.animation.film import rate_of, whole_film
from explorer.animation.finish import finish
from explorer.animation.formats import format_named
from explorer.animation.player import Player
from explorer.animation.recorder import Recorder
from explorer.errors import FilmError, UsageError
from explorer.project.document import read_project
from explorer.state import ExplorerState, Timeline
from tests.animation.conftest import decoded, job_of
from tests.animation.films import KEYS, VIDEOS, true_frames


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
def test_an_encoder_that_takes_no_such_frames_is_reported(tmp_path: Path, key: str) -> None:
    stream = Stream(format_named(key), "good", (16392, 16), Fraction(25))
    with pytest.raises(FilmError, match="libx264"):
        ChunkedWriter(tmp_path / "f", stream, "text")


def test_a_converter_that_fails_is_reported(tmp_path: Path) -> None:
    stream = Stream(format_named("gif"), "good", (32, 32), Fraction(120))
    film = ChunkedWriter(tmp_path / "f.gif", stream, "text")
    for i in range(4):
        film.add(np.full((32, 32, 3), i, np.uint8))
    film.close()
    film.part.write_bytes(b"no film")
    with pytest.raises(FilmError, match="gif failed"):
        finish(film.part, film.path, stream, "text", 4)
    assert film.part.exists()


def test_rates_as_people_write_them() -> None:
    assert rate_of("30") == (30, 1)
    assert rate_of("29.97") == (30000, 1001)
    assert rate_of(23.976) == (24000, 1001)
    assert rate_of("30000/1001") == (30000, 1001)
    with pytest.raises(UsageError):
        rate_of("fast")
