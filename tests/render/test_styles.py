"""The mapping stage: seeds mapped together, each once, and the last bit does not depend on the company."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.generators.registry import build
from explorer.render.styles import MAPPED_TOGETHER, StyleStage
from explorer.state.request import LatentPoint, ModelKey, PointBlend, RenderRequest, StyleRecipe


def stage() -> tuple[StyleStage, list[int]]:
    """A stage and the sizes of the batches that its mapping network saw."""
    torch.manual_seed(0)
    config = {"img_resolution": 16, "z_dim": 48, "w_dim": 40, "mapping_layers": 4, "channel_base": 64}
    generator = build("stylegan2", config).eval().requires_grad_(False)
    mapping, batches = generator.mapping, []

    def counted(z: Tensor, c: Tensor | None = None) -> Tensor:
        batches.append(len(z))
        return mapping(z, c)

    object.__setattr__(generator, "mapping", counted)  # past the submodule of that name
    return StyleStage(generator), batches


def request(*seeds: int, sources: tuple[LatentPoint, ...] = (), **base: object) -> RenderRequest:
    share = 1 / len(seeds)
    point = LatentPoint(tuple((seed, share) for seed in seeds), **base)  # type: ignore[arg-type]  # a blend
    return RenderRequest(ModelKey("model"), style=StyleRecipe(base=point, sources=sources))


def test_seeds_of_a_picture_are_mapped_together_and_once() -> None:
    styles, batches = stage()
    styles.make(request(1, 2, 3, sources=(LatentPoint(((4, 1.0),)),)))
    assert batches == [MAPPED_TOGETHER]
    styles.make(request(4, 3, 2))
    assert len(batches) == 1
    styles.make(request(*range(10, 19)))
    assert batches == [MAPPED_TOGETHER] * 4


@pytest.mark.parametrize("space", ["w", "styles"])
def test_seeds_of_a_blend_are_mapped_together(space: str) -> None:
    styles, batches = stage()
    parts = tuple((StyleRecipe(LatentPoint(((seed, 1.0),))), 0.25) for seed in (5, 6, 7, 8))
    styles.make(request(5, blend=PointBlend(space, parts)))
    assert len(batches) == 1


def test_a_seed_is_the_same_to_the_last_bit_in_any_company() -> None:
    alone, crowded = stage()[0], stage()[0]
    crowded.make(request(30, 31, 7, 32))
    crowded.make(request(9, 7))
    assert np.array_equal(alone.make(request(7)).ws, crowded.make(request(7)).ws)
