"""Training losses: adversarial with two lazy regularisers, and reconstruction for data with known latents."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["discriminator_loss", "generator_loss", "path_lengths", "r1_penalty", "reconstruction_loss"]


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Return the non-saturating logistic loss of the generator."""
    return F.softplus(-fake_logits).mean()


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return the logistic loss of the discriminator."""
    return F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()


def r1_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """Return the squared gradient norm of the logits per picture, averaged over the batch; multiply by gamma / 2.

    `pictures` must require gradients; the logits must include the same augmentation and blur as for the loss.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), pictures, create_graph=True)
    return gradient.square().sum(dim=(1, 2, 3)).mean()


def path_lengths(pictures: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """Return the length `[N]` of the Jacobian-transpose product with `noise` (unit normal, shape of `pictures`).

    The length is the root of the mean over layers of the squared norm over `w`; it is differentiable again.
    """
    scaled = noise / (pictures.shape[2] * pictures.shape[3]) ** 0.5
    (gradient,) = torch.autograd.grad((pictures * scaled).sum(), ws, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()


def reconstruction_loss(
    fake: Tensor, real: Tensor, levels: int = 3, square: float = 0.0, first: int = 0, weight: Tensor | None = None
) -> Tensor:
    """Return the distance `[N]` of generated pictures to the renderer's pictures of the same latents.

    Sums the absolute difference at `levels` octaves and that of its spatial gradients, which weights edges, so that
    a misplaced thin line costs more than a tint. `square` is the weight of additional squared differences: absolute
    ones let the generator omit what it cannot place (eyes, early on), squared ones make it draw that faintly.
    `first` is the finest octave compared: strands of fur are not determined by the latent, and a loss at full
    resolution would smooth away what the discriminator asks for. `weight` `[N, 1, R, R]` applies to the differences
    at full resolution (`texture.determined`).
    """
    total = torch.zeros(fake.shape[0], device=fake.device)
    difference = fake - real
    for level in range(levels):
        if level:
            difference = F.avg_pool2d(difference, 2)
        if level < first:
            continue
        compared = difference if weight is None or level else difference * weight
        total = total + compared.abs().mean(dim=(1, 2, 3))
        if square:
            total = total + square * compared.square().mean(dim=(1, 2, 3))
        edges_x = (compared[..., 1:] - compared[..., :-1]).abs().mean(dim=(1, 2, 3))
        edges_y = (compared[..., 1:, :] - compared[..., :-1, :]).abs().mean(dim=(1, 2, 3))
        total = total + 0.5 * (edges_x + edges_y)
    return total
