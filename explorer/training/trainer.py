"""The trainer: networks, optimisers and the training step.

All random numbers of an iteration come from a seed derived from the run's seed and the iteration's number, and the
data order is a function of the position, so a checkpoint needs no random state.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from explorer.errors import UsageError
from explorer.generators.registry import build
from explorer.ops.backend import bfloat16_speedup
from explorer.training import ema, losses, run_dir, schedule
from explorer.training.augment import Augment
from explorer.training.checks import check_device
from explorer.training.datasets import Dataset, order
from explorer.training.discriminator import Discriminator
from explorer.training.family_trainer import trainer_of
from explorer.training.fast import FastSynthesis
from explorer.training.optimiser import GeneratorOptimiser
from explorer.training.parallel import Group
from explorer.training.seeds import seed_of
from explorer.training.start import start_from
from explorer.training.texture import determined, texture_loss
from explorer.training.warmup import WarmUp

if TYPE_CHECKING:
    from explorer.generators.base import Generator
    from explorer.training.settings import TrainSettings

__all__ = ["Trainer"]


class Trainer:
    """One training run: networks, optimisers and the training step."""

    def __init__(self, settings: TrainSettings, dataset: Dataset, group: Group | None = None) -> None:
        self.settings, self.dataset = settings, dataset
        self.phase = settings  # of the current phase
        if dataset.resolution != settings.resolution:
            raise UsageError(
                f"The data have {dataset.resolution} pixels, the run asks for {settings.resolution}.",
                "Render or choose data of the same resolution.",
            )
        check_device(settings.device)
        self.group = group or Group(settings.device)
        self.local_batch = self.group.local_batch(settings.batch)
        torch.manual_seed(settings.seed)
        config = {"img_resolution": settings.resolution, **settings.generator}
        device = torch.device(settings.device)
        self.g: Generator = build(settings.family, config).to(device).train()
        family = trainer_of(settings.family)
        if settings.fourier_lowest > 0:
            family.spread_features(self.g, settings.fourier_lowest)
        if settings.noise_strength > 0:
            family.fix_noise(self.g, settings.noise_strength)
        self.g_ema: Generator = copy.deepcopy(self.g).eval().requires_grad_(False)
        self.d = Discriminator(
            settings.resolution, settings.d_channel_base, settings.d_channel_max,
            patch_blocks=settings.d_patch_blocks,
        ).to(device)  # fmt: skip
        if device.type == "cuda" and settings.bfloat16:
            # torch's stubs do not accept this keyword on its own.
            self.g.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
            self.d.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.regularises_paths = family.regularises_paths
        self.dtype = torch.bfloat16 if settings.bfloat16 else torch.float32
        # Where bfloat16 is emulated it would take several times as long.
        self.may_narrow = device.type != "cpu" or bfloat16_speedup() > 1
        self.fast = FastSynthesis(self.g, self._dtype(narrow=settings.g_bfloat16))
        self.fast_ema = FastSynthesis(self.g_ema)
        self.warm_up = WarmUp(self.g, settings.warm_up).to(device)
        self.opt_g = GeneratorOptimiser(self.g, self.warm_up.parameters(), settings.lr_g)
        self.opt_d = torch.optim.Adam(self.d.parameters(), lr=settings.lr_d)
        self.augment = Augment(settings)
        self.iteration = 0
        self.images_seen = 0
        self.seconds = 0.0
        self.stopped = False  # by a signal
        self.stopped_by = 0  # the signal's number, in the process that received it
        self.path_mean = torch.zeros([], device=device)
        self.metrics: dict[str, float] = {}
        self.started: dict[str, Any] = {}  # the layers and file of a warm start, if any

    def start(self) -> None:
        """Initialise a new run with the matching layers of the file that the settings name.

        Raises:
            LatentwalkError: The file cannot be read, or does not fit.
        """
        self.started = start_from(Path(self.settings.start_from), self.g, self.g_ema).described()
        if self.settings.noise_strength > 0:  # that of the file is another
            for generator in (self.g, self.g_ema):
                trainer_of(self.settings.family).fix_noise(generator, self.settings.noise_strength)

    # -- state ---------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return everything a resumed run needs."""
        return {
            "g": self.g.state_dict(),
            "g_ema": self.g_ema.state_dict(),
            "d": self.d.state_dict(),
            "warm_up": self.warm_up.state_dict(),
            "opt_g": self.opt_g.state_dict(),
            "opt_d": self.opt_d.state_dict(),
            "augment": self.augment.state(),
            "path_mean": self.path_mean,
            "started": self.started,
            "iteration": self.iteration,
            "shown": self.images_seen,
            "seconds": self.seconds,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Continue from `state`.

        Raises:
            UsageError: The networks have other sizes.
        """
        try:
            for name in ("g", "g_ema", "d", "warm_up", "opt_g", "opt_d"):
                getattr(self, name).load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError) as error:
            raise UsageError(
                f"{self.settings.out / run_dir.STATE} is of other networks: {str(error).splitlines()[0]}",
                "Choose another --out, or give the options the run was started with.",
            ) from error
        self.started = state.get("started", {})
        self.augment.load(state["augment"])
        self.path_mean = state["path_mean"].to(self.path_mean.device)
        self.iteration, self.images_seen, self.seconds = state["iteration"], state["shown"], state["seconds"]

    # -- one iteration -------------------------------------------------------------------------------------

    def step(self) -> None:
        """Train on one batch."""
        s = self.phase = self.settings.at(self.images_seen)
        self.augment.settings = s
        torch.manual_seed(seed_of(s.seed, self.group.rank, self.iteration))
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
        self.iteration += 1
        self.images_seen += s.batch
        self.group.average_buffers(self.g)
        ema.update(self.g_ema, self.g, ema.decay(s.batch, s.ema_kimg, self.images_seen, s.ema_ramp))

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
            self.d.requires_grad_(False)
            logits = self._discriminate(fake)
            self.d.requires_grad_(True)
            adversarial_loss = losses.generator_loss(logits)
            loss = loss + s.adversarial_weight * adversarial_loss
            self._note("loss_g", adversarial_loss)
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

    def _descend(
        self, optimiser: GeneratorOptimiser | torch.optim.Optimizer, parameters: Sequence[Tensor], loss: Tensor
    ) -> None:
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
        self.group.average(p.grad for p in parameters)
        for parameter in parameters:
            if parameter.grad is not None:
                torch.nan_to_num(parameter.grad, nan=0, posinf=1e5, neginf=-1e5, out=parameter.grad)
        optimiser.step()

    def _note(self, name: str, value: Tensor) -> None:
        old = self.metrics.get(name)
        new = float(value.detach())
        self.metrics[name] = new if old is None else 0.98 * old + 0.02 * new

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
