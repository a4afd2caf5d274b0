"""Trains the attribute network on Critters: it learns to predict the renderer's input from the picture."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.analysis.attribute_network import AttributeNetwork, Vocabulary, load, save
from explorer.training.critters.attributes import PALETTES, PATTERNS, SPECIES, attributes
from explorer.training.datasets import Dataset, order
from explorer.training.snapshot import load_state, save_state
from explorer.util.atomic_write import atomic_write_bytes

__all__ = ["GROUPS", "RECIPE", "AttributeSettings", "Score", "evaluate", "export", "train", "vocabulary"]

log = logging.getLogger("explorer.training")

GROUPS: dict[str, tuple[str, ...]] = {"species": SPECIES, "palette": tuple(PALETTES), "pattern": PATTERNS}
RECIPE = "critters-attributes"
_STATE = "attributes.pt"
_SIDED = frozenset(("yaw", "roll", "shift_x", "gaze_x", "light_x"))  # change sign in a mirror


@dataclass
class AttributeSettings:
    """Settings of one run; progress is in thousands of pictures, the last `held_out` pictures are for testing."""

    out: Path
    total_kimg: float = 300.0
    held_out: int = 1000
    batch: int = 64
    rate: float = 3e-3
    decay: float = 0.02
    seed: int = 0
    time_limit_s: float = math.inf
    save_s: float = 30.0


@dataclass(frozen=True)
class Score:
    """How well each attribute is predicted: accuracy of classes, and explained variance (R squared) of numbers."""

    classes: dict[str, float]
    numbers: dict[str, float]


def targets(latents: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return weights `[N, k]` by group and numbers `[N]` by name of `latents` `[N, 64]`."""
    exact = attributes(latents)
    numbers: dict[str, Tensor] = {}
    for field in fields(exact):
        value: Tensor = getattr(exact, field.name)
        if field.name == "background":
            numbers |= {
                f"background_{end}_{channel}": value[:, i, k]
                for i, end in enumerate(("top", "bottom"))
                for k, channel in enumerate("rgb")
            }
        elif field.name not in GROUPS:
            numbers[field.name] = value
    return {name: getattr(exact, name) for name in GROUPS}, numbers


def vocabulary(latents: Tensor) -> Vocabulary:
    """Return what a network trained on these latents predicts, with mean and spread of every number."""
    _, numbers = targets(latents)
    return Vocabulary(GROUPS, {name: (float(v.mean()), float(v.std())) for name, v in numbers.items()})


def _loss(network: AttributeNetwork, pictures: Tensor, latents: Tensor, flipped: Tensor) -> Tensor:
    """Return the cross-entropy of classes plus squared error of numbers, with the `flipped` pictures mirrored."""
    weights, numbers = targets(latents)
    sign = 1 - 2 * flipped.float()
    logits, read = network.split(network(torch.where(flipped[:, None, None, None], pictures.flip(-1), pictures)))
    total = torch.zeros([], device=pictures.device)
    for name, weight in weights.items():
        total = total + F.cross_entropy(logits[name], weight)
    for column, (name, (mean, spread)) in enumerate(network.vocabulary.numbers.items()):
        exact = numbers[name] * sign if name in _SIDED else numbers[name]
        error = (read[:, column] - (exact - mean) / spread).square()
        if name == "pattern_phase":  # for a mirrored coat it depends on the pattern
            error = error * ~flipped
        total = total + error.mean() * (2 / len(numbers))
    return total


def train(settings: AttributeSettings, dataset: Dataset) -> AttributeNetwork:
    """Train until `total_kimg` or the time limit; resume from a checkpoint in `settings.out` if there is one."""
    s = settings
    s.out.mkdir(parents=True, exist_ok=True)
    count = len(dataset) - s.held_out
    torch.manual_seed(s.seed)
    known = _latents(dataset, np.arange(count))
    network = AttributeNetwork(vocabulary(known))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=s.rate, weight_decay=s.decay)
    images_seen, seconds = 0, 0.0
    if (s.out / _STATE).exists():
        state: dict[str, Any] = load_state(s.out / _STATE)
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        images_seen, seconds = state["shown"], state["seconds"]
    network.train()
    began = saved = noted = time.monotonic()
    first = images_seen
    while images_seen < s.total_kimg * 1000 and time.monotonic() - began < s.time_limit_s:
        indices = order(images_seen, s.batch, count, s.seed)
        optimiser.param_groups[0]["lr"] = s.rate * _fade(images_seen / (s.total_kimg * 1000))
        flipped = torch.from_numpy(np.random.default_rng((s.seed, images_seen)).random(s.batch) < 0.5)
        loss = _loss(network, dataset.pictures(indices), known[torch.from_numpy(indices)], flipped)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        images_seen += s.batch
        now = time.monotonic()
        if now - noted >= 20:
            noted = now
            rate = (images_seen - first) / (now - began)
            left = (s.total_kimg * 1000 - images_seen) / rate
            now_at = images_seen / 1000, float(loss.detach()), rate, left / 60
            log.info("kimg %.1f, loss %.3f, %.0f a second; %.0f min left", *now_at)
        if now - saved >= s.save_s:
            saved = now
            _save(s, network, optimiser, images_seen, seconds + now - began)
    _save(s, network, optimiser, images_seen, seconds + time.monotonic() - began)
    return network.eval()


def _fade(progress: float) -> float:
    """Return the learning rate's factor: a short linear warm-up, then a cosine decay to nearly 0."""
    return min(progress / 0.02, 1.0) * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0))) + 1e-3


def _save(
    s: AttributeSettings,
    network: AttributeNetwork,
    optimiser: torch.optim.Optimizer,
    images_seen: int,
    seconds: float,
) -> None:
    state = {"network": network.state_dict(), "optimiser": optimiser.state_dict()}
    save_state(s.out / _STATE, state | {"shown": images_seen, "seconds": seconds})


def _latents(dataset: Dataset, indices: np.ndarray) -> Tensor:
    latents = dataset.latents(indices)
    assert latents is not None, "only critters have attributes"
    return latents


@torch.inference_mode()
def evaluate(network: AttributeNetwork, dataset: Dataset, held_out: int) -> Score:
    """Return the scores over the last `held_out` pictures, which were not trained on."""
    indices = np.arange(len(dataset) - held_out, len(dataset))
    weights, numbers = targets(_latents(dataset, indices))
    parts = [network.read(dataset.pictures(part)) for part in np.array_split(indices, max(held_out // 100, 1))]
    read = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    classes = {
        name: float((read[name].argmax(1) == weight.argmax(1)).float().mean()) for name, weight in weights.items()
    }
    is_open = numbers["mouth_open"] > 0.2
    classes["mouth open"] = float(((read["mouth_open"] > 0.2) == is_open).float().mean())
    explained = {
        name: 1 - float((read[name] - exact).square().mean() / exact.var(correction=0))
        for name, exact in numbers.items()
    }
    return Score(classes, explained)


def export(
    settings: AttributeSettings, network: AttributeNetwork, dataset: Dataset, folder: Path, name: str
) -> Path:
    """Write `folder/NAME.safetensors` and its card, with scores of the stored network."""
    path = folder / f"{name}.safetensors"
    save(path, network, "trained by explorer.training on procedurally rendered Critters")
    stored = load(path)
    score = evaluate(stored, dataset, settings.held_out)
    state = load_state(settings.out / _STATE)
    parameters = sum(p.numel() for p in stored.parameters())
    classes = "\n".join(
        f"| {name} | {value:.1%} | {1 / len(GROUPS[name]) if name in GROUPS else 0.5:.0%} |"
        for name, value in score.classes.items()
    )
    numbers = "\n".join(f"| {name.replace('_', ' ')} | {value:.2f} |" for name, value in score.numbers.items())
    text = f"""# {name}

A network that reads the attributes of a critter from its picture, {stored.resolution} pixels, {parameters:,}
parameters ({path.stat().st_size / 1e6:.2f} MB as float16). Licence: MIT; data and weights are our own.

Its features capture what matters in this data set: Fréchet distances are measured in them (`main.py figures`), and
it tells what a generated picture shows. It is not a generator and does not open in the window.

## Training
{state["shown"] / 1000:.0f} thousand pictures of {len(dataset) - settings.held_out:,} critters shown, half of
them mirrored, in {state["seconds"] / 60:.0f} minutes on one thread of a busy processor. Cross-entropy of species,
palette and pattern, squared error of everything else, AdamW at {settings.rate:g} with cosine decay to 0.

```
python main.py train --recipe {RECIPE} --out DIR --pack {name}
```

## Accuracy
Over {settings.held_out:,} critters that training did not see.

| Class | Accuracy | By chance |
|---|---|---|
{classes}

Fraction of the variance explained (1: exact, 0: no better than the mean). Some of these are hardly visible in
{stored.resolution} pixels.

| Number | R² |
|---|---|
{numbers}
"""
    atomic_write_bytes(path.with_suffix(".md"), text.encode())
    return path
