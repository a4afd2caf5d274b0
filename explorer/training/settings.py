"""What a training run is told: sizes, losses, schedules; stored beside its checkpoints."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from explorer.errors import UsageError

__all__ = ["FIXED", "TrainSettings"]

FIXED = frozenset(
    (
        *("family", "out", "data", "data_seed", "mirror", "resolution", "generator", "fourier_lowest"),
        *("d_channel_base", "d_channel_max", "batch", "total_kimg", "time_limit_s", "seed", "warm_up", "device"),
        *("threads", "bfloat16", "g_bfloat16", "recipe", "start_from", "note", "save_s", "samples_s", "phases"),
        "processes",
    )
)
"""Settings that hold for a whole run."""


@dataclass
class TrainSettings:
    """Settings of one run. Pictures are counted in thousands (kimg) of real pictures shown.

    `generator` holds the flat configuration of the family and cannot change once training began; the other
    settings may be changed when a run is resumed.

    The **guide** is for data whose latents are known (Critters): the generator is told which latent made each
    picture and is drawn towards that picture by `guide_weight`. Until `adversarial_kimg` the guide acts alone,
    which costs a quarter of an adversarial step and learns far more from each picture; from then on the
    discriminator acts as well. With a folder of pictures there is no guide and training is adversarial throughout.

    **Phases** let one run go through a whole schedule unattended: from so many kimg on, the settings named there
    hold. Sizes cannot change on the way (`FIXED`).
    """

    family: str
    out: Path
    data: list[Path]
    data_seed: int = 0
    mirror: bool = False
    resolution: int = 64
    generator: dict[str, Any] = field(default_factory=dict)
    fourier_lowest: float = 0.0  # StyleGAN3: above 0, features lie by octaves from so many cycles a picture on
    d_channel_base: int = 32768
    d_channel_max: int = 512
    g_bfloat16: bool = False  # activations of the generator alone; quicker on CPUs with AMX
    d_bfloat16: bool = False  # the discriminator alone, but for R1; likewise
    batch: int = 16
    total_kimg: float = 1000.0
    time_limit_s: float = float("inf")
    seed: int = 0
    lr_g: float = 2.5e-3
    lr_muon: float = 0.0  # above 0: Muon moves the generator's matrices at this rate, Adam the rest
    lr_d: float = 2e-3
    lr_half_kimg: float = 0.0  # learning rates are divided by 1 + kimg / this; 0 keeps them
    first_pictures: int = 0  # use so many of the data, while the others are still being rendered; 0 uses all
    guide_weight: float = 0.0
    guide_square: float = 0.0  # weight of squared differences in the guide
    guide_first: int = 0  # finest octave the guide judges once the discriminator acts (1 = half resolution)
    warm_up: list[tuple[float, int]] = field(default_factory=list)  # guide alone: until kimg, stop after layer
    adversarial_kimg: float = 0.0
    adversarial_weight: float = 1.0
    gamma: float = 1.0
    r1_interval: int = 16
    path_weight: float = 2.0  # StyleGAN2 only
    path_interval: int = 4
    mixing_probability: float = 0.9  # StyleGAN2 only
    blur_sigma: float = 0.0  # StyleGAN3-R: 10
    blur_fade_kimg: float = 0.0
    ema_kimg: float = 5.0
    ema_ramp: float = 0.05
    augment: str = "none"  # "ada" for small folders
    augment_pipe: str = "bgc"  # blit, geometry, colour; f filters octaves, n adds noise, x cuts a square out
    augment_target: float = 0.6
    augment_kimg: float = 500.0
    device: str = "cpu"
    threads: int = 0  # of a CPU; sums on another number of them differ in their last bits; 0 leaves torch's
    processes: int = 1  # that share a batch; noted by the run
    bfloat16: bool = False
    recipe: str = ""  # the name these settings started from
    start_from: str = ""  # a packed generator of fewer pixels, whose layers the run goes on from
    note: str = ""  # a sentence for the card, such as the machine
    save_s: float = 120.0
    samples_s: float = 300.0
    phases: list[tuple[float, dict[str, Any]]] = field(default_factory=list)  # from kimg on: these settings

    def __post_init__(self) -> None:
        names = {f.name for f in fields(self)} - FIXED
        for kimg, changes in self.phases:
            if wrong := sorted(set(changes) - names):
                raise UsageError(f"The phase from {kimg:g} kimg on cannot set {', '.join(wrong)}.")

    def at(self, shown: int) -> TrainSettings:
        """Return the settings that hold once `shown` pictures were shown."""
        changes: dict[str, Any] = {}
        for kimg, later in sorted(self.phases, key=lambda phase: phase[0]):
            if shown >= kimg * 1000:
                changes |= later
        return replace(self, **changes, phases=[]) if changes else self

    @property
    def end(self) -> TrainSettings:
        """The settings of the last phase."""
        return self.at(sys.maxsize)
