"""Distillation: a small generator learns to draw what a large one draws from the same `w` and the same noise.

Belousov 2021, "MobileStyleGAN": differences of pictures and of their wavelets at every scale, a perceptual loss,
and a discriminator to which the teacher's pictures are the real ones. No data are needed.
"""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from explorer.analysis import perceptual
from explorer.checkpoints.parts import split_part, with_part
from explorer.errors import UsageError
from explorer.generators.base import Activation, Inputs, NoiseSpec, fold
from explorer.generators.mapping import MappedGenerator
from explorer.generators.mobilestylegan_layers import WaveletHead
from explorer.generators.registry import build
from explorer.ops.backend import use_backend
from explorer.ops.haar import haar
from explorer.training import schedule
from explorer.training.adversary import AdversarialTrainer
from explorer.training.distillation_losses import pixel_losses, psnr
from explorer.training.optimiser import GeneratorOptimiser
from explorer.training.start import start_from
from explorer.training.teacher import adopt, noisy_layers, open_teacher, teacher_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from explorer.generators.base import Generator
    from explorer.training.base_trainer import Stateful
    from explorer.training.datasets import Dataset
    from explorer.training.parallel import Group
    from explorer.training.settings import TrainSettings

__all__ = ["Distiller", "wavelets"]

log = logging.getLogger("explorer.training")

_SMALL = 0.05  # standard deviation of the student's first convolutions
_AT_ONCE = 8  # samples that are drawn at a time


class Distiller(AdversarialTrainer):
    """One run in which a student learns from a teacher; `dataset` is not used."""

    metric_names: ClassVar[tuple[str, ...]] = (
        *("psnr", "l1", "l2", "perceptual", "loss_g", "loss_d", "r1", "real_sign", "fake_sign", "augment"),
    )

    def __init__(self, settings: TrainSettings, dataset: Dataset | None, group: Group | None = None) -> None:
        super().__init__(settings, dataset, group)
        checkpoint = open_teacher(settings.teacher)
        self.teacher = teacher_of(checkpoint).to(self.device)
        student = build(settings.family, {"img_resolution": settings.resolution, **settings.generator})
        assert isinstance(student, MappedGenerator)
        adopt(student, self.teacher)
        _shrink(student)
        self.g: Generator = student.to(self.device).train()
        self.g_ema: Generator = copy.deepcopy(self.g).eval().requires_grad_(False)
        self._make_discriminator()
        self.perceptual = _perceptual_of(settings)
        if self.perceptual is not None:
            self.perceptual.to(self.device)
        self.opt_g = GeneratorOptimiser(self.g, (), settings.lr_g)
        self.taught_by: dict[str, Any] = {
            "file": with_part(checkpoint.file, split_part(settings.teacher)[1]),
            "sha256": checkpoint.sha256,
            "licence": checkpoint.licence,
        }

    def begin(self) -> None:
        """Initialise a new run with the layers of another student, if the settings name one."""
        if self.settings.start_from:
            self.started = start_from(Path(self.settings.start_from), self.g, self.g_ema).described()
            for student in (self.g, self.g_ema):
                assert isinstance(student, MappedGenerator)
                adopt(student, self.teacher)
            log.info("starting from the layers of %s", self.settings.start_from)
        log.info("learning from %s", self.settings.teacher)

    # -- state ---------------------------------------------------------------------------------------------

    def parts(self) -> Mapping[str, Stateful]:
        return {name: getattr(self, name) for name in ("g", "g_ema", "d", "opt_g", "opt_d")}

    def more_state(self) -> dict[str, Any]:
        return {"augment": self.augment.state(), "taught_by": self.taught_by}

    def load_more(self, state: dict[str, Any]) -> None:
        self.augment.load(state["augment"])
        before = state["taught_by"]
        if before["sha256"] != self.taught_by["sha256"]:
            raise UsageError(
                f"The run in {self.settings.out} learns from {before['file']}, and {self.settings.teacher} is not "
                "that file.",
                "Choose another --out, or give its teacher.",
            )

    @property
    def has_slower_ahead(self) -> bool:
        """Whether the discriminator is still to come."""
        s = self.settings
        ahead = (s.at(int(1000 * kimg)) for kimg in (self.phase.adversarial_kimg, *(at for at, _ in s.phases)))
        return not self._is_adversarial and any(
            p.adversarial_weight > 0 and p.adversarial_kimg < s.total_kimg for p in ahead
        )

    # -- one iteration -------------------------------------------------------------------------------------

    @property
    def _is_adversarial(self) -> bool:
        s = self.phase
        return s.adversarial_weight > 0 and self.images_seen >= s.adversarial_kimg * 1000

    def train_batch(self) -> None:
        """Train on the teacher's pictures of new latents."""
        s = self.phase
        self.augment.settings = s
        self._set_rates()
        w = self._draw(self.local_batch)
        noise = NoiseSpec("random", seed=int(torch.randint(2**31, ())))
        real = self._taught(w, noise)
        fake = self._step_student(w, noise, real)
        if not self._is_adversarial:
            return
        # As published, the regulariser has steps of its own.
        if s.r1_interval > 0 and self.iteration % s.r1_interval == 0:
            self._step_r1(real)
        else:
            self._step_discriminator(real, fake)

    def _set_rates(self) -> None:
        s = self.phase
        rates = (
            schedule.learning_rate(rate, s.lr_half_kimg, self.images_seen) for rate in (s.lr_g, s.lr_d, s.lr_muon)
        )
        rate_g, rate_d, muon = rates
        self.opt_g.set_rates(schedule.lazy_adam(rate_g, 0, beta1=0.9, beta2=0.999), muon)
        self.opt_d.param_groups[0].update(schedule.lazy_adam(rate_d, 0, beta1=0.9, beta2=0.999))

    @torch.no_grad()
    def _draw(self, count: int) -> Tensor:
        """Return `w` `[N, w_dim]` of random latents, and of random classes if there are any."""
        info = self.teacher.info
        z = torch.randn(count, info.z_dim).to(self.device)
        c = None
        if info.c_dim:
            c = torch.eye(info.c_dim)[torch.randint(info.c_dim, (count,))].to(self.device)
        w: Tensor = self.teacher.mapping(z, c)
        return w

    @torch.no_grad()
    def _taught(self, w: Tensor, noise: NoiseSpec) -> Tensor:
        """Return the teacher's pictures."""
        with use_backend("torch"):  # the same bits, whether or not there are kernels
            return self.teacher.synthesis(self.teacher.broadcast(w), noise=noise)

    def _step_student(self, w: Tensor, noise: NoiseSpec, real: Tensor) -> Tensor:
        s = self.phase
        grains = [layer.noise(noise, len(w)) for layer in noisy_layers(self.teacher)]
        picture, coefficients = wavelets(self.g, self.g.broadcast(w), grains)
        absolute, squared = pixel_losses(coefficients, real)
        loss = s.l1_weight * absolute + s.l2_weight * squared
        self._note("l1", absolute)
        self._note("l2", squared)
        self._note("psnr", psnr(picture.detach(), real))
        if self.perceptual is not None and s.perceptual_weight > 0:
            seen = self.perceptual.distance(picture, real).mean()
            loss = loss + s.perceptual_weight * seen
            self._note("perceptual", seen)
        if self._is_adversarial:
            loss = loss + s.adversarial_weight * self._adversarial_loss(picture)
        self._descend(self.opt_g, self.opt_g.parameters, loss)
        return picture.detach()

    # -- samples -------------------------------------------------------------------------------------------

    @torch.no_grad()
    def samples(self) -> Tensor:
        """Return 64 pictures for a sheet of eight columns: a row of the teacher's, below it the student's, ..."""
        size, rows = self.teacher.info.z_dim, []
        z = torch.stack([torch.randn(size, generator=torch.Generator().manual_seed(i)) for i in range(32)])
        for part in torch.split(z.to(self.device), _AT_ONCE):
            w = self.teacher.mapping(part)
            rows += [self._taught(w, NoiseSpec()), self.g_ema.synthesis(self.g_ema.broadcast(w))]
        return torch.cat(rows)


def wavelets(student: Generator, ws: Tensor, grains: list[Tensor | None]) -> tuple[Tensor, list[Tensor]]:
    """Return a student's picture, and the Haar coefficients of the pictures at all its scales, differentiable.

    Args:
        student: A MobileStyleGAN.
        ws: `[N, num_ws, w_dim]`.
        grains: The noise of the layers that have some, in their order; more than there are may be given.
    """
    found: list[Tensor] = []
    of_layer = dict(zip((layer.info.name for layer in noisy_layers(student)), grains, strict=False))

    def collect(i: int, activation: Activation) -> None:
        layer = student.layers[i]
        if isinstance(layer, WaveletHead):
            last = activation.img
            found.append(layer.coefficients(activation.x, *activation.extras) if last is None else haar(last))

    inputs, layers = Inputs(ws), student.layers
    # Depthwise convolutions are differentiated several times as fast in this layout.
    begun = student.begin(inputs).map(lambda x: x.contiguous(memory_format=torch.channels_last))
    end = fold(layers, begun, inputs, noise=lambda i: of_layer.get(layers[i].info.name), after=collect)
    return student.rgb(end), found


@torch.no_grad()
def _shrink(student: Generator) -> None:
    """Make the initial weights of convolutions small.

    Demodulation cancels their scale, so pictures change by the heads alone, which were far too strong. But a step
    of the optimiser then turns the weights by a larger angle: on eight pictures, 400 steps of Adam at 0.002 come to
    25 dB instead of 20.
    """
    for layer in student.layers:
        for name, weight in layer.named_parameters(recurse=False):
            if name in ("depthwise", "weight"):
                weight.mul_(_SMALL)


def _perceptual_of(settings: TrainSettings) -> perceptual.Perceptual | None:
    """Return the feature network, if any phase uses it."""
    weights = [settings.perceptual_weight, *(later.get("perceptual_weight", 0) for _, later in settings.phases)]
    return perceptual.load(settings.perceptual) if any(weight > 0 for weight in weights) else None
