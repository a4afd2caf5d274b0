"""Training from pictures, adversarial and guided: networks, optimisers and the training step.

The data order is a function of the position, so a checkpoint needs no state of it.
"""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from explorer.errors import UsageError
from explorer.generators.registry import build
from explorer.training import losses, schedule
from explorer.training.adversary import AdversarialTrainer
from explorer.training.datasets import Dataset, order
from explorer.training.family_trainer import trainer_of
from explorer.training.fast import FastSynthesis
from explorer.training.optimiser import GeneratorOptimiser
from explorer.training.start import start_from
from explorer.training.texture import determined, texture_loss
from explorer.training.warmup import WarmUp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.generators.base import Generator
    from explorer.training.base_trainer import Stateful
    from explorer.training.parallel import Group
    from explorer.training.settings import TrainSettings

__all__ = ["Trainer"]

log = logging.getLogger("explorer.training")


class Trainer(AdversarialTrainer):
    """One run that learns from pictures: networks, optimisers and the training step."""

    metric_names: ClassVar[tuple[str, ...]] = (
        *("guide", "texture", "loss_g", "loss_d", "r1", "path_length", "real_sign", "fake_sign", "augment"),
    )

    def __init__(self, settings: TrainSettings, dataset: Dataset | None, group: Group | None = None) -> None:
        if dataset is None:
            raise UsageError(f"A {settings.family} is trained on pictures.", "Give some with --data.")
        if dataset.resolution != settings.resolution:
            raise UsageError(
                f"The data have {dataset.resolution} pixels, the run asks for {settings.resolution}.",
                "Render or choose data of the same resolution.",
            )
        super().__init__(settings, dataset, group)
        self.dataset, device = dataset, self.device
        config = {"img_resolution": settings.resolution, **settings.generator}
        self.g: Generator = build(settings.family, config).to(device).train()
        family = trainer_of(settings.family)
        if settings.fourier_lowest > 0:
            family.spread_features(self.g, settings.fourier_lowest)
        if settings.noise_strength > 0:
            family.fix_noise(self.g, settings.noise_strength)
        self.g_ema: Generator = copy.deepcopy(self.g).eval().requires_grad_(False)
        self._make_discriminator()
        if device.type == "cuda" and settings.bfloat16:
            # torch's stubs do not accept this keyword on its own.
            self.g.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.d.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.regularises_paths = family.regularises_paths
        self.fast = FastSynthesis(self.g, self._dtype(narrow=settings.g_bfloat16))
        self.fast_ema = FastSynthesis(self.g_ema)
        self.warm_up = WarmUp(self.g, settings.warm_up).to(device)
        self.opt_g = GeneratorOptimiser(self.g, self.warm_up.parameters(), settings.lr_g)
        self.path_mean = torch.zeros([], device=device)

    def begin(self) -> None:
        """Initialise a new run with the matching layers of the file that the settings name, if any."""
        if not self.settings.start_from:
            return
        self.started = start_from(Path(self.settings.start_from), self.g, self.g_ema).described()
        if self.settings.noise_strength > 0:  # that of the file is another
            for generator in (self.g, self.g_ema):
                trainer_of(self.settings.family).fix_noise(generator, self.settings.noise_strength)
        log.info("starting from the layers of %s", self.settings.start_from)

    # -- state ---------------------------------------------------------------------------------------------

    def parts(self) -> Mapping[str, Stateful]:
        return {name: getattr(self, name) for name in ("g", "g_ema", "d", "warm_up", "opt_g", "opt_d")}

    def more_state(self) -> dict[str, Any]:
        return {"augment": self.augment.state(), "path_mean": self.path_mean}

    def load_more(self, state: dict[str, Any]) -> None:
        self.augment.load(state["augment"])
        self.path_mean = state["path_mean"].to(self.path_mean.device)

    @property
    def has_slower_ahead(self) -> bool:
        """Whether the discriminator or more layers are still to come."""
        s, kimg = self.settings, self.images_seen / 1000
        starts = [self.phase.adversarial_kimg] + [at for at, later in s.phases if "adversarial_kimg" in later]
        return self.warm_up.stage(self.images_seen) is not None or any(kimg < at < s.total_kimg for at in starts)

    # -- one iteration -------------------------------------------------------------------------------------

    def train_batch(self) -> None:
        """Train on one batch."""
        s = self.phase
        self.augment.settings = s
        total = min(s.first_pictures or len(self.dataset), len(self.dataset))
        indices = order(self.images_seen + self.group.rank * self.local_batch, self.local_batch, total, s.seed)
        real = self.dataset.pictures(indices).to(s.device)
        latents = self.dataset.latents(indices)
        guided = s.guide_weight > 0 and latents is not None
        adversarial = not guided or self.images_seen >= s.adversarial_kimg * 1000
        self._set_rates(adversarial)
        z = latents.to(s.device) if guided and latents is not None else self._draw_z(self.local_batch)
        stop = self.warm_up.stage(self.images_seen) if guided and not adversarial else None
        fake = self._step_generator(z, real if guided else None, adversarial, stop)
        if adversarial:
            if self.regularises_paths and s.path_weight > 0 and self.iteration % s.path_interval == 0:
                self._step_path_length()
            self._step_discriminator(real, fake)
            if s.r1_interval > 0 and self.iteration % s.r1_interval == 0:
                self._step_r1(real)

    def _draw_z(self, count: int) -> Tensor:
        return torch.randn(count, self.g.info.z_dim).to(self.settings.device)

    def _set_rates(self, adversarial: bool) -> None:
        s = self.phase
        lazy = s.path_interval if adversarial and self.regularises_paths and s.path_weight > 0 else 0
        rate_g = schedule.learning_rate(s.lr_g, s.lr_half_kimg, self.images_seen)
        rate_d = schedule.learning_rate(s.lr_d, s.lr_half_kimg, self.images_seen)
        # Momentum helps regression and harms adversarial training.
        muon = schedule.learning_rate(s.lr_muon, s.lr_half_kimg, self.images_seen)
        self.opt_g.set_rates(schedule.lazy_adam(rate_g, lazy, beta1=0.0 if adversarial else 0.9), muon)
        self.opt_d.param_groups[0].update(schedule.lazy_adam(rate_d, s.r1_interval))

    def _step_generator(
        self, z: Tensor, target: Tensor | None, adversarial: bool, stop: str | None = None
    ) -> Tensor:
        s = self.phase
        w = self.g.mapping(z)
        self.g.update_w_avg(w)
        ws = self.g.broadcast(w)
        plain = z.shape[0]  # pictures without style mixing, which the reconstruction loss may use
        if adversarial and self.regularises_paths and s.mixing_probability > 0:
            # Half of the batch stays unmixed for the reconstruction loss.
            half = z.shape[0] // 2 if target is not None else 0
            other = self.g.broadcast(self.g.mapping(self._draw_z(z.shape[0] - half)))
            mixed, happened = schedule.mix_styles(ws[half:], other, s.mixing_probability)
            if happened:
                ws, plain = torch.cat([ws[:half], mixed]), half
        if stop is None:
            fake = self.fast(ws, update_emas=True)
        else:
            fake = self.warm_up.picture(self.fast, ws, stop, update_emas=True)
            target = self.warm_up.target(target, fake.shape[-1]) if target is not None else None
        loss = torch.zeros([], device=fake.device)
        if target is not None and plain > 0:
            loss = loss + self._guide(fake[:plain], target[:plain], s.guide_first if adversarial else 0)
        if adversarial:
            loss = loss + s.adversarial_weight * self._adversarial_loss(fake)
        self._descend(self.opt_g, self.opt_g.parameters, loss)
        return fake.detach()

    def _guide(self, fake: Tensor, real: Tensor, first: int) -> Tensor:
        """Return the loss against the pictures of the same latents, compared from octave `first` on."""
        s = self.phase
        weight = determined(real) if s.texture_weight > 0 else None
        reconstruction = losses.reconstruction_loss(fake, real, square=s.guide_square, first=first, weight=weight)
        loss = s.guide_weight * reconstruction.mean()
        self._note("guide", reconstruction.mean())
        if s.texture_weight > 0:
            texture = texture_loss(fake, real).mean()
            loss = loss + s.texture_weight * texture
            self._note("texture", texture)
        return loss

    def _step_path_length(self) -> None:
        s = self.phase
        count = max(self.local_batch // 2, 1)
        ws = self.g.broadcast(self.g.mapping(self._draw_z(count)))
        other = self.g.broadcast(self.g.mapping(self._draw_z(count)))
        ws, _ = schedule.mix_styles(ws, other, s.mixing_probability)
        pictures = self.fast(ws)
        lengths = losses.path_lengths(pictures, ws, torch.randn_like(pictures))
        mean = torch.lerp(self.path_mean, lengths.mean(), 0.01)
        self.path_mean = mean.detach().clone()
        self.group.average([self.path_mean])
        penalty = (lengths - mean).square().mean()
        self._note("path_length", lengths.mean())
        self._descend(self.opt_g, self.opt_g.parameters, penalty * (s.path_weight * s.path_interval))

    # -- samples -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def samples(self, count: int = 64, psi: float = 1.0) -> Tensor:
        """Return pictures `[count, 3, R, R]` of the averaged generator for seeds 0, 1, ..."""
        size, device = self.g.info.z_dim, self.settings.device
        z = torch.stack([torch.randn(size, generator=torch.Generator().manual_seed(i)) for i in range(count)])
        ws = self.g_ema.truncate(self.g_ema.broadcast(self.g_ema.mapping(z.to(device))), psi)
        stop = self.warm_up.stage(self.images_seen)
        if stop is not None:
            return torch.cat([self.warm_up.picture(self.fast_ema, part, stop) for part in torch.split(ws, 8)])
        return torch.cat([self.fast_ema(part) for part in torch.split(ws, 8)])
