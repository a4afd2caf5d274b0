"""Edits of styles, features and the input: rendered where they stand, and never from a stale result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from explorer.edits import registry
from explorer.edits.base import EditKind, EditValue, Placed, Stage
from explorer.generators.base import Generator
from explorer.render.cache import StageCache
from explorer.render.layer_edits import INPUT_LAYER
from explorer.render.pipeline import Pipeline
from explorer.render.resolve import resolve_look
from explorer.state import Edit, Latent, Look, Tap
from explorer.state.request import ModelKey
from tests.generators.configs import small_generator


@dataclass(frozen=True)
class Bend(EditValue):
    kind: ClassVar[str] = "bend"
    layer: str


class BendKind(EditKind[Bend]):
    name, title, value = "bend", "Bend", Bend
    stage: ClassVar[Stage] = "features"

    def resolve(self, value: Bend, info: object, assets: object) -> Placed:
        return Placed(value.layer.encode(), None, (value.layer,))

    def apply(self, target: Any, edit: Any, layer: object) -> Any:
        return replace(target, x=target.x * (1.0 + edit.strength))


@dataclass(frozen=True)
class Shift(Bend):
    kind: ClassVar[str] = "shift"


class ShiftKind(BendKind):
    name, title, value = "shift", "Shift", Shift
    stage: ClassVar[Stage] = "s"

    def apply(self, target: Any, edit: Any, layer: object) -> Any:
        return target + edit.strength


@pytest.fixture(autouse=True)
def kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (BendKind(), ShiftKind()):
        monkeypatch.setitem(registry._BUILT_IN, kind.name, kind)


def picture(pipeline: Pipeline, generator: Generator, *edits: Edit) -> tuple[Tensor, int]:
    request = resolve_look(Look(Latent(3), edits=edits), Tap(), generator.info, model=ModelKey("x"))
    with torch.inference_mode():
        result = pipeline.run(pipeline.plan(request, 0))
        return result.image.clone(), result.hits


@pytest.mark.parametrize("name", ["stylegan2-skip", "stylegan2-resnet", "stylegan3-t"])
def test_edits_of_layers_change_what_follows_and_nothing_before(name: str) -> None:
    generator = small_generator(name)
    pipeline = Pipeline(generator, StageCache(64 << 20))
    plain, _ = picture(pipeline, generator)
    layers = [layer.name for layer in generator.info.layers]
    edits = [(Edit(Bend(layers[2]), 0.5), 3), (Edit(Shift(layers[1]), 0.7), 2), (Edit(Bend(INPUT_LAYER), 0.25), 0)]
    if generator.info.input_style_dim:
        edits.append((Edit(Shift(INPUT_LAYER), 0.3), 0))
    for edit, hits in edits:
        edited, cached = picture(pipeline, generator, edit)
        assert not torch.equal(edited, plain)
        assert cached == hits
        assert torch.equal(edited, picture(Pipeline(generator, StageCache(64 << 20)), generator, edit)[0])
        assert torch.equal(picture(pipeline, generator)[0], plain)
    assert torch.equal(picture(pipeline, generator, Edit(Bend("elsewhere"), 0.5))[0], plain)
