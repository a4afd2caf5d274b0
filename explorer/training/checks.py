"""Checks of a run's settings, made before any data are rendered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from explorer.errors import UsageError
from explorer.generators.registry import build
from explorer.training.critters.attributes import LATENT_DIM
from explorer.training.family_trainer import trainer_of
from explorer.training.recipes import RECIPES
from explorer.training.run_dir import STATE
from explorer.training.start import start_from
from explorer.training.warmup import WarmUp

if TYPE_CHECKING:
    from explorer.training.settings import TrainSettings

__all__ = ["check", "check_device"]

_SEEDS = 2**32  # all that fits a generator


def check(settings: TrainSettings) -> None:
    """Check everything that does not depend on the data.

    Raises:
        UsageError: A number is out of range, the device is missing, or the networks cannot be trained this way.
        MismatchError: The family has no generator of this resolution.
    """
    check_device(settings.device)
    _check_numbers(settings)
    _check_networks(settings)


def check_device(name: str) -> None:
    """Check that torch can train on the device `name`.

    Raises:
        UsageError: There is no such device, or several processes would share it.
    """
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"There is no device {name!r}.", "Use cpu, cuda, or for example cuda:1.") from None
    if device.type == "cuda":
        _check_cuda(device)
    elif device.type != "cpu" and not (device.type == "mps" and torch.backends.mps.is_available()):
        raise UsageError(f"The device {name!r} is not available.", "Use cpu, cuda, or for example cuda:1.")


def _check_cuda(device: torch.device) -> None:
    if not torch.cuda.is_available():
        raise UsageError("This machine has no CUDA device that torch can use.", "Train with --device cpu.")
    count, local = torch.cuda.device_count(), int(os.environ.get("LOCAL_RANK", "0"))
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if several and device.index is not None:
        raise UsageError(f"Several processes cannot share {device}.", "Use --device cuda: each takes its own.")
    wanted = local if several else device.index or 0
    if wanted >= count:
        raise UsageError(
            f"There is no device cuda:{wanted}; this machine has {count}.", "They are numbered from 0."
        )


def _check_numbers(settings: TrainSettings) -> None:
    s = settings
    if s.batch < 1:
        raise UsageError(f"A batch of {s.batch} is empty.", "Use --batch 1 or more.")
    if not 0 <= s.seed < _SEEDS:
        raise UsageError(f"The seed {s.seed} is not between 0 and {_SEEDS - 1}.", "Choose another --seed.")
    if s.threads < 0:
        raise UsageError(f"--threads {s.threads} is negative.", "Use 1 or more, or 0 for torch's default.")
    if s.resolution < 8 or s.resolution & (s.resolution - 1):
        raise UsageError(
            f"The discriminator halves pictures down to 4 px, which does not work for {s.resolution} px.",
            "Use a --resolution that is a power of two, at least 8.",
        )
    base = min(s.d_channel_base, s.generator.get("channel_base", s.d_channel_base))
    if base < s.resolution or min(s.d_channel_max, s.generator.get("channel_max", 1)) < 1:
        raise UsageError(
            f"The layers of {s.resolution} px would have no channels.",
            f"Use a --channel-base of at least {s.resolution} and a --channel-max of at least 1.",
        )


def _check_networks(settings: TrainSettings) -> None:
    generator = build(settings.family, {"img_resolution": settings.resolution, **settings.generator})
    WarmUp(generator, settings.warm_up)
    if settings.start_from and not (settings.out / STATE).exists():
        start_from(Path(settings.start_from), generator)
    if settings.fourier_lowest > 0:
        trainer_of(settings.family).spread_features(generator, settings.fourier_lowest)
    if settings.guide_weight > 0 and generator.info.z_dim != LATENT_DIM:
        raise UsageError(
            f"The reconstruction loss needs a generator with a z of {LATENT_DIM} numbers, like the critters; "
            f"this one has {generator.info.z_dim}.",
            f"Start from a recipe, such as --recipe {next(iter(RECIPES))}, or leave out --guide-weight.",
        )
