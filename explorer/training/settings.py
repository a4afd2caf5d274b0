"""Settings of a training run: sizes, losses, schedules; stored beside its checkpoints."""

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
        *("d_channel_base", "d_channel_max", "batch", "total_kimg", "time_limit_s", "seed"),
        *(
            "warm_up",
            "noise_strength",
            "device",
            "threads",
            "bfloat16",
            "g_bfloat16",
            "recipe",
            "start_from",
            "note",
        ),
        *("save_s", "samples_s", "phases", "processes", "teacher", "perceptual"),
    )
)
"""Settings that cannot change during a run."""


@dataclass
class TrainSettings:
    """Settings of one run. Progress is counted in thousands of real pictures seen (kimg).

    `generator` is the flat configuration of the family and cannot change once training has begun; most other
    settings may change when a run is resumed.

    The **reconstruction loss** (`guide_*`) is for data with known latents (Critters): it compares the picture
    generated from a latent with the one rendered from it, weighted by `guide_weight`. Until `adversarial_kimg` it
    is the only loss, which costs a quarter of an adversarial step and learns far more per picture; after that the
    discriminator is trained as well. A folder of pictures has no known latents, so there training is adversarial
    throughout.

    **Phases** run a whole schedule unattended: each lists the settings that change at a given kimg. Sizes cannot
    change (`FIXED`).
    """

    family: str
    out: Path
    data: list[Path]
    data_seed: int = 0
    mirror: bool = False
    resolution: int = 64
    generator: dict[str, Any] = field(default_factory=dict)
    # If > 0, Fourier features are spread by octaves, starting at so many cycles per picture.
    fourier_lowest: float = 0.0
    d_channel_base: int = 32768
    d_channel_max: int = 512
    g_bfloat16: bool = False  # activations of the generator only, on processors where it is faster
    d_bfloat16: bool = False  # the same of the discriminator, except for R1
    batch: int = 16
    total_kimg: float = 1000.0
    time_limit_s: float = float("inf")
    seed: int = 0
    lr_g: float = 2.5e-3
    lr_muon: float = 0.0  # if > 0: Muon trains the generator's matrices at this rate, Adam the rest
    lr_d: float = 2e-3
    lr_half_kimg: float = 0.0  # learning rates are divided by 1 + kimg / this; 0: constant
    first_pictures: int = 0  # use only so many while the others are still being rendered; 0: all
    guide_weight: float = 0.0
    guide_square: float = 0.0  # weight of squared differences in the reconstruction loss
    guide_first: int = 0  # finest octave it compares once the discriminator is trained (1: half resolution)
    texture_weight: float = 0.0  # of `texture_loss`; pixels are then compared outside of texture only
    noise_strength: float = 0.0  # if > 0: constant strength of the noise from half the resolution on
    warm_up: list[tuple[float, int]] = field(
        default_factory=list
    )  # (until kimg, last layer), before `adversarial_kimg`
    adversarial_kimg: float = 0.0
    adversarial_weight: float = 1.0
    gamma: float = 1.0
    r1_interval: int = 16
    path_weight: float = 2.0  # of families that regularise path lengths
    path_interval: int = 4
    mixing_probability: float = 0.9  # of the same families
    blur_sigma: float = 0.0  # of what the discriminator sees at first, in pixels
    blur_fade_kimg: float = 0.0
    teacher: str = ""  # of families that are distilled: the model to learn from
    l1_weight: float = 1.0  # of absolute differences to the teacher's pictures and wavelets, at every scale
    l2_weight: float = 1.0  # of squared ones
    perceptual: str = "efficientnet"  # feature network of the perceptual loss: a name, or a file of weights
    perceptual_weight: float = 1.0
    ema_kimg: float = 5.0
    ema_ramp: float = 0.05
    augment: str = "none"  # "ada" for small folders
    augment_pipe: str = "bgc"  # blit, geometry, colour; f filters octaves, n adds noise, x cuts out a square
    augment_target: float = 0.6
    augment_kimg: float = 500.0
    device: str = "cpu"
    threads: int = 0  # CPU threads; another number changes the last bits of sums; 0: torch's default
    processes: int = 1  # that split each batch; set by the run
    bfloat16: bool = False
    recipe: str = ""  # the recipe these settings are based on
    start_from: str = ""  # a packed generator whose layers initialise the run
    note: str = ""  # a sentence for the card, for example about the machine
    save_s: float = 120.0
    samples_s: float = 300.0
    phases: list[tuple[float, dict[str, Any]]] = field(default_factory=list)  # (kimg, settings that change there)

    def __post_init__(self) -> None:
        names = {f.name for f in fields(self)} - FIXED
        for kimg, changes in self.phases:
            if wrong := sorted(set(changes) - names):
                raise UsageError(f"The phase from {kimg:g} kimg on cannot set {', '.join(wrong)}.")

    def at(self, images_seen: int) -> TrainSettings:
        """Return the settings of the phase after `images_seen` pictures."""
        changes: dict[str, Any] = {}
        for kimg, later in sorted(self.phases, key=lambda phase: phase[0]):
            if images_seen >= kimg * 1000:
                changes |= later
        return replace(self, **changes, phases=[]) if changes else self

    @property
    def end(self) -> TrainSettings:
        """The settings of the last phase."""
        return self.at(sys.maxsize)
