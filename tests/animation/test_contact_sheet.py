"""Contact sheets: where each picture and its caption is, to the pixel, and the pictures of the job."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.animation import contact_sheet
from explorer.animation.contact_sheet import (
    BACKGROUND,
    CAPTION,
    GAP,
    MIN_WIDTH,
    compose,
    picture_size,
    pictures,
    sheet_spec,
    size_of,
)
from explorer.errors import UsageError
from explorer.jobs.job import JobSpec
from explorer.render.headless import HeadlessRenderer
from explorer.state import Latent, Look
from explorer.testing.tiny import TinyConfig, TinyGenerator


def plain(width: int, height: int, level: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def test_pictures_are_where_they_should_be_to_the_pixel() -> None:
    found = [plain(160, 40, level) for level in (50, 100, 150, 200, 250)]
    page = compose(found, [(f"Name {i}", f"seed {i}") for i in range(5)], 3)
    width, height = GAP + 3 * (160 + GAP), GAP + 2 * (40 + CAPTION + GAP)
    assert page.shape == (height, width, 3)
    assert size_of(5, 3, (160, 40)) == (width, height)
    rest = np.ones(page.shape[:2], bool)
    for i, picture in enumerate(found):
        left, top = GAP + i % 3 * (160 + GAP), GAP + i // 3 * (40 + CAPTION + GAP)
        np.testing.assert_array_equal(page[top : top + 40, left : left + 160], picture)
        rest[top : top + 40, left : left + 160] = False
        caption = page[top + 40 : top + 40 + CAPTION, left : left + 160]
        assert (caption[:20] != BACKGROUND).any(), "the name"
        assert (caption[20:] != BACKGROUND).any(), "the second line"
        rest[top + 40 : top + 40 + CAPTION, left : left + 160] = False
    assert (page[rest] == BACKGROUND).all(), "nothing beside pictures and captions"


def test_a_smaller_picture_is_centred_in_its_place() -> None:
    page = compose([plain(160, 40, 200), plain(20, 10, 90)], [("", "")] * 2, 5)
    assert page.shape[:2] == (GAP + 40 + CAPTION + GAP, GAP + 2 * (160 + GAP))
    left, top = GAP + 160 + GAP + 70, GAP + 15
    assert (page[top : top + 10, left : left + 20] == 90).all()
    assert (page == 90).all(axis=2).sum() == 200


def test_long_names_are_cut_to_the_picture() -> None:
    page = compose([plain(160, 40, 200)] * 2, [("long name " * 20, "x\u202ey"), ("", "")], 2)
    second = page[GAP + 40 :, GAP + 160 :]
    assert (second == BACKGROUND).all()


def test_a_sheet_that_would_be_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact_sheet, "MAX_SIDE", 200)
    with pytest.raises(UsageError, match="pixels"):
        compose([plain(160, 40, 1)] * 9, [("", "")] * 9, 3)
    with pytest.raises(UsageError, match="no picture"):
        sheet_spec([], 64)


def test_captions_of_small_pictures_have_room() -> None:
    page = compose([plain(64, 64, 200)] * 2, [("Child 1", "sheet 12, seed 4294967295")] * 2, 2)
    assert page.shape[1] == GAP + 2 * (MIN_WIDTH + GAP)
    left = GAP + (MIN_WIDTH - 64) // 2
    assert (page[GAP : GAP + 64, left : left + 64] == 200).all()
    assert (page[: GAP + 64, :left] == BACKGROUND).all()


def test_small_pictures_are_enlarged_to_the_size_that_was_chosen() -> None:
    renderer = HeadlessRenderer(TinyGenerator(TinyConfig()).eval())
    height, width = renderer.info.img_size
    reports = [r for r in pictures(renderer.context, sheet_spec([renderer.request(Look())], 4 * width)) if r]
    assert reports[-1].value[0].shape == (4 * height, 4 * width, 3)
    assert picture_size((width, height), 4 * width) == (4 * width, 4 * height)
    assert picture_size((200, 100), 50) == (50, 25)
    assert picture_size((200, 100), 0) == (200, 100)


@pytest.mark.parametrize("px", [0, 8])
def test_the_job_renders_what_the_window_shows(px: int) -> None:
    renderer = HeadlessRenderer(TinyGenerator(TinyConfig()).eval())
    requests = [renderer.request(Look(latent=Latent(seed))) for seed in (3, 4)]
    spec = JobSpec.from_json(json.loads(json.dumps(sheet_spec(requests, px).to_json())))
    reports: list[Any] = [report for report in pictures(renderer.context, spec) if report is not None]
    assert [(report.done, report.total) for report in reports] == [(1, 2), (2, 2)]
    for request, picture in zip(requests, reports[-1].value, strict=True):
        np.testing.assert_array_equal(picture, renderer.render(replace(request, max_px=px)).pixels)
