"""Losses of training: adversarial with its two lazy regularisers, and the guide for data with known latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["discriminator_loss", "generator_loss", "guide_loss", "path_lengths", "r1_penalty"]


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating logistic loss of the generator."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Logistic loss of the discriminator."""
    return F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()


def r1_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """Squared gradient of the summed logits per picture, averaged: multiply by gamma / 2.

    `pictures` must require a gradient and have gone through the same augmentation and blur as for the loss.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(pictures: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """Length `[N]` of the Jacobian-transpose product with `noise` (unit normal, shape of `pictures`).

    Root of the mean over layers of the squared norm over `w`; differentiable once more.
    """
    scaled = noise / (pictures.shape[2] * pictures.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((pictures * scaled).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def guide_loss(fake: Tensor, real: Tensor, levels: int = 3, square: float = 0.0, first: int = 0) -> Tensor:
    """Distance `[N]` of pictures to the renderer's pictures of the same latents.

    Absolute difference at `levels` octaves plus that of neighbouring differences, which weighs edges, so that a
    thin line out of place costs more than a tint. `square` adds squared differences with that weight: absolute
    ones are content to leave out what they cannot place (eyes, early on), squared ones draw it faintly. `first` is
    the finest octave judged: strands of fur cannot be foretold from the latent, and a guide at full resolution
    would smooth away what the discriminator asks for.
    """
    total = torch.zeros(fake.shape[0], device=fake.device)
    difference = fake - real
    for level in range(levels):
        if level:
            difference = F.avg_pool2d(difference, 2)
        if level < first:
            continue
        total = total + difference.abs().mean(dim=(1, 2, 3))
        if square:
            total = total + square * difference.square().mean(dim=(1, 2, 3))
        edges_x = (difference[..., 1:] - difference[..., :-1]).abs().mean(dim=(1, 2, 3))
        edges_y = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean(dim=(1, 2, 3))
        total = total + 0.5 * (edges_x + edges_y)
    return total
