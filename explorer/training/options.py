"""The options of the `train` command, and the settings they specify."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from explorer.errors import UsageError
from explorer.generators.registry import families
from explorer.training import attributes, run_dir
from explorer.training.family_trainer import trainer_of
from explorer.training.recipes import RECIPES, channels, family_defaults, settings_of, sizes_of
from explorer.training.settings import TrainSettings

__all__ = ["add_arguments", "check_options", "command_line_for", "is_folder", "settings_from"]

_PLAIN = (
    "batch",
    "total_kimg",
    "lr_g",
    "lr_d",
    "gamma",
    "seed",
    "augment",
    "device",
    "threads",
    "guide_weight",
    "adversarial_kimg",
)


_FOLDER_AUGMENT = "ada"  # adaptive: it stays off for large sets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `train`."""
    parser.add_argument(
        "--recipe",
        choices=[*sorted(RECIPES), attributes.RECIPE],
        help="named settings, which other options override; for a folder of pictures only sizes, batch and device",
    )
    default, *others = _trainable()
    parser.add_argument("--family", choices=[default, *others], help=f"default: that of the recipe, or {default}")
    parser.add_argument(
        "--data", default="critters", help="'critters', packed .npy files separated by commas, or a folder"
    )
    parser.add_argument("--pictures", type=int, default=None, help="how many critters to render (16000)")
    parser.add_argument("--resolution", type=int, default=None)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        help="folder for checkpoints, samples and metrics; its run is resumed",
    )
    parser.add_argument("--start-from", metavar="FILE", help="packed generator whose layers initialise the run")
    parser.add_argument(
        "--teacher",
        metavar="FILE",
        help="StyleGAN2 that a MobileStyleGAN learns from: a file, a bundled model, or FILE#PART",
    )
    parser.add_argument(
        "--perceptual", metavar="NETWORK",
        help="features of the perceptual loss of a distillation: efficientnet (default), a file of VGG16's "
        "weights, or MODULE:FUNCTION",
    )  # fmt: skip
    parser.add_argument("--mirror", action="store_true", help="also train on each picture of a folder mirrored")
    parser.add_argument(
        "--channel-base",
        type=int,
        metavar="N",
        help=f"channels x pixels of both networks (32768{_factors()})",
    )
    parser.add_argument(
        "--channel-max", type=int, metavar="N",
        help=f"maximum channels of both networks (512{_factors()})",
    )  # fmt: skip
    parser.add_argument("--batch", type=int)
    parser.add_argument("--total-kimg", type=float)
    parser.add_argument("--lr-g", type=float)
    parser.add_argument("--lr-d", type=float)
    parser.add_argument("--gamma", type=float, help="weight of R1")
    parser.add_argument("--guide-weight", type=float)
    parser.add_argument("--adversarial-kimg", type=float, help="no discriminator before this")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--augment", choices=("none", "ada"))
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="CPU threads; 0: torch's default")
    parser.add_argument("--bfloat16", action="store_true", help="activations in bfloat16 (CUDA)")
    parser.add_argument("--minutes", type=float, help="stop after this much time; the run can be resumed")
    parser.add_argument("--pack", metavar="NAME", help="export to assets under this name at the end")
    parser.add_argument("--assets", type=Path, default=Path("assets"))
    parser.add_argument(
        "--figures",
        type=int,
        default=0,
        metavar="N",
        help="with --pack: measure its card over N pictures",
    )


def _trainable() -> list[str]:
    """Return the names of the families that can be trained here."""
    return [name for name, family in families().items() if family.trainer]


def _factors() -> str:
    """Return what the help says of families whose generator gets more channels than the option's number."""
    factors = {name: trainer_of(name).channel_factor for name in _trainable()}
    return "".join(
        f"; {'doubled' if factor == 2 else f'times {factor}'} for the generator of {name}"
        for name, factor in factors.items()
        if factor != 1
    )


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that would otherwise be silently ignored.

    Raises:
        UsageError: Two options do not go together.
    """
    if options.recipe and options.family not in (None, _family(options)):
        raise UsageError(f"--recipe {options.recipe} does not train a {options.family}.", "Leave one of them out.")
    if options.figures < 0 or (options.figures and not options.pack):
        raise UsageError("--figures needs a packed model to measure.", "Give --pack NAME as well.")
    _check_data_options(options)


def _check_data_options(options: argparse.Namespace) -> None:
    family = options.family or _family(options)
    if family is not None and trainer_of(family).is_distilled:
        if options.data != "critters" or options.pictures is not None:
            raise UsageError(
                f"A {family} learns from the pictures of its teacher alone.", "Leave out --data and --pictures."
            )
        if options.figures:
            raise UsageError(
                "--figures compares with the data, and a distillation has none.",
                "Measure afterwards: main.py figures NAME --data DATA --card CARD.",
            )
        return
    made = options.data == "critters"
    if options.mirror and (made or options.data.endswith(".npy")):
        raise UsageError("--mirror is for folders: a flipped critter is not that of its latent.", "Leave it out.")
    if options.pictures is not None and not made:
        raise UsageError("--pictures is for rendered critters, but --data names other pictures.", "Leave one out.")
    if options.pictures is not None and options.pictures < 1:
        raise UsageError(f"--pictures {options.pictures} leaves nothing to train on.", "Give 1 or more.")
    if is_folder(options) and max(options.guide_weight or 0, options.adversarial_kimg or 0) > 0:
        raise UsageError(
            "A folder of pictures has no known latents to reconstruct.",
            "Leave out --guide-weight and --adversarial-kimg.",
        )


def _family(options: argparse.Namespace) -> str | None:
    return RECIPES[options.recipe].family if options.recipe in RECIPES else None


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that `options` name; what they leave out is not in it."""
    changes: dict[str, Any] = {n: getattr(options, n) for n in _PLAIN if getattr(options, n) is not None}
    if options.bfloat16:
        changes["bfloat16"] = True
    if options.minutes is not None:
        changes["time_limit_s"] = options.minutes * 60
    if options.resolution is not None:
        changes["resolution"] = options.resolution
    for name in ("start_from", "teacher", "perceptual"):
        if getattr(options, name) is not None:
            changes[name] = getattr(options, name)
    return changes | {"mirror": options.mirror}


def settings_from(options: argparse.Namespace) -> TrainSettings:
    """Return the settings that `options` specify, without the data."""
    changes = _changes(options)
    if options.recipe and not is_folder(options):
        settings = settings_of(options.recipe, options.out, [], **changes)
    else:
        settings = _published(options, changes)
    generator, discriminator = channels(settings.family, options.channel_base, options.channel_max)
    settings = replace(settings, generator=settings.generator | generator, **discriminator)
    settings = trainer_of(settings.family).completed(settings)
    if options.resolution not in (None, settings.resolution):
        raise UsageError(
            f"--resolution {options.resolution}: the teacher {settings.teacher} has {settings.resolution} px.",
            "Leave --resolution out.",
        )
    return settings if options.recipe or generator else run_dir.with_sizes_held(settings)


def _published(options: argparse.Namespace, changes: dict[str, Any]) -> TrainSettings:
    """Return published losses and rates, with sizes, batch and device of the recipe if there is one."""
    chosen: dict[str, Any] = {"family": options.family or _trainable()[0]}
    if options.recipe:
        chosen |= sizes_of(options.recipe)
    chosen |= changes
    if is_folder(options):
        chosen.setdefault("augment", _FOLDER_AUGMENT)
    values = family_defaults(chosen["family"], chosen.get("resolution", 64), chosen.get("batch", 16))
    return TrainSettings(out=options.out, data=[], **(values | chosen))


def command_line_for(settings: dict[str, Any], *, of_folder: bool) -> str:
    """Return the command-line options, besides family and data, that give `settings` without a recipe."""
    usual = {field.name: field.default for field in fields(TrainSettings)}
    usual |= family_defaults(settings["family"], settings["resolution"], settings["batch"])
    if of_folder:
        usual["augment"] = _FOLDER_AUGMENT
    names = ("resolution", *_PLAIN, "d_channel_base", "d_channel_max")
    if trainer_of(settings["family"]).is_distilled:
        names = ("perceptual", *names[1:])
    options = [
        f" --{name.removeprefix('d_').replace('_', '-')} {settings[name]}"
        for name in names
        if settings.get(name, usual[name]) != usual[name]
    ]
    return "".join(options + [f" --{name}" for name in ("mirror", "bfloat16") if settings.get(name)])


def is_folder(options: argparse.Namespace) -> bool:
    """Return whether the data are the user's own pictures, which have no known latents."""
    return options.data != "critters" and Path(options.data.split(",")[0]).is_dir()
