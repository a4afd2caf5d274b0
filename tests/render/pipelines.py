"""Pipelines over small generators, and what they ran."""

from __future__ import annotations

from typing import Any

import torch

from explorer.generators.base import Generator
from explorer.generators.registry import build
from explorer.render.cache import StageCache
from explorer.render.pipeline import Pipeline, Result
from explorer.render.resolve import resolve_look
from explorer.state import Edit, Look, Offset, Tap
from explorer.state.request import ModelKey, RenderRequest

SMALL: dict[str, tuple[str, dict[str, Any]]] = {
    "tiny": ("tiny", {}),
    "stylegan2": (
        "stylegan2",
        {"img_resolution": 16, "channel_base": 256, "channel_max": 16, "z_dim": 8, "w_dim": 8, "mapping_layers": 2},
    ),
    "stylegan3-t": (
        "stylegan3-t",
        {"img_resolution": 16, "channel_base": 128, "channel_max": 8, "z_dim": 8, "w_dim": 8, "num_layers": 4},
    ),
}
KEY = ModelKey("sha")


def generator_of(name: str) -> Generator:
    torch.manual_seed(0)
    family, config = SMALL[name]
    generator = build(family, config).requires_grad_(False)
    for parameter_name, parameter in generator.named_parameters():
        if parameter_name.endswith("noise_strength"):
            parameter.fill_(0.3)
    return generator


def pipeline_of(generator: Generator, budget: int = 64 << 20, **options: Any) -> Pipeline:
    return Pipeline(generator, StageCache(budget), "sha", **options)


def request_of(generator: Generator, look: Look | None = None, tap: Tap | None = None) -> RenderRequest:
    return resolve_look(look or Look(), tap or Tap(), generator.info, model=KEY)


def run(pipeline: Pipeline, request: RenderRequest, view: int | None = 0, **options: Any) -> Result:
    with torch.inference_mode():
        return pipeline.run(pipeline.plan(request, view), **options)


def ran(result: Result) -> list[str]:
    """Names of the stages that were computed."""
    return [t.name for t in result.timings if not t.hit and t.name != "mapping"]


def offset_from(entry: int, value: float) -> Look:
    return Look(edits=(Edit(Offset((value,) * 8, entry, entry)),))
