"""How far a handle's template lags behind its landmark: matching alone, in pictures of a known motion.

A pair is that of `editing_drag`, but the second picture is no drag's end: it is that of the latent in which the one
attribute is changed, so that the way of the landmark is known from the renderer and no network has to judge it. The
template of the first picture is looked for in the second one, around where the landmark is; the difference along
the way says how far it lags (negative) or leads. The same is done in renderings, where no generator takes part, and
the landmark network that judges drags is measured on the same pictures.

A drag stops where the template is found, so that the landmark ends beyond the target by the lag.

With --dragged the second picture is that of a drag's end, where the landmark network judges the way, and the
template is looked for around the target. The line "target" takes it that the landmark is there: a layer whose
distance is not clearly less could not tell the drag that it should go on. None is, for the StyleGAN3-T of 64 px: a
drag takes the later layers along, so that what they lag less in pictures of a known motion is gone at its end.

    python benchmarks/drag_lag.py [--critters 4] [--draws 1,2] [--renderings | --dragged] MODEL

prints, in pixels of 128, the mean along the way for each pair, the mean distance, and the share beyond 3 px.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.critter_landmarks import LANDMARKS, Detector, detector, landmarks, seen
from benchmarks.editing_drag import PAIRS, SUCCESS, Task, _point, tasks
from explorer.checkpoints.bundled import resolve
from explorer.dragging.engine import drag_steps
from explorer.dragging.features import FeatureMap, Grid, Whitening
from explorer.dragging.problem import Drag
from explorer.generators.base import Activation, Generator, Inputs, fold
from explorer.render.model_store import load_file
from explorer.training.critters.attributes import ATTRIBUTE_DIM, LATENT_DIM, attributes
from explorer.training.critters.render import render

__all__ = ["main", "turned"]

NEAR = 0.5 / 128
"""How near to the task's way a change of the latent must come, in picture widths."""

WINDOW = torch.linspace(-5 / 64, 5 / 64, 31)
"""Where a template is looked for around the landmark, in picture widths."""


@dataclass(frozen=True)
class Pair:
    """Two latents of a known motion: of which landmark by which attribute, from where, and the way (widths)."""

    before: Tensor
    after: Tensor
    task: Task
    start: Tensor
    way: Tensor


def turned(task: Task) -> Pair | None:
    """Return the pair of a task; None if the latent cannot be changed so far.

    Attributes depend on the latent's direction alone: what one entry gains is taken from those without meaning.
    """
    z = task.z * task.z.square().mean().rsqrt()
    values = torch.linspace(-2.6, 2.6, 521)
    changed = z.repeat(len(values), 1)
    changed[:, _entry(task.attribute)] = values
    left = LATENT_DIM - changed[:, :ATTRIBUTE_DIM].square().sum(dim=1)
    changed, left = changed[left > 1], left[left > 1]
    if not len(left):
        return None
    changed[:, ATTRIBUTE_DIM:] *= (left / changed[:, ATTRIBUTE_DIM:].square().sum(dim=1)).sqrt()[:, None]
    start = landmarks(attributes(z[None]))[0, task.landmark]
    ways = landmarks(attributes(changed))[:, task.landmark] - start
    missed = (ways - task.way).norm(dim=1)
    best = int(missed.argmin())
    return Pair(z, changed[best], task, start, ways[best]) if float(missed[best]) <= NEAR else None


def _entry(attribute: str) -> int:
    """Return the number of the entry of a latent that an attribute depends on."""
    with torch.inference_mode(False), torch.enable_grad():
        z = torch.linspace(-1.0, 1.0, LATENT_DIM, requires_grad=True)
        (gradient,) = torch.autograd.grad(getattr(attributes(z[None]), attribute).sum(), [z])
    return int(gradient.abs().argmax())


def _layers(generator: Generator, ws: Tensor) -> dict[str, FeatureMap]:
    """Return what each layer that handles could be followed in gives for `ws`, and the picture."""
    found: dict[str, FeatureMap] = {}
    infos, rate = generator.info.layers, max(generator.info.img_size)

    def keep(i: int, activation: Activation) -> None:
        if not infos[i].is_rgb and infos[i].resolution >= rate // 2:
            found[infos[i].name] = FeatureMap(activation.x.float(), Grid.of(generator.info, i))

    inputs = Inputs(ws)
    activation = fold(generator.layers, generator.begin(inputs), inputs, after=keep)
    return found | {"picture": _picture(generator.rgb(activation))}


def _picture(x: Tensor) -> FeatureMap:
    return FeatureMap(x.float(), Grid((1.0, 1.0), (0.0, 0.0)))


def _rendered(z: Tensor) -> dict[str, FeatureMap]:
    return {"picture": _picture(render(attributes(z[None]), 64) * 2 - 1)}


def _missed(before: FeatureMap, after: FeatureMap, pair: Pair, size: int) -> Tensor:
    """Return by how much the template of the first picture is found beside the landmark, in picture widths."""
    whitening = Whitening.of(before.x)
    first, second = (FeatureMap(whitening(m.x), m.grid) for m in (before, after))
    pattern = first.pattern(1.0)
    offsets = torch.cartesian_prod(WINDOW, WINDOW)
    template = first.at(pair.start * size - 0.5 + pattern)
    places = (pair.start + pair.way + offsets) * size - 0.5
    differences = (second.at(places[:, None] + pattern) - template).abs().mean(dim=(-2, -1))
    found: Tensor = offsets[differences.argmin()]
    return found


def measured(
    pairs: list[Pair], pictures: Callable[[Tensor], dict[str, FeatureMap]], judge: Detector
) -> Iterator[tuple[str, Pair, Tensor]]:
    """Yield the name of a layer or "judge", the pair, and its error `[2]` in picture widths."""
    with torch.inference_mode():
        for pair in pairs:
            before, after = pictures(pair.before), pictures(pair.after)
            size = before["picture"].x.shape[-1]
            for name, first in before.items():
                yield name, pair, _missed(first, after[name], pair, size)
            start, end = (seen(judge, m["picture"].x)[0, pair.task.landmark] for m in (before, after))
            yield "judge", pair, end - start - pair.way


def dragged(tasks: list[Task], generator: Generator, judge: Detector) -> Iterator[tuple[str, Pair, Tensor]]:
    """Drag, and yield the same; "target" is the error of the belief that the landmark has come there."""
    with torch.inference_mode():
        for task in tasks:
            ws = _ws(generator, task.z)
            before = _layers(generator, ws)
            size = before["picture"].x.shape[-1]
            start = seen(judge, before["picture"].x)[0, task.landmark]
            pair = Pair(task.z, task.z, task, start, task.way)
            after = _layers(generator, ws + _dragged(generator, ws, pair, size))
            beyond = seen(judge, after["picture"].x)[0, task.landmark] - start - task.way
            yield "target", pair, -beyond
            for name, first in before.items():
                yield name, pair, _missed(first, after[name], pair, size) - beyond


def _ws(generator: Generator, z: Tensor) -> Tensor:
    return generator.broadcast(generator.mapping(z[None]))


def _dragged(generator: Generator, ws: Tensor, pair: Pair, size: int) -> Tensor:
    """Return what the drag of a pair's landmark to its target adds to `ws`."""
    handle, target = (_point(place, size) for place in (pair.start, pair.start + pair.way))
    steps = [report.value for report in drag_steps(generator, Inputs(ws), Drag((handle,), (target,))) if report]
    return torch.tensor(steps[-1].offset)


def main(argv: list[str] | None = None) -> int:
    """Measure, and print a line for each layer."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("model")
    parser.add_argument("--critters", type=int, default=4, help="of each draw")
    parser.add_argument("--draws", default="1,2", help="which random critters, not those that drags are judged by")
    parser.add_argument("--renderings", action="store_true", help="in renderings instead of the model's pictures")
    parser.add_argument("--dragged", action="store_true", help="in the pictures that drags end with")
    chosen = parser.parse_args(argv)
    generator = load_file(resolve(chosen.model)).generator
    pairs = [turned(t) for draw in chosen.draws.split(",") for t in tasks(chosen.critters, int(draw))]
    known = [pair for pair in pairs if pair is not None]
    pictures = _rendered if chosen.renderings else lambda z: _layers(generator, _ws(generator, z))
    found = measured(known, pictures, detector())
    if chosen.dragged:
        found = dragged([pair.task for pair in known], generator, detector())
    errors: dict[str, list[tuple[Pair, Tensor]]] = {}
    for name, pair, error in found:
        errors.setdefault(name, []).append((pair, error))
    for name, of in errors.items():
        print(_line(name, of))
    return 0


def _line(name: str, of: list[tuple[Pair, Tensor]]) -> str:
    distances = torch.stack([error.norm() for _, error in of])
    beyond = 100 * (distances > SUCCESS).float().mean()
    told = f"{name:12} distance {128 * distances.mean():.2f}, beyond 3 px {beyond:.0f} %"
    for landmark, attribute in PAIRS:
        own = [p for p in of if (LANDMARKS[p[0].task.landmark], p[0].task.attribute) == (landmark, attribute)]
        if own:
            along = sum(float(error @ pair.way / pair.way.norm()) for pair, error in own) / len(own)
            told += f"; {landmark}, {attribute} {128 * along:+.1f}"
    return told


if __name__ == "__main__":
    raise SystemExit(main())
