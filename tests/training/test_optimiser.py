"""Muon moves the matrices and Adam the rest; a restart changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from explorer.generators.registry import build
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.optimiser import GeneratorOptimiser, orthogonalised
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
    torch.testing.assert_close(results[0], results[1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("shape", [(6, 54), (54, 6), (16, 16)])
def test_orthogonalising_by_gram_matrices_agrees_with_the_iteration_on_the_matrix(shape: tuple[int, int]) -> None:
    a, b, c = coefficients = (3.4445, -4.7750, 2.0315)
    matrix = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = matrix / matrix.norm()
    for _ in range(5):
        gram = x @ x.t()
        x = a * x + (b * gram + c * gram @ gram) @ x
    torch.testing.assert_close(orthogonalised(matrix.float(), coefficients, 5), x.float(), atol=1e-4, rtol=0)


def test_muon_moves_as_in_torch() -> None:
    start = torch.randn(8, 24, generator=torch.Generator().manual_seed(0))
    gradients = torch.randn(3, 8, 24, generator=torch.Generator().manual_seed(1))
    ends = []
    for kind in (torch.optim.Muon, type(GeneratorOptimiser(torch.nn.Linear(6, 8), [], 0.0).muon)):
        parameter = torch.nn.Parameter(start.clone())
        muon = kind([parameter], lr=0.01, weight_decay=0.0, momentum=0.95, adjust_lr_fn="match_rms_adamw")
        for gradient in gradients:
            parameter.grad = gradient.clone()
            muon.step()
        ends.append(parameter.detach() - start)
    torch.testing.assert_close(ends[1], ends[0], atol=1e-3, rtol=0)  # torch computes in bfloat16


def test_a_restart_within_a_muon_phase_changes_nothing(data: Critters, tmp_path: Path) -> None:
    changes = {**_GUIDED, "lr_muon": 0.0, "phases": [(0.008, {"lr_muon": 0.01})], "total_kimg": 0.032}
    whole = run(settings("stylegan3-t", tmp_path / "whole", **changes), data)
    run(settings("stylegan3-t", tmp_path / "cut", **{**changes, "total_kimg": 0.020}), data)
    cut = run(settings("stylegan3-t", tmp_path / "cut", **changes), data)
    for a, b in zip(whole.g_ema.state_dict().values(), cut.g_ema.state_dict().values(), strict=True):
        assert torch.equal(a, b)
