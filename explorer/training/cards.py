"""The model card of a packed generator: data, method, command, settings and metrics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from explorer.errors import UsageError
from explorer.training import history
from explorer.training.family_trainer import Account, trainer_of
from explorer.training.options import command_line_for
from explorer.util.atomic_write import atomic_write_bytes
from explorer.util.regular_file import read_regular

if TYPE_CHECKING:
    from explorer.generators.base import Generator

__all__ = ["is_critters", "replace_figures", "usual_account", "verdict", "write_card"]

Schedule = list[tuple[float, dict[str, Any]]]

# Specific to the machine, or stated elsewhere in the card.
_LEFT_OUT = ("out", "data", "time_limit_s", "save_s", "samples_s", "start_from")
_CRITTERS, _FOREIGN = "procedurally rendered Critters", "pictures of the user's own"
_FIGURES, _AFTER = "## Figures\n", "\nSheets of 64 uncurated samples"


def replace_figures(card: Path, measured: str) -> None:
    """Replace the metrics in an existing card.

    Raises:
        UsageError: The file is not a card.
    """
    text = read_regular(card, 16 << 20).decode("utf-8", "replace")
    if _FIGURES not in text or _AFTER not in text:
        raise UsageError(f"{card} is not a card of a packed generator.")
    before, rest = text.split(_FIGURES, 1)
    after = rest[rest.index(_AFTER) :]
    atomic_write_bytes(card, (before + _FIGURES + measured + "\n" + after).encode())


_AGAIN = """\
The command reproduces these weights bit for bit on the same type of processor with the same PyTorch, even if it is
interrupted and resumed. Elsewhere they come out similar, not identical."""
_ALIKE = "The run was adjusted while it was running; the command gives similar, not identical weights."


def write_card(
    card: Path,
    settings: dict[str, Any],
    state: dict[str, Any],
    account: Account,
    generator: Generator,
    file: Path,
    measured: str,
) -> None:
    """Write the card: model, data, progress, settings and metrics; `account` is that of its family or the usual."""
    name = file.stem
    kimg, seconds = state["shown"] / 1000, state["seconds"]
    parameters = sum(p.numel() for p in generator.parameters())
    changed = {k: v for k, v in settings.items() if k not in _LEFT_OUT}
    schedule = _schedule(settings, kimg)
    logged = ", ".join(f"{k} {v}" for k, v in _last_metrics(Path(settings["out"]) / "metrics.csv").items() if v)
    started = state.get("started") or {}
    metrics = f"\nLast metrics of the log: {logged}.\n" if logged else ""
    note = f" {settings['note']}" if settings.get("note") else ""
    text = f"""# {name}

A {settings["family"]} generator{" of furry heads" * is_critters(settings)}, {settings["resolution"]} pixels, \
{parameters:,} parameters
({file.stat().st_size / 1e6:.2f} MB as float16). Licence: {account.licence_note}

**State of training: {verdict(settings, kimg)}**

## Data
{account.data}

## Training
{kimg:.1f} thousand pictures shown in {seconds / 60:.0f} minutes of wall clock, {state["iteration"]:,} steps of
batch {settings["batch"]}, device {settings["device"]}{_workers(settings)}.{note}

{_start(started)}{account.method}\
{trainer_of(settings["family"]).card_note(settings, started)}
{_steps(schedule)}{metrics}
```
{_command(settings)}
```

{_AGAIN if settings.get("threads") else _ALIKE}

Settings: `{json.dumps(changed)}`

## Figures
{measured or "None measured yet."}

Sheets of 64 uncurated samples, seeds 0 to 63: `{name}-samples-psi1.png` and `{name}-samples-psi0.7.png`.
"""
    atomic_write_bytes(card, text.encode())


def usual_account(settings: dict[str, Any], state: dict[str, Any], generator: Generator) -> Account:
    """Return what the card says of a run that learned from pictures."""
    kimg, is_own = state["shown"] / 1000, is_critters(settings)
    schedule = _schedule(settings, kimg)
    names = [(kimg, generator.layers[index].info.name) for kimg, index in settings["warm_up"]]
    stages = "; ".join(f"to {kimg:g} kimg: layers up to {name}" for kimg, name in names)
    return Account(
        licence="MIT" if is_own else "",
        licence_note=_licence(settings),
        origin=f"trained by explorer.training on {_CRITTERS if is_own else _FOREIGN}",
        data=_data(settings),
        method=_method(_last(settings, schedule), kimg, stages, _adversarial_kimg(schedule, kimg)),
    )


def _schedule(settings: dict[str, Any], kimg: float) -> Schedule:
    return history.phases(Path(settings["out"]), kimg) or _planned(settings, kimg)


def verdict(settings: dict[str, Any], kimg: float) -> str:
    """Return a sentence on how far training got."""
    if settings.get("verdict"):
        return str(settings["verdict"])
    planned = float(settings["total_kimg"])
    return f"complete, {kimg:.1f} kimg." if kimg >= planned else f"unfinished, {kimg:.1f} of {planned:g} kimg."


def is_critters(settings: dict[str, Any]) -> bool:
    """Return whether the data are rendered critters."""
    return bool(settings["data"]) and all(str(path).endswith(".npy") for path in settings["data"])


def _licence(settings: dict[str, Any]) -> str:
    if is_critters(settings):
        return "MIT, like the program; data and weights are our own."
    return "not stated; it depends on the pictures."


def _data(settings: dict[str, Any]) -> str:
    if not is_critters(settings):
        return "Pictures of the user's own: " + ", ".join(Path(path).name for path in settings["data"]) + "."
    return f"""Critters, rendered by `explorer.training.critters` (seed {settings["data_seed"]}): procedural heads
of cats, dogs, foxes, bears, rabbits; not aligned. Every picture is a function of a normal latent of 64 numbers."""


def _planned(settings: dict[str, Any], kimg: float) -> Schedule:
    """Return the schedule of the settings, for runs without a history."""
    return [(0.0, settings), *((start, changes) for start, changes in settings.get("phases", []) if start < kimg)]


def _last(settings: dict[str, Any], schedule: Schedule) -> dict[str, Any]:
    """Return the settings at the end of the schedule."""
    for _, changes in schedule:
        settings = settings | changes
    return settings


def _adversarial_kimg(schedule: Schedule, kimg: float) -> float:
    """Return for how many kimg the discriminator was trained."""
    now: dict[str, Any] = {}
    total = 0.0
    for index, (start, changes) in enumerate(schedule):
        now = now | changes
        stop = schedule[index + 1][0] if index + 1 < len(schedule) else kimg
        total += max(0.0, min(stop, kimg) - max(start, float(now["adversarial_kimg"])))
    return total


def _steps(schedule: Schedule) -> str:
    """Return the settings that changed during the run, one line per change."""
    lines = [
        f"* from {kimg:.1f} kimg: " + ", ".join(f"{key} {value}" for key, value in sorted(changes.items()))
        for kimg, changes in schedule[1:]
    ]
    return "\nChanged during the run:\n\n" + "\n".join(lines) + "\n" if lines else ""


def _method(settings: dict[str, Any], kimg: float, stages: str, reached: float) -> str:
    adversarial = "non-saturating logistic loss, lazy R1"
    if settings["guide_weight"] <= 0:
        return f"Adversarial throughout ({adversarial})."
    adversarial_phase = f"{reached:.1f} kimg with the discriminator as well ({adversarial})"
    return f"""The latents of the data are known, so training uses a **reconstruction loss**: `z` is the latent of
the rendered picture, and the generator is trained towards that picture by {_guide(settings)}.
{_sentence(stages)}
Reconstruction only for {kimg - reached:.1f} kimg, {adversarial_phase if reached > 0 else "no adversarial phase"}.
This is not how the published networks were trained: it needs data with known latents, and learns far more per
picture than adversarial training, which is too slow on a CPU. The architecture is the published one."""


def _start(started: dict[str, Any]) -> str:
    """Return a paragraph on the file and layers of a warm start."""
    if not started:
        return ""
    taken = [f"unchanged: {', '.join(started['whole'])}"]
    if started["widened"]:
        taken.append(f"with additional channels: {', '.join(started['widened'])}")
    if started["fresh"]:
        taken.append(f"new: {', '.join(started['fresh'])}")
    return f"""Training did not start from scratch, but from `{started["file"]}` of {started["resolution"]} pixels
(SHA-256 `{started["sha256"]}`), whose own training is not counted here.
Its layers were used {"; ".join(taken)}.

"""


def _guide(settings: dict[str, Any]) -> str:
    """Describe `losses.reconstruction_loss` with these settings."""
    squares = " and squared" * (settings["guide_square"] > 0)
    first = settings["guide_first"]
    finer = f", {first} of them (the finest) only without the discriminator" if first else ""
    text = f"absolute{squares} differences at three octaves{finer}"
    if settings.get("texture_weight", 0) > 0:
        text += """, the finest only outside
of texture, and by differences in local variance and autocorrelation, which teach it the texture of fur"""
    if (strength := settings.get("noise_strength", 0)) > 0:
        text += f"; the noise of the finest layers has a constant strength of {strength:g}"
    return text


def _workers(settings: dict[str, Any]) -> str:
    """Return the number of processes and threads, where it was set."""
    one_thread = settings.get("threads") == 1
    if (processes := settings.get("processes", 1)) > 1:
        return f", {processes} processes" + " of one thread" * one_thread
    return ", one thread" * one_thread


def _sentence(stages: str) -> str:
    return f"Warm-up on the early layers first ({stages})." if stages else "No warm-up."


def _command(settings: dict[str, Any]) -> str:
    is_distilled = trainer_of(settings["family"]).is_distilled
    data = "" if is_critters(settings) or is_distilled else " --data FOLDER"
    if is_distilled and not settings.get("recipe"):
        data = f" --teacher {Path(settings['teacher']).name}"
    if settings.get("recipe"):
        start = f"--recipe {settings['recipe']}{data}"
    else:
        others = command_line_for(settings, of_folder=bool(data) and not is_distilled)
        start = f"--family {settings['family']}{data}{others}"
    if file := settings.get("start_from"):
        start += f" --start-from {Path(file).name}"
    processes = settings.get("processes", 1)
    starter = f"torchrun --nproc-per-node {processes}" if processes > 1 else "python"
    return f"{starter} main.py train {start} --out DIR --pack NAME"


def _last_metrics(path: Path) -> dict[str, str]:
    header, *rows = history.metrics(path) or [""]
    return dict(zip(header.split(","), rows[-1].split(","), strict=True)) if rows else {}
