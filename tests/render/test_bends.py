"""Bends in pictures: reuse of earlier layers, no trace at amount 0, StyleGAN3's canvas and its own filters."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.edits.bend import bent_layers, bent_places
from explorer.edits.channels import ChannelRange
from explorer.edits.registry import resolve_edits
from explorer.generators.base import Activation, Generator, Inputs, fold
from explorer.generators.stylegan3 import StyleGAN3Layer
from explorer.render.cache import StageCache
from explorer.render.headless import open_model
from explorer.render.layer_edits import layer_edits
from explorer.render.pipeline import Pipeline
from explorer.render.resolve import resolve_look
from explorer.state import Bend, Edit, Latent, Look, Noise, Tap, Transform
from explorer.state.request import ModelKey, RenderRequest, RenderSettings
from tests.generators.configs import small_generator

FAMILIES = ["stylegan2-skip", "stylegan2-resnet", "stylegan2-orig", "stylegan3-t", "stylegan3-r"]


def request(generator: Generator, *edits: Edit) -> RenderRequest:
    return resolve_look(Look(Latent(3), edits=edits), Tap(), generator.info, model=ModelKey("x"))


def picture(pipeline: Pipeline, *edits: Edit) -> tuple[Tensor, int]:
    with torch.inference_mode():
        result = pipeline.run(pipeline.plan(request(pipeline.generator, *edits), 0))
        return result.image.clone(), result.hits


def features(generator: Generator, layer: int, *edits: Edit) -> tuple[Tensor, Tensor]:
    """The features of a layer without edits, and with them."""
    made = request(generator, *edits)
    ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim)))
    inputs = Inputs(ws)
    start = generator.begin(inputs)
    plain = fold(generator.layers, start, inputs, stop=layer).x
    chosen = layer_edits(made.style, generator.info, generator.layers)
    return plain, fold(generator.layers, start, inputs, stop=layer, edits=chosen).x


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_bend_costs_only_later_layers_and_amount_0_leaves_no_trace(name: str, dtype: torch.dtype) -> None:
    generator = small_generator(name)
    pipeline = Pipeline(generator, StageCache(64 << 20), dtype=dtype)
    plain, _ = picture(pipeline)
    layer = bent_layers(generator.info)[2]
    at = generator.info.layers.index(layer)
    for bend in (Bend(layer.name, "rotate", (40.0,)), Bend(layer.name, "dilate", (2.0,), ChannelRange(0, 3))):
        bent, hits = picture(pipeline, Edit(bend))
        assert not torch.equal(bent, plain)
        assert hits == at + 1  # the input and the layers before
        fresh = Pipeline(generator, StageCache(64 << 20), dtype=dtype)
        assert torch.equal(picture(fresh, Edit(bend))[0], bent)
        assert torch.equal(picture(fresh, Edit(bend, 0.0))[0], plain)
        assert torch.equal(picture(fresh, Edit(bend, is_on=False))[0], plain)
        half = picture(fresh, Edit(bend, 0.5))[0]
        assert not torch.equal(half, plain)
        assert not torch.equal(half, bent)


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_whole_samples_shift_an_early_layer_of_stylegan3(name: str) -> None:
    generator = small_generator(name)
    info = generator.info.layers[1]
    right, down = 3, -2
    bend = Bend(info.name, "translate", (right / info.width, down / info.height))
    with torch.inference_mode():
        plain, moved = features(generator, 1, Edit(bend))
    wanted = torch.zeros_like(plain)
    wanted[:, :, :down, right:] = plain[:, :, -down:, :-right]
    assert torch.equal(moved, wanted)


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    """How alike two pictures are, away from their edges, as EQ-T and EQ-R measure it."""
    inner = (slice(None), slice(14, -14), slice(14, -14))
    return float(10 * np.log10(4 / np.mean((a[inner] - b[inner]) ** 2)))


def test_moving_features_of_stylegan3_moves_its_picture() -> None:
    renderer, _ = open_model("critters-stylegan3-r", RenderSettings("cpu", "float32"))

    def shown(**aspects: Any) -> np.ndarray:
        return renderer.render_look(Look(Latent(5), **aspects)).image

    moved, turned = shown(transform=Transform(0.061, -0.043)), shown(transform=Transform(rotate=15.0))
    quarter = shown(transform=Transform(rotate=90.0))
    assert decibels(shown(), moved) < 30.0
    for layer in renderer.context.generator.info.layers[:3]:
        share = layer.resolution / layer.width  # of the canvas that the picture takes
        bends = (
            Bend(layer.name, "translate", (0.061 * share, -0.043 * share)),
            Bend(layer.name, "rotate", (15.0,)),
        )
        assert decibels(shown(edits=(Edit(bends[0]),)), moved) > 45.0
        assert decibels(shown(edits=(Edit(bends[1]),)), turned) > 42.0
        assert decibels(shown(edits=(Edit(Bend(layer.name, "rotate", (90.0,))),)), quarter) > 100.0


def fast_energy(x: Tensor) -> float:
    """The energy of the inner part of features above three quarters of the highest frequency."""
    x = x[..., 4:-4, 4:-4].double()
    window = torch.hann_window(x.shape[2], dtype=x.dtype)
    power = torch.fft.fft2((x - x.mean(dim=(2, 3), keepdim=True)) * window.outer(window)).abs().square()
    f = torch.fft.fftfreq(x.shape[2]).abs()
    return float(power[..., (f[:, None] > 0.375) | (f > 0.375)].sum())


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
@pytest.mark.parametrize("operation", ["threshold", "erode", "noise"])
def test_new_detail_is_filtered_by_the_layer_of_stylegan3(name: str, operation: str) -> None:
    generator = small_generator(name)
    edit = Edit(Bend(generator.info.layers[0].name, operation, channels=ChannelRange(2, 8)))  # type: ignore[arg-type]
    with torch.inference_mode():
        plain, edited = features(generator, 0, edit)
        (resolved,) = resolve_edits((edit,), generator.info)
        unfiltered = resolved.apply(Activation(plain)).x
    # The layer's cutoff is a quarter of its highest frequency.
    assert fast_energy(edited[:, 2:9]) < 0.05 * fast_energy(unfiltered[:, 2:9])
    assert torch.equal(edited[:, :2], plain[:, :2])
    assert torch.equal(edited[:, 9:], plain[:, 9:])
    low = torch.nn.functional.avg_pool2d
    torch.testing.assert_close(low(edited, 9), low(unfiltered, 9), atol=0.15, rtol=0.1)


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_the_filter_passes_what_is_in_the_band_in_its_place(name: str) -> None:
    generator = small_generator(name)
    for layer in generator.layers[:-1]:
        size, spec = layer.info.height, cast("StyleGAN3Layer", layer).spec
        at = torch.arange(size) / spec.out_sampling_rate
        slow = torch.cos(2 * math.pi * 0.125 * spec.out_cutoff * at + 0.7).expand(1, 2, size, size).contiguous()
        fast = torch.tensor([1.0, -1.0]).repeat(size // 2).expand(1, 2, size, size).contiguous()
        zeros, inner = torch.zeros_like(slow), slice(7, size - 7)
        for dtype, error in ((torch.float32, 0.1), (torch.bfloat16, 0.1)):
            with torch.inference_mode():
                kept = layer.keep_band(zeros.to(dtype), slow.to(dtype))
                cut = layer.keep_band(zeros.to(dtype), fast.to(dtype))
                flat = layer.keep_band(zeros.to(dtype), (zeros + 1).to(dtype))
            assert kept.dtype == dtype
            torch.testing.assert_close(kept[..., inner, inner].float(), slow[..., inner, inner], atol=error, rtol=0)
            limit = 0.01 if spec.out_cutoff < 0.4 * spec.out_sampling_rate else 0.5
            assert float(cut[..., inner, inner].abs().max()) < limit
            torch.testing.assert_close(flat.float(), zeros + 1, atol=0.01, rtol=0)
    last, x = generator.layers[-1], torch.randn(1, 3, 32, 32)
    assert last.keep_band(torch.zeros_like(x), x) is x


def test_other_families_have_no_filter() -> None:
    generator = small_generator("stylegan2-skip")
    edit = Edit(Bend(generator.info.layers[2].name, "threshold"))
    with torch.inference_mode():
        plain, edited = features(generator, 2, edit)
    assert torch.equal(edited, (plain > 0).float())


def test_a_bend_has_gradients_through_the_filter() -> None:
    generator = small_generator("stylegan3-r").requires_grad_(False)
    edit = Edit(Bend(generator.info.layers[1].name, "erode", (1.0,)), 0.5)
    ws = generator.broadcast(generator.mapping(torch.randn(1, 16))).requires_grad_()
    inputs = Inputs(ws)
    edits = layer_edits(request(generator, edit).style, generator.info, generator.layers)
    fold(generator.layers, generator.begin(inputs), inputs, stop=2, edits=edits).x.square().sum().backward()
    assert ws.grad is not None
    assert float(ws.grad.abs().sum()) > 0


@pytest.mark.parametrize("name", FAMILIES[:3])
@pytest.mark.parametrize("noise", ["none", "const", "random"])
def test_resized_features_are_followed_by_later_layers_and_the_picture_keeps_its_size(
    name: str, noise: str
) -> None:
    generator = small_generator(name)
    pipeline = Pipeline(generator, StageCache(64 << 20))
    look = Look(Latent(3), noise=Noise(noise, 5))  # type: ignore[arg-type]

    def shown(*edits: Edit, tap: str = "") -> Tensor:
        made = resolve_look(replace(look, edits=edits), Tap(tap), generator.info, model=ModelKey("x"))
        with torch.inference_mode():
            return pipeline.run(pipeline.plan(made, 0)).image.clone()

    plain = shown()
    for place in bent_places(generator.info):
        for factor in (0.3, 1.5, 2.0):
            edit = Edit(Bend(place.name, "resize", (factor,)))
            resized = shown(edit)
            assert resized.shape == plain.shape
            assert not torch.equal(resized, plain)
            assert torch.equal(shown(edit), resized)
        assert torch.equal(shown(Edit(Bend(place.name, "resize", (1.0,)))), plain)
        assert torch.equal(shown(Edit(Bend(place.name, "resize", (1.5,)), 0.0)), plain)
    last = bent_layers(generator.info)[-1]
    edit = Edit(Bend(bent_layers(generator.info)[0].name, "resize", (1.5,)))
    assert shown(edit, tap=last.name).shape[1:] == (last.height * 3 // 2, last.width * 3 // 2)


def test_resizing_upwards_draws_more_of_the_same_size() -> None:
    """Twice the input of a network with a constant input means twice the detail, seen at half the scale."""
    generator = small_generator("stylegan2-skip")
    made = request(generator, Edit(Bend("input", "resize", (2.0,))))
    with torch.inference_mode():
        ws = generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim)))
        edits = layer_edits(made.style, generator.info, generator.layers)
        inputs = Inputs(ws)
        result = fold(generator.layers, generator.begin(inputs, edits), inputs, edits=edits)
    height, width = generator.info.img_size
    assert result.img is not None
    assert result.img.shape[2:] == (2 * height, 2 * width)
    assert generator.rgb(result).shape[2:] == (height, width)


@pytest.mark.parametrize("name", ["stylegan3-t", "stylegan3-r"])
def test_layers_of_one_size_leave_resizing_out(name: str) -> None:
    generator = small_generator(name)
    edit = Edit(Bend(generator.info.layers[1].name, "resize", (1.5,)))
    assert resolve_edits((edit,), generator.info) == ()


@pytest.mark.parametrize("name", FAMILIES)
def test_the_input_is_bent_like_a_layer(name: str) -> None:
    generator = small_generator(name)
    pipeline = Pipeline(generator, StageCache(64 << 20))
    plain, _ = picture(pipeline)
    bent, hits = picture(pipeline, Edit(Bend("input", "ablate", (), ChannelRange(0, 3))))
    assert hits == 0
    assert not torch.equal(bent, plain)
    turned = request(generator, Edit(Bend("input", "flip-h")))
    with torch.inference_mode():
        inputs = Inputs(generator.broadcast(generator.mapping(torch.randn(1, generator.info.z_dim))))
        edits = layer_edits(turned.style, generator.info, generator.layers)
        assert torch.equal(generator.begin(inputs, edits).x, generator.begin(inputs).x.flip(3))
