"""Augmentation: filters and maps against what they must be, each transform, and the penalty's way through it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from explorer.training import losses
from explorer.training.augment import Augment
from explorer.training.corrupt import bands, cut_out, filter_octaves, noisy
from explorer.training.discriminator import Discriminator
from explorer.training.settings import TrainSettings
from explorer.training.warp import SYM2, SYM6, lookup, warp


@pytest.mark.parametrize("taps", [SYM2, SYM6])
def test_wavelets_are_orthogonal_with_vanishing_moments(taps: np.ndarray) -> None:
    assert taps.sum() == pytest.approx(2**0.5)
    assert np.square(taps).sum() == pytest.approx(1)
    for shift in range(2, taps.size, 2):
        assert taps[shift:] @ taps[:-shift] == pytest.approx(0, abs=1e-10)
    high = taps[::-1] * (-1.0) ** np.arange(taps.size)
    for power in range(taps.size // 2):
        assert high @ np.linspace(-1, 1, taps.size) ** power == pytest.approx(0, abs=1e-9)


def _map(rows: list[list[float]]) -> Tensor:
    return torch.tensor([rows]).float()


def _smooth(side: int, dx: float = 0.0, dy: float = 0.0) -> Tensor:
    """A smooth picture, moved left and up by pixels."""
    places = (torch.arange(side) + 0.5) / side
    x, y = torch.meshgrid(places + dx / side, places + dy / side, indexing="xy")
    return (torch.sin(5 * x + 2 * y) + torch.cos(3 * y - x * x * 2))[None, None].repeat(1, 3, 1, 1)


def test_whole_pixels_are_moved_exactly() -> None:
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(warp(x, torch.eye(3)[None]), x, atol=1e-5, rtol=0)
    moved = warp(x, _map([[1, 0, 4 / 16], [0, 1, 0], [0, 0, 1]]))
    torch.testing.assert_close(moved[..., :14], x[..., 2:], atol=1e-5, rtol=0)


def test_parts_of_pixels_and_turns() -> None:
    moved = warp(_smooth(32), _map([[1, 0, 7 / 32], [0, 1, 2.5 / 32], [0, 0, 1]]))
    expected = _smooth(32, 3.5, 1.25)
    torch.testing.assert_close(moved[..., 4:-6, 4:-6], expected[..., 4:-6, 4:-6], atol=5e-3, rtol=0)
    inner = (..., slice(4, -4), slice(4, -4))
    turned = warp(_smooth(32), _map([[0, -1, 0], [1, 0, 0], [0, 0, 1]]))
    torch.testing.assert_close(turned[inner], torch.rot90(_smooth(32), 1, (2, 3))[inner], atol=5e-3, rtol=0)
    flipped = warp(_smooth(32), _map([[-1, 0, 0], [0, 1, 0], [0, 0, 1]]))
    torch.testing.assert_close(flipped[inner], _smooth(32).flip(-1)[inner], atol=5e-3, rtol=0)


def test_the_lookup_is_differentiable_twice() -> None:
    grid = torch.rand(1, 3, 3, 2, dtype=torch.double) * 2 - 1
    x = torch.rand(1, 2, 4, 4, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: lookup(t, grid) ** 2, x)
    assert torch.autograd.gradgradcheck(lambda t: lookup(t, grid) ** 2, x)


def test_bands_add_up_and_part_the_frequencies() -> None:
    found = bands().double()
    whole = found.sum(0)
    assert whole[21] == pytest.approx(1, abs=1e-6)
    assert whole.abs().sum() == pytest.approx(1, abs=1e-5)
    response = torch.fft.rfft(found, 256).abs()
    assert response[:, 0].tolist() == pytest.approx([1, 0, 0, 0], abs=1e-5)
    assert response[:, 128].tolist() == pytest.approx([0, 0, 0, 1], abs=1e-5)


def test_corruptions_do_what_they_say() -> None:
    torch.manual_seed(0)
    x = torch.rand(6, 3, 16, 16) + 1
    for corrupt in (filter_octaves, noisy, cut_out):
        torch.testing.assert_close(corrupt(x, 0.0), x, atol=1e-5, rtol=0)
        assert not torch.allclose(corrupt(x, 1.0), x, atol=1e-2)
    holes = (cut_out(x, 1.0) == 0).float().mean((1, 2, 3))
    assert 0 < holes.min() <= holes.max() <= 0.26
    flat = torch.ones(1, 3, 64, 64)
    factor = filter_octaves(flat, 1.0)[0, 0, 32, 32]  # the lowest band's gain alone
    torch.testing.assert_close(filter_octaves(flat * 0, 1.0), flat * 0)
    assert factor > 0


@pytest.mark.parametrize("pipe", ["b", "g", "c", "f", "n", "x", "bgcfnx"])
def test_the_penalty_goes_through_every_transform(pipe: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    augment = Augment(TrainSettings("stylegan2", tmp_path, [], augment="ada", augment_pipe=pipe))
    augment.probability = 1.0
    d = Discriminator(16, channel_base=64, channel_max=8)
    x = (torch.rand(4, 3, 16, 16) * 2 - 1).requires_grad_(True)
    changed = augment(x)
    assert changed.shape == x.shape
    assert not torch.allclose(changed, x, atol=1e-3)
    losses.r1_penalty(d(changed), x).backward()
    gradient: Any = d.b16.conv0.weight.grad  # type: ignore[union-attr]
    assert gradient is not None
    assert gradient.abs().max() > 0
    assert torch.isfinite(gradient).all()
