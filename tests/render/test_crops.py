"""Crops of a source: what the network is given of a picture, moved, scaled and turned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.assets.picture import StoredMask, StoredPicture
from explorer.assets.table import AssetTable
from explorer.render.headless import HeadlessRenderer
from explorer.render.sources import mask_tensor, source_tensor
from explorer.state import Crop, Look, Source
from explorer.state.crops import LEAST_SCALE, clamped, frame_of
from explorer.testing.tiny import TinyConfig, TinyGenerator

RNG = np.random.RandomState(3)
SQUARE = RNG.randint(0, 256, (32, 32, 3), np.uint8)
SMOOTH = np.rint(127 + 120 * np.sin(np.mgrid[:40, :64, :3].sum(0) / 9)).astype(np.uint8)
WIDE = RNG.randint(0, 256, (40, 64, 3), np.uint8)


def test_places_of_a_frame_and_of_its_picture_are_inverse() -> None:
    frame = frame_of(Crop(0.1, -0.2, 0.5, 30.0), (40, 64), (16, 16))
    for place in ((0.0, 0.0), (0.3, 0.9), (1.0, 0.5)):
        assert frame.to_frame(frame.to_picture(place)) == pytest.approx(place)
    assert frame.width == pytest.approx(20.0)
    assert frame.to_picture((0.5, 0.5)) == pytest.approx((32 + 4.0, 20 - 8.0))
    up = frame_of(Crop(rotate=90.0), (40, 64), (16, 16)).to_picture((1.0, 0.5))
    assert up == pytest.approx((32.0, 0.0))  # counter-clockwise: the right side of the frame is at the top


def test_a_crop_stays_on_its_picture() -> None:
    far = clamped(Crop(9.0, -9.0, 1e-9, 190.0), (40, 64), (16, 16))
    assert (far.x, far.y, far.scale, far.rotate) == pytest.approx((0.8, -0.5, LEAST_SCALE, -170.0))
    assert clamped(far, (40, 64), (16, 16)) == far


def test_the_largest_part_in_the_middle_is_a_crop_too() -> None:
    for size in ((16, 16), (30, 30), (80, 80), (24, 48)):
        whole = source_tensor(SMOOTH, 3, size)
        torch.testing.assert_close(source_tensor(SMOOTH, 3, size, Crop()), whole, atol=5e-2, rtol=0)


@pytest.mark.parametrize(("degrees", "turns"), [(90.0, -1), (180.0, 2), (-90.0, 1)])
def test_a_turned_frame_shows_the_picture_turned_the_other_way(degrees: float, turns: int) -> None:
    plain = source_tensor(SQUARE, 3, (32, 32))
    turned = source_tensor(SQUARE, 3, (32, 32), Crop(rotate=degrees))
    torch.testing.assert_close(turned, torch.rot90(plain, turns, (2, 3)), atol=1e-4, rtol=0)


def test_a_moved_and_smaller_frame_shows_that_part() -> None:
    part = source_tensor(np.ascontiguousarray(WIDE[0:20, 22:42]), 3, (20, 20))
    # The middle of the picture is (32, 20), the frame 20 of 40 pixels wide around (32, 10).
    shown = source_tensor(WIDE, 3, (20, 20), Crop(y=-0.25, scale=0.5))
    torch.testing.assert_close(shown, part, atol=1e-4, rtol=0)


def test_beyond_the_picture_its_edge_continues() -> None:
    grey = np.full((16, 16, 1), 51, np.uint8)
    for crop in (Crop(0.5, 0.5, 1.0, 30.0), Crop(scale=4.0), Crop(scale=LEAST_SCALE)):
        torch.testing.assert_close(source_tensor(grey, 3, (8, 8), crop), torch.full((1, 3, 8, 8), -0.6))


def test_a_large_picture_does_not_alias_in_a_crop() -> None:
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    shown = source_tensor(stripes, 3, (16, 16), Crop(0.01, 0.0, 0.9, 5.0))
    assert shown.abs().max() < 0.1  # grey


def test_a_mask_is_cropped_like_its_source() -> None:
    mask = SQUARE[:, :, 0]
    crop = Crop(0.1, 0.0, 0.5, 90.0)
    as_source = source_tensor(np.ascontiguousarray(mask[:, :, None]), 1, (16, 16), crop)
    torch.testing.assert_close(mask_tensor(mask, (16, 16), crop) * 2 - 1, as_source, atol=1e-5, rtol=0)


def test_a_crop_changes_the_picture_and_its_reset_brings_it_back() -> None:
    renderer = HeadlessRenderer(TinyGenerator(TinyConfig(source_channels=3, num_masks=1)).eval())
    table = AssetTable()
    picture, mask = table.add(StoredPicture(WIDE)), table.add(StoredMask(WIDE[:, :, 0].copy()))
    plain = Look(source=Source(picture, (mask,)))
    cropped = replace(plain, source=replace(plain.source, crop=Crop(scale=0.5)))
    first, second = (renderer.render_look(look, table=table).pixels for look in (plain, cropped))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(renderer.render_look(plain, table=table).pixels, first)
