"""Schedules of several phases: the settings of each hold from its kimg on, also across a restart, and are told."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.errors import UsageError
from explorer.training import history
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.pack import export
from explorer.training.recipes import RECIPES, settings_of
from explorer.training.settings import TrainSettings
from explorer.training.trainer import Trainer

from .test_loop import settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 8, 16, batch=8)])


_GUIDED = {"guide_weight": 1.0, "adversarial_kimg": 1e9, "lr_g": 0.01}
_PHASES = [(0.008, {"lr_g": 0.002}), (0.016, {"adversarial_kimg": 0.0, "guide_first": 1, "lr_g": 0.001})]
_BACK = [*_PHASES, (0.024, {"adversarial_kimg": 1e9}), (0.032, {"adversarial_kimg": 0.0})]  # the guide once more


def test_settings_of_each_phase(tmp_path: Path) -> None:
    s = TrainSettings("stylegan2", tmp_path, [], lr_g=1.0, phases=[(2.0, {"gamma": 5.0}), (1.0, {"lr_g": 0.5})])
    assert (s.at(999).lr_g, s.at(1000).lr_g, s.at(1999).gamma, s.at(2000).gamma) == (1.0, 0.5, s.gamma, 5.0)
    assert s.end.lr_g == 0.5


def test_sizes_cannot_change_on_the_way(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="batch, nonsense"):
        TrainSettings("stylegan2", tmp_path, [], phases=[(1.0, {"batch": 4, "nonsense": 1})])


def test_one_run_goes_from_the_guide_to_the_game(data: Critters, tmp_path: Path) -> None:
    trainer = Trainer(settings("stylegan3-t", tmp_path, **_GUIDED, phases=_PHASES), data)
    rates = []
    for _ in range(5):
        trainer.step()
        rates.append(trainer.opt_g.adam.param_groups[0]["lr"])
        assert ("loss_d" in trainer.metrics) == (trainer.images_seen > 16)
    assert rates == pytest.approx([0.01, 0.01, 0.002, 0.002, 0.001])
    assert trainer.augment.settings.guide_first == 1


def test_the_guide_alone_may_come_back(data: Critters, tmp_path: Path) -> None:
    trainer = Trainer(settings("stylegan3-t", tmp_path, **_GUIDED, phases=_BACK), data)
    played = []
    for _ in range(10):
        before = [p.clone() for p in trainer.d.parameters()]
        trainer.step()
        played.append(any(not torch.equal(a, b) for a, b in zip(before, trainer.d.parameters(), strict=True)))
    assert played == [False] * 4 + [True] * 2 + [False] * 2 + [True] * 2


@pytest.mark.parametrize("cut", [0.020, 0.028, 0.036])
def test_a_restart_within_a_phase_changes_nothing(cut: float, data: Critters, tmp_path: Path) -> None:
    changes = {**_GUIDED, "phases": _BACK, "total_kimg": 0.040}
    whole = run(settings("stylegan2", tmp_path / "whole", **changes), data)
    run(settings("stylegan2", tmp_path / "cut", **{**changes, "total_kimg": cut}), data)
    again = run(settings("stylegan2", tmp_path / "cut", **changes), data)
    for a, b in zip(whole.g_ema.state_dict().values(), again.g_ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_run_without_a_history_has_no_phases(tmp_path: Path) -> None:
    assert history.phases(tmp_path, 1.0) == []


def test_history_tells_plan_and_manual_changes(data: Critters, tmp_path: Path) -> None:
    changes = {**_GUIDED, "phases": _PHASES}
    run(settings("stylegan2", tmp_path / "run", **{**changes, "total_kimg": 0.012}), data)
    run(settings("stylegan2", tmp_path / "run", **{**changes, "total_kimg": 0.012}), data)  # nothing left to do
    run(settings("stylegan2", tmp_path / "run", **{**changes, "total_kimg": 0.020, "gamma": 9.0}), data)
    first, *later = history.phases(tmp_path / "run", 0.020)
    assert first[0] == 0
    assert first[1]["lr_g"] == 0.01
    assert later == [
        (0.008, {"lr_g": 0.002}),
        (0.012, {"gamma": 9.0}),
        (0.016, {"adversarial_kimg": 0.0, "guide_first": 1, "lr_g": 0.001}),
    ]
    export(tmp_path / "run", "mine", tmp_path / "assets")
    card = (tmp_path / "assets" / "mine.md").read_text()
    assert "* from 0.0 kimg: gamma 9.0" in card
    assert "Reconstruction only for 0.0 kimg, 0.0 kimg with the discriminator" in card
    assert (tmp_path / "assets" / "mine.png").exists()


def test_what_is_asked_for_holds_in_every_phase(tmp_path: Path) -> None:
    name = "critters-stylegan2-cpu"
    planned = RECIPES[name].settings["phases"][-1][1]["lr_g"]
    assert settings_of(name, tmp_path, []).end.lr_g == planned
    assert settings_of(name, tmp_path, [], lr_g=0.5).end.lr_g == 0.5
    assert RECIPES[name].settings["phases"][-1][1]["lr_g"] == planned != 0.5
