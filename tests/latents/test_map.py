"""The latent map's planes, tiles and paths: places to latents and back, what is shown first and what is kept."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.assets.direction import StoredDirection
from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.generators.base import Generator
from explorer.latents.map_path import along, length_of
from explorer.latents.map_planes import ComponentPlane, SeedPlane, end_of, split, with_steps
from explorer.latents.map_tiles import LARGEST_PX, RecentlyUsed, Tile, level_of, nearest_first, tiles_in
from explorer.latents.recipes import AVERAGE, portable
from explorer.latents.seeds import plane_corners
from explorer.render.resolve import resolve_look
from explorer.render.styles import StyleStage
from explorer.state import Blend, BlendPoint, Latent, Look, Tap
from explorer.state.request import ModelKey
from explorer.testing.tiny import TinyConfig, TinyGenerator

KEY = ModelKey("here")


@pytest.fixture(scope="module")
def generator() -> TinyGenerator:
    return TinyGenerator(TinyConfig(w_dim=8, num_layers=4)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def axes(generator: Generator) -> list[StoredDirection]:
    """Three orthogonal directions with standard deviations."""
    vectors = np.linalg.qr(np.random.RandomState(0).randn(8, 3))[0].T.astype(np.float32)
    return [StoredDirection("w", v, s, KEY.sha256) for v, s in zip(vectors, (2.0, 0.5, 0.1), strict=True)]


def w_of(generator: Generator, table: AssetTable, latent: Latent, key: ModelKey = KEY) -> NDArray[np.float32]:
    request = resolve_look(Look(latent), Tap(), generator.info, model=key, table=table)
    return StyleStage(generator).make(request).base


def coordinates(generator: Generator, axes: list[StoredDirection], w: NDArray[np.float32]) -> list[float]:
    centred = w - generator.w_avg.numpy()
    return [float(centred @ axis.array) / axis.sigma for axis in axes]


def made_plane(
    generator: Generator, axes: list[StoredDirection], base: Latent, pair: tuple[int, int] = (0, 1)
) -> tuple[ComponentPlane, AssetTable]:
    table = AssetTable()
    ends = [table.add(end_of(axis, generator.w_avg.numpy(), KEY.sha256)) for axis in axes]
    at = coordinates(generator, axes, w_of(generator, table, base))
    return ComponentPlane(base, (at[pair[0]], at[pair[1]]), (ends[pair[0]], ends[pair[1]])), table


@pytest.mark.parametrize("base", [Latent(7), Latent(3, 0.25, -1.5), AVERAGE], ids=["seed", "between", "average"])
@pytest.mark.parametrize("place", [(0.0, 0.0), (1.25, -0.5), (-7.0, 12.0)])
def test_a_place_gives_the_w_that_lies_there(
    generator: TinyGenerator, axes: list[StoredDirection], base: Latent, place: tuple[float, float]
) -> None:
    plane, table = made_plane(generator, axes, base)
    before, w = w_of(generator, table, base), w_of(generator, table, plane.latent(*place))
    assert coordinates(generator, axes, w)[:2] == pytest.approx(place, abs=1e-5)
    off = (w - before) - sum((w - before) @ axis.array * axis.array for axis in axes[:2])
    assert np.abs(off).max() < 1e-5, "the rest of w stays as it is"


def test_a_latent_with_a_w_for_each_layer_is_moved_as_a_whole(
    generator: TinyGenerator, axes: list[StoredDirection]
) -> None:
    table = AssetTable()
    rows = np.random.RandomState(1).randn(generator.info.num_ws, 8).astype(np.float32)
    base = Latent(stored=table.add(StoredLatent("ws", rows, KEY.sha256)))
    ends = [table.add(end_of(axis, generator.w_avg.numpy(), KEY.sha256)) for axis in axes[:2]]
    moved = w_of(generator, table, with_steps(base, ends, (1.5, -2.0)))
    step = 1.5 * axes[0].sigma * axes[0].array - 2.0 * axes[1].sigma * axes[1].array
    np.testing.assert_allclose(moved, rows + step, atol=1e-5)


def test_the_base_is_on_its_plane_bit_for_bit(generator: TinyGenerator, axes: list[StoredDirection]) -> None:
    plane, _ = made_plane(generator, axes, Latent(7))
    assert plane.latent(*plane.origin) == Latent(7)


def test_steps_are_split_off_again(generator: TinyGenerator, axes: list[StoredDirection]) -> None:
    plane, table = made_plane(generator, axes, Latent(7))
    there = plane.latent(1.0, 2.0)
    base, steps = split(there, plane.ends)
    assert base == Latent(7)
    assert steps == pytest.approx([1.0 - plane.origin[0], 2.0 - plane.origin[1]])
    other, _ = made_plane(generator, axes, there, (2, 0))
    mixed = with_steps(there, other.ends[:1], (0.5,))
    assert mixed.blend is not None
    assert len(mixed.blend.points) == 4, "steps along more axes are one flat sum"
    rest, (third,) = split(mixed, other.ends[:1])
    assert (rest, third) == (there, 0.5)
    moved = replace(there, x=0.5, y=-0.25)  # walked on, as a drift does
    rest, steps = split(moved, plane.ends)
    assert rest == Latent(7, 0.5, -0.25)
    np.testing.assert_allclose(
        w_of(generator, table, with_steps(rest, plane.ends, steps)), w_of(generator, table, moved), atol=1e-5
    )


@pytest.mark.parametrize(
    "blend",
    [
        Blend("w", (BlendPoint(Latent(1), 0.5), BlendPoint(Latent(2), 0.5))),
        Blend("ws", (BlendPoint(Latent(1), 1.0), BlendPoint(Latent(stored="a"), 0.5))),
        Blend("w", (BlendPoint(Latent(1), 1.0), BlendPoint(Latent(stored="a"), 0.5)), spherical=True),
        Blend("w", (BlendPoint(Latent(1), 1.0),)),
    ],
)
def test_other_blends_are_left_whole(blend: Blend) -> None:
    latent = Latent(1, blend=blend)
    assert split(latent, ("a", "b")) == (latent, (0.0, 0.0))
    stepped = with_steps(latent, ("a",), (2.0,))
    assert stepped.blend is not None
    assert stepped.blend.points[0] == BlendPoint(latent, 1.0)
    assert split(stepped, ("a", "b")) == (latent, (2.0, 0.0))


def test_another_model_shows_the_base(generator: TinyGenerator, axes: list[StoredDirection]) -> None:
    plane, table = made_plane(generator, axes, Latent(7))
    other = TinyGenerator(TinyConfig(w_dim=12, z_dim=12)).eval().requires_grad_(False)
    there = w_of(other, table, plane.latent(3.0, 3.0), ModelKey("elsewhere"))
    np.testing.assert_allclose(there, w_of(other, table, Latent(7)), atol=1e-6)


def test_a_step_of_one_model_is_no_recipe_for_others(generator: TinyGenerator, axes: list[StoredDirection]) -> None:
    plane, table = made_plane(generator, axes, Latent(7))
    assert portable(plane.latent(3.0, 3.0), table) is None, "copied as text it is numbers"
    assert portable(AVERAGE, table) == AVERAGE


# -- seeds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [(0.0, 0.0), (7.0, 0.0), (60.0, 0.0), (-3.25, 2.5), (412.75, -31.0)])
def test_a_seed_s_place_is_the_one_nearest(place: tuple[float, float]) -> None:
    plane = SeedPlane()
    assert plane.place(plane.latent(*place), place) == pytest.approx(place)


def test_every_seed_has_a_place_near_zero() -> None:
    plane = SeedPlane()
    for seed in (0, 49, 51, 12_345, 2**31, 2**32 - 1):
        at = plane.place(Latent(seed))
        assert at is not None
        assert plane.latent(*at) == Latent(seed)
        assert abs(at[0]) <= 50.5 + abs(at[1]) / 100
    between = Latent(5, 0.75, 0.5)
    at = plane.place(between, (5.0, 0.0))
    assert at == (5.75, 0.5)
    there = plane.latent(*at)
    corners = [dict(plane_corners(latent.seed, latent.x, latent.y)) for latent in (there, between)]
    assert corners[0] == pytest.approx(corners[1])
    assert plane.place(Latent(stored="a")) is None
    assert plane.place(AVERAGE) is None


# -- tiles -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [3.0, 56.0, 56.1, 112.0, 112.1, 500.0, 4096.0])
def test_a_level_s_tiles_have_a_readable_size(scale: float) -> None:
    side = Tile(level_of(scale), 0, 0).step * scale
    assert LARGEST_PX / 2 * (1 - 1e-6) < side <= LARGEST_PX * (1 + 1e-6)


def test_tiles_cover_a_rectangle_once() -> None:
    tiles = tiles_in(1, -0.6, 0.0, 0.6, 0.2)
    assert {tile.column for tile in tiles} == {-1, 0, 1}
    assert {tile.row for tile in tiles} == {0}
    assert len(tiles) == len(set(tiles))
    assert {tile.row for tile in tiles_in(1, -0.6, 0.0, 0.6, 0.3)} == {0, 1}


def test_places_of_two_levels_are_the_same_bits() -> None:
    assert Tile(0, 3, -2).place == Tile(2, 12, -8).place
    assert Tile(-1, 1, 1).place == (2.0, 2.0)


def test_the_nearest_tiles_come_first() -> None:
    tiles = nearest_first(tiles_in(0, -2.4, -2.4, 2.4, 2.4), 1.1, -0.9)
    assert tiles[0] == Tile(0, 1, -1)
    distances = [math.dist(tile.place, (1.1, -0.9)) for tile in tiles]
    assert distances == sorted(distances)
    assert len(tiles) == 25


def test_what_was_not_used_the_longest_goes_first() -> None:
    cache: RecentlyUsed[str] = RecentlyUsed(3)
    for name in "abc":
        cache.put(name, name)
    assert cache.get("a") == "a"
    cache.put("d", "d")
    assert list(cache) == ["c", "a", "d"]
    assert cache.get("b") is None
    cache.put("c", "C")
    assert (cache.get("c"), len(cache)) == ("C", 3)
    cache.clear()
    assert "a" not in cache


# -- paths -----------------------------------------------------------------------------------------------------


def test_points_of_a_path_are_at_equal_distances() -> None:
    path = [(0.0, 0.0), (3.0, 0.0), (3.0, 1.0), (3.0, 1.0)]
    points = along(path, 5)
    assert points == [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (3.0, 0.0), (3.0, 1.0)]
    assert length_of(path) == 4.0
    curve = [(math.cos(t), math.sin(t)) for t in np.linspace(0, 3, 400)]
    gaps = [math.dist(a, b) for a, b in pairwise(along(curve, 9))]
    assert max(gaps) - min(gaps) < 1e-3
    assert along([(1.0, 2.0)], 3) == [(1.0, 2.0)] * 3
    assert length_of([(1.0, 2.0)]) == 0.0
