"""Directions of the bundled critters, whose attributes a network reads from their pictures.

- *Moves an attribute*: a step of three standard deviations changes the mean reading of an attribute over random
  latents (numbers, and the logits of classes, in units of their spread over random pictures) by at least `MOVES`.
- *Duplicates in attributes*: the changes of all attributes by two directions have an absolute cosine above 0.9. The
  figure is the share of the first ten directions that are duplicates of an earlier one.
- *Taught*: for each number of `TAUGHT`, 20 latents with the highest and 20 with the lowest readings among `POOL`
  teach a direction. Its scores (the latents along it, in standardised w) rank other random latents, those above the
  median reading before those below it (area under the ROC curve). The mean reading is taken at seven strengths from
  -2 to 2 standard deviations, between which 95 % of the latents lie; the figure is the share of steps that rise.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from benchmarks.editing_row import Row, Setting
from explorer.analysis.attribute_network import AttributeNetwork, load
from explorer.directions.ganspace import ganspace
from explorer.directions.samples import mapped
from explorer.directions.sefa import sefa
from explorer.directions.teaching import spread_of, taught
from explorer.jobs.job import last_value
from explorer.render.headless import open_model

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from explorer.directions.direction_set import DirectionSet
    from explorer.generators.base import Generator

__all__ = ["measure"]

FIRST = 10
MOVES = 0.5
SIGMAS = 3.0
POOL = 1000
TAUGHT = ("yaw", "roll", "shift_x", "shift_y")
STEPS = np.linspace(-2.0, 2.0, 7)


def measure(setting: Setting) -> Iterator[Row]:
    """Measure the found and the taught directions of each model."""
    network = load()
    for model in setting.models:
        renderer, _ = open_model(model)
        generator = renderer.context.generator
        with torch.inference_mode():
            yield from _found(model, generator, network, 16 if setting.is_quick else 64)
            yield from _taught(model, generator, network, 300 if setting.is_quick else POOL)


def _found(model: str, generator: Generator, network: AttributeNetwork, count: int) -> Iterator[Row]:
    w = torch.cat(list(mapped(generator, count, seed=11)))
    plain = _readings(network, generator, w)
    spread = _readings(network, generator, torch.cat(list(mapped(generator, 512, seed=12)))).std(dim=0)
    components = last_value(ganspace(generator))
    assert components is not None
    for found in (sefa(generator), components):
        changes = _changes(generator, network, found, w, plain) / spread
        moved = changes.abs().amax(dim=1)
        yield Row(
            f"{found.method}: first {FIRST} that move an attribute", model, float((moved >= MOVES).sum()), FIRST, ""
        )
        yield Row(f"{found.method}: duplicates in attributes", model, _duplicates(changes), 1 / 3, "of 1, at most")


def _changes(
    generator: Generator, network: AttributeNetwork, found: DirectionSet, w: Tensor, plain: Tensor
) -> Tensor:
    """Return the mean change of each reading by the first directions, `[FIRST, readings]`."""
    rows = []
    for i in range(FIRST):
        step = SIGMAS * float(found.sigmas[i]) * torch.from_numpy(found.vectors[i])
        rows.append((_readings(network, generator, w + step) - plain).mean(dim=0))
    return torch.stack(rows)


def _duplicates(changes: Tensor) -> float:
    unit = changes / changes.norm(dim=1, keepdim=True).clamp_min(1e-9)
    same = (unit @ unit.T).abs() > 0.9
    return float(sum(bool(same[i, :i].any()) for i in range(len(changes)))) / len(changes)


def _taught(model: str, generator: Generator, network: AttributeNetwork, pool: int) -> Iterator[Row]:
    w = torch.cat(list(mapped(generator, 2 * pool, seed=13)))
    readings = _readings(network, generator, w)
    names = list(network.vocabulary.numbers)
    first = readings.shape[1] - len(names)
    spread = spread_of(generator)
    for name in TAUGHT:
        values = readings[:, first + names.index(name)].numpy()
        order = np.argsort(values[:pool])
        examples = w.numpy()
        found, _ = taught(generator, examples[order[-20:]], examples[order[:20]])
        vector = found.vectors[0]
        scores = examples[pool:] @ (vector / spread**2)
        yield Row(f"taught {name}: AUC", model, _auc(scores, values[pool:]), 0.9, "of 1")
        yield Row(
            f"taught {name}: steps that rise",
            model,
            _rising(generator, network, found, w[:32], first + names.index(name)),
            1.0,
            "of 1",
        )


def _auc(scores: NDArray[np.float32], values: NDArray[np.float32]) -> float:
    """Return the area under the ROC curve of scores for values above their median (Mann and Whitney 1947)."""
    above = values > np.median(values)
    ranks = scores.argsort().argsort() + 1
    n, m = int(above.sum()), int((~above).sum())
    return float((ranks[above].sum() - n * (n + 1) / 2) / (n * m))


def _rising(generator: Generator, network: AttributeNetwork, found: DirectionSet, w: Tensor, column: int) -> float:
    step = float(found.sigmas[0]) * torch.from_numpy(found.vectors[0])
    means = [float(_readings(network, generator, w + float(s) * step)[:, column].mean()) for s in STEPS]
    return sum(b > a for a, b in itertools.pairwise(means)) / (len(means) - 1)


def _readings(network: AttributeNetwork, generator: Generator, w: Tensor) -> Tensor:
    """Return the network's outputs for latents `[N, w_dim]`: logits of classes, then standardised numbers."""
    return torch.cat(
        [network(generator.synthesis(generator.broadcast(part)).clamp(-1, 1)) for part in torch.split(w, 16)]
    )
