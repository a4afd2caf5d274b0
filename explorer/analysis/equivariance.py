"""EQ-T, EQ-T fractional and EQ-R: how exactly a generator's picture follows its input transform, in dB.

Karras et al. 2021 (StyleGAN3), appendix E: `PSNR = 10 log10(4 / MSE)`, one global mean over all pixels that the
masks of the pixel-space reference mark as valid. Higher is better; texture that sticks to the screen lowers it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from torch import Tensor

from explorer.analysis.estimate import Estimate, RatioSum
from explorer.errors import UsageError
from explorer.generators.base import Generator, GeneratorInfo, NoiseSpec
from explorer.jobs.job import Job, JobContext, Report
from explorer.ops import resample
from explorer.util.steps import Steps, run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from explorer.analysis.registry import Samples
    from explorer.state.request import RenderRequest

__all__ = [
    "METRICS",
    "Curves",
    "Draw",
    "Metric",
    "PsnrSum",
    "collect",
    "counterpart_note",
    "curves",
    "draws",
    "measure",
    "random_inputs",
    "total",
]

Metric = Literal["eq-t", "eq-t-frac", "eq-r"]
METRICS: tuple[Metric, ...] = get_args(Metric)

Record: TypeAlias = dict[Metric, tuple[float, float]]
"""Of one picture: for each metric the sum of squared differences and the number of values compared."""

TRANSLATE_MAX = 0.125  # image widths

CURVE_POINTS = 17
"""Translations on a live curve, over -TRANSLATE_MAX..TRANSLATE_MAX."""

CURVE_TURNS = 24
"""Rotations on a live curve, over the whole circle."""

_BAND_PIXELS = 1 << 16  # rows of a picture summed in one step


@dataclass(frozen=True)
class Draw:
    """The random numbers of one batch: `z` `[N, z_dim]`, `c` `[N, c_dim]` or None; the others uniform in 0..1."""

    z: Tensor
    whole: tuple[float, float]  # of the integer translation, x and y
    fraction: tuple[float, float]  # of the fractional translation
    turn: float  # of the rotation
    c: Tensor | None = None


@dataclass
class PsnrSum:
    """A running masked mean of squared differences, read as peak signal-to-noise ratio over the range -1..1."""

    squares: RatioSum = field(default_factory=RatioSum)

    def add(self, difference: Tensor, mask: Tensor) -> None:
        """Add `difference` `[N, C, H, W]` where `mask` (broadcast to it) is 1, as one independent sample."""
        run(self.add_steps(difference, mask))

    def add_steps(self, difference: Tensor, mask: Tensor) -> Steps[None]:
        """Do what `add` does, some rows a step."""
        mask = mask.expand_as(difference)
        squares = counted = 0.0
        rows = max(1, _BAND_PIXELS // difference.shape[3])
        for start in range(0, difference.shape[2], rows):
            band = mask[:, :, start : start + rows].double()
            squares += float((difference[:, :, start : start + rows].double().square() * band).sum())
            counted += float(band.sum())
            yield
        self.squares.add(squares, counted)

    @property
    def decibels(self) -> float:
        """The ratio in dB; infinite for equal pictures, NaN if nothing was added."""
        return 10 * math.log10(4) - self.squares.decibels

    @property
    def stderr_db(self) -> float:
        """Standard error of the decibels; NaN for fewer than two samples."""
        return self.squares.stderr_db


def counterpart_note(info: GeneratorInfo) -> str:
    """Return the note on figures of a network without an input transform; empty for other networks."""
    return "" if info.has_input_transform else "of the counterpart: this network's constant input is resampled"


def random_inputs(generator: Generator, random: np.random.RandomState, count: int) -> tuple[Tensor, Tensor | None]:
    """Draw normal `z` `[count, z_dim]` and, for conditional generators, uniform one-hot `c` `[count, c_dim]`."""
    info = generator.info
    z = torch.from_numpy(random.randn(count, info.z_dim)).float().to(generator.device)
    if not info.c_dim:
        return z, None
    return z, torch.eye(info.c_dim, device=generator.device)[random.randint(info.c_dim, size=count)]


def draws(generator: Generator, samples: int, *, batch: int = 4, seed: int = 0) -> Iterator[Draw]:
    """Yield batches of random latents and transforms that together hold `samples` pictures."""
    random = np.random.RandomState(seed)
    for start in range(0, samples, batch):
        z, c = random_inputs(generator, random, min(batch, samples - start))
        u = random.rand(5)
        yield Draw(z, (u[0], u[1]), (u[2], u[3]), u[4], c)


def measure(
    generator: Generator, batches: Iterable[Draw], metrics: Iterable[Metric] = METRICS
) -> dict[Metric, PsnrSum]:
    """Sum each metric over the batches; the result's `.decibels` are the figures.

    Families without an input transform are moved by their counterpart (see `Generator.begin`), and the figure
    must be labelled accordingly.

    Raises:
        UsageError: The generator does not move at all.
    """
    sums: dict[Metric, PsnrSum] = {metric: PsnrSum() for metric in metrics}
    for draw in batches:
        run(_inferring(_add(sums, generator, draw)))
    return sums


def collect(context: JobContext, request: RenderRequest, samples: Samples) -> Job[Record]:
    """Run `measure` on random latents, one picture a sample: the sums of squares and pixels of each metric.

    One picture per draw gives the smallest error for a number of pictures. The request is not used: the metrics are
    defined over untruncated latents and random classes.

    Raises:
        UsageError: The generator does not move at all.
    """
    generator = context.generator
    wanted = [metric for metric in METRICS if metric in samples.metrics]
    numbers = samples.numbers
    for number, draw in enumerate(draws(generator, numbers.stop, batch=1, seed=samples.seed)):
        if number < numbers.start:  # drawn even if unused, so that a sample does not depend on the metrics
            continue
        sums = {metric: PsnrSum() for metric in wanted}
        yield from _inferring(_add(sums, generator, draw))
        record = {metric: total.squares.parts[0] for metric, total in sums.items()}
        yield Report(record, number - numbers.start + 1, samples.count)


class Total:
    """The sum of one metric."""

    def __init__(self, metric: Metric, info: GeneratorInfo) -> None:
        self._metric, self._note = metric, counterpart_note(info)
        self._sum = PsnrSum()

    def add(self, record: Record) -> None:
        """Add a picture."""
        self._sum.squares.add(*record[self._metric])

    def estimate(self) -> Estimate:
        """Return the decibels."""
        total = self._sum
        return Estimate(total.decibels, total.stderr_db, "dB", total.squares.count, self._note)

    def state(self) -> tuple[Any, ...]:
        """Return the sums of each picture."""
        return (self._sum.squares.state(),)

    def restore(self, state: tuple[Any, ...], count: int) -> None:
        """Go on from them."""
        (squares,) = state
        self._sum.squares.restore(squares, count)


def total(metric: str, info: GeneratorInfo) -> Total:
    """Return an empty total for a metric."""
    (known,) = (name for name in METRICS if name == metric)
    return Total(known, info)


def _inferring(steps: Steps[None]) -> Steps[None]:
    """Run every step in inference mode, which belongs to a thread and must not outlast the step."""
    while True:
        with torch.inference_mode():
            try:
                next(steps)
            except StopIteration:
                return
        yield


def _add(sums: dict[Metric, PsnrSum], generator: Generator, draw: Draw) -> Steps[None]:
    """Add a batch to every sum, one layer or tile a step."""
    ws = generator.broadcast(generator.mapping(draw.z, draw.c))
    still = yield from _picture(generator, ws, np.eye(3))
    for metric, total in sums.items():
        difference, mask = yield from _difference(metric, generator, ws, still, draw)
        yield from total.add_steps(difference, mask)


def _difference(
    metric: Metric, generator: Generator, ws: Tensor, still: Tensor, draw: Draw
) -> Steps[tuple[Tensor, Tensor]]:
    width = generator.info.img_size[1]
    if metric == "eq-r":
        value = (draw.turn * 2 - 1) * math.pi, 0.0
    else:
        u = draw.whole if metric == "eq-t" else draw.fraction
        tx, ty = ((v * 2 - 1) * TRANSLATE_MAX for v in u)
        if metric == "eq-t":
            tx, ty = (round(t * width) / width for t in (tx, ty))
        value = tx, ty
    matrix = _matrix(metric, value)
    moved = yield from _picture(generator, ws, matrix)
    _check_moves(generator.info, still, moved, matrix)
    return (yield from _compare(metric, still, moved, value))


def _matrix(metric: Metric, value: tuple[float, float]) -> NDArray[np.float64]:
    """Return the forward motion: a turn by `value[0]` radians, or a shift by `value` image widths."""
    if metric == "eq-r":
        return resample.rotation_matrix(value[0])
    return np.array([[1.0, 0.0, value[0]], [0.0, 1.0, value[1]], [0.0, 0.0, 1.0]])


def _compare(
    metric: Metric, still: Tensor, moved: Tensor, value: tuple[float, float]
) -> Steps[tuple[Tensor, Tensor]]:
    """Return the difference `[N, C, H, W]` of the moved picture from the pixel-space reference, and its mask."""
    if metric == "eq-r":
        expected, mask = yield from resample.rotation_steps(still, value[0])
        comparable, inner = yield from resample.pseudo_rotation_steps(moved, value[0])
        return expected - comparable, mask * inner
    if metric == "eq-t":
        expected, mask = resample.translate_integer(still, *value)
    else:
        expected, mask = yield from resample.translate_steps(still, *value)
    return expected - moved, mask


def _check_moves(info: GeneratorInfo, still: Tensor, moved: Tensor, matrix: NDArray[np.float64]) -> None:
    if not np.array_equal(matrix, np.eye(3)) and torch.equal(still, moved):
        raise UsageError(
            f"This {info.family} generator has no input transform and no counterpart of one: its picture "
            "does not move.",
            "Measure sticking instead, which only needs latent walks.",
        )


def _picture(generator: Generator, ws: Tensor, matrix: NDArray[np.float64]) -> Steps[Tensor]:
    transform = torch.from_numpy(matrix).to(ws.device)
    return generator.synthesis_steps(ws, transform=transform, noise=NoiseSpec("const"))


# -- one latent ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Curves:
    """The metrics of one latent over the transform's value.

    `points[metric]`: (value, dB) in order of the value: image widths along x, or degrees counter-clockwise.
    `total[metric]`: dB over all values, summed as the metric does.
    """

    points: dict[Metric, tuple[tuple[float, float], ...]]
    total: dict[Metric, float]
    note: str = ""


def curves(context: JobContext, request: RenderRequest) -> Job[Curves]:
    """Measure how exactly the picture of one request follows, over translation along x and over rotation.

    The request's own motion is removed first. Values are visited coarse to fine, so that a curve is soon visible.

    Raises:
        UsageError: The generator does not move at all.
    """
    request = replace(request, transform=None, untransform=False, residual="none", max_px=0)
    info = context.generator.info
    values = _coarse_to_fine(_curve_values(info.img_size[1]))
    still = (yield from context.steps(request))[None]
    points: dict[Metric, list[tuple[float, float]]] = {metric: [] for metric in METRICS}
    sums: dict[Metric, PsnrSum] = {metric: PsnrSum() for metric in METRICS}
    note = counterpart_note(info)
    for done, (metric, value) in enumerate(values, start=1):
        matrix = _matrix(metric, (value, 0.0))
        transform = tuple(float(v) for v in matrix.ravel())
        moved = (yield from context.steps(replace(request, transform=transform)))[None]
        _check_moves(info, still, moved, matrix)
        one = PsnrSum()
        difference, mask = yield from _compare(metric, still, moved, (value, 0.0))
        yield from one.add_steps(difference, mask)
        sums[metric].squares.parts.extend(one.squares.parts)
        shown = math.degrees(value) if metric == "eq-r" else value
        points[metric] = sorted([*points[metric], (shown, one.decibels)])
        snapshot = {m: tuple(p) for m, p in points.items()}
        yield Report(Curves(snapshot, {m: s.decibels for m, s in sums.items()}, note), done, len(values))


def _curve_values(width: int) -> list[tuple[Metric, float]]:
    reach = max(1, math.floor(TRANSLATE_MAX * width))
    steps = np.unique(np.rint(np.linspace(-reach, reach, CURVE_POINTS)).astype(int))
    values: list[tuple[Metric, float]] = [("eq-t", float(i) / width) for i in steps if i]
    values += [("eq-t-frac", (float(i) + 0.5) / width) for i in steps if i < reach]
    turns = (2 * math.pi * i / CURVE_TURNS for i in range(1, CURVE_TURNS))
    return [*values, *(("eq-r", (turn + math.pi) % (2 * math.pi) - math.pi) for turn in turns)]


def _coarse_to_fine(values: list[tuple[Metric, float]]) -> list[tuple[Metric, float]]:
    """Yield every fourth value first, then those between them, of all metrics in turn."""
    order = sorted(range(len(values)), key=lambda i: (0 if i % 4 == 0 else 1 if i % 2 == 0 else 2, i))
    return [values[i] for i in order]
