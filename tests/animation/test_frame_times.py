"""Formats that browsers play have no frame shorter than those show."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from explorer.animation.film import whole_film
from explorer.animation.finish import shown_frames
from explorer.animation.formats import format_named
from explorer.animation.recorder import Recorder
from explorer.state import ExplorerState
from tests.animation.conftest import job_of
from tests.animation.films import KEYS


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
