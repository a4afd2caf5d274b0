"""Slit-scans: the line's geometry, bilinear sampling, and columns that two views share in time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.analysis.slitscan import SlitScan, check_slit, clamp_slit, ends_of, points_of, sample
from explorer.animation.scan_sheet import compose
from explorer.errors import UsageError
from explorer.state import Slit


def turn(degrees: float, x: float = 0.0, y: float = 0.0) -> tuple[float, ...]:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return (c, s, x, -s, c, y, 0.0, 0.0, 1.0)


def ramp(size: int = 32) -> NDArray[np.uint8]:
    """Red grows to the right, green downwards, by 4 a pixel."""
    levels = (4 * np.arange(size)).astype(np.uint8)
    picture = np.zeros((size, size, 3), np.uint8)
    picture[:, :, 0], picture[:, :, 1] = levels[None, :], levels[:, None]
    return picture


def test_an_upright_slit_runs_from_top_to_bottom() -> None:
    points = points_of(Slit(0.1, 0.0, 90.0, 0.5), 4)
    np.testing.assert_allclose(points[:, 0], 0.1)
    np.testing.assert_allclose(points[:, 1], [-0.1875, -0.0625, 0.0625, 0.1875])
    np.testing.assert_allclose(ends_of(Slit(0.1, 0.0, 90.0, 0.5)), [[0.1, -0.25], [0.1, 0.25]], atol=1e-12)


def test_sampling_is_bilinear_and_black_outside() -> None:
    points = np.array([[0.0, 0.0], [1.25 / 32 - 0.5, 0.1 / 32], [0.6, 0.0]])
    colours = sample(ramp(), points)
    assert colours[0].tolist() == [62, 62, 0]  # between pixels 15 and 16
    assert colours[1, 0] == 3  # 0.75 pixels from the left
    assert colours[2].tolist() == [0, 0, 0]


def test_a_following_slit_sees_the_same_pixels_of_a_turned_picture() -> None:
    size = 64
    yy, xx = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    x, y = (xx + 0.5) / size - 0.5, (yy + 0.5) / size - 0.5

    def scene(matrix: tuple[float, ...]) -> NDArray[np.uint8]:
        inverse = np.linalg.inv(np.array(matrix).reshape(3, 3))
        u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2]
        v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2]
        return (127 + 100 * np.sin(9 * u) * np.cos(7 * v)).astype(np.uint8)[:, :, None]

    slit = Slit(0.05, 0.1, 30.0, 0.4, follows=True)
    still = sample(scene(turn(0)), points_of(slit, 50))
    motion = turn(70, 0.02, -0.03)
    moved = sample(scene(motion), points_of(slit, 50, motion))
    fixed = sample(scene(motion), points_of(Slit(0.05, 0.1, 30.0, 0.4), 50, motion))
    assert np.abs(moved.astype(int) - still).max() <= 3
    assert np.abs(fixed.astype(int) - still).max() > 20


def test_slits_outside_are_refused_with_a_message() -> None:
    check_slit(Slit(0.2, 0.0, 90.0, 1.0))
    for wrong, message in (
        (Slit(0.2, 0.1, 90.0, 1.0), "reaches 0.600"),
        (Slit(0.0, 0.0, 90.0, 0.0), "no pixels"),
        (Slit(math.nan), "not finite"),
    ):
        with pytest.raises(UsageError, match=message):
            check_slit(wrong)
    following = Slit(0.0, 0.0, 90.0, 0.9, follows=True)
    check_slit(following, [turn(40.0)])
    with pytest.raises(UsageError, match="follows the motion"):
        check_slit(following, [turn(0.0, 0.2, 0.1)])


@pytest.mark.parametrize("slit", [Slit(2, -3, 10, 5), Slit(0.4, 0.4), Slit(0, 0, 45, 1.4), Slit(0, 0, 0, -1)])
def test_clamped_slits_lie_within(slit: Slit) -> None:
    check_slit(clamp_slit(slit))


def flat(level: int) -> NDArray[np.uint8]:
    return np.full((4, 4, 4), level, np.uint8)


def levels(scan: SlitScan, view: int) -> list[int]:
    return [int(v) for v in scan.picture(view)[0, :, 0]]


def test_views_share_columns_and_hold_what_they_had() -> None:
    scan, slit = SlitScan(2, columns=8, samples=3), Slit()
    scan.add(0, 1.0, flat(10), slit)
    scan.add(1, 1.001, flat(60), slit)  # the same wish
    scan.add(0, 1.1, flat(20), slit)
    scan.add(0, 1.2, flat(30), slit)
    assert levels(scan, 0) == [10, 20, 30]
    assert levels(scan, 1) == [60, 60, 60]
    scan.add(1, 1.1, flat(70), slit)  # late: it also stands for the moment that has none of its own
    assert levels(scan, 1) == [60, 70, 70]
    scan.add(1, 1.2, flat(80), slit)
    assert levels(scan, 1) == [60, 70, 80]
    scan.add(1, 0.5, flat(99), slit)  # older than everything
    assert levels(scan, 1) == [60, 70, 80]


def test_a_finer_picture_replaces_its_draft() -> None:
    scan = SlitScan(1, columns=4, samples=2)
    for level in (5, 6):
        scan.add(0, 2.0, flat(level), Slit())
    assert levels(scan, 0) == [6]


def test_the_ring_forgets_the_oldest() -> None:
    scan = SlitScan(1, columns=4, samples=2)
    for i in range(11):
        scan.add(0, float(i), flat(i), Slit())
    assert levels(scan, 0) == [7, 8, 9, 10]
    scan.rescan(Slit(0.2))
    assert levels(scan, 0) == [7, 8, 9, 10]
    scan.clear()
    assert scan.picture(0).shape == (2, 0, 4)


def test_another_slit_rescans_the_past() -> None:
    scan = SlitScan(1, columns=4, samples=5, channels=3)
    scan.add(0, 0.0, ramp(), Slit(-0.25))
    scan.add(0, 1.0, ramp(), Slit(-0.25))
    assert (scan.picture(0)[:, :, 0] == 30).all()
    scan.rescan(Slit(0.25))
    assert (scan.picture(0)[:, :, 0] == 94).all()


def test_streaks_tell_moving_from_stuck_texture() -> None:
    """What it is for: a texture that moves up under the slit draws slanted streaks, a stuck one level ones."""
    random = np.random.default_rng(0)
    texture = random.integers(0, 255, (96, 8, 1)).astype(np.uint8)
    moving, stuck = SlitScan(1, 16, 48, 1), SlitScan(1, 16, 48, 1)
    slit = Slit(0, 0, 90, 0.98)
    for i in range(16):
        moving.add(0, float(i), np.ascontiguousarray(texture[i : i + 48]), slit)
        stuck.add(0, float(i), texture[:48], slit)

    def change_along_time(scan: SlitScan) -> float:
        return float(np.abs(np.diff(scan.picture(0).astype(float), axis=1)).mean())

    assert change_along_time(stuck) == 0
    assert change_along_time(moving) > 20


def test_a_caption_longer_than_the_page_is_broken_into_lines() -> None:
    scan = np.zeros((32, 48, 3), np.uint8)
    short, long = compose([scan], ["A"], "short"), compose([scan], ["A"], "a sentence that goes on " * 6)
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0]
    assert (long[:, -8:] == long[0, 0]).all(), "nothing runs into the margin"
