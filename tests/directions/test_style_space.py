"""Ranking of style channels by a marked region, where it is known which of them must win."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.directions import style_space
from explorer.directions.regions import regions_of
from explorer.directions.style_space import VISIBLE, RankedChannel, ranking_spec
from explorer.errors import UsageError
from explorer.jobs.executors import run_inline
from explorer.jobs.job import JobSpec
from explorer.jobs.registry import begin
from explorer.ops.backend import use_backend
from explorer.render.headless import HeadlessRenderer
from explorer.state import Edit, Look, StyleChannels
from explorer.state.request import ModelKey
from tests.directions.painter import SCALE, Painter
from tests.generators.configs import small_generator
from tests.ops.counting import counted
from tests.render.support import tiny_model

SIZE = 64
EVERYWHERE, RIGHT, LEFT, NOWHERE, MOSTLY_LEFT, FAINTLY_LEFT = range(6)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of this test."""
    monkeypatch.setenv("LATENTWALK_CACHE", str(tmp_path / "cache"))


def painter() -> Painter:
    left = (torch.arange(SIZE) < SIZE // 2).float().expand(SIZE, SIZE)
    right, none = 1 - left, torch.zeros(SIZE, SIZE)
    return Painter(torch.stack([left + right, right, left, none, left + 0.25 * right, 0.01 * left]))


def left_region() -> np.ndarray:
    region = np.zeros((SIZE, SIZE), bool)
    region[16:48, 8:28] = True
    return region


def ranked(generator: Any, region: np.ndarray, look: Look | None = None) -> tuple[RankedChannel, ...]:
    renderer = HeadlessRenderer(generator.eval().requires_grad_(False))
    spec = ranking_spec(renderer.request(look or Look()), region)
    found: tuple[RankedChannel, ...] = run_inline(spec, renderer.context)
    return found


def test_the_channel_that_only_paints_the_region_wins() -> None:
    """The look starts at zero, where `region` and the rest of the left half are painted alike."""
    region = np.zeros((SIZE, SIZE), bool)
    region[:, : SIZE // 2] = True
    found = ranked(painter(), region)
    assert {channel.layer for channel in found} == {"paint"}
    order = [channel.channel for channel in found]
    assert order[:2] == [LEFT, MOSTLY_LEFT]
    assert set(order) == {EVERYWHERE, RIGHT, LEFT, NOWHERE, MOSTLY_LEFT, FAINTLY_LEFT}
    best, second = found[:2]
    assert best.sigma == pytest.approx(SCALE, rel=0.05)
    assert best.inside == pytest.approx(5.0 * best.sigma, rel=0.2)  # the layer to RGB scales it a little
    assert best.outside == pytest.approx(0.0, abs=1e-6)
    assert best.ratio > 1000.0
    assert second.ratio == pytest.approx(4.0, rel=0.1)
    # What cannot be seen comes last, although all that it changes lies in the region.
    faint = found[order.index(FAINTLY_LEFT)]
    assert faint.ratio > 1000.0
    assert faint.inside < VISIBLE
    assert order.index(FAINTLY_LEFT) > order.index(EVERYWHERE)


def test_the_heat_map_shows_what_a_channel_touches() -> None:
    found = {channel.channel: channel for channel in ranked(painter(), left_region())}
    heat = found[LEFT].heat
    assert (heat.shape, heat.dtype) == ((32, 32), np.uint8)
    assert (heat[:, :16] == 255).all()
    assert not heat[:, 16:].any()
    assert not found[NOWHERE].heat.any()


def test_a_channel_of_another_region_does_not_win_by_leaking_into_a_small_one() -> None:
    """A dot of the region is painted a little by a channel that belongs to the spot beside it."""
    across, down = np.meshgrid(np.arange(SIZE), np.arange(SIZE))
    dot = torch.from_numpy(((across - 20) ** 2 + (down - 20) ** 2 < 16).astype(np.float32))
    spot = torch.from_numpy(((across - 44) ** 2 + (down - 44) ** 2 < 100).astype(np.float32))
    rest = torch.full((SIZE, SIZE), 0.05)
    found = ranked(Painter(torch.stack([0.3 * dot + spot, 0.3 * dot + rest, spot])), dot.numpy() > 0.5)
    assert found[0].channel == 1
    leak = next(channel for channel in found if channel.channel == 0)
    assert leak.rival > leak.inside


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t", "stylegan3-r"])
def test_channels_of_real_networks_are_ranked_by_what_they_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(style_space, "SHORTLIST", 6)
    generator = small_generator(name)
    size = generator.info.img_size
    region = np.zeros(size, bool)
    region[4:14, 4:14] = True
    found = ranked(generator, region)
    names = {layer.name for layer in generator.info.layers if not layer.is_rgb}
    assert len(found) == 6
    assert {channel.layer for channel in found} <= names
    best = found[0]
    renderer = HeadlessRenderer(generator)
    before = renderer.render_look(Look()).image.clip(-1, 1)
    moved = []
    for strength in (5.0, -5.0):
        edit = Edit(StyleChannels(best.layer, (best.channel,), (best.sigma,)), strength)
        after = renderer.render_look(Look(edits=(edit,))).image.clip(-1, 1)
        moved.append(np.abs(after - before).mean(axis=0))
    change = np.mean(moved, axis=0)
    assert change[region].mean() == pytest.approx(best.inside, rel=0.02)
    assert change[~region].mean() == pytest.approx(best.outside, rel=0.02)


def test_the_job_gives_the_same_from_its_json_and_from_the_cache() -> None:
    generator = small_generator("stylegan2-skip").eval().requires_grad_(False)
    renderer = HeadlessRenderer(generator, model=ModelKey("f" * 64))
    region = np.zeros(generator.info.img_size, bool)
    region[3:9, 20:31] = True
    spec = ranking_spec(renderer.request(Look()), region)
    seen: list[Any] = []
    first = run_inline(spec, renderer.context, seen.append)
    again = run_inline(JobSpec.from_json(json.loads(json.dumps(spec.to_json()))), renderer.context, seen.append)
    assert [(c.layer, c.channel, c.inside, c.outside) for c in first] == [
        (c.layer, c.channel, c.inside, c.outside) for c in again
    ]
    stages = [report.stage for report in seen if report.stage]
    assert list(dict.fromkeys(stages)) == [
        "Measuring the spread of styles",
        "Comparing all channels",
        "Trying channels",
    ]
    ends = [i for i, report in enumerate(seen) if report.value is not None]
    assert len(ends) == 2
    for reports in (seen[: ends[0] + 1], seen[ends[0] + 1 :]):
        done = [report.done for report in reports]
        assert done == sorted(done)
        assert done[-1] == reports[-1].total
    # The second time the spread is known.
    assert seen[ends[0] + 1].stage == "Comparing all channels"


@pytest.mark.parametrize("value", [False, True])
def test_a_region_of_nothing_or_of_everything_is_refused(value: bool) -> None:
    with pytest.raises(UsageError, match="empty, or the whole picture"):
        ranked(small_generator("stylegan2-skip"), np.full((32, 32), value))


def test_a_region_of_another_picture_is_refused() -> None:
    with pytest.raises(UsageError, match="64\u00d764 pixels; this model's have 32 px"):
        ranked(small_generator("stylegan2-skip"), left_region())


# -- regions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_features", [True, False])
def test_the_rest_of_the_picture_is_cut_into_segments(has_features: bool) -> None:
    features = torch.randn(6, 16, 16, generator=torch.Generator().manual_seed(0)) if has_features else None
    region = left_region()
    regions = regions_of(region, features, torch.device("cpu"))
    assert 6 <= len(regions.masks) - 1 <= 10
    np.testing.assert_array_equal(regions.inside.numpy(), region)
    np.testing.assert_array_equal(regions.masks.sum(dim=0).numpy(), np.ones((SIZE, SIZE)))


def test_segments_follow_the_features() -> None:
    features = torch.zeros(3, 32, 32)
    features[:, 20:26, 20:26] = 50.0  # something that stands out
    regions = regions_of(left_region(), features, torch.device("cpu"))
    thing = np.zeros((SIZE, SIZE), bool)
    thing[42:50, 42:50] = True  # without its blurred edge
    inside = regions.masks[:, torch.from_numpy(thing)].sum(dim=1)
    assert int((inside > 0).sum()) == 1
    number = int(inside.argmax())
    assert int(regions.masks[number].sum()) < 4 * thing.sum()


@pytest.mark.parametrize("size", [(8, 8), (48, 80), (100, 33)])
def test_every_size_of_picture_has_a_grid(size: tuple[int, int]) -> None:
    region = np.zeros(size, bool)
    region[0, 0] = True
    regions = regions_of(region, None, torch.device("cpu"))
    assert regions.grid == tuple(min(32, n) for n in size)
    assert bool((regions.masks.sum(dim=0) == 1).all())


def test_no_step_is_much_longer_than_the_slowest_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backward pass through a layer takes two to three times its forward pass; a trial is two pictures."""
    monkeypatch.setattr(style_space, "SHORTLIST", 4)
    monkeypatch.setattr(style_space, "_INSIDE", 1)
    monkeypatch.setattr(style_space, "_OUTSIDE", 8)
    renderer = HeadlessRenderer(tiny_model(img_resolution=SIZE, channels=24).generator)
    generator = renderer.context.generator
    with torch.inference_mode(), use_backend("torch"):
        ws = generator.broadcast(generator.mapping(torch.zeros(1, generator.info.z_dim)))
        slowest = max(counted(generator.synthesis_steps(ws)))
    job = begin(ranking_spec(renderer.request(Look()), left_region()), renderer.context)
    steps = 0
    with torch.inference_mode():
        while True:
            with FlopCounterMode(display=False) as counter:
                try:
                    next(job)
                except StopIteration:
                    break
            steps += 1
            assert counter.get_total_flops() <= 3 * slowest, f"step {steps}"
    assert steps > 100
