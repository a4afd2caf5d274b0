"""Training with StyleGAN2's discriminator: its steps and its regulariser, for whatever makes the pictures."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from explorer.ops.backend import bfloat16_speedup
from explorer.training import losses, schedule
from explorer.training.augment import Augment
from explorer.training.base_trainer import BaseTrainer
from explorer.training.discriminator import Discriminator

__all__ = ["AdversarialTrainer"]


class AdversarialTrainer(BaseTrainer):
    """A run with a discriminator `d`, which tells the generator's pictures from real ones.

    Attributes:
        d: The discriminator.
        opt_d: Its optimiser.
        augment: Augmentation of what it sees.
        may_narrow: Whether the processor computes with bfloat16; where it is emulated it takes several times as
            long.
    """

    metric_names: ClassVar[tuple[str, ...]] = ("loss_g", "loss_d", "r1", "real_sign", "fake_sign", "augment")
    d: Discriminator
    opt_d: torch.optim.Optimizer

    def _make_discriminator(self) -> None:
        """Make the discriminator and what belongs to it; after the generator, since both draw random numbers."""
        s = self.settings
        self.d = Discriminator(s.resolution, s.d_channel_base, s.d_channel_max).to(self.device)
        self.opt_d = torch.optim.Adam(self.d.parameters(), lr=s.lr_d)
        self.augment = Augment(s)
        self.dtype = torch.bfloat16 if s.bfloat16 else torch.float32
        self.may_narrow = self.device.type != "cpu" or bfloat16_speedup() > 1

    def _dtype(self, *, narrow: bool) -> torch.dtype:
        """Return the dtype of activations: bfloat16 if `narrow` and the processor computes with it."""
        return torch.bfloat16 if narrow and self.may_narrow else self.dtype

    def _discriminate(self, pictures: Tensor, *, exact: bool = False) -> Tensor:
        """Return the discriminator's logits after blur and augmentation."""
        s = self.phase
        dtype = self._dtype(narrow=s.d_bfloat16 and not exact)
        sigma = schedule.blur_sigma(s.blur_sigma, s.blur_fade_kimg, self.images_seen)
        logits: Tensor = self.d(self.augment(schedule.blur(pictures, sigma)), dtype)
        return logits

    def _adversarial_loss(self, fake: Tensor) -> Tensor:
        """Return the generator's loss for its pictures; the discriminator gets no gradients."""
        self.d.requires_grad_(False)
        logits = self._discriminate(fake)
        self.d.requires_grad_(True)
        loss = losses.generator_loss(logits)
        self._note("loss_g", loss)
        return loss

    def _step_discriminator(self, real: Tensor, fake: Tensor) -> None:
        """Train on the generator's pictures of this iteration again, which saves a forward pass."""
        real_logits = self._discriminate(real)
        fake_logits = self._discriminate(fake)
        loss = losses.discriminator_loss(real_logits, fake_logits)
        sure = real_logits.detach().sign().mean()
        self.group.average([sure])
        self.augment.observe(float(sure), self.phase.batch)
        if self.augment.settings.augment != "none":
            self.metrics["augment"] = self.augment.probability
        self._note("loss_d", loss)
        self._note("real_sign", real_logits.detach().sign().mean())
        self._note("fake_sign", fake_logits.detach().sign().mean())
        self._descend(self.opt_d, list(self.d.parameters()), loss)

    def _step_r1(self, real: Tensor) -> None:
        s = self.phase
        pictures = real.detach().requires_grad_(True)
        penalty = losses.r1_penalty(self._discriminate(pictures, exact=True), pictures)
        self._note("r1", penalty)
        self._descend(self.opt_d, list(self.d.parameters()), penalty * (s.gamma / 2 * s.r1_interval))
