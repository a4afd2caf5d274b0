"""The job that measures: it sums the records of samples up to estimates, and goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from explorer.analysis.registry import ResumableTotal, Samples, collect, total_of
from explorer.errors import UsageError
from explorer.jobs.checkpoint import DamagedCheckpointError
from explorer.jobs.job import RESUMED, Report
from explorer.util.packing import packed, unpacked

if TYPE_CHECKING:
    from explorer.analysis.estimate import Estimate
    from explorer.analysis.registry import Metric
    from explorer.generators.base import GeneratorInfo
    from explorer.jobs.job import Job, JobContext
    from explorer.state.request import RenderRequest

__all__ = ["Measurement", "check_resumable", "measure", "sampled", "samples_done"]


def measure(
    chosen: Sequence[Metric],
    context: JobContext,
    request: RenderRequest,
    samples: int,
    seed: int = 0,
    checkpoint: Mapping[str, Any] | None = None,
) -> Job[dict[str, Estimate]]:
    """Metrics of one sampler over so many samples, reported as estimates by name.

    Args:
        chosen: Metrics of the same sampler.
        context: Makes the pictures.
        request: What is measured; only metrics that do not draw their latents themselves take anything from it.
        samples: How many; at least 2.
        seed: Of the random draws.
        checkpoint: What an earlier run of the same had: it goes on from there.

    Raises:
        UsageError: Too few samples, or these samples tell nothing.
        DamagedCheckpointError: The checkpoint is not one of these metrics.
    """
    _check_samples(chosen, samples)
    first = samples_done(checkpoint)
    names = tuple(metric.name for metric in chosen)
    records = collect(chosen[0], context, request, Samples(samples - first, seed, first, names))
    return sampled(chosen, context.generator.info, samples, records, checkpoint)


def sampled(
    chosen: Sequence[Metric],
    info: GeneratorInfo,
    samples: int,
    records: Job[Any],
    checkpoint: Mapping[str, Any] | None = None,
) -> Job[dict[str, Estimate]]:
    """Compute the same from records of any origin, in the order of their samples, from the first missing one on."""
    _check_samples(chosen, samples)
    return Measurement(chosen, info, samples, records, checkpoint)


def _check_samples(chosen: Sequence[Metric], samples: int) -> None:
    if samples < 2:
        name = chosen[0].sample_name
        noun = name.removesuffix("s") if samples == 1 else name
        raise UsageError(f"{samples} {noun} cannot tell how sure the figure is.", "Take at least 2.")


class Measurement:
    """A job of metrics of one sampler; its values are estimates by name.

    Args:
        chosen: The metrics.
        info: Of the generator.
        samples: How many there are.
        records: A job that reports the record of each, in order, from the first one that `checkpoint` lacks.
        checkpoint: What an earlier run had; its sums go on, so that the figures are those of one run.

    Raises:
        DamagedCheckpointError: The checkpoint is not one of these metrics.
    """

    def __init__(
        self,
        chosen: Sequence[Metric],
        info: GeneratorInfo,
        samples: int,
        records: Job[Any],
        checkpoint: Mapping[str, Any] | None = None,
    ) -> None:
        self._totals = {metric.name: total_of(metric, info) for metric in chosen}
        self._records, self._samples = records, samples
        self._every = max(metric.report_every for metric in chosen)
        self._done, self._is_consistent, self._is_resumed = 0, True, False
        self._checkpoint: dict[str, Any] | None = None
        if checkpoint is not None:
            self._restore(checkpoint)

    def __iter__(self) -> Measurement:
        return self

    def __next__(self) -> Report[dict[str, Estimate]] | None:
        """Take a step; report the estimates so far after every `Metric.report_every` samples."""
        if self._is_resumed:
            self._is_resumed = False
            return self._report(RESUMED)
        report = next(self._records)
        if report is None:
            return None
        self._is_consistent = False
        for total in self._totals.values():
            total.add(report.value)
        self._done += 1
        self._checkpoint, self._is_consistent = None, True
        if self._done % self._every and self._done != self._samples:
            return None
        return self._report()

    def close(self) -> None:
        """End the job that takes the samples."""
        close = getattr(self._records, "close", None)
        if close is not None:
            close()

    def checkpoint(self) -> dict[str, Any] | None:
        """Return what a later run needs to go on from here, as JSON; None if there is nothing to go on from."""
        if self._checkpoint is None and self._is_consistent and self._done:
            states = {n: packed(t.state()) for n, t in self._totals.items() if isinstance(t, ResumableTotal)}
            if len(states) == len(self._totals):
                self._checkpoint = {"done": self._done, "totals": states}
        return self._checkpoint if self._is_consistent else None

    def _report(self, stage: str = "") -> Report[dict[str, Estimate]] | None:
        try:
            found = {name: total.estimate() for name, total in self._totals.items()}
        except UsageError:
            if self._done == self._samples:
                raise
            return None
        return Report(found, self._done, self._samples, stage)

    def _restore(self, checkpoint: Mapping[str, Any]) -> None:
        done = samples_done(checkpoint)
        try:
            if not 0 < done <= self._samples:
                raise ValueError(f"{done} samples")
            for name, total in self._totals.items():
                if not isinstance(total, ResumableTotal):
                    raise TypeError(f"{name} has no checkpoints")
                total.restore(unpacked(checkpoint["totals"][name]), done)
        except Exception as error:  # of what a damaged file holds, a metric may raise anything
            raise DamagedCheckpointError from error
        self._done, self._is_resumed = done, True


def samples_done(checkpoint: Mapping[str, Any] | None) -> int:
    """Return how many samples a checkpoint has. Raises DamagedCheckpointError."""
    done = 0 if checkpoint is None else checkpoint.get("done")
    if type(done) is not int:
        raise DamagedCheckpointError
    return done


def check_resumable(metric: Metric, info: GeneratorInfo) -> None:
    """Raise UsageError if measurements of a metric cannot be resumed."""
    if not isinstance(total_of(metric, info), ResumableTotal):
        raise UsageError(f"Measurements of {metric.name} cannot be resumed.", "Leave out --resume.")
