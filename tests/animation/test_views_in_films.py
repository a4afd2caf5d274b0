"""Films of one to six views: every layout, any two in a wipe, and what is the same film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.animation.compose import columns_of, layout_names
from explorer.animation.film import Film, FilmRenderer, frame_size_of, shown_in
from explorer.animation.job import FilmJob
from explorer.state import ExplorerState, Latent, Look


@pytest.fixture
def many(project: ExplorerState) -> ExplorerState:
    """Six views of one network, each of a seed of its own."""
    view = project.views[0]
    views = tuple(replace(view, unlinked=frozenset({"latent"}), own=Look(latent=Latent(seed))) for seed in range(6))
    return ExplorerState(views=views)


def pictures(state: ExplorerState) -> list[np.ndarray]:
    return [FilmRenderer(state, Film(1.0, layout=name)).frame(0) for name in "abcdef"[: len(state.views)]]


def test_all_views_stand_in_a_grid(many: ExplorerState) -> None:
    frame = FilmRenderer(many, Film(1.0)).frame(0)
    assert frame.shape == (72, 112, 3)
    assert frame_size_of(Film(1.0), many, [(32, 32)] * 6) == (112, 72)
    for i, picture in enumerate(pictures(many)):
        top, left = i // 3 * 40, i % 3 * 40
        assert np.array_equal(frame[top : top + 32, left : left + 32], picture)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (5, 3), (6, 3)])
def test_columns(count: int, columns: int) -> None:
    assert columns_of(count) == columns


def test_a_wipe_is_of_the_two_that_are_compared(many: ExplorerState) -> None:
    frame = FilmRenderer(replace(many, layout="wipe", pair=(4, 2)), Film(1.0)).frame(0)
    single = pictures(many)
    assert np.array_equal(frame[:, :16], single[4][:, :16])
    assert np.array_equal(frame[:, 17:], single[2][:, 17:])


@pytest.mark.parametrize(
    ("state", "film", "shown"),
    [
        ({}, "", ("all", [0, 1, 2, 3, 4, 5])),
        ({}, "both", ("all", [0, 1, 2, 3, 4, 5])),  # as films before named it
        ({"layout": "single", "active": 4}, "", ("e", [4])),
        ({"layout": "flicker", "pair": (1, 5)}, "", ("all", [1, 5])),
        ({"layout": "single", "pair": (1, 5)}, "wipe", ("wipe", [1, 5])),
        ({"layout": "wipe", "pair": (1, 5)}, "f", ("f", [5])),
        ({"active": 3}, "slit", ("slit", [0])),
    ],
)
def test_what_a_film_shows(many: ExplorerState, state: dict, film: str, shown: tuple[str, list[int]]) -> None:  # type: ignore[type-arg]
    assert shown_in(Film(1.0, layout=film), replace(many, **state)) == shown


def test_a_view_that_is_not_there_is_the_last_one(many: ExplorerState) -> None:
    assert shown_in(Film(1.0, layout="f"), replace(many, views=many.views[:2])) == ("f", [1])


def test_films_are_the_same_if_they_show_the_same(many: ExplorerState, tmp_path: Path) -> None:
    def job(layout: str = "", **state: object) -> FilmJob:
        return FilmJob(tmp_path / "film.mkv", Film(1.0, layout=layout), replace(many, **state))  # type: ignore[arg-type]

    assert job(active=3).same_as(job())
    assert job("c").same_as(job(layout="c", active=2))
    assert job(layout="wipe", pair=(0, 1)).same_as(job(layout="wipe", pair=(0, 1), active=5))
    different = [job(), job("c"), job("wipe"), job("wipe", pair=(2, 1)), job("wipe", pair=(1, 2))]
    for i, first in enumerate(different):
        for second in different[i + 1 :]:
            assert not first.same_as(second)


def test_the_names_of_layouts() -> None:
    assert layout_names(2) == {
        "a": "Picture A",
        "b": "Picture B",
        "all": "A and B side by side",
        "wipe": "Left half A, right half B",
        "grid": "Grid of neighbouring seeds",
        "slit": "Picture and slit-scan",
    }
    assert list(layout_names(1)) == ["a", "grid", "slit"]
    assert layout_names(6, (2, 4))["wipe"] == "Left half C, right half E"
