"""Resampling filters of any length give the same picture in every backend."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from explorer.generators import registry
from explorer.generators.base import Generator
from explorer.ops import backend, native

_SMALL = {"z_dim": 4, "w_dim": 4, "img_resolution": 16, "channel_base": 64, "channel_max": 6, "mapping_layers": 1}


@pytest.fixture(autouse=True, scope="module")
def kernels() -> None:
    """Builds the native kernels if need be; where there are none, "auto" is "torch"."""
    native.build()


def _picture(generator: Generator, batch: int, kernels: backend.Backend, dtype: torch.dtype) -> Tensor:
    torch.manual_seed(1)
    ws = generator.broadcast(generator.mapping(torch.randn(batch, generator.info.z_dim)))
    with torch.inference_mode(), backend.use_backend(kernels, dtype):
        return generator.synthesis(ws)


def _check(family: str, config: dict[str, Any], dtype: torch.dtype = torch.float32, *, mixed: bool = False) -> None:
    torch.manual_seed(0)
    generator = registry.build(family, config).requires_grad_(False)
    if mixed:  # as a file's buffer may: no product of a row and a column
        for name, buffer in generator.named_buffers():
            if name.endswith("resample_filter"):
                buffer.copy_(torch.rand_like(buffer) / buffer.numel())
    tolerance = 1e-4 if dtype == torch.float32 else 0.06
    for batch in (1, 2):
        expected = _picture(generator, batch, "reference", torch.float32)
        for kernels in ("auto", "torch"):
            found = _picture(generator, batch, kernels, dtype)  # type: ignore[arg-type]  # of a tuple of literals
            error = float((found - expected).abs().max() / expected.abs().max())
            assert error < tolerance, f"{kernels}, batch {batch}: {error:g}"


@pytest.mark.parametrize("taps", [*range(1, 18), 31, 32])
@pytest.mark.parametrize("architecture", ["skip", "resnet"])
def test_filters_of_stylegan2(taps: int, architecture: str) -> None:
    row = (torch.rand(taps, generator=torch.Generator().manual_seed(taps)) + 0.1).tolist()  # not symmetric
    _check("stylegan2", {**_SMALL, "architecture": architecture, "resample_filter": row})


@pytest.mark.parametrize("taps", [4, 8, 12])
def test_filters_of_stylegan2_in_bfloat16(taps: int) -> None:
    _check("stylegan2", {**_SMALL, "resample_filter": [1.0] * taps}, torch.bfloat16)


@pytest.mark.parametrize("taps", range(1, 8))
def test_filters_that_are_not_a_product(taps: int) -> None:
    _check("stylegan2", {**_SMALL, "resample_filter": [1.0] * taps}, mixed=True)


@pytest.mark.parametrize("family", ["stylegan3-t", "stylegan3-r"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 6, 7, 8, 12])
@pytest.mark.parametrize("up", [1, 2, 3, 4, 5])
def test_filters_of_stylegan3(family: str, size: int, up: int) -> None:
    config = {**_SMALL, "num_layers": 3, "margin_size": 4, "filter_size": size, "lrelu_upsampling": up}
    _check(family, {**config, "use_radial_filters": family == "stylegan3-r"})
