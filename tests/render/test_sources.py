"""Sources and masks of image-to-image networks: converted once, part of the keys, missed where they are needed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.assets.picture import StoredMask, StoredPicture
from explorer.assets.table import AssetTable
from explorer.errors import AssetError, RequestError
from explorer.jobs.job import JobSpec
from explorer.project.document import from_json, to_json
from explorer.render.headless import HeadlessRenderer
from explorer.render.sources import mask_tensor, source_tensor
from explorer.state import ExplorerState, Look, Source
from explorer.testing.tiny import TinyConfig, TinyGenerator

RNG = np.random.RandomState(2)
PICTURE = StoredPicture(RNG.randint(0, 256, (20, 30, 3), np.uint8))
OTHER = StoredPicture(RNG.randint(0, 256, (16, 16, 3), np.uint8))
MASK = StoredMask(RNG.randint(0, 256, (16, 16), np.uint8))
WHITE = StoredMask(np.full((16, 16), 255, np.uint8))
TABLE = AssetTable((PICTURE, OTHER, MASK, WHITE))


@pytest.fixture
def renderer() -> HeadlessRenderer:
    return HeadlessRenderer(TinyGenerator(TinyConfig(source_channels=3, num_masks=1)).eval())


def look_of(picture: StoredPicture | None, *masks: StoredMask) -> Look:
    return Look(source=Source("" if picture is None else picture.key, tuple(mask.key for mask in masks)))


def pixels(renderer: HeadlessRenderer, look: Look) -> Any:
    return renderer.render_look(look, table=TABLE).pixels


def test_the_picture_depends_on_source_and_masks(renderer: HeadlessRenderer) -> None:
    looks = [look_of(PICTURE), look_of(OTHER), look_of(PICTURE, MASK)]
    made = [pixels(renderer, look) for look in looks]
    assert all(not np.array_equal(a, b) for i, a in enumerate(made) for b in made[:i])
    for look, picture in zip(looks, made, strict=True):  # from the cache, and from a project
        np.testing.assert_array_equal(pixels(renderer, look), picture)
        state, table = from_json(to_json(ExplorerState(shared=look), TABLE))
        np.testing.assert_array_equal(renderer.render_look(state.shared, table=table).pixels, picture)
    np.testing.assert_array_equal(pixels(renderer, look_of(PICTURE, WHITE)), made[0])


def test_a_request_with_a_source_is_complete_on_another_machine(renderer: HeadlessRenderer) -> None:
    request = renderer.request(look_of(PICTURE, MASK), table=TABLE)
    sent = JobSpec.from_json(JobSpec("picture", request).to_json()).request
    assert sent == request
    assert sent is not None
    np.testing.assert_array_equal(renderer.render(sent).pixels, renderer.render(request).pixels)


def test_a_change_of_the_source_runs_every_layer(renderer: HeadlessRenderer) -> None:
    generator: Any = renderer.context.generator
    pixels(renderer, look_of(PICTURE))
    before = dict(generator.runs)
    pixels(renderer, look_of(OTHER))
    assert all(generator.runs[name] == count + 1 for name, count in before.items())


def test_what_is_missing_is_named(renderer: HeadlessRenderer) -> None:
    with pytest.raises(RequestError, match="changes a picture, and has none"):
        pixels(renderer, Look())
    with pytest.raises(RequestError, match="takes 1 masks, not 2"):
        pixels(renderer, look_of(PICTURE, MASK, MASK))
    with pytest.raises(AssetError, match="picture 'elsewhere' is missing"):
        pixels(renderer, Look(source=Source("elsewhere")))
    with pytest.raises(AssetError, match=r"mask .* is missing"):
        pixels(renderer, Look(source=Source(PICTURE.key, (PICTURE.key,))))


def test_networks_without_a_source_ignore_it() -> None:
    plain = HeadlessRenderer(TinyGenerator(TinyConfig()).eval())
    assert plain.request(look_of(PICTURE, MASK), table=TABLE) == plain.request(Look())
    assert plain.request(Look(source=Source("elsewhere"))) == plain.request(Look())


@pytest.mark.parametrize(
    ("size", "cut"), [((10, 10), np.s_[:, 5:25]), ((5, 30), np.s_[7:12, :]), ((5, 3), np.s_[:, 9:21])]
)
def test_a_source_is_cut_from_the_middle(size: tuple[int, int], cut: Any) -> None:
    whole = source_tensor(PICTURE.array, 3, size)
    part = source_tensor(np.ascontiguousarray(PICTURE.array[cut]), 3, size)
    assert whole.shape == (1, 3, *size)
    assert torch.equal(whole, part)
    assert mask_tensor(PICTURE.array[:, :, 0], size).shape == (1, 1, *size)


def test_a_source_of_the_networks_size_is_exact() -> None:
    x = source_tensor(OTHER.array, 3, (16, 16))
    np.testing.assert_allclose(x[0].permute(1, 2, 0).numpy(), OTHER.array / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(mask_tensor(MASK.array, (16, 16))[0, 0].numpy(), MASK.array / 255, atol=1e-6)


def test_transparency_is_white_and_colours_fit_the_network() -> None:
    pixel = np.array([[[255, 0, 0, 0]]], np.uint8)
    assert source_tensor(pixel, 3, (1, 1)).flatten().tolist() == [1.0, 1.0, 1.0]
    red = source_tensor(pixel[:, :, :3], 1, (1, 1))
    assert red.item() == pytest.approx(2 * 0.299 - 1, abs=1e-6)
    grey = source_tensor(np.full((1, 1, 1), 51, np.uint8), 3, (1, 1))
    assert grey.flatten().tolist() == pytest.approx([-0.6] * 3)


def test_the_same_source_is_converted_once(renderer: HeadlessRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    from explorer.render import sources

    calls = []
    convert = sources.source_tensor
    monkeypatch.setattr(sources, "source_tensor", lambda *a: calls.append(a) or convert(*a))
    for seed in range(3):
        look = look_of(PICTURE)
        pixels(renderer, replace(look, latent=replace(look.latent, seed=seed)))
    assert len(calls) == 1
