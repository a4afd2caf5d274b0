"""What a film's frame shows: layouts, captions, layers, motion blur, the preview beside it, even pace."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.animation.compose import MotionBlur
from explorer.animation.film import Film, FilmRenderer
from explorer.animation.pace import change_between, evened
from explorer.animation.player import Player
from explorer.animation.recorder import Recorder
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
from tests.animation.conftest import decoded, job_of
from tests.animation.films import true_frames


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
