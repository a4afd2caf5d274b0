"""Pictures that are not square: every length of a motion or a slit counts in widths of the picture."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.analysis import spectrum
from explorer.analysis.equivariance import curves
from explorer.analysis.estimate import RatioSum
from explorer.analysis.measurement import measure
from explorer.analysis.registry import EQUIVARIANCE
from explorer.analysis.slitscan import check_slit, clamp_slit, ends_of, points_of, sample
from explorer.animation.film import Film, FilmRenderer, frame_size_of
from explorer.checkpoints import Checkpoint
from explorer.dragging.features import Grid, feature_layer
from explorer.errors import UsageError
from explorer.generators import registry
from explorer.generators.base import GeneratorInfo, Inputs
from explorer.generators.motion import resample
from explorer.jobs.job import last_value
from explorer.ops import resample as pixels
from explorer.render import display
from explorer.render.headless import HeadlessRenderer
from explorer.render.model_store import model_info_of
from explorer.state import ExplorerState, Latent, Look, Slit, Tap, Transform, ViewState
from explorer.testing.tiny import TinyConfig, TinyGenerator
from tests.generators.families import TallTiny, WideTiny

QUARTER_TURN = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])  # counter-clockwise on the screen

families = pytest.mark.parametrize("family", [WideTiny, TallTiny])


def renderer_of(family: type[TinyGenerator], **config: Any) -> HeadlessRenderer:
    return HeadlessRenderer(family(TinyConfig(**config)).eval().requires_grad_(False))


@families
def test_render_tap_and_largest_size(family: type[TinyGenerator]) -> None:
    renderer = renderer_of(family)
    height, width = renderer.info.img_size
    assert height != width
    look = Look(latent=Latent(seed=3))
    assert renderer.render_look(look).pixels.shape == (height, width, 3)
    tapped = renderer.render_look(look, Tap("t1"))
    assert tapped.image.shape == (8, height, width)
    assert tapped.stats is not None
    assert tapped.stats.shape == (8, height, width)
    small = renderer.render(replace(renderer.request(look), max_px=12))
    assert sorted(small.pixels.shape[:2]) == [8, 12]
    assert renderer.info.size_text == f"{width}\u00d7{height} px"


@families
@pytest.mark.parametrize(("right", "down"), [(3, 0), (0, 2), (-2, -1)])
def test_motions_count_in_widths(family: type[TinyGenerator], right: int, down: int) -> None:
    """By whole pixels: the network's input, a feature map and a picture move by as many."""
    generator = family(TinyConfig())
    height, width = generator.info.img_size
    motion = np.eye(3)
    motion[:2, 2] = right / width, down / width
    ws = torch.zeros(1, generator.info.num_ws, generator.info.w_dim)
    with torch.inference_mode():
        still, moved = (generator.begin(Inputs(ws, t)).x for t in (None, torch.from_numpy(motion)))
    expected, mask = pixels.translate_integer(still, right / width, down / width)
    assert float(mask.sum()) == (height - abs(down)) * (width - abs(right))
    torch.testing.assert_close(moved * mask, expected, atol=1e-5, rtol=1e-5)
    for mode in ("bilinear", "bicubic"):
        resampled = resample(still, torch.from_numpy(motion), mode=mode)
        torch.testing.assert_close(resampled * mask, expected, atol=1e-4, rtol=1e-4)
    shifted, inner = pixels.translate(still, right / width, down / width)
    torch.testing.assert_close(shifted * inner, expected * inner, atol=1e-4, rtol=1e-4)


@families
def test_a_quarter_turn_is_one(family: type[TinyGenerator]) -> None:
    generator = family(TinyConfig(img_resolution=32))
    height, width = generator.info.img_size
    ws = torch.zeros(1, generator.info.num_ws, generator.info.w_dim)
    with torch.inference_mode():
        still, turned = (generator.begin(Inputs(ws, t)).x for t in (None, torch.from_numpy(QUARTER_TURN)))
    side = min(height, width)
    rows, columns = (slice((n - side) // 2, (n + side) // 2) for n in (height, width))
    expected = torch.rot90(still[:, :, rows, columns], 1, (2, 3))
    torch.testing.assert_close(turned[:, :, rows, columns], expected, atol=1e-4, rtol=1e-4)
    by_grid = resample(still, torch.from_numpy(QUARTER_TURN))
    torch.testing.assert_close(by_grid[:, :, rows, columns], expected, atol=1e-3, rtol=1e-3)
    filtered, mask = pixels.affine(still, QUARTER_TURN)
    inside = mask[:, :, rows, columns]
    assert float(inside.sum()) > 0
    straight, _ = pixels.affine(still, np.eye(3))
    wanted = torch.rot90(straight[:, :, rows, columns], 1, (2, 3))
    torch.testing.assert_close(filtered[:, :, rows, columns] * inside, wanted * inside, atol=2e-2, rtol=2e-2)


@families
def test_untransform_brings_the_picture_back(family: type[TinyGenerator]) -> None:
    renderer = renderer_of(family, img_resolution=32, num_layers=0)
    width = renderer.info.img_size[1]
    look = Look(transform=Transform(x=4 / width, y=3 / width))
    still = renderer.render(replace(renderer.request(look), transform=None)).pixels.astype(int)
    back = renderer.render(replace(renderer.request(look), untransform=True)).pixels.astype(int)
    middle = slice(10, -10), slice(10, -10)
    assert np.abs(back[middle] - still[middle]).max() <= 3


@families
def test_equivariance_is_measured_in_widths(family: type[TinyGenerator]) -> None:
    """Waves that are mixed point by point move exactly, whole pixels of the width without any error."""
    renderer = renderer_of(family, img_resolution=32, num_layers=0)
    weight = renderer.context.generator.get_parameter("tiny_layers.0.weight")
    weight.copy_(torch.nn.functional.pad(weight[:, :, 1:2, 1:2], (1, 1, 1, 1)))
    values = last_value(measure(EQUIVARIANCE, renderer.context, renderer.request(Look()), 4))
    assert values["eq-t"].value > 80
    assert min(values["eq-t-frac"].value, values["eq-r"].value) > 30
    points = last_value(curves(renderer.context, renderer.request(Look()))).points
    assert min(db for _, db in points["eq-t"]) > 80
    assert min(db for _, db in points["eq-r"]) > 30


# -- films -----------------------------------------------------------------------------------------------------


@families
@pytest.mark.parametrize(
    ("layout", "side"), [("a", 0), ("a", 48), ("both", 0), ("wipe", 0), ("grid", 0), ("slit", 0)]
)
def test_a_films_frames_have_the_size_it_announces(family: type[TinyGenerator], layout: str, side: int) -> None:
    renderer = renderer_of(family)
    model_info = model_info_of(
        renderer._pipeline.generator, Checkpoint("tiny", {}, {}, name="wide", sha256="wide"), "wide"
    )
    view = ViewState(model="wide.safetensors")
    state = ExplorerState(views=(view, view), layout="grid")
    film = Film(1.0, (10, 1), layout=layout, side=side)
    films = FilmRenderer(state, film, open_with=lambda name, settings: (renderer, model_info))
    frame = films.frame(1)
    assert frame.shape == (*films.frame_size[::-1], 3)
    assert frame_size_of(film, state, [renderer.info.img_size] * 2) == films.frame_size
    height, width = renderer.info.img_size
    sizes = {
        ("a", 0): (width, height),
        ("a", 48): (48 * width // height, 48),
        ("both", 0): (2 * width + 8, height),
        ("wipe", 0): (width, height),
        ("grid", 0): (2 * width + 8, 2 * height + 8),
        ("slit", 0): (2 * width + 8, height),
    }
    assert films.frame_size == sizes[layout, side]


# -- slits and spectra -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(20, 30), (30, 20)])
def test_a_slit_lies_where_its_widths_say(shape: tuple[int, int]) -> None:
    height, width = shape
    picture = np.zeros((height, width, 1), np.uint8)
    picture[height // 2 + 4, width // 2 + 3] = 200
    slit = Slit(3.5 / width, 4.5 / width, 90.0, 2 / width)
    assert sample(picture, points_of(slit, 1)) == 200
    aspect = height / width
    check_slit(Slit(0.0, 0.0, 90.0, aspect), aspect=aspect)
    for wrong in (Slit(0.0, 0.02, 90.0, aspect), Slit(0.02, 0.0, 0.0, 1.0)):
        with pytest.raises(UsageError, match="the picture ends at"):
            check_slit(wrong, aspect=aspect)
        check_slit(clamp_slit(wrong, aspect), aspect=aspect)
    long = clamp_slit(Slit(0.0, 0.0, 90.0, 5.0), aspect)
    np.testing.assert_allclose(np.abs(ends_of(long)[:, 1]), 0.5 * aspect)


@pytest.mark.parametrize("shape", [(64, 96), (96, 64)])
def test_spectra_know_the_frequency_of_a_wave(shape: tuple[int, int]) -> None:
    """A quarter of a cycle a pixel is a quarter, along either side."""
    height, width = shape
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    for wave in (x, y):
        picture = torch.sin(2 * math.pi * 0.25 * wave)[None]
        profile = display.spectrum_profile(picture)
        assert len(profile) == max(shape) // 2 + 1
        assert int(profile.argmax()) == max(shape) // 4
    power = spectrum.power(torch.sin(2 * math.pi * 0.25 * x)[None]).double().numpy()
    found = spectrum._spectrum(power, RatioSum([(1.0, 2.0), (1.0, 2.0)]))
    assert found.frequency[int(found.axis.argmax())] == pytest.approx(0.25)
    assert found.frequency[int(found.radial.argmax())] == pytest.approx(0.25)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_stylegan2_that_is_not_square(channels: int) -> None:
    config = {
        "z_dim": 8, "w_dim": 8, "img_resolution": 32, "channel_base": 128, "channel_max": 8, "mapping_layers": 1,
        "init_size": (4, 2), "img_channels": channels,
    }  # fmt: skip
    renderer = HeadlessRenderer(registry.build("stylegan2", config).requires_grad_(False))
    assert renderer.info.img_size == (32, 16)
    look = Look(latent=Latent(seed=3))
    still = renderer.render_look(look).pixels
    assert still.shape == (32, 16, 3)
    moved = renderer.render_look(replace(look, transform=Transform(y=0.5))).pixels
    assert not np.array_equal(moved, still)
    tapped = renderer.render_look(look, Tap("b16.conv1"))
    assert tapped.image.shape == (8, 16, 8)
    grid = Grid.of(renderer.info, feature_layer(renderer.info))
    assert (grid.scale, grid.margin) == ((0.5, 0.5), (0.0, 0.0))
    assert names(renderer.info)[:3] == ["2x4", "2x4 rgb", "4x8"]


def names(info: GeneratorInfo) -> list[str]:
    return [registry.family("stylegan2").label(layer) for layer in info.layers]
