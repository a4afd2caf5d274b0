"""The Fourier features of StyleGAN3 by axes against those by points, also in a narrow format."""

from __future__ import annotations

import pytest
import torch

from explorer.generators.stylegan3 import StyleGAN3Generator
from explorer.ops import backend
from tests.generators.configs import small_generator


@pytest.mark.parametrize("family", ["stylegan3-t", "stylegan3-r"])
def test_features_by_axes_are_those_by_points(family: str) -> None:
    generator = small_generator(family, seed=3)
    assert isinstance(generator, StyleGAN3Generator)
    features = generator.input
    torch.nn.init.normal_(features.affine.weight, std=0.2)  # fresh ones move nothing
    style = features.style(torch.randn(3, generator.info.w_dim)).detach()
    turned = torch.tensor([[0.8, -0.6, 0.2], [0.6, 0.8, -0.3], [0.0, 0.0, 1.0]])
    with torch.inference_mode():
        for transform in (None, turned):
            with backend.use_backend("reference"):
                expected = features(style, transform)
            found = features(style, transform)
            assert found.shape == expected.shape
            assert not torch.equal(found, expected), "the same way twice proves nothing"
            torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
            with backend.use_backend(dtype=torch.bfloat16):
                narrow = features(style, transform)
            assert narrow.dtype == torch.bfloat16
            torch.testing.assert_close(narrow.float(), expected, rtol=0, atol=0.02 * float(expected.abs().max()))
