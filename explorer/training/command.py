"""The `train` command: options, data, run, pack."""

from __future__ import annotations

import argparse
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from explorer.errors import UsageError
from explorer.training import attributes
from explorer.training.checks import check
from explorer.training.critters.pack import pack as render_pack
from explorer.training.datasets import Critters, Dataset, open_data
from explorer.training.loop import run as train
from explorer.training.pack import export
from explorer.training.recipes import RECIPES, channels, family_defaults, settings_of, sizes_of
from explorer.training.settings import TrainSettings
from explorer.training.stored import check_same

__all__ = ["add_arguments", "main", "run"]

_FAMILIES = ("stylegan2", "stylegan3-t", "stylegan3-r")
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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `train`."""
    parser.add_argument(
        "--recipe",
        choices=[*sorted(RECIPES), attributes.RECIPE],
        help="start from named settings, which other options change; of a folder of pictures only from their sizes",
    )
    parser.add_argument("--family", choices=_FAMILIES, default="stylegan2")
    parser.add_argument(
        "--data", default="critters", help="'critters', packed .npy files separated by commas, or a folder"
    )
    parser.add_argument("--pictures", type=int, default=None, help="how many critters to render")
    parser.add_argument("--resolution", type=int, default=None)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of checkpoints, samples and metrics; continued"
    )
    parser.add_argument("--mirror", action="store_true", help="show each picture flipped as well")
    parser.add_argument(
        "--channel-base",
        type=int,
        metavar="N",
        help="channels x pixels of both networks (32768; the generator of stylegan3-r takes twice as many)",
    )
    parser.add_argument(
        "--channel-max", type=int, metavar="N",
        help="most channels of both networks (512; the generator of stylegan3-r takes twice as many)",
    )  # fmt: skip
    parser.add_argument("--batch", type=int)
    parser.add_argument("--total-kimg", type=float)
    parser.add_argument("--lr-g", type=float)
    parser.add_argument("--lr-d", type=float)
    parser.add_argument("--gamma", type=float, help="weight of R1")
    parser.add_argument("--guide-weight", type=float)
    parser.add_argument("--adversarial-kimg", type=float, help="guide alone until then")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--augment", choices=("none", "ada"))
    parser.add_argument("--device", help="cpu or cuda")
    parser.add_argument("--threads", type=int, help="of the processor; 0 takes all that torch takes")
    parser.add_argument("--bfloat16", action="store_true", help="activations in bfloat16 (CUDA)")
    parser.add_argument("--minutes", type=float, help="stop after this much time; the run can be continued")
    parser.add_argument("--pack", metavar="NAME", help="export to assets under this name at the end")
    parser.add_argument("--assets", type=Path, default=Path("assets"))
    parser.add_argument("--figures", type=int, default=0, metavar="N", help="measure the card over N pictures")


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that `options` name; what they leave out is not in it."""
    changes: dict[str, Any] = {n: getattr(options, n) for n in _PLAIN if getattr(options, n) is not None}
    if options.bfloat16:
        changes["bfloat16"] = True
    if options.minutes is not None:
        changes["time_limit_s"] = options.minutes * 60
    if options.resolution is not None:
        changes["resolution"] = options.resolution
    return changes | {"mirror": options.mirror}


def _settings(options: argparse.Namespace) -> TrainSettings:
    changes = _changes(options)
    if options.recipe and not _is_folder(options):
        settings = settings_of(options.recipe, options.out, [], **changes)
    else:
        settings = _published(options, changes)
    generator, discriminator = channels(settings.family, options.channel_base, options.channel_max)
    return replace(settings, generator=settings.generator | generator, **discriminator)


def _published(options: argparse.Namespace, changes: dict[str, Any]) -> TrainSettings:
    """Losses and rates as published; sizes, batch and device of the recipe, if there is one."""
    chosen = sizes_of(options.recipe) if options.recipe else {"family": options.family}
    chosen |= changes
    if _is_folder(options):
        chosen.setdefault("augment", "ada")  # adapts itself: large sets are left as they are
    values = family_defaults(chosen["family"], chosen.get("resolution", 64), chosen.get("batch", 16))
    return TrainSettings(out=options.out, data=[], **(values | chosen))


def _is_folder(options: argparse.Namespace) -> bool:
    """Whether the data are the user's pictures, of which nobody knows latents."""
    return options.data != "critters" and Path(options.data.split(",")[0]).is_dir()


def _data(options: argparse.Namespace, settings: TrainSettings) -> Dataset:
    if options.data == "critters":
        count = options.pictures or (RECIPES[options.recipe].pictures if options.recipe in RECIPES else 16000)
        path = options.out / f"critters-{settings.resolution}-{count}.npy"
        if not path.exists():
            batch = 256 if settings.device.startswith("cuda") else 2
            render_pack(
                path, count, settings.resolution, seed=settings.data_seed, batch=batch, device=settings.device
            )  # fmt: skip
        settings.data = [path]
        return Critters([path], settings.data_seed)
    data = open_data(options.data, settings.resolution, seed=settings.data_seed, mirror=settings.mirror)
    settings.data = [Path(part) for part in options.data.split(",")]
    return data


def run(options: argparse.Namespace) -> int:
    """Train as `options` say; returns the exit status."""
    logging.getLogger("explorer.training").setLevel(logging.INFO)  # progress is what this command is watched for
    if options.recipe == attributes.RECIPE:
        return _attributes(options)
    settings = _settings(options)
    check(settings)
    check_same(settings)
    dataset = _data(options, settings)
    train(settings, dataset)
    if options.pack:
        export(options.out, options.pack, options.assets, options.figures, dataset)
    return 0


def _attributes(options: argparse.Namespace) -> int:
    """Train the network that reads attributes; of the options only time, data and packing matter to it."""
    chosen = attributes.AttributeSettings(options.out)
    if options.total_kimg is not None:
        chosen.total_kimg = options.total_kimg
    if options.minutes is not None:
        chosen.time_limit_s = options.minutes * 60
    dataset = _data(options, TrainSettings(family="", out=options.out, data=[], resolution=64))
    if not isinstance(dataset, Critters):
        raise UsageError("Attributes are known of critters only.", "Leave --data out, or give packed critters.")
    network = attributes.train(chosen, dataset)
    if options.pack:
        attributes.export(chosen, network, dataset, options.assets / "networks", options.pack)
    return 0


def main(argv: list[str] | None = None) -> int:
    """`python -m explorer.training.command ...`."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())
