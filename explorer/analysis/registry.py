"""The table of metrics: an entry has a metric's title, unit, direction, samples, requirements, and sampler.

The window, the command line, cards and help read this table. It imports no code that measures, since the command
line reads it for its help. Packages add metrics with the entry point `latentwalk.metrics`, a `Metric`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, cast, runtime_checkable

from explorer.errors import UsageError
from explorer.util import plugins

if TYPE_CHECKING:
    from explorer.analysis.estimate import Estimate
    from explorer.generators.base import GeneratorInfo
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = [
    "EQUIVARIANCE",
    "METRICS",
    "SPECTRUM",
    "STICKING",
    "Metric",
    "Need",
    "ResumableTotal",
    "Sampler",
    "Samples",
    "Total",
    "by_sampler",
    "collect",
    "metric_named",
    "metrics",
    "total_of",
]

Need: TypeAlias = Literal["motion"]
"""What a metric requires of a generator: "motion" is an input transform or its counterpart."""


@dataclass(frozen=True, slots=True)
class Samples:
    """Which samples to take: `count` of the draws of `seed`, starting at number `first`.

    `metrics` names those to measure, for a sampler that measures several from the same pictures. Sample number `i`
    does not depend on `first` and `count`, so that ranges can be measured separately and combined.
    """

    count: int
    seed: int = 0
    first: int = 0
    metrics: tuple[str, ...] = ()

    @property
    def numbers(self) -> range:
        """The numbers of the samples."""
        return range(self.first, self.first + self.count)


class Total(Protocol):
    """The sum of one metric's samples, taken in order."""

    def add(self, record: Any) -> None:
        """Add the record of the next sample."""

    def estimate(self) -> Estimate:
        """Estimate the value from the samples so far. Raises UsageError if they do not suffice."""


@runtime_checkable
class ResumableTotal(Total, Protocol):
    """A sum that can go on later, so that a measurement that was ended can be resumed."""

    def state(self) -> Any:
        """Return what it holds: numbers, texts, None, numpy arrays, and tuples of these."""

    def restore(self, state: Any, count: int) -> None:
        """Hold what `state` gave after `count` records, to the last bit.

        Raises:
            Exception: The state is damaged.
        """


class Sampler(Protocol):
    """How a metric is measured; a module with these two functions is one."""

    def collect(self, context: JobContext, request: RenderRequest, samples: Samples) -> Job[Any]:
        """Measure the samples one after another, with a `Report` of each one's record: plain, picklable values."""

    def total(self, metric: str, info: GeneratorInfo) -> Total:
        """Return an empty sum of records for a metric of a generator."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: Name on the command line, in JSON and in projects.
        title: Name in the window.
        description: A phrase on what is measured, for tooltips and help.
        unit: Unit of the value.
        higher_is_better: Whether a higher value is better.
        samples: Default number of samples.
        sampler: The sampler that measures it, or the name of its module.
        sample_name: Name of the samples, in the plural.
        needs: What it requires of a generator.
        draws_latents: Whether it is defined over random latents and classes, untruncated, which it draws itself.
        report_every: Samples between two estimates, if an estimate takes longer than a sample.
    """

    name: str
    title: str
    description: str
    unit: str
    higher_is_better: bool
    samples: int
    sampler: str | Sampler
    sample_name: str = "pictures"
    needs: frozenset[Need] = frozenset()
    draws_latents: bool = False
    report_every: int = 1


def _equivariance(name: str, title: str, description: str) -> Metric:
    return Metric(
        name, title, description, "dB", higher_is_better=True, samples=64, sampler="explorer.analysis.equivariance",
        needs=frozenset({"motion"}), draws_latents=True,
    )  # fmt: skip


EQUIVARIANCE = (
    _equivariance(
        "eq-t", "EQ-T", "Shifts by whole pixels: PSNR of the moved picture against the shifted one"
    ),
    _equivariance("eq-t-frac", "EQ-T frac", "Shifts by fractions of pixels"),
    _equivariance("eq-r", "EQ-R", "Rotations"),
)  # fmt: skip

STICKING = Metric(
    "sticking", "Sticking", "Fraction of fine detail that stays on its pixels in latent walks; needs no transform",
    "fraction", higher_is_better=False, samples=16, sampler="explorer.analysis.sticking", sample_name="walks",
)  # fmt: skip

SPECTRUM = Metric(
    "spectrum", "Fine detail", "Power above 0.25 cycles per pixel, as a fraction of all power", "dB",
    higher_is_better=False, samples=128, sampler="explorer.analysis.spectrum", report_every=4,
)  # fmt: skip

METRICS = (*EQUIVARIANCE, STICKING, SPECTRUM)
"""The built-in metrics; `metrics()` has those of plug-ins too."""


def metrics() -> Mapping[str, Metric]:
    """Return every metric by its name: built-in ones, then those of plug-ins. Not to be called during imports."""
    built_in = {metric.name: metric for metric in METRICS}
    return {**built_in, **_of_plugins(built_in)}


def metric_named(name: str) -> Metric:
    """Return the metric of that name. Raises UsageError."""
    found = metrics().get(name)
    if found is None:
        raise UsageError(f"There is no metric {name!r}.", f"The metrics are {', '.join(metrics())}.")
    return found


def _of_plugins(built_in: Mapping[str, Metric]) -> Mapping[str, Metric]:
    return plugins.load(plugins.METRICS, _accept, built_in)


def _accept(name: str, value: Any) -> Metric:
    if not isinstance(value, Metric):
        raise TypeError(f"{name!r} is {type(value).__name__}, not a Metric of explorer.analysis.registry")
    if value.name != name:
        raise ValueError(f"the entry point {name!r} gives a metric named {value.name!r}")
    return value


# -- measuring -------------------------------------------------------------------------------------------------


def by_sampler(chosen: Sequence[Metric]) -> list[tuple[Metric, ...]]:
    """Group metrics that are measured together, from the same pictures."""
    groups: dict[Any, list[Metric]] = {}
    for metric in chosen:
        groups.setdefault(metric.sampler if isinstance(metric.sampler, str) else id(metric.sampler), []).append(
            metric
        )
    return [tuple(group) for group in groups.values()]


def collect(metric: Metric, context: JobContext, request: RenderRequest, samples: Samples) -> Job[Any]:
    """Collect the records of samples, for `metric` and for the others that `samples.metrics` names."""
    return _sampler(metric).collect(context, request, samples)


def total_of(metric: Metric, info: GeneratorInfo) -> Total:
    """Return an empty sum of a metric's records."""
    return _sampler(metric).total(metric.name, info)


def _sampler(metric: Metric) -> Sampler:
    return cast("Sampler", import_module(metric.sampler)) if isinstance(metric.sampler, str) else metric.sampler
