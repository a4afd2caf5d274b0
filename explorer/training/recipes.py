"""Named recipes: the settings that trained, or will train, the bundled generators."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import UsageError
from explorer.training.family_trainer import trainer_of
from explorer.training.settings import TrainSettings

__all__ = ["RECIPES", "Recipe", "channels", "family_defaults", "settings_of", "sizes_of"]


@dataclass(frozen=True)
class Recipe:
    """Data to render and settings to train with."""

    name: str
    family: str
    resolution: int
    pictures: int
    settings: dict[str, Any] = field(default_factory=dict)


_SIZES = {"z_dim": 64, "w_dim": 128, "mapping_layers": 2, "mapping_lr_multiplier": 1.0}
_V3 = {"margin_size": 4, "magnitude_ema_beta": 0.99}
# StyleGAN3-R's small 1x1 convolutions turn low frequencies into fine detail only as contour lines, so its Fourier
# features reach 16 cycles per picture instead of 2, with the same number in each octave.
_FINE_R = {"first_cutoff": 16.0, "first_stopband": 24.0}
# StyleGAN3-T, too, learns more per picture with some of them; up to 5 cycles its first layers stay small.
_FINE_T = {"first_cutoff": 5.0, "first_stopband": 7.5}
_DOUBLED_R = {"first_cutoff": 32.0, "first_stopband": 48.0}
_LOWEST = 0.4

# One thread, for a busy machine and for reproducible numbers. First only the reconstruction loss, which learns most
# per picture; squared differences brought out StyleGAN3's faces. Then the discriminator adds fur, which is not
# determined by the latent.
_CPU = {
    "threads": 1,
    "batch": 8,
    "guide_weight": 1.0,
    "adversarial_kimg": 1e9,
    "d_channel_base": 2048,
    "d_channel_max": 64,
}
# Muon from the first picture, then the same at a lower rate, then the adversarial phase, then that at a lower rate.
_START = {"lr_g": 1.2e-2, "lr_muon": 1.6e-2, "lr_half_kimg": 40.0, "guide_square": 3.0, "ema_kimg": 0.5}
_SLOWER = {"lr_g": 1.5e-3, "lr_muon": 1.5e-3, "lr_half_kimg": 0.0, "ema_kimg": 1.5}
_ADVERSARIAL = {
    "adversarial_kimg": 0.0, "adversarial_weight": 0.08, "gamma": 0.2, "lr_d": 2e-3, "d_bfloat16": True,
    "lr_g": 1.5e-3, "lr_muon": 7e-4, "lr_half_kimg": 0.0, "guide_square": 1.0, "guide_first": 1, "ema_kimg": 3.0,
}  # fmt: skip
# Only the reconstruction loss, for longer or once more, at stepwise lower rates; then an adversarial phase.
_RECONSTRUCT = {"adversarial_kimg": 1e9, "ema_kimg": 1.5, "lr_g": 3e-3, "lr_muon": 4e-3}
_RECONSTRUCT_STRONGER = _RECONSTRUCT | {"lr_half_kimg": 0.0, "guide_square": 8.0}
_RECONSTRUCT_SLOWER = {"lr_g": 1.5e-3, "lr_muon": 2e-3}
_RECONSTRUCT_LAST = {"lr_g": 1e-3, "lr_muon": 1e-3}
_ADVERSARIAL_AGAIN = {"adversarial_kimg": 0.0, "ema_kimg": 3.0, "lr_g": 1.5e-3, "lr_muon": 1e-3, "lr_d": 3e-3}
_ADVERSARIAL_SLOWER = {"lr_g": 1e-3, "lr_muon": 5e-4}
_LAST = {"lr_g": 7e-4, "lr_muon": 3e-4, "lr_d": 1e-3}

_ROUND = (
    _RECONSTRUCT, _RECONSTRUCT_SLOWER, _RECONSTRUCT_LAST,
    _ADVERSARIAL_AGAIN | {"adversarial_weight": 0.12}, _ADVERSARIAL_SLOWER,
    {"adversarial_weight": 0.1, "lr_d": 2e-3}, _LAST,
)  # fmt: skip


def _again(*kimg: float, **first: float) -> list[tuple[float, dict[str, Any]]]:
    """Return one more round of seven steps, starting at `kimg`; `first` is added to the first step."""
    alone, *later = _ROUND
    return list(zip(kimg, (alone | first, *later), strict=True))


# From the 64 px files to 128 px, in two recipes. The first trains their layers further, and the new ones catch up
# under the reconstruction loss; the second is the adversarial phase, which costs five times as much a picture.
# Rendering the data takes half an hour or more, so training begins with some of them. bfloat16 makes reconstruction
# steps 1.7 (StyleGAN2) and 1.3 times (StyleGAN3) as fast on processors with AVX-512 for it, also without AMX.
# Higher rates undo what the old layers have learned: after 1 kimg of StyleGAN2 the reconstruction loss was 25 %
# above that of the start at lr_muon 0.008, and 75 % at 0.016.
_BOTH_128 = _CPU | {"g_bfloat16": True, "d_channel_base": 4096, "guide_square": 8.0}
_FIRST_128 = _BOTH_128 | {"first_pictures": 3000, "ema_kimg": 0.5, "lr_g": 2e-3, "lr_muon": 2e-3}
_SECOND_128 = _BOTH_128 | _ADVERSARIAL | {
    "guide_square": 8.0, "adversarial_weight": 0.16, "gamma": 0.4, "lr_muon": 1e-3, "lr_d": 3e-3,
}  # fmt: skip
# Texture: statistics instead of a discriminator, whose step costs five times as much. A constant strength of the
# noise keeps the generator from ending the noise before it has learned where it may show.
_TEXTURE_128 = _BOTH_128 | {"texture_weight": 5.0, "ema_kimg": 1.0, "lr_g": 2e-3, "lr_muon": 2e-3}
# With nine layers the first ones have about the cutoffs of the first of seven at 64 px. Eight layers would cost
# more, as their rates double sooner.
_T_128 = _SIZES | _V3 | _FINE_T | {"num_layers": 9, "channel_base": 3072, "channel_max": 64}
# All rates and cutoffs of the file are doubled: from the first step on, its 1x1 convolutions draw the same heads at
# the higher resolution, and its Fourier features end an octave below the band limit.
_R_128 = _SIZES | _V3 | _DOUBLED_R | {"num_layers": 8, "channel_base": 8192, "channel_max": 128}

# Half an hour of one large GPU for all three: larger networks, 128 pixels, and the schedule that worked on a CPU:
# Muon under the reconstruction loss at a falling rate, then the discriminator. Not yet tried on a GPU.
_GPU_SIZES = {"z_dim": 64, "w_dim": 256, "mapping_layers": 2, "mapping_lr_multiplier": 1.0}
_GPU = {
    "batch": 64,
    "lr_g": 1.2e-2,
    "lr_muon": 1.6e-2,
    "lr_half_kimg": 320.0,  # as many steps as on a CPU
    "guide_weight": 1.0,
    "guide_square": 3.0,
    "adversarial_kimg": 1e9,
    "ema_kimg": 10.0,
    "d_channel_base": 8192,
    "d_channel_max": 256,
    "device": "cuda",
    "bfloat16": True,
    "total_kimg": 4000.0,
    "phases": [
        (800.0, {"lr_g": 1.5e-3, "lr_muon": 1.5e-3, "lr_half_kimg": 0.0}),
        (1100.0, {
            "lr_muon": 7e-4, "adversarial_kimg": 0.0, "lr_d": 2e-3, "guide_first": 1, "adversarial_weight": 0.08,
            "gamma": 0.3, "ema_kimg": 20.0,
        }),
    ],
}  # fmt: skip

_LIST = (
    Recipe(
        "critters-stylegan2-cpu", "stylegan2", 64, 16000,
        _CPU | _START | {
            "generator": _SIZES | {"channel_base": 2048, "channel_max": 64},
            "warm_up": [(30, 7), (60, 10)],
            "total_kimg": 400.0,
            "phases": [
                (150.0, _RECONSTRUCT_STRONGER),
                (230.0, _RECONSTRUCT_SLOWER),
                (255.0, _RECONSTRUCT_LAST),
                (270.0, _ADVERSARIAL | {"guide_square": 8.0, "path_interval": 16, "path_weight": 0.5}),
                (296.0, {"adversarial_weight": 0.16, "lr_muon": 1e-3, "lr_d": 3e-3}),  # the coats were still smooth
                (350.0, _ADVERSARIAL_SLOWER | {"lr_d": 2e-3}),
                (385.0, _LAST),
            ],
        },
    ),
    Recipe(
        "critters-stylegan3-t-cpu", "stylegan3-t", 64, 16000,
        _CPU | _START | {
            "generator": _SIZES | _V3 | _FINE_T | {"num_layers": 7, "channel_base": 2048, "channel_max": 64},
            "fourier_lowest": _LOWEST,
            "g_bfloat16": True,
            "warm_up": [(25, 1), (60, 2)],
            "total_kimg": 372.0,
            "phases": [
                (150.0, _RECONSTRUCT_STRONGER),
                (225.0, _RECONSTRUCT_SLOWER),
                (250.0, _RECONSTRUCT_LAST),
                (265.0, _ADVERSARIAL | {
                    "guide_square": 8.0, "adversarial_weight": 0.16, "lr_muon": 1e-3, "lr_d": 3e-3,
                }),
                (335.0, _ADVERSARIAL_SLOWER | {"lr_d": 2e-3}),
                (357.0, _LAST),
            ],
        },
    ),
    Recipe(
        "critters-stylegan3-r-cpu", "stylegan3-r", 64, 16000,
        _CPU | _START | {
            "generator": _SIZES | _V3 | _FINE_R | {"num_layers": 8, "channel_base": 4096, "channel_max": 128},
            "fourier_lowest": _LOWEST,
            "g_bfloat16": True,
            "warm_up": [(25, 1), (60, 3)],
            "total_kimg": 632.0,
            "phases": [
                (80.0, _SLOWER),
                (92.0, _ADVERSARIAL),
                (122.0, {"adversarial_weight": 0.16, "lr_muon": 1e-3}),  # the coats were still smooth
                (142.0, _ADVERSARIAL_SLOWER | {"lr_d": 3e-3}),  # a stronger discriminator
                (172.0, _LAST),
                (180.0, _ADVERSARIAL_SLOWER | {"lr_d": 2e-3, "adversarial_weight": 0.1}),
                (203.2, {"guide_square": 4.0}),  # fragments had come loose from the ears
                (220.0, _LAST),
                # Rare ears were not learned yet: once more with only the reconstruction loss.
                (230.0, _RECONSTRUCT | {"guide_square": 6.0}),
                (250.0, _RECONSTRUCT_SLOWER),
                (262.0, _RECONSTRUCT_LAST),
                (268.0, _ADVERSARIAL_AGAIN | {"guide_square": 4.0, "adversarial_weight": 0.16}),
                (305.0, _ADVERSARIAL_SLOWER),
                (325.0, {"adversarial_weight": 0.1, "lr_d": 2e-3}),
                (340.0, _LAST),
                # And twice again: ears that lie between two species were still torn.
                *_again(350.0, 385.0, 403.0, 415.0, 450.0, 470.0, 490.0, guide_square=8.0),
                *_again(500.0, 540.0, 560.0, 572.0, 604.0, 616.0, 624.0),
            ],
        },
    ),
    Recipe(
        "critters-stylegan2-128-first-cpu", "stylegan2", 128, 8000,
        _FIRST_128 | {
            "start_from": "assets/critters-stylegan2.safetensors",
            "generator": _SIZES | {"channel_base": 4096, "channel_max": 64},
            "total_kimg": 30.0,
            "phases": [(18.0, _RECONSTRUCT_LAST | {"ema_kimg": 1.5})],
        },
    ),
    Recipe(
        "critters-stylegan2-128-cpu", "stylegan2", 128, 8000,
        _TEXTURE_128 | {
            "start_from": "assets/stages/critters-stylegan2-128-first.safetensors",
            "generator": _SIZES | {"channel_base": 4096, "channel_max": 64},
            "noise_strength": 0.1,
            "total_kimg": 20.0,
            "first_pictures": 5600,
            "phases": [
                (12.0, {"lr_g": 1e-3, "lr_muon": 1e-3}),
                (14.0, {"first_pictures": 0}),
                (17.0, {"lr_g": 5e-4, "lr_muon": 5e-4}),
            ],
        },
    ),
    Recipe(
        "critters-stylegan3-t-128-first-cpu", "stylegan3-t", 128, 8000,
        _FIRST_128 | {
            "start_from": "assets/critters-stylegan3-t.safetensors",
            "generator": _T_128,
            "fourier_lowest": _LOWEST,
            "lr_g": 3e-3,  # half of the layers are new
            "lr_muon": 4e-3,
            "total_kimg": 85.0,
            "phases": [
                (40.0, _RECONSTRUCT_SLOWER | {"first_pictures": 0, "ema_kimg": 1.5}),
                (70.0, _RECONSTRUCT_LAST),
            ],
        },
    ),
    Recipe(
        "critters-stylegan3-t-128-cpu", "stylegan3-t", 128, 8000,
        _SECOND_128 | {
            "start_from": "assets/stages/critters-stylegan3-t-128-first.safetensors",
            "generator": _T_128,
            "total_kimg": 55.0,
            "phases": [(35.0, _ADVERSARIAL_SLOWER | {"lr_d": 2e-3}), (49.0, _LAST)],
        },
    ),
    Recipe(
        "critters-stylegan3-r-128-first-cpu", "stylegan3-r", 128, 8000,
        _FIRST_128 | {
            "start_from": "assets/critters-stylegan3-r.safetensors",
            "generator": _R_128,
            "fourier_lowest": _LOWEST,
            "total_kimg": 25.0,
            "phases": [(15.0, _RECONSTRUCT_LAST | {"ema_kimg": 1.5})],
        },
    ),
    Recipe(
        "critters-stylegan3-r-128-cpu", "stylegan3-r", 128, 8000,
        _SECOND_128 | {
            "start_from": "assets/stages/critters-stylegan3-r-128-first.safetensors",
            "generator": _R_128,
            "total_kimg": 35.0,
            "phases": [(20.0, _ADVERSARIAL_SLOWER | {"lr_d": 2e-3}), (30.0, _LAST)],
        },
    ),
    # The sizes follow from the teacher. Without the perceptual loss and the discriminator at first, a step is
    # several times as fast, and those have nothing to judge in the first shapes anyway.
    Recipe(
        "critters-mobilestylegan-cpu", "mobilestylegan", 0, 0,
        {
            "teacher": "critters-stylegan2",
            "threads": 1,
            "batch": 8,
            "d_channel_base": 4096,
            "d_channel_max": 64,
            "lr_g": 4e-3,  # Muon learns as much from each picture, and costs more than the student
            "lr_half_kimg": 40.0,
            "lr_d": 1e-3,
            "gamma": 1.0,
            "ema_kimg": 0.5,
            "perceptual_weight": 0.0,
            "adversarial_weight": 0.05,
            "adversarial_kimg": 1e9,
            "total_kimg": 160.0,
            "phases": [
                (120.0, {"perceptual_weight": 0.5, "ema_kimg": 1.5}),
                (145.0, {"adversarial_kimg": 0.0, "lr_g": 1.5e-3}),
            ],
        },
    ),
    Recipe(
        "critters-stylegan2-gpu", "stylegan2", 128, 100000,
        _GPU | {"generator": _GPU_SIZES | {"channel_base": 4096, "channel_max": 128}},
    ),
    Recipe(
        "critters-stylegan3-t-gpu", "stylegan3-t", 128, 100000,
        _GPU | {"generator": _GPU_SIZES | _V3 | {"num_layers": 10, "channel_base": 4096, "channel_max": 128}},
    ),
    Recipe(
        "critters-stylegan3-r-gpu", "stylegan3-r", 128, 100000,
        _GPU | {
            "generator": _GPU_SIZES | _V3 | _FINE_R | {"num_layers": 10, "channel_base": 8192, "channel_max": 256},
            "fourier_lowest": _LOWEST,
        },
    ),
)  # fmt: skip

_SIZE_SETTINGS = ("fourier_lowest", "batch", "d_channel_base", "d_channel_max", "device", "threads", "bfloat16")
_RATES = ("mapping_lr_multiplier", "magnitude_ema_beta")  # in a generator's configuration, but not sizes

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _LIST}


def channels(
    family: str, base: int | None = None, most: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return generator and discriminator settings for `base` channels x pixels and at most `most` channels.

    None leaves a setting out. As published, StyleGAN3-R's generator gets twice as many; its discriminator does not.
    """
    factor = trainer_of(family).channel_factor
    chosen = {name: n for name, n in (("channel_base", base), ("channel_max", most)) if n is not None}
    return {name: factor * n for name, n in chosen.items()}, {f"d_{name}": n for name, n in chosen.items()}


def family_defaults(family: str, resolution: int, batch: int) -> dict[str, Any]:
    """Return the defaults of the published trainers for a family.

    The R1 weight follows the heuristic of ADA's automatic configuration; StyleGAN3-R's blur and the half-life of
    the weight average follow the batch size.
    """
    batch = max(batch, 1)  # `checks` refuses less
    generator, discriminator = channels(family, 32768, 512)
    values: dict[str, Any] = {"gamma": 0.0002 * resolution**2 / batch, "ema_kimg": batch * 10 / 32}
    values |= {"generator": generator, **discriminator}
    return values | trainer_of(family).defaults(batch)


def sizes_of(name: str) -> dict[str, Any]:
    """Return the settings of recipe `name` that suit any data: family, sizes, batch and device.

    Its losses and rates are balanced against the reconstruction loss, which a folder of pictures does not have.

    Raises:
        UsageError: There is no such recipe.
    """
    recipe = _recipe(name)
    values: dict[str, Any] = {"family": recipe.family, "resolution": recipe.resolution, "recipe": name}
    values |= {key: recipe.settings[key] for key in _SIZE_SETTINGS if key in recipe.settings}
    generator = recipe.settings.get("generator", {})
    return values | {"generator": {key: n for key, n in generator.items() if key not in _RATES}}


def settings_of(name: str, out: Path, data: list[Path], **changes: Any) -> TrainSettings:
    """Return the settings of recipe `name` with some changed.

    Raises:
        UsageError: There is no such recipe.
    """
    recipe = _recipe(name)
    values: dict[str, Any] = {"family": recipe.family, "resolution": recipe.resolution, "recipe": name}
    values |= recipe.settings
    values |= changes
    values["phases"] = [
        # An explicit setting holds in every phase.
        (kimg, {key: value for key, value in later.items() if key not in changes})
        for kimg, later in values.get("phases", [])
    ]
    return TrainSettings(out=out, data=data, **values)


def _recipe(name: str) -> Recipe:
    recipe = RECIPES.get(name)
    if recipe is None:
        raise UsageError(f"There is no recipe named {name!r}.", f"Recipes: {', '.join(RECIPES)}.")
    return recipe
