"""Studies: measurements that ask for many pictures, one step at a time, so that they can run between frames.

A study is an iterator. Each `next` does no more than about a layer of the network takes, and gives a `Report`, or
None if there is nothing new to say. The same study runs in a command, and in the window's render thread while no
look waits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

    from explorer.generators.base import Generator
    from explorer.state.request import RenderRequest
    from explorer.util.steps import Steps

__all__ = ["Bench", "Estimate", "RatioSum", "Report", "Study", "as_json", "last_value"]

T = TypeVar("T")


class Bench(Protocol):
    """Where a study works: the generator, and how it makes the picture of a request."""

    @property
    def generator(self) -> Generator:
        """The generator itself, for studies that map and synthesise batches."""

    def steps(self, request: RenderRequest) -> Steps[Tensor]:
        """The picture `[C, H, W]` float32 of a request, before clamping, a layer of the network a step.

        Taps and display options are ignored.
        """


@dataclass(frozen=True, slots=True)
class Report(Generic[T]):
    """What is known after `done` of `total` steps. Immutable: it crosses threads."""

    value: T
    done: int
    total: int


Study: TypeAlias = Iterator[Report[T] | None]


def last_value(study: Study[T]) -> T:
    """Runs a study to its end and gives its last value."""
    value: list[T] = []
    for report in study:
        if report is not None:
            value = [report.value]
    if not value:
        raise ValueError("the study reported nothing")
    return value[0]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number and its standard error, both in `unit`, from so many samples.

    The error is NaN for fewer than two samples: one sample says nothing about its scatter.
    """

    value: float
    stderr: float
    unit: str
    samples: int
    note: str = ""


@dataclass(slots=True)
class RatioSum:
    """A ratio of two sums over independent samples, with the standard error of that ratio.

    The error is that of the ratio estimator, linearised (Cochran, Sampling Techniques, 1977, section 6.4):
    `sqrt(n / (n - 1) * sum((a_i - r * b_i)^2)) / sum(b_i)`.
    """

    parts: list[tuple[float, float]] = field(default_factory=list)

    def add(self, above: float, below: float) -> None:
        """Adds one sample."""
        self.parts.append((above, below))

    @property
    def count(self) -> int:
        """How many samples were added."""
        return len(self.parts)

    @property
    def above(self) -> float:
        """Sum of the numerators."""
        return math.fsum(a for a, _ in self.parts)

    @property
    def below(self) -> float:
        """Sum of the denominators."""
        return math.fsum(b for _, b in self.parts)

    @property
    def ratio(self) -> float:
        """The ratio; NaN if the denominators sum to 0."""
        return self.above / self.below if self.below else math.nan

    @property
    def stderr(self) -> float:
        """Its standard error; NaN for fewer than two samples."""
        n, ratio = self.count, self.ratio
        if n < 2 or math.isnan(ratio):
            return math.nan
        squares = math.fsum((a - ratio * b) ** 2 for a, b in self.parts)
        return math.sqrt(n / (n - 1) * squares) / abs(self.below)

    @property
    def decibels(self) -> float:
        """`10 log10` of the ratio; -inf for 0, NaN for none."""
        ratio = self.ratio
        return ratio if math.isnan(ratio) else 10 * math.log10(ratio) if ratio > 0 else -math.inf

    @property
    def stderr_db(self) -> float:
        """The standard error of the decibels, to first order."""
        ratio = self.ratio
        return 10 / math.log(10) * self.stderr / ratio if ratio > 0 else math.nan


def as_json(metric: str, model: str, estimate: Estimate, **more: Any) -> dict[str, Any]:
    """The row of a measurement as scripts read it; what is no finite number is null."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    row: dict[str, Any] = {
        "metric": metric,
        "model": model,
        "value": finite(estimate.value),
        "stderr": finite(estimate.stderr),
        "unit": estimate.unit,
        "samples": estimate.samples,
    }
    if estimate.note:
        row["note"] = estimate.note
    return row | more
