"""Fourier features spread by octaves, and what a card says of the way of training."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from explorer.errors import UsageError
from explorer.generators.registry import build
from explorer.generators.stylegan3 import StyleGAN3Generator
from explorer.training import cards
from explorer.training.checks import check
from explorer.training.family_trainer import trainer_of
from explorer.training.fourier import spread_by_octaves
from explorer.training.run_dir import describe
from explorer.training.settings import TrainSettings

from .test_networks import tiny


def test_as_many_waves_in_each_octave_and_in_the_directions_drawn() -> None:
    torch.manual_seed(0)
    generator = build("stylegan3-r", tiny("stylegan3-r") | {"channel_base": 256, "first_cutoff": 4})
    assert isinstance(generator, StyleGAN3Generator)
    before = generator.input.freqs.clone()
    spread_by_octaves(generator, 0.5)
    radius = generator.input.freqs.norm(dim=1)
    assert torch.histc(radius.log2(), 3, -1, 2).unique().numel() <= 2  # 16 waves in three octaves
    assert radius.min() >= 0.5
    assert radius.max() <= 4
    torch.testing.assert_close(generator.input.freqs / radius[:, None], before / before.norm(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("family", "lowest", "message"),
    [
        ("stylegan2", 0.5, "no Fourier features"),
        ("stylegan3-r", 2.0, "range from 2 to 2 cycles"),
        ("stylegan3-t", 99.0, "range from 99 to"),
    ],
)
def test_features_that_cannot_be_are_refused_before_any_data_are_made(
    family: str, lowest: float, message: str, tmp_path: Path
) -> None:
    settings = TrainSettings(
        family, tmp_path, [], generator=tiny(family), resolution=16, fourier_lowest=lowest, d_channel_base=128
    )
    with pytest.raises(UsageError, match=message):
        check(settings)


def note(settings: dict[str, Any], started: dict[str, Any]) -> str:
    return trainer_of(settings["family"]).card_note(settings, started)


def test_the_card_tells_of_features_and_processes(tmp_path: Path) -> None:
    plain = TrainSettings(
        "stylegan3-r", tmp_path, [tmp_path / "a.npy"], generator={"first_cutoff": 16.0}, threads=1
    )
    assert note(describe(plain), {}) == ""
    assert cards._workers(describe(plain)) == ", one thread"
    assert cards._command(describe(plain)).startswith("python main.py train --family stylegan3-r ")
    settings = describe(replace(plain, fourier_lowest=0.4, processes=2, recipe="critters-stylegan3-r-cpu"))
    assert "from 0.4 to 16 cycles a picture" in note(settings, {})
    assert "1x1 convolutions" in note(settings, {})
    assert "1x1 convolutions" not in note(settings | {"family": "stylegan3-t"}, {})
    taken = {"file": "small.safetensors", "whole": ["mapping", "input"]}
    assert note(settings, taken) == "\nIts Fourier features are those of `small.safetensors`."
    assert cards._workers(settings) == ", 2 processes of one thread"
    command = "torchrun --nproc-per-node 2 main.py train --recipe critters-stylegan3-r-cpu --out DIR --pack NAME"
    assert cards._command(settings) == command


def test_the_card_tells_which_differences_guide(tmp_path: Path) -> None:
    settings = TrainSettings("stylegan2", tmp_path, [])
    assert cards._guide(describe(settings)) == "absolute differences at three octaves"
    squared = describe(replace(settings, guide_square=8.0, guide_first=1))
    assert cards._guide(squared) == (
        "absolute and squared differences at three octaves, 1 of them (the finest) only without the discriminator"
    )
