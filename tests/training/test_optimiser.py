"""Muon moves the matrices and Adam the rest; a restart changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.generators.registry import build
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.optimiser import GeneratorOptimiser
from explorer.training.trainer import Trainer

from .test_loop import Fixed, fall, settings
from .test_networks import TINY, tiny

_GUIDED = {"guide_weight": 1.0, "adversarial_kimg": 1e9, "lr_g": 0.01, "lr_muon": 0.01}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 8, 16, batch=8)])


@pytest.mark.parametrize("family", TINY)
def test_steps_lower_the_loss_on_a_fixed_batch(family: str, data: Critters, tmp_path: Path) -> None:
    assert fall(Trainer(settings(family, tmp_path, **_GUIDED), Fixed(data)), "guide", 20) < 0.8


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_each_parameter_is_moved_once(layout: torch.memory_format) -> None:
    generator = build("stylegan3-t", tiny("stylegan3-t"))
    generator.to(memory_format=layout)  # type: ignore[call-overload]  # torch's stubs know only the dtype form
    optimiser = GeneratorOptimiser(generator, [], lr=0.0)
    optimiser.set_rates({"lr": 0.0}, 0.1)
    before = {name: parameter.detach().clone() for name, parameter in generator.named_parameters()}
    for parameter in generator.parameters():
        parameter.grad = torch.randn_like(parameter)
    optimiser.step()
    for name, parameter in generator.named_parameters():
        matrix = parameter.ndim in (2, 4) and parameter.shape[0] > 4
        assert torch.equal(parameter, before[name]) != matrix, name


def test_a_step_does_not_depend_on_the_layout() -> None:
    results = []
    for layout in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(0)
        convolution = torch.nn.Conv2d(6, 8, 3).to(memory_format=layout)  # type: ignore[call-overload]  # as above
        optimiser = GeneratorOptimiser(convolution, [], lr=0.0)
        optimiser.set_rates({"lr": 0.0}, 0.1)
        convolution.weight.grad = torch.randn(8, 6, 3, 3)
        optimiser.step()
        results.append(convolution.weight.detach().contiguous())
    torch.testing.assert_close(results[0], results[1], atol=2e-3, rtol=0)  # Muon computes in bfloat16


def test_a_restart_within_a_muon_phase_changes_nothing(data: Critters, tmp_path: Path) -> None:
    changes = {**_GUIDED, "lr_muon": 0.0, "phases": [(0.008, {"lr_muon": 0.01})], "total_kimg": 0.032}
    whole = run(settings("stylegan3-t", tmp_path / "whole", **changes), data)
    run(settings("stylegan3-t", tmp_path / "cut", **{**changes, "total_kimg": 0.020}), data)
    cut = run(settings("stylegan3-t", tmp_path / "cut", **changes), data)
    for a, b in zip(whole.g_ema.state_dict().values(), cut.g_ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)
