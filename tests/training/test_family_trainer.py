"""Training asks the family's descriptor how a family is trained, and names none itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

import explorer.training
from explorer.errors import UnsupportedModelError, UsageError
from explorer.generators import registry
from explorer.generators.base import Activation, NoiseSpec, SynthesisLayer
from explorer.generators.registry import build, families, family
from explorer.training.family_trainer import FamilyTrainer, trainer_of
from explorer.training.fast import FastSynthesis
from explorer.training.fast_layer import FastLayer
from explorer.training.recipes import channels, family_defaults

_OF_FAMILIES = {"stylegan2.py", "stylegan3.py", "fourier.py", "recipes.py", "teacher.py"}


class BrighterLayer(FastLayer):
    """A layer whose features come out larger by one."""

    def run(self, activation: Activation, style: torch.Tensor, noise: torch.Tensor | None = None) -> Activation:
        after = super().run(activation, style, noise)
        return after.with_features(after.x + 1)


class PluginTrainer(FamilyTrainer):
    """What a package of somebody else might give for its family."""

    settings: ClassVar[Mapping[str, Any]] = {"gamma": 7.0}
    channel_factor = 3

    def fast_layer(self, layer: SynthesisLayer, dtype: torch.dtype, device: torch.device) -> FastLayer:
        return BrighterLayer(layer)


def test_every_trainer_that_a_descriptor_names_is_there() -> None:
    named = [item for item in families().values() if item.trainer]
    assert {"stylegan2", "stylegan3-t", "stylegan3-r"} <= {item.name for item in named}
    for item in named:
        assert type(trainer_of(item.name)) is not FamilyTrainer


def test_a_family_without_one_is_trained_by_its_own_layers() -> None:
    assert not family("tiny").trainer
    generator = build("tiny", {})
    ws = torch.randn(2, generator.info.num_ws, generator.info.w_dim)
    with torch.no_grad():
        expected = generator.synthesis(ws, noise=NoiseSpec("none"))
        torch.testing.assert_close(FastSynthesis(generator)(ws, noise=False), expected, atol=0, rtol=0)
    with pytest.raises(UsageError, match="no Fourier features"):
        trainer_of("tiny").spread_features(generator, 0.5)


def test_another_package_names_its_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    described = replace(family("tiny"), trainer=f"{__name__}:PluginTrainer")
    monkeypatch.setitem(registry._BUILT_IN, "tiny", described)
    assert family_defaults("tiny", 64, 16)["gamma"] == 7.0
    assert channels("tiny", 100, 10) == (
        {"channel_base": 300, "channel_max": 30},
        {"d_channel_base": 100, "d_channel_max": 10},
    )
    generator = build("tiny", {})
    ws = torch.randn(1, generator.info.num_ws, generator.info.w_dim)
    first = generator.layers[0].info.name
    with torch.no_grad():
        brighter = FastSynthesis(generator).features(ws, first, noise=False).x
        monkeypatch.undo()
        plain = FastSynthesis(generator).features(ws, first, noise=False).x
    torch.testing.assert_close(brighter, plain + 1)


def test_a_trainer_that_cannot_be_imported_is_the_plug_ins_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    described = replace(family("tiny"), name="mygan", title="MyGAN", trainer="no_such_package:Trainer")
    monkeypatch.setattr("explorer.training.family_trainer.described", lambda name: described)
    with pytest.raises(UnsupportedModelError, match="plug-in of the family MyGAN does not work"):
        trainer_of("mygan")


def test_what_all_families_share_names_none() -> None:
    folder = Path(explorer.training.__file__).parent
    naming = [
        path.name
        for path in sorted(folder.glob("*.py"))
        if path.name not in _OF_FAMILIES and re.search(r"[\"'.]stylegan\d|StyleGAN\d\w", path.read_text("utf-8"))
    ]
    assert naming == []
