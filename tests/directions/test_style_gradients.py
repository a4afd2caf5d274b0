"""Gradients of a picture by its styles: those of finite differences, and what random sign probes make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from explorer.directions import style_gradients
from explorer.directions.regions import regions_of
from explorer.directions.style_gradients import styled_picture
from explorer.directions.style_probes import Probed, influence
from explorer.directions.style_trials import SIGMAS, Trial, changes
from explorer.generators.base import INPUT
from explorer.ops.backend import policy, use_backend
from explorer.render.headless import HeadlessRenderer
from explorer.state import Edit, Look, StyleChannels, Transform
from explorer.util.steps import run
from tests.generators.configs import small_generator

FAMILIES = ["stylegan2-skip", "stylegan3-t", "stylegan3-r", "tiny"]


def prepared(name: str, look: Look | None = None) -> tuple[Any, Any, Any]:
    renderer = HeadlessRenderer(small_generator(name).eval().requires_grad_(False))
    with torch.inference_mode():
        return renderer.context.generator, *renderer.context.prepared(renderer.request(look or Look()))


def moved_by(generator: Any, inputs: Any, edits: Any, layer: int, channel: int, step: float) -> torch.Tensor:
    """The change of the picture `[H, W]` by the module that tries channels."""
    for found in changes(generator, inputs, edits, [Trial(layer, channel, step / SIGMAS)], "reference"):
        if found is not None:
            return found[0][1]
    raise AssertionError


@pytest.mark.parametrize("keeps_all", [True, False])
@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_those_of_finite_differences(
    name: str, keeps_all: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(style_gradients, "_KEPT_BYTES", 1 << 40 if keeps_all else 0)
    look = Look(transform=Transform(x=0.1))
    generator, inputs, edits = prepared(name, look)
    with torch.inference_mode():
        styled = run(styled_picture(generator, inputs, edits))
        picture = run(generator.picture_steps(inputs, edits=edits))[0]
    torch.testing.assert_close(styled.picture.detach(), picture, rtol=1e-3, atol=1e-4)
    probe = torch.randn(styled.picture.shape, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        slopes = [run(styled.slopes(probe)) for _ in range(2)]  # the graph is still there
    assert set(slopes[0]) == set(styled.widths)
    for i, slope in slopes[0].items():
        torch.testing.assert_close(slope, slopes[1][i])
        channel = int(slope.abs().argmax())
        step = torch.zeros(1, len(slope))
        step[0, channel] = 3e-3
        values = []
        for sign in (1.0, -1.0):
            again = run(styled_picture(generator, inputs, _Moved(edits, i, sign * step)))
            values.append(float((again.picture * probe).sum()))
        assert (values[0] - values[1]) / 6e-3 == pytest.approx(float(slope[channel]), rel=0.1)


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_are_those_of_the_whole_graph_in_the_readable_operators(name: str) -> None:
    generator, inputs, edits = prepared(name)
    styled = run(styled_picture(generator, inputs, edits))
    probe = torch.randn(styled.picture.shape, generator=torch.Generator().manual_seed(2))
    found = run(styled.slopes(probe))
    with use_backend("reference"):
        leaves = {}
        activation = generator.begin(_normal(inputs))
        for i, layer in enumerate(generator.layers):
            leaves[i] = layer.style(inputs.ws[:, layer.info.ws_index].clone()).clone().requires_grad_()
            activation = layer.run(activation, leaves[i], layer.noise(inputs.noise, 1))
        expected = torch.autograd.grad((generator.rgb(activation)[0] * probe).sum(), list(leaves.values()))
    for i, slope in zip(leaves, expected, strict=True):
        if not generator.info.layers[i].is_rgb:
            scale = float(slope.abs().max())
            torch.testing.assert_close(found[i], slope[0], rtol=1e-2, atol=1e-3 * scale)


def _normal(inputs: Any) -> Any:
    """The same inputs, outside inference mode."""
    return replace(inputs, ws=inputs.ws.clone())


class _Moved:
    def __init__(self, edits: Any, layer: int, step: torch.Tensor) -> None:
        self.edits, self.layer, self.step = edits, layer, step

    def key(self, i: int) -> bytes:
        return b""

    def style(self, i: int, s: torch.Tensor) -> torch.Tensor:
        s = self.edits.style(i, s)
        return s + self.step if i == self.layer else s

    def features(self, i: int, activation: Any) -> Any:
        return self.edits.features(i, activation)


def test_the_input_of_stylegan3_is_a_leaf_and_layers_to_rgb_are_not() -> None:
    generator, inputs, edits = prepared("stylegan3-t")
    styled = run(styled_picture(generator, inputs, edits))
    assert list(styled.widths) == [INPUT, *range(len(generator.layers) - 1)]
    assert styled.widths[INPUT] == 4
    assert styled.features is not None
    assert styled.features.shape[1:] == (generator.info.layers[0].resolution,) * 2 or styled.features.shape[1] <= 32


def test_edits_of_the_look_are_part_of_the_picture() -> None:
    name = small_generator("stylegan2-skip").info.layers[0].name
    look = Look(edits=(Edit(StyleChannels(name, (1,), (1.0,)), 2.0),))
    plain, edited = (run(styled_picture(*prepared("stylegan2-skip", each))) for each in (Look(), look))
    step = (_style_of(edited) - _style_of(plain)).detach()[0]
    np.testing.assert_allclose(step.numpy(), 2.0 * np.eye(len(step))[1], atol=1e-6)
    assert not torch.equal(plain.picture, edited.picture)


def _style_of(styled: Any) -> torch.Tensor:
    (style,) = [part.style for part in styled._parts if part.index == 0]
    return style


class Linear:
    """A picture to which style channel c adds `areas[c]`."""

    def __init__(self, areas: torch.Tensor) -> None:
        self.areas = areas
        self.picture = torch.zeros(3, *areas.shape[1:])
        self.widths = {0: len(areas)}

    def slopes(self, weights: torch.Tensor) -> Iterator[None]:
        yield
        return {0: torch.einsum("chw,khw->k", weights, self.areas)}  # type: ignore[return-value]


def test_probes_estimate_the_change_of_each_region() -> None:
    """Channel 0 paints the left half, channel 1 the right, channel 2 all of it by half."""
    size = 64
    left = (torch.arange(size) < size // 2).float().expand(size, size)
    region = np.zeros((size, size), bool)
    region[:, : size // 2] = True
    regions = regions_of(region, None, torch.device("cpu"))
    picture = Linear(torch.stack([left, 1 - left, torch.full((size, size), 0.5)]))
    count = 256 * len(regions.masks)
    seen: list[Any] = []
    work = influence(picture, regions, (256,) * len(regions.masks))  # type: ignore[arg-type]
    while True:
        try:
            seen.append(next(work))
        except StopIteration as end:
            (found,) = end.value.values()
            break
    assert [item.done for item in seen if isinstance(item, Probed)] == list(range(1, count + 1))
    np.testing.assert_allclose(found[0], [1.0, 0.0, 0.5], atol=0.1)
    for other in found[1:]:
        np.testing.assert_allclose(other, [0.0, 1.0, 0.5], atol=0.15)


def test_steps_leave_the_thread_as_it_was() -> None:
    generator, inputs, edits = prepared("stylegan2-skip")
    before = policy()
    with torch.inference_mode():
        steps = styled_picture(generator, inputs, edits)
        for _ in range(3):
            next(steps)
            assert torch.is_inference_mode_enabled()
            assert policy() == before
        trials = changes(generator, inputs, edits, [Trial(1, 0, 1.0)], "torch")
        for _ in range(3):
            next(trials)
            assert policy() == before
