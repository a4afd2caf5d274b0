"""The loss on texture: blind to phase, not to contrast, grain or direction; noise that training cannot end."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.errors import UsageError
from explorer.training.critters.pack import pack
from explorer.training.datasets import Critters
from explorer.training.loop import run
from explorer.training.texture import determined, texture_loss
from explorer.training.trainer import Trainer

from .test_loop import Fixed, fall, settings


def strands(seed: int, *, across: bool = False) -> Tensor:
    """Return noise `[1, 3, 96, 96]` blurred along one direction."""
    noise = torch.randn(1, 1, 104, 104, generator=torch.Generator().manual_seed(seed))
    blurred = F.avg_pool2d(noise, (1, 9) if across else (9, 1), stride=1)
    return 0.3 * blurred[..., :96, :96].repeat(1, 3, 1, 1)


def test_another_draw_of_a_texture_is_nearer_than_any_other_texture() -> None:
    target = strands(0)
    same = float(texture_loss(strands(1), target))
    others = {
        "none": torch.zeros_like(target),
        "half the contrast": 0.5 * strands(1),
        "twice the contrast": 2 * strands(1),
        "the other direction": strands(1, across=True),
        "finer": 0.1 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1)),
    }
    assert float(texture_loss(target, target)) == 0
    for name, other in others.items():
        assert float(texture_loss(other, target)) > 1.5 * same, name


def test_differences_of_pixels_prefer_no_texture() -> None:
    target = strands(0)
    assert (target - 0).abs().mean() < (target - strands(1)).abs().mean()


def test_smooth_places_and_outlines_are_compared_but_not_texture() -> None:
    picture = torch.zeros(1, 3, 96, 96)
    picture[..., 48:] = strands(0)[..., 48:]
    picture[..., 20:24, :48] = 1.0  # a bar
    weight = determined(picture)
    assert weight.shape == (1, 1, 96, 96)
    assert weight[..., 40:, :32].min() > 0.5
    assert weight[..., 20, :32].min() > 0.5  # its outline
    assert weight[..., 64:].mean() < 0.2


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Critters:
    return Critters([pack(tmp_path_factory.mktemp("data") / "critters.npy", 8, 32, batch=8)])


_TEXTURED = {"guide_weight": 1.0, "adversarial_kimg": 1e9, "texture_weight": 1.0, "lr_g": 0.01, "resolution": 32}


def test_steps_lower_the_texture_loss_on_a_fixed_batch(data: Critters, tmp_path: Path) -> None:
    trainer = Trainer(settings("stylegan2", tmp_path, noise_strength=0.1, **_TEXTURED), Fixed(data))
    assert fall(trainer, "texture", 20) < 0.9


def test_fixed_noise_stays_and_the_rest_is_trained(data: Critters, tmp_path: Path) -> None:
    trained = run(
        settings("stylegan2", tmp_path, noise_strength=0.1, lr_muon=0.01, total_kimg=0.016, **_TEXTURED), data
    )
    strengths = {name: float(p.detach()) for name, p in trained.g.named_parameters() if "noise_strength" in name}
    fixed = {name: value for name, value in strengths.items() if "b16" in name or "b32" in name}
    assert len(fixed) == 4
    assert fixed == pytest.approx(dict.fromkeys(fixed, 0.1))
    assert all(value != 0 for value in strengths.values())


def test_a_family_without_noise_says_so(data: Critters, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="stylegan3-t has no noise"):
        Trainer(settings("stylegan3-t", tmp_path, noise_strength=0.1, **_TEXTURED), data)
