"""Export a training run's averaged generator as float16 safetensors with its card and sheets of samples."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.analysis.feature_networks import networks
from explorer.checkpoints import Checkpoint, build_generator, load, save_native
from explorer.errors import UsageError
from explorer.generators.registry import build
from explorer.training.cards import usual_account, verdict, write_card
from explorer.training.datasets import Critters, Dataset, open_data
from explorer.training.evaluate import Request, fresh_like, measure, report
from explorer.training.family_trainer import trainer_of
from explorer.training.run_dir import SETTINGS, STATE
from explorer.training.sheets import card_picture, samples
from explorer.training.snapshot import load_state, save_sheet
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["export", "load_packed", "main"]

log = logging.getLogger("explorer.training.pack")


def export(run: Path, name: str, assets: Path, figure_samples: int = 0, data: Dataset | None = None) -> Path:
    """Write `assets/NAME.safetensors`, its card, tile and two sheets from the newest checkpoint of `run`.

    With `figure_samples` and `data`, the card's metrics are measured over that many pictures.
    """
    settings = json.loads(read_regular(run / SETTINGS, 16 << 20))
    state = load_state(run / STATE)
    config = {"img_resolution": settings["resolution"], **settings["generator"]}
    generator = build(settings["family"], config)
    generator.load_state_dict(state["g_ema"])
    account = trainer_of(settings["family"]).account(settings, state, generator) or usual_account(
        settings, state, generator
    )
    checkpoint = Checkpoint(
        family=settings["family"],
        config=config,
        tensors=dict(state["g_ema"]),
        name=name,
        licence=account.licence,
        origin=account.origin,
        card={"training": verdict(settings, state["shown"] / 1000), "steps": str(state["iteration"])}
        | dict(account.more),
    )
    assets.mkdir(parents=True, exist_ok=True)
    path = assets / f"{name}.safetensors"
    save_native(path, checkpoint, dtype="float16")
    generator = load_packed(path)  # draw with the weights of the file, in its precision
    for psi in (1.0, 0.7):
        save_sheet(assets / f"{name}-samples-psi{psi:g}.png", samples(generator, psi))
    save_sheet(assets / f"{name}.png", card_picture(generator), 2)
    measured = _measured(checkpoint, generator, data, figure_samples) if figure_samples and data else ""
    write_card(assets / f"{name}.md", settings, state, account, generator, path, measured)
    return path


def load_packed(path: Path) -> Generator:
    """Return the generator of a packed file, float32 on the CPU, opened the way the explorer opens it."""
    return build_generator(load(path))


def _measured(checkpoint: Checkpoint, generator: Generator, data: Dataset, samples: int) -> str:
    """Return the card's metrics, without EfficientNet-Lite0 if its weights are not available."""
    using = networks(("attributes",)) if isinstance(data, Critters) else []
    try:
        using = networks(("efficientnet",)) + using
    except UsageError as error:
        log.warning("%s", error)
    request = Request(samples, equivariance=min(samples, 500))
    return report(measure(generator, fresh_like(checkpoint), data, using, request))


def main(argv: list[str] | None = None) -> int:
    """Run the command line `python -m explorer.training.pack RUN NAME [--assets DIR]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--assets", type=Path, default=Path("assets"))
    parser.add_argument("--figures", type=int, default=0, metavar="N", help="measure the card over N pictures")
    parser.add_argument("--data", help="the pictures it was trained on, for the figures (default: as trained)")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    data = None
    if options.figures:
        settings = json.loads(read_regular(options.run / SETTINGS, 16 << 20))
        where = options.data or ",".join(settings["data"])
        if not where:
            raise UsageError("The run learned from a teacher, not from data.", "Give --data for the figures.")
        data = open_data(where, settings["resolution"], seed=settings["data_seed"], mirror=settings["mirror"])
    log.info("%s", export(options.run, options.name, options.assets, options.figures, data))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
