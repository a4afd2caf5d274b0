"""The `train` command: data, run, pack."""

from __future__ import annotations

import argparse
import logging
import signal
from pathlib import Path

from explorer.errors import UsageError
from explorer.training import attributes
from explorer.training.checks import check
from explorer.training.critters.pack import pack as render_pack
from explorer.training.datasets import Critters, Dataset, open_data
from explorer.training.family_trainer import trainer_of
from explorer.training.loop import run as train
from explorer.training.options import add_arguments, check_options, settings_from
from explorer.training.pack import export
from explorer.training.parallel import Group
from explorer.training.recipes import RECIPES
from explorer.training.run_dir import check_same
from explorer.training.settings import TrainSettings

__all__ = ["add_arguments", "main", "run"]


def _data(options: argparse.Namespace, settings: TrainSettings, group: Group) -> Dataset | None:
    if settings.family and trainer_of(settings.family).is_distilled:
        return None
    if options.data == "critters":
        count = options.pictures or (RECIPES[options.recipe].pictures if options.recipe in RECIPES else 16000)
        path = options.out / f"critters-{settings.resolution}-{count}.npy"
        if group.is_main_process and not path.exists():
            batch = 256 if settings.device.startswith("cuda") else 2
            render_pack(
                path, count, settings.resolution, seed=settings.data_seed, batch=batch, device=settings.device
            )  # fmt: skip
        group.wait()  # the others read the data of the main process
        settings.data = [path]
        return Critters([path], settings.data_seed)
    data = open_data(options.data, settings.resolution, seed=settings.data_seed, mirror=settings.mirror)
    settings.data = [Path(part) for part in options.data.split(",")]
    return data


def run(options: argparse.Namespace) -> int:
    """Train with `options`, and pack; return the exit status, 128 + N if signal N stopped the run early."""
    logging.getLogger("explorer.training").setLevel(logging.INFO)  # show the progress
    check_options(options)
    if options.recipe == attributes.RECIPE:
        return _attributes(options)
    settings = settings_from(options)
    check(settings)
    check_same(settings)
    group = Group(settings.device)
    group.local_batch(settings.batch)
    dataset = _data(options, settings, group)
    trainer = train(settings, dataset, group)
    if trainer.stopped:
        return 128 + (trainer.stopped_by or signal.SIGINT)
    if options.pack and group.is_main_process:
        export(options.out, options.pack, options.assets, options.figures, dataset)
    return 0


def _attributes(options: argparse.Namespace) -> int:
    """Train the attribute network, for which only the options on time, data and packing apply."""
    group = Group("cpu")
    if group.size > 1:
        raise UsageError("The attribute network is trained by one process.", "Start it without torchrun.")
    chosen = attributes.AttributeSettings(options.out)
    if options.total_kimg is not None:
        chosen.total_kimg = options.total_kimg
    if options.minutes is not None:
        chosen.time_limit_s = options.minutes * 60
    dataset = _data(options, TrainSettings(family="", out=options.out, data=[], resolution=64), group)
    if not isinstance(dataset, Critters):
        raise UsageError("Only critters have attributes.", "Leave out --data, or give packed critters.")
    network = attributes.train(chosen, dataset)
    if options.pack:
        attributes.export(chosen, network, dataset, options.assets / "networks", options.pack)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run `python -m explorer.commands.train ...`."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    add_arguments(parser)
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    return run(options)


if __name__ == "__main__":
    raise SystemExit(main())
