"""Export a training run's averaged generator as float16 safetensors with its card and sheets of samples."""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.checkpoints import Checkpoint, build_generator, load, save_native
from explorer.generators.base import Generator
from explorer.training.figures import figures
from explorer.training.snapshot import load_state, save_sheet

__all__ = ["export", "load_packed", "main", "sample_sheet", "write_card"]

log = logging.getLogger("explorer.training.pack")

_ORIGIN = "trained by explorer.training on procedurally rendered Critters"


def export(run: Path, name: str, assets: Path, figure_samples: int = 0) -> Path:
    """Write `assets/NAME.safetensors`, its card and two sheets from the newest checkpoint of `run`.

    With `figure_samples` the card's figures are measured over so many pictures; critters only.
    """
    settings = json.loads((run / "settings.json").read_text())
    state = load_state(run / "state.pt", "cpu")
    config = {"img_resolution": settings["resolution"], **settings["generator"]}
    checkpoint = Checkpoint(
        family=settings["family"],
        config=config,
        tensors=dict(state["g_ema"]),
        name=name,
        licence="MIT",
        origin=_ORIGIN,
        card={"training": _verdict(settings, state["shown"] / 1000), "steps": str(state["iteration"])},
    )
    assets.mkdir(parents=True, exist_ok=True)
    path = assets / f"{name}.safetensors"
    save_native(path, checkpoint, dtype="float16")
    generator = load_packed(path)  # what is drawn is what the file holds
    for psi in (1.0, 0.7):
        save_sheet(assets / f"{name}-samples-psi{psi:g}.png", sample_sheet(generator, psi))
    measured = figures(generator, figure_samples) if figure_samples else []
    write_card(assets / f"{name}.md", settings, state, generator, path, measured)
    return path


def load_packed(path: Path) -> Generator:
    """The generator of a packed file, float32 on the CPU, opened the way the explorer opens it."""
    return build_generator(load(path))


@torch.no_grad()
def sample_sheet(generator: Generator, psi: float, count: int = 64) -> torch.Tensor:
    """Pictures of the seeds 0 ... `count` - 1, with the explorer's way from seed to latent and stored noise."""
    rows = [np.random.RandomState(seed).randn(1, generator.info.z_dim) for seed in range(count)]
    z = torch.from_numpy(np.concatenate(rows)).float()
    ws = generator.truncate(generator.broadcast(generator.mapping(z)), psi)
    return torch.cat([generator.synthesis(part) for part in torch.split(ws, 8)])


def write_card(
    card: Path,
    settings: dict[str, Any],
    state: dict[str, Any],
    generator: Generator,
    file: Path,
    measured: list[str],
) -> None:
    """Write the card: what was trained on what, how far, with which settings, and what was measured."""
    name = file.stem
    kimg, seconds = state["shown"] / 1000, state["seconds"]
    parameters = sum(p.numel() for p in generator.parameters())
    changed = {k: v for k, v in settings.items() if k not in ("out", "data", "time_limit_s", "save_s", "samples_s")}
    names = [(kimg, generator.layers[index].info.name) for kimg, index in settings["warm_up"]]
    stages = "; ".join(f"to {kimg:g} kimg: layers up to {name}" for kimg, name in names)
    metrics = ", ".join(f"{k} {v}" for k, v in _last_metrics(Path(settings["out"]) / "metrics.csv").items() if v)
    figures_text = "\n".join(f"* {line}" for line in measured) or "None measured yet."
    card.write_text(
        f"""# {name}

A {settings["family"]} generator of furry heads, {settings["resolution"]} pixels, {parameters:,} parameters
({file.stat().st_size / 1e6:.2f} MB as float16). Licence: MIT, like the program; data and weights are our own.

**State of training: {_verdict(settings, kimg)}**

## Data
{_data(settings)}

## Training
{kimg:.1f} thousand pictures shown in {seconds / 60:.0f} minutes of wall clock, {state["iteration"]:,} steps of
batch {settings["batch"]}, device {settings["device"]}. {settings.get("note", "")}

{_method(settings, kimg, stages)}

Last figures of the log: {metrics}.

```
{_command(settings)}
```

Runs that were adjusted on the way or cut by the clock come out alike, not identical, when the command is run again.

Settings: `{json.dumps(changed)}`

## Figures
{figures_text}

Not measured yet: Fréchet distances.

Sheets of 64 uncurated samples, seeds 0 to 63: `{name}-samples-psi1.png` and `{name}-samples-psi0.7.png`.
""",
        encoding="utf-8",
    )


def _verdict(settings: dict[str, Any], kimg: float) -> str:
    return settings.get("verdict") or f"unfinished; stopped by the clock at {kimg:.1f} kimg."


def _data(settings: dict[str, Any]) -> str:
    if settings["guide_weight"] <= 0:
        return "Pictures of the user's own: " + ", ".join(Path(path).name for path in settings["data"]) + "."
    return f"""Critters, rendered by `explorer.training.critters` (seed {settings["data_seed"]}): procedural heads
of cats, dogs, foxes, bears, rabbits; not aligned. Every picture is a function of a normal latent of 64 numbers."""


def _method(settings: dict[str, Any], kimg: float, stages: str) -> str:
    adversarial = f"non-saturating logistic loss, R1 with gamma {settings['gamma']:g}"
    if settings["guide_weight"] <= 0:
        return f"Adversarial throughout ({adversarial})."
    reached = max(kimg - settings["adversarial_kimg"], 0)
    guided = min(kimg, settings["adversarial_kimg"])
    phase = (
        f"then {reached:.1f} kimg with the discriminator as well ({adversarial})"
        if reached
        else "no adversarial phase"
    )
    return f"""The latents of the data are known, so training is **guided**: `z` is the latent that made the
picture, and the generator is drawn towards that picture by the absolute difference at three octaves.
{_sentence(stages)}
Guided alone for {guided:.1f} kimg, {phase}.
This is not how the published networks were trained: it needs data with known latents, and learns far more from each
picture than the adversarial game does, which a CPU cannot afford. The architecture is the published one."""


def _sentence(stages: str) -> str:
    return f"Warm-up on the early layers first ({stages})." if stages else "No warm-up."


def _command(settings: dict[str, Any]) -> str:
    start = (
        f"--recipe {settings['recipe']}"
        if settings.get("recipe")
        else f"--family {settings['family']} --data FOLDER"
    )
    return f"python main.py train {start} --out DIR --pack NAME"


def _last_metrics(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    header, *rows = path.read_text().splitlines()
    return dict(zip(header.split(","), rows[-1].split(","), strict=False)) if rows else {}


def main(argv: list[str] | None = None) -> int:
    """Command line: `python -m explorer.training.pack RUN NAME [--assets DIR]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("name")
    parser.add_argument("--assets", type=Path, default=Path("assets"))
    parser.add_argument(
        "--figures", type=int, default=0, metavar="N", help="measure over N pictures (critters only)"
    )
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    log.info("%s", export(options.run, options.name, options.assets, options.figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
