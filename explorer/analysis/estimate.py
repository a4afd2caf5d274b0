"""Measured values with their standard errors, and their form for scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Detail", "Estimate", "RatioSum", "as_json"]


class Detail(Protocol):
    """Further results of a metric besides its value, such as a spectrum."""

    def as_json(self) -> dict[str, Any]:
        """Return more fields of the row, for scripts."""


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
    detail: Detail | None = None


@dataclass(slots=True)
class RatioSum:
    """A ratio of two sums over independent samples, with the standard error of that ratio.

    The error is that of the ratio estimator, linearised (Cochran, Sampling Techniques, 1977, section 6.4):
    `sqrt(n / (n - 1) * sum((a_i - r * b_i)^2)) / sum(b_i)`.
    """

    parts: list[tuple[float, float]] = field(default_factory=list)

    def add(self, above: float, below: float) -> None:
        """Add one sample."""
        self.parts.append((above, below))

    def state(self) -> NDArray[np.float64]:
        """Return the samples as an array `[count, 2]`."""
        import numpy as np

        return np.array(self.parts, np.float64).reshape(-1, 2)

    def restore(self, state: NDArray[np.float64], count: int) -> None:
        """Hold the samples of an array that `state` gave. Raises ValueError if it is another one."""
        if state.shape != (count, 2) or state.dtype.str != "<f8":
            raise ValueError(f"{state.dtype} {state.shape} for {count} samples")
        self.parts = [(float(above), float(below)) for above, below in state]

    @property
    def count(self) -> int:
        """Number of samples."""
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
    """Return the row of a measurement for scripts; values that are not finite become null."""

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
    if estimate.detail is not None:
        row |= estimate.detail.as_json()
    return row | more
