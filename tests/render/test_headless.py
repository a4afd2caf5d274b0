"""Headless rendering: the same pixels as the window, with the float picture before clamping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.assets.latent import StoredLatent
from explorer.assets.table import AssetTable
from explorer.errors import RequestError, UsageError
from explorer.render.headless import HeadlessRenderer, render, render_look
from explorer.state import Animation, Latent, Look, Tap, Transform
from explorer.state.request import RenderSettings
from tests.render.support import renderer_of, request_of, tiny_model


def test_it_gives_the_windows_pixels_and_the_floats(tmp_path: Path) -> None:
    model = tiny_model()
    look = Look(Latent(3, 0.25))
    request = request_of(model, look)
    renderer, published = renderer_of(model)
    renderer.mailbox.put(0, request)
    renderer.step()
    picture = render(model.generator, request)
    np.testing.assert_array_equal(picture.pixels, published.frames[0].pixels[:, :, 2::-1])
    assert picture.image.shape == (3, 16, 16)
    assert picture.image.dtype == np.float32
    picture.image[:] = 0.0  # the caller's own
    levels = np.clip(render_look(model.generator, look).image * 127.5 + 128, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(picture.pixels, levels.transpose(1, 2, 0))
    picture.save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        np.testing.assert_array_equal(np.asarray(image), picture.pixels)


def test_a_series_reuses_stages_and_time_moves_it() -> None:
    model = tiny_model()
    series = HeadlessRenderer(model.generator, model=model.model_info.key)
    turning = Look(transform=Transform(animation=Animation("spin", 0.25)))
    first, later = (series.render_look(turning, time=t) for t in (0.0, 1.0))
    assert not np.array_equal(first.pixels, later.pixels)
    again = render_look(model.generator, turning, time=1.0)
    np.testing.assert_array_equal(later.image, again.image)


def test_layers_and_stored_latents() -> None:
    model = tiny_model()
    tapped = render_look(model.generator, Look(), Tap("t1"))
    assert tapped.image.shape == (8, 16, 16)
    assert tapped.pixels.shape == (16, 16, 3)
    assert tapped.stats is not None
    latent = StoredLatent("ws", np.ones((5, 8), np.float32))
    shown = render_look(model.generator, Look(Latent(stored=latent.key)), table=AssetTable((latent,)))
    np.testing.assert_array_equal(shown.latents.ws, latent.array)
    with pytest.raises(RequestError, match="no layer 'nowhere'") as caught:
        render_look(model.generator, Look(), Tap("nowhere"))
    assert "t0, t1" in caught.value.hint


def test_settings_are_checked() -> None:
    model = tiny_model()
    with pytest.raises(UsageError, match="float16"):
        render_look(model.generator, Look(), settings=RenderSettings("cpu", "float16"))
    with pytest.raises(UsageError, match="no device"):
        render_look(model.generator, Look(), settings=RenderSettings("tpu"))
    with pytest.raises(RequestError, match="another model"):
        HeadlessRenderer(model.generator).render(request_of(model))


def test_no_gradient_is_recorded() -> None:
    model = tiny_model()
    model.generator.requires_grad_(True)
    assert isinstance(render_look(model.generator, Look()).image, np.ndarray)
    assert torch.is_grad_enabled()


def test_the_float_picture_is_copied_when_it_is_asked_for() -> None:
    renderer = HeadlessRenderer(tiny_model().generator)
    picture = renderer.render_look(Look(latent=Latent(3)))
    assert "image" not in vars(picture)
    image = picture.image
    assert image is picture.image
    assert image.dtype == np.float32
    assert image.shape == (3, 16, 16)
    image[:] = 9.0  # a copy: what is cached to resume from stays as it is
    assert np.array_equal(renderer.render_look(Look(latent=Latent(3))).pixels, picture.pixels)
    assert float(renderer.render_look(Look(latent=Latent(3))).image.max()) < 2.0
