"""Named recipes: the settings that made, or will make, the bundled generators."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from explorer.errors import UsageError
from explorer.training.settings import TrainSettings

__all__ = ["RECIPES", "Recipe", "settings_of"]


@dataclass(frozen=True)
class Recipe:
    """Data to render and settings to train with."""

    name: str
    family: str
    resolution: int
    pictures: int
    settings: dict[str, Any] = field(default_factory=dict)


_SIZES = {"z_dim": 64, "w_dim": 128, "mapping_layers": 2, "mapping_lr_multiplier": 1.0}
_V3 = {"num_layers": 6, "margin_size": 4, "magnitude_ema_beta": 0.99}

# One low-priority thread of a busy two-core machine. Squared differences brought StyleGAN3's faces out.
_CPU = {
    "batch": 8,
    "guide_weight": 1.0,
    "adversarial_kimg": 1e9,
}

# Half an hour of one large GPU for all three: larger networks, 128 pixels, the discriminator joins in. Its weight
# makes its gradient on a picture about as long as the guide's, by estimate: not yet tried on a GPU.
_GPU_SIZES = {"z_dim": 64, "w_dim": 256, "mapping_layers": 2, "mapping_lr_multiplier": 1.0}
_GPU = {
    "batch": 64,
    "lr_g": 4e-3,
    "lr_d": 2e-3,
    "guide_weight": 1.0,
    "guide_square": 1.0,
    "adversarial_kimg": 400.0,
    "adversarial_weight": 0.03,
    "gamma": 1.0,
    "ema_kimg": 20.0,
    "d_channel_base": 8192,
    "d_channel_max": 256,
    "device": "cuda",
    "bfloat16": True,
    "total_kimg": 4000.0,
}

_LIST = (
    Recipe(
        "critters-stylegan2-cpu", "stylegan2", 64, 16000,
        _CPU | {
            "generator": _SIZES | {"channel_base": 2048, "channel_max": 64},
            "warm_up": [(100, 7), (160, 10)],
            "lr_g": 1.2e-2,
            "lr_half_kimg": 100.0,
            "guide_square": 1.0,
            "ema_kimg": 2.0,
            "total_kimg": 240.0,
        },
    ),
    Recipe(
        "critters-stylegan3-t-cpu", "stylegan3-t", 64, 16000,
        _CPU | {
            "generator": _SIZES | _V3 | {"channel_base": 1280, "channel_max": 64},
            "warm_up": [(30, 1), (75, 2)],
            "lr_g": 8e-3,
            "lr_half_kimg": 120.0,
            "guide_square": 3.0,
            "ema_kimg": 0.4,
            "total_kimg": 180.0,
        },
    ),
    Recipe(
        "critters-stylegan3-r-cpu", "stylegan3-r", 64, 16000,
        _CPU | {
            "generator": _SIZES | _V3 | {"channel_base": 2048, "channel_max": 96},
            "warm_up": [(30, 1), (75, 2)],
            "lr_g": 8e-3,
            "lr_half_kimg": 120.0,
            "guide_square": 3.0,
            "ema_kimg": 0.4,
            "total_kimg": 180.0,
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
            "generator": _GPU_SIZES | _V3 | {"num_layers": 10, "channel_base": 8192, "channel_max": 256},
            "blur_sigma": 10.0,
            "blur_fade_kimg": 600.0,
        },
    ),
)  # fmt: skip

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _LIST}


def settings_of(name: str, out: Path, data: list[Path], **changes: Any) -> TrainSettings:
    """The settings of recipe `name` with some changed.

    Raises:
        UsageError: There is no such recipe.
    """
    recipe = RECIPES.get(name)
    if recipe is None:
        raise UsageError(f"There is no recipe named {name!r}.", f"Recipes: {', '.join(RECIPES)}.")
    values: dict[str, Any] = {"family": recipe.family, "resolution": recipe.resolution, "recipe": name}
    values |= recipe.settings
    values |= changes
    return TrainSettings(out=out, data=data, **values)
