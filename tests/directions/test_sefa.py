"""SeFa: eigenvectors of the style weights, by the definition on each family's own weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from explorer.directions.direction_set import DirectionSet, cosines
from explorer.directions.sefa import sefa, style_matrix
from explorer.errors import UsageError
from explorer.generators.base import Generator
from tests.generators.configs import SMALL, small_generator


def _layers(generator: Generator) -> Sequence[Any]:
    """The layers, of which both families have an attribute `affine`."""
    return generator.layers


WITH_STYLES = [name for name, (family, _) in SMALL.items() if family != "tiny"]


@pytest.mark.parametrize("name", WITH_STYLES)
def test_the_style_matrix_is_that_of_the_affine_layer(name: str) -> None:
    generator = small_generator(name)
    w = torch.randn(5, generator.info.w_dim)
    for layer in generator.layers:
        matrix = style_matrix(layer.style, generator.info.w_dim, generator.device)
        with torch.no_grad():
            expected = (layer.style(w) - layer.style(torch.zeros_like(w))).double()
        torch.testing.assert_close(w.double() @ matrix.T, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalised", [True, False])
@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan3-t", "mobilestylegan"])
def test_directions_are_the_eigenvectors_of_the_chosen_weights(name: str, normalised: bool) -> None:
    generator = small_generator(name)
    info = generator.info
    # StyleGAN2: all convolutions and only the last ToRGB; StyleGAN3: neither its input nor its last layer;
    # MobileStyleGAN: convolutions and Haar transforms, no head.
    last = info.num_ws - 1
    chosen = [
        layer
        for layer in _layers(generator)
        if not layer.info.is_rgb or (name.startswith("stylegan2") and layer.info.ws_index == last)
    ]
    # Styles of ToRGB layers have a gain of their own, which counts where rows are not normalised.
    weights: list[Any] = [layer.affine.weight.double() * getattr(layer, "style_gain", 1.0) for layer in chosen]
    rows = torch.cat(weights)
    if normalised:
        rows = rows / rows.norm(dim=1, keepdim=True)
    found = sefa(generator, is_normalised=normalised)
    assert found.vectors.shape == (info.w_dim, info.w_dim)
    np.testing.assert_allclose(np.linalg.norm(found.vectors, axis=1), 1.0, rtol=1e-5)
    assert (np.diff(found.values) <= 0.0).all()
    vectors = torch.from_numpy(found.vectors).double()
    values = ((rows @ vectors.T) ** 2).sum(dim=0).detach().numpy()
    scale = 1.0 if normalised else values[0] / found.values[0]  # a runtime gain is common to all rows
    np.testing.assert_allclose(found.values * scale, values, rtol=1e-3, atol=1e-4 * values[0])


def test_a_choice_of_entries_takes_the_layers_that_they_style() -> None:
    generator = small_generator("stylegan2-skip")
    found = sefa(generator, [0])
    (layer,) = (layer for layer in _layers(generator) if layer.info.ws_index == 0 and not layer.info.is_rgb)
    rows = layer.affine.weight.double()
    rows = (rows / rows.norm(dim=1, keepdim=True)).detach().numpy()
    assert found.entries == (0,)
    first = found.vectors[0].astype(np.float64)
    np.testing.assert_allclose(((rows @ first) ** 2).sum(), np.linalg.norm(rows, 2) ** 2, rtol=1e-4)
    assert abs(float(cosines(found.vectors[:1], sefa(generator).vectors[:1])[0, 0])) < 0.999


def test_stylegan3_has_its_camera_as_a_group_of_its_own() -> None:
    generator = small_generator("stylegan3-r")
    torch.nn.init.normal_(generator.input.affine.weight)  # type: ignore[union-attr, arg-type]
    found = sefa(generator, [0])
    assert found.names[0] == "SeFa camera 0"
    # The input has four styles: no more than four directions move it.
    assert (found.values[:4] > 1e-6).all()
    np.testing.assert_allclose(found.values[4:], 0.0, atol=1e-9)


def test_layers_without_styles_are_refused() -> None:
    with pytest.raises(UsageError, match="no styles"):
        sefa(small_generator("stylegan2-skip"), [99])


def test_duplicates_are_dropped() -> None:
    vectors = np.array([[1, 0, 0], [0, 1, 0], [0.99, 0.1, 0.1], [0, -0.95, 0.3]], np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    found = DirectionSet("sefa", "w", vectors, np.arange(4.0, 0.0, -1.0), np.ones(4), ("a", "b", "c", "d"))
    assert found.without_duplicates().names == ("a", "b")
    assert found.of([3]).without_duplicates([found.of([1])]).names == ()
    assert found.of([0]).without_duplicates([found.of([1])]).names == ("a",)
